//! Finds the longest of many prefixes of a path.

use std::collections::HashMap;

use smallvec::SmallVec;

/// Prefixes of paths, each with a value: a tree of segments, walked once for each request.
///
/// A path is read as WSGI hands it to Paste's URL map, percent-decoded and with runs of slashes
/// as one, but it is not rewritten: lengths count its bytes as they are.
#[derive(Clone, Debug)]
pub(super) struct Paths<T> {
    /// The first is the root. Nodes lie in a row so that a deep tree drops without recursion.
    nodes: Vec<Node<T>>,
}

#[derive(Clone, Debug)]
struct Node<T> {
    /// The value of the prefix that ends here.
    here: Option<T>,
    /// The value of the prefix that ends here and wants something after it.
    beyond: Option<T>,
    segments: HashMap<Box<[u8]>, usize>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { here: None, beyond: None, segments: HashMap::new() }
    }
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl<T: Copy> Paths<T> {
    /// Adds a prefix: empty, or segments with a slash before each. One that ends in `/+` wants
    /// at least one character after the slash.
    pub(super) fn insert(&mut self, prefix: &str, value: T) {
        let open = prefix.strip_suffix("/+");
        let mut at = 0;
        for segment in open.unwrap_or(prefix).split('/').skip(1) {
            let next = self.nodes.len();
            at = *self.nodes[at].segments.entry(segment.as_bytes().into()).or_insert(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        let node = &mut self.nodes[at];
        *if open.is_some() { &mut node.beyond } else { &mut node.here } = Some(value);
    }

    /// The value of a prefix that matches all paths that another prefix does; none if some match
    /// nothing here.
    pub(super) fn covering(&self, prefix: &str) -> Option<T> {
        let open = prefix.strip_suffix("/+");
        let (mut found, mut node) = (None, &self.nodes[0]);
        for segment in open.unwrap_or(prefix).split('/').skip(1) {
            found = node.beyond.or(node.here).or(found);
            let Some(&next) = node.segments.get(segment.as_bytes()) else { return found };
            node = &self.nodes[next];
        }
        let beyond = node.beyond.filter(|_| open.is_some());
        beyond.or(node.here).or(found)
    }

    /// The value of the longest prefix, and the length of what it matches: up to the last slash
    /// before the rest, so that the rest begins with one slash or is empty.
    pub(super) fn find(&self, path: &str) -> Option<(T, usize)> {
        let path = path.as_bytes();
        let mut decoded = SmallVec::new();
        let (mut found, mut node, mut at) = (None, &self.nodes[0], 0);
        loop {
            let slashes = slashes(path, at);
            let (segment, end) = segment(path, slashes.end, &mut decoded);
            if slashes.is_none() && !segment.is_empty() {
                // Not a path, such as the `*` of `OPTIONS *`; only the first round can see one.
                return None;
            }
            let beyond = node.beyond.filter(|_| !segment.is_empty());
            if let Some(value) = beyond.or(node.here) {
                found = Some((value, slashes.last));
            }
            let Some(&next) = node.segments.get(segment) else { return found };
            (node, at) = (&self.nodes[next], end);
        }
    }
}

/// A run of slashes; none at the end of a path.
struct Slashes {
    /// Where the last of them begins.
    last: usize,
    /// Where the run ends.
    end: usize,
}

impl Slashes {
    fn is_none(&self) -> bool {
        self.last == self.end
    }
}

fn slashes(path: &[u8], start: usize) -> Slashes {
    let mut run = Slashes { last: start, end: start };
    while let Some((b'/', next)) = octet(path, run.end) {
        run = Slashes { last: run.end, end: next };
    }
    run
}

/// The segment that begins at a place, decoded, and where it ends.
fn segment<'path>(
    path: &'path [u8],
    start: usize,
    decoded: &'path mut SmallVec<[u8; 64]>,
) -> (&'path [u8], usize) {
    let rest = &path[start..];
    let plain = rest.iter().position(|byte| matches!(byte, b'/' | b'%')).unwrap_or(rest.len());
    if rest.get(plain) != Some(&b'%') {
        return (&rest[..plain], start + plain);
    }
    decoded.clear();
    let mut at = start;
    while let Some((byte, next)) = octet(path, at)
        && byte != b'/'
    {
        decoded.push(byte);
        at = next;
    }
    (decoded, at)
}

/// The byte at a place, percent-decoded, and the place after it.
fn octet(path: &[u8], at: usize) -> Option<(u8, usize)> {
    let digit = |at: usize| char::from(*path.get(at)?).to_digit(16);
    let byte = *path.get(at)?;
    if byte == b'%'
        && let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2))
    {
        let byte = u8::try_from(high << 4 | low).expect("two hexadecimal digits make a byte");
        return Some((byte, at + 3));
    }
    Some((byte, at + 1))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    fn find(prefixes: &[&'static str], path: &str) -> Option<(&'static str, usize)> {
        let mut paths = Paths::default();
        for prefix in prefixes {
            paths.insert(prefix, *prefix);
        }
        paths.find(path)
    }

    #[test]
    fn the_longest_prefix_of_whole_segments_wins() {
        let prefixes = ["", "/v2", "/v2/servers", "/v2/servers/x/y"];
        for (path, prefix, length) in [
            ("/", "", 0),
            ("/v1", "", 0),
            ("/v20", "", 0),
            ("/V2", "", 0),
            ("/v2", "/v2", 3),
            ("/v2/", "/v2", 3),
            ("/v2/servers2", "/v2", 3),
            ("/v2/servers/x/z", "/v2/servers", 11),
            ("/v2/servers/x/y/z", "/v2/servers/x/y", 15),
            ("", "", 0),
        ] {
            assert_eq!(find(&prefixes, path), Some((prefix, length)), "{path}");
        }
    }

    #[test]
    fn nothing_is_found_without_a_root() {
        assert_eq!(find(&["/a/b"], "/a"), None);
        assert_eq!(find(&["/a"], ""), None);
        assert_eq!(find(&[], "/"), None);
    }

    #[test]
    fn what_is_no_path_is_not_found() {
        assert_eq!(find(&[""], "*"), None);
    }

    #[test]
    fn the_rest_begins_with_one_slash() {
        for (path, rest) in [("//a//b", "/b"), ("/a//", "/"), ("/a///b//c", "/b//c")] {
            let (_, length) = find(&["/a"], path).unwrap();
            assert_eq!(&path[length..], rest, "{path}");
        }
    }

    #[test]
    fn a_path_is_decoded() {
        for (path, rest) in [
            ("/%61%20b/c", "/c"),
            ("/a%20b", ""),
            ("/a%20b%2Fc", "%2Fc"),
            ("%2F/a%20b/c", "/c"),
            ("/a%20b%2", "miss"),
            ("/a%2520b", "miss"),
            ("/a%zzb", "miss"),
        ] {
            let found = find(&["/a b"], path).map_or("miss", |(_, length)| &path[length..]);
            assert_eq!(found, rest, "{path}");
        }
        assert!(find(&["/ü"], "/%C3%BC/x").is_some());
    }

    #[test]
    fn a_plus_wants_something_after_the_slash() {
        let prefixes = ["/v2", "/v2/+", "/v2/x"];
        for (path, prefix) in [
            ("/v2", "/v2"),
            ("/v2/", "/v2"),
            ("/v2//", "/v2"),
            ("/v2/s", "/v2/+"),
            ("/v2//s", "/v2/+"),
            ("/v2/x/y", "/v2/x"),
        ] {
            assert_eq!(find(&prefixes, path).map(|(prefix, _)| prefix), Some(prefix), "{path}");
        }
    }

    #[test]
    fn a_prefix_covers_what_lies_below_it() {
        for (prefix, other, expected) in [
            ("", "/a/b", true),
            ("", "", true),
            ("/a", "/a/b", true),
            ("/a", "/a/+", true),
            ("/a", "/ab", false),
            ("/a", "", false),
            ("/a/+", "/a/b", true),
            ("/a/+", "/a/+", true),
            ("/a/+", "/a", false),
            ("/+", "", false),
            ("/+", "/a", true),
        ] {
            let mut paths = Paths::default();
            paths.insert(prefix, ());
            assert_eq!(paths.covering(other).is_some(), expected, "{prefix} {other}");
        }
    }

    /// A path as Paste's URL map looks at it.
    fn normalize(path: &str) -> String {
        let mut decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
        while decoded.contains("//") {
            decoded = decoded.replace("//", "/");
        }
        decoded
    }

    /// What Paste's URL map finds: the prefix, and what it leaves of the path.
    fn paste<'a>(prefixes: &'a [String], path: &str) -> Option<(&'a str, String)> {
        let path = normalize(path);
        let rest = |prefix: &str| Some(path.strip_prefix(prefix)?.to_owned());
        let found = prefixes.iter().filter_map(|prefix| Some((&**prefix, rest(prefix)?)));
        let found = found.filter(|(_, rest)| rest.is_empty() || rest.starts_with('/'));
        found.max_by_key(|(prefix, _)| prefix.len())
    }

    proptest! {
        #[test]
        fn finds_what_paste_finds(
            prefixes in vec("(/[ab]){0,3}", 0..6),
            path in "((/|%2f)(a|b|/|%61|%2F|%2|%){0,8})?",
        ) {
            let mut paths = Paths::default();
            for prefix in &prefixes {
                paths.insert(prefix, &**prefix);
            }
            let found = paths.find(&path).map(|(prefix, length)| (prefix, normalize(&path[length..])));
            prop_assert_eq!(found, paste(&prefixes, &path));
        }
    }
}

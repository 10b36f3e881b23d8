//! Keys of URL maps: `domain example.com port 8080 /v2.0`.

use super::space::words;

/// A part of the key of a URL map.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MountPart<'text> {
    /// `domain` and the word after it; none at the end of the key.
    Domain(Option<&'text str>),
    /// Any other word.
    Path(&'text str),
    /// `port` and the word after it; none at the end of the key.
    Port(Option<&'text str>),
}

/// Splits the key of a URL map into its parts, which may come in any order and number.
///
/// ```
/// use pasteline::syntax::{MountPart, mount};
///
/// let parts: Vec<_> = mount("domain example.com /v2.0").collect();
/// assert_eq!(parts, [MountPart::Domain(Some("example.com")), MountPart::Path("/v2.0")]);
/// ```
pub fn mount(text: &str) -> impl Iterator<Item = MountPart<'_>> + Clone {
    let mut words = words(text).map(|(_, word)| word);
    std::iter::from_fn(move || {
        Some(match words.next()? {
            "domain" => MountPart::Domain(words.next()),
            "port" => MountPart::Port(words.next()),
            path => MountPart::Path(path),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::MountPart::{Domain, Path, Port};
    use super::*;

    #[test]
    fn finds_parts_in_any_order() {
        for (text, expected) in [
            ("", vec![]),
            ("/", vec![Path("/")]),
            (" /a\t", vec![Path("/a")]),
            ("domain d port 80 /a", vec![Domain(Some("d")), Port(Some("80")), Path("/a")]),
            ("/a /b domain\nd", vec![Path("/a"), Path("/b"), Domain(Some("d"))]),
            ("domains port80", vec![Path("domains"), Path("port80")]),
            ("domain port 80", vec![Domain(Some("port")), Path("80")]),
            ("domain", vec![Domain(None)]),
            ("/a port ", vec![Path("/a"), Port(None)]),
        ] {
            assert_eq!(mount(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }
}

//! What the references in a value bring in.

use std::collections::HashSet;
use std::sync::Arc;

use super::Setting;
use super::expand::DEPTH;
use super::scope::Scope;
use crate::syntax::{self, PieceKind};

/// A value that a reference brings into another one.
#[derive(Clone, Debug)]
pub struct Brought<'a> {
    /// The name in the reference.
    pub key: String,
    /// How many references lead to it from the value that was asked for, from 1.
    pub depth: usize,
    /// The value before its own references are filled in.
    pub raw: Arc<str>,
    /// Where it stands; none for what no file says, such as `here`.
    pub setting: Option<&'a Setting>,
}

impl<'a> Scope<'a> {
    /// The option that a key stands for, the section's own or that of `[DEFAULT]`; none if no file
    /// gives it.
    pub fn setting(&self, key: &str) -> Option<&'a Setting> {
        self.find(key, None)?.setting
    }

    /// What the references in the value of a key bring in, each name once: the values that a
    /// value refers to follow it. None of it if there is more than [`Defaults::TOLD`] to tell of,
    /// with what was told of other values.
    ///
    /// [`Defaults::TOLD`]: super::Defaults::TOLD
    pub fn references(&self, key: &str) -> Option<Vec<Brought<'a>>> {
        let asked = self.find(key, None).filter(|asked| asked.raw.contains("%("));
        // Most values refer to nothing.
        let Some(asked) = asked else { return Some(Vec::new()) };
        let mut seen = HashSet::from([key.to_owned()]);
        let mut brought = Vec::new();
        // The last of them is looked at first.
        let mut left = self.named(&asked.raw, asked.setting, 1)?;
        while let Some(found) = left.pop() {
            if !seen.insert(found.key.clone()) {
                continue;
            }
            if found.depth < DEPTH {
                left.extend(self.named(&found.raw, found.setting, found.depth + 1)?);
            }
            brought.push(found);
        }
        Some(brought)
    }

    /// What the references in a raw value of `from` stand for, the last of them first; none if it
    /// is too much.
    fn named(&self, raw: &str, from: Option<&Setting>, depth: usize) -> Option<Vec<Brought<'a>>> {
        let mut brought = Vec::new();
        if !raw.contains("%(") {
            return Some(brought);
        }
        for piece in syntax::interpolation(raw) {
            let PieceKind::Reference { name } = piece.kind else { continue };
            if !self.defaults().may_tell() {
                return None;
            }
            let key = raw[name].to_owned();
            if let Some(found) = self.find(&key, from) {
                brought.push(Brought { key, depth, raw: found.raw, setting: found.setting });
            }
        }
        brought.reverse();
        Some(brought)
    }
}

#[cfg(test)]
mod tests {
    use crate::ini::{Defaults, parse};
    use crate::source::Sources;

    /// What the value of `a` in the first section is made of, as `depth key=raw @line`.
    fn references(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let source = sources.add("/dir/paste.ini", text);
        let (document, _) = parse(source, &sources);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        let line = |span| sources.location(span).line.to_string();
        let brought = scope.references("a").expect("there is not much");
        let shown = brought.into_iter().map(|brought| {
            let line = brought.setting.map_or("-".to_owned(), |setting| line(setting.key_span));
            format!("{} {}={} @{line}", brought.depth, brought.key, brought.raw)
        });
        shown.collect()
    }

    #[test]
    fn tells_what_references_bring_in() {
        let text = "[DEFAULT]\nroot = %(here)s/x\n[s]\na = %(root)s %(b)s %(root)s %%(c)s\nb = 1";
        let expected = ["1 root=%(here)s/x @2", "2 here=/dir @-", "1 b=1 @5"];
        assert_eq!(references(text), expected);
        assert_eq!(references("[s]\na = 1"), [""; 0]);
        assert_eq!(references("[s]\nb = %(c)s\nc = 1"), [""; 0]);
    }

    #[test]
    fn comes_to_an_end_where_values_do_not() {
        assert_eq!(
            references("[s]\na = %(b)s\nb = %(a)s%(b)s%(none)s"),
            ["1 b=%(a)s%(b)s%(none)s @3"]
        );
        let tenfold = |key: usize| format!("%(k{key})s").repeat(10);
        let levels = (0..9).map(|key| format!("k{key} = {}\n", tenfold(key + 1)));
        let text = format!("[s]\na = {}\n{}k9 = x", tenfold(0), levels.collect::<String>());
        assert_eq!(references(&text).len(), 10);
    }

    #[test]
    fn tells_of_no_more_than_there_is_room_for() {
        let mut sources = Sources::default();
        let many = format!("[s]\na = {}\nb = %(c)s\nc = x\n", "%(c)s".repeat(Defaults::TOLD - 1));
        let source = sources.add("paste.ini", many);
        let (document, _) = parse(source, &sources);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        let count = |key| scope.references(key).map(|brought| brought.len());
        assert_eq!(["a", "b", "c", "b"].map(count), [Some(1), Some(1), Some(0), None]);
    }
}

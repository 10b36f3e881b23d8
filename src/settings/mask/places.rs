//! Finds the secrets in the text of a paste file as it stands, whatever is wrong with it.

use std::collections::HashSet;
use std::ops::Range;

use super::{Mask, passwords};
use crate::syntax::{self, Line, LineKind, PieceKind};

/// How many references a value is followed through, which is how far Paste Deploy follows them.
const DEPTH: usize = 10;

/// The secrets of a text: what a secret option holds, also in comments, below faulty lines and
/// through references, and the passwords of URLs. A reference itself is none.
pub(super) fn secrets(mask: &Mask, text: &str) -> Vec<Range<usize>> {
    let mut pairs = Pairs { text, found: Vec::new(), open: None, comments: Vec::new() };
    syntax::parse(text).for_each(|line| pairs.line(line));
    let mut names: HashSet<&str> = HashSet::new();
    for _ in 0..DEPTH {
        let known = names.len();
        for (key, value) in &pairs.found {
            if mask.is_secret(key) || names.contains(key) {
                names.extend(references(&text[value.clone()]));
            }
        }
        if names.len() == known {
            break;
        }
    }
    let is_secret = |key: &str| mask.is_secret(key) || names.contains(key);
    let secret = pairs.found.into_iter().filter(|(key, _)| is_secret(key));
    secret.flat_map(|(_, value)| literals(text, value)).chain(passwords(text)).collect()
}

/// Keys and what a line gives to them.
struct Pairs<'text> {
    text: &'text str,
    found: Vec<(&'text str, Range<usize>)>,
    /// The option that deeper lines go on with, and its indentation.
    open: Option<(&'text str, usize)>,
    /// The comments since the last line of its value.
    comments: Vec<Range<usize>>,
}

impl Pairs<'_> {
    fn line(&mut self, line: Line) {
        let goes_on = self.open.is_some_and(|(_, indentation)| line.indentation > indentation);
        match line.kind {
            LineKind::Blank => {}
            LineKind::Comment => {
                self.assignments(line.text.clone());
                self.comments.push(line.text);
            }
            LineKind::Header { .. } if !goes_on => self.open = None,
            LineKind::Option { key, value } if !goes_on => {
                let key = name(&self.text[key]);
                self.comments.clear();
                self.open = Some((key, line.indentation));
                self.found.push((key, value.clone()));
                self.assignments(value);
            }
            // Most likely its indentation was forgotten, or its delimiter.
            LineKind::Junk => {
                self.first_word(line.text.clone());
                self.value(line.text);
            }
            LineKind::Header { .. } | LineKind::Option { .. } => self.value(line.text),
        }
    }

    /// A line that goes on with a value, which what was commented out above it does too.
    fn value(&mut self, line: Range<usize>) {
        if let Some((key, _)) = self.open {
            let comments = self.comments.drain(..);
            self.found.extend(comments.chain([line.clone()]).map(|place| (key, place)));
        }
        self.assignments(line);
    }

    fn first_word(&mut self, line: Range<usize>) {
        if let Some((word, rest)) = self.text[line.clone()].split_once(syntax::is_space) {
            self.found.push((word, line.end - rest.len()..line.end));
        }
    }

    /// What reads like an option in the midst of a line: `key=value`, `key: value`.
    fn assignments(&mut self, line: Range<usize>) {
        let text = &self.text[line.clone()];
        for (at, sign) in text.match_indices(['=', ':']) {
            let after = &text[at + sign.len()..];
            if sign == "=" || after.starts_with(syntax::is_space) {
                let before = text[..at].trim_end_matches(syntax::is_space);
                let word = before.trim_end_matches(is_of_a_name);
                self.found.push((&before[word.len()..], line.end - after.len()..line.end));
            }
        }
    }
}

fn is_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.')
}

/// The name of an option without the words of Paste Deploy before it.
fn name(key: &str) -> &str {
    key.strip_prefix("set ").map_or(key, |name| syntax::strip(name))
}

/// The names of the options that a value refers to.
fn references(value: &str) -> impl Iterator<Item = &str> {
    pieces(value).filter_map(|(_, kind)| match kind {
        PieceKind::Reference { name } => Some(&value[name]),
        _ => None,
    })
}

/// What of a value is no reference, each without the blanks around it.
fn literals(text: &str, value: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = value;
    let value = &text[start..end];
    let literals = pieces(value).filter(|(_, kind)| !matches!(kind, PieceKind::Reference { .. }));
    literals.map(move |(range, _)| {
        let stripped = syntax::strip(&value[range]);
        let at = start + stripped.as_ptr() as usize - value.as_ptr() as usize;
        at..at + stripped.len()
    })
}

fn pieces(value: &str) -> impl Iterator<Item = (Range<usize>, PieceKind)> {
    syntax::interpolation(value).map(|piece| (piece.range, piece.kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    /// What is seen of a text.
    fn seen(text: &str) -> String {
        let mut sources = Sources::default();
        let id = sources.add("paste.ini", text);
        let covered = sources.covered(|text| secrets(&Mask::new(["recipe"]), text));
        covered.get(id).text().to_string()
    }

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        for (text, expected) in [
            ("recipe = tea  \n", "recipe = ***  \n"),
            ("set recipe: tea", "set recipe: ***"),
            ("my_token = a b\n  c\n\n\td = e\nf = g", "my_token = ***\n  *\n\n\t*****\nf = g"),
            ("recipe =\n  a\n# old\n  b\n# new\nc =", "recipe =\n  *\n*****\n  *\n# new\nc ="),
            ("; recipe=tea", "; recipe=***"),
            ("a = b ; recipe = tea", "a = b ; recipe = ***"),
            ("a = b\n  recipe = tea", "a = b\n  recipe = ***"),
            ("header = X-Token: tea", "header = X-Token: ***"),
            ("recipe tea", "recipe ***"),
            ("recipe = a,\nb\n[s]", "recipe = **\n*\n[s]"),
            ("[s\nrecipe = tea", "[s\nrecipe = ***"),
            ("a = b://c:tea@d/ e", "a = b://c:***@d/ e"),
        ] {
            assert_eq!(seen(text), expected);
        }
    }

    #[test]
    fn nothing_else_is_hidden() {
        for text in [
            "[filter:token]\nuse = egg:keystonemiddleware#token\n",
            "pipeline = my_secret app\n",
            "paste.filter_factory = keystonemiddleware.auth_token:filter_factory\n",
            "factories =\n  a\n  keystonemiddleware.auth_token:filter_factory\n",
            "# The token expires\nget recipe = other\n",
            "recipe =\n\nother = tea\n",
        ] {
            assert_eq!(seen(text), text);
        }
    }

    #[test]
    fn references_lead_to_secrets_and_are_none() {
        let text = "a = tea\nb = %(a)s\nc = milk\nrecipe = x%(b)s %% %\nother = %(c)s";
        let expected = "a = ***\nb = %(a)s\nc = milk\nrecipe = *%(b)s ** *\nother = %(c)s";
        assert_eq!(seen(text), expected);
    }
}

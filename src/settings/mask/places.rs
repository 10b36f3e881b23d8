//! Finds the secrets in the text of a paste file as it stands, whatever is wrong with it.

use std::collections::HashSet;
use std::ops::Range;

use super::{Mask, passwords};
use crate::syntax::{self, Line, LineKind, PieceKind};

/// How many references a value is followed through, which is how far Paste Deploy follows them.
const DEPTH: usize = 10;

/// The secrets of a text: what a secret option holds, also in comments, below faulty lines and
/// through references, and the passwords of URLs. A reference itself is none.
///
/// The text is read again where a secret refers to other options, so that there need not be a
/// list of all options, which may be far larger than the text.
pub(super) fn secrets(mask: &Mask, text: &str) -> Vec<Range<usize>> {
    if !mask.may_have_names_in(text) {
        return passwords(text).collect();
    }
    let (_, found) = follow(mask, text);
    let literals = found.into_iter().flat_map(|value| literals(text, value));
    literals.chain(passwords(text)).collect()
}

/// The names of the options that the secrets of a text are made of by references. Where a file
/// lies is no secret.
pub(super) fn parts<'a>(mask: &Mask, text: &'a str) -> HashSet<&'a str> {
    if !text.contains("%(") || !mask.may_have_names_in(text) {
        return HashSet::new();
    }
    let (mut names, _) = follow(mask, text);
    names.retain(|name| !matches!(*name, "here" | "__file__"));
    names
}

/// The values of secret options and what they refer to, and the names of the latter.
fn follow<'a>(mask: &Mask, text: &'a str) -> (HashSet<&'a str>, Vec<Range<usize>>) {
    let mut names = HashSet::new();
    let mut found = values(mask, &names, text);
    for _ in 0..DEPTH {
        let known = names.len();
        names.extend(found.iter().flat_map(|value| references(&text[value.clone()])));
        if names.len() == known {
            break;
        }
        found = values(mask, &names, text);
    }
    (names, found)
}

/// What the lines of a text give to secret options, and to those of these names.
fn values(mask: &Mask, names: &HashSet<&str>, text: &str) -> Vec<Range<usize>> {
    let (found, comments) = (Vec::new(), Vec::new());
    let mut search = Search { mask, names, text, found, open: None, comments };
    syntax::parse(text).for_each(|line| search.line(line));
    search.found
}

/// A search for secrets, line by line.
struct Search<'a> {
    mask: &'a Mask,
    names: &'a HashSet<&'a str>,
    text: &'a str,
    found: Vec<Range<usize>>,
    /// The option that deeper lines go on with: its indentation, and whether it is secret.
    open: Option<(usize, bool)>,
    /// The comments since the last line of its value.
    comments: Vec<Range<usize>>,
}

impl Search<'_> {
    fn line(&mut self, line: Line) {
        let goes_on = self.open.is_some_and(|(indentation, _)| line.indentation > indentation);
        match line.kind {
            LineKind::Blank => {}
            LineKind::Comment => {
                self.assignment(line.text.clone());
                self.comments.push(line.text);
            }
            LineKind::Header { .. } if !goes_on => self.open = None,
            LineKind::Option { key, value } if !goes_on => {
                let is_secret = self.is_secret(name(&self.text[key]));
                self.comments.clear();
                self.open = Some((line.indentation, is_secret));
                self.value(value);
            }
            // Most likely its indentation was forgotten, or its delimiter.
            LineKind::Junk => {
                self.first_word(line.text.clone());
                self.value(line.text);
            }
            LineKind::Header { .. } | LineKind::Option { .. } => self.value(line.text),
        }
    }

    /// A line of a value. What is commented out above it may well have been one too.
    fn value(&mut self, line: Range<usize>) {
        let comments = self.comments.drain(..);
        if let Some((_, true)) = self.open {
            self.found.extend(comments.chain([line]));
        } else {
            drop(comments);
            self.assignment(line);
        }
    }

    fn first_word(&mut self, line: Range<usize>) {
        if let Some((word, rest)) = self.text[line.clone()].split_once(syntax::is_space)
            && self.is_secret(word)
        {
            self.found.push(line.end - rest.len()..line.end);
        }
    }

    /// What reads like a secret option in the midst of a line, `key=value` or `key: value`, up to
    /// the end of the line.
    fn assignment(&mut self, line: Range<usize>) {
        let text = &self.text[line.clone()];
        let mut values = text.match_indices(['=', ':']).filter_map(|(at, sign)| {
            let after = &text[at + sign.len()..];
            let is_sign = sign == "=" || after.starts_with(syntax::is_space);
            let before = text[..at].trim_end_matches(syntax::is_space);
            let word = &before[before.trim_end_matches(is_of_a_name).len()..];
            (is_sign && self.is_secret(word)).then(|| line.end - after.len()..line.end)
        });
        let first = values.next();
        drop(values);
        self.found.extend(first);
    }

    fn is_secret(&self, key: &str) -> bool {
        self.mask.is_secret(key) || self.names.contains(key)
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
    fn a_line_of_many_secrets_is_one() {
        let text = "token=".repeat(100_000);
        for before in ["", "a = "] {
            let text = format!("{before}{text}");
            let secret = before.len() + "token=".len()..text.len();
            assert_eq!(secrets(&Mask::default(), &text), vec![secret]);
        }
    }

    #[test]
    fn references_lead_to_secrets_and_are_none() {
        let text = "a = tea\nb = %(a)s\nc = milk\nrecipe = x%(b)s %% %\nother = %(c)s";
        let expected = "a = ***\nb = %(a)s\nc = milk\nrecipe = *%(b)s ** *\nother = %(c)s";
        assert_eq!(seen(text), expected);
    }
}

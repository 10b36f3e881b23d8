//! Hides secrets in messages that quote what references have brought in.

use std::collections::HashSet;

use super::{MASK, Mask, places};
use crate::diagnostic::Diagnostic;
use crate::source::{Sources, in_one_line};

/// The secrets of all texts, to the letter, as messages quote them; the longest first.
#[derive(Debug)]
pub(super) struct Literals {
    secrets: Vec<String>,
    /// Whether there are more than it pays to look for.
    is_full: bool,
}

impl Literals {
    /// How many secrets are looked for. With more of them everything that is quoted is hidden.
    const MOST: usize = 1000;

    /// The fewest letters of a secret. One letter gives nothing away, and is in many words.
    const SHORTEST: usize = 2;

    pub(super) fn of(mask: &Mask, sources: &Sources) -> Self {
        let mut secrets = HashSet::new();
        for (_, source) in sources.iter() {
            let text = source.text();
            let found = places::secrets(mask, text).into_iter().map(|range| &text[range]);
            let found = found.filter(|secret| secret.chars().nth(Self::SHORTEST - 1).is_some());
            secrets.extend(found.map(|secret| in_one_line(secret.to_owned())));
        }
        let is_full = secrets.len() > Self::MOST;
        let mut secrets: Vec<_> = secrets.into_iter().collect();
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Self { secrets, is_full }
    }

    /// A diagnostic without secrets in what it quotes.
    pub(super) fn hide(&self, mut told: Diagnostic) -> Diagnostic {
        let related = told.related.iter_mut().map(|(_, part)| part);
        let title = told.fix.as_mut().map(|fix| &mut fix.title);
        let texts = [&mut told.message, &mut told.label].into_iter();
        for text in texts.chain(related).chain(&mut told.help).chain(title) {
            *text = self.without(text);
        }
        told
    }

    /// A text without secrets between its backticks.
    fn without(&self, text: &str) -> String {
        let parts = text.split('`').enumerate();
        let parts = parts.map(|(number, part)| match number % 2 {
            0 => part.to_owned(),
            _ => self.quoted(part),
        });
        parts.collect::<Vec<_>>().join("`")
    }

    fn quoted(&self, quoted: &str) -> String {
        if self.is_full {
            return MASK.to_owned();
        }
        let hide = |text: String, secret: &String| text.replace(&**secret, MASK);
        let hidden = self.secrets.iter().fold(quoted.to_owned(), hide);
        match hidden.strip_suffix('…') {
            Some(start) => format!("{}…", self.cut_off(start)),
            None => hidden,
        }
    }

    /// A text that has been cut off, maybe in the midst of a secret.
    fn cut_off<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let starts = self.secrets.iter().flat_map(|secret| {
            let ends = secret.char_indices().skip(Self::SHORTEST).map(|(end, _)| end);
            ends.map(|end| &secret[..end])
        });
        let longest = starts.filter(|start| text.ends_with(start)).map(str::len).max();
        match longest {
            Some(length) => format!("{}{MASK}", &text[..text.len() - length]).into(),
            None => text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(text: &str) -> Literals {
        let mut sources = Sources::default();
        sources.add("paste.ini", text);
        Literals::of(&Mask::new(["recipe"]), &sources)
    }

    #[test]
    fn hides_secrets_in_what_is_quoted() {
        let literals = literals("recipe = lemon\nmy_token = lemonade\nx_token = a\n");
        for (text, expected) in [
            ("no lemon is `flemon`: `a`", "no lemon is `f****`: `a`"),
            ("`lemonade` `b` lemon", "`****` `b` lemon"),
            ("`a lemonad…`", "`a ****ad…`"),
            ("`a lem…`", "`a ****…`"),
            ("`a l…`", "`a l…`"),
        ] {
            assert_eq!(literals.without(text), expected);
        }
    }

    #[test]
    fn hides_all_that_is_quoted_if_there_are_too_many() {
        let many = (0..=Literals::MOST).map(|number| format!("x{number}_token = y{number}\n"));
        assert_eq!(
            literals(&many.collect::<String>()).without("no `x` is `y`"),
            "no `****` is `****`"
        );
    }
}

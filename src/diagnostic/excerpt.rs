//! Texts of a file in messages.

use std::fmt;

/// The first 80 characters of a text, for messages. Characters that would upset a terminal are
/// escaped.
///
/// ```
/// use pasteline::diagnostic::Excerpt;
///
/// assert_eq!(Excerpt("a\tb").to_string(), "a\\tb");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'text>(pub &'text str);

impl Excerpt<'_> {
    /// The most characters shown.
    const LENGTH: usize = 80;
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(Self::LENGTH).map(|(at, _)| at);
        let shown = &self.0[..end.unwrap_or(self.0.len())];
        for character in shown.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if end.is_some() { write!(f, "…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_harmless() {
        assert_eq!(Excerpt("\u{e9} \u{1b}[31m").to_string(), "\u{e9} \\u{1b}[31m");
        assert_eq!(Excerpt(&"a".repeat(81)).to_string(), format!("{}…", "a".repeat(80)));
    }
}

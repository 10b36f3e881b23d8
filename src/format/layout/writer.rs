//! Writes lines.

/// The text that is being written.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    line_end: &'static str,
}

impl Writer {
    /// A writer whose lines end as most lines of a text do: in `\r\n` or else in `\n`.
    pub(super) fn new(text: &str) -> Self {
        let both = text.matches("\r\n").count();
        let all = text.matches(['\r', '\n']).count() - both;
        let line_end = if 2 * both > all { "\r\n" } else { "\n" };
        Self { text: String::with_capacity(text.len() + text.len() / 8), line_end }
    }

    /// Writes blank lines, but none at the start of the text.
    pub(super) fn skip(&mut self, lines: usize) {
        if !self.text.is_empty() {
            (0..lines).for_each(|_| self.text.push_str(self.line_end));
        }
    }

    /// Writes a line of these parts after so many blanks.
    pub(super) fn line(&mut self, indentation: usize, parts: &[&str]) {
        self.text.extend(std::iter::repeat_n(' ', indentation));
        self.text.extend(parts.iter().copied());
        self.text.push_str(self.line_end);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

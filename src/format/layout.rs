//! Lays out lines: their indentation, the blank lines between them, their delimiters and ends.

mod value;
mod writer;

use std::mem;
use std::ops::Range;

use self::value::{Row, RowKind, Value};
use self::writer::Writer;
use crate::syntax::{self, Line, LineKind};

/// The text of a file, laid out.
pub(super) fn lay_out(text: &str) -> String {
    let mut layout = Layout::new(text);
    syntax::parse(text).for_each(|line| layout.line(&line));
    layout.finish()
}

/// What the lines read so far have come to.
#[derive(Debug)]
struct Layout<'text> {
    text: &'text str,
    writer: Writer,
    above: Above<'text>,
    /// The comments since the last line that was none. What follows tells to what they belong.
    comments: Vec<Row<'text>>,
    /// How many blank lines have been read since the last line that was not blank.
    gap: usize,
}

/// The last line that stands for itself.
#[derive(Debug)]
enum Above<'text> {
    Nothing,
    /// A header, or a line that nobody can read.
    Header,
    Option {
        indentation: usize,
        /// What goes on with its value.
        value: Value<'text>,
    },
}

impl<'text> Layout<'text> {
    fn new(text: &'text str) -> Self {
        let (writer, above) = (Writer::new(text), Above::Nothing);
        Self { text, writer, above, comments: Vec::new(), gap: 0 }
    }

    fn line(&mut self, line: &Line) {
        // Deeper lines go on with a value whatever they look like, but for comments and blank
        // lines, which are a part of it only if such a line follows.
        let is_deep = match &self.above {
            Above::Option { indentation, .. } => line.indentation > *indentation,
            Above::Nothing | Above::Header => false,
        };
        match &line.kind {
            LineKind::Blank => self.gap += 1,
            LineKind::Comment => {
                let kind = if is_deep { RowKind::DeepComment } else { RowKind::Comment };
                let row = self.row(line, kind);
                self.comments.push(row);
            }
            _ if is_deep => {
                let row = self.row(line, RowKind::Text);
                if let Above::Option { value, .. } = &mut self.above {
                    value.go_on(&mut self.comments, row);
                }
            }
            _ => self.stand_alone(line),
        }
    }

    fn row(&mut self, line: &Line, kind: RowKind) -> Row<'text> {
        let blanks = &self.text[line.range.start..line.text.start];
        let text = &self.text[line.text.clone()];
        Row::new(mem::take(&mut self.gap), blanks, text, kind)
    }

    /// Writes a line that does not go on with a value, and what stands above it.
    fn stand_alone(&mut self, line: &Line) {
        self.close_value();
        match &line.kind {
            LineKind::Header { .. } => self.set_apart(),
            _ if matches!(self.above, Above::Header) && self.comments.is_empty() => self.gap = 0,
            _ => {}
        }
        self.write_comments();
        self.writer.skip(mem::take(&mut self.gap).min(1));
        self.above = if let LineKind::Option { key, value } = &line.kind {
            let value = self.write_option(line, key, value);
            Above::Option { indentation: line.indentation, value }
        } else {
            self.writer.line(0, &[&self.text[line.text.clone()]]);
            Above::Header
        };
    }

    /// Writes the line of an option.
    fn write_option(
        &mut self,
        line: &Line,
        key: &Range<usize>,
        value: &Range<usize>,
    ) -> Value<'text> {
        let part = |range: &Range<usize>| &self.text[range.clone()];
        let (key, before, value) = (part(key), part(&(line.range.start..value.start)), part(value));
        // `[app:main` is an option, but was most likely meant to be a header. With another
        // delimiter it would no longer look like one.
        if key.starts_with('[') || key.is_empty() {
            self.writer.line(0, &[part(&line.text)]);
            return Value::below(key);
        }
        if value.is_empty() {
            self.writer.line(0, &[key, " ="]);
            return Value::below(key);
        }
        let after = format!("{key} = ");
        self.writer.line(0, &[&after, value]);
        Value::beside(key, before, &after)
    }

    /// Writes what goes on with the value above, and the comments that belong to it.
    fn close_value(&mut self) {
        if let Above::Option { value, .. } = &mut self.above {
            value.take_comments(&mut self.comments);
            value.write(&mut self.writer);
        }
    }

    /// Parts a section from the one above: by a blank line before its header, or before the
    /// comments that belong to the header.
    fn set_apart(&mut self) {
        let is_apart = self.gap > 0 || self.comments.iter().any(|comment| comment.gap > 0);
        if is_apart || matches!(self.above, Above::Nothing) {
            return;
        }
        // An option that is commented out belongs to the section above.
        let bound = Row::before_instructions(&self.comments);
        let above = self.comments[..bound].iter().rposition(Row::is_disabled_option);
        match self.comments.get_mut(above.map_or(0, |last| last + 1)) {
            Some(first) => first.gap = 1,
            None => self.gap = 1,
        }
    }

    fn write_comments(&mut self) {
        for comment in self.comments.drain(..) {
            self.writer.skip(comment.gap.min(1));
            self.writer.line(0, &[comment.text]);
        }
    }

    fn finish(mut self) -> String {
        self.close_value();
        self.write_comments();
        self.writer.finish()
    }
}

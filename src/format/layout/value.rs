//! The lines that go on with a value, and the comments among them.

use super::writer::Writer;
use crate::syntax;

/// What follows the line of an option and belongs to it.
#[derive(Debug)]
pub(super) struct Value<'text> {
    /// Whether it is a list of words, whose lines have no structure but their order.
    is_list: bool,
    /// The column of its first line, if that stands beside the key: in the file, and laid out.
    beside: Option<(usize, usize)>,
    rows: Vec<Row<'text>>,
}

/// A line, its blanks taken off.
#[derive(Debug)]
pub(super) struct Row<'text> {
    /// How many blank lines stand above it.
    pub(super) gap: usize,
    /// The column that its text begins at.
    column: usize,
    kind: RowKind,
    pub(super) text: &'text str,
}

/// What a line is to a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RowKind {
    /// A comment no deeper than the option.
    Comment,
    /// A comment that is deeper than the option, as lines of its value are.
    DeepComment,
    /// A line of the value.
    Text,
}

impl<'text> Value<'text> {
    /// The indentation of the lines that go on with a value.
    const INDENTATION: usize = 4;

    /// How deep a value may begin for its lines to be aligned with it, and how much deeper than
    /// the others a line may be. It is more than people use, and keeps a file of tabs from growing
    /// without measure.
    const DEEPEST: usize = 80;

    /// The value of an option that begins below its key.
    pub(super) fn below(key: &str) -> Self {
        Self { is_list: key == "pipeline", beside: None, rows: Vec::new() }
    }

    /// The value of an option that begins beside its key, given what stands before it in the
    /// file and laid out.
    pub(super) fn beside(key: &str, before: &str, after: &str) -> Self {
        Self { beside: Some((column(before), column(after))), ..Self::below(key) }
    }

    /// Adds a line of the value and the comments above it.
    pub(super) fn go_on(&mut self, comments: &mut Vec<Row<'text>>, line: Row<'text>) {
        self.rows.append(comments);
        self.rows.push(line);
    }

    /// Takes those of the comments after the value that are as deep as its lines, up to a blank
    /// line, and what is between them.
    pub(super) fn take_comments(&mut self, comments: &mut Vec<Row<'text>>) {
        let bound = Row::before_instructions(comments);
        let near = comments[..bound].iter().take_while(|comment| comment.gap == 0).count();
        let is_deep = |comment: &Row<'_>| comment.kind == RowKind::DeepComment;
        let own = comments[..near].iter().rposition(is_deep).map_or(0, |last| last + 1);
        self.rows.extend(comments.drain(..own));
    }

    /// Writes the lines with as many blank lines between them as there were, as those are a part
    /// of the value.
    pub(super) fn write(&self, writer: &mut Writer) {
        let margin = self.margin();
        let indentation = match self.beside {
            Some((before, after)) if before == margin && after <= Self::DEEPEST => after,
            _ => Self::INDENTATION,
        };
        for row in &self.rows {
            writer.skip(row.gap);
            let deeper = if self.is_list { 0 } else { row.column.saturating_sub(margin) };
            let indentation = match row.kind {
                RowKind::Comment => 0,
                RowKind::DeepComment | RowKind::Text => indentation + deeper.min(Self::DEEPEST),
            };
            writer.line(indentation, &[row.text]);
        }
    }

    /// The column of the least deep line; without lines, that of the least deep comment.
    fn margin(&self) -> usize {
        let least = |kind| {
            let rows = self.rows.iter().filter(move |row| row.kind == kind);
            rows.map(|row| row.column).min()
        };
        least(RowKind::Text).or_else(|| least(RowKind::DeepComment)).unwrap_or_default()
    }
}

impl<'text> Row<'text> {
    pub(super) fn new(gap: usize, blanks: &str, text: &'text str, kind: RowKind) -> Self {
        Self { gap, column: column(blanks), kind, text }
    }

    /// How many comments stand above the first that is for this program, as in
    /// `# pasteline: allow …`. With that begins what belongs to the line below.
    pub(super) fn before_instructions(comments: &[Self]) -> usize {
        const MARK: &str = concat!(env!("CARGO_PKG_NAME"), ":");
        let is_instruction = |comment: &Self| {
            let text = comment.text.trim_start_matches(['#', ';']);
            syntax::strip(text).starts_with(MARK)
        };
        comments.iter().position(is_instruction).unwrap_or(comments.len())
    }

    /// Whether it is a comment that would be an option without its sign: `# debug = true`.
    pub(super) fn is_disabled_option(&self) -> bool {
        let Some((key, _)) = self.text.split_once('=') else { return false };
        let key = syntax::strip(key.trim_start_matches(['#', ';']));
        !key.is_empty() && !key.contains(syntax::is_space)
    }
}

/// The column after a text, from 0. Tabs lead to the next multiple of eight, as on a terminal.
fn column(text: &str) -> usize {
    const TAB: usize = 8;
    text.chars().fold(0, |column, character| match character {
        '\t' => (column / TAB + 1) * TAB,
        _ => column + 1,
    })
}

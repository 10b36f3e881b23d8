//! What is given again and says the same: it can be taken out.

use std::ops::Range;

use super::block::Place;
use super::{Section, Setting};
use crate::diagnostic::{Applicability, Excerpt, Fix};
use crate::source::{Span, line_start, whole_lines};
use crate::syntax::{self, LineKind};

/// An option or a section that is given again.
#[derive(Debug)]
pub(super) struct Again {
    /// Where it is first given.
    pub(super) first: Span,
    /// The number of the fault that says so; none if it was not kept.
    pub(super) fault: Option<usize>,
}

/// The option that is first given at a place; options stand in the order of their file.
pub(super) fn option_at(options: &[Setting], first: Span) -> Option<&Setting> {
    let found = options.binary_search_by_key(&first.start, |option| option.key_span.start).ok()?;
    options.get(found)
}

/// The section that is first given at a place; sections stand in the order of their file.
pub(super) fn section_at(sections: &[Section], first: Span) -> Option<&Section> {
    let found = sections.binary_search_by_key(&first.start, |section| section.span.start).ok()?;
    sections.get(found)
}

/// Whether options given again add nothing to the first ones.
pub(super) fn is_same(options: &[Setting], first: &[Setting]) -> bool {
    let is_alike =
        |(option, other): (&Setting, &Setting)| option.key == other.key && option.raw == other.raw;
    options.is_empty() || options.len() == first.len() && options.iter().zip(first).all(is_alike)
}

/// Takes out the lines that a range lies in. A comment among them or right above them may be of
/// use elsewhere, so then a person must look.
pub(super) fn remove(name: &str, range: &Range<usize>, place: Place<'_>) -> Fix {
    let lines = whole_lines(place.text, range);
    let above = line_start(place.text, lines.start.saturating_sub(1));
    let is_comment = |line: syntax::Line| line.kind == LineKind::Comment;
    let has_comment = syntax::parse(&place.text[above..lines.end]).any(is_comment);
    let applicability = if has_comment { Applicability::Unsafe } else { Applicability::Safe };
    let edits = vec![(place.span(&lines), String::new())];
    Fix { title: format!("remove the repeated `{}`", Excerpt(name)), edits, applicability }
}

//! Whether two documents say the same.

use crate::ini::{Document, Setting};

/// Whether two documents have the same sections with the same options and raw values in the same
/// order. Where they stand in their files does not count.
pub(super) fn is_kept(before: &Document, after: &Document) -> bool {
    let Document { source: _, defaults, sections } = before;
    is_same(defaults, &after.defaults)
        && sections.len() == after.sections.len()
        && sections.iter().zip(&after.sections).all(|(section, other)| {
            section.name == other.name && is_same(&section.options, &other.options)
        })
}

fn is_same(options: &[Setting], others: &[Setting]) -> bool {
    options.len() == others.len()
        && options
            .iter()
            .zip(others)
            .all(|(option, other)| option.key == other.key && option.raw == other.raw)
}

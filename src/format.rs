//! Formats paste files: one layout for all, the meaning untouched.

mod layout;
mod meaning;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::ini::{self, Document};
use crate::source::Sources;

/// The text of a document in the layout that `docs/fmt.md` describes.
///
/// Its sections, options and values are the same, to the letter, and so are its comments. The
/// caller refuses documents with faults first, as nobody knows what those are meant to say; what
/// comes back for them has the same meaning too, if anything does.
///
/// # Errors
///
/// The text is read again before it is handed out; see [`Altered`].
///
/// ```
/// use pasteline::{format, ini, source::Sources};
///
/// let mut sources = Sources::default();
/// let source = sources.add("api-paste.ini", "[app:main]\nuse: egg:Paste#static\n\n\n");
/// let (document, faults) = ini::parse(source, &sources);
/// assert!(faults.is_empty());
/// let text = format::format(&document, &sources).expect("formatting keeps the meaning");
/// assert_eq!(&*text, "[app:main]\nuse = egg:Paste#static\n");
/// ```
pub fn format(document: &Document, sources: &Sources) -> Result<Arc<str>, Altered> {
    let source = sources.get(document.source);
    let mut formatted = Sources::default();
    let again = formatted.add(source.name(), layout::lay_out(source.text()));
    let (after, _) = ini::parse(again, &formatted);
    if meaning::is_kept(document, &after) {
        Ok(formatted.get(again).text().clone())
    } else {
        Err(Altered)
    }
}

/// The layout would change what a file means. Of a file without faults that is a fault of the
/// formatter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Altered;

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "formatting it would change its meaning, which is a bug; please report it")
    }
}

impl std::error::Error for Altered {}

//! Names as they stand in a file: the words of a pipeline, the value of `use`.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::ini::{Places, Value};
use crate::source::{Sources, Span};
use crate::syntax;

/// What somebody is asked for by, and where that stands.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: Arc<str>,
    /// What it stands in; none for what the operator asks for.
    written: Option<Arc<Written>>,
    /// Its bytes in that.
    range: Range<usize>,
}

/// A value in a file, shared by the names in it.
#[derive(Debug)]
struct Written {
    value: Value,
    /// Found when the first place is asked for.
    places: OnceLock<Option<Places>>,
}

impl Name {
    /// A whole value.
    pub(super) fn whole(value: Value) -> Self {
        let (text, range) = (Arc::clone(&value.text), 0..value.text.len());
        Self { text, written: Some(Written::of(value)), range }
    }

    /// What the operator asks for.
    pub(super) fn given(text: &str) -> Self {
        Self { text: Arc::from(text), written: None, range: 0..text.len() }
    }

    /// The words of a value.
    pub(super) fn words(value: &Value) -> Vec<Self> {
        let written = Written::of(value.clone());
        let word = |(at, word): (usize, &str)| Self {
            text: Arc::from(word),
            written: Some(Arc::clone(&written)),
            range: at..at + word.len(),
        };
        syntax::words(&value.text).map(word).collect()
    }

    /// A part of the name, which is a part of its text, as a name of its own.
    pub(super) fn part(&self, part: &str) -> Self {
        let at = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let start = (self.range.start + at).min(self.range.end);
        let end = (start + part.len()).min(self.range.end);
        Self { text: Arc::from(part), written: self.written.clone(), range: start..end }
    }

    /// A name that is not written out, but follows from this one.
    pub(super) fn implied(&self, text: &str) -> Self {
        Self { text: Arc::from(text), ..self.clone() }
    }

    /// The place of the name; none if no file gives it.
    pub(super) fn place(&self, sources: &Sources) -> Option<Span> {
        let Written { value, places } = self.written.as_deref()?;
        if self.range.len() == value.text.len() {
            return value.span;
        }
        let places = places.get_or_init(|| value.places(sources));
        places.as_ref()?.part(self.range.clone())
    }
}

impl Written {
    fn of(value: Value) -> Arc<Self> {
        Arc::new(Self { value, places: OnceLock::new() })
    }
}

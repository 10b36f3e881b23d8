//! The sections of a file as they were parsed, for people.

use super::rows::{Rows, place};
use crate::diagnostic::Diagnostic;
use crate::ini::{Defaults, Document, Scope, Setting};
use crate::settings::Mask;
use crate::source::{self, Span};

/// The sections of a file with what lies over it, references between options filled in.
#[derive(Debug)]
pub(super) struct Sections {
    /// The sections, each option with the place that it came from.
    pub(super) text: String,
    /// The references that cannot be filled in; those options stand as they are.
    pub(super) faults: Vec<Diagnostic>,
}

impl Sections {
    /// The sections of a document.
    pub(super) fn of(document: &Document, sources: &source::Sources, mask: &Mask) -> Self {
        let defaults = Defaults::new(document, sources);
        let mut listing = Listing { sources, mask, text: String::new(), faults: Vec::new() };
        if !document.defaults.is_empty() {
            listing.add("DEFAULT", None, (&document.defaults, &defaults.scope(None, sources)));
        }
        for section in &document.sections {
            let scope = defaults.scope(Some(section), sources);
            listing.add(&section.name, Some(section.span), (&section.options, &scope));
        }
        Self { text: listing.text, faults: listing.faults }
    }
}

struct Listing<'a> {
    sources: &'a source::Sources,
    mask: &'a Mask,
    text: String,
    faults: Vec<Diagnostic>,
}

impl Listing<'_> {
    fn add(&mut self, name: &str, span: Option<Span>, (options, scope): (&[Setting], &Scope<'_>)) {
        let mut rows = Rows::new(1, self.mask, self.sources);
        for Setting { key, raw, value_span, .. } in options {
            let value = match scope.value(key) {
                Some(Ok(value)) => value.text,
                Some(Err(fault)) => {
                    self.faults.push(*fault);
                    raw.clone()
                }
                None => raw.clone(),
            };
            rows.add(key, &value, Some(*value_span));
        }
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let place = place(span, self.sources);
        self.text.extend([gap, "[", name, "]", &place, "\n", &rows.to_string()]);
    }
}

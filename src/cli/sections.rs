//! The sections of a file as they were parsed, for people.

use std::sync::Arc;

use super::rows::{Manner, Rows, harmless};
use crate::diagnostic::Findings;
use crate::graph::{Origin, Origins};
use crate::ini::{Defaults, Document, Scope, Section, Setting};

/// The sections of a file with what lies over it, references between options filled in.
#[derive(Debug)]
pub(super) struct Sections {
    /// The sections, each option with the place that it came from.
    pub(super) text: String,
    /// The references that cannot be filled in; those options stand as they are.
    pub(super) faults: Findings,
}

impl Sections {
    /// The sections of a document.
    pub(super) fn of(document: &Document, origins: &Origins<'_>, manner: Manner<'_>) -> Self {
        let defaults = Defaults::new(document, manner.sources);
        let mut listing =
            Listing { origins, manner, text: String::new(), faults: Findings::default() };
        if !document.defaults.is_empty() {
            listing.add(None, &document.defaults, &defaults.scope(None, manner.sources));
        }
        for section in &document.sections {
            let scope = defaults.scope(Some(section), manner.sources);
            listing.add(Some(section), &section.options, &scope);
        }
        Self { text: listing.text, faults: listing.faults }
    }
}

struct Listing<'s, 'a> {
    origins: &'s Origins<'a>,
    manner: Manner<'s>,
    text: String,
    faults: Findings,
}

impl Listing<'_, '_> {
    /// Adds a section, or `[DEFAULT]`.
    fn add(&mut self, section: Option<&Section>, options: &[Setting], scope: &Scope<'_>) {
        let header = section.map(|section| &section.name);
        let name = header.map_or("DEFAULT", Arc::as_ref);
        let mut rows = Rows::new(1, self.manner, Some(name));
        for setting in options {
            let value = scope.value(&setting.key).transpose();
            let value = value.unwrap_or_else(|fault| {
                self.faults.add([*fault]);
                None
            });
            let text = value.map_or_else(|| Arc::clone(&setting.raw), |value| value.text);
            let steps = self.origins.written(header, setting, scope);
            rows.add(&setting.key, &Origin { key: Arc::clone(&setting.key), text, steps });
        }
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let place = self.manner.place(section.map(|section| section.span));
        self.text.extend([gap, "[", &harmless(name), "]", &place, "\n", &rows.to_string()]);
    }
}

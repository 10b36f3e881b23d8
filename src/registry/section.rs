//! A group of settings files that something beside the factories reads.

use std::any::Any;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::ini::Conf;
use crate::settings::{Dialect, OptionSpec, Reader, Settings, Subject};
use crate::source::Sources;

/// Settings that were read, their type forgotten.
pub(crate) type Reading = Arc<dyn Any + Send + Sync>;

/// A group of settings files that something beside the factories reads: a service of a program.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The name that heads it.
    pub name: &'static str,
    /// What it is for, as Markdown.
    pub doc: &'static str,
    /// Its options, in the order of their declaration.
    pub options: &'static [OptionSpec],
    read: fn(&mut Reader<'_>) -> Option<Reading>,
}

impl Section {
    /// A group that is read as `S`.
    pub fn of<S: Settings + Send + Sync>(name: &'static str) -> Self {
        let read = |reader: &mut Reader<'_>| S::read(reader).map(|read| Arc::new(read) as Reading);
        Self { name, doc: S::DOC, options: S::OPTIONS, read }
    }

    /// Reads what is given, and tells all that is wrong with it.
    pub(crate) fn read(
        &self,
        given: &Conf,
        sources: &Sources,
    ) -> (Option<Reading>, Vec<Diagnostic>) {
        let subject = Subject { factory: self.name, place: None, dialect: &Dialect::new() };
        let nothing = Conf::default();
        let mut reader = Reader::new(subject, given, &nothing, sources);
        let read = (self.read)(&mut reader);
        let home = format!("it stands in `[{}]` of a file that `--config-file` names", self.name);
        let placed = |found: Diagnostic| match found.span {
            Some(_) => found,
            // What is missing has no place of its own.
            None => found.help(&*home),
        };
        (read, reader.finish().into_iter().map(placed).collect())
    }
}

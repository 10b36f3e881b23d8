//! The names under which a factory stands for one of Python.

use super::Retired;
use crate::settings::Dialect;

/// A Python factory that a definition stands for, and what differs under its name.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// The factory as files name it: `egg:Paste#urlmap`, `oslo_middleware.cors:filter_factory`.
    pub spec: &'static str,
    /// How its options differ.
    pub dialect: Dialect,
    /// What a user should know beside the options, in a sentence; empty if nothing.
    pub note: &'static str,
    /// What became of it, where it is no longer what it was.
    pub retired: Option<Retired>,
    /// Why nothing is done in its place, in words that follow a colon; empty if something is.
    pub idle: &'static str,
}

impl Alias {
    /// An alias under which nothing differs, unknown options included, which are refused.
    pub const fn of(spec: &'static str) -> Self {
        Self { spec, dialect: Dialect::new(), note: "", retired: None, idle: "" }
    }

    /// Sets how its options differ.
    #[must_use]
    pub const fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Sets what a user should know beside the options.
    #[must_use]
    pub const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    /// Sets why nothing is done in its place, in words that follow a colon.
    #[must_use]
    pub const fn idle(mut self, why: &'static str) -> Self {
        self.idle = why;
        self
    }

    /// Sets what became of it, in words that follow its name, and the factory that took its
    /// place, another alias of the same definition.
    #[must_use]
    pub const fn retired(mut self, how: &'static str, successor: &'static str) -> Self {
        self.retired = Some(Retired { how, successor: Some(successor) });
        self
    }
}

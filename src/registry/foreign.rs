//! What is known of Python factories that have no native form.

use super::Retired;

/// A Python factory that has no native form, and of which something is known all the same.
#[derive(Clone, Copy, Debug)]
pub struct Foreign {
    /// The factory as files name it.
    pub spec: &'static str,
    /// Why it has none.
    pub reason: Reason,
}

/// Why a Python factory has no native form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Python code has a part in what it does: which, in words that follow its name, and what to do
    /// instead.
    Python {
        /// "asks a Python function for passwords".
        why: &'static str,
        /// "name `egg:pasteline#basic_auth` in its place".
        instead: &'static str,
    },
    /// What it does must not be done before the world: why, in words that follow its name, and
    /// what to do instead.
    Refused {
        /// "shows source code to clients".
        why: &'static str,
        /// "name `egg:pasteline#catch_errors` in its place".
        instead: &'static str,
    },
    /// It is no longer there.
    Retired(Retired),
}

impl Foreign {
    /// A factory that is no longer there, and its successor.
    pub const fn retired(
        spec: &'static str,
        how: &'static str,
        successor: Option<&'static str>,
    ) -> Self {
        Self { spec, reason: Reason::Retired(Retired { how, successor }) }
    }

    /// A factory that needs Python code: for what, and what to do instead.
    pub const fn python(spec: &'static str, why: &'static str, instead: &'static str) -> Self {
        Self { spec, reason: Reason::Python { why, instead } }
    }

    /// A factory that does what must not be done: why, and what to do instead.
    pub const fn refused(spec: &'static str, why: &'static str, instead: &'static str) -> Self {
        Self { spec, reason: Reason::Refused { why, instead } }
    }

    /// What is to be known: a sentence without a full stop.
    pub fn summary(&self) -> String {
        match self.reason {
            Reason::Python { why, .. } | Reason::Refused { why, .. } => {
                format!("`{}` {why}", self.spec)
            }
            Reason::Retired(retired) => retired.told_of(&format!("`{}`", self.spec)),
        }
    }
}

/// A Python package that paste files name factories of.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// The name by which it is imported, or that of its distribution as PEP 503 writes it.
    pub name: &'static str,
    /// What it is.
    pub role: Role,
}

/// What a Python package is to those who name its factories.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Middleware for any service.
    Library,
    /// A service, by the name that people know it by: its own middleware works nowhere else.
    Service(&'static str),
}

impl Package {
    /// A package of middleware for any service.
    pub const fn library(name: &'static str) -> Self {
        Self { name, role: Role::Library }
    }

    /// The package of a service, and the name that people know it by.
    pub const fn service(name: &'static str, title: &'static str) -> Self {
        Self { name, role: Role::Service(title) }
    }
}

/// A Python factory that only hands on to the one that an option names.
#[derive(Clone, Copy, Debug)]
pub struct Relay {
    /// The factory as files name it.
    pub spec: &'static str,
    /// The option.
    pub option: &'static str,
}

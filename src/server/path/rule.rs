//! What becomes of something in a path that not all read alike.

use crate::settings::{Form, Rejected, Setting};

/// What becomes of something in a path that not all read in the same way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// It stays as it is.
    Pass,
    /// The request is refused.
    Reject,
    /// The path is written without it, meaning what it means to most.
    Resolve,
}

impl Setting for Rule {
    const EXPECTED: &'static str = "`pass`, `reject` or `resolve`";
    const FORM: Form = Form::Words(&["pass", "reject", "resolve"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "pass" => Ok(Self::Pass),
            "reject" => Ok(Self::Reject),
            "resolve" => Ok(Self::Resolve),
            _ => Err(Rejected::default()),
        }
    }
}

/// What becomes of something in a path that has no one meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leave {
    /// It stays as it is.
    Pass,
    /// The request is refused.
    Reject,
}

impl Setting for Leave {
    const EXPECTED: &'static str = "`pass` or `reject`";
    const FORM: Form = Form::Words(&["pass", "reject"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "pass" => Ok(Self::Pass),
            "reject" => Ok(Self::Reject),
            _ => Err(Rejected::default()),
        }
    }
}

impl From<Leave> for Rule {
    fn from(leave: Leave) -> Self {
        match leave {
            Leave::Pass => Self::Pass,
            Leave::Reject => Self::Reject,
        }
    }
}

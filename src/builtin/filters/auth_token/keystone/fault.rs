//! Why Keystone gives no answer.

use std::fmt;

use http::StatusCode;

/// Why Keystone gives no answer, or none that says anything of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum Fault {
    /// Something came that is no answer.
    Broken(String),
    /// The filter cannot log in: the answer's status.
    LoginRefused(StatusCode),
    /// The connection ended before an answer was there.
    Lost(String),
    /// The catalog of the filter's own token has no such endpoint of Keystone.
    NoEndpoint(&'static str),
    /// It answered with a status that says nothing of the token.
    Refused(StatusCode),
    /// No answer came in time.
    Timeout,
    /// No connection can be made.
    Unreachable(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(reason) => write!(f, "its answer cannot be read: {reason}"),
            Self::LoginRefused(status) => {
                write!(f, "it refuses the login of `auth_token` itself with {status}")
            }
            Self::Lost(reason) => write!(f, "the connection to it broke: {reason}"),
            Self::NoEndpoint(interface) => write!(
                f,
                "its catalog has no `{interface}` endpoint of `identity`; set `interface` or `region_name`"
            ),
            Self::Refused(status) => write!(f, "it answers {status}"),
            Self::Timeout => f.write_str("no answer came in time"),
            Self::Unreachable(reason) => write!(f, "it cannot be reached: {reason}"),
        }
    }
}

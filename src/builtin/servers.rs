//! Servers that come with pasteline.

mod http;

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[http::DEFINITION];

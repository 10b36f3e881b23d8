//! Filters that come with pasteline.

mod headers;
mod pass;

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[headers::DEFINITION, pass::DEFINITION];

//! Apps that come with pasteline.

mod respond;

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[respond::DEFINITION];

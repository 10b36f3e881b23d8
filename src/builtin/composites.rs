//! Composites that come with pasteline.

mod strategy;

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[strategy::DEFINITION];

//! Apps that come with pasteline.

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[];

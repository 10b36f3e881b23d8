//! Apps that come with pasteline.

mod echo;
mod healthcheck;
mod proxy;
mod respond;
mod r#static;
mod versions;

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[
    echo::DEFINITION,
    healthcheck::DEFINITION,
    proxy::DEFINITION,
    respond::DEFINITION,
    r#static::DEFINITION,
    versions::DEFINITION,
];

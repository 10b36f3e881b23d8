//! Composites that come with pasteline.

mod strategy;
mod urlmap;

use serde_json::{Map, Value as Json};

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[strategy::DEFINITION, urlmap::DEFINITION];

/// What `show` prints of a child: the option that names it, its name, and what it is.
fn child(key: &str, name: &str, node: Json) -> Json {
    object([("key", key.into()), ("name", name.into()), ("node", node)]).into()
}

/// A JSON object of fields that are moved in. `json!` would copy them, each tree once for every
/// level above it.
fn object<const N: usize>(fields: [(&str, Json); N]) -> Map<String, Json> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

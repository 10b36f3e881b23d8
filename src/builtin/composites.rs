//! Composites that come with pasteline.

mod cascade;
mod strategy;
mod urlmap;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::ini::Value;
use crate::registry::Definition;
use crate::source::Sources;
use crate::syntax;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] =
    &[cascade::DEFINITION, strategy::DEFINITION, urlmap::DEFINITION];

/// What became of factories of projects that have another name now.
const RENAMED: &str = "was renamed with its project";

/// The words of a value, each with its place.
fn words(value: &Value, sources: &Sources) -> impl Iterator<Item = Value> {
    let places = value.places(sources);
    syntax::words(&value.text).map(move |(at, word)| Value {
        text: Arc::from(word),
        key_span: value.key_span,
        span: places.as_ref().and_then(|places| places.part(at..at + word.len())),
    })
}

/// What `show` prints of a child: the option that names it, its name, and what it is.
fn child(key: &str, name: &str, node: Json) -> Json {
    object([("key", key.into()), ("name", name.into()), ("node", node)]).into()
}

/// A JSON object of fields that are moved in. `json!` would copy them, each tree once for every
/// level above it.
fn object<const N: usize>(fields: [(&str, Json); N]) -> Map<String, Json> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

//! Files that say what they are warned of, for tests.

use crate::diagnostic::annotation::assert_annotated;
use crate::graph::fixture::loader;
use crate::registry::Registry;

/// Compares what a text says it is warned of with what validating it finds.
pub(super) fn assert_linted(text: &str) {
    let registry = Registry::builtin();
    let mut loader = loader(text, &[], &[], &registry);
    let found = super::validate(&mut loader, &registry);
    assert_annotated(text, &found, loader.sources());
}

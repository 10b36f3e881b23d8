//! Checks every factory of a graph: whether it is known, and whether its options are right.

use super::notes::Notes;
use super::unknown::unknown;
use super::{Graph, Node};
use crate::diagnostic::Diagnostic;
use crate::registry::{Kind, Registry};
use crate::settings::Reader;
use crate::source::Sources;

/// Checks every factory of a graph against the registry, also those of parts that belong to
/// nothing because something else is at fault. It has no side effects.
pub fn check(graph: &Graph, registry: &Registry, sources: &Sources) -> Vec<Diagnostic> {
    let mut notes = Notes::new(graph.broken.clone());
    for (_, node) in graph.iter() {
        if notes.is_full() {
            break;
        }
        for diagnostic in check_node(node, registry, sources) {
            notes.add(diagnostic);
        }
    }
    notes.finish().0
}

fn check_node(node: &Node, registry: &Registry, sources: &Sources) -> Vec<Diagnostic> {
    let Some((kind, factory)) = node.made_by() else { return Vec::new() };
    let maker = node.maker(factory, registry);
    let Some(found) = registry.find(kind, maker.spec) else {
        return vec![unknown(node, (&maker, kind), registry, sources)];
    };
    // The options of a composite were read when it said what it is made of.
    if kind == Kind::Composite {
        return Vec::new();
    }
    let subject = found.subject(maker.spec, maker.place);
    let mut reader =
        Reader::new(subject, &maker.local, &node.global, sources).beneath(&node.settings);
    found.definition.check(kind, &mut reader);
    reader.finish()
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture::assert_validated;

    #[test]
    fn reads_the_options_of_each_factory() {
        assert_validated(
            "\
[pipeline:main]
pipeline = a a b missing c
#                ^^^^^^^ unknown-section: no filter is called `missing`
[filter:a]
use = egg:pasteline#tint
#     ^^^^^^^^^^^^^^^^^^ missing-option: `egg:pasteline#tint` needs the option `colour`
[filter:b]
use = egg:pasteline#tint
colour =
#       ^ bad-value: `colour` is refused: it is transparent
[app:c]
use = demo
times = many
#       ^^^^ bad-value: `times` is `many`, expected a whole number from 0 to 255
[app:demo]
paste.app_factory = demo:page
tilte = x
;^^^^ unknown-option: `demo:page` has no option `tilte`
",
        );
    }
}

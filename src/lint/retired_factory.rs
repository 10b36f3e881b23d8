//! Python factories that are no longer what they were: pasteline takes them, upstream does not.

use super::{Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::graph::{Graph, Node};
use crate::registry::{Registry, Retired};

pub(super) const LINT: Lint = Lint { slug: "retired-factory", looks: &[Look::Graph(look)] };

fn look(graph: &Graph, registry: &Registry, found: &mut Found) {
    for (_, node) in graph.iter() {
        let Some(factory) = node.factory() else { continue };
        let mut aliases = registry.all(&factory.spec).filter_map(|found| found.alias);
        if let Some(retired) = aliases.find_map(|alias| alias.retired) {
            found.add(fault(node, &factory.spec, &retired));
        }
    }
}

fn fault(node: &Node, spec: &str, retired: &Retired) -> Diagnostic {
    Diagnostic::warning(LINT.slug, retired.told_of(&format!("`{}`", Excerpt(spec))))
        .at(node.place)
        .label("pasteline takes it all the same")
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_what_became_of_a_factory() {
        assert_linted(
            "\
[pipeline:main]
pipeline = id caught echo
[filter:id]
paste.filter_factory = oslo.middleware:RequestId.factory
#                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ warning retired-factory: `oslo.middleware:RequestId.factory` was removed from oslo.middleware 6.0.0; its successor is `oslo_middleware:RequestId.factory`
[filter:caught]
paste.filter_factory = oslo_middleware:CatchErrors.factory
[app:echo]
use = egg:pasteline#echo
",
        );
    }
}

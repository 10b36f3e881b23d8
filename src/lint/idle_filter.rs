//! Python filters in whose place nothing is done.

use super::{Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::graph::Graph;
use crate::registry::Registry;

pub(super) const LINT: Lint = Lint { slug: "idle-filter", looks: &[Look::Graph(look)] };

fn look(graph: &Graph, registry: &Registry, found: &mut Found) {
    for (_, node) in graph.iter() {
        let Some((kind, factory)) = node.made_by() else { continue };
        let maker = node.maker(factory, registry);
        let alias = registry.find(kind, maker.spec).and_then(|found| found.alias);
        let Some(alias) = alias.filter(|alias| !alias.idle.is_empty()) else { continue };
        let message = format!("`{}` does nothing here: {}", Excerpt(maker.spec), alias.idle);
        found.add(Diagnostic::note(LINT.slug, message).at(maker.place));
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_in_whose_place_nothing_is_done() {
        assert_linted(
            "\
[pipeline:main]
pipeline = recon none echo
[filter:recon]
use = egg:swift#recon
#     ^^^^^^^^^^^^^^^ note idle-filter: `egg:swift#recon` does nothing here: it tells of disks and rings, which only Swift's own processes know
recon_cache_path = /var/cache/swift
[filter:none]
use = egg:pasteline#pass
[app:echo]
use = egg:pasteline#echo
",
        );
    }
}

//! Keys of a composite that no request ever comes to.

use super::{Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::graph::{Graph, Node, NodeKind};
use crate::registry::{Branch, Flow, Registry};
use crate::source::Span;

pub(super) const LINT: Lint = Lint { slug: "shadowed-path", looks: &[Look::Graph(look)] };

fn look(graph: &Graph, _: &Registry, found: &mut Found) {
    for (_, node) in graph.iter() {
        let NodeKind::Composite { plan: Some(plan), .. } = &node.kind else { continue };
        let Flow::Branches(branches) = plan.flow() else { continue };
        for branch in branches.iter().filter(|branch| branch.is_hidden()) {
            found.add(fault(node, branch, &branches));
        }
    }
}

fn fault(node: &Node, hidden: &Branch, branches: &[Branch]) -> Diagnostic {
    let section = node.section().unwrap_or_default();
    let message =
        format!("no request comes to `{}` of `[{}]`", Excerpt(&hidden.key), Excerpt(section));
    let place = |branch: &Branch| -> Option<Span> { node.local.get(&*branch.key)?.key_span };
    let other = branches.iter().find(|other| Some(&other.key) == hidden.hidden_by.as_ref());
    Diagnostic::warning(LINT.slug, message)
        .at(place(hidden).or(node.place))
        .label("another key takes all that it could")
        .related(other.and_then(place), "this one comes before it")
        .help("remove it, or give it a path of its own")
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_of_keys_that_stand_for_the_same() {
        assert_linted(
            "\
[composite:main]
use = egg:pasteline#urlmap
/v2 = echo
;^^ warning shadowed-path: no request comes to `/v2` of `[composite:main]`
/v2/ = echo
;--- this one comes before it
/v2/a = echo
[composite:hosts]
use = egg:pasteline#urlmap
domain a.org port 8080 /v2 = echo
;^^^^^^^^^^^^^^^^^^^^^^^^^ warning shadowed-path: no request comes to `domain a.org port 8080 /v2` of `[composite:hosts]`
domain a.org = echo
;----------- this one comes before it
[composite:turns]
use = egg:pasteline#cascade
app1 = echo
;--- this one comes before it
app2 = echo
;^^^ warning shadowed-path: no request comes to `app2` of `[composite:turns]`
catch =
[composite:other]
use = egg:pasteline#urlmap
/ = main
[app:echo]
use = egg:pasteline#echo
",
        );
    }
}

//! What is told of names: misspelt ones, old ones, and those without effect.

use super::input::names;
use super::layers::{Given, Layers};
use super::options::{Alias, GROUPS};
use crate::diagnostic::{Diagnostic, nearest};

/// Options of other programs that look like ours and are not misspelt.
const OTHERS: [&str; 2] = ["host", "tcp_keepalive"];

/// Warns of names in the files that are most likely misspelt ones of ours. In `[DEFAULT]` a
/// service has hundreds of its own, so that only a near miss is one; a group that only we read
/// has no others.
pub(super) fn misspelt(layers: &Layers) -> Vec<Diagnostic> {
    layers.of_files().filter_map(warning).collect()
}

/// Warns of an option that none of the factories has which read its group.
pub(super) fn in_group(group: &str, given: &Given, known: &[&str]) -> Option<Diagnostic> {
    if known.contains(&&*given.name) {
        return None;
    }
    Some(no_such_option(group, given, (nearest(&given.name, known.iter().copied()), known)))
}

/// Warns of old names, whether or not they count.
pub(super) fn old(layers: &Layers) -> Vec<Diagnostic> {
    let warning = |(alias, given): (&Alias, &Given)| {
        let ((their_group, theirs), (group, name)) = (alias.theirs, alias.ours);
        let message = format!("option `{theirs}` of `[{their_group}]` is deprecated");
        Diagnostic::warning("deprecated-option", message)
            .at(given.value.key_span)
            .help(format!("use `{name}` of `[{group}]`"))
    };
    layers.deprecated().map(warning).collect()
}

fn warning(given: &Given) -> Option<Diagnostic> {
    let Given { group, name, .. } = given;
    let of_group = names().filter(|(known, _)| *known == &**group).map(|(_, name)| name);
    let of_group: Vec<_> = of_group.collect();
    if of_group.contains(&&**name) || !GROUPS.iter().any(|known| known.name == &**group) {
        return None;
    }
    let near = match &**group {
        "DEFAULT" if OTHERS.contains(&&**name) => return None,
        "DEFAULT" => Some(near_miss(name, &of_group)?),
        _ => nearest(name, of_group.iter().copied()),
    };
    Some(no_such_option(group, given, (near, &of_group)))
}

fn no_such_option(
    group: &str,
    Given { name, value, .. }: &Given,
    (near, known): (Option<&str>, &[&str]),
) -> Diagnostic {
    let message = format!("no option of `[{group}]` is called `{name}`");
    let warning = Diagnostic::warning("unknown-option", message).at(value.key_span);
    match near {
        Some(near) => warning.help(format!("did you mean `{near}`?")),
        None => warning.help(format!("its options are `{}`", known.join("`, `"))),
    }
}

/// The name that another is a slip of the finger away from: one letter more, less or other, or
/// two swapped. Short names are near to too much.
fn near_miss(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let is_near = |known: &&&str| {
        known.len() > 4 && strsim::damerau_levenshtein(&name.to_lowercase(), known) <= 1
    };
    known.iter().find(is_near).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slip_of_the_finger_is_near() {
        let known = ["bind_port", "debug", "log_dir", "tcp_keepidle", "api_workers"];
        for (name, expected) in [
            ("bind_prot", Some("bind_port")),
            ("Bind_port", Some("bind_port")),
            ("api_worker", Some("api_workers")),
            ("debugs", Some("debug")),
            ("tcp_keepalive", None),
            ("rpc_workers", None),
            ("osapi_workers", None),
            ("log_date_format", None),
            ("bind_addr", None),
        ] {
            assert_eq!(near_miss(name, &known), expected, "{name}");
        }
    }
}

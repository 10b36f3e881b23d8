//! What is told of names: misspelt ones, old ones, and those without effect.

use super::input::names;
use super::layers::{Given, Layers};
use super::options::{Alias, GROUPS};
use crate::diagnostic::{Diagnostic, nearest};

/// Options of other programs that look like ours and are not misspelt.
const OTHERS: [&str; 2] = ["host", "tcp_keepalive"];

/// Warns of names in files and in the environment that are most likely misspelt ones of ours.
pub(super) fn warnings(layers: &Layers) -> Vec<Diagnostic> {
    layers.of_files().chain(layers.of_environment()).filter_map(warning).collect()
}

/// What a name may have been meant for that is most likely a misspelt one of ours; none if it is
/// not. In `[DEFAULT]` a service has hundreds of its own, so that only a near miss is one; a group
/// that only we read has no others.
pub(super) fn misspelt(group: &str, name: &str) -> Option<Meant> {
    let known: Vec<_> =
        names().filter(|(known, _)| *known == group).map(|(_, name)| name).collect();
    if known.contains(&name) || !GROUPS.iter().any(|known| known.name == group) {
        return None;
    }
    let near = match group {
        "DEFAULT" if OTHERS.contains(&name) => return None,
        "DEFAULT" => Some(near_miss(name, &known)?),
        _ => nearest(name, known.iter().copied()),
    };
    Some(Meant { near, known })
}

/// What a misspelt name may have been meant for.
pub(super) struct Meant {
    /// The name that is nearest to it, if one is near.
    near: Option<&'static str>,
    /// All that there are in its group.
    known: Vec<&'static str>,
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
    let Meant { near, known } = misspelt(&given.group, &given.name)?;
    Some(no_such_option(&given.group, given, (near, &known)))
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

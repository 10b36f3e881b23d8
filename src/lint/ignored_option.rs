//! Options of a server that stand where only Swift looks for them.

use std::collections::HashSet;

use super::{File, Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::Setting;
use crate::registry::FactoryId;
use crate::syntax::{self, Piece, PieceKind};

pub(super) const LINT: Lint = Lint { slug: "ignored-option", looks: &[Look::File(look)] };

/// What Swift's server reads in `[DEFAULT]`, and what a section of a server calls it here.
const OPTIONS: [(&str, &str); 12] = [
    ("backlog", "backlog"),
    ("bind_ip", "host"),
    ("bind_port", "port"),
    ("bind_timeout", "retry_until_window"),
    ("cert_file", "tls_cert"),
    ("client_timeout", "body_timeout"),
    ("keep_idle", "tcp_keepidle"),
    ("keepalive_timeout", "keep_alive_timeout"),
    ("key_file", "tls_key"),
    ("max_clients", "max_requests_in_flight"),
    ("user", "user"),
    ("workers", "workers"),
];

/// What else it reads there, by the beginnings of the names, and what to do about it.
const OTHERS: [(&str, &str); 6] = [
    ("eventlet_debug", "remove it: nothing here runs by eventlet"),
    ("ionice_", "the service manager says it: `IOSchedulingClass` and `IOSchedulingPriority`"),
    ("log_statsd_", "the filter `stats` sends statistics"),
    ("log_", "the command line and settings files set the log up"),
    ("nice_priority", "the service manager says it: `Nice`"),
    ("statsd_", "the filter `stats` sends statistics"),
];

fn look(file: &File<'_>, found: &mut Found) {
    let has_server = file.sections().any(|section| section.name.starts_with("server:"));
    if has_server || !is_of_swift(file) {
        return;
    }
    let referred: HashSet<_> = file.options().flat_map(|option| references(&option.raw)).collect();
    for option in &file.document.defaults {
        let Some(fault) = fault(option) else { continue };
        // A value that others refer to has an effect there.
        if !referred.contains(&*option.key) {
            found.add(fault);
        }
    }
}

/// The keys that a value refers to.
fn references(raw: &str) -> impl Iterator<Item = &str> {
    let referred = |piece: Piece| match piece.kind {
        PieceKind::Reference { name } => Some(&raw[name]),
        _ => None,
    };
    syntax::interpolation(raw).filter_map(referred)
}

/// Whether a file is one that Swift's server serves.
fn is_of_swift(file: &File<'_>) -> bool {
    let mut used = file.sections().flat_map(|section| &section.options);
    used.any(|option| &*option.key == "use" && FactoryId::of(&option.raw).package() == "swift")
}

fn fault(option: &Setting) -> Option<Diagnostic> {
    let key = &*option.key;
    let other = OTHERS.iter().find(|(beginning, _)| key.starts_with(beginning));
    let help = match (OPTIONS.iter().find(|(theirs, _)| *theirs == key), other) {
        (Some((_, "workers")), _) if &*option.raw == "auto" => {
            "remove it: there is a worker for each processor unless a server says otherwise".into()
        }
        (Some((_, ours)), _) => {
            let written = format!("`{ours} = {}`", Excerpt(&option.raw));
            format!(
                "write {written} in a `[server:main]` that begins with `use = egg:pasteline#http`"
            )
        }
        (None, Some((_, advice))) => (*advice).to_owned(),
        (None, None) => return None,
    };
    let message = format!("`{key}` has no effect: only Swift's own server reads it in `[DEFAULT]`");
    Some(Diagnostic::note(LINT.slug, message).at(option.key_span).help(help))
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    const SWIFT: &str = "\
[DEFAULT]
bind_ip = 192.0.2.1
bind_port = 8080
;^^^^^^^^ note ignored-option: `bind_port` has no effect: only Swift's own server reads it in `[DEFAULT]`
host = %(bind_ip)s
log_level = INFO
;^^^^^^^^ note ignored-option: `log_level` has no effect: only Swift's own server reads it in `[DEFAULT]`
admin_key = key
[pipeline:main]
pipeline = caught echo
[filter:caught]
use = egg:swift#catch_errors
[app:echo]
use = egg:pasteline#echo
";

    #[test]
    fn tells_where_options_of_the_server_belong() {
        assert_linted(SWIFT);
    }

    #[test]
    fn a_server_of_the_file_has_its_own_options() {
        let without = |text: &str| {
            let lines = text.split_inclusive('\n');
            lines.filter(|line| !line.starts_with(';')).collect::<String>()
        };
        let server = "[server:main]\nuse = egg:pasteline#http\n";
        assert_linted(&format!("{}{server}", without(SWIFT)));
        assert_linted(&without(&SWIFT.replace("egg:swift#", "egg:oslo.middleware#")));
    }
}

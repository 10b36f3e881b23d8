//! What the distributions that Paste Deploy files name most have to offer.

use super::{Object, header};
use crate::registry::normalize;

/// An entry point of a Python distribution.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryPoint {
    /// Its name.
    pub(super) name: &'static str,
    /// The protocol by which Paste Deploy would call it.
    pub(super) protocol: &'static str,
}

/// The entry points of Paste 3.10.1 and PasteDeploy 3.1.0 by protocol; none for other
/// distributions, whose entry points only Python could know.
pub(super) fn entry_points(distribution: &str) -> Option<impl Iterator<Item = EntryPoint>> {
    let name = normalize(distribution);
    let (_, offered) = KNOWN.iter().find(|(known, _)| *known == name)?;
    let points = offered
        .iter()
        .flat_map(|(protocol, names)| names.iter().map(move |name| EntryPoint { name, protocol }));
    Some(points)
}

/// The protocols that make an object, in groups of which the first that is given counts.
pub(super) fn protocols(object: Object) -> &'static [&'static [&'static str]] {
    match object {
        Object::App => &[&[APP_FACTORY], &[COMPOSITE_FACTORY], &[COMPOSIT_FACTORY]],
        Object::Filter => &[&[FILTER_FACTORY, FILTER_APP_FACTORY]],
        Object::Server => &[&[SERVER_FACTORY, SERVER_RUNNER]],
    }
}

const APP_FACTORY: &str = "paste.app_factory";
pub(super) const COMPOSITE_FACTORY: &str = "paste.composite_factory";
pub(super) const COMPOSIT_FACTORY: &str = "paste.composit_factory";
const FILTER_FACTORY: &str = "paste.filter_factory";
const FILTER_APP_FACTORY: &str = "paste.filter_app_factory";
const SERVER_FACTORY: &str = "paste.server_factory";
const SERVER_RUNNER: &str = "paste.server_runner";

/// Stands for the protocol of an entry point that only Python could know.
pub(super) const ENTRY_POINT: &str = "entry-point";

/// What `call:` is called by in a section.
pub(super) fn implied_protocol(header: &str, object: Object) -> &'static str {
    match (object, header::split(header).0) {
        (Object::App, "composite" | "composit") => COMPOSIT_FACTORY,
        (Object::App, _) => APP_FACTORY,
        (Object::Filter, _) => FILTER_FACTORY,
        (Object::Server, _) => SERVER_FACTORY,
    }
}

/// Distributions, by their normalised names.
const KNOWN: [(&str, Offered); 2] = [("paste", PASTE), ("pastedeploy", PASTE_DEPLOY)];

type Offered = &'static [(&'static str, &'static [&'static str])];

const PASTE: Offered = &[
    (
        APP_FACTORY,
        &[
            "cgi",
            "pkg_resources",
            "proxy",
            "static",
            "test",
            "test_slow",
            "transparent_proxy",
            "urlparser",
            "watch_threads",
        ],
    ),
    (COMPOSITE_FACTORY, &["cascade", "urlmap"]),
    (
        FILTER_APP_FACTORY,
        &[
            "auth_basic",
            "auth_cookie",
            "auth_digest",
            "auth_form",
            "auth_tkt",
            "cgitb",
            "config",
            "cowbell",
            "error_catcher",
            "errordocument",
            "evalerror",
            "flup_session",
            "grantip",
            "gzip",
            "httpexceptions",
            "lint",
            "openid",
            "paste_session",
            "pony",
            "printdebug",
            "profile",
            "recursive",
            "registry",
            "translogger",
            "wdg_validate",
        ],
    ),
    (SERVER_RUNNER, &["http"]),
];

const PASTE_DEPLOY: Offered = &[(FILTER_APP_FACTORY, &["config", "prefix"])];

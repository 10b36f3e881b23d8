//! The Python factories that the app stands for.

use crate::builtin::filters::OSLO_CONFIG;
use crate::registry::Alias;
use crate::settings::{Dialect, Group};

/// oslo takes options from `[DEFAULT]` too, and looks at nothing if it is not told to.
const OSLO: Dialect = Dialect::lenient()
    .ignored(OSLO_CONFIG)
    .defaults(&[("backends", "")])
    .group(Group::Own("healthcheck"))
    .globals(&[
        "allowed_source_ranges",
        "backends",
        "detailed",
        "disable_by_file_path",
        "disable_by_file_paths",
        "enable_by_file_paths",
        "ignore_proxied_requests",
        "path",
    ]);

const SWIFT: Dialect = Dialect::lenient()
    .renamed(&[("disable_path", "disable_by_file_path")])
    .defaults(&[("negotiate", "false")])
    .globals(&["disable_path"]);

const NOTE: &str = "The original asks itself in circles where a client is not allowed, takes no \
                    notice of a backend that does not exist, and details the insides of Python.";

const AN_APP: &str = "is no filter since oslo.middleware 7.0.0, but an app";

pub(super) const ALIASES: &[Alias] = &[
    Alias::of("egg:oslo.middleware#healthcheck").dialect(OSLO).note(NOTE),
    Alias::of("egg:swift#healthcheck").dialect(SWIFT),
    Alias::of("oslo_middleware.healthcheck:Healthcheck.app_factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware.healthcheck:Healthcheck.factory")
        .dialect(OSLO)
        .note(NOTE)
        .retired(AN_APP, "oslo_middleware.healthcheck:Healthcheck.app_factory"),
    Alias::of("oslo_middleware:Healthcheck.app_factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:Healthcheck.factory")
        .dialect(OSLO)
        .note(NOTE)
        .retired(AN_APP, "oslo_middleware:Healthcheck.app_factory"),
    Alias::of("swift.common.middleware.healthcheck:filter_factory").dialect(SWIFT),
];

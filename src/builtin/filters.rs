//! Filters that come with pasteline.

mod access_log;
mod basic_auth;
mod catch_errors;
mod compress;
mod cors;
mod headers;
mod http_proxy_to_wsgi;
mod pass;
mod request_id;
mod sizelimit;
mod timeout;

use crate::registry::Definition;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[
    access_log::DEFINITION,
    basic_auth::DEFINITION,
    catch_errors::DEFINITION,
    compress::DEFINITION,
    cors::DEFINITION,
    headers::DEFINITION,
    http_proxy_to_wsgi::DEFINITION,
    pass::DEFINITION,
    request_id::DEFINITION,
    sizelimit::DEFINITION,
    timeout::DEFINITION,
];

/// The options by which each factory of oslo.middleware finds a settings file of its own.
pub(super) const OSLO_CONFIG: &[(&str, &str)] = &[
    ("oslo_config_file", "settings files are named once, for the whole server"),
    ("oslo_config_program", "settings files are named once, for the whole server"),
    ("oslo_config_project", "settings files are named once, for the whole server"),
];

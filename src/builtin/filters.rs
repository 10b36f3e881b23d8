//! Filters that come with pasteline.

mod access_log;
mod audit;
mod auth_token;
mod basic_auth;
mod cache;
mod catch_errors;
mod cname_lookup;
mod compress;
mod concurrency;
mod correlation_id;
mod cors;
mod debug;
mod decompress;
mod domain_remap;
mod error_pages;
mod external_oauth2_token;
mod fault_wrap;
mod gatekeeper;
mod grantip;
mod headers;
mod http_proxy_to_wsgi;
mod memcache;
mod noauth;
mod oauth2_token;
mod pass;
mod prefix;
mod rate_limit;
mod ratelimit;
mod request_id;
mod sizelimit;
mod stats;
mod timeout;
mod trace_context;

use crate::registry::Definition;
use crate::settings::Group;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Definition] = &[
    access_log::DEFINITION,
    audit::DEFINITION,
    auth_token::DEFINITION,
    basic_auth::DEFINITION,
    cache::DEFINITION,
    catch_errors::DEFINITION,
    cname_lookup::DEFINITION,
    compress::DEFINITION,
    concurrency::DEFINITION,
    correlation_id::DEFINITION,
    cors::DEFINITION,
    debug::DEFINITION,
    decompress::DEFINITION,
    domain_remap::DEFINITION,
    error_pages::DEFINITION,
    external_oauth2_token::DEFINITION,
    fault_wrap::DEFINITION,
    gatekeeper::DEFINITION,
    grantip::DEFINITION,
    headers::DEFINITION,
    http_proxy_to_wsgi::DEFINITION,
    memcache::DEFINITION,
    noauth::DEFINITION,
    oauth2_token::DEFINITION,
    pass::DEFINITION,
    prefix::DEFINITION,
    rate_limit::DEFINITION,
    ratelimit::DEFINITION,
    request_id::DEFINITION,
    sizelimit::DEFINITION,
    stats::DEFINITION,
    timeout::DEFINITION,
    trace_context::DEFINITION,
];

/// What stands before a cache if it asks who a client is, and why.
const BEFORE_CACHE: (&str, &str) =
    ("cache", "the cache would answer those whom nobody has asked who they are");

/// What became of the copies that projects had of what is in oslo.middleware.
const COPIED: &str = "was replaced by that of oslo.middleware";

/// What became of the module `oslo.middleware`, which is `oslo_middleware`.
const NAMESPACE: &str = "was removed from oslo.middleware 6.0.0";

/// The options by which each factory of oslo.middleware finds a settings file of its own.
pub(super) const OSLO_CONFIG: &[(&str, &str)] = &[
    ("oslo_config_file", ONE_CONFIG),
    ("oslo_config_program", ONE_CONFIG),
    ("oslo_config_project", ONE_CONFIG),
];

const ONE_CONFIG: &str = "settings files are named once, for the whole server";

/// The group of settings files that most factories of oslo.middleware share.
const OSLO_MIDDLEWARE: Group = Group::Own("oslo_middleware");

const LOG: &str = "the log is set up by the server";

/// The options by which Swift's filters set up a log of their own.
const SWIFT_LOG: &[(&str, &str)] = &[
    ("log_address", LOG),
    ("log_facility", LOG),
    ("log_headers", LOG),
    ("log_level", LOG),
    ("log_name", LOG),
];

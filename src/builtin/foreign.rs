//! What is known of Python factories that have no native form, and of Python packages.

use crate::registry::{Foreign, Package, Relay};

/// All of them, in alphabetical order.
pub(super) const ALL: &[Foreign] = &[
    Foreign::refused("egg:Paste#cgi", RUNS_PROGRAMS, PROXY),
    Foreign::refused("egg:Paste#cgitb", SHOWS_CODE, CATCH_ERRORS),
    Foreign::refused("egg:Paste#evalerror", RUNS_CODE, CATCH_ERRORS),
    Foreign::refused("egg:Paste#printdebug", SHOWS_OUTPUT, DEBUG),
    Foreign::refused("egg:Paste#profile", SHOWS_PROFILE, ACCESS_LOG),
    Foreign::refused("egg:Paste#transparent_proxy", GOES_ANYWHERE, PROXY),
    Foreign::refused("egg:Paste#watch_threads", SHOWS_THREADS, ADMIN),
    Foreign::retired("egg:swift3#s3token", SWIFT3, Some("egg:swift#s3token")),
    Foreign::retired("egg:swift3#swift3", SWIFT3, Some("egg:swift#s3api")),
    Foreign::retired("keystoneclient.middleware.auth_token:app_factory", CLIENT, AUTH_TOKEN_APP),
    Foreign::retired("keystoneclient.middleware.s3_token:filter_factory", CLIENT, S3_TOKEN),
    Foreign::retired("keystonemiddleware.ec2_token:app_factory", TOKENS, None),
    Foreign::retired("keystonemiddleware.ec2_token:filter_factory", TOKENS, None),
    Foreign::retired("keystonemiddleware.s3_token:filter_factory", TOKENS, S3_TOKEN),
];

const GOES_ANYWHERE: &str = "passes requests on to whatever host a client names";
const RUNS_CODE: &str = "lets clients run code in the server";
const RUNS_PROGRAMS: &str = "runs a program for each request";
const SHOWS_CODE: &str = "shows source code and the values of variables to clients";
const SHOWS_OUTPUT: &str = "shows what a program prints to clients";
const SHOWS_PROFILE: &str = "shows to clients how long functions take";
const SHOWS_THREADS: &str = "shows the stacks of threads, and ends them, for any client";

const ACCESS_LOG: &str = "`egg:pasteline#access_log` tells how long requests take";
const ADMIN: &str = "`admin_bind` of the server tells what it is at, where no client comes";
const CATCH_ERRORS: &str = "name `egg:pasteline#catch_errors` in its place";
const DEBUG: &str = "`egg:pasteline#debug` logs what passes, secrets hidden";
const PROXY: &str = "name `egg:pasteline#proxy` in its place, before a server that does it";

const CLIENT: &str = "was removed from python-keystoneclient 2.1.0";
const SWIFT3: &str = "became a part of Swift in 2.18.0";
const TOKENS: &str = "was removed from keystonemiddleware 12.0.0";

const AUTH_TOKEN_APP: Option<&str> = Some("keystonemiddleware.auth_token:app_factory");
const S3_TOKEN: Option<&str> = Some("egg:swift#s3token");

/// Factories that only hand on to others, in alphabetical order.
pub(super) const RELAYS: &[Relay] = &[
    Relay { spec: "fusion.common.wsgi:app_factory", option: "fusion.app_factory" },
    Relay { spec: "fusion.common.wsgi:filter_factory", option: "fusion.filter_factory" },
    Relay { spec: "glance.common.wsgi:app_factory", option: "glance.app_factory" },
    Relay { spec: "glance.common.wsgi:filter_factory", option: "glance.filter_factory" },
    Relay { spec: "heat.common.wsgi:app_factory", option: "heat.app_factory" },
    Relay { spec: "heat.common.wsgi:filter_factory", option: "heat.filter_factory" },
];

/// Packages that files name factories of, in alphabetical order.
pub(super) const PACKAGES: &[Package] = &[
    Package::service("adhocracy", "Adhocracy"),
    Package::service("adhocracy-frontend", "Adhocracy"),
    Package::service("adhocracy-kit", "Adhocracy"),
    Package::service("adhocracy-meinberlin", "Adhocracy"),
    Package::service("adhocracy-mercator", "Adhocracy"),
    Package::service("adhocracy-s1", "Adhocracy"),
    Package::service("adjutant", "Adjutant"),
    Package::service("aodh", "Aodh"),
    Package::service("appenlight", "AppEnlight"),
    Package::service("appenlight-demo", "AppEnlight"),
    Package::service("arche", "Arche"),
    Package::service("barbican", "Barbican"),
    Package::service("blazar", "Blazar"),
    Package::service("ceilometer", "Ceilometer"),
    Package::service("cinder", "Cinder"),
    Package::service("ckan", "CKAN"),
    Package::service("cloudkitty", "CloudKitty"),
    Package::service("congress", "Congress"),
    Package::service("cyborg", "Cyborg"),
    Package::service("designate", "Designate"),
    Package::service("ec2api", "EC2 API"),
    Package::service("freezer-api", "Freezer"),
    Package::service("freezer_api", "Freezer"),
    Package::service("galaxy", "Galaxy"),
    Package::service("gceapi", "GCE API"),
    Package::service("glance", "Glance"),
    Package::service("gluster-swift", "Gluster for Swift"),
    Package::service("gnocchi", "Gnocchi"),
    Package::library("gunicorn"),
    Package::service("heat", "Heat"),
    Package::service("ironic", "Ironic"),
    Package::service("karbor", "Karbor"),
    Package::service("keystone", "Keystone"),
    Package::library("keystoneclient"),
    Package::library("keystonemiddleware"),
    Package::service("magnum", "Magnum"),
    Package::service("manila", "Manila"),
    Package::service("masakari", "Masakari"),
    Package::service("mediagoblin", "MediaGoblin"),
    Package::service("mistral", "Mistral"),
    Package::service("monasca_api", "Monasca"),
    Package::service("murano", "Murano"),
    Package::service("muranoapi", "Murano"),
    Package::service("neutron", "Neutron"),
    Package::service("nova", "Nova"),
    Package::service("octavia", "Octavia"),
    Package::library("oslo"),
    Package::library("oslo-middleware"),
    Package::library("oslo_middleware"),
    Package::library("osprofiler"),
    Package::service("panko", "Panko"),
    Package::library("paste"),
    Package::library("pastedeploy"),
    Package::library("pastescript"),
    Package::service("placement", "Placement"),
    Package::service("quantum", "Neutron"),
    Package::service("reddwarf", "Trove"),
    Package::service("sahara", "Sahara"),
    Package::service("senlin", "Senlin"),
    Package::service("solum", "Solum"),
    Package::service("swift", "Swift"),
    Package::service("swift3", "Swift"),
    Package::service("syncstorage", "Mozilla Sync"),
    Package::service("tacker", "Tacker"),
    Package::service("trove", "Trove"),
    Package::service("vitrage", "Vitrage"),
    Package::library("waitress"),
    Package::service("watcher", "Watcher"),
    Package::service("zaqar", "Zaqar"),
    Package::service("zun", "Zun"),
];

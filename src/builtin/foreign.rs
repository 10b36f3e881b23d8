//! What is known of Python factories that have no native form, and of Python packages.

use crate::registry::{Foreign, Package, Relay};

/// All of them, in alphabetical order.
pub(super) const ALL: &[Foreign] = &[
    Foreign::python("egg:Paste#auth_cookie", READS_COOKIES, LOGIN),
    Foreign::python("egg:Paste#auth_digest", ASKS_PASSWORD, BASIC_AUTH),
    Foreign::python("egg:Paste#auth_form", ASKS_PASSWORD, BASIC_AUTH),
    Foreign::python("egg:Paste#auth_tkt", READS_COOKIES, LOGIN),
    Foreign::refused("egg:Paste#cgi", RUNS_PROGRAMS, PROXY),
    Foreign::refused("egg:Paste#cgitb", SHOWS_CODE, CATCH_ERRORS),
    Foreign::refused("egg:Paste#evalerror", RUNS_CODE, CATCH_ERRORS),
    Foreign::python("egg:Paste#openid", READS_COOKIES, LOGIN),
    Foreign::python("egg:Paste#pkg_resources", READS_PACKAGES, STATIC),
    Foreign::refused("egg:Paste#printdebug", SHOWS_OUTPUT, DEBUG),
    Foreign::refused("egg:Paste#profile", SHOWS_PROFILE, ACCESS_LOG),
    Foreign::refused("egg:Paste#test_slow", TAKES_LONG, ECHO),
    Foreign::refused("egg:Paste#transparent_proxy", GOES_ANYWHERE, PROXY),
    Foreign::refused("egg:Paste#urlparser", RUNS_FILES, STATIC),
    Foreign::refused("egg:Paste#watch_threads", SHOWS_THREADS, ADMIN),
    Foreign::refused("egg:Paste#wdg_validate", RUNS_PROGRAMS, PASS),
    Foreign::python("egg:PasteScript#cgi", SPEAKS_OTHERWISE, HTTP),
    Foreign::python("egg:PasteScript#flup_ajp_fork", SPEAKS_OTHERWISE, HTTP),
    Foreign::python("egg:PasteScript#flup_ajp_thread", SPEAKS_OTHERWISE, HTTP),
    Foreign::python("egg:PasteScript#flup_fcgi_fork", SPEAKS_OTHERWISE, HTTP),
    Foreign::python("egg:PasteScript#flup_fcgi_thread", SPEAKS_OTHERWISE, HTTP),
    Foreign::python("egg:PasteScript#flup_scgi_fork", SPEAKS_OTHERWISE, HTTP),
    Foreign::python("egg:PasteScript#flup_scgi_thread", SPEAKS_OTHERWISE, HTTP),
    Foreign::python("egg:PasteScript#twisted", RUNS_TWISTED, HTTP),
    Foreign::refused("egg:WebError", RUNS_CODE, CATCH_ERRORS),
    Foreign::refused("egg:WebError#evalerror", RUNS_CODE, CATCH_ERRORS),
    Foreign::python("egg:appenlight_client", TELLS_OF_CODE, TRACES),
    Foreign::python("egg:c2cwsgiutils#sentry", TELLS_OF_CODE, TRACES),
    Foreign::python("egg:diazo", MAKES_PAGES, SERVICE),
    Foreign::python("egg:fanstatic#fanstatic", MAKES_PAGES, SERVICE),
    Foreign::python("egg:informant#informant", TELLS_OF_SWIFT, STATS),
    Foreign::python("egg:keystonemiddleware#oauth2_mtls_token", ASKS_SOCKET, OAUTH2_TOKEN),
    Foreign::refused("egg:repoze.debug#pdbpm", STOPS_AT_FAULTS, CATCH_ERRORS),
    Foreign::refused("egg:repoze.profile", SHOWS_PROFILE, ACCESS_LOG),
    Foreign::retired("egg:swift3#s3token", SWIFT3, Some("egg:swift#s3token")),
    Foreign::retired("egg:swift3#swift3", SWIFT3, Some("egg:swift#s3api")),
    Foreign::python("heat.common.auth_password:filter_factory", LOGS_IN, AUTH_TOKEN),
    Foreign::python("heat.common.auth_url:filter_factory", NAMES_KEYSTONE, HEADERS),
    Foreign::python("heat.common.custom_backend_auth:filter_factory", ASKS_ENGINE, SERVICE),
    Foreign::retired("keystoneclient.middleware.auth_token:app_factory", CLIENT, AUTH_TOKEN_APP),
    Foreign::retired("keystoneclient.middleware.s3_token:filter_factory", CLIENT, S3_TOKEN),
    Foreign::refused("keystonemiddleware.auth_token:app_factory", ASKS_ITSELF, AUTH_TOKEN_FILTER),
    Foreign::retired("keystonemiddleware.ec2_token:app_factory", TOKENS, None),
    Foreign::retired("keystonemiddleware.ec2_token:filter_factory", TOKENS, None),
    Foreign::python(
        "keystonemiddleware.oauth2_mtls_token:filter_factory",
        ASKS_SOCKET,
        OAUTH2_TOKEN,
    ),
    Foreign::retired("keystonemiddleware.s3_token:filter_factory", TOKENS, S3_TOKEN),
    Foreign::python("paste.auth.auth_tkt:make_auth_tkt_middleware", READS_COOKIES, LOGIN),
    Foreign::python("paste.auth.cookie:make_auth_cookie", READS_COOKIES, LOGIN),
    Foreign::python("paste.auth.digest:make_digest", ASKS_PASSWORD, BASIC_AUTH),
    Foreign::python("paste.auth.form:make_form", ASKS_PASSWORD, BASIC_AUTH),
    Foreign::python("paste.auth.open_id:make_open_id_middleware", READS_COOKIES, LOGIN),
    Foreign::refused("paste.cgiapp:make_cgi_application", RUNS_PROGRAMS, PROXY),
    Foreign::refused("paste.cgitb_catcher:make_cgitb_middleware", SHOWS_CODE, CATCH_ERRORS),
    Foreign::refused("paste.debug.debugapp:make_slow_app", TAKES_LONG, ECHO),
    Foreign::refused("paste.debug.prints:PrintDebugMiddleware", SHOWS_OUTPUT, DEBUG),
    Foreign::refused("paste.debug.profile:make_profile_middleware", SHOWS_PROFILE, ACCESS_LOG),
    Foreign::refused("paste.debug.watchthreads:make_bad_app", KEEPS_BUSY, TIMEOUT),
    Foreign::refused("paste.debug.watchthreads:make_watch_threads", SHOWS_THREADS, ADMIN),
    Foreign::refused("paste.debug.wdg_validate:make_wdg_validate_middleware", RUNS_PROGRAMS, PASS),
    Foreign::refused("paste.evalexception.middleware:make_eval_exception", RUNS_CODE, CATCH_ERRORS),
    Foreign::refused("paste.proxy:make_transparent_proxy", GOES_ANYWHERE, PROXY),
    Foreign::python("paste.urlparser:make_pkg_resources", READS_PACKAGES, STATIC),
    Foreign::refused("paste.urlparser:make_url_parser", RUNS_FILES, STATIC),
];

const ASKS_ENGINE: &str = "asks the engine of Heat over its message bus who may pass";
const ASKS_ITSELF: &str =
    "passes a request with a good token on to its own server, over HTTP, without end";
const ASKS_PASSWORD: &str = "asks a Python function about passwords";
const ASKS_SOCKET: &str = "asks the socket of eventlet's server for the certificate of a client, and \
    compares a hash of its text, which RFC 8705 has of its bytes";
const GOES_ANYWHERE: &str = "passes requests on to whatever host a client names";
const KEEPS_BUSY: &str = "keeps threads busy without end, for any client";
const LOGS_IN: &str = "logs in to Keystone with the name and the password that each request brings";
const MAKES_PAGES: &str = "changes pages by Python code and templates";
const NAMES_KEYSTONE: &str = "tells Heat where Keystone is, by `X-Auth-Url`";
const READS_COOKIES: &str = "reads who asks from what Python code has signed";
const READS_PACKAGES: &str = "answers with files out of Python packages";
const RUNS_CODE: &str = "lets clients run code in the server";
const RUNS_FILES: &str = "runs the Python files of a directory";
const RUNS_PROGRAMS: &str = "runs a program for each request";
const RUNS_TWISTED: &str = "runs the app in Twisted's own process";
const SHOWS_CODE: &str = "shows source code and the values of variables to clients";
const SHOWS_OUTPUT: &str = "shows what a program prints to clients";
const SHOWS_PROFILE: &str = "shows to clients how long functions take";
const SHOWS_THREADS: &str = "shows the stacks of threads, and ends them, for any client";
const SPEAKS_OTHERWISE: &str = "speaks no HTTP, but a protocol between a web server and Python";
const STOPS_AT_FAULTS: &str =
    "stops the server at each failure, until somebody goes on in a debugger";
const TAKES_LONG: &str = "takes long on purpose";
const TELLS_OF_CODE: &str = "tells a service of failures and times of Python code";
const TELLS_OF_SWIFT: &str = "tells statsd of what Swift notes of a request";

const ACCESS_LOG: &str = "`egg:pasteline#access_log` tells how long requests take";
const ADMIN: &str = "`admin_bind` of the server tells what it is at, where no client comes";
const AUTH_TOKEN: &str =
    "let clients obtain tokens, and name `egg:pasteline#auth_token` in its place";
const AUTH_TOKEN_FILTER: &str = "name `egg:pasteline#auth_token` as a filter before an app";
const BASIC_AUTH: &str = "`egg:pasteline#basic_auth` asks for passwords that a file has, over TLS";
const CATCH_ERRORS: &str = "name `egg:pasteline#catch_errors` in its place";
const DEBUG: &str = "`egg:pasteline#debug` logs what passes, secrets hidden";
const ECHO: &str = "`egg:pasteline#echo` answers with what came";
const HEADERS: &str = "`egg:pasteline#headers` with `set_request = X-Auth-Url: http://…` does that";
const HTTP: &str =
    "name `egg:pasteline#http` in its place, and have the web server pass requests on by HTTP";
const LOGIN: &str = "leave it to the service behind `egg:pasteline#proxy`, which has the code";
const OAUTH2_TOKEN: &str = "name `egg:pasteline#oauth2_token` in its place, which tokens are not bound \
    to certificates for, or leave it to a service that ends TLS itself";
const PASS: &str =
    "name `egg:pasteline#pass` in its place, and check pages before they are published";
const PROXY: &str = "name `egg:pasteline#proxy` in its place, before a server that does it";
const SERVICE: &str = "leave it to the service behind `egg:pasteline#proxy`";
const STATIC: &str = "`egg:pasteline#static` answers with the files of a directory";
const STATS: &str = "`egg:pasteline#stats` tells statsd of requests";
const TIMEOUT: &str = "leave it out; `egg:pasteline#timeout` ends what takes too long";
const TRACES: &str = "`egg:pasteline#trace_context` writes traces; leave the rest to the service";

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
    Package::service("keystonelight", "Keystone"),
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

//! The overlay of `examples/neutron` over a file of the same shape as Neutron's own.

use std::fmt::Write;

use crate::support::{Server, Test, Upstream};

const OVERLAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/neutron/overlay.ini");

/// The sections and names of Neutron's file.
const NEUTRON: &str = "\
[composite:neutron]
use = egg:Paste#urlmap
/healthcheck = healthcheck
/v2.0 = neutronapi_v2_0
/ = neutronversions_composite

[composite:neutronversions_composite]
use = call:neutron.auth:pipeline_factory
keystone = cors http_proxy_to_wsgi neutronversions
noauth = cors http_proxy_to_wsgi neutronversions

[composite:neutronapi_v2_0]
use = call:neutron.auth:pipeline_factory
keystone =
    cors http_proxy_to_wsgi request_id catch_errors osprofiler
    authtoken keystonecontext extensions neutronapiapp_v2_0
noauth =
    cors http_proxy_to_wsgi request_id fake_project_id catch_errors osprofiler
    extensions neutronapiapp_v2_0

[app:healthcheck]
paste.app_factory = oslo_middleware:Healthcheck.app_factory

[app:neutronapiapp_v2_0]
paste.app_factory = neutron.api.v2.router:APIRouter.factory

[app:neutronversions]
paste.app_factory = neutron.pecan_wsgi.app:versions_factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory

[filter:catch_errors]
paste.filter_factory = oslo_middleware:CatchErrors.factory

[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = neutron

[filter:extensions]
paste.filter_factory = neutron.api.extensions:plugin_aware_extension_middleware_factory

[filter:fake_project_id]
paste.filter_factory = neutron.auth:NoauthFakeProjectId.factory

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory

[filter:keystonecontext]
paste.filter_factory = neutron.auth:NeutronKeystoneContext.factory

[filter:osprofiler]
paste.filter_factory = osprofiler.web:WsgiMiddleware.factory

[filter:project_id]
paste.filter_factory = neutron.api.extensions:ProjectIdMiddleware.factory
oslo_config_project = neutron

[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory
";

/// What of the file has no native form.
const PYTHON: [&str; 5] = [
    "neutron.api.extensions:ProjectIdMiddleware.factory",
    "neutron.api.extensions:plugin_aware_extension_middleware_factory",
    "neutron.api.v2.router:APIRouter.factory",
    "neutron.auth:NeutronKeystoneContext.factory",
    "neutron.pecan_wsgi.app:versions_factory",
];

#[test]
fn names_what_only_python_has() {
    let finished = Test::new().ini(NEUTRON).arguments("--format json").validate().status(1);
    let diagnostics: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    let mut named = Vec::new();
    let errors = diagnostics.as_array().unwrap().iter().filter(|told| told["severity"] == "error");
    // How to log in to Keystone stands in `neutron.conf`.
    let errors = errors.filter(|told| told["slug"] != "missing-option");
    for diagnostic in errors {
        let slug = diagnostic["slug"].as_str().unwrap();
        assert!(["application-code", "unknown-filter"].contains(&slug), "{diagnostic:#}");
        let message = diagnostic["message"].as_str().unwrap();
        named.extend(PYTHON.into_iter().filter(|factory| message.contains(factory)));
    }
    named.sort_unstable();
    assert_eq!(named, PYTHON);
}

#[test]
fn is_clean_with_the_overlay() {
    for strategy in ["keystone", "noauth"] {
        let finished = overlaid(strategy).validate();
        assert!(!finished.stderr.contains("warning"), "{}", finished.stderr);
        finished.status(0);
    }
}

#[test]
fn passes_the_api_on_and_numbers_its_requests() {
    for strategy in ["keystone", "noauth"] {
        let (server, upstream) = gateway(strategy);
        let answer = server.get("/v2.0/networks?limit=1").expect(200);
        assert_eq!(answer.body, "from upstream");
        assert!(answer.header("x-openstack-request-id").unwrap().starts_with("req-"));
        let request = upstream.request();
        assert!(request.starts_with("get /v2.0/networks?limit=1 http/1.1\r\n"), "{request}");
    }
}

#[test]
fn strips_what_a_client_says_of_its_identity() {
    let claims = [
        "OpenStack-System-Scope",
        "X-Domain-Id",
        "X-Identity-Status",
        "X-Is-Admin-Project",
        "X-Project-Domain-Name",
        "X-Project-Id",
        "X-Role",
        "X-Roles",
        "X-Service-Catalog",
        "X-Service-Identity-Status",
        "X-Service-Project-Id",
        "X-Service-Roles",
        "X-Service-User-Domain-Id",
        "X-Service-User-Id",
        "X-Tenant",
        "X-Tenant-Name",
        "X-User",
        "X-User-Id",
    ];
    let mut headers = "X-Auth-Token: token\r\nX-Service-Token: service\r\n".to_owned();
    for claim in claims {
        let underscores = claim.replace('-', "_");
        write!(headers, "{claim}: forged\r\n{underscores}: forged\r\n").unwrap();
        write!(headers, "{}: forged\r\n", claim.replacen('-', "_", 1)).unwrap();
    }
    for strategy in ["keystone", "noauth"] {
        let (server, upstream) = gateway(strategy);
        server.get_with("/v2.0/networks", &headers).expect(200);
        let request = upstream.request();
        assert!(!request.contains("forged"), "{request}");
        assert!(request.contains("\r\nx-auth-token: token\r\n"), "{request}");
        assert!(request.contains("\r\nx-service-token: service\r\n"), "{request}");
    }
}

#[test]
fn answers_for_itself_what_it_can() {
    let (server, _upstream) = gateway("keystone");
    server.get("/healthcheck").expect(200);
    let versions = server.get("/").json();
    assert_eq!(versions["versions"][0]["id"], "v2.0", "{versions:#}");
}

#[test]
fn refuses_bodies_over_the_limit() {
    let (server, upstream) = gateway("keystone");
    let post = "POST /v2.0/networks HTTP/1.1\r\nHost: test\r\n";
    let by_length = format!("{post}Content-Length: 114689\r\n\r\n");
    assert!(server.send(&by_length).expect(413).header("x-openstack-request-id").is_some());
    let chunk = "a".repeat(114_689);
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n1c001\r\n{chunk}\r\n0\r\n\r\n");
    server.send(&chunked).expect(413);
    let allowed = &chunk[1..];
    let within = format!("{post}Content-Length: {}\r\n\r\n{allowed}", allowed.len());
    server.send(&within).expect(200);
    assert!(upstream.request().ends_with(allowed));
}

/// The file with the overlay.
fn overlaid(strategy: &str) -> Test {
    let arguments = format!("--strategy {strategy} --overlay");
    Test::new().ini(NEUTRON).arguments(&arguments).argument(OVERLAY)
}

/// The file with the overlay, served before an upstream at a port that was free.
fn gateway(strategy: &str) -> (Server, Upstream) {
    let upstream = Upstream::start();
    let address = upstream.address();
    let port = format!("[app:neutronapiapp_v2_0]\nupstream = http://{address}\n");
    let test = overlaid(strategy).file("port.ini", port);
    (test.arguments("--overlay port.ini --name neutron").serve(), upstream)
}

//! How the filter stands between clients, apps and a Keystone that is made up.

pub(super) mod fake;
mod keystone_away;
mod settings;
mod trust;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use self::fake::{Fake, service_token, token};
use crate::app::{App, Body, Request, RequestExt, Response, response};
use crate::builtin::fixture::{filter, text, values};

/// A section of the filter, for a Keystone.
fn section(url: &str, more: &str) -> String {
    format!(
        "[filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n\
        auth_url = {url}\nusername = neutron\npassword = secret\nuser_domain_id = default\n\
        project_name = service\nproject_domain_id = default\nhttp_request_max_retries = 0\n{more}\n"
    )
}

/// An app that answers with the headers it sees, one a line, sorted, behind the filter.
fn guarded(fake: &Fake, more: &str) -> App {
    let app = App::ready(|request: Request| {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<_> = request.headers().iter().map(line).collect();
        lines.sort();
        response::text(StatusCode::OK, lines.join("\n"))
    });
    app.behind(&[filter(&section(&fake.url, more))])
}

async fn answer(app: &App, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::new(Body::empty());
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    app.answer(request).await
}

/// The lines of headers that the app sees of a request; or the status of a refusal.
async fn seen(app: &App, headers: &[(&str, &str)]) -> Result<Vec<String>, StatusCode> {
    let response = answer(app, headers).await;
    match response.status() {
        StatusCode::OK => Ok(text(response).await.lines().map(str::to_owned).collect()),
        status => Err(status),
    }
}

/// What becomes of requests with these tokens, all at a time.
async fn all_seen(app: &App, tokens: Vec<String>) -> Vec<Result<Vec<String>, StatusCode>> {
    let mut requests = JoinSet::new();
    for token in tokens {
        let app = app.clone();
        requests.spawn(async move { seen(&app, &[("x-auth-token", &token)]).await });
    }
    requests.join_all().await
}

const USER: &[&str] = &[
    "x-auth-token: good",
    "x-identity-status: Confirmed",
    "x-is-admin-project: False",
    "x-project-domain-id: d2",
    "x-project-domain-name: Other",
    "x-project-id: p1",
    "x-project-name: demo",
    "x-role: member,reader",
    "x-roles: member,reader",
    "x-service-catalog: [{\"type\": \"network\", \"name\": \"neutron\", \"endpoints\": \
        [{\"region\": \"one\", \"publicURL\": \"http://net\"}]}]",
    "x-tenant-id: p1",
    "x-tenant-name: demo",
    "x-tenant: demo",
    "x-user-domain-id: default",
    "x-user-domain-name: Default",
    "x-user-id: u1",
    "x-user-name: alice",
    "x-user: alice",
];

#[tokio::test]
async fn the_app_learns_who_asks_and_nothing_that_the_client_says_of_itself() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let app = guarded(&fake, "");
    let headers = [
        ("x-auth-token", "good"),
        ("x-user-id", "root"),
        ("x_user_id", "root"),
        ("x_roles", "admin"),
        ("openstack-system-scope", "all"),
        ("openstack_system_scope", "all"),
        ("x-service-roles", "service"),
        ("x-domain-id", "any"),
    ];
    for _ in 0..2 {
        assert_eq!(seen(&app, &headers).await.unwrap(), USER);
    }
    assert_eq!(fake.questions(), 1);
    let login = &fake.facts().logins[0]["auth"];
    let user = json!({"name": "neutron", "domain": {"id": "default"}, "password": "secret"});
    assert_eq!(login["identity"]["password"]["user"], user);
    let project = json!({"name": "service", "domain": {"id": "default"}});
    assert_eq!(login["scope"]["project"], project);
}

#[tokio::test]
async fn whoever_brings_no_good_token_is_told_where_there_are_some() {
    let fake = Fake::start().await;
    let app = guarded(&fake, "www_authenticate_uri = https://keystone.example.com/");
    let attempts: [&[(&str, &str)]; 3] =
        [&[], &[("x-auth-token", "bad")], &[("x-auth-token", "bad"), ("x-auth-token", "bad")]];
    for headers in attempts {
        let response = answer(&app, headers).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = "Keystone uri=\"https://keystone.example.com/\"";
        assert_eq!(values(response.headers(), "www-authenticate"), challenge);
        assert_eq!(values(response.headers(), "content-type"), "application/json");
        let expected = "{\"error\": {\"code\": 401, \"title\": \"Unauthorized\", \"message\": \
            \"The request you have made requires authentication.\"}}";
        assert_eq!(text(response).await, expected);
    }
}

#[tokio::test]
async fn it_is_remembered_that_a_token_is_bad() {
    let fake = Fake::start().await;
    let app = guarded(&fake, "");
    for _ in 0..3 {
        assert_eq!(seen(&app, &[("x-auth-token", "bad")]).await, Err(StatusCode::UNAUTHORIZED));
    }
    assert_eq!(fake.questions(), 1);
}

#[tokio::test]
async fn the_app_may_decide_itself() {
    let fake = Fake::start().await;
    let app = guarded(&fake, "delay_auth_decision = true");
    let invalid = ["x-identity-status: Invalid"];
    assert_eq!(seen(&app, &[("x-user-id", "root")]).await.unwrap(), invalid);
    let lines = seen(&app, &[("x-auth-token", "bad"), ("x-roles", "admin")]).await.unwrap();
    assert_eq!(lines, ["x-auth-token: bad", "x-identity-status: Invalid"]);
    let system = [("openstack-system-scope", "all")];
    assert_eq!(seen(&app, &system).await.unwrap(), invalid);
}

#[tokio::test]
async fn a_challenge_is_added_to_what_the_app_refuses() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let app = App::ready(|_| response::text(StatusCode::UNAUTHORIZED, "who?"));
    let app = app.behind(&[filter(&section(&fake.url, ""))]);
    let response = answer(&app, &[("x-auth-token", "good")]).await;
    let expected = format!("Keystone uri=\"{}\"", fake.url);
    assert_eq!(values(response.headers(), "www-authenticate"), expected);
    assert_eq!(text(response).await, "who?");
}

#[tokio::test]
async fn a_service_is_told_beside_the_user_whose_scope_stays() {
    let fake = Fake::start().await;
    let mut user = token();
    user["system"] = json!({"all": true});
    fake.knows("good", user);
    fake.knows("service", service_token());
    let app = guarded(&fake, "");
    let headers = [("x-auth-token", "good"), ("x-service-token", "service")];
    let lines = seen(&app, &headers).await.unwrap();
    for line in [
        "openstack-system-scope: all",
        "x-service-identity-status: Confirmed",
        "x-service-project-name: service",
        "x-service-roles: service",
        "x-service-user-name: nova",
        "x-user-name: alice",
    ] {
        assert!(lines.iter().any(|seen| seen == line), "{line} in {lines:#?}");
    }
}

#[tokio::test]
async fn a_token_of_a_service_must_be_one() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let headers = [("x-auth-token", "good"), ("x-service-token", "good")];
    assert_eq!(seen(&guarded(&fake, ""), &headers).await, Err(StatusCode::UNAUTHORIZED));
    let lenient = guarded(&fake, "service_token_roles_required = false");
    assert!(seen(&lenient, &headers).await.is_ok());
    let named = guarded(&fake, "service_token_roles = other, reader");
    assert!(seen(&named, &headers).await.is_ok());
    let headers = [("x-auth-token", "good"), ("x-service-token", "bad")];
    assert_eq!(seen(&lenient, &headers).await, Err(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn with_a_service_the_token_of_the_user_may_have_expired() {
    let fake = Fake::start().await;
    let mut old = token();
    old["expires_at"] = json!("2020-01-01T00:00:00Z");
    fake.knows("old", old);
    fake.facts().expired.push("old".to_owned());
    fake.knows("service", service_token());
    let app = guarded(&fake, "");
    assert_eq!(seen(&app, &[("x-auth-token", "old")]).await, Err(StatusCode::UNAUTHORIZED));
    let headers = [("x-auth-token", "old"), ("x-service-token", "service")];
    for _ in 0..2 {
        assert!(seen(&app, &headers).await.is_ok());
        assert_eq!(seen(&app, &[("x-auth-token", "old")]).await, Err(StatusCode::UNAUTHORIZED));
    }
    let facts = fake.facts();
    let asked = facts.asked.iter().map(|(token, query)| format!("{token}?{query}"));
    assert_eq!(asked.collect::<Vec<_>>(), ["old?", "service?", "old?allow_expired=1"]);
}

#[tokio::test]
async fn what_has_expired_is_refused_whatever_keystone_says() {
    let fake = Fake::start().await;
    let mut old = token();
    old["expires_at"] = json!("2020-01-01T00:00:00Z");
    fake.knows("old", old);
    let app = guarded(&fake, "");
    assert_eq!(seen(&app, &[("x-auth-token", "old")]).await, Err(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn access_rules_are_kept_to() {
    let fake = Fake::start().await;
    let mut restricted = token();
    restricted["application_credential"] = json!({"id": "a", "access_rules": [
        {"id": "1", "service": "network", "method": "GET", "path": "/v2.0/ports/*"},
    ]});
    fake.knows("restricted", restricted);
    fake.knows("service", service_token());
    let app = guarded(&fake, "service_type = network");
    let status = async |app: &App, method: &str, path: &str, service: bool| {
        let mut request = http::Request::builder().method(method).uri(path);
        request = request.header("x-auth-token", "restricted");
        if service {
            request = request.header("x-service-token", "service");
        }
        app.answer(request.body(Body::empty()).unwrap()).await.status()
    };
    assert_eq!(status(&app, "GET", "/v2.0/ports/1", false).await, StatusCode::OK);
    let refused = ["/v2.0/ports", "/v2x0/ports/1", "/v2.0/ports/1/2", "/v2.0/ports/1%2f2"];
    for path in refused {
        assert_eq!(status(&app, "GET", path, false).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(status(&app, "PUT", "/v2.0/ports/1", false).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&app, "PUT", "/v2.0/ports/1", true).await, StatusCode::OK);
    let other = guarded(&fake, "");
    assert_eq!(status(&other, "GET", "/v2.0/ports/1", false).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_service_that_is_none_does_not_lift_the_rules() {
    let fake = Fake::start().await;
    let mut restricted = token();
    restricted["application_credential"] = json!({"id": "a", "access_rules": []});
    fake.knows("restricted", restricted);
    let app = guarded(&fake, "service_type = network\ndelay_auth_decision = true");
    let headers = [("x-auth-token", "restricted"), ("x-service-token", "bad")];
    let lines = seen(&app, &headers).await.unwrap();
    assert!(lines.iter().any(|line| line == "x-identity-status: Invalid"), "{lines:#?}");
}

#[tokio::test]
async fn an_access_token_comes_as_a_bearer() {
    let fake = Fake::start().await;
    fake.knows("good", token());
    let factory = "keystonemiddleware.oauth2_token:filter_factory";
    let section = section(&fake.url, "delay_auth_decision = true");
    let section = section.replace("keystonemiddleware.auth_token:filter_factory", factory);
    let app = App::ready(|request: Request| {
        response::text(StatusCode::OK, values(request.headers(), "x-user-name"))
    });
    let app = app.behind(&[filter(&section)]);
    for good in ["Bearer good", "bearer  good"] {
        let headers = [("authorization", good), ("x-service-token", "bad")];
        assert_eq!(seen(&app, &headers).await.unwrap(), ["alice"]);
    }
    let refused: [&[(&str, &str)]; 5] = [
        &[],
        &[("x-auth-token", "good")],
        &[("authorization", "Bearer bad")],
        &[("authorization", "Basic good")],
        &[("authorization", "Bearer good"), ("authorization", "Bearer good")],
    ];
    for headers in refused {
        assert_eq!(seen(&app, headers).await, Err(StatusCode::UNAUTHORIZED), "{headers:?}");
    }
}

#[tokio::test]
async fn a_token_that_many_bring_at_a_time_is_asked_about_once() {
    let fake = Fake::start().await;
    let names: Vec<_> = (0..1000).map(|number| format!("token-{number}")).collect();
    for name in &names {
        fake.knows(name, token());
    }
    // A busy machine may take its time for a thousand questions.
    let app = guarded(&fake, "http_request_timeout = 600");
    let thrice = names.iter().flat_map(|name| [name.clone(), name.clone(), name.clone()]);
    let found = all_seen(&app, thrice.collect()).await;
    assert!(found.iter().all(Result::is_ok));
    assert_eq!((found.len(), fake.questions()), (3000, 1000));
    assert_eq!(fake.facts().logins.len(), 1);
}

#[tokio::test]
async fn a_token_may_say_what_no_header_can() {
    let fake = Fake::start().await;
    let mut odd = token();
    odd["user"]["name"] = json!("line\nbreak");
    fake.knows("odd", odd);
    let mut foreign = token();
    foreign["user"]["name"] = json!("zo\u{eb}");
    fake.knows("foreign", foreign);
    let app = App::ready(|request: Request| {
        response::text(StatusCode::OK, request.headers()["x-user-name"].as_bytes().to_vec())
    });
    let app = app.behind(&[filter(&section(&fake.url, ""))]);
    let response = answer(&app, &[("x-auth-token", "odd")]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let response = answer(&app, &[("x-auth-token", "foreign")]).await;
    assert_eq!(text(response).await, "zo\u{eb}");
}

#[tokio::test]
async fn a_huge_token_is_one_like_any_other() {
    let fake = Fake::start().await;
    let app = guarded(&fake, "");
    let huge = "t".repeat(8000);
    assert_eq!(seen(&app, &[("x-auth-token", &huge)]).await, Err(StatusCode::UNAUTHORIZED));
    assert_eq!(fake.questions(), 1);
    let mut headers = HeaderMap::new();
    headers.insert("x-auth-token", HeaderValue::from_bytes(b"t\xffken").unwrap());
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers;
    assert_eq!(app.answer(request).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(fake.questions(), 1);
}

#[tokio::test]
async fn paths_that_are_public_need_no_token_and_tell_of_nobody() {
    let fake = Fake::start().await;
    let section = section(&fake.url, "acl_public_routes = /, /v1, /v1/health.json").replace(
        "keystonemiddleware.auth_token:filter_factory",
        "zun.api.middleware.auth_token:AuthTokenMiddleware.factory",
    );
    let app = App::ready(|request: Request| {
        assert_eq!(request.headers().get("x-user-id"), None);
        response::text(StatusCode::OK, "")
    });
    let app = app.behind(&[filter(&section)]);
    for (path, mount, status) in [
        ("/", 0, 200),
        ("/v1", 0, 200),
        ("/v1/", 0, 200),
        ("/v1/health.json", 0, 200),
        ("/containers/v1", 11, 200),
        ("/v1.json", 0, 401),
        ("/v1/healthxjson", 0, 401),
        ("/v1/containers", 0, 401),
        ("/V1", 0, 401),
        ("/v1//", 0, 401),
    ] {
        let request = http::Request::get(path).header("x-user-id", "root");
        let mut request = request.body(Body::empty()).unwrap();
        request.mount(mount);
        assert_eq!(app.answer(request).await.status(), status, "{path}");
    }
}

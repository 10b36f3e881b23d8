//! How the filter stands between clients, apps and an authorization server that is made up.

use std::convert::Infallible;
use std::fs;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response as HttpResponse, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::app::{
    App, Body, ClientCertificate, Connection, Context, Encryption, Request, RequestExt, Response,
    response,
};
use crate::builtin::fixture::{Directory, faults, filter, text, try_filter, values};

/// An authorization server, which answers the same to every question.
struct Fake {
    url: String,
    facts: Arc<Mutex<Facts>>,
}

struct Facts {
    answer: Json,
    status: StatusCode,
    /// The headers and the fields of the questions.
    asked: Vec<(HeaderMap, Vec<(String, String)>)>,
}

impl Fake {
    async fn start(answer: Json) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/introspect", listener.local_addr().unwrap());
        let facts = Facts { answer, status: StatusCode::OK, asked: Vec::new() };
        let facts = Arc::new(Mutex::new(facts));
        let theirs = Arc::clone(&facts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let facts = Arc::clone(&theirs);
                let service = service_fn(move |request| serve(request, Arc::clone(&facts)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, facts }
    }

    fn questions(&self) -> usize {
        self.facts.lock().unwrap().asked.len()
    }

    /// The headers and the fields of the last question.
    fn last(&self) -> (HeaderMap, Vec<(String, String)>) {
        self.facts.lock().unwrap().asked.last().unwrap().clone()
    }
}

async fn serve(
    request: http::Request<Incoming>,
    facts: Arc<Mutex<Facts>>,
) -> Result<HttpResponse<Full<Bytes>>, Infallible> {
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/introspect"));
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let form = String::from_utf8(body.to_vec()).unwrap();
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let fields = form.split('&').map(|field| field.split_once('=').unwrap());
    let fields = fields.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    let mut facts = facts.lock().unwrap();
    facts.asked.push((head.headers, fields));
    let mut response = HttpResponse::new(Full::from(facts.answer.to_string()));
    *response.status_mut() = facts.status;
    Ok(response)
}

fn active() -> Json {
    json!({
        "active": true, "sub": "u1", "username": "alice", "roles": "member,admin",
        "domain": {"id": "d1", "name": "Default"}, "project": {"id": "p1", "name": "demo"},
    })
}

fn section(url: &str, more: &str) -> String {
    let secret = if more.contains("client_secret =") { "" } else { "client_secret = a:b/c\n" };
    format!(
        "[filter:oauth]\npaste.filter_factory = keystonemiddleware.external_oauth2_token:\
        filter_factory\nintrospect_endpoint = {url}\naudience = https://sso.example.com/\n\
        client_id = tacker\n{secret}mapping_roles = roles\nmapping_user_id = sub\n\
        mapping_user_domain_id = domain.id\nmapping_user_domain_name = domain.name\n\
        mapping_project_id = project.id\nmapping_project_name = project.name\n\
        mapping_project_domain_id = domain.id\nmapping_project_domain_name = domain.name\n{more}\n"
    )
}

/// An app that answers with the headers it sees, one a line, sorted, behind the filter.
fn guarded(fake: &Fake, more: &str) -> App {
    let app = App::ready(|request: Request| {
        let headers = request.headers().iter();
        let lines = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let mut lines: Vec<_> = lines.collect();
        lines.sort();
        response::text(StatusCode::OK, lines.join("\n"))
    });
    app.behind(&[filter(&section(&fake.url, more))])
}

async fn answer(app: &App, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::new(Body::empty());
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    app.answer(request).await
}

const TOKEN: &[(&str, &str)] = &[("authorization", "Bearer good")];

const SEEN: &str = "authorization: Bearer good\nx-identity-status: Confirmed\n\
    x-is-admin-project: true\nx-project-domain-id: d1\nx-project-domain-name: Default\n\
    x-project-id: p1\nx-project-name: demo\nx-role: member,admin\nx-roles: member,admin\n\
    x-tenant-id: p1\nx-tenant-name: demo\nx-tenant: p1\nx-user-domain-id: d1\n\
    x-user-domain-name: Default\nx-user-id: u1\nx-user-name: alice\nx-user: alice";

#[tokio::test]
async fn the_app_learns_who_asks_and_nothing_that_a_client_says_of_it() {
    let fake = Fake::start(active()).await;
    let app = guarded(&fake, "");
    let spoofed =
        [TOKEN, &[("x-domain-id", "evil"), ("X_Roles", "root"), ("openstack-system-scope", "all")]];
    for headers in [TOKEN, &spoofed.concat()] {
        assert_eq!(text(answer(&app, headers).await).await, SEEN);
    }
    assert_eq!(fake.questions(), 1);
}

#[tokio::test]
async fn many_requests_with_a_new_token_are_one_question() {
    let fake = Fake::start(active()).await;
    let app = guarded(&fake, "");
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let app = app.clone();
        requests.spawn(async move { answer(&app, TOKEN).await.status() });
    }
    assert!(requests.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(fake.questions(), 1);
}

#[tokio::test]
async fn whoever_brings_no_active_token_is_told_where_there_are_some() {
    let fake = Fake::start(json!({"active": false})).await;
    let app = guarded(&fake, "");
    let attempts: [&[(&str, &str)]; 4] = [
        &[],
        TOKEN,
        &[("authorization", "Basic YTpi")],
        &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
    ];
    for headers in attempts {
        let response = answer(&app, headers).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = "Authorization OAuth 2.0 uri=\"https://sso.example.com/\"";
        assert_eq!(values(response.headers(), "www-authenticate"), challenge);
        let body: Json = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(body["error"]["code"], 401);
    }
    answer(&app, TOKEN).await;
    assert_eq!(fake.questions(), 1, "it is remembered that a token is not active");
}

#[tokio::test]
async fn a_token_that_says_too_little_is_refused() {
    let mut little = active();
    little["roles"] = json!(["member"]);
    let fake = Fake::start(little).await;
    let app = guarded(&fake, "");
    for _ in 0..2 {
        assert_eq!(answer(&app, TOKEN).await.status(), StatusCode::FORBIDDEN);
    }
    let mut odd = active();
    odd["username"] = json!("two\nlines");
    let fake = Fake::start(odd).await;
    assert_eq!(answer(&guarded(&fake, ""), TOKEN).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_no_invalid_token() {
    for (status, body) in [(500, json!({})), (401, json!({})), (200, json!("text"))] {
        let fake = Fake::start(body).await;
        fake.facts.lock().unwrap().status = StatusCode::from_u16(status).unwrap();
        let response = answer(&guarded(&fake, ""), TOKEN).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(values(response.headers(), "retry-after"), "5");
    }
}

#[tokio::test]
async fn a_token_counts_until_it_expires() {
    let mut old = active();
    old["exp"] = json!(1_000_000_000);
    let fake = Fake::start(old.clone()).await;
    let app = guarded(&fake, "mapping_expires_at = exp");
    assert_eq!(answer(&app, TOKEN).await.status(), StatusCode::UNAUTHORIZED);
    old["exp"] = json!(99_999_999_999_i64);
    let fake = Fake::start(old).await;
    let app = guarded(&fake, "mapping_expires_at = exp");
    assert_eq!(answer(&app, TOKEN).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_may_count_with_a_certificate_only() {
    let thumbprint = URL_SAFE_NO_PAD
        .encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"a certificate"));
    let mut bound = active();
    bound["cnf"] = json!({"x5t#S256": thumbprint});
    let fake = Fake::start(bound).await;
    let app = guarded(&fake, "thumbprint_verify = true");
    for (shown, status) in
        [(None, 401), (Some(&b"a certificate"[..]), 200), (Some(&b"another"[..]), 401)]
    {
        let client = shown.map(|der| ClientCertificate::new(der.to_vec()));
        let encryption = Some(Encryption { client, ..Encryption::default() });
        let connection = Connection { encryption, ..Connection::default() };
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert("authorization", "Bearer good".parse().unwrap());
        *request.context_mut() = Context::new(Arc::new(connection));
        assert_eq!(app.answer(request).await.status(), status);
    }
    assert_eq!(fake.questions(), 1);
}

/// The fields of a question by a method, by their names.
async fn asked(more: &str) -> (HeaderMap, Vec<(String, String)>) {
    let fake = Fake::start(active()).await;
    assert_eq!(answer(&guarded(&fake, more), TOKEN).await.status(), StatusCode::OK, "{more}");
    fake.last()
}

fn field(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

#[tokio::test]
async fn a_secret_goes_in_a_header_or_in_the_form() {
    let (headers, fields) = asked("").await;
    let expected = format!("Basic {}", STANDARD.encode("tacker:a:b/c"));
    assert_eq!(values(&headers, "authorization"), expected);
    assert_eq!(values(&headers, "content-type"), "application/x-www-form-urlencoded");
    let pairs = |pairs: &[(&str, &str)]| {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect::<Vec<_>>()
    };
    assert_eq!(fields, pairs(&[("token", "good"), ("token_type_hint", "access_token")]));
    let (headers, fields) = asked("auth_method = client_secret_post").await;
    assert_eq!(values(&headers, "authorization"), "");
    let expected = pairs(&[
        ("client_id", "tacker"),
        ("client_secret", "a:b/c"),
        ("token", "good"),
        ("token_type_hint", "access_token"),
    ]);
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn a_jwt_is_signed_by_a_secret_or_by_a_key() {
    let directory = Directory::new();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    fs::write(directory.path("key.pem"), pair.serialize_pem()).unwrap();
    let key = directory.path("key.pem").display().to_string();
    for (options, algorithm) in [
        ("auth_method = client_secret_jwt\njwt_algorithm = HS256".to_owned(), "HS256"),
        (
            format!("auth_method = private_key_jwt\njwt_algorithm = ES256\njwt_key_file = {key}"),
            "ES256",
        ),
    ] {
        let (_, fields) = asked(&options).await;
        let kind = field(&fields, "client_assertion_type").unwrap();
        assert_eq!(kind, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let jwt = field(&fields, "client_assertion").unwrap();
        let parts: Vec<_> = jwt.split('.').collect();
        let part = |number: usize| -> Json {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[number]).unwrap()).unwrap()
        };
        assert_eq!((&part(0)["alg"], &part(0)["typ"]), (&json!(algorithm), &json!("JWT")));
        let claims = part(1);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("tacker"), &json!("tacker")));
        assert_eq!(claims["aud"], "https://sso.example.com/");
        let span = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(span, 3600);
        let signed = format!("{}.{}", parts[0], parts[1]);
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let is_right = if algorithm == "HS256" {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"a:b/c");
            aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
        } else {
            aws_lc_rs::signature::UnparsedPublicKey::new(
                &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED,
                pair.public_key_raw(),
            )
            .verify(signed.as_bytes(), &signature)
            .is_ok()
        };
        assert!(is_right, "{jwt}");
    }
}

#[test]
fn a_key_that_cannot_sign_is_told_at_start() {
    let directory = Directory::new();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    fs::write(directory.path("key.pem"), pair.serialize_pem()).unwrap();
    let key = directory.path("key.pem").display().to_string();
    for (algorithm, file, expected) in [
        ("RS256", &*key, "holds no private key in PEM (PKCS #8) for `RS256`"),
        ("ES384", &*key, "cannot sign"),
        ("RS256", "/no/such/key", "cannot read `/no/such/key`"),
    ] {
        let options = format!(
            "auth_method = private_key_jwt\njwt_algorithm = {algorithm}\njwt_key_file = {file}"
        );
        let error = try_filter(&section("http://127.0.0.1:1/", &options)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn each_wrong_value_and_what_is_missing_is_told() {
    let fault = |more: &str| {
        let faults = faults(&section("http://127.0.0.1:1/", more));
        faults.iter().map(|fault| fault.split_once(": ").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    for (more, expected) in [
        ("auth_method = other", "expected `client_secret_basic`"),
        ("auth_method = client_secret_jwt", "needs the option `jwt_algorithm`"),
        ("auth_method = tls_client_auth", "needs the option `certfile`"),
        ("auth_method = client_secret_jwt\njwt_algorithm = RS256", "by `HS256` say"),
        ("jwt_algorithm = none", "who it is would not be shown by it"),
        ("mapping_system_scope = a..b", "several with points between them"),
        ("http_connect_timeout = 0", "it must be more than no time"),
        ("jwt_bearer_time_out = 0", "it must be more than no time"),
        ("memcache_pool_maxsize = 0", "it must be from 1 to 10000"),
        (
            "memcached_servers = a\nmemcache_security_strategy = MAC",
            "needs the option `memcache_secret_key`",
        ),
        ("insecure = true", "the certificate of the authorization server is not checked"),
    ] {
        let faults = fault(more);
        assert!(matches!(&*faults, [fault] if fault.contains(expected)), "{more}: {faults:?}");
    }
    assert_eq!(fault("auth_method = private_key_jwt").len(), 2);
    let bare = "[filter:f]\nuse = egg:pasteline#external_oauth2_token\nclient_id = a\n\
        introspect_endpoint = ftp://a\naudience = \"a\"\n";
    let told = faults(bare);
    assert_eq!(told.len(), 2, "{told:?}");
    let bare = bare.replace("ftp:", "http:").replace("\"a\"", "a");
    let names = faults(&bare).into_iter().map(|fault| fault.rsplit('`').nth(1).unwrap().to_owned());
    let expected = [
        "client_secret",
        "mapping_roles",
        "mapping_user_domain_id",
        "mapping_user_domain_name",
        "mapping_project_domain_id",
        "mapping_project_domain_name",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
}

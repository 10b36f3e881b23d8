//! A Keystone that is made up, and tokens that it knows.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// A Keystone that knows some tokens, and what it was asked.
pub(super) struct Fake {
    pub(super) url: String,
    state: Arc<State>,
}

#[derive(Default)]
pub(super) struct Facts {
    /// What it knows of tokens.
    pub(super) tokens: HashMap<String, Json>,
    /// Which of them it tells only to those who allow that they have expired.
    pub(super) expired: Vec<String>,
    /// What it answers to logins in place of a token.
    pub(super) login_status: Option<StatusCode>,
    /// What it answers to questions about tokens.
    pub(super) status: Option<StatusCode>,
    /// What was sent to log in, the latest last.
    pub(super) logins: Vec<Json>,
    /// How many tokens it gave out for that. It takes only the last one.
    pub(super) given: usize,
    /// When those end; never in the lifetime of a test unless it is set.
    pub(super) own_end: Option<String>,
    /// How many connections it ends before it answers a question about a token.
    pub(super) breaks: usize,
    /// How long it takes for each answer.
    pub(super) delay: Duration,
    /// What it was asked about: the token, and the query.
    pub(super) asked: Vec<(String, String)>,
    /// Whether it does not know the tokens any more that it gave out.
    pub(super) forgets: bool,
}

struct State {
    facts: Mutex<Facts>,
    /// By which questions about tokens are answered: one each.
    permits: Semaphore,
}

impl State {
    fn break_off(&self) -> io::Result<()> {
        let mut facts = self.facts.lock().unwrap();
        match facts.breaks.checked_sub(1) {
            Some(left) => facts.breaks = left,
            None => return Ok(()),
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

const MANY: usize = 1_000_000;

impl Fake {
    pub(super) async fn start() -> Self {
        Self::serve("http", |stream| std::future::ready(Some(stream))).await
    }

    /// One that is encrypted by a certificate.
    pub(super) async fn start_encrypted(certificate: ServerConfig) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(certificate));
        Self::serve("https", move |stream| {
            let acceptor = acceptor.clone();
            async move { acceptor.accept(stream).await.ok() }
        })
        .await
    }

    async fn serve<S, F>(scheme: &str, accept: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        F: Future<Output = Option<S>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { facts: Mutex::default(), permits: Semaphore::new(MANY) });
        let (theirs, base) = (Arc::clone(&state), url.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(stream) = accept(stream).await else { continue };
                let (state, base) = (Arc::clone(&theirs), base.clone());
                let service =
                    service_fn(move |request| answer(request, Arc::clone(&state), base.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, state }
    }

    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.state.facts.lock().unwrap()
    }

    /// Adds a token.
    pub(super) fn knows(&self, name: &str, token: impl Into<Json>) {
        let token: Json = token.into();
        self.facts().tokens.insert(name.to_owned(), json!({ "token": token }));
    }

    /// How many questions about tokens there were.
    pub(super) fn questions(&self) -> usize {
        self.facts().asked.len()
    }

    /// Keeps questions about tokens waiting.
    pub(super) fn hold(&self) {
        self.state.permits.forget_permits(MANY);
    }

    /// Answers questions about tokens again.
    pub(super) fn release(&self) {
        self.state.permits.add_permits(MANY);
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    base: String,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let path = request.uri().path().to_owned();
    let delay = state.facts.lock().unwrap().delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let response = match (request.method(), &*path) {
        (&Method::GET, "/") => {
            let links = json!([{"rel": "self", "href": format!("{base}/v3/")}]);
            let versions = json!({"versions": {"values": [{"id": "v3.14", "links": links}]}});
            json_of(StatusCode::MULTIPLE_CHOICES, &versions)
        }
        (&Method::POST, "/v3/auth/tokens") => {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            login(&state, serde_json::from_slice(&body).unwrap(), &base)
        }
        (&Method::GET, "/v3/auth/tokens") => {
            let permit = state.permits.acquire().await.unwrap();
            drop(permit);
            state.break_off()?;
            question(&request, &state)
        }
        _ => json_of(StatusCode::NOT_FOUND, &json!({})),
    };
    Ok(response)
}

fn login(state: &State, body: Json, base: &str) -> Response<Full<Bytes>> {
    let mut facts = state.facts.lock().unwrap();
    facts.logins.push(body);
    if let Some(status) = facts.login_status {
        return json_of(status, &json!({}));
    }
    facts.forgets = false;
    facts.given += 1;
    let end = facts.own_end.as_deref().unwrap_or("2999-01-01T00:00:00Z");
    let endpoints = json!([
        {"interface": "public", "url": "http://public.example", "region": "one"},
        {"interface": "internal", "url": base, "region": "one"},
    ]);
    let catalog = json!([{"type": "identity", "endpoints": endpoints}]);
    let body = json!({"token": {"expires_at": end, "catalog": catalog}});
    let mut response = json_of(StatusCode::CREATED, &body);
    let own = format!("own-{}", facts.given);
    response.headers_mut().insert("x-subject-token", own.parse().unwrap());
    response
}

fn question(request: &Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    let header = |name| request.headers()[name].to_str().unwrap().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut facts = state.facts.lock().unwrap();
    let subject = header("x-subject-token");
    facts.asked.push((subject.clone(), query.clone()));
    assert_eq!(header("openstack-identity-access-rules"), "1");
    if facts.forgets || header("x-auth-token") != format!("own-{}", facts.given) {
        return json_of(StatusCode::UNAUTHORIZED, &json!({}));
    }
    if let Some(status) = facts.status {
        return json_of(status, &json!({}));
    }
    let is_hidden = facts.expired.contains(&subject) && !query.contains("allow_expired=1");
    match facts.tokens.get(&subject).filter(|_| !is_hidden) {
        Some(token) => json_of(StatusCode::OK, token),
        None => json_of(StatusCode::NOT_FOUND, &json!({})),
    }
}

fn json_of(status: StatusCode, body: &Json) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response
}

/// A time in so many seconds, as Keystone writes it.
pub(super) fn in_seconds(seconds: u64) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds));
    let words: Vec<_> = date.split(' ').collect();
    let month = MONTHS.find(words[2]).unwrap() / 3 + 1;
    format!("{}-{month:02}-{}T{}Z", words[3], words[1], words[4])
}

/// A token of a user in a project, which is good for a long time.
pub(crate) fn token() -> Json {
    json!({
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "user": {"id": "u1", "name": "alice", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p1", "name": "demo", "domain": {"id": "d2", "name": "Other"}},
        "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
        "is_admin_project": false,
        "catalog": [{"type": "network", "name": "neutron", "endpoints": [
            {"interface": "public", "region": "one", "url": "http://net"},
        ]}],
    })
}

/// A token of a service.
pub(crate) fn service_token() -> Json {
    json!({
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "user": {"id": "u2", "name": "nova", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p2", "name": "service", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r3", "name": "service"}],
    })
}

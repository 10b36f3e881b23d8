//! Tells how a server is: its numbers for Prometheus, whether it lives and whether it is ready.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::app::{App, Request, RequestExt, Response, response};
use crate::metrics::{CONTENT_TYPE as METRICS, Snapshot};

/// How long the processes of a server may take to say how they are.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a server is, all of its processes together.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Health {
    /// What they have counted.
    pub counted: Snapshot,
    /// Whether each of them accepts connections, and none of them is told to end.
    pub ready: bool,
}

/// Who is to be told how a server is.
pub type Asker = oneshot::Sender<Health>;

/// Where those ask who want to know how a server is. A clone is the same desk.
#[derive(Clone, Debug)]
pub struct Desk {
    askers: UnboundedSender<Asker>,
    /// None once somebody sits there.
    asked: Arc<Mutex<Option<UnboundedReceiver<Asker>>>>,
}

impl Default for Desk {
    fn default() -> Self {
        let (askers, asked) = unbounded_channel();
        Self { askers, asked: Arc::new(Mutex::new(Some(asked))) }
    }
}

impl Desk {
    /// Takes the seat at the desk. Whoever comes later hears of nobody.
    pub fn open(&self) -> Asked {
        Asked(self.asked.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// Those who ask.
#[derive(Debug)]
pub struct Asked(Option<UnboundedReceiver<Asker>>);

impl Asked {
    /// Waits for the next one.
    pub async fn next(&mut self) -> Asker {
        if let Some(asked) = &mut self.0
            && let Some(asker) = asked.recv().await
        {
            return asker;
        }
        std::future::pending().await
    }
}

/// An app that answers `/metrics`, `/health` and `/ready`. For each answer but the second it asks
/// at a desk; where nobody answers, the server is not ready.
pub fn app(desk: &Desk) -> App {
    let askers = desk.askers.clone();
    App::from_fn(move |request| answer(askers.clone(), request))
}

async fn answer(askers: UnboundedSender<Asker>, request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let mut response = response::text(status, "only GET and HEAD are answered here\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.path_info() {
        "/health" => response::json(StatusCode::OK, &json!({ "status": "alive" })),
        "/metrics" => match ask(&askers).await {
            Some(status) => metrics(&status.counted),
            None => unavailable("unknown"),
        },
        "/ready" => match ask(&askers).await {
            Some(Health { ready: true, .. }) => {
                response::json(StatusCode::OK, &json!({ "status": "ready" }))
            }
            _ => unavailable("not ready"),
        },
        _ => response::text(StatusCode::NOT_FOUND, "there are /metrics, /health and /ready\n"),
    }
}

fn metrics(counted: &Snapshot) -> Response {
    let mut response = response::text(StatusCode::OK, counted.text());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(METRICS));
    response
}

fn unavailable(status: &str) -> Response {
    response::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": status }))
}

/// Asks how the server is; none if nobody says it in time.
async fn ask(askers: &UnboundedSender<Asker>) -> Option<Health> {
    let (asker, told) = oneshot::channel();
    askers.send(asker).ok()?;
    timeout(PATIENCE, told).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::app::Body;

    /// The status and the body of an answer, from a server that is as it is told; if that is
    /// nothing, from one that has ended.
    async fn get(path: &str, health: Option<Health>) -> (u16, String) {
        let desk = Desk::default();
        let app = app(&desk);
        let mut asked = desk.open();
        tokio::spawn(async move {
            let Some(health) = health else { return };
            let _ = asked.next().await.send(health);
        });
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = app.answer(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn ready() -> Health {
        Health { ready: true, ..Health::default() }
    }

    #[tokio::test]
    async fn tells_whether_the_server_is_ready() {
        assert_eq!(get("/ready", Some(ready())).await, (200, r#"{"status":"ready"}"#.to_owned()));
        let not_ready = (503, r#"{"status":"not ready"}"#.to_owned());
        assert_eq!(get("/ready", Some(Health::default())).await, not_ready);
        assert_eq!(get("/ready", None).await, not_ready);
    }

    #[tokio::test]
    async fn lives_whoever_else_answers() {
        assert_eq!(get("/health", None).await, (200, r#"{"status":"alive"}"#.to_owned()));
    }

    #[tokio::test]
    async fn tells_the_numbers() {
        let counted = Snapshot { respawns: 7, ..Snapshot::default() };
        let (status, text) = get("/metrics", Some(Health { counted, ready: false })).await;
        assert_eq!(status, 200);
        assert!(text.contains("\npasteline_respawns_total 7\n"), "{text}");
        assert_eq!(get("/metrics", None).await.0, 503);
    }

    #[tokio::test]
    async fn knows_no_other_path_and_no_other_method() {
        assert_eq!(get("/", None).await.0, 404);
        let request = http::Request::post("/metrics").body(Body::empty()).unwrap();
        assert_eq!(
            app(&Desk::default()).answer(request).await.status(),
            StatusCode::METHOD_NOT_ALLOWED
        );
    }
}

//! What is written down of a request.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::map::Map;
use crate::access_log::Iso;
use crate::app::{Request, RequestExt};

/// What is written down of a request: a CADF event.
pub(super) struct Event(Json);

const PENDING: &str = "pending";
const UNKNOWN: &str = "unknown";

impl Event {
    /// What there is to say when a request comes.
    pub(super) fn of(request: &Request, map: &Map, named: Option<&str>) -> Self {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        Self(json!({
            "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
            "eventType": "activity",
            "id": Uuid::new_v4().to_string(),
            "eventTime": now(),
            "action": map.action(request, named),
            "outcome": PENDING,
            "observer": {"id": "target"},
            "initiator": initiator(request),
            "target": asked(request, map),
            "requestPath": target,
            "tags": [format!("correlation_id?value={}", Uuid::new_v4())],
        }))
    }

    /// Adds what became of it.
    pub(super) fn end(&mut self, status: StatusCode) {
        let is_done = status.is_success() || status.is_redirection();
        self.0["outcome"] = if is_done { "success" } else { "failure" }.into();
        self.0["reason"] = json!({"reasonType": "HTTP", "reasonCode": status.as_str()});
        let step = json!({"role": "modifier", "reporter": {"id": "target"}, "reporterTime": now()});
        self.0["reporterchain"] = json!([step]);
    }

    /// Says that nobody knows what became of it, unless it has ended.
    pub(super) fn give_up(&mut self) {
        if self.0["outcome"] == PENDING {
            self.0["outcome"] = UNKNOWN.into();
        }
    }

    /// A line about it.
    pub(super) fn line(&self, kind: &str) -> String {
        let mut line =
            json!({"event_type": kind, "timestamp": now(), "payload": self.0}).to_string();
        line.push('\n');
        line
    }
}

/// Who asks.
fn initiator(request: &Request) -> Json {
    let headers = request.headers();
    let header = |name| text(headers, name).unwrap_or_else(|| UNKNOWN.to_owned());
    let mut initiator = json!({
        "typeURI": "service/security/account/user",
        "id": header("x-user-id"),
        "name": header("x-user-name"),
        "credential": {"token": "****", "identity_status": header("x-identity-status")},
        "host": {
            "address": request.context().client().map(|client| client.to_string()),
            "agent": text(headers, "user-agent"),
        },
        "project_id": header("x-project-id"),
    });
    if let Some(id) = &request.context().request_id {
        initiator["request_id"] = String::from_utf8_lossy(id.as_bytes()).into();
    }
    if let Some(id) = text(headers, "x-openstack-request-id") {
        initiator["global_request_id"] = id.into();
    }
    initiator
}

/// What is asked: a service of the catalog, and what of it.
fn asked(request: &Request, map: &Map) -> Json {
    let catalog = text(request.headers(), "x-service-catalog");
    let catalog: Vec<Json> =
        catalog.and_then(|catalog| serde_json::from_str(&catalog).ok()).unwrap_or_default();
    let is_host = |service: &&Json| is_at(service, request.host());
    let is_default = |service: &&Json| {
        map.default_service.is_some() && service["type"].as_str() == map.default_service.as_deref()
    };
    // As in the original, those without endpoints are passed over, and of the default type the last
    // one counts.
    let has_endpoints = |service: &&Json| service["endpoints"].get(0).is_some();
    let mut services = catalog.iter().filter(has_endpoints);
    let found = services.clone().find(is_host).or_else(|| services.rfind(is_default));
    let Some(service) = found else {
        return json!({"id": UNKNOWN, "typeURI": UNKNOWN, "name": UNKNOWN});
    };
    let kind = service["type"].as_str().and_then(|kind| map.services.get(kind));
    let kind = kind.map(|kind| format!("{kind}{}", map.kind(request.uri().path())));
    let endpoint = &service["endpoints"][0];
    let address = |name: &str, url: &str| json!({"name": name, "url": endpoint[url].as_str().unwrap_or(UNKNOWN)});
    json!({
        "id": endpoint["id"].as_str().or(service["name"].as_str()).unwrap_or(UNKNOWN),
        "typeURI": kind.as_deref().unwrap_or(UNKNOWN),
        "name": service["name"].as_str().unwrap_or(UNKNOWN),
        "addresses": [
            address("admin", "adminURL"),
            address("private", "internalURL"),
            address("public", "publicURL"),
        ],
    })
}

/// Whether a service is at a host, which is named with its port.
fn is_at(service: &Json, host: Option<&str>) -> bool {
    let Some(host) = host.filter(|host| host.contains(':')) else { return false };
    ["adminURL", "publicURL"].into_iter().any(|url| {
        let uri = service["endpoints"][0][url].as_str().and_then(|url| url.parse::<Uri>().ok());
        uri.is_some_and(|uri| uri.authority().is_some_and(|authority| authority.as_str() == host))
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn now() -> String {
    Iso(SystemTime::now()).to_string()
}

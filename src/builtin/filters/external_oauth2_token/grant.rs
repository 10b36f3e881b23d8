//! What is remembered of a token that is active.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json, json};

use super::mapping::{Mapping, Unfit};
use crate::builtin::filters::auth_token::{Moment, Remembered};

/// What is remembered of a token that is active.
#[derive(Debug)]
pub(super) struct Grant {
    expires: Moment,
    /// That of the certificate which it counts with.
    pub(super) thumbprint: Option<String>,
    /// What the app is told; none if the token does not say all that it should.
    headers: Option<Vec<(HeaderName, HeaderValue)>>,
}

const fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// Which headers tell what.
static TOLD: [(&str, HeaderName); 17] = [
    ("roles", name("x-roles")),
    ("roles", name("x-role")),
    ("user_id", name("x-user-id")),
    ("user_name", name("x-user-name")),
    ("user_name", name("x-user")),
    ("user_domain_id", name("x-user-domain-id")),
    ("user_domain_name", name("x-user-domain-name")),
    ("project_id", name("x-project-id")),
    ("project_id", name("x-tenant-id")),
    ("project_id", name("x-tenant")),
    ("project_name", name("x-project-name")),
    ("project_name", name("x-tenant-name")),
    ("project_domain_id", name("x-project-domain-id")),
    ("project_domain_name", name("x-project-domain-name")),
    ("domain_id", name("x-domain-id")),
    ("domain_name", name("x-domain-name")),
    ("system_scope", name("openstack-system-scope")),
];

const IS_ADMIN_PROJECT: HeaderName = name("x-is-admin-project");
const STATUS: HeaderName = name("x-identity-status");

/// A token that is active, and what others are to share of it.
pub(super) struct Read {
    pub(super) grant: Grant,
    pub(super) shared: Json,
}

/// What the server's answer says of a token; none if it is not active, or no longer.
pub(super) fn read(metadata: &Json, mapping: &Mapping) -> Option<Read> {
    if metadata.get("active") != Some(&Json::Bool(true)) {
        return None;
    }
    let thumbprint = metadata.pointer("/cnf/x5t#S256").and_then(Json::as_str).map(str::to_owned);
    let Ok(end) = mapping.expires_at(metadata) else {
        return Some(Read { grant: Grant::unfit(thumbprint), shared: Json::Null });
    };
    let expires = end.map_or(Moment::NEVER, Moment::of_seconds);
    if expires <= Moment::now() {
        return None;
    }
    let Ok((facts, headers)) = told(metadata, mapping) else {
        return Some(Read { grant: Grant::unfit(thumbprint), shared: Json::Null });
    };
    let mut shared = facts;
    shared.insert("origin_token_metadata".to_owned(), metadata.clone());
    let grant = Grant { expires, thumbprint, headers: Some(headers) };
    Some(Read { grant, shared: shared.into() })
}

/// What was shared of a token, as the server answered it.
pub(super) fn metadata(shared: &[u8]) -> Option<Json> {
    let mut shared: Json = serde_json::from_slice(shared).ok()?;
    shared.get_mut("origin_token_metadata").map(Json::take)
}

type Headers = Vec<(HeaderName, HeaderValue)>;

fn told(metadata: &Json, mapping: &Mapping) -> Result<(Map<String, Json>, Headers), Unfit> {
    let facts = mapping.facts(metadata)?;
    let mut headers = Headers::new();
    for (fact, name) in &TOLD {
        if let Some(text) = facts.get(*fact).and_then(Json::as_str) {
            headers.push((name.clone(), HeaderValue::from_str(text).map_err(|_| Unfit)?));
        }
    }
    headers.push((STATUS, HeaderValue::from_static("Confirmed")));
    if facts.get("is_admin") == Some(&json!("true")) {
        headers.push((IS_ADMIN_PROJECT, HeaderValue::from_static("true")));
    }
    Ok((facts, headers))
}

impl Grant {
    fn unfit(thumbprint: Option<String>) -> Self {
        Self { expires: Moment::NEVER, thumbprint, headers: None }
    }

    pub(super) fn has_expired(&self) -> bool {
        self.expires <= Moment::now()
    }

    /// Whether the token says all that it should.
    pub(super) fn is_fit(&self) -> bool {
        self.headers.is_some()
    }

    /// Tells the app who asks.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in self.headers.iter().flatten() {
            headers.insert(name, value.clone());
        }
    }
}

impl Remembered for Grant {
    fn expires(&self) -> Moment {
        self.expires
    }

    fn memory(&self) -> usize {
        let headers = self.headers.iter().flatten();
        let headers =
            headers.map(|(_, value)| size_of::<(HeaderName, HeaderValue)>() + value.len());
        let thumbprint = self.thumbprint.as_ref().map_or(0, String::len);
        size_of::<Self>() + thumbprint + headers.sum::<usize>()
    }
}

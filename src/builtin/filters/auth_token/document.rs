//! What Keystone tells of a token, as far as it is used.

use serde::Deserialize;
use serde_json::Value as Json;

/// What Keystone answers where it is asked for a token.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) token: Facts,
}

/// What is known of a token.
#[derive(Debug, Deserialize)]
pub(super) struct Facts {
    pub(super) expires_at: String,
    pub(super) user: User,
    pub(super) roles: Option<Vec<Role>>,
    pub(super) project: Option<Project>,
    pub(super) domain: Option<Domain>,
    pub(super) system: Option<System>,
    pub(super) is_admin_project: Option<bool>,
    pub(super) catalog: Option<Vec<Service>>,
    pub(super) application_credential: Option<ApplicationCredential>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) domain: Option<Domain>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Role {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) domain: Option<Domain>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Domain {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct System {
    pub(super) all: Option<bool>,
}

/// A service of the catalog.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: Option<Json>,
    pub(super) endpoints: Option<Vec<Endpoint>>,
}

/// Where a service is reached.
#[derive(Debug, Deserialize)]
pub(super) struct Endpoint {
    pub(super) region: Option<String>,
    pub(super) interface: String,
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ApplicationCredential {
    pub(super) access_rules: Option<Vec<AccessRule>>,
}

/// What an application credential allows.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AccessRule {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) service: String,
}

//! How the filter logs in to Keystone.

use serde_json::{Value as Json, json};

use crate::settings::SecretString;

/// How the filter logs in to Keystone.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) struct Login {
    pub(in crate::builtin::filters) credentials: Credentials,
    /// None for an application credential, which has its own, and for a user's default project.
    pub(in crate::builtin::filters) scope: Option<Scope>,
}

/// As whom.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) enum Credentials {
    /// The application credential of an id, with its secret.
    Application(String, SecretString),
    /// The application credential of a name and a user, with its secret.
    NamedApplication(String, User, SecretString),
    Password(User, SecretString),
}

/// Something that is known by its id, or by its name within a domain.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) enum User {
    Id(String),
    Name(String, Domain),
}

/// A domain by its id or its name, as Keystone writes it.
pub(in crate::builtin::filters) type Domain = Json;

/// For what.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) enum Scope {
    Domain(Domain),
    Project(User),
    System,
    Trust(String),
}

impl Login {
    /// The body of the request by which it logs in.
    pub(super) fn body(&self) -> String {
        let identity = match &self.credentials {
            Credentials::Application(id, secret) => json!({
                "methods": ["application_credential"],
                "application_credential": {"id": id, "secret": secret.expose()},
            }),
            Credentials::NamedApplication(name, user, secret) => json!({
                "methods": ["application_credential"],
                "application_credential": {
                    "name": name, "user": named(user), "secret": secret.expose(),
                },
            }),
            Credentials::Password(user, password) => {
                let mut user = named(user);
                user["password"] = password.expose().into();
                json!({"methods": ["password"], "password": {"user": user}})
            }
        };
        let mut auth = json!({"identity": identity});
        match &self.scope {
            None => {}
            Some(Scope::Domain(domain)) => auth["scope"] = json!({"domain": domain}),
            Some(Scope::Project(project)) => auth["scope"] = json!({"project": named(project)}),
            Some(Scope::System) => auth["scope"] = json!({"system": {"all": true}}),
            Some(Scope::Trust(id)) => auth["scope"] = json!({"OS-TRUST:trust": {"id": id}}),
        }
        json!({"auth": auth}).to_string()
    }
}

fn named(user: &User) -> Json {
    match user {
        User::Id(id) => json!({"id": id}),
        User::Name(name, domain) => json!({"name": name, "domain": domain}),
    }
}

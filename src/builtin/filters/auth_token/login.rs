//! Makes the filter's own login of its settings.

use serde_json::json;

use super::keystone::{Credentials, Domain, Login, Scope, User};
use super::options::AuthType;
use super::settings::AuthToken;
use crate::diagnostic::Diagnostic;
use crate::settings::Reader;

/// Notes what is missing, or too much, of the filter's own login.
pub(super) fn check(settings: &AuthToken, reader: &mut Reader<'_>) {
    if settings.auth_url.is_none() {
        let help = "add `auth_url = http://…`: where Keystone is";
        need(settings, reader, "auth_url", help);
        if !is_begun(settings) {
            // Most likely the settings file was not named, and all of it stands there.
            return;
        }
    }
    match settings.auth_type {
        AuthType::ApplicationCredential => check_application(settings, reader),
        AuthType::Password => {
            check_user(settings, reader);
            if settings.password.is_none() {
                need(
                    settings,
                    reader,
                    "password",
                    "add `password = …`: that of the filter's own user",
                );
            }
            check_scope(settings, reader);
        }
    }
}

/// Whether anything is given of the filter's own login.
fn is_begun(settings: &AuthToken) -> bool {
    settings.username.is_some()
        || settings.user_id.is_some()
        || settings.password.is_some()
        || settings.application_credential_secret.is_some()
}

fn check_application(settings: &AuthToken, reader: &mut Reader<'_>) {
    if settings.application_credential_secret.is_none() {
        let help = "add `application_credential_secret = …`, or log in with a password";
        need(settings, reader, "application_credential_secret", help);
    }
    match (&settings.application_credential_id, &settings.application_credential_name) {
        (None, None) => {
            let help = "add `application_credential_id = …`, or its name and a user";
            need(settings, reader, "application_credential_id", help);
        }
        (None, Some(_)) => check_user(settings, reader),
        (Some(_), _) => {}
    }
}

fn check_user(settings: &AuthToken, reader: &mut Reader<'_>) {
    if settings.user_id.is_some() {
        return;
    }
    if settings.username.is_none() {
        need(settings, reader, "username", "add `username = …`: that of the filter's own user");
    } else if user_domain(settings).is_none() {
        let help = "add `user_domain_name = …`, most often `Default`: where `username` is known";
        need(settings, reader, "user_domain_name", help);
    }
}

fn check_scope(settings: &AuthToken, reader: &mut Reader<'_>) {
    let given = [
        ("project_name", settings.project_id.is_some() || settings.project_name.is_some()),
        ("domain_name", settings.domain_id.is_some() || settings.domain_name.is_some()),
        ("system_scope", settings.system_scope.is_some()),
        ("trust_id", settings.trust_id.is_some()),
    ];
    let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
    if let Some((first, _)) = given.next() {
        for (name, _) in given {
            reader.reject(name, format!("a login is for one of them only, and `{first}` is given"));
        }
    }
    if settings.project_name.is_some()
        && settings.project_id.is_none()
        && project_domain(settings).is_none()
    {
        let help = "add `project_domain_name = …`, most often `Default`: where `project_name` is \
            known";
        need(settings, reader, "project_domain_name", help);
    }
}

fn need(settings: &AuthToken, reader: &mut Reader<'_>, name: &str, help: &str) {
    let message = format!("`auth_token` needs the option `{name}`");
    let group = settings.auth_section.as_deref().unwrap_or("keystone_authtoken");
    let beneath = format!("or give it in `[{group}]` of a file that `--config-file` names");
    reader.note(name, Diagnostic::error("missing-option", message).help(help).help(beneath));
}

/// The filter's own login; none if something is missing.
pub(super) fn of(settings: &AuthToken) -> Option<Login> {
    let credentials = match settings.auth_type {
        AuthType::ApplicationCredential => {
            let secret = settings.application_credential_secret.clone()?;
            match (&settings.application_credential_id, &settings.application_credential_name) {
                (Some(id), _) => Credentials::Application(id.clone(), secret),
                (None, name) => {
                    Credentials::NamedApplication(name.clone()?, user(settings)?, secret)
                }
            }
        }
        AuthType::Password => Credentials::Password(user(settings)?, settings.password.clone()?),
    };
    let scope = match settings.auth_type {
        AuthType::ApplicationCredential => None,
        AuthType::Password => scope(settings),
    };
    Some(Login { credentials, scope })
}

fn user(settings: &AuthToken) -> Option<User> {
    match &settings.user_id {
        Some(id) => Some(User::Id(id.clone())),
        None => Some(User::Name(settings.username.clone()?, user_domain(settings)?)),
    }
}

fn scope(settings: &AuthToken) -> Option<Scope> {
    if let Some(domain) = domain(settings.domain_id.as_ref(), settings.domain_name.as_ref()) {
        return Some(Scope::Domain(domain));
    }
    if let Some(id) = &settings.project_id {
        return Some(Scope::Project(User::Id(id.clone())));
    }
    if let Some(name) = &settings.project_name {
        return Some(Scope::Project(User::Name(name.clone(), project_domain(settings)?)));
    }
    if let Some(id) = &settings.trust_id {
        return Some(Scope::Trust(id.clone()));
    }
    settings.system_scope.map(|_| Scope::System)
}

fn user_domain(settings: &AuthToken) -> Option<Domain> {
    domain(settings.user_domain_id.as_ref(), settings.user_domain_name.as_ref())
        .or_else(|| default_domain(settings))
}

fn project_domain(settings: &AuthToken) -> Option<Domain> {
    domain(settings.project_domain_id.as_ref(), settings.project_domain_name.as_ref())
        .or_else(|| default_domain(settings))
}

fn default_domain(settings: &AuthToken) -> Option<Domain> {
    domain(settings.default_domain_id.as_ref(), settings.default_domain_name.as_ref())
}

fn domain(id: Option<&String>, name: Option<&String>) -> Option<Domain> {
    id.map(|id| json!({ "id": id })).or_else(|| name.map(|name| json!({ "name": name })))
}

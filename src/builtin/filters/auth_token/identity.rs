//! The headers by which an app learns who asks.

use std::iter::zip;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::catalog;
use super::document::{Domain, Facts};

/// How many facts have a header for the user and another one for a service.
const FACTS: usize = 10;

const fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// The headers of the facts, in their order.
static USER: [HeaderName; FACTS] = [
    name("x-user-id"),
    name("x-user-name"),
    name("x-user-domain-id"),
    name("x-user-domain-name"),
    name("x-project-id"),
    name("x-project-name"),
    name("x-project-domain-id"),
    name("x-project-domain-name"),
    name("x-domain-id"),
    name("x-domain-name"),
];

static SERVICE: [HeaderName; FACTS] = [
    name("x-service-user-id"),
    name("x-service-user-name"),
    name("x-service-user-domain-id"),
    name("x-service-user-domain-name"),
    name("x-service-project-id"),
    name("x-service-project-name"),
    name("x-service-project-domain-id"),
    name("x-service-project-domain-name"),
    name("x-service-domain-id"),
    name("x-service-domain-name"),
];

const USER_NAME: usize = 1;
const PROJECT_ID: usize = 4;
const PROJECT_NAME: usize = 5;

/// Names that facts had before, which apps may still know.
static OLDER: [(HeaderName, usize); 4] = [
    (name("x-user"), USER_NAME),
    (name("x-tenant-id"), PROJECT_ID),
    (name("x-tenant-name"), PROJECT_NAME),
    (name("x-tenant"), PROJECT_NAME),
];

const ROLES: HeaderName = name("x-roles");
const OLDER_ROLES: HeaderName = name("x-role");
const SERVICE_ROLES: HeaderName = name("x-service-roles");
const IS_ADMIN_PROJECT: HeaderName = name("x-is-admin-project");
const SYSTEM_SCOPE: HeaderName = name("openstack-system-scope");
const CATALOG: HeaderName = name("x-service-catalog");

/// Whether the token of the user was found right.
pub(super) const USER_STATUS: HeaderName = name("x-identity-status");

/// Whether the token of a service was found right.
pub(super) const SERVICE_STATUS: HeaderName = name("x-service-identity-status");

/// The value of a status that is good.
pub(super) const CONFIRMED: HeaderValue = HeaderValue::from_static("Confirmed");

/// The value of a status that is not.
pub(super) const INVALID: HeaderValue = HeaderValue::from_static("Invalid");

/// Who asks, as headers tell it.
#[derive(Debug)]
pub(super) struct Identity {
    facts: [Option<HeaderValue>; FACTS],
    roles: HeaderValue,
    is_admin_project: bool,
    has_system_scope: bool,
    catalog: Option<HeaderValue>,
}

impl Identity {
    /// What the facts of a token say; none if one of them cannot stand in a header.
    pub(super) fn of(facts: &Facts) -> Option<Self> {
        let user = facts.user.domain.as_ref();
        let project = facts.project.as_ref();
        let project_domain = project.and_then(|project| project.domain.as_ref());
        let texts: [Option<&str>; FACTS] = [
            Some(&facts.user.id),
            Some(&facts.user.name),
            id(user),
            domain_name(user),
            project.and_then(|project| project.id.as_deref()),
            project.and_then(|project| project.name.as_deref()),
            id(project_domain),
            domain_name(project_domain),
            id(facts.domain.as_ref()),
            domain_name(facts.domain.as_ref()),
        ];
        let mut values = [const { None }; FACTS];
        for (value, text) in zip(&mut values, texts) {
            if let Some(text) = text {
                *value = Some(value_of(text)?);
            }
        }
        let roles: Vec<_> = facts.roles.iter().flatten().map(|role| &*role.name).collect();
        let catalog = match facts.catalog.as_deref() {
            Some(catalog) => Some(value_of(&catalog::older_shape(catalog))?),
            None => None,
        };
        let system = facts.system.as_ref();
        Some(Self {
            facts: values,
            roles: value_of(&roles.join(","))?,
            is_admin_project: facts.is_admin_project.unwrap_or(true),
            has_system_scope: system.is_some_and(|system| system.all == Some(true)),
            catalog,
        })
    }

    /// Sets the headers that tell of the user.
    pub(super) fn tell_user(&self, headers: &mut HeaderMap) {
        // All at once: growing by and by costs as much as the headers.
        headers.reserve(FACTS + OLDER.len() + 8);
        headers.insert(USER_STATUS, CONFIRMED);
        self.tell(&USER, headers);
        for (name, fact) in &OLDER {
            if let Some(value) = &self.facts[*fact] {
                headers.insert(name, value.clone());
            }
        }
        headers.insert(ROLES, self.roles.clone());
        headers.insert(OLDER_ROLES, self.roles.clone());
        let is_admin_project = if self.is_admin_project { "True" } else { "False" };
        headers.insert(IS_ADMIN_PROJECT, HeaderValue::from_static(is_admin_project));
        if self.has_system_scope {
            headers.insert(SYSTEM_SCOPE, HeaderValue::from_static("all"));
        }
        if let Some(catalog) = &self.catalog {
            headers.insert(CATALOG, catalog.clone());
        }
    }

    /// Sets the headers that tell of the service which passes a user's request on.
    ///
    /// The scope of the service's own token is not told: it would stand in the place of the user's.
    pub(super) fn tell_service(&self, headers: &mut HeaderMap) {
        headers.reserve(FACTS + 2);
        self.tell(&SERVICE, headers);
        headers.insert(SERVICE_ROLES, self.roles.clone());
    }

    fn tell(&self, names: &'static [HeaderName; FACTS], headers: &mut HeaderMap) {
        for (name, value) in zip(names, &self.facts) {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }

    /// How many bytes of memory the values take, about.
    pub(super) fn memory(&self) -> usize {
        let values = self.facts.iter().flatten().chain(&self.catalog).chain([&self.roles]);
        // What is shared has a counter beside it.
        values.map(|value| value.len() + 48).sum::<usize>() + size_of::<Self>()
    }
}

fn id(domain: Option<&Domain>) -> Option<&str> {
    domain?.id.as_deref()
}

fn domain_name(domain: Option<&Domain>) -> Option<&str> {
    domain?.name.as_deref()
}

fn value_of(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// Removes what a client says of itself, in whichever spelling: only this filter may say it.
pub(in crate::builtin::filters) fn strip(headers: &mut HeaderMap) {
    let mut found: Vec<HeaderName> = Vec::new();
    for name in headers.keys() {
        if is_identity(name.as_str()) {
            found.push(name.clone());
        }
    }
    for name in found {
        headers.remove(name);
    }
}

/// Whether a header is one that tells of an identity, or one that carries a token and is spelled
/// in a way that only apps behind a CGI-like gateway would take for it.
fn is_identity(name: &str) -> bool {
    let bytes = name.as_bytes();
    match bytes {
        // As all that are compared below begin; most headers do not.
        [b'x', b'-' | b'_', b'd' | b'i' | b'p' | b'r' | b's' | b't' | b'u', ..]
        | [b'o', b'p', ..] => {
            USER.iter().chain(&SERVICE).any(|known| is_spelling(bytes, known))
                || OLDER.iter().any(|(known, _)| is_spelling(bytes, known))
                || OTHERS.iter().any(|known| is_spelling(bytes, known))
                || is_spelling_of_token(bytes)
        }
        [b'x', b'-' | b'_', b'a', ..] => is_spelling_of_token(bytes),
        _ => false,
    }
}

fn is_spelling_of_token(bytes: &[u8]) -> bool {
    bytes.contains(&b'_') && TOKENS.iter().any(|known| is_spelling(bytes, known))
}

static OTHERS: [HeaderName; 8] = [
    ROLES,
    OLDER_ROLES,
    SERVICE_ROLES,
    IS_ADMIN_PROJECT,
    SYSTEM_SCOPE,
    CATALOG,
    USER_STATUS,
    SERVICE_STATUS,
];

static TOKENS: [HeaderName; 3] =
    [name("x-auth-token"), name("x-service-token"), name("x-storage-token")];

/// Whether a name is another one, `-` and `_` being the same.
fn is_spelling(bytes: &[u8], name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    bytes.len() == name.len()
        && zip(bytes, name).all(|(byte, known)| byte == known || *byte == b'_' && *known == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_filter_may_say_is_removed_in_every_spelling() {
        let all = USER.iter().chain(&SERVICE).chain(&OTHERS);
        let all = all.chain(OLDER.iter().map(|(name, _)| name));
        let mut headers = HeaderMap::new();
        for name in all {
            let name = name.as_str();
            for spelling in [name.to_owned(), name.replace('-', "_"), name.replacen('-', "_", 1)] {
                let spelling: HeaderName = spelling.parse().unwrap();
                headers.append(&spelling, CONFIRMED);
                headers.append(&spelling, INVALID);
            }
        }
        for name in ["x_auth_token", "x_service-token", "x-storage_token"] {
            headers.insert(name, CONFIRMED);
        }
        strip(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
    }

    #[test]
    fn everything_else_stays() {
        let names =
            ["x-auth-token", "x-service-token", "x-user-agent", "x-user-id2", "openstack-api"];
        let mut headers = HeaderMap::new();
        for name in names {
            headers.insert(name, CONFIRMED);
        }
        strip(&mut headers);
        assert_eq!(headers.len(), names.len());
    }
}

//! Tells an app that everybody is the same user, without asking anybody who they are.

use std::ops::ControlFlow;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::auth_token::strip_identity;
use crate::app::{Filter, Phase, Request, RequestExt, Response, response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Reader};

pub(super) const DEFINITION: Definition =
    Definition::filter::<NoAuth>("noauth").aliases(ALIASES).outside_of(&[super::BEFORE_CACHE]);

const ALIASES: &[Alias] = &[
    Alias::of("cinder.api.middleware.auth:NoAuthMiddleware.factory").dialect(DANCE).note(NOTE),
    Alias::of("cinder.api.middleware.auth:NoAuthMiddlewareIncludeProjectID.factory")
        .dialect(DANCE)
        .note(NOTE),
    Alias::of("designate.api.middleware:NoAuthContextMiddleware.factory")
        .dialect(DESIGNATE)
        .note(NOTE),
    Alias::of("manila.api.middleware.auth:NoAuthMiddleware.factory").dialect(DANCE).note(NOTE),
    Alias::of("manila.api.middleware.auth:NoAuthMiddlewarev2_60.factory").dialect(DANCE).note(NOTE),
    Alias::of("neutron.auth:NoauthFakeProjectId.factory").dialect(NEUTRON).note(NOTE),
    Alias::of("nova.api.openstack.auth:NoAuthMiddleware.factory").dialect(DANCE).note(NOTE),
    Alias::of("nova.api.openstack.auth:NoAuthMiddlewareV2_18.factory").dialect(DANCE).note(NOTE),
    Alias::of("nova.api.openstack.auth:NoAuthMiddlewareV3.factory").dialect(DANCE).note(NOTE),
];

const DANCE: Dialect = Dialect::lenient().defaults(&[("token_names_user", "true")]);
const DESIGNATE: Dialect = Dialect::lenient().defaults(&[
    ("project_id", "noauth-project"),
    ("roles", "admin"),
    ("user_id", "noauth-user"),
]);
const NEUTRON: Dialect =
    Dialect::lenient().defaults(&[("project_id", "fake_project_id"), ("user_id", "fake_user_id")]);

const NOTE: &str = "The original hands the user to Python code behind it; here headers tell it, \
    those that `auth_token` sets, and the service must believe them.";

settings! {
    /// Tells an app that everybody is the same user, by the headers that `auth_token` sets, without
    /// asking anybody who they are. It is for tests and for networks that nobody else reaches.
    ///
    /// What a client says itself by these headers is removed.
    ///
    /// ```ini
    /// [filter:noauth]
    /// use = egg:pasteline#noauth
    /// user_id = admin
    /// project_id = demo
    /// roles = admin
    /// ```
    struct NoAuth {
        /// The user.
        user_id: String = "admin",
        /// The project.
        project_id: String = "admin",
        /// The roles of the user.
        roles: Vec<String> = "admin",
        /// Whether the token names user and project, `USER:PROJECT`, as with Nova, Cinder and
        /// Manila: a request without `X-Auth-Token` is answered with 204 and such a token, made of
        /// `X-Auth-User` and `X-Auth-Project-Id` or of `user_id` and `project_id`.
        token_names_user: bool = "false",
    }
}

const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const ASKED_USER: HeaderName = HeaderName::from_static("x-auth-user");
const ASKED_PROJECT: HeaderName = HeaderName::from_static("x-auth-project-id");
const MANAGEMENT_URL: HeaderName = HeaderName::from_static("x-server-management-url");

impl FilterFactory for NoAuth {
    fn check(&self, reader: &mut Reader<'_>) {
        for (option, text) in [("user_id", &self.user_id), ("project_id", &self.project_id)] {
            if HeaderValue::from_str(text).is_err() || text.is_empty() {
                reader.reject(option, "it must be able to stand in a header");
            }
        }
        if HeaderValue::from_str(&self.roles.join(",")).is_err() {
            reader.reject("roles", "they must be able to stand in a header");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| Error::new(format!("`{text}` is no header")))
        };
        Ok(Filter::phase(Everybody {
            user: value(&self.user_id)?,
            project: value(&self.project_id)?,
            roles: value(&self.roles.join(","))?,
            token_names_user: self.token_names_user,
        }))
    }
}

struct Everybody {
    user: HeaderValue,
    project: HeaderValue,
    roles: HeaderValue,
    token_names_user: bool,
}

impl Phase for Everybody {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        let (user, project) = if self.token_names_user {
            match request.headers().get(TOKEN) {
                Some(token) => named_by(token),
                None => return ControlFlow::Break(self.token(request)),
            }
        } else {
            (self.user.clone(), self.project.clone())
        };
        let headers = request.headers_mut();
        strip_identity(headers);
        self.tell(&user, &project, headers);
        ControlFlow::Continue(())
    }
}

impl Everybody {
    fn tell(&self, user: &HeaderValue, project: &HeaderValue, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-identity-status", &HeaderValue::from_static("Confirmed")),
            ("x-project-id", project),
            ("x-project-name", project),
            ("x-role", &self.roles),
            ("x-roles", &self.roles),
            ("x-tenant", project),
            ("x-tenant-id", project),
            ("x-tenant-name", project),
            ("x-user", user),
            ("x-user-id", user),
            ("x-user-name", user),
        ] {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }

    /// The answer to who has no token: one.
    fn token(&self, request: &Request) -> Response {
        let asked = |name, other: &HeaderValue| {
            let text = request.headers().get(name).unwrap_or(other).as_bytes();
            String::from_utf8_lossy(text).into_owned()
        };
        let (user, project) = (asked(ASKED_USER, &self.user), asked(ASKED_PROJECT, &self.project));
        let mut response = response::text(StatusCode::NO_CONTENT, "");
        let (scheme, host) =
            (request.context().scheme().name(), request.host().unwrap_or_default());
        let path = request.uri().path().trim_end_matches('/');
        let url = format!("{scheme}://{host}{path}/{project}");
        for (name, text) in [(TOKEN, format!("{user}:{project}")), (MANAGEMENT_URL, url)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The user and the project that a token names; the project is called like the user if it names
/// none.
fn named_by(token: &HeaderValue) -> (HeaderValue, HeaderValue) {
    let bytes = token.as_bytes();
    let mut parts = bytes.splitn(2, |byte| *byte == b':');
    let user = parts.next().unwrap_or_default();
    let project = parts.next().filter(|project| !project.is_empty()).unwrap_or(user);
    let value = |bytes| HeaderValue::from_bytes(bytes).expect("it is a part of a header's value");
    (value(user), value(project))
}

#[cfg(test)]
mod tests {
    use http::header::HOST;

    use super::*;
    use crate::app::{App, Body};
    use crate::builtin::fixture::{faults, filter, text};

    /// The user, project and roles that an app sees, or the status and token of an answer.
    async fn seen(section: &str, headers: &[(&'static str, &'static str)]) -> String {
        let app = App::ready(|request: Request| {
            let value = |name| request.headers().get(name).map_or("-", |it| it.to_str().unwrap());
            let names = ["x-user-id", "x-project-id", "x-roles", "x-service-roles"];
            response::text(StatusCode::OK, names.map(value).join(" "))
        });
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = "/v2/".parse().unwrap();
        request.headers_mut().insert(HOST, HeaderValue::from_static("test"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let response = app.behind(&[filter(section)]).answer(request).await;
        if response.status() == StatusCode::OK {
            return text(response).await;
        }
        let value = |name| response.headers()[name].to_str().unwrap();
        let (token, url) = (value(TOKEN), value(MANAGEMENT_URL));
        format!("{} {token} {url}", response.status().as_u16())
    }

    const NATIVE: &str = "[filter:f]\nuse = egg:pasteline#noauth\n";
    const NOVA: &str = "[filter:f]\npaste.filter_factory = \
        nova.api.openstack.auth:NoAuthMiddleware.factory\n";

    #[tokio::test]
    async fn everybody_is_who_the_section_says() {
        let own = [("x-user-id", "evil"), ("x-service-roles", "service"), ("x-roles", "none")];
        assert_eq!(seen(NATIVE, &own).await, "admin admin admin -");
        let section = format!("{NATIVE}user_id = u\nproject_id = p\nroles = member, reader\n");
        assert_eq!(seen(&section, &[]).await, "u p member,reader -");
    }

    #[tokio::test]
    async fn a_token_names_user_and_project() {
        assert_eq!(seen(NOVA, &[("x-auth-token", "u:p")]).await, "u p admin -");
        assert_eq!(seen(NOVA, &[("x-auth-token", "u")]).await, "u u admin -");
        assert_eq!(seen(NOVA, &[]).await, "204 admin:admin http://test/v2/admin");
        let asked = [("x-auth-user", "u"), ("x-auth-project-id", "p")];
        assert_eq!(seen(NOVA, &asked).await, "204 u:p http://test/v2/p");
    }

    #[tokio::test]
    async fn neutron_has_a_project_of_its_own() {
        let section =
            "[filter:f]\npaste.filter_factory = neutron.auth:NoauthFakeProjectId.factory\n";
        assert_eq!(seen(section, &[]).await, "fake_user_id fake_project_id admin -");
    }

    #[test]
    fn tells_what_can_stand_in_no_header() {
        for option in ["user_id = \u{1}", "project_id = ", "roles = \u{1}"] {
            assert_eq!(faults(&format!("{NATIVE}{option}\n")).len(), 1, "{option:?}");
        }
    }
}

//! Asks for a user's name and password.

mod credentials;
mod file;
mod password;
mod users;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use self::credentials::Credentials;
use self::file::UserFile;
use crate::app::{App, Body, Filter, Handler, Request, RequestExt, Response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, HeaderPattern, Rejected, Seconds, Setting};

pub(super) const DEFINITION: Definition = Definition::filter::<BasicAuth>("basic_auth")
    .aliases(ALIASES)
    .outside_of(&[super::BEFORE_CACHE]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#auth_basic").dialect(PASTE).note(PASTE_NOTE),
    Alias::of("egg:oslo.middleware#basic_auth").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware.basic_auth:BasicAuthMiddleware.factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:BasicAuthMiddleware.factory").dialect(OSLO).note(NOTE),
    Alias::of("paste.auth.basic:make_basic").dialect(PASTE).note(PASTE_NOTE),
];

const PASTE: Dialect = Dialect::lenient()
    .ignored(&[("authfunc", "no Python is asked here; `user_file` has the users")]);

const PASTE_NOTE: &str = "The original asks a Python function about passwords, and nobody whom \
    another filter has let in already; here the users of `user_file` pass, and no one else. It sets \
    `REMOTE_USER`, which only Python code sees, where this sets `X-User` and `X-User-Name`, and \
    answers 500 for credentials that are malformed.";

const OSLO: Dialect = Dialect::lenient()
    .renamed(&[("http_basic_auth_user_file", "user_file")])
    .defaults(&[("user_file", "/etc/htpasswd")])
    .ignored(super::OSLO_CONFIG)
    .globals(&["http_basic_auth_user_file"])
    .group(super::OSLO_MIDDLEWARE);

const NOTE: &str = "The original sends no `WWW-Authenticate`, answers 401 for whatever fails \
    behind it, and reads the file for every request.";

settings! {
    /// Lets only users pass who give their name and password (HTTP Basic, RFC 7617).
    ///
    /// Anyone else gets 401 and the body `{"error": {"message": …, "code": 401}}`. The app finds
    /// the name in `X-User` and `X-User-Name`, and neither the password nor any `X-User` header
    /// that the client sent.
    ///
    /// Passwords are hashed with bcrypt (`htpasswd -B`) or Argon2; those of old files, with Apache's
    /// MD5 (`$apr1$`) or SHA-1 (`{SHA}`), work too and are warned of. A file with another hash is
    /// refused at start. When the file changes it is read again within a second; if it cannot be
    /// read then, or a line is at fault, the users stay as they were, and the log says so.
    ///
    /// Hashing takes long on purpose, so it runs on threads of its own, as many at a time as
    /// there are processors; a user who has passed does so again for `cache_time` without it.
    ///
    /// ```ini
    /// [filter:private]
    /// use = egg:pasteline#basic_auth
    /// user_file = htpasswd
    /// realm = Cloud
    /// ```
    pub(super) struct BasicAuth {
        /// The file of users: `name:hash` a line, as `htpasswd` writes it; lines with `#` in
        /// front are comments.
        user_file: PathBuf,
        /// What a browser shows when it asks for a password.
        realm: Realm = "api",
        /// How long a password that was right needs not be hashed again, in seconds; 0 for never.
        cache_time: Seconds = "60",
    }
}

/// The value of `WWW-Authenticate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Realm(HeaderValue);

impl Setting for Realm {
    const EXPECTED: &'static str = "a text of visible ASCII characters and blanks";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let challenge = format!("Basic realm=\"{quoted}\", charset=\"UTF-8\"");
        challenge.parse().map(Self).map_err(|_| Rejected::default())
    }
}

impl FilterFactory for BasicAuth {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let file = UserFile::open(self.user_file, self.cache_time.0)?;
        let identity = HeaderPattern::parse("x-user*").expect("it begins as a name does");
        Ok(Filter::handler(Guard {
            file: Arc::new(file),
            challenge: self.realm.0,
            identity: [identity],
        }))
    }
}

struct Guard {
    file: Arc<UserFile>,
    challenge: HeaderValue,
    /// Headers that only this filter may set.
    identity: [HeaderPattern; 1],
}

const USER: HeaderName = HeaderName::from_static("x-user");
const USER_NAME: HeaderName = HeaderName::from_static("x-user-name");

/// The same for whatever is wrong, so that nobody learns which users there are.
const REFUSAL: &[u8] =
    br#"{"error": {"message": "A user's name and password are required.", "code": 401}}"#;

impl Handler for Guard {
    async fn handle(&self, mut request: Request, next: App) -> Response {
        let headers = request.headers_mut();
        HeaderPattern::remove_all(&self.identity, headers);
        let Some(credentials) = Credentials::take(headers).map(Arc::new) else {
            return self.refuse();
        };
        if !self.file.verify(Arc::clone(&credentials)).await {
            let client = request.context().client().map(tracing::field::display);
            tracing::info!(client, "a name or a password is wrong");
            return self.refuse();
        }
        let Ok(user) = HeaderValue::from_bytes(credentials.name.as_bytes()) else {
            return self.refuse();
        };
        let headers = request.headers_mut();
        headers.insert(USER, user.clone());
        headers.insert(USER_NAME, user);
        next.answer(request).await
    }
}

impl Guard {
    fn refuse(&self) -> Response {
        let mut response = Response::new(Body::from(Bytes::from_static(REFUSAL)));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(WWW_AUTHENTICATE, self.challenge.clone());
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::password::tests::ALICE;
    use super::*;
    use crate::app::response;
    use crate::builtin::fixture::{Directory, faults, filter, text, try_filter, values};

    /// The filter with the user `alice` before an app.
    fn guarded(app: App) -> App {
        let directory = Directory::new();
        fs::write(directory.path("users"), format!("alice:{ALICE}")).unwrap();
        let file = directory.path("users").display().to_string();
        let section = format!(
            "[filter:auth]\npaste.filter_factory = oslo_middleware:BasicAuthMiddleware.factory\n\
            http_basic_auth_user_file = {file}\nrealm = the \"cloud\""
        );
        app.behind(&[filter(&section)])
    }

    /// An app that answers with the headers it sees, one a line, sorted.
    fn mirror() -> App {
        App::ready(|request: Request| {
            let line = |(name, value): (&HeaderName, &HeaderValue)| {
                format!("{name}: {}", value.to_str().unwrap())
            };
            let mut lines: Vec<_> = request.headers().iter().map(line).collect();
            lines.sort();
            response::text(StatusCode::OK, lines.join("\n"))
        })
    }

    async fn answer(app: &App, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::new(Body::empty());
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        app.answer(request).await
    }

    fn basic(name: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
    }

    #[tokio::test]
    async fn the_app_finds_the_name_and_nothing_of_the_password() {
        let app = guarded(mirror());
        let right = basic("alice", "wonderland");
        let headers = [
            ("authorization", &*right),
            ("x-user", "root"),
            ("x_user_name", "root"),
            ("x-user-id", "0"),
            ("accept", "*/*"),
        ];
        for _ in 0..2 {
            let response = answer(&app, &headers).await;
            assert_eq!(text(response).await, "accept: */*\nx-user-name: alice\nx-user: alice");
        }
    }

    #[tokio::test]
    async fn anyone_else_is_refused_in_the_same_words() {
        let app = guarded(mirror());
        let (wrong, unknown) = (basic("alice", "wonder"), basic("eve", "wonderland"));
        let right = basic("alice", "wonderland");
        let attempts: [&[(&str, &str)]; 6] = [
            &[],
            &[("authorization", &wrong)],
            &[("authorization", &unknown)],
            &[("authorization", "Basic !")],
            &[("authorization", "Bearer abc")],
            &[("authorization", &right), ("authorization", &wrong)],
        ];
        let mut words = BTreeSet::new();
        for headers in attempts {
            let response = answer(&app, headers).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            let challenge = "Basic realm=\"the \\\"cloud\\\"\", charset=\"UTF-8\"";
            assert_eq!(values(response.headers(), "www-authenticate"), challenge);
            assert_eq!(values(response.headers(), "content-type"), "application/json");
            let body = text(response).await;
            let told: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(told["error"]["code"], 401);
            words.insert(body);
        }
        assert_eq!(words.len(), 1, "{words:?}");
    }

    #[tokio::test]
    async fn what_the_app_answers_stays_even_if_it_fails() {
        let app = App::ready(|_| response::text(StatusCode::INTERNAL_SERVER_ERROR, "broken"));
        let right = basic("alice", "wonderland");
        let response = answer(&guarded(app), &[("authorization", &right)]).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text(response).await, "broken");
    }

    #[test]
    fn a_file_with_a_broken_hash_is_refused_at_start() {
        let directory = Directory::new();
        fs::write(directory.path("users"), "bob:{SSHA}6dcfXufJLW3J6S/9rRe4vUlBj5g=").unwrap();
        let file = directory.path("users").display().to_string();
        let section = format!("[filter:auth]\nuse = egg:pasteline#basic_auth\nuser_file = {file}");
        let expected = format!(
            "`{file}:1`: the password of `bob` is hashed with SHA-1, which is broken; \
            hash it anew with `htpasswd -B {file} bob`"
        );
        assert_eq!(try_filter(&section).unwrap_err().to_string(), expected);
    }

    #[test]
    fn the_file_is_not_looked_at_before_start() {
        let section = "[filter:auth]\nuse = egg:pasteline#basic_auth\nuser_file = /no/such/file";
        assert_eq!(faults(section), [""; 0]);
    }

    #[test]
    fn no_python_function_is_asked_under_pastes_name() {
        let section = "[filter:auth]\nuse = egg:Paste#auth_basic\nrealm = a\nauthfunc = pack:who\n";
        let expected = [
            "test.ini:2:7: error[missing-option]: `egg:Paste#auth_basic` needs the option `user_file`",
            "test.ini:4:1: note[ignored-option]: `authfunc` has no effect: no Python is asked here; \
             `user_file` has the users",
        ];
        assert_eq!(faults(section), expected);
    }
}

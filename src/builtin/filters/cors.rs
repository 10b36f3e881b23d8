//! Lets pages of other origins use an app (CORS).

mod origin;
mod policy;

use std::collections::HashSet;

use http::{HeaderName, Method};

use self::origin::Origin;
use self::policy::Policy;
use crate::app::Filter;
use crate::diagnostic::{Applicability, Diagnostic, Fix};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Group, Reader, Rejected, Setting};
use crate::source::Span;

pub(super) const DEFINITION: Definition =
    Definition::filter::<Cors>("cors").aliases(ALIASES).outside_of(&[
        ("auth_token", "preflights bring no token and would be refused"),
        ("basic_auth", "preflights bring no credentials and would be refused"),
    ]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:oslo.middleware#cors").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware.cors:CORS.factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware.cors:filter_factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:CORS.factory").dialect(OSLO).note(NOTE),
];

const OSLO: Dialect = Dialect::lenient()
    .group(Group::Own("cors"))
    .globals(&[
        "allow_credentials",
        "allow_headers",
        "allow_methods",
        "allowed_origin",
        "expose_headers",
        "max_age",
    ])
    .ignored(&[
        ("latent_allow_headers", LATENT),
        ("latent_allow_methods", LATENT),
        ("latent_expose_headers", LATENT),
        ("oslo_config_file", PROJECT),
        ("oslo_config_program", PROJECT),
        ("oslo_config_project", PROJECT),
    ]);

const LATENT: &str = "it was a default for a settings file; give the option without `latent_`";

const PROJECT: &str = "settings files are named once, for the whole server; unless \
    `allowed_origin` is given here or in `[cors]` of one, no other origin may use the app";

const NOTE: &str = "The original asks the app first, and makes 200 of whatever it refuses an \
    `OPTIONS` with; here a preflight that is allowed never reaches the app, and what the app \
    answers to any other `OPTIONS` stands. Credentials are never allowed to `*`.";

settings! {
    /// Lets pages of other origins use an app from a browser (CORS).
    ///
    /// A preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) that is allowed
    /// is answered here. Every other request goes to the app, and its response says whether the
    /// page may read it. A response on which the app has set `Access-Control-Allow-Origin` stays
    /// as it is.
    ///
    /// It belongs outside of what authenticates, as preflights carry no credentials.
    ///
    /// ```ini
    /// [filter:cors]
    /// use = egg:pasteline#cors
    /// allowed_origin = https://horizon.example.com, https://skyline.example.com:9999
    /// allow_methods = GET, POST, PUT, DELETE, PATCH
    /// allow_headers = X-Auth-Token, X-OpenStack-Request-ID
    /// expose_headers = X-OpenStack-Request-ID
    /// ```
    pub(super) struct Cors {
        /// Origins that may use the app: `scheme://host[:port]`, or `*` for every origin. It
        /// must be given.
        allowed_origin: Vec<Origin>,
        /// Whether pages may send cookies and the like. Never allowed to `*`.
        allow_credentials: bool = "true",
        /// Names of response headers that pages may read beside the safe ones.
        expose_headers: Vec<Exposed>,
        /// How long a browser may keep the answer to a preflight, in seconds; 0 says nothing of
        /// it.
        max_age: u32 = "3600",
        /// Methods that pages may use.
        allow_methods: Vec<Method> = "OPTIONS, GET, HEAD, POST, PUT, DELETE, TRACE, PATCH",
        /// Names of request headers that pages may send beside the simple ones.
        allow_headers: Vec<HeaderName>,
    }
}

/// The name of a header as it is written, since pages may compare it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Exposed(String);

impl Setting for Exposed {
    const EXPECTED: &'static str = HeaderName::EXPECTED;

    fn parse(text: &str) -> Result<Self, Rejected> {
        HeaderName::parse(text).map(|_| Self(text.to_owned()))
    }
}

impl FilterFactory for Cors {
    fn check(&self, reader: &mut Reader<'_>) {
        let given = |name| reader.given(name).is_some();
        if !given("allowed_origin") && !given("oslo_config_project") {
            let missing = "`cors` needs the option `allowed_origin`";
            let missing = Diagnostic::error("missing-option", missing)
                .help("add `allowed_origin = https://…`: the origins that may use the app")
                .class("TypeError");
            reader.note("allowed_origin", missing);
        }
        if self.allowed_origin.contains(&Origin::Any) && self.allow_credentials {
            let message = "credentials are not allowed to `*`";
            let help = "name the origins that may send cookies, or set `allow_credentials = false`";
            let diagnostic = match reader.given("allow_credentials") {
                Some(given) => {
                    let fix = given.span.map(forbid_credentials);
                    Diagnostic { fix, ..Diagnostic::warning("wildcard-credentials", message) }
                }
                None => Diagnostic::note("wildcard-credentials", message),
            };
            reader.note("allowed_origin", diagnostic.help(help));
        }
        if self.allow_headers.iter().any(|name| name == "*") {
            let message = "`*` is the name of a header here and does not stand for all of them";
            let diagnostic = Diagnostic::warning("literal-wildcard", message);
            reader.note("allow_headers", diagnostic.help("name the headers that pages may send"));
        }
        warn_of_duplicates(&self.allowed_origin, reader);
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(Policy::new(self)))
    }
}

/// A fix of the option's value.
fn forbid_credentials(value: Span) -> Fix {
    Fix {
        title: "set `allow_credentials = false`".to_owned(),
        edits: vec![(value, "false".to_owned())],
        applicability: Applicability::Unsafe,
    }
}

fn warn_of_duplicates(origins: &[Origin], reader: &mut Reader<'_>) {
    let mut seen = HashSet::new();
    for origin in origins {
        if let Origin::One(origin) = origin
            && !seen.insert(origin)
        {
            let origin = String::from_utf8_lossy(origin.as_bytes());
            let message = format!("`{origin}` is given twice");
            reader.note("allowed_origin", Diagnostic::warning("duplicate-value", message));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue, VARY,
    };

    use super::*;
    use crate::app::{App, Body, Request, Response, response};
    use crate::builtin::fixture::{faults, filter, text, values};

    const LIST: &str = "[filter:cors]\nuse = egg:pasteline#cors\n\
        allowed_origin = https://a.example, https://b.example\nallow_methods = GET, PUT\n\
        allow_headers = X-Auth-Token, X-Other\nexpose_headers = X-One, X-Two\n";

    const ANYONE: &str =
        "[filter:cors]\nuse = egg:pasteline#cors\nallowed_origin = *, https://a.example";

    const PREFLIGHT: &[(&str, &str)] =
        &[("origin", "https://a.example"), ("access-control-request-method", "PUT")];

    /// An app that answers 404 with a header `Vary`.
    fn app() -> App {
        App::ready(|_| {
            let mut response = response::text(StatusCode::NOT_FOUND, "app");
            response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
            response
        })
    }

    async fn answer(section: &str, app: App, method: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.parse().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        app.behind(&[filter(section)]).answer(request).await
    }

    /// What a response allows: `origin credentials`, a dash for what it does not say.
    fn allowed(response: &Response) -> String {
        let names = [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS];
        let values = names.map(|name| values(response.headers(), name.as_str()));
        values.map(|value| if value.is_empty() { "-".to_owned() } else { value }).join(" ")
    }

    #[tokio::test]
    async fn a_page_of_an_allowed_origin_may_read_the_response() {
        let response = answer(LIST, app(), "GET", &[("origin", "https://b.example")]).await;
        assert_eq!(allowed(&response), "https://b.example true");
        let headers = response.headers();
        assert_eq!(values(headers, "access-control-expose-headers"), "X-One,X-Two");
        assert_eq!(values(headers, "vary"), "Accept | Origin");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn no_other_page_may() {
        let others = [
            "https://evil.example",
            "https://evil-a.example",
            "https://a.example.evil",
            "https://a.example:8443",
            "http://a.example",
            "https://a.example/",
            "https://A.example",
            "https://a.example ,https://b.example",
            "https://a.example\u{e9}",
            "null",
            "*",
            "",
        ];
        for origin in others {
            let response = answer(LIST, app(), "GET", &[("origin", origin)]).await;
            assert_eq!(allowed(&response), "- -", "{origin}");
        }
        let twice = [("origin", "https://a.example"), ("origin", "https://b.example")];
        assert_eq!(allowed(&answer(LIST, app(), "GET", &twice).await), "- -");
    }

    #[tokio::test]
    async fn a_response_varies_by_origin_even_if_none_was_sent() {
        let response = answer(LIST, app(), "GET", &[]).await;
        assert_eq!(values(response.headers(), "vary"), "Accept | Origin");
        let app = App::ready(|_| {
            let mut response = response::text(StatusCode::OK, "");
            response.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Origin"));
            response
        });
        let response = answer(LIST, app, "GET", &[]).await;
        assert_eq!(values(response.headers(), "vary"), "Accept, Origin");
    }

    #[tokio::test]
    async fn an_allowed_preflight_never_reaches_the_app() {
        let headers =
            [PREFLIGHT, &[("access-control-request-headers", "x-auth-token,Accept, x-other")]];
        let response = answer(LIST, app(), "OPTIONS", &headers.concat()).await;
        assert_eq!(
            (response.status(), &*allowed(&response)),
            (StatusCode::OK, "https://a.example true")
        );
        let header = |name| values(response.headers(), name);
        assert_eq!(header("access-control-allow-methods"), "PUT");
        assert_eq!(header("access-control-allow-headers"), "x-auth-token,Accept,x-other");
        assert_eq!(header("access-control-max-age"), "3600");
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        assert_eq!(header("vary"), vary);
        assert_eq!(text(response).await, "");
    }

    #[tokio::test]
    async fn what_the_app_answers_to_any_other_options_stands() {
        let origin = ("origin", "https://a.example");
        let method = ("access-control-request-method", "PUT");
        let others: [&[(&str, &str)]; 8] = [
            &[],
            &[method],
            &[("origin", "https://evil.example"), method],
            &[origin, ("access-control-request-method", "DELETE")],
            &[origin, ("access-control-request-method", "put")],
            &[origin, method, method],
            &[origin, method, ("access-control-request-headers", "x-secret")],
            &[origin, method, ("access-control-request-headers", "x-other\u{e9}")],
        ];
        for headers in others {
            let response = answer(LIST, app(), "OPTIONS", headers).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{headers:?}");
            assert_eq!(text(response).await, "app");
        }
    }

    #[tokio::test]
    async fn every_origin_is_allowed_by_a_star_but_without_credentials() {
        for origin in ["https://evil.example", "null"] {
            let response = answer(ANYONE, app(), "GET", &[("origin", origin)]).await;
            assert_eq!(allowed(&response), "* -", "{origin}");
        }
        let response = answer(ANYONE, app(), "GET", &[("origin", "https://a.example")]).await;
        assert_eq!(allowed(&response), "https://a.example true");
    }

    #[tokio::test]
    async fn a_response_varies_by_origin_where_all_are_allowed_too() {
        let section = "[filter:cors]\nuse = egg:pasteline#cors\nallowed_origin = *";
        for headers in [&[][..], &[("origin", "https://a.example")]] {
            let response = answer(section, app(), "GET", headers).await;
            assert_eq!(values(response.headers(), "vary"), "Accept | Origin", "{headers:?}");
        }
    }

    #[tokio::test]
    async fn credentials_may_be_forbidden() {
        let section = format!("{LIST}allow_credentials = false\nmax_age = 0");
        let response = answer(&section, app(), "OPTIONS", PREFLIGHT).await;
        assert_eq!(allowed(&response), "https://a.example -");
        assert_eq!(values(response.headers(), "access-control-max-age"), "");
    }

    #[tokio::test]
    async fn an_app_that_allows_origins_itself_is_left_alone() {
        let app = App::ready(|_| {
            let mut response = response::text(StatusCode::OK, "");
            let origin = HeaderValue::from_static("https://c.example");
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response
        });
        let response = answer(LIST, app, "GET", &[("origin", "https://a.example")]).await;
        assert_eq!(allowed(&response), "https://c.example -");
        assert_eq!(values(response.headers(), "vary"), "");
    }

    #[tokio::test]
    async fn a_project_without_origins_loads_and_allows_none() {
        let section = "[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\n\
            oslo_config_project = neutron";
        let response = answer(section, app(), "OPTIONS", PREFLIGHT).await;
        assert_eq!((response.status(), &*allowed(&response)), (StatusCode::NOT_FOUND, "- -"));
        assert_eq!(values(response.headers(), "vary"), "Accept");
        let [noted] = &*faults(section) else { panic!("one note") };
        assert!(noted.starts_with("test.ini:3:1: note[ignored-option]"), "{noted}");
    }

    #[test]
    fn origins_must_be_given() {
        let missing = "error[missing-option]: `cors` needs the option `allowed_origin`";
        let section = "[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory";
        assert_eq!(faults(section), [format!("test.ini:2:24: {missing}")]);
    }

    #[test]
    fn warns_of_what_cannot_work() {
        let section = "[filter:cors]\nuse = egg:pasteline#cors\nallow_credentials = yes\n\
            allowed_origin = *, http://a, http://A\nallow_headers = *";
        let expected = [
            "test.ini:4:18: warning[wildcard-credentials]: credentials are not allowed to `*`",
            "test.ini:5:17: warning[literal-wildcard]: `*` is the name of a header here and does \
             not stand for all of them",
            "test.ini:4:18: warning[duplicate-value]: `http://a` is given twice",
        ];
        assert_eq!(faults(section), expected);
        let [noted] = &*faults(ANYONE) else { panic!("one note") };
        assert!(noted.starts_with("test.ini:3:18: note[wildcard-credentials]"), "{noted}");
    }
}

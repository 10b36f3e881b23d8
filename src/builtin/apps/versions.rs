//! Tells which versions of an API there are.

use http::header::ALLOW;
use http::uri::Authority;
use http::{HeaderValue, Method, StatusCode, Uri};
use serde_json::{Map, Value as Json, json};

use crate::app::{App, Request, RequestExt, Response, response};
use crate::registry::{AppFactory, Definition, Error, Site};
use crate::settings;
use crate::settings::{Lines, Rejected, Setting, Shape};

pub(super) const DEFINITION: Definition = Definition::app::<VersionDocument>("versions");

settings! {
    /// Tells which versions of an API there are and where, as OpenStack's services do:
    ///
    /// ```json
    /// {"versions": [{"id": "v2.0", "status": "CURRENT",
    ///                "links": [{"rel": "self", "href": "http://host:9696/v2.0/"}]}]}
    /// ```
    ///
    /// It answers at the path where it is mounted, and with 404 below. The links begin with what
    /// the client asked for, or what a trusted proxy says it asked for (see `http_proxy_to_wsgi`).
    ///
    /// ```ini
    /// [app:versions]
    /// use = egg:pasteline#versions
    /// versions =
    ///     v2.0 DEPRECATED /v2.0/
    ///     v3 CURRENT /v3/ min_version=3.0 version=3.27
    /// ```
    struct VersionDocument {
        /// The versions, as they are to be listed.
        versions: Versions,
        /// The status: 200 as with Neutron and Nova, or 300 as with Cinder and Glance.
        status: StatusCode = "200",
        /// What the links begin with, whatever the client asked for.
        public_endpoint: Option<Endpoint>,
    }
}

/// The versions of an API, at least one.
#[derive(Clone, Debug)]
struct Versions(Vec<Version>);

impl Setting for Versions {
    const EXPECTED: &'static str = Version::EXPECTED;
    const SHAPE: Shape = Shape::Lines;

    fn parse(text: &str) -> Result<Self, Rejected> {
        let Lines(versions) = Lines::parse(text)?;
        if versions.is_empty() {
            Err(Rejected::because("there is none"))
        } else {
            Ok(Self(versions))
        }
    }
}

/// A version of an API.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Version {
    /// What is known of it, without the links.
    facts: Vec<(String, String)>,
    /// Where it is, counted from the root of the server.
    path: String,
}

impl Setting for Version {
    const EXPECTED: &'static str =
        "`ID STATUS PATH` and more as `key=value`, such as `v2.0 CURRENT /v2.0/`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let mut words = text.split_whitespace();
        let (Some(id), Some(status), Some(path)) = (words.next(), words.next(), words.next())
        else {
            return Err(Rejected::because(format!("`{text}` has less than three words")));
        };
        if !path.starts_with('/') {
            return Err(Rejected::because(format!("the path `{path}` does not begin with `/`")));
        }
        let fact = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let mut facts = vec![fact(("id", id)), fact(("status", status))];
        for word in words {
            let pair = word.split_once('=').filter(|(key, _)| !key.is_empty());
            let pair = pair.ok_or_else(|| Rejected::because(format!("`{word}` is no `key=value`")));
            facts.push(fact(pair?));
        }
        Ok(Self { facts, path: path.to_owned() })
    }
}

impl Version {
    fn describe(&self, base: &str) -> Json {
        let facts = self.facts.iter().map(|(key, value)| (key.clone(), json!(value)));
        let mut described: Map<_, _> = facts.collect();
        let links = json!([{"rel": "self", "href": format!("{base}{}", self.path)}]);
        described.insert("links".to_owned(), links);
        described.into()
    }
}

/// The beginning of a URL, without a slash at its end.
#[derive(Clone, Debug)]
struct Endpoint(String);

impl Setting for Endpoint {
    const EXPECTED: &'static str = "a URL such as `https://api.example.com/network`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let uri: Uri = text.parse().map_err(|_| Rejected::default())?;
        let is_url = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
        if is_url {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(Rejected::default())
        }
    }
}

impl AppFactory for VersionDocument {
    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        Ok(App::ready(move |request| self.answer(&request)))
    }
}

impl VersionDocument {
    fn answer(&self, request: &Request) -> Response {
        if !matches!(request.path_info(), "" | "/") {
            return response::not_found(request.headers());
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let (status, detail) = (StatusCode::METHOD_NOT_ALLOWED, "Versions can only be read.");
            let mut refusal = response::refusal(status, detail, request.headers());
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        let base = match &self.public_endpoint {
            Some(Endpoint(base)) => base.clone(),
            None => base(request),
        };
        let versions: Json =
            self.versions.0.iter().map(|version| version.describe(&base)).collect();
        response::json(self.status, &json!({"versions": versions}))
    }
}

/// The URL of the server's root as the client knows it; the path alone if the client names no
/// host, or none that can be one.
fn base(request: &Request) -> String {
    let context = request.context();
    let prefix = context.forwarded_prefix.as_ref().and_then(|prefix| prefix.to_str().ok());
    let prefix = prefix.unwrap_or_default();
    let host = request.host().filter(|host| host.parse::<Authority>().is_ok());
    host.map_or_else(
        || prefix.to_owned(),
        |host| format!("{}://{host}{prefix}", context.scheme().name()),
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method, StatusCode, header};
    use serde_json::{Value as Json, json};

    use crate::app::{Body, Request, RequestExt, Scheme};
    use crate::builtin::fixture::{app, faults, get, text};

    const SECTION: &str = "[app:a]\nuse = egg:pasteline#versions\n";
    const VERSIONS: &str = "versions =\n  v2.0 CURRENT /v2.0/\n  v3 SUPPORTED /v3 version=3.27\n";

    async fn links(options: &str, request: Request) -> Vec<String> {
        let response = app(&format!("{SECTION}{VERSIONS}{options}")).answer(request).await;
        let document: Json = serde_json::from_str(&text(response).await).unwrap();
        let versions = document["versions"].as_array().unwrap().iter();
        versions.map(|version| version["links"][0]["href"].as_str().unwrap().to_owned()).collect()
    }

    fn request(host: &'static str) -> Request {
        http::Request::get("/").header(header::HOST, host).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn lists_the_versions() {
        let response =
            get(&app(&format!("{SECTION}{VERSIONS}status = 300")), "http://a:9696/").await;
        assert_eq!(response.status(), StatusCode::MULTIPLE_CHOICES);
        let document: Json = serde_json::from_str(&text(response).await).unwrap();
        let expected = json!({"versions": [
            {
                "id": "v2.0",
                "status": "CURRENT",
                "links": [{"rel": "self", "href": "http://a:9696/v2.0/"}],
            },
            {
                "id": "v3",
                "status": "SUPPORTED",
                "version": "3.27",
                "links": [{"rel": "self", "href": "http://a:9696/v3"}],
            },
        ]});
        assert_eq!(document, expected);
    }

    #[tokio::test]
    async fn links_begin_with_what_the_client_asked_for() {
        assert_eq!(links("", request("a.org")).await[0], "http://a.org/v2.0/");
        let mut forwarded = request("a.org");
        forwarded.context_mut().forwarded_scheme = Some(Scheme::Https);
        forwarded.context_mut().forwarded_prefix = Some(HeaderValue::from_static("/network"));
        assert_eq!(links("", forwarded).await[0], "https://a.org/network/v2.0/");
    }

    #[tokio::test]
    async fn links_are_paths_without_a_host_to_trust() {
        assert_eq!(links("", Request::new(Body::empty())).await[0], "/v2.0/");
        assert_eq!(links("", request("a.org/<script>")).await[0], "/v2.0/");
    }

    #[tokio::test]
    async fn links_begin_with_the_public_endpoint() {
        let options = "public_endpoint = https://b.org/network/\n";
        assert_eq!(links(options, request("a.org")).await[1], "https://b.org/network/v3");
    }

    #[tokio::test]
    async fn answers_only_where_it_is_mounted() {
        let app = app(&format!("{SECTION}{VERSIONS}"));
        assert_eq!(get(&app, "/v2.0").await.status(), StatusCode::NOT_FOUND);
        let mut request = request("a.org");
        *request.method_mut() = Method::POST;
        assert_eq!(app.answer(request).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn refuses_what_is_no_version() {
        for (options, message) in [
            ("versions = v2.0 CURRENT", "`v2.0 CURRENT` has less than three words"),
            ("versions = v2.0 CURRENT v2.0", "the path `v2.0` does not begin with `/`"),
            ("versions = v2.0 CURRENT / x", "`x` is no `key=value`"),
            ("versions =", "there is none"),
        ] {
            let faults = faults(&format!("{SECTION}{options}"));
            assert_eq!(faults.len(), 1);
            assert!(
                faults[0].ends_with(&format!("`versions` is refused: {message}")),
                "{faults:?}"
            );
        }
        let faults = faults(&format!("{SECTION}{VERSIONS}public_endpoint = b.org\n"));
        assert!(faults[0].contains("expected a URL such as"), "{faults:?}");
    }
}

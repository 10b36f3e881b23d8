//! Tells whether the service is to be sent requests.

mod aliases;
mod backend;
mod files;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use percent_encoding::percent_decode_str;
use smallvec::SmallVec;

use self::aliases::ALIASES;
use self::backend::{Backend, Check, PortFile};
use self::files::Files;
use self::report::{Detail, report, status};
use crate::app::response::{self, Form};
use crate::app::{Answer, App, Body, Filter, Request, RequestExt, Response, ResponseFuture};
use crate::diagnostic::Diagnostic;
use crate::registry::{AppFactory, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Network, Reader};

pub(super) const DEFINITION: Definition =
    Definition::app::<Healthcheck>("healthcheck").and_filter::<Healthcheck>().aliases(ALIASES);

/// The headers by which proxies tell of themselves.
const PROXIED: [HeaderName; 6] = [
    http::header::FORWARDED,
    HeaderName::from_static("x-forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-proto"),
];

settings! {
    /// Tells load balancers whether the service is to be sent requests: 200 and `OK`, or 503 and
    /// why not.
    ///
    /// As an app it answers every request; as a filter, those for `path`. To take a server out of
    /// rotation, make the file that `disable_by_file` looks for.
    ///
    /// Probes that come while files are looked at wait for the same look. Where it cannot be told
    /// whether a file is there, as its directory may not be entered or its file system does not
    /// answer within 2 seconds, the answer is 503 and `FILE PATH UNREADABLE`.
    ///
    /// ```ini
    /// [app:healthcheck]
    /// use = egg:pasteline#healthcheck
    /// disable_by_file_path = /run/api/disabled
    ///
    /// [filter:health]
    /// use = egg:pasteline#healthcheck
    /// path = /health
    /// backends = enable_by_files
    /// enable_by_file_paths = /srv/images/.mounted, /srv/staging/.mounted
    /// allowed_source_ranges = loopback, 10.0.0.0/8
    /// ```
    struct Healthcheck {
        /// The path that a filter answers for; an app answers at any path.
        path: String = "/healthcheck",
        /// What is looked at. `disable_by_file`: that `disable_by_file_path` is not there.
        /// `disable_by_files_ports`: that the file of `disable_by_file_paths` for the port is not
        /// there. `enable_by_files`: that all of `enable_by_file_paths` are there.
        backends: Vec<Backend> = "disable_by_file",
        /// The file that disables the service.
        disable_by_file_path: Option<PathBuf>,
        /// Files that disable the service, each for requests that come to one port.
        disable_by_file_paths: Vec<PortFile>,
        /// Files that the service cannot do without.
        enable_by_file_paths: Vec<PathBuf>,
        /// Whether JSON and HTML tell more than the reasons: paths of files, time and platform.
        detailed: bool = "false",
        /// Whether the client has a say: by `Accept` in the form (JSON, HTML or text), by `HEAD`
        /// in the status of health, which is then 204. If not, the answer is text.
        negotiate: bool = "true",
        /// Networks of the clients that get an answer; all if empty. Others get 403 from an app;
        /// a filter passes their requests on.
        allowed_source_ranges: Vec<Network>,
        /// Whether requests that came through a proxy, as their headers tell, get no answer
        /// either. Outside of it, `http_proxy_to_wsgi` and `trusted_proxies` remove those headers
        /// of proxies that are not trusted.
        ignore_proxied_requests: bool = "false",
    }
}

impl AppFactory for Healthcheck {
    fn check(&self, reader: &mut Reader<'_>) {
        self.verify(reader);
        reader.ignore("path", "an app answers at every path that it is mounted under");
    }

    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        let health = Arc::new(Health::from(self));
        Ok(App::new(move |request: Request| {
            if health.allows(&request) {
                return health.answer(&request);
            }
            let detail = "Health is not told to this client.";
            let refusal = response::refusal(StatusCode::FORBIDDEN, detail, request.headers());
            ResponseFuture::ready(refusal)
        }))
    }
}

impl FilterFactory for Healthcheck {
    fn check(&self, reader: &mut Reader<'_>) {
        self.verify(reader);
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let health = Arc::new(Health::from(self));
        Ok(Filter::wrap(move |inner| App::new(Door { health: Arc::clone(&health), inner })))
    }
}

impl Healthcheck {
    fn verify(&self, reader: &mut Reader<'_>) {
        let has = |backend| self.backends.contains(&backend);
        if has(Backend::DisableByFile) && has(Backend::EnableByFiles) {
            reader.reject("backends", "`disable_by_file` and `enable_by_files` exclude each other");
        }
        for (backend, option, is_given) in [
            (Backend::DisableByFile, "disable_by_file_path", self.disable_by_file_path.is_some()),
            (
                Backend::DisableByFilesPorts,
                "disable_by_file_paths",
                !self.disable_by_file_paths.is_empty(),
            ),
            (Backend::EnableByFiles, "enable_by_file_paths", !self.enable_by_file_paths.is_empty()),
        ] {
            if !has(backend) {
                reader.ignore(option, "`backends` does not have the one that looks at it");
            }
            // The backend of the default may well have nothing to look at.
            if has(backend) && !is_given && reader.given("backends").is_some() {
                let message = format!("nothing is looked at without `{option}`");
                reader.note("backends", Diagnostic::warning("idle-backend", message));
            }
        }
    }
}

/// Settings, made ready.
struct Health {
    path: String,
    checks: Vec<Check>,
    files: Files,
    detail: Detail,
    negotiate: bool,
    allowed: Vec<Network>,
    ignore_proxied: bool,
}

impl From<Healthcheck> for Health {
    fn from(settings: Healthcheck) -> Self {
        let check = |backend: &Backend| match backend {
            Backend::DisableByFile => Check::DisableByFile(settings.disable_by_file_path.clone()),
            Backend::DisableByFilesPorts => {
                Check::DisableByFilesPorts(settings.disable_by_file_paths.clone())
            }
            Backend::EnableByFiles => Check::EnableByFiles(settings.enable_by_file_paths.clone()),
        };
        let checks: Vec<_> = settings.backends.iter().map(check).collect();
        Self {
            files: Files::new(checks.iter().flat_map(Check::files).collect()),
            checks,
            detail: if settings.detailed { Detail::Detailed } else { Detail::ReasonsOnly },
            path: settings.path,
            negotiate: settings.negotiate,
            allowed: settings.allowed_source_ranges,
            ignore_proxied: settings.ignore_proxied_requests,
        }
    }
}

impl Health {
    /// The answer to a client that is to have one.
    fn answer(self: &Arc<Self>, request: &Request) -> ResponseFuture {
        let health = Arc::clone(self);
        let port = request.context().connection.local.map(|local| local.port());
        let form = match self.negotiate {
            false => Some(Form::Text),
            true if request.method() == Method::HEAD => None,
            true => Some(Form::asked(request.headers())),
        };
        ResponseFuture::new(async move { health.look(form, port).await })
    }

    /// Looks, and reports in a form, or by the status alone.
    async fn look(&self, form: Option<Form>, port: Option<u16>) -> Response {
        let seen = self.files.look().await;
        let verdicts = self.checks.iter().map(|check| check.judge(&seen, port));
        let verdicts: SmallVec<[_; 3]> = verdicts.collect();
        match form {
            Some(form) => report(&verdicts, form, self.detail),
            None => head(status(&verdicts)),
        }
    }

    fn allows(&self, request: &Request) -> bool {
        if self.ignore_proxied && PROXIED.iter().any(|name| request.headers().contains_key(name)) {
            return false;
        }
        let client = request.context().client();
        self.allowed.is_empty()
            || client.is_some_and(|client| self.allowed.iter().any(|range| range.contains(client)))
    }
}

/// The answer to `HEAD`, which says 204 where `GET` says 200.
fn head(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    let healthy = status == StatusCode::OK;
    *response.status_mut() = if healthy { StatusCode::NO_CONTENT } else { status };
    response
}

/// An app behind a path at which health is told.
struct Door {
    health: Arc<Health>,
    inner: App,
}

impl Answer for Door {
    fn answer(&self, request: Request) -> ResponseFuture {
        let is_ours = percent_decode_str(request.uri().path()).eq(self.health.path.bytes());
        if is_ours && self.health.allows(&request) {
            return self.health.answer(&request);
        }
        self.inner.answer(request)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::path::PathBuf;
    use std::sync::Arc;

    use http::header::{ACCEPT, CONTENT_TYPE};
    use http::{Method, StatusCode};
    use serde_json::{Value as Json, json};

    use crate::app::{Body, Connection, Context, Request, Response};
    use crate::builtin::fixture::{app, faults, filter, get, named, text};

    const OSLO: &str = "[app:a]\npaste.app_factory = oslo_middleware:Healthcheck.app_factory\n";

    /// A file that is there, and one that is not.
    fn there() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
    }

    fn missing() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("no-such-file")
    }

    async fn ask(options: &str, request: Request) -> (u16, String) {
        let response = app(&format!("{OSLO}{options}")).answer(request).await;
        (response.status().as_u16(), text(response).await)
    }

    fn request() -> Request {
        Request::new(Body::empty())
    }

    fn accepting(accept: &str) -> Request {
        http::Request::get("/").header(ACCEPT, accept).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_file_disables() {
        let disable = |path: PathBuf| {
            format!("backends = disable_by_file\ndisable_by_file_path = {}\n", path.display())
        };
        assert_eq!(ask(&disable(missing()), request()).await, (200, "OK".into()));
        assert_eq!(ask(&disable(there()), request()).await, (503, "DISABLED BY FILE".into()));
    }

    #[tokio::test]
    async fn a_file_disables_one_port() {
        let paths = format!("5000:{}, 5001:{}", there().display(), missing().display());
        let options =
            format!("backends = disable_by_files_ports\ndisable_by_file_paths = {paths}\n");
        for (port, status) in [(5000, 503), (5001, 200), (5002, 200)] {
            let local = Some(SocketAddr::from(([127, 0, 0, 1], port)));
            let mut request = request();
            let connection = Connection { local, ..Connection::default() };
            request.extensions_mut().insert(Context::new(Arc::new(connection)));
            assert_eq!(ask(&options, request).await.0, status, "{port}");
        }
    }

    #[tokio::test]
    async fn all_files_enable() {
        let enable =
            |paths: &str| format!("backends = enable_by_files\nenable_by_file_paths = {paths}\n");
        let (there, missing) = (there(), missing());
        let all = enable(&there.display().to_string());
        assert_eq!(ask(&all, request()).await, (200, "OK".into()));
        let some = enable(&format!("{}, {}", there.display(), missing.display()));
        assert_eq!(ask(&some, request()).await, (503, "FILE PATH MISSING".into()));
    }

    #[tokio::test]
    async fn says_nothing_without_a_backend() {
        assert_eq!(ask("", request()).await, (200, String::new()));
    }

    #[tokio::test]
    async fn head_is_answered_by_the_status() {
        let mut head = request();
        *head.method_mut() = Method::HEAD;
        assert_eq!(ask("", head).await, (204, String::new()));
    }

    #[tokio::test]
    async fn answers_in_the_form_that_is_asked_for() {
        let options = "backends = disable_by_file\n";
        let (_, body) = ask(options, accepting("application/json")).await;
        let expected = "{\n    \"detailed\": false,\n    \"reasons\": [\n        \"OK\"\n    ]\n}";
        assert_eq!(body, expected);
        let (_, body) = ask(options, accepting("text/html")).await;
        assert!(body.contains("<tr><td>OK</td></tr>"), "{body}");
        assert_eq!(ask(options, accepting("image/png")).await.1, "OK");
    }

    #[tokio::test]
    async fn tells_details_where_they_are_wanted() {
        let path = missing();
        let options = format!(
            "backends = disable_by_file\ndisable_by_file_path = {}\ndetailed = true\n",
            path.display()
        );
        let (_, body) = ask(&options, accepting("application/json")).await;
        let document: Json = serde_json::from_str(&body).unwrap();
        let details = format!("Path '{}' was not found", path.display());
        let expected = json!([
            {"class": "HealthcheckResult", "details": details, "reason": "OK"},
        ]);
        assert_eq!(document["reasons"], expected);
        let (_, body) = ask(&options, accepting("text/html")).await;
        assert!(body.contains(&details), "{body}");
        assert_eq!(ask(&options, accepting("text/plain")).await.1, "OK");
    }

    fn from(client: [u8; 4]) -> Request {
        let peer = Some(SocketAddr::from((client, 5000)));
        let mut request = http::Request::get("/healthcheck").body(Body::empty()).unwrap();
        let connection = Connection { peer, ..Connection::default() };
        request.extensions_mut().insert(Context::new(Arc::new(connection)));
        request
    }

    #[tokio::test]
    async fn a_client_that_is_not_allowed_is_refused() {
        let options = "allowed_source_ranges = 10.0.0.0/8\n";
        assert_eq!(ask(options, from([10, 1, 2, 3])).await.0, 200);
        assert_eq!(ask(options, from([192, 0, 2, 7])).await.0, 403);
        assert_eq!(ask(options, request()).await.0, 403);
    }

    #[tokio::test]
    async fn a_request_that_came_through_a_proxy_is_refused_if_so_wanted() {
        for (options, status) in [("", 200), ("ignore_proxied_requests = true\n", 403)] {
            let mut request = request();
            request.headers_mut().insert("forwarded", "for=192.0.2.7".parse().unwrap());
            assert_eq!(ask(options, request).await.0, status);
        }
    }

    fn filtered(text: &str) -> crate::app::App {
        named("app").behind(&[filter(text)])
    }

    #[tokio::test]
    async fn a_filter_answers_for_its_path() {
        let app = filtered("[filter:a]\nuse = egg:pasteline#healthcheck\npath = /health\n");
        assert_eq!(text(get(&app, "/health").await).await, "OK");
        assert_eq!(text(get(&app, "/%68ealth").await).await, "OK");
        assert_eq!(text(get(&app, "/health/x").await).await, "app  /health/x");
    }

    #[tokio::test]
    async fn a_filter_passes_on_what_is_not_allowed() {
        let section = "[filter:a]\nuse = egg:pasteline#healthcheck\n\
                       allowed_source_ranges = 10.0.0.0/8\n";
        let response = filtered(section).answer(from([192, 0, 2, 7])).await;
        assert_eq!(text(response).await, "app  /healthcheck");
    }

    #[tokio::test]
    async fn swift_answers_in_text_and_to_head_as_to_get() {
        let swift = "[filter:a]\nuse = egg:swift#healthcheck\n";
        let app = filtered(swift);
        let request = |method| {
            let request = http::Request::builder().uri("/healthcheck").method(method);
            request.header(ACCEPT, "application/json").body(Body::empty()).unwrap()
        };
        let healthy = |response: &Response| {
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        };
        healthy(&app.answer(request(Method::GET)).await);
        healthy(&app.answer(request(Method::HEAD)).await);
        let disabled = filtered(&format!("{swift}disable_path = {}\n", there().display()));
        let response = get(&disabled, "/healthcheck").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text(response).await, "DISABLED BY FILE");
    }

    #[test]
    fn refuses_what_oslo_lets_pass() {
        let options = "backends = nosuch\ndisable_by_file_paths = /run/x\n\
                       oslo_config_project = nova\n";
        let expected = [
            "test.ini:3:12: error[bad-value]: `backends` is refused: there is no backend `nosuch`",
            "test.ini:4:25: error[bad-value]: `disable_by_file_paths` is `/run/x`, expected \
             `PORT:PATH`, such as `5000:/run/api/disabled`; several are separated by commas",
            "test.ini:5:1: note[ignored-option]: `oslo_config_project` has no effect: settings \
             files are named once, for the whole server",
        ];
        assert_eq!(faults(&format!("{OSLO}{options}")), expected);
    }

    #[test]
    fn tells_of_options_that_have_no_effect() {
        let options = "path = /health\nbackends = enable_by_files\nenable_by_file_paths = /run/x\n\
                       disable_by_file_path = /run/y\n";
        let expected = [
            "test.ini:6:1: note[ignored-option]: `disable_by_file_path` has no effect: `backends` \
             does not have the one that looks at it",
            "test.ini:3:1: note[ignored-option]: `path` has no effect: an app answers at every \
             path that it is mounted under",
        ];
        assert_eq!(faults(&format!("{OSLO}{options}")), expected);
        let filter = "[filter:a]\nuse = egg:pasteline#healthcheck\npath = /health\n";
        assert_eq!(faults(filter), [""; 0]);
    }

    #[test]
    fn warns_of_a_backend_that_has_nothing_to_look_at() {
        let expected = "test.ini:3:12: warning[idle-backend]: nothing is looked at without \
                        `enable_by_file_paths`";
        assert_eq!(faults(&format!("{OSLO}backends = enable_by_files\n")), [expected]);
        assert_eq!(faults("[app:a]\nuse = egg:pasteline#healthcheck\n"), [""; 0]);
    }

    #[test]
    fn refuses_backends_that_exclude_each_other() {
        let options = format!(
            "backends = disable_by_file, enable_by_files\ndisable_by_file_path = /a\n\
             enable_by_file_paths = {}\n",
            there().display()
        );
        let expected = "test.ini:3:12: error[bad-value]: `backends` is refused: \
                        `disable_by_file` and `enable_by_files` exclude each other";
        assert_eq!(faults(&format!("{OSLO}{options}")), [expected]);
    }
}

//! Serves the files of a directory.

mod disk;

use std::path::{Path, PathBuf};

use http::header::{ALLOW, CACHE_CONTROL, LOCATION, RANGE};
use http::{HeaderValue, Method, StatusCode, Uri};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use tower_http::services::ServeDir;

use self::disk::Disk;
use crate::app::response::Form;
use crate::app::{Answer, App, Body, Request, RequestExt, Response, ResponseFuture};
use crate::registry::{Alias, AppFactory, Definition, Error, Site};
use crate::settings;
use crate::settings::Dialect;
use crate::source::describe;

pub(super) const DEFINITION: Definition = Definition::app::<Static>("static").aliases(ALIASES);

settings! {
    /// Serves the files of a directory, to `GET` and `HEAD`.
    ///
    /// Ranges, entity tags and dates of change are honoured; types are guessed by extension. For a
    /// directory it serves its `index.html`, after a redirect to the path with a slash at its end.
    /// Symbolic links are followed, also out of the directory.
    ///
    /// ```ini
    /// [app:docs]
    /// use = egg:pasteline#static
    /// root = docs
    /// cache_max_age = 3600
    /// ```
    struct Static {
        /// The directory.
        root: PathBuf,
        /// How many seconds a client may keep a file before it asks again. Without it nothing is
        /// said, and clients decide by the date of change.
        cache_max_age: Option<u64>,
    }
}

/// How many bytes of a file are read at a time. So many are kept for a client that takes none of a
/// response; more where `max_head_size` is above its default, as hyper has one bound for both.
const CHUNK: usize = 32 * 1024;

/// The same where the response is encrypted: one record, as what is read stays in memory until the
/// next is, beside what was made of it.
const ENCRYPTED_CHUNK: usize = 16 * 1024;

impl AppFactory for Static {
    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        check_directory(&self.root)?;
        // A client that asks for several ranges gets the whole file, as RFC 9110 (14.2) allows.
        let directory = ServeDir::with_backend(&self.root, Disk::at(&self.root))
            .ignore_multi_range_requests(true);
        let by = |chunk| App::from_service(directory.clone().with_buf_chunk_size(chunk));
        let max_age = self.cache_max_age.map(|seconds| format!("public, max-age={seconds}"));
        let max_age = max_age.and_then(|text| HeaderValue::try_from(text).ok());
        Ok(App::new(Files { in_clear: by(CHUNK), encrypted: by(ENCRYPTED_CHUNK), max_age }))
    }
}

fn check_directory(root: &Path) -> Result<(), Error> {
    let root_is = |what: &str| Error::new(format!("the root `{}` is {what}", root.display()));
    match root.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(root_is("not a directory")),
        Err(error) => Err(root_is(&format!("not there: {}", describe(&error)))),
    }
}

/// The files of a directory, for two kinds of connections.
struct Files {
    in_clear: App,
    encrypted: App,
    max_age: Option<HeaderValue>,
}

impl Answer for Files {
    fn answer(&self, request: Request) -> ResponseFuture {
        let asked = Asked::of(&request);
        // The mount itself is a directory like any other.
        if request.path_info().is_empty() && [Method::GET, Method::HEAD].contains(request.method())
        {
            return ResponseFuture::ready(asked.redirect());
        }
        let is_encrypted = request.context().connection.encryption.is_some();
        let directory = if is_encrypted { &self.encrypted } else { &self.in_clear };
        let Some(request) = own(request) else {
            return ResponseFuture::ready(asked.refuse(StatusCode::NOT_FOUND));
        };
        let max_age = self.max_age.clone();
        directory.answer(request).then(move |response| asked.finish(response, max_age))
    }
}

/// The request as the directory is to see it: the path that is our own, in ASCII (tower-http
/// panics if it is to redirect anything else), and nothing it has no use for.
fn own(request: Request) -> Option<Request> {
    let path = request.path_info();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let uri = format!("{slash}{}", utf8_percent_encode(path, CONTROLS)).parse().ok()?;
    let (head, _) = request.into_parts();
    let mut own = Request::new(Body::empty());
    *own.method_mut() = head.method;
    *own.uri_mut() = uri;
    *own.headers_mut() = head.headers;
    // What is no range of bytes is to be ignored (RFC 9110, 14.2), which tower-http refuses.
    let is_of_bytes = |range: &HeaderValue| range.as_bytes().starts_with(b"bytes=");
    if !own.headers().get(RANGE).is_some_and(is_of_bytes) {
        own.headers_mut().remove(RANGE);
    }
    Some(own)
}

/// What must be known of a request when its answer is there.
struct Asked {
    uri: Uri,
    /// The path before ours, as a trusted proxy tells it.
    prefix: Option<HeaderValue>,
    form: Form,
}

impl Asked {
    fn of(request: &Request) -> Self {
        Self {
            uri: request.uri().clone(),
            prefix: request.context().forwarded_prefix.clone(),
            form: Form::asked(request.headers()),
        }
    }

    fn finish(&self, mut response: Response, max_age: Option<HeaderValue>) -> Response {
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED => {
                if let Some(max_age) = max_age {
                    response.headers_mut().insert(CACHE_CONTROL, max_age);
                }
                response
            }
            StatusCode::TEMPORARY_REDIRECT => self.redirect(),
            // It says how long the file is.
            StatusCode::RANGE_NOT_SATISFIABLE => response,
            status => {
                let mut refusal = self.refuse(status);
                if let Some(allow) = response.headers_mut().remove(ALLOW) {
                    refusal.headers_mut().insert(ALLOW, allow);
                }
                refusal
            }
        }
    }

    fn refuse(&self, status: StatusCode) -> Response {
        let detail = match status {
            StatusCode::METHOD_NOT_ALLOWED => "Files can only be read.",
            StatusCode::NOT_FOUND => "The resource could not be found.",
            StatusCode::PRECONDITION_FAILED => "The file has changed.",
            _ => "The server has failed to read the file.",
        };
        self.form.refusal(status, detail)
    }

    /// Sends the client to the same path with a slash at its end.
    fn redirect(&self) -> Response {
        let prefix = self.prefix.as_ref().and_then(|prefix| prefix.to_str().ok());
        let path = format!("{}{}/", prefix.unwrap_or_default(), self.uri.path());
        // Two slashes at the beginning would name another host.
        let path = path.trim_start_matches('/');
        let location = match self.uri.query() {
            Some(query) => format!("/{path}?{query}"),
            None => format!("/{path}"),
        };
        let Ok(location) = HeaderValue::try_from(location) else {
            return self.refuse(StatusCode::NOT_FOUND);
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        response.headers_mut().insert(LOCATION, location);
        response
    }
}

const PASTE: Dialect = Dialect::new().renamed(&[("document_root", "root")]);

const NOTE: &str = "The original sends `Expires` beside `Cache-Control`, and calls a whole file a \
                    range (`Content-Range` with status 200).";

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#static").dialect(PASTE).note(NOTE),
    Alias::of("paste.urlparser:make_static").dialect(PASTE).note(NOTE),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use http::header::{
        ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED, LOCATION, RANGE,
    };
    use http::{HeaderName, HeaderValue, StatusCode};

    use crate::app::{App, Body, RequestExt, Response};
    use crate::builtin::fixture::{app, get, text, try_app};

    /// A directory that goes with the test.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("pasteline-{}-{name}", std::process::id()));
            fs::create_dir_all(path.join("docs")).unwrap();
            fs::create_dir_all(path.join("empty/ü")).unwrap();
            fs::write(path.join("hello.txt"), "hello, world").unwrap();
            fs::write(path.join("docs/index.html"), "<p>docs").unwrap();
            Self(path)
        }

        fn section(&self) -> String {
            format!("[app:a]\nuse = egg:Paste#static\ndocument_root = {}\n", self.0.display())
        }

        fn app(&self) -> App {
            app(&self.section())
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn ask(app: &App, field: (HeaderName, &HeaderValue)) -> Response {
        let (name, value) = field;
        let request = http::Request::get("/hello.txt").header(name, value);
        app.answer(request.body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn serves_files_and_the_index_of_a_directory() {
        let directory = Directory::new("serves");
        let app = directory.app();
        let response = get(&app, "/hello.txt").await;
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
        assert!(!response.headers().contains_key(CACHE_CONTROL));
        assert_eq!(text(response).await, "hello, world");
        assert_eq!(text(get(&app, "/docs/").await).await, "<p>docs");
    }

    #[tokio::test]
    async fn a_client_that_has_the_file_is_told_so() {
        let directory = Directory::new("conditions");
        let app = app(&format!("{}cache_max_age = 60\n", directory.section()));
        let first = get(&app, "/hello.txt").await;
        assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=60");
        for (condition, validator) in [(IF_NONE_MATCH, ETAG), (IF_MODIFIED_SINCE, LAST_MODIFIED)] {
            let response = ask(&app, (condition, &first.headers()[validator])).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=60");
        }
    }

    #[tokio::test]
    async fn serves_a_range() {
        let directory = Directory::new("ranges");
        let app = directory.app();
        let response = ask(&app, (RANGE, &HeaderValue::from_static("bytes=7-"))).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(response.headers()[CONTENT_RANGE], "bytes 7-11/12");
        assert_eq!(text(response).await, "world");
        let response = ask(&app, (RANGE, &HeaderValue::from_static("bytes=99-"))).await;
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(response.headers()[CONTENT_RANGE], "bytes */12");
        let response = ask(&app, (RANGE, &HeaderValue::from_static("lines=0-1"))).await;
        assert_eq!(response.status(), StatusCode::OK, "no range of bytes is ignored");
    }

    #[tokio::test]
    async fn a_directory_without_a_slash_redirects_to_one() {
        let directory = Directory::new("redirects");
        let app = directory.app();
        for (target, mount, location) in [
            ("/docs?a=b", 0, "/docs/?a=b"),
            ("/files/docs", 6, "/files/docs/"),
            ("/files", 6, "/files/"),
            ("//docs", 0, "/docs/"),
            ("/empty/%C3%BC?q", 0, "/empty/%C3%BC/?q"),
        ] {
            let mut request = http::Request::get(target).body(Body::empty()).unwrap();
            request.mount(mount);
            let response = app.answer(request).await;
            assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY, "{target}");
            assert_eq!(response.headers()[LOCATION], location);
        }
    }

    #[tokio::test]
    async fn a_redirect_keeps_the_prefix_of_a_proxy() {
        let directory = Directory::new("prefix");
        let mut request = http::Request::get("/docs").body(Body::empty()).unwrap();
        request.context_mut().forwarded_prefix = Some(HeaderValue::from_static("/site"));
        let response = directory.app().answer(request).await;
        assert_eq!(response.headers()[LOCATION], "/site/docs/");
    }

    #[tokio::test]
    async fn a_path_that_is_not_ascii_is_no_danger() {
        let directory = Directory::new("ascii");
        let request = http::Request::get("/empty/ü?ü").body(Body::empty()).unwrap();
        let response = directory.app().answer(request).await;
        assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY);
    }

    #[tokio::test]
    async fn nothing_outside_is_found() {
        let directory = Directory::new("outside");
        fs::write(directory.0.join("secret"), "").unwrap();
        let root = directory.0.join("docs");
        let app = app(&format!("[app:a]\nuse = egg:pasteline#static\nroot = {}\n", root.display()));
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/%2e%2e%2fsecret",
            "/..%5csecret",
            "/index.html/../../secret",
            "/%2Fetc/passwd",
            "/index.html%00",
            "/index.html/",
            "/index.html/x",
            "/missing",
            "/%ff",
        ] {
            assert_eq!(get(&app, path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn only_reading_is_allowed() {
        let directory = Directory::new("methods");
        for (path, mount) in [("/hello.txt", 0), ("/nothing", 0), ("/mount", 6)] {
            let mut request = http::Request::put(path).body(Body::from("x")).unwrap();
            request.mount(mount);
            let response = directory.app().answer(request).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(response.headers()[ALLOW], "GET,HEAD");
        }
    }

    #[test]
    fn a_root_that_is_no_directory_is_an_error() {
        let directory = Directory::new("root");
        let at = |path: &str| {
            let root = directory.0.join(path);
            let section =
                format!("[app:a]\nuse = egg:pasteline#static\nroot = {}\n", root.display());
            let error = try_app(&section).unwrap_err().to_string();
            error.replace(&*root.to_string_lossy(), path)
        };
        assert_eq!(at("hello.txt"), "the root `hello.txt` is not a directory");
        assert_eq!(at("no"), "the root `no` is not there: no such file or directory");
    }
}

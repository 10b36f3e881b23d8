//! Loads single sections for the tests of built-in factories, without a graph.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use socket2::{Domain, Socket, Type};

use crate::app::{App, Body, Filter, RefusedBy, Request, RequestExt, Response, response};
use crate::diagnostic::{Diagnostic, Style, render};
use crate::ini::{self, Conf, Value};
use crate::registry::{
    Alias, Assembly, Children, Definition, Error, Globals, Kind, Plan, Registry, Site,
};
use crate::settings::{Dialect, Reader, Subject};
use crate::source::Sources;
pub(crate) use crate::source::fixture::Directory;

/// The sections of a file that name a built-in factory.
pub(super) struct File {
    pub(super) sources: Sources,
    pub(super) sections: Vec<Section>,
}

/// A section that names a built-in factory.
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) definition: Definition,
    alias: Option<Alias>,
    factory: Value,
    local: Conf,
    global: Conf,
}

/// What a composite made of its settings.
pub(super) struct Planned {
    pub(super) plan: Option<Box<dyn Plan>>,
    /// The apps and filters that it asked for, in order: `app api`, `filter cors`.
    pub(super) asked: Vec<String>,
    pub(super) diagnostics: Vec<Diagnostic>,
    sources: Sources,
}

impl File {
    /// Reads a file, which must have no fault.
    pub(super) fn parse(text: &str) -> Self {
        let mut sources = Sources::default();
        let source = sources.add("test.ini", text);
        let (document, diagnostics) = ini::parse(source, &sources);
        assert!(diagnostics.is_empty(), "{diagnostics:?}\n{text}");
        let global = conf(&document.defaults);
        let registry = Registry::builtin();
        let section = |section: &ini::Section| Section::new(section, &global, &registry);
        let sections = document.sections.iter().filter_map(section).collect();
        Self { sources, sections }
    }

    fn only(text: &str) -> (Sources, Section) {
        let mut file = Self::parse(text);
        assert_eq!(file.sections.len(), 1, "{text}");
        (file.sources, file.sections.remove(0))
    }
}

impl Section {
    fn new(section: &ini::Section, global: &Conf, registry: &Registry) -> Option<Self> {
        let kind = match section.name.split(':').next()? {
            "app" => Kind::App,
            "composite" => Kind::Composite,
            "filter" => Kind::Filter,
            "server" => Kind::Server,
            _ => return None,
        };
        let mut local = conf(&section.options);
        let named = format!("paste.{}_factory", kind.name());
        let factory = local.shift_remove("use").or_else(|| local.shift_remove(&*named))?;
        let found = registry.find(kind, &factory.text)?;
        Some(Self {
            kind,
            definition: *found.definition,
            alias: found.alias.copied(),
            factory,
            local,
            global: global.clone(),
        })
    }

    fn read<T>(
        &self,
        sources: &Sources,
        read: impl FnOnce(&mut Reader<'_>) -> T,
    ) -> (T, Vec<Diagnostic>) {
        let native = Dialect::new();
        let dialect = self.alias.as_ref().map_or(&native, |alias| &alias.dialect);
        let subject = Subject { factory: &self.factory.text, place: self.factory.span, dialect };
        let mut reader = Reader::new(subject, &self.local, &self.global, sources);
        let made = read(&mut reader);
        (made, reader.finish())
    }

    /// What is wrong with its options.
    pub(super) fn check(&self, sources: &Sources) -> Vec<Diagnostic> {
        if self.kind == Kind::Composite {
            return self.plan(sources, None).diagnostics;
        }
        self.read(sources, |reader| self.definition.check(self.kind, reader)).1
    }

    fn plan(&self, sources: &Sources, strategy: Option<&str>) -> Planned {
        let mut children = Present::default();
        let plan = self.definition.plan(&mut Assembly {
            local: &self.local,
            global: &self.global,
            strategy,
            factory: &self.factory.text,
            place: self.factory.span,
            sources,
            children: &mut children,
        });
        let Present { asked, diagnostics, .. } = children;
        Planned { plan, asked, diagnostics, sources: sources.clone() }
    }
}

/// The app of the only section of a text.
pub(crate) fn app(text: &str) -> App {
    try_app(text).unwrap()
}

/// The app of the only section of a text, or what of the world around is in its way.
pub(super) fn try_app(text: &str) -> Result<App, Error> {
    let (sources, section) = File::only(text);
    let site = Site { section: "app:test" };
    let (app, diagnostics) = section.read(&sources, |reader| {
        section.definition.check(Kind::App, reader);
        section.definition.build_app(reader, &site)
    });
    assert!(!diagnostics.iter().any(Diagnostic::is_error), "{diagnostics:?}");
    app.expect("it is an app")
}

/// The filter of the only section of a text.
pub(super) fn filter(text: &str) -> Filter {
    try_filter(text).unwrap()
}

/// The filter of the only section of a text, or what of the world around is in its way.
pub(super) fn try_filter(text: &str) -> Result<Filter, Error> {
    let (sources, section) = File::only(text);
    let site = Site { section: "filter:test" };
    let (filter, diagnostics) = section.read(&sources, |reader| {
        section.definition.check(Kind::Filter, reader);
        section.definition.build_filter(reader, &site)
    });
    assert!(!diagnostics.iter().any(Diagnostic::is_error), "{diagnostics:?}");
    filter.expect("it is a filter")
}

/// What is wrong with the only section of a text: `test.ini:2:5: error[slug]: message`.
pub(super) fn faults(text: &str) -> Vec<String> {
    let (sources, section) = File::only(text);
    short(&section.check(&sources), &sources)
}

/// The plan of the only section of a text, which is a composite.
pub(super) fn plan(text: &str, strategy: Option<&str>) -> Planned {
    let (sources, section) = File::only(text);
    section.plan(&sources, strategy)
}

impl Planned {
    /// What is wrong: `test.ini:2:5: error[slug]: message`.
    pub(super) fn faults(&self) -> Vec<String> {
        short(&self.diagnostics, &self.sources)
    }

    /// The names of Paste Deploy's errors.
    pub(super) fn classes(&self) -> Vec<&'static str> {
        self.diagnostics.iter().map(|diagnostic| diagnostic.class).collect()
    }

    /// The app, of apps that answer with the names by which they were asked for, and of filters
    /// that do nothing.
    pub(crate) fn app(self) -> App {
        let apps = self.asked.iter().filter_map(|asked| asked.strip_prefix("app "));
        let apps = apps.map(|name| named(name.trim_end_matches(WITHOUT_GLOBALS))).collect();
        self.app_of(apps)
    }

    /// The app, of given apps.
    pub(super) fn app_of(self, apps: Vec<App>) -> App {
        let filters = self.asked.iter().filter(|asked| asked.starts_with("filter "));
        let filters = filters.map(|_| Filter::pass()).collect();
        self.plan.expect("nothing is at fault").build(apps, filters).unwrap()
    }
}

/// Answers a `GET` of a path, or of a URL.
pub(super) async fn get(app: &App, target: &str) -> Response {
    app.answer(http::Request::get(target).body(Body::empty()).unwrap()).await
}

/// The body of a response, as text.
pub(super) async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The filter that has refused a request, by the mark of the response.
pub(super) fn refused_by(response: &Response) -> Option<&'static str> {
    response.extensions().get().map(|RefusedBy(filter)| *filter)
}

/// The values of a header, joined by ` | `; empty if there is none.
pub(super) fn values(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(" | ")
}

/// An address that nobody listens at, and that nobody else gets while the socket is there.
pub(super) fn closed_address() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// The lines that something logs in this thread.
pub(super) async fn logged<F: Future>(run: impl Fn() -> F) -> Vec<String> {
    // A place in the code that another thread reaches for the first time at the very moment when
    // a subscriber is made may miss it, but not the next one.
    for _ in 0..100 {
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&text);
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || LogWriter(Arc::clone(&writer)))
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        run().await;
        drop(guard);
        let text = String::from_utf8(std::mem::take(&mut text.lock().unwrap())).unwrap();
        if !text.is_empty() {
            return text.lines().map(str::to_owned).collect();
        }
        std::thread::yield_now();
    }
    Vec::new()
}

struct LogWriter(Arc<Mutex<Vec<u8>>>);

impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An app that answers with a name and the two parts of the path: `api /v2 /servers`.
pub(super) fn named(name: &str) -> App {
    let name = name.to_owned();
    App::ready(move |request: Request| {
        let seen = format!("{name} {} {}", request.script_name(), request.path_info());
        response::text(StatusCode::OK, seen)
    })
}

const WITHOUT_GLOBALS: &str = " without globals";

/// The children of a composite, all of them there.
#[derive(Default)]
struct Present {
    asked: Vec<String>,
    apps: usize,
    filters: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Children for Present {
    fn app(&mut self, name: &Value, globals: Globals) -> Option<usize> {
        self.asked.push(describe("app", name, globals));
        self.apps += 1;
        Some(self.apps - 1)
    }

    fn filter(&mut self, name: &Value, globals: Globals) -> Option<usize> {
        self.asked.push(describe("filter", name, globals));
        self.filters += 1;
        Some(self.filters - 1)
    }

    fn note(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

fn describe(kind: &str, name: &Value, globals: Globals) -> String {
    let globals = match globals {
        Globals::Dropped => WITHOUT_GLOBALS,
        Globals::Passed => "",
    };
    format!("{kind} {}{globals}", name.text)
}

fn conf(options: &[ini::Setting]) -> Conf {
    let value = |option: &ini::Setting| Value {
        text: Arc::clone(&option.raw),
        key_span: Some(option.key_span),
        span: Some(option.value_span),
    };
    options.iter().map(|option| (Arc::clone(&option.key), value(option))).collect()
}

fn short(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<String> {
    diagnostics.iter().map(|diagnostic| render(diagnostic, sources, Style::Short)).collect()
}

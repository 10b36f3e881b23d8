//! What is told of requests, held against what becomes of them.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use http::request::Parts;

use super::{Step, route};
use crate::app::{App, Body, Connection, Context, Filter, Request, RequestExt, Scheme, response};
use crate::graph::{DropIns, Graph, Input, Loader, NodeId, NodeKind, Object};
use crate::registry::{AppFactory, Definition, Error, FilterFactory, Registry, Site};
use crate::stack;

crate::settings! {
    /// Notes which requests come to it.
    struct Witness {
        /// What an app answers.
        status: u16 = "200",
    }
}

/// What a request has come to: `app:api /v2 /servers`.
type Seen = Arc<Mutex<Vec<String>>>;

fn note(section: &str, request: &Request) {
    let seen: &Seen = request.extensions().get().unwrap();
    let line = format!("{section} {} {}", request.script_name(), request.path_info());
    seen.lock().unwrap().push(line);
}

impl FilterFactory for Witness {
    fn build(self, site: &Site<'_>) -> Result<Filter, Error> {
        let section: Arc<str> = site.section.into();
        Ok(Filter::wrap(move |next| {
            let section = Arc::clone(&section);
            App::new(move |request| {
                note(&section, &request);
                next.answer(request)
            })
        }))
    }
}

impl AppFactory for Witness {
    fn build(self, site: &Site<'_>) -> Result<App, Error> {
        let (section, status) = (site.section.to_owned(), self.status);
        Ok(App::ready(move |request| {
            note(&section, &request);
            response::text(StatusCode::from_u16(status).unwrap(), "")
        }))
    }
}

/// The file beside this one, resolved and built.
struct Test {
    graph: Graph,
    root: NodeId,
    app: App,
}

impl Test {
    fn new() -> Self {
        let witness = Definition::filter::<Witness>("witness").and_app::<Witness>();
        let registry = Registry::builtin().with(witness);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/route/tests.ini");
        let input = Input { drop_ins: DropIns::Ignored, ..Input::new(file) };
        let mut loader = Loader::open(&input, &registry);
        let loaded = loader.load(Object::App, None);
        let root = loaded.root.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        let app = stack::build(&loaded.graph, root, &registry, loader.sources()).unwrap();
        Self { graph: loaded.graph, root, app }
    }

    fn steps(&self, head: &Parts) -> Vec<Step> {
        route(&self.graph, self.root, head)
    }

    /// The filters and apps that a request is told to come to, as they would note it.
    fn told(&self, head: &Parts) -> Vec<String> {
        let line = |step: Step| {
            let node = self.graph.node(step.node);
            let is_seen = matches!(node.kind, NodeKind::App(_) | NodeKind::Filter(_));
            let Step { script_name, path_info, .. } = step;
            is_seen.then(|| format!("{} {script_name} {path_info}", node.section().unwrap()))
        };
        self.steps(head).into_iter().filter_map(line).collect()
    }

    /// Those that it comes to, and the status of its answer.
    async fn seen(&self, mut head: Parts) -> (Vec<String>, StatusCode) {
        let seen = Seen::default();
        head.extensions.insert(Arc::clone(&seen));
        let response = self.app.answer(Request::from_parts(head, Body::empty())).await;
        let seen = seen.lock().unwrap().clone();
        (seen, response.status())
    }
}

fn head(url: &str) -> Parts {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = url.parse().unwrap();
    if url.starts_with("https:") {
        let connection = Connection { scheme: Scheme::Https, ..Connection::default() };
        *request.context_mut() = Context::new(Arc::new(connection));
    }
    request.into_parts().0
}

#[tokio::test]
async fn a_request_comes_to_what_it_is_told_to_come_to() {
    let test = Test::new();
    for (url, last) in [
        ("/", "app:page  /"),
        ("/other", "app:page  /other"),
        ("/v2", "app:page /v2 "),
        ("//v2//", "app:page //v2/ /"),
        ("/v20", "app:page  /v20"),
        ("/v2/servers", "app:page /v2/servers "),
        ("/v2/servers/1", "app:page /v2/servers /1"),
        ("/v2/servers/x?y=z", "app:page /v2/servers/x "),
        ("/v2/nothing", "filter-app:locked /v2 /nothing"),
        ("/%C3%BC/c/d", "app:page /%C3%BC/c /d"),
        ("/deep/er/x", "app:missing /deep/er /x"),
        ("/deep", "filter:outer  /deep"),
        ("http://example.org/v2", "app:page  /v2"),
        ("http://example.org:8080/v2/servers", "app:page  /v2/servers"),
        ("http://EXAMPLE.org", "app:page  /"),
        ("https://tls.org/x/y", "app:page /x /y"),
        ("http://tls.org/x/y", "app:page  /x/y"),
        ("*", "app:lost  *"),
    ] {
        let (seen, _) = test.seen(head(url)).await;
        assert_eq!(test.told(&head(url)), seen, "{url}");
        assert_eq!(seen.last().map(String::as_str), Some(last), "{url}");
    }
}

#[tokio::test]
async fn what_is_tried_begins_as_told_and_ends_with_an_answer() {
    let test = Test::new();
    for (url, tried) in [("/try/er", 4), ("/try/tried/x", 6), ("/try", 3)] {
        let (told, (seen, status)) = (test.told(&head(url)), test.seen(head(url)).await);
        assert!(told.starts_with(&seen), "{url}: {told:#?} {seen:#?}");
        assert_eq!((seen.len(), status), (tried, StatusCode::OK), "{url}: {seen:#?}");
    }
}

#[test]
fn tells_what_each_composite_does() {
    let test = Test::new();
    let told = |url: &str| {
        let lines = test.steps(&head(url)).into_iter().map(|step| {
            let section = test.graph.node(step.node).section().unwrap();
            let key = step.key.map(|key| format!("{key} → ")).unwrap_or_default();
            let reason =
                if step.reason.is_empty() { step.reason } else { format!(": {}", step.reason) };
            format!("{}{key}{section}{reason}", "  ".repeat(step.depth))
        });
        lines.collect::<Vec<_>>()
    };
    let expected = [
        "filter:outer",
        "composite:main: `/try` takes it",
        "/try → composite:tries: tries 3 apps, the next one after each 404",
        "  app1 → app:missing",
        "  app2 → composite:deep: no key takes it, so the answer is 404",
        "  app3 → app:page",
    ];
    assert_eq!(told("/try/x"), expected);
    let expected = [
        "filter:outer",
        "composite:main: `/v2/+` takes it",
        "/v2/+ → composite:api: `keystone` was chosen when the file was loaded",
        "filter:outer",
        "filter-app:locked",
        "composite:servers: `/servers` takes it",
        "/servers → pipeline:org",
        "filter:outer",
        "filter:inner",
        "composite:last: only `app1` can have the answer",
        "app1 → app:page",
    ];
    assert_eq!(told("/v2/servers"), expected);
}

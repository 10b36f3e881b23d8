//! What holds for all that proxies may tell of a client. The fuzz target `forwarded` calls this as
//! well.

use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll, Waker};

use http::{HeaderName, HeaderValue, StatusCode};
use http_body::Body as _;
use pasteline::app::{App, Body, Connection, Context, Request, Response};
use pasteline::graph::{DropIns, Input, Loader, Object};
use pasteline::registry::Registry;
use pasteline::source::Sources;
use pasteline::stack;

const FILE: &str = "
[pipeline:main]
pipeline = proxied echo
[filter:proxied]
use = egg:pasteline#http_proxy_to_wsgi
enable_proxy_headers_parsing = true
trusted_proxies = loopback, 10.0.0.0/8
[app:echo]
use = egg:pasteline#echo
";

/// What a proxy tells is believed or refused. A client that is believed has an address, which is
/// no trusted proxy's unless no other is named; the proxy before others is never believed.
///
/// Each line is a field of the request.
pub(crate) fn is_believed_or_refused(text: &str) {
    let told = |peer: [u8; 4]| request(text, peer).map(|request| answer(app(), request));
    let Some((status, body)) = told([10, 0, 0, 1]) else { return };
    assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{status}: {text:?}");
    if status == StatusCode::OK {
        let client = client(&body);
        assert!(client.is_some(), "{body}: {text:?}");
    }
    // From elsewhere nothing is believed.
    let Some((status, body)) = told([192, 0, 2, 1]) else { return };
    assert_eq!(status, StatusCode::OK, "{text:?}");
    assert_eq!(client(&body), Some([192, 0, 2, 1].into()), "{text:?}");
}

fn client(body: &str) -> Option<IpAddr> {
    let echo: serde_json::Value = serde_json::from_str(body).ok()?;
    echo["client"].as_str()?.parse().ok()
}

fn request(text: &str, peer: [u8; 4]) -> Option<Request> {
    let mut request = http::Request::get("/").header("host", "a");
    for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::try_from(name).ok()?;
        request = request.header(name, HeaderValue::try_from(value).ok()?);
    }
    let peer = Some(SocketAddr::from((peer, 5000)));
    let connection = Arc::new(Connection { peer, ..Connection::default() });
    request.extension(Context::new(connection)).body(Body::empty()).ok()
}

fn app() -> &'static App {
    static BUILT: OnceLock<App> = OnceLock::new();
    BUILT.get_or_init(|| {
        let registry = Registry::builtin();
        let mut sources = Sources::from_snapshot(Arc::default());
        sources.substitute("/api-paste.ini".as_ref(), FILE.to_owned());
        let mut input = Input::new("/api-paste.ini");
        input.drop_ins = DropIns::Ignored;
        let mut loader = Loader::open_with(&input, &registry, sources);
        let loaded = loader.load(Object::App, None);
        let root = loaded.root.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let built = stack::build(&loaded.graph, root, &registry, loader.sources());
        built.unwrap_or_else(|errors| panic!("{errors:?}"))
    })
}

/// The status and the body of an answer that nobody has to wait for.
fn answer(app: &App, request: Request) -> (StatusCode, String) {
    let mut context = TaskContext::from_waker(Waker::noop());
    let Poll::Ready(response) = pin!(app.answer(request)).poll(&mut context) else {
        panic!("the app waits");
    };
    let (head, mut body) = Response::into_parts(response);
    let mut bytes = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    (head.status, String::from_utf8_lossy(&bytes).into_owned())
}

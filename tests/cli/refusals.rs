//! What the filters of a pipeline refuse as a limit, in the numbers of the server.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::handshake;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::admin::{admin, await_metric, metrics};
use crate::support::{Server, Test};

/// A pipeline that takes bodies of four bytes and four requests, the one for a page among them.
const LIMITED: &str = "[pipeline:main]\npipeline = pages size rate app\n\
    [filter:pages]\nuse = egg:pasteline#error_pages\n413 = /page\n429 = /page\n\
    [filter:size]\nuse = egg:pasteline#sizelimit\nmax_request_body_size = 4\n\
    [filter:rate]\nuse = egg:pasteline#rate_limit\nrate = 1/h\nburst = 4\n\
    [app:app]\nuse = egg:pasteline#respond\nbody = page\n";

fn serve(workers: usize, pipeline: &str) -> (Server, String) {
    let ini = format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = {workers}\n\
         http2 = on\nadmin_bind = 127.0.0.1:0\n{pipeline}"
    );
    let mut server = Test::new().ini(&ini).arguments("serve").start();
    let address = admin(&mut server);
    (server, address)
}

/// The status and the body for a body that is posted over HTTP/1.
fn post(server: &Server, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
    let answer = server.send(&format!("{head}{body}"));
    (answer.status, answer.body)
}

/// The same over HTTP/2.
fn post_by_stream(server: &Server, body: &'static str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let (mut sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
        let connection = tokio::spawn(connection);
        let body = Full::new(Bytes::from_static(body.as_bytes()));
        let request = http::Request::post("http://test/").body(body).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        connection.abort();
        (status, String::from_utf8(body.to_vec()).unwrap())
    })
}

/// Waits until so many requests were counted as refused by a filter.
fn await_refused(address: &str, app: &str, filter: &str, times: u64) {
    let counter = "pasteline_refusals_total";
    await_metric(address, &format!(r#"{counter}{{app="{app}",limit="{filter}"}} {times}"#));
}

#[test]
fn what_filters_refuse_is_counted_by_their_names() {
    for workers in [0, 1] {
        let (server, address) = serve(workers, LIMITED);
        let refused = |filter, times| await_refused(&address, "pipeline:main", filter, times);
        for filter in
            ["concurrency", "decompress", "rate_limit", "ratelimit", "sizelimit", "timeout"]
        {
            refused(filter, 0);
        }
        let page = || "page".to_owned();
        assert_eq!(post(&server, "four"), (200, page()));
        assert_eq!(post(&server, "five!"), (413, page()));
        assert_eq!(post_by_stream(&server, "four"), (200, page()));
        assert_eq!(post_by_stream(&server, "five!"), (413, page()));
        refused("sizelimit", 2);
        refused("rate_limit", 0);
        // The page is refused as well, but no client asks for it.
        assert_eq!(post(&server, "four").0, 429);
        assert_eq!(post_by_stream(&server, "four").0, 429);
        refused("rate_limit", 2);
        server.signal("HUP");
        await_metric(&address, r#"pasteline_reloads_total{result="good"} 1"#);
        assert_eq!(post(&server, "five!"), (413, page()));
        refused("sizelimit", 3);
        refused("rate_limit", 2);
    }
}

#[test]
fn what_an_upstream_refuses_is_counted_there() {
    let (upstream, its_address) = serve(0, LIMITED);
    let proxy = format!(
        "[app:main]\nuse = egg:pasteline#proxy\nupstream = http://{}\n",
        upstream.address()
    );
    let (server, address) = serve(0, &proxy);
    assert_eq!(post(&server, "five!"), (413, "page".to_owned()));
    await_refused(&its_address, "pipeline:main", "sizelimit", 1);
    await_metric(&address, r#"pasteline_requests_total{app="app:main",status="413"} 1"#);
    let refusals = metrics(&address);
    let mut refusals = refusals.lines().filter(|line| line.starts_with("pasteline_refusals_total"));
    assert!(refusals.all(|line| line.ends_with(" 0")), "{:?}", metrics(&address));
}

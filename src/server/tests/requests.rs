//! Requests and their answers over HTTP/1.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, StatusCode};
use http_body::Frame;
use tokio::sync::Notify;

use super::{Client, mirror, says, start, waits};
use crate::app::{App, Body, Request, Response, ResponseFuture, response, trace};

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    for path in ["/a", "/b"] {
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        let response = client.read_to("!").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("\r\ndate: "), "{response}");
        assert!(response.ends_with(&format!("GET {path} 127.0.0.1 !")), "{response}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("GET /a 127.0.0.1 !"));
    assert!(client.read_to("!").await.ends_with("GET /b 127.0.0.1 !"));
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("POST / 127.0.0.1 abcde!"));
}

#[tokio::test]
async fn a_head_request_gets_the_length_and_no_body() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let response = client.read_to_close().await;
    assert!(response.contains("\r\ncontent-length: 18\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n"), "{response}");
}

#[tokio::test]
async fn a_status_without_a_body_has_none() {
    let (_running, address) =
        start(App::ready(|_| response::text(StatusCode::NO_CONTENT, "x"))).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let response = client.read_to_close().await;
    assert!(response.ends_with("\r\n\r\n"), "{response}");
    assert!(!response.contains("content-length"), "{response}");
}

/// A body of which nobody knows how long it is.
struct Unmeasured(Option<Bytes>);

impl http_body::Body for Unmeasured {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_is_told_that_the_connection_ends_a_body() {
    let app = App::ready(|request: Request| {
        let body = Unmeasured(Some(Bytes::from_static(b"hello")));
        let mut response = Response::new(Body::new(body));
        if request.uri().path() == "/measured" {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(5));
        }
        response
    });
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send("GET /measured HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    let answer = client.read_to("\r\n\r\nhello").await;
    assert!(answer.contains("\r\nconnection: keep-alive\r\n"), "{answer}");
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    let answer = client.read_to_close().await;
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_lives() {
    let app = App::new(|request: Request| match request.uri().path() {
        "/at-once" => panic!("at once"),
        "/later" => ResponseFuture::new(async {
            tokio::task::yield_now().await;
            panic!("later")
        }),
        _ => ResponseFuture::ready(response::text(StatusCode::OK, "alive")),
    });
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    for path in ["/at-once", "/later"] {
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        let response = client.read_to("}").await;
        assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
        assert!(response.contains("\r\ncontent-type: application/json\r\n"), "{response}");
        assert!(!response.contains("at once") && !response.contains("later"), "{response}");
    }
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("alive").await.starts_with("HTTP/1.1 200 "));
}

/// A body that panics.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("in the body")
    }
}

#[tokio::test]
async fn the_line_about_a_panic_has_the_id_of_its_request() {
    let app = App::new(|request: Request| {
        let id = HeaderValue::try_from(request.uri().path()).unwrap();
        trace::identify(&id);
        match request.uri().path() {
            "/at-once" => panic!("at once"),
            "/later" => ResponseFuture::new(async { panic!("later") }),
            _ => ResponseFuture::ready(Response::new(Body::new(Broken))),
        }
    });
    let (tell, told) = mpsc::channel();
    let writer = move || {
        tell.send(trace::current_id()).unwrap();
        std::io::sink()
    };
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(writer).finish());
    let (_running, address) = start(app).await;
    for path in ["/at-once", "/later", "/in-the-body"] {
        // Where another test reaches the line for the first time just now, it may not be told.
        let id = loop {
            let mut client = Client::connect(address).await;
            client
                .send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
                .await;
            client.read_to_close().await;
            if let Ok(id) = told.try_recv() {
                break id;
            }
        };
        assert_eq!(id.unwrap(), path);
    }
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_request() {
    /// Tells when it is dropped.
    struct Dropped(Arc<Notify>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell_begun, tell_dropped) = (Arc::clone(&begun), Arc::clone(&dropped));
    let app = App::from_fn(move |_| {
        let guard = Dropped(Arc::clone(&tell_dropped));
        tell_begun.notify_one();
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    begun.notified().await;
    drop(client);
    dropped.notified().await;
}

#[tokio::test(start_paused = true)]
async fn an_app_may_take_its_time() {
    let app = App::from_fn(async |_| {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        response::text(StatusCode::OK, "at last")
    });
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("at last").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn another_app_takes_over_between_two_requests_of_a_connection() {
    let (running, address) = start(says("one!")).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("one!"));
    running.replace(says("two!"));
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("two!"));
}

#[tokio::test]
async fn a_request_is_finished_by_the_app_that_it_began_with() {
    let (app, begun, go_on) = waits();
    let (running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    begun.notified().await;
    running.replace(says("two!"));
    go_on.notify_one();
    assert!(client.read_to("done").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn an_app_sees_a_plain_path() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("GET //a/%2e%2e/%62?c=%2f HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let answer = client.read_to("!").await;
    assert!(answer.contains("GET /b?c=%2f "), "{answer}");
}

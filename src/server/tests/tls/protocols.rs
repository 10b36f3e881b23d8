//! Which protocol is agreed on.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::handshake;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::{Client, ask, encrypted, fault, start};
use crate::server::tls::fixture::{Directory, made};
use crate::server::{Http2, Settings};

#[tokio::test]
async fn a_client_that_asks_for_http2_gets_it() {
    let (directory, own) = (Directory::new("http2"), made(&["a.example"]));
    let (_running, address) = start(encrypted(&directory, &[&own])).await;
    let mut client = Client::new(&[&own]);
    client.alpn = vec!["h2", "http/1.1"];
    let stream = client.connect(address, "a.example").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let socket = TokioIo::new(stream);
    let (mut sender, connection) = handshake(TokioExecutor::new(), socket).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::get("https://a.example/").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], b"https 127.0.0.1 TLSv1_3 a.example -");
    }
}

#[tokio::test]
async fn the_best_protocol_that_both_speak_is_agreed_on() {
    let (directory, own) = (Directory::new("agreed"), made(&["a.example"]));
    let settings = encrypted(&directory, &[&own]);
    let (_running, both) = start(settings.clone()).await;
    let (_running, one) = start(Settings { http2: Http2::Off, ..settings }).await;
    let mut client = Client::new(&[&own]);
    for (address, offered, agreed) in [
        (both, vec!["http/1.1", "h2"], Some("h2")),
        (both, vec!["http/1.1"], Some("http/1.1")),
        (both, vec![], None),
        (one, vec!["h2", "http/1.1"], Some("http/1.1")),
    ] {
        client.alpn = offered;
        let mut stream = client.connect(address, "a.example").await.unwrap();
        let told = stream.get_ref().1.alpn_protocol();
        assert_eq!(told, agreed.map(str::as_bytes));
        if agreed != Some("h2") {
            assert!(ask(&mut stream, "a.example").await.unwrap().starts_with("200 "));
        }
    }
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_is_refused() {
    let (directory, own) = (Directory::new("alpn"), made(&["a.example"]));
    let settings = encrypted(&directory, &[&own]);
    let (_running, both) = start(settings.clone()).await;
    let (_running, one) = start(Settings { http2: Http2::Off, ..settings }).await;
    let mut client = Client::new(&[&own]);
    for (address, offered) in [(both, "spdy/3"), (one, "h2")] {
        client.alpn = vec![offered];
        let message = fault(client.ask(address, "a.example").await);
        assert!(message.contains("NoApplicationProtocol"), "{message}");
    }
}

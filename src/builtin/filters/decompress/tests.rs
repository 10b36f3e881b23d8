//! Tests of the filter, of bodies as clients and attackers send them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::io::AsyncReadExt;

use super::*;
use crate::app::{BodyRefused, BoxError, causes, response};
use crate::builtin::fixture::{faults, filter, refused_by, text, values};

const SECTION: &str = "[filter:d]\nuse = egg:pasteline#decompress\n";

async fn encoded(coding: &str, text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let read = match coding {
        "br" => BrotliEncoder::new(text).read_to_end(&mut encoded).await,
        "deflate" => ZlibEncoder::new(text).read_to_end(&mut encoded).await,
        "gzip" => GzipEncoder::new(text).read_to_end(&mut encoded).await,
        "zstd" => ZstdEncoder::new(text).read_to_end(&mut encoded).await,
        other => panic!("{other}"),
    };
    read.unwrap();
    encoded
}

/// An app that tells the header fields of the request that are left, its body and its trailers.
fn reader() -> App {
    App::from_fn(async |request: Request<Body>| {
        let (head, body) = request.into_parts();
        let names: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
        match body.collect().await {
            Ok(body) => {
                let trailers = body.trailers().map_or(0, HeaderMap::len);
                let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
                response::text(StatusCode::OK, format!("{} {text} +{trailers}", names.join(",")))
            }
            Err(error) => {
                let refused = causes(&*error).any(<dyn std::error::Error>::is::<BodyRefused>);
                response::text(StatusCode::BAD_GATEWAY, format!("refused by the server: {refused}"))
            }
        }
    })
}

async fn post(options: &str, codings: &[&[u8]], body: impl Into<Body>) -> Response {
    let mut request = Request::post("/").body(body.into()).unwrap();
    for coding in codings {
        let coding = HeaderValue::from_bytes(coding).unwrap();
        request.headers_mut().append(CONTENT_ENCODING, coding);
    }
    reader().behind(&[filter(&format!("{SECTION}{options}"))]).answer(request).await
}

async fn told(options: &str, codings: &[&[u8]], body: impl Into<Body>) -> (u16, String) {
    let response = post(options, codings, body).await;
    (response.status().as_u16(), text(response).await)
}

/// A body in pieces, of unknown length.
struct Pieces(VecDeque<Result<Frame<Bytes>, BoxError>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// A body that comes byte by byte, and what follows it.
fn bytewise(bytes: &[u8], end: Option<Result<Frame<Bytes>, BoxError>>) -> Body {
    let bytes = bytes.iter().map(|byte| Ok(Frame::data(Bytes::copy_from_slice(&[*byte]))));
    Body::new(Pieces(bytes.chain(end).collect()))
}

fn ok(text: &str) -> (u16, String) {
    (200, format!("{text} +0"))
}

#[tokio::test]
async fn undoes_each_coding_by_any_of_its_names() {
    for (coding, name) in [
        ("br", "br"),
        ("deflate", "deflate"),
        ("gzip", "gzip"),
        ("gzip", "X-GZip"),
        ("zstd", "ZSTD"),
        ("gzip", "identity, gzip ,"),
    ] {
        let body = encoded(coding, b"hello").await;
        assert_eq!(told("", &[name.as_bytes()], body.clone()).await, ok(" hello"), "{name}");
        let pieces = bytewise(&body, None);
        assert_eq!(told("", &[name.as_bytes()], pieces).await, ok(" hello"), "{name}");
    }
}

#[tokio::test]
async fn what_is_true_of_the_encoded_bytes_only_is_taken_off() {
    let mut request = Request::post("/").body(encoded("gzip", b"hello").await.into()).unwrap();
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-length", "25"),
        ("content-digest", "sha-256=:x:"),
        ("content-md5", "x"),
        ("content-type", "text/plain"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let app = reader().behind(&[filter(SECTION)]);
    assert_eq!(text(app.answer(request).await).await, "content-type hello +0");
}

#[tokio::test]
async fn codings_one_upon_another_are_undone_in_turn() {
    let twice = encoded("br", &encoded("gzip", b"hello").await).await;
    assert_eq!(told("", &[b"gzip, br"], twice.clone()).await, ok(" hello"));
    assert_eq!(told("", &[b"gzip", b"br"], twice.clone()).await, ok(" hello"));
    assert_eq!(told("", &[b"br, gzip"], twice).await.0, 400);
    let thrice = encoded("zstd", &encoded("br", &encoded("gzip", b"hello").await).await).await;
    assert_eq!(told("", &[b"gzip, br, zstd"], thrice).await, ok(" hello"));
    assert_eq!(told("", &[b"gzip, gzip, gzip, gzip"], "").await.0, 415);
}

#[tokio::test]
async fn members_follow_one_another() {
    let twice = [encoded("gzip", b"hel").await, encoded("gzip", b"lo").await].concat();
    assert_eq!(told("", &[b"gzip"], twice).await, ok(" hello"));
    let rest = [encoded("gzip", b"hello").await, b"rest of another length".to_vec()].concat();
    assert_eq!(told("", &[b"gzip"], rest).await.0, 400);
}

#[tokio::test]
async fn what_is_unknown_is_refused_or_passed_as_it_is() {
    for coding in [&b"lzma"[..], b"gzip, lzma", b"gzip\xff", b"gzip;q=1", b"*"] {
        let response = post("", &[coding], "hello").await;
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(values(response.headers(), "accept-encoding"), "br, deflate, gzip, zstd");
        let passed = told("unknown = pass", &[coding], "hello").await;
        assert_eq!(passed, ok("content-encoding hello"));
    }
    let response = post("encodings = gzip", &[b"br"], "hello").await;
    assert_eq!(values(response.headers(), "accept-encoding"), "gzip");
}

#[tokio::test]
async fn what_is_not_encoded_is_left_alone() {
    assert_eq!(told("", &[], "hello").await, ok(" hello"));
    assert_eq!(told("", &[b""], "hello").await, ok(" hello"));
    assert_eq!(told("", &[b"identity"], "hello").await, ok(" hello"));
    let mut request = Request::put("/").body("part".into()).unwrap();
    request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    request.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_static("bytes 0-3/10"));
    let app = reader().behind(&[filter(SECTION)]);
    let told = text(app.answer(request).await).await;
    assert_eq!(told, "content-encoding,content-range part +0");
}

#[tokio::test]
async fn a_body_of_no_bytes_is_empty_in_any_coding() {
    for coding in [&b"br"[..], b"deflate", b"gzip", b"zstd", b"gzip, br"] {
        assert_eq!(told("", &[coding], "").await, ok(" "));
        assert_eq!(told("", &[coding], bytewise(b"", None)).await, ok(" "));
    }
}

#[tokio::test]
async fn what_is_not_in_its_coding_is_the_clients_fault() {
    for coding in ["br", "deflate", "gzip", "zstd"] {
        let name = coding.as_bytes();
        assert_eq!(told("", &[name], "\u{ff}plain text\u{ff}").await.0, 400, "{coding}");
        let mut short = encoded(coding, b"hello, hello").await;
        short.truncate(short.len() - 1);
        assert_eq!(told("", &[name], short).await.0, 400, "{coding}");
    }
}

#[tokio::test]
async fn the_size_of_what_comes_out_is_bounded() {
    let body = encoded("gzip", b"0123456789").await;
    assert_eq!(told("max_size = 10", &[b"gzip"], body.clone()).await, ok(" 0123456789"));
    let (status, text) = told("max_size = 9", &[b"gzip"], body).await;
    assert_eq!(status, 413);
    assert!(text.contains("is larger than 9 bytes when it is decoded"), "{text}");
}

#[tokio::test]
async fn who_has_refused_what_comes_out_is_told_to_the_server() {
    let body = encoded("gzip", b"0123456789").await;
    let bomb = encoded("gzip", &vec![0; 4 << 20]).await;
    for (options, coding, body, expected) in [
        ("max_size = 10", "gzip", body.clone(), None),
        ("max_size = 9", "gzip", body.clone(), Some("decompress")),
        ("max_ratio = 2000", "gzip", bomb.clone(), None),
        ("max_ratio = 100", "gzip", bomb, Some("decompress")),
        // What is wrong is no matter of a limit.
        ("", "br", body.clone(), None),
        ("", "lzma", body, None),
    ] {
        let response = post(options, &[coding.as_bytes()], body).await;
        assert_eq!(refused_by(&response), expected, "{options} {coding}");
    }
}

#[tokio::test]
async fn a_bomb_is_stopped_on_its_way() {
    let bomb = vec![0; 4 << 20];
    for coding in ["br", "deflate", "gzip", "zstd"] {
        let body = encoded(coding, &bomb).await;
        let (status, text) = told("", &[coding.as_bytes()], body).await;
        assert_eq!(status, 413, "{coding}");
        assert!(text.contains("grows more than 100 times"), "{text}");
    }
    let short = encoded("gzip", &bomb[..1 << 20]).await;
    assert_eq!(told("", &[b"gzip"], short).await.0, 200, "the first MiB is free");
    let body = encoded("gzip", &bomb).await;
    assert_eq!(told("max_ratio = 2000", &[b"gzip"], body).await.0, 200);
}

#[tokio::test]
async fn a_bomb_between_two_codings_is_stopped_too() {
    // Beginnings and ends of nothing, of which nothing comes out.
    let nothing = encoded("gzip", b"").await.repeat(200_000);
    let body = encoded("gzip", &nothing).await;
    assert_eq!(told("", &[b"gzip, gzip"], body).await.0, 413);
}

#[tokio::test]
async fn a_window_beyond_what_is_allowed_is_refused() {
    // The head of a frame that wants a window of 128 MiB, and a last block of one byte.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x09, 0x00, 0x00, b'x'];
    assert_eq!(told("", &[b"zstd"], frame.to_vec()).await.0, 400);
    let allowed = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x09, 0x00, 0x00, b'x'];
    assert_eq!(told("", &[b"zstd"], allowed.to_vec()).await, ok(" x"));
}

#[tokio::test]
async fn trailers_are_passed_on() {
    let trailers = HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static("x"))]);
    let body = encoded("gzip", b"hello").await;
    let (_, text) =
        told("", &[b"gzip"], bytewise(&body, Some(Ok(Frame::trailers(trailers))))).await;
    assert_eq!(text, " hello +1");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_the_codings_fault() {
    let body = encoded("gzip", b"hello").await;
    let broken = bytewise(&body[..10], Some(Err(BodyRefused::TooSlow.into())));
    let told = told("", &[b"gzip"], broken).await;
    assert_eq!(told, (502, "refused by the server: true".to_owned()));
}

#[tokio::test]
async fn an_app_that_reads_nothing_answers_as_it_likes() {
    let app = App::ready(|_| response::text(StatusCode::CREATED, "done"));
    let mut request = Request::post("/").body("no gzip".into()).unwrap();
    request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let response = app.behind(&[filter(SECTION)]).answer(request).await;
    assert_eq!(response.status(), StatusCode::CREATED);
}

#[test]
fn wrong_settings_are_told() {
    for (option, place, expected) in [
        ("encodings = gzip, lzma", "3:19", "`br`, `deflate`, `gzip` or `zstd`"),
        ("encodings = x-gzip", "3:13", "`br`, `deflate`, `gzip` or `zstd`"),
        ("max_size = many", "3:12", "a whole number"),
        ("max_size = -1", "3:12", "a whole number"),
        ("max_ratio = 0", "3:13", "nothing would come out"),
        ("max_ratio = 1.5", "3:13", "a whole number"),
        ("unknown = ignore", "3:11", "`pass` or `refuse`"),
    ] {
        let faults = faults(&format!("{SECTION}{option}"));
        let [fault] = &*faults else { panic!("one fault of {option}: {faults:?}") };
        let start = format!("test.ini:{place}: error[bad-value]");
        assert!(fault.starts_with(&start) && fault.contains(expected), "{fault}");
    }
}

//! Requests over HTTP/2 that are refused before the server hears of them.

use super::frames::{END, Frames, GOAWAY, HEADERS, PING, RESET, SETTINGS, frame};
use super::http2::in_clear;
use super::{Observed, mirror, says, waits};
use crate::server::Settings;

const PROTOCOL_ERROR: [u8; 4] = [0, 0, 0, 1];
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];

/// The head of a request, and what is to come after it in the same block.
fn head(more: &[u8]) -> Vec<u8> {
    [&[0x82, 0x86, 0x84, 0x41, 1, b'h'], more].concat()
}

fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// Heads that are none.
fn malformed() -> Vec<Vec<u8>> {
    vec![
        [0x82, 0x86, 0x41, 1, b'h'].to_vec(),
        head(&field("connection", "close")),
        head(&field("content-length", "5")),
        head(&field("content-length", "many")),
        head(&field("te", "gzip")),
        head(&field(":status", "200")),
        head(&[0x82]),
    ]
}

/// Waits until all that was sent so far is looked at.
async fn looked_at(client: &mut Frames) {
    client.send(PING, 0, 0, b"question").await;
    client.next(&[PING]).await;
}

#[tokio::test]
async fn a_connection_has_so_many_streams_at_a_time() {
    let (app, begun, go_on) = waits();
    let settings = Settings { http2_max_streams: 2, ..in_clear() };
    let server = Observed::start_with(settings, app).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    for stream in [1, 3, 5] {
        client.get(stream, 200).await;
    }
    begun.notified().await;
    assert_eq!(client.next(&[HEADERS, RESET]).await, (RESET, 5, REFUSED_STREAM.to_vec()));
    go_on.notify_one();
    go_on.notify_one();
    assert_eq!(client.next(&[HEADERS, RESET]).await.0, HEADERS);
    assert_eq!(client.next(&[HEADERS, RESET]).await.0, HEADERS);
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["http2_streams"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
    assert!(log.contains("127.0.0.1 \"-\" 503 0\n"), "{log}");
    assert_eq!(log.lines().count(), 3, "{log}");
}

#[tokio::test]
async fn a_head_that_is_none_is_counted_and_logged() {
    let server = Observed::start_with(in_clear(), says("!")).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    for (stream, head) in (1..).step_by(2).zip(malformed()) {
        client.send(HEADERS, END, stream, &head).await;
        let (kind, reset, reason) = client.next(&[HEADERS, RESET, GOAWAY]).await;
        assert_eq!((kind, reset, reason), (RESET, stream, PROTOCOL_ERROR.to_vec()), "{head:?}");
    }
    client.get(101, 200).await;
    assert_eq!(client.next(&[HEADERS, RESET, GOAWAY]).await.0, HEADERS);
    drop(client);
    let (served, log) = server.end().await;
    let count = malformed().len();
    assert_eq!(served.refusals["malformed"], count as u64);
    assert_eq!(served.refusals.values().sum::<u64>(), count as u64);
    assert_eq!(served.statuses, [(200, 1)].into());
    let refused = "127.0.0.1 \"-\" 400 0\n".repeat(count);
    assert_eq!(log, format!("{refused}127.0.0.1 \"GET / HTTP/2.0\" 200 1\n"));
}

#[tokio::test]
async fn heads_that_are_none_are_told_from_others_beside_them() {
    let server = Observed::start_with(in_clear(), says("!")).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    let good = || head(&[]);
    let huge = || head(&[&[0, 1, b'x', 0x7f, 0x81, 0xff, 0x01][..], &vec![b'v'; 32_768]].concat());
    let heads = malformed().into_iter().flat_map(|bad| [good(), bad, huge(), good()]);
    let frames = (1..).step_by(2).zip(heads).flat_map(|(stream, head)| {
        // A head that is too large needs several frames.
        let (first, rest) = head.split_at(head.len().min(16_000));
        let mut frames = frame(HEADERS, if rest.is_empty() { END } else { 0 }, stream, first);
        for (number, part) in rest.chunks(16_000).enumerate() {
            let is_last = (number + 1) * 16_000 >= rest.len();
            frames.extend(frame(9, if is_last { 4 } else { 0 }, stream, part));
        }
        frames
    });
    client.write(&frames.collect::<Vec<_>>()).await;
    looked_at(&mut client).await;
    drop(client);
    let (served, log) = server.end().await;
    let count = malformed().len() as u64;
    assert_eq!(served.refusals["malformed"], count);
    assert_eq!(served.refusals["head_size"], count);
    assert_eq!(served.refusals.values().sum::<u64>(), 2 * count);
    assert_eq!(log.lines().filter(|line| line.contains("\"-\" 431 ")).count() as u64, count);
}

#[tokio::test]
async fn a_body_that_is_not_as_its_length_is_counted_beside_its_request() {
    let server = Observed::start_with(in_clear(), mirror()).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    client.send(HEADERS, 4, 1, &head(&field("content-length", "1"))).await;
    client.send(0, 1, 1, b"two").await;
    assert_eq!(client.next(&[RESET]).await, (RESET, 1, PROTOCOL_ERROR.to_vec()));
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["malformed"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
    assert!(log.starts_with("127.0.0.1 \"GET / HTTP/2.0\" "), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[tokio::test]
async fn what_a_client_resets_itself_is_not_refused() {
    let server = Observed::start_with(in_clear(), says("!")).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    let frames = (1..).step_by(2).take(10).flat_map(|stream: u32| {
        [frame(HEADERS, END, stream, &head(&[])), frame(RESET, 0, stream, &[0, 0, 0, 8])].concat()
    });
    client.write(&frames.collect::<Vec<_>>()).await;
    looked_at(&mut client).await;
    // The end of a connection may cut a head off.
    client.send(HEADERS, 1, 21, &head(&[])).await;
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals.values().sum::<u64>(), 0);
    assert_eq!(log.lines().count(), 10, "{log}");
}

#[tokio::test]
async fn what_comes_after_the_end_of_a_server_is_not_refused() {
    let (app, begun, go_on) = waits();
    let server = Observed::start_with(in_clear(), app).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    client.get(1, 200).await;
    begun.notified().await;
    server.running.finish();
    // The first says that there is to be an end, the second which streams count.
    client.next(&[GOAWAY]).await;
    let (_, _, question) = client.next(&[PING]).await;
    client.send(PING, 1, 0, &question).await;
    client.next(&[GOAWAY]).await;
    client.get(3, 200).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    client.next(&[SETTINGS]).await;
    go_on.notify_one();
    assert_eq!(client.next(&[HEADERS, RESET]).await.0, HEADERS);
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals.values().sum::<u64>(), 0, "{:?}", served.refusals);
    assert_eq!(log.lines().count(), 1, "{log}");
}

//! Requests over HTTP/2 that are refused before the server hears of them.

use super::frames::{
    DATA, END, Frames, GOAWAY, HEADERS, PING, RESET, SETTINGS, WINDOW_UPDATE, frame,
};
use super::http2::in_clear;
use super::{Observed, keeps, large, mirror, says, waits};
use crate::server::Settings;

const PRIORITY: u8 = 2;

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

/// A head that is larger than h2 takes, in a frame: an entry of its table, and many times that.
fn referring() -> Vec<u8> {
    let entry = [&[0x40, 1, b'x', 0x7f, 0x81, 0x1e][..], &[b'v'; 3968]].concat();
    head(&[&entry[..], &[0xbe; 20]].concat())
}

/// A request whose body is to have a byte, and one with two.
fn post(stream: u32) -> (Vec<u8>, Vec<u8>) {
    let head = frame(HEADERS, 4, stream, &head(&field("content-length", "1")));
    (head, frame(DATA, 1, stream, b"ab"))
}

#[tokio::test]
async fn a_body_that_is_not_as_its_length_is_counted_beside_its_request() {
    let server = Observed::start_with(in_clear(), mirror()).await;
    for together in [false, true] {
        let mut client = Frames::connect(server.address).await;
        client.agree().await;
        let (head, body) = post(1);
        client.write(&head).await;
        if !together {
            looked_at(&mut client).await;
        }
        client.write(&body).await;
        assert_eq!(client.next(&[RESET]).await, (RESET, 1, PROTOCOL_ERROR.to_vec()));
        looked_at(&mut client).await;
    }
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["framing"], 2);
    assert_eq!(served.refusals.values().sum::<u64>(), 2);
    assert!(log.lines().all(|line| line.starts_with("127.0.0.1 \"GET / HTTP/2.0\" ")), "{log}");
    assert_eq!(log.lines().count(), 2, "{log}");
}

#[tokio::test]
async fn a_broken_body_is_told_from_a_head_that_is_too_large() {
    let server = Observed::start_with(in_clear(), mirror()).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    let (head, body) = post(1);
    let huge = frame(HEADERS, END, 3, &referring());
    client.write(&[head, huge, body].concat()).await;
    looked_at(&mut client).await;
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!((served.refusals["head_size"], served.refusals["framing"]), (1, 1));
    assert_eq!(served.refusals.values().sum::<u64>(), 2);
    assert_eq!(log.lines().filter(|line| line.contains("\"-\"")).count(), 1, "{log}");
    assert!(log.contains("127.0.0.1 \"-\" 431 0\n"), "{log}");
}

#[tokio::test]
async fn a_head_that_is_none_is_told_from_a_broken_body_though_it_has_one() {
    let server = Observed::start_with(in_clear(), mirror()).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    let (head, body) = post(1);
    let (none, its_body) = (frame(HEADERS, 4, 3, &malformed()[1]), frame(DATA, 1, 3, b"ab"));
    client.write(&[head, none, body, its_body].concat()).await;
    looked_at(&mut client).await;
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!((served.refusals["malformed"], served.refusals["framing"]), (1, 1));
    assert_eq!(served.refusals.values().sum::<u64>(), 2);
    assert_eq!(log.lines().filter(|line| line.contains("\"-\" 400 ")).count(), 1, "{log}");
    assert_eq!(log.lines().count(), 2, "{log}");
}

#[tokio::test]
async fn a_body_past_its_window_is_counted_beside_its_request() {
    let server = Observed::start_with(in_clear(), keeps()).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    client.post(1).await;
    client.body(1, 65_537).await;
    client.next(&[RESET]).await;
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["malformed"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[tokio::test]
async fn what_is_held_up_is_counted_when_it_is_told() {
    let server = Observed::start_with(in_clear(), large()).await;
    let mut client = Frames::connect(server.address).await;
    // Windows that are larger than the buffers of the system.
    client.send(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]).await;
    client.next(&[SETTINGS]).await;
    client.send(SETTINGS, 1, 0, &[]).await;
    client.send(WINDOW_UPDATE, 0, 0, &0x7f00_0000_u32.to_be_bytes()).await;
    client.send(HEADERS, END, 1, &head(&[])).await;
    client.next(&[DATA]).await;
    client.send(HEADERS, END, 3, &referring()).await;
    client.send(HEADERS, END, 5, &head(&field("te", "gzip"))).await;
    client.send(HEADERS, END, 7, &head(&[])).await;
    // All of the first response is taken, and the beginning of the last.
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(client.next(&[HEADERS, RESET]).await.1);
    }
    told.sort_unstable();
    assert_eq!(told, [3, 5, 7]);
    looked_at(&mut client).await;
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!((served.refusals["head_size"], served.refusals["malformed"]), (1, 1));
    assert_eq!(served.refusals.values().sum::<u64>(), 2);
    assert_eq!(log.lines().count(), 4, "{log}");
}

#[tokio::test]
async fn bodies_are_not_broken_by_the_end_of_their_connection() {
    let server = Observed::start_with(in_clear(), mirror()).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    for stream in [1, 3, 5] {
        client.write(&post(stream).0).await;
    }
    looked_at(&mut client).await;
    client.send(DATA, 0, 0, b"of no stream").await;
    client.next(&[GOAWAY]).await;
    drop(client);
    let (served, _) = server.end().await;
    assert_eq!(served.refusals["malformed"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
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
    // Nobody hears why this one is refused, and a priority is no request.
    let (head, reset) = (frame(HEADERS, END, 21, &malformed()[1]), [0, 0, 0, 8]);
    client.write(&[head, frame(RESET, 0, 21, &reset)].concat()).await;
    client.send(PRIORITY, 0, 31, &[0, 0, 0, 31, 0]).await;
    looked_at(&mut client).await;
    // The end of a connection may cut a head off.
    client.send(HEADERS, 1, 23, b"").await;
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
    client.write(&post(1).0).await;
    begun.notified().await;
    server.running.finish();
    // The first says that there is to be an end, the second which streams count.
    client.next(&[GOAWAY]).await;
    let (_, _, question) = client.next(&[PING]).await;
    client.send(PING, 1, 0, &question).await;
    client.next(&[GOAWAY]).await;
    client.get(3, 200).await;
    client.send(DATA, 1, 1, b"ab").await;
    assert_eq!(client.next(&[HEADERS, RESET]).await.0, RESET, "it is not as its length");
    go_on.notify_one();
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals.values().sum::<u64>(), 0, "{:?}", served.refusals);
    assert_eq!(log.lines().count(), 1, "{log}");
}

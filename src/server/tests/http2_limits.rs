//! What a server bears of its clients over HTTP/2: each limit, and what is past it.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::frames::{END, Frames, GOAWAY, HEADERS, PING, RESET, SETTINGS, WINDOW_UPDATE, frame};
use super::http2::{Multiplexed, in_clear};
use super::{Observed, keeps, large, mirror, refused, says, start_counted, start_with, waits};
use crate::metrics::{Metrics, Refusal};
use crate::server::Settings;

#[tokio::test]
async fn a_head_of_http2_must_be_smaller_than_the_limit() {
    let settings = Settings { http2_max_header_list: 1024, ..in_clear() };
    let (_running, address) = start_with(settings, says("!")).await;
    // Each field counts 32 more than its name and value.
    let others = [":methodGET", ":schemehttp", ":path/", ":authorityh", "x"];
    let room = 1024 - others.map(|field| field.len() + 32).iter().sum::<usize>();
    for (value, status) in [(room - 1, 0x88), (room, 0x48)] {
        let mut client = Frames::connect(address).await;
        client.send(SETTINGS, 0, 0, &[]).await;
        client.get(1, value).await;
        let (kind, _, head) = client.next(&[HEADERS, RESET, GOAWAY]).await;
        // 200 is one entry of a table; the refusal is another status, in letters.
        assert_eq!((kind, head[0]), (HEADERS, status), "{value} {head:?}");
    }
}

#[tokio::test]
async fn too_large_a_head_of_http2_is_counted_and_logged() {
    let settings = Settings { http2_max_header_list: 1024, ..in_clear() };
    let server = Observed::start_with(settings, says("!")).await;
    let others = [":methodGET", ":schemehttp", ":path/", ":authorityh", "x"];
    let others = others.map(|field| field.len() + 32).iter().sum::<usize>();
    // From twice the limit on it is h2 that refuses, and from eight times on it goes.
    for (size, kind, status) in [
        (1023, HEADERS, 0x88),
        (1024, HEADERS, 0x48),
        (2047, HEADERS, 0x48),
        (2048, HEADERS, 0x48),
        (8192, HEADERS, 0x48),
        (8193, GOAWAY, 0),
    ] {
        let mut client = Frames::connect(server.address).await;
        client.agree().await;
        client.get(1, size - others).await;
        let (told, _, head) = client.next(&[HEADERS, GOAWAY]).await;
        assert_eq!(told, kind, "{size}");
        // 200 is one entry of a table; the refusal is another status, in letters.
        assert!(told == GOAWAY || head[0] == status, "{size} {head:?}");
    }
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["head_size"], 4);
    assert_eq!(served.refusals["http2_flood"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 5);
    assert_eq!(served.statuses, [(200, 1), (431, 2)].into());
    let statuses = log.lines().map(|line| line.rsplit(' ').nth(1).unwrap());
    assert_eq!(statuses.collect::<Vec<_>>(), ["200", "431", "431", "431", "431", "429"], "{log}");
}

#[tokio::test]
async fn a_client_that_has_its_streams_reset_too_often_is_left() {
    for (resets, kind) in [(5, PING), (6, GOAWAY)] {
        let (app, _begun, _go_on) = waits();
        let settings = Settings { http2_max_resets: 5, ..in_clear() };
        let (_running, address) = start_with(settings, app).await;
        let mut client = Frames::connect(address).await;
        client.send(SETTINGS, 0, 0, &[]).await;
        for stream in (1..).step_by(2).take(resets) {
            client.get(stream, 200).await;
            // More than a window can be.
            client.send(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes()).await;
        }
        client.send(PING, 0, 0, b"question").await;
        assert_eq!(client.next(&[PING, GOAWAY]).await.0, kind, "{resets}");
    }
}

#[tokio::test]
async fn a_stream_takes_as_much_of_a_body_as_its_window() {
    let settings = Settings { http2_stream_window: 100_000, ..in_clear() };
    for (length, is_reset) in [(100_000, false), (100_001, true)] {
        let (_running, address) = start_with(settings.clone(), keeps()).await;
        let mut client = Frames::connect(address).await;
        client.agree().await;
        client.post(1).await;
        client.body(1, length).await;
        // The answer to one question may overtake a reset.
        let mut answers = Vec::new();
        for _ in 0..2 {
            client.send(PING, 0, 0, b"question").await;
            answers.push(client.next(&[PING, RESET]).await.0);
        }
        assert_eq!(answers.contains(&RESET), is_reset, "{length}");
    }
}

#[tokio::test]
async fn a_connection_takes_as_much_of_all_bodies_as_its_window() {
    let settings = Settings { http2_connection_window: 100_000, ..in_clear() };
    for (length, kind) in [(100_000, PING), (100_001, GOAWAY)] {
        let (_running, address) = start_with(settings.clone(), keeps()).await;
        let mut client = Frames::connect(address).await;
        client.agree().await;
        client.post(1).await;
        client.post(3).await;
        client.body(1, 65_536).await;
        client.body(3, length - 65_536).await;
        client.send(PING, 0, 0, b"question").await;
        assert_eq!(client.next(&[PING, RESET, GOAWAY]).await.0, kind, "{length}");
    }
}

#[tokio::test]
async fn a_client_that_resets_its_streams_at_once_is_left() {
    let metrics = Metrics::default();
    for (resets, kind) in [(20, PING), (21, GOAWAY)] {
        let meter = metrics.meter("main");
        let (_running, address) = start_counted(in_clear(), keeps(), meter).await;
        let mut client = Frames::connect(address).await;
        client.agree().await;
        // All of it in one piece, so that no stream is looked at before the last is reset.
        let frames = (1..).step_by(2).take(resets).flat_map(|stream: u32| {
            let head = frame(HEADERS, END, stream, &[0x82, 0x86, 0x84, 0x41, 1, b'h']);
            [head, frame(RESET, 0, stream, &[0, 0, 0, 8])].concat()
        });
        client.write(&frames.collect::<Vec<_>>()).await;
        client.send(PING, 0, 0, b"question").await;
        assert_eq!(client.next(&[PING, GOAWAY]).await.0, kind, "{resets}");
    }
    refused(&metrics, Refusal::Http2Flood, 1).await;
}

#[tokio::test]
async fn what_is_no_http2_is_counted_and_logged() {
    let server = Observed::start_with(in_clear(), mirror()).await;
    let mut client = Frames::connect(server.address).await;
    client.agree().await;
    client.send(SETTINGS, 0, 1, &[]).await;
    assert_eq!(client.next(&[GOAWAY]).await.0, GOAWAY);
    drop(client);
    refused(&server.metrics, Refusal::Malformed, 1).await;
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"-\" 400 0\n");
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_stream_that_the_client_opens_no_window_for_is_reset() {
    let settings = in_clear();
    let server = Observed::start_with(settings, large()).await;
    let mut client = Frames::connect(server.address).await;
    // No window for streams to begin with.
    client.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
    client.get(1, 200).await;
    client.next(&[HEADERS]).await;
    tokio::time::pause();
    let start = Instant::now();
    let (_, stream, _) = client.next(&[RESET]).await;
    assert!((30..=31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    assert_eq!(stream, 1);
    drop(client);
    let (served, _) = server.end().await;
    assert_eq!(served.refusals["write_timeout"], 1);
}

#[tokio::test]
async fn a_client_of_http2_that_is_gone_is_left() {
    let (app, begun, _go_on) = waits();
    let server = Observed::start_with(in_clear(), app).await;
    let mut client = Frames::connect(server.address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    client.get(1, 200).await;
    begun.notified().await;
    tokio::time::pause();
    let start = Instant::now();
    while server.running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!((50..=51).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["http2_ping_timeout"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
    assert_eq!((served.statuses, log.lines().count()), ([(499, 1)].into(), 1), "{log}");
}

#[tokio::test]
async fn a_client_of_http2_that_is_there_may_wait() {
    let (app, begun, go_on) = waits();
    let (_running, address) = start_with(in_clear(), app).await;
    let mut client = Frames::connect(address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    client.get(1, 200).await;
    begun.notified().await;
    tokio::time::pause();
    let start = Instant::now();
    for _ in 0..5 {
        let (_, _, question) = client.next(&[PING]).await;
        // Nearly all of the time that it has for an answer.
        sleep(Duration::from_secs(19)).await;
        client.send(PING, 1, 0, &question).await;
    }
    // The first pause had begun before.
    assert!(start.elapsed() > Duration::from_secs(5 * (30 + 19) - 1), "{:?}", start.elapsed());
    tokio::time::resume();
    go_on.notify_one();
    assert_eq!(client.next(&[HEADERS, RESET, GOAWAY]).await.0, HEADERS);
}

#[tokio::test]
async fn a_body_of_http2_that_does_not_come_is_refused() {
    let (_running, address) = start_with(in_clear(), mirror()).await;
    let mut client = Frames::connect(address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    client.post(1).await;
    client.next(&[SETTINGS]).await;
    tokio::time::pause();
    let start = Instant::now();
    let (kind, stream, head) = client.next(&[HEADERS, RESET]).await;
    assert!((30..=31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!((kind, stream, head[0]), (HEADERS, 1, 0x48), "408, in letters");
}

/// All that an app gives comes to the client, however much it gives at once.
#[tokio::test]
async fn a_large_response_of_http2_arrives_whole() {
    let (_running, address) = start_with(in_clear(), large()).await;
    let mut client = Multiplexed::connect(address).await;
    let (status, body) = client.send("/").await.unwrap().unwrap();
    assert_eq!((status, body.len()), (StatusCode::OK, 16 << 20));
}

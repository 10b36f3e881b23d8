//! Targets that are too long, in heads that have not come to their end.

use super::{Client, Observed, mirror, settings};
use crate::server::Settings;

async fn observed(longest: usize) -> Observed {
    let settings = Settings { max_target_size: longest, ..settings() };
    Observed::start_with(settings, mirror()).await
}

#[tokio::test]
async fn a_target_that_does_not_end_is_too_long_as_soon_as_it_is() {
    let server = observed(2000).await;
    let target = "x".repeat(1999);
    let mut client = Client::connect(server.address).await;
    client.send(&format!("GET /{target} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
    client.read_to(" !").await;
    client.send(&format!("GET /{target}y")).await;
    let told = client.read_to("\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 414 URI Too Long\r\nconnection: close\r\n"), "{told}");
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["target_size"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
    let mut lines = log.lines();
    let expected = format!("127.0.0.1 \"GET /{target} HTTP/1.1\" 200 ");
    assert!(lines.next().unwrap().starts_with(&expected), "{log}");
    let line = lines.next().unwrap();
    assert!(line.starts_with("127.0.0.1 \"GET /xxx") && line.ends_with("\" 414 0"), "{line}");
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn a_target_that_is_longer_than_any_head_is_refused_as_a_target() {
    let server = observed(16 * 1024).await;
    // More than the buffers of the system hold. Who sends it to its end gets the answer.
    let (first, rest) = ("GET /".to_owned() + &"x".repeat(1 << 20), "x".repeat(8 << 20));
    let mut client = Client::connect(server.address).await;
    client.send(&first).await;
    client.send(&rest).await;
    let told = client.read_to_close().await;
    assert!(told.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{told}");
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["target_size"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
    assert!(log.len() < 20_000, "a log has no room for all of it: {}", log.len());
}

#[tokio::test]
async fn a_long_head_with_a_short_target_is_none_the_worse() {
    let server = observed(2000).await;
    let field = format!("X-Long: {}\r\n", "v".repeat(1000));
    let head = format!("POST /short HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n{field}{field}");
    let mut client = Client::connect(server.address).await;
    for _ in 0..3 {
        client.send(&head).await;
        for piece in ["X-M", "ore: ", &field, "\r\nbo", "dy"] {
            client.send(piece).await;
        }
        let answer = client.read_to("!").await;
        assert!(answer.ends_with("POST /short 127.0.0.1 body!"), "{answer}");
    }
    let long = "v".repeat(32 * 1024);
    client.send(&format!("{head}X-Long: {long}\r\n")).await;
    let told = client.read_to("\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
    drop(client);
    let (served, _) = server.end().await;
    assert_eq!(served.refusals["head_size"], 1);
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_target_may_come_piece_by_piece() {
    let server = observed(2000).await;
    for (length, status) in [(2000, "200"), (2001, "414")] {
        let mut client = Client::connect(server.address).await;
        // As long as a target may be, with a method beside it, and then byte by byte.
        client.send(&format!("DELETE /{}", "x".repeat(1989))).await;
        for _ in 0..length - 1990 {
            client.send("y").await;
            tokio::task::yield_now().await;
        }
        client.send(" HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let told = client.read_to("\r\n").await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{length}: {told}");
    }
}

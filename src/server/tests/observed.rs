//! What is counted and logged of what clients do.

use std::sync::Arc;

use http::StatusCode;
use http_body_util::BodyExt;
use tokio::sync::Notify;

use super::{Client, Observed, mirror, says, settings};
use crate::access_log::Destination;
use crate::app::{App, RefusedBy, Request, RequestExt, response};
use crate::server::{Inherited, Server, Sockets};

#[tokio::test]
async fn what_is_answered_is_counted_and_logged() {
    let server = Observed::start(mirror()).await;
    server.ask("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"GET /a HTTP/1.1\" 200 18\n");
    assert_eq!((served.statuses, served.in_flight), ([(200, 1)].into(), 0));
    assert_eq!((served.connections, served.connections_open), (1, 0));
}

#[tokio::test]
async fn what_is_refused_before_any_filter_is_counted_and_logged() {
    let server = Observed::start(mirror()).await;
    let malformed = server.ask("GET / HTTP/1.1\r\nno header\r\n\r\n").await;
    assert!(malformed.starts_with("HTTP/1.1 400 "), "{malformed}");
    let long = "x".repeat(33 * 1024);
    let long = server.ask(&format!("GET /long HTTP/1.1\r\nX-Long: {long}\r\n")).await;
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
    let (served, log) = server.end().await;
    let expected = "127.0.0.1 \"GET / HTTP/1.1\" 400 0\n127.0.0.1 \"GET /long HTTP/1.1\" 431 0\n";
    assert_eq!(log, expected);
    let refused = ["head_size", "head_timeout", "malformed"].map(|limit| served.refusals[limit]);
    assert_eq!(refused, [1, 0, 1]);
    assert_eq!(served.refusals.values().sum::<u64>(), 2);
    assert_eq!(served.statuses, [].into(), "no app has seen them");
}

#[tokio::test]
async fn the_line_of_a_request_is_never_taken_from_its_body() {
    let server = Observed::start(mirror()).await;
    let post = "POST /login HTTP/1.1\r\nHost: h\r\n";
    for rest in [
        "Content-Length: +30\r\n\r\npassword=hunter2&user=root\r\n",
        "Content-Length: 1, 2\r\n\r\nDELETE /all HTTP/1.1\r\nHost: h\r\n\r\n",
        "Transfer-Encoding: chunked, gzip\r\n\r\nDELETE /all HTTP/1.1\r\n\r\n",
    ] {
        let answer = server.ask(&format!("{post}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"-\" 400 0\n".repeat(3));
    assert_eq!(served.refusals["malformed"], 3);
}

#[tokio::test]
async fn a_body_that_is_no_chunks_is_counted() {
    let server = Observed::start(mirror()).await;
    let post = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    server.ask(post).await;
    let (served, _) = server.end().await;
    assert_eq!(served.refusals["framing"], 1);
}

/// An app that takes no body but a whole one of five bytes, as a filter may that has a limit.
fn particular() -> App {
    App::from_fn(async |request: Request| {
        let body = request.into_body().collect().await;
        if body.is_ok_and(|body| body.to_bytes().len() == 5) {
            return response::text(StatusCode::OK, "five");
        }
        RefusedBy("five").mark(response::text(StatusCode::IM_A_TEAPOT, "not five"))
    })
}

#[tokio::test]
async fn what_a_filter_refuses_is_counted_by_its_name() {
    let server = Observed::start(particular()).await;
    let post = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
    for (body, status) in [("five!", 200), ("six!!!", 418)] {
        let length = body.len();
        let answer = server.ask(&format!("{post}Content-Length: {length}\r\n\r\n{body}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let (served, _) = server.end().await;
    assert_eq!((served.refusals["five"], served.statuses[&418]), (1, 1));
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn what_the_server_refuses_counts_once_whatever_a_filter_makes_of_it() {
    let server = Observed::start(particular()).await;
    let trailer = "x".repeat(9 * 1024);
    let post = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = format!("5\r\nfive!\r\n0\r\nX-Long: {trailer}\r\n\r\n");
    let answer = server.ask(&format!("{post}{body}")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let (served, _) = server.end().await;
    assert_eq!((served.refusals["trailer_size"], served.statuses[&431]), (1, 1));
    assert_eq!(served.refusals.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_head_that_the_end_of_the_server_cuts_off_is_not_late() {
    let server = Observed::start(says("!")).await;
    let mut client = Client::connect(server.address).await;
    client.send("GET /whole HTTP/1.1\r\nHost: h\r\n\r\nGET /half HTTP/1.1\r\nHo").await;
    client.read_to("!").await;
    server.running.close();
    assert_eq!(client.read_to_close().await, "");
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["head_timeout"], 0);
    assert_eq!(log, "127.0.0.1 \"GET /whole HTTP/1.1\" 200 1\n");
}

#[tokio::test]
async fn a_client_that_takes_too_long_for_a_head_is_told_so() {
    let server = Observed::start(mirror()).await;
    let mut slow = Client::connect(server.address).await;
    slow.send("GET /slow HTTP/1.1\r\nHo").await;
    let mut silent = Client::connect(server.address).await;
    tokio::time::pause();
    let told = slow.read_to_close().await;
    assert_eq!(silent.read_to_close().await, "", "who asks for nothing is refused nothing");
    tokio::time::resume();
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"GET /slow HTTP/1.1\" 408 0\n");
    assert_eq!(served.refusals["head_timeout"], 1);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_and_logged() {
    let begun = Arc::new(Notify::new());
    let tell_begun = Arc::clone(&begun);
    let server = Observed::start(App::from_fn(move |_| {
        tell_begun.notify_one();
        std::future::pending()
    }))
    .await;
    let mut client = Client::connect(server.address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    begun.notified().await;
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"GET / HTTP/1.1\" 499 0\n");
    assert_eq!(served.statuses, [(499, 1)].into());
}

#[tokio::test]
async fn only_what_no_filter_logs_is_logged_by_the_server() {
    let server = Observed::start(App::ready(|request: Request| {
        if let Some(journal) = &request.context().journal {
            journal.take_over();
        }
        response::text(StatusCode::OK, "")
    }))
    .await;
    server.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let (served, log) = server.end().await;
    assert_eq!((log.as_str(), served.statuses), ("", [(200, 1)].into()));
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_keeps_the_server_from_starting() {
    let mut settings = settings();
    settings.access_log = Some(Destination::File("/no/such/directory/log".into()));
    let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap();
    let error = Server::new(sockets.share(0).unwrap(), settings).unwrap_err().to_string();
    let expected = "cannot open the access log `/no/such/directory/log`: no such file or directory";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_request_is_refused_by_its_head_counted_and_logged() {
    let server = Observed::start(mirror()).await;
    for (line, host, expected) in [
        ("GET / HTTP/1.1", "a b", "400 Bad Request"),
        ("GET /a%2fb HTTP/1.1", "a", "400 Bad Request"),
        ("TRACE / HTTP/1.1", "a", "501 Not Implemented"),
    ] {
        let answer = server.ask(&format!("{line}\r\nhost: {host}\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}\r\n")), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    let (served, log) = server.end().await;
    let counted = ["host", "path", "method"].map(|limit| served.refusals[limit]);
    assert_eq!((counted, served.statuses), ([1; 3], [(400, 2), (501, 1)].into()));
    let lines: Vec<_> = log.lines().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let expected = [
        r#"127.0.0.1 "GET / HTTP/1.1" 400"#,
        r#"127.0.0.1 "GET /a%2fb HTTP/1.1" 400"#,
        r#"127.0.0.1 "TRACE / HTTP/1.1" 501"#,
    ];
    assert_eq!(lines, expected);
}

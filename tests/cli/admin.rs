//! What a server tells of itself: numbers, and whether it is ready.

use std::net::TcpStream;

use crate::support::process::children;
use crate::support::{Client, Server, Test, signal, wait_for};

fn ini(workers: usize) -> String {
    format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = {workers}\n\
         admin_bind = 127.0.0.1:0\ndrain_linger = 60\n\
         [app:main]\nuse = egg:pasteline#respond\nbody = hello\n"
    )
}

/// A server that tells how it is, and where it does so.
fn serve(workers: usize) -> (Server, String) {
    let mut server = Test::new().ini(&ini(workers)).arguments("serve").start();
    let address = admin(&mut server);
    if workers > 0 {
        server.line("ready: ");
    }
    (server, address)
}

/// Waits until a server tells where it tells how it is.
pub(crate) fn admin(server: &mut Server) -> String {
    let line = server.line(" (admin)");
    let (_, address) = line.split_once("http://").unwrap();
    address.strip_suffix(" (admin)").unwrap().to_owned()
}

pub(crate) fn metrics(address: &str) -> String {
    let answer = Client::connect(address).ask("/metrics").expect(200);
    let expected = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(expected));
    answer.body
}

/// Waits until the metrics have a line.
pub(crate) fn await_metric(address: &str, line: &str) {
    wait_for(line, || metrics(address).lines().any(|other| other == line).then_some(()));
}

#[test]
fn one_process_tells_what_it_has_counted() {
    let (server, address) = serve(0);
    server.get("/").expect(200);
    await_metric(&address, r#"pasteline_requests_total{app="app:main",status="200"} 1"#);
    await_metric(&address, "pasteline_workers 1");
    Client::connect(&address).ask("/health").expect(200);
    Client::connect(&address).ask("/ready").expect(200);
    server.signal("HUP");
    await_metric(&address, r#"pasteline_reloads_total{result="good"} 1"#);
}

#[test]
fn workers_are_added_up_and_count_on_when_one_dies() {
    let (server, address) = serve(2);
    for _ in 0..20 {
        server.get("/").expect(200);
    }
    await_metric(&address, r#"pasteline_requests_total{app="app:main",status="200"} 20"#);
    await_metric(&address, "pasteline_workers 2");
    Client::connect(&address).ask("/ready").expect(200);
    let worker = *children(server.process()).first().unwrap();
    signal(worker, "KILL");
    await_metric(&address, "pasteline_respawns_total 1");
    await_metric(&address, "pasteline_workers 2");
    await_metric(&address, r#"pasteline_requests_total{app="app:main",status="200"} 20"#);
    server.write("api-paste.ini", "broken");
    server.signal("HUP");
    await_metric(&address, r#"pasteline_reloads_total{result="failed"} 1"#);
}

#[test]
fn a_server_that_ends_is_not_ready() {
    for workers in [0, 1] {
        let (server, address) = serve(workers);
        let mut probe = Client::connect(&address);
        probe.ask("/ready").expect(200);
        let open = server.connect();
        server.signal("TERM");
        while probe.ask("/ready").status != 503 {}
        drop(open);
    }
}

#[test]
fn who_takes_over_tells_alone_how_the_server_is_while_the_old_process_drains() {
    for workers in [0, 2] {
        let (mut server, address) = serve(workers);
        (0..20).for_each(|_| drop(server.get("/").expect(200)));
        let mut open = server.connect();
        open.ask("/").expect(200);
        let counted = r#"pasteline_requests_total{app="app:main",status="200"}"#;
        await_metric(&address, &format!("{counted} 21"));
        server.signal("USR2");
        let successor = server.successor();
        let is_new = || {
            Client::connect(&address).ask("/ready").expect(200);
            !metrics(&address).contains(counted)
        };
        wait_for("the new process alone", || (0..20).all(|_| is_new()).then_some(()));
        (0..20).for_each(|_| assert!(is_new(), "the old process has closed its sockets"));
        open.ask("/").expect(200);
        signal(successor, "TERM");
    }
}

#[test]
fn who_was_told_elsewhere_how_the_server_is_is_refused_where_a_reload_has_moved_it() {
    for workers in [0, 2] {
        let (mut server, old) = serve(workers);
        let open = server.connect();
        let moved = ini(workers).replace("admin_bind = 127.0.0.1", "admin_bind = 127.0.0.2");
        server.write("api-paste.ini", &moved);
        server.signal("HUP");
        let new = admin(&mut server);
        wait_for("a refusal", || TcpStream::connect(&old).is_err().then_some(()));
        Client::connect(&new).ask("/ready").expect(200);
        drop(open);
    }
}

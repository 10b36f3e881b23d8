//! The access log of a whole server: nothing is lost when it ends, and rotation works.

use std::fs;
use std::path::PathBuf;

use crate::support::{Client, Server, Test, wait_for};

/// A server that logs to a file in another directory than its own, which goes when it ends.
fn serve(workers: usize, other: &Test) -> (Server, PathBuf) {
    let (mut server, log) = start(workers, other, "");
    is_ready(workers, &mut server);
    (server, log)
}

/// Waits until all workers serve, if there are any.
fn is_ready(workers: usize, server: &mut Server) {
    if workers > 0 {
        server.line("ready: ");
    }
}

/// Where a server tells how it is.
fn admin(server: &mut Server) -> String {
    let line = server.line(" (admin)");
    line.split_once("http://").unwrap().1.strip_suffix(" (admin)").unwrap().to_owned()
}

/// Starts one with further options of its section, that takes ten minutes to answer for `/slow`.
fn start(workers: usize, other: &Test, options: &str) -> (Server, PathBuf) {
    let log = other.directory().join("access.log");
    let ini = format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = {workers}\n\
         access_log = {}\naccess_format = {{request_line}} {{status}}\n{options}\n\
         [composite:main]\nuse = egg:pasteline#urlmap\n/ = quick\n/slow = slow\n\
         [app:quick]\nuse = egg:pasteline#respond\nbody = hello\n\
         [app:slow]\nuse = egg:pasteline#respond\ndelay = 600\n",
        log.display()
    );
    (Test::new().ini(&ini).arguments("serve").start(), log)
}

fn read(log: &PathBuf) -> String {
    String::from_utf8(fs::read(log).unwrap_or_default()).unwrap()
}

#[test]
fn no_line_is_lost_when_a_server_ends() {
    for workers in [0, 2] {
        let other = Test::new();
        let (server, log) = serve(workers, &other);
        for _ in 0..50 {
            server.get("/").expect(200);
        }
        server.send("nonsense\r\n\r\n").expect(400);
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(0));
        let text = read(&log);
        let answered = text.lines().filter(|line| *line == "GET / HTTP/1.1 200").count();
        let refused = text.lines().filter(|line| *line == "nonsense 400").count();
        assert_eq!((answered, refused, text.lines().count()), (50, 1, 51), "{text}");
    }
}

#[test]
fn a_rotated_file_is_opened_anew_at_a_signal() {
    for workers in [0, 2] {
        let other = Test::new();
        let (server, log) = serve(workers, &other);
        server.get("/").expect(200);
        wait_for("a line", || (!read(&log).is_empty()).then_some(()));
        fs::rename(&log, log.with_extension("old")).unwrap();
        server.signal("USR1");
        wait_for("the new file", || log.exists().then_some(()));
        Client::connect(server.address()).ask("/").expect(200);
        wait_for("a line", || (!read(&log).is_empty()).then_some(()));
    }
}

/// Waits until ten requests are being answered.
fn await_ten(admin: &str) {
    wait_for("ten requests", || {
        let metrics = Client::connect(admin).ask("/metrics").body;
        metrics.contains("requests_in_flight{app=\"composite:main\"} 10").then_some(())
    });
}

/// Begins requests that are not answered yet, each at a connection of its own.
fn begin(server: &Server, count: usize) -> Vec<Client> {
    let request = "GET /slow HTTP/1.1\r\nHost: test\r\n\r\n";
    (0..count).map(|_| server.connect().send(request)).collect()
}

/// A server that is answering ten requests, its log, where it tells how it is, and the clients.
fn busy(workers: usize, other: &Test, options: &str) -> (Server, PathBuf, String, Vec<Client>) {
    let (mut server, log) = start(workers, other, &format!("admin_bind = 127.0.0.1:0\n{options}"));
    let admin = admin(&mut server);
    is_ready(workers, &mut server);
    let clients = begin(&server, 10);
    await_ten(&admin);
    (server, log, admin, clients)
}

#[test]
fn no_line_is_lost_when_a_server_ends_at_once() {
    for (workers, threads) in [(0, 1), (0, 2), (1, 2), (2, 1)] {
        let other = Test::new();
        let options = format!("worker_threads = {threads}");
        let (mut server, log, _, clients) = busy(workers, &other, &options);
        server.signal("TERM");
        server.line("a second one ends it at once");
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(1));
        drop(clients);
        let text = read(&log);
        let cut = text.lines().filter(|line| line.starts_with("GET /slow HTTP/1.1")).count();
        assert_eq!(cut, 10, "{text}");
    }
}

#[test]
fn no_line_is_lost_when_requests_take_too_long() {
    for workers in [0, 2] {
        let other = Test::new();
        let (server, log, _, clients) = busy(workers, &other, "graceful_shutdown_timeout = 0.5");
        (0..20).for_each(|_| drop(server.get("/").expect(200)));
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(1));
        drop(clients);
        let text = read(&log);
        let answered = text.lines().filter(|line| *line == "GET / HTTP/1.1 200").count();
        let cut = text.lines().filter(|line| line.starts_with("GET /slow HTTP/1.1")).count();
        assert_eq!((answered, cut), (20, 10), "{text}");
    }
}

#[test]
fn no_line_is_lost_of_requests_that_began_before_a_reload() {
    for (workers, threads) in [(0, 1), (0, 2), (2, 1)] {
        let other = Test::new();
        let options = format!("worker_threads = {threads}\nbacklog = 98");
        let (mut server, log, _, clients) = busy(workers, &other, &options);
        let file = server.read("api-paste.ini");
        server.write("api-paste.ini", &file.replace("backlog = 98", "backlog = 99"));
        server.signal("HUP");
        server.line("the settings of the server are replaced");
        server.signal("TERM");
        server.line("a second one ends it at once");
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(1));
        drop(clients);
        let text = read(&log);
        let cut = text.lines().filter(|line| line.starts_with("GET /slow HTTP/1.1")).count();
        assert_eq!(cut, 10, "{workers} workers, {threads} threads: {text}");
    }
}

#[test]
fn requests_that_a_reload_cuts_off_are_logged_and_counted() {
    for workers in [0, 2] {
        let other = Test::new();
        let options = "graceful_shutdown_timeout = 0.5";
        let (server, log, admin, clients) = busy(workers, &other, options);
        let file = server.read("api-paste.ini");
        server.get("/").expect(200);
        server.write("api-paste.ini", &file.replace(options, &format!("{options}\nbacklog = 99")));
        server.signal("HUP");
        let cut = || read(&log).lines().filter(|line| line.starts_with("GET /slow")).count();
        wait_for("ten lines", || (cut() == 10).then_some(()));
        wait_for("their number", || {
            let metrics = Client::connect(&admin).ask("/metrics").body;
            let lines = metrics.lines().filter(|it| it.starts_with("pasteline_requests_total{"));
            let counts = lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap());
            (counts.sum::<u32>() >= 11).then_some(())
        });
        drop(clients);
    }
}

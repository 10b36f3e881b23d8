//! The access log of a whole server: nothing is lost when it ends, and rotation works.

use std::fs;
use std::path::PathBuf;

use crate::support::{Client, Server, Test, wait_for};

/// A server that logs to a file in another directory than its own, which goes when it ends.
fn serve(workers: usize, other: &Test) -> (Server, PathBuf) {
    let log = other.directory().join("access.log");
    let ini = format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = {workers}\n\
         access_log = {}\naccess_format = {{request_line}} {{status}}\n\
         [app:main]\nuse = egg:pasteline#respond\nbody = hello\n",
        log.display()
    );
    let mut server = Test::new().ini(&ini).arguments("serve").start();
    if workers > 0 {
        server.line("ready: ");
    }
    (server, log)
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

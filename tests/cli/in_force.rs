//! What a settings file says holds for a server that runs.

use std::fs;

use crate::support::process::children;
use crate::support::{Answer, Client, Server, Test, Upstream, wait_for};

const HELLO: &str = "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n";

/// Serves an app at a free port by so many workers, with further settings.
fn serve(app: &str, workers: u16, settings: &str) -> Server {
    let start = "[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 0\n";
    let settings = format!("{start}api_workers = {workers}\n{settings}");
    let test = Test::new().ini(app).file("n.conf", settings);
    test.arguments("serve --config-file n.conf").start()
}

/// An app, and a section that leaves clients more time than a test has.
fn patient(app: &str) -> String {
    const LIMITS: &str = "head_timeout = 3600\nbody_timeout = 3600\n\
                          write_timeout = 3600\nkeep_alive_timeout = 3600\n";
    format!("{app}[server:main]\nuse = egg:pasteline#http\n{LIMITS}")
}

fn proxy(upstream: &Upstream) -> String {
    let upstream = upstream.address();
    format!("[app:main]\nuse = egg:pasteline#proxy\nupstream = http://{upstream}\n")
}

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

#[test]
fn keep_alive_and_the_length_of_lines() {
    let server = serve(HELLO, 0, "wsgi_keep_alive = false\nmax_header_line = 200\n");
    let answer = server.get("/").expect(200);
    assert_eq!(answer.header("connection"), Some("close"));
    // With its end.
    let line = |length: usize| format!("X-Long: {}\r\n", "x".repeat(length - "X-Long: \r\n".len()));
    server.get_with("/", &line(200)).expect(200);
    server.get_with("/", &line(201)).expect(431);
    let server = serve(HELLO, 0, "wsgi_keep_alive = true\n");
    let mut client = server.connect();
    assert_eq!(client.ask("/").expect(200).header("connection"), None);
    client.ask("/").expect(200);
}

#[test]
fn a_silent_client_is_ended_wherever_it_falls_silent() {
    let echo = patient("[app:main]\nuse = egg:pasteline#echo\n");
    for workers in [0, 1] {
        let server = serve(&echo, workers, "client_socket_timeout = 1\n");
        let silent = server.connect();
        let in_head = server.connect().send("GET / HTTP/1.1\r\nHost: te");
        let body = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\na";
        let in_body = server.connect().send(body);
        let mut between = server.connect();
        between.ask("/").expect(200);
        in_head.answer().expect(408);
        in_body.answer().expect(408);
        silent.ends();
        between.ends();
        server.get("/").expect(200);
    }
}

#[test]
fn a_client_that_does_not_take_its_answer_is_ended() {
    // More than the system holds for a connection.
    const LARGE: usize = 32 << 20;
    let files = patient("[app:main]\nuse = egg:pasteline#static\nroot = .\n");
    let start = "[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 0\napi_workers = 0\n";
    let test = Test::new().ini(&files).file("large", vec![b'x'; LARGE]);
    let log = test.directory().join("access.log");
    let settings = format!("{start}client_socket_timeout = 1\n[pasteline]\naccess_log = ");
    let test = test.file("n.conf", settings + &log.display().to_string());
    let server = test.arguments("serve --config-file n.conf").start();
    let mut client = server.connect().send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.first_line(), "HTTP/1.1 200 OK");
    // A response is logged when it has ended, in whichever way.
    let is_logged = || fs::read(&log).is_ok_and(|log| log.starts_with(b"127.0.0.1"));
    wait_for("the line of the response", || is_logged().then_some(()));
    assert!(client.rest() < LARGE);
}

#[test]
fn no_more_requests_at_a_time_than_the_pool_has() {
    for workers in [0, 1] {
        let upstream = Upstream::holding();
        let server = serve(&proxy(&upstream), workers, "wsgi_default_pool_size = 2\n");
        // Other than upstream, connections that wait for a request take no place.
        let _idle: Vec<Client> = (0..5).map(|_| server.connect()).collect();
        let ask = || {
            let client = server.connect().send(GET);
            upstream.request();
            client
        };
        let mut first = ask();
        let second = ask();
        let refused = server.connect().send(GET).answer().expect(503);
        assert!(refused.header("retry-after").is_some(), "{refused:#?}");
        upstream.release();
        upstream.release();
        assert_eq!(second.answer().expect(200).body, "from upstream");
        assert_eq!(first.next_answer().expect(200).body, "from upstream");
        // Its place is free when its answer has been sent.
        let answer = wait_for("a free place", || {
            upstream.release();
            Some(server.get("/")).filter(|answer: &Answer| answer.status == 200)
        });
        assert_eq!(answer.body, "from upstream");
    }
}

#[test]
fn a_nova_conf_says_where_and_by_how_many_workers() {
    let settings = "[DEFAULT]\nosapi_compute_listen = 127.0.0.2\nosapi_compute_listen_port = 0\n\
                    osapi_compute_workers = 2\nosapi_max_limit = 1000\n\
                    [wsgi]\napi_paste_config = paste/nova.ini\nkeep_alive = false\n\
                    [api_database]\nconnection = mysql+pymysql://nova:lemon@controller/nova\n";
    let test = Test::new().file("etc/nova.conf", settings).file("etc/paste/nova.ini", HELLO);
    let mut server = test.arguments("serve --config-file etc/nova.conf").start();
    server.line("ready: 2 workers");
    assert!(server.address().starts_with("127.0.0.2:"), "{}", server.address());
    assert_eq!(children(server.process()).len(), 2);
    let answer = server.get("/").expect(200);
    assert_eq!((&*answer.body, answer.header("connection")), ("hello", Some("close")));
    server.signal("TERM");
    let finished = server.wait().status(0);
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");
}

/// Two files of settings and a directory of them, with a paste file beside each; the last one of
/// the services lies in the home directory.
fn places(setting: &str) -> Test {
    let home = |name: &str| format!("home/.pasteline/{name}");
    let mut test = Test::new()
        .file("a/a.conf", format!("[DEFAULT]\napi_paste_config = {setting}\n"))
        .file("b/b.conf", "[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 0\n")
        .file("c.d/c.conf", "[DEFAULT]\napi_workers = 0\n");
    for place in ["c.d/p.ini", "b/p.ini", "a/p.ini", &*home("p.ini"), "home/p.ini", "p.ini"] {
        let (directory, _) = place.rsplit_once('/').unwrap_or(("here", ""));
        test = test.file(place, HELLO.replace("hello", directory));
    }
    let directory = test.directory().join("home").display().to_string();
    test.variable("HOME", &directory)
}

const PATHS: &str = "--config-file a/a.conf --config-dir c.d --config-file b/b.conf";

#[test]
fn the_paste_file_is_found_in_the_order_of_oslo_config() {
    let order = ["c.d", "b", "a", "home/.pasteline", "home", "here"];
    for (gone, expected) in order.into_iter().enumerate() {
        let test = places("p.ini");
        for directory in &order[..gone] {
            let directory = if *directory == "here" { "." } else { directory };
            fs::remove_file(test.directory().join(directory).join("p.ini")).unwrap();
        }
        let shown = format!("body = {expected}  (");
        test.arguments("show").arguments(PATHS).run().status(0).prints(&shown);
    }
    let server = places("p.ini").arguments("serve").arguments(PATHS).start();
    assert_eq!(server.get("/").expect(200).body, "c.d");
}

#[test]
fn a_paste_file_may_be_named_by_its_whole_path() {
    let test = places("p.ini");
    let path = test.directory().join("a/p.ini").display().to_string();
    let test = test.file("a/a.conf", format!("[DEFAULT]\napi_paste_config = {path}\n"));
    let server = test.arguments("serve").arguments(PATHS).start();
    assert_eq!(server.get("/").expect(200).body, "a");
}

#[test]
fn a_paste_file_that_is_nowhere_is_told_where_it_is_named() {
    let place = "a/a.conf:2:20: error[unreadable-file]: cannot read ";
    for command in ["serve", "validate", "show"] {
        let test = places("q.ini").arguments(command).arguments(PATHS);
        let finished = test.run().status(1).tells("a/a.conf:2:20").tells("named here");
        finished
            .tells("cannot read `q.ini`: no such file or directory")
            .tells("= help: there is no `c.d/q.ini`, `b/q.ini`, `a/q.ini`, `");
    }
    let finished = places("/no/q.ini").arguments("--format short").arguments(PATHS).validate();
    let finished = finished.status(1);
    finished.tells(&format!("{place}`/no/q.ini`: no such file or directory\n"));
    // A file that is named on the command line is looked for by nobody.
    let finished = places("p.ini").arguments("none.ini").arguments(PATHS).validate().status(1);
    let finished = finished.tells("cannot read `none.ini`: no such file or directory");
    assert!(!finished.stderr.contains("a.conf"), "{finished:#?}");
}

#[test]
fn without_settings_the_paste_file_is_the_one_that_is_here() {
    let home = "home/api-paste.ini";
    let test = Test::new().ini(HELLO).file(home, HELLO.replace("hello", "home"));
    let directory = test.directory().join("home").display().to_string();
    let test = test.variable("HOME", &directory);
    assert_eq!(test.serve().get("/").expect(200).body, "hello");
}

#[test]
fn a_log_has_its_file_in_the_directory_of_logs() {
    let settings = "[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 0\napi_workers = 1\n\
                    log_dir = ../log\nlog_file = api.log\nlog_options = false\n\
                    default_log_levels = pasteline.service=DEBUG, pasteline.service.plan=ERROR\n";
    let test = Test::new().ini(HELLO).file("etc/n.conf", settings).file("log/other", "");
    let log = test.directory().join("log/api.log");
    let read = || String::from_utf8(fs::read(&log).unwrap_or_default()).unwrap();
    let server = test.arguments("serve --config-file etc/n.conf").spawn();
    wait_for("a worker", || read().contains("ready: 1 worker").then_some(()));
    let log = read();
    assert!(log.contains(" DEBUG ") && !log.contains("listening on"), "{log}");
    server.signal("TERM");
    assert_eq!(server.wait().status(0).stderr, "");
}

//! `reload`, `status` and the service manager: how a running server is asked, and what it tells.

use std::os::unix::net::UnixDatagram;

use crate::support::process::children;
use crate::support::{PATIENCE, Server, Test, signal, wait_for};

const FILE: &str = "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = 2\n\
                    [app:main]\nuse = egg:pasteline#respond\nbody = one\n";

fn serve() -> Server {
    let mut server = Test::new().ini(FILE).arguments("serve").start();
    server.line("ready: 2 workers");
    server
}

#[test]
fn reload_waits_until_all_workers_have_it() {
    let server = serve();
    server.write("api-paste.ini", &FILE.replace("one", "two"));
    server.run("reload api-paste.ini").status(0).prints("reloaded: ");
    for _ in 0..20 {
        assert_eq!(server.get("/").body, "two");
    }
}

#[test]
fn reload_tells_what_is_wrong_and_fails() {
    let server = serve();
    server.write("api-paste.ini", &FILE.replace("respond", "respnd"));
    let place = "api-paste.ini:6:7: error[unknown-app]";
    server.run("reload api-paste.ini").status(1).tells(place);
    assert_eq!(server.get("/").body, "one");
    server
        .run("status api-paste.ini")
        .status(1)
        .prints("the last reload was refused")
        .prints(place);
    server.write("api-paste.ini", FILE);
    server.run("reload api-paste.ini").status(0);
    server.run("status api-paste.ini").status(0).prints("1 reload");
}

#[test]
fn status_names_the_server_and_its_workers() {
    let server = serve();
    let finished = server.run("status api-paste.ini --format json").status(0);
    let status: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(status["process"], server.process());
    assert!(status["file"].as_str().unwrap().ends_with("/api-paste.ini"), "{status:#}");
    let workers = status["workers"].as_array().unwrap();
    let states: Vec<_> = workers.iter().map(|worker| worker["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["serving", "serving"]);
}

#[test]
fn one_process_can_be_asked_too() {
    let server = Test::new().ini(FILE).serve();
    server.write("api-paste.ini", &FILE.replace("one", "two"));
    server.run("reload api-paste.ini").status(0);
    assert_eq!(server.get("/").body, "two");
    server.run("status api-paste.ini").status(0).prints("in force");
}

#[test]
fn without_a_server_there_is_nobody_to_ask() {
    let test = Test::new().ini(FILE).arguments("reload api-paste.ini");
    test.run().status(1).tells("error: no running server of `");
}

#[test]
fn a_reload_has_the_server_found_elsewhere_and_replaces_no_worker_for_it() {
    for workers in ["0", "2"] {
        let workers = format!("workers = {workers}");
        let text = |control: &str, pid_file: &str| {
            let options = format!("{workers}\ncontrol = {control}\npid_file = {pid_file}");
            FILE.replace("workers = 2", &options)
        };
        let server = Test::new().ini(&text("a.sock", "a.pid")).arguments("serve").start();
        wait_for("a status", || {
            (server.run("status --control a.sock").status == Some(0)).then_some(())
        });
        server.get("/").expect(200);
        let before = children(server.process());
        server.write("api-paste.ini", &text("b.sock", "b.pid"));
        server.run("reload --control a.sock").status(0);
        assert!(!server.has("a.sock") && !server.has("a.pid"));
        assert_eq!(server.read("b.pid"), format!("{}\n", server.process()));
        server.run("status --control b.sock").status(0);
        for (control, pid_file) in [("c.sock", "no/such/pid"), ("no/such/c.sock", "c.pid")] {
            server.write("api-paste.ini", &text(control, pid_file));
            server.run("reload --control b.sock").status(1).tells("no/such/");
            assert!(!server.has("c.sock") && !server.has("c.pid"));
            assert!(server.has("b.sock") && server.has("b.pid"));
        }
        server.write("api-paste.ini", &text("b.sock", "b.pid").replace("one", "two"));
        server.run("reload --control b.sock").status(0);
        assert_eq!(server.get("/").body, "two");
        assert_eq!(children(server.process()), before);
        let worse = text("c.sock", "c.pid").replace("one", "three\nbackog = 1");
        server.write("api-paste.ini", &worse);
        server.run("reload --control b.sock").status(1);
        assert!(!server.has("c.sock") && !server.has("c.pid") && server.has("b.pid"));
    }
}

/// A service manager, which hears what a server says.
struct Manager(UnixDatagram);

impl Manager {
    /// A server that tells it how it is, and wants to be asked for a sign of life.
    fn start(test: Test) -> (Self, Server) {
        Self::start_with(test, "serve")
    }

    /// The same with other arguments.
    fn start_with(test: Test, arguments: &str) -> (Self, Server) {
        let path = test.directory().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let test = test.variable("NOTIFY_SOCKET", path.to_str().unwrap());
        let server = test.variable("WATCHDOG_USEC", "1000000").arguments(arguments).start();
        (Self(manager), server)
    }

    /// The next message.
    fn hear(&self) -> String {
        let mut bytes = [0; 1024];
        let length = self.0.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// The next message that holds a text.
    fn hear_of(&self, wanted: &str) -> String {
        loop {
            let message = self.hear();
            if message.contains(wanted) {
                return message;
            }
        }
    }
}

#[test]
fn the_service_manager_is_told_of_each_step() {
    for workers in ["0", "2"] {
        let text = FILE.replace("workers = 2", &format!("workers = {workers}"));
        let (manager, server) = Manager::start(Test::new().ini(&text));
        // On a busy machine it may say before that it lives.
        manager.hear_of("READY=1\nSTATUS=");
        manager.hear_of("WATCHDOG=1");
        server.signal("HUP");
        manager.hear_of("RELOADING=1\nMONOTONIC_USEC=");
        manager.hear_of("READY=1\nSTATUS=the pipeline is replaced");
        server.write("api-paste.ini", "nonsense\n");
        server.signal("HUP");
        manager.hear_of("READY=1\nSTATUS=not reloaded: api-paste.ini:1:1: error");
        server.write("api-paste.ini", &text);
        server.signal("USR2");
        manager.hear_of("STATUS=starting a successor");
        let successor = manager.hear_of("MAINPID=");
        let successor = successor.trim_start_matches("MAINPID=").parse().unwrap();
        // Said before, it is not heard from a process that is not the main one yet.
        let status = if workers == "0" { "STATUS=serving" } else { "STATUS=ready: 2 workers" };
        assert_eq!(manager.hear_of("STATUS="), status);
        manager.hear_of("WATCHDOG=1");
        signal(successor, "TERM");
        manager.hear_of("STOPPING=1");
        let patience = manager.hear_of("EXTEND_TIMEOUT_USEC=");
        assert_eq!(patience, "EXTEND_TIMEOUT_USEC=10000000");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn more_time_is_asked_for_as_long_as_the_end_takes() {
    for workers in ["0", "2"] {
        let text = FILE.replace("workers = 2", &format!("workers = {workers}\ndrain_linger = 60"));
        let (manager, server) = Manager::start(Test::new().ini(&text));
        manager.hear_of("READY=1");
        let mut client = server.connect();
        client.ask("/").expect(200);
        server.signal("TERM");
        for _ in 0..3 {
            manager.hear_of("EXTEND_TIMEOUT_USEC=10000000");
        }
        drop(client);
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn the_watchdog_is_told_nothing_while_no_worker_answers() {
    let (manager, mut server) = Manager::start(Test::new().ini(FILE));
    manager.hear_of("WATCHDOG=1");
    let workers = children(server.process());
    for worker in &workers {
        signal(*worker, "STOP");
    }
    server.line("no worker answers: the watchdog is told nothing");
    for worker in &workers {
        signal(*worker, "CONT");
    }
    manager.0.set_nonblocking(true).unwrap();
    while manager.0.recv(&mut [0; 1024]).is_ok() {}
    manager.0.set_nonblocking(false).unwrap();
    manager.hear_of("WATCHDOG=1");
}

#[test]
fn files_that_change_are_loaded_without_being_asked_for() {
    let mut server = Test::new().ini(FILE).arguments("serve --watch").start();
    server.line("ready: 2 workers");
    server.write("api-paste.ini", &FILE.replace("one", "two"));
    server.line("a file of the configuration has changed");
    server.line("reloaded: ");
    assert_eq!(server.get("/").body, "two");
    server.write("api-paste.ini.d/site.ini", "[app:main]\nbody = three\n");
    server.line("reloaded: ");
    assert_eq!(server.get("/").body, "three");
}

#[test]
fn files_that_change_while_the_server_stops_are_not_loaded() {
    for workers in ["0", "2"] {
        let text = FILE.replace("workers = 2", &format!("workers = {workers}\ndrain_linger = 60"));
        let (manager, server) = Manager::start_with(Test::new().ini(&text), "serve --watch");
        manager.hear_of("READY=1");
        let mut client = server.connect();
        client.ask("/").expect(200);
        server.signal("TERM");
        manager.hear_of("STOPPING=1");
        server.write("api-paste.ini", &text.replace("one", "two"));
        server.run("reload api-paste.ini").status(1).tells("the server stops");
        // Two seconds lie between two of these, ten times as long as files are left alone.
        for _ in 0..2 {
            let heard = manager.hear_of("_USEC=");
            assert_eq!(heard, "EXTEND_TIMEOUT_USEC=10000000", "it reloads");
        }
        drop(client);
        // Nothing but how long it takes is told since.
        manager.0.set_nonblocking(true).unwrap();
        let finished = server.wait().status(0);
        let mut bytes = [0; 1024];
        while let Ok(length) = manager.0.recv(&mut bytes) {
            assert!(!bytes[..length].starts_with(b"READY"), "it said that it stops");
        }
        assert!(!finished.stderr.contains("has changed"), "{finished:#?}");
    }
}

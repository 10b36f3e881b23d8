//! Several servers at once, each with an app of its own.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{Answer, Client, Server, Test, Upstream, wait_for};

/// Two servers in so many workers, and three apps that answer with these texts; `admin` serves
/// the second.
fn ini(workers: u16, [main, second, third]: [&str; 3]) -> String {
    format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = {workers}\n\
         [server:admin]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\napp = second\n\
         [app:main]\nuse = egg:pasteline#respond\nbody = {main}\n\
         [app:second]\nuse = egg:pasteline#respond\nbody = {second}\n\
         [app:third]\nuse = egg:pasteline#respond\nbody = {third}\n"
    )
}

const TEXTS: [&str; 3] = ["one", "two", "three"];

/// Both, when they serve.
fn serve(workers: u16, admin: &str) -> Server {
    let arguments = format!("serve --server main --server {admin}");
    let mut server = Test::new().ini(&ini(workers, TEXTS)).arguments(&arguments).start();
    if workers > 0 {
        server.line("ready: ");
    }
    server
}

/// What `status` says of the servers: name, app and address of each.
fn servers(server: &Server) -> Vec<[String; 3]> {
    let status = server.run("status api-paste.ini --format json").status(0).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let servers = status["servers"].as_array().unwrap().iter();
    servers.map(|it| [&it["server"], &it["app"], &it["addresses"][0]].map(text)).collect()
}

fn ask(address: &str) -> String {
    Client::connect(address).ask("/").expect(200).body
}

#[test]
fn each_says_where_it_listens() {
    for workers in [0, 2] {
        let text = ini(workers, TEXTS);
        let test = Test::new().ini(&text).arguments("serve --server main --server admin");
        let mut server = test.spawn();
        for name in ["main", "admin"] {
            let line = server.line("listening on http://127.0.0.1:");
            assert!(line.ends_with(&format!(" (server {name})")), "{line}");
        }
    }
}

#[test]
fn each_serves_the_app_that_is_its_own() {
    for workers in [0, 2] {
        for (admin, app, body) in
            [("admin", "app:second", "two"), ("admin=third", "app:third", "three")]
        {
            let server = serve(workers, admin);
            let servers = servers(&server);
            let [main, other] = [&servers[0], &servers[1]];
            assert_eq!((&*main[0], &*main[1]), ("main", "app:main"));
            assert_eq!((&*other[0], &*other[1]), ("admin", app));
            assert_eq!((ask(&main[2]), ask(&other[2])), ("one".to_owned(), body.to_owned()));
            let line = format!("server admin: serves {app} at {}", other[2]);
            server.run("status api-paste.ini").status(0).prints(&line);
        }
    }
}

#[test]
fn both_are_reloaded_or_none() {
    for workers in [0, 2] {
        let server = serve(workers, "admin");
        let addresses: Vec<_> = servers(&server).into_iter().map(|[.., address]| address).collect();
        let bodies = || addresses.iter().map(|address| ask(address)).collect::<Vec<_>>();
        let changed = ini(workers, ["uno", "due", "tre"]);
        server.write("api-paste.ini", &changed.replace("body = due", "bod = due"));
        server.run("reload api-paste.ini").status(1).tells("has no option `bod`");
        assert_eq!(bodies(), ["one", "two"]);
        server.write("api-paste.ini", &changed);
        server.run("reload api-paste.ini").status(0);
        assert_eq!(bodies(), ["uno", "due"]);
        server.write("api-paste.ini", &changed.replace("app = second", "app = third"));
        server.run("reload api-paste.ini").status(0);
        // Settings have changed: there is a moment in which those before still accept.
        let reloaded = servers(&server);
        assert_eq!(reloaded[1][1], "app:third");
        wait_for("the other app", || (ask(&reloaded[1][2]) == "tre").then_some(()));
    }
}

#[test]
fn both_finish_what_has_begun_when_they_are_told_to_stop() {
    for workers in [0, 2] {
        let server = serve(workers, "admin");
        let mut clients: Vec<_> =
            servers(&server).iter().map(|[.., address]| Client::connect(address)).collect();
        for client in &mut clients {
            client.ask("/").expect(200);
        }
        server.signal("TERM");
        for client in &mut clients {
            while client.ask("/").expect(200).header("connection") != Some("close") {}
        }
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn what_all_servers_share_is_said_by_the_first() {
    let file = ini(2, TEXTS).replace("app = second", "app = second\nworkers = 3");
    let refused = Test::new().ini(&file).arguments("serve --server main --server admin").run();
    refused.status(1).tells("`workers` is refused: the servers share their processes");
    // To say the same is no fault, and neither is it for a server by itself.
    for (file, arguments) in [
        (file.replace("workers = 3", "workers = 2"), "serve --server main --server admin"),
        (file, "serve --server admin"),
    ] {
        Test::new().ini(&file).arguments(arguments).start();
    }
}

#[test]
fn each_has_its_part_of_the_connections_on_all_threads() {
    let text = ini(0, TEXTS).replace("workers = 0", "workers = 0\nworker_threads = 2");
    let test = Test::new().ini(&text).arguments("serve --server main --server admin");
    let line = "ulimit -n 200; exec \"$0\" \"$@\"";
    let mut server = test.shell(line, File::open("/dev/null").unwrap()).spawn();
    let mut open = Vec::new();
    for _ in 0..2 {
        server.listens();
        // A half of 45 % of the files.
        for _ in 0..45 {
            let mut client = server.connect();
            client.ask("/").expect(200);
            open.push(client);
        }
        server.connect().next_answer().expect(503);
    }
}

/// A connection that is kept after a request; none if it is refused, or was let in by a server
/// that is replaced.
fn keep(server: &Server) -> Option<BufReader<TcpStream>> {
    let mut client = TcpStream::connect(server.address()).ok()?;
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").ok()?;
    let mut client = BufReader::new(client);
    let answer = Answer::read(&mut client).ok()?;
    (answer.status == 200 && answer.header("connection").is_none()).then_some(client)
}

#[test]
fn what_replaced_servers_bear_counts_for_their_successors() {
    for (threads, limit) in [
        (1, "max_connections = 3"),
        (2, "max_connections = 3"),
        (2, "max_connections_per_address = 3"),
    ] {
        let text = |linger: u32| {
            let limit = format!("workers = 0\nworker_threads = {threads}\n{limit}");
            ini(0, TEXTS).replace("workers = 0", &format!("{limit}\ndrain_linger = {linger}"))
        };
        let test = Test::new().ini(&text(3600)).arguments("serve --server main --server admin");
        let mut server = test.start();
        let mut open = Vec::new();
        for round in 1..=3 {
            open.push(wait_for("a connection", || keep(&server)));
            server.write("api-paste.ini", &text(3600 + round));
            server.signal("HUP");
            server.line("reloaded: the settings of the server are replaced");
        }
        server.connect().next_answer().expect(503);
        drop(open);
        wait_for("room for another client", || keep(&server));
    }
}

#[test]
fn requests_of_replaced_servers_count_for_their_successors() {
    let upstream = Upstream::holding();
    let app = format!("use = egg:pasteline#proxy\nupstream = http://{}", upstream.address());
    let text = |linger: u32| {
        let limit = format!("workers = 0\nmax_requests_in_flight = 1\ndrain_linger = {linger}");
        let text = ini(0, TEXTS).replace("workers = 0", &limit);
        text.replace("use = egg:pasteline#respond\nbody = one", &app)
    };
    let test = Test::new().ini(&text(3600)).arguments("serve --server main --server admin");
    let mut server = test.start();
    let first = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    upstream.request();
    server.write("api-paste.ini", &text(3601));
    server.signal("HUP");
    server.line("reloaded: the settings of the server are replaced");
    server.get("/").expect(503);
    upstream.release();
    assert_eq!(first.answer().expect(200).body, "from upstream");
}

#[test]
fn a_server_is_served_once() {
    let test = Test::new().ini(&ini(0, TEXTS)).arguments("serve --server main --server main=third");
    test.run().status(2).tells("error: `--server main` is given twice");
    let test = Test::new().ini(&ini(0, TEXTS)).arguments("serve --server main=");
    test.run().status(2).tells("expected the name of a server, or `SERVER=APP`");
}

#[test]
fn an_app_that_is_not_there_is_told() {
    let test =
        Test::new().ini(&ini(0, TEXTS)).arguments("serve --server main --server admin=thurd");
    test.run().status(1).tells("`thurd`");
}

#[test]
fn two_servers_at_one_address_are_told_with_both_places_and_nothing_is_waited_for() {
    let text = |bind: &str, admin: &str, other: &str| {
        format!(
            "[server:main]\nuse = egg:pasteline#http\nbind = {bind}\nadmin_bind = {admin}\n\
             [server:other]\nuse = egg:pasteline#http\nbind = {other}\n\
             [app:main]\nuse = egg:pasteline#echo\n"
        )
    };
    let both = "serve --server main --server other";
    for (bind, admin, other, message, places) in [
        (
            "127.0.0.1:9",
            "127.0.0.1:8",
            "*:9",
            "`[server:other]` listens at `0.0.0.0:9`, as `[server:main]` does",
            ["api-paste.ini:7:8", "3 | bind = 127.0.0.1:9"],
        ),
        (
            "127.0.0.1:9",
            "127.0.0.1:8",
            "[::]:8",
            "`[server:other]` listens at `[::]:8`, as `admin_bind` does",
            ["api-paste.ini:7:8", "4 | admin_bind = 127.0.0.1:8"],
        ),
    ] {
        let ini = text(bind, admin, other);
        let refused = Test::new().ini(&ini).arguments(both).run().status(1);
        assert!(!refused.stderr.contains("is in use"));
        let refused = refused.tells(&format!("error[shared-address]: {message}"));
        places.iter().fold(refused, |refused, place| refused.tells(place));
        let warned = Test::new().ini(&ini).validate().status(0);
        warned.tells(&format!("warning[shared-address]: {message}"));
    }
    let ini = text("127.0.0.1:9", "127.0.0.1:9", "127.0.0.1:8");
    for command in ["serve", "validate"] {
        let refused = Test::new().ini(&ini).arguments(command).run().status(1);
        let refused = refused.tells("error[shared-address]: `admin_bind` names `127.0.0.1:9`");
        refused.tells("api-paste.ini:4:14").tells("3 | bind = 127.0.0.1:9");
    }
    let ini = text("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
    let mut server = Test::new().ini(&ini).arguments(both).start();
    server.line("ready: ");
    let ini = text("127.0.0.1:0", "127.0.0.1:8", "127.0.0.1:9");
    let refused = Test::new().ini(&ini).arguments(both).arguments("--bind 127.0.0.1:9").run();
    refused.status(1).tells("error: `--bind` names `127.0.0.1:9`, where another server");
}

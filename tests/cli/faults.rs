//! What goes wrong in operation: processes that die or hang, files at fault, requests that take
//! too long.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use crate::support::process::{children, descriptors, spent, title};
use crate::support::{Client, Server, Test, seconds, signal, wait_for};

const BIND: &str = "127.0.0.1:0";

fn ini(bind: &str, workers: u16, options: &str) -> String {
    format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = {bind}\nworkers = {workers}\n\
         retry_until_window = 0\n[pipeline:main]\npipeline = id app\n\
         [filter:id]\nuse = egg:pasteline#request_id\n\
         [app:app]\nuse = egg:pasteline#respond\n{options}\n"
    )
}

/// A server that serves in so many workers already, or with 0 in its own process.
fn serve(workers: u16, options: &str) -> Server {
    start(Test::new().ini(&ini(BIND, workers, options)), workers)
}

fn start(test: Test, workers: u16) -> Server {
    let mut server = test.arguments("serve").start();
    if workers > 0 {
        server.line(&format!("ready: {workers} worker"));
    }
    server
}

/// The process of a worker, once there is one.
fn worker(server: &Server, number: usize) -> u32 {
    let expected = format!("pasteline: worker {number} ");
    wait_for("a worker", || {
        children(server.process()).into_iter().find(|worker| title(*worker).starts_with(&expected))
    })
}

/// A connection that a worker has taken; which one takes it is the system's choice.
fn connect_to(server: &Server, worker: u32) -> Client {
    loop {
        let before = descriptors(worker);
        let mut client = server.connect();
        client.ask("/").expect(200);
        if descriptors(worker) > before {
            return client;
        }
    }
}

#[test]
fn a_worker_that_cannot_start_again_is_replaced_after_growing_pauses_and_others_serve() {
    let text = ini(BIND, 2, "").replace("workers", "access_log = log/access\nworkers");
    let test = Test::new().ini(&text).file("log/other", "");
    let mut server = start(test, 2);
    let mut client = connect_to(&server, worker(&server, 2));
    server.remove("log");
    signal(worker(&server, 1), "KILL");
    client.ask("/").expect(200);
    server.line("worker 2 (generation 1) accepts the connections of worker 1 meanwhile");
    // Those that the system puts into its queue are answered by the other one.
    (0..20).for_each(|_| drop(server.get("/").expect(200)));
    let before = spent(server.process());
    let first = server.line("worker 1 (generation 1) is killed: it cannot start");
    let lines = (0..3).map(|_| server.line("worker 1 (generation 1) is killed: it cannot start"));
    let times: Vec<_> = [first].into_iter().chain(lines).map(|line| seconds(&line)).collect();
    let elapsed = (times[3] - times[0]).rem_euclid(86400.0);
    assert!(elapsed > 0.6, "the pauses double, from 0.1 s: {times:?}");
    let spent = spent(server.process()) - before;
    assert!(spent < 50, "the supervisor was busy for {spent} hundredths of a second");
    server.write("log/other", "");
    let serves = || {
        let status = server.run("status api-paste.ini --format json").stdout;
        (status.matches("\"serving\"").count() == 2).then_some(())
    };
    wait_for("both workers", serves);
    server.get("/").expect(200);
}

#[test]
fn a_start_that_no_worker_can_make_ends_with_its_cause() {
    for workers in [0, 2] {
        let options = "access_log = no/such/log\npid_file = pid\nworkers";
        let text = ini(BIND, workers, "").replace("workers", options);
        let test = Test::new().ini(&text).arguments("serve");
        let finished = test.run().status(1);
        assert!(!test.directory().join("pid").exists());
        finished.tells("no/such/log");
    }
}

#[test]
fn no_reload_is_in_force_where_no_worker_serves() {
    let text = ini(BIND, 1, "body = one").replace("workers", "access_log = log/access\nworkers");
    let test = Test::new().ini(&text).file("log/other", "");
    let mut server = start(test, 1);
    server.remove("log");
    signal(worker(&server, 1), "KILL");
    server.line("worker 1 (generation 1) is killed: it cannot start");
    server.write("api-paste.ini", &text.replace("one", "two"));
    server.run("reload api-paste.ini").status(1).tells("log/access");
    server.write("log/other", "");
    server.run("reload api-paste.ini").status(0);
    assert_eq!(server.get("/").expect(200).body, "two");
}

#[test]
fn a_worker_that_hangs_is_replaced_and_others_serve() {
    let mut server = serve(2, "");
    let hung = worker(&server, 1);
    let mut client = connect_to(&server, worker(&server, 2));
    signal(hung, "STOP");
    client.ask("/").expect(200);
    server.line("worker 1 (generation 1) is killed: it does not answer");
    wait_for("its end", || (!children(server.process()).contains(&hung)).then_some(()));
    worker(&server, 1);
    client.ask("/").expect(200);
}

#[test]
fn a_start_takes_the_place_of_a_server_that_was_killed() {
    let server = serve(2, "");
    let mut client = server.connect();
    client.ask("/").expect(200);
    server.signal("KILL");
    wait_for("a free port", || server.refuses().then_some(()));
    let next = start(Test::new().ini(&ini(server.address(), 2, "")), 2);
    next.get("/").expect(200);
}

#[test]
fn what_a_server_that_was_killed_has_left_behind_gives_way() {
    for workers in [0, 2] {
        let test = Test::new();
        let (socket, pid) = (test.directory().join("api.sock"), test.directory().join("pid"));
        let bind = format!("unix:{}\npid_file = {}", socket.display(), pid.display());
        let text = ini(&bind, workers, "");
        let server = start(test.ini(&text), workers);
        server.signal("KILL");
        wait_for("its end", || UnixStream::connect(&socket).is_err().then_some(()));
        assert!(socket.exists() && pid.exists());
        let next = start(Test::new().ini(&text), workers);
        UnixStream::connect(&socket).unwrap();
        let expected = format!("{}\n", next.process());
        assert_eq!(String::from_utf8(fs::read(&pid).unwrap()).unwrap(), expected);
    }
}

#[test]
fn what_has_begun_is_finished_when_the_server_stops_and_others_are_refused() {
    for workers in [0, 2] {
        let server = serve(workers, "body = done\ndelay = 0.5");
        let client = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        server.signal("TERM");
        wait_for("refusals", || server.refuses().then_some(()));
        let answer = client.answer().expect(200);
        assert_eq!((&*answer.body, answer.header("connection")), ("done", Some("close")));
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn one_process_cuts_off_what_takes_too_long_when_it_stops() {
    let text =
        ini(BIND, 0, "delay = 600").replace("workers", "graceful_shutdown_timeout = 0.2\nworkers");
    let server = start(Test::new().ini(&text), 0);
    let client = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    server.signal("TERM");
    let finished = server.wait().status(1);
    drop(client);
    finished.tells("what has not finished in time is cut off");
}

#[test]
fn one_process_ends_at_once_at_a_second_signal() {
    let mut server = serve(0, "delay = 600");
    // Before its services have started, the first signal ends it at once.
    wait_for("the server", || {
        let status = server.run("status api-paste.ini --format json");
        (status.status == Some(0)).then_some(())
    });
    let client = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    server.signal("TERM");
    server.line("a second one ends it at once");
    server.signal("INT");
    let finished = server.wait().status(1);
    drop(client);
    finished.tells("SIGINT: ended at once");
}

#[test]
fn nothing_that_is_at_fault_comes_into_force() {
    let taken = TcpListener::bind(BIND).unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for workers in [0, 2] {
        let good = ini(BIND, workers, "body = one");
        let half = good.split_at(good.find("_id\n").unwrap()).0;
        let cases: [(Vec<u8>, &str); 6] = [
            (format!("{good}this is no option\n").into(), "api-paste.ini:13:1: error"),
            (half.into(), "api-paste.ini:9:7: error[unknown-filter]"),
            (good.replace("one", "one\nstatus = tea").into(), "api-paste.ini:13:10: error"),
            ("".into(), "api-paste.ini: error"),
            ([good.as_bytes(), b"# \xe9\n"].concat(), "error[not-utf8]"),
            (good.replace(BIND, &taken).into(), "Could not bind to "),
        ];
        let test = Test::new().ini(&good);
        let file = test.directory().join("api-paste.ini");
        let mut server = start(test, workers);
        let processes = children(server.process());
        let mut is_refused = |told: &str| {
            server.signal("HUP");
            server.line(told);
            server.line("not reloaded: what was served before is served on");
            assert_eq!(server.get("/").expect(200).body, "one", "{told}");
            assert_eq!(children(server.process()), processes, "{told}");
        };
        for (text, told) in cases {
            fs::write(&file, text).unwrap();
            is_refused(told);
        }
        fs::remove_file(&file).unwrap();
        is_refused("no such file or directory");
        fs::create_dir(&file).unwrap();
        is_refused("is a directory");
        fs::remove_dir(&file).unwrap();
        fs::write(&file, good.replace("one", "two")).unwrap();
        server.signal("HUP");
        server.line("reloaded: the pipeline is replaced");
        assert_eq!(server.get("/").expect(200).body, "two");
    }
}

#[test]
fn a_number_of_workers_that_makes_no_sense_is_told_with_its_place() {
    for number in ["-1", "banana"] {
        let test = Test::new()
            .ini(&ini(BIND, 0, "").replace("workers = 0", &format!("workers = {number}")));
        let finished = test.arguments("serve").run().status(1);
        let expected = format!(
            "error[bad-value]: `workers` is `{number}`, expected a whole number from 0 to 65535\n \
             --> api-paste.ini:4:11\n"
        );
        finished.tells(&expected);
    }
}

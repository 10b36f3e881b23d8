//! Worker processes: who serves, who is replaced, and what is in force in all of them.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::process::{children, name, title};
use crate::support::{Client, Server, Test, signal, wait_for};

/// A server with two workers that say which file they were made of.
fn serve(body: &str) -> Server {
    let mut server = Test::new().ini(&ini(body)).arguments("serve").start();
    server.line("ready: 2 workers");
    server
}

fn ini(body: &str) -> String {
    format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = 2\n\
         [app:main]\nuse = egg:pasteline#respond\nbody = {body}\n"
    )
}

#[test]
fn workers_serve_and_their_titles_tell_which_they_are() {
    let server = serve("hello");
    assert_eq!(server.get("/").expect(200).body, "hello");
    let workers = children(server.process());
    let titles: Vec<_> = workers.iter().map(|worker| title(*worker)).collect();
    assert!(titles[0].starts_with("pasteline: worker 1 (generation 1)"), "{titles:?}");
    assert!(titles[1].starts_with("pasteline: worker 2 (generation 1)"), "{titles:?}");
    let names = [server.process()].into_iter().chain(workers).map(name);
    assert_eq!(names.collect::<Vec<_>>(), ["pasteline"; 3], "what `pgrep -x` finds");
}

#[test]
fn a_worker_that_dies_is_replaced_in_its_place() {
    let server = serve("hello");
    let before = children(server.process());
    let victim = *before.first().unwrap();
    signal(victim, "KILL");
    let new =
        wait_for("a new worker", || children(server.process()).difference(&before).next().copied());
    wait_for("its title", || {
        title(new).starts_with("pasteline: worker 1 (generation 1)").then_some(())
    });
    for _ in 0..20 {
        server.get("/").expect(200);
    }
}

#[test]
fn a_worker_that_is_told_to_end_is_followed_at_once_and_finishes_what_has_begun() {
    let text = ini("slow\ndelay = 3");
    let mut server = Test::new().ini(&text).arguments("serve").start();
    server.line("ready: 2 workers");
    let before = children(server.process());
    let connect = |_| server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    // However they are spread, each worker has one.
    let clients: Vec<_> = (0..20).map(connect).collect();
    let victim = *before.first().unwrap();
    signal(victim, "TERM");
    server.line("worker 1 (generation 1) has been told to end: another takes its place");
    server.write("api-paste.ini", &ini("quick"));
    server.run("reload api-paste.ini").status(0);
    (0..20).for_each(|_| assert_eq!(server.get("/").expect(200).body, "quick"));
    for client in clients {
        assert_eq!(client.answer().expect(200).body, "slow");
    }
    wait_for("its end", || (children(server.process()).len() == 2).then_some(()));
    assert!(title(victim).is_empty());
}

#[test]
fn a_worker_that_is_told_to_end_again_has_one_successor() {
    let mut server = Test::new().ini(&ini("hello")).arguments("serve --workers 1").start();
    server.line("ready: 1 worker");
    let mut idle = server.connect();
    idle.ask("/").expect(200);
    let victim = *children(server.process()).first().unwrap();
    signal(victim, "TERM");
    server.line("worker 1 (generation 1) has been told to end: another takes its place");
    (0..3).for_each(|_| signal(victim, "TERM"));
    drop(idle);
    wait_for("its end", || title(victim).is_empty().then_some(()));
    server.signal("TERM");
    let finished = server.wait().status(0);
    assert_eq!(finished.stderr.matches("another takes its place").count(), 1, "{finished:#?}");
}

#[test]
fn all_end_when_the_server_stops() {
    let server = serve("hello");
    let workers = children(server.process());
    assert_eq!(workers.len(), 2);
    server.signal("TERM");
    assert_eq!(server.wait().status, Some(0));
    assert!(workers.iter().all(|worker| title(*worker).is_empty()));
}

#[test]
fn workers_end_with_their_supervisor() {
    let server = serve("hello");
    let workers = children(server.process());
    server.signal("KILL");
    wait_for("no worker", || workers.iter().all(|worker| title(*worker).is_empty()).then_some(()));
    wait_for("a free port", || server.refuses().then_some(()));
}

#[test]
fn a_reload_is_in_force_in_all_workers_and_closes_no_connection() {
    let mut server = serve("one");
    let workers = children(server.process());
    let mut client = server.connect();
    assert_eq!(client.ask("/").expect(200).body, "one");
    server.write("api-paste.ini", &ini("two"));
    server.signal("HUP");
    server.line("reloaded: the pipeline is replaced in all workers");
    assert_eq!(client.ask("/").expect(200).body, "two");
    for _ in 0..20 {
        assert_eq!(server.get("/").expect(200).body, "two");
    }
    assert_eq!(children(server.process()), workers);
}

#[test]
fn each_worker_has_as_many_threads_as_are_asked_for_and_all_of_them_reload() {
    let test = Test::new().ini(&ini("one")).arguments("serve --workers 1 --threads 3");
    let mut server = test.start();
    server.line("ready: 1 worker");
    let worker = *children(server.process()).first().unwrap();
    let tasks = fs::read_dir(format!("/proc/{worker}/task")).unwrap();
    let name = |task: fs::DirEntry| {
        let name = fs::read(task.path().join("comm")).unwrap_or_default();
        String::from_utf8(name).unwrap()
    };
    let mut names: Vec<_> = tasks.map(|task| name(task.unwrap())).collect();
    names.retain(|name| name.starts_with("server-"));
    names.sort_unstable();
    assert_eq!(names, ["server-1\n", "server-2\n"], "beside the one that is there anyway");
    server.write("api-paste.ini", &ini("two"));
    server.run("reload api-paste.ini").status(0);
    // Each thread takes some of them.
    (0..50).for_each(|_| assert_eq!(server.get("/").expect(200).body, "two"));
    server.signal("TERM");
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn a_bad_file_leaves_all_as_it_is_also_for_workers_that_start_later() {
    let mut server = serve("one");
    server.write("api-paste.ini", &ini("two").replace("respond", "respnd"));
    server.signal("HUP");
    let line = server.line("api-paste.ini:6:7: error[unknown-app]");
    assert!(line.contains("respnd"), "{line}");
    server.line("not reloaded");
    let before = children(server.process());
    for worker in &before {
        signal(*worker, "KILL");
    }
    wait_for("new workers", || {
        let now = children(server.process());
        (now.len() == 2 && now.is_disjoint(&before)).then_some(())
    });
    assert_eq!(server.get("/").expect(200).body, "one");
}

#[test]
fn settings_that_are_refused_by_new_workers_cost_no_connection_and_leave_nothing() {
    let text = ini("one").replace("workers = 2", "workers = 1");
    let mut server = Test::new().ini(&text).arguments("serve").start();
    server.line("ready: 1 worker");
    let more = "workers = 4\naccess_log = no/such/directory/log";
    let more = text.replace("workers = 1", more).replace(":0", ":0 unix:api.sock");
    server.write("api-paste.ini", &more);
    let address = server.address().to_owned();
    for _ in 0..5 {
        let (done, is_done) = (AtomicBool::new(false), Ordering::Relaxed);
        thread::scope(|scope| {
            let client = scope.spawn(|| {
                while !done.load(is_done) {
                    assert_eq!(Client::connect(&address).ask("/").body, "one");
                }
            });
            let refused = server.run("reload api-paste.ini");
            done.store(true, is_done);
            client.join().expect("no connection is reset");
            refused.status(1);
        });
    }
    assert!(!server.has("api.sock"));
}

#[test]
fn other_settings_are_served_by_new_workers() {
    let mut server = serve("one");
    let before = children(server.process());
    let mut client = server.connect();
    assert_eq!(client.ask("/").expect(200).body, "one");
    server.write("api-paste.ini", &ini("two").replace("workers = 2", "workers = 3"));
    server.signal("HUP");
    server.line("reloaded: the settings of the server are replaced, by new workers");
    loop {
        let answer = client.ask("/").expect(200);
        assert_eq!(answer.body, "one", "the connection is the old worker's");
        if answer.header("connection") == Some("close") {
            break;
        }
    }
    // The other old worker may hear of it later.
    let is_new = || (server.get("/").expect(200).body == "two").then_some(());
    wait_for("an answer of a new worker", is_new);
    wait_for("the old workers gone", || {
        let now = children(server.process());
        (now.len() == 3 && now.is_disjoint(&before)).then_some(())
    });
}

#[test]
fn signals_make_one_worker_more_and_one_less() {
    let server = serve("hello");
    server.signal("TTIN");
    wait_for("three workers", || (children(server.process()).len() == 3).then_some(()));
    server.signal("TTOU");
    wait_for("two workers", || (children(server.process()).len() == 2).then_some(()));
    server.get("/").expect(200);
}

#[test]
fn what_takes_too_long_is_cut_off_when_the_server_stops() {
    let text = ini("slow\ndelay = 600");
    let text = text.replace("workers = 2", "workers = 2\ngraceful_shutdown_timeout = 0.2");
    let mut server = Test::new().ini(&text).arguments("serve").start();
    server.line("ready: 2 workers");
    let client = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    server.signal("TERM");
    let finished = server.wait();
    drop(client);
    assert_eq!(finished.status, Some(1), "{finished:#?}");
    finished.tells("it has not finished in time");
}

#[test]
fn a_second_signal_ends_all_at_once() {
    let text = ini("slow\ndelay = 600");
    let mut server = Test::new().ini(&text).arguments("serve").start();
    server.line("ready: 2 workers");
    let client = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    server.signal("TERM");
    server.line("a second one ends it at once");
    server.signal("TERM");
    let finished = server.wait();
    drop(client);
    assert_eq!(finished.status, Some(1), "{finished:#?}");
}

#[test]
fn nobody_but_a_supervisor_starts_a_worker() {
    let finished = Test::new().arguments("worker").run().status(1);
    finished.tells("error: cannot start as a worker");
}

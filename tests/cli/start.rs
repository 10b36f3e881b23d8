//! A start that is called off, or that processes do not get through, and an end that takes too
//! long: `tests/programs/difficult.rs`.

use std::fs;

use crate::support::process::{children, title};
use crate::support::{Server, Test, signal, wait_for};

const FILE: &str = "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = 1\n\
                    pid_file = pid\n[app:main]\nuse = egg:pasteline#respond\n";

/// The program, its processes as settings have them.
fn difficult(settings: &str) -> Test {
    let test = Test::example("difficult").ini(FILE).file("settings.conf", settings);
    test.arguments("serve api-paste.ini --config-file settings.conf")
}

/// The process of the service of its own, once it is another one than before.
fn keeper(server: &Server, before: Option<u32>) -> u32 {
    let is_new = |process: &u32| {
        Some(*process) != before && title(*process).starts_with("difficult: service keeper 1")
    };
    wait_for("the process", || children(server.process()).into_iter().find(is_new))
}

#[test]
fn a_start_that_is_called_off_ends_well_whatever_processes_say_of_it() {
    // All of them complain when they are told to end.
    let mut server = difficult("[nurse]\nhangs = true\n").file("complaints", "").start();
    server.line("start 1 of nurse 1");
    server.signal("TERM");
    let finished = server.wait().status(0);
    finished
        .tells("worker 1 (generation 1): a callback for `Draining` has failed: it complains")
        .tells("service keeper 1: a callback for `Draining` has failed: it complains");
}

#[test]
fn a_start_is_given_up_after_five_processes_in_a_row() {
    for (name, process) in [("nurse", "worker 1 (generation 1)"), ("keeper", "service keeper 1")] {
        let test = difficult(&format!("[{name}]\ndeaths = 9\n"));
        let finished = test.run().status(1);
        finished
            .tells(&format!(
                "{process}: has ended 5 times before all were ready, at last with exit status: 3"
            ))
            .tells("the server does not start");
        assert!(!test.directory().join("pid").exists());
        let starts = fs::read(test.directory().join(format!("{name} 1"))).unwrap();
        assert_eq!(starts.len(), 5, "{name}");
    }
}

#[test]
fn a_start_that_the_fifth_process_gets_through_is_one() {
    let mut server = difficult("[nurse]\ndeaths = 4\n[keeper]\ndeaths = 4\n").start();
    server.line("ready: 1 worker, 1 of services");
    assert_eq!((server.read("nurse 1").len(), server.read("keeper 1").len()), (5, 5));
    server.get("/").expect(200);
}

#[test]
fn processes_that_die_in_a_row_after_the_start_end_nothing() {
    let mut server = difficult("").start();
    server.line("ready: 1 worker, 1 of services");
    let mut victim = keeper(&server, None);
    for number in 2..=6 {
        signal(victim, "KILL");
        server.line(&format!("start {number} of keeper 1"));
        victim = keeper(&server, Some(victim));
    }
    server.get("/").expect(200);
    server.signal("TERM");
    server.line("SIGTERM: finishing what has begun");
}

#[test]
fn a_service_that_is_told_to_end_is_followed_at_once_and_cut_off_when_it_does_not() {
    let limited = FILE.replace("pid_file", "graceful_shutdown_timeout = 1\npid_file");
    let mut server = difficult("[keeper]\nlingers = true\n").ini(&limited).start();
    server.line("ready: 1 worker, 1 of services");
    let victim = keeper(&server, None);
    signal(victim, "TERM");
    server.line("service keeper 1 has been told to end: another takes its place");
    server.line("service keeper 1 is to end at once: it has not finished in time");
    wait_for("its end", || title(victim).is_empty().then_some(()));
    keeper(&server, Some(victim));
    server.get("/").expect(200);
    server.signal("TERM");
    let finished = server.wait().tells("keeper 1 is to end in time");
    assert!(!finished.stderr.contains("at any time"), "{finished:#?}");
}

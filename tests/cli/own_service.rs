//! A program with services of its own: `examples/own_service.rs`.

use std::fs;

use crate::support::process::{children, title};
use crate::support::{Finished, Server, Test, signal, wait_for};

const FILE: &str = include_str!("../../examples/own_service.ini");

/// The example's program and its directory, with so many workers and what else its server's
/// section has.
fn program(workers: u16, options: &str) -> Test {
    commands(workers, options).arguments("serve")
}

/// The same for any command.
fn commands(workers: u16, options: &str) -> Test {
    let file = FILE.replace("127.0.0.1:9696", "127.0.0.1:0");
    let file = file.replace("workers = 2", &format!("workers = {workers}\n{options}"));
    let test = Test::example("own_service").ini(&file);
    fs::create_dir(test.directory().join("spool")).unwrap();
    test
}

/// The same when it serves.
fn serve(workers: u16) -> Server {
    let mut server = program(workers, "").start();
    server.line("event: AfterSpawn");
    server
}

/// The number of the process that has a title.
fn find(server: &Server, start: &str) -> Option<u32> {
    children(server.process()).into_iter().find(|child| title(*child).starts_with(start))
}

/// The events of a server that has ended, in the order of their lines.
fn events(finished: &Finished) -> Vec<&str> {
    let lines = finished.stderr.lines();
    lines.filter_map(|line| Some(line.split_once("event: ")?.1.trim_end())).collect()
}

#[test]
fn a_service_runs_in_a_process_of_its_own_and_a_task_in_each_worker() {
    let mut server = program(2, "").start();
    server.line("ready: 2 workers, 1 of services");
    server.get("/").expect(200);
    let spool = find(&server, "own_service: service spool 1").unwrap();
    assert_eq!(children(server.process()).len(), 3);
    server.put("spool/letter");
    server.line("spool 1: done with spool/letter");
    let status = server.run("status api-paste.ini").status(0);
    status.prints(&format!("service spool 1: process {spool}, running"));
}

#[test]
fn a_periodic_task_runs_in_each_worker() {
    for number in [1, 2] {
        program(2, "").start().line(&format!("pulse of worker {number}"));
    }
}

#[test]
fn events_come_in_their_order_in_each_process() {
    const OTHERS: [&str; 2] =
        ["Service { name: \"spool\", number: 1 }", "Worker { number: 1, generation: 1 }"];
    for (workers, others) in [(0, &[][..]), (1, &OTHERS[..])] {
        let server = serve(workers);
        server.signal("TERM");
        let finished = server.wait();
        assert_eq!(finished.status, Some(0), "{finished:#?}");
        let events = events(&finished);
        let of = |part: &str| {
            let end = format!("{{ part: {part} }}");
            let of_part = events.iter().filter_map(|event| event.strip_suffix(&end));
            of_part.map(str::trim_end).collect::<Vec<_>>()
        };
        for other in others {
            assert_eq!(of(other), ["WorkerStarted", "Draining", "Stopped"], "{events:#?}");
        }
        let started = if workers == 0 { &["WorkerStarted"][..] } else { &[] };
        assert_eq!(of("Main"), [started, &["Draining", "Stopped"]].concat(), "{events:#?}");
        let place = |name| events.iter().position(|event| event.starts_with(name)).unwrap();
        let drains = place("Draining { part: Main }");
        assert!(place("BeforeSpawn") < place("AfterSpawn") && place("AfterSpawn") < drains);
    }
}

#[test]
fn a_callback_that_fails_before_keeps_all_from_starting() {
    for workers in [0, 1] {
        let test = program(workers, "pid_file = pid");
        fs::remove_dir(test.directory().join("spool")).unwrap();
        let finished = test.run().status(1);
        assert!(!test.directory().join("pid").exists());
        let finished = finished.tells("error: nothing is started: a callback for `BeforeSpawn`");
        // The other one is called all the same.
        assert!(events(&finished)[0].starts_with("BeforeSpawn"), "{finished:#?}");
        finished.tells("No such file or directory");
    }
}

#[test]
fn one_that_ends_ends_all_after_what_has_begun() {
    for workers in [0, 2] {
        let mut server = serve(workers);
        let all = children(server.process());
        let mut client = server.connect();
        client.ask("/").expect(200);
        server.remove("spool");
        server.line("service `spool` has failed: No such file or directory");
        server.line("all is ended with it: finishing what has begun");
        // A connection that is open is not cut off.
        while client.ask("/").expect(200).header("connection") != Some("close") {}
        let finished = server.wait();
        assert_eq!(finished.status, Some(1), "{finished:#?}");
        assert!(all.iter().all(|process| title(*process).is_empty()));
    }
}

#[test]
fn a_process_of_a_service_that_dies_is_replaced() {
    let mut server = serve(1);
    let spool = || find(&server, "own_service: service spool 1");
    let victim = spool().unwrap();
    signal(victim, "KILL");
    wait_for("a new process", || spool().filter(|process| *process != victim));
    server.put("spool/letter");
    server.line("spool 1: done with spool/letter");
    server.get("/").expect(200);
    server.signal("TERM");
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn services_end_with_a_supervisor_that_is_killed() {
    let server = serve(1);
    let all = children(server.process());
    assert_eq!(all.len(), 2);
    server.signal("KILL");
    wait_for("no process", || all.iter().all(|process| title(*process).is_empty()).then_some(()));
}

#[test]
fn a_reload_in_force_resets_services_and_one_refused_does_not() {
    for workers in [0, 1] {
        let mut server = serve(workers);
        let file = FILE.replace("127.0.0.1:9696", "127.0.0.1:0");
        let file = file.replace("workers = 2", &format!("workers = {workers}"));
        server.write("api-paste.ini", &file.replace("body", "bod"));
        server.run("reload api-paste.ini").status(1);
        server.line("event: Reload { result: Err(");
        server.write("api-paste.ini", &file.replace("hello", "goodbye"));
        server.run("reload api-paste.ini").status(0);
        assert_eq!(server.get("/").expect(200).body, "goodbye");
        let mut resets = 0;
        server.line("spool 1: reset");
        resets += 1;
        server.signal("TERM");
        let finished = server.wait();
        resets += finished.stderr.matches("spool 1: reset").count() - 1;
        assert_eq!((resets, finished.status), (1, Some(0)), "{finished:#?}");
        finished.tells("event: Reload { result: Ok(");
    }
}

#[test]
fn an_upgrade_hands_over_to_services_of_the_new_process() {
    let mut server = serve(1);
    let before = find(&server, "own_service: service spool 1").unwrap();
    server.signal("USR2");
    let line = server.line(" has taken over");
    let (_, line) = line.split_once("process ").unwrap();
    let successor = line.split(' ').next().unwrap().parse().unwrap();
    wait_for("the old service gone", || title(before).is_empty().then_some(()));
    server.get("/").expect(200);
    server.put("spool/letter");
    server.line("spool 1: done with spool/letter");
    signal(successor, "TERM");
    server.wait();
}

/// The example with a settings file.
fn configured(workers: u16, settings: &str) -> Test {
    commands(workers, "").file("etc/n.conf", settings)
}

#[test]
fn a_service_has_settings_of_its_own_and_a_reload_changes_them() {
    for workers in [0, 1] {
        let test = configured(workers, "[spool]\ndirectory = box\n");
        for name in ["etc/box", "etc/tray"] {
            fs::create_dir(test.directory().join(name)).unwrap();
        }
        let mut server = test.arguments("serve --config-file etc/n.conf").start();
        server.line("event: AfterSpawn");
        server.put("etc/box/letter");
        server.line("etc/box/letter");
        server.write("etc/n.conf", "[spool]\ndirectory = tray\npause = soon\n");
        let refused = server.run("reload api-paste.ini").status(1);
        refused.tells("n.conf:3:9: error[bad-value]: `pause` is `soon`");
        server.write("etc/n.conf", "[spool]\ndirectory = tray\npause = 30\n");
        server.run("reload api-paste.ini").status(0);
        server.line("spool 1: reset, looks each 30 ms");
        server.put("etc/tray/letter");
        server.line("etc/tray/letter");
    }
}

#[test]
fn a_service_in_the_workers_has_its_settings_there_and_what_a_reload_changes() {
    // A group may be written in capitals.
    let settings = |word: &str, more: &str| format!("[Pulse]\nword = {word}\npause = 20\n{more}");
    for workers in [0, 2] {
        let test = configured(workers, &settings("one", ""));
        let mut server = test.arguments("serve --config-file etc/n.conf").start();
        let says = |server: &mut Server, word: &str| {
            for number in 1..=workers.max(1) {
                server.line(&format!("pulse of worker {number}: {word}"));
            }
        };
        says(&mut server, "one");
        let before = children(server.process());
        server.write("etc/n.conf", &settings("two", "spool = 1\n"));
        server.signal("HUP");
        server.line("reloaded");
        says(&mut server, "two");
        assert_eq!(children(server.process()), before);
        server.write("etc/n.conf", &settings("none", "word = three\npause = never\n"));
        server.signal("HUP");
        server.line("n.conf:5:9: error[bad-value]: `pause` is `never`");
        server.line("not reloaded");
        says(&mut server, "two");
        // Other workers, where there are any.
        server.write("etc/n.conf", &settings("four", "[DEFAULT]\nbacklog = 100\n"));
        server.signal("HUP");
        server.line("reloaded: the settings of the server are replaced");
        says(&mut server, "four");
        if workers > 0 {
            // One that starts later has what is in force in the others, whatever the file says.
            server.write("etc/n.conf", &settings("five", "[DEFAULT]\nbacklog = 100\n"));
            signal(find(&server, "own_service: worker 1 (generation 2)").unwrap(), "KILL");
            server.line("event: WorkerStarted");
            server.line("pulse of worker 1: four");
        }
        server.signal("TERM");
        let finished = server.wait().status(0);
        assert!(!finished.stderr.contains(": five") && !finished.stderr.contains(": none"));
    }
}

#[test]
fn what_is_wrong_with_settings_of_a_service_is_told_at_its_place() {
    let faulty = || configured(0, "[spool]\npause = soon\npuase = 1\n");
    let told = faulty().arguments("validate --config-file etc/n.conf --format short").run();
    told.status(1)
        .tells("etc/n.conf:2:9: error[bad-value]: `pause` is `soon`, expected a whole number")
        .tells("etc/n.conf:3:1: warning[unknown-option]: no option of `[spool]` is called `puase`");
    let told = faulty().arguments("serve --config-file etc/n.conf").run();
    told.status(1)
        .tells("`pause` is `soon`")
        .tells("etc/n.conf:2:9")
        .tells("did you mean `pause`?");
}

#[test]
fn settings_of_a_service_are_shown_logged_and_in_the_sample() {
    let test = configured(0, "[DEFAULT]\ndebug = on\n[spool]\npause = 30\n");
    let shown = test.arguments("show --settings --config-file etc/n.conf").run().status(0);
    shown.prints("\n[spool]\ndirectory = spool  (default)\npause = 30  (etc/n.conf:4:9)\n");
    let sample = commands(0, "").arguments("sample-config").run().status(0);
    sample.prints("\n[spool]\n# Works off the files of a directory.\n").prints("\n#pause = 20\n");
    let test = configured(0, "[DEFAULT]\ndebug = on\n[spool]\npause = 30\n");
    let test = test.variable("OS_SPOOL__PAUSE", "40");
    let server = test.arguments("serve --config-file etc/n.conf").start();
    server.signal("TERM");
    let finished = server.wait();
    finished.tells("spool.pause                    = 40  (environment OS_SPOOL__PAUSE)");
}

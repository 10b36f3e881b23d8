//! An upgrade: the program that is on disk takes over, and no connection is refused.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::title;
use crate::support::{Server, Test, Upstream, signal, wait_for};

fn file(workers: usize, pid_file: &Path) -> String {
    format!(
        "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = {workers}\n\
         pid_file = {}\n[app:main]\nuse = egg:pasteline#respond\nbody = one\n",
        pid_file.display()
    )
}

/// A server that serves.
fn start(test: Test, text: &str, workers: usize) -> Server {
    let mut server = test.ini(text).serve_as_is();
    if workers > 0 {
        server.line(&format!("ready: {workers} worker"));
    }
    server
}

/// The process that a pid file tells of.
fn process_of(pid_file: &Path) -> u32 {
    let text = String::from_utf8(fs::read(pid_file).unwrap()).unwrap();
    text.trim().parse().unwrap()
}

/// The program in a file of the test's own, which may be replaced.
fn copy(test: &Path) -> String {
    let path = test.join("program");
    put(Path::new(env!("CARGO_BIN_EXE_pasteline")), &path);
    path.to_str().unwrap().to_owned()
}

/// Puts what is in a file where a program is. Another process writes it: a file that this one has
/// open for writing is inherited by whatever another thread starts at that moment, and until that
/// one is its own program, the system refuses to run this one ("Text file busy").
fn put(from: &Path, program: &Path) {
    let copied = Command::new("cp").arg("--remove-destination").args([from, program]).status();
    assert!(copied.unwrap().success());
}

/// Puts a script where a program is.
fn put_script(text: &str, program: &Path) {
    let source = program.with_extension("sh");
    fs::write(&source, text).unwrap();
    fs::set_permissions(&source, Permissions::from_mode(0o755)).unwrap();
    put(&source, program);
}

#[test]
fn the_new_process_takes_over_and_the_old_one_ends() {
    for workers in [0, 2] {
        let other = Test::new();
        let pid_file = other.directory().join("pid");
        let text = file(workers, &pid_file);
        let mut server = start(Test::new(), &text, workers);
        assert_eq!(process_of(&pid_file), server.process());
        server.write("api-paste.ini", &text.replace("one", "two"));
        server.signal("USR2");
        let successor = server.successor();
        assert_eq!(process_of(&pid_file), successor);
        let ask = || server.get("/").expect(200).body;
        let is_new = || (0..20).all(|_| ask() == "two").then_some(());
        wait_for("the new process to serve alone", is_new);
        server.run(&format!("status --pid {successor}")).status(0);
        signal(successor, "TERM");
        assert_eq!(server.wait().status, Some(0));
        assert!(!pid_file.exists());
    }
}

#[test]
fn the_new_process_outlives_an_old_one_that_takes_its_time() {
    let begin = |workers: usize| {
        let other = Test::new();
        let pid_file = other.directory().join("pid");
        // Longer than a process that fails may live on after its last word.
        let text = file(workers, &pid_file).replace("workers", "drain_linger = 7\nworkers");
        let mut server = start(Test::new(), &text, workers);
        let mut client = server.connect();
        client.ask("/").expect(200);
        server.signal("USR2");
        server.line(" has taken over");
        (other, server, client)
    };
    for (other, server, client) in [0, 2].map(begin) {
        let (old, successor) = (server.process(), process_of(&other.directory().join("pid")));
        wait_for("the end of the old process", || title(old).is_empty().then_some(()));
        drop(client);
        server.get("/").expect(200);
        signal(successor, "TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn the_new_process_is_asked_where_the_old_one_was() {
    for workers in [0, 1] {
        let other = Test::new();
        let pid_file = other.directory().join("pid");
        let text = file(workers, &pid_file).replace("workers", "control = asked.sock\nworkers");
        let mut server = start(Test::new(), &text, workers);
        let old = server.process();
        server.signal("USR2");
        server.line(" has taken over");
        let successor = process_of(&pid_file);
        wait_for("the end of the old process", || title(old).is_empty().then_some(()));
        server.write("api-paste.ini", &text.replace("one", "two"));
        server.run("reload --control asked.sock").status(0);
        assert_eq!(server.get("/").expect(200).body, "two");
        signal(successor, "TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn the_new_process_is_asked_while_the_old_one_drains() {
    for workers in [0, 1] {
        let other = Test::new();
        let pid_file = other.directory().join("pid");
        let text = file(workers, &pid_file).replace("workers", "drain_linger = 60\nworkers");
        let mut server = start(Test::new(), &text, workers);
        let mut client = server.connect();
        client.ask("/").expect(200);
        server.signal("USR2");
        let (old, successor) = (server.process(), server.successor());
        server.write("api-paste.ini", &text.replace("one", "two"));
        server.run("reload api-paste.ini").status(0);
        let status = server.run("status api-paste.ini").status(0);
        status.prints(&format!("process {successor}, serves"));
        let status = server.run(&format!("status --pid {old}")).status(0);
        status.prints(&format!("process {old}, stops"));
        let reloaded = server.run(&format!("reload --pid {old}")).status(0);
        reloaded.tells(&format!("process {successor} has taken over, and is asked"));
        server.write("api-paste.ini", "nonsense");
        let refused = server.run(&format!("reload --pid {old}")).status(1);
        refused.tells("api-paste.ini:1:1: error");
        client.ask("/").expect(200);
        signal(successor, "TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn files_that_change_while_the_old_process_drains_are_loaded_by_the_new_one_alone() {
    for workers in [0, 1] {
        let other = Test::new();
        let text = file(workers, &other.directory().join("pid"));
        let text = text.replace("workers", "drain_linger = 60\nworkers");
        let mut server = start(Test::new().arguments("--watch"), &text, workers);
        let mut client = server.connect();
        client.ask("/").expect(200);
        server.signal("USR2");
        let (old, successor) = (server.process(), server.successor());
        server.write("api-paste.ini", &text.replace("one", "two"));
        server.line("reloaded: the pipeline is replaced");
        drop(client);
        wait_for("the end of the old process", || title(old).is_empty().then_some(()));
        assert_eq!(server.get("/").expect(200).body, "two");
        signal(successor, "TERM");
        let finished = server.wait().status(0);
        let changes = finished.stderr.matches("a file of the configuration has changed").count();
        assert_eq!(changes, 1, "{finished:#?}");
    }
}

#[test]
fn the_first_signal_to_an_old_process_that_drains_cuts_nothing() {
    for workers in [0, 1] {
        let (other, upstream) = (Test::new(), Upstream::holding());
        let proxy = format!("egg:pasteline#proxy\nupstream = http://{}", upstream.address());
        let text = file(workers, &other.directory().join("pid"));
        let text = text.replace("egg:pasteline#respond\nbody = one", &proxy);
        let mut server = start(Test::new(), &text, workers);
        let client = server.connect().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        upstream.request();
        server.signal("USR2");
        let successor = server.successor();
        server.signal("TERM");
        server.line("SIGTERM: finishing what has begun; a second one ends it at once");
        upstream.release();
        client.answer().expect(200);
        signal(successor, "TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn any_number_of_sockets_is_handed_over() {
    let other = Test::new();
    let pid_file = other.directory().join("pid");
    // More than the system lets travel at once, with as few as may be for each worker.
    let addresses: Vec<_> = (1..=130).map(|last| format!("127.0.0.{last}:0")).collect();
    let text = file(2, &pid_file).replace("127.0.0.1:0", &addresses.join(" "));
    let mut server = start(Test::new(), &text, 2);
    server.signal("USR2");
    server.line(" has taken over");
    let successor = process_of(&pid_file);
    let old = server.process();
    wait_for("the end of the old process", || title(old).is_empty().then_some(()));
    server.get("/").expect(200);
    signal(successor, "TERM");
    assert_eq!(server.wait().status, Some(0));
}

/// Puts a program there that waits for a line of what is given back before it is what was there,
/// and ends if that is dropped.
fn put_waiting(program: &Path) -> File {
    let (gate, real) = (program.with_extension("gate"), program.with_extension("real"));
    put(program, &real);
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    // Opened in both ways, as the system waits for a reader otherwise.
    let open = File::options().read(true).write(true).open(&gate).unwrap();
    let (gate, real) = (gate.display(), real.display());
    let script = format!("#!/bin/sh\nread line <{gate} || exit 7\nexec {real} \"$@\"\n");
    put_script(&script, program);
    open
}

const PUT_OFF: &str = "the reload is put off until the upgrade has ended";

#[test]
fn a_reload_during_an_upgrade_is_carried_out_by_the_new_process() {
    for workers in [0, 1] {
        let other = Test::new();
        let (pid_file, program) = (other.directory().join("pid"), copy(other.directory()));
        let text = file(workers, &pid_file).replace("workers", "control = asked.sock\nworkers");
        let mut server = start(Test::program(&program), &text, workers);
        let mut gate = put_waiting(Path::new(&program));
        server.signal("USR2");
        server.line("to take over");
        server.signal("HUP");
        server.line(PUT_OFF);
        let control = server_directory(server.process()).join("asked.sock");
        let control = format!("--control {}", control.display());
        let askers = [server.ask_for_reload(), server.ask_for_reload_by(&control)];
        for _ in &askers {
            server.line(PUT_OFF);
        }
        if workers > 0 {
            server.signal("TTIN");
            server.line("the number of workers stays while something else changes");
        }
        server.write("api-paste.ini", &text.replace("one", "two"));
        assert_eq!(server.get("/").expect(200).body, "one");
        gate.write_all(b"go\n").unwrap();
        let successor = server.successor();
        for asker in askers {
            let told = asker.wait().status(0);
            told.tells(&format!("process {successor} has taken over, and is asked"));
        }
        // Others may be served by the old one yet, until its sockets are closed.
        let is_new = || (server.get("/").expect(200).body == "two").then_some(());
        wait_for("what was changed", is_new);
        copy(other.directory());
        signal(successor, "TERM");
        let finished = server.wait().status(0);
        finished
            .tells(&format!("the reload that was put off is left to process {successor}"))
            .tells("reloaded: the pipeline is replaced");
    }
}

#[test]
fn a_reload_during_an_upgrade_that_fails_follows_it() {
    for workers in [0, 1] {
        let other = Test::new();
        let (pid_file, program) = (other.directory().join("pid"), copy(other.directory()));
        let text = file(workers, &pid_file);
        let mut server = start(Test::program(&program), &text, workers);
        let gate = put_waiting(Path::new(&program));
        server.signal("USR2");
        server.line("to take over");
        server.write("api-paste.ini", &text.replace("one", "two"));
        server.signal("HUP");
        server.line(PUT_OFF);
        let asker = server.ask_for_reload();
        server.line(PUT_OFF);
        assert_eq!(server.get("/").expect(200).body, "one");
        drop(gate);
        server.line("not upgraded: the successor has ended before it was ready: exit status: 7");
        server.line("reloaded: the pipeline is replaced");
        assert_eq!(asker.wait().status, Some(0));
        assert_eq!(server.get("/").expect(200).body, "two");
        // What was put off is one reload, and the next one is not put off.
        server.write("api-paste.ini", &text.replace("one", "three"));
        server.signal("HUP");
        server.line("reloaded: the pipeline is replaced");
        assert_eq!(server.get("/").expect(200).body, "three");
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn a_stop_during_an_upgrade_ends_both_and_the_reload_that_waits() {
    for workers in [0, 1] {
        let other = Test::new();
        let (pid_file, program) = (other.directory().join("pid"), copy(other.directory()));
        let mut server = start(Test::program(&program), &file(workers, &pid_file), workers);
        let _gate = put_waiting(Path::new(&program));
        server.signal("USR2");
        server.line("to take over");
        let asker = server.ask_for_reload();
        server.line(PUT_OFF);
        server.signal("TERM");
        asker.wait().status(1);
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn a_new_program_that_fails_changes_nothing() {
    for workers in [0, 2] {
        let other = Test::new();
        let (pid_file, program) = (other.directory().join("pid"), copy(other.directory()));
        let text = file(workers, &pid_file);
        let mut server = start(Test::program(&program), &text, workers);
        let process = server.process();
        let mut is_refused = |line: &str| {
            server.signal("USR2");
            server.line(line);
            assert_eq!(server.get("/").expect(200).body, "one");
            assert_eq!(process_of(&pid_file), process);
        };
        fs::remove_file(&program).unwrap();
        is_refused("cannot be started");
        // A program that is none of ours.
        put(Path::new("/bin/false"), Path::new(&program));
        is_refused("has ended before it was ready");
        // One that says too early that it is the one.
        let script = format!("#!/bin/sh\necho $$ > {}\nexit 3\n", pid_file.display());
        put_script(&script, Path::new(&program));
        is_refused("has ended before it was ready: exit status: 3");
        // The file that the new one would serve is at fault, which it finds out itself.
        copy(other.directory());
        let directory = server_directory(process);
        fs::write(directory.join("api-paste.ini"), "nonsense").unwrap();
        is_refused("has ended before it was ready: exit status: 1");
        fs::write(directory.join("api-paste.ini"), &text).unwrap();
        signal(process, "USR2");
        server.line(" has taken over");
        let successor = process_of(&pid_file);
        assert_ne!(successor, process);
        server.get("/").expect(200);
        signal(successor, "TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn a_new_program_that_is_late_is_ended_and_changes_nothing() {
    for workers in [0, 2] {
        let other = Test::new();
        let (pid_file, program) = (other.directory().join("pid"), copy(other.directory()));
        let text = file(workers, &pid_file).replace("[app", "successor_timeout = 1\n[app");
        let mut server = start(Test::program(&program), &text, workers);
        let (process, late) = (server.process(), other.directory().join("late"));
        // One that never serves, and says who it is.
        let script = format!("#!/bin/sh\necho $$ > {}\nexec sleep 600\n", late.display());
        put_script(&script, Path::new(&program));
        server.signal("USR2");
        server.line("not upgraded: the successor is not ready in time, and is ended");
        assert_eq!(server.get("/").expect(200).body, "one");
        assert_eq!(process_of(&pid_file), process);
        let late = process_of(&late);
        wait_for("the late one's end", || title(late).is_empty().then_some(()));
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

/// The directory that a process runs in.
fn server_directory(process: u32) -> PathBuf {
    fs::read_link(format!("/proc/{process}/cwd")).unwrap()
}

//! An upgrade: the program that is on disk takes over, and no connection is refused.

use std::fs;
use std::path::Path;

use crate::support::{Test, signal, wait_for};

const FILE: &str = "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\nworkers = 2\n\
                    [app:main]\nuse = egg:pasteline#respond\nbody = one\n";

/// The program in a file of the test's own, which may be replaced.
fn copy(test: &Path) -> String {
    let path = test.join("program");
    fs::copy(env!("CARGO_BIN_EXE_pasteline"), &path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_new_process_takes_over_and_the_old_one_ends() {
    let mut server = Test::new().ini(FILE).arguments("serve").start();
    server.line("ready: 2 workers");
    server.write("api-paste.ini", &FILE.replace("one", "two"));
    server.signal("USR2");
    let line = server.line(" has taken over");
    let words: Vec<_> = line.split_whitespace().collect();
    let number = words.iter().position(|word| *word == "process").unwrap() + 1;
    let successor: u32 = words[number].parse().unwrap();
    let ask = || server.get("/").expect(200).body;
    wait_for("the new process to serve alone", || (0..20).all(|_| ask() == "two").then_some(()));
    server.run(&format!("status --pid {successor}")).status(0);
    signal(successor, "TERM");
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn a_new_program_that_fails_changes_nothing() {
    let test = Test::new().ini(FILE);
    let program = copy(test.directory());
    let mut server = Test::program(&program).ini(FILE).arguments("serve").start();
    server.line("ready: 2 workers");
    fs::remove_file(&program).unwrap();
    server.signal("USR2");
    server.line("cannot be started");
    assert_eq!(server.get("/").expect(200).body, "one");
    // A program that is none of ours.
    fs::copy("/bin/false", &program).unwrap();
    server.signal("USR2");
    server.line("has ended before it was ready");
    assert_eq!(server.get("/").expect(200).body, "one");
}

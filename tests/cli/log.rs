//! The log of the program: where it goes, how it changes, and what happens where it cannot go.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::support::process::children;
use crate::support::{Client, Server, Test, wait_for};

/// Refuses bodies of more than a byte, which is logged.
const INI: &str = "\
[pipeline:main]\npipeline = id limit app\n\
[filter:id]\nuse = egg:pasteline#request_id\n\
[filter:limit]\nuse = egg:pasteline#sizelimit\nmax_request_body_size = 1\n\
[app:app]\nuse = egg:pasteline#respond\nbody = hello\n";

const TOO_LARGE: &str = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nab";

/// Settings of a server at a free port.
fn settings(workers: usize, more: &str) -> String {
    format!("[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 0\napi_workers = {workers}\n{more}\n")
}

/// A server, its log, and where it listens by that.
struct Logging {
    server: Server,
    log: PathBuf,
    address: String,
}

/// A server that logs to a file of another directory than its own.
fn serve(workers: usize, other: &Test, more: &str) -> Logging {
    let log = other.directory().join("server.log");
    let more = format!("log_file = {}\n{more}", log.display());
    let test = Test::new().ini(INI).file("n.conf", settings(workers, &more));
    let server = test.arguments("serve --config-file n.conf").spawn();
    let line = await_line(&log, "listening on http://");
    let address = line.rsplit("http://").next().unwrap();
    let is_address = |character: char| character.is_ascii_digit() || ".:".contains(character);
    let address = address.chars().take_while(|character| is_address(*character)).collect();
    await_line(&log, if workers == 0 { "listening" } else { "ready: " });
    Logging { server, log, address }
}

fn read(log: &Path) -> String {
    String::from_utf8(fs::read(log).unwrap_or_default()).unwrap()
}

/// Waits until a line of a file has a text.
fn await_line(log: &Path, text: &str) -> String {
    wait_for(text, || read(log).lines().find(|line| line.contains(text)).map(str::to_owned))
}

/// Has a line logged while a request is answered.
fn refuse(address: &str) {
    Client::connect(address).send(TOO_LARGE).answer().expect(413);
}

#[test]
fn a_line_tells_the_request_that_it_belongs_to() {
    for (json, mark) in [("", " request_id=req-"), ("use_json = on\n", "\"request_id\":\"req-")] {
        let other = Test::new();
        let logging = serve(0, &other, json);
        refuse(&logging.address);
        let line = await_line(&logging.log, "the body of a request is too large");
        assert!(line.contains(mark), "{line}");
        let begun = await_line(&logging.log, "listening");
        assert!(!begun.contains("request_id"), "{begun}");
    }
}

#[test]
fn all_processes_open_a_log_anew_at_a_signal() {
    for workers in [0, 2] {
        let other = Test::new();
        let Logging { server, log, address } = serve(workers, &other, "");
        fs::rename(&log, log.with_extension("old")).unwrap();
        server.signal("USR1");
        await_line(&log, "SIGUSR1: the files of logs are opened anew");
        refuse(&address);
        await_line(&log, "the body of a request is too large");
        let old = read(&log.with_extension("old"));
        assert!(old.contains("listening") && !old.contains("too large"), "{old}");
    }
}

#[test]
fn a_reload_changes_level_and_file() {
    for workers in [0, 2] {
        let other = Test::new();
        let Logging { server, log, address } = serve(workers, &other, "");
        let new = log.with_file_name("new.log");
        let changed = |more: &str| {
            server.write("n.conf", &settings(workers, more));
            server.signal("HUP");
        };
        // The file is tried before anything changes.
        changed("log_file = /no/such/directory/log");
        await_line(&log, "cannot write the log to `/no/such/directory/log`");
        await_line(&log, "not reloaded");
        let default = "default_log_levels = pasteline.builtin=ERROR\n";
        changed(&format!("log_file = {}\ndebug = on\n{default}", new.display()));
        await_line(&new, " pasteline::service");
        refuse(&address);
        changed(&format!("log_file = {}\nuse_json = on\n", new.display()));
        await_line(&new, "\"level\":\"INFO\"");
        assert!(!read(&new).contains("too large"), "its level was ERROR");
        refuse(&address);
        await_line(&new, "the body of a request is too large");
        assert!(!read(&log).contains("too large"));
    }
}

#[test]
fn a_log_that_is_full_or_gone_keeps_nobody_waiting() {
    for workers in [0, 2] {
        let other = Test::new();
        let logging = serve(workers, &other, "[pasteline]\naccess_log = /dev/full\n");
        let Logging { server, log, address } = logging;
        fs::remove_file(&log).unwrap();
        symlink("/dev/full", &log).unwrap();
        for _ in 0..100 {
            refuse(&address);
        }
        let directory = other.directory();
        let elsewhere = directory.with_extension("elsewhere");
        fs::rename(directory, &elsewhere).unwrap();
        for _ in 0..100 {
            refuse(&address);
        }
        fs::rename(&elsewhere, directory).unwrap();
        fs::remove_file(&log).unwrap();
        await_line(&log, "the body of a request is too large");
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn a_reader_of_the_log_that_stops_keeps_nobody_waiting() {
    for workers in [0, 2] {
        let test = Test::new().ini(INI).file("n.conf", settings(workers, "log_options = off"));
        let (socket, directory) = (test.directory().join("api.sock"), test.directory().to_owned());
        // Standard error is a pipe that nobody reads and that is full from the start.
        let line = "mkfifo pipe; exec 3<>pipe; dd if=/dev/zero of=pipe bs=4096 count=1000 \
                    oflag=nonblock 2>/dev/null; exec \"$0\" \"$@\" 2>pipe";
        let test = test.shell(line, fs::File::open("/dev/null").unwrap());
        let bind = format!("--bind unix:{}", socket.display());
        let server = test.arguments("serve --config-file n.conf").arguments(&bind).spawn();
        let request = TOO_LARGE.replace("Host", "Connection: close\r\nHost");
        let ask = || {
            let mut stream = UnixStream::connect(&socket).ok()?;
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.starts_with("HTTP/1.1 413 ").then_some(())
        };
        wait_for("an answer", ask);
        for _ in 0..500 {
            ask().unwrap();
        }
        assert_eq!(children(server.process()).len(), workers);
        server.signal("TERM");
        assert_eq!(server.wait().status, Some(0), "{}", directory.display());
    }
}

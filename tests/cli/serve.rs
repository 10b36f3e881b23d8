//! `serve`: what it serves, what it says, and how it ends.

use std::net::TcpListener;

use crate::support::Test;

const HELLO: &str = "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n";

#[test]
fn serves_the_file_that_lies_here() {
    let server = Test::new().ini(HELLO).serve();
    assert_eq!(server.get("/").expect(200).body, "hello");
}

#[test]
fn hands_the_request_to_the_app_as_it_came() {
    let server = Test::new().ini("[app:main]\nuse = egg:pasteline#echo\n").serve();
    let echo = server.get_with("/a%20b?c=d", "X-Sent: yes\r\n").expect(200).json().to_string();
    assert!(echo.contains("/a%20b") && echo.contains("x-sent"), "{echo}");
}

#[test]
fn serves_the_app_that_is_named() {
    let text = format!("{HELLO}[app:other]\nuse = egg:pasteline#respond\nbody = other\n");
    let server = Test::new().ini(&text).arguments("--name other").serve();
    assert_eq!(server.get("/").body, "other");
}

#[test]
fn listens_where_the_server_section_says() {
    for server in ["use = egg:pasteline#http\nbind = 127.0.0.1:0", "use = egg:Paste#http\nport = 0"]
    {
        let text = format!("{HELLO}[server:main]\n{server}\n");
        let server = Test::new().ini(&text).arguments("serve").start();
        assert_eq!(server.get("/").body, "hello");
    }
}

#[test]
fn listens_where_another_server_section_says() {
    let text = format!("{HELLO}[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:1\n");
    let text = text + "[server:here]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\n";
    let server = Test::new().ini(&text).arguments("serve --server here").start();
    assert_eq!(server.get("/").body, "hello");
}

#[test]
fn ends_at_a_signal_with_status_0() {
    for signal in ["TERM", "INT"] {
        let server = Test::new().ini(HELLO).serve();
        server.signal(signal);
        let finished = server.wait();
        assert_eq!(finished.status, Some(0), "{finished:#?}");
    }
}

#[test]
fn tells_the_warnings_of_the_whole_file_unless_they_are_silenced() {
    let alike = "[pipeline:alike]\npipeline = pass pass main\n";
    let pass = "[filter:pass]\nuse = egg:pasteline#pass\n";
    for (above, is_told) in [("", true), ("# pasteline: allow-file repeated-filter\n", false)] {
        let server = Test::new().ini(&format!("{above}{HELLO}{alike}{pass}")).serve();
        server.signal("TERM");
        let finished = server.wait();
        let told = finished.stderr.contains("warning[repeated-filter]");
        assert_eq!((finished.status, told), (Some(0), is_told), "{finished:#?}");
    }
}

#[test]
fn leaves_notes_to_validate() {
    let text = "[pipeline:main]\npipeline = cors hello\n[filter:cors]\n\
                use = egg:pasteline#cors\nallowed_origin = *\n";
    let text = format!("{text}{}", HELLO.replace("main", "hello"));
    Test::new().ini(&text).validate().tells("note[wildcard-credentials]");
    let server = Test::new().ini(&text).serve();
    server.signal("TERM");
    let finished = server.wait();
    assert!(!finished.stderr.contains("note["), "{finished:#?}");
}

#[test]
fn serves_beside_faults_that_concern_it_not_and_ends_at_warnings_that_are_denied() {
    let broken = "[filter:broken]\nuse = egg:pasteline#nothing\n";
    let server = Test::new().ini(&format!("{HELLO}{broken}")).serve();
    assert_eq!(server.get("/").body, "hello");
    let alike =
        "[pipeline:alike]\npipeline = pass pass main\n[filter:pass]\nuse = egg:pasteline#pass\n";
    let test = Test::new().ini(&format!("{HELLO}{alike}"));
    let denied = test.arguments("serve --bind 127.0.0.1:0 --deny-warnings").run().status(1);
    denied.tells("1 warning in api-paste.ini; `--deny-warnings` makes warnings count as errors\n");
}

#[test]
fn does_not_start_with_a_file_at_fault() {
    let text = format!("{HELLO}status = tea\n");
    let finished = Test::new().ini(&text).arguments("serve --bind 127.0.0.1:0").run().status(1);
    finished.tells("api-paste.ini:4:10").tells("1 error in api-paste.ini");
}

#[test]
fn a_port_in_use_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = format!("{HELLO}[server:main]\nuse = egg:pasteline#http\nretry_until_window = 0\n");
    let finished = Test::new().ini(&text).arguments("serve --bind").argument(&*address).run();
    let expected =
        format!("error: Could not bind to {address}: another process listens there already\n");
    assert_eq!(finished.status(1).stderr, expected);
}

#[test]
fn a_missing_password_file_is_one_line() {
    let text = "[pipeline:main]\npipeline = auth app\n\
                [filter:auth]\nuse = egg:pasteline#basic_auth\nuser_file = no-such-file\n\
                [app:app]\nuse = egg:pasteline#respond\n";
    let finished = Test::new().ini(text).arguments("serve --bind 127.0.0.1:0").run().status(1);
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
    finished.tells("api-paste.ini:4:7").tells("no-such-file").tells("no such file or directory");
}

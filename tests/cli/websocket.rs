//! Connections that go on in another protocol, from a client through the program to a service.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::support::process::children;
use crate::support::{Client, PATIENCE, Server, Test, wait_for};

/// A service that answers the head of each connection, and if that changes the protocol sends back
/// in capitals what follows, and takes its leave when the client has closed its half.
struct Service {
    address: String,
    heads: Receiver<String>,
}

impl Service {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, heads) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                thread::spawn(move || talk(stream, answer, &sender));
            }
        });
        Self { address, heads }
    }

    /// The head of the next request, in lower case.
    fn head(&self) -> String {
        self.heads.recv_timeout(PATIENCE).unwrap()
    }

    /// A file by which a server passes everything on to it.
    fn ini(&self, server: &str, proxy: &str) -> String {
        format!(
            "[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:0\n{server}\
             [app:main]\nuse = egg:pasteline#proxy\nupstream = http://{}\n{proxy}",
            self.address
        )
    }

    /// A server before it, in one process.
    fn behind(&self, server: &str, proxy: &str) -> Server {
        Test::new().ini(&self.ini(&format!("workers = 0\n{server}"), proxy)).serve_as_is()
    }
}

fn talk(mut stream: TcpStream, answer: &str, heads: &Sender<String>) -> io::Result<()> {
    loop {
        let head = read_to(&mut stream, "\r\n\r\n")?.to_lowercase();
        // A test that has seen enough may have ended.
        let _ = heads.send(head);
        stream.write_all(answer.as_bytes())?;
        if answer.starts_with("HTTP/1.1 101 ") {
            break;
        }
    }
    let mut bytes = [0; 64];
    loop {
        match stream.read(&mut bytes)? {
            0 => return stream.write_all(b"bye."),
            length => stream.write_all(&bytes[..length].to_ascii_uppercase())?,
        }
    }
}

fn read_to(stream: &mut impl Read, end: &str) -> io::Result<String> {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(end.as_bytes()) {
        stream.read_exact(&mut byte)?;
        read.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// Takes the protocol that it is asked for, and begins to speak at once.
const TAKES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\
    Upgrade: WebSocket\r\nSec-WebSocket-Accept: accepted\r\n\r\nwelcome.";

const REFUSES: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";

const ASKS: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Key: key\r\n\r\n";

/// A client whose connection goes on in another protocol.
struct Upgraded(TcpStream);

impl Upgraded {
    fn connect(server: &Server) -> Self {
        let mut client = Self::ask(server);
        assert!(client.read_to("\r\n\r\n").starts_with("HTTP/1.1 101 "));
        assert_eq!(client.read_to("."), "welcome.");
        client
    }

    fn ask(server: &Server) -> Self {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(ASKS.as_bytes()).unwrap();
        Self(stream)
    }

    fn read_to(&mut self, end: &str) -> String {
        read_to(&mut self.0, end).unwrap()
    }

    /// Has something sent to and fro.
    fn talk(&mut self) {
        self.0.write_all(b"to and fro.").unwrap();
        assert_eq!(self.read_to("."), "TO AND FRO.");
    }

    /// Waits until it is closed.
    fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(length) => length == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn a_connection_goes_on_in_the_protocol_that_both_sides_take() {
    let service = Service::start(TAKES);
    let server = service.behind("", "");
    let mut client = Upgraded::ask(&server);
    let answer = client.read_to("\r\n\r\n").to_lowercase();
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    for field in ["connection: upgrade", "upgrade: websocket", "sec-websocket-accept: accepted"] {
        assert!(answer.contains(&format!("\r\n{field}\r\n")), "{answer}");
    }
    assert!(!answer.contains("content-length"), "{answer}");
    assert_eq!(client.read_to("."), "welcome.");
    (0..3).for_each(|_| client.talk());
    let head = service.head();
    for field in ["connection: upgrade", "upgrade: websocket", "sec-websocket-key: key"] {
        assert!(head.contains(&format!("\r\n{field}\r\n")), "{head}");
    }
}

#[test]
fn each_side_may_close_its_half() {
    let service = Service::start(TAKES);
    let server = service.behind("", "");
    let mut client = Upgraded::connect(&server);
    client.talk();
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read_to("."), "bye.");
    assert_eq!(client.0.read(&mut [0]).unwrap(), 0);
}

#[test]
fn what_a_client_sends_too_early_comes_after_the_change() {
    let service = Service::start(TAKES);
    let server = service.behind("", "");
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(format!("{ASKS}early.").as_bytes()).unwrap();
    read_to(&mut client, "\r\n\r\n").unwrap();
    assert_eq!(read_to(&mut client, "EARLY.").unwrap(), "welcome.EARLY.");
    assert!(service.head().ends_with("\r\n\r\n"));
}

#[test]
fn much_passes_each_way_though_a_side_is_slow() {
    const MUCH: usize = 4 << 20;
    let service = Service::start(TAKES);
    let server = service.behind("", "");
    let mut client = Upgraded::connect(&server);
    let mut writer = client.0.try_clone().unwrap();
    let sent = thread::spawn(move || {
        writer.write_all(&vec![b'a'; MUCH]).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut read = Vec::new();
    client.0.read_to_end(&mut read).unwrap();
    sent.join().unwrap();
    assert_eq!(read.len(), MUCH + "bye.".len());
    assert!(read[..MUCH].iter().all(|byte| *byte == b'A'));
}

#[test]
fn a_service_that_does_not_change_the_protocol_is_asked_further() {
    let service = Service::start(REFUSES);
    let server = service.behind("", "");
    let mut client = server.connect().send(ASKS);
    let answer = client.next_answer().expect(200);
    assert_eq!((answer.header("upgrade"), &*answer.body), (None, "no"));
    assert_eq!(client.ask("/").expect(200).body, "no");
    assert!(service.head().contains("upgrade: websocket"));
    assert!(!service.head().contains("upgrade"));
}

#[test]
fn no_service_goes_on_in_a_protocol_that_nobody_asked_for() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n",
    ] {
        let service = Service::start(answer);
        service.behind("", "").send(ASKS).expect(502);
    }
    let service = Service::start(TAKES);
    service.behind("", "").get("/").expect(502);
}

#[test]
fn only_what_is_allowed_is_asked_for() {
    let service = Service::start(REFUSES);
    let server = service.behind("", "");
    let head = "Host: a\r\nConnection: Upgrade\r\n";
    for request in [
        format!("GET / HTTP/1.1\r\n{head}Upgrade: h2c\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{head}Upgrade: websocket, h2c\r\n\r\n"),
        format!("GET / HTTP/1.0\r\n{head}Upgrade: websocket\r\n\r\n"),
        format!("POST / HTTP/1.1\r\n{head}Upgrade: websocket\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{head}Upgrade: websocket\r\nContent-Length: 4\r\n\r\nbody"),
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n".to_owned(),
    ] {
        server.send(&request).expect(200);
        let head = service.head();
        assert!(!head.contains("upgrade"), "{head}");
    }
    let server = service.behind("", "upgrades =\n");
    server.send(ASKS).expect(200);
    assert!(!service.head().contains("upgrade:"));
    let server = service.behind("", "upgrades = h2c spdy\n");
    server.send(&format!("GET / HTTP/1.1\r\n{head}Upgrade: SPDY\r\n\r\n")).expect(200);
    assert!(service.head().contains("upgrade: spdy"));
}

#[test]
fn it_ends_when_both_sides_are_silent_and_by_no_other_limit() {
    let service = Service::start(TAKES);
    let short = "keep_alive_timeout = 1\nhead_timeout = 1\nbody_timeout = 1\nwrite_timeout = 1\n";
    let server = service.behind(short, "");
    let mut client = Upgraded::connect(&server);
    for _ in 0..2 {
        let mut idle = server.connect().send("GE");
        idle.next_answer().expect(408);
        client.talk();
    }
    let server = service.behind("", "upgrade_timeout = 1\n");
    assert!(Upgraded::connect(&server).is_closed());
}

fn read(log: &Path) -> String {
    String::from_utf8(fs::read(log).unwrap_or_default()).unwrap()
}

#[test]
fn it_is_logged_at_its_end_and_counted_as_long_as_it_lasts() {
    for filter in [false, true] {
        let service = Service::start(TAKES);
        let format = "format = {request_line} {status} {length}\n";
        let other = Test::new();
        let log = other.directory().join("log");
        let own = format!("access_log = {}\naccess_{format}", log.display());
        let admin = "workers = 0\nadmin_bind = 127.0.0.1:0\n";
        let ini = service.ini(&format!("{admin}{}", if filter { "" } else { &own }), "");
        let pipeline = format!(
            "[pipeline:main]\npipeline = log compress proxy\n\
             [filter:log]\nuse = egg:pasteline#access_log\ndestination = {}\n{format}\
             [filter:compress]\nuse = egg:pasteline#compress\n[app:proxy]",
            log.display()
        );
        let ini = if filter { ini.replace("[app:main]", &pipeline) } else { ini };
        let app = if filter { "pipeline:main" } else { "app:main" };
        let mut server = Test::new().ini(&ini).serve_as_is();
        let admin = server.line("listening on ");
        let admin = admin.split_once("http://").unwrap().1.trim_end_matches(" (admin)");
        let numbers = || Client::connect(admin).ask("/metrics").body;
        let mut client = Upgraded::connect(&server);
        client.talk();
        let upgraded = |count| format!("pasteline_connections_upgraded{{app=\"{app}\"}} {count}\n");
        let counted = numbers();
        for line in [
            upgraded(1),
            format!("pasteline_connections_open{{app=\"{app}\"}} 1\n"),
            format!("pasteline_requests_in_flight{{app=\"{app}\"}} 0\n"),
            format!("pasteline_requests_total{{app=\"{app}\",status=\"101\"}} 1\n"),
        ] {
            assert!(counted.contains(&line), "{line}{counted}");
        }
        assert_eq!(read(&log), "");
        client.0.shutdown(Shutdown::Write).unwrap();
        client.read_to("bye.");
        wait_for("its end", || numbers().contains(&upgraded(0)).then_some(()));
        let line = "GET /chat HTTP/1.1 101 23\n";
        wait_for("a line", || (read(&log) == line).then_some(()));
    }
}

#[test]
fn it_lives_on_through_a_reload_and_is_closed_some_time_after_the_end_begins() {
    for workers in [0, 2] {
        let service = Service::start(TAKES);
        let settings = format!("workers = {workers}\nupgrade_drain_timeout = 1\n");
        let mut server = Test::new().ini(&service.ini(&settings, "")).serve_as_is();
        if workers > 0 {
            server.line("ready: 2 workers");
        }
        let mut clients: Vec<_> = (0..8).map(|_| Upgraded::connect(&server)).collect();
        server.write("api-paste.ini", &service.ini(&settings, "read_timeout = 7\n"));
        server.signal("HUP");
        server.line("reloaded: the pipeline is replaced");
        clients.iter_mut().for_each(Upgraded::talk);
        // Other settings are served by others, and those before them end.
        let changed = format!("{settings}max_fields = 50\n");
        let before = children(server.process());
        server.write("api-paste.ini", &service.ini(&changed, ""));
        server.signal("HUP");
        server.line("reloaded: ");
        assert!(clients.iter_mut().all(Upgraded::is_closed));
        wait_for("the old workers' end", || {
            children(server.process()).is_disjoint(&before).then_some(())
        });
        let mut client = Upgraded::connect(&server);
        client.talk();
        server.signal("TERM");
        assert!(client.is_closed());
        assert_eq!(server.wait().status, Some(0), "nothing was cut off");
    }
}

#[test]
fn without_a_limit_of_its_own_it_is_cut_off_with_all_else() {
    let service = Service::start(TAKES);
    let server = service.behind("upgrade_drain_timeout = 0\ngraceful_shutdown_timeout = 1\n", "");
    let mut client = Upgraded::connect(&server);
    client.talk();
    server.signal("TERM");
    assert!(client.is_closed());
    assert_eq!(server.wait().status, Some(1));
}

#[test]
fn its_time_at_the_end_is_no_longer_than_that_of_all_else() {
    let service = Service::start(TAKES);
    let settings = "upgrade_drain_timeout = 9\ngraceful_shutdown_timeout = 8\n";
    let finished = Test::new().ini(&service.ini(settings, "")).validate().status(1);
    finished.tells("api-paste.ini:4:25").tells("`upgrade_drain_timeout` is refused");
}

//! The sockets that `serve` listens at: its own, those of the service manager, and too few of them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::process::{children, spent};
use crate::support::{Answer, Client, Finished, Server, Test, seconds, signal, wait_for};

const ECHO: &str = "[app:main]\nuse = egg:pasteline#echo\n";

/// Hands standard input over as a service manager does.
const ACTIVATE: &str =
    "exec env LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web \"$0\" \"$@\" 3<&0 </dev/null";

/// Asks over a Unix socket.
fn ask(path: &Path) -> Answer {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    Answer::read(&mut BufReader::new(stream)).unwrap()
}

fn server(options: &str) -> String {
    format!("{ECHO}[server:main]\nuse = egg:pasteline#http\n{options}\n")
}

#[test]
fn serves_over_a_unix_socket_and_removes_it_at_the_end() {
    let test = Test::new().ini(&server("bind = unix:api.sock")).arguments("serve");
    let path = test.directory().join("api.sock");
    let server = test.start();
    let echo = ask(&path).expect(200).json();
    assert_eq!(echo["client"], serde_json::Value::Null, "it has no address: {echo}");
    server.signal("TERM");
    assert_eq!(server.wait().status, Some(0));
    assert!(!path.exists());
}

/// The permissions of a file.
fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o777
}

/// How many clients find room in the queue of a server that stands still.
fn room_at(path: &Path) -> usize {
    let connect = || {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        client.connect(&SockAddr::unix(path).unwrap()).map(|()| client).ok()
    };
    std::iter::from_fn(connect).collect::<Vec<_>>().len()
}

#[test]
fn a_unix_socket_that_stays_is_as_the_settings_say_after_a_reload() {
    for workers in [0, 1] {
        let options = format!("bind = unix:api.sock\nworkers = {workers}\n");
        let text = |more: &str| server(&format!("{options}{more}"));
        let test = Test::new().ini(&text("socket_mode = 0600\nbacklog = 100"));
        let path = test.directory().join("api.sock");
        let mut server = test.arguments("serve").start();
        ask(&path).expect(200);
        for wanted in [0o666, 0o600] {
            let more = format!("socket_mode = {wanted:o}\nbacklog = 7");
            server.write("api-paste.ini", &text(&format!("{more}\npid_file = no/such/directory")));
            let before = mode(&path);
            server.signal("HUP");
            server.line("not reloaded: what was served before is served on");
            assert_eq!(mode(&path), before);
            server.write("api-paste.ini", &text(&more));
            server.signal("HUP");
            server.line("reloaded: the settings of the server are replaced");
            assert_eq!(mode(&path), wanted);
        }
        ask(&path).expect(200);
        wait_for("the old workers gone", || {
            (children(server.process()).len() == workers).then_some(())
        });
        signal_all(&server, "STOP");
        // Linux lets one more in.
        assert_eq!(room_at(&path), 8);
    }
}

#[test]
fn access_to_a_unix_socket_that_cannot_change_keeps_all_as_it_was() {
    if !is_root() {
        return;
    }
    let options = "bind = unix:api.sock\nworkers = 0\nuser = nobody\n";
    let text = |more: &str| server(&format!("{options}{more}"));
    let test = Test::new().ini(&text("socket_mode = 0600"));
    let path = test.directory().join("api.sock");
    let mut server = test.arguments("serve").start();
    server.write("api-paste.ini", &text("socket_mode = 0600\ndrain_linger = 1"));
    server.signal("HUP");
    server.line("reloaded: the settings of the server are replaced");
    server.write("api-paste.ini", &text("socket_mode = 0666"));
    server.signal("HUP");
    server.line("the mode and the owner of its file cannot change: ");
    server.line("not reloaded: what was served before is served on");
    assert_eq!(mode(&path), 0o600);
    server.signal("TERM");
    let log = server.wait().stderr;
    assert!(!log.contains("stays as it was"), "nothing was to change in the first reload: {log}");
}

/// How long until the system probes a connection that is silent, in hundredths of a second, by the
/// tables in which it tells of the sockets at both ends.
fn probed_in(server: SocketAddr, client: SocketAddr) -> Option<u64> {
    let table = String::from_utf8(fs::read("/proc/net/tcp").unwrap()).unwrap();
    let end = |address: SocketAddr| format!("0100007F:{:04X}", address.port());
    let line = format!("{} {} 01 ", end(server), end(client));
    let (_, rest) = table.lines().find_map(|it| it.split_once(&line))?;
    let timer = rest.split_whitespace().nth(1)?.strip_prefix("02:")?;
    u64::from_str_radix(timer, 16).ok()
}

#[test]
fn a_client_that_has_gone_without_a_word_is_probed_for() {
    for workers in [0, 2] {
        for (option, seconds) in [("", 600), ("tcp_keepidle = 33", 33)] {
            let options = format!("bind = 127.0.0.1:0\nworkers = {workers}\n{option}");
            let server = Test::new().ini(&server(&options)).arguments("serve").start();
            let client = TcpStream::connect(server.address()).unwrap();
            let ends = (client.peer_addr().unwrap(), client.local_addr().unwrap());
            let left = wait_for("its timer", || probed_in(ends.0, ends.1));
            // A machine that is slow may take a while to get here.
            assert!((seconds * 100 - 2000..=seconds * 100).contains(&left), "{left}");
        }
    }
}

/// After how many seconds a client is probed that connects now, about.
fn silence(server: &Server) -> u64 {
    let client = TcpStream::connect(server.address()).unwrap();
    let ends = (client.peer_addr().unwrap(), client.local_addr().unwrap());
    wait_for("its timer", || probed_in(ends.0, ends.1)) / 100
}

/// Has the processes of a server stand still, or go on.
fn signal_all(server: &Server, name: &str) {
    for process in children(server.process()).into_iter().chain([server.process()]) {
        signal(process, name);
    }
}

#[test]
fn a_reload_that_is_refused_leaves_the_sockets_as_they_are() {
    for workers in [0, 1] {
        let options = format!("bind = 127.0.0.1:0\nworkers = {workers}\nbacklog = 20");
        let less = options.replace("20", "3\ntcp_keepidle = 33\npid_file = no/such/directory");
        let (text, less) = (server(&options), server(&less));
        let mut server = Test::new().ini(&text).arguments("serve").start();
        server.get("/").expect(200);
        server.write("api-paste.ini", &less);
        server.signal("HUP");
        server.line("not reloaded: what was served before is served on");
        assert!(silence(&server) > 500);
        signal_all(&server, "STOP");
        let address = server.address().parse().unwrap();
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(60)).unwrap();
        let _clients: Vec<_> = (0..20).map(connect).collect();
    }
}

#[test]
fn a_reload_or_an_upgrade_that_comes_into_force_adjusts_the_sockets() {
    for (workers, threads) in [(0, 1), (0, 2), (2, 1)] {
        let processes = format!("workers = {workers}\nworker_threads = {threads}\n");
        let options = format!("bind = 127.0.0.1:0\n{processes}tcp_keepidle = ");
        let text = |seconds: &str| server(&format!("{options}{seconds}"));
        let mut server = Test::new().ini(&text("600")).arguments("serve").start();
        server.get("/").expect(200);
        server.write("api-paste.ini", &text("5000"));
        server.signal("HUP");
        server.line("reloaded: the settings of the server are replaced");
        assert!(silence(&server) > 4000);
        server.write("api-paste.ini", &text("9000"));
        server.signal("USR2");
        let successor = server.successor();
        wait_for("another silence", || (silence(&server) > 8000).then_some(()));
        signal(successor, "TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn a_new_start_does_not_wait_for_the_connections_of_the_last_one() {
    for workers in [0, 2] {
        let options = format!("bind = 127.0.0.1:0\nworkers = {workers}\nretry_until_window = 0");
        let test = Test::new().ini(&server(&options)).arguments("serve");
        let before = test.start();
        let address = before.address().to_owned();
        // The server closes first, so that its end of the connection lingers.
        before.get_with("/", "Connection: close\r\n").expect(200);
        before.signal("TERM");
        assert_eq!(before.wait().status, Some(0));
        let options = options.replace("127.0.0.1:0", &address);
        let test = Test::new().ini(&server(&options)).arguments("serve");
        test.start().get("/").expect(200);
    }
}

#[test]
fn a_server_with_several_workers_keeps_its_port() {
    let text = server("bind = 127.0.0.1:0\nworkers = 3");
    let running = Test::new().ini(&text).arguments("serve").start();
    let address = running.address();
    let text = server(&format!("bind = {address}\nretry_until_window = 0.2"));
    let finished = Test::new().ini(&text).arguments("serve").run().status(1);
    let expected = format!(
        "error: Could not bind to {address} after trying for 0.2 seconds: another process listens \
         there already"
    );
    finished.tells(&format!("{address} is in use: trying again")).tells(&expected);
    running.get("/").expect(200);
}

#[test]
fn takes_an_address_over_when_it_becomes_free() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let test = Test::new().ini(ECHO).arguments("serve --bind").argument(address.to_string());
    let mut server = test.spawn();
    server.line("is in use");
    drop(taken);
    server.listens();
    server.get("/").expect(200);
}

#[test]
fn a_signal_ends_the_wait_for_an_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let test = Test::new().ini(ECHO).arguments("serve --bind").argument(address);
    let mut server = test.spawn();
    server.line("is in use");
    server.signal("TERM");
    assert_eq!(server.wait().status, Some(0));
}

#[test]
fn a_reload_that_waits_for_an_address_keeps_nothing_else_waiting() {
    for workers in [0, 1] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = format!("workers = {workers}\nretry_until_window = 3600\nbind = ");
        let text = server(&format!("{options}127.0.0.1:0"));
        let test = Test::new().ini(&text).arguments("serve");
        let mut running = test.start();
        running.get("/").expect(200);
        let other = server(&format!("{options}{}", taken.local_addr().unwrap()));
        running.write("api-paste.ini", &other);
        running.signal("HUP");
        running.line("is in use: trying again");
        running.run("status api-paste.ini").status(0);
        running.get("/").expect(200);
        running.signal("TERM");
        assert_eq!(running.wait().status, Some(0));
    }
}

#[test]
fn a_reload_that_waits_for_an_address_is_given_up_when_the_server_stops() {
    for workers in [0, 1] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = format!("workers = {workers}\nretry_until_window = 3600\nbind = ");
        let text = server(&format!("{options}127.0.0.1:0"));
        let mut running = Test::new().ini(&text).arguments("serve").start();
        running.get("/").expect(200);
        let other = server(&format!("{options}{}", taken.local_addr().unwrap()));
        running.write("api-paste.ini", &other);
        let asker = running.ask_for_reload();
        running.line("is in use: trying again");
        // It lives on for a moment, and the server with it.
        let mut idle = running.connect();
        idle.ask("/").expect(200);
        running.signal("TERM");
        asker.wait().status(1).tells("the server stops");
        drop(idle);
        assert_eq!(running.wait().status, Some(0));
    }
}

#[test]
fn a_reload_that_is_asked_for_during_another_is_made_after_it() {
    for workers in [0, 1] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let options = format!("workers = {workers}\nretry_until_window = 3600\nbind = ");
        let mut running =
            Test::new().ini(&server(&format!("{options}127.0.0.1:0"))).arguments("serve").start();
        running.get("/").expect(200);
        let other = server(&format!("{options}{address}"));
        running.write("api-paste.ini", &other);
        running.signal("HUP");
        running.line("is in use: trying again");
        running.write("api-paste.ini", &other.replace("#echo", "#respond\nbody = after"));
        running.signal("HUP");
        // It has been heard before this is answered.
        running.run("status api-paste.ini").status(0);
        drop(taken);
        running.line("reloaded: the settings of the server are replaced");
        running.line("reloaded: the pipeline is replaced");
        let request = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        let answer = Client::connect(&address.to_string()).send(request).answer();
        assert_eq!(answer.body, "after");
    }
}

#[test]
fn serves_what_the_service_manager_has_opened() {
    for (options, arguments) in [
        ("", "serve"),
        ("bind = systemd", "serve"),
        ("bind = 127.0.0.1:1", "serve --bind systemd:web"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let test = Test::new().ini(&server(options)).arguments(arguments);
        let server = test.shell(ACTIVATE, listener).start();
        assert_eq!(server.address(), address, "{options}");
        server.get("/").expect(200);
        server.signal("TERM");
    }
}

#[test]
fn serves_a_unix_socket_of_the_service_manager_and_leaves_its_file() {
    // The directory goes with the server.
    let directory = Test::new();
    let path = directory.directory().join("api.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let test = Test::new().ini(ECHO).arguments("serve");
    let server = test.shell(ACTIVATE, listener).start();
    ask(&path).expect(200);
    server.signal("TERM");
    assert_eq!(server.wait().status, Some(0));
    assert!(path.exists());
}

#[test]
fn an_address_at_which_the_service_manager_listens_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let test = Test::new().ini(ECHO).arguments("serve --bind").argument(&*address);
    let server = test.shell(ACTIVATE, listener).start();
    server.get("/").expect(200);
}

#[test]
fn what_the_service_manager_has_opened_for_nothing_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let test = Test::new().ini(ECHO).arguments("serve --bind 127.0.0.1:0");
    let mut server = test.shell(ACTIVATE, listener).spawn();
    server.line("nothing listens at descriptor 3, `web`");
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = ACTIVATE.replace("$$", "1");
    let test = Test::new().ini(ECHO).arguments("serve --bind systemd");
    let finished = test.shell(&line, listener).run().status(1);
    finished.tells("Could not bind to systemd: the service manager has handed over no socket");
}

/// What is told if a descriptor is handed over.
fn refusal(descriptor: impl Into<OwnedFd>) -> Finished {
    let test = Test::new().ini(ECHO).arguments("serve --bind systemd");
    test.shell(ACTIVATE, descriptor).run().status(1)
}

#[test]
fn descriptors_of_other_kinds_are_refused() {
    let kind = "descriptor 3, `web`, is of no use: it is no TCP or Unix stream socket";
    refusal(File::open("/dev/null").unwrap()).tells(kind);
    refusal(UdpSocket::bind("127.0.0.1:0").unwrap()).tells(kind);
    let (reads, _writes) = io::pipe().unwrap();
    refusal(reads).tells(kind);
    let packets = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    packets.bind(&SockAddr::unix(Test::new().directory().join("packets")).unwrap()).unwrap();
    packets.listen(1).unwrap();
    refusal(packets).tells(kind);
    let deaf = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    refusal(deaf).tells("descriptor 3, `web`, is of no use: it does not listen");
}

#[test]
fn what_the_service_manager_has_handed_over_and_is_no_stream_comes_to_no_worker() {
    for socket in [
        OwnedFd::from(UdpSocket::bind("127.0.0.1:0").unwrap()),
        OwnedFd::from(UnixDatagram::unbound().unwrap()),
    ] {
        let link = |process: &str, number: &str| {
            fs::read_link(format!("/proc/{process}/fd/{number}")).unwrap_or_default()
        };
        let own = link("self", &socket.as_raw_fd().to_string());
        let test = Test::new().ini(ECHO).arguments("serve --bind 127.0.0.1:0 --workers 1");
        let mut server = test.shell(ACTIVATE, socket).start();
        server.line("ready: 1 worker");
        for process in children(server.process()) {
            let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
            let names = descriptors.map(|entry| entry.unwrap().file_name());
            let has = |name: OsString| link(&process.to_string(), name.to_str().unwrap()) == own;
            assert_eq!(names.filter(|name| has(name.clone())).count(), 0);
        }
    }
}

#[test]
fn what_the_service_manager_has_handed_over_and_a_reload_drops_is_told() {
    for workers in [0, 1] {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let text = server(&format!("bind = systemd 127.0.0.1:0\nworkers = {workers}"));
        let test = Test::new().ini(&text).arguments("serve");
        let mut server = test.shell(ACTIVATE, socket).start();
        server.get("/").expect(200);
        server.write("api-paste.ini", &text.replace("systemd ", ""));
        server.signal("HUP");
        server.line(&format!("nothing listens at {address} any more, which the service manager"));
    }
}

#[test]
fn goes_on_when_descriptors_are_there_again() {
    // By default, connections beyond a part of the descriptors are refused, so that some are left.
    let text = server("bind = 127.0.0.1:0\nmax_connections = 0");
    let test = Test::new().ini(&text).arguments("serve --workers 0");
    let line = "ulimit -n 24; exec \"$0\" \"$@\"";
    let mut server = test.shell(line, File::open("/dev/null").unwrap()).start();
    let clients: Vec<_> = (0..24).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let first = server.line("cannot accept a connection");
    let before = spent(server.process());
    let second = server.line("cannot accept a connection");
    // As the lines have it: what reads them may be late.
    let apart = (seconds(&second) - seconds(&first)).rem_euclid(86400.0);
    assert!(apart > 0.5, "logged at most once a second: {first}\n{second}");
    let spent = spent(server.process()) - before;
    assert!(spent <= 10, "{spent} % of a processor");
    drop(clients);
    server.get("/").expect(200);
}

#[test]
fn opens_as_many_files_as_the_system_grants() {
    for workers in [0, 1] {
        let text = server(&format!("bind = 127.0.0.1:0\nworkers = {workers}"));
        let test = Test::new().ini(&text).arguments("serve --debug");
        let line = "ulimit -Sn 100; ulimit -Hn 300; exec \"$0\" \"$@\"";
        let mut server = test.shell(line, File::open("/dev/null").unwrap()).spawn();
        server.line("up to 300 files may be open at a time, before it was 100");
        server.listens();
        server.get("/").expect(200);
        let processes = children(server.process());
        assert_eq!(processes.len(), workers);
        for process in processes.into_iter().chain([server.process()]) {
            let limits = fs::read(format!("/proc/{process}/limits")).unwrap();
            let limits = String::from_utf8(limits).unwrap();
            let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
            let files: Vec<_> = files.split_whitespace().skip(3).take(2).collect();
            assert_eq!(files, ["300", "300"]);
        }
    }
}

#[test]
fn writes_its_id_once_it_listens_and_removes_it_at_the_end() {
    let text = server("bind = 127.0.0.1:0\npid_file = server.pid");
    let test = Test::new().ini(&text).file("server.pid", "1\n").arguments("serve");
    let path = test.directory().join("server.pid");
    let server = test.start();
    let expected = format!("{}\n", server.process());
    assert_eq!(String::from_utf8(fs::read(&path).unwrap()).unwrap(), expected);
    server.signal("TERM");
    assert_eq!(server.wait().status, Some(0));
    assert!(!path.exists());
}

/// Whether tests run as root, as others can become nobody else.
fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The lines of a process's status that tell whom it belongs to.
fn identity(process: u32) -> Vec<String> {
    let status = String::from_utf8(fs::read(format!("/proc/{process}/status")).unwrap()).unwrap();
    let identity =
        |line: &&str| ["Uid:", "Gid:", "Groups:"].iter().any(|key| line.starts_with(key));
    status.lines().filter(identity).map(|line| line.trim_end().to_owned()).collect()
}

const NOBODY: [&str; 3] =
    ["Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534", "Groups:\t65534"];

#[test]
fn becomes_the_user_of_the_settings_before_it_serves() {
    if !is_root() {
        return;
    }
    let text = server("bind = 127.0.0.1:0\nuser = nobody\nworkers = 0");
    let server = Test::new().ini(&text).arguments("serve").start();
    server.get("/").expect(200);
    assert_eq!(identity(server.process()), NOBODY);
}

#[test]
fn workers_become_the_user_of_the_settings_and_the_supervisor_does_not() {
    if !is_root() {
        return;
    }
    let text = server("bind = 127.0.0.1:0\nuser = nobody\nworkers = 1");
    let server = Test::new().ini(&text).arguments("serve").start();
    server.get("/").expect(200);
    assert_ne!(identity(server.process()), NOBODY);
    let workers = children(server.process());
    assert_eq!(workers.len(), 1);
    assert!(workers.iter().all(|worker| identity(*worker) == NOBODY));
}

#[test]
fn a_user_that_there_is_not_is_told() {
    let text = server("bind = 127.0.0.1:0\nuser = no-such-user");
    let finished = Test::new().ini(&text).arguments("serve").run().status(1);
    finished.tells("error: cannot drop privileges: there is no user `no-such-user`");
}

#[test]
fn only_root_can_become_another() {
    let text = server("bind = 127.0.0.1:0\nuser = root\nworkers = 0");
    let test = Test::new().ini(&text).arguments("serve");
    if !is_root() {
        let finished = test.run().status(1);
        finished.tells("only root can change to the `user` and `group` of the settings");
        return;
    }
    // The directory is to be readable by nobody, who cannot be root either.
    let line = "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\"";
    let finished = test.shell(line, File::open("/dev/null").unwrap()).run().status(1);
    finished.tells("only root can change to the `user` and `group` of the settings");
}

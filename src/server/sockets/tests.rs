//! Sockets as the system shows them, and the addresses that they keep from others.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::Socket;

use super::Sockets;
use crate::server::{Address, BindError, Endpoint, Inherited, Server, Settings, Share};
use crate::settings::Seconds;

/// Settings for addresses, with one attempt at each.
fn settings(addresses: &str) -> Settings {
    let mut settings = Settings::default();
    settings.bind_to(addresses.split(' ').map(|address| address.parse().unwrap()).collect());
    settings.retry_until_window = Seconds(Duration::ZERO);
    settings
}

async fn bind(addresses: &str, workers: usize) -> Result<Sockets, BindError> {
    Sockets::bind(&settings(addresses), workers, &mut Inherited::none()).await
}

fn ports(sockets: &Sockets) -> Vec<u16> {
    let addresses = sockets.endpoints().filter_map(Endpoint::socket_address);
    addresses.map(|address| address.port()).collect()
}

fn address(sockets: &Sockets) -> String {
    sockets.endpoints().next().unwrap().to_string()
}

/// The sockets of a share, to look at.
fn open(share: Share) -> Vec<Socket> {
    share.sockets.into_iter().map(|(_, socket)| socket.into()).collect()
}

#[tokio::test]
async fn the_options_are_set_before_anyone_connects() {
    let mut settings = settings("127.0.0.1:0");
    settings.tcp_keepidle = 77;
    let sockets = Sockets::bind(&settings, 2, &mut Inherited::none()).await.unwrap();
    for worker in 0..2 {
        let [socket] = &*open(sockets.share(worker).unwrap()) else { panic!("one socket each") };
        assert!(socket.is_listener().unwrap());
        assert!(socket.reuse_address().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
        assert!(socket.reuse_port().unwrap());
    }
}

/// How many connections wait to be accepted at a port of `127.0.0.1`.
fn waiting(port: u16) -> usize {
    let table = String::from_utf8(fs::read("/proc/net/tcp").unwrap()).unwrap();
    let own = format!("0100007F:{port:04X}");
    let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // A socket that listens has none at its other end, and shows its queue as what is to be read.
    let mut listening = fields.filter(|fields| fields[1] == own && fields[3] == "0A");
    let queues = listening.next().unwrap()[4].to_owned();
    usize::from_str_radix(queues.rsplit(':').next().unwrap(), 16).unwrap()
}

/// How often a connection found no room in a queue since the machine was started.
fn overflows() -> u64 {
    let table = String::from_utf8(fs::read("/proc/net/netstat").unwrap()).unwrap();
    let mut lines = table.lines().filter(|line| line.starts_with("TcpExt:"));
    let mut fields = || lines.next().unwrap().split_whitespace();
    let place = fields().position(|name| name == "ListenOverflows").unwrap();
    fields().nth(place).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_system_is_given_the_backlog() {
    let mut settings = settings("127.0.0.1:0");
    settings.backlog = 3;
    let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap();
    let address = sockets.endpoints().next().and_then(Endpoint::socket_address).unwrap();
    let before = overflows();
    let mut clients = Vec::new();
    // Linux lets one more in.
    while waiting(address.port()) < 4 {
        let client = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        // It goes on in the background.
        let _ = client.connect(&address.into());
        clients.push(client);
        std::thread::yield_now();
    }
    let late = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    late.set_nonblocking(true).unwrap();
    let _ = late.connect(&address.into());
    while overflows() == before {
        std::thread::yield_now();
    }
    assert_eq!(waiting(address.port()), 4);
}

#[tokio::test]
async fn all_addresses_of_both_kinds_can_be_listened_at() {
    let sockets = bind("[::]:0", 0).await.unwrap();
    let port = ports(&sockets)[0];
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    TcpStream::connect(("::1", port)).unwrap();
    drop(sockets);
    let (sockets, port) = loop {
        let port = ports(&bind("[::]:0", 0).await.unwrap())[0];
        let both = format!("[::]:{port} 0.0.0.0:{port} 127.0.0.1:{port}");
        // Somebody else may have been given it meanwhile.
        if let Ok(sockets) = bind(&both, 2).await {
            break (sockets, port);
        }
    };
    assert_eq!(ports(&sockets), [port, port]);
    assert!(open(sockets.share(1).unwrap())[0].only_v6().unwrap());
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    TcpStream::connect(("::1", port)).unwrap();
}

#[tokio::test]
async fn one_process_does_not_open_its_port_to_siblings() {
    let sockets = bind("127.0.0.1:0", 0).await.unwrap();
    assert!(!open(sockets.share(0).unwrap())[0].reuse_port().unwrap());
}

#[tokio::test]
async fn a_port_that_the_system_chooses_is_the_same_for_all_workers() {
    let sockets = bind("127.0.0.1:0 127.0.0.2:0", 3).await.unwrap();
    let expected = ports(&sockets);
    assert!(!expected.contains(&0), "{expected:?}");
    for worker in 0..3 {
        let shared = open(sockets.share(worker).unwrap());
        let port = |socket: &Socket| socket.local_addr().unwrap().as_socket().unwrap().port();
        assert_eq!(shared.iter().map(port).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn connections_are_spread_over_the_workers() {
    let sockets = bind("127.0.0.1:0", 4).await.unwrap();
    let address = address(&sockets);
    let clients: Vec<_> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let mut accepted = 0;
    for worker in 0..4 {
        let listener = TcpListener::from(open(sockets.share(worker).unwrap()).remove(0));
        listener.set_nonblocking(true).unwrap();
        let own = std::iter::from_fn(|| listener.accept().ok()).count();
        assert!(own > 10, "worker {worker} has {own} of 200");
        accepted += own;
    }
    assert_eq!(accepted, clients.len());
}

#[tokio::test]
async fn a_second_start_is_refused_however_many_workers_there_are() {
    for workers in [0, 1, 3] {
        let sockets = bind("127.0.0.1:0", workers).await.unwrap();
        let address = address(&sockets);
        let error = bind(&address, 3).await.unwrap_err().to_string();
        let expected =
            format!("Could not bind to {address}: another process listens there already");
        assert_eq!(error, expected, "{workers} workers");
    }
}

#[tokio::test]
async fn of_two_that_start_at_the_same_time_one_is_refused() {
    let taken = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    taken.set_reuse_address(true).unwrap();
    taken.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = taken.local_addr().unwrap().as_socket().unwrap();
    let _first = bind(&address.to_string(), 2).await.unwrap();
    assert!(taken.listen(1).is_err(), "the other comes too late");
}

#[tokio::test(start_paused = true)]
async fn an_address_in_use_is_tried_for_a_while() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut settings = settings(&address);
    settings.retry_until_window = Seconds(Duration::from_secs(3));
    let error = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap_err().to_string();
    let expected = format!(
        "Could not bind to {address} after trying for 3 seconds: another process listens there \
         already"
    );
    assert_eq!(error, expected);
    let waiting = tokio::spawn(async move {
        Sockets::bind(&settings, 0, &mut Inherited::none()).await.map(|sockets| ports(&sockets))
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(taken);
    let port = address.parse::<SocketAddr>().unwrap().port();
    assert_eq!(waiting.await.unwrap().unwrap(), [port]);
}

#[tokio::test(start_paused = true)]
async fn other_failures_are_told_at_once() {
    let begun = tokio::time::Instant::now();
    let mut settings = settings("192.0.2.77:0");
    settings.retry_until_window = Seconds(Duration::from_secs(30));
    let error = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap_err();
    let expected = "Could not bind to 192.0.2.77:0: this machine has no such address";
    assert_eq!(error.to_string(), expected);
    assert!(begun.elapsed().is_zero());
}

#[tokio::test]
async fn other_settings_keep_the_sockets_of_the_same_addresses() {
    let sockets = bind("127.0.0.1:0", 2).await.unwrap();
    let port = ports(&sockets)[0];
    let mut other = settings("127.0.0.2:0 127.0.0.1:0");
    other.tcp_keepidle = 33;
    let rebound = sockets.rebind(&other, 4, &mut Inherited::none()).await.unwrap();
    sockets.close();
    let probed_after = |worker| {
        let socket = open(rebound.share(worker).unwrap()).pop().unwrap();
        socket.tcp_keepalive_time().unwrap().as_secs()
    };
    assert_eq!([0, 1, 2, 3].map(probed_after), [600, 600, 33, 33], "it may be given up yet");
    rebound.adjust(&other);
    assert_eq!([0, 1, 2, 3].map(probed_after), [33; 4]);
    assert_eq!(ports(&rebound)[1], port);
    assert_eq!(rebound.share(3).unwrap().endpoints().count(), 2);
}

#[tokio::test]
async fn what_is_to_come_lets_no_client_in_before_it_is_served() {
    let sockets = bind("127.0.0.1:0", 1).await.unwrap();
    let at = address(&sockets);
    let other = settings("127.0.0.2:0 127.0.0.1:0");
    let coming = sockets.rebind(&other, 3, &mut Inherited::none()).await.unwrap();
    let new = address(&coming);
    assert_eq!(TcpStream::connect(&new).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let clients: Vec<_> = (0..30).map(|_| TcpStream::connect(&at).unwrap()).collect();
    let listener = TcpListener::from(open(sockets.share(0).unwrap()).remove(0));
    listener.set_nonblocking(true).unwrap();
    let accepted = std::iter::from_fn(|| listener.accept().ok()).count();
    assert_eq!(accepted, clients.len(), "none waits where nobody accepts yet");
    let server = Server::new(coming.share(2).unwrap(), other).unwrap();
    assert_eq!(server.endpoints().count(), 2);
    TcpStream::connect(&new).unwrap();
    assert!(open(coming.share(2).unwrap())[1].is_listener().unwrap());
    assert!(!open(coming.share(1).unwrap())[1].is_listener().unwrap());
    coming.share(3).unwrap_err();
}

#[tokio::test]
async fn another_number_of_workers_has_the_same_addresses_whatever_the_settings_name() {
    let sockets = bind("127.0.0.1:0", 2).await.unwrap();
    let port = ports(&sockets)[0];
    let unknown = settings("no-such-host.invalid:80");
    let more = sockets.resize(&unknown, 3).unwrap();
    assert_eq!(ports(&more), [port]);
    assert!(!open(more.share(2).unwrap())[0].is_listener().unwrap(), "nobody serves there yet");
    more.share(3).unwrap_err();
    let less = more.resize(&unknown, 1).unwrap();
    assert_eq!(ports(&less), [port]);
    less.share(1).unwrap_err();
}

/// Settings for an address, with a backlog.
fn with_backlog(address: &str, backlog: u32) -> Settings {
    Settings { backlog, ..settings(address) }
}

/// Has so many clients wait at a port of `127.0.0.1`, which nobody accepts.
fn wait_at(port: u16, clients: usize) -> Vec<TcpStream> {
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let connect = |_| TcpStream::connect_timeout(&at, Duration::from_secs(60)).unwrap();
    let connected = (0..clients).map(connect).collect();
    assert_eq!(waiting(port), clients);
    connected
}

#[tokio::test]
async fn what_is_served_keeps_its_backlog_until_it_is_adjusted() {
    let enough = with_backlog("127.0.0.1:0", 20);
    let sockets = Sockets::bind(&enough, 1, &mut Inherited::none()).await.unwrap();
    let less = with_backlog("127.0.0.1:0", 3);
    let coming = sockets.rebind(&less, 1, &mut Inherited::none()).await.unwrap();
    let _given_up = Server::new(coming.share(0).unwrap(), less).unwrap();
    let _clients = wait_at(ports(&sockets)[0], 20);
}

#[tokio::test]
async fn what_is_adjusted_has_the_backlog_of_the_settings() {
    let few = with_backlog("127.0.0.1:0", 3);
    let sockets = Sockets::bind(&few, 1, &mut Inherited::none()).await.unwrap();
    let more = with_backlog("127.0.0.1:0", 20);
    let coming = sockets.rebind(&more, 1, &mut Inherited::none()).await.unwrap();
    coming.adjust(&more);
    let _clients = wait_at(ports(&sockets)[0], 20);
}

#[tokio::test]
async fn a_server_that_stands_in_its_own_way_is_told_at_once() {
    let sockets = bind("127.0.0.1:0", 1).await.unwrap();
    let port = ports(&sockets)[0];
    let mut other = settings(&format!("0.0.0.0:{port}"));
    other.retry_until_window = Seconds(Duration::from_secs(3600));
    let error = sockets.rebind(&other, 1, &mut Inherited::none()).await.unwrap_err().to_string();
    let expected = format!(
        "Could not bind to 0.0.0.0:{port}: this server itself listens at 127.0.0.1:{port}, which \
         it can leave for that by a restart only"
    );
    assert_eq!(error, expected);
}

#[tokio::test]
async fn sockets_travel_in_parts() {
    let sockets = bind("127.0.0.1:0 127.0.0.2:0", 2).await.unwrap();
    let travel = |share: Share| {
        let (places, descriptors) = share.into_parts();
        let written = serde_json::to_string(&places).unwrap();
        Share::from_parts(serde_json::from_str(&written).unwrap(), descriptors).unwrap()
    };
    let shares = (0..2).map(|worker| travel(sockets.share(worker).unwrap())).collect();
    let adopted = Sockets::adopt(shares);
    assert_eq!(ports(&adopted), ports(&sockets));
    assert_eq!(adopted.share(1).unwrap().endpoints().count(), 2);
    let (places, _) = sockets.share(0).unwrap().into_parts();
    assert!(Share::from_parts(places, Vec::new()).is_none());
}

#[tokio::test]
async fn a_name_is_told_with_the_address_it_stands_for() {
    let sockets = bind("127.0.0.1:0", 0).await.unwrap();
    let named = Address::new("localhost", ports(&sockets)[0]).to_string();
    let error = bind(&named, 0).await.unwrap_err().to_string();
    let at = address(&sockets);
    let expected =
        format!("Could not bind to {named}: {at}: another process listens there already");
    assert_eq!(error, expected);
}

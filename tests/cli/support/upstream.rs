//! A server that stands in for the service behind a gateway.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use socket2::{Domain, Socket, Type};

use super::PATIENCE;
use super::answer::read_chunks;

/// A server that answers every request with `200` and the body `from upstream`, and keeps what
/// it was sent.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    requests: Receiver<String>,
    releases: Sender<()>,
}

impl Upstream {
    /// Starts one that answers at once, at a free port.
    pub(crate) fn start() -> Self {
        Self::spawn(|_| ())
    }

    /// Starts one that holds each answer back until it is [released](Self::release).
    pub(crate) fn holding() -> Self {
        Self::spawn(|releases| {
            let _ = releases.lock().unwrap().recv();
        })
    }

    fn spawn(hold: impl Fn(&Mutex<Receiver<()>>) + Copy + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let (releases, released) = channel();
        let released = Arc::new(Mutex::new(released));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, released) = (sender.clone(), Arc::clone(&released));
                thread::spawn(move || answer(&stream, &sender, || hold(&released)));
            }
        });
        Self { address, requests, releases }
    }

    /// Its address, as `host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lets one answer go.
    pub(crate) fn release(&self) {
        self.releases.send(()).unwrap();
    }

    /// Waits for the next request that it is sent: the head in lower case, and the body.
    #[track_caller]
    pub(crate) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }
}

/// An address that nobody listens at, and that nobody else gets while the socket is there.
pub(crate) fn closed_address() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Answers the requests of a connection until it ends. A request that is cut off is not kept.
fn answer(stream: &TcpStream, requests: &Sender<String>, hold: impl Fn()) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let request = read_request(&mut reader)?;
        // A test that has seen enough may have ended.
        let _ = requests.send(request);
        hold();
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nfrom upstream")?;
    }
}

fn read_request(reader: &mut impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body)?;
    if head.contains("\r\ntransfer-encoding: chunked\r\n") {
        read_chunks(reader, &mut body)?;
    }
    Ok(head + &String::from_utf8_lossy(&body))
}

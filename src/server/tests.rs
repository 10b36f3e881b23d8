//! A server as its clients see it, over sockets.

mod ends;
mod farewells;
mod first_lines;
mod frames;
mod http2;
mod http2_limits;
mod limits;
mod observed;
mod outlasting;
mod proxies;
mod requests;
mod resting;
mod tls;
mod unheard;
mod upgrades;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Address, Endpoint, Inherited, Running, Server, Settings, Sockets, Tls};
use crate::access_log::{Destination, Format};
use crate::app::{App, Request, RequestExt, response};
use crate::builtin::fixture::{self, Directory};
use crate::metrics::{Meter, Metrics, Refusal, Served};
use crate::settings::Setting;
use crate::source::Sources;

/// The settings of a server at a port that the system chooses.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.bind_to(vec![Address::new("127.0.0.1", 0)]);
    settings
}

async fn start(app: App) -> (Running, SocketAddr) {
    start_with(settings(), app).await
}

async fn start_with(settings: Settings, app: App) -> (Running, SocketAddr) {
    start_counted(settings, app, Arc::default()).await
}

async fn start_counted(settings: Settings, app: App, meter: Arc<Meter>) -> (Running, SocketAddr) {
    let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap();
    let tls = Tls::load(&settings, &Sources::default()).unwrap();
    let server = Server::new(sockets.share(0).unwrap(), settings).unwrap().counted_by(meter);
    let server = server.encrypted_by(tls);
    let address = server.endpoints().next().and_then(Endpoint::socket_address).unwrap();
    (server.start(app), address)
}

/// Waits until a refusal was counted so many times.
async fn refused(metrics: &Metrics, refusal: Refusal, times: u64) {
    while metrics.snapshot().apps["main"].refusals[refusal.name()] < times {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A client that writes and reads bytes as they are.
struct Client(TcpStream);

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// What arrives up to and with a text.
    async fn read_to(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = self.0.read_u8().await;
            let so_far = String::from_utf8_lossy(&read);
            read.push(byte.unwrap_or_else(|error| panic!("{error} after {so_far:?}")));
        }
        String::from_utf8(read).unwrap()
    }

    /// What arrives until the server closes the connection.
    async fn read_to_close(&mut self) -> String {
        let mut read = String::new();
        self.0.read_to_string(&mut read).await.unwrap();
        read
    }
}

/// Answers with what arrived: the method, the target, the peer, and the body.
fn mirror() -> App {
    App::from_fn(async |request: Request| {
        let peer = request.context().client().map(|client| client.to_string());
        let line = format!("{} {} {}", request.method(), request.uri(), peer.unwrap_or_default());
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        let body = body.unwrap_or_else(|error| error.to_string().into());
        response::text(StatusCode::OK, format!("{line} {}!", String::from_utf8_lossy(&body)))
    })
}

/// How many seconds pass until a connection is closed, on a clock that leaps to whatever comes
/// next. It is set going only when all that is left to do is to wait.
async fn seconds_to_close(client: &mut Client) -> u64 {
    tokio::time::pause();
    let start = Instant::now();
    client.read_to_close().await;
    tokio::time::resume();
    start.elapsed().as_secs()
}

fn says(text: &'static str) -> App {
    App::ready(move |_| response::text(StatusCode::OK, text))
}

/// An app that answers with more than the buffers of the system hold.
fn large() -> App {
    App::ready(|_| response::text(StatusCode::OK, Bytes::from(vec![b'x'; 16 << 20])))
}

/// An app that asks another server.
fn proxy_to(upstream: &str) -> App {
    fixture::app(&format!("[app:test]\nuse = egg:pasteline#proxy\nupstream = {upstream}"))
}

/// An app that keeps what it is asked, and reads nothing of it.
fn keeps() -> App {
    App::from_fn(|request: Request| async {
        let _request = request;
        std::future::pending().await
    })
}

/// An app that tells when it is asked, and answers `done` when it may.
fn waits() -> (App, Arc<Notify>, Arc<Notify>) {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell_begun, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let app = App::from_fn(move |_| {
        let (begun, go_on) = (Arc::clone(&tell_begun), Arc::clone(&wait));
        async move {
            begun.notify_one();
            go_on.notified().await;
            response::text(StatusCode::OK, "done")
        }
    });
    (app, begun, go_on)
}

/// A server that counts and logs what clients do to it.
struct Observed {
    running: Running,
    address: SocketAddr,
    metrics: Metrics,
    log: Directory,
}

impl Observed {
    async fn start(app: App) -> Self {
        Self::start_with(settings(), app).await
    }

    async fn start_with(mut settings: Settings, app: App) -> Self {
        let (metrics, log) = (Metrics::default(), Directory::new());
        settings.access_log = Some(Destination::File(log.path("log")));
        let format = "{client_ip} \"{request_line}\" {status} {length}";
        settings.access_format = Format::parse(format).unwrap();
        let (running, address) = start_counted(settings, app, metrics.meter("main")).await;
        Self { running, address, metrics, log }
    }

    /// What a client gets for some bytes, up to the end of the connection.
    async fn ask(&self, bytes: &str) -> String {
        let mut client = Client::connect(self.address).await;
        client.send(bytes).await;
        client.read_to_close().await
    }

    /// What was counted and logged up to the end of the server.
    async fn end(self) -> (Served, String) {
        self.running.end().await;
        let mut snapshot = self.metrics.snapshot();
        crate::access_log::flush(Duration::from_secs(60));
        (snapshot.apps.remove("main").unwrap(), self.log.read("log"))
    }
}

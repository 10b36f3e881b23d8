//! What holds for all bytes that a client may send. The fuzz target `connection` calls this as well.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use pasteline::app::{App, Request, RequestExt, Response, response};
use pasteline::server::{Address, Http2, Inherited, Server, Settings, Sockets, is_host};
use pasteline::settings::Setting;
use tokio::runtime::Builder;

/// How long an answer may take, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest body that is read.
const LONGEST: usize = 1 << 20;

/// What a client sends first that speaks HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What stands between the length of a frame and its body: its kind, its flags and its stream.
const REST_OF_FRAME_HEAD: usize = 6;

/// Whatever a client sends, what it gets are whole answers, the app sees only requests that are fit
/// for it, and the connection ends.
pub(crate) fn is_answered(bytes: &[u8]) {
    let client = UnixStream::connect_addr(server());
    let mut client = client.unwrap_or_else(|error| panic!("{error}"));
    client.set_read_timeout(Some(PATIENCE)).unwrap_or_else(|error| panic!("{error}"));
    let sent = client.write_all(bytes).and_then(|()| client.shutdown(Shutdown::Write));
    let mut answers = Vec::new();
    match client.read_to_end(&mut answers) {
        Ok(_) => {}
        // It need not read all that is sent before it closes.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
        Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(bytes)),
    }
    // Bytes that could not be sent are of no interest.
    drop(sent);
    if bytes.starts_with(PREFACE) {
        are_whole_frames(&answers, bytes);
    } else {
        are_whole(&answers, bytes);
    }
}

/// Reads frames of HTTP/2 one after another, to the end.
fn are_whole_frames(answers: &[u8], bytes: &[u8]) {
    let mut rest = answers;
    while let [first, second, third, after @ ..] = rest {
        let length = u32::from_be_bytes([0, *first, *second, *third]);
        let end = REST_OF_FRAME_HEAD + usize::try_from(length).unwrap_or(usize::MAX);
        let Some(after) = after.get(end..) else { break };
        rest = after;
    }
    assert!(rest.is_empty(), "a frame without an end: {bytes:?} was answered {answers:?}");
}

/// Reads answers one after another, to the end.
fn are_whole(answers: &[u8], bytes: &[u8]) {
    let fault = |reason: &str| -> ! {
        let (sent, got) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(answers));
        panic!("{reason}: {sent:?} was answered {got:?}")
    };
    let mut rest = answers;
    while !rest.is_empty() {
        let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") else {
            fault("a head without an end");
        };
        let head = String::from_utf8_lossy(&rest[..end + 2]).to_ascii_lowercase();
        rest = &rest[end + 4..];
        let field = |name: &str| {
            head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let status = head.strip_prefix("http/1.1 ").or(head.strip_prefix("http/1.0 "));
        let status = status.and_then(|line| line.get(..3)?.parse::<u16>().ok());
        match status {
            Some(100) => continue,
            Some(500) => fault("the app saw what is not fit for it"),
            Some(200..) => {}
            _ => fault("not an answer"),
        }
        let length = field("content-length").map_or(Ok(0), str::parse).unwrap_or(usize::MAX);
        if field("x-method") == Some("head") {
            continue;
        }
        // Nor does a refusal of `HEAD` have one, which ends the connection.
        let is_last = rest.is_empty() && bytes.windows(5).any(|five| five == b"HEAD ");
        match rest.get(length..) {
            Some(after) => rest = after,
            None if is_last => return,
            None => fault("a body without an end"),
        }
    }
}

/// The address of a server, which runs for as long as the process does: a name that goes with it.
fn server() -> &'static SocketAddr {
    static STARTED: OnceLock<SocketAddr> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    STARTED.get_or_init(|| {
        let name = format!("pasteline-connection-{}", std::process::id());
        let at = SocketAddr::from_abstract_name(&name).unwrap_or_else(|error| panic!("{error}"));
        let (sender, started) = channel();
        let address = format!("unix:@{name}");
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.unwrap_or_else(|error| panic!("{error}")).block_on(async {
                let mut settings = Settings { http2: Http2::On, ..Settings::default() };
                settings.bind_to(vec![Address::parse(&address).expect("it is an address")]);
                let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await;
                // They are held for as long as it serves: the file goes with them.
                let sockets = sockets.unwrap_or_else(|error| panic!("{error}"));
                let share = sockets.share(0);
                let share = share.unwrap_or_else(|error| panic!("{error}"));
                let server = Server::new(share, settings);
                let running = server.unwrap_or_else(|error| panic!("{error}")).start(echo());
                let _ = sender.send(());
                running.ended().await;
            });
        });
        started.recv().unwrap_or_else(|error| panic!("{error}"));
        at
    })
}

/// Answers with the body of the request, once it has looked at its head.
fn echo() -> App {
    App::from_fn(async |request: Request| {
        is_fit(&request);
        let method = request.method().clone();
        let body = Limited::new(request.into_body(), LONGEST).collect().await;
        let mut answer = match body {
            Ok(body) => response::text(StatusCode::OK, body.to_bytes()),
            Err(error) => response::text(StatusCode::BAD_REQUEST, error.to_string()),
        };
        tell_method(&mut answer, &method);
        answer
    })
}

/// The answer to `HEAD` tells the length of a body that is not there.
fn tell_method(answer: &mut Response, method: &Method) {
    if *method == Method::HEAD {
        answer.headers_mut().insert("x-method", http::HeaderValue::from_static("head"));
    }
}

fn is_fit(request: &Request) {
    let path = request.uri().path();
    let has_dots = path.split('/').any(|segment| [".", ".."].contains(&segment));
    assert!(!has_dots && !path.contains("//") && !path.contains('\\'), "{path}");
    let host = request.host().map(str::as_bytes);
    assert!(host.is_none_or(is_host), "{host:?}");
    assert!(request.method() != Method::CONNECT && request.method() != Method::TRACE);
    assert!(request.headers().keys().all(|name| !name.as_str().contains('_')));
}

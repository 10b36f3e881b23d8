//! How hosts are mapped by a name server that is made up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Name, Ttl};
use domain::rdata::Cname;
use http::StatusCode;
use http::header::{HOST, LOCATION};
use tokio::net::UdpSocket;

use super::*;
use crate::app::Body;
use crate::builtin::fixture::{faults, filter, text, values};

const ALIASES: &[(&str, &str)] = &[
    ("www.example.org", "photos.auth-alice.storage.example.com"),
    ("far.example.org", "near.example.org"),
    ("near.example.org", "auth-bob.storage.example.com"),
    ("odd.example.org", "a/b.storage.example.com"),
    ("same.example.org", "same.example.org"),
];

/// The address of a name server that knows these aliases, and how often it was asked.
pub(super) async fn dns() -> (String, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            counted.fetch_add(1, Ordering::Relaxed);
            let request = Message::from_octets(&buffer[..length]).unwrap();
            let question = request.sole_question().unwrap();
            let name = question.qname().to_string().to_lowercase();
            let alias = ALIASES.iter().find(|(known, _)| *known == name);
            let rcode = match alias {
                Some(_) => Rcode::NOERROR,
                None if name == "broken.example.org" => Rcode::SERVFAIL,
                None => Rcode::NXDOMAIN,
            };
            let mut reply = MessageBuilder::new_vec().start_answer(&request, rcode).unwrap();
            if let Some((_, alias)) = alias {
                let alias = Cname::new(Name::vec_from_str(alias).unwrap());
                reply.push((question.qname(), Ttl::from_secs(60), alias)).unwrap();
            }
            socket.send_to(&reply.finish(), client).await.unwrap();
        }
    });
    (address, asked)
}

fn section(server: &str, depth: u8) -> String {
    format!(
        "[filter:c]\nuse = egg:swift#cname_lookup\nstorage_domain = storage.example.com\n\
        lookup_depth = {depth}\nnameservers = {server}\n"
    )
}

/// An app that answers with the host it sees and sends clients there, behind the filter.
fn app(section: &str) -> App {
    let app = App::ready(|request: Request| {
        let host = request.host().unwrap_or_default().to_owned();
        let location = format!("http://{host}/next").parse().unwrap();
        let mut response = response::text(StatusCode::OK, host);
        response.headers_mut().insert(LOCATION, location);
        response
    });
    app.behind(&[filter(section)])
}

async fn answer(app: &App, host: &str) -> Response {
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
    app.answer(request).await
}

#[tokio::test]
async fn a_host_is_what_it_is_an_alias_of() {
    let (server, _) = dns().await;
    let app = app(&section(&server, 2));
    for (host, expected) in [
        ("www.example.org", "photos.auth-alice.storage.example.com"),
        ("WWW.example.org:8080", "photos.auth-alice.storage.example.com:8080"),
        ("www.example.org:", "photos.auth-alice.storage.example.com"),
        ("far.example.org", "auth-bob.storage.example.com"),
    ] {
        let response = answer(&app, host).await;
        assert_eq!(response.status(), StatusCode::OK, "{host}");
        assert_eq!(values(response.headers(), "location"), format!("http://{host}/next"));
        assert_eq!(text(response).await, expected);
    }
}

#[tokio::test]
async fn a_host_that_leads_nowhere_is_refused() {
    let (server, _) = dns().await;
    let app = app(&section(&server, 1));
    for (host, expected) in [
        ("none.example.org", NOWHERE),
        ("same.example.org", NOWHERE),
        ("odd.example.org", NOWHERE),
        ("a..b", NOWHERE),
        ("far.example.org", "CNAME lookup failed after 1 tries"),
    ] {
        let response = answer(&app, host).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{host}");
        assert_eq!(text(response).await, expected, "{host}");
    }
}

#[tokio::test]
async fn nobody_is_asked_about_the_storage_itself_and_addresses() {
    let (server, asked) = dns().await;
    let app = app(&section(&server, 1));
    for host in
        ["storage.example.com", "a.STORAGE.example.com:80", "192.0.2.1", "192.0.2.1:80", "[::1]:80"]
    {
        assert_eq!(text(answer(&app, host).await).await, host);
    }
    assert_eq!(text(app.answer(Request::new(Body::empty())).await).await, "");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_dns_says_is_remembered() {
    let (server, asked) = dns().await;
    let app = app(&section(&server, 1));
    for _ in 0..3 {
        assert_eq!(answer(&app, "www.example.org").await.status(), StatusCode::OK);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn each_wrong_value_is_told() {
    let section = "[filter:c]\nuse = egg:pasteline#cname_lookup\nlookup_depth = 0\n";
    let refused = "test.ini:3:16: error[bad-value]: `lookup_depth` is refused: it is at least 1; leave \
        the filter out to look up nothing";
    assert_eq!(faults(section), [refused]);
    let section = "[filter:c]\nuse = egg:pasteline#cname_lookup\nnameservers = dns.example.org\n";
    let refused = "test.ini:3:15: error[bad-value]: `nameservers` is `dns.example.org`, expected an \
        address, with `:port` or without; several are separated by commas";
    assert_eq!(faults(section), [refused]);
}

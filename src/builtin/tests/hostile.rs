//! Headers that no client of good will sends, through every filter.

use http::{HeaderName, HeaderValue, StatusCode};
use tokio::net::UdpSocket;

use super::{definitions, examples};
use crate::app::{App, Body, Filter, Request, response};
use crate::builtin::fixture::{Directory, filter};
use crate::registry::{Definition, Kind};

/// Headers that some filter reads.
const NAMES: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "if-none-match",
    "origin",
    "range",
    "referer",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-auth-project-id",
    "x-auth-token",
    "x-auth-user",
    "x-correlation-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-openstack-request-id",
    "x-remote-user",
    "x-roles",
    "x-service-token",
    "x-storage-token",
    "x-timestamp",
    "x-trans-id-extra",
    "x-user-id",
];

/// What a header may be: each with its values.
fn forms() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    vec![
        ("absent", vec![]),
        ("empty", vec![vec![]]),
        ("doubled", vec![b"a".to_vec(), b"b".to_vec()]),
        ("the same twice", vec![b"a".to_vec(), b"a".to_vec()]),
        ("huge", vec![vec![b'a'; 65_536]]),
        ("many", vec![b"a".to_vec(); 1_000]),
        ("a long list", vec![b"a, ".repeat(10_000)]),
        ("not ASCII", vec![b"\xc3\xa9 \xff\xfe".to_vec()]),
        ("a quote without an end", vec![b"for=\"a".to_vec()]),
        ("a scheme alone", vec![b"Bearer ".to_vec()]),
        ("Basic of no Base64", vec![b"Basic \xff:=".to_vec()]),
        ("a large number", vec![vec![b'9'; 400]]),
        ("a negative number", vec![b"-1".to_vec()]),
        ("separators", vec![b",;=:/?#[]@\"\\<>%00".to_vec()]),
    ]
}

/// Settings in place of those of a filter's example, so that it needs nothing of the world.
fn settings(name: &str, directory: &Directory, dns: &str) -> Option<String> {
    let path = |name: &str| directory.path(name).display().to_string();
    let login = "auth_url = http://127.0.0.1:1\nusername = a\nuser_domain_name = a\npassword = a\n\
        project_name = a\nproject_domain_name = a\nhttp_request_max_retries = 0";
    Some(match name {
        "access_log" | "audit" => format!("destination = {}", path("log")),
        "auth_token" | "oauth2_token" => login.to_owned(),
        "basic_auth" => format!("user_file = {}", path("users")),
        "cname_lookup" => format!("storage_domain = storage.example.com\nnameservers = {dns}"),
        "external_oauth2_token" => {
            "introspect_endpoint = http://127.0.0.1:1/\naudience = a\nclient_id = a\n\
             client_secret = a\nmapping_roles = a\nmapping_user_domain_id = a\n\
             mapping_user_domain_name = a\nmapping_project_domain_id = a\n\
             mapping_project_domain_name = a"
                .to_owned()
        }
        "memcache" => "memcache_servers = 127.0.0.1:1".to_owned(),
        "stats" => "name = a\nstats_host = 127.0.0.1\nstats_port = 1".to_owned(),
        _ => return None,
    })
}

/// The statuses past 499 that a filter's documentation promises for what it cannot ask.
fn is_documented(name: &str, status: StatusCode) -> bool {
    let asks = matches!(name, "auth_token" | "external_oauth2_token" | "oauth2_token");
    asks && status == StatusCode::SERVICE_UNAVAILABLE
}

/// A filter as its example has it, or by settings of its own.
pub(super) fn minimal(definition: &Definition, directory: &Directory, dns: &str) -> Filter {
    let name = definition.name;
    let used = format!("use = egg:pasteline#{name}\n");
    if let Some(options) = settings(name, directory, dns) {
        return filter(&format!("[filter:it]\n{used}{options}\n"));
    }
    let example = examples(definition.doc).remove(0);
    let sections = example.split("\n[").map(|section| section.trim_start_matches('['));
    let mut own = sections.filter(|text| text.starts_with("filter:") && text.contains(&used));
    let section = own.next().unwrap_or_else(|| panic!("no example of `{name}` is a filter"));
    filter(&format!("[{section}\n"))
}

/// The address of a name server that knows no name.
pub(super) async fn dns() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            // It is a reply, and there is no such name.
            buffer[2] |= 0x80;
            buffer[3] = 0x83;
            let _ = socket.send_to(&buffer[..length], client).await;
        }
    });
    address
}

fn request(name: &str, values: &[Vec<u8>]) -> Request {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = "/v1/account/container".parse().unwrap();
    let header: HeaderName = name.parse().unwrap();
    for value in values {
        request.headers_mut().append(&header, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

#[tokio::test]
async fn every_filter_meets_hostile_headers_without_a_failure() {
    let (directory, forms, dns) = (Directory::new(), forms(), dns().await);
    std::fs::write(directory.path("users"), "").unwrap();
    let mut met = 0;
    for definition in definitions().filter(|definition| definition.is(Kind::Filter)) {
        let app = App::ready(|_| response::text(StatusCode::OK, "answered"));
        let app = app.behind(&[minimal(definition, &directory, &dns)]);
        for name in NAMES {
            for (form, values) in &forms {
                let status = app.answer(request(name, values)).await.status();
                let is_fine = !status.is_server_error() || is_documented(definition.name, status);
                assert!(is_fine, "{}: {name} is {form}: {status}", definition.name);
            }
        }
        met += 1;
    }
    assert!(met > 20, "{met}");
}

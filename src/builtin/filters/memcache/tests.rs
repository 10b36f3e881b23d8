//! What filters count in a memcached that is made up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::app::{App, Body, response};
use crate::builtin::fixture::{closed_address, faults, filter};

/// A memcached of numbers: where it is, and what it holds, by the names' MD5.
struct Fake {
    address: String,
    numbers: Arc<Mutex<HashMap<String, u64>>>,
}

impl Fake {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let numbers = Arc::new(Mutex::new(HashMap::new()));
        let theirs = Arc::clone(&numbers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(BufReader::new(stream), Arc::clone(&theirs)));
            }
        });
        Self { address, numbers }
    }
}

async fn serve(mut stream: BufReader<TcpStream>, numbers: Arc<Mutex<HashMap<String, u64>>>) {
    let mut line = String::new();
    while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let mut value = String::new();
        if matches!(&*words[0], "add" | "set") {
            stream.read_line(&mut value).await.unwrap();
        }
        let reply = answer(&words, value.trim(), &mut numbers.lock().unwrap());
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
        line.clear();
    }
}

fn answer(words: &[String], value: &str, numbers: &mut HashMap<String, u64>) -> String {
    let known = numbers.contains_key(&words[1]);
    match &*words[0] {
        "add" if known => return "NOT_STORED".to_owned(),
        "add" | "set" => {
            numbers.insert(words[1].clone(), value.parse().unwrap());
            return "STORED".to_owned();
        }
        _ if !known => return "NOT_FOUND".to_owned(),
        _ => {}
    }
    let by: u64 = words[2].parse().unwrap();
    let number = numbers.get_mut(&words[1]).unwrap();
    *number = if words[0] == "incr" { *number + by } else { number.saturating_sub(by) };
    number.to_string()
}

/// A worker that limits accounts, and counts in memcached.
fn worker(address: &str, options: &str) -> App {
    let app = App::ready(|_| response::text(StatusCode::OK, ""));
    let shared = format!(
        "[filter:m]\nuse = egg:swift#memcache\nmemcache_servers = {address}\nio_timeout = 600\n"
    );
    let limit = format!("[filter:r]\nuse = egg:swift#ratelimit\n{options}\n");
    app.behind(&[filter(&shared), filter(&limit)])
}

async fn put(app: &App) -> u16 {
    let request = http::Request::put("/v1/a/c").body(Body::empty()).unwrap();
    app.answer(request).await.status().as_u16()
}

const NAME: &str = "303ee612a33e25a45881c59b064dad78"; // the MD5 of `ratelimit/a`

#[tokio::test]
async fn workers_count_together_and_who_is_refused_does_not_count() {
    let fake = Fake::start().await;
    // A quarter of an hour for each request, so that no time that a test takes counts.
    let options = "account_ratelimit = 0.001\nmax_sleep_time_seconds = 60";
    let (one, other) = (worker(&fake.address, options), worker(&fake.address, options));
    assert_eq!([put(&one).await, put(&other).await, put(&one).await], [200, 498, 498]);
    let first = fake.numbers.lock().unwrap()[NAME];
    assert_eq!(put(&other).await, 498);
    assert_eq!(fake.numbers.lock().unwrap()[NAME], first);
}

#[tokio::test]
async fn without_memcached_each_counts_for_itself() {
    let (_closed, address) = closed_address();
    let address = address.to_string();
    let options = "account_ratelimit = 0.001\nmax_sleep_time_seconds = 60";
    let (one, other) = (worker(&address, options), worker(&address, options));
    for worker in [one, other] {
        assert_eq!([put(&worker).await, put(&worker).await], [200, 498]);
    }
}

#[test]
fn each_wrong_value_is_told() {
    for (option, expected) in [
        ("memcache_servers = a:", "`host:port`, `[address]:port` or `unix:/path`"),
        ("memcache_servers =", "at least one server must be named"),
        ("memcache_max_connections = 0", "it must be from 1 to 10000"),
        ("tries = 0", "it must be from 1 to 10000"),
        ("io_timeout = 0", "it must be more than no time"),
        ("tls_enabled = true", "connections to memcached are not encrypted"),
    ] {
        let faults = faults(&format!("[filter:m]\nuse = egg:swift#memcache\n{option}\n"));
        assert!(matches!(&*faults, [fault] if fault.contains(expected)), "{option}: {faults:?}");
    }
}

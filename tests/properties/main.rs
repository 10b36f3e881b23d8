//! Properties of the parser and the formatter, held against texts made of what matters to them and
//! against the seeds of the fuzz targets.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod agreement;
mod connection;
mod files;
mod forwarded;
mod head;
mod host;
mod layout;
mod load;
mod mend;
mod path;
mod proxy_header;
mod text;

use proptest::prelude::{Strategy, prop, proptest};
use proptest::sample::select;

use self::agreement::is_read_the_same_by_rust_ini;
use self::connection::is_answered;
use self::forwarded::is_believed_or_refused;
use self::head::is_let_through_or_refused;
use self::host::is_host_to_others;
use self::layout::is_formatted;
use self::load::is_loaded;
use self::mend::is_mended;
use self::path::is_made_plain;
use self::proxy_header::is_read_within_bounds;
use self::text::{is_lossless, is_read};

/// Pieces of paste files, whole and broken.
const PIECES: &[&str] = &[
    "[app:main]",
    "[DEFAULT]",
    "[",
    "]",
    "=",
    ":",
    " = ",
    "#",
    ";",
    "%",
    "%%",
    "%(a)s",
    "%(b)s",
    "%(",
    ")s",
    "a",
    "b",
    "use",
    "set a",
    "egg:Paste#urlmap",
    "call:",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\u{c}",
    "\u{1c}",
    "\u{85}",
    "\u{2028}",
    "\u{3000}",
    "\u{200b}",
    "\u{feff}",
    "\0",
    "\u{e9}",
    "\u{1f600}",
];

/// Pieces of the bytes that begin a connection which a proxy passes on.
const FIRST_BYTES: &[&[u8]] = &[
    b"PROXY ",
    b"TCP4 ",
    b"TCP6 ",
    b"UNKNOWN",
    b"192.0.2.1 ",
    b"::1 ",
    b"443",
    b" ",
    b"\r\n",
    b"\n",
    b"\r\n\r\n\0\r\nQUIT\n",
    b"\x20",
    b"\x21\x11",
    b"\x21\x21",
    b"\x21\x31",
    b"\0",
    b"\0\x0c",
    b"\0\x24",
    b"\x03\0\x04",
    b"\xff\xff",
    b"GET / HTTP/1.1",
];

/// Pieces of paths and hosts.
const TARGET_PIECES: &[&str] = &[
    "/", "/", ".", "..", "a", "b", "%", "%2e", "%2E", "%2f", "%5c", "%61", "%25", "%00", "%3b",
    "2", "e", "\\", ";", "x", "[", "]", ":", "::1", "80", "@", "_", "-", "~", "\u{e9}",
];

/// Pieces of heads and what follows them.
const HTTP_PIECES: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /a HTTP/1.1\r\n",
    "HEAD /../b HTTP/1.0\r\n",
    "OPTIONS * HTTP/1.1\r\n",
    "GET http://a/%2e HTTP/1.1\r\n",
    "Host: a\r\n",
    "Host: b:80\r\n",
    "X_A: b\r\n",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "\r\n",
    "\r\n",
    "hello",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "5;a=\"b\"\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\0",
    "\n",
    " ",
];

/// Fields by which proxies tell of clients, in pieces.
const TOLD_PIECES: &[&str] = &[
    "forwarded: ",
    "x-forwarded-for: ",
    "x-forwarded-proto: ",
    "x-forwarded-host: ",
    "x-forwarded-prefix: ",
    "\n",
    "\n",
    "for=",
    "proto=",
    "host=",
    "by=",
    "192.0.2.1",
    "10.0.0.2",
    "\"[2001:db8::1]:80\"",
    "https",
    "a.example",
    "_hidden",
    "unknown",
    ", ",
    ";",
    "\"",
    "\\",
    "/",
];

/// Lines that rust-ini reads as well.
const LINES: &[&str] = &[
    "[app:main]",
    "[filter:b]",
    "[DEFAULT]",
    "# c",
    "; c",
    "",
    "a = 1",
    "b: 2 # c",
    "c=",
    "d = = :",
    "e f = g h",
    "/v2.0 = x",
    "g = \u{4e00}",
];

/// Lines of files without faults, for any depth. A `@` stands for a number, as keys and names
/// differ.
const FORMATTED: &[&str] = &[
    "[s@]",
    "[ s @ ] ; c",
    "k@ = v",
    "k@=v",
    "k@ :",
    "pipeline =\ta",
    "k@ = [",
    "[k@: v",
    "; c",
    "# k = v",
    "",
];

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

fn first_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(select(FIRST_BYTES), 0..16).prop_map(|pieces| pieces.concat())
}

fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(select(of), 0..12).prop_map(|pieces| pieces.concat())
}

fn plain_texts() -> impl Strategy<Value = String> {
    prop::collection::vec(select(LINES), 0..12).prop_map(|lines| lines.join("\n"))
}

/// Texts without faults, for the most part.
fn laid_out_texts() -> impl Strategy<Value = String> {
    let depth = select(&["", "", "", "  ", "    ", "\t", "          "][..]);
    let end = select(&["\n", "\n", "\n\n", " \n\n\n", "\r\n"][..]);
    let line = (depth, select(FORMATTED), end);
    prop::collection::vec(line, 0..15).prop_map(|lines| {
        let numbered = lines.iter().zip(0..).map(|((depth, line, end), number)| {
            format!("{depth}{}{end}", line.replacen('@', &number.to_string(), 1))
        });
        format!("[s]\n{}", numbered.collect::<String>())
    })
}

proptest! {
    #[test]
    fn every_text_is_lossless(text in texts()) {
        is_lossless(&text);
    }

    #[test]
    fn every_text_is_read(text in texts()) {
        is_read(&text);
        is_read(&format!("[s]\n{text}"));
    }

    #[test]
    fn every_text_is_formatted_or_refused(text in texts()) {
        is_formatted(&text);
        is_formatted(&format!("[s]\n{text}"));
    }

    #[test]
    fn texts_without_faults_are_formatted(text in laid_out_texts()) {
        is_formatted(&text);
    }

    #[test]
    fn every_text_is_mended_or_left(text in texts()) {
        is_mended(&text);
        is_mended(&format!("[app:main]\nuse = egg:pasteline#respond\n{text}"));
    }

    #[test]
    fn every_text_is_loaded(text in texts()) {
        is_loaded(&text);
        is_loaded(&format!("[app:main]\nuse = a\n[composite:a]\n{text}"));
    }

    #[test]
    fn the_first_bytes_of_a_connection_are_read_within_bounds(bytes in first_bytes()) {
        is_read_within_bounds(&bytes);
    }

    #[test]
    fn every_path_is_made_plain_or_refused(path in pieces(TARGET_PIECES)) {
        is_made_plain(&path);
    }

    #[test]
    fn every_host_is_one_to_others(host in pieces(TARGET_PIECES)) {
        is_host_to_others(host.as_bytes());
    }

    #[test]
    fn every_head_is_let_through_or_refused(path in pieces(TARGET_PIECES)) {
        is_let_through_or_refused(&format!("GET /{path} 1.1\nhost: a\nx_a: b\n"));
    }

    #[test]
    fn whatever_proxies_tell_is_believed_or_refused(told in pieces(TOLD_PIECES)) {
        is_believed_or_refused(&told);
    }

    #[test]
    fn whatever_comes_by_a_connection_is_answered(sent in pieces(HTTP_PIECES)) {
        is_answered(sent.as_bytes());
    }

    #[test]
    fn plain_texts_are_read_as_rust_ini_does(text in plain_texts()) {
        is_read_the_same_by_rust_ini(&text);
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_parse_hold() {
    for text in seeds("parse") {
        is_lossless(&text);
        is_read(&text);
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_agree_hold() {
    let seeds = seeds("agree");
    assert!(seeds.iter().all(|text| is_read_the_same_by_rust_ini(text)), "all can be compared");
    for text in seeds_of(&["parse", "fmt"]) {
        is_read_the_same_by_rust_ini(&text);
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_fmt_hold() {
    for text in seeds_of(&["parse", "fmt"]) {
        is_formatted(&text);
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_load_hold() {
    for text in seeds_of(&["load", "parse", "fmt"]) {
        is_loaded(&text);
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_proxy_header_hold() {
    let seeds = raw_seeds("proxy_header");
    assert!(seeds.len() > 4, "the seeds are there");
    for bytes in &seeds {
        is_read_within_bounds(bytes);
    }
}

#[test]
fn the_seeds_of_the_fuzz_targets_for_requests_hold() {
    for text in seeds("head") {
        is_let_through_or_refused(&text);
    }
    for text in seeds("path") {
        is_made_plain(&text);
    }
    for text in seeds("host") {
        is_host_to_others(text.as_bytes());
    }
    for text in seeds("forwarded") {
        is_believed_or_refused(&text);
    }
    for bytes in raw_seeds("connection") {
        is_answered(&bytes);
    }
}

fn seeds_of(targets: &[&str]) -> Vec<String> {
    targets.iter().flat_map(|target| seeds(target)).collect()
}

#[test]
fn the_seeds_of_the_fuzz_target_fix_hold() {
    for text in seeds_of(&["fix", "load", "parse", "fmt"]) {
        is_mended(&text);
    }
}

/// The texts that a fuzz target begins with.
fn seeds(target: &str) -> Vec<String> {
    let bytes = raw_seeds(target).into_iter();
    let texts: Vec<_> = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
    assert!(texts.len() > 4, "the seeds are there");
    texts
}

fn raw_seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/");
    let files = std::fs::read_dir(format!("{directory}{target}")).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

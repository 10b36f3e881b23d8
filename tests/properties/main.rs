//! Properties of the parser, held against texts made of what matters to it and against the seeds
//! of the fuzz target.

mod text;

use proptest::prelude::{Strategy, prop, proptest};
use proptest::sample::select;

use self::text::{is_lossless, is_read, is_read_the_same_by_rust_ini};

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

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

fn plain_texts() -> impl Strategy<Value = String> {
    prop::collection::vec(select(LINES), 0..12).prop_map(|lines| lines.join("\n"))
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
    fn plain_texts_are_read_as_rust_ini_does(text in plain_texts()) {
        is_read_the_same_by_rust_ini(&text);
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_hold() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/parse");
    let mut count = 0;
    for seed in std::fs::read_dir(seeds).unwrap() {
        let bytes = std::fs::read(seed.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        is_lossless(&text);
        is_read(&text);
        is_read_the_same_by_rust_ini(&text);
        count += 1;
    }
    assert!(count > 5, "the seeds are there");
}

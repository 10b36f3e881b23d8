//! Any bytes can be parsed, without loss, and mean the same to rust-ini where they must.

#![no_main]

#[path = "../../tests/properties/text.rs"]
mod text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    text::is_lossless(&text);
    text::is_read(&text);
    text::is_read_the_same_by_rust_ini(&text);
});

//! Any bytes can be parsed, and without loss.

#![no_main]

#[path = "../../tests/properties/text.rs"]
mod text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    text::is_lossless(&text);
    text::is_read(&text);
});

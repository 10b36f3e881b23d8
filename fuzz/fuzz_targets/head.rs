//! Any head of a request is let through whole or refused.

#![no_main]

#[path = "../../tests/properties/head.rs"]
mod head;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    head::is_let_through_or_refused(&String::from_utf8_lossy(bytes));
});

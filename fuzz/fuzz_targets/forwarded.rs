//! Whatever proxies tell of a client is believed or refused.

#![no_main]

#[path = "../../tests/properties/forwarded.rs"]
mod forwarded;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    forwarded::is_believed_or_refused(&String::from_utf8_lossy(bytes));
});

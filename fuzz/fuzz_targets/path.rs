//! Any path is made plain or refused.

#![no_main]

#[path = "../../tests/properties/path.rs"]
mod path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    path::is_made_plain(&String::from_utf8_lossy(bytes));
});

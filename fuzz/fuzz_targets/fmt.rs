//! Any text can be formatted: its meaning is kept, and the result stays as it is.

#![no_main]

#[path = "../../tests/properties/layout.rs"]
mod layout;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    layout::is_formatted(&String::from_utf8_lossy(bytes));
});

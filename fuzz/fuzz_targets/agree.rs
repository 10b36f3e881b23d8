//! What means the same to rust-ini is read the same.

#![no_main]

#[path = "../../tests/properties/agreement.rs"]
mod agreement;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    agreement::is_read_the_same_by_rust_ini(&String::from_utf8_lossy(bytes));
});

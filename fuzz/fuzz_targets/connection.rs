//! Any bytes may come by a connection.

#![no_main]

#[path = "../../tests/properties/connection.rs"]
mod connection;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| connection::is_answered(bytes));

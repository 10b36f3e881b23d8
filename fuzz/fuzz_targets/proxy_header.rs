//! Any bytes may begin a connection that a proxy passes on.

#![no_main]

#[path = "../../tests/properties/proxy_header.rs"]
mod proxy_header;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| proxy_header::is_read_within_bounds(bytes));

//! What is a host to the server is one to others, too.

#![no_main]

#[path = "../../tests/properties/host.rs"]
mod host;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| host::is_host_to_others(bytes));

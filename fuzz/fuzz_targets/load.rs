//! Any files can be loaded: they are checked, shown, drawn and dropped, whatever they say.

#![no_main]

#[path = "../../tests/properties/files.rs"]
mod files;
#[path = "../../tests/properties/load.rs"]
mod load;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    load::is_loaded(&String::from_utf8_lossy(bytes));
});

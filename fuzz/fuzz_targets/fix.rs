//! Any file, with what lies over it, is mended or left: fixes do no harm, and a second time there is
//! nothing to mend.

#![no_main]

#[path = "../../tests/properties/files.rs"]
mod files;
#[path = "../../tests/properties/mend.rs"]
mod mend;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mend::is_mended(&String::from_utf8_lossy(bytes));
});

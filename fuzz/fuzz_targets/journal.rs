#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target is about one of them")]
mod laws;

fuzz_target!(|bytes: &[u8]| {
    drop(laws::journal::verified(bytes));
    let folder = tempfile::tempdir().unwrap();
    laws::journal::goes_on(folder.path(), bytes);
});

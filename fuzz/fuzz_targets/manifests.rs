#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target is about one of them")]
mod laws;

fuzz_target!(|text: &str| {
    laws::manifests::judged(text);
});

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target is about one of them")]
mod laws;

use laws::wire::{WAYS, answered, request, simulator};

fuzz_target!(|input: (u8, &str, &[u8])| {
    let (way, more, body) = input;
    if let Some(request) = request(WAYS[usize::from(way) % WAYS.len()], more, body) {
        answered(&simulator(), request);
    }
});

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target is about one of them")]
mod laws;

use laws::answers::{ANSWERS, Spoiled, nothing_is_absent};

const STATUSES: [u16; 8] = [200, 200, 200, 301, 400, 404, 429, 503];

fuzz_target!(|input: (u8, u8, Vec<u8>)| {
    let (which, status, body) = input;
    let (name, _) = ANSWERS[usize::from(which) % (ANSWERS.len() - 1)];
    let status = STATUSES[usize::from(status) % STATUSES.len()];
    // What is an answer may be one of another world.
    let is_garbage = serde_json::from_slice::<serde_json::Value>(&body).is_err();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(nothing_is_absent(Spoiled { name, status, body }, is_garbage));
});

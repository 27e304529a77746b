//! What holds of every input: text that people write, bytes that AWS sends, files that a crash
//! leaves behind, requests that anybody makes.
//!
//! Each property is a function in [`laws`] that takes the input and panics where it does not hold.
//! Here they are given inputs made for them, few in the normal run and as many as `PROPTEST_CASES`
//! says in a longer one; `fuzz/` gives them whatever bytes reach new code.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]
#![expect(clippy::string_slice, reason = "texts are cut where a character begins")]

mod answers;
mod content;
#[path = "../content/generate.rs"]
mod generate;
mod journal;
mod laws;
mod manifests;
#[path = "../content/schema.rs"]
#[expect(dead_code, reason = "what the test of the fixed point asks of the schema")]
mod schema;
mod wire;

use proptest::test_runner::Config;

/// What the generated contents need of the organization.
mod support {
    pub(crate) const MANAGEMENT: &str = "111122223333";
}

/// So many cases, or as many as `PROPTEST_CASES` asks for.
fn cases(few: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok());
    Config { cases: asked.unwrap_or(few), failure_persistence: None, ..Config::default() }
}

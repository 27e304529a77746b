//! Random histories: what happens to an organization in a week, thousands of times, each in a
//! second and each again whenever it is asked for.
//!
//! A seed gives a small organization, its manifests and a list of [steps](story::Event): people edit
//! the text, strangers edit the world, AWS errs, the process dies at some call, another one is alive
//! as well, time passes. The real controller plays it through the real SDK against the simulator, in
//! one thread and on a paused clock. Then faults stop, and the history is [judged](judge).
//!
//! | variable | means | default |
//! |---|---|---|
//! | `BEDRAIL_HISTORIES` | how many | 30 |
//! | `BEDRAIL_SEED` | the first seed; alone, the one history to play, with its trace | 1 |
//! | `BEDRAIL_STEPS` | which of its steps, as `0,2,5` | all |
//! | `BEDRAIL_THREADS` | how many are played at once | the cores |

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "events are told apart where they come in")]
#![expect(clippy::print_stdout, reason = "how much was played is the result")]

mod checker;
mod console;
mod disk;
mod files;
mod foreign;
mod judge;
mod laws;
mod ledger;
#[cfg(feature = "planted")]
mod planted;
mod play;
mod plots;
mod process;
mod protocol;
mod regressions;
mod run;
mod setting;
mod situations;
mod spoiler;
mod story;
mod text;
mod trace;
mod world;

use run::{Tally, histories, play, setting_of};
use story::Story;

/// Half of what a history costs is memory, with the system's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[test]
fn random_histories_break_no_invariant_and_end_as_the_text_has_it() {
    let asked = setting_of("BEDRAIL_SEED");
    let count = setting_of("BEDRAIL_HISTORIES");
    let first = asked.unwrap_or(1);
    if let (Some(seed), None) = (asked, count) {
        let story = run::chosen(&Story::new(seed));
        let played = play(&story);
        println!("{}", played.text());
        println!("{story:#?}\n{:#?}", played.reached);
        assert!(played.wrong.is_empty(), "{}", played.report(&story));
        return;
    }
    let tally: Tally = histories(first, count.unwrap_or(30));
    println!("{tally}");
    for (situation, count) in situations::reach(&tally) {
        println!("situation {count} {situation}");
    }
    let missed = situations::missed(&tally);
    println!("{} situations not reached: {missed:#?}", missed.len());
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n\n"));
    assert!(missed.is_empty() || !situations::are_many(&tally), "not reached: {missed:#?}");
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    for seed in [3, 11, 14, 20, 26, 49] {
        let story = Story::new(seed);
        let (one, other) = (play(&story), play(&story));
        assert!(one.calls > 50, "nothing was played");
        let (one, other) = (one.text(), other.text());
        for (index, (one, other)) in one.lines().zip(other.lines()).enumerate() {
            assert_eq!(one, other, "call {index} of seed {seed}");
        }
        assert_eq!(one.len(), other.len());
    }
}

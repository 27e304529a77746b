//! Everything that can strike a change, at every call, one run each.
//!
//! In the normal run, which has minutes, a process dies after every write and at one read in
//! [`CRASH_STRIDE`]: between two writes the world stays the same, and a process that starts knows
//! nothing but the world, so that to die at one of the calls in between is to die at all of them. At
//! every write an answer is lost, and the other faults take turns; so they do at one read in
//! [`FAULT_STRIDE`]. What happens once all is as wanted is looked at after one run in [`LOOK_STRIDE`].
//! `BEDRAIL_SWEEP=crashes` lets a process die at every call instead, and does nothing else;
//! `BEDRAIL_SWEEP=full` leaves out nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::change::{Change, Look};
use crate::strike::{Kind, Strike};

/// Of the reads, one in so many is struck by a fault.
const FAULT_STRIDE: usize = 29;

/// Of the reads, a process dies at one in so many.
const CRASH_STRIDE: usize = 41;

/// Of the pairs, one in so many is played.
const PAIR_STRIDE: usize = 97;

/// Of the runs, so many once.
const LOOK_STRIDE: usize = 11;

/// What a crash and then a fault is counted as.
const PAIRS: &str = "pairs";

/// Failures that are shown.
const SHOWN_MAX: usize = 6;

/// What a sweep came to.
#[derive(Default)]
struct Tally {
    played: BTreeMap<&'static str, usize>,
    all: BTreeMap<&'static str, usize>,
    slowest: Option<(Duration, String)>,
    wrong: Vec<String>,
}

/// How much of a sweep is played.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Share,
    Crashes,
    Full,
}

fn extent() -> Extent {
    match std::env::var("BEDRAIL_SWEEP").as_deref() {
        Ok("crashes") => Extent::Crashes,
        Ok("full") => Extent::Full,
        Ok(other) => panic!("BEDRAIL_SWEEP is `{other}`; it may be `crashes` or `full`"),
        Err(_) => Extent::Share,
    }
}

fn is_full() -> bool {
    extent() == Extent::Full
}

/// The strikes that `BEDRAIL_STRIKES` asks for, as `CrashAfter@12,Throttle@3`.
fn asked() -> Option<Vec<Strike>> {
    let text = std::env::var("BEDRAIL_STRIKES").ok()?;
    Some(text.split(',').map(|it| it.parse().unwrap()).collect())
}

/// Strikes a change at each of its calls.
pub(crate) fn sweep(change: &Change) {
    let mut tally = Tally::default();
    if let Some(strikes) = asked() {
        tally.play(change, "runs asked for", &strikes);
        return tally.end(change);
    }
    let mut writes = 0;
    for (after, call) in change.calls.iter().enumerate() {
        for kind in Kind::CRASHES.into_iter().chain(Kind::FAULTS) {
            let what = if kind.is_crash() { "crashes" } else { "faults" };
            *tally.all.entry(what).or_default() += 1;
            let is_its_turn = match (extent(), call.is_write()) {
                (Extent::Share, true) => is_its_turn_at_write(writes, kind),
                (Extent::Share, false) => is_its_turn_at_read(after, kind),
                // After a read all is as before it.
                (Extent::Crashes, is_write) => {
                    kind == Kind::CrashBefore || (is_write && kind == Kind::CrashAfter)
                }
                (Extent::Full, _) => true,
            };
            if is_its_turn {
                tally.play(change, what, &[Strike { kind, after }]);
            }
        }
        writes += usize::from(call.is_write());
    }
    tally.end(change);
}

/// Strikes the process that comes after a dead one at each of its calls.
pub(crate) fn sweep_pairs(change: &Change) {
    let mut tally = Tally::default();
    if asked().is_some() || extent() == Extent::Crashes {
        return;
    }
    let mut count = 0;
    let writes = change.calls.iter().enumerate().filter(|(_, call)| call.is_write());
    // Each of these leaves a world that no other does.
    let deaths = writes.flat_map(|(after, _)| Kind::CRASHES.map(|kind| Strike { kind, after }));
    for death in deaths {
        let Ok(run) = change.struck_by(&[death], Look::Away) else { continue };
        for after in 0..run.calls {
            for kind in Kind::FAULTS {
                *tally.all.entry(PAIRS).or_default() += 1;
                count += 1;
                if is_full() || count % PAIR_STRIDE == 0 {
                    tally.play(change, PAIRS, &[death, Strike { kind, after }]);
                }
            }
        }
    }
    tally.end(change);
}

/// Faults that take turns at writes.
const AT_WRITES: [Kind; 6] = [
    Kind::Throttle,
    Kind::TimeoutAfter,
    Kind::Denied,
    Kind::Malformed,
    Kind::ErrorBefore,
    Kind::TimeoutBefore,
];

/// Faults that take turns at reads, which have no effect: none differs by it.
const AT_READS: [Kind; 5] =
    [Kind::Throttle, Kind::Denied, Kind::TimeoutBefore, Kind::Malformed, Kind::ErrorBefore];

fn is_its_turn_at_write(index: usize, kind: Kind) -> bool {
    let turn = AT_WRITES.get(index % AT_WRITES.len());
    kind == Kind::CrashAfter || kind == Kind::ErrorAfter || turn == Some(&kind)
}

fn is_its_turn_at_read(after: usize, kind: Kind) -> bool {
    if kind.is_crash() {
        return kind == Kind::CrashBefore && after.is_multiple_of(CRASH_STRIDE);
    }
    let turn = AT_READS.get(after / FAULT_STRIDE % AT_READS.len());
    after.is_multiple_of(FAULT_STRIDE) && turn == Some(&kind)
}

impl Tally {
    fn play(&mut self, change: &Change, what: &'static str, strikes: &[Strike]) {
        let named: Vec<String> = strikes.iter().map(Strike::to_string).collect();
        let named = named.join(",");
        let is_its_turn = self.played.values().sum::<usize>().is_multiple_of(LOOK_STRIDE);
        let look = if is_full() || is_its_turn { Look::On } else { Look::Away };
        *self.played.entry(what).or_default() += 1;
        match change.struck_by(strikes, look) {
            Ok(run) => {
                let lost = change.lost_by(&run);
                if self.slowest.as_ref().is_none_or(|(most, _)| lost > *most) {
                    self.slowest = Some((lost, named));
                }
            }
            Err(wrong) => {
                let at = strikes.first().and_then(|it| change.calls.get(it.after));
                let at = at.map(ToString::to_string).unwrap_or_default();
                self.wrong.push(format!("BEDRAIL_STRIKES={named} ({at})\n  {wrong}"));
            }
        }
    }

    fn end(self, change: &Change) {
        let writes = change.calls.iter().filter(|it| it.is_write()).count();
        let mut line = format!("{}: {} calls, {writes} writes", change.name, change.calls.len());
        for (what, played) in &self.played {
            let all = self.all.get(what).unwrap_or(played);
            write!(line, "; {played} of {all} {what} swept").unwrap();
        }
        if let Some((lost, by)) = &self.slowest {
            write!(line, "; at most {} s lost, by {by}", lost.as_secs()).unwrap();
        }
        println!("{line}");
        // Pairs are of a change that is swept alone, too.
        if !self.played.contains_key(PAIRS) {
            println!("figure sweeps.changes 1\nfigure sweeps.positions {}", change.calls.len());
        }
        for (what, played) in &self.played {
            let all = self.all.get(what).unwrap_or(played);
            println!("figure sweeps.{what} {played}\nfigure sweeps.{what}.all {all}");
        }
        println!("figure sweeps.wrong {}", self.wrong.len());
        let shown: Vec<&str> = self.wrong.iter().take(SHOWN_MAX).map(String::as_str).collect();
        let count = self.wrong.len();
        assert!(count == 0, "{}: {count} runs went wrong:\n{}", change.name, shown.join("\n"));
    }
}

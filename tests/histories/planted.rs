//! Does the net catch fish: bugs planted in the controller, each caught within so many histories.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bedrail::planted::{Planted, plant};

use crate::run::{setting_of, until_failure};

/// Histories within which every bug is caught.
const MOST: u64 = 150;

/// Bugs that a second defence makes harmless, so that no history can show them: which it is.
const HARMLESS: [(Planted, &str); 3] = [
    (Planted::DraftNotReadBack, "what is published is read back before it is referenced"),
    (Planted::GraceIgnored, "AWS takes a name once, and a token twice for one"),
    (Planted::OneReadEnough, "the same, and all that is deleted was read since it was given up"),
];

/// What it took to catch a bug.
struct Catch {
    bug: Planted,
    histories: Option<u64>,
    by: String,
}

fn hunt(bug: Planted, first: u64, most: u64) -> Catch {
    plant(Some(bug));
    let caught = until_failure(first, most);
    plant(None);
    let (histories, by) = caught.map_or((None, String::new()), |(count, by)| (Some(count), by));
    Catch { bug, histories, by }
}

/// Bugs that a few histories are enough for.
const PLAIN: [Planted; 6] = [
    Planted::DeletedBeforePut,
    Planted::DescriptionBelieved,
    Planted::FailureTakenAsAbsent,
    Planted::OldestVersion,
    Planted::PageDropped,
    Planted::ResyncLost,
];

#[test]
fn plain_planted_bugs_are_caught_within_a_few_histories() {
    hunt_all(&PLAIN, 12);
}

#[test]
#[ignore = "takes minutes; benches/histories.sh runs it"]
fn every_planted_bug_is_caught() {
    let is_harmless = |bug: &Planted| HARMLESS.iter().any(|(harmless, _)| harmless == bug);
    let bugs: Vec<Planted> = Planted::ALL.iter().copied().filter(|it| !is_harmless(it)).collect();
    for (bug, why) in HARMLESS {
        println!("{:>24} not sought: {why}", bug.name());
    }
    hunt_all(&bugs, setting_of("BEDRAIL_HISTORIES").unwrap_or(MOST));
}

fn hunt_all(bugs: &[Planted], most: u64) {
    let first = setting_of("BEDRAIL_SEED").unwrap_or(1);
    let next = AtomicUsize::new(0);
    let catches = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    std::thread::scope(|scope| {
        for _ in 0..setting_of("BEDRAIL_THREADS").unwrap_or(cores) {
            scope.spawn(|| {
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let catch = hunt(*bug, first, most);
                    let line = catch.by.lines().take(2).collect::<String>();
                    let line: String = line.chars().take(150).collect();
                    println!("{:>24} {:>4?}  {line}", catch.bug.name(), catch.histories);
                    catches.lock().unwrap().push(catch);
                }
            });
        }
    });
    let catches = catches.into_inner().unwrap();
    let mut counts: Vec<u64> = catches.iter().filter_map(|it| it.histories).collect();
    counts.sort_unstable();
    println!(
        "{} of {} caught; histories to detection: median {:?}, worst {:?}",
        counts.len(),
        catches.len(),
        counts.get(counts.len() / 2),
        counts.last(),
    );
    let missed: Vec<&str> =
        catches.iter().filter(|it| it.histories.is_none()).map(|it| it.bug.name()).collect();
    assert!(missed.is_empty(), "not caught within {most} histories: {missed:?}");
}

#[test]
fn no_release_has_planted_bugs() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, features) = manifest.split_once("[features]").unwrap();
    let (features, _) = features.split_once("\n[").unwrap();
    assert!(features.contains("planted = []"), "{features}");
    let is_default = |line: &&str| line.starts_with("default") && line.contains("planted");
    assert_eq!(features.lines().find(is_default), None);
    let enabling = features.lines().filter(|line| line.contains("\"planted\"")).count();
    assert_eq!(enabling, 0, "another feature brings it in");
}

//! Does the net catch fish: bugs planted in the controller, each caught within so many histories of
//! the [plot](crate::plots) that brings it out, or by a test that is for it alone.
//!
//! A history counts as a catch only if the same one ends well without the bug.
//!
//! | variable | means | default |
//! |---|---|---|
//! | `BEDRAIL_BUG` | the one bug to seek | all |
//! | `BEDRAIL_HISTORIES` | histories in which it must be caught | 20 |
//! | `BEDRAIL_SEED` | the first seed | 1 |

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bedrail::planted::{Planted, plant};

use crate::plots::Plot;
use crate::run::{play, setting_of};
use crate::story::Story;

/// Histories within which every bug is caught.
const MOST: u64 = 20;

/// Bugs that histories show, and in which plot. The first [`QUICK`] are sought in every run.
const IN_HISTORIES: [(Planted, Plot); 44] = [
    (Planted::OneReadEnough, Plot::Reworded),
    (Planted::SettleSkipped, Plot::Reworded),
    (Planted::DraftNotReadBack, Plot::Reworded),
    (Planted::OldestVersion, Plot::Reworded),
    (Planted::GuardOff, Plot::Unapproved),
    (Planted::DeletedBeforePut, Plot::Rolled),
    (Planted::WaveOpenedEarly, Plot::Rolled),
    (Planted::BakeSkipped, Plot::Rolled),
    (Planted::ForeignStatementsDropped, Plot::Shared),
    (Planted::DeniedTakenAsAbsent, Plot::Unreadable),
    (Planted::FailureTakenAsAbsent, Plot::Unreadable),
    (Planted::RenamedTakenAsAbsent, Plot::Renamed),
    (Planted::TagsOverwritten, Plot::Tagged),
    (Planted::PageDropped, Plot::Reworded),
    (Planted::DescriptionBelieved, Plot::Reworded),
    (Planted::RandomToken, Plot::Unanswered),
    (Planted::ReferencesForgotten, Plot::LeftBehind),
    (Planted::OrphanRemoved, Plot::Moved),
    (Planted::AdmissionAssumed, Plot::Unshared),
    (Planted::FieldForgotten, Plot::Reworded),
    (Planted::GraceIgnored, Plot::Unlisted),
    (Planted::StaleGenerationGoesOn, Plot::TakenUp),
    (Planted::ResyncLost, Plot::Disturbed),
    (Planted::WrongRegion, Plot::Reworded),
    (Planted::WrongCredentials, Plot::Narrowed),
    (Planted::SessionKept, Plot::Slept),
    (Planted::TokenAcrossRevisions, Plot::Reworded),
    (Planted::TokenUnsalted, Plot::Returned),
    (Planted::BackoffForgotten, Plot::Stuck),
    (Planted::LostUpdate, Plot::Overtaken),
    (Planted::GrantNotReadBack, Plot::Withdrawn),
    (Planted::VersionNotReadBack, Plot::Deleted),
    (Planted::TwinBelieved, Plot::Twinned),
    (Planted::SettingsIgnored, Plot::Narrowed),
    (Planted::ConfigIdForgotten, Plot::Narrowed),
    (Planted::ReadyThoughUnequal, Plot::Stuck),
    (Planted::ClosedVisited, Plot::Closed),
    (Planted::TreeReadOnce, Plot::Joined),
    (Planted::StaleLookBelieved, Plot::Disturbed),
    (Planted::TearDownForgotten, Plot::TornDown),
    (Planted::BlockDropped, Plot::Dark),
    (Planted::PolicyTypeAssumed, Plot::TakenUp),
    (Planted::OwnRoleNotExempt, Plot::Guarded),
    (Planted::PlanWrites, Plot::LookedAt),
];

/// How many of them are sought in every run: those that the first history or two show.
const QUICK: usize = 7;

/// Bugs that no history shows, and the test that does: its target, as cargo is told, and its name.
const ELSEWHERE: [(Planted, &[&str], &str); 14] = [
    (
        Planted::HandOverHurried,
        &["--lib"],
        "plan::organization::tests::succession::a_target_is_left_to_those_above_it_once_they_had_time",
    ),
    (
        Planted::FailedTakenAsReady,
        &["--lib"],
        "plan::replica::tests::facts::a_version_that_failed_is_referenced_by_nobody",
    ),
    (
        Planted::PreviousCollected,
        &["--lib"],
        "plan::replica::collect::tests::what_somebody_may_need_stays_and_the_rest_goes",
    ),
    (
        Planted::QuotaIgnored,
        &["--lib"],
        "plan::replica::collect::tests::at_the_quota_something_goes_before_the_next_is_published",
    ),
    (Planted::OnForeignIgnored, &["--lib"], "plan::cell::tests::the_slot_decides_what_is_done"),
    (
        Planted::OwnerIgnored,
        &["--lib"],
        "plan::laws::a_replica_settles_as_desired_and_what_is_not_ours_stays_as_it_was",
    ),
    (
        Planted::LockoutUnchecked,
        &["--lib"],
        "plan::service_control::tests::lockouts::what_surely_denies_our_role_or_everybody_is_refused_and_doubt_is_not",
    ),
    (
        Planted::AdditiveTakenAsExclusive,
        &["--lib"],
        "plan::service_control::tests::steps::policies_of_others_stay_where_a_manifest_only_adds",
    ),
    (
        Planted::PassAssumedComplete,
        &["--lib"],
        "plan::guard::tests::nothing_goes_before_everything_was_visited",
    ),
    (
        Planted::AnyApprovalFits,
        &["--lib"],
        "plan::guard::tests::an_approval_releases_what_it_names_and_what_is_left_of_it",
    ),
    (
        Planted::ExpiryIgnored,
        &["--lib"],
        "plan::guard::tests::an_expired_approval_is_named_as_such",
    ),
    (
        Planted::RivalUnseen,
        &["--lib"],
        "plan::rival::tests::only_a_write_beside_us_shows_another_controller",
    ),
    (
        Planted::OldReadActedUpon,
        &["--test", "drift"],
        "life::a_process_that_was_paused_does_not_go_on_with_an_old_plan",
    ),
    (
        Planted::JournalAfter,
        &["--test", "journal"],
        "every_write_is_in_the_journal_and_how_it_ended",
    ),
];

/// What it took to catch a bug.
struct Catch {
    bug: Planted,
    histories: Option<u64>,
    by: String,
}

/// Seeks a bug in histories that are about a plot.
fn hunt(bug: Planted, plot: Plot, first: u64, most: u64) -> Catch {
    for passed in 0..most {
        let story = Story::about(first + passed, plot);
        plant(Some(bug));
        let caught = play(&story).wrong;
        plant(None);
        let Some(by) = caught.into_iter().next() else { continue };
        let without = play(&story);
        if !without.wrong.is_empty() {
            // That is no catch, but a bug of the controller, or of the net.
            let by = format!("ends badly without it, too: {}", without.report(&story));
            return Catch { bug, histories: None, by };
        }
        return Catch { bug, histories: Some(passed + 1), by };
    }
    Catch { bug, histories: None, by: String::new() }
}

#[test]
fn plain_planted_bugs_are_caught_within_a_few_histories() {
    hunt_all(IN_HISTORIES.get(..QUICK).unwrap());
}

#[test]
#[ignore = "takes minutes; .ci/run and benches/proof.sh run it"]
fn every_planted_bug_is_caught() {
    let named = std::env::var("BEDRAIL_BUG").ok();
    let is_meant = |bug: Planted| named.as_deref().is_none_or(|name| name == bug.name());
    let bugs = IN_HISTORIES.into_iter().filter(|(bug, _)| is_meant(*bug));
    hunt_all(&bugs.collect::<Vec<_>>());
}

/// Each fails with its bug, and passes without one.
#[test]
#[ignore = "builds other tests; .ci/run and benches/proof.sh run it"]
fn what_no_history_shows_fails_the_test_that_is_for_it() {
    let named = std::env::var("BEDRAIL_BUG").ok();
    let is_meant = |bug: Planted| named.as_deref().is_none_or(|name| name == bug.name());
    let sought: Vec<_> = ELSEWHERE.into_iter().filter(|(bug, ..)| is_meant(*bug)).collect();
    let mut of_target: BTreeMap<&[&str], Vec<&str>> = BTreeMap::new();
    for (_, target, test) in &sought {
        of_target.entry(target).or_default().push(test);
    }
    let without: String =
        of_target.iter().map(|(target, tests)| elsewhere(target, tests, "")).collect();
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(Vec::new());
    let work = || {
        while let Some((bug, target, test)) = sought.get(next.fetch_add(1, Ordering::Relaxed)) {
            let with = elsewhere(target, &[test], bug.name());
            let passes = without.contains(&format!("test {test} ... ok"));
            let fails = with.contains(&format!("test {test} ... FAILED"));
            println!("{:>24} {passes} {fails}  {test}", bug.name());
            if !passes || !fails {
                missed.lock().unwrap().push(bug.name());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let missed = missed.into_inner().unwrap();
    println!("figure planted.elsewhere {}", sought.len() - missed.len());
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

/// What tests of another binary print, which is built and run by cargo.
fn elsewhere(target: &[&str], tests: &[&str], planted: &str) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--all-features"]).args(target).args(["--", "--exact"]).args(tests);
    // What a planted bug fails on is nothing to remember.
    cargo.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
    let output = cargo.env("BEDRAIL_PLANTED", planted).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_planted_bug_is_sought_once() {
    let of_histories = IN_HISTORIES.iter().map(|(bug, _)| *bug);
    let mut sought: Vec<Planted> =
        of_histories.chain(ELSEWHERE.iter().map(|(bug, ..)| *bug)).collect();
    sought.sort_unstable();
    let mut all = Planted::ALL.to_vec();
    all.sort_unstable();
    assert_eq!(sought, all);
    assert!(all.len() >= 40);
}

fn hunt_all(bugs: &[(Planted, Plot)]) {
    let first = setting_of("BEDRAIL_SEED").unwrap_or(1);
    let most = setting_of("BEDRAIL_HISTORIES").unwrap_or(MOST);
    let next = AtomicUsize::new(0);
    let catches = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    std::thread::scope(|scope| {
        for _ in 0..setting_of("BEDRAIL_THREADS").unwrap_or(cores) {
            scope.spawn(|| {
                while let Some((bug, plot)) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let catch = hunt(*bug, *plot, first, most);
                    let line = catch.by.lines().take(2).collect::<String>();
                    let line: String = line.chars().take(150).collect();
                    println!("{:>24} {:>4?}  {plot:?}: {line}", catch.bug.name(), catch.histories);
                    catches.lock().unwrap().push(catch);
                }
            });
        }
    });
    let catches = catches.into_inner().unwrap();
    let mut counts: Vec<u64> = catches.iter().filter_map(|it| it.histories).collect();
    counts.sort_unstable();
    let (median, worst) = (counts.get(counts.len() / 2), counts.last());
    println!("figure planted.sought {}\nfigure planted.caught {}", catches.len(), counts.len());
    println!("figure planted.median {}", median.copied().unwrap_or(0));
    println!("figure planted.worst {}", worst.copied().unwrap_or(0));
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

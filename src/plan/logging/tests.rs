use std::time::Duration;

use super::*;
use crate::model::{Bucket, DataKind, LogGroup};
use crate::plan::confirm::Timing;
use crate::plan::fixture::{MEMBER, World, cell, summary, unread};

fn to(bucket: &str) -> LoggingConfig {
    LoggingConfig {
        log_group: None,
        bucket: Some(Bucket { name: bucket.to_owned(), prefix: None }),
        delivered: DataKind::ALL.into(),
    }
}

fn with_group(config: LoggingConfig) -> LoggingConfig {
    let group = LogGroup { name: "/g".to_owned(), role: "r".to_owned(), large_data: None };
    LoggingConfig { log_group: Some(group), ..config }
}

fn want(config: &LoggingConfig) -> DesiredLogging {
    DesiredLogging {
        state: Presence::Present,
        manifest: "logs".parse().unwrap(),
        config: config.clone(),
        on_foreign: OnForeign::Replace,
    }
}

fn plan(want: &DesiredLogging, live: Option<&LoggingConfig>, memory: &mut LoggingMemory) -> Plan {
    let live = live.cloned().map_or(Read::KnownAbsent, Read::Known);
    plan_logging(&cell(MEMBER), want, &live, memory, &World::new().context())
}

/// A memory of `config` in force.
fn seen(config: &LoggingConfig) -> LoggingMemory {
    let mut memory = LoggingMemory::default();
    assert_eq!(plan(&want(config), Some(config), &mut memory), Plan::default());
    memory
}

/// What it is called, the text, what is live and known, and what is planned and lost.
type Row<'a> = (
    &'a str,
    &'a DesiredLogging,
    Option<&'a LoggingConfig>,
    &'a LoggingMemory,
    &'a [&'a str],
    bool,
);

#[test]
fn what_is_live_and_what_is_known_decide_what_is_done_and_what_counts_as_lost() {
    let (ours, old, theirs) = (to("ours"), to("old"), to("theirs"));
    let both = with_group(ours.clone());
    let want_both = want(&both);
    let hold = DesiredLogging { on_foreign: OnForeign::Hold, ..want(&ours) };
    let put: &[&str] = &["PutModelInvocationLoggingConfiguration"];
    let waits: &[&str] = &["held ForeignConfiguration"];
    let (fresh, ours_seen, old_seen, both_seen) =
        (LoggingMemory::default(), seen(&ours), seen(&old), seen(&both));
    let rows: Vec<Row> = vec![
        ("nothing there", &hold, None, &fresh, put, false),
        ("as asked", &hold, Some(&ours), &fresh, &[], false),
        ("foreign, replace", &WANT, Some(&theirs), &fresh, put, true),
        ("foreign, hold", &hold, Some(&theirs), &fresh, waits, false),
        ("drift", &WANT, Some(&theirs), &ours_seen, put, false),
        ("drift, hold", &hold, Some(&theirs), &ours_seen, waits, false),
        ("drift that logs more", &WANT, Some(&both), &ours_seen, put, false),
        ("the text moved", &hold, Some(&old), &old_seen, put, false),
        ("the text narrowed", &hold, Some(&both), &both_seen, put, true),
        ("foreign, and all it logs stays", &want_both, Some(&ours), &fresh, put, false),
    ];
    for (what, want, live, memory, steps, is_loss) in rows {
        let plan = plan(want, live, &mut memory.clone());
        assert_eq!(summary(&plan), steps, "{what}");
        assert_eq!(!plan.losses.is_empty(), is_loss, "{what}");
        assert_eq!(plan.steps.iter().any(Step::is_loss), is_loss, "{what}");
    }
}

static WANT: std::sync::LazyLock<DesiredLogging> = std::sync::LazyLock::new(|| want(&to("ours")));

#[test]
fn what_cannot_be_read_is_held_and_forgets_nothing() {
    let mut memory = seen(&to("ours"));
    let read = Read::Unknown(unread());
    let world = World::new();
    let plan = plan_logging(&cell(MEMBER), &WANT, &read, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held Unreadable"]);
    assert_eq!(memory, seen(&to("ours")));
}

#[test]
fn absent_takes_away_what_it_says_once_confirmed_and_nothing_else() {
    let absent = DesiredLogging { state: Presence::Absent, ..want(&to("ours")) };
    let (mut memory, mut world) = (LoggingMemory::default(), World::new());
    let mut visit = |world: &World, live: Option<LoggingConfig>| {
        let live = live.map_or(Read::KnownAbsent, Read::Known);
        let plan = plan_logging(&cell(MEMBER), &absent, &live, &mut memory, &world.context());
        (summary(&plan), plan.losses.len())
    };
    let named = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(visit(&world, None), (named(&[]), 0));
    assert_eq!(visit(&world, Some(to("theirs"))), (named(&["orphan"]), 0));
    assert_eq!(visit(&world, Some(to("ours"))), (named(&["held Confirming"]), 1));
    world.wait(Timing::default().confirm_after.as_secs());
    let delete = named(&["DeleteModelInvocationLoggingConfiguration"]);
    assert_eq!(visit(&world, Some(to("ours"))), (delete, 1));
}

#[test]
fn what_no_manifest_claims_any_more_is_reported_and_left_alone() {
    let rows = [(Some(to("ours")), 1), (Some(to("theirs")), 0), (None, 0)];
    for (live, orphans) in rows {
        let live = live.map_or(Read::KnownAbsent, Read::Known);
        let plan = plan_left_logging(&cell(MEMBER), &WANT, &live);
        assert_eq!((plan.orphans.len(), plan.steps.len()), (orphans, 0), "{live:?}");
    }
}

#[test]
fn what_aws_refuses_is_explained_and_tried_again_later_or_with_another_text() {
    let (mut memory, mut world) = (LoggingMemory::default(), World::new());
    let want_both = want(&with_group(to("ours")));
    memory.was_refused(&want_both.config, "Failed to validate".to_owned(), world.now);
    let mut visit = |world: &World, want: &DesiredLogging| {
        plan_logging(&cell(MEMBER), want, &Read::KnownAbsent, &mut memory, &world.context())
    };
    let held = visit(&world, &want_both);
    assert_eq!(summary(&held), ["held DestinationRefused"]);
    let wanted = [
        "Failed to validate",
        "s3:PutObject",
        &format!("arn:aws:s3:::ours/AWSLogs/{MEMBER}/BedrockModelInvocationLogs/*"),
        "role r must trust bedrock.amazonaws.com",
        "logs:PutLogEvents",
    ];
    for words in wanted {
        assert!(held.held[0].message.contains(words), "{words}: {}", held.held[0].message);
    }
    let put = ["PutModelInvocationLoggingConfiguration"];
    assert_eq!(summary(&visit(&world, &WANT)), put, "another text is tried at once");
    world.wait(Duration::from_mins(5).as_secs());
    assert_eq!(summary(&visit(&world, &want_both)), put);
}

#[test]
fn what_was_written_is_ours_and_in_force_only_once_it_was_read() {
    let mut memory = LoggingMemory::default();
    let planned = plan(&want(&to("ours")), None, &mut memory);
    let [put] = planned.steps.as_slice() else { panic!("{planned:?}") };
    memory.wrote(put);
    assert!(memory.is_ours(&to("ours")) && !memory.is_ours(&to("theirs")));
    assert!(!memory.is_in_force());
    assert!(seen(&to("ours")).is_in_force());
}

//! What a process remembers of a replica, and for how long.

use super::*;
use crate::plan::fixture::{TIMING, arn, content, version};

fn revision(text: &str) -> ReplicaRevision {
    content(text).replica_revision()
}

#[test]
fn a_version_may_appear_until_two_reads_after_the_grace_missed_it() {
    let Timing { confirm_after, own_write_grace, .. } = TIMING;
    let second = Duration::from_secs(1);
    let mut given = Publication { version: version(1), at: second, missing_since: None };
    let trusted = second + own_write_grace;
    assert_eq!(given.may_appear_for(second, &TIMING), own_write_grace);
    assert_eq!(given.may_appear_for(trusted.saturating_sub(second), &TIMING), second);
    assert_eq!(given.may_appear_for(trusted, &TIMING), confirm_after);
    assert_eq!(given.may_appear_for(trusted + confirm_after, &TIMING), Duration::ZERO);
    given.appeared();
    let later = trusted + confirm_after * 2;
    assert_eq!(given.may_appear_for(later, &TIMING), confirm_after, "missed anew");
}

#[test]
fn only_the_same_update_again_and_again_is_fruitless() {
    let change = |to: &str| vec![FieldChange::new("name", None, Some(to.to_owned()))];
    let mut memory = ReplicaMemory::default();
    for _ in 0..FRUITLESS_UPDATES_MAX {
        memory.updated(&change("a"));
        memory.updated(&change("b"));
    }
    assert!(!memory.is_fruitless(&change("b")));
    for _ in 1..FRUITLESS_UPDATES_MAX {
        memory.updated(&change("b"));
    }
    assert!(memory.is_fruitless(&change("b")) && !memory.is_fruitless(&change("a")));
    memory.converged();
    assert!(!memory.is_fruitless(&change("b")));
}

#[test]
fn a_version_that_aws_keeps_counts_as_used_for_a_while() {
    let mut memory = ReplicaMemory::default();
    let at = Duration::from_secs(7);
    memory.refused(version(3), at);
    let last = at + IN_USE_FOR;
    assert_eq!(
        memory.in_use(last.saturating_sub(Duration::from_secs(1))),
        BTreeSet::from([version(3)])
    );
    assert_eq!(memory.in_use(last), BTreeSet::new());
}

#[test]
fn a_guardrail_that_was_seen_ends_the_series_of_creates() {
    let mut memory = ReplicaMemory::default();
    assert_eq!(memory.guardrail_salt(), Some(String::new()));
    memory.created(arn("aaa"));
    assert_eq!(memory.guardrail_salt(), Some("aaa".to_owned()));
    memory.seen();
    assert_eq!(memory.guardrail_salt(), Some(String::new()));
}

#[test]
fn what_is_published_ends_the_series_of_publications() {
    let mut memory = ReplicaMemory::default();
    memory.published(revision("a"), version(4), Duration::ZERO);
    assert_eq!(memory.version_salt(&revision("a")), Some("4".to_owned()));
    assert_eq!(memory.version_salt(&revision("b")), Some(String::new()));
    memory.forget_published(&revision("a"));
    assert_eq!(memory.version_salt(&revision("a")), Some(String::new()));
}

#[test]
fn another_content_settles_anew() {
    let mut memory = ReplicaMemory::default();
    let wait = TIMING.confirm_after;
    let mut settles_in = |text: &str, at: Duration| memory.settles_in(&revision(text), at, &TIMING);
    assert_eq!(settles_in("a", Duration::ZERO), wait);
    assert_eq!(settles_in("a", wait), Duration::ZERO);
    assert_eq!(settles_in("b", wait), wait);
    assert_eq!(settles_in("b", wait * 2), Duration::ZERO);
}

//! What tags should say of rollouts, and which revisions rollouts keep.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::Stage;
use super::{Decision, MarkTags, revisions_in_use, tags};
use crate::model::{
    Accepted, DesiredEnforcement, EnforcementKey, EnforcementKind, MarkKind, Name, PolicyFact,
    ReplicaKey, Revision, RolloutMarks, WaveMark,
};
use crate::plan::fixture::{
    World, content, desired_rollout, desired_text, fact, key, no_selection, policy_fact,
};

const ACCOUNT: EnforcementKind = EnforcementKind::Account;
const ORGANIZATION: EnforcementKind = EnforcementKind::Organization;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn revision(text: &str) -> Revision {
    content(text).revision()
}

fn accepted(text: &str) -> RolloutMarks {
    RolloutMarks { accepted: Some(Accepted::Revision(revision(text))), ..RolloutMarks::default() }
}

fn decision(target: &str, before: Option<&str>, marks: Option<RolloutMarks>) -> Decision {
    Decision { target: revision(target), accepted: before.map(revision), stage: Stage::Done, marks }
}

/// The text of an enforcement of `guardrail`.
fn say(world: &mut World, (kind, enforcement): (EnforcementKind, &str), guardrail: &str) {
    let text = DesiredEnforcement { guardrail: name(guardrail), ..desired_text(no_selection()) };
    world.enforcements.insert(EnforcementKey { kind, name: name(enforcement) }, text);
}

/// Its text has a rollout.
fn roll_out(world: &mut World, enforcement: &str) {
    world.waves.insert(name(enforcement), desired_rollout(Vec::new()));
}

#[test]
fn marks_are_of_the_rollouts_of_the_guardrail_and_the_others_go() {
    let all = || MarkKind::ALL.map(|kind| kind.tag(&name("all")));
    let gone = MarkTags { unwanted: BTreeSet::from(all()), ..MarkTags::default() };
    let [of_accepted, of_rejected, of_wave] = all();
    let value = accepted("a").value(MarkKind::Accepted).unwrap();
    let said = MarkTags {
        wanted: BTreeMap::from([(of_accepted, value)]),
        unwanted: BTreeSet::from([of_rejected, of_wave]),
    };
    let told = decision("b", None, Some(accepted("a")));
    let untold = decision("b", None, None);
    let rows = [
        ("rolled out", ACCOUNT, "baseline", true, Some(&told), &said),
        ("not told yet", ACCOUNT, "baseline", true, Some(&untold), &MarkTags::default()),
        ("not decided yet", ACCOUNT, "baseline", true, None, &MarkTags::default()),
        ("no rollout any more", ACCOUNT, "baseline", false, Some(&told), &gone),
        ("no rollout any more, nor a decision", ACCOUNT, "baseline", false, None, &gone),
        ("of another guardrail", ACCOUNT, "other", true, Some(&told), &gone),
        ("its policy says it", ORGANIZATION, "baseline", true, Some(&told), &MarkTags::default()),
    ];
    for (what, kind, guardrail, is_rolled_out, decided, expected) in rows {
        let mut world = World::new();
        say(&mut world, (kind, "all"), guardrail);
        if is_rolled_out {
            roll_out(&mut world, "all");
        }
        world.rollouts.extend(decided.map(|it| (name("all"), it.clone())));
        assert_eq!(tags(&name("baseline"), &world.context()), *expected, "{what}");
    }
}

#[test]
fn what_rollouts_of_a_guardrail_may_go_back_to_or_on_to_is_kept() {
    let mut world = World::with_versions(&content("x"), &[]);
    let wave = |text: &str| WaveMark {
        revision: revision(text),
        wave: name("canary"),
        since: jiff::Timestamp::UNIX_EPOCH,
        is_moving: true,
    };
    let marked =
        |before: &str, now: &str| RolloutMarks { wave: Some(wave(now)), ..accepted(before) };
    // On its replicas, on those of another, and on policies: ours, another's, one of nobody known.
    world.facts.replicas.get_mut(&key()).unwrap().rollouts =
        BTreeMap::from([(name("cells"), marked("replica-1", "replica-2"))]);
    let mut other = fact(&[]);
    other.rollouts = BTreeMap::from([(name("cells"), marked("other-1", "other-2"))]);
    world.facts.replicas.insert(ReplicaKey { guardrail: name("other"), ..key() }, other);
    say(&mut world, (ORGANIZATION, "ours"), "baseline");
    say(&mut world, (ORGANIZATION, "theirs"), "other");
    let on_policy = [
        (name("ours"), marked("policy-1", "policy-2")),
        (name("theirs"), marked("other-3", "other-4")),
        (name("unknown"), accepted("unknown")),
    ];
    let policy = PolicyFact { rollouts: BTreeMap::from(on_policy), ..policy_fact("ours") };
    world.facts.own_policies = Some(BTreeMap::from([("p-abcdefgh".parse().unwrap(), policy)]));
    // Decided in this process.
    say(&mut world, (ACCOUNT, "cells"), "baseline");
    say(&mut world, (ACCOUNT, "elsewhere"), "other");
    world.rollouts = BTreeMap::from([
        (name("cells"), decision("target", Some("accepted"), None)),
        (name("elsewhere"), decision("other-5", Some("other-6"), None)),
    ]);
    let kept = ["replica-1", "replica-2", "policy-1", "policy-2", "unknown", "target", "accepted"];
    let kept: BTreeSet<Revision> = kept.into_iter().map(revision).collect();
    assert_eq!(revisions_in_use(&name("baseline"), &world.context()), kept);
}

//! Where cells are headed while their wave is closed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::model::{
    Accepted, DesiredWave, EnforcementKey, EnforcementKind, GuardrailArn, ReplicaKey, RolloutMarks,
};
use crate::plan::fixture::{
    MEMBER, OTHER, World, arn, cell, content, desired_cell, desired_rollout, desired_text, fact,
    guardrail_arn, key, no_selection, version,
};
use crate::plan::rollout::decide_rollout;

/// `a` was accepted and `b` has begun: the first wave, of one account, is open. The account of the
/// other references this.
fn world(slot: (GuardrailArn, u32)) -> World {
    let (a, b) = (content("a"), content("b"));
    let mut world = World::with_versions(&b, &[(1, &a), (2, &b)]);
    let name: Name = "everywhere".parse().unwrap();
    let wave = |wave: &str, account: &str| DesiredWave {
        name: wave.parse().unwrap(),
        places: BTreeSet::from([cell(account)]),
        bake: Duration::ZERO,
    };
    let rollout = desired_rollout(vec![wave("canary", MEMBER), wave("rest", OTHER)]);
    world.waves.insert(name.clone(), rollout);
    let of_text = EnforcementKey { kind: EnforcementKind::Account, name: name.clone() };
    world.enforcements.insert(of_text, desired_text(no_selection()));
    let accepted = Some(Accepted::Revision(a.revision()));
    let marks = RolloutMarks { accepted, ..RolloutMarks::default() };
    world.facts.replicas.get_mut(&key()).unwrap().rollouts =
        BTreeMap::from([(name.clone(), marks)]);
    world.facts.replicas_read.insert(key());
    let (referenced, number) = slot;
    let slots = [(MEMBER, guardrail_arn(), 1), (OTHER, referenced, number)];
    for (account, referenced, number) in slots {
        world.cells.insert(cell(account), desired_cell().into());
        world.facts.cells.insert(cell(account), Some((referenced, version(number))));
    }
    let decision = decide_rollout(&name, &world.context()).unwrap();
    world.rollouts.insert(name, decision);
    world
}

fn headed(world: &World, account: &str) -> (Course, Option<HoldReason>) {
    let Heading { course, held } = heading(&cell(account), &desired_cell(), &world.context());
    (course, held.map(|held| held.reason))
}

#[test]
fn a_cell_waits_for_its_wave_and_says_so() {
    let world = world((guardrail_arn(), 1));
    assert_eq!(headed(&world, MEMBER), (Course::Free, None));
    let waits = (Course::At(content("a").revision()), Some(HoldReason::WaveClosed));
    assert_eq!(headed(&world, OTHER), waits);
}

/// A version that nobody knows may be anything; the guardrail of another text is not for this one
/// to take away before its wave.
#[test]
fn what_is_not_known_of_its_own_guardrail_gives_way_and_another_guardrail_of_ours_stays() {
    let own = world((guardrail_arn(), 9));
    assert_eq!(headed(&own, OTHER).0, Course::At(content("a").revision()));

    let mut another = world((arn("def456def456"), 1));
    let of_another = ReplicaKey { guardrail: "another".parse().unwrap(), ..key() };
    let mut live = fact(&[(1, &content("a"))]);
    live.arn = arn("def456def456");
    another.facts.replicas.insert(of_another, live);
    assert_eq!(headed(&another, OTHER).0, Course::Stay);
}

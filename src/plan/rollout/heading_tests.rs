//! Where cells are headed while their wave is closed.

use super::*;
use crate::model::{GuardrailArn, ReplicaKey};
use crate::plan::fixture::{
    MEMBER, OTHER, World, arn, cell, content, desired_cell, fact, guardrail_arn, key, version,
};
use crate::plan::rollout::cells::tests::world as begun;
use crate::plan::rollout::decide_rollout;

/// The account of the second wave references this.
fn world((referenced, number): (GuardrailArn, u32)) -> World {
    let mut world = begun();
    world.facts.cells.insert(cell(OTHER), Some((referenced, version(number))));
    let name: Name = "everywhere".parse().unwrap();
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

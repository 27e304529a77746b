//! S1: a place that has an effective guardrail it can apply has one after every write, unless the
//! intent names it for removal.

use super::super::Change;
use super::super::reference::{Level, Reference};
use super::{Violation, Write};
use crate::simulator::world::World;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if !write.intent.is_told() || !write.has_succeeded() {
        return Vec::new();
    }
    let organization = &write.after.organization;
    let found = write
        .changes
        .iter()
        .filter(|change| is_lost(write, change))
        .filter(|change| !write.intent.removes(organization, &change.account, &change.region));
    write.violates_in(
        "S1",
        found.map(|change| (change, "left without protection".to_owned())).collect(),
    )
}

/// Lost in force, or lost as soon as the write has propagated.
fn is_lost(write: &Write<'_>, change: &Change) -> bool {
    let (before, after) = (&change.before, &change.after);
    let protects = |world: &World, level: Level, reference: Option<&Reference>| {
        reference.is_some_and(|it| it.broken(world, level, change.place(), write.call.at).is_none())
    };
    let account_before = protects(write.before, Level::Account, before.account.as_ref());
    let account_after = protects(write.after, Level::Account, after.account.as_ref());
    let loses = |old: Option<&Reference>, new: Option<&Reference>| {
        (account_before || protects(write.before, Level::Organization, old))
            && !(account_after || protects(write.after, Level::Organization, new))
    };
    loses(before.now.as_ref(), after.now.as_ref())
        || loses(before.then.as_ref(), after.then.as_ref())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{Arena, Controller, HERE, document};

    fn broken_after_release(intent: impl Fn(&Arena) -> Value) -> Vec<String> {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let member = arena.members[0].clone();
        arena.enforce(Controller, &member, &arn, "1").unwrap();
        let intent = intent(&arena);
        arena.intend(intent);
        arena.read_everything();
        arena.release(Controller, &member);
        arena.broken().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn taking_protection_away_needs_the_intent_to_name_the_place() {
        assert_eq!(broken_after_release(|_| Value::Null), [""; 0], "nothing told");
        assert_eq!(broken_after_release(|_| json!({})), ["S1"]);
        let other = |arena: &Arena| json!({"removals": [{"account": arena.members[1]}]});
        assert_eq!(broken_after_release(other), ["S1"]);
        for named in ["account", "target"] {
            let this = |arena: &Arena| json!({"removals": [{named: arena.members[0]}]});
            assert_eq!(broken_after_release(this), [""; 0], "{named}");
        }
        assert_eq!(
            broken_after_release(|arena| json!({"removals": [{"target": arena.root}]})),
            [""; 0]
        );
        assert_eq!(broken_after_release(|_| json!({"removals": ["all"]})), [""; 0]);
    }

    #[test]
    fn a_place_that_keeps_the_other_level_is_protected() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let member = arena.members[0].clone();
        arena.enforce(Controller, &member, &arn, "1").unwrap();
        let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        arena.attach(Controller, &id, &member);
        arena.pass(60_000);
        arena.intend(json!({}));
        arena.read_everything();
        arena.release(Controller, &member);
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn an_intent_that_cannot_be_read_is_reported() {
        let mut arena = Arena::new();
        arena.intend(json!({"removal": []}));
        assert_eq!(arena.broken(), ["INTENT"]);
    }
}

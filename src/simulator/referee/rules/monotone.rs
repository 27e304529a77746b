//! S9: no place goes back to an older content of a guardrail, unless the intent rolls it back.

use super::super::content::satisfies;
use super::super::reference::Reference;
use super::{Violation, Write};
use crate::simulator::world::World;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if !write.intent.is_told() || !write.has_succeeded() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for change in write.changes {
        let account = (&change.before.account, &change.after.account);
        let organization = (&change.before.then, &change.after.then);
        for (before, after) in [account, organization] {
            let (Some(before), Some(after)) = (before, after) else { continue };
            if goes_back(write, before, after) {
                found.push((change, format!("went back from {before} to {after}")));
            }
        }
    }
    write.violates_in("S9", found)
}

fn goes_back(write: &Write<'_>, before: &Reference, after: &Reference) -> bool {
    let name = before.name(write.before);
    if before == after || name.is_none() || name != after.name(write.after) {
        return false;
    }
    let name = name.unwrap_or_default();
    let age = |world: &World, reference: &Reference| {
        let live = reference.content(world)?;
        let contents = write.intent.ordered_contents(&name, reference.region());
        contents.iter().rposition(|content| satisfies(&live, content))
    };
    match (age(write.before, before), age(write.after, after)) {
        (Some(had), Some(has)) => has < had && !write.intent.rolls_back(&name),
        (Some(_) | None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{Arena, Controller, HERE, body, document};

    fn broken(more: &Value, is_organization: bool, from: &str, to: &str) -> Vec<String> {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        arena.redraft(Controller, &arn, "baseline", "lion");
        arena.publish(Controller, &arn);
        let mut intent = json!({"orderedContents": {"baseline": [body("zebra"), body("lion")]}});
        intent.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        arena.intend(intent);
        if is_organization {
            let id = arena.policy(Controller, "all", &document(&[(HERE, &arn, from)]));
            let root = arena.root.clone();
            arena.attach(Controller, &id, &root);
            arena.pass(60_000);
            arena.rewrite(Controller, &id, &document(&[(HERE, &arn, to)]));
        } else {
            let member = arena.members[0].clone();
            arena.enforce(Controller, &member, &arn, from).unwrap();
            arena.enforce(Controller, &member, &arn, to).unwrap();
        }
        arena.broken().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_place_goes_back_to_an_older_content_only_in_a_rollback() {
        for is_organization in [false, true] {
            assert_eq!(broken(&json!({}), is_organization, "1", "2"), [""; 0]);
            assert_eq!(broken(&json!({}), is_organization, "2", "1"), ["S9"]);
            let rollback = json!({"rollback": ["baseline"]});
            assert_eq!(broken(&rollback, is_organization, "2", "1"), [""; 0]);
        }
    }
}

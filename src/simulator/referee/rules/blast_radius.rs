//! S12: a new content reaches only places of open waves.
//!
//! A wave is open when every place of the waves before it that has a guardrail of that name has
//! the new content, and has had it for the bake time. Only a place that moves from one content of
//! the guardrail to another waits; one with nothing enforced is not left bare.

use std::collections::BTreeMap;

use super::super::Change;
use super::super::content::satisfies;
use super::super::protection::active;
use super::super::reference::{Reference, references_in};
use super::{Violation, Write};
use crate::simulator::world::{Place, World};

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if write.intent.wave_count() == 0 || !write.has_succeeded() {
        return Vec::new();
    }
    let organization = &write.after.organization;
    let mut found = Vec::new();
    let mut open = None;
    for change in write.changes.iter().filter(|change| moves_forward(write, change)) {
        let open = *open.get_or_insert_with(|| last_open(write));
        let wave = write.intent.wave_of(organization, &change.account, &change.region);
        if wave > open {
            let opened = open + 1;
            found.push((
                change,
                format!("wave {} of which {opened} are open got a new content", wave + 1),
            ));
        }
    }
    write.violates_in("S12", found)
}

/// How the first wave not known to be complete stands after `write`.
pub(in super::super) fn progress(write: &Write<'_>) -> Option<(usize, Progress)> {
    let mut waves = 0..write.intent.wave_count();
    let wave = waves.find(|wave| !write.memory.complete.contains_key(wave))?;
    Some((wave, stand(write, write.after, wave)))
}

/// How far a wave is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Progress {
    /// No place has a guardrail that anything is intended of.
    Nothing,
    /// This place, or this account by its organization policy, has an older content.
    Waiting(Place),
    /// Every place that has the guardrail has the new content.
    Complete,
}

/// The number of the last open wave.
fn last_open(write: &Write<'_>) -> usize {
    if let Some(count) = write.intent.open_waves {
        return count.saturating_sub(1);
    }
    let is_passed = |wave: &usize| {
        let bake_ms = write.intent.bake_ms(*wave);
        match write.memory.complete.get(wave) {
            Some(since) => since.saturating_add(bake_ms) <= write.call.at,
            None => bake_ms == 0 && stand(write, write.before, *wave) == Progress::Complete,
        }
    };
    (0..write.intent.wave_count()).take_while(is_passed).count()
}

/// Looks first where the last look found an older content: while a wave moves on in any order,
/// most looks end there.
fn stand(write: &Write<'_>, world: &World, wave: usize) -> Progress {
    let from = write.memory.waiting.get(&wave).cloned().unwrap_or_default();
    let mut known: BTreeMap<Reference, Option<bool>> = BTreeMap::new();
    let mut has_new = false;
    let mut is_old = |account: &str, region: &str, reference: Reference| {
        if write.intent.wave_of(&world.organization, account, region) != wave {
            return false;
        }
        let state = known.entry(reference);
        let state = *state.or_insert_with_key(|reference| is_new(write, world, reference));
        has_new |= state == Some(true);
        state == Some(false)
    };
    let slots = world.bedrock.range(from.clone()..).chain(world.bedrock.range(..from));
    for (place, regional) in slots {
        let enforced = regional.enforced().map(Reference::of_enforced);
        if enforced.is_some_and(|reference| is_old(&place.0, &place.1, reference)) {
            return Progress::Waiting(place.clone());
        }
    }
    for account in active(world) {
        let effective = world.organization.effective.get(account);
        let policy = effective.and_then(|effective| effective.policy.as_deref());
        for (region, reference) in policy.map(references_in).unwrap_or_default() {
            if is_old(account, &region, reference) {
                return Progress::Waiting((account.to_owned(), region));
            }
        }
    }
    if has_new { Progress::Complete } else { Progress::Nothing }
}

fn moves_forward(write: &Write<'_>, change: &Change) -> bool {
    let account = (&change.before.account, &change.after.account);
    let organization = (&change.before.then, &change.after.then);
    [account, organization].into_iter().any(|(before, after)| {
        let (Some(before), Some(after)) = (before, after) else { return false };
        before.name(write.before) == after.name(write.after)
            && is_new(write, write.before, before) == Some(false)
            && is_new(write, write.after, after) == Some(true)
    })
}

/// Whether a reference says what is intended now; `None` if nothing is intended of it.
fn is_new(write: &Write<'_>, world: &World, reference: &Reference) -> Option<bool> {
    let name = reference.name(world)?;
    let wanted = write.intent.content(&name, reference.region())?;
    Some(satisfies(&reference.content(world)?, &wanted))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{Arena, Controller, HERE, body, document};

    /// Two members at version 1, version 2 intended, waves of one member each.
    fn rollout(more: &Value) -> (Arena, String) {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        arena.redraft(Controller, &arn, "baseline", "lion");
        arena.publish(Controller, &arn);
        for member in arena.members.clone().iter().take(2) {
            arena.enforce(Controller, member, &arn, "1").unwrap();
        }
        let mut intent = json!({
            "content": {"baseline": body("lion")},
            "orderedContents": {"baseline": [body("zebra"), body("lion")]},
            "waves": [[{"account": arena.members[0]}], [{"account": arena.members[1], "region": HERE}]],
        });
        intent.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        arena.intend(intent);
        (arena, arn)
    }

    #[test]
    fn a_wave_waits_for_the_one_before_it() {
        for (order, expected) in [([0, 1], vec![]), ([1, 0], vec!["S12"])] {
            let (mut arena, arn) = rollout(&json!({}));
            for index in order {
                let member = arena.members[index].clone();
                arena.enforce(Controller, &member, &arn, "2").unwrap();
            }
            assert_eq!(arena.broken(), expected, "{order:?}");
        }
    }

    #[test]
    fn a_wave_waits_for_the_bake_of_the_one_before_it() {
        for (wait_ms, expected) in [(59_000, vec!["S12"]), (60_000, vec![])] {
            let (mut arena, arn) = rollout(&json!({"bakeMs": [60_000]}));
            let members = arena.members.clone();
            arena.enforce(Controller, &members[0], &arn, "2").unwrap();
            arena.pass(wait_ms);
            arena.enforce(Controller, &members[1], &arn, "2").unwrap();
            assert_eq!(arena.broken(), expected, "{wait_ms}");
        }
    }

    #[test]
    fn only_a_text_of_what_is_in_use_begins_the_bake_anew() {
        for (is_used, expected) in [(false, vec![]), (true, vec!["S12"])] {
            let (mut arena, arn) = rollout(&json!({"bakeMs": [60_000]}));
            let other = arena.shared("strict", "hippo");
            let members = arena.members.clone();
            if is_used {
                arena.enforce(Controller, &members[2], &other, "1").unwrap();
            }
            arena.enforce(Controller, &members[0], &arn, "2").unwrap();
            arena.pass(60_000);
            let mut intent = arena.referee.intent().clone();
            intent["content"]["strict"] = body("otter");
            arena.intend(intent);
            arena.enforce(Controller, &members[1], &arn, "2").unwrap();
            assert_eq!(arena.broken(), expected, "{is_used}");
        }
    }

    #[test]
    fn the_test_may_say_itself_how_many_waves_are_open() {
        for (open, expected) in [(1, vec!["S12"]), (2, vec![])] {
            let (mut arena, arn) = rollout(&json!({"openWaves": open}));
            let member = arena.members[1].clone();
            arena.enforce(Controller, &member, &arn, "2").unwrap();
            assert_eq!(arena.broken(), expected, "{open}");
        }
    }

    #[test]
    fn a_place_with_nothing_enforced_does_not_wait() {
        let (mut arena, arn) = rollout(&json!({}));
        let bare = arena.members[2].clone();
        arena.enforce(Controller, &bare, &arn, "1").unwrap();
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn an_organization_document_moves_all_its_accounts_and_so_waits_as_well() {
        let (mut arena, arn) = rollout(&json!({}));
        let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        let root = arena.root.clone();
        arena.attach(Controller, &id, &root);
        arena.pass(60_000);
        arena.rewrite(Controller, &id, &document(&[(HERE, &arn, "2")]));
        assert_eq!(arena.broken(), ["S12"]);
    }

    #[test]
    fn a_second_policy_nearer_to_an_account_moves_that_account_alone() {
        for (member, expected) in [(0, vec![]), (1, vec!["S12"])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            arena.redraft(Controller, &arn, "baseline", "lion");
            arena.publish(Controller, &arn);
            let (root, members) = (arena.root.clone(), arena.members.clone());
            let all = arena.policy(Controller, "all", &document(&[(HERE, &arn, "1")]));
            arena.attach(Controller, &all, &root);
            arena.pass(60_000);
            arena.intend(json!({
                "content": {"baseline": body("lion")},
                "orderedContents": {"baseline": [body("zebra"), body("lion")]},
                "waves": [[{"target": members[0]}], [{"target": members[1]}]],
            }));
            let near = arena.policy(Controller, "near", &document(&[(HERE, &arn, "2")]));
            arena.attach(Controller, &near, &members[member]);
            assert_eq!(arena.broken(), expected, "{member}");
        }
    }
}

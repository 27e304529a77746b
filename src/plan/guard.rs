//! The change guard (S11): holds what takes much away at once until a person approves it.
//!
//! Fleet-wide and pure. It needs no memory: what is left of an approved set, after a crash too, is
//! a set of the same manifests and of a smaller count, and the name of the approval admits it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{Timestamp, ToSpan};

use super::step::{Held, HoldReason, Loss, Plan, Until};
use crate::model::{Approval, ManifestKey, digits};

/// One in so many owned cells and targets may be lost without approval: 5 %.
const SHARE: usize = 20;

/// Hexadecimal digits of the hash in a plan's name.
const HASH_DIGITS: usize = 12;

/// Other manifests that an approval is tried with: those of its losers that have nothing left to
/// lose. Doubles the work with each.
const FINISHED_MAX: usize = 12;

/// What the whole fleet's plans would take away.
#[derive(Clone, Copy, Debug)]
pub struct Losses<'a> {
    /// Everything that would go, once each.
    pub set: &'a BTreeSet<&'a Loss>,
    /// Owned cells and targets.
    pub owned: usize,
    /// Whether every key was visited since the generation was accepted.
    pub is_complete: bool,
}

/// What the guard says of the loss set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It may go.
    Open,
    /// Nobody knows yet how much it is.
    Incomplete,
    /// It waits as a whole for an approval.
    Held(HeldPlan),
}

/// A loss set that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPlan {
    /// `p-3f9c2a41d0b7002a`: what an approval names.
    pub name: String,
    /// How much would be lost.
    pub count: usize,
    /// Of how much.
    pub owned: usize,
    /// Whose text it is.
    pub manifests: BTreeSet<ManifestKey>,
    /// Whether an approval of it was there and has expired.
    pub is_expired: bool,
}

/// Hash of everything that the text of each manifest says.
pub type Specs<'a> = BTreeMap<ManifestKey, &'a str>;

/// Rules on the loss set of the fleet, at `now` in seconds since 1970.
pub fn rule(losses: &Losses, specs: &Specs, approvals: &BTreeSet<Approval>, now: i64) -> Ruling {
    let Losses { set, owned, is_complete } = *losses;
    if set.is_empty() {
        return Ruling::Open;
    }
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::GuardOff) {
        return Ruling::Open;
    }
    #[cfg(feature = "planted")]
    let is_complete =
        is_complete || crate::planted::is(crate::planted::Planted::PassAssumedComplete);
    if !is_complete {
        return Ruling::Incomplete;
    }
    let objects: BTreeSet<&str> = set.iter().map(|loss| loss.object.as_str()).collect();
    let count = objects.len();
    if count <= limit(owned) {
        return Ruling::Open;
    }
    let losing: BTreeSet<&ManifestKey> = set.iter().map(|loss| &loss.manifest).collect();
    let hashes = hashes(&losing, specs);
    let fits = |approval: &&Approval| {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::AnyApprovalFits) {
            return true;
        }
        parse(&approval.plan).is_some_and(|(hash, most)| count <= most && hashes.contains(hash))
    };
    let fitting: Vec<&Approval> = approvals.iter().filter(fits).collect();
    #[cfg(feature = "planted")]
    let now = if crate::planted::is(crate::planted::Planted::ExpiryIgnored) { 0 } else { now };
    if fitting.iter().any(|approval| now < approval.expires) {
        return Ruling::Open;
    }
    Ruling::Held(HeldPlan {
        name: format!("p-{}{count:04x}", hash(&losing, specs)),
        count,
        owned,
        manifests: losing.into_iter().cloned().collect(),
        is_expired: !fitting.is_empty(),
    })
}

/// How much may be lost without approval.
fn limit(owned: usize) -> usize {
    (owned / SHARE).max(1)
}

/// The hash and the count that a name is made of.
fn parse(name: &str) -> Option<(&str, usize)> {
    let (hash, count) = name.strip_prefix("p-")?.split_at_checked(HASH_DIGITS)?;
    Some((hash, usize::from_str_radix(count, 16).ok()?))
}

/// The hash over names and specs of the losing manifests.
fn hash<'a>(losing: impl IntoIterator<Item = &'a &'a ManifestKey>, specs: &Specs) -> String {
    let text: String = losing
        .into_iter()
        .map(|key| {
            let spec = specs.get(*key).copied().unwrap_or_default();
            format!("{key} {spec}\n")
        })
        .collect();
    digits(&text, HASH_DIGITS)
}

/// The hashes an approval of these can have: a manifest that has lost all it was to lose no longer
/// shows, so every set of others may have been in it too.
fn hashes(losing: &BTreeSet<&ManifestKey>, specs: &Specs) -> BTreeSet<String> {
    let others: Vec<&ManifestKey> =
        specs.keys().filter(|key| !losing.contains(key)).take(FINISHED_MAX).collect();
    let sets = others.into_iter().fold(vec![losing.clone()], |sets, finished| {
        let with = sets.iter().map(|set| set.iter().copied().chain([finished]).collect());
        with.chain(sets.iter().cloned()).collect()
    });
    sets.iter().map(|all| hash(all, specs)).collect()
}

impl fmt::Display for HeldPlan {
    /// One line: `p-… : 60 of 200 owned cells and targets …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, owned, is_expired, .. } = self;
        let limit = limit(*owned);
        write!(
            f,
            "{name}: {count} cells and targets would lose their protection or be taken over; of \
             {owned} that are ours, {limit} may at once without an approval"
        )?;
        if *is_expired { f.write_str(" (the approval has expired)") } else { Ok(()) }
    }
}

impl HeldPlan {
    /// The manifest that releases it, for a day from `now`.
    pub fn approval(&self, now: Timestamp) -> String {
        let expires = now.checked_add(24.hours()).unwrap_or(now);
        let expires = Timestamp::from_second(expires.as_second()).unwrap_or(expires);
        format!(
            "apiVersion: bedrail.dev/v1alpha1\nkind: Approval\nmetadata: {{name: {name}}}\n\
             spec: {{plan: {name}, expires: \"{expires}\"}}\n",
            name = self.name
        )
    }
}

/// The plan without what the guard holds, and with the reason in its place. What protects stays.
#[must_use]
pub fn withhold(mut plan: Plan, ruling: &Ruling) -> Plan {
    let held = match ruling {
        Ruling::Open => return plan,
        Ruling::Incomplete => Held {
            reason: HoldReason::ChangeGuard,
            message: "what takes protection away waits until everything was visited once"
                .to_owned(),
            until: Until::Fact,
        },
        Ruling::Held(held) => Held {
            reason: HoldReason::ChangeGuard,
            message: format!("{held}; an Approval of {} releases it", held.name),
            until: Until::Person,
        },
    };
    if !plan.losses.is_empty() {
        plan.steps.retain(|step| !step.is_loss());
        plan.held.push(held);
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EnforcementKey, EnforcementKind};

    fn key(name: &str) -> ManifestKey {
        EnforcementKey { kind: EnforcementKind::Account, name: name.parse().unwrap() }.into()
    }

    fn losses(name: &str, count: usize) -> Vec<Loss> {
        (0..count)
            .map(|number| Loss { manifest: key(name), object: format!("{name} {number}") })
            .collect()
    }

    /// `a` and `b`, with these specs.
    fn specs<'a>(a: &'a str, b: &'a str) -> Specs<'a> {
        BTreeMap::from([(key("a"), a), (key("b"), b)])
    }

    fn ruling(
        losses: &[Loss],
        owned: usize,
        texts: (&str, &str),
        approvals: &[Approval],
        now: i64,
    ) -> Ruling {
        let set: BTreeSet<&Loss> = losses.iter().collect();
        let losses = Losses { set: &set, owned, is_complete: true };
        let approvals = approvals.iter().cloned().collect();
        rule(&losses, &specs(texts.0, texts.1), &approvals, now)
    }

    fn name(ruling: Ruling) -> String {
        match ruling {
            Ruling::Held(held) => held.name,
            Ruling::Open | Ruling::Incomplete => panic!("not held"),
        }
    }

    #[test]
    fn one_may_go_and_one_in_twenty_and_no_more() {
        let rows: &[(usize, usize, bool)] = &[
            (0, 0, true),
            (1, 0, true),
            (1, 1, true),
            (2, 2, false),
            (2, 39, false),
            (2, 40, true),
            (10, 200, true),
            (11, 200, false),
            (200, 0, false),
        ];
        for (count, owned, open) in rows {
            let ruling = ruling(&losses("a", *count), *owned, ("1", "1"), &[], 0);
            assert_eq!(ruling == Ruling::Open, *open, "{count} of {owned}");
        }
    }

    /// Two manifests that lose one policy lose one thing.
    #[test]
    fn an_object_counts_once_whoever_loses_it() {
        let of = |name: &str| Loss { manifest: key(name), object: "policy".to_owned() };
        let both = [of("a"), of("b")];
        assert_eq!(ruling(&both, 0, ("1", "1"), &[], 0), Ruling::Open);
        let more = [of("a"), of("b"), losses("a", 1).remove(0)];
        let Ruling::Held(held) = ruling(&more, 0, ("1", "1"), &[], 0) else { panic!() };
        assert_eq!(held.count, 2);
        assert_eq!(held.manifests, BTreeSet::from([key("a"), key("b")]));
    }

    #[test]
    fn an_approval_of_other_manifests_or_of_no_such_form_releases_nothing() {
        let plan = name(ruling(&losses("b", 5), 0, ("1", "1"), &[], 0));
        let hash: String = plan.chars().take(2 + HASH_DIGITS).collect();
        for plan in [plan.clone(), format!("{hash}00zz"), format!("{hash}0004"), "p-".to_owned()] {
            let approval = [Approval { plan: plan.clone(), expires: 100 }];
            // Those of `a` are not those of `b`, though as many and with the same text.
            let held = ruling(&losses("a", 6), 0, ("1", "1"), &approval, 0);
            let Ruling::Held(held) = held else { panic!("released by {plan}") };
            assert!(!held.is_expired, "{plan}");
        }
    }

    #[test]
    fn what_is_held_says_how_much_may_go_and_how_it_is_released() {
        let Ruling::Held(held) = ruling(&losses("a", 11), 200, ("1", "1"), &[], 0) else {
            panic!()
        };
        let expected = format!(
            "{}: 11 cells and targets would lose their protection or be taken over; of 200 that are \
             ours, 10 may at once without an approval",
            held.name
        );
        assert_eq!(held.to_string(), expected);
        let approval = held.approval("2026-01-05T10:00:00.5Z".parse().unwrap());
        let document: serde_json::Value = serde_yaml::from_str(&approval).unwrap();
        assert_eq!(document["kind"], "Approval");
        assert_eq!(document["spec"]["plan"], held.name);
        assert_eq!(document["spec"]["expires"], "2026-01-06T10:00:00Z", "a day, in whole seconds");

        let plan = Plan { losses: losses("a", 11), ..Plan::default() };
        let waits = |ruling: &Ruling| {
            let [held] = withhold(plan.clone(), ruling).held.try_into().unwrap();
            (held.reason, held.until)
        };
        let by_person = waits(&Ruling::Held(held.clone()));
        assert_eq!(by_person, (HoldReason::ChangeGuard, Until::Person));
        assert_eq!(waits(&Ruling::Incomplete), (HoldReason::ChangeGuard, Until::Fact));
        let harmless = Plan::default();
        assert_eq!(withhold(harmless.clone(), &Ruling::Held(held)), harmless);
    }

    #[test]
    fn nothing_goes_before_everything_was_visited() {
        let losses = losses("a", 1);
        let set: BTreeSet<&Loss> = losses.iter().collect();
        let losses = Losses { set: &set, owned: 100, is_complete: false };
        let ruling = rule(&losses, &specs("1", "1"), &BTreeSet::new(), 0);
        assert_eq!(ruling, Ruling::Incomplete);
    }

    #[test]
    fn an_approval_releases_what_it_names_and_what_is_left_of_it() {
        let both = [losses("a", 20), losses("b", 10)].concat();
        let specs = ("1", "1");
        let plan = name(ruling(&both, 100, specs, &[], 0));
        assert!(plan.ends_with("001e"), "{plan}");
        let approval = [Approval { plan, expires: 100 }];
        let more = [losses("a", 21), losses("b", 10)].concat();
        let rows = [
            ("all of it", &both[..], specs, 0, true),
            ("less of it", &both[5..], specs, 0, true),
            ("one manifest has nothing left to lose", &both[..20], specs, 0, true),
            ("more than it names", &more[..], specs, 0, false),
            ("another text of one of them", &both[..], ("2", "1"), 0, false),
            ("expired", &both[..], specs, 100, false),
        ];
        for (what, losses, specs, now, open) in rows {
            let ruling = ruling(losses, 100, specs, &approval, now);
            assert_eq!(ruling == Ruling::Open, open, "{what}: {ruling:?}");
        }
    }

    #[test]
    fn an_approval_holds_whichever_of_its_manifests_have_nothing_left_to_lose() {
        let names = ["a", "b", "c", "d"];
        let specs: Specs = names.iter().map(|name| (key(name), "1")).collect();
        let ruling = |of: &[&str], approvals: &BTreeSet<Approval>| {
            let losses: Vec<Loss> = of.iter().flat_map(|name| losses(name, 3)).collect();
            let set = losses.iter().collect();
            rule(&Losses { set: &set, owned: 0, is_complete: true }, &specs, approvals, 0)
        };
        let some = |chosen: u32| -> Vec<&str> {
            let of = names.into_iter().enumerate();
            of.filter(|(bit, _)| (chosen >> bit) % 2 == 1).map(|(_, name)| name).collect()
        };
        for named in 1..1_u32 << names.len() {
            let plan = name(ruling(&some(named), &BTreeSet::new()));
            let approved = BTreeSet::from([Approval { plan, expires: 100 }]);
            for left in (1..=named).filter(|left| left & named == *left) {
                let left = some(left);
                assert_eq!(ruling(&left, &approved), Ruling::Open, "{left:?} of {named:b}");
            }
        }
        // One that the approval does not name may lose nothing by it.
        let plan = name(ruling(&["a", "b"], &BTreeSet::new()));
        let approved = BTreeSet::from([Approval { plan, expires: 100 }]);
        assert!(matches!(ruling(&["a", "c"], &approved), Ruling::Held(_)));
    }

    #[test]
    fn an_expired_approval_is_named_as_such() {
        let losses = losses("a", 5);
        let plan = name(ruling(&losses, 0, ("1", "1"), &[], 0));
        let approval = [Approval { plan, expires: 100 }];
        let Ruling::Held(held) = ruling(&losses, 0, ("1", "1"), &approval, 200) else { panic!() };
        assert!(held.is_expired && held.to_string().contains("expired"), "{held}");
    }

    #[test]
    fn a_held_plan_still_protects() {
        use crate::plan::fixture::cell;
        use crate::plan::step::Step;
        let put = |account: &str, is_loss| Step::PutEnforced {
            cell: cell(account),
            enforcement: "a".parse().unwrap(),
            config_id: None,
            guardrail: crate::plan::fixture::guardrail_arn(),
            version: crate::plan::fixture::version(1),
            settings: crate::model::EnforcementSettings::default(),
            is_loss,
            changes: Vec::new(),
        };
        let (protects, takes) = (put("111122223333", false), put("222233334444", true));
        let plan = Plan {
            steps: vec![protects.clone(), takes],
            losses: losses("a", 1),
            ..Plan::default()
        };
        let held = withhold(plan.clone(), &Ruling::Incomplete);
        assert_eq!(held.steps, [protects]);
        assert_eq!(held.held.len(), 1);
        assert_eq!(withhold(plan.clone(), &Ruling::Open), plan);
    }
}

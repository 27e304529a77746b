//! What waves of targets mean for the accounts below them.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::super::{Claim, claims};
use super::*;
use crate::model::{
    Accepted, Attachments, DesiredOrganizationEnforcement, DesiredWave, EnforcementSettings, Gate,
    GuardrailReference, OnFailure, PolicyFact, PolicyId, Preflight, Presence, Rejected, Revision,
    SelectedWave, TargetRollout, WaveMark,
};
use crate::plan::fixture::{MEMBER, OTHER, REGION, ROOT, UNIT, World, content, fleet, key};

const TEXT: &str = "0a1b2c3d4e5f";

/// `baseline` in two versions, the second of which goes to a unit before it goes to the rest of the
/// organization. Nothing is known of policies.
fn world(is_paused: bool) -> World {
    let (a, b) = (content("a"), content("b"));
    let mut world = World::with_versions(&b, &[(1, &a), (2, &b)]);
    let enforcement = DesiredOrganizationEnforcement {
        state: Presence::Present,
        guardrail: GuardrailReference { name: key().guardrail, revision: None },
        regions: BTreeSet::from([REGION.parse().unwrap()]),
        settings: EnforcementSettings::default(),
        allow_override: true,
        targets: BTreeSet::from([ROOT.parse().unwrap()]),
        adopt: false,
        policy_name: None,
        preflight: Preflight::default(),
    };
    let wave = |name: &str| DesiredWave {
        name: name.parse().unwrap(),
        places: BTreeSet::new(),
        bake: Duration::ZERO,
    };
    let rollout = DesiredRollout {
        waves: vec![wave("canary"), wave("rest")],
        gate: Gate::default(),
        on_failure: OnFailure::Rollback,
        is_paused,
        is_unresolved: false,
        text: TEXT.to_owned(),
    };
    let canary =
        SelectedWave { targets: BTreeSet::from([UNIT.parse().unwrap()]), regions: BTreeSet::new() };
    let attached = Attachments {
        targets: &enforcement.targets,
        regions: &enforcement.regions,
        fleet: &fleet(),
    };
    let arranged = TargetRollout::arranged(rollout, &[canary, SelectedWave::default()], attached);
    world.target_waves.insert(name(), arranged);
    world.organization.insert(name(), enforcement);
    world
}

fn name() -> Name {
    "everywhere".parse().unwrap()
}

fn revision(message: &str) -> Revision {
    content(message).revision()
}

fn accepted(message: &str) -> RolloutMarks {
    let accepted = Some(Accepted::Revision(revision(message)));
    RolloutMarks { accepted, ..RolloutMarks::default() }
}

fn moving(wave: &str) -> RolloutMarks {
    let mark = WaveMark {
        revision: revision("b"),
        wave: wave.parse().unwrap(),
        since: Timestamp::UNIX_EPOCH,
        is_moving: true,
    };
    RolloutMarks { wave: Some(mark), ..accepted("a") }
}

fn policy((is_lane, marks): (bool, RolloutMarks)) -> PolicyFact {
    PolicyFact {
        enforcement: Some(name()),
        is_lane,
        targets: BTreeSet::new(),
        regions: BTreeSet::new(),
        rollouts: BTreeMap::from([(name(), marks)]),
        references: BTreeSet::new(),
    }
}

/// `2`; `2 or 1: why` where a rollout means version 1 until the cell moves; `1: why` where it means
/// that alone; `2 or unread: why`.
fn shown(claim: &Claim) -> String {
    let said = |expected: &Result<Expected, Finding>| match expected {
        Ok(expected) => expected.version.to_string(),
        Err(_) => "unread".to_owned(),
    };
    let meanwhile = claim.meanwhile.as_ref();
    let remark = claim.remark.as_ref().or(meanwhile.map(|it| &it.remark));
    let meanwhile = meanwhile.map(|it| format!(" or {}", said(&it.expected))).unwrap_or_default();
    let remark = remark.map(|it| format!(": {it}")).unwrap_or_default();
    format!("{}{meanwhile}{remark}", said(&claim.expected))
}

/// What is meant below the unit, and beside it.
fn found(world: &World) -> [String; 2] {
    let claims = claims(&BTreeMap::new(), &world.context()).claims;
    [MEMBER, OTHER].map(|account| {
        let claim = claims.iter().find(|it| it.cell.account.as_str() == account).unwrap();
        shown(claim)
    })
}

/// A rollout, the marks on policies (of a lane, or not) if those were read, and what is meant.
type Case<'a> = (&'a str, Option<Vec<(bool, RolloutMarks)>>, [&'a str; 2]);

fn assert_meant(is_paused: bool, cases: Vec<Case>) {
    for (case, marks, expected) in cases {
        let mut world = world(is_paused);
        let id = |index: usize| -> PolicyId { format!("p-aaaaaaa{index}").parse().unwrap() };
        world.facts.own_policies = marks.map(|marks| {
            let policies = marks.into_iter().map(policy).enumerate();
            policies.map(|(index, it)| (id(index), it)).collect()
        });
        for (found, expected) in found(&world).iter().zip(expected) {
            let (meant, why) = expected.split_once(": ").unwrap_or((expected, ""));
            let is_so = found.split(": ").next() == Some(meant) && found.contains(why);
            assert!(is_so, "{case}: {found}, not {expected}");
        }
    }
}

#[test]
fn an_account_is_kept_on_the_accepted_revision_until_the_wave_of_its_nearest_target_opens() {
    let rejected = Rejected { revision: revision("b"), text: TEXT.to_owned() };
    let back = RolloutMarks { rejected: Some(rejected), ..accepted("a") };
    let first = RolloutMarks { accepted: Some(Accepted::Nothing), ..RolloutMarks::default() };
    let waits = "2 or 1: waits for wave `rest` to open";
    let (gone, unread) = ("1: was rejected by a gate", "2 or unread: was not read");
    let stale = vec![(true, accepted("b")), (false, accepted("a"))];
    let cases = vec![
        ("the first wave is open", Some(vec![(false, accepted("a"))]), ["2", waits]),
        ("it moves", Some(vec![(false, moving("canary"))]), ["2", waits]),
        ("the second is open", Some(vec![(false, moving("rest"))]), ["2", "2"]),
        ("it is accepted", Some(vec![(false, accepted("b"))]), ["2", "2"]),
        ("a lane says something else than the main policy", Some(stale), ["2", waits]),
        ("only a lane says something", Some(vec![(true, accepted("a"))]), ["2", waits]),
        ("nothing was accepted before", Some(vec![(true, first)]), ["2", "2"]),
        ("it went back", Some(vec![(false, back)]), [gone, gone]),
        ("it was not read", None, [unread, unread]),
    ];
    assert_meant(false, cases);
    let paused = "2 or 1: the rollout is paused";
    assert_meant(true, vec![("paused", Some(vec![(false, accepted("a"))]), [paused, paused])]);
}

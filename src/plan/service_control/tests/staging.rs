//! How long a policy stays at one stage, whom it waits for there, and from where it is taken back.

use std::collections::BTreeSet;
use std::time::Duration;

use super::steps::{Stage, denies, targets};
use crate::model::{AccessKey, AccessOutcome, AccountState, ControlStage, PolicyId};
use crate::plan::fixture::{MEMBER, OTHER, ROOT, SUSPENDED, UNIT, holds, summary};
use crate::plan::service_control::ControlStep;
use crate::plan::step::{HoldReason, Plan, Step, Until};

fn wave(name: &str, ids: &[&str], bake: u64) -> ControlStage {
    let bake = Duration::from_secs(bake);
    ControlStage { name: name.parse().unwrap(), targets: targets(ids), bake }
}

/// A policy for everybody that goes by these waves.
fn by_waves(waves: &[ControlStage]) -> Stage {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    stage.desired.stages = Some(waves.to_vec());
    stage
}

/// The target of a step that takes a policy off one.
fn leaves(step: &Step) -> String {
    let Step::Control(ControlStep::Detach { target, .. }) = step else { panic!("{step:?}") };
    target.to_string()
}

/// Plans and carries out until a plan is like this one; it is not carried out.
fn until(stage: &mut Stage, is_it: impl Fn(&Plan) -> bool) -> Plan {
    for _ in 0..20 {
        let plan = stage.plan();
        if is_it(&plan) {
            return plan;
        }
        stage.carry_out(&plan);
        stage.wait(70);
    }
    panic!("never: {:?}", stage.plan());
}

fn does(plan: &Plan, operation: &str) -> bool {
    summary(plan).iter().any(|it| it == operation)
}

/// Where our role is to be tried under the policy.
fn asked(plan: &Plan) -> Vec<&AccessKey> {
    plan.needs_access.iter().filter(|key| !key.policies.is_empty()).collect()
}

/// The only hold of a plan that does nothing, and what ends it.
fn waits(plan: &Plan) -> (HoldReason, Until) {
    let ([], [held]) = (plan.steps.as_slice(), plan.held.as_slice()) else { panic!("{plan:?}") };
    (held.reason, held.until)
}

fn after(seconds: u64) -> Until {
    Until::After(Duration::from_secs(seconds))
}

#[test]
fn our_role_is_tried_only_once_the_policy_had_its_time_to_take_effect() {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    let plan = until(&mut stage, |plan| does(plan, "AttachPolicy"));
    stage.carry_out(&plan);
    for (passes, left) in [(0, 60), (59, 1)] {
        stage.wait(passes);
        let plan = stage.plan();
        assert_eq!(waits(&plan), (HoldReason::Gating, after(left)));
        assert!(plan.needs_access.is_empty(), "{plan:?}");
    }
    // What is only shown is shown without that time.
    stage.world.is_assumed = true;
    assert_eq!(summary(&stage.plan()), ["TagResource"]);
    stage.world.is_assumed = false;
    stage.wait(1);
    assert_eq!(asked(&stage.plan()).len(), 1);
}

/// All that are asked give no answer so often; those of no time let us in.
fn answer(stage: &mut Stage, unanswered: &[u32]) {
    let plan = until(stage, |plan| !asked(plan).is_empty());
    assert_eq!(asked(&plan).len(), unanswered.len(), "{plan:?}");
    for (key, times) in asked(&plan).into_iter().zip(unanswered) {
        for _ in 0..*times {
            stage.answer(key, AccessOutcome::Unknown("a time-out".to_owned()));
        }
        if *times == 0 {
            stage.answer(key, AccessOutcome::Passed);
        }
    }
}

/// Else one account without our role would stop a wave for ever, or one lost call would end it.
#[test]
fn a_wave_passes_over_an_account_that_never_answers_once_another_lets_us_in() {
    let waiting = "held PreflightUnknown";
    // How often each account gave no answer (never: it let us in), how long ago, what follows.
    let rows = [
        ([0, 1], 0, waiting, 0),
        ([0, 1], 59, waiting, 0),
        ([0, 1], 60, "held Gating", 1),
        ([0, 3], 179, waiting, 0),
        ([0, 3], 180, "held Gating", 1),
        ([0, 4], 0, waiting, 0),
        ([0, 5], 0, "TagResource", 0),
        ([0, 5], 300, "held Gating", 1),
        ([5, 5], 0, waiting, 0),
        ([5, 5], 300, "held Gating", 2),
    ];
    for (unanswered, passes, expected, asks) in rows {
        let mut stage = by_waves(&[wave("first", &[MEMBER, OTHER], 0)]);
        answer(&mut stage, &unanswered);
        stage.wait(passes);
        let plan = stage.plan();
        let found = (summary(&plan), asked(&plan).len());
        assert_eq!(found, (vec![expected.to_owned()], asks), "{unanswered:?} after {passes} s");
    }
}

#[test]
fn a_wave_waits_for_whoever_is_still_to_be_asked_again_in_whatever_order() {
    let cases = [
        ([5, 1, 0], "held PreflightUnknown"),
        ([1, 5, 0], "held PreflightUnknown"),
        ([0, 1, 5], "held PreflightUnknown"),
        ([5, 0, 5], "TagResource"),
    ];
    for (unanswered, expected) in cases {
        let mut stage = by_waves(&[wave("first", &[MEMBER, OTHER, SUSPENDED], 0)]);
        let fleet = stage.world.facts.fleet.as_mut().unwrap();
        for account in fleet.accounts.values_mut() {
            account.state = AccountState::Active;
        }
        answer(&mut stage, &unanswered);
        assert_eq!(summary(&stage.plan()), [expected], "{unanswered:?}");
    }
}

#[test]
fn where_no_account_lets_us_in_a_new_policy_goes_nowhere_and_says_for_how_long() {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    let mut plan = until(&mut stage, |plan| !plan.needs_access.is_empty());
    let mut denied = BTreeSet::new();
    while let Some(key) = plan.needs_access.first() {
        assert!(denied.insert(key.account.to_string()), "{plan:?}");
        stage.answer(key, AccessOutcome::Denied("no such role".to_owned()));
        plan = stage.plan();
    }
    assert_eq!(denied, BTreeSet::from([MEMBER, OTHER].map(str::to_owned)));
    // As many graces as an account is asked times before a person is needed.
    assert_eq!(waits(&plan), (HoldReason::PreflightUnknown, after(5 * 60)));
}

#[test]
fn a_wave_passes_once_it_has_baked_and_no_sooner() {
    let mut stage = by_waves(&[wave("first", &[MEMBER], 100)]);
    let begins = until(&mut stage, |plan| summary(plan) == ["TagResource"]);
    stage.carry_out(&begins);
    for (passes, left) in [(0, 100), (99, 1)] {
        stage.wait(passes);
        assert_eq!(waits(&stage.plan()), (HoldReason::Baking, after(left)));
    }
    stage.wait(1);
    let passes = stage.plan();
    assert_eq!((summary(&passes), holds(&passes)), (vec!["TagResource".to_owned()], vec![]));
    stage.carry_out(&passes);
    assert!(does(&stage.plan(), "AttachPolicy"), "all is open");
}

/// Where no wave was open, it was in force before.
#[test]
fn what_shuts_us_out_leaves_the_waves_that_were_open_and_nothing_else() {
    let id: PolicyId = "p-created01".parse().unwrap();
    let waves = ["first", "second", "third"].into_iter().zip([MEMBER, OTHER, UNIT]);
    let waves: Vec<ControlStage> = waves.map(|(name, target)| wave(name, &[target], 0)).collect();
    for (passed, taken_back) in [(0, vec![MEMBER]), (1, vec![MEMBER, OTHER])] {
        let mut stage = by_waves(&waves);
        for _ in 0..passed {
            let plan = until(&mut stage, |plan| summary(plan) == ["TagResource"]);
            stage.carry_out(&plan);
        }
        stage.shuts_out = true;
        let plan = until(&mut stage, |plan| does(plan, "AttachPolicy"));
        stage.carry_out(&plan);
        stage.body(&id).targets.extend(targets(&[UNIT]));
        let plan = until(&mut stage, |plan| does(plan, "DetachPolicy"));
        stage.carry_out(&plan);
        let left: Vec<String> = plan.steps.iter().map(leaves).collect();
        assert_eq!(left, taken_back, "{passed} passed");
        assert_eq!(stage.body(&id).targets, targets(&[UNIT]), "{passed} passed");
    }
}

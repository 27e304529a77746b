//! What is decided of all service control policies of an organization together.

use std::collections::BTreeMap;

use super::steps::{NAME, Stage, denies};
use crate::model::{ControlLimits, DesiredControl, Name, PolicyTypeStatus, Presence, Read};
use crate::plan::confirm::Sightings;
use crate::plan::fixture::{OTHER, ROOT, UNIT, holds, owner, summary, unread};
use crate::plan::service_control::{control_attachments, plan_service_controls};
use crate::plan::step::{HoldReason, Plan, Step};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn the_policy_type_is_enabled_first_and_only_for_what_is_wanted() {
    use PolicyTypeStatus::{Disabled, Pending};
    let rows: [(PolicyTypeStatus, Presence, &[&str]); 4] = [
        (Disabled, Presence::Present, &["EnablePolicyType", "held InProgress"]),
        (Pending, Presence::Present, &["held InProgress"]),
        (Disabled, Presence::Absent, &[]),
        (Pending, Presence::Absent, &[]),
    ];
    for (status, state, expected) in rows {
        let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
        stage.desired.state = state;
        stage.observed.status = status;
        assert_eq!(summary(&stage.plan()), *expected, "{status:?} {state:?}");
    }
}

#[test]
fn what_cannot_be_read_holds_back_only_what_is_written_somewhere() {
    let stage = Stage::new(&denies("s3:A"), &[UNIT]);
    let planned = |desired: &BTreeMap<Name, DesiredControl>| {
        let observed = (&Read::Unknown(unread()), &ROOT.parse().unwrap());
        let (limits, mut memory) = (ControlLimits::default(), Sightings::default());
        plan_service_controls(desired, observed, limits, &mut memory, &stage.world.context())
    };
    assert_eq!(planned(&BTreeMap::new()), Plan::default());
    let some = BTreeMap::from([(name(NAME), stage.desired.clone())]);
    assert_eq!(holds(&planned(&some)), [HoldReason::Unreadable]);
}

/// Across manifests too, whatever their names are.
#[test]
fn what_protects_comes_before_what_is_taken_down() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
    stage.converge();
    let gone = DesiredControl { state: Presence::Absent, ..stage.desired.clone() };
    let all = BTreeMap::from([(name(NAME), gone), (name("yes"), stage.desired.clone())]);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let plan = stage.plan_all(&all);
        seen.extend(plan.steps.iter().map(Step::operation));
        if seen.len() > 1 {
            break;
        }
        stage.carry_out(&Plan { steps: Vec::new(), ..plan });
        stage.wait(70);
    }
    assert_eq!(seen, ["organizations:CreatePolicy", "organizations:DetachPolicy"]);
}

#[test]
fn a_policy_of_ours_that_no_manifest_describes_is_named_and_left() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT, OTHER]);
    stage.converge();
    let theirs = Stage::new(&denies("s3:A"), &[UNIT]);
    let mut orphans = |desired: Option<(&str, &[&str])>| {
        let described = desired.map(|(called, before)| {
            let former_names = before.iter().map(|it| name(it)).collect();
            (name(called), DesiredControl { former_names, ..stage.desired.clone() })
        });
        let plan = stage.plan_all(&described.into_iter().collect());
        plan.orphans.len()
    };
    assert_eq!(orphans(Some((NAME, &[]))), 0);
    assert_eq!(orphans(Some(("renamed", &[NAME]))), 0);
    assert_eq!(orphans(Some(("another", &[]))), 1);
    assert_eq!(orphans(None), 1);
    // What the change guard counts: attachments of ours alone.
    assert_eq!(control_attachments(&stage.observed, &owner()), 2);
    assert_eq!(control_attachments(&stage.observed, &"them".parse().unwrap()), 0);
    assert_eq!(control_attachments(&theirs.observed, &owner()), 0);
}

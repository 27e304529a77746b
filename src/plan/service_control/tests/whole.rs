//! What is decided of all service control policies of an organization together, and what is
//! told and remembered of each step.

use std::collections::{BTreeMap, BTreeSet};

use super::steps::{NAME, Stage, denies};
use crate::model::{
    Attachment, ControlForm, ControlLimits, DesiredControl, FieldChange, Name,
    ObservedOrganization, PolicyId, PolicyTypeStatus, Presence, Read, RootId, TargetId,
};
use crate::plan::confirm::Sightings;
use crate::plan::fixture::{
    MEMBER, OTHER, ROOT, UNIT, confirmed, desired_policy, holds, owner, summary, unread,
};
use crate::plan::organization::plan_organization;
use crate::plan::service_control::{
    ControlStep, Leaving, control_attachments, plan_service_controls,
};
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

/// Two manifests at one account.
fn both(stage: &Stage) -> BTreeMap<Name, DesiredControl> {
    let form = ControlForm::Document(denies("s3:B"));
    let other = DesiredControl { form, ..stage.desired.clone() };
    BTreeMap::from([(name(NAME), stage.desired.clone()), (name("yes"), other)])
}

#[test]
fn a_target_gets_no_more_policies_than_it_takes_those_to_come_included() {
    let (attach, quota) = ("AttachPolicy", "held Quota");
    for (theirs, expected) in [(2, [attach, attach]), (3, [attach, quota]), (4, [quota, quota])] {
        let mut stage = Stage::new(&denies("s3:A"), &[MEMBER]);
        for number in 0..theirs {
            stage.foreign(&format!("p-theirs00{number}"), &denies("s3:C"), &[MEMBER]);
        }
        let desired = both(&stage);
        for _ in 0..2 {
            let plan = stage.plan_all(&desired);
            stage.carry_out(&plan);
            stage.wait(70);
        }
        let plan = stage.plan_all(&desired);
        assert_eq!(summary(&plan), expected, "beside {theirs} and AWS's own");
        for held in &plan.held {
            let says = held.message.starts_with("the service control policy of ");
            assert!(says && held.message.contains("where 5 are already"), "{held:?}");
        }
    }
}

/// AWS answers the second call that there is nothing to detach.
#[test]
fn a_policy_leaves_a_target_once_though_two_manifests_have_it_for_themselves() {
    let mut stage = Stage::new(&denies("s3:A"), &[MEMBER]);
    stage.desired.attachment = Attachment::Exclusive;
    let desired = both(&stage);
    for _ in 0..3 {
        let plan = stage.plan_all(&desired);
        stage.carry_out(&plan);
        stage.wait(70);
    }
    stage.foreign("p-theirs000", &denies("s3:C"), &[MEMBER]);
    assert_eq!(summary(&stage.plan_all(&desired)), ["held Confirming"; 2]);
    stage.wait(5);
    assert_eq!(summary(&stage.plan_all(&desired)), ["DetachPolicy"]);
}

#[test]
fn what_was_confirmed_of_bedrock_policies_starts_over_only_once_these_are_unread() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
    let root: RootId = ROOT.parse().unwrap();
    let of_bedrock = |policies| ObservedOrganization {
        organization: "o-abcdefghij".parse().unwrap(),
        root: root.clone(),
        bedrock_policies: PolicyTypeStatus::Enabled,
        policies,
        invalid: Read::KnownAbsent,
        effective: BTreeMap::new(),
    };
    let policies = BTreeMap::from([(name("everywhere"), desired_policy(&[UNIT]))]);
    let controls = BTreeMap::from([(name(NAME), stage.desired.clone())]);
    let (limits, mut memory) = (ControlLimits::default(), Sightings::default());
    let mut planned = |policies_read, is_read: bool| {
        stage.wait(5);
        let context = stage.world.context();
        let plan = plan_organization(&policies, &of_bedrock(policies_read), &mut memory, &context);
        let read =
            if is_read { Read::Known(stage.observed.clone()) } else { Read::Unknown(unread()) };
        plan_service_controls(&controls, (&read, &root), limits, &mut memory, &context);
        summary(&plan)
    };
    assert_eq!(planned(Read::KnownAbsent, false), ["held Confirming"]);
    assert_eq!(planned(Read::KnownAbsent, true), ["CreatePolicy"]);
    assert_eq!(planned(Read::Unknown(unread()), true), ["held Unreadable"]);
    assert_eq!(planned(Read::KnownAbsent, true), ["held Confirming"]);
}

/// A step that takes a policy off the unit.
fn detach(leaving: Leaving) -> ControlStep {
    let (id, target) = ("p-11111111".parse().unwrap(), UNIT.parse().unwrap());
    ControlStep::Detach { manifest: name(NAME), id, target, leaving }
}

/// One of each sort.
fn every_step() -> [ControlStep; 8] {
    let (id, target) = ("p-11111111".parse::<PolicyId>().unwrap(), UNIT.parse().unwrap());
    let (manifest, confirmed) = (|| name(NAME), confirmed());
    let (tags, content) = (BTreeMap::new(), denies("s3:A"));
    let changes = vec![FieldChange::new("Statement[0].Action", None, Some("s3:A".to_owned()))];
    [
        ControlStep::EnableType { root: ROOT.parse().unwrap() },
        ControlStep::Create {
            manifest: manifest(),
            name: "bedrail-us-no.scp".to_owned(),
            object: "control/no/0123".to_owned(),
            content: content.clone(),
            tags: tags.clone(),
            confirmed,
        },
        ControlStep::Update {
            manifest: manifest(),
            id: id.clone(),
            content,
            previous: denies("s3:B"),
            changes,
        },
        ControlStep::Tag { manifest: manifest(), id: id.clone(), tags },
        ControlStep::Attach { manifest: manifest(), id: id.clone(), target },
        detach(Leaving::GivenUp(confirmed)),
        detach(Leaving::Foreign(confirmed)),
        ControlStep::Delete { manifest: manifest(), id, confirmed },
    ]
}

/// In logs, in the plan that people read, and in the question to CloudTrail who made it necessary.
#[test]
fn each_step_says_what_it_does_to_what_and_which_call_of_others_asks_for_it() {
    let (id, at) = ("p-11111111", format!("p-11111111 at {UNIT}"));
    let root = format!("SERVICE_CONTROL_POLICY on {ROOT}");
    let ours = "the service control policy of no (p-11111111)";
    let made = "bedrail-us-no.scp";
    let expected: [(&str, String, &str); 8] = [
        (&root, format!("enable {root}"), "DisablePolicyType"),
        (made, format!("create the service control policy {made}"), "DeletePolicy"),
        (id, format!("put the service control policy of no right ({id})"), "UpdatePolicy"),
        (id, format!("tag {ours}"), "UntagResource"),
        (&at, format!("attach {ours} to {UNIT}"), "DetachPolicy"),
        (&at, format!("detach {ours} from {UNIT}"), "AttachPolicy"),
        (
            &at,
            format!("detach the service control policy {id} of somebody else from {UNIT}"),
            "AttachPolicy",
        ),
        (id, format!("delete a service control policy of no ({id})"), "CreatePolicy"),
    ];
    for (step, (object, title, undone_by)) in every_step().iter().zip(expected) {
        let told = (step.object(), step.title(), step.undone_by());
        assert_eq!(told, (object.to_owned(), title, undone_by));
        let is_of_organization = matches!(step, ControlStep::EnableType { .. });
        assert_eq!(step.manifest(), Some(&name(NAME)).filter(|_| !is_of_organization), "{step:?}");
        let edits = matches!(step, ControlStep::Update { .. });
        assert_eq!(step.changes().len(), usize::from(edits), "{step:?}");
    }
}

/// What is replaced, or undone where it was tried, protects as before.
#[test]
fn the_change_guard_counts_what_a_text_gave_up_and_what_others_lose() {
    let confirmed = confirmed();
    for (leaving, expected) in [
        (Leaving::GivenUp(confirmed), true),
        (Leaving::Foreign(confirmed), true),
        (Leaving::Replaced(confirmed), false),
        (Leaving::Undone, false),
    ] {
        assert_eq!(detach(leaving).is_loss(), expected, "{leaving:?}");
    }
    let losses = every_step().into_iter().filter(ControlStep::is_loss);
    assert!(losses.eq([Leaving::GivenUp(confirmed), Leaving::Foreign(confirmed)].map(detach)));
}

/// Else what AWS refused, or what was confirmed, of one would count for another.
#[test]
fn what_is_remembered_of_one_policy_at_one_target_is_not_of_another() {
    let pairs = [("p-11111111", UNIT), ("p-11111111", OTHER), ("p-22222222", UNIT)];
    let mut notes = BTreeSet::new();
    for (id, target) in pairs {
        let (id, target): (PolicyId, TargetId) = (id.parse().unwrap(), target.parse().unwrap());
        let (manifest, confirmed) = (name(NAME), confirmed());
        let delete = ControlStep::Delete { manifest, id: id.clone(), confirmed };
        notes.extend(delete.sighting());
        let attach = ControlStep::Attach { manifest: name(NAME), id, target };
        notes.extend(attach.sighting().into_iter().chain(attach.refused()));
    }
    // Each attachment twice, and each policy.
    assert_eq!(notes.len(), 3 * 2 + 2, "{notes:?}");
    let refusable = every_step().map(|step| step.refused().is_some());
    assert_eq!(refusable, [false, false, false, false, true, true, true, false]);
}

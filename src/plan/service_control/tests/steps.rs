//! From nothing to everywhere, step by step, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::model::{
    AccessFact, AccessKey, AccessOutcome, AccountId, Attachment, ControlBody, ControlForm,
    ControlLimits, ControlMarks, ControlStage, DesiredControl, Name, ObservedControl,
    ObservedControls, ObservedOrganization, OnDeselect, PolicyId, PolicyTypeStatus, Presence, Read,
    RootId, Selection, ServiceControl, ServiceControls, TargetId, TargetMark,
};
use crate::plan::confirm::Sightings;
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, ROOT, SUSPENDED, UNIT, World, cell, content, holds, summary, unread,
};
use crate::plan::organization::plan_organization;
use crate::plan::service_control::{ControlStep, plan_service_controls};
use crate::plan::step::{HoldReason, Plan, Step};

pub(super) fn targets(ids: &[&str]) -> BTreeSet<TargetId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

/// The manifest of a [`Stage`].
pub(super) const NAME: &str = "no";

/// A manifest, and a world in which its steps can be carried out.
pub(super) struct Stage {
    pub(super) desired: DesiredControl,
    pub(super) controls: ServiceControls,
    pub(super) observed: ObservedControls,
    pub(super) tags: BTreeMap<PolicyId, BTreeMap<String, String>>,
    pub(super) memory: Sightings,
    pub(super) world: World,
    created: usize,
    /// Whether our role is denied wherever something is tried.
    pub(super) shuts_out: bool,
    /// An account that denies our role whatever is attached.
    denying: Option<AccountId>,
}

impl Stage {
    /// A manifest with a document, in an organization where every target has `FullAWSAccess` and a
    /// guardrail is published.
    pub(super) fn new(document: &Value, at: &[&str]) -> Self {
        let mut world = World::with_versions(&content("x"), &[(1, &content("x"))]);
        world.is_assumed = false;
        world.facts.cells.insert(cell(MEMBER), None);
        let marks = at.iter().map(|id| match id.parse().unwrap() {
            TargetId::Root(_) => TargetMark::organization(),
            TargetId::Unit(id) => TargetMark::unit(id.as_str()),
            TargetId::Account(id) => TargetMark::account(&id),
        });
        let desired = DesiredControl {
            state: Presence::Present,
            form: ControlForm::Document(document.clone()),
            policy_name: None,
            former_names: BTreeSet::new(),
            targets: targets(at),
            selection: Selection::new(Presence::Present, &BTreeSet::new(), marks.collect()),
            on_deselect: OnDeselect::Keep,
            is_unresolved: false,
            attachment: Attachment::Additive,
            adopt: false,
            stages: None,
            is_paused: false,
            spec_hash: "1".to_owned(),
        };
        let mut stage = Self {
            desired,
            controls: ServiceControls::new(),
            observed: ObservedControls {
                status: PolicyTypeStatus::Enabled,
                policies: BTreeMap::new(),
            },
            tags: BTreeMap::new(),
            memory: Sightings::default(),
            world,
            created: 0,
            shuts_out: false,
            denying: None,
        };
        let full = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let everywhere = [ROOT, UNIT, MEMBER, OTHER, MANAGEMENT, SUSPENDED];
        stage.foreign("p-FullAWSAccess", &full, &everywhere);
        stage
    }

    /// A policy of somebody else, or of AWS.
    pub(super) fn foreign(&mut self, id: &str, document: &Value, at: &[&str]) {
        let id: PolicyId = id.parse().unwrap();
        let is_aws_managed = id.as_str() == "p-FullAWSAccess";
        let name = if is_aws_managed { "FullAWSAccess" } else { "theirs" }.to_owned();
        let control = ServiceControl {
            id: id.clone(),
            name: name.clone(),
            content: document.clone(),
            targets: targets(at),
        };
        self.controls.insert(id.clone(), control);
        let marks = ControlMarks::default();
        let listed = ObservedControl { id: id.clone(), name, is_aws_managed, marks, body: None };
        self.observed.policies.insert(id, listed);
    }

    pub(super) fn plan(&mut self) -> Plan {
        self.plan_all(&BTreeMap::from([(NAME.parse().unwrap(), self.desired.clone())]))
    }

    /// The plan of these manifests.
    pub(super) fn plan_all(&mut self, desired: &BTreeMap<Name, DesiredControl>) -> Plan {
        self.world.facts.controls = Some(Read::Known(self.controls.clone()));
        self.world.facts.controls_read = Some(self.world.now);
        self.plan_as_read(desired)
    }

    /// The same, of what was read of the policies of others before.
    pub(super) fn plan_as_read(&mut self, desired: &BTreeMap<Name, DesiredControl>) -> Plan {
        let root: RootId = ROOT.parse().unwrap();
        let observed = Read::Known(self.observed.clone());
        let limits = ControlLimits::default();
        let context = self.world.context();
        plan_service_controls(desired, (&observed, &root), limits, &mut self.memory, &context)
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.world.wait(seconds);
    }

    pub(super) fn body(&mut self, id: &PolicyId) -> &mut ControlBody {
        self.observed.policies.get_mut(id).unwrap().body.as_mut().unwrap()
    }

    pub(super) fn tag(&mut self, id: &PolicyId, tags: BTreeMap<String, String>) {
        let all = self.tags.entry(id.clone()).or_default();
        all.extend(tags);
        self.observed.policies.get_mut(id).unwrap().marks = ControlMarks::of_tags(all);
    }

    pub(super) fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let Step::Control(control) = step else { panic!("{step:?}") };
            if let Some(object) = step.sighting() {
                self.memory.wrote(&object, self.world.now);
            }
            match control {
                ControlStep::Create { name, content, tags, .. } => {
                    self.created += 1;
                    let id: PolicyId = format!("p-created{:02}", self.created).parse().unwrap();
                    let body = ControlBody { content: content.clone(), targets: BTreeSet::new() };
                    let listed = ObservedControl {
                        id: id.clone(),
                        name: name.clone(),
                        is_aws_managed: false,
                        marks: ControlMarks::default(),
                        body: Some(body),
                    };
                    self.observed.policies.insert(id.clone(), listed);
                    self.tag(&id, tags.clone());
                }
                ControlStep::Update { id, content, .. } => self.body(id).content = content.clone(),
                ControlStep::Tag { id, tags, .. } => self.tag(id, tags.clone()),
                ControlStep::Attach { id, target, .. } => {
                    assert!(self.body(id).targets.insert(target.clone()), "attached twice");
                }
                ControlStep::Detach { id, target, .. } => {
                    assert!(self.body(id).targets.remove(target), "not attached");
                }
                ControlStep::Delete { id, .. } => drop(self.observed.policies.remove(id)),
                ControlStep::EnableType { .. } => {
                    self.observed.status = PolicyTypeStatus::Enabled;
                }
            }
        }
        for key in &plan.needs_access {
            let is_shut_out = self.shuts_out && !key.policies.is_empty();
            let outcome = if is_shut_out || self.denying.as_ref() == Some(&key.account) {
                AccessOutcome::Denied("no".to_owned())
            } else {
                AccessOutcome::Passed
            };
            self.answer(key, outcome);
        }
    }

    pub(super) fn answer(&mut self, key: &AccessKey, outcome: AccessOutcome) {
        let fact = AccessFact::after(self.world.facts.access.get(key), outcome, self.world.now);
        self.world.facts.access.insert(key.clone(), fact);
    }

    /// Plans and carries out until nothing is left; what was done, in order.
    pub(super) fn converge(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        for _ in 0..40 {
            let plan = self.plan();
            assert_eq!(plan.refusals, [], "{plan:?}");
            done.extend(plan.steps.iter().map(|step| {
                let Step::Control(control) = step else { panic!("{step:?}") };
                match control {
                    ControlStep::Attach { target, .. } => format!("attach {target}"),
                    ControlStep::Detach { target, .. } => format!("detach {target}"),
                    ControlStep::Create { .. } => "create".to_owned(),
                    ControlStep::Update { .. } => "update".to_owned(),
                    ControlStep::Tag { .. } => "tag".to_owned(),
                    ControlStep::Delete { .. } => "delete".to_owned(),
                    ControlStep::EnableType { .. } => "enable".to_owned(),
                }
            }));
            if plan.steps.is_empty() && plan.held.is_empty() && plan.needs_access.is_empty() {
                return done;
            }
            self.carry_out(&plan);
            self.wait(70);
        }
        panic!("no end: {:?}", self.plan());
    }
}

pub(super) fn denies(action: &str) -> Value {
    json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]})
}

#[test]
fn what_was_detached_by_hand_goes_back_at_once_and_what_was_given_up_does_not() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT, OTHER]);
    stage.converge();
    let id: PolicyId = "p-created01".parse().unwrap();
    stage.desired.is_paused = true;
    stage.body(&id).targets.remove(&OTHER.parse().unwrap());
    assert_eq!(summary(&stage.plan()), ["AttachPolicy"]);
    stage.desired.targets = targets(&[UNIT]);
    assert_eq!(summary(&stage.plan()), [""; 0]);
    stage.desired.targets = targets(&[UNIT, OTHER]);
    assert_eq!(holds(&stage.plan()), [HoldReason::Paused]);
}

/// As where an organization does not have that type at all.
#[test]
fn unread_bedrock_policies_do_not_keep_a_policy_from_being_confirmed() {
    let mut stage = Stage::new(&denies("s3:DeleteBucket"), &[MEMBER]);
    assert_eq!(summary(&stage.plan()), ["held Confirming"]);
    stage.wait(60);
    let unread = ObservedOrganization {
        organization: "o-abcdefghij".parse().unwrap(),
        root: ROOT.parse().unwrap(),
        bedrock_policies: PolicyTypeStatus::Disabled,
        policies: Read::Unknown(unread()),
        invalid: Read::KnownAbsent,
        effective: BTreeMap::new(),
    };
    let context = stage.world.context();
    plan_organization(&BTreeMap::new(), &unread, &mut stage.memory, &context);
    assert_eq!(summary(&stage.plan()), ["CreatePolicy"]);
}

#[test]
fn a_new_policy_goes_to_one_account_and_then_everywhere_and_then_rests() {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    let first = format!("attach {MEMBER}");
    let everywhere = format!("attach {ROOT}");
    let back = format!("detach {MEMBER}");
    assert_eq!(stage.converge(), ["create", &first, "tag", &everywhere, &back]);
    stage.wait(10_000);
    assert_eq!(summary(&stage.plan()), [""; 0]);
}

#[test]
fn policies_of_others_stay_where_a_manifest_only_adds() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
    stage.foreign("p-theirs000", &denies("s3:B"), &[UNIT]);
    let done = stage.converge();
    assert!(!done.contains(&format!("detach {UNIT}")), "{done:?}");
}

#[test]
fn a_changed_document_is_another_policy_and_the_old_one_leaves_last() {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    stage.converge();
    stage.desired.form = ControlForm::Document(denies("s3:B"));
    let (first, everywhere) = (format!("attach {MEMBER}"), format!("attach {ROOT}"));
    let done = stage.converge();
    assert_eq!(done[..4], ["create", &first, "tag", &everywhere].map(str::to_owned));
    let leaves =
        BTreeSet::from([format!("detach {ROOT}"), format!("detach {MEMBER}"), "delete".to_owned()]);
    assert_eq!(done[4..].iter().cloned().collect::<BTreeSet<_>>(), leaves);
    assert_eq!(done.last().unwrap(), "delete");
}

#[test]
fn one_denial_is_no_verdict_and_two_take_it_back() {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    stage.shuts_out = true;
    let mut asked = 0;
    for _ in 0..20 {
        let plan = stage.plan();
        asked += plan.needs_access.iter().filter(|key| !key.policies.is_empty()).count();
        stage.carry_out(&plan);
        if plan.needs_access.is_empty() {
            stage.wait(200);
        }
    }
    assert_eq!(asked, 2);
    let plan = stage.plan();
    assert_eq!(summary(&plan), ["held RolledBack"], "it is gone from everywhere and stays so");
    let attached: usize = stage
        .observed
        .policies
        .values()
        .filter_map(|it| it.body.as_ref())
        .map(|it| it.targets.len())
        .sum();
    assert_eq!(attached, 0);
    stage.shuts_out = false;
    stage.desired.form = ControlForm::Document(denies("s3:B"));
    assert!(stage.converge().contains(&format!("attach {ROOT}")), "another text is tried again");
}

/// Found by a random history: no answer, then one denial, and the verdict a quarter of an hour later.
#[test]
fn a_denial_after_no_answer_or_long_ago_is_no_verdict() {
    use AccessOutcome::{Denied, Unknown};
    let denied = || Denied("no".to_owned());
    for (answers, waits, expected) in [
        (vec![Unknown("a time-out".to_owned()), denied()], 0, false),
        (vec![denied(), Unknown("a time-out".to_owned()), denied()], 0, true),
        (vec![denied(), denied()], 0, true),
        (vec![denied(), denied()], 900, false),
    ] {
        let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
        let key = loop {
            let plan = stage.plan();
            if let Some(key) = plan.needs_access.iter().find(|key| !key.policies.is_empty()) {
                break key.clone();
            }
            stage.carry_out(&plan);
            stage.wait(20);
        };
        for answer in answers {
            stage.answer(&key, answer);
        }
        stage.wait(waits);
        let plan = stage.plan();
        let verdict = summary(&plan).contains(&"held RolledBack".to_owned());
        assert_eq!(verdict, expected, "{:?}", summary(&plan));
    }
}

/// Found by a random history: the rollback took a policy from where it had long been in force.
#[test]
fn a_policy_is_taken_back_from_where_it_was_tried_and_stays_where_it_was_in_force() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
    stage.converge();
    stage.shuts_out = true;
    stage.desired.targets = targets(&[UNIT, OTHER]);
    stage.desired.spec_hash = "2".to_owned();
    for _ in 0..20 {
        let plan = stage.plan();
        stage.carry_out(&plan);
        if plan.needs_access.is_empty() {
            stage.wait(200);
        }
    }
    let attached = |stage: &Stage| -> BTreeSet<TargetId> {
        let bodies = stage.observed.policies.values().filter_map(|it| it.body.as_ref());
        bodies.flat_map(|it| it.targets.clone()).collect()
    };
    assert_eq!(attached(&stage), targets(&[UNIT]));
    assert_eq!(summary(&stage.plan()), ["held RolledBack"]);
    stage.desired.targets = targets(&[UNIT]);
    stage.desired.spec_hash = "3".to_owned();
    stage.converge();
    assert_eq!(summary(&stage.plan()), [""; 0], "other targets are another text");
}

#[test]
fn an_account_of_a_wave_that_denied_us_before_says_nothing_and_one_that_lets_us_in_must_be_there() {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    let wave = |ids: &[&str]| ControlStage {
        name: "first".parse().unwrap(),
        targets: targets(ids),
        bake: Duration::from_secs(100),
    };
    stage.desired.stages = Some(vec![wave(&[MEMBER, OTHER])]);
    stage.denying = Some(OTHER.parse().unwrap());
    let done = stage.converge();
    let attached = [format!("attach {MEMBER}"), format!("attach {OTHER}")];
    // Attached, baking, passed, everywhere.
    let everywhere = format!("attach {ROOT}");
    assert_eq!(done[1..6], [&attached[0], &attached[1], "tag", "tag", &everywhere]);

    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    stage.desired.stages = Some(vec![wave(&[OTHER])]);
    stage.denying = Some(OTHER.parse().unwrap());
    for _ in 0..10 {
        let plan = stage.plan();
        stage.carry_out(&plan);
        stage.wait(200);
    }
    assert_eq!(summary(&stage.plan()), ["held PreflightUnknown"]);
}

#[test]
fn nothing_follows_from_what_could_not_be_read() {
    let mut stage = Stage::new(&denies("s3:A"), &[ROOT]);
    stage.converge();
    let name: Name = "no".parse().unwrap();
    let desired = BTreeMap::from([(name, stage.desired.clone())]);
    let root: RootId = ROOT.parse().unwrap();
    let unread = Read::Unknown(unread());
    let context = stage.world.context();
    let limits = ControlLimits::default();
    let plan =
        plan_service_controls(&desired, (&unread, &root), limits, &mut stage.memory, &context);
    assert_eq!(summary(&plan), ["held Unreadable"]);
    stage.desired.form = ControlForm::Document(denies("s3:B"));
    stage.world.facts.controls = None;
    let observed = Read::Known(stage.observed.clone());
    let desired = BTreeMap::from([("no".parse().unwrap(), stage.desired.clone())]);
    let context = stage.world.context();
    let plan =
        plan_service_controls(&desired, (&observed, &root), limits, &mut stage.memory, &context);
    assert!(plan.needs_controls && plan.steps.is_empty(), "{plan:?}");
}

#[test]
fn the_last_policy_of_a_target_stays() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
    stage.converge();
    let full: PolicyId = "p-FullAWSAccess".parse().unwrap();
    stage.controls.get_mut(&full).unwrap().targets.remove(&UNIT.parse().unwrap());
    stage.desired.state = Presence::Absent;
    stage.plan();
    stage.wait(60);
    let plan = stage.plan();
    assert_eq!(holds(&plan), [HoldReason::Quota]);
    assert!(plan.steps.is_empty(), "{plan:?}");
}

#[test]
fn a_confirmation_takes_its_time() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
    assert_eq!(holds(&stage.plan()), [HoldReason::Confirming]);
    stage.world.now += Duration::from_secs(1);
    assert_eq!(holds(&stage.plan()), [HoldReason::Confirming]);
    stage.wait(5);
    assert_eq!(summary(&stage.plan()), ["CreatePolicy"]);
}

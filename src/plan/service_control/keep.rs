//! Decides what one manifest needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{hash, is_same, meaning, parts};
use super::find::{Matched, Own};
use super::render::{self, Ground};
use super::step::{ControlStep, all_in_place, creation};
use super::{Proof, lockout};
use crate::model::{
    CONTROL_DOCUMENT_TAG, CONTROL_PART_TAG, CONTROL_SELECTION_TAG, CONTROL_STAGE_TAG, CONTROL_TAG,
    ControlForm, ControlLimits, DesiredControl, EnforcementKey, EnforcementKind, Fleet,
    GuardrailArn, Name, ObservedControls, Presence, Read, Refusal, TargetId, changes,
};
use crate::plan::confirm::Sightings;
use crate::plan::context::Context;
use crate::plan::hold::listed;
use crate::plan::ownership::tags;
use crate::plan::step::{Held, HoldReason, Loss, Plan, Step};

/// The arguments that stay the same through the plan of one manifest.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) name: &'a Name,
    pub(super) desired: &'a DesiredControl,
    /// Every service control policy: a complete list.
    pub(super) observed: &'a ObservedControls,
    /// The proof that it is.
    pub(super) seen: Proof,
    pub(super) fleet: &'a Fleet,
    pub(super) limits: ControlLimits,
    pub(super) context: &'a Context<'a>,
}

impl<'a> Visit<'a> {
    /// | its policies | `Present` | `Absent` |
    /// |---|---|---|
    /// | none | create, once confirmed | nothing |
    /// | say what it says | attach, stage by stage | detach, then delete, both confirmed |
    /// | edited by hand | put right | the same |
    /// | say what it said before | leave once the new one is everywhere | the same |
    pub(super) fn plan(&self, memory: &mut Sightings, plan: &mut Plan) {
        // The refusal stands among those of the manifests.
        if self.desired.is_unresolved {
            return;
        }
        let own = self.own();
        match self.desired.state {
            Presence::Absent => self.remove(&own, memory, plan),
            Presence::Present if own.is_empty() && self.stranger().is_some() => self.adopt(plan),
            Presence::Present => self.keep(&own, memory, plan),
        }
    }

    fn keep(&self, own: &[Own<'a>], memory: &mut Sightings, plan: &mut Plan) {
        let documents = match self.documents() {
            Ok(documents) => documents,
            Err(held) => return plan.hold(held.prefixed(&self.what())),
        };
        let found = Matched::of(&documents, own);
        for Own { live, body, .. } in found.current.values() {
            let places = (&body.targets, &self.desired.targets);
            memory.notice_at(&all_in_place(&live.id), places, self.context.now);
        }
        if found.current.values().any(|it| it.live.marks.is_rejected(&self.desired.spec_hash)) {
            return self.take_back(&found, plan);
        }
        let drifted: Vec<usize> = (found.current.iter())
            .filter(|(number, own)| {
                documents.get(**number).is_some_and(|it| !is_same(it, &own.body.content))
            })
            .map(|(number, _)| *number)
            .collect();
        let is_wide = found.current.len() == documents.len()
            && found.current.values().all(|it| self.desired.targets.is_subset(&it.body.targets));
        if (!is_wide || !drifted.is_empty()) && !self.is_cleared(&documents, own, plan) {
            return;
        }
        self.mark(&found, own, &documents, plan);
        for number in drifted {
            self.put_right(number, &found, &documents, plan);
        }
        if found.current.len() < documents.len() {
            return self.create((&found, own), &documents, memory, plan);
        }
        if !is_wide {
            return self.advance(&found, memory, plan);
        }
        self.retire(&found, own, memory, plan);
        self.detach_foreign(memory, plan);
    }

    /// What it says, as documents that AWS takes.
    fn documents(&self) -> Result<Vec<Value>, Held> {
        let guardrails = self.required_guardrails()?;
        let ground = Ground {
            partition: &self.fleet.partition,
            owner: self.context.owner,
            member_role: self.context.preflight.member_role,
            guardrails: &guardrails,
        };
        let document = render::document(&self.desired.form, &ground);
        parts(document, self.limits.size_max).map_err(|too_long| {
            let message = format!(
                "a statement takes {} characters, and AWS takes {} in a document \
                 (`--scp-size-max`): shorten it",
                too_long.length, self.limits.size_max
            );
            Held::for_person(HoldReason::Quota, message)
        })
    }

    /// The ARNs of the guardrails it requires. All must be there: one that is missing would have
    /// its callers denied.
    fn required_guardrails(&self) -> Result<BTreeSet<GuardrailArn>, Held> {
        let ControlForm::RequireGuardrail { guardrails, .. } = &self.desired.form else {
            return Ok(BTreeSet::new());
        };
        let replicas = self.context.replicas.iter();
        let required = replicas.filter(|(key, it)| {
            guardrails.contains(&key.guardrail) && it.state == Presence::Present
        });
        let mut arns = BTreeSet::new();
        let mut missing = BTreeSet::new();
        for (key, _) in required {
            match self.context.facts.replicas.get(key).filter(|it| !it.versions.is_empty()) {
                Some(fact) => drop(arns.insert(fact.arn.clone())),
                None => drop(missing.insert(format!("{} in {}", key.guardrail, key.region))),
            }
        }
        if missing.is_empty() && !arns.is_empty() {
            return Ok(arns);
        }
        let message = format!("waits until its guardrails are published: {}", listed(missing));
        Err(Held::for_fact(HoldReason::WaitingForVersion, message))
    }

    /// Whether the documents may be put in force: nobody is shut out by them. If not, the plan says
    /// why, or asks for what must be known.
    fn is_cleared(&self, documents: &[Value], own: &[Own<'a>], plan: &mut Plan) -> bool {
        let live = match self.controls(plan) {
            Ok(live) => live,
            Err(held) => {
                plan.hold(held);
                return false;
            }
        };
        let intended = self.intended(&live, documents, own);
        let Some(why) = lockout::shuts_out(&live, &intended, self) else { return true };
        plan.refusals.push(Refusal {
            manifest: self.key().to_string(),
            field: "spec".to_owned(),
            message: why,
        });
        false
    }

    /// Takes a policy of nobody's over, or says why not.
    fn adopt(&self, plan: &mut Plan) {
        let Some(live) = self.stranger() else { return };
        let why = match (&live.marks.owner, live.is_aws_managed, &live.body) {
            (_, true, _) => "is AWS's own".to_owned(),
            (Some(owner), ..) => format!("belongs to `{owner}`; rename one of the two"),
            (None, false, Some(body)) if self.desired.adopt => {
                let tags = self.tags(0, &body.content);
                return plan.steps.push(self.tag(live.id.clone(), tags));
            }
            (None, false, _) => "carries no owner; write `adopt: true` to take it over".to_owned(),
        };
        let message = format!("the policy `{}` ({}) {why}", live.name, live.id);
        plan.refuse(self.key().to_string(), message);
    }

    /// Puts our marks on its policies. What the text selects in addition is recorded at once; what
    /// it gave up stays recorded until it is gone, so that a crash halfway loses no consent.
    fn mark(&self, found: &Matched<'a>, own: &[Own<'a>], documents: &[Value], plan: &mut Plan) {
        for (number, Own { live, .. }) in &found.current {
            let Some(document) = documents.get(*number) else { continue };
            let selection = self.selection(own);
            let wanted = hash(document);
            let marks = &live.marks;
            let is_marked = marks.manifest.as_ref() == Some(self.name)
                && marks.document.as_ref() == Some(&wanted)
                && (*number == 0 || marks.part == Some(number + 1))
                && marks.selection.as_ref().map(ToString::to_string) == Some(selection.clone());
            if !is_marked {
                let mut tags = self.tags(*number, document);
                tags.insert(CONTROL_SELECTION_TAG.to_owned(), selection);
                plan.steps.push(self.tag(live.id.clone(), tags));
            }
        }
    }

    /// What the tag should say that the text selects.
    fn selection(&self, own: &[Own<'a>]) -> String {
        let now = &self.desired.selection;
        match Self::recorded(own) {
            Some(old) if self.has_left_over(own, &old) => old.union(now).to_string(),
            Some(_) | None => now.to_string(),
        }
    }

    fn tags(&self, number: usize, document: &Value) -> BTreeMap<String, String> {
        let mut more = BTreeMap::from([
            (CONTROL_DOCUMENT_TAG.to_owned(), hash(document)),
            (CONTROL_SELECTION_TAG.to_owned(), self.desired.selection.to_string()),
        ]);
        if number > 0 {
            more.insert(CONTROL_PART_TAG.to_owned(), (number + 1).to_string());
        }
        tags(self.context.owner, (CONTROL_TAG, self.name.as_str()), &more)
    }

    pub(super) fn tag(&self, id: crate::model::PolicyId, tags: BTreeMap<String, String>) -> Step {
        Step::Control(ControlStep::Tag { manifest: self.name.clone(), id, tags })
    }

    /// The tag that says how far it has come.
    pub(super) fn stage_tag(progress: crate::model::ControlProgress) -> BTreeMap<String, String> {
        BTreeMap::from([(CONTROL_STAGE_TAG.to_owned(), progress.value())])
    }

    /// Puts back what somebody edited: it was in force before, so that it needs no stages.
    fn put_right(&self, number: usize, found: &Matched<'a>, documents: &[Value], plan: &mut Plan) {
        let (Some(own), Some(document)) = (found.current.get(&number), documents.get(number))
        else {
            return;
        };
        plan.steps.push(Step::Control(ControlStep::Update {
            manifest: self.name.clone(),
            id: own.live.id.clone(),
            content: document.clone(),
            previous: own.body.content.clone(),
            changes: changes(&meaning(&own.body.content), &meaning(document)),
        }));
    }

    /// Creates what is missing, attached to nothing.
    fn create(
        &self,
        (found, own): (&Matched<'a>, &[Own<'a>]),
        documents: &[Value],
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let Context { now, timing, .. } = *self.context;
        let mut confirming = None;
        for (number, document) in documents.iter().enumerate() {
            if found.current.contains_key(&number) {
                continue;
            }
            let object = creation(self.name, &hash(document));
            let Some(absent) = Read::<()>::KnownAbsent.absent() else { continue };
            let Some(name) = self.free_name(number, document) else {
                let message = format!(
                    "policies of others have the names that a policy of {} would get; rename them",
                    self.name
                );
                plan.refuse(self.key().to_string(), message);
                return;
            };
            match memory.confirm_absent(&object, absent, now, timing) {
                Ok(confirmed) => {
                    let mut tags = self.tags(number, document);
                    tags.insert(CONTROL_SELECTION_TAG.to_owned(), self.selection(own));
                    plan.steps.push(Step::Control(ControlStep::Create {
                        manifest: self.name.clone(),
                        name,
                        object,
                        content: document.clone(),
                        tags,
                        confirmed,
                    }));
                }
                Err(wait) => confirming = confirming.max(Some(wait)),
            }
        }
        if let Some(wait) = confirming {
            let message =
                format!("{} will be made once a second complete read finds none", self.what());
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
    }

    pub(super) fn key(&self) -> EnforcementKey {
        EnforcementKey { kind: EnforcementKind::ServiceControl, name: self.name.clone() }
    }

    /// A loss at a target. Its policies are named with it: what others lose there counts as well.
    pub(super) fn loss(&self, whose: &str, target: &TargetId) -> Loss {
        Loss { manifest: self.key().into(), object: format!("{whose} at {target}") }
    }

    /// As people call its policy.
    pub(super) fn what(&self) -> String {
        format!("the service control policy of {}", self.name)
    }

    /// Whether a policy that is attached to every target of the manifest is in force at `target`.
    pub(super) fn is_covered(&self, target: &TargetId) -> bool {
        self.fleet.lineage(target).iter().any(|it| self.desired.targets.contains(it))
    }
}

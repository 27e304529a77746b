//! What the referee remembers of the controller: what it made, what it has read, what it took.
//!
//! Order is counted in ticks, one per call of the controller, not in time: a fact is known if it
//! was read after something, however fast the clock runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::bedrock::Enforced;
use super::super::call::{Answer, Call, Millis, Reply, Service};
use super::super::world::{Place, World};
use super::Write;
use super::intent::{Intent, Removal};
use super::reads::Reads;
use super::reference::{Reference, references_in};
use super::rules::blast_radius::{self, Progress};
use super::rules::change_guard;

/// One step of the controller's history; 0 is before all of it.
pub(super) type Tick = u64;

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    tick: Tick,
    /// Guardrails (ARN) and policies (id) the controller created.
    created: BTreeSet<String>,
    /// Versions the controller published.
    published: BTreeSet<(String, u32)>,
    /// Guardrails (ARN) and versions the controller deleted; without one, all of them.
    deleted: BTreeSet<(String, Option<String>)>,
    /// Tags the controller wrote: resource and key.
    tagged: BTreeSet<(String, String)>,
    /// Slots as the controller left them.
    enforced: BTreeMap<Place, Enforced>,
    logging: BTreeMap<Place, Value>,
    /// When the controller last changed what a policy does at a target, or (empty) everywhere.
    applied: BTreeMap<(String, String), Millis>,
    /// When the last known reference to a version was replaced.
    released: BTreeMap<Reference, Tick>,
    /// When each removal was first told.
    told: BTreeMap<Removal, Tick>,
    pub(super) reads: Reads,
    /// What was lost since the intent last changed, and what there was to lose.
    pub(super) losses: BTreeSet<String>,
    pub(super) owned: Option<usize>,
    /// Where the controller last saw each account, by the operation that told.
    seen_at: BTreeMap<(&'static str, String), String>,
    /// What was not answered when it was last read: account, Region and operation.
    unseen: BTreeSet<(String, String, &'static str)>,
    /// When each wave was first seen complete.
    pub(super) complete: BTreeMap<usize, Millis>,
    /// By wave: where an older content was last found.
    pub(super) waiting: BTreeMap<usize, Place>,
}

/// What one write adds to the memory, worked out while the memory is still being read.
#[derive(Debug, Default)]
pub(super) struct Facts {
    losses: BTreeSet<String>,
    owned: Option<usize>,
    progress: Option<(usize, Progress, Millis)>,
    released: Vec<Reference>,
}

impl Facts {
    /// The facts of a write that was judged.
    pub(super) fn of(write: &Write<'_>) -> Self {
        let losses = change_guard::losses(write);
        let owned = write.memory.owned.or_else(|| {
            (!losses.is_empty())
                .then(|| change_guard::owned(write.before, write.memory, write.intent))
        });
        let progress = blast_radius::progress(write);
        let progress = progress.map(|(wave, progress)| (wave, progress, write.call.at));
        Self { losses, owned, progress, released: released(write) }
    }
}

/// What the places a write reached no longer refer to.
fn released(write: &Write<'_>) -> Vec<Reference> {
    let gone = write.changes.iter().flat_map(|change| {
        let is_gone = |old: &&Reference| change.after.settled().all(|(_, new)| new != *old);
        change.before.settled().map(|(_, old)| old).filter(is_gone).cloned()
    });
    gone.collect()
}

impl Memory {
    /// Takes note of what a test intends from now on.
    pub(super) fn told(&mut self, world: &World, before: &Intent, intent: &Intent) {
        self.told.retain(|removal, _| intent.removals.contains(removal));
        for removal in &intent.removals {
            self.told.entry(removal.clone()).or_insert(self.tick);
        }
        if before.restarts != intent.restarts {
            self.reads = Reads::default();
        }
        self.losses.clear();
        self.owned = None;
        let used = in_use(world);
        if !before.is_same_rollout(intent, |name| used.contains(name)) {
            self.complete.clear();
            self.waiting.clear();
        }
    }

    /// Takes note of a read of the controller and what it was answered.
    pub(super) fn saw(&mut self, call: &Call, answer: &Answer) {
        self.tick += 1;
        let found = self.found(call);
        self.reads.note(self.tick, call, answer);
        // Of other accounts a text takes something else away, and so it may where nothing could be
        // read before, or where a stranger put something since: another set, judged as a whole.
        let sees_a_move = self.sees_a_move(call, answer);
        let now = self.found(call);
        let sees_a_stranger =
            now != found && now.is_some_and(|item| self.is_strangers(call, &item));
        if self.sees_again(call, answer) || sees_a_move || sees_a_stranger {
            self.losses.clear();
            self.owned = None;
        }
    }

    /// What was last found in the slot that a call is about.
    fn found(&self, call: &Call) -> Option<Value> {
        let is_of_a_slot = call.operation == "ListEnforcedGuardrailsConfiguration";
        let (_, found) = self.reads.slot(&call.caller.account, &call.region)?;
        found.filter(|_| is_of_a_slot).cloned()
    }

    /// Whether somebody else put what was found in the slot that a call is about.
    fn is_strangers(&self, call: &Call, item: &Value) -> bool {
        let place = (call.caller.account.clone(), call.region.clone());
        self.enforced.get(&place).is_none_or(|ours| !ours.was_listed_as(item))
    }

    /// Whether this is the first answer from a place after an error there.
    fn sees_again(&mut self, call: &Call, answer: &Answer) -> bool {
        if call.service != Service::Bedrock {
            return false;
        }
        let asked = (call.caller.account.clone(), call.region.clone(), call.operation);
        match answer {
            Err(failure) if failure.status != 404 => {
                self.unseen.insert(asked);
                false
            }
            Ok(_) | Err(_) => self.unseen.remove(&asked),
        }
    }

    fn sees_a_move(&mut self, call: &Call, answer: &Answer) -> bool {
        let Ok(Reply::Body { body, .. }) = answer else { return false };
        if !matches!(call.operation, "ListAccounts" | "ListAccountsForParent") {
            return false;
        }
        let accounts = body.get("Accounts").and_then(Value::as_array);
        let mut has_moved = false;
        for account in accounts.into_iter().flatten() {
            let path = account.pointer("/Paths/0").and_then(Value::as_str);
            let id = account.get("Id").and_then(Value::as_str);
            let (Some(place), Some(id)) = (call.text("ParentId").or(path), id) else { continue };
            let key = (call.operation, id.to_owned());
            let before = self.seen_at.insert(key, place.to_owned());
            has_moved |= before.is_some_and(|before| before != place);
        }
        has_moved
    }

    /// Takes note of a write that was judged.
    pub(super) fn wrote(&mut self, facts: Facts) {
        self.tick += 1;
        self.losses.extend(facts.losses);
        self.owned = facts.owned;
        match facts.progress {
            Some((wave, Progress::Complete, at)) => {
                self.complete.insert(wave, at);
            }
            Some((wave, Progress::Waiting(place), _)) => {
                self.waiting.insert(wave, place);
            }
            Some((_, Progress::Nothing, _)) | None => {}
        }
        self.released.extend(facts.released.into_iter().map(|reference| (reference, self.tick)));
    }

    /// Takes note of what a write that succeeded made.
    pub(super) fn note(&mut self, (before, after): (&World, &World), call: &Call, answer: &Answer) {
        let place = (call.caller.account.clone(), call.region.clone());
        let policy = call.text("PolicyId").unwrap_or_default().to_owned();
        match (call.service, call.operation) {
            (Service::Bedrock, "CreateGuardrail") => {
                self.created.extend(member(answer, "/guardrailArn").map(str::to_owned));
            }
            (Service::Bedrock, "CreateGuardrailVersion") => {
                let version = member(answer, "/version").unwrap_or_default();
                let arn = super::protection::resource(after, call);
                self.deleted.remove(&(arn.clone(), Some(version.to_owned())));
                self.published.extend(version.parse().ok().map(|number| (arn, number)));
            }
            (Service::Bedrock, "DeleteGuardrail") => {
                let version = call.parameter("guardrailVersion").map(str::to_owned);
                self.deleted.insert((super::protection::resource(before, call), version));
            }
            (Service::Bedrock, "PutEnforcedGuardrailConfiguration") => {
                let regional = after.regional(&place.0, &place.1);
                let enforced = regional.and_then(|regional| regional.enforced()).cloned();
                self.enforced.extend(enforced.map(|enforced| (place, enforced)));
            }
            (Service::Bedrock, "PutModelInvocationLoggingConfiguration") => {
                let regional = after.regional(&place.0, &place.1);
                let logging = regional.and_then(|regional| regional.logging()).cloned();
                self.logging.extend(logging.map(|logging| (place, logging)));
            }
            (Service::Bedrock, "PutResourcePolicy" | "DeleteResourcePolicy") => {
                self.reads.forget_grant(&super::protection::resource(after, call));
            }
            (Service::Bedrock, "TagResource") => {
                let resource = super::protection::resource(after, call);
                self.note_tags(call, "tags", "key", &resource);
            }
            (Service::Organizations, "CreatePolicy") => {
                let id = member(answer, "/Policy/PolicySummary/Id");
                self.created.extend(id.map(str::to_owned));
            }
            (Service::Organizations, "TagResource") => {
                let resource = call.text("ResourceId").unwrap_or_default().to_owned();
                self.note_tags(call, "Tags", "Key", &resource);
            }
            // Where it enforced before, what it said then is in effect until the new document is.
            (Service::Organizations, "UpdatePolicy")
                if regions(after, &policy).is_subset(&regions(before, &policy)) => {}
            (Service::Organizations, "AttachPolicy" | "UpdatePolicy") => {
                let target = call.text("TargetId").unwrap_or_default().to_owned();
                self.applied.insert((policy, target), call.at);
            }
            _ => {}
        }
    }

    fn note_tags(&mut self, call: &Call, list: &str, key: &str, resource: &str) {
        let tags = call.body.get(list).and_then(Value::as_array).into_iter().flatten();
        let keys = tags.filter_map(|tag| tag.get(key)?.as_str());
        self.tagged.extend(keys.map(|key| (resource.to_owned(), key.to_owned())));
    }

    /// Whether the controller created the guardrail (ARN) or policy (id).
    pub(super) fn created(&self, resource: &str) -> bool {
        self.created.contains(resource)
    }

    /// Whether the controller deleted what is referenced.
    pub(super) fn deleted(&self, reference: &Reference) -> bool {
        let version = Some(reference.version.clone());
        [None, version].into_iter().any(|it| self.deleted.contains(&(reference.arn.clone(), it)))
    }

    /// Whether the controller published the version.
    pub(super) fn published(&self, arn: &str, number: u32) -> bool {
        self.published.contains(&(arn.to_owned(), number))
    }

    /// Whether the controller wrote the tag.
    pub(super) fn tagged(&self, resource: &str, key: &str) -> bool {
        self.tagged.contains(&(resource.to_owned(), key.to_owned()))
    }

    /// Whether the slot still holds what the controller put there.
    pub(super) fn put(&self, place: &Place, enforced: &Enforced) -> bool {
        self.enforced.get(place) == Some(enforced)
    }

    /// Whether the logging configuration is still the one the controller put.
    pub(super) fn put_logging(&self, place: &Place, logging: &Value) -> bool {
        self.logging.get(place) == Some(logging)
    }

    /// Whether the controller has put a logging configuration there.
    pub(super) fn has_put_logging(&self, place: &Place) -> bool {
        self.logging.contains_key(place)
    }

    /// Whether anything the controller did to the policy at the target has yet to show at `at`.
    pub(super) fn is_pending(
        &self,
        policy: &str,
        target: &str,
        at: Millis,
        delay_ms: Millis,
    ) -> bool {
        [target, ""].into_iter().any(|target| {
            let applied = self.applied.get(&(policy.to_owned(), target.to_owned()));
            applied.is_some_and(|applied| applied.saturating_add(delay_ms) > at)
        })
    }

    /// When the removal was first told.
    pub(super) fn told_at(&self, removal: &Removal) -> Tick {
        self.told.get(removal).copied().unwrap_or(0)
    }

    /// When the controller last replaced a reference to the version, or to any of the guardrail.
    pub(super) fn released_at(&self, arn: &str, version: Option<&str>) -> Tick {
        let concerned = self.released.iter().filter(|(reference, _)| {
            reference.arn == arn && version.is_none_or(|version| reference.version == version)
        });
        concerned.map(|(_, tick)| *tick).max().unwrap_or(0)
    }
}

/// A string of a successful answer's body.
pub(super) fn member<'a>(answer: &'a Answer, pointer: &str) -> Option<&'a str> {
    match answer {
        Ok(Reply::Body { body, .. }) => body.pointer(pointer)?.as_str(),
        Ok(Reply::Stream(_)) | Err(_) => None,
    }
}

/// Whether a guardrail is the controller's: its owner tag is the one intended, any when none is,
/// or the controller made it in this world.
pub(super) fn owns_guardrail(
    memory: &Memory,
    intent: &Intent,
    guardrail: &super::super::bedrock::Guardrail,
) -> bool {
    is_owned(memory, intent, guardrail.tags(), guardrail.arn())
}

/// The same for a policy of the organization.
pub(super) fn owns_policy(memory: &Memory, intent: &Intent, world: &World, id: &str) -> bool {
    let none = BTreeMap::new();
    is_owned(memory, intent, world.organization.tags.get(id).unwrap_or(&none), id)
}

/// The same for whatever a reference names.
pub(super) fn owns_reference(
    memory: &Memory,
    intent: &Intent,
    world: &World,
    reference: &Reference,
) -> bool {
    let guardrail = reference.guardrail(world);
    guardrail.is_some_and(|guardrail| owns_guardrail(memory, intent, guardrail))
}

fn is_owned(
    memory: &Memory,
    intent: &Intent,
    tags: &BTreeMap<String, String>,
    resource: &str,
) -> bool {
    match (&intent.owner, tags.get("bedrail:owner")) {
        (Some(owner), tag) => tag == Some(owner),
        (None, Some(_)) => true,
        (None, None) => memory.created(resource),
    }
}

/// The Regions in which a document enforces something.
fn regions(world: &World, policy: &str) -> BTreeSet<String> {
    let policy = world.organization.policies.get(policy);
    let references = policy.map(|policy| references_in(&policy.document)).unwrap_or_default();
    references.into_iter().map(|(region, _)| region).collect()
}

/// The names of the guardrails that a slot or a policy refers to.
fn in_use(world: &World) -> BTreeSet<String> {
    let slots = world.bedrock.values().filter_map(|regional| regional.enforced());
    let policies = world.organization.policies.values();
    let written = policies.flat_map(|policy| references_in(&policy.document));
    let references = slots.map(Reference::of_enforced).chain(written.map(|(_, it)| it));
    references.filter_map(|reference| reference.name(world)).collect()
}

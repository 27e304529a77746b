//! Decides what one organization enforcement needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::bent::{all_in_place, in_place};
use super::document::{self, blocks, normalised};
use super::find::{Identity, Shard, Shards, Whose, unlisted};
use super::shards::{Blocks, Placement, place};
use super::waves::Rolled;
use crate::model::{
    AccountId, DesiredOrganizationEnforcement, EnforcementKey, EnforcementKind, FieldChange, Fleet,
    Name, ObservedPolicy, PolicyId, Presence, SHARD_TAG, TargetId, changes,
};
use crate::plan::confirm::{Sightings, Timing};
use crate::plan::context::Context;
use crate::plan::describe::sighting;
use crate::plan::effective::Landscape;
use crate::plan::hold::listed;
use crate::plan::narrowing::is_narrower;
use crate::plan::ownership::{ENFORCEMENT_TAG, tags};
use crate::plan::step::{Held, HoldReason, Loss, Plan, Step};

/// Policies of the type that AWS attaches to one target, those that a target inherits aside
/// (`aws-facts` 3.5).
const ATTACHMENTS_MAX: usize = 10;

/// The arguments that stay the same through the plan of one enforcement.
pub(super) struct Visit<'a> {
    pub(super) name: &'a Name,
    pub(super) desired: &'a DesiredOrganizationEnforcement,
    /// Names it had before.
    pub(super) former: &'a BTreeSet<Name>,
    /// Every Bedrock policy of the organization: a complete list, so what is not in it is known to
    /// be absent.
    pub(super) policies: &'a BTreeMap<PolicyId, ObservedPolicy>,
    /// What all of them come to in the accounts.
    pub(super) landscape: Landscape<'a>,
    /// Accounts that do not show what follows from the policies; `None` while that is not known.
    pub(super) doubtful: Option<&'a BTreeSet<AccountId>>,
    pub(super) fleet: &'a Fleet,
    pub(super) context: &'a Context<'a>,
}

/// What stays the same through the plan of the policies that an enforcement has for good.
struct Frame<'a> {
    shards: &'a Shards<'a>,
    placement: &'a Placement,
    /// Where they are to be attached now: not where the policy of a lane has taken over.
    targets: &'a BTreeSet<TargetId>,
}

impl Visit<'_> {
    /// | policies | `Present` | `Absent` |
    /// |---|---|---|
    /// | absent | create, once confirmed | nothing |
    /// | ours | update, then attach | detach, then delete, both confirmed |
    /// | nobody's | tag and go on if `adopt`, else refused | refused |
    /// | another's | refused | refused |
    pub(super) fn plan(&self, memory: &mut Sightings, plan: &mut Plan) {
        let mut shards = self.identity().shards(self.policies);
        if shards.is_empty()
            && let Some((live, whose)) = self.identity().stranger(self.policies, 1)
        {
            if !self.takes_over(1, (live, &whose), plan) {
                return memory.reset(&sighting::policy(self.name, 1));
            }
            shards.extend(Shard::listed(1, live).map(|shard| (1, shard)));
        }
        match self.desired.state {
            Presence::Present => self.keep(&shards, memory, plan),
            Presence::Absent => {
                if shards.is_empty() {
                    memory.reset(&sighting::policy(self.name, 1));
                }
                for lane in self.identity().lanes(self.policies).values().chain([&shards]) {
                    self.remove(lane, memory, plan);
                }
            }
        }
    }

    pub(super) fn identity(&self) -> Identity<'_> {
        let written = self.desired.policy_name.as_deref();
        Identity { us: self.context.owner, name: self.name, former: self.former, written }
    }

    /// Whether a policy that has the name of ours is taken over; if not, the plan says why.
    fn takes_over(
        &self,
        shard: u32,
        (live, whose): (&ObservedPolicy, &Whose),
        plan: &mut Plan,
    ) -> bool {
        let why = match (whose, self.desired.state) {
            // A manifest that writes a name means the policy of that name and no other.
            (Whose::Nobodys, _) if shard > 1 && self.desired.policy_name.is_some() => {
                "carries no owner, and its name is needed for what one document has no room for; \
                 rename it"
                    .to_owned()
            }
            (Whose::Nobodys, Presence::Present) if self.desired.adopt => return true,
            (Whose::Nobodys, Presence::Present) => {
                "carries no owner; write `adopt: true` to take it over".to_owned()
            }
            (Whose::Nobodys, Presence::Absent) => "carries no owner and is left alone".to_owned(),
            (Whose::Others(owner), _) => format!("belongs to {owner}; rename one of the two"),
        };
        let message = format!("the policy `{}` ({}) {why}", live.name, live.id);
        plan.refuse(format!("OrganizationEnforcement/{}", self.name), message);
        false
    }

    fn keep(&self, shards: &Shards, memory: &mut Sightings, plan: &mut Plan) {
        let live: BTreeMap<u32, Blocks> =
            shards.iter().map(|(number, it)| (*number, blocks(&it.live.content))).collect();
        let attached = shards.values().flat_map(|it| &it.live.targets);
        let targets = self.desired.targets.iter().chain(attached).cloned().collect();
        let tracks = self.tracks(&live, shards, plan);
        let rolled = &tracks.main;
        let accounts = self.active_accounts(&targets);
        let mut wanted = self.blocks((&live, rolled), shards, &accounts, plan);
        if let Some(wait) = self.unlisted_for(shards, memory) {
            wanted.retain(|region, _| live.values().any(|it| it.contains_key(region)));
            let message = format!("a policy of {} was just made and is not listed yet", self.name);
            plan.hold(Held::after(HoldReason::InProgress, wait, message));
        }
        #[cfg(feature = "planted")]
        let live = if crate::planted::is(crate::planted::Planted::BlockDropped) {
            BTreeMap::new()
        } else {
            live
        };
        let placement = place(&live, &wanted);
        self.say_placement(&placement, plan);
        let handed_over = |target: &&TargetId| self.is_handed_over(target, &tracks);
        let targets = self.desired.targets.iter().filter(|it| !handed_over(it)).cloned().collect();
        let frame = Frame { shards, placement: &placement, targets: &targets };
        for shard in shards.values().copied() {
            self.mark(shard, plan);
            if self.is_given_up(shard, &placement) && self.is_in_force_beside(shards, shard.number)
            {
                self.retire(shard, memory, plan);
            } else {
                memory.reset(&sighting::policy(self.name, shard.number));
                self.keep_shard(shard, &frame, memory, plan);
            }
        }
        self.create_missing((shards, rolled), &placement, memory, plan);
        self.keep_lanes(&tracks, (shards, &wanted), memory, plan);
    }

    /// How long a policy that we made may be missing from the list still, if one is. What it holds
    /// is not to be given a second place meanwhile.
    fn unlisted_for(&self, shards: &Shards, memory: &Sightings) -> Option<Duration> {
        let Context { now, timing, .. } = *self.context;
        let last = shards.keys().next_back().copied().unwrap_or_default();
        (1..=last.saturating_add(2))
            .filter(|number| !shards.contains_key(number))
            .filter_map(|it| memory.written_for(&sighting::policy(self.name, it), now, timing))
            .max()
    }

    /// What holds Regions back that no policy has room for.
    pub(super) fn say_placement(&self, placement: &Placement, plan: &mut Plan) {
        if !placement.too_long.is_empty() {
            let message = format!(
                "the document of {} has no room for {}: a policy takes {} characters; exclude fewer \
                 models",
                self.name,
                listed(&placement.too_long),
                document::SIZE_MAX
            );
            plan.hold(Held::for_person(HoldReason::Quota, message));
        }
        if !placement.full.is_empty() && placement.too_long.is_empty() {
            let message = format!(
                "the document of {} outgrows its policy; Regions move to another before it changes",
                self.name
            );
            let wait = self.context.timing.confirm_after;
            plan.hold(Held::after(HoldReason::InProgress, wait, message));
        }
    }

    fn create_missing(
        &self,
        (shards, rolled): (&Shards, &Rolled),
        placement: &Placement,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let mut confirming = None;
        for (number, blocks) in &placement.documents {
            if shards.contains_key(number) || blocks.is_empty() {
                continue;
            }
            let object = sighting::policy(self.name, *number);
            if let Some((live, whose)) = self.identity().stranger(self.policies, *number) {
                memory.reset(&object);
                if self.takes_over(*number, (live, &whose), plan)
                    && let Some(shard) = Shard::listed(*number, live)
                {
                    self.mark(shard, plan);
                }
                continue;
            }
            let Some(absent) = unlisted() else { continue };
            let Context { now, timing, .. } = *self.context;
            match memory.confirm_absent(&object, absent, now, timing) {
                Ok(confirmed) => plan.steps.push(Step::CreatePolicy {
                    enforcement: self.name.clone(),
                    shard: *number,
                    lane: None,
                    name: self.identity().policy_name(*number),
                    content: document::document(blocks),
                    tags: self.tags_of_new(*number, (shards, rolled)),
                    confirmed,
                }),
                Err(wait) => confirming = confirming.max(Some(wait)),
            }
        }
        if placement.documents.is_empty() {
            memory.reset(&sighting::policy(self.name, 1));
        }
        if let Some(wait) = confirming {
            let message = format!(
                "the policy of {} will be made once a second complete read finds none",
                self.name
            );
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
    }

    pub(super) fn tags(&self, shard: u32) -> BTreeMap<String, String> {
        let number = (shard > 1).then(|| (SHARD_TAG.to_owned(), shard.to_string()));
        let more = number.into_iter().collect();
        tags(self.context.owner, (ENFORCEMENT_TAG, self.name.as_str()), &more)
    }

    /// Puts our mark on a policy that is taken over, or that carries a former name. The mark comes
    /// first: it is what the policy is found by.
    fn mark(&self, Shard { number, live, .. }: Shard, plan: &mut Plan) {
        let is_numbered = number == 1 || live.shard == Some(number);
        if live.owner.is_none() || live.enforcement.as_ref() != Some(self.name) || !is_numbered {
            plan.steps.push(Step::TagPolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                tags: self.tags(number),
            });
        }
        let name = self.identity().policy_name(number);
        let is_free = self.policies.values().all(|it| it.name != name);
        if self.identity().is_named_as_before(live, number) && is_free {
            let old = Some(live.name.clone());
            plan.steps.push(Step::RenamePolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                changes: vec![FieldChange::new("name", old, Some(name.clone()))],
                name,
            });
        }
    }

    /// Mark, content, attachments: in this order, so that nothing wrong is ever attached.
    fn keep_shard(&self, shard: Shard, frame: &Frame, memory: &mut Sightings, plan: &mut Plan) {
        let Frame { shards, placement, targets } = *frame;
        let live = shard.live;
        let in_force = match placement.documents.get(&shard.number) {
            Some(blocks) if !blocks.is_empty() => document::document(blocks),
            Some(_) | None => live.content.clone(),
        };
        let (old, new) = (normalised(&live.content), normalised(&in_force));
        // What narrows may be held, and the live document be attached meanwhile.
        let is_loss = old != new && self.is_narrowing(&live.content, &in_force);
        let documents = if is_loss { vec![&in_force, &live.content] } else { vec![&in_force] };
        if old != new {
            if is_loss {
                plan.losses.extend(live.targets.iter().map(|target| self.loss(target)));
            }
            plan.steps.push(Step::UpdatePolicy {
                is_loss,
                enforcement: self.name.clone(),
                id: live.id.clone(),
                content: in_force.clone(),
                previous: live.content.clone(),
                grants: self.grants(live, &in_force),
                changes: changes(&old, &new),
            });
        }
        for target in &self.desired.targets {
            memory.reset(&sighting::attachment(&live.id, target));
        }
        let places = (&live.targets, &self.desired.targets);
        memory.notice_at(&all_in_place(&live.id), places, self.context.now);
        self.move_regions(shard, (shards, placement), memory, plan);
        let is_current = old == new && !placement.full.contains(&shard.number);
        let missing: BTreeSet<&TargetId> = targets.difference(&live.targets).collect();
        let was_attached = |target: &TargetId| memory.is_noticed(&in_place(&live.id, target));
        if live.targets.is_empty() && !missing.iter().copied().any(was_attached) {
            // Attached nowhere, it is put right before it is, and nobody loses anything.
            if self.drop_regions(shard, is_current, memory, plan) {
                return;
            }
            self.attach_missing(live, &missing, (&documents, memory), plan);
        } else {
            let is_attached = self.attach_missing(live, &missing, (&documents, memory), plan);
            self.drop_regions(shard, is_current && !is_attached, memory, plan);
        }
        let extra = live.targets.difference(&self.desired.targets).cloned().collect();
        let is_everywhere = targets.is_subset(&live.targets);
        self.detach_extra(shard, (&extra, is_everywhere), memory, plan);
    }

    /// Attaches a policy where it is missing; whether to any target.
    fn attach_missing(
        &self,
        live: &ObservedPolicy,
        missing: &BTreeSet<&TargetId>,
        (documents, memory): (&[&Value], &Sightings),
        plan: &mut Plan,
    ) -> bool {
        let before = plan.steps.len();
        for target in missing.iter().copied() {
            let restores = memory.is_noticed(&in_place(&live.id, target));
            let proven = documents.iter().try_for_each(|it| {
                self.prove_attachment(target, it)?;
                if restores { Ok(()) } else { self.admits_attachment(live, target, it) }
            });
            let cleared = proven
                .and_then(|()| self.has_room_at(target, plan))
                .and_then(|()| self.clear_attachment(target, documents, plan));
            match cleared {
                Ok(()) => plan.steps.push(Step::AttachPolicy {
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    target: target.clone(),
                    grants: self.grants_of(documents),
                }),
                Err(held) => plan.hold(held),
            }
        }
        plan.steps.len() > before
    }

    /// Whether AWS takes another attachment at `target`, those of this plan included.
    pub(super) fn has_room_at(&self, target: &TargetId, plan: &Plan) -> Result<(), Held> {
        let there = self.policies.values().filter(|it| it.targets.contains(target));
        let names: Vec<&str> = there.map(|policy| policy.name.as_str()).collect();
        let is_coming = |step: &&Step| matches!(step, Step::AttachPolicy { target: other, .. } if other == target);
        if names.len() + plan.steps.iter().filter(is_coming).count() < ATTACHMENTS_MAX {
            return Ok(());
        }
        let message = format!(
            "{} will be attached to {}: AWS attaches {ATTACHMENTS_MAX} Bedrock policies to a target, \
             and there are {} already ({}); detach one of them",
            self.name,
            self.fleet.describe(target),
            names.len(),
            names.join(", ")
        );
        Err(Held::for_person(HoldReason::Quota, message))
    }

    /// Takes out of a policy without room what another says as well, once that was attached
    /// wherever this one is for as long as a write may take to show. Protects as before, so it is
    /// no loss.
    fn move_regions(
        &self,
        Shard { number, live, seen }: Shard,
        (shards, placement): (&Shards, &Placement),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let object = sighting::moved(&live.id);
        let old = blocks(&live.content);
        let is_elsewhere = |(region, other): &(&String, &u32)| {
            shards.get(other).is_some_and(|Shard { live: other, .. }| {
                let there = blocks(&other.content);
                let is_same =
                    there.get(*region).map(normalised) == old.get(*region).map(normalised);
                is_same && live.targets.is_subset(&other.targets)
            })
        };
        let leaving = placement.leaving.get(&number).into_iter().flatten();
        let gone: BTreeSet<&String> =
            leaving.filter(is_elsewhere).map(|(region, _)| region).collect();
        if gone.is_empty() {
            return memory.reset(&object);
        }
        let Context { now, timing, .. } = *self.context;
        let timing = Timing { confirm_after: timing.own_write_grace, ..*timing };
        match memory.confirm_removable(&object, seen, now, &timing) {
            Ok(_) => {
                let kept: Blocks = old.into_iter().filter(|(it, _)| !gone.contains(it)).collect();
                let content = document::document(&kept);
                plan.steps.push(Step::UpdatePolicy {
                    is_loss: false,
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    previous: live.content.clone(),
                    grants: Vec::new(),
                    changes: changes(&normalised(&live.content), &normalised(&content)),
                    content,
                });
            }
            Err(wait) => {
                let message = format!(
                    "{} leave a policy of {} that has no room for them, once another has taken effect",
                    listed(gone),
                    self.name
                );
                plan.hold(Held::after(HoldReason::InProgress, wait, message));
            }
        }
    }

    /// Whether some Region's block protects less than the live one.
    pub(super) fn is_narrowing(&self, old: &Value, new: &Value) -> bool {
        let (old, new) = (blocks(old), blocks(new));
        let nobody = BTreeSet::new();
        new.iter().any(|(region, block)| {
            let embeddings = &self.context.facts.embeddings;
            let embeddings = embeddings.iter().find(|(it, _)| it.as_str() == region);
            // Embedding models cannot be called under enforcement.
            let beyond = match embeddings {
                Some((_, models)) if self.desired.settings.exclude_embeddings => models,
                Some(_) | None => &nobody,
            };
            let before = old.get(region).map(document::settings).unwrap_or_default();
            before.iter().any(|before| {
                document::settings(block).iter().any(|now| is_narrower(before, now, beyond))
            })
        })
    }

    pub(super) fn key(&self) -> EnforcementKey {
        EnforcementKey { kind: EnforcementKind::Organization, name: self.name.clone() }
    }

    pub(super) fn loss(&self, target: &TargetId) -> Loss {
        Loss { manifest: self.key().into(), object: target.to_string() }
    }
}

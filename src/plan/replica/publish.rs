//! Decides whether a version must be published.

use super::collect::no_room;
use super::index::{index, indexed, version_token};
use super::trial::is_passed;
use super::{ReplicaMemory, Visit};
use crate::model::{GuardrailStatus, ObservedGuardrail, ObservedVersion, Read, ReplicaContent};
use crate::plan::step::{Held, HoldReason, Plan, Step};

/// Versions a guardrail may have (`aws-facts` 1.5).
pub(super) const VERSIONS_MAX: usize = 20;

/// Publishes DRAFT, which is READY and as desired, unless a version contains it already.
///
/// # Guarantees
///
/// Nothing is published while a version that may contain the content is unread or in the making.
/// What a version's description says is an index: only content read back makes a version a match,
/// and a description of ours over other content never does. What has tests is published only after
/// it has passed them all as DRAFT.
pub(super) fn plan_version(
    visit: &Visit,
    live: &ObservedGuardrail,
    memory: &mut ReplicaMemory,
    plan: &mut Plan,
) {
    let desired = visit.desired;
    if live.versions.values().any(|version| is_published(version, &desired.content)) {
        memory.unsettle();
        return memory.forget_published(&desired.replica_revision);
    }
    match blocked(visit, live, memory) {
        Some(held) => {
            memory.unsettle();
            plan.hold(held);
        }
        None => settle(visit, live, memory, plan),
    }
}

/// Whether it is a READY version whose content, read back, is `desired`.
pub(super) fn is_published(version: &ObservedVersion, desired: &ReplicaContent) -> bool {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::DescriptionBelieved) {
        let said = indexed(version.description.as_deref());
        return said.is_some_and(|said| said == desired.replica_revision());
    }
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::FailedTakenAsReady) {
        return matches!(&version.content, Read::Known(content) if content.is_version_of(desired));
    }
    version.status == GuardrailStatus::Ready
        && matches!(&version.content, Read::Known(content) if content.is_version_of(desired))
}

/// Why nothing may be published now.
fn blocked(visit: &Visit, live: &ObservedGuardrail, memory: &mut ReplicaMemory) -> Option<Held> {
    let timing = visit.context.timing;
    let content = &visit.desired.replica_revision;

    // Any unread version may be the one.
    let unread = live.versions.values().find_map(|version| match &version.content {
        Read::Unknown(unread) if version.status == GuardrailStatus::Ready => {
            Some((version.version, unread))
        }
        Read::Unknown(_) | Read::Known(_) | Read::KnownAbsent => None,
    });
    if let Some((number, unread)) = unread {
        return Some(Held::unread(&format!("version {number}"), unread, visit.context));
    }

    // So may one in the making, unless its index clearly names another content.
    let given: Vec<_> = memory.publications(content).iter().map(|it| it.version).collect();
    let in_the_making = live.versions.values().find(|version| {
        let index = indexed(version.description.as_deref());
        version.status == GuardrailStatus::Pending
            && (given.contains(&version.version) || index.is_none_or(|index| index == *content))
    });
    if let Some(version) = in_the_making {
        let message = format!("AWS is still making version {}", version.version);
        return Some(Held::after(HoldReason::InProgress, timing.confirm_after, message));
    }

    // The number we were given last may only not be visible yet. Where numbers come back, an old list
    // shows under it what was deleted.
    if let Some(last) = memory.publications(content).last_mut() {
        let shown = live.versions.get(&last.version);
        let index = shown.and_then(|version| indexed(version.description.as_deref()));
        if index.is_some_and(|index| index == *content) {
            last.appeared();
        } else {
            let wait = last.may_appear_for(visit.context.now, timing);
            if !wait.is_zero() {
                let message =
                    format!("version {} was published and is not visible yet", last.version);
                return Some(Held::after(HoldReason::InProgress, wait, message));
            }
        }
    }

    let is_full = live.versions.len() >= VERSIONS_MAX;
    #[cfg(feature = "planted")]
    let is_full = is_full && !crate::planted::is(crate::planted::Planted::QuotaIgnored);
    if is_full {
        return Some(no_room(visit, live, memory));
    }
    None
}

/// Publishes once two reads some seconds apart agreed.
fn settle(visit: &Visit, live: &ObservedGuardrail, memory: &mut ReplicaMemory, plan: &mut Plan) {
    let desired = visit.desired;
    let content = &desired.replica_revision;
    let Some(salt) = memory.version_salt(content) else {
        let numbers: Vec<String> =
            memory.publications(content).iter().map(|it| it.version.to_string()).collect();
        let message = format!(
            "revision {} was published as versions {}, and none of them came to contain it; look \
             for who else edits this guardrail",
            desired.revision.short(),
            numbers.join(", ")
        );
        return plan.hold(Held::for_person(HoldReason::Failed, message));
    };
    let wait = memory.settles_in(content, visit.context.now, visit.context.timing);
    if !wait.is_zero() {
        let message = format!(
            "revision {} will be published once a second read shows DRAFT settled",
            desired.revision.short()
        );
        return plan.hold(Held::after(HoldReason::Confirming, wait, message));
    }
    if !is_passed(visit, live, memory, plan) {
        return;
    }
    let description = index(&desired.revision, content);
    plan.steps.push(Step::PublishVersion {
        arn: live.arn.clone(),
        content: desired.content.clone(),
        revision: desired.revision.clone(),
        replica_revision: content.clone(),
        token: version_token(&live.arn, &description, &salt),
        description,
    });
}

//! Finds the version an enforcement should reference, and proves that accounts can apply it (S3,
//! S4, S6).

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::hold::listed;
use super::sharing::admits;
use super::step::{Held, HoldReason};
use crate::model::{
    AccountId, DesiredReplica, EnforcementSettings, Facts, Fleet, GuardrailArn, Name, Presence,
    Region, ReplicaFact, ReplicaKey, Revision, Version,
};

/// A version that is READY, was read back, and is what the manifest asks for.
pub(super) struct Reference<'a> {
    pub(super) arn: &'a GuardrailArn,
    pub(super) version: Version,
    fact: &'a ReplicaFact,
}

/// The version of `key` to reference: of the pinned revision, else of what its manifest says now.
pub(super) fn resolve<'a>(
    key: &ReplicaKey,
    pinned: Option<&Revision>,
    context: &Context<'a>,
) -> Result<Reference<'a>, Held> {
    let name = &key.guardrail;
    let desired = context.replicas.get(key).filter(|it| it.state == Presence::Present);
    let revision = pinned.or(desired.map(|it| &it.revision));
    let shown = revision.map_or("…", Revision::short);
    let fact = context.facts.replicas.get(key);
    #[cfg(feature = "planted")]
    let fact = if crate::planted::is(crate::planted::Planted::WrongRegion) {
        let mut anywhere = context.facts.replicas.iter();
        anywhere.find(|(other, _)| other.guardrail == key.guardrail).map(|(_, fact)| fact)
    } else {
        fact
    };
    let Some(fact) = fact else {
        let message = format!("{name} {shown} will be enforced once the guardrail was read here");
        return Err(Held::for_fact(HoldReason::WaitingForVersion, message));
    };
    let version = match (pinned, desired) {
        (Some(revision), _) => fact.revisions.get(revision).copied(),
        (None, Some(desired)) => fact.versions.get(&desired.replica_revision).copied(),
        (None, None) => None,
    };
    #[cfg(feature = "planted")]
    let version = if crate::planted::is(crate::planted::Planted::OldestVersion) {
        fact.revisions.values().min().copied()
    } else {
        version
    };
    match (version, desired) {
        (Some(version), _) if fact.not_enforceable.contains(&version) => {
            let message = format!(
                "{name} {shown} uses automated reasoning, which AWS cannot enforce: every call \
                 would fail"
            );
            Err(Held::for_person(HoldReason::NotEnforceable, message))
        }
        (Some(version), _) => Ok(Reference { arn: &fact.arn, version, fact }),
        (None, Some(desired)) if revision == Some(&desired.revision) => {
            let message = format!("{name} {shown} will be enforced once it is published here");
            Err(Held::for_fact(HoldReason::WaitingForVersion, message))
        }
        (None, _) if pinned.is_some() => {
            let known = listed(fact.revisions.keys().map(Revision::short));
            let message =
                format!("{name} has no revision {shown} here; pin one of those it has: {known}");
            Err(Held::for_person(HoldReason::RevisionNotFound, message))
        }
        (None, _) => {
            let message = format!("no manifest says which revision of {name} to enforce");
            Err(Held::for_person(HoldReason::WaitingForVersion, message))
        }
    }
}

impl Reference<'_> {
    /// Proves that each of `accounts` may apply it from `region`.
    pub(super) fn prove(
        &self,
        name: &Name,
        region: &Region,
        accounts: &BTreeSet<AccountId>,
        fleet: &Fleet,
    ) -> Result<(), Held> {
        prove(self.fact, name, (region, accounts), fleet)
    }
}

/// Proves that each of `accounts` may apply the guardrail of `fact` from `region`.
pub(super) fn prove(
    fact: &ReplicaFact,
    name: &Name,
    (region, accounts): (&Region, &BTreeSet<AccountId>),
    fleet: &Fleet,
) -> Result<(), Held> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::WrongRegion) {
        return Ok(());
    }
    if fact.arn.region != *region {
        let message = format!("{} is a guardrail of another Region than {region}", fact.arn);
        return Err(Held::for_person(HoldReason::NotEnforceable, message));
    }
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::AdmissionAssumed) {
        return Ok(());
    }
    let outside: Vec<&AccountId> = accounts
        .iter()
        .filter(|account| !admits(fact.policy.as_ref(), &fact.arn, account, fleet))
        .collect();
    if outside.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the resource policy of {name} in {region} does not let these accounts apply it, so every \
         call of theirs would fail: {}; widen `shareWith`",
        listed(outside)
    );
    Err(Held::for_fact(HoldReason::NotShared, message))
}

/// The settings with the Region's embedding models among the excluded ones.
pub(super) fn with_embeddings(
    settings: &EnforcementSettings,
    region: &Region,
    context: &Context,
) -> Result<EnforcementSettings, Held> {
    let mut settings = settings.clone();
    if settings.exclude_embeddings {
        let Some(models) = context.facts.embeddings.get(region) else {
            let message = "it will be enforced once the embedding models to exclude were read here";
            return Err(Held::for_fact(HoldReason::Unreadable, message));
        };
        settings.models.excluded.extend(models.iter().cloned());
    }
    Ok(settings)
}

/// The replica that has this ARN.
pub(super) fn replica_of<'a>(
    arn: &GuardrailArn,
    context: &Context<'a>,
) -> Option<(&'a ReplicaKey, &'a ReplicaFact)> {
    context.facts.replicas.iter().find(|(_, fact)| fact.arn == *arn)
}

/// The revision of a version: the one its manifest asks for, where it is that, else the one it is
/// known by.
pub fn revision_of<'a>(
    (arn, version): (&GuardrailArn, Version),
    replicas: &'a BTreeMap<ReplicaKey, DesiredReplica>,
    facts: &'a Facts,
) -> Option<&'a Revision> {
    let (key, fact) = facts.replicas.iter().find(|(_, fact)| fact.arn == *arn)?;
    let wanted = replicas.get(key);
    let wanted = wanted.filter(|it| fact.versions.get(&it.replica_revision) == Some(&version));
    let known = || fact.revisions.iter().find(|(_, number)| **number == version);
    wanted.map(|it| &it.revision).or_else(|| known().map(|(revision, _)| revision))
}

/// What people call a version: name and revision, which are the same in every Region, where it is
/// one of ours.
pub(super) fn spoken(arn: &GuardrailArn, version: Version, context: &Context) -> String {
    let Some((key, fact)) = replica_of(arn, context) else { return arn.with_version(version) };
    match fact.revisions.iter().find(|(_, number)| **number == version) {
        Some((revision, _)) => format!("{} {}", key.guardrail, revision.short()),
        None => format!("{} version {version}", key.guardrail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::{World, arn, content, guardrail_arn, key, version};
    use crate::plan::step::Until;

    fn revision(message: &str) -> Revision {
        content(message).revision()
    }

    #[test]
    fn a_reference_goes_to_the_pinned_revision_else_to_what_the_manifest_says() {
        use HoldReason::{RevisionNotFound, WaitingForVersion};
        let published = [(1, &content("a")), (2, &content("b"))];
        let world = |wanted: &str| World::with_versions(&content(wanted), &published);
        let of_no_manifest = || World { replicas: BTreeMap::new(), ..world("b") };
        let mut unread = world("b");
        unread.facts.replicas.clear();
        let rows = [
            ("what the manifest says", world("b"), None, Ok(2)),
            ("pinned", world("b"), Some("a"), Ok(1)),
            ("pinned, without a manifest", of_no_manifest(), Some("a"), Ok(1)),
            ("not published yet", world("c"), None, Err((WaitingForVersion, Until::Fact))),
            ("pinned and coming", world("c"), Some("c"), Err((WaitingForVersion, Until::Fact))),
            ("nowhere", world("b"), Some("c"), Err((RevisionNotFound, Until::Person))),
            ("meant by nobody", of_no_manifest(), None, Err((WaitingForVersion, Until::Person))),
            ("not read", unread, Some("a"), Err((WaitingForVersion, Until::Fact))),
        ];
        for (name, world, pinned, expected) in rows {
            let pinned = pinned.map(revision);
            let found = resolve(&key(), pinned.as_ref(), &world.context());
            let found = found.map(|it| it.version).map_err(|held| (held.reason, held.until));
            assert_eq!(found, expected.map(version), "{name}");
        }
    }

    #[test]
    fn a_version_is_called_by_the_revision_that_it_is() {
        let world = World::with_versions(&content("b"), &[(1, &content("a")), (2, &content("b"))]);
        let of = |arn: &GuardrailArn, number: u32| {
            revision_of((arn, version(number)), &world.replicas, &world.facts).cloned()
        };
        assert_eq!(of(&guardrail_arn(), 1), Some(revision("a")));
        assert_eq!(of(&guardrail_arn(), 2), Some(revision("b")));
        assert_eq!(of(&guardrail_arn(), 3), None);
        assert_eq!(of(&arn("stranger"), 1), None);
    }
}

//! Guardrails to manifests: equal ones are one, in all Regions and accounts that have them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, Names, share};
use crate::model::{
    AccountId, GuardrailArn, GuardrailStatus, Imported, ImportedGuardrail, ImportedTarget, Left,
    Name, ObservedGuardrail, ObservedVersion, OnDraft, ProfileId, Read, Region, ReplicaContent,
    Share, Version, changes,
};
use crate::plan::hold::listed;
use crate::plan::ownership::{GUARDRAIL_TAG, OWNER_TAG, Ownership, ownership};
use crate::plan::replica::document;

/// A live guardrail, and the manifest that describes it.
pub(super) struct Home<'a> {
    pub(super) name: Name,
    pub(super) live: &'a ObservedGuardrail,
    /// What the manifest says it contains here.
    pub(super) content: ReplicaContent,
    pub(super) share: Share,
}

/// One Region's guardrail, on its way into a manifest.
struct Replica<'a> {
    live: &'a ObservedGuardrail,
    content: ReplicaContent,
    version: Version,
    is_referenced: bool,
    share: Share,
    is_stated: bool,
}

/// Adds one manifest for each guardrail and content. Returns where each live guardrail went.
pub(super) fn find<'a>(
    live: &Live<'a>,
    references: &BTreeMap<GuardrailArn, BTreeMap<Version, usize>>,
    imported: &mut Imported,
) -> BTreeMap<GuardrailArn, Home<'a>> {
    // Those of the management account first: a name is theirs before it is a member's.
    let mut by_name: BTreeMap<(bool, Name, String), Vec<Replica<'a>>> = BTreeMap::new();
    for (aws_name, guardrail) in live.guardrails {
        let nothing = BTreeMap::new();
        let counts = references.get(&guardrail.arn).unwrap_or(&nothing);
        let read = aws_name.parse::<Name>().map_err(|error| error.to_string());
        match read.and_then(|name| Ok((name, replica(guardrail, counts, live)?))) {
            Ok((name, replica)) => {
                let is_apart = is_a_members(guardrail, live);
                let group = (is_apart, manifest_name(guardrail, &name), name.to_string());
                by_name.entry(group).or_default().push(replica);
            }
            Err(why) => {
                let object = format!("guardrail `{aws_name}` ({})", guardrail.arn);
                imported.left.push(Left { object, why });
            }
        }
    }
    let mut homes = BTreeMap::new();
    let mut names = Names::default();
    // The largest part of each name keeps it; those that need one of their own come after all.
    let (mut groups, mut others) = (Vec::new(), Vec::new());
    for ((_, name, aws_name), replicas) in by_name {
        let parts = split(replicas).into_iter().flat_map(by_accounts);
        for (index, replicas) in parts.enumerate() {
            let group = (name.clone(), aws_name.clone(), replicas);
            if index == 0 { groups.push(group) } else { others.push(group) }
        }
    }
    groups.append(&mut others);
    for (name, aws_name, replicas) in groups {
        let Some(first) = replicas.first() else { continue };
        let Some(name) = names
            .give_first(&name)
            .or_else(|| names.give(&format!("{name}-{}", place_word(first, &replicas, live))))
        else {
            continue;
        };
        let Ok(aws_name) = aws_name.parse::<Name>() else { continue };
        imported.guardrails.push(manifest(&name, &aws_name, &replicas, live));
        for Replica { live, content, share, .. } in replicas {
            let home = Home { name: name.clone(), live, content, share };
            homes.insert(live.arn.clone(), home);
        }
    }
    imported.guardrails.sort_by(|one, other| one.name.cmp(&other.name));
    homes
}

/// Whether a guardrail of a member account stands for itself: it carries none of our marks, which
/// would say that one manifest means it and others.
fn is_a_members(guardrail: &ObservedGuardrail, live: &Live) -> bool {
    let is_ours = guardrail.tags.get(OWNER_TAG).is_some_and(|it| it == live.owner.as_str());
    guardrail.arn.account != live.fleet.management && !is_ours
}

/// What tells a manifest from others of its name: its Region, or its account.
fn place_word(first: &Replica<'_>, all: &[Replica<'_>], live: &Live) -> String {
    let GuardrailArn { account, region, .. } = &first.live.arn;
    if *account == live.fleet.management {
        region.to_string()
    } else if all.iter().all(|it| it.live.arn.account == *account) {
        account.to_string()
    } else {
        "accounts".to_owned()
    }
}

/// Parts replicas by what a manifest says once for all accounts: in which Regions, with which keys
/// and guardrail profiles.
fn by_accounts(replicas: Vec<Replica<'_>>) -> Vec<Vec<Replica<'_>>> {
    type Shape = Vec<(Region, Option<ProfileId>, Option<String>)>;
    let mut accounts: BTreeMap<AccountId, Vec<Replica<'_>>> = BTreeMap::new();
    for replica in replicas {
        accounts.entry(replica.live.arn.account.clone()).or_default().push(replica);
    }
    let mut parts: BTreeMap<Shape, Vec<Replica<'_>>> = BTreeMap::new();
    for (_, replicas) in accounts {
        let shape = replicas.iter().map(|Replica { live, content, .. }| {
            (live.arn.region.clone(), content.profile.clone(), content.kms_key_arn.clone())
        });
        parts.entry(shape.collect()).or_default().extend(replicas);
    }
    parts.into_values().collect()
}

/// The accounts of a manifest; none where it is the management account alone.
fn accounts(replicas: &[Replica<'_>], live: &Live) -> Vec<ImportedTarget> {
    let ids: BTreeSet<&AccountId> = replicas.iter().map(|it| &it.live.arn.account).collect();
    if ids.iter().all(|id| **id == live.fleet.management) {
        return Vec::new();
    }
    let target = |id: &AccountId| {
        let name = live.fleet.accounts.get(id).map(|it| it.name.clone()).unwrap_or_default();
        ImportedTarget::Account { id: id.clone(), name }
    };
    ids.into_iter().map(target).collect()
}

/// What a guardrail of ours is called by its tags, else its name in AWS.
fn manifest_name(live: &ObservedGuardrail, aws_name: &Name) -> Name {
    let tag = live.tags.get(GUARDRAIL_TAG).and_then(|name| name.parse().ok());
    tag.unwrap_or_else(|| aws_name.clone())
}

/// What a manifest would say of one Region's guardrail, or why none should.
fn replica<'a>(
    guardrail: &'a ObservedGuardrail,
    counts: &BTreeMap<Version, usize>,
    live: &Live,
) -> Result<Replica<'a>, String> {
    let owner = guardrail.tags.get(OWNER_TAG).map(String::as_str);
    if let Ownership::Others(other) = ownership(owner, live.owner) {
        return Err(format!("it belongs to `{other}`"));
    }
    let is_usable = |it: &&ObservedVersion| {
        it.status == GuardrailStatus::Ready && matches!(it.content, Read::Known(_))
    };
    let count = |it: &ObservedVersion| counts.get(&it.version).copied().unwrap_or_default();
    let versions = guardrail.versions.values().filter(is_usable);
    let Some(version) = versions.max_by_key(|it| (count(it), it.version)) else {
        let why = "it has no published version, so that nothing can reference it: to manage it, \
                   write its manifest by hand";
        return Err(why.to_owned());
    };
    let Read::Known(content) = &version.content else { return Err("unread".to_owned()) };
    let (share, is_stated) = share::find(&guardrail.policy, &guardrail.arn, live.fleet)?;
    Ok(Replica {
        live: guardrail,
        content: content.clone(),
        version: version.version,
        is_referenced: count(version) > 0,
        share,
        is_stated,
    })
}

/// Parts replicas by what a manifest says once for all Regions; the largest part first, and of
/// equal ones that of the first Region.
fn split(replicas: Vec<Replica<'_>>) -> Vec<Vec<Replica<'_>>> {
    let mut parts: Vec<Vec<Replica<'_>>> = Vec::new();
    for replica in replicas {
        let is_like = |part: &&mut Vec<Replica<'_>>| {
            part.first().is_some_and(|first| {
                first.content.shared == replica.content.shared && first.share == replica.share
            })
        };
        match parts.iter_mut().find(is_like) {
            Some(part) => part.push(replica),
            None => parts.push(vec![replica]),
        }
    }
    for part in &mut parts {
        describe(part);
        part.sort_by(|one, other| one.live.arn.region.cmp(&other.live.arn.region));
    }
    parts.sort_by_key(|part| {
        (std::cmp::Reverse(part.len()), part.first().map(|it| it.live.arn.region.clone()))
    });
    parts
}

/// Gives all the one description that the manifest will have: of a DRAFT that is what is in force.
/// (A version's own description is no part of its content.)
fn describe(part: &mut [Replica<'_>]) {
    let finished = part.iter().find(|it| it.live.draft.is_version_of(&it.content));
    let description = finished.and_then(|it| it.live.draft.description.clone());
    for replica in part {
        replica.content.description.clone_from(&description);
    }
}

fn manifest(
    name: &Name,
    aws_name: &Name,
    replicas: &[Replica<'_>],
    live: &Live,
) -> ImportedGuardrail {
    let mut notes = Vec::new();
    let mut on_draft = OnDraft::Correct;
    for Replica { live, content, version, is_referenced, is_stated, .. } in replicas {
        let region = &live.arn.region;
        let why =
            if *is_referenced { "which is enforced" } else { "the newest; nothing enforces it" };
        notes.push(format!("{region}: {} version {version}, {why}", live.arn));
        let differences = changes(&document(content), &document(&live.draft));
        if !differences.is_empty() {
            on_draft = OnDraft::Leave;
            let differences = listed(differences.iter().map(ToString::to_string));
            notes.push(format!(
                "{region}: DRAFT differs from that version and is left alone (draft: Leave): \
                 {differences}"
            ));
        }
        if !is_stated {
            notes.push(format!(
                "{region}: to apply this adds a statement to its resource policy, which admits \
                 nobody who is not admitted already"
            ));
        }
    }
    let place = |it: &Replica<'_>| it.live.arn.region.clone();
    let first = replicas.first();
    ImportedGuardrail {
        name: name.clone(),
        aws_name: aws_name.clone(),
        regions: replicas.iter().map(place).collect(),
        accounts: accounts(replicas, live),
        content: first.map(|it| it.content.shared.clone()).unwrap_or_default(),
        description: first.and_then(|it| it.content.description.clone()),
        profiles: replicas
            .iter()
            .filter_map(|it| Some((place(it), it.content.profile.clone()?)))
            .collect(),
        keys: replicas
            .iter()
            .filter_map(|it| Some((place(it), it.content.kms_key_arn.clone()?)))
            .collect(),
        share: share::named(first.map_or(&Share::None, |it| &it.share), live.fleet),
        on_draft,
        notes,
    }
}

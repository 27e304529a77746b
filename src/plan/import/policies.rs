//! Organization policies to manifests, one each: a policy cannot be adopted by two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::guardrails::Home;
use super::{Live, Names, Said, is_shared, said, share};
use crate::model::{
    AccountState, EnforcementSettings, GuardrailArn, Imported, ImportedEnforcement, ImportedPolicy,
    ImportedTarget, Left, ObservedPolicy, Region, TargetId, Version,
};
use crate::plan::organization::document::{self, CONFIG, LOCK};

/// Every version that the blocks of a document reference.
pub(super) fn references(document: &Value) -> Vec<(GuardrailArn, Version)> {
    let blocks = document::blocks(document);
    blocks.values().filter_map(document::references).flatten().collect()
}

/// Adds one manifest for each policy that a manifest can say.
pub(super) fn find(
    live: &Live,
    homes: &BTreeMap<GuardrailArn, Home>,
    names: &mut Names,
    imported: &mut Imported,
) {
    for policy in &joined(live) {
        match manifest(policy, live, homes, names) {
            Ok(manifest) => imported.organization.push(manifest),
            Err(why) => {
                let object = format!("organization policy `{}` ({})", policy.name, policy.id);
                imported.left.push(Left { object, why });
            }
        }
    }
    imported.organization.sort_by(|one, other| one.enforcement.name.cmp(&other.enforcement.name));
}

/// The policies, with what continues a document that was too long for one put back into it.
fn joined(live: &Live) -> Vec<ObservedPolicy> {
    let mut policies: Vec<&ObservedPolicy> = live.policies.values().collect();
    policies.sort_by_key(|policy| policy.shard);
    let mut joined: Vec<ObservedPolicy> = Vec::new();
    for policy in policies {
        let is_continued = |first: &&mut ObservedPolicy| {
            continues(policy, live)
                && first.owner == policy.owner
                && first.enforcement == policy.enforcement
                && first.lane == policy.lane
                && first.targets == policy.targets
        };
        let first = joined.iter_mut().find(is_continued);
        let document = first
            .and_then(|first| first.content.pointer_mut("/bedrock/guardrail_inference"))
            .and_then(Value::as_object_mut);
        match (document, regions(&policy.content)) {
            (Some(document), Ok(blocks)) => document.extend(blocks.clone()),
            (Some(_) | None, _) => joined.push(policy.clone()),
        }
    }
    joined
}

/// Whether a policy continues the document of another one of ours.
fn continues(policy: &ObservedPolicy, live: &Live) -> bool {
    policy.owner.as_ref() == Some(live.owner) && policy.shard.is_some_and(|number| number > 1)
}

/// What one Region's block says.
#[derive(PartialEq, Eq)]
struct Block {
    said: Said,
    settings: EnforcementSettings,
    is_locked: bool,
}

fn manifest(
    policy: &ObservedPolicy,
    live: &Live,
    homes: &BTreeMap<GuardrailArn, Home>,
    names: &mut Names,
) -> Result<ImportedPolicy, String> {
    if policy.lane.is_some() && policy.owner.as_ref() == Some(live.owner) {
        return Err("stands beside another one of ours until a rollout is over".to_owned());
    }
    match &policy.owner {
        Some(owner) if owner != live.owner => return Err(format!("it belongs to `{owner}`")),
        Some(_) | None => {}
    }
    if continues(policy, live) {
        return Err("it continues another policy, and is not attached where that one is".to_owned());
    }
    if policy.targets.is_empty() {
        return Err("it is attached to nothing".to_owned());
    }
    let mut blocks: BTreeMap<Region, Block> = BTreeMap::new();
    for (region, block) in regions(&policy.content)? {
        let (reference, settings, is_locked) = read(region, block)?;
        let region: Region = region.parse().map_err(|error| format!("{error}"))?;
        let said = said((&reference.0, reference.1), &settings, homes, (live, None))?;
        blocks.insert(region, Block { said, settings, is_locked });
    }
    let mut distinct = blocks.values();
    let Some(first) = distinct.next() else {
        return Err("its document enforces nothing in any Region".to_owned());
    };
    if distinct.any(|other| other != first) {
        let why = "its Regions enforce different guardrails, revisions or settings, and a manifest \
                   says one for all: split it into policies of equal Regions";
        return Err(why.to_owned());
    }
    shared_with_all(policy, first, live, homes)?;
    let text = policy.enforcement.as_ref().map_or(policy.name.as_str(), |name| name.as_str());
    let name = names.give(text).ok_or("it has no usable name")?;
    Ok(ImportedPolicy {
        policy_name: policy.name.clone(),
        allow_override: !first.is_locked,
        enforcement: ImportedEnforcement {
            name,
            guardrail: first.said.guardrail.clone(),
            revision: first.said.revision.clone(),
            settings: first.settings.clone(),
            targets: policy.targets.iter().map(|it| target(it, live)).collect(),
            regions: blocks.into_keys().collect(),
        },
    })
}

/// That `shareWith` can say what admits everybody below the targets.
fn shared_with_all(
    policy: &ObservedPolicy,
    block: &Block,
    live: &Live,
    homes: &BTreeMap<GuardrailArn, Home>,
) -> Result<(), String> {
    let Some(home) = homes.values().find(|home| home.name == block.said.guardrail) else {
        return Ok(());
    };
    let accounts: BTreeSet<_> = policy
        .targets
        .iter()
        .flat_map(|target| live.fleet.accounts_under(target))
        .filter(|account| account.state == AccountState::Active)
        .map(|account| &account.id)
        .collect();
    match accounts.into_iter().find(|id| !is_shared(&home.share, id, live.fleet)) {
        None => Ok(()),
        Some(account) => Err(format!(
            "`shareWith` of {} cannot say that {account} is admitted, or it is not: share it with \
             the organization or with units first",
            home.name
        )),
    }
}

/// A target as manifests name it.
pub(super) fn target(target: &TargetId, live: &Live) -> ImportedTarget {
    match target {
        TargetId::Root(_) => ImportedTarget::Organization,
        TargetId::Unit(unit) => {
            let (text, comment) = share::unit_text(unit, live.fleet);
            ImportedTarget::Unit { text, comment }
        }
        TargetId::Account(id) => {
            let account = live.fleet.accounts.get(id);
            let name = account.map(|it| it.name.clone()).unwrap_or_default();
            ImportedTarget::Account { id: id.clone(), name }
        }
    }
}

/// The blocks by Region, in a document with nothing else in it.
fn regions(document: &Value) -> Result<&Map<String, Value>, String> {
    let only = |value: &'_ Value, name: &str| -> Result<(), String> {
        let members =
            value.as_object().ok_or_else(|| format!("`{name}` is not in its document"))?;
        match members.keys().find(|it| *it != name) {
            Some(other) => Err(format!("its document says `{other}`, which no manifest can")),
            None => Ok(()),
        }
    };
    only(document, "bedrock")?;
    only(document.get("bedrock").unwrap_or(&Value::Null), "guardrail_inference")?;
    let blocks = document.pointer("/bedrock/guardrail_inference").and_then(Value::as_object);
    let blocks = blocks.ok_or("its document has no Regions")?;
    match blocks.keys().find(|region| region.starts_with("@@")) {
        Some(operator) => {
            Err(format!("it uses `{operator}` above its Regions, which no manifest can say"))
        }
        None => Ok(blocks),
    }
}

/// One block: what it references, its settings, and whether it is locked.
fn read(
    region: &str,
    block: &Value,
) -> Result<((GuardrailArn, Version), EnforcementSettings, bool), String> {
    let members = block.as_object().ok_or_else(|| format!("its block of {region} is no object"))?;
    let configurations: Vec<&String> =
        members.keys().filter(|name| !name.starts_with("@@")).collect();
    match configurations.as_slice() {
        [name] if *name == CONFIG => {}
        [name] => {
            return Err(format!(
                "its configuration in {region} is called `{name}`; a manifest's is `{CONFIG}`"
            ));
        }
        several => {
            return Err(format!(
                "it has {} configurations in {region}, and a manifest one",
                several.len()
            ));
        }
    }
    let is_locked = match members.get(LOCK) {
        None => false,
        Some(lock) if *lock == serde_json::json!(["@@none"]) => true,
        Some(lock) => {
            return Err(format!("it uses `{LOCK}: {lock}` in {region}, which no manifest can say"));
        }
    };
    for (name, member) in members {
        if name != LOCK {
            plain(region, name, member)?;
        }
    }
    let references = document::references(block).unwrap_or_default();
    let settings = document::settings(block);
    match (<[_; 1]>::try_from(references), <[_; 1]>::try_from(settings)) {
        (Ok([reference]), Ok([mut settings])) => {
            settings.models = crate::plan::narrowing::models(&settings.models);
            Ok((reference, settings, is_locked))
        }
        (_, _) => Err(format!("its identifier in {region} is not understood")),
    }
}

/// That nothing but known fields is set, and by nothing but `@@assign`.
fn plain(region: &str, name: &str, value: &Value) -> Result<(), String> {
    const FIELDS: [&str; 8] = [
        CONFIG,
        "identifier",
        "selective_content_guarding",
        "system",
        "messages",
        "model_enforcement",
        "included_models",
        "excluded_models",
    ];
    if !FIELDS.contains(&name) {
        return Err(format!("it uses `{name}` in {region}, which no manifest can say"));
    }
    let Some(members) = value.as_object() else {
        return Err(format!("`{name}` in {region} is not understood"));
    };
    members
        .iter()
        .filter(|(member, _)| *member != "@@assign")
        .try_for_each(|(member, value)| plain(region, member, value))
}

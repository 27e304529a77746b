//! Service control policies to manifests: each with its document, or left.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Live, Names, policies};
use crate::model::{
    ControlBody, Imported, ImportedControl, ImportedTarget, Left, Name, ObservedControl, TargetId,
};
use crate::plan::hold::listed;
use crate::plan::service_control::{default_name, is_same, length, parts};

/// A policy that was read with what it says.
type Said<'a> = (&'a ObservedControl, &'a ControlBody);

/// Adds one manifest for each policy that is attached and that a manifest can say. AWS's own are
/// nobody's to manage.
pub(super) fn find(live: &Live, imported: &mut Imported) {
    let read = live.controls.values().filter(|it| !it.is_aws_managed);
    let read = read.filter_map(|it| Some((it, it.body.as_ref()?)));
    let (ours, others): (Vec<Said>, Vec<Said>) =
        read.partition(|(policy, _)| policy.marks.is_owned_by(live.owner));
    let mut names = Names::default();
    let mut add = |policies: &[Said], found: Result<ImportedControl, String>| match found {
        Ok(control) => imported.controls.push(control),
        Err(why) => imported.left.extend(policies.iter().map(|(policy, _)| Left {
            object: format!("service control policy `{}` ({})", policy.name, policy.id),
            why: why.clone(),
        })),
    };
    // Ours keep the names that stand in their tags.
    let mut by_manifest: BTreeMap<Option<&Name>, Vec<Said>> = BTreeMap::new();
    for policy in ours {
        by_manifest.entry(policy.0.marks.manifest.as_ref()).or_default().push(policy);
    }
    for (manifest, mut policies) in by_manifest {
        policies.sort_by_key(|(policy, _)| (policy.marks.part, policy.id.clone()));
        add(&policies, own(manifest, &policies, live, &mut names));
    }
    for policy in others {
        add(&[policy], foreign(policy, live, &mut names));
    }
    imported.controls.sort_by(|one, other| one.name.cmp(&other.name));
}

/// Those of one manifest of ours.
fn own(
    manifest: Option<&Name>,
    policies: &[Said<'_>],
    live: &Live,
    names: &mut Names,
) -> Result<ImportedControl, String> {
    let manifest = manifest.ok_or("its tags say that it is ours, and not of which manifest")?;
    if policies.iter().any(|(policy, _)| policy.marks.rejection.is_some()) {
        return Err("it shut our own role out where it was tried, and is being taken back".into());
    }
    let is_numbered =
        (1..).zip(policies).all(|(number, (policy, _))| policy.marks.part.unwrap_or(1) == number);
    let Some((first, body)) = policies.first().filter(|_| is_numbered) else {
        return Err("stands beside another one of ours until a rollout is over".to_owned());
    };
    if policies.iter().any(|(_, other)| other.targets != body.targets) {
        return Err("is on its way to where the others of its manifest are attached".to_owned());
    }
    let document = joined(policies, live)?;
    let name = names.give_first(manifest).ok_or("it has no usable name")?;
    let is_plain = first.name.starts_with(&default_name(live.owner, manifest.as_str()));
    let policy_name = (!is_plain).then(|| first.name.clone());
    Ok(ImportedControl { name, policy_name, document, targets: targets(body, live)? })
}

/// One that is nobody's, or another installation's.
fn foreign(
    (policy, body): Said<'_>,
    live: &Live,
    names: &mut Names,
) -> Result<ImportedControl, String> {
    if let Some(owner) = &policy.marks.owner {
        return Err(format!("it belongs to `{owner}`"));
    }
    let targets = targets(body, live)?;
    let document = joined(&[(policy, body)], live)?;
    let name = names.give(&policy.name).ok_or("it has no usable name")?;
    Ok(ImportedControl { name, policy_name: Some(policy.name.clone()), document, targets })
}

/// The document of which these are the parts. A manifest with it must make no others.
fn joined(policies: &[Said<'_>], live: &Live) -> Result<Value, String> {
    let Some((_, ControlBody { content: first, .. })) = policies.first() else {
        return Err("it says nothing".to_owned());
    };
    if !first.is_object() {
        return Err("its document is not understood".to_owned());
    }
    let mut document = first.clone();
    for (_, ControlBody { content, .. }) in policies.iter().skip(1) {
        let more = content.get("Statement").and_then(Value::as_array);
        match (document.get_mut("Statement").and_then(Value::as_array_mut), more) {
            (Some(statements), Some(more)) => statements.extend(more.iter().cloned()),
            (Some(_) | None, _) => return Err("its parts do not fit together".to_owned()),
        }
    }
    let made = parts(document.clone(), live.control_size_max).unwrap_or_default();
    let is_live = made.len() == policies.len()
        && made.iter().zip(policies).all(|(made, (_, body))| is_same(made, &body.content));
    if is_live {
        return Ok(document);
    }
    let longest = policies.iter().map(|(_, body)| length(&body.content)).max().unwrap_or_default();
    Err(format!(
        "its document takes {longest} characters, and a manifest with it would make several \
         policies: import, plan and apply with a higher `--scp-size-max` (now {})",
        live.control_size_max
    ))
}

fn targets(body: &ControlBody, live: &Live) -> Result<Vec<ImportedTarget>, String> {
    if body.targets.is_empty() {
        return Err("it is attached to nothing".to_owned());
    }
    let is_unknown = |target: &&TargetId| match target {
        TargetId::Root(root) => *root != live.fleet.root,
        TargetId::Unit(unit) => !live.fleet.units.contains_key(unit),
        TargetId::Account(account) => !live.fleet.accounts.contains_key(account),
    };
    let unknown: Vec<&TargetId> = body.targets.iter().filter(is_unknown).collect();
    if !unknown.is_empty() {
        return Err(format!(
            "it is attached to what the organization does not list: {}",
            listed(unknown)
        ));
    }
    Ok(body.targets.iter().map(|it| policies::target(it, live)).collect())
}

#[cfg(test)]
#[path = "controls_tests.rs"]
mod tests;

//! Invocation logging to cells: every selected account × every Region, with names filled in.

use std::collections::{BTreeMap, BTreeSet};

use super::super::manifests::{InvocationLogging, Manifests};
use super::select::Tree;
use super::{refusal, some_of};
use crate::model::{
    AccountId, AccountState, Cell, Desired, DesiredLogging, LoggingConfig, Name, Presence, digits,
};

const KIND: &str = "InvocationLogging";

/// Hexadecimal digits of the hash of a manifest's spec.
const SPEC_DIGITS: usize = 32;

/// Who claims each cell, and with which configuration.
type Claims<'a> = BTreeMap<Cell, Vec<(&'a InvocationLogging, LoggingConfig)>>;

/// Adds the cells of all invocation logging.
///
/// A cell that two present manifests claim, and one whose destination cannot be of its account and
/// Region, is refused and left as it is. What is Absent gives way to what is Present.
pub(super) fn claim(manifests: &Manifests, tree: &Tree<'_>, desired: &mut Desired) {
    let (mut present, mut absent) = (Claims::new(), Claims::new());
    for manifest in manifests.invocation_logging.values() {
        desired.logging_specs.insert(manifest.name.clone(), spec_hash(manifest));
        let mut configs = BTreeMap::new();
        for account in select(manifest, tree, desired) {
            for region in &manifest.regions {
                let cell = Cell { account: account.clone(), region: region.clone() };
                let config = manifest.config.render(&cell, &tree.fleet.partition);
                configs.insert(cell, config);
            }
        }
        elsewhere(manifest, &mut configs, desired);
        let claims = match manifest.state {
            Presence::Present => &mut present,
            Presence::Absent => &mut absent,
        };
        for (cell, config) in configs {
            claims.entry(cell).or_default().push((manifest, config));
        }
    }
    absent.retain(|cell, _| !present.contains_key(cell));
    // Several that are Absent and say the same agree.
    for claimants in absent.values_mut() {
        claimants.dedup_by(|(_, one), (_, other)| one == other);
    }
    let mut all = present;
    all.append(&mut absent);
    report(&all, desired);
    for (cell, claimants) in all {
        let Ok([(manifest, config)]) = <[_; 1]>::try_from(claimants) else { continue };
        let claim = DesiredLogging {
            state: manifest.state,
            manifest: manifest.name.clone(),
            config,
            on_foreign: manifest.on_foreign,
        };
        desired.logging.insert(cell, claim);
    }
}

/// The ACTIVE accounts of a manifest.
fn select(
    manifest: &InvocationLogging,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> BTreeSet<AccountId> {
    let mut accounts = BTreeSet::new();
    for (index, selector) in manifest.targets.iter().enumerate() {
        match tree.accounts(selector) {
            Ok(found) => {
                for account in found {
                    if account.state == AccountState::Active {
                        accounts.insert(account.id.clone());
                    } else {
                        let state = account.state.to_string();
                        desired.unreachable.insert(account.id.clone(), state);
                    }
                }
            }
            Err(message) => {
                let field = format!("spec.targets[{index}]");
                desired.refusals.insert(refusal(KIND, &manifest.name, &field, message));
            }
        }
    }
    accounts
}

/// Takes out, and refuses, the cells whose destination is certainly another's: a role of another
/// account, or a bucket that several cells would share.
fn elsewhere(
    manifest: &InvocationLogging,
    configs: &mut BTreeMap<Cell, LoggingConfig>,
    desired: &mut Desired,
) {
    let mut of_others: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
    let mut users: BTreeMap<&str, BTreeSet<&Cell>> = BTreeMap::new();
    for (cell, config) in &*configs {
        let role = config.log_group.as_ref().map(|group| group.role.as_str());
        if let Some(role) =
            role.filter(|role| role.split(':').nth(4) != Some(cell.account.as_str()))
        {
            of_others.entry(role).or_default().push(cell.clone());
        }
        for bucket in config.buckets() {
            users.entry(&bucket.name).or_default().insert(cell);
        }
    }
    let mut refused: BTreeSet<Cell> = BTreeSet::new();
    let mut refuse = |field: &str, message: String, cells: Vec<Cell>| {
        desired.refusals.insert(refusal(KIND, &manifest.name, field, message));
        refused.extend(cells);
    };
    for (role, cells) in of_others {
        let message = format!(
            "`{role}` is a role of another account than {}, and AWS logs with none of another; write \
             `${{account}}` in its place",
            some_of(&cells)
        );
        refuse("spec.loggingConfig.cloudWatchConfig.roleArn", message, cells);
    }
    for (bucket, cells) in users.into_iter().filter(|(_, cells)| cells.len() > 1) {
        let cells: Vec<Cell> = cells.into_iter().cloned().collect();
        let message = format!(
            "the bucket `{bucket}` is in one account and one Region, and is asked for in {}; AWS logs \
             to none of another: write `${{account}}` and `${{region}}` in its name",
            some_of(&cells)
        );
        refuse("spec.loggingConfig", message, cells);
    }
    configs.retain(|cell, _| !refused.contains(cell));
}

/// One refusal for each claimant and set of rivals.
fn report(claims: &Claims<'_>, desired: &mut Desired) {
    let mut contested: BTreeMap<Vec<&Name>, Vec<&Cell>> = BTreeMap::new();
    for (cell, claimants) in claims.iter().filter(|(_, it)| it.len() > 1) {
        let names = claimants.iter().map(|(manifest, _)| &manifest.name).collect();
        contested.entry(names).or_default().push(cell);
    }
    for (names, cells) in contested {
        for name in &names {
            let rivals: Vec<_> = names.iter().filter(|it| *it != name).collect();
            let message = format!(
                "also claimed by {KIND} `{}`: {}; a cell has only one, so these are left as they are \
                 until one of them gives them up",
                some_of(&rivals),
                some_of(&cells)
            );
            desired.refusals.insert(refusal(KIND, name, "spec.targets", message));
        }
    }
}

fn spec_hash(manifest: &InvocationLogging) -> String {
    // Destructured, so that a new field cannot be left out of the hash by mistake.
    let InvocationLogging { name: _, origin: _, config, regions, targets, on_foreign, state } =
        manifest;
    let spec = format!("{config:?} {regions:?} {targets:?} {on_foreign:?} {state:?}");
    digits(&spec, SPEC_DIGITS)
}

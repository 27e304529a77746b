//! Enforced configurations to manifests: equal cells are one.

use std::collections::{BTreeMap, BTreeSet};

use super::guardrails::Home;
use super::{Live, Names, Said, is_shared, said};
use crate::model::{
    AccountId, Cell, EnforcementSettings, GuardrailArn, Imported, ImportedEnforcement,
    ImportedTarget, Left, ObservedEnforcement, Region,
};

/// Adds one manifest for each set of accounts with the same configuration in the same Regions.
pub(super) fn find(
    live: &Live,
    homes: &BTreeMap<GuardrailArn, Home>,
    names: &mut Names,
    imported: &mut Imported,
) {
    let mut places: BTreeMap<Said, BTreeMap<AccountId, BTreeSet<Region>>> = BTreeMap::new();
    let mut settings: BTreeMap<Said, EnforcementSettings> = BTreeMap::new();
    for (cell, slot) in live.slots {
        match read(cell, slot, live, homes) {
            Ok((said, its)) => {
                settings.insert(said.clone(), its);
                let accounts = places.entry(said).or_default();
                accounts.entry(cell.account.clone()).or_default().insert(cell.region.clone());
            }
            Err(why) => {
                let object = format!("enforced configuration {} of {cell}", slot.config_id);
                imported.left.push(Left { object, why });
            }
        }
    }
    for (said, accounts) in places {
        let mut groups: BTreeMap<BTreeSet<Region>, Vec<AccountId>> = BTreeMap::new();
        for (account, regions) in accounts {
            groups.entry(regions).or_default().push(account);
        }
        for (regions, accounts) in groups {
            let Some(name) = names.give(&format!("{}-accounts", said.guardrail)) else { continue };
            let target = |id: AccountId| {
                let account = live.fleet.accounts.get(&id);
                let name = account.map(|it| it.name.clone()).unwrap_or_default();
                ImportedTarget::Account { id, name }
            };
            imported.accounts.push(ImportedEnforcement {
                name,
                guardrail: said.guardrail.clone(),
                revision: said.revision.clone(),
                regions,
                settings: settings.get(&said).cloned().unwrap_or_default(),
                targets: accounts.into_iter().map(target).collect(),
            });
        }
    }
    imported.accounts.sort_by(|one, other| one.name.cmp(&other.name));
}

fn read(
    cell: &Cell,
    slot: &ObservedEnforcement,
    live: &Live,
    homes: &BTreeMap<GuardrailArn, Home>,
) -> Result<(Said, EnforcementSettings), String> {
    let (Some(arn), Some(version)) = (&slot.guardrail, slot.version) else {
        return Err("AWS does not name its guardrail and version".to_owned());
    };
    let settings = EnforcementSettings {
        models: crate::plan::narrowing::models(&slot.models),
        exclude_embeddings: false,
        guarding: slot.guarding,
    };
    let said = said((arn, version), &settings, homes, (live, Some(&cell.account)))?;
    let home = homes.get(arn).filter(|_| arn.account != cell.account);
    if home.is_some_and(|home| !is_shared(&home.share, &cell.account, live.fleet)) {
        return Err(format!(
            "`shareWith` of {} cannot say that the account is admitted, or it is not: share it with \
             the organization or with units first",
            said.guardrail
        ));
    }
    Ok((said, settings))
}

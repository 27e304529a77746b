//! Invocation logging to manifests: cells that are equal but for where they are, are one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, Names};
use crate::model::{
    AccountId, Imported, ImportedLogging, ImportedTarget, Left, Logging, Region, Template,
};

/// Adds one manifest for each set of accounts with the same configuration in the same Regions. An
/// account id, a Region and a partition become placeholders wherever they appear.
pub(super) fn find(live: &Live, imported: &mut Imported) {
    let mut places: BTreeMap<Logging<Template>, BTreeMap<AccountId, BTreeSet<Region>>> =
        BTreeMap::new();
    for (cell, config) in live.logging {
        let Some(template) = config.recognise(cell, &live.fleet.partition) else {
            let object = format!("invocation logging in {cell}");
            let why = "a name of it holds `${`, which in a manifest begins a placeholder";
            imported.left.push(Left { object, why: why.to_owned() });
            continue;
        };
        let accounts = places.entry(template).or_default();
        accounts.entry(cell.account.clone()).or_default().insert(cell.region.clone());
    }
    // Nothing refers to them by name, and names are unique within a kind only.
    let mut names = Names::default();
    for (config, accounts) in places {
        let mut groups: BTreeMap<BTreeSet<Region>, Vec<AccountId>> = BTreeMap::new();
        for (account, regions) in accounts {
            groups.entry(regions).or_default().push(account);
        }
        for (regions, accounts) in groups {
            let Some(name) = names.give("invocations") else { continue };
            let target = |id: AccountId| {
                let account = live.fleet.accounts.get(&id);
                let name = account.map(|it| it.name.clone()).unwrap_or_default();
                ImportedTarget::Account { id, name }
            };
            imported.logging.push(ImportedLogging {
                name,
                config: config.clone(),
                regions,
                targets: accounts.into_iter().map(target).collect(),
            });
        }
    }
}

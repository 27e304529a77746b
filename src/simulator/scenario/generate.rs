//! Makes up an organization.

use super::{AccountSpec, OrganizationSpec, Scenario, UnitSpec};

/// The management account of a generated organization.
const MANAGEMENT: &str = "111122223333";

/// Units directly below the root, and below each unit: 2,000 units nest four deep, AWS allows five.
const FAN_OUT: usize = 8;

pub(super) fn scenario(accounts: usize, units: usize, seed: u64) -> Scenario {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut word = |length: usize| -> String { (0..length).map(|_| random.lowercase()).collect() };
    let (id, root) = (word(10), word(4));
    let mut specs: Vec<UnitSpec> = (0..units)
        .map(|index| UnitSpec {
            name: format!("unit-{:04}", index + 1),
            id: Some(format!("ou-{root}-{}", word(8))),
            ..UnitSpec::default()
        })
        .collect();
    let mut below_root = Vec::new();
    for index in 0..accounts {
        let account = account(index);
        match specs.get_mut(index.checked_rem(units).unwrap_or_default()) {
            Some(unit) => unit.accounts.push(account),
            None => below_root.push(account),
        }
    }
    Scenario {
        organization: OrganizationSpec {
            id: Some(format!("o-{id}")),
            root_id: Some(format!("r-{root}")),
            feature_set: None,
        },
        management_account: Some(AccountSpec {
            id: MANAGEMENT.to_owned(),
            name: Some("management".to_owned()),
            ..AccountSpec::default()
        }),
        units: nest(specs),
        accounts: below_root,
        ..Scenario::default()
    }
}

fn account(index: usize) -> AccountSpec {
    AccountSpec {
        id: format!("2{:011}", index + 1),
        name: Some(format!("account-{:04}", index + 1)),
        ..AccountSpec::default()
    }
}

/// Unit 8 is the first one below unit 0: taken from the back, children are complete before they
/// move into their parent.
fn nest(mut units: Vec<UnitSpec>) -> Vec<UnitSpec> {
    while units.len() > FAN_OUT {
        let Some(child) = units.pop() else { break };
        let parent = (units.len() - FAN_OUT) / FAN_OUT;
        if let Some(parent) = units.get_mut(parent) {
            parent.units.insert(0, child);
        }
    }
    units
}

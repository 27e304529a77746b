//! Finds the `shareWith` that says whom a live resource policy admits.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{
    Account, AccountId, AccountState, Fleet, GuardrailArn, ImportedShare, Read, Share, TargetId,
    UnitId,
};
use crate::plan::sharing::{admits, is_stated};

/// What a guardrail is shared with, and whether the live policy says it in a statement that stays
/// as it is.
pub(super) fn find(
    policy: &Read<Value>,
    arn: &GuardrailArn,
    fleet: &Fleet,
) -> Result<(Share, bool), String> {
    let policy = match policy {
        Read::Known(policy) => policy,
        Read::KnownAbsent => return Ok((Share::None, true)),
        Read::Unknown(unread) => {
            return Err(format!("its resource policy could not be read: {}", unread.message));
        }
    };
    let Ok(nobody) = NOBODY.parse::<AccountId>() else { return Ok((Share::None, true)) };
    // Who would be admitted if it joined there: the policy of an account that is named proves
    // nothing for the next one.
    let admits_newcomer = |parent: TargetId| {
        let mut fleet = fleet.clone();
        let newcomer = Account {
            id: nobody.clone(),
            name: String::new(),
            state: AccountState::Active,
            parent,
            tags: None,
        };
        fleet.accounts.insert(nobody.clone(), newcomer);
        admits(Some(policy), arn, &nobody, &fleet)
    };
    let share = if admits_newcomer(TargetId::Root(fleet.root.clone())) {
        Share::Organization
    } else {
        let admitted: BTreeSet<UnitId> = fleet
            .units
            .keys()
            .filter(|unit| admits_newcomer(TargetId::Unit((*unit).clone())))
            .cloned()
            .collect();
        // A unit stands for all below it.
        let is_below = |unit: &UnitId| {
            let line = fleet.lineage(&TargetId::Unit(unit.clone()));
            let above = line.iter().filter(|it| **it != TargetId::Unit(unit.clone()));
            let mut units = above.filter_map(|it| match it {
                TargetId::Unit(unit) => Some(unit),
                TargetId::Root(_) | TargetId::Account(_) => None,
            });
            units.any(|it| admitted.contains(it))
        };
        let top: BTreeSet<UnitId> =
            admitted.iter().filter(|unit| !is_below(unit)).cloned().collect();
        if top.is_empty() { Share::None } else { Share::Units(top) }
    };
    let is_stated = is_stated(policy, &share, arn, fleet);
    Ok((share, is_stated))
}

/// An account that no organization has.
const NOBODY: &str = "000000000000";

/// The share as a manifest says it.
pub(super) fn named(share: &Share, fleet: &Fleet) -> ImportedShare {
    match share {
        Share::None => ImportedShare::None,
        Share::Organization => ImportedShare::Organization,
        Share::Units(units) => {
            ImportedShare::Units(units.iter().map(|unit| unit_text(unit, fleet).0).collect())
        }
    }
}

/// What a manifest calls a unit, and its path where that is something else.
pub(super) fn unit_text(unit: &UnitId, fleet: &Fleet) -> (String, Option<String>) {
    let path = fleet.describe(&TargetId::Unit(unit.clone()));
    if fleet.unit_at(&path).is_some_and(|found| found.id == *unit) {
        (path, None)
    } else {
        (unit.to_string(), Some(path))
    }
}

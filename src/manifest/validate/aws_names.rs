//! Two guardrails must not have one name in AWS in one account and Region.

use std::collections::BTreeMap;

use super::super::field_path::FieldPath;
use super::super::manifests::{Placement, Selector};
use super::across::{Body, Checked};
use crate::model::{AccountId, Name, Region};

/// A guardrail that has a name in a Region.
struct Taker {
    name: Name,
    placement: Placement,
    position: String,
}

/// Reports guardrails that have one name in AWS in one Region, where they may meet in an account.
pub(super) fn check(documents: &mut [Checked]) {
    let mut taken: BTreeMap<(Name, Region), Vec<Taker>> = BTreeMap::new();
    for document in documents.iter_mut() {
        let Checked { report, body } = document;
        let Body::Guardrail(guardrail) = body else { continue };
        let path = FieldPath::of("spec.guardrailName");
        let mut is_reported = false;
        for region in &guardrail.regions {
            let takers = taken.entry((guardrail.aws_name.clone(), region.clone())).or_default();
            let meets = |it: &&Taker| {
                it.name != guardrail.name && may_meet(&it.placement, &guardrail.placement)
            };
            match takers.iter().find(meets) {
                Some(_) if is_reported => {}
                Some(Taker { name, position, .. }) => {
                    is_reported = true;
                    let message = format!(
                        "Guardrail `{name}` at {position} is called `{}` in {region} too; give one \
                         of them another `guardrailName`",
                        guardrail.aws_name
                    );
                    report.error(&path, message);
                }
                None => takers.push(Taker {
                    name: guardrail.name.clone(),
                    placement: guardrail.placement.clone(),
                    position: report.position(&path),
                }),
            }
        }
    }
}

/// Whether some account may have both. Accounts that are written out tell; units, tags and the
/// whole organization mean whatever they select one day. That the management account is written out
/// as well shows once the organization was read.
fn may_meet(one: &Placement, other: &Placement) -> bool {
    match (accounts(one), accounts(other)) {
        (Some(one), Some(other)) => match (one.is_empty(), other.is_empty()) {
            (true, true) => true,
            (true, false) | (false, true) => false,
            (false, false) => one.iter().any(|it| other.contains(it)),
        },
        (None, _) | (_, None) => true,
    }
}

/// The accounts that are written out: none for the management account, `None` where something else
/// is.
fn accounts(placement: &Placement) -> Option<Vec<&AccountId>> {
    match placement {
        Placement::Management => Some(Vec::new()),
        Placement::Selected(selectors) => selectors
            .iter()
            .map(|selector| match selector {
                Selector::Account(account) => Some(account),
                Selector::Organization | Selector::Unit(_) | Selector::AccountsWithTags(_) => None,
            })
            .collect(),
    }
}

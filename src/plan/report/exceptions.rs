//! What is not as a reader would expect.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Material;
use super::coverage::limits;
use crate::model::{AccountState, EnforcementKey, EnforcementKind, Presence};

/// What kind of exception it is. The order is that of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ExceptionKind {
    /// Somebody else writes what we write.
    Contested,
    /// It cannot be read or written.
    Failing,
    /// It waits for a person.
    Held,
    /// A manifest asks for what cannot be.
    Refused,
    /// It waits for time or for something else.
    Waiting,
    /// It is ours, and no manifest asks for it any more.
    Orphan,
    /// An enforcement that is less than all models and all of each request.
    Limited,
    /// An ACTIVE account of which no enforcement of the manifests speaks.
    Excluded,
    /// An account that is not ACTIVE: nothing is done there.
    NotActive,
}

impl ExceptionKind {
    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contested => "Contested",
            Self::Failing => "Failing",
            Self::Held => "Held",
            Self::Refused => "Refused",
            Self::Waiting => "Waiting",
            Self::Orphan => "Orphan",
            Self::Limited => "Limited",
            Self::Excluded => "Excluded",
            Self::NotActive => "NotActive",
        }
    }
}

/// One exception.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// What kind.
    pub kind: ExceptionKind,
    /// About what.
    pub subject: String,
    /// Why, from a closed set where there is one.
    pub reason: String,
    /// The same for people.
    pub message: String,
}

/// The reason of a hold against somebody who reverts what we write.
const CONTESTED: &str = "Contested";

pub(super) fn exceptions(material: &Material) -> Vec<Exception> {
    let mut found = BTreeSet::new();
    let mut add = |kind, subject: &str, reason: &str, message: &str| {
        found.insert(Exception {
            kind,
            subject: subject.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
        });
    };
    for notice in &material.notices {
        if let Some(rest) = notice.strip_prefix("Contested: ") {
            add(ExceptionKind::Contested, "this installation", CONTESTED, rest);
        }
    }
    for key in &material.keys {
        let reason = key.reason.as_deref().unwrap_or_default();
        let message = key.message.as_deref().unwrap_or_default();
        let subject = key.manifest.as_ref().map(|it| format!("{it}, {}", key.key));
        let subject = subject.as_deref().unwrap_or(&key.key);
        match key.phase.as_str() {
            "Failing" => add(ExceptionKind::Failing, subject, reason, message),
            // Every refusal of the manifests stands below.
            "Refused" if !message.is_empty() => {
                add(ExceptionKind::Refused, subject, reason, message);
            }
            _ => {}
        }
        let is_held = key.phase == "Held";
        for (reason, message) in &key.waits {
            let kind = match (reason.as_str(), is_held) {
                (CONTESTED, _) => ExceptionKind::Contested,
                (_, true) => ExceptionKind::Held,
                (_, false) => ExceptionKind::Waiting,
            };
            add(kind, subject, reason, message);
        }
    }
    for refusal in &material.desired.refusals {
        add(ExceptionKind::Refused, &refusal.manifest, &refusal.field, &refusal.message);
    }
    for orphan in &material.orphans {
        add(ExceptionKind::Orphan, orphan, "", "no manifest asks for it any more");
    }
    for (manifest, limits) in limited(material) {
        add(ExceptionKind::Limited, &manifest.to_string(), "", &limits.join("; "));
    }
    let claimed: BTreeSet<_> = material.findings.iter().map(|(it, _)| &it.cell.account).collect();
    for account in material.fleet.accounts.values() {
        let subject = format!("{} ({})", account.name, account.id);
        match &account.state {
            AccountState::Active if !claimed.contains(&account.id) => {
                let message = "no enforcement of the manifests speaks of this account";
                add(ExceptionKind::Excluded, &subject, "", message);
            }
            AccountState::Active => {}
            AccountState::Other(state) => {
                let message = "nothing is read or written there";
                add(ExceptionKind::NotActive, &subject, state, message);
            }
        }
    }
    found.into_iter().collect()
}

/// Enforcements that say less than all.
fn limited(material: &Material) -> BTreeMap<EnforcementKey, Vec<String>> {
    let desired = material.desired;
    let key = |kind, name: &crate::model::Name| EnforcementKey { kind, name: name.clone() };
    let organization = desired.organization.iter().map(|(name, it)| {
        (key(EnforcementKind::Organization, name), it.state, limits(&it.settings))
    });
    let cells = desired
        .cells
        .values()
        .map(|it| (key(EnforcementKind::Account, &it.enforcement), it.state, limits(&it.settings)));
    let all = organization.chain(cells);
    let present =
        all.filter(|(_, state, limits)| *state == Presence::Present && !limits.is_empty());
    present.map(|(key, _, limits)| (key, limits)).collect()
}

//! Finds the manifests that say what is live, so that to apply them changes nothing but marks.
//!
//! ```text
//!   guardrails ─> content of the version in force ─> equal Regions are one manifest
//!   policies ───> one manifest each, or left ─┐
//!   slots ──────> equal cells are one manifest ┴─> both name those guardrails
//!   logging ────> cells that are equal but for where they are, are one manifest
//!   controls ───> one manifest for each service control policy, or left
//! ```
//!
//! What a manifest would change is left out and named with the reason: an import never decides.

mod cells;
mod controls;
mod guardrails;
mod logging;
mod policies;
mod share;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AccountId, Cell, EnforcementSettings, Fleet, GuardrailArn, Imported, LoggingConfig, Name,
    ObservedControl, ObservedEnforcement, ObservedGuardrail, ObservedPolicy, OwnerId, PolicyId,
    Read, Revision, Share, Version,
};

use guardrails::Home;

/// What was read of an organization.
#[derive(Clone, Debug)]
pub struct Live<'a> {
    /// Whose marks are ours.
    pub owner: &'a OwnerId,
    /// The organization.
    pub fleet: &'a Fleet,
    /// The guardrails of the management account in each Region that could be read, and those of
    /// member accounts that are enforced there, with their names.
    pub guardrails: &'a [(String, ObservedGuardrail)],
    /// All Bedrock policies; empty where they could not be read.
    pub policies: &'a BTreeMap<PolicyId, ObservedPolicy>,
    /// The enforced configurations that there are.
    pub slots: &'a BTreeMap<Cell, ObservedEnforcement>,
    /// The invocation logging that there is.
    pub logging: &'a BTreeMap<Cell, LoggingConfig>,
    /// All service control policies; empty where they could not be read.
    pub controls: &'a BTreeMap<PolicyId, ObservedControl>,
    /// Characters of a service control policy.
    pub control_size_max: usize,
}

/// Finds the manifests. Equal arguments give equal results, in a stable order.
pub fn import(live: &Live) -> Imported {
    let mut imported = Imported::default();
    let homes = guardrails::find(live, &references(live), &mut imported);
    let mut names = Names::default();
    policies::find(live, &homes, &mut names, &mut imported);
    cells::find(live, &homes, &mut names, &mut imported);
    logging::find(live, &mut imported);
    controls::find(live, &mut imported);
    imported.left.sort();
    imported
}

/// How often each version is referenced, attached or not.
fn references(live: &Live) -> BTreeMap<GuardrailArn, BTreeMap<Version, usize>> {
    let mut found: BTreeMap<GuardrailArn, BTreeMap<Version, usize>> = BTreeMap::new();
    let slots = live.slots.values().filter_map(|slot| slot.guardrail.clone().zip(slot.version));
    let blocks = live.policies.values().flat_map(|policy| policies::references(&policy.content));
    for (arn, version) in slots.chain(blocks) {
        *found.entry(arn).or_default().entry(version).or_default() += 1;
    }
    found
}

/// What an enforcement says of one Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    guardrail: Name,
    revision: Option<Revision>,
    settings: Settings,
}

/// Settings in an order.
type Settings = (BTreeSet<String>, BTreeSet<String>, bool, bool);

fn ordered(settings: &EnforcementSettings) -> Settings {
    use crate::model::Guarding::Selective;
    let models = super::narrowing::models(&settings.models);
    let guarding = settings.guarding;
    let is_selective = (guarding.system == Selective, guarding.messages == Selective);
    (models.included, models.excluded, is_selective.0, is_selective.1)
}

/// The guardrail's manifest and revision that a reference means, or why none does. `at` is the
/// account that enforces it, where one does: it may have a guardrail of its own.
fn said(
    (arn, version): (&GuardrailArn, Version),
    settings: &EnforcementSettings,
    homes: &BTreeMap<GuardrailArn, Home>,
    (live, at): (&Live, Option<&AccountId>),
) -> Result<Said, String> {
    if arn.account != live.fleet.management && Some(&arn.account) != at {
        let own = at.map(|_| ", nor of the account itself").unwrap_or_default();
        return Err(format!("{arn} is not a guardrail of the management account{own}"));
    }
    let Some(home) = homes.get(arn) else {
        return Err(format!("its guardrail {arn} is not imported"));
    };
    let content = home.live.versions.get(&version).and_then(|it| match &it.content {
        Read::Known(content) => Some(content),
        Read::KnownAbsent | Read::Unknown(_) => None,
    });
    let Some(content) = content else {
        return Err(format!("{} does not exist or could not be read", arn.with_version(version)));
    };
    let equal = |it: &&crate::model::ObservedVersion| matches!(&it.content, Read::Known(other) if other.is_version_of(content));
    let newest = home.live.versions.values().rev().find(equal).map(|it| it.version);
    if let Some(newest) = newest.filter(|newest| *newest != version) {
        return Err(format!(
            "{} was published again as version {newest}, which a manifest would point at",
            arn.with_version(version)
        ));
    }
    let revision = (!content.is_version_of(&home.content)).then(|| content.revision());
    if revision.as_ref() == Some(&home.content.revision()) {
        return Err(format!(
            "{} differs from the version in force by its key or guardrail profile only, which no \
             pin can say",
            arn.with_version(version)
        ));
    }
    Ok(Said { guardrail: home.name.clone(), revision, settings: ordered(settings) })
}

/// Names given so far.
#[derive(Debug, Default)]
struct Names(BTreeSet<Name>);

impl Names {
    /// This very name, if nobody has it yet.
    fn give_first(&mut self, name: &Name) -> Option<Name> {
        self.0.insert(name.clone()).then(|| name.clone())
    }

    /// A name like `text` that nobody has yet.
    fn give(&mut self, text: &str) -> Option<Name> {
        const LENGTH_MAX: usize = 50;
        let plain =
            |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
        let text: String = text.chars().map(plain).collect();
        let text = text.trim_matches('-');
        let text = if text.is_empty() { "imported" } else { text };
        (1_u32..).find_map(|count| {
            let end = if count == 1 { String::new() } else { format!("-{count}") };
            let start: String = text.chars().take(LENGTH_MAX.saturating_sub(end.len())).collect();
            let name: Name = format!("{start}{end}").parse().ok()?;
            self.0.insert(name.clone()).then_some(name)
        })
    }
}

/// Whether `share` of a guardrail admits an account.
fn is_shared(share: &Share, account: &AccountId, fleet: &Fleet) -> bool {
    *account == fleet.management || super::sharing::means(share, account, fleet)
}

//! What is enforced in each cell, by what, and whether that is what the manifests claim.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::Material;
use crate::model::{
    AccountId, AccountState, Cell, EnforcementSettings, Guarding, GuardrailArn, ObservedCell, Read,
    Region, Version,
};
use crate::plan::narrowing::models;
use crate::plan::verify::{Block, Claim, Finding, Verdict, block, slot};

/// The error class of a Region that an account has not enabled.
const NOT_ENABLED: &str = "RegionUnavailable";

/// How a cell stands. The order is that of attention, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    /// What the manifests claim is not so.
    Broken,
    /// Nothing is enforced, and no manifest claims it.
    Uncovered,
    /// Something that it rests on could not be read.
    Unknown,
    /// Something is enforced that no manifest claims.
    EnforcedByOthers,
    /// Everything that the manifests claim was proven.
    Enforced,
    /// The account has not enabled the Region: nothing can be called there.
    NotEnabled,
}

impl State {
    /// Every state, the worst first.
    pub const ALL: [Self; 6] = [
        Self::Broken,
        Self::Uncovered,
        Self::Unknown,
        Self::EnforcedByOthers,
        Self::Enforced,
        Self::NotEnabled,
    ];

    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "Broken",
            Self::Uncovered => "Uncovered",
            Self::Unknown => "Unknown",
            Self::EnforcedByOthers => "EnforcedByOthers",
            Self::Enforced => "Enforced",
            Self::NotEnabled => "NotEnabled",
        }
    }
}

/// Which of the two ways of enforcing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// The effective Bedrock policy of the account.
    OrganizationPolicy,
    /// The enforced configuration of the account in the Region.
    AccountEnforcement,
}

impl Level {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationPolicy => "organization policy",
            Self::AccountEnforcement => "account-level enforcement",
        }
    }
}

/// Something that is in force in a cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mechanism {
    /// By what.
    pub level: Level,
    /// Which guardrail, where it can be told.
    pub guardrail: Option<GuardrailArn>,
    /// Which version of it.
    pub version: Option<Version>,
    /// The revision of its content, where that was read back.
    pub revision: Option<String>,
    /// Models that are exempt, and parts of requests that are checked only where tagged.
    pub limits: Vec<String>,
    /// What cannot be understood of it.
    pub strange: Option<String>,
    /// Who wrote it last, where AWS says.
    pub updated_by: Option<String>,
}

/// A claim of the manifests, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimEvidence {
    /// `OrganizationEnforcement/everywhere`.
    pub manifest: String,
    /// `Proven`, `Failed`, `Unknown`.
    pub verdict: Verdict,
    /// Why, from a closed set.
    pub reason: crate::plan::verify::Reason,
    /// The same for people.
    pub message: String,
    /// Why something else is wanted there than the text says, for the time being.
    pub remark: Option<String>,
}

/// One ACTIVE account in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellEvidence {
    /// Where.
    #[serde(flatten)]
    pub cell: Cell,
    /// What people call the account.
    pub account_name: String,
    /// How it stands.
    pub state: State,
    /// What is in force.
    pub mechanisms: Vec<Mechanism>,
    /// What the manifests claim.
    pub claims: Vec<ClaimEvidence>,
    /// Why it stands so.
    pub why: String,
}

/// Numbers over the cells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// ACTIVE accounts.
    pub accounts: usize,
    /// Accounts in another state.
    pub accounts_not_active: usize,
    /// Regions that were looked at.
    pub regions: Vec<String>,
    /// ACTIVE accounts × Regions they have enabled, those of which nobody can say included.
    pub cells: usize,
    /// Those by how they stand, and beside them those not enabled.
    pub by_state: BTreeMap<State, usize>,
    /// Proven cells that only an organization policy covers.
    pub by_organization_policy: usize,
    /// Proven cells that only an account-level enforcement covers.
    pub by_account_enforcement: usize,
    /// Proven cells that both cover.
    pub by_both: usize,
}

impl Coverage {
    pub(super) fn of(cells: &[CellEvidence], material: &Material) -> Self {
        let accounts = material.fleet.accounts.values();
        let active = accounts.filter(|it| it.state == AccountState::Active).count();
        let mut coverage = Self {
            accounts: active,
            accounts_not_active: material.fleet.accounts.len() - active,
            regions: material.regions.iter().map(ToString::to_string).collect(),
            by_state: State::ALL.into_iter().map(|state| (state, 0)).collect(),
            ..Self::default()
        };
        for cell in cells {
            *coverage.by_state.entry(cell.state).or_default() += 1;
            coverage.cells += usize::from(cell.state != State::NotEnabled);
            if cell.state == State::Enforced {
                let has = |level| cell.mechanisms.iter().any(|it| it.level == level);
                match (has(Level::OrganizationPolicy), has(Level::AccountEnforcement)) {
                    (true, true) => coverage.by_both += 1,
                    (true, false) => coverage.by_organization_policy += 1,
                    (false, true) => coverage.by_account_enforcement += 1,
                    (false, false) => {}
                }
            }
        }
        coverage
    }

    /// How many cells stand so.
    pub fn count(&self, state: State) -> usize {
        self.by_state.get(&state).copied().unwrap_or_default()
    }
}

/// One level of a cell, as far as it was read.
enum Reading {
    Nothing,
    InForce(Mechanism),
    Unread(String),
}

/// Every ACTIVE account × Region, in order.
pub(super) fn cells(material: &Material) -> Vec<CellEvidence> {
    let mut claims: BTreeMap<&Cell, Vec<&(Claim, Finding)>> = BTreeMap::new();
    for finding in material.findings {
        claims.entry(&finding.0.cell).or_default().push(finding);
    }
    let active = material.fleet.accounts.values().filter(|it| it.state == AccountState::Active);
    active
        .flat_map(|account| {
            material.regions.iter().map(move |region| {
                let cell = Cell { account: account.id.clone(), region: region.clone() };
                (cell, account.name.clone())
            })
        })
        .map(|(cell, name)| {
            let claims = claims.get(&cell).map(Vec::as_slice).unwrap_or_default();
            evidence(cell, name, claims, material)
        })
        .collect()
}

fn evidence(
    cell: Cell,
    account_name: String,
    claims: &[&(Claim, Finding)],
    material: &Material,
) -> CellEvidence {
    let slot_read = material.slots.get(&cell);
    let unread = slot_read.and_then(|it| it.enforcement.unread());
    let is_enabled = unread.is_none_or(|unread| unread.class != NOT_ENABLED);
    let mut mechanisms = Vec::new();
    let mut gaps = BTreeSet::new();
    let readings = [by_organization(&cell, material), by_account(slot_read, material)];
    for reading in if is_enabled { Vec::from(readings) } else { Vec::new() } {
        match reading {
            Reading::Nothing => {}
            Reading::InForce(mechanism) => mechanisms.push(mechanism),
            Reading::Unread(why) => {
                gaps.insert(why);
            }
        }
    }
    let claims: Vec<ClaimEvidence> = claims.iter().map(|claim| claimed(claim)).collect();
    let (state, why) = if is_enabled {
        state(&claims, &mechanisms, &gaps)
    } else {
        (State::NotEnabled, "the account has not enabled the Region".to_owned())
    };
    CellEvidence { cell, account_name, state, mechanisms, claims, why }
}

fn claimed((claim, finding): &(Claim, Finding)) -> ClaimEvidence {
    ClaimEvidence {
        manifest: claim.enforcement.to_string(),
        verdict: finding.verdict,
        reason: finding.reason,
        message: finding.message.clone(),
        remark: claim.remark.clone(),
    }
}

/// | claims | read | state |
/// |---|---|---|
/// | one failed | | broken |
/// | none failed, one unknown | | unknown |
/// | all proven | | enforced |
/// | none | something in force | enforced by others |
/// | none | a part unread | unknown |
/// | none | nothing in force | uncovered |
fn state(
    claims: &[ClaimEvidence],
    mechanisms: &[Mechanism],
    gaps: &BTreeSet<String>,
) -> (State, String) {
    let of = |verdict| claims.iter().find(|claim| claim.verdict == verdict);
    let said = |claim: &ClaimEvidence| format!("{}: {}", claim.manifest, claim.message);
    if let Some(failed) = of(Verdict::Failed) {
        return (State::Broken, said(failed));
    }
    if let Some(unknown) = of(Verdict::Unknown) {
        return (State::Unknown, said(unknown));
    }
    if let Some(proven) = of(Verdict::Proven) {
        let why = proven.remark.as_ref().map(|remark| format!("; {remark}")).unwrap_or_default();
        return (State::Enforced, format!("{}{why}", said(proven)));
    }
    if !mechanisms.is_empty() {
        return (State::EnforcedByOthers, "no manifest claims what is in force here".to_owned());
    }
    if let Some(gap) = gaps.first() {
        return (State::Unknown, gap.clone());
    }
    let nothing = "no guardrail is enforced here, and no manifest claims it";
    (State::Uncovered, nothing.to_owned())
}

fn by_organization(cell: &Cell, material: &Material) -> Reading {
    if let Read::Known(organization) = material.organization
        && let Read::Known(invalid) = &organization.invalid
        && invalid.contains(&cell.account)
    {
        let why = "the effective Bedrock policy of the account is invalid, so an older one stays \
                   in force, and AWS does not show it";
        return Reading::Unread(why.to_owned());
    }
    match material.effective.get(&cell.account) {
        Some(Read::Known(policy)) => {
            in_force(block(policy, &cell.region), Level::OrganizationPolicy, None, material)
        }
        Some(Read::KnownAbsent) => Reading::Nothing,
        Some(Read::Unknown(why)) => {
            Reading::Unread(format!("the effective policy could not be read: {}", why.message))
        }
        None => Reading::Unread("the effective policy was not read".to_owned()),
    }
}

fn by_account(read: Option<&ObservedCell>, material: &Material) -> Reading {
    let Some(read) = read else {
        return Reading::Unread("the enforced configuration was not read".to_owned());
    };
    let updated_by = read.enforcement.known().and_then(|(live, _)| live.updated_by.clone());
    match slot(read) {
        Ok(block) => in_force(block, Level::AccountEnforcement, updated_by, material),
        Err(why) => {
            let why = format!("the enforced configuration could not be read: {}", why.message);
            Reading::Unread(why)
        }
    }
}

fn in_force(
    block: Block,
    level: Level,
    updated_by: Option<String>,
    material: &Material,
) -> Reading {
    Reading::InForce(match block {
        Block::Nothing => return Reading::Nothing,
        Block::Strange(strange) => Mechanism {
            level,
            guardrail: None,
            version: None,
            revision: None,
            limits: Vec::new(),
            strange: Some(strange),
            updated_by,
        },
        Block::One { arn, version, settings } => {
            let revision = super::revisions::revision_of(&arn, version, material);
            let (guardrail, version) = (Some(arn), Some(version));
            let limits = limits(&settings);
            Mechanism { level, guardrail, version, revision, limits, strange: None, updated_by }
        }
    })
}

/// In what an enforcement is less than all models and all of each request.
pub(super) fn limits(settings: &EnforcementSettings) -> Vec<String> {
    let listed =
        |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let EnforcementSettings { models: wanted, exclude_embeddings, guarding } = settings;
    let models = models(wanted);
    let mut limits = Vec::new();
    if !models.included.contains("ALL") {
        limits.push(format!("only these models: {}", listed(&models.included)));
    }
    if !models.excluded.is_empty() {
        limits.push(format!("not these models: {}", listed(&models.excluded)));
    }
    if *exclude_embeddings {
        limits.push("not the embedding models of the Region".to_owned());
    }
    for (part, guarding) in [("system prompts", guarding.system), ("messages", guarding.messages)] {
        match guarding {
            Guarding::Comprehensive => {}
            Guarding::Selective => limits.push(format!("{part} only where the caller tags them")),
        }
    }
    limits
}

/// The enforced configuration of a slot that was read and is not empty.
pub(super) fn slot_guardrail(slot: &ObservedCell) -> Option<&crate::model::ObservedEnforcement> {
    slot.enforcement.known().map(|(live, _)| live)
}

/// Every guardrail that some slot or effective policy references in these Regions.
pub fn referenced(
    regions: &BTreeSet<Region>,
    slots: &BTreeMap<Cell, ObservedCell>,
    effective: &BTreeMap<AccountId, Read<Value>>,
) -> BTreeSet<GuardrailArn> {
    let of_block = |block| match block {
        Block::One { arn, .. } => Some(arn),
        Block::Nothing | Block::Strange(_) => None,
    };
    let of_slots = slots.values().filter_map(|it| slot_guardrail(it)?.guardrail.clone());
    let policies = effective.values().filter_map(|it| it.known().map(|(policy, _)| policy));
    let of_policies = policies.flat_map(|policy| {
        regions.iter().filter_map(move |region| of_block(block(policy, region)))
    });
    of_slots.chain(of_policies).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::verify::Reason;

    fn claim(verdict: Verdict) -> ClaimEvidence {
        ClaimEvidence {
            manifest: "AccountEnforcement/a".to_owned(),
            verdict,
            reason: Reason::ReadBack,
            message: "so".to_owned(),
            remark: None,
        }
    }

    fn in_force() -> Mechanism {
        Mechanism {
            level: Level::AccountEnforcement,
            guardrail: None,
            version: None,
            revision: None,
            limits: Vec::new(),
            strange: Some("strange".to_owned()),
            updated_by: None,
        }
    }

    #[test]
    fn nothing_counts_as_enforced_but_what_was_claimed_and_proven() {
        use Verdict::{Failed, Proven, Unknown};
        let gap = BTreeSet::from(["not read".to_owned()]);
        let none = BTreeSet::new();
        for (claims, is_in_force, gaps, expected) in [
            (vec![Proven], true, &none, State::Enforced),
            (vec![Proven, Failed, Unknown], true, &none, State::Broken),
            (vec![Proven, Unknown], true, &none, State::Unknown),
            (vec![Proven], true, &gap, State::Enforced),
            (vec![], true, &gap, State::EnforcedByOthers),
            (vec![], false, &gap, State::Unknown),
            (vec![], false, &none, State::Uncovered),
        ] {
            let claims: Vec<ClaimEvidence> = claims.into_iter().map(claim).collect();
            let mechanisms = if is_in_force { vec![in_force()] } else { Vec::new() };
            let (found, _) = state(&claims, &mechanisms, gaps);
            assert_eq!(found, expected, "{claims:?} {is_in_force} {gaps:?}");
        }
    }
}

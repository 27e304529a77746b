//! Scenario files: the organization a simulator starts with.
//!
//! Everything is optional; what is left out is filled in deterministically from the seed. Member
//! names are AWS's where AWS has one. See `tests/scenarios/small.yaml` for all of it at work.

mod build;
mod generate;
mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::bedrock::{LogBucket, Recorded};
use super::call::Millis;
use super::organization::{AccountState, PolicyKind};
use super::switches::Switches;
use super::world::World;

/// A scenario.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// `aws` or `aws-us-gov`; absent: what the command line says, else `aws`.
    pub partition: Option<String>,
    /// Ids of the organization and its root.
    pub organization: OrganizationSpec,
    /// The account that administers the others; it sits below the root.
    pub management_account: Option<AccountSpec>,
    /// Units below the root.
    pub units: Vec<UnitSpec>,
    /// Accounts directly below the root.
    pub accounts: Vec<AccountSpec>,
    /// Roles of every account, the management account included, beside `BedrailMember` and
    /// `OrganizationAccountAccessRole`, which every account has unless a role of that name is
    /// given here or in the account.
    pub member_roles: Vec<RoleSpec>,
    /// Types enabled at the start; absent: service control policies.
    pub policy_types: Option<Vec<PolicyKind>>,
    /// Policies that exist at the start.
    pub policies: Vec<PolicySpec>,
    /// The organization's resource policy.
    pub delegation_policy: Option<Value>,
    /// Buckets that invocation logging may be sent to, by name. AWS tries them out; a bucket that is
    /// not here takes everything.
    pub buckets: BTreeMap<String, LogBucket>,
    /// What Bedrock holds at the start, by `account/region`, as `/_simulator/world` shows it.
    pub bedrock: BTreeMap<String, Recorded>,
    /// ARNs of SNS topics.
    pub topics: BTreeSet<String>,
    /// Unconfirmed behaviours.
    pub switches: Switches,
}

/// Ids of the organization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct OrganizationSpec {
    /// `o-…`.
    pub id: Option<String>,
    /// `r-…`.
    pub root_id: Option<String>,
    /// Absent: `ALL`; else `CONSOLIDATED_BILLING`.
    pub feature_set: Option<String>,
}

/// An organizational unit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct UnitSpec {
    /// Its name.
    pub name: String,
    /// `ou-…`.
    pub id: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Units below it.
    pub units: Vec<Self>,
    /// Accounts directly below it.
    pub accounts: Vec<AccountSpec>,
}

/// An account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct AccountSpec {
    /// Twelve digits.
    pub id: String,
    /// Absent: `account-` and the id.
    pub name: Option<String>,
    /// Absent: made from the id.
    pub email: Option<String>,
    /// Absent: `ACTIVE`.
    pub state: AccountState,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Regions not enabled.
    pub disabled_regions: BTreeSet<String>,
    /// Roles of this account alone.
    pub roles: Vec<RoleSpec>,
    /// Default roles this account lacks.
    pub without_roles: BTreeSet<String>,
}

/// An IAM role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RoleSpec {
    /// Its name.
    pub name: String,
    /// Absent: `/`.
    pub path: Option<String>,
    /// The trust policy; absent: the management account may assume it.
    pub trust: Option<Value>,
    /// Demanded by the default trust policy.
    pub external_id: Option<String>,
    /// Actions allowed on everything, for the usual case.
    pub allow: Vec<String>,
    /// Identity policies.
    pub policies: Vec<Value>,
    /// Seconds; absent: 3,600.
    pub max_session_duration: Option<u64>,
}

/// A policy of the organization.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PolicySpec {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: PolicyKind,
    /// `p-…`.
    #[serde(default)]
    pub id: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// The document.
    pub content: Value,
    /// `root`, a path of unit names such as `/Workloads/Prod`, or an id.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Why a scenario cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("failed to read the scenario `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a scenario.
    #[error("failed to parse the scenario `{}`", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_yaml::Error,
    },
    /// The scenario contradicts itself or AWS.
    #[error("the scenario is not possible: {}", problems.join("; "))]
    Invalid {
        /// All of it.
        problems: Vec<String>,
    },
}

impl Scenario {
    /// Reads a scenario file.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Read { path: path.to_owned(), source })?;
        serde_yaml::from_str(&text)
            .map_err(|source| ScenarioError::Parse { path: path.to_owned(), source })
    }

    /// An organization of `accounts` member accounts spread over `units` units, the same for the
    /// same arguments.
    pub fn generate(accounts: usize, units: usize, seed: u64) -> Self {
        generate::scenario(accounts, units, seed)
    }

    /// The world at `now`; `seed` gives the ids the scenario leaves out.
    pub fn build(&self, seed: u64, now: Millis) -> Result<World, ScenarioError> {
        build::world(self, seed, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(yaml: &str) -> String {
        let parsed: Result<Scenario, _> = serde_yaml::from_str(yaml);
        match parsed.map(|scenario| scenario.build(1, 0)) {
            Err(error) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Ok(Ok(_)) => "none".to_owned(),
        }
    }

    #[test]
    fn impossible_scenarios_are_refused_with_what_is_wrong() {
        let rows = [
            ("{}", "none"),
            ("accounts: [{id: \"12\"}]", "an account id is twelve digits, not `12`"),
            ("accounts: [{id: 222233334444}]", "none"),
            (
                "accounts: [{id: \"222233334444\"}, {id: \"222233334444\"}]",
                "the account `222233334444` appears twice",
            ),
            ("units: [{name: a}, {name: a}]", "a unit needs a name of its own: `a`"),
            ("units: [{name: a, acounts: []}]", "unknown field `acounts`"),
            (
                "policies: [{name: p, type: BEDROCK_POLICY, content: {x: 1}}]",
                "the policy `p`: The document must have exactly",
            ),
            (
                "policies: [{name: p, type: BEDROCK_POLICY, content: {bedrock: {}}, targets: [/None]}]",
                "names the target `/None`",
            ),
            (
                "managementAccount: {id: \"111122223333\", state: SUSPENDED}",
                "the management account must be ACTIVE",
            ),
            ("switches: {echo_defaults: some}", "unknown variant `some`"),
        ];
        for (yaml, expected) in rows {
            let found = problems(yaml);
            assert!(found.contains(expected), "{yaml}: {found}");
        }
    }

    #[test]
    fn generated_units_stay_within_five_levels_and_hold_every_account() {
        for (accounts, units) in [(0, 0), (3, 0), (5, 9), (40, 2_000)] {
            let world = Scenario::generate(accounts, units, 4).build(4, 0).unwrap();
            assert_eq!(world.organization.tree.accounts.len(), accounts + 1, "{accounts} {units}");
            assert_eq!(world.organization.tree.units.len(), units, "{accounts} {units}");
        }
    }

    #[test]
    fn partition_reaches_every_arn() {
        let scenario =
            Scenario { partition: Some("aws-us-gov".to_owned()), ..Scenario::generate(1, 0, 1) };
        let world = scenario.build(1, 0).unwrap();
        let role = world.identity.role("200000000001", "BedrailMember").unwrap();
        assert!(role.trust.to_string().contains("arn:aws-us-gov:iam::111122223333:root"));
    }
}

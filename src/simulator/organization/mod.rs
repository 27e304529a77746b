//! Holds the organization: units, accounts, policies, attachments, and what takes effect where.
//!
//! ```text
//!   tree ─┐
//!   policies ─┼─ change ──> pending(due) ── settle(now) ──> effective, by account
//!   attachments ─┘
//! ```
//!
//! # Invariants
//!
//! - Service control policies take effect at once; `BEDROCK_POLICY` after the switch
//!   `effective_policy_delay_ms`, on the simulator's clock.
//! - While the newly merged policy of an account is invalid, the last valid one stays in force.

mod bedrock_policy;
mod effective;
mod identifiers;
mod operations;
mod policy;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::call::Millis;
pub(super) use bedrock_policy::EffectiveError;
use effective::Merge;
pub(super) use identifiers::is_account;
pub(super) use operations::handle;
pub use policy::PolicyKind;
pub(super) use policy::{FULL_ACCESS, Policy, TypeStatus};
pub use tree::AccountState;
pub(super) use tree::{Account, NodeKind, Tree, Unit};

/// Policies by id.
type Policies = Arc<BTreeMap<String, Policy>>;

/// Policy ids by target, in attachment order.
type Attachments = Arc<BTreeMap<String, Vec<String>>>;

/// The simulated organization. Its large parts are shared until written.
#[derive(Clone, Debug, Default)]
pub struct Organization {
    pub(super) id: String,
    pub(super) partition: String,
    pub(super) management: String,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    pub(super) feature_set: String,
    pub(super) tree: Arc<Tree>,
    pub(super) policies: Policies,
    pub(super) attachments: Attachments,
    pub(super) types: BTreeMap<PolicyKind, TypeStatus>,
    /// By root, unit, account or policy id.
    pub(super) tags: Arc<BTreeMap<String, BTreeMap<String, String>>>,
    /// The delegation policy: as sent, and parsed.
    pub(super) delegation: Option<(String, Value)>,
    pub(super) effective: Arc<BTreeMap<String, Effective>>,
    pending: Vec<(Millis, Inputs)>,
    /// `CreateAccount` requests by id: the account, and when it is done.
    pub(super) creations: BTreeMap<String, (String, Millis)>,
}

/// The effective `BEDROCK_POLICY` of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Effective {
    /// The last valid one; `None` when nothing is attached on the path.
    pub(super) policy: Option<Arc<Value>>,
    /// When `policy` last changed.
    pub(super) updated: Millis,
    /// When it was last calculated.
    pub(super) evaluated: Millis,
    /// Why the newest one is not in force; empty when it is.
    pub(super) errors: Arc<Vec<EffectiveError>>,
}

/// What effective policies are calculated from, as of one change.
#[derive(Clone, Debug)]
struct Inputs {
    tree: Arc<Tree>,
    policies: Policies,
    attachments: Attachments,
}

/// One merged policy, shared by the accounts that have the same one.
#[derive(Clone)]
struct Merged {
    policy: Option<Arc<Value>>,
    errors: Arc<Vec<EffectiveError>>,
}

impl Organization {
    /// `o-…`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The account id of the management account.
    pub fn management(&self) -> &str {
        &self.management
    }

    /// Whether `account` belongs to the organization and is ACTIVE.
    pub fn is_active(&self, account: &str) -> bool {
        self.tree.accounts.get(account).is_some_and(|account| account.state == AccountState::Active)
    }

    /// Whether `region` is enabled for `account` (opt-in Regions may not be).
    pub fn is_region_enabled(&self, account: &str, region: &str) -> bool {
        self.tree
            .accounts
            .get(account)
            .is_none_or(|account| !account.disabled_regions.contains(region))
    }

    /// `o-x/r-y/ou-a/ou-b/` of `account`: the value of `aws:PrincipalOrgPaths`.
    pub fn path(&self, account: &str) -> Option<String> {
        self.tree.accounts.get(account).map(|member| self.path_to(&member.parent))
    }

    /// The effective `BEDROCK_POLICY` of `account` at `at`, operators stripped; the last valid
    /// one while the new one is invalid.
    pub fn effective_bedrock(&self, account: &str, at: Millis) -> Option<Value> {
        let mut effective = self.effective.get(account).cloned().unwrap_or_default();
        for (due, inputs) in self.pending.iter().filter(|(due, _)| *due <= at) {
            if inputs.tree.accounts.contains_key(account) {
                let lineage = inputs.tree.lineage(account);
                effective.take(&inputs.merge(&lineage), *due);
            }
        }
        effective.policy.map(Arc::unwrap_or_clone)
    }

    /// `ARN:VERSION` of every guardrail that a `BEDROCK_POLICY` names, attached or not.
    pub(super) fn bedrock_references(&self) -> Vec<String> {
        self.policies
            .values()
            .filter(|policy| policy.kind == PolicyKind::BedrockPolicy)
            .flat_map(|policy| bedrock_policy::references(&policy.document))
            .collect()
    }

    /// The accounts of the organization, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        self.tree.accounts.keys().map(String::as_str)
    }

    /// `o-x/r-y/…/` down to and including `node`.
    pub(super) fn path_to(&self, node: &str) -> String {
        let mut path = format!("{}/", self.id);
        for part in self.tree.lineage(node) {
            path.push_str(part);
            path.push('/');
        }
        path
    }

    /// The service control policies that bind `account`: per level, from the root down. Empty
    /// while the type is not enabled.
    pub(super) fn service_control_policies(&self, account: &str) -> Vec<Vec<&Value>> {
        if !self.is_enabled(PolicyKind::ServiceControlPolicy) {
            return Vec::new();
        }
        let lineage = self.tree.lineage(account);
        lineage.iter().map(|node| self.documents(node, PolicyKind::ServiceControlPolicy)).collect()
    }

    fn documents(&self, target: &str, kind: PolicyKind) -> Vec<&Value> {
        documents(&self.policies, &self.attachments, target, kind)
    }

    /// Whether policies of `kind` can be attached now.
    pub(super) fn is_enabled(&self, kind: PolicyKind) -> bool {
        matches!(self.types.get(&kind), Some(TypeStatus::Enabled))
    }

    /// Notes that something effective policies depend on has changed; it shows at `due`.
    pub(super) fn changed(&mut self, due: Millis) {
        let inputs = Inputs {
            tree: Arc::clone(&self.tree),
            policies: Arc::clone(&self.policies),
            attachments: Arc::clone(&self.attachments),
        };
        self.pending.push((due, inputs));
    }

    /// Completes everything asynchronous that is due at `now`.
    pub(super) fn settle(&mut self, now: Millis) {
        self.settle_types(now);
        self.settle_closures(now);
        // The delay is a switch and may have been shortened in between; order of change counts.
        while self.pending.first().is_some_and(|(due, _)| *due <= now) {
            let (due, inputs) = self.pending.remove(0);
            self.recalculate(&inputs, due);
        }
    }

    fn settle_types(&mut self, now: Millis) {
        let mut disabled = Vec::new();
        for (kind, status) in &mut self.types {
            match *status {
                TypeStatus::PendingEnable(due) if due <= now => *status = TypeStatus::Enabled,
                TypeStatus::PendingDisable(due) if due <= now => disabled.push(*kind),
                TypeStatus::Enabled
                | TypeStatus::PendingEnable(_)
                | TypeStatus::PendingDisable(_) => {}
            }
        }
        for kind in disabled {
            self.types.remove(&kind);
            let policies = Arc::clone(&self.policies);
            let is_other = |id: &String| policies.get(id).is_some_and(|policy| policy.kind != kind);
            for ids in Arc::make_mut(&mut self.attachments).values_mut() {
                ids.retain(is_other);
            }
            self.changed(now);
        }
    }

    fn settle_closures(&mut self, now: Millis) {
        let is_due = |account: &Account| account.closes.is_some_and(|due| due <= now);
        if !self.tree.accounts.values().any(is_due) {
            return;
        }
        for account in Arc::make_mut(&mut self.tree).accounts.values_mut() {
            if is_due(account) {
                account.state = AccountState::Closed;
                account.closes = None;
            }
        }
    }

    fn recalculate(&mut self, inputs: &Inputs, due: Millis) {
        let mut merged_by_parent: BTreeMap<&str, Merged> = BTreeMap::new();
        let effective = Arc::make_mut(&mut self.effective);
        effective.retain(|account, _| inputs.tree.accounts.contains_key(account));
        for (id, account) in &inputs.tree.accounts {
            let has_own = inputs.attachments.get(id).is_some_and(|ids| {
                ids.iter().any(|id| {
                    inputs
                        .policies
                        .get(id)
                        .is_some_and(|policy| policy.kind == PolicyKind::BedrockPolicy)
                })
            });
            let merged = if has_own {
                inputs.merge(&inputs.tree.lineage(id))
            } else {
                merged_by_parent
                    .entry(&account.parent)
                    .or_insert_with(|| inputs.merge(&inputs.tree.lineage(&account.parent)))
                    .clone()
            };
            effective.entry(id.clone()).or_default().take(&merged, due);
        }
    }
}

impl Inputs {
    fn merge(&self, lineage: &[&str]) -> Merged {
        let mut merge = Merge::default();
        for node in lineage {
            let kind = PolicyKind::BedrockPolicy;
            merge.level(documents(&self.policies, &self.attachments, node, kind));
        }
        let policy = merge.finish();
        let errors = policy.as_ref().map(bedrock_policy::check_effective).unwrap_or_default();
        Merged { policy: policy.map(Arc::new), errors: Arc::new(errors) }
    }
}

impl Effective {
    fn take(&mut self, merged: &Merged, at: Millis) {
        self.evaluated = at;
        self.errors = Arc::clone(&merged.errors);
        if merged.errors.is_empty() && self.policy != merged.policy {
            self.policy.clone_from(&merged.policy);
            self.updated = at;
        }
    }
}

fn documents<'a>(
    policies: &'a BTreeMap<String, Policy>,
    attachments: &BTreeMap<String, Vec<String>>,
    target: &str,
    kind: PolicyKind,
) -> Vec<&'a Value> {
    let ids = attachments.get(target).map(Vec::as_slice).unwrap_or_default();
    ids.iter()
        .filter_map(|id| policies.get(id))
        .filter(|policy| policy.kind == kind)
        .map(|policy| &policy.document)
        .collect()
}

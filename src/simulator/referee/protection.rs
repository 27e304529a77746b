//! What protects a place, before and after a write.
//!
//! ```text
//!   write ──> which places it can reach ──> layers before, layers after ──> Change
//! ```
//!
//! A write to one slot reaches one place; one to a guardrail, the places that refer to it; one to
//! an organization policy, the accounts below its targets. Nothing else is looked at, so that a
//! write costs the same in a small organization and in a large one wherever it can.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::super::call::{Call, Millis, Service};
use super::super::organization::PolicyKind;
use super::super::world::World;
use super::reference::{Level, Reference, profile_of, references_in};

/// The references in force at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    /// The enforced configuration of the account.
    pub(super) account: Option<Reference>,
    /// The effective organization policy.
    pub(super) now: Option<Reference>,
    /// The effective organization policy once every change has propagated.
    pub(super) then: Option<Reference>,
}

/// A place a write reaches.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) before: Layers,
    pub(super) after: Layers,
}

impl Layers {
    /// Every reference with the level that holds it.
    pub(super) fn references(&self) -> impl Iterator<Item = (Level, &Reference)> {
        let account = self.account.iter().map(|reference| (Level::Account, reference));
        let organization = self.now.iter().chain(&self.then);
        account.chain(organization.map(|reference| (Level::Organization, reference)))
    }

    /// What will stand once every change has propagated.
    pub(super) fn settled(&self) -> impl Iterator<Item = (Level, &Reference)> {
        let account = self.account.iter().map(|reference| (Level::Account, reference));
        account.chain(self.then.iter().map(|reference| (Level::Organization, reference)))
    }

    fn is_empty(&self) -> bool {
        self.references().next().is_none()
    }
}

impl Change {
    /// Account and Region.
    pub(super) fn place(&self) -> (&str, &str) {
        (&self.account, &self.region)
    }
}

/// References by Region.
type Regions = Arc<BTreeMap<String, Reference>>;

/// What tells apart the accounts whose effective policies may differ: parent, own policies, and
/// the policy in force.
type Class = (String, Vec<String>, usize);

/// The effective organization policies of one world, each parsed and merged once.
struct Outlook<'a> {
    world: &'a World,
    now: BTreeMap<usize, Regions>,
    then: BTreeMap<Class, Regions>,
}

impl<'a> Outlook<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, now: BTreeMap::new(), then: BTreeMap::new() }
    }

    fn now(&mut self, account: &str) -> Regions {
        let Some(policy) = in_force(self.world, account) else { return Regions::default() };
        let regions = self.now.entry(address(policy));
        Arc::clone(regions.or_insert_with(|| regions_of(policy)))
    }

    fn then(&mut self, account: &str) -> Regions {
        let organization = &self.world.organization;
        let parent = organization.tree.parent(account).unwrap_or_default().to_owned();
        let own = organization.attachments.get(account).cloned().unwrap_or_default();
        let class = (parent, own, in_force(self.world, account).map_or(0, address));
        let merge = || {
            let policy = organization.effective_bedrock(account, Millis::MAX);
            policy.as_ref().map(regions_of).unwrap_or_default()
        };
        Arc::clone(self.then.entry(class).or_insert_with(merge))
    }

    fn layers(&mut self, account: &str, region: &str) -> Layers {
        let enforced =
            self.world.regional(account, region).and_then(|regional| regional.enforced());
        Layers {
            account: enforced.map(Reference::of_enforced),
            now: self.now(account).get(region).cloned(),
            then: self.then(account).get(region).cloned(),
        }
    }

    /// The Regions in which the account refers to anything.
    fn regions(&mut self, account: &str) -> BTreeSet<String> {
        let from = (account.to_owned(), String::new());
        let slots = self.world.bedrock.range(from..).take_while(|((owner, _), _)| owner == account);
        let mut regions: BTreeSet<String> = slots
            .filter(|(_, regional)| regional.enforced().is_some())
            .map(|((_, region), _)| region.clone())
            .collect();
        regions.extend(self.now(account).keys().cloned());
        regions.extend(self.then(account).keys().cloned());
        regions
    }
}

fn in_force<'a>(world: &'a World, account: &str) -> Option<&'a Arc<Value>> {
    world.organization.effective.get(account).and_then(|effective| effective.policy.as_ref())
}

/// Equal for accounts that share one merged policy.
fn address(policy: &Arc<Value>) -> usize {
    Arc::as_ptr(policy).addr()
}

fn regions_of(policy: &Value) -> Regions {
    Arc::new(references_in(policy).into_iter().collect())
}

/// The places `call` reaches, as they were and are.
pub(super) fn changes(before: &World, after: &World, call: &Call) -> Vec<Change> {
    let mut outlooks = (Outlook::new(before), Outlook::new(after));
    match (call.service, call.operation) {
        (
            Service::Bedrock,
            "PutEnforcedGuardrailConfiguration" | "DeleteEnforcedGuardrailConfiguration",
        ) => vec![compare(&mut outlooks, &call.caller.account, &call.region)],
        (Service::Bedrock, "DeleteGuardrail" | "PutResourcePolicy" | "DeleteResourcePolicy") => {
            let resource = resource(before, call);
            let accounts: Vec<&str> = active(after).collect();
            let regions = referring_regions(before, call, &resource);
            let mut changes = Vec::new();
            for region in &regions {
                let all = accounts.iter().map(|account| compare(&mut outlooks, account, region));
                changes.extend(all.filter(|change| refers(before, change, &resource)));
            }
            changes
        }
        (Service::Organizations, _) => organization_changes(before, after, call, &mut outlooks),
        (
            Service::Bedrock | Service::BedrockRuntime | Service::Sts | Service::Iam | Service::Sns,
            _,
        ) => Vec::new(),
    }
}

fn organization_changes(
    before: &World,
    after: &World,
    call: &Call,
    outlooks: &mut (Outlook<'_>, Outlook<'_>),
) -> Vec<Change> {
    let Some(kind) = policy_kind(before, call) else { return Vec::new() };
    let mut changes = Vec::new();
    for account in accounts_below(after, &targets(before, call)) {
        let mut regions = outlooks.0.regions(account);
        regions.extend(outlooks.1.regions(account));
        let all = regions.iter().map(|region| compare(outlooks, account, region));
        changes.extend(all.filter(|change| match kind {
            PolicyKind::ServiceControlPolicy => !change.before.is_empty(),
            PolicyKind::BedrockPolicy => change.before != change.after,
        }));
    }
    changes
}

fn compare(outlooks: &mut (Outlook<'_>, Outlook<'_>), account: &str, region: &str) -> Change {
    Change {
        account: account.to_owned(),
        region: region.to_owned(),
        before: outlooks.0.layers(account, region),
        after: outlooks.1.layers(account, region),
    }
}

/// The ARN of the guardrail or guardrail profile a Bedrock call names.
pub(super) fn resource(world: &World, call: &Call) -> String {
    let named = call.text("resourceArn").or_else(|| call.text("resourceARN"));
    let named = named.or_else(|| call.labels.first().map(String::as_str)).unwrap_or_default();
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    let (partition, region, account) = (&world.partition, &call.region, &call.caller.account);
    format!("arn:{partition}:bedrock:{region}:{account}:guardrail/{named}")
}

/// A profile's policy counts wherever a guardrail of its account uses the profile.
fn referring_regions(world: &World, call: &Call, resource: &str) -> Vec<String> {
    let Some((_, profile)) = resource.split_once("guardrail-profile/") else {
        return vec![call.region.clone()];
    };
    let from = (call.caller.account.clone(), String::new());
    let places =
        world.bedrock.range(from..).take_while(|((owner, _), _)| *owner == call.caller.account);
    let uses = |body: &serde_json::Map<String, Value>| {
        profile_of(&Value::Object(body.clone())) == Some(profile)
    };
    places
        .filter(|(_, regional)| {
            regional.guardrails().any(|guardrail| {
                let mut versions = guardrail.version_numbers();
                versions.any(|number| guardrail.body(Some(number)).is_some_and(uses))
            })
        })
        .map(|((_, region), _)| region.clone())
        .collect()
}

fn refers(world: &World, change: &Change, resource: &str) -> bool {
    let profile = resource.split_once("guardrail-profile/").map(|(_, profile)| profile);
    change.before.references().any(|(_, reference)| match profile {
        Some(profile) => {
            reference.content(world).is_some_and(|content| profile_of(&content) == Some(profile))
        }
        None => reference.arn == resource,
    })
}

/// The type of the policy an Organizations call names.
pub(super) fn policy_kind(world: &World, call: &Call) -> Option<PolicyKind> {
    let policy = call.text("PolicyId").and_then(|id| world.organization.policies.get(id));
    policy.map(|policy| policy.kind)
}

/// The targets an Organizations call reaches: the one it names, else all of its policy.
pub(super) fn targets<'a>(world: &'a World, call: &'a Call) -> Vec<&'a str> {
    if let Some(target) = call.text("TargetId") {
        return vec![target];
    }
    let Some(policy) = call.text("PolicyId") else { return Vec::new() };
    targets_of(world, policy)
}

/// What a policy is attached to.
pub(super) fn targets_of<'a>(world: &'a World, policy: &str) -> Vec<&'a str> {
    let attachments = world.organization.attachments.iter();
    attachments
        .filter(|(_, policies)| policies.iter().any(|id| id == policy))
        .map(|(target, _)| target.as_str())
        .collect()
}

/// The ACTIVE accounts below any of `targets`.
pub(super) fn accounts_below<'a>(world: &'a World, targets: &[&str]) -> Vec<&'a str> {
    let tree = &world.organization.tree;
    active(world)
        .filter(|account| tree.lineage(account).iter().any(|node| targets.contains(node)))
        .collect()
}

/// The ACTIVE accounts.
pub(super) fn active(world: &World) -> impl Iterator<Item = &str> {
    world.organization.accounts().filter(|account| world.organization.is_active(account))
}

/// Says where in at most one line: the first place, and how many more.
pub(super) fn summary(places: &[(String, String)]) -> String {
    match places {
        [] => String::new(),
        [(account, region)] => format!("{account} {region}"),
        [(account, region), more @ ..] => format!("{account} {region} and {} more", more.len()),
    }
}

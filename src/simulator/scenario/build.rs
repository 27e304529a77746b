//! Scenario → world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::roles::Context;
use super::{AccountSpec, PolicySpec, Scenario, ScenarioError, UnitSpec};
use crate::simulator::bedrock::Place;
use crate::simulator::call::Millis;
use crate::simulator::identity::{Identity, Role};
use crate::simulator::organization::{
    Account, AccountState, FULL_ACCESS, Organization, Policy, PolicyKind, Tree, TypeStatus, Unit,
    is_account,
};
use crate::simulator::world::World;

/// The management account of a scenario that names none.
const MANAGEMENT_DEFAULT: &str = "111122223333";

/// How long before the start every account joined.
const JOINED_BEFORE_MS: Millis = 365 * 24 * 3_600 * 1_000;

pub(super) fn world(scenario: &Scenario, seed: u64, now: Millis) -> Result<World, ScenarioError> {
    let world = World {
        partition: scenario.partition.clone().unwrap_or_else(|| "aws".to_owned()),
        switches: scenario.switches.clone(),
        organization: Organization::default(),
        identity: Identity::default(),
        bedrock: BTreeMap::new(),
        buckets: Arc::new(scenario.buckets.clone()),
        topics: Arc::new(scenario.topics.iter().map(|it| (it.clone(), Vec::new())).collect()),
        random: fastrand::Rng::with_seed(seed),
    };
    let management = scenario.management_account.clone().unwrap_or_else(|| AccountSpec {
        id: MANAGEMENT_DEFAULT.to_owned(),
        name: Some("management".to_owned()),
        ..AccountSpec::default()
    });
    let mut builder = Builder {
        world,
        tree: Tree::default(),
        tags: BTreeMap::new(),
        default_roles: Arc::default(),
        management: management.id.clone(),
        joined: now.saturating_sub(JOINED_BEFORE_MS),
        problems: Vec::new(),
    };
    builder.organization(scenario);
    builder.tree(scenario, &management);
    builder.policies(scenario);
    builder.bedrock(scenario);
    builder.finish(now)
}

struct Builder {
    world: World,
    tree: Tree,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    default_roles: Arc<BTreeMap<String, Role>>,
    management: String,
    joined: Millis,
    problems: Vec<String>,
}

impl Builder {
    fn organization(&mut self, scenario: &Scenario) {
        let spec = &scenario.organization;
        let id = spec.id.clone().unwrap_or_else(|| format!("o-{}", self.world.identifier(10)));
        let root =
            spec.root_id.clone().unwrap_or_else(|| format!("r-{}", self.world.identifier(4)));
        self.tree.root = root;
        let organization = &mut self.world.organization;
        organization.id = id;
        organization.feature_set = spec.feature_set.clone().unwrap_or_else(|| "ALL".to_owned());
        organization.partition.clone_from(&self.world.partition);
        organization.management.clone_from(&self.management);
        organization.delegation =
            scenario.delegation_policy.clone().map(|policy| (policy.to_string(), policy));
        let kinds = scenario.policy_types.clone();
        organization.types = kinds
            .unwrap_or_else(|| vec![PolicyKind::ServiceControlPolicy])
            .into_iter()
            .map(|kind| (kind, TypeStatus::Enabled))
            .collect();
    }

    fn tree(&mut self, scenario: &Scenario, management: &AccountSpec) {
        let context = Context {
            partition: &self.world.partition,
            management: &self.management,
            created: self.joined,
        };
        self.default_roles = Arc::new(context.default_roles(scenario));
        let root = self.tree.root.clone();
        self.account(management, &root);
        for account in &scenario.accounts {
            self.account(account, &root);
        }
        self.units(&scenario.units, &root);
    }

    fn units(&mut self, specs: &[UnitSpec], parent: &str) {
        let mut names = BTreeSet::new();
        for spec in specs {
            if spec.name.is_empty() || !names.insert(&spec.name) {
                self.problems.push(format!("a unit needs a name of its own: `{}`", spec.name));
            }
            let id = spec.id.clone().unwrap_or_else(|| {
                let root = self.tree.root.trim_start_matches("r-");
                format!("ou-{root}-{}", self.world.identifier(8))
            });
            let unit = Unit { name: spec.name.clone(), parent: parent.to_owned() };
            if self.tree.units.insert(id.clone(), unit).is_some() {
                self.problems.push(format!("the unit id `{id}` appears twice"));
                continue;
            }
            if self.tree.lineage(&id).len() > 6 {
                self.problems.push(format!("`{}` is more than five levels deep", spec.name));
            }
            self.tag(&id, &spec.tags);
            for account in &spec.accounts {
                self.account(account, &id);
            }
            self.units(&spec.units, &id);
        }
    }

    fn account(&mut self, spec: &AccountSpec, parent: &str) {
        let id = &spec.id;
        if !is_account(id) {
            self.problems.push(format!("an account id is twelve digits, not `{id}`"));
            return;
        }
        let account = Account {
            name: spec.name.clone().unwrap_or_else(|| format!("account-{id}")),
            email: spec.email.clone().unwrap_or_else(|| format!("aws+{id}@example.com")),
            state: spec.state,
            joined_method: "CREATED".to_owned(),
            joined: self.joined,
            parent: parent.to_owned(),
            disabled_regions: spec.disabled_regions.clone(),
            closes: None,
        };
        if self.tree.accounts.insert(id.clone(), account).is_some() {
            self.problems.push(format!("the account `{id}` appears twice"));
        }
        self.tag(id, &spec.tags);
        let context = Context {
            partition: &self.world.partition,
            management: &self.management,
            created: self.joined,
        };
        let roles = context.roles_of(spec, &self.default_roles);
        self.world.identity.set_roles(id, roles);
    }

    fn tag(&mut self, id: &str, tags: &BTreeMap<String, String>) {
        if !tags.is_empty() {
            self.tags.insert(id.to_owned(), tags.clone());
        }
    }

    fn policies(&mut self, scenario: &Scenario) {
        let mut policies = BTreeMap::from([(FULL_ACCESS.to_owned(), Policy::full_access())]);
        let mut attachments: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if self.world.organization.types.contains_key(&PolicyKind::ServiceControlPolicy) {
            let full_access = |node: &String| (node.clone(), vec![FULL_ACCESS.to_owned()]);
            attachments.extend(self.tree.nodes().map(full_access));
        }
        for spec in &scenario.policies {
            let id = spec.id.clone().unwrap_or_else(|| format!("p-{}", self.world.identifier(8)));
            match policy(spec) {
                Ok(policy) => policies.insert(id.clone(), policy),
                Err(problem) => {
                    self.problems.push(format!("the policy `{}`: {problem}", spec.name));
                    continue;
                }
            };
            self.tag(&id, &spec.tags);
            for target in &spec.targets {
                match self.target(target) {
                    Some(node) => attachments.entry(node).or_default().push(id.clone()),
                    None => self.problems.push(format!(
                        "the policy `{}` names the target `{target}`, which is neither `root`, nor a path of units, nor an id",
                        spec.name
                    )),
                }
            }
        }
        self.world.organization.policies = Arc::new(policies);
        self.world.organization.attachments = Arc::new(attachments);
    }

    fn bedrock(&mut self, scenario: &Scenario) {
        for (key, recorded) in &scenario.bedrock {
            let Some((account, region)) = key.split_once('/') else {
                self.problems.push(format!("`{key}` is not an account and a Region"));
                continue;
            };
            let place = Place { partition: &self.world.partition, region, account };
            match recorded.build(place) {
                Ok(regional) => {
                    let place = (account.to_owned(), region.to_owned());
                    self.world.bedrock.insert(place, Arc::new(regional));
                }
                Err(problem) => self.problems.push(format!("`{key}`: {problem}")),
            }
        }
    }

    fn target(&self, text: &str) -> Option<String> {
        if text == "root" || text == "/" {
            return Some(self.tree.root.clone());
        }
        if self.tree.kind(text).is_some() {
            return Some(text.to_owned());
        }
        let mut at = self.tree.root.clone();
        for name in text.strip_prefix('/')?.split('/') {
            let below = self.tree.units_of(&at);
            at = below.into_iter().find(|id| self.tree.name(id) == Some(name))?.to_owned();
        }
        Some(at)
    }

    fn finish(mut self, now: Millis) -> Result<World, ScenarioError> {
        if self
            .tree
            .accounts
            .get(&self.management)
            .is_some_and(|account| account.state != AccountState::Active)
        {
            self.problems.push("the management account must be ACTIVE".to_owned());
        }
        if !self.problems.is_empty() {
            return Err(ScenarioError::Invalid { problems: self.problems });
        }
        let organization = &mut self.world.organization;
        organization.tree = Arc::new(self.tree);
        organization.tags = Arc::new(self.tags);
        // What the scenario attaches has been in force for long.
        organization.changed(now);
        organization.settle(now);
        Ok(self.world)
    }
}

fn policy(spec: &PolicySpec) -> Result<Policy, String> {
    let content = spec.content.to_string();
    let document = spec.kind.parse_content(&content)?;
    Ok(Policy {
        kind: spec.kind,
        name: spec.name.clone(),
        description: spec.description.clone(),
        content,
        document,
        aws_managed: false,
    })
}

//! What a test intends, in the simulator's own words.
//!
//! `PUT /_simulator/intent` takes one JSON object; every member is optional:
//!
//! ```json
//! {
//!   "owner": "security-team",
//!   "content": {"baseline": {"blockedInputMessaging": "…", "…": "a body of CreateGuardrail"}},
//!   "contentByRegion": {"baseline": {"eu-west-1": {"kmsKeyId": "…"}}},
//!   "orderedContents": {"baseline": [{"…": "oldest"}, {"…": "newest"}]},
//!   "rollback": ["baseline"],
//!   "removals": ["all", {"account": "222233334444", "region": "us-east-1"}, {"target": "ou-…"}],
//!   "absent": ["baseline"],
//!   "adopt": ["legacy"],
//!   "detaches": ["p-norootuser"],
//!   "waves": [[{"account": "222233334444"}], [{"region": "us-east-1"}]],
//!   "bakeMs": [1800000],
//!   "openWaves": 1,
//!   "approvedLosses": 40,
//!   "restarts": 1
//! }
//! ```
//!
//! | member | means |
//! |---|---|
//! | `owner` | value of `bedrail:owner` on everything that is the controller's |
//! | `content` | by guardrail name: what a version must say to be referenced; members left out are not compared |
//! | `contentByRegion` | members that differ in one Region |
//! | `orderedContents` | by guardrail name, oldest first: also allowed to be referenced, never to go back in |
//! | `rollback` | guardrails that may go back |
//! | `removals` | places whose protection may be taken away; a selector's members all must fit, `target` is a root, unit or account and means everything below |
//! | `absent` | guardrails (name, id or ARN) that may be deleted as a whole |
//! | `adopt` | unowned guardrails and policies (name, id or ARN) that may be taken over |
//! | `detaches` | unowned service control policies (name or id) that may be taken off targets; AWS's own never |
//! | `waves` | in order; a place belongs to the first wave that selects it, places no wave selects to a last one |
//! | `bakeMs` | by wave: how long it stays complete before the next one opens |
//! | `openWaves` | opens exactly the first so many, instead of working it out |
//! | `approvedLosses` | losses allowed beyond the guard's own limit |
//! | `restarts` | a new number means a new process of the controller, which has read nothing yet |
//!
//! A member not known is a violation `INTENT`, so that a test cannot mistype its way to success.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::organization::Organization;

/// What a test intends, parsed. The default intends nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Intent {
    pub(super) owner: Option<String>,
    content: BTreeMap<String, Value>,
    content_by_region: BTreeMap<String, BTreeMap<String, Value>>,
    ordered_contents: BTreeMap<String, Vec<Value>>,
    rollback: Vec<String>,
    pub(super) removals: Vec<Removal>,
    absent: Vec<String>,
    adopt: Vec<String>,
    detaches: Vec<String>,
    waves: Vec<Vec<Selector>>,
    bake_ms: Vec<u64>,
    pub(super) open_waves: Option<usize>,
    pub(super) approved_losses: usize,
    pub(super) restarts: u64,
    #[serde(skip)]
    is_told: bool,
}

/// One entry of `removals`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Removal {
    /// Everything.
    All(All),
    /// What the selector fits.
    Selected(Selector),
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum All {
    /// `"all"`.
    All,
}

/// Selects places: each member given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Selector {
    account: Option<String>,
    region: Option<String>,
    /// A root, unit or account.
    target: Option<String>,
}

impl Intent {
    /// Parses what a test told; `null` intends nothing.
    pub(super) fn parse(told: &Value) -> Result<Self, serde_json::Error> {
        if told.is_null() {
            return Ok(Self::default());
        }
        let intent: Self = Self::deserialize(told)?;
        Ok(Self { is_told: true, ..intent })
    }

    /// Whether a test has said anything; most rules need that.
    pub(super) fn is_told(&self) -> bool {
        self.is_told
    }

    /// The removals that name the place.
    pub(super) fn removals_of<'a>(
        &'a self,
        organization: &'a Organization,
        account: &'a str,
        region: &'a str,
    ) -> impl Iterator<Item = &'a Removal> {
        self.removals.iter().filter(move |removal| match removal {
            Removal::All(All::All) => true,
            Removal::Selected(selector) => selector.fits(organization, account, region),
        })
    }

    /// Whether protection may be taken from the place.
    pub(super) fn removes(&self, organization: &Organization, account: &str, region: &str) -> bool {
        self.removals_of(organization, account, region).next().is_some()
    }

    /// Whether a guardrail known by these names may be deleted as a whole.
    pub(super) fn is_absent(&self, names: &[&str]) -> bool {
        self.removals.contains(&Removal::All(All::All)) || names_any(&self.absent, names)
    }

    /// Whether something unowned known by these names may be taken over.
    pub(super) fn adopts(&self, names: &[&str]) -> bool {
        names_any(&self.adopt, names)
    }

    /// Whether somebody else's policy known by these names may be taken off targets.
    pub(super) fn detaches(&self, names: &[&str]) -> bool {
        names_any(&self.detaches, names)
    }

    /// Whether the guardrail may go back to an older content.
    pub(super) fn rolls_back(&self, name: &str) -> bool {
        names_any(&self.rollback, &[name])
    }

    /// What a version of the guardrail must say in `region` now.
    pub(super) fn content(&self, name: &str, region: &str) -> Option<Value> {
        self.content.get(name).map(|content| self.in_region(content, name, region))
    }

    /// The contents the guardrail has had in `region`, oldest first.
    pub(super) fn ordered_contents(&self, name: &str, region: &str) -> Vec<Value> {
        let contents = self.ordered_contents.get(name).into_iter().flatten();
        contents.map(|content| self.in_region(content, name, region)).collect()
    }

    /// How many waves there are, the unwritten last one not counted.
    pub(super) fn wave_count(&self) -> usize {
        self.waves.len()
    }

    /// Whether both want the same waves, and the same content of every guardrail that is in use:
    /// what was complete stays so.
    pub(super) fn is_same_rollout(&self, other: &Self, is_used: impl Fn(&str) -> bool) -> bool {
        let is_same = |name: &String| {
            self.content.get(name) == other.content.get(name)
                && self.content_by_region.get(name) == other.content_by_region.get(name)
        };
        let mut names = [self, other]
            .into_iter()
            .flat_map(|it| it.content.keys().chain(it.content_by_region.keys()));
        self.waves == other.waves && names.all(|name| is_same(name) || !is_used(name))
    }

    /// The wave the place belongs to.
    pub(super) fn wave_of(
        &self,
        organization: &Organization,
        account: &str,
        region: &str,
    ) -> usize {
        self.waves
            .iter()
            .position(|wave| wave.iter().any(|one| one.fits(organization, account, region)))
            .unwrap_or(self.waves.len())
    }

    /// How long a wave must have been complete before the next one opens, in milliseconds.
    pub(super) fn bake_ms(&self, wave: usize) -> u64 {
        self.bake_ms.get(wave).copied().unwrap_or(0)
    }

    fn in_region(&self, content: &Value, name: &str, region: &str) -> Value {
        let differs = self.content_by_region.get(name).and_then(|regions| regions.get(region));
        let mut content: Map<String, Value> = content.as_object().cloned().unwrap_or_default();
        content.extend(differs.and_then(Value::as_object).cloned().unwrap_or_default());
        Value::Object(content)
    }
}

impl Selector {
    fn fits(&self, organization: &Organization, account: &str, region: &str) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|it| it == found);
        let is_below =
            |target: &String| organization.tree.lineage(account).contains(&target.as_str());
        is(&self.account, account)
            && is(&self.region, region)
            && self.target.as_ref().is_none_or(is_below)
    }
}

fn names_any(listed: &[String], names: &[&str]) -> bool {
    listed.iter().any(|listed| names.contains(&listed.as_str()))
}

//! What a trace says there is in AWS, as far as the [checker](crate::checker) needs it.
//!
//! Answers are lost: what a request made is then known by its name alone, until some later answer
//! shows what AWS called it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::checker::parts;
use crate::setting::{MANAGEMENT, ROOT};
use crate::text::Level;
use crate::trace::Entry;

/// Account and Region.
pub(crate) type Place = (String, String);

/// ARN and version.
pub(crate) type Reference = (String, String);

/// A guardrail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Guardrail {
    pub(crate) place: Place,
    pub(crate) is_ours: bool,
    /// The manifest it was made for.
    pub(crate) manifest: String,
    pub(crate) draft: Value,
    /// What each version says; `None` where that is not known.
    pub(crate) versions: BTreeMap<String, Option<Value>>,
    /// Versions that controllers published.
    pub(crate) published: BTreeSet<String>,
    /// Versions that AWS could not prepare: another one may say the same.
    pub(crate) failed: BTreeSet<String>,
    /// Published, by whom, and under a number that is not known yet.
    pending: Vec<(Value, bool)>,
}

/// A policy of the organization.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) is_ours: bool,
    pub(crate) document: Value,
    pub(crate) targets: BTreeSet<String>,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    parents: BTreeMap<String, String>,
    closed: BTreeSet<String>,
    keys: BTreeMap<String, String>,
    pub(crate) guardrails: BTreeMap<String, Guardrail>,
    unnamed: Vec<(String, Guardrail)>,
    slots: BTreeMap<Place, Reference>,
    pub(crate) resource_policies: BTreeMap<String, Value>,
    /// When a stranger last changed a resource policy.
    pub(crate) policy_changed: BTreeMap<String, Duration>,
    pub(crate) policies: BTreeMap<String, Policy>,
    unnamed_policies: Vec<Policy>,
    /// Versions that some answer showed as READY.
    pub(crate) ready: BTreeSet<Reference>,
}

/// The references of a document, by Region.
pub(crate) fn references(document: &Value) -> BTreeMap<String, Reference> {
    let regions = document.pointer("/bedrock/guardrail_inference").and_then(Value::as_object);
    let regions = regions.into_iter().flatten();
    let reference = |block: &Value| {
        let identifier = block.pointer("/config_1/identifier/@@assign")?.as_str()?;
        let (arn, version) = identifier.rsplit_once(':')?;
        Some((arn.to_owned(), version.to_owned()))
    };
    regions.filter_map(|(region, block)| Some((region.clone(), reference(block)?))).collect()
}

fn plant(parents: &mut BTreeMap<String, String>, units: &Value, parent: &str) {
    for unit in units.as_array().into_iter().flatten() {
        let id = unit["id"].as_str().unwrap().to_owned();
        parents.insert(id.clone(), parent.to_owned());
        for account in unit["accounts"].as_array().into_iter().flatten() {
            parents.insert(account["id"].as_str().unwrap().to_owned(), id.clone());
        }
        plant(parents, &unit["units"], &id);
    }
}

impl Ledger {
    pub(crate) fn new(scenario: &Value) -> Self {
        let mut parents = BTreeMap::from([(MANAGEMENT.to_owned(), ROOT.to_owned())]);
        plant(&mut parents, &scenario["units"], ROOT);
        for account in scenario["accounts"].as_array().into_iter().flatten() {
            parents.insert(account["id"].as_str().unwrap().to_owned(), ROOT.to_owned());
        }
        Self { parents, ..Self::default() }
    }

    /// A node and what it is below of.
    pub(crate) fn lineage(&self, node: &str) -> Vec<String> {
        let mut lineage = vec![node.to_owned()];
        while let Some(parent) = lineage.last().and_then(|it| self.parents.get(it)) {
            lineage.push(parent.clone());
        }
        lineage
    }

    /// Places in which something is in force.
    pub(crate) fn places(&self) -> BTreeSet<Place> {
        let mut places: BTreeSet<Place> = self.slots.keys().cloned().collect();
        let regions: BTreeSet<String> = self
            .policies
            .values()
            .filter(|it| !it.targets.is_empty())
            .flat_map(|it| references(&it.document).into_keys())
            .collect();
        for account in self.parents.keys().filter(|it| !it.starts_with("ou-")) {
            places.extend(regions.iter().map(|region| (account.clone(), region.clone())));
        }
        places.retain(|(account, _)| !self.closed.contains(account));
        places
    }

    /// What is in force in a place once all has taken effect.
    pub(crate) fn in_force(&self, (account, region): &Place) -> BTreeSet<(Level, Reference)> {
        let slot = self.slots.get(&(account.clone(), region.clone()));
        let mut found: BTreeSet<(Level, Reference)> =
            slot.map(|it| (Level::Account, it.clone())).into_iter().collect();
        for node in self.lineage(account) {
            let attached = self.policies.values().filter(|it| it.targets.contains(&node));
            let here: Vec<Reference> =
                attached.filter_map(|it| references(&it.document).remove(region)).collect();
            // The nearest wins.
            if !here.is_empty() {
                found.extend(here.into_iter().map(|it| (Level::Organization, it)));
                break;
            }
        }
        found
    }

    /// Every reference there is, attached or not, but for those of accounts that left or were closed:
    /// they are not admitted any more, or call nothing.
    pub(crate) fn everywhere(&self) -> BTreeSet<Reference> {
        let slots = self.slots.iter().filter(|((account, _), _)| !self.closed.contains(account));
        let slots = slots.map(|(_, it)| it.clone());
        let policies = self.policies.values();
        slots.chain(policies.flat_map(|it| references(&it.document).into_values())).collect()
    }

    /// Whether the resource policy of a guardrail admits the whole organization.
    pub(crate) fn admits(&self, arn: &str) -> bool {
        let policy = self.resource_policies.get(arn);
        let statements = policy.and_then(|it| it["Statement"].as_array());
        statements.into_iter().flatten().any(|it| {
            let is_all = it["Principal"] == "*" && it["Effect"] == "Allow";
            is_all && it.pointer("/Condition/StringEquals/aws:PrincipalOrgID").is_some()
        })
    }

    /// The account in which a call was made.
    pub(crate) fn account(&self, entry: &Entry) -> String {
        let account = self.keys.get(&entry.access_key);
        account.cloned().unwrap_or_else(|| MANAGEMENT.to_owned())
    }

    /// Takes note of a call.
    pub(crate) fn note(&mut self, entry: &Entry) {
        let account = self.account(entry);
        let answer = entry.success();
        match entry.service.as_str() {
            "sts" => self.session(entry),
            "bedrock" => {
                if entry.has_effect {
                    self.bedrock(entry, (account.clone(), entry.region.clone()));
                }
                if let Some(answer) = answer {
                    self.shown(entry, &answer);
                }
            }
            _ => {
                if entry.has_effect {
                    self.organization(entry);
                }
                if let Some(answer) = answer {
                    self.named(&answer["Policy"]["PolicySummary"]);
                    let listed = answer["Policies"].as_array().cloned();
                    listed.into_iter().flatten().for_each(|it| self.named(&it));
                }
            }
        }
    }

    fn session(&mut self, entry: &Entry) {
        let role = entry.body.split('&').find_map(|it| it.strip_prefix("RoleArn="));
        let role = role.map(|it| parts(it).0.join("/")).unwrap_or_default();
        let account = role.split(':').nth(4).map(str::to_owned);
        let answer = entry.answer.as_ref().map(|(_, body)| body.as_str()).unwrap_or_default();
        let key = answer.split_once("<AccessKeyId>").and_then(|(_, rest)| rest.split_once('<'));
        if let (Some(account), Some((key, _))) = (account, key) {
            self.keys.insert(key.to_owned(), account);
        }
    }

    #[expect(clippy::too_many_lines, reason = "one short arm for each operation")]
    fn bedrock(&mut self, entry: &Entry, place: Place) {
        let (path, query) = parts(&entry.path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let body = entry.body();
        let is_ours = entry.is_controllers();
        let answer = entry.success().unwrap_or(Value::Null);
        match (entry.method.as_str(), path.as_slice()) {
            ("POST", ["guardrails"]) => {
                let tags = body["tags"].as_array().into_iter().flatten();
                let manifest = tags.filter(|it| it["key"] == "bedrail:guardrail");
                let manifest = manifest.map(|it| it["value"].as_str().unwrap_or_default()).next();
                let guardrail = Guardrail {
                    place,
                    is_ours,
                    manifest: manifest.unwrap_or_default().to_owned(),
                    draft: body.clone(),
                    versions: BTreeMap::new(),
                    published: BTreeSet::new(),
                    failed: BTreeSet::new(),
                    pending: Vec::new(),
                };
                if let Some(arn) = answer["guardrailArn"].as_str() {
                    self.guardrails.insert(arn.to_owned(), guardrail);
                } else {
                    let name = body["name"].as_str().unwrap_or_default().to_owned();
                    self.unnamed.push((name, guardrail));
                }
            }
            ("PUT", ["guardrails", id]) => {
                if let Some(guardrail) = self.guardrail(id, &place) {
                    guardrail.draft = body;
                }
            }
            ("POST", ["guardrails", id]) => {
                if let Some(guardrail) = self.guardrail(id, &place) {
                    let draft = guardrail.draft.clone();
                    match answer["version"].as_str() {
                        Some(number) => {
                            guardrail.versions.insert(number.to_owned(), Some(draft));
                            if is_ours {
                                guardrail.published.insert(number.to_owned());
                            }
                        }
                        None => guardrail.pending.push((draft, is_ours)),
                    }
                }
            }
            ("DELETE", ["guardrails", id]) => match query.get("guardrailVersion") {
                Some(number) => {
                    if let Some(guardrail) = self.guardrail(id, &place) {
                        guardrail.versions.remove(number);
                        guardrail.published.remove(number);
                    }
                }
                None => self.guardrails.retain(|arn, _| !is_named(arn, id)),
            },
            ("PUT", ["enforcedGuardrailsConfiguration"]) => {
                let inference = &body["guardrailInferenceConfig"];
                let text = |name: &str| inference[name].as_str().unwrap_or_default().to_owned();
                let named = text("guardrailIdentifier");
                let arn = self.guardrails.keys().find(|arn| is_named(arn, &named)).cloned();
                let reference = (arn.unwrap_or(named), text("guardrailVersion"));
                self.slots.insert(place, reference);
            }
            ("DELETE", ["enforcedGuardrailsConfiguration", _]) => drop(self.slots.remove(&place)),
            ("POST", ["resource-policy"]) => {
                let arn = body["resourceArn"].as_str().unwrap_or_default().to_owned();
                let document = body["resourcePolicy"].as_str().unwrap_or_default();
                let document = serde_json::from_str(document).unwrap_or(Value::Null);
                self.changed(&arn, entry);
                self.resource_policies.insert(arn, document);
            }
            ("DELETE", ["resource-policy", arn @ ..]) => {
                let arn = arn.join("/");
                self.changed(&arn, entry);
                self.resource_policies.remove(&arn);
            }
            _ => {}
        }
    }

    fn changed(&mut self, arn: &str, entry: &Entry) {
        if !entry.is_controllers() {
            self.policy_changed.insert(arn.to_owned(), entry.at);
        }
    }

    fn guardrail(&mut self, id: &str, place: &Place) -> Option<&mut Guardrail> {
        let mut found = self.guardrails.iter_mut();
        found.find(|(arn, it)| is_named(arn, id) && it.place == *place).map(|(_, it)| it)
    }

    /// What an answer of Bedrock shows: the names of what was made, and which versions are READY.
    fn shown(&mut self, entry: &Entry, answer: &Value) {
        let single = [answer.clone()];
        let listed = answer["guardrails"].as_array().map_or(&single[..], Vec::as_slice);
        for shown in listed {
            let arn = shown["arn"].as_str().or_else(|| shown["guardrailArn"].as_str());
            let (Some(arn), Some(version)) = (arn, shown["version"].as_str()) else { continue };
            if !self.guardrails.contains_key(arn)
                && let Some(index) = self.unnamed.iter().position(|(name, it)| {
                    shown["name"] == name.as_str()
                        && arn.contains(&format!(":{}:{}:", it.place.1, it.place.0))
                })
            {
                let (_, guardrail) = self.unnamed.remove(index);
                self.guardrails.insert(arn.to_owned(), guardrail);
            }
            if shown["status"] == "READY" && version != "DRAFT" {
                self.ready.insert((arn.to_owned(), version.to_owned()));
            }
            if shown["status"] == "FAILED"
                && let Some(guardrail) = self.guardrails.get_mut(arn)
            {
                guardrail.failed.insert(version.to_owned());
            }
            // A stale answer may show what is gone already.
            let is_new = version != "DRAFT" && entry.method == "GET";
            if let Some(guardrail) = self.guardrails.get_mut(arn)
                && is_new
                && !guardrail.versions.contains_key(version)
                && !guardrail.pending.is_empty()
            {
                let (content, is_ours) = guardrail.pending.remove(0);
                guardrail.versions.insert(version.to_owned(), Some(content));
                if is_ours {
                    guardrail.published.insert(version.to_owned());
                }
            }
        }
    }

    fn named(&mut self, summary: &Value) {
        let (Some(id), Some(name)) = (summary["Id"].as_str(), summary["Name"].as_str()) else {
            return;
        };
        if !self.policies.contains_key(id)
            && let Some(index) = self.unnamed_policies.iter().position(|it| it.name == name)
        {
            let policy = self.unnamed_policies.remove(index);
            self.policies.insert(id.to_owned(), policy);
        }
    }

    fn organization(&mut self, entry: &Entry) {
        let body = entry.body();
        let answer = entry.success().unwrap_or(Value::Null);
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let document = || {
            let content = body["Content"].as_str();
            content.and_then(|it| serde_json::from_str(it).ok()).unwrap_or(json!({}))
        };
        match entry.target.as_str() {
            "CreatePolicy" => {
                let policy = Policy {
                    name: text("Name"),
                    is_ours: entry.is_controllers(),
                    document: document(),
                    targets: BTreeSet::new(),
                };
                match answer["Policy"]["PolicySummary"]["Id"].as_str() {
                    Some(id) => drop(self.policies.insert(id.to_owned(), policy)),
                    None => self.unnamed_policies.push(policy),
                }
            }
            "UpdatePolicy" => {
                if let Some(policy) = self.policies.get_mut(&text("PolicyId")) {
                    if body["Content"].is_string() {
                        policy.document = document();
                    }
                    if let Some(name) = body["Name"].as_str() {
                        name.clone_into(&mut policy.name);
                    }
                }
            }
            "AttachPolicy" => {
                if let Some(policy) = self.policies.get_mut(&text("PolicyId")) {
                    policy.targets.insert(text("TargetId"));
                }
            }
            "DetachPolicy" => {
                if let Some(policy) = self.policies.get_mut(&text("PolicyId")) {
                    policy.targets.remove(&text("TargetId"));
                }
            }
            "DeletePolicy" => drop(self.policies.remove(&text("PolicyId"))),
            "MoveAccount" => {
                self.parents.insert(text("AccountId"), text("DestinationParentId"));
            }
            "CloseAccount" | "RemoveAccountFromOrganization" => {
                self.closed.insert(text("AccountId"));
            }
            _ => {}
        }
    }
}

/// Whether an identifier names the guardrail of an ARN.
fn is_named(arn: &str, identifier: &str) -> bool {
    arn == identifier || arn.rsplit_once('/').is_some_and(|(_, id)| id == identifier)
}

//! What the manifests say, as the generator knows it: rendered for the controller, told to the
//! referee in its own words, and laid out as what must be in force.

use std::collections::{BTreeMap, BTreeSet};

use bedrail::manifest::{self, Manifests, Source};
use serde_json::{Map, Value, json};

use crate::setting::{MANAGEMENT, ROOT};

/// How many members of a content vary.
pub(crate) const TRAITS: usize = 6;

/// A content: the variant of each trait.
pub(crate) type Traits = [u8; TRAITS];

const WORDS: [&str; 4] = ["heliotrope", "amaranth", "zebra", "lion"];
/// What is between the documents of a file.
const BETWEEN: &str = "\n---\n";
const STRENGTHS: [&str; 3] = ["LOW", "MEDIUM", "HIGH"];

/// The body of CreateGuardrail that has these traits.
pub(crate) fn content(traits: Traits) -> Value {
    let pick =
        |list: &[&str], index: usize| list[usize::from(traits[index]) % list.len()].to_owned();
    let mut body = json!({
        "blockedInputMessaging": format!("Blocked {}.", traits[0]),
        "blockedOutputsMessaging": format!("Withheld {}.", traits[1]),
        "wordPolicyConfig": {"wordsConfig": [{"text": pick(&WORDS, 2)}]},
        "contentPolicyConfig": {"filtersConfig": [
            {"type": "HATE", "inputStrength": pick(&STRENGTHS, 3), "outputStrength": "HIGH"},
        ]},
    });
    if traits[4] % 2 == 1 {
        body["sensitiveInformationPolicyConfig"] =
            json!({"piiEntitiesConfig": [{"type": "EMAIL", "action": "ANONYMIZE"}]});
    }
    if traits[5] % 2 == 1 {
        body["topicPolicyConfig"] = json!({"topicsConfig": [
            {"name": "advice", "definition": "Financial advice.", "type": "DENY"},
        ]});
    }
    body
}

/// Whether a live body says all that is wanted, server defaults aside.
pub(crate) fn says(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| live.get(name).is_some_and(|live| says(live, wanted))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && wanted.iter().all(|wanted| live.iter().any(|live| says(live, wanted)))
        }
        _ => live == wanted,
    }
}

/// Members that a content may leave out: what is live but not wanted is wrong, too.
const OPTIONAL: [&str; 2] = ["sensitiveInformationPolicyConfig", "topicPolicyConfig"];

/// Whether a live body is that of these traits.
pub(crate) fn is_content(live: &Value, traits: Traits) -> bool {
    let wanted = content(traits);
    let is_more = |name: &&str| wanted.get(*name).is_none() && live.get(*name).is_some();
    says(live, &wanted) && !OPTIONAL.iter().any(is_more)
}

/// A guardrail manifest.
#[derive(Clone, Debug)]
pub(crate) struct Guardrail {
    pub(crate) name: String,
    pub(crate) regions: Vec<String>,
    /// Every content it was to have, oldest first.
    pub(crate) contents: Vec<Traits>,
    /// Old versions that are kept.
    pub(crate) history: u8,
    pub(crate) is_absent: bool,
}

impl Guardrail {
    pub(crate) fn now(&self) -> Traits {
        *self.contents.last().unwrap()
    }

    /// Gives it a content that differs in one trait.
    pub(crate) fn reword(&mut self, index: usize) {
        let mut traits = self.now();
        traits[index] = (traits[index] + 1) % 4;
        self.contents.push(traits);
    }
}

/// Where an enforcement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Account,
    Organization,
}

/// An enforcement manifest.
#[derive(Clone, Debug)]
pub(crate) struct Enforcement {
    pub(crate) name: String,
    pub(crate) level: Level,
    /// Which of the guardrails.
    pub(crate) guardrail: usize,
    /// Units and accounts it may ever be on.
    pub(crate) pool: Vec<String>,
    pub(crate) targets: BTreeSet<String>,
    pub(crate) regions: BTreeSet<String>,
    pub(crate) is_absent: bool,
    /// Its file is not there.
    pub(crate) is_missing: bool,
    pub(crate) is_selective: bool,
    /// The accounts of its first wave, or its Regions; empty: no waves.
    pub(crate) canaries: Vec<String>,
}

impl Enforcement {
    /// Whether it asks for anything.
    pub(crate) fn is_in_force(&self) -> bool {
        !self.is_absent && !self.is_missing
    }
}

/// All manifests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) guardrails: Vec<Guardrail>,
    pub(crate) enforcements: Vec<Enforcement>,
    /// Targets of a service control policy that keeps others from releasing configurations.
    pub(crate) control: BTreeSet<String>,
    /// Targets of invocation logging.
    pub(crate) logging: BTreeSet<String>,
    /// `Approval` manifests.
    pub(crate) approvals: Vec<String>,
    /// Enforcement, target and Region that a text gave up and none took up again.
    pub(crate) released: BTreeSet<(String, String, String)>,
    pub(crate) approved_losses: usize,
    pub(crate) layout: Layout,
}

/// How the manifests are laid out, which must not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The last document first, and the last of each list.
    pub(crate) is_reversed: bool,
    /// A file for each document.
    pub(crate) is_split: bool,
}

fn target(node: &str) -> Value {
    if node == ROOT {
        json!({"organization": true})
    } else if node.starts_with("ou-") {
        json!({"organizationalUnit": node})
    } else {
        json!({"account": node})
    }
}

fn targets<'a>(nodes: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    nodes.into_iter().map(|node| target(node)).collect()
}

fn document(kind: &str, name: &str, spec: &Value) -> String {
    json!({
        "apiVersion": "bedrail.dev/v1alpha1", "kind": kind,
        "metadata": {"name": name}, "spec": spec,
    })
    .to_string()
}

impl Text {
    /// As files have it.
    pub(crate) fn render(&self) -> String {
        self.documents().join(BETWEEN)
    }

    fn documents(&self) -> Vec<String> {
        let mut documents = Vec::new();
        for guardrail in &self.guardrails {
            let spec = json!({
                "regions": self.in_order(&guardrail.regions),
                "shareWith": "Organization",
                "revisionHistoryLimit": guardrail.history,
                "content": content(guardrail.now()),
                "state": if guardrail.is_absent { "Absent" } else { "Present" },
            });
            documents.push(document("Guardrail", &guardrail.name, &spec));
        }
        for enforcement in self.enforcements.iter().filter(|it| !it.is_missing) {
            documents.push(self.enforcement(enforcement));
        }
        if !self.control.is_empty() {
            let spec = json!({
                "protectEnforcement": {"exemptRoles": ["OrganizationAccountAccessRole"]},
                "targets": targets(&self.control),
            });
            documents.push(document("ServiceControlPolicy", "protection", &spec));
        }
        if !self.logging.is_empty() {
            let spec = json!({
                "loggingConfig": {
                    "s3Config": {"bucketName": "logs-${account}-${region}", "keyPrefix": "bedrock"},
                },
                "regions": ["us-east-1"],
                "targets": targets(&self.logging),
            });
            documents.push(document("InvocationLogging", "invocations", &spec));
        }
        documents.extend(self.approvals.iter().cloned());
        if self.layout.is_reversed {
            documents.reverse();
        }
        documents
    }

    fn in_order<T>(&self, list: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut list: Vec<T> = list.into_iter().collect();
        if self.layout.is_reversed {
            list.reverse();
        }
        list
    }

    fn enforcement(&self, enforcement: &Enforcement) -> String {
        let kind = match enforcement.level {
            Level::Account => "AccountEnforcement",
            Level::Organization => "OrganizationEnforcement",
        };
        let messages = if enforcement.is_selective { "SELECTIVE" } else { "COMPREHENSIVE" };
        let mut spec = json!({
            "guardrail": self.guardrails[enforcement.guardrail].name,
            "regions": self.in_order(&enforcement.regions),
            "targets": self.in_order(targets(&enforcement.targets)),
            "selectiveContentGuarding": {"system": "COMPREHENSIVE", "messages": messages},
            "state": if enforcement.is_absent { "Absent" } else { "Present" },
        });
        if !enforcement.canaries.is_empty() {
            let mut first = json!({"name": "canary", "bake": "2m"});
            match enforcement.level {
                Level::Account => first["targets"] = targets(&enforcement.canaries).into(),
                Level::Organization => first["regions"] = json!(enforcement.canaries),
            }
            spec["rollout"] = json!({"waves": [first, {"name": "rest"}]});
        }
        document(kind, &enforcement.name, &spec)
    }

    /// As the controller reads it.
    pub(crate) fn manifests(&self) -> Manifests {
        let files = if self.layout.is_split {
            let documents = self.documents().into_iter().enumerate();
            documents.map(|(index, it)| (format!("{index}.yaml").into(), it)).collect()
        } else {
            BTreeMap::from([("all.yaml".into(), self.render())])
        };
        let source = Source { files, hash: String::new(), searched: Vec::new() };
        let parsed = manifest::parse(&source);
        parsed.manifests.unwrap_or_else(|| panic!("{:?}\n{}", parsed.problems, self.render()))
    }

    /// What the controller makes of its file while only the first so many characters are written;
    /// nothing if it cannot be used.
    pub(crate) fn half_written(&self, characters: usize) -> Option<Manifests> {
        let text: String = self.render().chars().take(characters).collect();
        let files = BTreeMap::from([("all.yaml".into(), text)]);
        manifest::parse(&Source { files, hash: String::new(), searched: Vec::new() }).manifests
    }

    /// As the referee reads it.
    pub(crate) fn intent(&self, starts: u64) -> Value {
        let mut contents = Map::new();
        let mut ordered = Map::new();
        for guardrail in &self.guardrails {
            contents.insert(guardrail.name.clone(), content(guardrail.now()));
            let all: Vec<Value> = guardrail.contents.iter().map(|it| content(*it)).collect();
            ordered.insert(guardrail.name.clone(), all.into());
        }
        let removals: BTreeSet<(&String, &String)> =
            self.released.iter().map(|(_, target, region)| (target, region)).collect();
        let removals: Vec<Value> = removals
            .into_iter()
            .map(|(target, region)| json!({"target": target, "region": region}))
            .collect();
        let absent = self.guardrails.iter().filter(|it| it.is_absent);
        let absent: Vec<&String> = absent.map(|it| &it.name).collect();
        let waves: Vec<Value> = self
            .enforcements
            .iter()
            .filter(|it| it.is_in_force() && !it.canaries.is_empty())
            .map(|it| match it.level {
                // What a text gave up of an account and nobody may take away yet keeps what it has.
                Level::Account => it
                    .canaries
                    .iter()
                    .flat_map(|canary| {
                        it.regions.iter().map(move |it| json!({"account": canary, "region": it}))
                    })
                    .collect(),
                Level::Organization => it.canaries.iter().map(|it| json!({"region": it})).collect(),
            })
            .collect();
        let bakes: Vec<u64> = waves.iter().map(|_| 120_000).collect();
        json!({
            "owner": "default",
            "content": contents,
            "orderedContents": ordered,
            "removals": removals,
            "absent": absent,
            "waves": waves,
            "bakeMs": bakes,
            "approvedLosses": self.approved_losses,
            "restarts": starts,
        })
    }

    /// Notes that a text takes these up, or gives them up.
    pub(crate) fn note(&mut self, before: &Self) {
        for (old, new) in before.enforcements.iter().zip(&self.enforcements) {
            let places = |it: &Enforcement| -> BTreeSet<(String, String)> {
                if it.is_absent {
                    return BTreeSet::new();
                }
                let targets = it.targets.iter();
                targets
                    .flat_map(|target| {
                        it.regions.iter().map(|region| (target.clone(), region.clone()))
                    })
                    .collect()
            };
            let (had, has) = (places(old), places(new));
            for (target, region) in had.difference(&has) {
                self.released.insert((new.name.clone(), target.clone(), region.clone()));
            }
            // Until it is detached, a target that was given up gets the Regions that come later.
            let given_up: BTreeSet<String> = (self.released.iter())
                .filter(|(name, target, _)| *name == new.name && !new.targets.contains(target))
                .map(|(_, target, _)| target.clone())
                .collect();
            for target in given_up {
                let later = new.regions.iter();
                let later = later.map(|it| (new.name.clone(), target.clone(), it.clone()));
                self.released.extend(later);
            }
            for (target, region) in has {
                self.released.remove(&(new.name.clone(), target, region));
            }
        }
        // A service control policy binds in no Region.
        let of = |target: &String| ("control".to_owned(), target.clone(), String::new());
        self.released.extend(before.control.difference(&self.control).map(of));
        for target in &self.control {
            self.released.remove(&of(target));
        }
    }

    /// The enforcement that an account must be under in a Region on a level. `lineage` begins with
    /// the account and ends with the root.
    pub(crate) fn wanted(
        &self,
        level: Level,
        lineage: &[String],
        region: &str,
    ) -> Option<&Enforcement> {
        lineage.iter().find_map(|node| {
            self.enforcements.iter().find(|it| {
                it.level == level
                    && it.is_in_force()
                    && it.targets.contains(node)
                    && it.regions.contains(region)
            })
        })
    }

    /// Whether an organization policy whose file is lost is nearer to an account, or as near.
    pub(crate) fn is_bent_by_an_orphan(&self, wanted: &Enforcement, lineage: &[String]) -> bool {
        let Some(first) = lineage.iter().position(|node| wanted.targets.contains(node)) else {
            return false;
        };
        let near = &lineage[..=first];
        self.enforcements.iter().any(|it| {
            it.level == Level::Organization
                && it.is_missing
                && it.pool.iter().any(|node| near.contains(node))
        })
    }

    /// Whether every guardrail may be taken away that is absent.
    pub(crate) fn is_used(&self, guardrail: usize) -> bool {
        self.enforcements.iter().any(|it| it.guardrail == guardrail && !it.is_absent)
    }
}

/// The account of a home of guardrails.
pub(crate) fn home(region: &str) -> String {
    format!("{MANAGEMENT}/{region}")
}

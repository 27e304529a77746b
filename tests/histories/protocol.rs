//! What a controller has to do before it writes, judged from the recorded trace alone: what comes
//! out of a history may be right by luck.
//!
//! | a process may | only once |
//! |---|---|
//! | create a guardrail or a Bedrock policy, or take something away | it has read its kind, and [`CONFIRM_AFTER`] ago as well |
//! | create a guardrail again that it has made | [`GRACE`] has passed |
//! | publish DRAFT | it was read, or listed, as it is now [`CONFIRM_AFTER`] ago, and once more at last |
//! | make a write that fails | less than [`FAILURES_MAX`] times a minute |

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::checker::parts;
use crate::ledger::{Ledger, Place};
use crate::trace::Entry;

/// The least distance of two reads.
const CONFIRM_AFTER: Duration = Duration::from_secs(5);

/// For how long what a process made is not absent.
const GRACE: Duration = Duration::from_mins(1);

/// Failures of one write in a minute.
const FAILURES_MAX: usize = 40;

/// What is read, or written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Object {
    Guardrails,
    Draft(String),
    ResourcePolicy(String),
    Slot,
    Policies,
}

/// Who, where and what.
type Subject = (String, Place, Object);

/// What each process did so far.
#[derive(Default)]
pub(crate) struct Protocol {
    /// When a process first and last read something since it last wrote it.
    reads: BTreeMap<Subject, (Duration, Duration)>,
    /// How often it read each DRAFT of a place since it listed the guardrails there: a visit lists them
    /// and reads DRAFT once.
    drafts: BTreeMap<(String, Place), BTreeMap<String, u32>>,
    /// When it last made a guardrail of a name.
    made: BTreeMap<(String, Place, String), Duration>,
    /// Writes that failed in the last minute.
    failures: BTreeMap<String, VecDeque<Duration>>,
}

impl Protocol {
    /// Takes note of a call; `before` is what was known before it.
    pub(crate) fn judge(&mut self, entry: &Entry, before: &Ledger) -> Vec<String> {
        if !entry.is_controllers() {
            return Vec::new();
        }
        let place = (before.account(entry), entry.region.clone());
        let mut found: Vec<String> = self.hammers(entry).into_iter().collect();
        match entry.service.as_str() {
            "bedrock" => found.extend(self.bedrock(entry, &place)),
            "organizations" => found.extend(self.organizations(entry, before)),
            _ => {}
        }
        found
    }

    fn read(&mut self, entry: &Entry, place: &Place, object: Object) {
        if entry.success().is_some() {
            let subject = (entry.who.clone(), place.clone(), object);
            self.reads.entry(subject).or_insert((entry.at, entry.at)).1 = entry.at;
        }
    }

    fn wrote(&mut self, entry: &Entry, place: &Place, object: Object) {
        if entry.has_effect {
            self.reads.remove(&(entry.who.clone(), place.clone(), object));
        }
    }

    /// Whether it was read long enough before.
    fn is_confirmed(&self, entry: &Entry, place: &Place, object: Object) -> bool {
        let first = self.reads.get(&(entry.who.clone(), place.clone(), object));
        first.is_some_and(|(first, _)| *first + CONFIRM_AFTER <= entry.at)
    }

    fn last(&self, entry: &Entry, place: &Place, object: Object) -> Option<Duration> {
        self.reads.get(&(entry.who.clone(), place.clone(), object)).map(|(_, last)| *last)
    }

    fn bedrock(&mut self, entry: &Entry, place: &Place) -> Vec<String> {
        let (path, query) = parts(&entry.path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        let mut unless = |is_so: bool, wrong: &str| {
            if !is_so && entry.has_effect {
                found.push(format!("{} {wrong}", entry.who));
            }
        };
        match (entry.method.as_str(), path.as_slice()) {
            ("GET", ["guardrails"]) => {
                self.read(entry, place, Object::Guardrails);
                if !query.contains_key("guardrailIdentifier") {
                    self.drafts.remove(&(entry.who.clone(), place.clone()));
                }
            }
            ("GET", ["guardrails", id])
                if query.get("guardrailVersion").is_none_or(|it| it == "DRAFT") =>
            {
                self.read(entry, place, Object::Draft(own(id)));
                let drafts = self.drafts.entry((entry.who.clone(), place.clone())).or_default();
                *drafts.entry(own(id)).or_default() += 1;
            }
            ("GET", ["resource-policy", arn @ ..]) => {
                self.read(entry, place, Object::ResourcePolicy(own(&arn.join("/"))));
            }
            ("GET", ["enforcedGuardrailsConfiguration"]) => self.read(entry, place, Object::Slot),
            ("POST", ["guardrails"]) => {
                let is_confirmed = self.is_confirmed(entry, place, Object::Guardrails);
                unless(is_confirmed, "creates a guardrail after one read");
                found.extend(self.made_again(entry, place));
            }
            ("POST", ["guardrails", id]) => {
                let draft = || Object::Draft(own(id));
                let is_settled = self.is_confirmed(entry, place, draft())
                    || self.is_confirmed(entry, place, Object::Guardrails)
                        && !self.reads.contains_key(&(entry.who.clone(), place.clone(), draft()));
                unless(is_settled, "publishes what was not settled");
                // The policy may have been read once more for the sake of the organization.
                let policy = self.last(entry, place, Object::ResourcePolicy(own(id)));
                let drafts = self.drafts.get(&(entry.who.clone(), place.clone()));
                let is_read_twice =
                    drafts.and_then(|it| it.get(&own(id))).is_some_and(|it| *it > 1);
                let is_read_back = is_read_twice || self.last(entry, place, draft()) > policy;
                unless(is_read_back, "publishes DRAFT without reading it at last");
            }
            ("PUT", ["guardrails", id]) => self.wrote(entry, place, Object::Draft(own(id))),
            ("DELETE", ["guardrails", _]) => {
                let is_confirmed = self.is_confirmed(entry, place, Object::Guardrails);
                unless(is_confirmed, "deletes a guardrail, or a version, after one read");
            }
            ("PUT", ["enforcedGuardrailsConfiguration"]) => {
                self.wrote(entry, place, Object::Slot);
            }
            ("DELETE", ["enforcedGuardrailsConfiguration", _]) => {
                unless(
                    self.is_confirmed(entry, place, Object::Slot),
                    "empties a slot after one read",
                );
            }
            _ => {}
        }
        found
    }

    fn made_again(&mut self, entry: &Entry, place: &Place) -> Option<String> {
        let name = entry.body()["name"].as_str().unwrap_or_default().to_owned();
        let key = (entry.who.clone(), place.clone(), name);
        let before = self.made.get(&key).copied();
        if entry.success().is_some() {
            self.made.insert(key.clone(), entry.at);
        }
        let is_too_soon = before.is_some_and(|before| entry.at < before + GRACE);
        is_too_soon.then(|| format!("{} makes {} again at once", entry.who, key.2))
    }

    fn organizations(&mut self, entry: &Entry, before: &Ledger) -> Option<String> {
        // One for the whole organization, whatever Region signs.
        let place = Place::default();
        let body = entry.body();
        let of_bedrock = || {
            let id = body["PolicyId"].as_str().and_then(|id| before.policies.get(id));
            id.is_some_and(|it| it.document.get("bedrock").is_some())
        };
        let needs_two = match entry.target.as_str() {
            "ListPolicies" if body["Filter"] == "BEDROCK_POLICY" => {
                self.read(entry, &place, Object::Policies);
                false
            }
            "CreatePolicy" => body["Type"] == "BEDROCK_POLICY",
            "DetachPolicy" | "DeletePolicy" => of_bedrock(),
            _ => false,
        };
        let is_confirmed = self.is_confirmed(entry, &place, Object::Policies);
        (needs_two && entry.has_effect && !is_confirmed)
            .then(|| format!("{} does {} after one read", entry.who, entry.target))
    }

    fn hammers(&mut self, entry: &Entry) -> Option<String> {
        let (status, answer) = entry.answer.as_ref()?;
        // Whoever is throttled is told when to come back.
        if !entry.is_write()
            || *status < 400
            || answer.contains("hrottl")
            || answer.contains("TooManyRequests")
        {
            return None;
        }
        let Entry { who, region, access_key, method, path, target, body, .. } = entry;
        let call = format!("{who} {region} {access_key} {method} {path} {target} {body}");
        let failures = self.failures.entry(call).or_default();
        failures.push_back(entry.at);
        while failures.front().is_some_and(|at| *at + Duration::from_mins(1) < entry.at) {
            failures.pop_front();
        }
        (failures.len() == FAILURES_MAX)
            .then(|| format!("{who} makes a write {FAILURES_MAX} times a minute that fails"))
    }
}

/// The last part of an ARN, or an id.
fn own(identifier: &str) -> String {
    identifier.rsplit('/').next().unwrap_or(identifier).to_owned()
}

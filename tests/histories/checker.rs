//! Judges a history a second time, from the recorded trace alone: what was sent, what was answered
//! and whether it took effect. Shares nothing with the referee but the wire; what the text allowed
//! comes from the generator.
//!
//! | invariant | broken by a write of a controller after which |
//! |---|---|
//! | S1, S2 | a place has nothing in force that had something, and no text gave it up |
//! | S3 | a reference names no number, another Region, or what was never seen READY |
//! | S4 | an account refers to a guardrail that does not admit it |
//! | S5 | something referred to is gone, or a whole guardrail that no text calls `Absent` |
//! | S6 | a reference says something the guardrail was never to say |
//! | S7 | something of others is changed |
//! | S8 | there are two of a kind |
//! | S9 | a place is back at an older content |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::ledger::{Ledger, Place, Reference, references};
use crate::protocol::Protocol;
use crate::text::{Level, Text, is_content};
use crate::trace::Entry;

/// How long before a write a stranger's may have been that nobody could know of.
const UNKNOWABLE: Duration = Duration::from_secs(3);

/// Judges a trace. `texts` says from which call on each text was in force.
pub(crate) fn check(scenario: &Value, texts: &[(usize, Text)], trace: &[Entry]) -> Vec<String> {
    let mut ledger = Ledger::new(scenario);
    let mut protocol = Protocol::default();
    let mut found = Vec::new();
    for (index, entry) in trace.iter().enumerate() {
        let is_judged = entry.has_effect && entry.is_controllers();
        let before = is_judged.then(|| ledger.clone());
        let wrong = protocol.judge(entry, &ledger);
        found.extend(wrong.into_iter().map(|it| format!("{it}\n    {}", entry.line())));
        ledger.note(entry);
        let text = texts.iter().rev().find(|(from, _)| *from <= index).map(|(_, text)| text);
        if let (Some(text), Some(before)) = (text, before) {
            let earlier = &trace[..index];
            let judged = Judged { before: &before, after: &ledger, earlier, entry, text };
            found.extend(judged.all().into_iter().map(|it| format!("{it}\n    {}", entry.line())));
        }
    }
    found.extend(twins(&ledger));
    found
}

/// S8, of what turned out late: where an answer was lost, a number is known by a list alone.
fn twins(ledger: &Ledger) -> Vec<String> {
    let mut found = Vec::new();
    for (arn, guardrail) in &ledger.guardrails {
        let contents = guardrail
            .published
            .difference(&guardrail.failed)
            .filter_map(|number| Some((number, guardrail.versions.get(number)?.as_ref()?)));
        let contents: Vec<_> = contents.collect();
        for (index, (number, content)) in contents.iter().enumerate() {
            if let Some((twin, _)) = contents.iter().take(index).find(|(_, it)| it == content) {
                found.push(format!("S8: versions {twin} and {number} of {arn} are one"));
            }
        }
    }
    found
}

struct Judged<'a> {
    before: &'a Ledger,
    after: &'a Ledger,
    earlier: &'a [Entry],
    entry: &'a Entry,
    text: &'a Text,
}

impl Judged<'_> {
    fn all(&self) -> Vec<String> {
        let mut found = self.unprotected();
        found.extend(self.written());
        found.extend(self.revoked());
        found.extend(self.touched());
        found.extend(self.twice());
        found
    }

    fn is_knowable(&self, at: Option<&Duration>) -> bool {
        at.is_none_or(|at| *at + UNKNOWABLE < self.entry.at)
    }

    /// S1, S2.
    fn unprotected(&self) -> Vec<String> {
        let mut found = Vec::new();
        for place in self.before.places() {
            let had = self.before.in_force(&place);
            if had.is_empty() || !self.after.in_force(&place).is_empty() {
                continue;
            }
            let lineage = self.after.lineage(&place.0);
            let is_given_up = self
                .text
                .released
                .iter()
                .any(|(_, target, region)| *region == place.1 && lineage.contains(target));
            if !is_given_up {
                found.push(format!("S1: {place:?} loses {had:?}"));
            }
        }
        found
    }

    /// S3, S4, S6 and S9, of every reference that is new.
    fn written(&self) -> Vec<String> {
        let mut found = Vec::new();
        for place in self.after.places() {
            let before = self.before.in_force(&place);
            for (level, reference) in self.after.in_force(&place) {
                if before.contains(&(level, reference.clone())) {
                    continue;
                }
                found.extend(self.reference(&place, &reference));
                let is_left = |(other, it): &&(Level, Reference)| {
                    *other == level && self.is_strangers_twin(it, &reference)
                };
                if let Some((_, earlier)) = before.iter().find(is_left) {
                    found.push(format!("S7: {place:?} goes from {earlier:?} to a stranger's twin"));
                }
                let earlier = before.iter().find(|(other, _)| *other == level);
                if let Some((_, earlier)) = earlier
                    && self.goes_back(earlier, &reference)
                    && !is_crossed(self.earlier, self.entry)
                {
                    found
                        .push(format!("S9: {place:?} goes back from {earlier:?} to {reference:?}"));
                }
            }
        }
        found
    }

    fn reference(&self, place: &Place, reference: &Reference) -> Vec<String> {
        let (arn, version) = reference;
        let mut found = Vec::new();
        let parts: Vec<&str> = arn.split(':').collect();
        if version.parse::<u32>().is_err() || parts.get(3) != Some(&place.1.as_str()) {
            found.push(format!("S3: {place:?} refers to {reference:?}"));
        } else if !self.after.ready.contains(reference) {
            found.push(format!("S3: {reference:?} was never seen READY"));
        }
        let owner = parts.get(4).copied().unwrap_or_default();
        let changed = self.after.policy_changed.get(arn);
        if owner != place.0 && self.is_knowable(changed) && !self.after.admits(arn) {
            found.push(format!("S4: {arn} does not admit {place:?}"));
        }
        let said = self.content(reference).map(|(_, ages)| ages);
        if said.is_some_and(|ages| ages.is_empty()) {
            found.push(format!("S6: {reference:?} says what was never wanted"));
        }
        found
    }

    /// The guardrail's place in the text, and at which of its contents a version is.
    fn content(&self, (arn, version): &Reference) -> Option<(usize, Vec<usize>)> {
        let guardrail = self.after.guardrails.get(arn)?;
        let content = guardrail.versions.get(version)?.as_ref()?;
        let index = self.text.guardrails.iter().position(|it| it.name == guardrail.manifest)?;
        let contents = self.text.guardrails[index].contents.iter().enumerate();
        let ages = contents.filter(|(_, it)| is_content(content, **it)).map(|(age, _)| age);
        Some((index, ages.collect()))
    }

    /// Whether a reference to a version of ours becomes one to what somebody else published of the
    /// same content.
    fn is_strangers_twin(&self, earlier: &Reference, now: &Reference) -> bool {
        let Some(guardrail) = self.after.guardrails.get(&now.0) else { return false };
        let content = |reference: &Reference| guardrail.versions.get(&reference.1)?.clone();
        earlier.0 == now.0
            && guardrail.published.contains(&earlier.1)
            && !guardrail.published.contains(&now.1)
            && content(earlier).is_some_and(|it| Some(it) == content(now))
    }

    fn goes_back(&self, earlier: &Reference, now: &Reference) -> bool {
        match (self.content(earlier), self.content(now)) {
            (Some((one, had)), Some((other, has))) if one == other => {
                matches!((had.last(), has.last()), (Some(had), Some(has)) if has < had)
            }
            _ => false,
        }
    }

    /// S5.
    fn revoked(&self) -> Vec<String> {
        let mut found = Vec::new();
        let held: BTreeSet<Reference> = self.before.everywhere();
        for (arn, guardrail) in &self.before.guardrails {
            let after = self.after.guardrails.get(arn);
            let gone: Vec<&String> = match after {
                None => guardrail.versions.keys().collect(),
                Some(after) => {
                    let is_gone = |it: &&String| !after.versions.contains_key(*it);
                    guardrail.versions.keys().filter(is_gone).collect()
                }
            };
            for version in gone {
                if held.contains(&(arn.clone(), version.clone())) {
                    found.push(format!("S5: {arn}:{version} goes although it is referred to"));
                }
            }
            let is_meant = |it: &&crate::text::Guardrail| it.name == guardrail.manifest;
            let manifest = self.text.guardrails.iter().find(is_meant);
            if after.is_none() && !manifest.is_some_and(|it| it.is_absent) {
                found.push(format!("S5: {arn} is deleted as a whole"));
            }
            let is_revoked = self.before.admits(arn) && !self.after.admits(arn);
            let users = self.before.places().into_iter().filter(|place| {
                let is_it = |(_, it): &(Level, Reference)| it.0 == *arn;
                !arn.contains(&format!(":{}:", place.0))
                    && self.after.in_force(place).iter().any(is_it)
            });
            if is_revoked && users.count() > 0 {
                found.push(format!("S5: the grant of {arn} goes although it is referred to"));
            }
        }
        found
    }

    /// S7.
    fn touched(&self) -> Vec<String> {
        let mut found = Vec::new();
        let body = self.entry.body();
        if self.entry.service == "organizations" {
            let id = body["PolicyId"].as_str().or_else(|| body["ResourceId"].as_str());
            let theirs = id.and_then(|id| self.before.policies.get(id)).filter(|it| !it.is_ours);
            if let Some(theirs) = theirs {
                found.push(format!("S7: the policy {} is not ours", theirs.name));
            }
            return found;
        }
        let untagged = body["tagKeys"].as_array().into_iter().flatten();
        for tag in untagged.filter_map(Value::as_str).filter(|it| !it.starts_with("bedrail:")) {
            found.push(format!("S7: the tag {tag} is not ours"));
        }
        for (arn, theirs) in self.before.guardrails.iter().filter(|(_, it)| !it.is_ours) {
            if self.after.guardrails.get(arn) != Some(theirs) {
                found.push(format!("S7: {arn} is not ours"));
            }
        }
        let foreign = |policy: Option<&Value>| -> Vec<Value> {
            let statements = policy.and_then(|it| it["Statement"].as_array());
            let is_ours =
                |it: &&Value| it["Sid"].as_str().is_some_and(|sid| sid.starts_with("Bedrail"));
            statements.into_iter().flatten().filter(|it| !is_ours(it)).cloned().collect()
        };
        for arn in self.before.resource_policies.keys() {
            let had = foreign(self.before.resource_policies.get(arn));
            let has = foreign(self.after.resource_policies.get(arn));
            let is_deleted = !self.after.guardrails.contains_key(arn);
            if had != has && !is_deleted && self.is_knowable(self.before.policy_changed.get(arn)) {
                found.push(format!("S7: statements of others on {arn}: {had:?} -> {has:?}"));
            }
        }
        found
    }

    /// S8.
    fn twice(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (arn, guardrail) in &self.after.guardrails {
            let is_new = !self.before.guardrails.contains_key(arn);
            let twin = self.after.guardrails.iter().find(|(other, it)| {
                *other != arn
                    && it.is_ours
                    && it.manifest == guardrail.manifest
                    && it.place == guardrail.place
            });
            if let (true, true, Some((twin, _))) = (is_new, guardrail.is_ours, twin) {
                found.push(format!("S8: {arn} and {twin} are both {}", guardrail.manifest));
            }
            let before = self.before.guardrails.get(arn);
            for (version, content) in &guardrail.versions {
                let is_new = before.is_some_and(|it| !it.versions.contains_key(version));
                let twin = guardrail.versions.iter().find(|(other, it)| {
                    *other != version
                        && *it == content
                        && guardrail.published.contains(*other)
                        && !guardrail.failed.contains(*other)
                });
                if let (true, true, Some((twin, _))) = (is_new, content.is_some(), twin) {
                    found.push(format!("S8: versions {version} and {twin} of {arn} are one"));
                }
            }
        }
        for (id, policy) in &self.after.policies {
            let is_new = !self.before.policies.contains_key(id);
            let is_twin = |(other, it): &(&String, &crate::ledger::Policy)| {
                *other != id && it.is_ours && it.name == policy.name
            };
            if is_new && policy.is_ours && self.after.policies.iter().any(|it| is_twin(&it)) {
                found.push(format!("S8: two policies are named {}", policy.name));
            }
        }
        found
    }
}

/// Whether another controller has replaced a document between the read that a replacement rests on
/// and the replacement: AWS has no precondition, and whoever comes second cannot know.
fn is_crossed(earlier: &[Entry], entry: &Entry) -> bool {
    let id = entry.body()["PolicyId"].clone();
    let is_of_it = |it: &Entry, operation| it.target == operation && it.body()["PolicyId"] == id;
    let read = earlier
        .iter()
        .rposition(|it| it.who == entry.who && is_of_it(it, "DescribePolicy"))
        .filter(|read| earlier[*read].at + UNKNOWABLE >= entry.at);
    let is_others = |it: &Entry| it.is_controllers() && it.who != entry.who && it.has_effect;
    entry.target == "UpdatePolicy"
        && read.is_some_and(|read| {
            earlier[read..].iter().any(|it| is_others(it) && is_of_it(it, "UpdatePolicy"))
        })
}

/// The parts of a path, decoded.
pub(crate) fn parts(path: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let decode = |it: &str| percent_decode_str(it).decode_utf8_lossy().into_owned();
    let parts = path.trim_matches('/').split('/').map(decode).collect();
    let query = query.split('&').filter_map(|it| it.split_once('='));
    (parts, query.map(|(key, value)| (decode(key), decode(value))).collect())
}

#[test]
fn a_reference_in_a_document_is_found_by_region() {
    let document = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": {
        "identifier": {"@@assign": "arn:aws:bedrock:us-east-1:1:guardrail/a:3"}}}}}});
    let found = references(&document);
    let expected = ("arn:aws:bedrock:us-east-1:1:guardrail/a".to_owned(), "3".to_owned());
    assert_eq!(found.get("us-east-1"), Some(&expected));
}

#[test]
fn only_a_document_that_another_controller_replaced_since_it_was_read_is_crossed() {
    let call = |millis: u64, who: &str, target: &str| {
        let request = axum::http::Request::new(bytes::Bytes::from(r#"{"PolicyId":"p-1"}"#));
        let at = Duration::from_millis(millis);
        let target = target.to_owned();
        Entry { target, has_effect: true, ..Entry::of(at, who, &request) }
    };
    let (read, write) = ("DescribePolicy", "UpdatePolicy");
    let entry = call(5_000, "bedrail-2", write);
    let rows = [
        (true, vec![call(4_900, "bedrail-2", read), call(4_950, "bedrail-1", write)]),
        (false, vec![call(4_900, "bedrail-1", write), call(4_950, "bedrail-2", read)]),
        (false, vec![call(4_900, "bedrail-2", read), call(4_950, "bedrail-2", write)]),
        (false, vec![call(1_900, "bedrail-2", read), call(4_950, "bedrail-1", write)]),
        (false, vec![call(4_950, "bedrail-1", write)]),
        (false, vec![call(4_900, "bedrail-2", read)]),
    ];
    for (expected, earlier) in rows {
        assert_eq!(is_crossed(&earlier, &entry), expected, "{earlier:?}");
    }
}

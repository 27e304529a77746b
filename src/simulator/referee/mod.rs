//! Judges the writes of the controller against the safety invariants.
//!
//! ```text
//!   call, world before, world after ──> changes (which places it reaches) ──> rules ──> violations
//!                                            intent, memory ─────────────────────┘
//! ```
//!
//! Only calls whose User-Agent carries `app/bedrail` are judged, each with the world just before
//! and just after it. Whatever a test intends is told in the simulator's own words
//! ([`Referee::set_intent`]; the members are in `intent.rs`): nothing here may be learned from the
//! controller's code.
//!
//! # Invariants
//!
//! - A rule is a pure function of one `Write`; what must be remembered is in the memory, noted
//!   after the rules have spoken.
//! - A refused call changed nothing. It is judged only where asking is the mistake: a reference
//!   that must never be written, something that is not the controller's.
//! - A rule never blames a write for what was broken before it.
//!
//! # Caveats
//!
//! The referee sees the world, the controller its last read of it. A foreign change within
//! milliseconds before a write may be one nobody could have known of.

mod content;
mod intent;
mod memory;
mod protection;
mod reads;
mod reference;
mod rules;
#[cfg(test)]
mod testing;
mod written;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::call::{Answer, Call};
use super::world::World;
use intent::Intent;
use memory::Memory;
use protection::Change;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// `S3`.
    pub invariant: String,
    /// `bedrock:PutEnforcedGuardrailConfiguration`.
    pub operation: String,
    /// The account written to.
    pub account: String,
    /// The Region written to.
    pub region: String,
    /// What a person reads.
    pub detail: String,
}

/// One write to judge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write<'a> {
    /// The world just before it.
    pub(super) before: &'a World,
    /// The world just after it.
    pub(super) after: &'a World,
    /// What was asked.
    pub(super) call: &'a Call,
    /// What was answered, faults aside.
    pub(super) answer: &'a Answer,
    /// What the test intends; nothing until it says so.
    intent: &'a Intent,
    /// What the controller has done and read so far.
    memory: &'a Memory,
    /// The places it reaches.
    changes: &'a [Change],
}

/// A rule: what one write breaks.
pub(super) type Rule = fn(&Write<'_>) -> Vec<Violation>;

/// Collects what the rules find.
#[derive(Debug)]
pub struct Referee {
    rules: &'static [Rule],
    told: Value,
    intent: Intent,
    memory: Memory,
    violations: Vec<Violation>,
}

impl Write<'_> {
    fn has_succeeded(&self) -> bool {
        self.answer.is_ok()
    }

    /// A violation of `invariant` at the place of the call.
    fn violates(&self, invariant: &str, detail: String) -> Violation {
        self.violates_at(invariant, (&self.call.caller.account, &self.call.region), detail)
    }

    /// A violation of `invariant` at a place the call reaches.
    fn violates_at(
        &self,
        invariant: &str,
        (account, region): (&str, &str),
        detail: String,
    ) -> Violation {
        Violation {
            invariant: invariant.to_owned(),
            operation: self.call.name(),
            account: account.to_owned(),
            region: region.to_owned(),
            detail,
        }
    }

    /// One violation for all places with the same complaint, however many accounts share it.
    fn violates_in(&self, invariant: &str, found: Vec<(&Change, String)>) -> Vec<Violation> {
        let mut places: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
        for (change, complaint) in found {
            places.entry(complaint).or_default().push(change);
        }
        let violation = |(complaint, changes): (String, Vec<&Change>)| {
            let first = changes.first()?;
            let more = changes.len() - 1;
            let rest = if more == 0 { String::new() } else { format!(", and {more} places more") };
            Some(self.violates_at(invariant, first.place(), format!("{complaint}{rest}")))
        };
        places.into_iter().filter_map(violation).collect()
    }
}

impl Default for Referee {
    fn default() -> Self {
        Self::with_rules(rules::ALL)
    }
}

impl Referee {
    /// A referee who judges by `rules`.
    pub(super) fn with_rules(rules: &'static [Rule]) -> Self {
        Self {
            rules,
            told: Value::Null,
            intent: Intent::default(),
            memory: Memory::default(),
            violations: Vec::new(),
        }
    }

    /// Judges one write of the controller.
    pub fn judge(&mut self, before: &World, after: &World, call: &Call, answer: &Answer) {
        let changes = protection::changes(before, after, call);
        let write = Write {
            before,
            after,
            call,
            answer,
            intent: &self.intent,
            memory: &self.memory,
            changes: &changes,
        };
        let found: Vec<Violation> = self.rules.iter().flat_map(|rule| rule(&write)).collect();
        let facts = memory::Facts::of(&write);
        self.report(found);
        self.memory.wrote(facts);
        if answer.is_ok() {
            self.memory.note((before, after), call, answer);
        }
    }

    /// Takes note of a read of the controller and of what it was answered, faults included: what
    /// a deletion may reason over.
    pub fn saw(&mut self, call: &Call, answer: &Answer) {
        self.memory.saw(call, answer);
    }

    /// Everything found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What the test intends.
    pub fn intent(&self) -> &Value {
        &self.told
    }

    /// Tells what the test intends from now on, as `world` stands; an object that cannot be read
    /// is a violation.
    pub fn set_intent(&mut self, world: &World, intent: Value) {
        match Intent::parse(&intent) {
            Ok(parsed) => {
                self.memory.told(world, &self.intent, &parsed);
                self.intent = parsed;
            }
            Err(error) => self.report(vec![Violation {
                invariant: "INTENT".to_owned(),
                operation: "/_simulator/intent".to_owned(),
                account: String::new(),
                region: String::new(),
                detail: error.to_string(),
            }]),
        }
        self.told = intent;
    }

    fn report(&mut self, found: Vec<Violation>) {
        for violation in &found {
            tracing::warn!(
                invariant = violation.invariant,
                operation = violation.operation,
                account = violation.account,
                region = violation.region,
                detail = violation.detail,
                "invariant violated"
            );
        }
        self.violations.extend(found);
    }
}

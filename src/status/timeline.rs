//! What changed, by whom, and what was done about it: the newest of it, for the page. The journal
//! has all.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

use super::journal::{Actor, Because, Ending, Intended};

/// Events of one kind that are kept: a rollout to a thousand accounts must not push out who
/// detached a policy last night.
const KEPT_MAX: usize = 100;

/// Why something happened. The order is that of importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum EventKind {
    /// Somebody changed what was in force, and it was put right, or tried to.
    Drift,
    /// Manifests were put in force.
    Accepted,
    /// A wave of a rollout came to it.
    Rollout,
    /// The manifests ask for it.
    Manifest,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// In order, from 1.
    pub number: u64,
    /// When it was found, or put in force.
    pub at: Timestamp,
    /// Why.
    pub kind: EventKind,
    /// What happened, in a few words: the call, or which manifests.
    pub what: String,
    /// What was visited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where, if it is in one account and Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ARN, id or name of what was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What was found → what it is now, of each field; words and patterns by their hash.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Who made it necessary, for drift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// How the write ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// When it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What AWS said, where it did not go well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Event {
    /// A write that was announced at `at`, of which no end is known.
    pub fn begun(intended: Intended, at: Timestamp) -> Self {
        let written = Self::written(intended, at, (Ending::Done, None), at);
        Self { ending: None, ended_at: None, ..written }
    }

    /// A write that was announced at `at`, and how it ended.
    pub fn written(
        intended: Intended,
        at: Timestamp,
        (ending, message): (Ending, Option<String>),
        ended_at: Timestamp,
    ) -> Self {
        Self {
            number: 0,
            at,
            kind: match intended.because {
                Because::Drift => EventKind::Drift,
                Because::Manifest => EventKind::Manifest,
                Because::Rollout => EventKind::Rollout,
            },
            what: intended.operation,
            key: Some(intended.key),
            account: intended.account,
            region: intended.region,
            object: Some(intended.object),
            changes: intended.changes,
            actor: intended.actor,
            ending: Some(ending),
            ended_at: Some(ended_at),
            message,
        }
    }

    /// Manifests that were put in force, and how many of which kind.
    pub fn accepted(generation: u64, summary: &str, at: Timestamp) -> Self {
        Self {
            number: 0,
            at,
            kind: EventKind::Accepted,
            what: format!("generation {generation}: {summary}"),
            key: None,
            account: None,
            region: None,
            object: None,
            changes: Vec::new(),
            actor: None,
            ending: None,
            ended_at: None,
            message: None,
        }
    }
}

impl Event {
    fn repeats(&self, earlier: &Self) -> bool {
        let is_open = matches!(earlier.ending, Some(Ending::Failed | Ending::Moved));
        is_open
            && (&self.key, &self.what, &self.object)
                == (&earlier.key, &earlier.what, &earlier.object)
    }
}

/// The newest events of each kind.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    events: BTreeMap<EventKind, VecDeque<Event>>,
    count: u64,
}

impl Timeline {
    /// Adds an event and gives it its number. One that tries again what did not go well takes the
    /// place of that: it was found then, and ended now.
    pub fn push(&mut self, event: Event) {
        let events = self.events.entry(event.kind).or_default();
        if let Some(earlier) = events.iter_mut().rev().find(|earlier| event.repeats(earlier)) {
            earlier.ending = event.ending;
            earlier.ended_at = event.ended_at;
            earlier.message = event.message;
            return;
        }
        self.count += 1;
        if events.len() == KEPT_MAX {
            events.pop_front();
        }
        events.push_back(Event { number: self.count, ..event });
    }

    /// What is kept, the newest first.
    pub fn newest(&self) -> Vec<&Event> {
        let mut all: Vec<&Event> = self.events.values().flatten().collect();
        all.sort_unstable_by_key(|event| std::cmp::Reverse(event.number));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intended(because: Because) -> Intended {
        Intended {
            key: "cell 111122223333 us-east-1".to_owned(),
            operation: "bedrock:PutEnforcedGuardrailConfiguration".to_owned(),
            object: "o".to_owned(),
            effect: "create".to_owned(),
            account: Some("111122223333".to_owned()),
            region: Some("us-east-1".to_owned()),
            weakens: false,
            generation: 1,
            because,
            actor: None,
            changes: Vec::new(),
        }
    }

    #[test]
    fn a_flood_of_writes_does_not_push_out_the_drift_before_it() {
        let mut timeline = Timeline::default();
        let at = Timestamp::UNIX_EPOCH;
        let ending = || (Ending::Done, None);
        timeline.push(Event::written(intended(Because::Drift), at, ending(), at));
        for _ in 0..1000 {
            timeline.push(Event::written(intended(Because::Manifest), at, ending(), at));
        }
        timeline.push(Event::accepted(2, "1 Guardrail", at));
        let newest = timeline.newest();
        assert_eq!(newest.len(), KEPT_MAX + 2);
        assert_eq!(newest[0].kind, EventKind::Accepted);
        assert_eq!(newest[1].number, 1001);
        assert_eq!(newest.last().unwrap().kind, EventKind::Drift);
    }

    #[test]
    fn what_is_tried_again_is_one_event_that_was_found_at_first_and_ended_at_last() {
        let mut timeline = Timeline::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for second in 1..50 {
            let ending = (Ending::Failed, Some("Denied".to_owned()));
            let drift = intended(Because::Drift);
            timeline.push(Event::written(drift, at(second), ending, at(second + 1)));
        }
        let drift = intended(Because::Drift);
        timeline.push(Event::written(drift.clone(), at(60), (Ending::Done, None), at(61)));
        timeline.push(Event::written(drift, at(70), (Ending::Done, None), at(71)));
        let newest = timeline.newest();
        assert_eq!(newest.len(), 2);
        assert_eq!((newest[1].at, newest[1].ended_at), (at(1), Some(at(61))));
        assert_eq!(newest[1].message, None);
    }
}

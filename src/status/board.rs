//! The last outcome of every key.

use std::collections::BTreeMap;

use serde::Serialize;

use super::conditions::standard;
use super::outcome::Outcome;

/// Keeps the last outcome of every key.
#[derive(Clone, Debug)]
pub struct Board<K> {
    outcomes: BTreeMap<K, Outcome>,
}

/// Counts over the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Keys on the board.
    pub keys: usize,
    /// Keys whose desired state is in force.
    pub ready: usize,
    /// Keys with something held.
    pub held: usize,
    /// Keys with something that only a person can release.
    pub needs_person: usize,
    /// Refusals: keys with something refused, and what of the manifests cannot be resolved.
    pub refused: usize,
    /// Keys that could not be read or written.
    pub failed: usize,
    /// Orphans found.
    pub orphans: usize,
    /// Cells that no manifest names and no guardrail is enforced in, as far as they were looked at.
    pub unprotected: usize,
    /// Cells of the audit in which calls are logged nowhere.
    pub unlogged: usize,
}

impl<K> Default for Board<K> {
    fn default() -> Self {
        Self { outcomes: BTreeMap::new() }
    }
}

impl<K: Ord> Board<K> {
    /// Replaces the outcome of `key`.
    pub fn record(&mut self, key: K, mut outcome: Outcome) {
        let before = self.outcomes.get(&key);
        let same = before.filter(|before| before.phase() == outcome.phase());
        outcome.since = same.map_or(outcome.at, |before| before.since);
        outcome.observed_at = if outcome.was_read() {
            Some(outcome.at)
        } else {
            before.and_then(|before| before.observed_at)
        };
        let standard = standard(&outcome, before);
        outcome.conditions.splice(..0, standard);
        self.outcomes.insert(key, outcome);
    }

    /// Forgets every key that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.outcomes.retain(|key, _| keep(key));
    }

    /// All outcomes, by key.
    pub fn outcomes(&self) -> &BTreeMap<K, Outcome> {
        &self.outcomes
    }

    /// Counts over all outcomes.
    pub fn summary(&self) -> Summary {
        let count = |is: fn(&Outcome) -> bool| self.outcomes.values().filter(|it| is(it)).count();
        Summary {
            keys: self.outcomes.len(),
            ready: count(Outcome::is_ready),
            held: count(|it| !it.held.is_empty()),
            needs_person: count(|it| it.held.iter().any(|held| held.needs_person)),
            refused: count(|it| !it.refused.is_empty()),
            failed: count(|it| it.failure.is_some()),
            orphans: self.outcomes.values().map(|it| it.orphans.len()).sum(),
            unprotected: 0,
            unlogged: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::outcome::{Failure, Hold, Verdict};
    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            observed_generation: 1,
            at: Timestamp::UNIX_EPOCH,
            verdict: Verdict::Unchanged,
            applied: Vec::new(),
            held: Vec::new(),
            refused: Vec::new(),
            orphans: Vec::new(),
            failure: None,
            conditions: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            observed_at: None,
        }
    }

    #[test]
    fn a_phase_lasts_since_it_began_and_a_failed_read_is_none() {
        let mut board = Board::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let failure =
            Failure { reason: "Denied".to_owned(), message: String::new(), retryable: false };
        for second in [1, 2] {
            board.record("cell", Outcome { at: at(second), ..outcome() });
        }
        assert_eq!(board.outcomes()["cell"].since, at(1));
        assert_eq!(board.outcomes()["cell"].observed_at, Some(at(2)));
        board.record("cell", Outcome { at: at(3), failure: Some(failure), ..outcome() });
        assert_eq!(board.outcomes()["cell"].since, at(3));
        assert_eq!(board.outcomes()["cell"].observed_at, Some(at(2)));
        // Where the role is missing nothing failed, and nothing was read.
        for (reason, expected) in [("RoleNotAssumable", at(2)), ("Confirming", at(4))] {
            let held = vec![Hold {
                reason: reason.to_owned(),
                message: String::new(),
                needs_person: true,
            }];
            board.record("cell", Outcome { at: at(4), held, ..outcome() });
            assert_eq!(board.outcomes()["cell"].observed_at, Some(expected), "{reason}");
        }
    }

    #[test]
    fn a_key_counts_by_its_last_outcome_only() {
        let mut board = Board::default();
        let hold = Hold { reason: "Quota".to_owned(), message: String::new(), needs_person: true };
        board.record("cell", Outcome { held: vec![hold], ..outcome() });
        assert_eq!((board.summary().ready, board.summary().needs_person), (0, 1));
        board.record("cell", outcome());
        assert_eq!((board.summary().ready, board.summary().needs_person), (1, 0));
    }
}

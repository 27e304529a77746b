//! What is gone although nobody here took it away: one read is not enough to believe it.
//!
//! How much would be lost is counted over all keys (S11), and a page that AWS leaves out makes one
//! of them look as if it had nothing to lose. The others would be few enough to go, and it would go
//! after them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::key::Key;
use super::state::State;
use crate::model::{Cell, Fleet, GuardrailArn, PolicyId, Presence, TargetId};
use crate::plan::{LoggingMemory, Timing};

/// Something that a key has in force and that may be taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InForce {
    /// A guardrail in the slot of a cell.
    Slot(GuardrailArn),
    /// A policy of ours at a target.
    Attachment(PolicyId, TargetId),
    /// The last of so many service control policies of ours at targets.
    Control(usize),
    /// The invocation logging of a cell, as a manifest asks for it.
    Logging,
}

impl State {
    /// What `key` has in force that its plan may take away, as far as it is known.
    pub(super) fn in_force_of(&self, key: &Key) -> BTreeSet<InForce> {
        match key {
            Key::Cell(cell) => self.slot_to_go(cell).map(InForce::Slot).into_iter().collect(),
            Key::Organization => {
                let policies = self.facts.own_policies.iter().flatten();
                let attached = policies.flat_map(|(id, policy)| {
                    let at = |target: &TargetId| InForce::Attachment(id.clone(), target.clone());
                    policy.targets.iter().map(at)
                });
                attached.chain((0..self.facts.control_attachments).map(InForce::Control)).collect()
            }
            Key::Logging(cell) => {
                let is_in_force = self.logging.get(cell).is_some_and(LoggingMemory::is_in_force);
                is_in_force.then_some(InForce::Logging).into_iter().collect()
            }
            Key::Replica(_) | Key::ProfilePolicy(_) | Key::Rollout(_) | Key::Audit(_) => {
                BTreeSet::new()
            }
        }
    }

    /// The guardrail in a slot that is to be narrowed or taken over, or ours in one that no text
    /// wants to have one.
    fn slot_to_go(&self, cell: &Cell) -> Option<GuardrailArn> {
        let (arn, _) = self.facts.cells.get(cell)?.as_ref()?;
        let is_wanted =
            self.desired.cells.get(cell).is_some_and(|it| it.state == Presence::Present);
        let is_ours = || self.facts.replicas.values().any(|fact| fact.arn == *arn);
        let is_lost = self.losses.contains_key(&Key::Cell(cell.clone()));
        (is_lost || (!is_wanted && is_ours())).then(|| arn.clone())
    }

    /// What is to be taken for the organization after a read that began at `began`: the one that is
    /// known already while only one read has it without some of its accounts.
    pub(super) fn believed(&mut self, fleet: Fleet, began: Duration, timing: &Timing) -> Fleet {
        let known = self.facts.fleet.as_ref();
        let is_there = |id| fleet.accounts.contains_key(id);
        let Some(known) = known.filter(|known| !known.accounts.keys().all(is_there)) else {
            self.fleet_doubted = None;
            return fleet;
        };
        match self.fleet_doubted {
            Some(since) if began >= since + timing.confirm_after => {
                self.fleet_doubted = None;
                fleet
            }
            Some(_) => known.clone(),
            None => {
                self.fleet_doubted = Some(began);
                known.clone()
            }
        }
    }

    /// Whether a read of `key` that began at `began` is to be made again before it is believed: some
    /// of what was in force `before` is gone, and no step of ours was to take it.
    pub(super) fn is_doubtful(
        &mut self,
        key: &Key,
        before: &BTreeSet<InForce>,
        (began, now): (Duration, Duration),
        timing: &Timing,
    ) -> bool {
        if *key == Key::Organization {
            if self.fleet_doubted.is_some() {
                return true;
            }
            // What was not read is not gone.
            if self.facts.own_policies.is_none() {
                return false;
            }
        }
        if let Some(since) = self.doubted.get(key) {
            if began < *since + timing.confirm_after {
                return true;
            }
            self.doubted.remove(key);
            return false;
        }
        let is_ours =
            self.taken.get(key).is_some_and(|taken| now < *taken + timing.own_write_grace);
        if !is_ours {
            self.taken.remove(key);
        }
        if is_ours || !self.is_kept(key) || before.is_subset(&self.in_force_of(key)) {
            return false;
        }
        self.doubted.insert(key.clone(), now);
        true
    }

    /// Whether anything is waiting to be read a second time before it is believed.
    pub(super) fn is_in_doubt(&self) -> bool {
        let mut doubted = self.doubted.keys();
        self.fleet_doubted.is_some() || doubted.any(|key| self.unpassed.contains(key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{Account, AccountState, PolicyFact};

    const ROOT: &str = "r-ab12";
    const TIMING: Timing =
        Timing { confirm_after: Duration::from_secs(5), own_write_grace: Duration::from_mins(1) };

    fn fleet(accounts: &[&str]) -> Fleet {
        let account = |id: &&str| Account {
            id: id.parse().unwrap(),
            name: (*id).to_owned(),
            state: AccountState::Active,
            parent: ROOT.parse().unwrap(),
            tags: None,
        };
        Fleet {
            partition: "aws".to_owned(),
            organization: "o-abcdefghij".parse().unwrap(),
            management: "999999999999".parse().unwrap(),
            root: ROOT.parse().unwrap(),
            units: BTreeMap::new(),
            accounts: accounts.iter().map(account).map(|it| (it.id.clone(), it)).collect(),
        }
    }

    #[test]
    fn accounts_that_are_missing_are_there_until_a_second_read_a_while_later() {
        let (all, fewer) = (fleet(&["111122223333", "222233334444"]), fleet(&["111122223333"]));
        let mut state = State::default();
        // At which second each read begins, what it shows, and what is believed.
        let reads = [
            (1, &all, &all),
            (10, &fewer, &all),
            (14, &fewer, &all),
            (15, &fewer, &fewer),
            (20, &all, &all),
            (30, &fewer, &all),
            (33, &all, &all),
            (36, &fewer, &all),
            (40, &fewer, &all),
            (41, &fewer, &fewer),
        ];
        for (second, read, expected) in reads {
            let began = Duration::from_secs(second);
            let believed = state.believed(read.clone(), began, &TIMING);
            assert_eq!(believed, *expected, "{second}");
            let times = (began, began);
            let nothing = BTreeSet::new();
            let is_doubtful = state.is_doubtful(&Key::Organization, &nothing, times, &TIMING);
            assert_eq!(is_doubtful, read != expected, "{second}");
            assert_eq!(state.is_in_doubt(), read != expected, "{second}");
            state.facts.fleet = Some(believed);
        }
    }

    /// Our policy at these targets.
    fn attached(targets: &[&str]) -> BTreeMap<PolicyId, PolicyFact> {
        let policy = PolicyFact {
            enforcement: Some("all".parse().unwrap()),
            is_lane: false,
            targets: targets.iter().map(|it| it.parse().unwrap()).collect(),
            regions: BTreeSet::new(),
            rollouts: BTreeMap::new(),
            references: BTreeSet::new(),
        };
        BTreeMap::from([("p-abcdefgh".parse().unwrap(), policy)])
    }

    #[test]
    fn what_nobody_here_took_away_is_doubted_until_a_second_read_a_while_later() {
        let mut state = State::default();
        let mut sees = |second: u64, targets: &[&str], taken: Option<u64>| {
            let at = Duration::from_secs(second);
            let before = state.in_force_of(&Key::Organization);
            state.facts.own_policies = Some(attached(targets));
            if let Some(taken) = taken {
                state.taken.insert(Key::Organization, Duration::from_secs(taken));
            }
            state.is_doubtful(&Key::Organization, &before, (at, at), &TIMING)
        };
        let (both, one, none) = (["111122223333", ROOT], [ROOT], [""; 0]);
        assert!(!sees(1, &both, None));
        assert!(sees(10, &one, None));
        assert!(sees(14, &one, None), "so soon it may be the same answer");
        assert!(!sees(15, &one, None));
        assert!(!sees(20, &both, None), "more is no loss");
        assert!(sees(30, &one, None));
        assert!(!sees(36, &both, None), "it was there all the time");
        assert!(!sees(40, &one, Some(39)), "a step of ours took it");
        assert!(!sees(50, &both, None));
        assert!(!sees(98, &one, None), "so it may still be what the step took");
        assert!(!sees(98, &both, None));
        assert!(sees(99, &none, None), "long after the step");
    }

    #[test]
    fn a_service_control_policy_that_is_at_fewer_targets_is_doubted_too() {
        let mut state = State::default();
        state.facts.own_policies = Some(BTreeMap::new());
        for (attachments, expected) in [(2, false), (2, false), (1, true)] {
            let before = state.in_force_of(&Key::Organization);
            state.facts.control_attachments = attachments;
            let at = (Duration::ZERO, Duration::ZERO);
            let is_doubtful = state.is_doubtful(&Key::Organization, &before, at, &TIMING);
            assert_eq!(is_doubtful, expected, "{attachments}");
        }
        assert!(!state.is_in_doubt(), "nobody is to read it again");
        state.unpassed.insert(Key::Organization);
        assert!(state.is_in_doubt());
    }
}

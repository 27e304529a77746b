//! Keeps what slots show of another live controller; what follows from it is decided by
//! [`plan::stand_back`].

use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use super::key::Key;
use super::observe::Observed;
use super::state::State;
use crate::model::Read;
use crate::plan::{self, Ourselves, Plan, Rival, Step};

impl State {
    /// Notes that a slot or a policy is about to be written by us: even if AWS's answer is lost.
    pub(super) fn note_attempt(&mut self, step: &Step, now: Duration) {
        if let Step::PutEnforced { cell, .. } = step {
            self.written.insert(cell.clone());
            self.facts.slots_written.insert(cell.clone(), now);
        }
        if step.changes_a_policy() {
            self.facts.policies_written = Some(now);
        }
    }

    /// Looks whether what was read shows another controller. Only in cells that a manifest of ours
    /// claims: elsewhere another installation may well be at work.
    pub(super) fn note_rival(&mut self, key: &Key, observed: &Observed, us: &Ourselves) {
        let (Key::Cell(cell), Observed::Cell(read)) = (key, observed) else { return };
        let (Read::Known(live), true) = (&read.enforcement, self.desired.cells.contains_key(cell))
        else {
            return;
        };
        let Some(rival) = Rival::of(cell, live, self.written.contains(cell), us) else { return };
        if self.rival.as_ref().is_none_or(|it| it.session != rival.session) {
            warn!(session = rival.session, "{rival}; nothing is taken away meanwhile");
        }
        if self.rival.as_ref().is_none_or(|it| it.at < rival.at) {
            self.rival = Some(rival);
        }
    }

    /// The plan without what takes away, while there is another controller. The organization's says
    /// so even if nothing waits.
    pub(super) fn stand_back(&mut self, key: &Key, plan: Plan, wall: Timestamp) -> Plan {
        let Some(rival) = &self.rival else { return plan };
        let Some(left) = rival.counts_for(wall.as_second()) else {
            info!(session = rival.session, "the other controller has not written for an hour");
            self.rival = None;
            return plan;
        };
        let mut plan = plan::stand_back(plan, rival, left);
        if *key == Key::Organization && !plan.held.iter().any(|it| *it == rival.held(left)) {
            plan.held.push(rival.held(left));
        }
        plan
    }
}

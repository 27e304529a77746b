//! Visits of the invocation logging of one cell, and what is kept of them.

use super::engine::Engine;
use super::state::State;
use crate::model::{AccountState, Cell, Desired, LoggingConfig, Presence, Read};
use crate::plan::{self, Plan};

impl Engine {
    /// Plans the invocation logging of a cell.
    pub(super) fn plan_logging(
        &self,
        state: &mut State,
        cell: &Cell,
        read: &Read<LoggingConfig>,
    ) -> Plan {
        let State { desired, facts, rollouts, logging, left_logging, .. } = state;
        if let Some(wanted) = desired.logging.get(cell) {
            let context = self.context(desired, facts, rollouts);
            let memory = logging.entry(cell.clone()).or_default();
            return plan::plan_logging(cell, wanted, read, memory, &context);
        }
        left_logging
            .get(cell)
            .map(|left| plan::plan_left_logging(cell, left, read))
            .unwrap_or_default()
    }
}

impl State {
    /// Keeps, for the report, the cells that were logged as a manifest asked and that none claims in
    /// `next`. Only this process knows of them: AWS keeps no mark.
    pub(super) fn leave_logging(&mut self, next: &Desired) {
        for (cell, before) in &self.desired.logging {
            let is_in_force = self.logging.get(cell).is_some_and(plan::LoggingMemory::is_in_force);
            if is_in_force && before.state == Presence::Present {
                self.left_logging.insert(cell.clone(), before.clone());
            }
        }
        let accounts = self.facts.fleet.as_ref().map(|fleet| &fleet.accounts);
        let is_active = |cell: &Cell| {
            let account = accounts.and_then(|accounts| accounts.get(&cell.account));
            account.is_some_and(|account| account.state == AccountState::Active)
        };
        self.left_logging.retain(|cell, _| !next.logging.contains_key(cell) && is_active(cell));
        let left = &self.left_logging;
        self.logging.retain(|cell, _| next.logging.contains_key(cell) || left.contains_key(cell));
    }
}

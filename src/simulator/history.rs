//! What was called, and the worlds of the recent past.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Answer, Call, Millis};
use super::world::World;

/// Calls kept for the log.
const LOG_MAX: usize = 10_000;

/// Worlds kept for stale reads. A write adds one, so this is the last so many writes.
const WORLDS_MAX: usize = 32;

/// Counts by operation and a log of the last calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    total: u64,
    by_operation: BTreeMap<String, u64>,
    log: VecDeque<LoggedCall>,
}

/// One line of the log.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LoggedCall {
    at: Millis,
    operation: String,
    account: String,
    region: String,
    is_controller: bool,
    /// The exception code; absent for a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl Calls {
    /// Counts and logs one answered call.
    pub(super) fn record(&mut self, call: &Call, answer: &Answer) {
        self.total += 1;
        *self.by_operation.entry(call.name()).or_default() += 1;
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(LoggedCall {
            at: call.at,
            operation: call.name(),
            account: call.caller.account.clone(),
            region: call.region.clone(),
            is_controller: call.is_controller,
            code: answer.as_ref().err().map(|failure| failure.code.clone()),
        });
    }

    /// Counts a call that is no operation on the world.
    pub(super) fn count(&mut self, operation: String) {
        self.total += 1;
        *self.by_operation.entry(operation).or_default() += 1;
    }

    /// `{"total", "byOperation"}`.
    pub(super) fn counts(&self) -> Value {
        json!({"total": self.total, "byOperation": self.by_operation})
    }

    /// `{"calls": […]}`, oldest first.
    pub(super) fn log(&self) -> Value {
        json!({"calls": self.log})
    }
}

/// The worlds before the last writes.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// When a world ended, and what it was until then.
    worlds: VecDeque<(Millis, Arc<World>)>,
}

impl Past {
    /// Keeps the world a write at `at` is about to change.
    pub(super) fn keep(&mut self, at: Millis, world: Arc<World>) {
        if self.worlds.len() == WORLDS_MAX {
            self.worlds.pop_front();
        }
        self.worlds.push_back((at, world));
    }

    /// The world as it was at `at`; `None` when that is the present one. Beyond memory: the
    /// oldest one kept.
    pub(super) fn at(&self, at: Millis) -> Option<&World> {
        self.worlds.iter().find(|(ended, _)| *ended > at).map(|(_, world)| world.as_ref())
    }
}

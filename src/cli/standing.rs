//! Where everything stands, with what only the composition root knows.

use std::sync::Arc;

use super::alerts::Roster;
use super::controller::{Controller, Origin};
use super::heartbeat::Signs;
use crate::reconcile::Engine;
use crate::status::Snapshot;
use crate::status::alerts::ReceiverStatus;

/// Takes snapshots.
pub(super) struct Standing {
    engine: Arc<Engine>,
    origin: Box<dyn Fn() -> Option<Origin> + Send + Sync>,
    unusable: Box<dyn Fn() -> Option<String> + Send + Sync>,
    receivers: Roster,
    signs: Arc<Signs>,
}

impl Standing {
    pub(super) fn new(controller: &Controller, receivers: Roster) -> Self {
        Self {
            engine: Arc::clone(&controller.engine),
            origin: Box::new(controller.origin_now()),
            unusable: Box::new(controller.unusable_now()),
            receivers,
            signs: Arc::clone(&controller.signs),
        }
    }

    /// The engine's, and beside it: what became of the manifests, whether everything is read, and
    /// whether alerts arrive.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.beside(self.engine.snapshot())
    }

    /// As much of it as its text shows.
    pub(super) fn brief_snapshot(&self) -> Snapshot {
        self.beside(self.engine.brief_snapshot())
    }

    fn beside(&self, mut snapshot: Snapshot) -> Snapshot {
        snapshot.manifests_broken = (self.unusable)().is_some();
        snapshot.last_complete_resync = self.signs.last_complete_resync();
        snapshot.alerts = self.receivers.statuses();
        snapshot.notices.extend(self.notices());
        snapshot
    }

    /// What must be known and the engine does not know.
    pub(super) fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if (self.origin)() == Some(Origin::LastGood) {
            let notice = "the manifests were not usable at the start; in force is the last good \
                          generation, from the cache";
            notices.push(notice.to_owned());
        }
        notices.extend((self.unusable)().map(|why| format!("ManifestsUnusable: {why}")));
        let receivers = self.receivers.statuses();
        notices.extend(receivers.iter().filter_map(ReceiverStatus::notice));
        notices
    }
}

//! Where everything stands, with what only the composition root knows.

use std::sync::Arc;

use super::alerts::Roster;
use super::controller::{Controller, Origin};
use crate::reconcile::Engine;
use crate::status::Snapshot;
use crate::status::alerts::ReceiverStatus;

/// Takes snapshots.
pub(super) struct Standing {
    engine: Arc<Engine>,
    origin: Box<dyn Fn() -> Option<Origin> + Send + Sync>,
    unusable: Box<dyn Fn() -> Option<String> + Send + Sync>,
    receivers: Roster,
}

impl Standing {
    pub(super) fn new(controller: &Controller, receivers: Roster) -> Self {
        Self {
            engine: Arc::clone(&controller.engine),
            origin: Box::new(controller.origin_now()),
            unusable: Box::new(controller.unusable_now()),
            receivers,
        }
    }

    /// The engine's, and beside it: what became of the manifests, and whether alerts arrive.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.engine.snapshot();
        if (self.origin)() == Some(Origin::LastGood) {
            let notice = "the manifests were not usable at the start; in force is the last good \
                          generation, from the cache";
            snapshot.notices.push(notice.to_owned());
        }
        if let Some(why) = (self.unusable)() {
            snapshot.notices.push(format!("ManifestsUnusable: {why}"));
        }
        snapshot.alerts = self.receivers.statuses();
        snapshot.notices.extend(snapshot.alerts.iter().filter_map(ReceiverStatus::notice));
        snapshot
    }
}

//! What `bedrail run` answers over HTTP while it works.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tracing::{error, info};

use super::controller::{Controller, Origin};
use crate::reconcile::Key;
use crate::runtime::{BOUNDS_S, Queue, Times};
use crate::serve::{Admission, Feed, Health, Histogram, Work, bind, serve};

/// A visit may take as long as many calls do, one after another.
const PATIENCE_MIN: Duration = Duration::from_mins(5);

/// Resyncs in which no visit ends, after which the loop counts as stuck.
const RESYNCS: u32 = 3;

/// Where it is served.
#[derive(Clone, Debug, Args)]
pub(super) struct Serving {
    /// Where to serve /healthz, /readyz, /metrics and /api/v1/status. Loopback, unless
    /// --listen-any.
    #[arg(
        long,
        env = "BEDRAIL_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8787"
    )]
    listen: SocketAddr,
    /// Take an address beyond loopback for --listen. Needs BEDRAIL_LISTEN_TOKEN.
    #[arg(long, env = "BEDRAIL_LISTEN_ANY")]
    listen_any: bool,
    /// Answer only who sends `Authorization: Bearer TOKEN`; probes of health need none.
    #[arg(long, env = "BEDRAIL_LISTEN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    listen_token: Option<String>,
}

impl Serving {
    /// Serves until the controller stops. An address that is taken, or not ours, is said and does
    /// not keep anything from being protected.
    pub(super) async fn serve(&self, controller: &Controller, feed: Feed) {
        let admission = Admission::new(self.listen_any, self.listen_token.as_deref());
        let listener = match bind(self.listen, &admission).await {
            Ok(listener) => listener,
            Err(error) => {
                error!(address = %self.listen, %error, "nothing is served: status, metrics and health are only in this log");
                return;
            }
        };
        if let Ok(address) = listener.local_addr() {
            info!(%address, "serving status, metrics and health");
        }
        if let Err(error) = serve(listener, feed, admission, controller.stop.clone()).await {
            error!(%error, "nothing is served any more");
        }
    }
}

/// What is told of a running controller.
pub(super) fn feed(controller: &Controller, resync: Duration) -> Feed {
    let engine = || Arc::clone(&controller.engine);
    let (of_snapshot, of_tally, of_health) = (engine(), engine(), engine());
    let (queue, clock) = (controller.queue.clone(), controller.clock.clone());
    let started = clock.wall();
    let patience = (resync * RESYNCS).max(PATIENCE_MIN);
    let is_last_good = controller.origin_now();
    let signs = Arc::clone(&controller.signs);
    Feed {
        snapshot: Arc::new(move || {
            let mut snapshot = of_snapshot.snapshot();
            signs.add_to(&mut snapshot);
            if is_last_good() == Some(Origin::LastGood) {
                let notice = "the manifests were not usable at the start; in force is the last \
                              good generation, from the cache";
                snapshot.notices.push(notice.to_owned());
            }
            snapshot
        }),
        tally: Arc::new(move || of_tally.tally()),
        work: Arc::new(move || work(&queue)),
        health: Arc::new(move || {
            Health::judge(clock.wall(), started, of_health.tally().last_visit, patience)
        }),
    }
}

fn work(queue: &Queue<Key>) -> Work {
    let (counts, meter) = (queue.counts(), queue.meter());
    let histogram = |times: &Times| Histogram::of(&BOUNDS_S, &times.counts, times.sum_s);
    Work {
        ready: counts.ready,
        running: counts.running,
        delayed: counts.delayed,
        limit: queue.limit(),
        adds: meter.adds,
        retries: meter.retries,
        waited: histogram(&meter.waited),
        worked: histogram(&meter.worked),
        unfinished: meter.unfinished,
        longest: meter.longest,
    }
}

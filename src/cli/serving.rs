//! What `bedrail run` answers over HTTP while it works.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tracing::{error, info};

use super::controller::Controller;
use super::standing::Standing;
use crate::serve::{Admission, Depth, Feed, Health, bind, serve};

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
    pub(super) async fn serve(
        &self,
        controller: &Controller,
        standing: Arc<Standing>,
        resync: Duration,
    ) {
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
        let feed = feed(controller, standing, resync);
        if let Err(error) = serve(listener, feed, admission, controller.stop.clone()).await {
            error!(%error, "nothing is served any more");
        }
    }
}

fn feed(controller: &Controller, standing: Arc<Standing>, resync: Duration) -> Feed {
    let engine = || Arc::clone(&controller.engine);
    let (of_tally, of_health) = (engine(), engine());
    let (queue, clock) = (controller.queue.clone(), controller.clock.clone());
    let started = clock.wall();
    let patience = (resync * RESYNCS).max(PATIENCE_MIN);
    Feed {
        snapshot: Arc::new(move || standing.snapshot()),
        tally: Arc::new(move || of_tally.tally()),
        depth: Arc::new(move || {
            let counts = queue.counts();
            Depth { ready: counts.ready, running: counts.running, delayed: counts.delayed }
        }),
        health: Arc::new(move || {
            Health::judge(clock.wall(), started, of_health.tally().last_visit, patience)
        }),
    }
}

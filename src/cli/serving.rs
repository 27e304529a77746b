//! What `bedrail run` answers over HTTP while it works.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{error, info};

use super::controller::Controller;
use super::standing::Standing;
use crate::reconcile::{Engine, Key};
use crate::runtime::{BOUNDS_S, Clock, Queue, Times};
use crate::serve::{Admission, Beat, Feed, Health, Histogram, Work, bind, serve};
use crate::status::Overview;

/// A visit may take as long as many calls do, one after another.
const PATIENCE_MIN: Duration = Duration::from_mins(5);

/// Resyncs in which no visit ends, after which the loop counts as stuck.
const RESYNCS: u32 = 3;

/// How often it is looked whether open pages have something new to show.
const LOOKED_EVERY: Duration = Duration::from_millis(500);

/// A look at a large organization takes its time; this many times as long is left to other work.
const LOOK_SHARE: u32 = 20;

/// How often pages are told that they are up to date, if nothing changes.
const BEAT_EVERY: Duration = Duration::from_secs(5);

/// Where it is served.
#[derive(Clone, Debug, Args)]
pub(super) struct Serving {
    /// Where to serve the page, /healthz, /readyz, /metrics and /api/v1/status. Loopback, unless
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
    /// Answer only who sends `Authorization: Bearer TOKEN`, or opened the page with `/?token=TOKEN`;
    /// probes of health need none.
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
        serve_on(listener, admission, controller, standing, resync).await;
    }
}

/// Serves on a listener until the controller stops.
pub(super) async fn serve_on(
    listener: TcpListener,
    admission: Admission,
    controller: &Controller,
    standing: Arc<Standing>,
    resync: Duration,
) {
    let clock = controller.clock.clone();
    // Pages that stay open over a restart must not take its first overview for one they have.
    let revision = u64::try_from(clock.wall().as_millisecond()).unwrap_or_default();
    let (beats, receiver) = watch::channel(Beat { revision, at: clock.wall() });
    let feed = feed(controller, standing, resync, receiver);
    let engine = Arc::clone(&controller.engine);
    let served = serve(listener, feed, admission, controller.stop.clone());
    tokio::select! {
        served = served => {
            if let Err(error) = served {
                error!(%error, "nothing is served any more");
            }
        }
        () = beat(&engine, &clock, &beats) => {}
    }
}

/// Tells open pages when the overview has changed, and every few seconds that it has not. Looks
/// only while some page is open. Never ends.
async fn beat(engine: &Engine, clock: &Clock, beats: &watch::Sender<Beat>) {
    // One receiver is there to make others of.
    const NOBODY: usize = 1;
    let mut shown: Option<Overview> = None;
    let mut wait = LOOKED_EVERY;
    loop {
        clock.sleep(wait).await;
        if beats.receiver_count() <= NOBODY {
            continue;
        }
        let began = clock.now();
        let now = lasting(engine.overview());
        let at = clock.wall();
        let Beat { revision, at: said } = *beats.borrow();
        let is_silent = at.duration_since(said).unsigned_abs() >= BEAT_EVERY;
        if shown.as_ref() != Some(&now) {
            shown = Some(now);
            beats.send_replace(Beat { revision: revision + 1, at });
        } else if is_silent {
            beats.send_replace(Beat { revision, at });
        }
        let took = clock.now().saturating_sub(began);
        wait = LOOKED_EVERY.max(took * LOOK_SHARE);
    }
}

/// The overview without what changes by itself.
fn lasting(overview: Overview) -> Overview {
    Overview { at: Timestamp::UNIX_EPOCH, oldest_read: None, ..overview }
}

fn feed(
    controller: &Controller,
    standing: Arc<Standing>,
    resync: Duration,
    beats: watch::Receiver<Beat>,
) -> Feed {
    let engine = || Arc::clone(&controller.engine);
    let (of_tally, of_health) = (engine(), engine());
    let (of_overview, of_cell) = (engine(), engine());
    let (queue, clock) = (controller.queue.clone(), controller.clock.clone());
    let started = clock.wall();
    let patience = (resync * RESYNCS).max(PATIENCE_MIN);
    let (of_page, of_brief) = (Arc::clone(&standing), Arc::clone(&standing));
    Feed {
        brief: Arc::new(move || of_brief.brief_snapshot()),
        snapshot: Arc::new(move || standing.snapshot()),
        overview: Arc::new(move || {
            let mut overview = of_overview.overview();
            overview.notices.extend(of_page.notices());
            overview.judged()
        }),
        cell: Arc::new(move |account, region| of_cell.cell_detail(account, region)),
        beats,
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

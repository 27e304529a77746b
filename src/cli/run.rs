//! `bedrail run`: reconciles for ever.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tracing::{error, info, warn};

use super::alerts::{AlertArguments, Outbox};
use super::audit::{self, AuditPace};
use super::controller::{Controller, Origin, Rounds};
use super::emission::Emission;
use super::exit::Exit;
use super::follow::{Sources, follow};
use super::heartbeat::{HeartbeatArguments, beat};
use super::journal::{JournalArguments, fallback_to_stdout};
use super::last_good::LastGood;
use super::serving::Serving;
use super::settings::{Common, Installation, ManifestPaths, duration};
use super::standing::Standing;
use super::systemd;
use crate::model::AccountState;
use crate::runtime::Shutdown;
use crate::status::Summary;

/// Flags of `run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Watches the manifests, converges, and corrects drift until it is told to stop.
Broken manifests never replace good ones: the last good generation stays in force, and the log
says what is wrong and where.

SIGTERM or Ctrl-C: no new write starts, those in flight finish. A second one: at once.

Example:
  bedrail run -f /etc/bedrail --resync 5m --log-format json"
)]
pub(super) struct RunArguments {
    #[command(flatten)]
    paths: ManifestPaths,
    #[command(flatten)]
    installation: Installation,
    #[command(flatten)]
    pace: Pace,
    /// Folder in which the last good generation is kept, to start on when the manifests are broken
    /// at start; a mere cache. Default: none, and a start on broken manifests only observes.
    #[arg(long, env = "BEDRAIL_STATE_DIR", value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
    #[command(flatten)]
    audit: AuditPace,
    #[command(flatten)]
    journal: JournalArguments,
    #[cfg(feature = "sqs")]
    #[command(flatten)]
    events: super::events::EventsArguments,
    #[command(flatten)]
    serving: Serving,
    #[command(flatten)]
    emission: Emission,
    #[command(flatten)]
    heartbeat: HeartbeatArguments,
    #[command(flatten)]
    alerts: AlertArguments,
    /// How long calls in flight may take to end after SIGTERM or Ctrl-C.
    #[arg(long, env = "BEDRAIL_GRACE", value_parser = duration, default_value = "25s")]
    grace: Duration,
}

/// How often things are looked at.
#[derive(Clone, Debug, Args)]
pub(super) struct Pace {
    /// How often everything is read again; each key at its own moment in the interval.
    #[arg(long, env = "BEDRAIL_RESYNC", value_parser = duration, default_value = "5m")]
    pub(super) resync: Duration,
    /// How often the organization is read again, if that is more often: new accounts and what is
    /// attached. Never more often than four times as long as it takes.
    #[arg(
        long,
        env = "BEDRAIL_RESYNC_ORGANIZATION",
        value_name = "DURATION",
        value_parser = duration,
        default_value = "1m"
    )]
    pub(super) resync_organization: Duration,
    /// The first visit begins at a random moment within this time, so that installations that are
    /// started together do not all call at once.
    #[arg(long, env = "BEDRAIL_START_JITTER", value_parser = duration, default_value = "1s")]
    pub(super) start_jitter: Duration,
    /// How long the manifests must be quiet before they are read.
    #[arg(long, env = "BEDRAIL_SETTLE_FILES", value_parser = duration, default_value = "300ms")]
    pub(super) settle_files: Duration,
    /// How often the manifests are read even if nothing reported a change.
    #[arg(long, env = "BEDRAIL_POLL_FILES", value_parser = duration, default_value = "30s")]
    pub(super) poll_files: Duration,
}

impl Pace {
    fn rounds(&self) -> Rounds {
        Rounds { resync: self.resync, organization: self.resync_organization }
    }
}

/// Reconciles until a signal.
pub(super) async fn run(common: &Common, arguments: RunArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=info");
    let RunArguments {
        paths,
        installation,
        pace,
        state_dir,
        audit,
        journal,
        #[cfg(feature = "sqs")]
        events,
        serving,
        emission,
        heartbeat,
        alerts,
        grace,
    } = arguments;
    // A receiver that cannot be must be said before anything else is done.
    let receivers = alerts.receivers()?;
    let sources = Sources { paths: paths.manifests, last_good: state_dir.map(LastGood::new) };
    let controller = Controller::connect_to_run(&installation).await?;
    let controller = controller.stopping_within(grace).starting_within(pace.start_jitter);
    journal.begin(&controller, &installation, fallback_to_stdout()).await?;
    let origin = format!("bedrail-{}, owner {}", installation.instance, installation.owner);
    let outbox = Outbox::open(receivers, controller.engine.edge(), &controller.clock, &origin);
    let standing = Arc::new(Standing::new(&controller, outbox.roster()));
    #[cfg(feature = "sqs")]
    let events = events.follow(&controller);
    #[cfg(not(feature = "sqs"))]
    let events = std::future::pending::<()>();
    let shutdown = Shutdown::on_signals()?;
    systemd::ready();
    let stop = async {
        shutdown.graceful.cancelled().await;
        systemd::stopping();
        controller.stop.cancel();
    };
    let at_once = async {
        shutdown.at_once.cancelled().await;
        warn!("stopping at once");
    };
    let work = async {
        tokio::select! {
            () = Box::pin(reconcile(&controller, &sources, &pace)) => {}
            () = audit::audit(&controller, &audit) => {}
            () = events => {}
            () = served(&controller, &standing, &serving, pace.resync) => {}
            () = emission.write(&controller, &standing, installation.owner.as_str()) => {}
            () = beat(&controller, &heartbeat, pace.resync) => {}
            () = controller.tell_progress() => {}
            () = Box::pin(outbox.watch(&controller, &standing, &alerts)) => {}
        }
    };
    tokio::select! {
        () = async { tokio::join!(work, stop); } => Ok(Exit::Done),
        () = at_once => Ok(Exit::Error),
    }
}

/// Serves; never ends by itself, whatever becomes of the listener.
async fn served(
    controller: &Controller,
    standing: &Arc<Standing>,
    serving: &Serving,
    resync: Duration,
) {
    serving.serve(controller, Arc::clone(standing), resync).await;
    std::future::pending::<()>().await;
}

/// Works, follows the manifests and resyncs, until the controller's stop token fires.
pub(super) async fn reconcile(controller: &Controller, sources: &Sources, pace: &Pace) {
    let stopped = controller.stop.cancelled();
    let feed = async {
        tokio::select! {
            () = stopped => {}
            () = follow(controller, sources, pace) => {}
            () = controller.resync(pace.rounds()) => {}
        }
    };
    tokio::join!(controller.work(), feed);
}

/// One line per resync: silence must not be the sign that all is well.
pub(super) fn say_where_things_stand(controller: &Controller) {
    match controller.origin() {
        Some(Origin::Files) => {}
        Some(Origin::LastGood) => error!(
            "the manifests were not usable at the start; in force is the last good generation, \
             from the cache"
        ),
        None => error!("not ready: no usable manifests; only observing, nothing is written"),
    }
    let Summary { keys, ready, held, refused, failed, orphans, unprotected, unlogged, .. } =
        controller.engine.summary();
    let calls: u64 = controller.engine.calls().values().sum();
    let fleet = controller.engine.fleet();
    let accounts = fleet.iter().flat_map(|fleet| fleet.accounts.values());
    let not_active = accounts.filter(|account| account.state != AccountState::Active).count();
    info!(
        generation = controller.generation(),
        keys,
        in_sync = ready,
        held,
        refused,
        failed,
        orphans,
        unprotected,
        unlogged,
        not_active,
        calls,
        "resync"
    );
}

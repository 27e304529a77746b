//! The set of the demo: simulator, controller, and a foreign administrator's credentials.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::aws::{APPLICATION, Aws, Rates, Settings};
use crate::cli::alerts::Roster;
use crate::cli::audit::{AuditPace, audit};
use crate::cli::controller::{Controller, Pulse};
use crate::cli::follow::Sources;
use crate::cli::journal;
use crate::cli::run::{Pace, reconcile};
use crate::cli::serving::serve_on;
use crate::cli::standing::Standing;
use crate::model::{ControlLimits, OwnerId};
use crate::plan::Timing;
use crate::reconcile::{EngineSettings, Intent};
use crate::serve::Admission;
use crate::simulator::{Clock, Scenario, Simulator, serve};
use crate::status::journal::JournalSettings;

/// The organization, compiled in so that an installed binary has it too.
const ORGANIZATION: &str = include_str!("../../../manifests/simulator/demo-organization.yaml");

/// The manifests, likewise.
const MANIFESTS: [(&str, &str); 4] = [
    ("baseline.yaml", include_str!("../../../manifests/demo/baseline.yaml")),
    ("enforcement.yaml", include_str!("../../../manifests/demo/enforcement.yaml")),
    ("observing.yaml", include_str!("../../../manifests/demo/observing.yaml")),
    ("strict.yaml", include_str!("../../../manifests/demo/strict.yaml")),
];

/// Short, so that a person can watch drift being put right.
pub(super) const RESYNC: Duration = Duration::from_secs(3);

/// How often what no manifest names is looked at: as soon as a person looks at the page.
const AUDITED_EVERY: Duration = Duration::from_secs(10);

/// Where the page is, if nobody says otherwise.
const PAGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// A journal that no demo outgrows.
const JOURNAL_MAX: u64 = 1 << 30;

/// Calls in flight at once.
const IN_FLIGHT: usize = 32;

/// Everything the scenes need.
pub(super) struct Set {
    pub(super) simulator: Arc<Simulator>,
    pub(super) controller: Arc<Controller>,
    /// Somebody with the administrator role of every account, in a console.
    pub(super) stranger: Aws,
    url: String,
    page: SocketAddr,
    manifests: PathBuf,
    /// Kept while the demo runs; removed with it.
    folder: PathBuf,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Set {
    /// Starts the simulator and the controller, which serves its page on `page`.
    pub(super) async fn build(
        manifests: Option<PathBuf>,
        page: TcpListener,
    ) -> anyhow::Result<Self> {
        let scenario: Scenario =
            serde_yaml::from_str(ORGANIZATION).context("failed to read the demo's organization")?;
        let simulator =
            Arc::new(Simulator::new(&scenario, 1, Duration::from_millis(5), Clock::system())?);
        let listener = TcpListener::bind("127.0.0.1:0").await.context("failed to listen")?;
        let url = format!("http://{}", listener.local_addr()?);
        let stop = CancellationToken::new();
        let server = tokio::spawn({
            let (simulator, stop) = (Arc::clone(&simulator), stop.clone());
            async move {
                if let Err(error) = serve(simulator, listener, stop).await {
                    tracing::error!(%error, "the simulator stopped");
                }
            }
        });

        let folder = make_folder()?;
        let manifests = place_manifests(manifests, &folder)?;
        let aws = Aws::connect_local(settings(APPLICATION, "BedrailMember"), &url).await?;
        let controller = Arc::new(Controller::new(aws, engine()?, Pulse::system(IN_FLIGHT)));
        keep_journal(&controller, &folder).await?;
        let page_at = page.local_addr()?;
        let reconciler = tokio::spawn(run(Arc::clone(&controller), manifests.clone(), page));
        let stranger =
            Aws::connect_local(settings("console", "OrganizationAccountAccessRole"), &url).await?;
        let tasks = vec![server, reconciler];
        Ok(Self {
            simulator,
            controller,
            stranger,
            url,
            page: page_at,
            manifests,
            folder,
            stop,
            tasks,
        })
    }

    /// Says what there is to see, and where.
    pub(super) fn introduce(&self) {
        anstream::println!(
            "A simulated organization: management, Security, Workloads/Prod, Workloads/Dev, Sandbox;\n\
             a dozen member accounts, one of them suspended. The controller watches {}.\n\
             Its page: http://{}/\n",
            self.manifests.display(),
            self.page
        );
    }

    /// Says how to look, and how to play on.
    pub(super) fn invite(&self) {
        anstream::println!(
            "\nIt stays up until Ctrl-C. Look:\n\
             \x20 http://{page}/ in a browser\n\
             \x20 bedrail status --server http://{page}\n\
             \x20 bedrail journal --journal {journal}\n\
             Edit {manifests} and watch, or break something yourself:\n\
             \x20 export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n\
             \x20 export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo\n\
             \x20 aws organizations list-policies --filter BEDROCK_POLICY\n\
             \x20 aws organizations detach-policy --policy-id p-… --target-id ou-demo-workload\n\
             \x20 aws bedrock list-guardrails\n\
             \x20 curl -s $AWS_ENDPOINT_URL/_simulator/world",
            page = self.page,
            journal = journal_in(&self.folder).display(),
            manifests = self.manifests.display(),
            url = self.url
        );
    }

    /// Stops everything.
    pub(super) async fn strike(self) {
        self.controller.stop.cancel();
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the demo ended badly");
            }
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "left {} behind", self.folder.display());
        }
    }
}

/// Listens where the page is to be. One that is taken matters only if it was asked for.
pub(super) async fn listen(
    asked: Option<SocketAddr>,
    is_short: bool,
) -> anyhow::Result<TcpListener> {
    let any = SocketAddr::new(PAGE.ip(), 0);
    if let Some(address) = asked {
        anyhow::ensure!(address.ip().is_loopback(), "{address} is not loopback");
        let listener = TcpListener::bind(address).await;
        return listener.with_context(|| format!("failed to listen on {address}"));
    }
    if !is_short && let Ok(listener) = TcpListener::bind(PAGE).await {
        return Ok(listener);
    }
    TcpListener::bind(any).await.context("failed to listen")
}

/// Everything that `bedrail run` does.
async fn run(controller: Arc<Controller>, manifests: PathBuf, listener: TcpListener) {
    let pace = Pace {
        resync: RESYNC,
        resync_organization: RESYNC,
        start_jitter: Duration::ZERO,
        settle_files: Duration::from_millis(300),
        poll_files: Duration::from_secs(5),
    };
    let sources = Sources { paths: vec![manifests], last_good: None };
    let standing = Arc::new(Standing::new(&controller, Roster::default()));
    let served = async {
        serve_on(listener, Admission::default(), &controller, standing, RESYNC).await;
        std::future::pending::<()>().await;
    };
    let audited = AuditPace::every(AUDITED_EVERY);
    tokio::select! {
        () = reconcile(&controller, &sources, &pace) => {}
        () = audit(&controller, &audited) => {}
        () = served => {}
    }
}

fn journal_in(folder: &Path) -> PathBuf {
    folder.join("journal.jsonl")
}

async fn keep_journal(controller: &Controller, folder: &Path) -> anyhow::Result<()> {
    let settings =
        JournalSettings { path: journal_in(folder), segment_max: JOURNAL_MAX, kept: JOURNAL_MAX };
    let fallback = journal::fallback_to_stderr();
    journal::keep(controller, settings, ("demo".to_owned(), "demo"), fallback).await
}

fn settings(application: &'static str, role: &str) -> Settings {
    Settings {
        application,
        member_role: role.to_owned(),
        instance: "demo".to_owned(),
        max_in_flight: IN_FLIGHT,
        rates: Rates::Unlimited,
        ..Settings::default()
    }
}

fn engine() -> anyhow::Result<EngineSettings> {
    let owner: OwnerId = "demo".parse()?;
    let timing = Timing {
        confirm_after: Duration::from_millis(500),
        own_write_grace: Duration::from_secs(5),
    };
    Ok(EngineSettings {
        owner,
        timing,
        intent: Intent::Converge,
        settle: Duration::from_millis(200),
        act_within: Duration::from_mins(1),
        visit_deadline: Duration::from_mins(10),
        controls: ControlLimits::default(),
        sweep: RESYNC,
        read_back: RESYNC,
        repeats_tests: true,
    })
}

/// A folder of this demo's own.
fn make_folder() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("bedrail-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to make {}", folder.display()))?;
    Ok(folder)
}

/// The manifests to watch: those given, the repository's, or a copy of what is compiled in.
fn place_manifests(given: Option<PathBuf>, folder: &Path) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given);
    }
    let here = Path::new("manifests/demo");
    if here.is_dir() {
        return Ok(here.to_owned());
    }
    let made = folder.join("manifests");
    std::fs::create_dir_all(&made).with_context(|| format!("failed to make {}", made.display()))?;
    for (name, text) in MANIFESTS {
        std::fs::write(made.join(name), text)?;
    }
    Ok(made)
}

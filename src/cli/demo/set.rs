//! The set of the demo: simulator, controller, and a foreign administrator's credentials.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::aws::{APPLICATION, Aws, Rates, Settings};
use crate::cli::controller::{Controller, Pulse};
use crate::cli::follow::Sources;
use crate::cli::run::{Pace, reconcile};
use crate::model::{ControlLimits, OwnerId};
use crate::plan::Timing;
use crate::reconcile::{EngineSettings, Intent};
use crate::simulator::{Clock, Scenario, Simulator, serve};

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

/// Calls in flight at once.
const IN_FLIGHT: usize = 32;

/// Everything the scenes need.
pub(super) struct Set {
    pub(super) simulator: Arc<Simulator>,
    pub(super) controller: Arc<Controller>,
    /// Somebody with the administrator role of every account, in a console.
    pub(super) stranger: Aws,
    url: String,
    manifests: PathBuf,
    /// Kept while the demo runs; removed with it.
    made: Option<PathBuf>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Set {
    /// Starts the simulator and the controller.
    pub(super) async fn build(manifests: Option<PathBuf>) -> anyhow::Result<Self> {
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

        let (manifests, made) = place_manifests(manifests)?;
        let aws = Aws::connect_local(settings(APPLICATION, "BedrailMember"), &url).await?;
        let controller = Arc::new(Controller::new(aws, engine()?, Pulse::system(IN_FLIGHT)));
        let reconciler = tokio::spawn({
            let (controller, manifests) = (Arc::clone(&controller), manifests.clone());
            async move {
                let pace = Pace {
                    resync: RESYNC,
                    resync_organization: RESYNC,
                    settle_files: Duration::from_millis(300),
                    poll_files: Duration::from_secs(5),
                };
                let sources = Sources { paths: vec![manifests], last_good: None };
                reconcile(&controller, &sources, &pace).await;
            }
        });
        let stranger =
            Aws::connect_local(settings("console", "OrganizationAccountAccessRole"), &url).await?;
        let tasks = vec![server, reconciler];
        Ok(Self { simulator, controller, stranger, url, manifests, made, stop, tasks })
    }

    /// Says what there is to see.
    pub(super) fn introduce(&self) {
        anstream::println!(
            "A simulated organization: management, Security, Workloads/Prod, Workloads/Dev, Sandbox;\n\
             a dozen member accounts, one of them suspended. The controller watches {}.\n",
            self.manifests.display()
        );
    }

    /// Says how to play on.
    pub(super) fn invite(&self) {
        anstream::println!(
            "\nIt stays up until Ctrl-C. Edit {} and watch, or break something yourself:\n\
             \x20 export AWS_ENDPOINT_URL={} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n\
             \x20 export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo\n\
             \x20 aws bedrock list-guardrails\n\
             \x20 curl -s $AWS_ENDPOINT_URL/_simulator/world",
            self.manifests.display(),
            self.url
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
        if let Some(made) = self.made
            && let Err(error) = std::fs::remove_dir_all(&made)
        {
            tracing::warn!(%error, "left {} behind", made.display());
        }
    }
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
        controls: ControlLimits::default(),
        sweep: RESYNC,
        read_back: RESYNC,
        repeats_tests: true,
    })
}

/// The folder to watch: the one given, the repository's, or a copy of what is compiled in.
fn place_manifests(given: Option<PathBuf>) -> anyhow::Result<(PathBuf, Option<PathBuf>)> {
    if let Some(given) = given {
        return Ok((given, None));
    }
    let here = Path::new("manifests/demo");
    if here.is_dir() {
        return Ok((here.to_owned(), None));
    }
    let made = std::env::temp_dir().join(format!("bedrail-demo-{}", std::process::id()));
    std::fs::create_dir_all(&made).with_context(|| format!("failed to make {}", made.display()))?;
    for (name, text) in MANIFESTS {
        std::fs::write(made.join(name), text)?;
    }
    Ok((made.clone(), Some(made)))
}

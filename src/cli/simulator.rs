//! `bedrail simulator`: a local AWS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;

use super::exit::Exit;
use super::settings::{Common, duration};
use crate::runtime::Shutdown;
use crate::simulator::{Options, Simulator, serve};

/// Flags of `simulator`.
#[derive(Debug, Args)]
#[command(after_help = "Point any AWS client at it:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4599 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  aws bedrock list-guardrails

What happened in it: /_simulator/health, calls, violations, faults, intent, world, switches, clock;
what it answers: /_simulator/operations.

Examples:
  bedrail simulator
  bedrail simulator --accounts 1000 --units 40 --latency 50ms
  bedrail simulator --scenario manifests/simulator/demo-organization.yaml")]
pub(super) struct SimulatorArguments {
    /// Where to listen; loopback only.
    #[arg(long, default_value = "127.0.0.1:4599")]
    listen: SocketAddr,
    /// A scenario file (YAML): units, accounts, roles, policies, switches.
    #[arg(long, conflicts_with_all = ["accounts", "units"])]
    scenario: Option<PathBuf>,
    /// Generate an organization of this many member accounts.
    #[arg(long, default_value_t = 12)]
    accounts: usize,
    /// Spread over this many units.
    #[arg(long, default_value_t = 4)]
    units: usize,
    /// Answer every call this late.
    #[arg(long, value_parser = duration, default_value = "0ms")]
    latency: Duration,
    /// Seed of ids and faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// aws or aws-us-gov.
    #[arg(long, default_value = "aws")]
    partition: String,
}

/// Serves until a signal.
pub(super) async fn simulator(
    common: &Common,
    arguments: SimulatorArguments,
) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=info");
    let SimulatorArguments { listen, scenario, accounts, units, latency, seed, partition } =
        arguments;
    let options = Options { listen, scenario, accounts, units, latency, seed, partition };
    let simulator = Arc::new(Simulator::from_options(&options)?);
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("failed to listen on {listen}; is another simulator running?"))?;
    let shutdown = Shutdown::on_signals()?;
    anstream::eprintln!("simulated AWS at http://{}; Ctrl-C ends it", listener.local_addr()?);
    serve(simulator, listener, shutdown.graceful).await?;
    Ok(Exit::Done)
}

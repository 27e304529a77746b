//! `bedrail demo`: a simulated organization, the controller, and somebody who breaks things.

mod checks;
mod scenes;
mod set;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::settings::Common;
use crate::runtime::Shutdown;
use checks::Checks;
use set::Set;

/// Flags of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "Needs no AWS account and no network. Everything listens on loopback.

Examples:
  bedrail demo            watch, then play with it until Ctrl-C
  bedrail demo --exit     end with 0 when everything was seen to work, 1 otherwise")]
pub(super) struct DemoArguments {
    /// End when the show is over.
    #[arg(long)]
    exit: bool,
    /// Where to serve the page. Default: 127.0.0.1:8787, or any free port if that is taken or with
    /// --exit.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Manifests to run on instead of the demo's own.
    #[arg(short = 'f', long = "manifests", value_name = "PATH")]
    manifests: Option<PathBuf>,
}

/// Plays the demo.
pub(super) async fn demo(common: &Common, arguments: DemoArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let shutdown = Shutdown::on_signals()?;
    let page = set::listen(arguments.listen, arguments.exit).await?;
    let set = Set::build(arguments.manifests, page).await?;
    set.introduce();

    let mut checks = Checks::default();
    let show = scenes::play(&set, &mut checks);
    tokio::select! {
        played = show => played?,
        () = shutdown.graceful.cancelled() => {
            set.strike().await;
            return Ok(Exit::Error);
        }
    }
    checks.print();
    if !arguments.exit {
        set.invite();
        shutdown.graceful.cancelled().await;
    }
    set.strike().await;
    Ok(if checks.all_true() { Exit::Done } else { Exit::Error })
}

//! `bedrail status`: where everything stands.

mod ask;
mod cell;
mod show;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::audit::audit_once;
use super::controller::Controller;
use super::exit::Exit;
use super::manifests::load;
use super::progress;
use super::settings::{Common, Installation, Output, duration};
use crate::model::{AccountId, Region};
use crate::reconcile::Intent;
use crate::runtime::Clock;
use ask::Server;
use show::{Found, Shown, Stream, essence, show};

/// Distance of two looks with `--watch`.
const LOOKED_EVERY: Duration = Duration::from_secs(2);

/// Moves to the top of a terminal and clears what is below.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Failures in a row after which a key is reported instead of tried again.
const FAILURES_MAX: u32 = 4;

/// Flags of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Asks the controller that runs. With -f it looks at AWS itself, once, and
writes nothing: for when no controller runs.

With --watch a terminal is redrawn; elsewhere it is printed again whenever something changed, with
-o json as one document a line.

Exit codes: 0 all is in sync and nobody is unprotected; 1 something needs a person, or nobody could
be asked; 3 what is left waits for time.

Examples:
  bedrail status
  bedrail status sandbox
  bedrail status cell 111122223333 us-east-1
  bedrail status -f manifests
  bedrail status --watch -o json | jq .counts
  bedrail status -o json | jq '.keys[] | select(.phase != \"InSync\")'")]
pub(super) struct StatusArguments {
    #[command(subcommand)]
    command: Option<StatusCommand>,
    /// Only what belongs to this manifest.
    name: Option<String>,
    /// The controller to ask.
    #[arg(
        long,
        global = true,
        env = "BEDRAIL_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8787"
    )]
    server: String,
    /// The token that it asks for.
    #[arg(long, global = true, env = "BEDRAIL_LISTEN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Look at AWS once, for these manifests, instead of asking a controller.
    #[arg(short = 'f', long = "manifests", value_name = "PATH")]
    manifests: Vec<PathBuf>,
    #[command(flatten)]
    installation: Installation,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
    /// Show it again whenever it has changed, until interrupted.
    #[arg(short, long, global = true)]
    watch: bool,
    /// Give up looking at AWS after this long.
    #[arg(long, value_parser = duration, default_value = "15m")]
    wait: Duration,
}

#[derive(Debug, Subcommand)]
enum StatusCommand {
    /// Everything about one account and Region.
    Cell {
        /// The account.
        account: AccountId,
        /// The Region.
        region: Region,
    },
}

/// Asks, prints.
pub(super) async fn status(common: &Common, arguments: StatusArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let Some(found) = look(common, &arguments).await? else {
        return Ok(Exit::UsageOrChanges);
    };
    if arguments.watch {
        return watch(common, &arguments, found).await;
    }
    let Shown { text, exit } = show(&found, &arguments, Stream::One)?;
    anstream::print!("{text}");
    Ok(exit)
}

/// Shows it again and again. A controller that does not answer for a while is waited for.
async fn watch(
    common: &Common,
    arguments: &StatusArguments,
    mut found: Found,
) -> anyhow::Result<Exit> {
    let is_redrawn = arguments.output == Output::Text && std::io::stdout().is_terminal();
    let mut before = None;
    let mut is_lost = false;
    loop {
        let now = essence(&found.snapshot);
        let is_new = before.as_ref() != Some(&now);
        // On a terminal ages are shown as they grow.
        if is_new || is_redrawn {
            let clear = if is_redrawn { CLEAR } else { "" };
            let Shown { text, .. } = show(&found, arguments, Stream::Many)?;
            anstream::print!("{clear}{text}");
            before = Some(now);
        }
        found = loop {
            Clock::system().sleep(LOOKED_EVERY).await;
            match look(common, arguments).await {
                Ok(Some(found)) => break found,
                Ok(None) => return Ok(Exit::UsageOrChanges),
                Err(error) if !is_lost => {
                    is_lost = true;
                    anstream::eprintln!("{error:#}; it is asked again");
                }
                Err(_) => {}
            }
        };
        is_lost = false;
    }
}

async fn look(common: &Common, arguments: &StatusArguments) -> anyhow::Result<Option<Found>> {
    if arguments.manifests.is_empty() {
        return ask(arguments).await.map(Some);
    }
    let Some(manifests) = load(&arguments.manifests).accept() else { return Ok(None) };
    let controller = Controller::connect(&arguments.installation, Intent::Show)
        .await?
        .giving_up_after(FAILURES_MAX);
    controller.accept(manifests);
    tokio::select! {
        // First, so that the queue is not idle before these are in it.
        biased;
        () = audit_once(&controller) => {}
        _ = progress::drive(common, &controller, arguments.wait) => {}
    }
    Ok(Some(Found { snapshot: controller.engine.snapshot(), cell: None }))
}

async fn ask(arguments: &StatusArguments) -> anyhow::Result<Found> {
    let server = Server { url: &arguments.server, token: arguments.token.as_deref() };
    let is_text = arguments.output.form().is_none();
    let is_all = arguments.command.is_none() && arguments.name.is_none();
    let path = if is_text && is_all { "status?brief" } else { "status" };
    let snapshot = server.ask(path).await?;
    let snapshot = snapshot.with_context(|| {
        format!("{} answers, and is no controller that knows its status", arguments.server)
    })?;
    let cell = match &arguments.command {
        Some(StatusCommand::Cell { account, region }) => {
            server.ask(&format!("cells/{account}/{region}")).await?
        }
        None => None,
    };
    Ok(Found { snapshot, cell })
}

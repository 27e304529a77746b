//! `bedrail status`: where everything stands.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::controller::Controller;
use super::exit::Exit;
use super::manifests::load;
use super::progress;
use super::settings::{Common, Installation, Output, duration};
use crate::model::{AccountId, Region};
use crate::reconcile::Intent;
use crate::runtime::Clock;
use crate::status::{KeyStatus, Phase, Snapshot, key_to_text, snapshot_to_text};

/// How long a controller may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The longest answer that is read: a hundred thousand cells with a sentence each.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Distance of two looks with `--watch`.
const LOOKED_EVERY: Duration = Duration::from_secs(2);

/// Failures in a row after which a key is reported instead of tried again.
const FAILURES_MAX: u32 = 4;

/// Flags of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Asks the controller that runs. With -f it looks at AWS itself, once, and
writes nothing: for when no controller runs.

Exit codes: 0 all is in sync and nobody is unprotected; 1 something needs a person, or nobody could
be asked; 3 what is left waits for time.

Examples:
  bedrail status
  bedrail status sandbox
  bedrail status cell 111122223333 us-east-1
  bedrail status -f manifests
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
    #[arg(long)]
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
    let mut shown = String::new();
    loop {
        let Some(snapshot) = look(common, &arguments).await? else {
            return Ok(Exit::UsageOrChanges);
        };
        let (text, exit) = render(&snapshot, &arguments)?;
        if text != shown {
            anstream::print!("{text}");
            shown = text;
        }
        if !arguments.watch {
            return Ok(exit);
        }
        Clock::system().sleep(LOOKED_EVERY).await;
    }
}

async fn look(common: &Common, arguments: &StatusArguments) -> anyhow::Result<Option<Snapshot>> {
    if arguments.manifests.is_empty() {
        return ask(arguments).await.map(Some);
    }
    let Some(manifests) = load(&arguments.manifests).accept() else { return Ok(None) };
    let controller = Controller::connect(&arguments.installation, Intent::Show)
        .await?
        .giving_up_after(FAILURES_MAX);
    controller.accept(manifests);
    progress::drive(common, &controller, arguments.wait).await;
    Ok(Some(controller.engine.snapshot()))
}

async fn ask(arguments: &StatusArguments) -> anyhow::Result<Snapshot> {
    let url = format!("{}/api/v1/status", arguments.server.trim_end_matches('/'));
    let mut request = axum::http::Request::get(&url);
    if let Some(token) = &arguments.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request
        .body(Empty::<bytes::Bytes>::new())
        .with_context(|| format!("{url} is no address of a controller"))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let exchange = async {
        let response = client.request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        if status.is_success() {
            return Ok(serde_json::from_slice(&body)?);
        }
        let said = String::from_utf8_lossy(&body);
        Err(anyhow::anyhow!("it answered {status}: {}", said.trim()))
    };
    let clock = Clock::system();
    let answer = tokio::select! {
        answer = exchange => answer,
        () = clock.sleep(ANSWERS_WITHIN) => Err(anyhow::anyhow!("it did not answer")),
    };
    answer.with_context(|| {
        format!(
            "no controller at {}: is `bedrail run` running there? --server asks another, -f looks \
             at AWS itself",
            arguments.server
        )
    })
}

fn render(snapshot: &Snapshot, arguments: &StatusArguments) -> anyhow::Result<(String, Exit)> {
    let chosen = |key: &&KeyStatus| match (&arguments.command, &arguments.name) {
        (Some(StatusCommand::Cell { account, region }), _) => {
            key.place.as_ref().is_some_and(|place| {
                place.account == account.to_string() && place.region == region.to_string()
            })
        }
        (None, Some(name)) => {
            let manifest = key.manifest.as_deref().unwrap_or_default();
            manifest == name || manifest.rsplit_once('/').is_some_and(|(_, it)| it == name)
        }
        (None, None) => true,
    };
    let is_all = arguments.command.is_none() && arguments.name.is_none();
    let keys: Vec<&KeyStatus> = snapshot.keys.iter().filter(chosen).collect();
    let needs_somebody =
        |key: &&KeyStatus| matches!(key.phase, Phase::Held | Phase::Refused | Phase::Failing);
    let is_unprotected = is_all && !snapshot.unprotected.is_empty();
    let is_good = snapshot.ready && !is_unprotected && !keys.iter().any(needs_somebody);
    let exit = if !is_good || keys.is_empty() {
        Exit::Error
    } else if keys.iter().all(|key| key.phase == Phase::InSync) {
        Exit::Done
    } else {
        Exit::Waiting
    };
    let text = match arguments.output.form() {
        Some(form) if is_all => form.text(&serde_json::to_value(snapshot)?)?,
        Some(form) => form.text(&serde_json::to_value(&keys)?)?,
        None if is_all => snapshot_to_text(snapshot),
        None if keys.is_empty() => {
            "nothing here is claimed by a manifest, or it was not looked at yet\n".to_owned()
        }
        None => keys.iter().map(|key| key_to_text(key, snapshot.at)).collect(),
    };
    Ok((text, exit))
}

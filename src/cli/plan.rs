//! `bedrail plan`: shows what would change.

use std::time::Duration;

use clap::Args;

use super::controller::Controller;
use super::exit::Exit;
use super::manifests::load;
use super::progress::{self, Ended};
use super::report;
use super::settings::{Common, Installation, ManifestPaths, Output, duration};
use crate::reconcile::Intent;

/// Failures in a row after which a key is reported instead of tried again.
const FAILURES_MAX: u32 = 4;

/// Flags of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "Reads live AWS and writes nothing. What waits for a version that is not
published yet is shown as held.

Exit codes: 0 done; with --detailed-exitcode 0 nothing to do, 2 changes or held steps; 1 something
could not be read; 2 bad manifests.

Example:
  bedrail plan -f manifests --detailed-exitcode")]
pub(super) struct PlanArguments {
    #[command(flatten)]
    paths: ManifestPaths,
    #[command(flatten)]
    installation: Installation,
    /// Exit with 2 when there is something to do.
    #[arg(long)]
    detailed_exitcode: bool,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Give up reading after this long.
    #[arg(long, value_parser = duration, default_value = "15m")]
    wait: Duration,
}

/// Plans and prints.
pub(super) async fn plan(common: &Common, arguments: PlanArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let Some(manifests) = load(&arguments.paths.manifests).accept() else {
        return Ok(Exit::UsageOrChanges);
    };
    let controller = Controller::connect(&arguments.installation, Intent::Show)
        .await?
        .giving_up_after(FAILURES_MAX);
    controller.accept(manifests);
    let ended = progress::drive(common, &controller, arguments.wait).await;

    let engine = &controller.engine;
    report::print_plan(&controller, arguments.output)?;
    report::explain(engine);
    let summary = engine.summary();
    match ended {
        Ended::Idle => {}
        Ended::Late(left) => anstream::eprintln!(
            "gave up after {:?} with {left} keys unread; allow more with --wait",
            arguments.wait
        ),
        Ended::Interrupted => anstream::eprintln!("interrupted; the plan is not complete"),
    }
    let changes = engine.plans().values().any(|plan| !plan.steps.is_empty());
    Ok(if ended != Ended::Idle || summary.failed > 0 {
        Exit::Error
    } else if arguments.detailed_exitcode && (changes || summary.held > 0 || summary.refused > 0) {
        Exit::UsageOrChanges
    } else {
        Exit::Done
    })
}

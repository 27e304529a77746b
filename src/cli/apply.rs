//! `bedrail apply`: converges once and exits.

use std::time::Duration;

use clap::Args;

use super::controller::Controller;
use super::exit::Exit;
use super::journal::{JournalArguments, fallback_to_stderr};
use super::manifests::load;
use super::progress::{self, Ended};
use super::report;
use super::settings::{Common, Installation, ManifestPaths, Output, duration};
use crate::reconcile::Intent;

/// Failures in a row after which a key is reported instead of tried again.
const FAILURES_MAX: u32 = 8;

/// Flags of `apply`.
#[derive(Debug, Args)]
#[command(after_help = "Does what `bedrail run` does, until only time or consent is left.

Exit codes: 0 all in force; 1 something could not be read or written, was refused, or a
signal came; 2 bad manifests; 3 something waits for time or a person.

Example:
  bedrail apply -f manifests --wait 30m")]
pub(super) struct ApplyArguments {
    #[command(flatten)]
    paths: ManifestPaths,
    #[command(flatten)]
    installation: Installation,
    #[command(flatten)]
    journal: JournalArguments,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Stop after this long, whatever is left.
    #[arg(long, value_parser = duration, default_value = "15m")]
    wait: Duration,
}

/// Converges and prints what became of it.
pub(super) async fn apply(common: &Common, arguments: ApplyArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=info");
    let loaded = load(&arguments.paths.manifests);
    let hash = loaded.source.as_ref().map(|source| source.hash.clone()).unwrap_or_default();
    let Some(manifests) = loaded.accept() else { return Ok(Exit::UsageOrChanges) };
    let controller = Controller::connect(&arguments.installation, Intent::Converge)
        .await?
        .giving_up_after(FAILURES_MAX);
    let journal = &arguments.journal;
    journal.begin(&controller, &arguments.installation, fallback_to_stderr()).await?;
    let next = controller.generation() + 1;
    controller.engine().note_accepted(next, &hash, &manifests.describe()).await;
    controller.accept(manifests);
    let ended = progress::drive(common, &controller, arguments.wait).await;

    let engine = &controller.engine;
    report::print_outcome(&controller, arguments.output)?;
    report::explain(engine);
    let summary = engine.summary();
    match ended {
        Ended::Idle => {}
        Ended::Late(_) => anstream::eprintln!(
            "stopped after {:?} with work left; run again, or allow more with --wait",
            arguments.wait
        ),
        Ended::Interrupted => {
            anstream::eprintln!(
                "interrupted; what was written is listed above, run again to go on"
            );
        }
    }
    Ok(if summary.failed > 0 || summary.refused > 0 || ended == Ended::Interrupted {
        Exit::Error
    } else if ended != Ended::Idle || summary.held > 0 {
        Exit::Waiting
    } else {
        Exit::Done
    })
}

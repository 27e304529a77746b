//! `bedrail report`: evidence for an audit, as it is at one moment.

mod history;
mod observe;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::controller::Controller;
use super::document::Form;
use super::exit::Exit;
use super::journal::before_now;
use super::manifests::load;
use super::progress::{self, Ended};
use super::report::explain;
use super::settings::{Common, Installation, ManifestPaths, duration};
use crate::manifest;
use crate::model::{MappedControl, Region};
use crate::plan::report::{Observation, Report, access_to_csv, to_csv, to_html};
use crate::reconcile::Intent;
use observe::{Asked, Observed};

/// Failures in a row after which a key is reported instead of tried again.
const FAILURES_MAX: u32 = 4;

/// How it is known what is enforced.
const HOW: &str = "The effective Bedrock policy of every ACTIVE account and the enforced \
                   configuration of every cell were read from AWS and compared with what the \
                   manifests claim; guardrail contents were read back from the versions in force. \
                   No model was called (`bedrail verify --probe` does that). Nothing was written.";

/// Flags of `report`.
#[derive(Debug, Args)]
#[command(
    after_help = "Looks at AWS once, and writes nothing there. A cell is an ACTIVE account in a
Region that it has enabled. What nobody protects stands in the report beside what is broken.

  html   one file that needs nothing else, made to be printed
  json   stable: members are only ever added
  csv    one row for each cell; with --access one for each finding about access instead

Words and patterns of guardrails are shown by number and hash, unless --full-content asks for them.

A file for --controls maps the controls of your framework to what the report shows:

  controls:
    - id: SOC2-CC6.1
      title: Access to models is guarded
      covers: [enforcement, content]             # all of them must hold
    - id: ISO-42001-A.9
      manifests: [ServiceControlPolicy/approved-models]
      regions: [eu-west-1]                       # only these count; also `accounts`

  enforcement               every ACTIVE account × enabled Region is proven
  declared                  everything the manifests claim is proven
  content                   everything in force reads back as the manifests say
  logging                   model calls are logged as the manifests say, everywhere
  service-control-policies  they are attached, and say what the manifests say
  drift                     every drift in the journal was put right
  journal                   the journal is unbroken
  no-exceptions             nothing is held, refused, contested, limited, excluded or orphaned

Exit codes: 0 everything was read; 1 something could not be (the report says what); 2 bad usage or
manifests. What the report says of your protection does not change the exit code; `verify` does that.

Examples:
  bedrail report -f manifests --to evidence.html
  bedrail report -f manifests --journal journal.jsonl --since 2160h --controls soc2.yaml --to q3.html
  bedrail report -f manifests --access --format json | jq .access"
)]
pub(super) struct ReportArguments {
    #[command(flatten)]
    paths: ManifestPaths,
    #[command(flatten)]
    installation: Installation,
    /// What the report is written as.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Write it to this file. Default: standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Regions to look at, separated by commas; default: all with Guardrails.
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    regions: Vec<Region>,
    /// The journal of the controller: what drifted and was put right.
    #[arg(long, env = "BEDRAIL_JOURNAL", value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Of the journal, only what is younger than this.
    #[arg(long, value_parser = duration, value_name = "DURATION", requires = "journal")]
    since: Option<Duration>,
    /// A file that maps your framework's controls to the evidence.
    #[arg(long, value_name = "FILE")]
    controls: Option<PathBuf>,
    /// Also who is exempt from service control policies, who may act in the accounts, and what is
    /// not ours.
    #[arg(long)]
    access: bool,
    /// Show words and patterns of guardrails. Whoever reads the report then knows what is blocked.
    #[arg(long)]
    full_content: bool,
    /// Give up reading the manifests' guardrails after this long.
    #[arg(long, value_parser = duration, default_value = "15m")]
    wait: Duration,
}

/// How the report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people and paper.
    #[default]
    Html,
    /// For programs; stable.
    Json,
    /// For spreadsheets.
    Csv,
}

/// Looks, judges, writes.
pub(super) async fn report(common: &Common, arguments: ReportArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let mapped = match arguments.controls.as_deref().map(read_controls).transpose()? {
        Some(Ok(mapped)) => mapped,
        Some(Err(exit)) => return Ok(exit),
        None => Vec::new(),
    };
    let history = history::read(arguments.journal.as_deref(), arguments.since.map(before_now))?;
    let loaded = load(&arguments.paths.manifests);
    let hash = loaded.source.as_ref().map(|source| source.hash.clone()).unwrap_or_default();
    let Some(manifests) = loaded.accept() else { return Ok(Exit::UsageOrChanges) };
    let summary = manifests.describe();
    let controller = Controller::connect(&arguments.installation, Intent::Show)
        .await?
        .giving_up_after(FAILURES_MAX);
    let began = controller.clock.wall();
    let generation = controller.accept(manifests);
    let ended = progress::drive(common, &controller, arguments.wait).await;
    let engine = &controller.engine;
    explain(engine);
    let Some(fleet) = engine.fleet() else {
        anyhow::bail!("without the organization there is nothing to report of");
    };
    if ended == Ended::Interrupted {
        anyhow::bail!("interrupted; no report was written");
    }
    let regions: BTreeSet<Region> = if arguments.regions.is_empty() {
        manifest::guardrail_regions(&fleet.partition)
    } else {
        arguments.regions.iter().cloned().collect()
    };
    let asked = Asked { regions, access: arguments.access };
    let observed = Observed::read(&controller, &fleet, asked, &arguments.installation).await;
    let observation = Observation {
        began,
        ended: controller.clock.wall(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        generation,
        manifests: hash,
        summary,
        caller: engine.edge().caller().arn.clone(),
        how: HOW.to_owned(),
    };
    if arguments.full_content {
        anstream::eprintln!(
            "CAUTION: --full-content: the report holds the words and patterns of the guardrails; \
             whoever reads it knows what is blocked"
        );
    }
    let report = observed.report(&observe::Rest {
        engine,
        fleet: &fleet,
        owner: &arguments.installation.owner,
        observation,
        history,
        mapped: &mapped,
        shows_words: arguments.full_content,
    });
    write(&report, &arguments)?;
    let is_whole = report.unread.is_empty() && ended == Ended::Idle;
    Ok(if is_whole { Exit::Done } else { Exit::Error })
}

/// The user's controls; or, once its problems are printed, how the command ends.
fn read_controls(path: &Path) -> anyhow::Result<Result<Vec<MappedControl>, Exit>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    Ok(manifest::control_map(path, &text).map_err(|problems| {
        for problem in problems {
            anstream::eprintln!("{problem}");
        }
        Exit::UsageOrChanges
    }))
}

fn write(report: &Report, arguments: &ReportArguments) -> anyhow::Result<()> {
    let text = match (arguments.format, &report.access) {
        (ReportFormat::Html, _) => to_html(report)?,
        (ReportFormat::Json, _) => Form::Json.text(&serde_json::to_value(report)?)?,
        (ReportFormat::Csv, None) => to_csv(report),
        (ReportFormat::Csv, Some(access)) => access_to_csv(access),
    };
    let Some(path) = &arguments.to else {
        anstream::print!("{text}");
        return Ok(());
    };
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    anstream::eprintln!("wrote {}", path.display());
    Ok(())
}

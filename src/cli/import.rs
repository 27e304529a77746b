//! `bedrail import`: writes manifests from what is live.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tokio::task::JoinSet;

use super::controller::connect;
use super::exit::Exit;
use super::member_guardrails;
use super::progress::{Calls, join_all};
use super::settings::{Common, Installation};
use crate::aws::{Aws, ControlsOf, ErrorClass};
use crate::manifest;
use crate::model::{
    AccountState, Cell, Fleet, Imported, LoggingConfig, ObservedControl, ObservedEnforcement,
    ObservedGuardrail, ObservedPolicy, PolicyId, Read, Region, Unread,
};
use crate::plan::{Live, import};
use crate::runtime::Clock;

/// Flags of `import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads live AWS and writes nothing there. Guardrails of the management account
come with the content of the version that is enforced; to apply what was written only sets marks of
ownership. Guardrails of member accounts are written where their own account enforces them, with
the accounts that have equal ones; others may belong to applications and are not asked for. What no
manifest can say is listed and stays as it is. Service control policies that are attached are written
with their documents, but for AWS's own and those that do not do what they say.

Exit codes: 0 done; 1 something could not be read (the rest is written, and says so); 2 a file is
there already.

Example:
  bedrail import --output-dir manifests --regions us-east-1,eu-west-1"
)]
pub(super) struct ImportArguments {
    #[command(flatten)]
    installation: Installation,
    /// Where the manifests go; the folder is made if it is not there.
    #[arg(long, value_name = "DIR")]
    output_dir: PathBuf,
    /// Regions to look at, separated by commas; default: all with Guardrails.
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    regions: Vec<Region>,
    /// Overwrite files that are there already.
    #[arg(long)]
    force: bool,
}

/// What was read, and what could not be.
#[derive(Default)]
struct Readings {
    guardrails: Vec<(String, ObservedGuardrail)>,
    policies: BTreeMap<PolicyId, ObservedPolicy>,
    slots: BTreeMap<Cell, ObservedEnforcement>,
    logging: BTreeMap<Cell, LoggingConfig>,
    controls: BTreeMap<PolicyId, ObservedControl>,
    /// By what it is about.
    unread: BTreeMap<String, String>,
}

/// Reads, finds the manifests and writes them.
pub(super) async fn import_command(
    common: &Common,
    arguments: ImportArguments,
) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let aws = connect(arguments.installation.aws()).await?;
    let fleet = aws.fleet(false).await.context("the organization cannot be read")?;
    let regions: BTreeSet<Region> = if arguments.regions.is_empty() {
        manifest::guardrail_regions(&fleet.partition)
    } else {
        arguments.regions.iter().cloned().collect()
    };
    let readings = read(&aws, &fleet, &regions).await;
    let owner = &arguments.installation.owner;
    let Readings { guardrails, policies, slots, logging, controls, unread } = &readings;
    let control_size_max = arguments.installation.scp_size_max;
    let imported = manifest::without_refused(import(&Live {
        owner,
        fleet: &fleet,
        guardrails,
        policies,
        slots,
        logging,
        controls,
        control_size_max,
    }));
    let files = manifest::export(&imported, &header(&fleet, unread));
    if let Some(exit) = write(&arguments, &files)? {
        return Ok(exit);
    }
    let problems = problems(&arguments, &files);
    summarise(&arguments, &files, &imported, unread);
    for problem in &problems {
        anstream::eprintln!("{problem}");
    }
    let is_wrong = problems.iter().any(manifest::Problem::is_error);
    Ok(if unread.is_empty() && !is_wrong { Exit::Done } else { Exit::Error })
}

/// Reads everything that manifests can speak of. What cannot be read is noted.
async fn read(aws: &Aws, fleet: &Fleet, regions: &BTreeSet<Region>) -> Readings {
    let mut readings = Readings::default();
    let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
    let cells: Vec<Cell> = active
        .flat_map(|account| {
            let cell =
                |region: &Region| Cell { account: account.id.clone(), region: region.clone() };
            regions.iter().map(cell).collect::<Vec<_>>()
        })
        .collect();
    anstream::eprintln!("reading {} accounts × Regions", cells.len());
    let (clock, spent) = (Clock::system(), || spent(aws));
    readings.read_policies(aws).await;
    let mut reading_guardrails = JoinSet::new();
    for region in regions {
        let (aws, cell) =
            (aws.clone(), Cell { account: fleet.management.clone(), region: region.clone() });
        reading_guardrails.spawn(async move {
            let read = aws.all_guardrails(&cell).await;
            (cell, read)
        });
    }
    for (cell, read) in join_all("Regions read", reading_guardrails, &clock, spent).await {
        match read {
            Ok(mut found) => readings.guardrails.append(&mut found),
            Err(error) => readings.missed(&format!("the guardrails of {cell}"), &error.into()),
        }
    }
    let mut reading_slots = JoinSet::new();
    for cell in cells {
        let aws = aws.clone();
        reading_slots.spawn(async move {
            let (read, logging) = tokio::join!(aws.cell(&cell), aws.logging(&cell));
            (cell, read.enforcement, logging)
        });
    }
    for (cell, read, logging) in join_all("cells read", reading_slots, &clock, spent).await {
        match logging {
            Read::Known(config) => {
                readings.logging.insert(cell.clone(), config);
            }
            Read::KnownAbsent => {}
            Read::Unknown(unread) => {
                readings.missed(&format!("the invocation logging in {cell}"), &unread);
            }
        }
        match read {
            Read::Known(slot) => {
                readings.slots.insert(cell, slot);
            }
            Read::KnownAbsent => {}
            Read::Unknown(unread) => readings.missed(&format!("the slot of {cell}"), &unread),
        }
    }
    for (cell, read) in member_guardrails::read(aws, &fleet.management, &readings.slots).await {
        match read {
            Ok(mut found) => readings.guardrails.append(&mut found),
            Err(error) => readings.missed(&format!("the guardrails of {cell}"), &error.into()),
        }
    }
    readings.guardrails.sort_by(|(_, one), (_, other)| one.arn.cmp(&other.arn));
    readings
}

/// The calls that reading took so far.
fn spent(aws: &Aws) -> Calls {
    Calls { made: aws.calls().values().sum(), throttled: aws.throttles().values().sum() }
}

impl Readings {
    /// What Organizations has to say.
    async fn read_policies(&mut self, aws: &Aws) {
        match aws.organization().await.map(|organization| organization.policies) {
            Ok(Read::Known(policies)) => self.policies = policies,
            Ok(Read::KnownAbsent) => {}
            Ok(Read::Unknown(unread)) => self.missed("the Bedrock policies", &unread),
            Err(error) => self.missed("the Bedrock policies", &error.into()),
        }
        match aws.listed_service_controls(&ControlsOf::Everybody).await {
            Read::Known(listed) => self.controls = listed.policies,
            Read::KnownAbsent => {}
            Read::Unknown(unread) => self.missed("the service control policies", &unread),
        }
    }

    /// Notes what could not be read. In a Region that the account has not enabled there is nothing.
    fn missed(&mut self, what: &str, unread: &Unread) {
        if unread.class != ErrorClass::RegionUnavailable.reason() {
            self.unread.insert(what.to_owned(), unread.message.clone());
        }
    }
}

/// What stands above each file.
fn header(fleet: &Fleet, unread: &BTreeMap<String, String>) -> Vec<String> {
    let mut header = vec![
        format!("Imported by `bedrail import` from organization {}.", fleet.organization),
        "Read it, then: bedrail plan -f <this folder>. It should show only marks of ownership."
            .to_owned(),
    ];
    if !unread.is_empty() {
        header.push("INCOMPLETE: these could not be read, and may belong here:".to_owned());
        header.extend(unread.keys().map(|what| format!("  {what}")));
    }
    header
}

/// Writes the files; `None` when all went well.
fn write(arguments: &ImportArguments, files: &[manifest::File]) -> anyhow::Result<Option<Exit>> {
    let folder = &arguments.output_dir;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let paths = || files.iter().map(|file| folder.join(&file.name));
    let there: Vec<PathBuf> = paths().filter(|path| path.exists()).collect();
    if !there.is_empty() && !arguments.force {
        for path in there {
            anstream::eprintln!("{}: is there already", path.display());
        }
        anstream::eprintln!("nothing was written; choose another folder, or add --force");
        return Ok(Some(Exit::UsageOrChanges));
    }
    for (path, file) in paths().zip(files) {
        std::fs::write(&path, &file.text)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(None)
}

/// What is wrong with what was written: AWS may hold what a manifest may not say.
fn problems(arguments: &ImportArguments, files: &[manifest::File]) -> Vec<manifest::Problem> {
    if files.is_empty() {
        return Vec::new();
    }
    let path = |file: &manifest::File| arguments.output_dir.join(&file.name);
    let texts = files.iter().map(|file| (path(file), file.text.clone())).collect();
    manifest::parse(&manifest::Source::new(texts, vec![arguments.output_dir.clone()])).problems
}

/// Says what was written and what was not.
fn summarise(
    arguments: &ImportArguments,
    files: &[manifest::File],
    imported: &Imported,
    unread: &BTreeMap<String, String>,
) {
    for file in files {
        anstream::println!("wrote {}", arguments.output_dir.join(&file.name).display());
    }
    for left in &imported.left {
        anstream::println!("left {}: {}", left.object, left.why);
    }
    anstream::println!(
        "not imported: guardrails of member accounts that they do not enforce themselves"
    );
    for (what, why) in unread {
        anstream::println!("could not read {what}: {why}");
    }
    anstream::println!(
        "{} guardrails, {} organization policies, {} account enforcements, {} invocation \
         logging, {} service control policies; {} left as they are, {} unread",
        imported.guardrails.len(),
        imported.organization.len(),
        imported.accounts.len(),
        imported.logging.len(),
        imported.controls.len(),
        imported.left.len(),
        unread.len()
    );
}

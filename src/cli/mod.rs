//! One file per subcommand; the composition root; the only place that prints.

mod alerts;
mod apply;
mod audit;
mod colour;
mod controller;
mod demo;
mod doctor;
mod document;
mod emission;
#[cfg(feature = "sqs")]
mod events;
mod evidence;
mod exit;
mod explain;
mod failures;
mod follow;
mod handbook;
mod heartbeat;
mod iam;
mod import;
mod journal;
mod last_good;
mod logging;
mod manifests;
mod member_guardrails;
mod past;
mod patience;
mod plan;
mod progress;
mod reference;
mod report;
mod run;
mod schema;
mod serving;
mod settings;
mod simulator;
mod standing;
mod status;
mod systemd;
mod test;
mod validate;
mod verify;

use clap::{Parser, Subcommand};

pub use colour::arguments;
pub use controller::{Controller, Pulse, Rounds};
pub use exit::Exit;
pub use reference::settings_table;

/// Keeps Amazon Bedrock guardrails enforced across an AWS organization.
///
/// Watched YAML manifests say which guardrails exist, which of their revisions are in force, and
/// where they are enforced. Bedrail compares that with live AWS in every account and Region and
/// converges it: content, published version, resource policy, organization policies, account
/// enforcement.
#[derive(Debug, Parser)]
#[command(
    name = "bedrail",
    version,
    after_help = "Examples:
  bedrail demo                           see it work, on a simulated organization
  bedrail import --output-dir manifests  write manifests from what is live
  bedrail validate -f manifests          check manifests, offline
  bedrail plan -f manifests              show what would change
  bedrail apply -f manifests             converge once
  bedrail run -f manifests               keep it converged
  bedrail status                         what is where, and why
  bedrail verify -f manifests            prove that it is enforced
  bedrail report -f manifests            evidence for an audit
  bedrail test -f manifests              run the guardrails' own tests
  bedrail doctor                         check the prerequisites
  bedrail iam --help                     the roles and policies it needs
  bedrail explain Guardrail.spec         what a kind or a field is

Credentials, Region and endpoints come from the standard AWS environment.
Exit codes: 0 done, 1 error, 2 bad usage or manifests, 3 waiting for time or consent."
)]
pub struct Arguments {
    #[command(flatten)]
    common: settings::Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reconcile for ever: watch the manifests, converge, correct drift.
    Run(Box<run::RunArguments>),
    /// Show what would change, and write nothing.
    Plan(plan::PlanArguments),
    /// Converge once and exit.
    Apply(apply::ApplyArguments),
    /// What is where, and why.
    Status(status::StatusArguments),
    /// Write manifests from what is live in an organization.
    Import(import::ImportArguments),
    /// Show what was written to AWS and why, or check that the record of it is whole.
    Journal(journal::JournalCommandArguments),
    /// Run the guardrails' own tests on what is live.
    Test(test::TestArguments),
    /// Prove that what the manifests claim is enforced.
    Verify(verify::VerifyArguments),
    /// Evidence for an audit: what is enforced where, what is not, and how that is known.
    Report(evidence::ReportArguments),
    /// Try out who is told what is wrong.
    Alerts(alerts::AlertsArguments),
    /// Check manifests, and policies beside them, offline.
    Validate(validate::ValidateArguments),
    /// Describe a kind of manifest, or one of its fields.
    Explain(explain::ExplainArguments),
    /// Print the JSON Schema of manifests, for editors.
    Schema(schema::SchemaArguments),
    /// Check the prerequisites: credentials, organization, roles, Regions.
    Doctor(doctor::DoctorArguments),
    /// Print the roles and policies it needs, and those of roles it cannot reach.
    Iam(iam::IamArguments),
    /// Watch it work: a simulated organization, the controller, and an administrator who breaks things.
    Demo(demo::DemoArguments),
    /// A local AWS to try it against: real HTTP, real wire protocols, one port.
    Simulator(simulator::SimulatorArguments),
    /// Print a script that completes the command line in a shell.
    Completions(handbook::CompletionsArguments),
    /// Write the manual pages.
    Man(handbook::ManArguments),
}

/// Runs the command line to its end.
pub async fn main(arguments: Arguments) -> Exit {
    let Arguments { common, command } = arguments;
    let done = match command {
        Command::Run(arguments) => run::run(&common, *arguments).await,
        Command::Plan(arguments) => plan::plan(&common, arguments).await,
        Command::Apply(arguments) => apply::apply(&common, arguments).await,
        Command::Status(arguments) => Box::pin(status::status(&common, arguments)).await,
        Command::Import(arguments) => import::import_command(&common, arguments).await,
        Command::Journal(arguments) => journal::journal(&common, &arguments),
        Command::Test(arguments) => test::test(&common, arguments).await,
        Command::Verify(arguments) => verify::verify(&common, arguments).await,
        Command::Report(arguments) => evidence::report(&common, arguments).await,
        Command::Alerts(arguments) => alerts::alerts(&common, arguments).await,
        Command::Validate(arguments) => validate::validate(&common, &arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&common, arguments).await,
        Command::Iam(arguments) => iam::iam(&common, &arguments),
        Command::Demo(arguments) => demo::demo(&common, arguments).await,
        Command::Simulator(arguments) => simulator::simulator(&common, arguments).await,
        Command::Completions(arguments) => Ok(handbook::completions(&arguments)),
        Command::Man(arguments) => handbook::man(&arguments),
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!("error: {error:#}");
        Exit::Error
    })
}

//! `bedrail explain`: what a kind or a field is, in words.

use clap::Args;

use super::exit::Exit;
use super::settings::Output;
use crate::manifest;

/// Flags of `explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Shows the type of a field, whether it is required, what it may hold, its default
and AWS's limits with the page that states them. Lists and maps are passed through by the names of
what they hold.

Kinds: Guardrail, OrganizationEnforcement, AccountEnforcement, ServiceControlPolicy,
InvocationLogging, Approval. Exit codes: 0 explained, 2 no such kind or field.

Examples:
  bedrail explain Guardrail
  bedrail explain Guardrail.spec.content.contentPolicyConfig.filtersConfig
  bedrail explain AccountEnforcement.spec.rollout --recursive"
)]
pub(super) struct ExplainArguments {
    /// A kind, or a field of one by its path.
    #[arg(value_name = "KIND[.FIELD...]")]
    path: String,
    /// Show everything below, by name and type alone.
    #[arg(short, long)]
    recursive: bool,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Explains, or says what may have been meant.
pub(super) fn explain(arguments: &ExplainArguments) -> anyhow::Result<Exit> {
    let explanation = match manifest::explain(&arguments.path) {
        Ok(explanation) => explanation,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return Ok(Exit::UsageOrChanges);
        }
    };
    match arguments.output.form() {
        Some(form) => form.print(&serde_json::to_value(&explanation)?)?,
        None => anstream::print!("{}", explanation.text(arguments.recursive)),
    }
    Ok(Exit::Done)
}

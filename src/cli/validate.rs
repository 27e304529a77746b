//! `bedrail validate`: checks manifests, offline.

use clap::Args;

use super::exit::Exit;
use super::manifests::load;
use super::settings::{Common, ManifestPaths, Output};

/// Flags of `validate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each problem starts with file:line:column. Exit codes: 0 no errors, 1 errors found
(with --strict: or warnings).

Example:
  bedrail validate -f manifests --strict"
)]
pub(super) struct ValidateArguments {
    #[command(flatten)]
    paths: ManifestPaths,
    /// Treat warnings as errors.
    #[arg(long)]
    strict: bool,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Checks and prints.
pub(super) fn validate(_: &Common, arguments: &ValidateArguments) -> anyhow::Result<Exit> {
    let loaded = load(&arguments.paths.manifests);
    let errors = loaded.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = loaded.problems.len() - errors;
    if let Some(form) = arguments.output.form() {
        let report = serde_json::json!({
            "apiVersion": "bedrail.dev/v1alpha1",
            "kind": "ValidationReport",
            "errors": errors,
            "warnings": warnings,
            "problems": loaded.problems,
        });
        form.print(&report)?;
    } else {
        for problem in &loaded.problems {
            anstream::println!("{problem}");
        }
        match &loaded.manifests {
            Some(manifests) => {
                anstream::println!("valid: {}; {warnings} warnings", manifests.describe());
            }
            None => anstream::println!("{errors} errors, {warnings} warnings"),
        }
    }
    let found = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if found { Exit::Error } else { Exit::Done })
}

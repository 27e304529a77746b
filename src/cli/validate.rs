//! `bedrail validate`: checks manifests, and policies beside them, offline.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::manifests::{Loaded, check};
use super::settings::{Common, ManifestPaths, Output};
use crate::manifest::{self, Policies, policies};

/// Flags of `validate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each problem starts with file:line:column. Exit codes: 0 no errors, 1 errors found
(with --strict: or warnings).

Policies of IAM and Organizations (*.json with a `Statement`) in the folder, or given, are checked
for what AWS takes and does not do: actions, condition keys and versions that do not exist, denials
that never fire or always do. A service control policy is told by `scp` or `service-control` in the
name of its file.

Examples:
  bedrail validate -f manifests --strict
  bedrail validate -f policies/approved-models.scp.json"
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
    let policies = policies(&arguments.paths.manifests);
    let loaded = load_beside(&policies, &arguments.paths.manifests);
    let described = describe(&loaded, &policies);
    let mut problems = [policies.problems, loaded.problems].concat();
    problems.sort();
    problems.dedup();
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    if let Some(form) = arguments.output.form() {
        let report = serde_json::json!({
            "apiVersion": "bedrail.dev/v1alpha1",
            "kind": "ValidationReport",
            "errors": errors,
            "warnings": warnings,
            "problems": problems,
        });
        form.print(&report)?;
    } else {
        for problem in &problems {
            anstream::println!("{problem}");
        }
        if errors == 0 {
            anstream::println!("valid: {described}; {warnings} warnings");
        } else {
            anstream::println!("{errors} errors, {warnings} warnings");
        }
    }
    let found = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if found { Exit::Error } else { Exit::Done })
}

/// Loads the manifests. Policies alone are no empty folder.
fn load_beside(policies: &Policies, paths: &[PathBuf]) -> Loaded {
    let manifests: Vec<PathBuf> =
        paths.iter().filter(|path| !policies.files.contains(path)).cloned().collect();
    let nothing = Loaded { manifests: None, source: None, problems: Vec::new() };
    if manifests.is_empty() {
        return nothing;
    }
    match manifest::read(&manifests) {
        Err(problems) => Loaded { problems, ..nothing },
        Ok(source) if source.files.is_empty() && !policies.files.is_empty() => nothing,
        Ok(source) => check(source),
    }
}

/// `2 guardrails, …, 1 policy`, naming what there is.
fn describe(loaded: &Loaded, policies: &Policies) -> String {
    let count = match policies.files.len() {
        0 => None,
        1 => Some("1 policy".to_owned()),
        many => Some(format!("{many} policies")),
    };
    let manifests = loaded.manifests.as_ref().map(|it| it.describe());
    manifests.into_iter().chain(count).collect::<Vec<_>>().join(", ")
}

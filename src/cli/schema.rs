//! `bedrail schema`: JSON Schema of the manifests, for editors.

use clap::Args;

use super::exit::Exit;
use crate::manifest::{self, Unexplained};

/// Flags of `schema`.
#[derive(Debug, Args)]
#[command(
    after_help = "JSON Schema, draft 7, of manifests of all kinds: what `kind` says decides what
`spec` may hold. Whatever `bedrail validate` accepts, it accepts; what depends on other fields or
other manifests is left to `validate`. An editor with a YAML language server completes and checks
while you type, when a manifest begins with the path or URL of the schema:

  # yaml-language-server: $schema=bedrail.schema.json

Examples:
  bedrail schema > bedrail.schema.json
  bedrail schema Guardrail | jq .definitions.ContentFilterConfig"
)]
pub(super) struct SchemaArguments {
    /// Only manifests of this kind.
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

/// Prints the schema.
pub(super) fn schema(arguments: &SchemaArguments) -> anyhow::Result<Exit> {
    let schema = match &arguments.kind {
        None => Some(manifest::json_schema()),
        Some(kind) => manifest::json_schema_of(kind),
    };
    let Some(schema) = schema else {
        let error = Unexplained::Kind(arguments.kind.clone().unwrap_or_default());
        anstream::eprintln!("error: {error}");
        return Ok(Exit::UsageOrChanges);
    };
    anstream::println!("{}", serde_json::to_string_pretty(&schema)?);
    Ok(Exit::Done)
}

//! How a report is shown to programs: one document, whose members are only ever added to.

use serde_json::Value;

use super::settings::Output;
use crate::manifest;

/// A form that programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Indented.
    Json,
    /// Every text quoted that some reader could take for anything else.
    Yaml,
}

impl Form {
    /// Prints a document on stdout.
    pub(super) fn print(self, document: &Value) -> anyhow::Result<()> {
        anstream::print!("{}", self.text(document)?);
        Ok(())
    }

    /// A document as lines.
    pub(super) fn text(self, document: &Value) -> anyhow::Result<String> {
        Ok(match self {
            Self::Json => format!("{}\n", serde_json::to_string_pretty(document)?),
            Self::Yaml => manifest::to_yaml(document),
        })
    }
}

impl Output {
    /// The form, where it is one for programs.
    pub(super) fn form(self) -> Option<Form> {
        match self {
            Self::Text => None,
            Self::Json => Some(Form::Json),
            Self::Yaml => Some(Form::Yaml),
        }
    }
}

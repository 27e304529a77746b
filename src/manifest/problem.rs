//! What is wrong with a manifest, and where.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The manifests are not accepted; the last good generation stays in force.
    Error,
    /// They are accepted, and a person should look.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem. Its order is the order in which a person reads: by file, then by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, as it was named.
    pub path: PathBuf,
    /// From 1; 1 when the problem is the whole file's.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// `spec.content.blockedInputMessaging`; empty when the problem is the whole file's.
    pub field: String,
    /// The offending value, the rule, and what to write instead.
    pub message: String,
}

impl Problem {
    /// An error of a whole file or folder.
    pub(super) fn of_file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: 1,
            column: 1,
            severity: Severity::Error,
            field: String::new(),
            message: message.into(),
        }
    }

    /// Whether it keeps the manifests from being accepted.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, severity, field, message } = self;
        write!(f, "{}:{line}:{column}: {severity}: ", path.display())?;
        if field.is_empty() { f.write_str(message) } else { write!(f, "{field}: {message}") }
    }
}

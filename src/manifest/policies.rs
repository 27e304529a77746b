//! Policies of IAM and Organizations that lie as JSON files beside the manifests.

use std::path::{Path, PathBuf};

use super::field_path::FieldPath;
use super::problem::{Problem, Severity};
use super::report::Report;
use super::source;
use super::validate::policy::policy;
use super::yaml;
use crate::lint::PolicyType;

/// What was found among the JSON files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// The files that hold a policy, whether right or not.
    pub files: Vec<PathBuf>,
    /// What is wrong with them.
    pub problems: Vec<Problem>,
}

/// Judges every `*.json` at or below `paths` that holds a policy: a JSON object with `Statement`.
///
/// A policy that names principals is one on a resource. A service control policy cannot be told
/// from an identity policy by its text: it is one if the file's name has the word `scp` or
/// `service-control`.
///
/// Other JSON files are passed over, and so are those that are no JSON, unless their text shows that
/// they were meant to be policies.
pub fn policies(paths: &[PathBuf]) -> Policies {
    // What else is given is read with the manifests.
    let is_candidate = |path: &&PathBuf| path.is_dir() || is_json(path);
    let paths: Vec<PathBuf> = paths.iter().filter(is_candidate).cloned().collect();
    let (files, problems) = source::read_json(&paths);
    let mut found = Policies { files: Vec::new(), problems };
    for (path, text) in files {
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let problems = match yaml::parse_json(text) {
            Ok(document) if document.value.get("Statement").is_some() => judge(&path, document),
            Ok(_) => continue,
            Err(_) if !text.contains("\"Statement\"") => continue,
            Err(faults) => faults.into_iter().map(|fault| problem(&path, fault)).collect(),
        };
        found.problems.extend(problems);
        found.files.push(path);
    }
    found.problems.sort();
    found
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "json")
}

fn judge(path: &Path, document: yaml::Document) -> Vec<Problem> {
    let yaml::Document { value, node } = document;
    let policy_type =
        if is_service_control(path) { PolicyType::ServiceControl } else { PolicyType::of(&value) };
    let mut report = Report::new(path.to_owned(), node);
    policy(&mut report, &FieldPath::default(), &value, policy_type, &[]);
    report.into_problems()
}

/// `approved-models.scp.json`, `service-control-policy.json`.
fn is_service_control(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    name.contains("service-control") || words.any(|word| word == "scp" || word == "scps")
}

fn problem(path: &Path, fault: yaml::Fault) -> Problem {
    Problem {
        path: path.to_owned(),
        line: fault.place.line,
        column: fault.place.column,
        severity: Severity::Error,
        field: String::new(),
        message: fault.message,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_json_that_holds_a_policy_is_judged() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let policy = r#"{"Version": "2012-10-17", "Statement": [], "Statement": []}"#;
        fs::write(path("policy.json"), policy).unwrap();
        fs::write(path("package.json"), r#"{"name": "console"}"#).unwrap();
        fs::write(path("notes.json"), "no JSON at all").unwrap();
        fs::write(path("policy.yaml"), policy).unwrap();
        let found = policies(&[root.path().to_owned(), path("policy.yaml")]);
        assert_eq!(found.files, [path("policy.json")]);
        let [problem] = found.problems.as_slice() else { panic!("{:#?}", found.problems) };
        assert!(problem.message.contains("the key `Statement` is already at"), "{problem}");
    }
}

//! The file that maps the controls of a user's framework to what a report shows.
//!
//! ```yaml
//! controls:
//!   - id: SOC2-CC6.1
//!     title: Access to models is guarded
//!     covers: [enforcement, logging]
//!   - id: ISO-42001-A.9
//!     manifests: [ServiceControlPolicy/approved-models]
//!     regions: [eu-west-1]
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::field_path::FieldPath;
use super::problem::{Problem, Severity};
use super::report::Report;
use super::schema::{decode, refuse_nothing};
use super::yaml;
use crate::model::{AccountId, MappedControl, Region, Statement};

/// Kinds whose objects a control can rest on.
const KINDS: [&str; 5] = [
    "Guardrail",
    "OrganizationEnforcement",
    "AccountEnforcement",
    "ServiceControlPolicy",
    "InvocationLogging",
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    controls: Vec<Control>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    #[serde(default)]
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    covers: BTreeSet<Statement>,
    #[serde(default)]
    manifests: BTreeSet<String>,
    #[serde(default)]
    accounts: BTreeSet<AccountId>,
    #[serde(default)]
    regions: BTreeSet<Region>,
}

/// Reads the text of such a file.
///
/// # Errors
///
/// Everything that is wrong with it, each with its place.
pub fn control_map(path: &Path, text: &str) -> Result<Vec<MappedControl>, Vec<Problem>> {
    let parsed = yaml::parse(text);
    let mut problems: Vec<Problem> = parsed
        .faults
        .into_iter()
        .map(|fault| Problem {
            path: path.to_owned(),
            line: fault.place.line,
            column: fault.place.column,
            severity: Severity::Error,
            field: String::new(),
            message: fault.message,
        })
        .collect();
    let mut controls = Vec::new();
    let mut known = BTreeSet::new();
    for yaml::Document { value, node } in parsed.documents {
        let mut report = Report::new(path.to_owned(), node);
        controls.extend(document(value, &mut known, &mut report));
        problems.extend(report.into_problems());
    }
    if controls.is_empty() && problems.is_empty() {
        let message = "no control stands here; write for example `controls: [{id: CC6.1, covers: \
                       [enforcement]}]`";
        problems.push(Problem::of_file(path, message));
    }
    if problems.is_empty() { Ok(controls) } else { Err(problems) }
}

fn document(
    mut value: Value,
    known: &mut BTreeSet<String>,
    report: &mut Report,
) -> Vec<MappedControl> {
    refuse_nothing(&mut value, report);
    let file: File = decode(value, &FieldPath::default(), report);
    let list = FieldPath::of("controls");
    let judge = |(index, control): (usize, Control)| {
        let at = list.index(index);
        if control.id.is_empty() {
            report.missing(&at.field("id"), "id: SOC2-CC6.1");
        } else if !known.insert(control.id.clone()) {
            report.error(&at.field("id"), format!("`{}` stands here twice", control.id));
        }
        if control.covers.is_empty() && control.manifests.is_empty() && !report.lost(&at) {
            report.error(&at, "rests on nothing; give it `covers` or `manifests`");
        }
        for manifest in &control.manifests {
            if !manifest.split_once('/').is_some_and(|(kind, _)| KINDS.contains(&kind)) {
                let message = format!(
                    "`{manifest}` is not a kind and a name such as `Guardrail/baseline`; kinds are \
                     {}",
                    KINDS.join(", ")
                );
                report.error(&at.field("manifests"), message);
            }
        }
        let Control { id, title, covers, manifests, accounts, regions } = control;
        MappedControl { id, title, covers, manifests, accounts, regions }
    };
    file.controls.into_iter().enumerate().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let problems = control_map(Path::new("controls.yaml"), text).unwrap_err();
        problems.iter().map(|it| format!("{it}\n")).collect()
    }

    #[test]
    fn controls_are_read_with_what_they_rest_on() {
        let text = "
controls:
  - {id: CC6.1, title: Guarded, covers: [enforcement, service-control-policies]}
  - id: A.9
    manifests: [Guardrail/baseline]
    accounts: ['111122223333']
    regions: [eu-west-1]
";
        let controls = control_map(Path::new("controls.yaml"), text).unwrap();
        assert_eq!(controls[0].title, "Guarded");
        assert!(controls[0].covers.contains(&Statement::ServiceControlPolicies));
        assert_eq!(controls[1].manifests, BTreeSet::from(["Guardrail/baseline".to_owned()]));
        assert_eq!((controls[1].accounts.len(), controls[1].regions.len()), (1, 1));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let found = problems("controls:\n  - {id: a, covers: [enforcment]}\n");
        assert!(found.contains("controls.yaml:2:") && found.contains("enforcement"), "{found}");
        let found = problems("controls:\n  - {id: a, cover: [enforcement]}\n");
        assert!(found.contains("cover"), "{found}");
        let found = problems("controls:\n  - {id: a}\n");
        assert!(found.contains("rests on nothing"), "{found}");
        let twice = "controls:\n  - {id: a, covers: [drift]}\n  - {id: a, covers: [drift]}\n";
        assert!(problems(twice).contains("twice"));
        let found = problems("controls:\n  - {id: a, manifests: [baseline]}\n");
        assert!(found.contains("Guardrail/baseline"), "{found}");
        assert!(problems("").contains("no control stands here"));
    }
}

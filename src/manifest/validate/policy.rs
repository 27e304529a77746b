//! Policies of IAM and Organizations within a document.

use serde_json::Value;

use super::super::field_path::FieldPath;
use super::super::report::Report;
use crate::lint::{Finding, Grade, PolicyType, Rule, lint};

/// Reports what `lint` finds in the policy at `path`, each at its place, but for what some rules say.
pub(in crate::manifest) fn policy(
    report: &mut Report,
    path: &FieldPath,
    document: &Value,
    policy_type: PolicyType,
    without: &[Rule],
) {
    let findings = lint(document, policy_type).into_iter();
    for Finding { rule, grade, pointer, message } in
        findings.filter(|it| !without.contains(&it.rule))
    {
        let path = path.pointer(&pointer);
        let message = format!("{message} [{rule}]");
        match grade {
            Grade::Wrong => report.error(&path, message),
            Grade::Risky => report.warning(&path, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::yaml;
    use super::*;

    #[test]
    fn a_finding_in_a_yaml_document_has_its_line_and_column() {
        let text = "spec:\n  document:\n    Version: \"2012-10-17\"\n    Statement:\n      - Effect: Deny\n        \
                    Action: [bedrock:InvokeModel*, bedrock:Converse]\n        Resource: \"*\"\n";
        let mut document = yaml::parse(text).documents.remove(0);
        let policy_value = document.value["spec"]["document"].take();
        let mut report = Report::new("a.yaml".into(), document.node);
        let path = FieldPath::of("spec.document");
        policy(&mut report, &path, &policy_value, PolicyType::ServiceControl, &[]);
        let problems = report.into_problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let shown = problems[0].to_string();
        let start = "a.yaml:6:40: error: spec.document.Statement[0].Action[1]: there is no action \
                     `bedrock:Converse`";
        assert!(shown.starts_with(start), "{shown}");
    }
}

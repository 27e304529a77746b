//! `kind: Approval`.

use jiff::Timestamp;

use super::super::field_path::FieldPath;
use super::super::report::Report;
use super::super::schema::ApprovalSpec;
use crate::model::Approval;

/// Digits of the name of a held plan: 12 of a hash, then at least 4 of a count.
const DIGITS_MIN: usize = 16;

/// Checks an approval. Whether it has expired is told against the clock, where it is used.
pub(in crate::manifest) fn approval(report: &mut Report, spec: &ApprovalSpec) -> Option<Approval> {
    let plan_path = FieldPath::of("spec.plan");
    let plan = match &spec.plan {
        None => {
            report.missing(&plan_path, "plan: p-3f9c2a41d0b7002a");
            None
        }
        Some(plan) if is_name(plan) => Some(plan.clone()),
        Some(plan) => {
            let message = format!(
                "`{plan}` is no name of a held plan; copy it from `bedrail plan`: p-3f9c2a41d0b7002a"
            );
            report.error(&plan_path, message);
            None
        }
    };
    let expires_path = FieldPath::of("spec.expires");
    let example = "2026-12-01T00:00:00Z";
    let expires = match &spec.expires {
        None => {
            report.missing(&expires_path, &format!("expires: \"{example}\""));
            None
        }
        Some(text) => {
            let expires = text.parse::<Timestamp>().ok();
            if expires.is_none() {
                let message =
                    format!("`{text}` is not a time as RFC 3339 writes it, such as {example}");
                report.error(&expires_path, message);
            }
            expires.map(Timestamp::as_second)
        }
    };
    Some(Approval { plan: plan?, expires: expires? })
}

fn is_name(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    text.strip_prefix("p-").is_some_and(|it| it.len() >= DIGITS_MIN && it.chars().all(is_digit))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::manifest::{Source, parse};

    fn of(spec: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: bedrail.dev/v1alpha1\nkind: Approval\nmetadata: {{name: mass-move}}\n\
             spec: {spec}\n"
        );
        let source = Source {
            files: [(PathBuf::from("m.yaml"), text)].into_iter().collect(),
            ..Source::default()
        };
        parse(&source).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_approval_names_a_plan_and_an_end() {
        let fine = r#"{plan: p-3f9c2a41d0b7002a, expires: "2026-12-01T00:00:00Z"}"#;
        assert_eq!(of(fine), [""; 0]);
        let rows = [
            ("p-3f9c2a41d0b7002a", "everything", "`everything` is no name of a held plan"),
            ("p-3f9c2a41d0b7002a", "p-3f9c2a41d0b7002A", "is no name of a held plan"),
            ("2026-12-01T00:00:00Z", "tomorrow", "`tomorrow` is not a time"),
            ("plan: p-3f9c2a41d0b7002a, ", "", "spec.plan: is missing"),
        ];
        for (from, to, expected) in rows {
            let found = of(&fine.replace(from, to));
            assert!(found.len() == 1 && found[0].contains(expected), "{to}: {found:?}");
        }
    }
}

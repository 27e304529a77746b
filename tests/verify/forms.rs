//! What programs read, and bad usage.

use serde_json::{Value, json};
use xmlparser::{ElementEnd, Token, Tokenizer};

use super::support::{ADA, Stage};
use super::{converged, verify};

#[expect(clippy::wildcard_enum_match_arm, reason = "a token of the crate's, and most say nothing")]
/// The start tags of a document that must be well formed, with their attributes.
fn elements(xml: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for token in Tokenizer::from(xml) {
        match token.unwrap_or_else(|error| panic!("{error} in\n{xml}")) {
            Token::ElementStart { local, .. } => {
                open.push(local.to_string());
                found.push((local.to_string(), Vec::new()));
            }
            Token::Attribute { local, value, .. } => {
                found.last_mut().unwrap().1.push((local.to_string(), value.to_string()));
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } => {
                open.pop().unwrap();
            }
            Token::ElementEnd { end: ElementEnd::Close(_, local), .. } => {
                assert_eq!(open.pop().as_deref(), Some(local.as_str()), "{xml}");
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed in\n{xml}");
    found
}

fn attribute<'a>(element: &'a (String, Vec<(String, String)>), name: &str) -> &'a str {
    let attribute = element.1.iter().find(|(it, _)| it == name);
    attribute.map_or("", |(_, value)| value.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_is_well_formed_and_counts_what_the_table_counts() {
    let mut stage = converged().await;
    stage.delete_enforced((ADA, "us-east-1")).await;
    let fault = json!({"kind": "Denied", "operation": "bedrock:ListEnforcedGuardrailsConfiguration",
                       "account": ADA, "region": "eu-west-1", "probability": 1.0});
    stage.faults(json!([fault])).await;
    let done = verify(&mut stage, 1, &["-o", "junit"]).await;
    let elements = elements(&done.stdout);
    let count = |name: &str| elements.iter().filter(|(it, _)| it == name).count();
    let counts = ["testcase", "failure", "error", "skipped"].map(count);
    assert_eq!(counts, [7, 1, 1, 1], "{done}");
    let root = &elements[0];
    assert_eq!(root.0, "testsuites");
    let totals = ["tests", "failures", "errors", "skipped"].map(|name| attribute(root, name));
    assert_eq!(totals, ["7", "1", "1", "1"]);
    let failure = elements.iter().find(|(it, _)| it == "failure").unwrap();
    assert_eq!(attribute(failure, "type"), "NotEnforced");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_one_entry_per_cell_and_names_what_was_skipped() {
    let mut stage = converged().await;
    let done = verify(&mut stage, 0, &["-o", "json"]).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["apiVersion"], "bedrail.dev/verify/v1");
    assert_eq!(report["probe"], "apply");
    let totals = json!({"proven": 6, "failed": 0, "unknown": 0, "skipped": 1, "refused": 0});
    assert_eq!(report["summary"], totals);
    assert_eq!(report["skipped"], json!([{"account": "410000000004", "state": "SUSPENDED"}]));
    let cells = report["cells"].as_array().unwrap();
    let levels = |level: &str| cells.iter().filter(|it| it["level"] == level).count();
    assert_eq!((levels("Account"), levels("Organization")), (2, 4));
    assert!(cells.iter().all(|it| it["version"] == "1" && it["reason"] == "Applied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_and_bad_manifests_are_two() {
    let mut stage = Stage::start(super::support::SMALL).await;
    stage.manifest("all.yaml", &super::support::everything());
    let done = verify(&mut stage, 2, &["--probe", "converse"]).await;
    assert!(done.stderr.contains("--model"), "{done}");
    verify(&mut stage, 2, &["--probe", "hope"]).await;
    stage.manifest("all.yaml", "kind: Guardrail\n");
    verify(&mut stage, 2, &[]).await;
}

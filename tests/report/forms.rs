//! The same evidence as HTML, JSON and CSV: nothing in it is a program, and nothing a secret.

use std::process::Command;

use super::support::{ADA, MANAGEMENT, SMALL, edited, everything};
use super::{converged, converged_in, json, report};

/// What must never leave the manifests but when it is asked for.
const WORD: &str = "heliotrope";
const PATTERN: &str = "EMP-CANARY-[0-9]{6}";
const EXTERNAL_ID: &str = "canary-external-id";

fn with_pattern() -> String {
    let words = "wordPolicyConfig:\n      wordsConfig: [{text: heliotrope}]\n";
    let patterns = format!(
        "    sensitiveInformationPolicyConfig:\n      regexesConfig:\n        - {{name: badge, \
         pattern: '{PATTERN}', action: BLOCK}}\n"
    );
    edited(&everything(), words, &format!("{words}{patterns}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_revision_in_force_stands_there_with_content_and_hash_and_without_its_words() {
    let mut stage = converged_in(SMALL, &with_pattern()).await;
    stage.set("BEDRAIL_EXTERNAL_ID", EXTERNAL_ID);
    for format in ["html", "json", "csv"] {
        for access in [&["--format", format][..], &["--format", format, "--access"]] {
            let done = report(&mut stage, 0, access).await;
            for secret in [WORD, "EMP-CANARY", EXTERNAL_ID, "not-a-secret", "AKIATEST"] {
                assert!(!done.to_string().contains(secret), "{secret} in {format}");
            }
        }
    }
    let found = json(&mut stage, 0, &[]).await;
    let [revision] = found["guardrails"].as_array().unwrap().as_slice() else {
        unreachable!("one revision is in force: {found:#}")
    };
    assert_eq!((&revision["guardrail"], &revision["cells"]), (&"baseline".into(), &6.into()));
    assert_eq!((&revision["isOurs"], &revision["isDesired"]), (&true.into(), &true.into()));
    assert_eq!(revision["revision"].as_str().unwrap().len(), 32);
    assert_eq!(revision["versions"].as_array().unwrap().len(), 2);
    let content = &revision["content"];
    assert_eq!(content["blockedInputMessaging"], "Blocked by policy.");
    assert_eq!(content["wordPolicyConfig"]["wordsConfig"]["count"], 1);
    assert_eq!(content["sensitiveInformationPolicyConfig"]["regexesConfig"][0]["name"], "badge");

    let whole = report(&mut stage, 0, &["--format", "json", "--full-content"]).await;
    assert!(whole.stdout.contains(WORD) && whole.stdout.contains(PATTERN), "{whole}");
    whole.line(&["CAUTION", "--full-content"]);
}

/// Accounts whose names are programs for browsers and spreadsheets.
fn hostile() -> String {
    let scenario = edited(SMALL, "name: shop,", "name: '<script>alert(1)</script>',");
    let scenario = edited(&scenario, "name: search,", "name: '=HYPERLINK(\"http://evil\",\"x\")',");
    edited(&scenario, "name: ada}", "name: '@SUM(1,2)'}")
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_text_in_html_and_no_formula_in_csv() {
    let mut stage = converged_in(&hostile(), &everything()).await;
    let html = report(&mut stage, 0, &["--format", "html", "--access"]).await.stdout;
    assert!(!html.contains("<script"), "a name became a program");
    assert!(html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"));
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        let found = html.replace("http://evil", "").contains(outside);
        assert!(!found, "{outside} in what must need nothing else");
    }

    let csv = report(&mut stage, 0, &["--format", "csv"]).await.stdout;
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 9, "a head and one row for each cell\n{csv}");
    assert!(lines[0].starts_with("observedAt,account,accountName,region,state,mechanism"));
    assert!(csv.contains("\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\""), "{csv}");
    assert!(csv.contains("\"'@SUM(1,2)\""), "{csv}");
    assert!(!csv.contains(",=") && !csv.contains(",@") && !csv.contains("\"="), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_says_by_what_a_cell_is_covered() {
    let mut stage = converged().await;
    let csv = report(&mut stage, 0, &["--format", "csv"]).await.stdout;
    let row = |words: &[&str]| {
        let mut rows = csv.lines();
        rows.find(|row| words.iter().all(|word| row.contains(word)))
            .unwrap_or_else(|| unreachable!("no row with {words:?}\n{csv}"))
    };
    row(&[ADA, "us-east-1", "Enforced", "account-level enforcement", "AccountEnforcement/sandbox"]);
    row(&[MANAGEMENT, "us-east-1", "Uncovered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_goes_to_a_file_and_prints_nothing() {
    let mut stage = converged().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.html");
    let done = report(&mut stage, 0, &["--to", path.to_str().unwrap()]).await;
    assert_eq!(done.stdout, "");
    let html = std::fs::read_to_string(&path).unwrap();
    assert!(html.contains("6 of 8"), "{html}");
}

#[test]
fn help_shows_the_format_of_a_file_of_controls() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
    let output = command.args(["report", "--help"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("covers: [enforcement, content]"), "{text}");
}

//! Manifests that are wrong.

use crate::support::{
    ADA, GUARDRAIL, REGIONS, SANDBOX, SHOP, SMALL, Stage, WORKLOADS, edited, everything,
};

/// A name, the manifests, and what the problem says after the file name: `LINE:COL`, then a word.
fn broken() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let line = |old: &str, new: &str| edited(&everything(), old, new);
    vec![
        ("broken YAML", line("regions: [us-east-1,", "regions: [[us-east-1,"), "", "YAML"),
        (
            "a wrong type",
            line("HATE, inputStrength: HIGH", "HATE, inputStrength: {}"),
            "14:",
            "inputStrength",
        ),
        (
            "a word instead of a list",
            line("[{text: heliotrope}]", "heliotrope"),
            "17:",
            "wordsConfig",
        ),
        ("an unknown key", line("shareWith:", "sharedWith:"), "7:3", "shareWith"),
        (
            "an unknown kind",
            line("kind: AccountEnforcement", "kind: AccountEnforcment"),
            "",
            "AccountEnforcement",
        ),
        (
            "DRAFT",
            line(
                "  targets: [{organizationalUnit: /Sandbox}]",
                "  guardrailVersion: DRAFT\n  targets: [{organizationalUnit: /Sandbox}]",
            ),
            "",
            "guardrailVersion",
        ),
        (
            "a revision DRAFT",
            line(
                "guardrail: baseline\n  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}\n  targets: [{organizationalUnit: /Sandbox}]",
                "guardrail: {name: baseline, revision: DRAFT}\n  targets: [{organizationalUnit: /Sandbox}]",
            ),
            "",
            "DRAFT",
        ),
        (
            "a duplicate key",
            line("  shareWith: Organization\n", "  shareWith: Organization\n  shareWith: None\n"),
            "8:3",
            "shareWith",
        ),
        (
            "a guardrail that is not there",
            line("metadata: {name: baseline}", "metadata: {name: other}"),
            "",
            "baseline",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_manifests_are_refused_with_file_line_and_column_before_anything_is_called() {
    let mut stage = Stage::start(SMALL).await;
    for (name, manifests, position, word) in broken() {
        let path = stage.manifest("all.yaml", &manifests);
        let position = format!("{}:{position}", path.display());
        for command in ["plan", "apply"] {
            let done = stage.finish(&[command]).await;
            assert_eq!(done.code, 2, "{name}: {command}\n{done}");
            let said =
                done.stderr.lines().any(|line| line.starts_with(&position) && line.contains(word));
            assert!(said, "{name}: {command}: `{position}` and `{word}`\n{done}");
            assert_eq!(has_line_and_column(&done.stderr, &path), Some(true), "{name}\n{done}");
        }
        let validated = stage.validate(1).await;
        let said = validated.stdout.lines().any(|line| line.starts_with(&position));
        assert!(said, "{name}: validate\n{validated}");
        stage.remove("all.yaml");
    }
    assert!(stage.calls().await.is_empty(), "nothing was called");
}

/// Whether the first problem of the file starts `file:LINE:COL:`.
fn has_line_and_column(text: &str, path: &std::path::Path) -> Option<bool> {
    let prefix = format!("{}:", path.display());
    let rest = text.lines().find_map(|line| line.strip_prefix(&prefix))?;
    let mut numbers = rest.split(':').take(2);
    Some(numbers.all(|number| number.parse::<u32>().is_ok_and(|number| number > 0)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_every_file_is_said_at_once() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("a.yaml", &edited(GUARDRAIL, "shareWith:", "sharedWith:"));
    stage.manifest("b.yaml", &edited(WORKLOADS, "guardrail: baseline", "guardrial: baseline"));
    let done = stage.validate(1).await;
    done.line(&["a.yaml:", "sharedWith"]);
    done.line(&["b.yaml:", "guardrial"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_nobody_knows_is_a_warning_and_an_error_only_when_strict() {
    let mut stage = Stage::start(SMALL).await;
    let unknown = edited(SANDBOX, "[EMBEDDINGS]", "[vendor.unheard-of-v1:0]");
    stage.manifest("all.yaml", &[GUARDRAIL, unknown.as_str()].join("---"));
    let done = stage.validate(0).await;
    done.line(&["all.yaml:", "warning", "vendor.unheard-of-v1:0"]);
    let strict = stage.finish(&["validate", "--strict"]).await;
    assert_eq!(strict.code, 1, "{strict}");
    let applied = stage.apply(0).await;
    applied.line(&["warning", "vendor.unheard-of-v1:0"]);
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_does_not_exist_is_refused_and_the_others_go_on() {
    let mut stage = Stage::start(SMALL).await;
    let targets = "targets: [{organizationalUnit: /Sandbox}, {organizationalUnit: /Nowhere}]";
    let sandbox = edited(SANDBOX, "targets: [{organizationalUnit: /Sandbox}]", targets);
    let lost = edited(WORKLOADS, "name: workloads", "name: lost");
    let lost = edited(&lost, "/Workloads", "/Neverland");
    stage.manifest("all.yaml", &[GUARDRAIL, WORKLOADS, &sandbox, &lost].join("---"));
    stage.plan(2).await;
    let done = stage.apply(1).await;
    done.line(&["refused", "AccountEnforcement/sandbox", "/Nowhere"]);
    done.line(&["refused", "OrganizationEnforcement/lost", "/Neverland"]);
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some());
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
    stage.forget_calls().await;
    stage.apply(1).await;
    assert_eq!(stage.writes().await, Vec::<String>::new(), "refused and at rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_or_empty_and_bad_flags_are_usage_errors() {
    let mut stage = Stage::start(SMALL).await;
    let empty = stage.apply(2).await;
    assert!(!empty.stderr.is_empty(), "it says why");
    for flags in [&["apply", "--wait", "soon"][..], &["apply", "--no-such-flag"], &["aply"]] {
        let done = stage.finish(flags).await;
        assert_eq!(done.code, 2, "{flags:?}\n{done}");
    }
    let missing = stage.finish(&["plan", "-f", "/no/such/folder"]).await;
    assert_eq!(missing.code, 2, "{missing}");
    missing.line(&["/no/such/folder"]);
}

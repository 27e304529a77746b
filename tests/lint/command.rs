//! `bedrail validate` on policies.

use std::path::Path;
use std::process::Command;

use super::folder;

pub(crate) fn validate(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
    let output = command.arg("validate").args(arguments).env_clear().output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn policies_given_directly_or_in_a_folder_decide_the_exit_code() {
    let (good, bad) = (folder("good"), folder("fixtures"));
    let (code, text) = validate(&["-f", path(&good)]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("valid: ") && text.contains(" policies; 0 warnings"), "{text}");

    let one = bad.join("08-model-id.scp.json");
    let (code, text) = validate(&["-f", path(&one)]);
    assert_eq!(code, 1, "{text}");
    let start = format!("{}:14:11: error: ", one.display());
    assert!(text.starts_with(&start), "{text}");
    assert!(text.ends_with("1 errors, 0 warnings\n"), "{text}");

    let warned = bad.join("46-retired-model.json");
    assert_eq!(validate(&["-f", path(&warned)]).0, 0);
    assert_eq!(validate(&["-f", path(&warned), "--strict"]).0, 1);
}

#[test]
fn policies_lie_beside_manifests_and_other_files_are_passed_over() {
    let root = tempfile::tempdir().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/demo");
    for name in ["baseline.yaml", "enforcement.yaml", "observing.yaml", "strict.yaml"] {
        std::fs::copy(demo.join(name), root.path().join(name)).unwrap();
    }
    let policy = std::fs::read_to_string(folder("good").join("approved-models.scp.json")).unwrap();
    std::fs::write(root.path().join("approved.scp.json"), &policy).unwrap();
    for (name, text) in [("package.json", "{\"a\": 1}"), ("broken.json", "{"), ("list.json", "[]")]
    {
        std::fs::write(root.path().join(name), text).unwrap();
    }
    let (code, text) = validate(&["-f", path(root.path())]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 guardrails") && text.contains("1 policy"), "{text}");

    // Tabs indent JSON, and count as one column; a key that stands twice is no policy.
    let tabs = policy.replace("  ", "\t").replace("bedrock:InvokeModel\"", "bedrock:Converse\"");
    std::fs::write(root.path().join("approved.scp.json"), tabs).unwrap();
    let (code, text) = validate(&["-f", path(root.path()), "-o", "json"]);
    assert_eq!(code, 1, "{text}");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let places = |report: &serde_json::Value| -> Vec<(u64, u64)> {
        let problems = report["problems"].as_array().unwrap().iter();
        problems.map(|it| (it["line"].as_u64().unwrap(), it["column"].as_u64().unwrap())).collect()
    };
    assert_eq!(places(&report), [(8, 5), (9, 5)], "{text}");

    let twice =
        policy.replace("\"Effect\": \"Deny\",", "\"Effect\": \"Deny\", \"Effect\": \"Deny\",");
    std::fs::write(root.path().join("approved.scp.json"), twice).unwrap();
    let (code, text) = validate(&["-f", path(root.path())]);
    assert_eq!(code, 1);
    assert!(text.contains("the key `Effect` is already at 6:7"), "{text}");

    std::fs::write(root.path().join("approved.scp.json"), "{\"Statement\": [\n}").unwrap();
    let (code, text) = validate(&["-f", path(root.path())]);
    assert_eq!(code, 1);
    assert!(text.contains("approved.scp.json:2:1: error: is not valid JSON"), "{text}");
}

//! `kind: ServiceControlPolicy` with a `document` of its own.

use std::path::{Path, PathBuf};

use bedrail::manifest::{Source, parse};

use super::command::{path, validate};
use super::{files, problems};

const HEAD: &str = "apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: control}
spec:
  targets: [{organization: true}]
  document:
";

/// A manifest of this document, as YAML or as JSON.
fn manifest(document: &str) -> String {
    let lines: String = document.lines().map(|line| format!("    {line}\n")).collect();
    format!("{HEAD}{lines}")
}

/// What `validate` says of it.
fn of(manifest: String) -> Vec<String> {
    let files = [(PathBuf::from("m.yaml"), manifest)].into();
    let source = Source::new(files, Vec::new());
    parse(&source).problems.iter().map(ToString::to_string).collect()
}

/// `m.yaml:8:5: error: spec.document.Statement…` of `x.scp.json:2:1: error: Statement…`; what is
/// about the whole of a document is said at its key.
fn moved(problem: &str) -> String {
    let mut parts = problem.splitn(5, ':');
    let mut part = || parts.next().unwrap();
    let (_, line, column) = (part(), part(), part());
    let (severity, rest) = (part(), part().trim_start());
    let (line, column): (usize, usize) = (line.parse().unwrap(), column.parse().unwrap());
    let head = HEAD.lines().count();
    let place = match (line, column) {
        (1, 1) => format!("{head}:3"),
        (line, column) => format!("{}:{}", head + line, column + 4),
    };
    let dot = if rest.starts_with(|c: char| c.is_ascii_uppercase()) { "." } else { ": " };
    format!("m.yaml:{place}:{severity}: spec.document{dot}{rest}")
}

#[test]
fn a_document_is_judged_in_a_manifest_as_in_a_file_of_its_own() {
    let is_control = |path: &PathBuf| path.to_string_lossy().ends_with(".scp.json");
    let controls: Vec<PathBuf> =
        [files("good"), files("fixtures")].concat().into_iter().filter(is_control).collect();
    assert!(controls.len() >= 30);
    let mut count = 0;
    for file in controls {
        let text = std::fs::read_to_string(&file).unwrap();
        let expected: Vec<String> = problems(&file).iter().map(|it| moved(it)).collect();
        count += expected.len();
        assert_eq!(of(manifest(&text)), expected, "{}", file.display());
    }
    assert!(count >= 25);
}

#[test]
fn a_key_that_does_not_exist_is_an_error_at_its_line_and_column() {
    let document = "Version: \"2012-10-17\"
Statement:
  - Effect: Deny
    Action: [bedrock:InvokeModel, bedrock:InvokeModelWithResponseStream]
    Resource: \"*\"
    Condition:
      StringNotEquals:
        bedrock:GuardrailVersion: \"1\"
";
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("control.yaml");
    std::fs::write(&file, manifest(document)).unwrap();
    let (code, text) = validate(&["-f", path(&file)]);
    assert_eq!(code, 1, "{text}");
    let start = format!(
        "{}:14:39: error: spec.document.Statement[0].Condition.StringNotEquals\
         [\"bedrock:GuardrailVersion\"]: ",
        file.display()
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains("[unknown-key]") && text.contains("1 errors, 0 warnings"), "{text}");

    // Without the condition it says what it does, and denies it to everybody.
    let plain = document.split("    Condition:").next().unwrap();
    assert_eq!(of(manifest(plain)), [""; 0]);
}

#[test]
fn a_document_that_is_too_long_for_one_policy_is_accepted_since_it_becomes_several() {
    let statement = |number: usize| {
        format!(
            "{{\"Sid\": \"N{number}\", \"Effect\": \"Deny\", \"Action\": \"s3:DeleteBucket\", \
             \"Resource\": \"arn:aws:s3:::bucket-{number}\"}}"
        )
    };
    let statements: Vec<String> = (0..200).map(statement).collect();
    let document =
        format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", statements.join(", "));
    assert_eq!(of(manifest(&document)), [""; 0]);
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("long.scp.json");
    std::fs::write(&file, document).unwrap();
    let [problem] = &problems(Path::new(&file))[..] else { panic!("a file is one policy") };
    assert!(problem.contains("split it into several [too-long]"), "{problem}");
}

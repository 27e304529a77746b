//! Manifests: valid ones, and what comes of them under clumsy hands.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use crate::laws::manifests::judged;
use crate::{cases, generate};

const DEMO: [&str; 4] = [
    include_str!("../../manifests/demo/baseline.yaml"),
    include_str!("../../manifests/demo/strict.yaml"),
    include_str!("../../manifests/demo/observing.yaml"),
    include_str!("../../manifests/demo/enforcement.yaml"),
];

/// The kinds that the demo has none of.
const OTHERS: &str = r#"apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: models}
spec:
  approvedModels: [anthropic.claude-*, amazon.nova-*]
  targets: [{organization: true}]
---
apiVersion: bedrail.dev/v1alpha1
kind: InvocationLogging
metadata: {name: calls}
spec:
  targets: [{organization: true}]
  regions: [us-east-1]
  loggingConfig:
    s3Config: {bucketName: "calls-${account}-${region}", keyPrefix: bedrock}
    textDataDeliveryEnabled: true
---
apiVersion: bedrail.dev/v1alpha1
kind: Approval
metadata: {name: once}
spec: {plan: p-3f9c2a41d0b7002a, expires: "2026-12-01T00:00:00Z"}
"#;

/// What a hand does to a text.
#[derive(Clone, Debug)]
enum Slip {
    DropLine(Index),
    RepeatLine(Index),
    SwapLines(Index, Index),
    IndentLine(Index, &'static str),
    ReplaceValue(Index, &'static str),
    RenameKey(Index, &'static str),
    Insert(Index, &'static str),
    Cut(Index),
}

/// Values of a wrong type, or that mean something else than they seem to.
const VALUES: [&str; 22] = [
    "",
    "~",
    "null",
    "true",
    "no",
    "-0.0",
    ".nan",
    ".inf",
    "1e400",
    "0x10",
    "99999999999999999999",
    "\"\"",
    "[]",
    "{}",
    "[null]",
    "{a: 1}",
    "DRAFT",
    "'unclosed",
    "\"\\ud800\"",
    "2026-01-01",
    "*alias",
    "!!binary aGk=",
];

const KEYS: [&str; 6] = ["kind", "spec", "Name", "<<", "targets", "é"];

const JUNK: [&str; 12] = [
    "\t",
    "\r\n",
    "---\n",
    "...\n",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "#",
    ": ",
    "- ",
    "&a ",
    "%YAML 9\n",
];

fn slip() -> impl Strategy<Value = Slip> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Slip::DropLine),
        index().prop_map(Slip::RepeatLine),
        (index(), index()).prop_map(|(one, other)| Slip::SwapLines(one, other)),
        (index(), select(&["  ", " ", "\t", "    "][..]))
            .prop_map(|(at, by)| Slip::IndentLine(at, by)),
        (index(), select(&VALUES[..])).prop_map(|(at, value)| Slip::ReplaceValue(at, value)),
        (index(), select(&KEYS[..])).prop_map(|(at, key)| Slip::RenameKey(at, key)),
        (index(), select(&JUNK[..])).prop_map(|(at, junk)| Slip::Insert(at, junk)),
        index().prop_map(Slip::Cut),
    ]
}

/// The text after the slip.
fn slipped(text: &str, slip: &Slip) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return text.to_owned();
    }
    match slip {
        Slip::DropLine(at) => {
            lines.remove(at.index(lines.len()));
        }
        Slip::RepeatLine(at) => {
            let at = at.index(lines.len());
            lines.insert(at, lines[at].clone());
        }
        Slip::SwapLines(one, other) => {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
        }
        Slip::IndentLine(at, by) => {
            let at = at.index(lines.len());
            lines[at].insert_str(0, by);
        }
        Slip::ReplaceValue(at, value) => {
            let at = at.index(lines.len());
            if let Some((key, _)) = lines[at].split_once(": ") {
                lines[at] = format!("{key}: {value}");
            }
        }
        Slip::RenameKey(at, name) => {
            let at = at.index(lines.len());
            if let Some((key, value)) = lines[at].split_once(':') {
                let indent = key.len() - key.trim_start().len();
                lines[at] = format!("{:indent$}{name}:{value}", "");
            }
        }
        Slip::Insert(at, junk) => {
            let at = boundary(text, *at);
            return [&text[..at], junk, &text[at..]].concat();
        }
        Slip::Cut(at) => return text[..boundary(text, *at)].to_owned(),
    }
    lines.join("\n") + "\n"
}

fn boundary(text: &str, at: Index) -> usize {
    text.floor_char_boundary(at.index(text.len().max(1)).min(text.len()))
}

#[test]
fn what_the_slips_begin_with_is_accepted() {
    assert!(judged(&DEMO.join("\n---\n")).is_some());
    assert!(judged(OTHERS).is_some());
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn valid_manifests_with_a_few_slips_are_judged(
        which in select(vec![DEMO.join("\n---\n"), DEMO[0].to_owned(), OTHERS.to_owned()]),
        slips in vec(slip(), 1..4),
    ) {
        let text = slips.iter().fold(which, |text, slip| slipped(&text, slip));
        judged(&text);
    }

    #[test]
    fn any_text_is_judged(text in "(?s).{0,200}") {
        judged(&text);
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// JSON is YAML too: what was accepted says the same when it is written in another style.
    #[test]
    fn an_accepted_guardrail_reads_the_same_in_every_style(spec in generate::spec()) {
        let document = json!({
            "apiVersion": "bedrail.dev/v1alpha1",
            "kind": "Guardrail",
            "metadata": {"name": "any"},
            "spec": spec,
        });
        // The place of the name is part of what is read: put it on the first line in each.
        let block = serde_yaml::to_string(&document).unwrap();
        let styles = [format!("{document}\n"), format!("{document:#}\n"), block];
        let mut read = styles.iter().map(|text| {
            let mut manifests = judged(text)?;
            manifests.guardrails.values_mut().for_each(|it| it.origin.line = 0);
            Some(manifests)
        });
        let first = read.next().flatten();
        prop_assert!(first.is_some(), "not accepted: {document}");
        for other in read {
            prop_assert_eq!(&other, &first);
        }
    }
}

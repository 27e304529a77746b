//! The fixed point for every field a guardrail can have: what `apply` wrote, `plan` finds equal,
//! whatever defaults AWS fills in and in whatever order it gives lists back.

#![expect(clippy::unwrap_used, reason = "shared setup fails a test by panicking, as tests do")]

#[path = "../support/mod.rs"]
mod support;

mod generate;
mod schema;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use support::{SMALL, Stage};

/// Guardrails in one folder.
const GUARDRAILS: usize = 12;

/// The seed of the contents unless `CONTENT_SEED` gives another: the same contents every time.
const SEED: u64 = 20_260_105;

/// Which defaults are echoed, in which order lists come back, and the stream of contents.
const CASES: [(&str, &str, u64); 6] = [
    ("all", "kept", 0),
    ("all", "reversed", 1),
    ("none", "kept", 2),
    ("none", "reversed", 3),
    ("tier_only", "kept", 4),
    ("tier_only", "reversed", 5),
];

fn seed() -> u64 {
    std::env::var("CONTENT_SEED").map_or(SEED, |text| text.parse().unwrap())
}

/// The specs of one case: the same for the same seed.
fn specs(case: u64) -> Vec<Value> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    bytes[8..16].copy_from_slice(&case.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = generate::spec();
    (0..GUARDRAILS).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// One document per spec, named g1, g2, …
fn manifests<'a>(specs: impl Iterator<Item = &'a Value>) -> String {
    let mut text = String::new();
    for (index, spec) in specs.enumerate() {
        let document = json!({
            "apiVersion": "bedrail.dev/v1alpha1",
            "kind": "Guardrail",
            "metadata": {"name": format!("g{}", index + 1)},
            "spec": spec,
        });
        writeln!(text, "---\n{}", serde_yaml::to_string(&document).unwrap()).unwrap();
    }
    text
}

async fn reaches_a_fixed_point(echo_defaults: &str, list_order: &str, case: u64) {
    let specs = specs(case);
    let mut stage = Stage::start(SMALL).await;
    stage.switch(&json!({"echo_defaults": echo_defaults, "list_order": list_order})).await;
    // First as created, then each name with the content of its neighbour: what an update leaves
    // out must be gone.
    for turn in 0..2 {
        let text = manifests(specs.iter().cycle().skip(turn).take(GUARDRAILS));
        let about = format!("CONTENT_SEED={}, case {case}, turn {turn}", seed());
        stage.manifest("guardrails.yaml", &text);
        let applied = stage.finish(&["apply", "--wait", "60s"]).await;
        assert_eq!(applied.code, 0, "{about}: {applied}\n{text}");
        assert_eq!(guardrails(&stage).await, GUARDRAILS, "{about}");
        let planned = stage.finish(&["plan", "--detailed-exitcode"]).await;
        assert_eq!(planned.code, 0, "{about}: plan finds a difference\n{planned}\n{text}");
        stage.forget_calls().await;
        stage.apply(0).await;
        assert_eq!(stage.writes().await, Vec::<String>::new(), "{about}\n{text}");
        assert!(!stage.calls().await.is_empty(), "{about}: the second apply has read nothing");
    }
}

/// How many guardrails stand in the Region.
async fn guardrails(stage: &Stage) -> usize {
    let world = stage.world().await;
    let place = format!("{}/{}", support::MANAGEMENT, generate::REGION);
    world["bedrock"][place]["guardrails"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_is_empty_after_apply_whatever_a_guardrail_contains() {
    for (echo_defaults, list_order, case) in CASES {
        reaches_a_fixed_point(echo_defaults, list_order, case).await;
    }
}

#[test]
fn generated_contents_cover_every_field_and_value_of_the_schema() {
    let mut fields = BTreeSet::new();
    let mut values = BTreeSet::new();
    for (_, _, case) in CASES {
        for spec in specs(case) {
            walk("", &spec["content"], &mut fields, &mut values);
        }
    }
    assert_eq!(fields, schema::FIELDS.map(str::to_owned).into(), "CONTENT_SEED={}", seed());
    for field in schema::FIELDS {
        for word in schema::values(field) {
            let value = format!("{field}={word}");
            assert!(values.contains(&value), "CONTENT_SEED={}: never: {value}", seed());
        }
    }
}

/// Collects the paths of leaves, list positions left out, and `path=word` for texts and flags.
fn walk(path: &str, value: &Value, fields: &mut BTreeSet<String>, values: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(&path, member, fields, values);
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(path, item, fields, values);
            }
        }
        Value::String(text) => {
            fields.insert(path.to_owned());
            values.insert(format!("{path}={text}"));
        }
        Value::Bool(_) | Value::Number(_) | Value::Null => {
            fields.insert(path.to_owned());
            values.insert(format!("{path}={value}"));
        }
    }
}

//! New revisions that move in waves.

use serde_json::{Value, json};

use crate::change::Change;
use crate::stage::{Scene, Wanted};
use crate::sweep::sweep;
use crate::text::{
    ADA, AMARANTH, Document, HELIOTROPE, ORGANIZATION, SHOP, account_target, unit_target, wanted,
};

/// How long a wave must have been complete.
const BAKE: &str = "90s";
const BAKE_MS: u64 = 90_000;

/// From the first revision in force everywhere to the second.
fn rollout(name: &'static str, of: impl Fn(&str, &[&str]) -> Wanted) -> Change {
    let first = of(HELIOTROPE, &[HELIOTROPE]);
    let first = Change::run("a first rollout", &Scene::empty(ORGANIZATION), first);
    Change::run(name, first.after(), of(AMARANTH, &[HELIOTROPE, AMARANTH]))
}

fn in_waves(enforcement: Document, waves: &Value) -> Document {
    enforcement.with("rollout", json!({"waves": waves}))
}

fn both_units() -> Value {
    json!([unit_target("/Workloads"), unit_target("/Sandbox")])
}

#[test]
fn waves_of_accounts_survive_whatever_strikes_any_call() {
    let change = rollout("waves of accounts", |word, words| {
        let waves = json!([
            {"name": "canary", "targets": [account_target(SHOP)], "bake": BAKE}, {"name": "rest"},
        ]);
        let configuration = Document::configuration("/Sandbox").with("targets", both_units());
        wanted([Document::guardrail(word), in_waves(configuration, &waves)], words)
            .telling("waves", json!([[{"account": SHOP}]]))
            .telling("bakeMs", json!([BAKE_MS]))
    });
    assert!(change.makes("bedrock:TagResource"), "{:?}", change.calls);
    sweep(&change);
}

#[test]
fn waves_of_targets_survive_whatever_strikes_any_call() {
    let change = rollout("waves of targets", |word, words| {
        let waves = json!([
            {"name": "canary", "targets": [account_target(SHOP)]},
            {"name": "sandbox", "targets": [unit_target("/Sandbox")]},
            {"name": "rest"},
        ]);
        let policy = Document::policy("/Workloads")
            .with("targets", both_units())
            .with("allowOverride", json!(false));
        wanted([Document::guardrail(word), in_waves(policy, &waves)], words)
            .telling("waves", json!([[{"account": SHOP}], [{"account": ADA}]]))
    });
    let made = change.calls.iter().filter(|it| it.operation == "organizations:CreatePolicy");
    assert_eq!(made.count(), 2, "one for each wave before the rest: {:?}", change.calls);
    sweep(&change);
}

#[test]
fn waves_of_regions_survive_whatever_strikes_any_call() {
    let regions = json!(["us-east-1", "eu-west-1"]);
    let change = rollout("waves of Regions", |word, words| {
        let waves = json!([
            {"name": "europe", "regions": ["eu-west-1"], "bake": BAKE}, {"name": "rest"},
        ]);
        let guardrail = Document::guardrail(word).with("regions", regions.clone());
        wanted([guardrail, in_waves(Document::policy("/Workloads"), &waves)], words)
            .telling("waves", json!([[{"region": "eu-west-1"}]]))
            .telling("bakeMs", json!([BAKE_MS]))
    });
    let updates = change.calls.iter().filter(|it| it.operation == "organizations:UpdatePolicy");
    assert_eq!(updates.count(), 2, "one for each wave: {:?}", change.calls);
    sweep(&change);
}

//! While a rollout keeps something on an older revision on purpose, that is what is proven.

use serde_json::{Value, json};

use super::support::{
    ADA, GUARDRAIL, MANAGEMENT, SANDBOX, SEARCH, SHOP, SMALL, Stage, WORKLOADS, edited,
};
use super::verify;

/// The second wave waits for an hour; a harmless question is asked from inside what has moved.
const BY_ACCOUNT: &str = r"  rollout:
    waves:
      - {name: canary, targets: [{organizationalUnit: /Workloads}], bake: 1h}
      - {name: rest}
";
const BY_REGION: &str = r"  rollout:
    waves:
      - {name: canary, regions: [us-east-1], bake: 1h}
      - {name: rest}
";
const BY_TARGET: &str = r#"  rollout:
    waves:
      - {name: canary, targets: [{account: "310000000001"}], bake: 1h}
      - {name: rest}
"#;

/// What the first wave selects.
fn wave(rollout: &str) -> &str {
    rollout.lines().nth(2).unwrap().split(", bake").next().unwrap()
}

/// A guardrail that blocks a word, and every account under it, rolled out so.
fn manifests(word: &str, rollout: &str) -> String {
    let is_of_organization = [BY_REGION, BY_TARGET].iter().any(|it| wave(it) == wave(rollout));
    let enforcement = if is_of_organization {
        edited(WORKLOADS, "/Workloads}]", "/Workloads}, {organizationalUnit: /Sandbox}]")
    } else {
        edited(SANDBOX, "/Sandbox}]", "/Sandbox}, {organizationalUnit: /Workloads}]")
    };
    let guardrail = edited(GUARDRAIL, "heliotrope", word);
    format!("{guardrail}---{enforcement}{rollout}")
}

/// The first revision is in force everywhere, and the next has moved the first wave.
async fn half_way(rollout: &str) -> Stage {
    let mut stage = Stage::start(SMALL).await;
    let at_once = rollout.replace("bake: 1h", "bake: 0s");
    stage.manifest("all.yaml", &manifests("heliotrope", &at_once));
    stage.apply(0).await;
    stage.manifest("all.yaml", &manifests("vermilion", rollout));
    stage.apply(3).await;
    stage.forget_calls().await;
    stage
}

/// `account region version verdict reason` of each cell, `*` behind it where it has a remark, which
/// must say this.
async fn cells(stage: &mut Stage, code: i32, remark: &str) -> Vec<String> {
    let done = verify(stage, code, &["-o", "json"]).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let text = |cell: &Value, name: &str| cell[name].as_str().unwrap_or("-").to_owned();
    let line = |cell: &Value| {
        let names = ["account", "region", "version", "verdict", "reason"];
        let line = names.map(|name| text(cell, name)).join(" ");
        match cell["remark"].as_str() {
            Some(said) => {
                assert!(said.contains(remark), "{said}");
                line + " *"
            }
            None => line,
        }
    };
    report["cells"].as_array().unwrap().iter().map(line).collect()
}

const REGIONS_IN_ORDER: [&str; 2] = ["eu-west-1", "us-east-1"];
const WAITS: &str = "waits for wave `rest` to open";

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_whose_wave_is_closed_is_proven_on_the_accepted_revision_with_a_remark() {
    let mut stage = half_way(BY_ACCOUNT).await;
    let expected = [
        format!("{SHOP} eu-west-1 2 Proven Applied"),
        format!("{SHOP} us-east-1 2 Proven Applied"),
        format!("{SEARCH} eu-west-1 2 Proven Applied"),
        format!("{SEARCH} us-east-1 2 Proven Applied"),
        format!("{ADA} eu-west-1 1 Proven Applied *"),
        format!("{ADA} us-east-1 1 Proven Applied *"),
    ];
    assert_eq!(cells(&mut stage, 0, WAITS).await, expected);
    let done = verify(&mut stage, 0, &[]).await;
    done.line(&["Proven", "which the account can apply", "baseline", WAITS]);

    // Nothing is not good enough, nor what is neither.
    stage.delete_enforced((ADA, "eu-west-1")).await;
    let place = (ADA, "us-east-1");
    let theirs = stage.create_guardrail(place, "theirs", &[]).await;
    stage.publish(place, &theirs).await;
    stage.put_enforced(place, &theirs, "1").await;
    let found = cells(&mut stage, 1, WAITS).await;
    assert_eq!(found[4], format!("{ADA} eu-west-1 1 Failed NotEnforced *"));
    assert_eq!(found[5], format!("{ADA} us-east-1 1 Failed OtherGuardrail *"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_whose_wave_is_closed_is_proven_on_the_accepted_revision_with_a_remark() {
    let mut stage = half_way(BY_REGION).await;
    let accounts = [SHOP, SEARCH, ADA];
    let expected = accounts.map(|account| {
        [
            format!("{account} eu-west-1 1 Proven Applied *"),
            format!("{account} us-east-1 2 Proven Applied"),
        ]
    });
    assert_eq!(cells(&mut stage, 0, WAITS).await, expected.concat());
    // Neither: somebody else's policy bends what stands there.
    let theirs = json!({"bedrock": {"guardrail_inference": {"eu-west-1": {"config_1": {
        "selective_content_guarding": {"system": {"@@assign": "selective"}}}}}}});
    stage.attach("theirs", &theirs, ADA).await;
    stage
        .eventually("it is bent", || async {
            let world = stage.world().await;
            let effective = &world["accounts"][ADA]["effectiveBedrockPolicy"];
            effective.to_string().contains("selective\"").then_some(())
        })
        .await;
    let found = cells(&mut stage, 1, WAITS).await;
    assert_eq!(found[4], format!("{ADA} eu-west-1 1 Failed Bent *"));
    assert_eq!(found[..4], expected.concat()[..4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_target_waits_is_proven_on_the_accepted_revision_with_a_remark() {
    let mut stage = half_way(BY_TARGET).await;
    let waiting = [SEARCH, ADA].map(|account| {
        REGIONS_IN_ORDER.map(|region| format!("{account} {region} 1 Proven Applied *"))
    });
    let moved = REGIONS_IN_ORDER.map(|region| format!("{SHOP} {region} 2 Proven Applied"));
    let found = cells(&mut stage, 0, WAITS).await;
    assert_eq!((&found[..2], &found[2..]), (&moved[..], &waiting.concat()[..]));

    // In a wave that is open, what was accepted is not good enough any more.
    let (lane, _) = stage.policy("bedrail-default-workloads.lane-canary").await;
    let organizations = stage.organizations().await;
    organizations.detach_policy().policy_id(&lane).target_id(SHOP).send().await.unwrap();
    stage
        .eventually("the account has what the rest has", || async {
            let effective = stage.effective(SHOP).await;
            effective.iter().all(|(_, named)| named.ends_with(":1")).then_some(())
        })
        .await;
    stage.forget_calls().await;
    let found = cells(&mut stage, 1, WAITS).await;
    let lost = REGIONS_IN_ORDER.map(|region| format!("{SHOP} {region} 2 Failed OtherVersion"));
    assert_eq!((&found[..2], &found[2..]), (&lost[..], &waiting.concat()[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gate_rejected_is_not_proven_where_it_is_and_the_accepted_revision_is() {
    let rollout = format!("{BY_ACCOUNT}    onFailure: Rollback\n").replace("1h", "0s");
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &manifests("heliotrope", &rollout));
    stage.apply(0).await;
    // Harmless texts hold it, too.
    stage.manifest("all.yaml", &manifests("hours", &rollout));
    stage.intend(json!({"rollback": ["baseline"]})).await;
    stage.apply(3).await.line(&["held (RolledBack)"]);
    stage.forget_calls().await;
    let rejected = "was rejected by a gate";
    let found = cells(&mut stage, 0, rejected).await;
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|cell| cell.ends_with(" 1 Proven Applied *")), "{found:?}");

    let arn = stage.guardrail((MANAGEMENT, "us-east-1"), "baseline").await;
    stage.put_enforced((SHOP, "us-east-1"), &arn, "2").await;
    let found = cells(&mut stage, 1, rejected).await;
    assert_eq!(found[1], format!("{SHOP} us-east-1 1 Failed OtherVersion *"));
}

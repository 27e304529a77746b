//! A part of the world is broken, or the process is: the rest goes on, and what is broken says why.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]

mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{ADA, MANAGEMENT, PATIENCE, SEARCH, SHOP, SMALL, Stage, within};
use tempfile::TempDir;

/// A guardrail enforced in every account, in each of `regions`.
fn everywhere(regions: &str) -> String {
    format!(
        "
apiVersion: bedrail.dev/v1alpha1
kind: Guardrail
metadata: {{name: baseline}}
spec:
  regions: [{regions}]
  shareWith: Organization
  content:
    blockedInputMessaging: Blocked by policy.
    blockedOutputsMessaging: Blocked by policy.
    wordPolicyConfig:
      wordsConfig: [{{text: heliotrope}}]
---
apiVersion: bedrail.dev/v1alpha1
kind: AccountEnforcement
metadata: {{name: everywhere}}
spec:
  guardrail: baseline
  targets: [{{organization: true}}]
"
    )
}

const ALL: [&str; 4] = [MANAGEMENT, SHOP, SEARCH, ADA];

/// Polls until `condition` gives a value; fails the test, saying `what`, when it never does.
async fn eventually<T, F>(what: &str, condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    within(PATIENCE, condition).await.unwrap_or_else(|| panic!("never happened: {what}"))
}

/// A process of the real binary; killed with the test.
struct Process {
    child: Child,
    logs: TempDir,
}

impl Process {
    fn start(stage: &Stage, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let logs = tempfile::tempdir().unwrap();
        let file = |name: &str| std::fs::File::create(logs.path().join(name)).unwrap();
        let child = stage
            .bedrail(arguments)
            .envs(environment.iter().copied())
            .stdout(file("out"))
            .stderr(file("err"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, logs }
    }

    fn run(stage: &Stage, environment: &[(&str, &str)]) -> Self {
        Self::start(stage, &["run", "--resync", "300ms", "--settle-files", "50ms"], environment)
    }

    fn stdout(&self) -> String {
        std::fs::read_to_string(self.logs.path().join("out")).unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.logs.path().join("err")).unwrap()
    }

    async fn says(&self, text: &str) {
        eventually(text, async || self.log().contains(text).then_some(())).await;
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    async fn ends(&mut self) -> i32 {
        eventually("the process ends", || {
            let ended = self.child.try_wait().unwrap();
            std::future::ready(ended.map(|status| status.code().unwrap_or(-1)))
        })
        .await
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "what the process said is why the test failed")]
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- stdout\n{}--- stderr\n{}", self.stdout(), self.log());
        }
    }
}

/// Whether the slot of a cell holds something.
async fn is_enforced(stage: &Stage, account: &str, region: &str) -> bool {
    !stage.world().await["bedrock"][format!("{account}/{region}")]["enforced"].is_null()
}

async fn until_enforced(stage: &Stage, account: &str, region: &str) {
    eventually(&format!("{account} {region} is enforced"), async || {
        is_enforced(stage, account, region).await.then_some(())
    })
    .await;
}

/// An administrator of the account takes the enforcement away.
async fn take_away(stage: &Stage, account: &str, region: &str) {
    let bedrock = stage.bedrock(account, region).await;
    let listed = bedrock.list_enforced_guardrails_configuration().send().await.unwrap();
    let config = listed.guardrails_config()[0].config_id().unwrap();
    bedrock.delete_enforced_guardrail_configuration().config_id(config).send().await.unwrap();
}

async fn faults(stage: &Stage, faults: Value) {
    stage.put("faults", &json!({"seed": 7, "faults": faults})).await;
}

/// Writes the controller asked for since the calls were last forgotten.
async fn writes(stage: &Stage) -> u64 {
    let reads = ["List", "Get", "Describe", "AssumeRole", "ApplyGuardrail"];
    let calls = stage.calls().await;
    let is_write = |name: &str| !reads.iter().any(|read| name.contains(&format!(":{read}")));
    calls.iter().filter(|(name, _)| is_write(name)).map(|(_, count)| count).sum()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_broken_manifests_keeps_the_last_good_generation_in_force() {
    let stage = Stage::start(SMALL).await;
    let kept_in = tempfile::tempdir().unwrap();
    let environment = [("BEDRAIL_STATE_DIR", text(kept_in.path()))];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    {
        let _run = Process::run(&stage, &environment);
        until_enforced(&stage, ADA, "us-east-1").await;
    }
    stage.manifest("all.yaml", "kind: [");
    take_away(&stage, ADA, "us-east-1").await;
    {
        let run = Process::run(&stage, &environment);
        until_enforced(&stage, ADA, "us-east-1").await;
        run.says("from the cache").await;
        assert!(run.log().contains("all.yaml:2:1: error"), "the problem itself is missing");
    }
    // A damaged copy is as good as none.
    let kept = kept_in.path().join("last-good-1.json");
    let half: String = std::fs::read_to_string(&kept).unwrap().chars().take(40).collect();
    std::fs::write(&kept, half).unwrap();
    take_away(&stage, ADA, "us-east-1").await;
    stage.forget_calls().await;
    let run = Process::run(&stage, &environment);
    run.says("the cached generation is ignored").await;
    run.says("not ready").await;
    eventually("it observes", async || {
        stage.calls().await.contains_key("organizations:ListAccounts").then_some(())
    })
    .await;
    assert_eq!(writes(&stage).await, 0);
    assert!(!is_enforced(&stage, ADA, "us-east-1").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_manifests_are_never_replaced_by_the_cache_in_apply() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", "kind: [");
    let done = stage.finish(&["apply"]).await;
    assert_eq!(done.code, 2, "{done}");
    assert_eq!(stage.calls().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_account_one_dead_region_and_throttling_hold_up_nobody_else() {
    let stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1, eu-west-1"));
    faults(
        &stage,
        json!([
            {"kind": "Denied", "operation": "bedrock:*", "account": SHOP},
            {"kind": "Outage", "operation": "bedrock:*", "region": "eu-west-1"},
            {"kind": "Throttle", "operation": "bedrock:*", "probability": 0.2},
        ]),
    )
    .await;
    let run = Process::run(&stage, &[]);
    for account in ALL {
        if account != SHOP {
            until_enforced(&stage, account, "us-east-1").await;
        }
    }
    assert!(!is_enforced(&stage, SHOP, "us-east-1").await);
    run.says(&format!("key=cell {SHOP} us-east-1 reason=\"Denied\"")).await;
    run.says("key=guardrail baseline in 100000000001 eu-west-1 reason=\"Unavailable\"").await;

    faults(&stage, json!([])).await;
    for account in ALL {
        until_enforced(&stage, account, "us-east-1").await;
        until_enforced(&stage, account, "eu-west-1").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_an_account_has_not_enabled_is_held_and_no_error() {
    let scenario = SMALL.replace("name: ada", "name: ada, disabledRegions: [eu-south-1]");
    let mut stage = Stage::start(&scenario).await;
    stage.manifest("all.yaml", &everywhere("us-east-1, eu-south-1"));
    let done = stage.apply(3).await;
    assert!(done.stdout.contains("held (RegionUnavailable)"), "{done}");
    assert!(done.stdout.contains("0 failing"), "{done}");
    assert!(done.stderr.contains("account gone (410000000004) is SUSPENDED"), "{done}");
    for account in ALL {
        assert!(is_enforced(&stage, account, "us-east-1").await, "{account}");
        assert_eq!(is_enforced(&stage, account, "eu-south-1").await, account != ADA, "{account}");
    }
    // It is not asked again and again.
    stage.forget_calls().await;
    stage.apply(3).await;
    assert_eq!(stage.calls().await["bedrock:ListEnforcedGuardrailsConfiguration"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_be_assumed_is_one_line_for_all_regions() {
    let scenario = SMALL.replace("name: ada", "name: ada, withoutRoles: [BedrailMember]");
    let mut stage = Stage::start(&scenario).await;
    stage.manifest("all.yaml", &everywhere("us-east-1, eu-west-1, us-west-2"));
    let done = stage.apply(1).await;
    let lines: Vec<_> = done.stderr.lines().filter(|line| line.starts_with("failed")).collect();
    assert_eq!(lines.len(), 1, "{done}");
    assert!(lines[0].starts_with(&format!("failed (Denied): account {ADA} (ada), 3 keys:")));
    assert!(lines[0].contains("could not be assumed"), "{done}");
    for account in [MANAGEMENT, SHOP, SEARCH] {
        assert!(is_enforced(&stage, account, "us-west-2").await, "{account}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_organization_at_the_start_means_that_nothing_happens() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    for kind in ["Denied", "Outage"] {
        faults(&stage, json!([{"kind": kind, "operation": "organizations:*"}])).await;
        let done = stage.finish(&["plan"]).await;
        assert_eq!(done.code, 1, "{kind}\n{done}");
        assert!(done.stderr.contains("the organization could not be read, so nothing"), "{done}");
        assert!(done.stderr.contains("failed to call organizations:"), "{done}");
    }
    faults(&stage, json!([{"kind": "Denied", "operation": "organizations:*"}])).await;
    stage.apply(1).await;
    assert_eq!(writes(&stage).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_go_on_with_the_last_fleet_while_organizations_is_down() {
    let stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    let run = Process::run(&stage, &[]);
    for account in ALL {
        until_enforced(&stage, account, "us-east-1").await;
    }
    faults(&stage, json!([{"kind": "Outage", "operation": "organizations:*"}])).await;
    run.says("key=organization reason=\"Unavailable\"").await;
    take_away(&stage, ADA, "us-east-1").await;
    until_enforced(&stage, ADA, "us-east-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_joins_is_enforced_without_a_restart() {
    let stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    let _run = Process::run(&stage, &[]);
    until_enforced(&stage, ADA, "us-east-1").await;

    stage
        .organizations()
        .await
        .create_account()
        .email("new@example.com")
        .account_name("newcomer")
        .send()
        .await
        .unwrap();
    let world = stage.world().await;
    let accounts = world["accounts"].as_object().unwrap();
    let (id, _) = accounts.iter().find(|(_, it)| it["name"] == "newcomer").unwrap();
    until_enforced(&stage, id, "us-east-1").await;
}

/// The slots of all members are being written when the signal comes, and AWS does not answer.
async fn hanging(stage: &mut Stage, grace: &str) -> Process {
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    stage.apply(0).await;
    for account in [SHOP, SEARCH, ADA] {
        take_away(stage, account, "us-east-1").await;
    }
    let operation = "bedrock:PutEnforcedGuardrailConfiguration";
    faults(stage, json!([{"kind": "Timeout", "operation": operation}])).await;
    stage.forget_calls().await;
    let environment = [("BEDRAIL_GRACE", grace), ("BEDRAIL_CALL_TIMEOUT", "50s")];
    let run = Process::run(stage, &environment);
    eventually("all three writes hang", async || {
        (stage.calls().await.get(operation) == Some(&3)).then_some(())
    })
    .await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_hanging_calls_no_longer_than_the_grace_and_writes_nothing_new() {
    let mut stage = Stage::start(SMALL).await;
    let mut run = hanging(&mut stage, "300ms").await;
    run.signal("TERM");
    assert_eq!(run.ends().await, 0);
    assert_eq!(writes(&stage).await, 3);
    assert!(run.log().contains("abandoned at the end of the grace period"), "{}", run.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let mut stage = Stage::start(SMALL).await;
    let mut run = hanging(&mut stage, "10m").await;
    run.signal("TERM");
    run.says("stopping").await;
    run.signal("TERM");
    assert_eq!(run.ends().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_hangs_does_not_delay_a_stop_and_leads_to_no_write() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    // The guardrail is there, so that only what is read below is left to write.
    stage.apply(0).await;
    for account in ALL {
        take_away(&stage, account, "us-east-1").await;
    }
    stage.forget_calls().await;
    let operation = "bedrock:ListEnforcedGuardrailsConfiguration";
    let slow = json!([{"kind": "Latency", "operation": operation, "milliseconds": 45_000}]);
    faults(&stage, slow).await;
    let environment = [("BEDRAIL_GRACE", "10m"), ("BEDRAIL_CALL_TIMEOUT", "50s")];
    let mut run = Process::run(&stage, &environment);
    eventually("all slots are being read", async || {
        (stage.calls().await.get(operation) == Some(&4)).then_some(())
    })
    .await;
    stage.forget_calls().await;
    run.signal("TERM");
    assert_eq!(run.ends().await, 0);
    assert_eq!(writes(&stage).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_apply_ends_soon_and_says_what_was_written() {
    let stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    let operation = "bedrock:PutEnforcedGuardrailConfiguration";
    faults(&stage, json!([{"kind": "Timeout", "operation": operation, "account": ADA}])).await;
    let mut apply = Process::start(&stage, &["apply"], &[("BEDRAIL_CALL_TIMEOUT", "2s")]);
    until_enforced(&stage, SHOP, "us-east-1").await;
    eventually("every slot is being written", async || {
        stage.calls().await.get(operation).is_some_and(|count| *count >= 4).then_some(())
    })
    .await;
    apply.signal("INT");
    assert_eq!(apply.ends().await, 1);
    let (stdout, log) = (apply.stdout(), apply.log());
    assert!(stdout.contains(SHOP) && stdout.contains("writes"), "{stdout}");
    assert!(log.contains("interrupted"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_undoes_the_same_write_three_times_is_named_a_contest_and_not_raced() {
    let stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    let run = Process::run(&stage, &[]);
    let contested = format!("key=cell {ADA} us-east-1 reason=\"Contested\"");
    // A write undone before it was seen in place may be a read that lags, and does not count.
    eventually("a contest", async || {
        if is_enforced(&stage, ADA, "us-east-1").await {
            take_away(&stage, ADA, "us-east-1").await;
        }
        run.log().contains(&contested).then_some(())
    })
    .await;
    // Others do not wait with it.
    take_away(&stage, SHOP, "us-east-1").await;
    until_enforced(&stage, SHOP, "us-east-1").await;
    assert!(!is_enforced(&stage, ADA, "us-east-1").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_finds_what_nobody_protects_and_what_nobody_claims_and_only_reads() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    stage.apply(0).await;
    // That manifest is lost, another claims one account of the four; one slot is emptied by hand.
    let narrow = everywhere("us-east-1")
        .replace("organization: true", &format!("account: \"{SHOP}\""))
        .replace("{name: everywhere}", "{name: shop-alone}");
    stage.manifest("all.yaml", &narrow);
    stage.apply(0).await;
    take_away(&stage, ADA, "us-east-1").await;
    stage.forget_calls().await;

    let run = Process::run(&stage, &[("BEDRAIL_AUDIT_INTERVAL", "300ms")]);
    let unprotected = "unprotected: no guardrail is enforced here";
    run.says(unprotected).await;
    run.says("(Orphaned, the manifest of AccountEnforcement/everywhere is missing)").await;
    run.says("orphans=2 unprotected=1").await;
    let about = |text: &str| {
        let log = run.log();
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(about(unprotected).len(), 1, "once per change");
    assert!(about(unprotected)[0].contains(&format!("cell={ADA} us-east-1 account=\"ada\"")));
    assert_eq!(writes(&stage).await, 0);

    // Somebody protects it.
    stage.manifest("all.yaml", &everywhere("us-east-1"));
    run.says("orphans=0 unprotected=0").await;
}

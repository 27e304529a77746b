//! An account that cannot be read blocks what it may reference, and only that.

use serde_json::json;

use crate::support::{SEARCH, SMALL, Stage};
use crate::{PLACE, guardrail, word};

const PRIVATE: [&str; 1] = ["revisionHistoryLimit: 1"];
const SHARED: [&str; 2] = ["revisionHistoryLimit: 1", "shareWith: Organization"];
const SANDBOXED: [&str; 2] = ["revisionHistoryLimit: 1", "shareWith: [/Sandbox]"];

async fn denied(stage: &Stage) {
    let faults = json!([{"kind": "Denied", "operation": "*", "account": SEARCH}]);
    stage.faults(faults).await;
}

fn write(stage: &Stage, revision: u32) {
    for (name, lines) in
        [("private", &PRIVATE[..]), ("shared", &SHARED[..]), ("sandboxed", &SANDBOXED[..])]
    {
        let text = guardrail(name, &format!("{name}{}", word(revision)), lines);
        stage.manifest(&format!("{name}.yaml"), &text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_it_could_have_adopted_is_kept_for_it() {
    let mut stage = Stage::start(SMALL).await;
    for revision in 1..=3 {
        write(&stage, revision);
        stage.apply(0).await;
    }
    denied(&stage).await;
    for revision in 4..=5 {
        write(&stage, revision);
        let done = stage.apply(3).await;
        done.line(&["Unreadable", SEARCH]);
    }
    for (name, versions) in
        [("private", vec![3, 4, 5]), ("sandboxed", vec![3, 4, 5]), ("shared", vec![1, 2, 3, 4, 5])]
    {
        assert_eq!(stage.versions(PLACE, name).await, versions, "{name}");
    }
    stage.faults(json!([])).await;
    stage.apply(0).await;
    assert_eq!(stage.versions(PLACE, "shared").await, [3, 4, 5]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_guardrail_goes_too_if_the_account_cannot_use_it() {
    let mut stage = Stage::start(SMALL).await;
    write(&stage, 1);
    stage.apply(0).await;
    denied(&stage).await;
    stage.intend(json!({"absent": ["private", "shared", "sandboxed"]})).await;
    for (name, lines) in
        [("private", &PRIVATE[..]), ("shared", &SHARED[..]), ("sandboxed", &SANDBOXED[..])]
    {
        let mut lines = lines.to_vec();
        lines.push("state: Absent");
        let text = guardrail(name, &format!("{name}{}", word(1)), &lines);
        stage.manifest(&format!("{name}.yaml"), &text);
    }
    stage.finish(&["apply", "--wait", "60s"]).await.line(&["Unreadable", SEARCH]);
    assert!(stage.guardrails(PLACE, "private").await.is_empty());
    assert!(stage.guardrails(PLACE, "sandboxed").await.is_empty());
    assert_eq!(stage.versions(PLACE, "shared").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn run_goes_on_once_the_account_can_be_read_again() {
    let mut stage = Stage::start(SMALL).await;
    for revision in 1..=3 {
        write(&stage, revision);
        stage.apply(0).await;
    }
    denied(&stage).await;
    stage.run().await;
    write(&stage, 4);
    stage
        .eventually("the others collect", || async {
            let private = stage.versions(PLACE, "private").await;
            let shared = stage.versions(PLACE, "shared").await;
            (private == [2, 3, 4] && shared == [1, 2, 3, 4]).then_some(())
        })
        .await;
    // It keeps nobody busy.
    stage.at_rest().await;
    stage.faults(json!([])).await;
    stage
        .eventually("the shared one collects", || async {
            (stage.versions(PLACE, "shared").await == [2, 3, 4]).then_some(())
        })
        .await;
    stage.at_rest().await;
}

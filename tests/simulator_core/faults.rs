//! Each kind of fault.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PAYMENTS, SHOP, Sim, code};

async fn plan(sim: &Sim, fault: Value) {
    sim.admin("PUT", "faults", &json!({"seed": 1, "faults": [fault]}).to_string()).await;
}

#[tokio::test]
async fn throttling_has_the_code_of_its_service_and_ends_with_its_count() {
    let sim = Sim::small().await;
    plan(&sim, json!({"kind": "Throttle", "count": 3})).await;
    let organizations = sim.organizations().await;
    assert_eq!(code(organizations.list_roots().send().await), "TooManyRequestsException");
    assert_eq!(code(sim.sts().await.get_caller_identity().send().await), "Throttling");
    let header = crate::support::authorization("bedrock");
    let (status, head, _) = sim.send("GET", "/guardrails", &[("authorization", &header)], "").await;
    assert_eq!((status, head.contains("x-amzn-errortype: throttlingexception")), (429, true));
    assert_eq!(code(organizations.list_roots().send().await), "success");
    let left = sim.admin("GET", "faults", "").await;
    assert_eq!(left["faults"][0]["count"], 0);
}

#[tokio::test]
async fn faults_match_by_operation_account_and_region() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let outcomes = || async {
        let assume = |account: &str| {
            let arn = format!("arn:aws:iam::{account}:role/BedrailMember");
            let sim = &sim;
            async move {
                code(
                    sim.sts()
                        .await
                        .assume_role()
                        .role_arn(arn)
                        .role_session_name("te")
                        .send()
                        .await,
                )
            }
        };
        (code(client.list_roots().send().await), assume(SHOP).await, assume(PAYMENTS).await)
    };
    let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    plan(&sim, json!({"kind": "Denied", "operation": "sts:*", "account": SHOP})).await;
    assert_eq!(outcomes().await, row("success", "AccessDenied", "success"));
    plan(&sim, json!({"kind": "Denied", "operation": "organizations:List*"})).await;
    assert_eq!(outcomes().await, row("AccessDeniedException", "success", "success"));
    plan(&sim, json!({"kind": "Denied", "region": "eu-west-1"})).await;
    assert_eq!(outcomes().await, row("success", "success", "success"));
}

#[tokio::test]
async fn error_before_has_no_effect_and_error_after_has_it() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let create =
        |name: &str| client.create_organizational_unit().parent_id("r-smal").name(name).send();
    plan(&sim, json!({"kind": "ErrorBefore", "count": 1})).await;
    assert_eq!(code(create("a").await), "ServiceException");
    assert_eq!(code(create("a").await), "success");
    plan(&sim, json!({"kind": "ErrorAfter", "count": 1})).await;
    assert_eq!(code(create("b").await), "ServiceException");
    assert_eq!(code(create("b").await), "DuplicateOrganizationalUnitException");
}

#[tokio::test]
async fn outage_answers_503() {
    let sim = Sim::small().await;
    plan(&sim, json!({"kind": "Outage", "region": "us-east-1"})).await;
    let header = crate::support::authorization("bedrock");
    let (status, ..) = sim.send("GET", "/guardrails", &[("authorization", &header)], "").await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn probability_is_drawn_from_the_seed() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        plan(&sim, json!({"kind": "Throttle", "probability": 0.5})).await;
        let mut run = Vec::new();
        for _ in 0..20 {
            run.push(code(client.list_roots().send().await));
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    let struck = runs[0].iter().filter(|code| *code != "success").count();
    assert!((1..20).contains(&struck), "{struck} of 20");
}

#[tokio::test]
async fn stale_reads_show_the_past_and_writes_are_not_touched() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let units = || async {
        let found = client.list_organizational_units_for_parent().parent_id("r-smal").send().await;
        found.unwrap().organizational_units().len()
    };
    sim.advance(10_000);
    client.create_organizational_unit().parent_id("r-smal").name("late").send().await.unwrap();
    assert_eq!(units().await, 3);
    plan(&sim, json!({"kind": "StaleRead", "milliseconds": 1_000})).await;
    assert_eq!(units().await, 2);
    let again = client.create_organizational_unit().parent_id("r-smal").name("late").send().await;
    assert_eq!(code(again), "DuplicateOrganizationalUnitException");
    sim.advance(1_000);
    assert_eq!(units().await, 3, "the write is now as old as the reads");
}

#[tokio::test]
async fn timeout_holds_the_answer_and_has_no_effect() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    plan(&sim, json!({"kind": "Timeout", "count": 1})).await;
    let create = || client.create_organizational_unit().parent_id("r-smal").name("held").send();
    let held = tokio::time::timeout(Duration::from_millis(300), create()).await;
    assert!(held.is_err(), "60 seconds is the default");
    assert_eq!(code(create().await), "success");

    plan(&sim, json!({"kind": "Timeout", "count": 1, "milliseconds": 1})).await;
    assert_eq!(code(client.list_roots().send().await), "ServiceException");
}

#[tokio::test]
async fn latency_delays_the_true_answer() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    plan(&sim, json!({"kind": "Latency", "milliseconds": 60_000, "count": 1})).await;
    let create = || client.create_organizational_unit().parent_id("r-smal").name("late").send();
    assert!(tokio::time::timeout(Duration::from_millis(300), create()).await.is_err());
    assert_eq!(code(create().await), "DuplicateOrganizationalUnitException");
    plan(&sim, json!({"kind": "Latency", "milliseconds": 1})).await;
    assert_eq!(code(client.list_roots().send().await), "success");
}

#[tokio::test]
async fn after_lets_so_many_matching_calls_pass_first() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let roots = || async { code(client.list_roots().send().await) };
    let fault = json!({
        "kind": "Throttle", "operation": "organizations:ListRoots", "caller": "Foreign",
        "after": 2, "count": 1,
    });
    plan(&sim, fault).await;
    assert_eq!(code(client.list_accounts().send().await), "success");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(roots().await);
    }
    assert_eq!(seen, ["success", "success", "TooManyRequestsException", "success"]);
    let left = sim.admin("GET", "faults", "").await;
    assert_eq!((&left["faults"][0]["after"], &left["faults"][0]["count"]), (&json!(0), &json!(0)));

    plan(&sim, json!({"kind": "Throttle", "caller": "Controller"})).await;
    assert_eq!(roots().await, "success", "this client is not the controller");
}

//! `/_simulator/` and the edge.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use bedrail::simulator::{Clock, Scenario, Simulator, serve};
use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{PAYMENTS, Sim, authorization, code};

#[tokio::test]
async fn calls_are_counted_logged_and_reset() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    client.list_roots().send().await.unwrap();
    client.list_roots().send().await.unwrap();
    let missing = client.describe_account().account_id("999999999999").send().await;
    assert_eq!(code(missing), "AccountNotFoundException");

    let calls = sim.admin("GET", "calls", "").await;
    assert_eq!(
        calls,
        json!({"total": 3, "byOperation": {
            "organizations:ListRoots": 2, "organizations:DescribeAccount": 1}})
    );
    let log = sim.admin("GET", "calls/log", "").await;
    let last = &log["calls"][2];
    assert_eq!(last["operation"], "organizations:DescribeAccount");
    assert_eq!(last["code"], "AccountNotFoundException");
    assert_eq!(last["account"], "111122223333");
    assert_eq!(last["region"], "us-east-1");
    assert_eq!(last["isController"], false);
    assert_eq!(last["at"], 1_767_607_200_000_u64);

    sim.admin("DELETE", "calls", "").await;
    assert_eq!(sim.admin("GET", "calls", "").await, json!({"total": 0, "byOperation": {}}));
}

#[tokio::test]
async fn controller_is_recognised_by_its_user_agent() {
    let sim = Sim::small().await;
    let authorization = authorization("organizations");
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-amz-target", "AWSOrganizationsV20161128.ListRoots"),
        ("user-agent", "aws-sdk-rust/1.3 os/linux app/bedrail"),
    ];
    let (status, head, _) = sim.send("POST", "/", &headers, "{}").await;
    assert_eq!(status, 200);
    assert!(head.contains("x-amzn-requestid: "), "{head}");
    assert!(head.contains("content-type: application/x-amz-json-1.1"), "{head}");
    let log = sim.admin("GET", "calls/log", "").await;
    assert_eq!(log["calls"][0]["isController"], true);
}

#[tokio::test]
async fn clock_switches_intent_and_health_can_be_read_and_set() {
    let sim = Sim::small().await;
    assert_eq!(sim.admin("GET", "health", "").await, json!({"status": "ok"}));
    assert_eq!(sim.admin("GET", "violations", "").await, json!({"violations": []}));
    let before = sim.admin("GET", "clock", "").await["now"].as_u64().unwrap();
    sim.admin("PUT", "clock", r#"{"advanceMilliseconds": 5000}"#).await;
    assert_eq!(sim.admin("GET", "clock", "").await["now"], before + 5_000);
    sim.admin("PUT", "intent", r#"{"allowed": ["x"]}"#).await;
    assert_eq!(sim.admin("GET", "intent", "").await, json!({"allowed": ["x"]}));
    sim.admin("PUT", "switches", r#"{"account_status": true, "account_paths": false}"#).await;
    let client = sim.organizations().await;
    let account = client.describe_account().account_id(PAYMENTS).send().await.unwrap();
    let account = account.account().unwrap();
    assert!(account.paths().is_empty());
    let status = account.status().map(|status| status.as_str().to_owned());
    assert_eq!(status.as_deref(), Some("ACTIVE"));
    sim.admin("PUT", "switches", r#"{"account_paths_end_with_account": false}"#).await;
    let account = client.describe_account().account_id(PAYMENTS).send().await.unwrap();
    let paths = account.account().unwrap().paths().to_vec();
    assert_eq!(paths, ["o-smallorg01/r-smal/ou-smal-workload/ou-smal-prodprod/"]);
    let (status, _, body) = sim.send("PUT", "/_simulator/switches", &[], r#"{"x": 1}"#).await;
    assert_eq!(status, 400, "{body}");
    let (status, ..) = sim.send("GET", "/_simulator/nothing", &[], "").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn documented_throttling_follows_the_buckets() {
    let sim = Sim::small().await;
    sim.admin("PUT", "switches", r#"{"throttle": "documented"}"#).await;
    let client = sim.organizations().await;
    let roots = || async { code(client.list_roots().send().await) };
    let run = [roots().await, roots().await, roots().await];
    assert_eq!(run, ["success", "success", "TooManyRequestsException"], "1 per second, burst 2");
    sim.advance(1_000);
    assert_eq!(roots().await, "success");
}

#[tokio::test]
async fn world_is_dumped_readably() {
    let sim = Sim::small().await;
    let world = sim.admin("GET", "world", "").await;
    assert_eq!(world["organization"]["id"], "o-smallorg01");
    let account = &world["accounts"][PAYMENTS];
    assert_eq!(account["disabledRegions"], json!(["eu-south-1"]));
    let roles = account["roles"].as_array().unwrap();
    assert!(roles.contains(&json!("Auditor")) && roles.contains(&json!("BedrailMember")));
    assert_eq!(world["attachments"]["r-smal"], json!(["p-FullAWSAccess", "p-baseline1"]));
    let effective =
        "/effectiveBedrockPolicy/bedrock/guardrail_inference/us-east-1/config_1/identifier";
    assert!(account.pointer(effective).is_some(), "{account}");
}

#[tokio::test]
async fn simulator_refuses_to_listen_beyond_loopback() {
    let sim = Sim::small().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let result = serve(Arc::clone(&sim.simulator), listener, CancellationToken::new()).await;
    let message = result.unwrap_err().to_string();
    assert!(message.contains("loopback only"), "{message}");
}

#[tokio::test]
async fn latency_holds_back_every_api_answer_and_no_administration() {
    let scenario = Scenario::generate(1, 1, 1);
    let clock = Clock::new(Box::new(|| 0));
    let simulator = Simulator::new(&scenario, 1, Duration::from_mins(1), clock).unwrap();
    let request = |path: &str| {
        let request = Request::get(path).header("authorization", authorization("bedrock"));
        request.body(Bytes::new()).unwrap()
    };
    let health = simulator.handle(request("/_simulator/health"));
    let health = tokio::time::timeout(Duration::from_secs(30), health).await;
    assert_eq!(health.unwrap().status(), 200);
    let call = simulator.handle(request("/guardrails"));
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
}

//! A caller for tests: builds calls and sends them to a world of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::call::{Answer, Call, Caller, Failure, Millis, Reply, Service};
use super::super::scenario::Scenario;
use super::super::world::World;
use super::super::{bedrock, organization, runtime};

pub(in super::super) const ACCOUNT: &str = "111122223333";
pub(in super::super) const OTHER_ACCOUNT: &str = "222233334444";
pub(in super::super) const ORGANIZATION: &str = "o-abcdefghij";

/// One caller, its world and its clock.
pub(in super::super) struct Client {
    pub(in super::super) world: World,
    pub(in super::super) caller: Caller,
    pub(in super::super) region: String,
    pub(in super::super) headers: BTreeMap<String, String>,
    at: Millis,
}

impl Client {
    pub(in super::super) fn new() -> Self {
        let now = 1_763_670_925_123;
        let scenario: Scenario = serde_json::from_value(json!({
            "organization": {"id": ORGANIZATION, "rootId": "r-abcd"},
            "managementAccount": {"id": ACCOUNT},
            "accounts": [{"id": OTHER_ACCOUNT}],
            "memberRoles": [{"name": "logs", "trust": {"Statement": [{"Effect": "Allow",
                "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": [ACCOUNT, OTHER_ACCOUNT]}}}]}}],
            "buckets": {
                "closed": {"account": ACCOUNT, "region": "us-east-1"},
                "far": {"account": ACCOUNT, "region": "eu-west-1"},
                "open": {"account": ACCOUNT, "region": "us-east-1", "policy": {"Statement": [{
                    "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"},
                    "Action": "s3:PutObject", "Resource": format!(
                        "arn:aws:s3:::open/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/*")}]}},
            },
            "policyTypes": ["SERVICE_CONTROL_POLICY", "BEDROCK_POLICY"],
        }))
        .unwrap();
        let mut client = Self {
            world: scenario.build(1, now).unwrap(),
            caller: Caller { account: String::new(), arn: String::new(), role: None },
            region: "us-east-1".to_owned(),
            headers: BTreeMap::new(),
            at: now,
        };
        client.act_as(ACCOUNT);
        client
    }

    pub(in super::super) fn act_as(&mut self, account: &str) {
        self.caller = Caller {
            account: account.to_owned(),
            arn: format!("arn:aws:iam::{account}:user/administrator"),
            role: None,
        };
    }

    pub(in super::super) fn pass(&mut self, millis: Millis) {
        self.at += millis;
    }

    pub(in super::super) fn send(
        &mut self,
        operation: &'static str,
        labels: &[&str],
        query: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let service = match operation {
            "ApplyGuardrail"
            | "Converse"
            | "ConverseStream"
            | "InvokeModel"
            | "InvokeModelWithResponseStream" => Service::BedrockRuntime,
            "CreatePolicy" | "UpdatePolicy" | "AttachPolicy" => Service::Organizations,
            _ => Service::Bedrock,
        };
        let call = Call {
            service,
            operation,
            caller: self.caller.clone(),
            region: self.region.clone(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
                .collect(),
            headers: self.headers.clone(),
            body,
            at: self.at,
            is_controller: false,
            ends_failed: false,
        };
        match service {
            Service::Bedrock => bedrock::handle(&mut self.world, &call),
            Service::BedrockRuntime => runtime::handle(&mut self.world, &call),
            Service::Organizations => organization::handle(&mut self.world, &call),
            Service::Sts | Service::Iam | Service::Sns => {
                panic!("no test here calls {}", call.name())
            }
        }
    }

    pub(in super::super) fn call(
        &mut self,
        operation: &'static str,
        labels: &[&str],
        body: Value,
    ) -> Result<Value, Failure> {
        self.send(operation, labels, &[], body).map(body_of)
    }

    pub(in super::super) fn query(
        &mut self,
        operation: &'static str,
        labels: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        self.send(operation, labels, query, json!({})).map(body_of)
    }

    pub(in super::super) fn ok(
        &mut self,
        operation: &'static str,
        labels: &[&str],
        body: Value,
    ) -> Value {
        self.call(operation, labels, body)
            .unwrap_or_else(|failure| panic!("{operation}: {failure:?}"))
    }

    pub(in super::super) fn fails(
        &mut self,
        operation: &'static str,
        labels: &[&str],
        body: Value,
    ) -> Failure {
        match self.call(operation, labels, body) {
            Ok(body) => panic!("{operation} answered {body}"),
            Err(failure) => failure,
        }
    }

    /// Creates a guardrail of `body`, publishes version 1 and waits until it is READY.
    pub(in super::super) fn published(&mut self, body: Value) -> String {
        let created = self.ok("CreateGuardrail", &[], body);
        let id = created["guardrailId"].as_str().unwrap().to_owned();
        self.pass(1000);
        self.ok("CreateGuardrailVersion", &[&id], json!({}));
        self.pass(1000);
        id
    }

    /// Shares a guardrail with the organization.
    pub(in super::super) fn share(&mut self, id: &str) {
        let arn = format!("arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/{id}");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Resource": arn,
            "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}}]});
        let body = json!({"resourceArn": arn, "resourcePolicy": policy.to_string()});
        self.ok("PutResourcePolicy", &[], body);
    }
}

fn body_of(reply: Reply) -> Value {
    match reply {
        Reply::Body { body, .. } => body,
        Reply::Stream(events) => events
            .into_iter()
            .map(|(kind, payload)| json!({"type": kind, "payload": payload}))
            .collect(),
    }
}

/// The smallest guardrail: one denied word, `zebra`.
pub(in super::super) fn guardrail_body(name: &str) -> Value {
    json!({
        "name": name,
        "blockedInputMessaging": "input blocked",
        "blockedOutputsMessaging": "output blocked",
        "wordPolicyConfig": {"wordsConfig": [{"text": "zebra"}]},
    })
}

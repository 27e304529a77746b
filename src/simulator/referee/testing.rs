//! A small organization with a controller and a stranger, for tests of the rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Referee;
use crate::simulator::call::{Answer, Call, Caller, Millis, Service};
use crate::simulator::scenario::Scenario;
use crate::simulator::world::World;
use crate::simulator::{bedrock, organization};

pub(super) const HERE: &str = "us-east-1";

/// Who acts: the controller is judged, a stranger is not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Controller,
    Stranger,
}
pub(super) use Who::{Controller, Stranger};

/// One organization of three members in one unit, its clock and its referee.
pub(super) struct Arena {
    pub(super) world: World,
    pub(super) referee: Referee,
    pub(super) management: String,
    pub(super) members: Vec<String>,
    pub(super) root: String,
    at: Millis,
}

impl Arena {
    pub(super) fn new() -> Self {
        let world = Scenario::generate(3, 1, 1).build(1, 0).unwrap();
        let management = world.organization.management().to_owned();
        let members = world
            .organization
            .accounts()
            .filter(|it| *it != management)
            .map(str::to_owned)
            .collect();
        let root = world.organization.tree.root.clone();
        let mut arena =
            Self { world, referee: Referee::default(), management, members, root, at: 1_000_000 };
        arena.organize(
            Stranger,
            "EnablePolicyType",
            json!({"RootId": arena.root, "PolicyType": "BEDROCK_POLICY"}),
        );
        arena.pass(60_000);
        arena
    }

    pub(super) fn pass(&mut self, millis: Millis) {
        self.at += millis;
    }

    /// The invariants broken so far, each once.
    pub(super) fn broken(&self) -> Vec<&str> {
        let mut broken: Vec<&str> =
            self.referee.violations().iter().map(|found| found.invariant.as_str()).collect();
        broken.sort_unstable();
        broken.dedup();
        broken
    }

    pub(super) fn intend(&mut self, intent: Value) {
        self.referee.set_intent(&self.world, intent);
    }

    fn send(&mut self, who: Who, call: &Call) -> Answer {
        self.world.organization.settle(self.at);
        let before = self.world.clone();
        let answer = match call.service {
            Service::Organizations => organization::handle(&mut self.world, call),
            Service::Bedrock => bedrock::handle(&mut self.world, call),
            Service::BedrockRuntime | Service::Sts | Service::Iam | Service::Sns => {
                panic!("{} is not for tests", call.name())
            }
        };
        let is_read =
            ["List", "Get", "Describe"].iter().any(|verb| call.operation.starts_with(verb));
        match (who, is_read) {
            (Controller, true) => self.referee.saw(call, &answer),
            (Controller, false) => self.referee.judge(&before, &self.world, call, &answer),
            (Stranger, _) => {}
        }
        answer
    }

    fn call(&self, service: Service, operation: &'static str, account: &str, body: Value) -> Call {
        Call {
            service,
            operation,
            caller: Caller {
                account: account.to_owned(),
                arn: format!("arn:aws:iam::{account}:user/administrator"),
                role: None,
            },
            region: HERE.to_owned(),
            labels: Vec::new(),
            query: BTreeMap::new(),
            headers: BTreeMap::new(),
            body,
            at: self.at,
            is_controller: false,
            ends_failed: false,
        }
    }

    pub(super) fn try_organize(
        &mut self,
        who: Who,
        operation: &'static str,
        body: Value,
    ) -> Answer {
        let call = self.call(Service::Organizations, operation, &self.management.clone(), body);
        self.send(who, &call)
    }

    pub(super) fn organize(&mut self, who: Who, operation: &'static str, body: Value) -> Value {
        body_of(self.try_organize(who, operation, body))
    }

    /// A Bedrock call of `account` in [`HERE`]; `query` may name a version.
    #[expect(clippy::too_many_arguments, reason = "the parts of a call, spelled out in tests")]
    pub(super) fn try_bedrock(
        &mut self,
        who: Who,
        account: &str,
        operation: &'static str,
        (labels, version): (&[&str], Option<&str>),
        body: Value,
    ) -> Answer {
        let mut call = self.call(Service::Bedrock, operation, account, body);
        call.labels = labels.iter().map(|label| (*label).to_owned()).collect();
        if let Some(version) = version {
            call.query.insert("guardrailVersion".to_owned(), vec![version.to_owned()]);
        }
        self.send(who, &call)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a call, spelled out in tests")]
    pub(super) fn bedrock(
        &mut self,
        who: Who,
        account: &str,
        operation: &'static str,
        labels: &[&str],
        body: Value,
    ) -> Value {
        body_of(self.try_bedrock(who, account, operation, (labels, None), body))
    }

    /// Creates a guardrail in the management account, the controller's by its tags if it is who
    /// creates it, and waits until it is READY. Returns its ARN.
    pub(super) fn guardrail(&mut self, who: Who, name: &str, word: &str) -> String {
        let tags = match who {
            Controller => json!([
                {"key": "bedrail:owner", "value": "us"},
                {"key": "bedrail:guardrail", "value": name},
            ]),
            Stranger => json!([]),
        };
        let mut body = body(word);
        body["name"] = name.into();
        body["tags"] = tags;
        let created = self.bedrock(who, &self.management.clone(), "CreateGuardrail", &[], body);
        self.pass(1_000);
        created["guardrailArn"].as_str().unwrap().to_owned()
    }

    /// Changes what the draft says.
    pub(super) fn redraft(&mut self, who: Who, arn: &str, name: &str, word: &str) {
        let mut body = body(word);
        body["name"] = name.into();
        self.bedrock(who, &self.management.clone(), "UpdateGuardrail", &[arn], body);
        self.pass(1_000);
    }

    /// Publishes a version and waits until it is READY.
    pub(super) fn publish(&mut self, who: Who, arn: &str) -> String {
        let published = self.bedrock(
            who,
            &self.management.clone(),
            "CreateGuardrailVersion",
            &[arn],
            json!({}),
        );
        self.pass(1_000);
        published["version"].as_str().unwrap().to_owned()
    }

    /// A guardrail of the controller's, published once and shared with the organization.
    pub(super) fn shared(&mut self, name: &str, word: &str) -> String {
        let arn = self.guardrail(Controller, name, word);
        self.publish(Controller, &arn);
        let grant = self.grant(&arn);
        self.share(Controller, &arn, &json!([grant]));
        arn
    }

    /// The statement that lets the organization apply a guardrail.
    pub(super) fn grant(&self, arn: &str) -> Value {
        json!({
            "Sid": "BedrailOrganization",
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
            "Resource": arn,
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": self.world.organization.id()}},
        })
    }

    pub(super) fn share(&mut self, who: Who, arn: &str, statements: &Value) {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let body = json!({"resourceArn": arn, "resourcePolicy": policy.to_string()});
        self.bedrock(who, &self.management.clone(), "PutResourcePolicy", &[], body);
    }

    /// Enforces a version in `account`, over what is there.
    pub(super) fn enforce(&mut self, who: Who, account: &str, arn: &str, version: &str) -> Answer {
        self.enforce_as(who, account, arn, version, &json!({}))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a call, spelled out in tests")]
    pub(super) fn enforce_as(
        &mut self,
        who: Who,
        account: &str,
        arn: &str,
        version: &str,
        more: &Value,
    ) -> Answer {
        let mut inference = json!({"guardrailIdentifier": arn, "guardrailVersion": version});
        inference.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let mut body = json!({"guardrailInferenceConfig": inference});
        if let Some(config) = self.config(account) {
            body["configId"] = config.into();
        }
        self.try_bedrock(who, account, "PutEnforcedGuardrailConfiguration", (&[], None), body)
    }

    pub(super) fn release(&mut self, who: Who, account: &str) {
        let config = self.config(account).unwrap();
        let operation = "DeleteEnforcedGuardrailConfiguration";
        self.bedrock(who, account, operation, &[&config], json!({}));
    }

    fn config(&self, account: &str) -> Option<String> {
        let enforced = self.world.regional(account, HERE)?.enforced()?;
        Some(enforced.config.clone())
    }

    /// Deletes a version, or everything.
    pub(super) fn delete(&mut self, who: Who, arn: &str, version: Option<&str>) -> Answer {
        let management = self.management.clone();
        self.try_bedrock(who, &management, "DeleteGuardrail", (&[arn], version), json!({}))
    }

    /// Creates a Bedrock policy with the tags of an enforcement if it is the controller's.
    pub(super) fn policy(&mut self, who: Who, name: &str, document: &Value) -> String {
        let tags = match who {
            Controller => json!([
                {"Key": "bedrail:owner", "Value": "us"},
                {"Key": "bedrail:enforcement", "Value": name},
            ]),
            Stranger => json!([]),
        };
        let body = json!({
            "Name": name, "Description": "", "Type": "BEDROCK_POLICY",
            "Content": document.to_string(), "Tags": tags,
        });
        let created = self.organize(who, "CreatePolicy", body);
        created["Policy"]["PolicySummary"]["Id"].as_str().unwrap().to_owned()
    }

    pub(super) fn attach(&mut self, who: Who, policy: &str, target: &str) {
        self.organize(who, "AttachPolicy", json!({"PolicyId": policy, "TargetId": target}));
    }

    pub(super) fn detach(&mut self, who: Who, policy: &str, target: &str) {
        self.organize(who, "DetachPolicy", json!({"PolicyId": policy, "TargetId": target}));
    }

    pub(super) fn rewrite(&mut self, who: Who, policy: &str, document: &Value) {
        let body = json!({"PolicyId": policy, "Content": document.to_string()});
        self.organize(who, "UpdatePolicy", body);
    }

    /// The controller reads all slots in [`HERE`], all accounts, policies and their targets.
    pub(super) fn read_everything(&mut self) {
        let accounts: Vec<String> = self.world.organization.accounts().map(str::to_owned).collect();
        for account in accounts {
            let operation = "ListEnforcedGuardrailsConfiguration";
            self.bedrock(Controller, &account, operation, &[], json!({}));
        }
        self.organize(Controller, "ListAccounts", json!({}));
        self.organize(Controller, "ListPolicies", json!({"Filter": "BEDROCK_POLICY"}));
        let policies: Vec<String> = self.world.organization.policies.keys().cloned().collect();
        for policy in policies {
            self.organize(Controller, "DescribePolicy", json!({"PolicyId": policy}));
            self.organize(Controller, "ListTargetsForPolicy", json!({"PolicyId": policy}));
        }
    }
}

/// What a guardrail with one denied word says.
pub(super) fn body(word: &str) -> Value {
    json!({
        "blockedInputMessaging": "blocked",
        "blockedOutputsMessaging": "blocked",
        "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
    })
}

/// An organization document that enforces a version in each Region.
pub(super) fn document(blocks: &[(&str, &str, &str)]) -> Value {
    let mut regions = json!({});
    for (region, arn, version) in blocks {
        regions[region] =
            json!({"config_1": {"identifier": {"@@assign": format!("{arn}:{version}")}}});
    }
    json!({"bedrock": {"guardrail_inference": regions}})
}

/// A page of the list of Bedrock policies.
pub(super) fn list_policies(token: Option<&str>) -> Call {
    let mut body = json!({"Filter": "BEDROCK_POLICY"});
    if let Some(token) = token {
        body["NextToken"] = token.into();
    }
    Arena::new().call(Service::Organizations, "ListPolicies", "111122223333", body)
}

fn body_of(answer: Answer) -> Value {
    use crate::simulator::call::Reply;
    match answer {
        Ok(Reply::Body { body, .. }) => body,
        Ok(Reply::Stream(_)) => panic!("a stream"),
        Err(failure) => panic!("{failure:?}"),
    }
}

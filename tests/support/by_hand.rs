//! What an administrator builds and moves without us.

use aws_sdk_organizations::types::{PolicyType, PolicyTypeStatus, PolicyTypeSummary};
use serde_json::{Map, Value, json};

use super::Stage;

impl Stage {
    /// Publishes DRAFT by hand.
    pub(crate) async fn publish(&self, (account, region): (&str, &str), arn: &str) {
        let client = self.bedrock(account, region).await;
        let published = client.create_guardrail_version().guardrail_identifier(arn).send().await;
        let version = published.unwrap().version;
        self.eventually("the version is READY", || async {
            let read = client.get_guardrail().guardrail_identifier(arn).guardrail_version(&version);
            (read.send().await.ok()?.status.as_str() == "READY").then_some(())
        })
        .await;
        self.ready((account, region), arn).await;
    }

    /// Admits the whole organization to a guardrail of the management account by hand.
    pub(crate) async fn share(&self, region: &str, arn: &str) {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Everybody",
            "Effect": "Allow", "Principal": "*", "Resource": arn,
            "Action": ["bedrock:GetGuardrail", "bedrock:ApplyGuardrail"],
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}}]});
        self.put_resource_policy(region, arn, &policy).await;
    }

    /// Enables Bedrock policies by hand.
    pub(crate) async fn enable_policies(&self) {
        let organizations = self.organizations().await;
        let request = organizations.enable_policy_type().root_id("r-test");
        request.policy_type(PolicyType::BedrockPolicy).send().await.unwrap();
        self.eventually("the policy type is enabled", || async {
            let listed = organizations.list_roots().send().await.unwrap().roots.unwrap();
            let is_enabled = |it: &PolicyTypeSummary| {
                it.r#type() == Some(&PolicyType::BedrockPolicy)
                    && it.status() == Some(&PolicyTypeStatus::Enabled)
            };
            listed[0].policy_types().iter().any(is_enabled).then_some(())
        })
        .await;
    }

    /// Moves an account from one unit or root to another.
    pub(crate) async fn move_account(&self, account: &str, from: &str, to: &str) {
        let moved = self.organizations().await.move_account().account_id(account);
        moved.source_parent_id(from).destination_parent_id(to).send().await.unwrap();
    }

    /// Closes an account.
    pub(crate) async fn close(&self, account: &str) {
        self.organizations().await.close_account().account_id(account).send().await.unwrap();
    }

    /// Creates an account in a unit and returns its id.
    pub(crate) async fn join(&self, unit: &str) -> String {
        let organizations = self.organizations().await;
        let created = organizations.create_account().email("new@example.com").account_name("new");
        let request = created.send().await.unwrap().create_account_status.unwrap().id.unwrap();
        let account = self
            .eventually("the account is created", || async {
                let asked = organizations.describe_create_account_status();
                let asked = asked.create_account_request_id(&request).send().await.unwrap();
                asked.create_account_status.unwrap().account_id
            })
            .await;
        self.move_account(&account, "r-test", unit).await;
        account
    }
}

/// A document of these Regions and references, with nothing but what must be there.
pub(crate) fn bare_document(blocks: &[(&str, &str)]) -> Value {
    let blocks: Map<String, Value> = blocks
        .iter()
        .map(|(region, identifier)| {
            let block = json!({"config_1": {"identifier": {"@@assign": identifier}}});
            ((*region).to_owned(), block)
        })
        .collect();
    json!({"bedrock": {"guardrail_inference": blocks}})
}

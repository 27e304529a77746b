//! Reads Bedrock policies of the organization, and what has become of them in the accounts.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::types::{EffectivePolicyType, PolicySummary, PolicyType};
use serde_json::Value;
use tokio::task::JoinSet;

use super::client::{Anatomy, Aws};
use super::error::{AwsError, ErrorClass};
use super::fleet::{account_ids, not_understood};
use super::operation::{
    DESCRIBE_EFFECTIVE_POLICY, DESCRIBE_POLICY, LIST_INVALID, LIST_POLICIES, LIST_TARGETS,
};
use super::pages;
use crate::model::{
    AccountId, ENFORCEMENT_TAG, LANE_TAG, OWNER_TAG, ObservedOrganization, ObservedPolicy,
    PolicyId, PolicyTypeStatus, Read, RolloutMarks, SHARD_TAG, TargetId,
};

impl Aws {
    /// Reads every Bedrock policy, ours or not, with document, tags and direct targets, and the
    /// accounts whose effective policy is invalid.
    ///
    /// Foreign policies are read whole too: they may reference our guardrails, and they may stand
    /// on our paths. One policy that cannot be read makes all of them Unknown.
    pub async fn organization(&self) -> Result<ObservedOrganization, AwsError> {
        self.organization_knowing(BTreeMap::new()).await
    }

    /// The same, but for policies that are `known`: while they are there under the same name, they
    /// are taken to be as they were.
    pub async fn organization_knowing(
        &self,
        known: BTreeMap<PolicyId, ObservedPolicy>,
    ) -> Result<ObservedOrganization, AwsError> {
        let Anatomy { organization, .. } = self.identity().await?;
        let (root, bedrock_policies) = self.root().await?;
        let (policies, invalid) =
            tokio::join!(self.policies(known), self.invalid(bedrock_policies));
        Ok(ObservedOrganization {
            organization,
            root,
            bedrock_policies,
            policies: policies.map_or_else(|error| Read::Unknown(error.into()), Read::Known),
            invalid: invalid.map_or_else(|error| Read::Unknown(error.into()), Read::Known),
            effective: BTreeMap::new(),
        })
    }

    /// What is in effect for an account, operators resolved; `None` when nothing is.
    pub async fn effective_bedrock_policy(
        &self,
        account: &AccountId,
    ) -> Result<Option<Value>, AwsError> {
        let request = self
            .organizations()
            .describe_effective_policy()
            .policy_type(EffectivePolicyType::BedrockPolicy)
            .target_id(account.as_str());
        let described = self.call(DESCRIBE_EFFECTIVE_POLICY, &self.home(), request.send()).await;
        let output = match described {
            Err(error) if error.code.as_deref() == Some("EffectivePolicyNotFoundException") => {
                return Ok(None);
            }
            described => described?,
        };
        let content = output.effective_policy.and_then(|policy| policy.policy_content);
        let parsed = content.as_deref().and_then(|text| serde_json::from_str(text).ok());
        parsed.map(Some).ok_or_else(|| {
            let message = format!("the effective policy of {account} is not JSON");
            not_understood(DESCRIBE_EFFECTIVE_POLICY, message)
        })
    }

    async fn policies(
        &self,
        mut known: BTreeMap<PolicyId, ObservedPolicy>,
    ) -> Result<BTreeMap<PolicyId, ObservedPolicy>, AwsError> {
        let home = self.home();
        let listed = pages::all(LIST_POLICIES, |next| {
            let request = self
                .organizations()
                .list_policies()
                .filter(PolicyType::BedrockPolicy)
                .set_next_token(next);
            let sent = self.call(LIST_POLICIES, &home, request.send());
            async { sent.await.map(|page| (page.policies, page.next_token)) }
        })
        .await?;
        let mut reading = JoinSet::new();
        let mut remembered = Vec::new();
        for summary in listed {
            let id = summary.id().and_then(|id| id.parse::<PolicyId>().ok());
            match id.and_then(|id| known.remove(&id)) {
                Some(policy) if summary.name() == Some(&policy.name) => {
                    remembered.push(Ok(policy));
                }
                Some(_) | None => {
                    let aws = self.clone();
                    reading.spawn(async move { aws.policy(summary).await });
                }
            }
        }
        let read = reading.join_all().await.into_iter().chain(remembered);
        read.map(|policy| policy.map(|policy| (policy.id.clone(), policy))).collect()
    }

    async fn policy(&self, summary: PolicySummary) -> Result<ObservedPolicy, AwsError> {
        let id: Option<PolicyId> = summary.id().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| not_understood(LIST_POLICIES, "a policy has no usable id"))?;
        let (content, targets, tags) = tokio::join!(
            self.policy_content(&id),
            self.policy_targets(&id),
            self.organization_tags(id.as_str()),
        );
        let tags = tags?;
        // Somebody's mark, if not ours: to read it as no mark would invite adoption.
        let owner = tags.get(OWNER_TAG).map(|owner| owner.parse()).transpose();
        let owner = owner.map_err(|error| {
            not_understood(LIST_POLICIES, format!("the tag {OWNER_TAG} of policy {id}: {error}"))
        })?;
        Ok(ObservedPolicy {
            name: summary.name.unwrap_or_default(),
            owner,
            enforcement: tags.get(ENFORCEMENT_TAG).and_then(|name| name.parse().ok()),
            shard: tags.get(SHARD_TAG).and_then(|number| number.parse().ok()),
            lane: tags.get(LANE_TAG).cloned(),
            rollouts: RolloutMarks::of_tags(&tags),
            content: content?,
            targets: targets?,
            id,
        })
    }

    /// `DescribePolicy`: the document of a policy of any type, or null if it is no JSON.
    ///
    /// # Errors
    ///
    /// Whatever AWS answers instead, and an answer without a document.
    pub async fn policy_content(&self, id: &PolicyId) -> Result<Value, AwsError> {
        let request = self.organizations().describe_policy().policy_id(id.as_str());
        let output = self.call(DESCRIBE_POLICY, &self.home(), request.send()).await?;
        let content = output.policy.and_then(|policy| policy.content);
        let content = content.ok_or_else(|| {
            not_understood(DESCRIBE_POLICY, format!("policy {id} came without its content"))
        })?;
        Ok(serde_json::from_str(&content).unwrap_or(Value::Null))
    }

    pub(super) async fn policy_targets(
        &self,
        id: &PolicyId,
    ) -> Result<BTreeSet<TargetId>, AwsError> {
        let home = self.home();
        let listed = pages::all(LIST_TARGETS, |next| {
            let request = self
                .organizations()
                .list_targets_for_policy()
                .policy_id(id.as_str())
                .set_next_token(next);
            let sent = self.call(LIST_TARGETS, &home, request.send());
            async { sent.await.map(|page| (page.targets, page.next_token)) }
        })
        .await?;
        listed
            .into_iter()
            .map(|target| target.target_id.and_then(|id| id.parse().ok()))
            .collect::<Option<_>>()
            .ok_or_else(|| {
                not_understood(LIST_TARGETS, format!("a target of policy {id} has no usable id"))
            })
    }

    /// While the type is not enabled nothing is in effect, and AWS does not answer.
    async fn invalid(&self, status: PolicyTypeStatus) -> Result<BTreeSet<AccountId>, AwsError> {
        match status {
            PolicyTypeStatus::Enabled => {}
            PolicyTypeStatus::Pending | PolicyTypeStatus::Disabled => return Ok(BTreeSet::new()),
        }
        let home = self.home();
        let listed = pages::all(LIST_INVALID, |next| {
            let request = self
                .organizations()
                .list_accounts_with_invalid_effective_policy()
                .policy_type(EffectivePolicyType::BedrockPolicy)
                .set_next_token(next);
            let sent = self.call(LIST_INVALID, &home, request.send());
            async { sent.await.map(|page| (page.accounts, page.next_token)) }
        })
        .await;
        match listed {
            // A read of the root that lags behind the change of the type.
            Err(error) if error.class == ErrorClass::NotFound => Ok(BTreeSet::new()),
            listed => account_ids(&listed?),
        }
    }
}

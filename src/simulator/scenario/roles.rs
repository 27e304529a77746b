//! The roles accounts have.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{AccountSpec, RoleSpec, Scenario};
use crate::simulator::call::Millis;
use crate::simulator::identity::Role;

/// The role the controller assumes by default, and what it may do (`aws-facts` 10.2).
const MEMBER_ROLE: &str = "BedrailMember";
const MEMBER_ACTIONS: [&str; 30] = [
    "bedrock:ApplyGuardrail",
    "bedrock:CreateGuardrail",
    "bedrock:CreateGuardrailVersion",
    "bedrock:DeleteEnforcedGuardrailConfiguration",
    "bedrock:DeleteGuardrail",
    "bedrock:DeleteModelInvocationLoggingConfiguration",
    "bedrock:DeleteResourcePolicy",
    "bedrock:GetFoundationModel",
    "bedrock:GetGuardrail",
    "bedrock:GetInferenceProfile",
    "bedrock:GetModelInvocationLoggingConfiguration",
    "bedrock:GetResourcePolicy",
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
    "bedrock:ListEnforcedGuardrailsConfiguration",
    "bedrock:ListFoundationModels",
    "bedrock:ListGuardrails",
    "bedrock:ListInferenceProfiles",
    "bedrock:ListTagsForResource",
    "bedrock:PutEnforcedGuardrailConfiguration",
    "bedrock:PutModelInvocationLoggingConfiguration",
    "bedrock:PutResourcePolicy",
    "bedrock:TagResource",
    "bedrock:UntagResource",
    "bedrock:UpdateGuardrail",
    "iam:PassRole",
    "iam:SimulatePrincipalPolicy",
    "organizations:DescribeEffectivePolicy",
    "organizations:DescribeOrganization",
    "sts:GetCallerIdentity",
];

/// The role AWS creates in accounts the organization creates.
const ACCESS_ROLE: &str = "OrganizationAccountAccessRole";

/// Where roles are built.
pub(super) struct Context<'a> {
    pub(super) partition: &'a str,
    pub(super) management: &'a str,
    /// When they were made.
    pub(super) created: Millis,
}

impl Context<'_> {
    /// The roles every account has.
    pub(super) fn default_roles(&self, scenario: &Scenario) -> BTreeMap<String, Role> {
        let member = RoleSpec {
            name: MEMBER_ROLE.to_owned(),
            allow: MEMBER_ACTIONS.map(str::to_owned).to_vec(),
            ..RoleSpec::default()
        };
        let access = RoleSpec {
            name: ACCESS_ROLE.to_owned(),
            allow: vec!["*".to_owned()],
            ..RoleSpec::default()
        };
        [&member, &access]
            .into_iter()
            .chain(&scenario.member_roles)
            .map(|spec| (spec.name.clone(), self.role(spec)))
            .collect()
    }

    /// The roles of one account; shared with the others unless it has its own.
    pub(super) fn roles_of(
        &self,
        account: &AccountSpec,
        default: &Arc<BTreeMap<String, Role>>,
    ) -> Arc<BTreeMap<String, Role>> {
        if account.roles.is_empty() && account.without_roles.is_empty() {
            return Arc::clone(default);
        }
        let mut roles = default.as_ref().clone();
        roles.retain(|name, _| !account.without_roles.contains(name));
        roles.extend(account.roles.iter().map(|spec| (spec.name.clone(), self.role(spec))));
        Arc::new(roles)
    }

    fn role(&self, spec: &RoleSpec) -> Role {
        let numbered = spec.policies.iter().zip(1..);
        let mut policies: BTreeMap<String, Value> = numbered
            .map(|(document, number): (_, usize)| (format!("policy-{number}"), document.clone()))
            .collect();
        if !spec.allow.is_empty() {
            let allow = json!({
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": spec.allow, "Resource": "*"}],
            });
            policies.insert("allow".to_owned(), allow);
        }
        Role {
            path: spec.path.clone().unwrap_or_else(|| "/".to_owned()),
            trust: spec.trust.clone().unwrap_or_else(|| self.trust(spec.external_id.as_deref())),
            policies,
            max_session_duration_s: spec.max_session_duration.unwrap_or(3_600),
            created: self.created,
            description: String::new(),
            tags: BTreeMap::new(),
        }
    }

    /// The management account may assume the role, with the external id if there is one.
    fn trust(&self, external_id: Option<&str>) -> Value {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:{}:iam::{}:root", self.partition, self.management)},
            "Action": "sts:AssumeRole",
        });
        if let Some(external_id) = external_id {
            statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": external_id}});
        }
        json!({"Version": "2012-10-17", "Statement": [statement]})
    }
}

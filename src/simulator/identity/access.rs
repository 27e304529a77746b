//! The decision: explicit denies, then service control policies, then identity and resource
//! policies on one or both sides.

use std::collections::BTreeMap;

use serde_json::Value;

use super::policy::{Question, Verdict, judge, judge_resource_policy};
use crate::simulator::call::{Caller, Failure};
use crate::simulator::world::World;

/// One question to the policies.
#[derive(Clone, Debug)]
pub struct Access<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// `bedrock:GetGuardrail`.
    pub action: &'a str,
    /// The ARN acted on, or `*`.
    pub resource: &'a str,
    /// The account that owns the resource: with another caller, both sides must allow.
    pub resource_owner: &'a str,
    /// The policy on the resource, if it has one.
    pub resource_policy: Option<&'a Value>,
    /// Condition keys of this request beyond the global ones: `bedrock:GuardrailIdentifier`.
    pub context: BTreeMap<String, Vec<String>>,
}

impl World {
    /// Decides `access` as IAM does: an explicit Deny anywhere wins; service control policies of
    /// the caller's path must allow (never asked for the management account); within an account
    /// the identity policy or the resource policy must allow, across accounts both.
    ///
    /// # Errors
    ///
    /// `AccessDeniedException` 403, whose message names the kind of policy that decided.
    pub fn authorize(&self, access: &Access<'_>) -> Result<(), Failure> {
        let context = self.context(access);
        let principals = self.principals(access.caller);
        let question = Question {
            action: access.action,
            resource: access.resource,
            context: &context,
            account: &access.caller.account,
            principals: &principals,
        };

        let identity = self.identity_verdict(access.caller, &question);
        if identity == Verdict::Deny {
            return Err(denied(access, "with an explicit deny in an identity-based policy"));
        }
        self.ask_service_control_policies(access, &question)?;
        let resource = access
            .resource_policy
            .map_or(Verdict::Silent, |document| judge_resource_policy(document, &question));
        decide(access, identity, resource)
    }

    fn identity_verdict(&self, caller: &Caller, question: &Question<'_>) -> Verdict {
        match &caller.role {
            None => Verdict::Allow,
            Some(name) => {
                self.identity.role(&caller.account, name).map_or(Verdict::Silent, |role| {
                    role.policies
                        .values()
                        .map(|document| judge(document, question))
                        .max()
                        .unwrap_or(Verdict::Silent)
                })
            }
        }
    }

    fn ask_service_control_policies(
        &self,
        access: &Access<'_>,
        question: &Question<'_>,
    ) -> Result<(), Failure> {
        match self.service_control_verdict(&access.caller.account, question) {
            None | Some(Verdict::Allow) => Ok(()),
            Some(Verdict::Deny) => {
                Err(denied(access, "with an explicit deny in a service control policy"))
            }
            Some(Verdict::Silent | Verdict::Delegated) => {
                let action = access.action;
                let why = format!("because no service control policy allows the {action} action");
                Err(denied(access, &why))
            }
        }
    }

    /// What the service control policies of an account say; `None` for the management account,
    /// which they do not bind. Every level from the root to the account must allow; a Deny on any
    /// level decides.
    pub(super) fn service_control_verdict(
        &self,
        account: &str,
        question: &Question<'_>,
    ) -> Option<Verdict> {
        if account == self.organization.management() {
            return None;
        }
        let mut verdict = Verdict::Allow;
        for level in self.organization.service_control_policies(account) {
            let of_level = level.iter().map(|document| judge(document, question)).max();
            match of_level.unwrap_or(Verdict::Silent) {
                Verdict::Deny => return Some(Verdict::Deny),
                Verdict::Allow => {}
                Verdict::Silent | Verdict::Delegated => verdict = Verdict::Silent,
            }
        }
        Some(verdict)
    }

    /// The ARNs a `Principal` element may name the caller by.
    pub(super) fn principals(&self, caller: &Caller) -> Vec<String> {
        let mut arns = vec![caller.arn.clone()];
        let principal = self.principal_arn(caller);
        if principal != caller.arn {
            arns.push(principal);
        }
        arns
    }

    /// `aws:PrincipalArn`: the role's ARN for a session, the user's for a user.
    pub fn principal_arn(&self, caller: &Caller) -> String {
        match &caller.role {
            None => caller.arn.clone(),
            Some(name) => {
                let path = self.identity.role(&caller.account, name).map_or("/", |role| &role.path);
                format!("arn:{}:iam::{}:role{path}{name}", self.partition, caller.account)
            }
        }
    }

    /// The global condition keys, and over them the request's own.
    pub(super) fn context(&self, access: &Access<'_>) -> BTreeMap<String, Vec<String>> {
        let caller = access.caller;
        let mut context = BTreeMap::new();
        let mut set = |key: &str, value: String| context.insert(key.to_owned(), vec![value]);
        set("aws:principalarn", self.principal_arn(caller));
        set("aws:principalaccount", caller.account.clone());
        set(
            "aws:principaltype",
            if caller.role.is_some() { "AssumedRole" } else { "User" }.to_owned(),
        );
        set("aws:principalisawsservice", "false".to_owned());
        set("aws:viaawsservice", "false".to_owned());
        set("aws:securetransport", "true".to_owned());
        if let Some(path) = self.organization.path(&caller.account) {
            set("aws:principalorgid", self.organization.id().to_owned());
            set("aws:principalorgpaths", path);
        }
        if access.resource != "*" {
            set("aws:resourceaccount", access.resource_owner.to_owned());
            if let Some(path) = self.organization.path(access.resource_owner) {
                set("aws:resourceorgid", self.organization.id().to_owned());
                set("aws:resourceorgpaths", path);
            }
        }
        let region = access.resource.split(':').nth(3).unwrap_or_default();
        if !region.is_empty() {
            set("aws:requestedregion", region.to_owned());
        }
        context.extend(
            access.context.iter().map(|(key, values)| (key.to_ascii_lowercase(), values.clone())),
        );
        context
    }
}

/// | resource policy | same account | other account | trust policy |
/// |---|---|---|---|
/// | Deny | no | no | no |
/// | Allow, naming the caller | yes | identity must allow | as the two before |
/// | Allow, naming the account | identity must allow | identity must allow | identity must allow |
/// | silent or absent | identity must allow | no | no |
fn decide(access: &Access<'_>, identity: Verdict, resource: Verdict) -> Result<(), Failure> {
    // A role is only assumed when its trust policy says so, in the same account too.
    let needs_resource = access.caller.account != access.resource_owner
        || access.action.starts_with("sts:AssumeRole");
    let is_same_account = access.caller.account == access.resource_owner;
    let unnamed = format!("because no identity-based policy allows the {} action", access.action);
    match resource {
        Verdict::Deny => Err(denied(access, "with an explicit deny in a resource-based policy")),
        Verdict::Allow if is_same_account => Ok(()),
        Verdict::Silent if needs_resource => Err(denied(
            access,
            &format!("because no resource-based policy allows the {} action", access.action),
        )),
        Verdict::Silent | Verdict::Delegated | Verdict::Allow => match identity {
            Verdict::Allow => Ok(()),
            Verdict::Silent | Verdict::Delegated | Verdict::Deny => Err(denied(access, &unnamed)),
        },
    }
}

fn denied(access: &Access<'_>, why: &str) -> Failure {
    Failure::new(
        "AccessDeniedException",
        403,
        format!(
            "User: {} is not authorized to perform: {} on resource: {} {why}",
            access.caller.arn, access.action, access.resource
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::simulator::scenario::Scenario;

    const GUARDRAIL: &str = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";
    const MANAGEMENT: &str = "111122223333";
    const MEMBER: &str = "200000000001";

    fn session(account: &str, role: &str) -> Caller {
        Caller {
            account: account.to_owned(),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/s"),
            role: Some(role.to_owned()),
        }
    }

    /// A statement about the guardrail, with the rest of its members.
    fn policy(effect: &str, more: &Value) -> Value {
        let mut statement =
            json!({"Effect": effect, "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL});
        for (key, value) in more.as_object().into_iter().flatten() {
            statement[key] = value.clone();
        }
        json!({"Version": "2012-10-17", "Statement": [statement]})
    }

    /// The resource policies of `aws-facts` 2.5 and what they must not do, for a caller with the
    /// permission and for one without.
    #[test]
    fn resource_policy_and_identity_policy_decide_together() {
        let mut scenario = Scenario::generate(1, 1, 5);
        scenario.organization.id = Some("o-abcdefghij".to_owned());
        let world = scenario.build(5, 0).unwrap();
        let unit = world.organization.tree.units.keys().next().cloned().unwrap();
        let whole_organization = json!({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}});
        let subtree = |unit: &str| {
            json!({"Principal": "*", "Condition": {
            "StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"},
            "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [format!("o-abcdefghij/*/{unit}/*")]}}})
        };
        let root =
            |account: &str| json!({"Principal": {"AWS": format!("arn:aws:iam::{account}:root")}});
        let role = json!({"Principal": {"AWS": format!("arn:aws:iam::{MEMBER}:role/Stranger")}});
        // Policy, then: member with the permission, member without, owner with, owner without.
        let rows = [
            ("no policy", None, [false, false, true, false]),
            (
                "whole organization",
                Some(policy("Allow", &whole_organization)),
                [true, false, true, true],
            ),
            ("its unit", Some(policy("Allow", &subtree(&unit))), [true, false, true, false]),
            (
                "another unit",
                Some(policy("Allow", &subtree("ou-abcd-12345678"))),
                [false, false, true, false],
            ),
            (
                "the member's account",
                Some(policy("Allow", &root(MEMBER))),
                [true, false, true, false],
            ),
            (
                "the owner's account",
                Some(policy("Allow", &root(MANAGEMENT))),
                [false, false, true, false],
            ),
            ("a role of the member", Some(policy("Allow", &role)), [false, false, true, false]),
            (
                "another action",
                Some(policy("Allow", &json!({"Principal": "*", "Action": "bedrock:GetGuardrail"}))),
                [false, false, true, false],
            ),
            (
                "a deny",
                Some(policy("Deny", &json!({"Principal": "*"}))),
                [false, false, false, false],
            ),
        ];
        let callers = [
            session(MEMBER, "BedrailMember"),
            session(MEMBER, "Stranger"),
            session(MANAGEMENT, "BedrailMember"),
            session(MANAGEMENT, "Stranger"),
        ];
        for (name, document, expected) in rows {
            let decisions = callers.each_ref().map(|caller| {
                let access = Access {
                    caller,
                    action: "bedrock:ApplyGuardrail",
                    resource: GUARDRAIL,
                    resource_owner: MANAGEMENT,
                    resource_policy: document.as_ref(),
                    context: BTreeMap::new(),
                };
                world.authorize(&access).is_ok()
            });
            assert_eq!(decisions, expected, "{name}");
        }
    }

    #[test]
    fn protecting_policy_exempts_by_role_arn_and_not_by_session_arn() {
        let scp = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Deny", "Action": "bedrock:*Enforced*", "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/BedrailMember"]}}}]});
        let scenario: Scenario = serde_json::from_value(json!({
            "accounts": [{"id": MEMBER}],
            "policies": [{"name": "protect", "type": "SERVICE_CONTROL_POLICY", "content": scp, "targets": ["root"]}],
        }))
        .unwrap();
        let world = scenario.build(1, 0).unwrap();
        let decide = |account: &str, role: &str| {
            let access = Access {
                caller: &session(account, role),
                action: "bedrock:PutEnforcedGuardrailConfiguration",
                resource: "*",
                resource_owner: account,
                resource_policy: None,
                context: BTreeMap::new(),
            };
            world.authorize(&access).map_err(|failure| failure.message)
        };
        assert_eq!(decide(MEMBER, "BedrailMember"), Ok(()));
        let denied = decide(MEMBER, "OrganizationAccountAccessRole").unwrap_err();
        assert!(denied.ends_with("with an explicit deny in a service control policy"), "{denied}");
        assert_eq!(decide(MANAGEMENT, "OrganizationAccountAccessRole"), Ok(()));
    }
}

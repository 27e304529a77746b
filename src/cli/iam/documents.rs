//! The policies of the two roles and of the organization (`aws-facts` 10 and 3.6).

use serde_json::{Value, json};

use super::names::Names;
use crate::aws::{ActsOn, Permission};

/// What Bedrail is used for.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    /// Of every operation.
    pub(super) permissions: Vec<Permission>,
    /// Whether guardrails are placed in member accounts.
    pub(super) manages_guardrails: bool,
    /// What is called to prove enforcement.
    pub(super) probe_model: Option<String>,
    /// Whether service control policies are managed.
    pub(super) service_control_policies: bool,
    /// Whether roles of applications are asked about.
    pub(super) caller_roles: bool,
    /// Customer keys of guardrails.
    pub(super) kms_keys: Vec<String>,
    /// The role of each account that Bedrock writes to CloudWatch with.
    pub(super) logging_role: Option<String>,
    /// Topics that alerts are published to.
    pub(super) alert_topics: Vec<String>,
    /// The queue of events that is listened to.
    pub(super) events_queue: Option<String>,
}

/// All documents.
pub(super) struct Documents {
    /// The controller's policy.
    pub(super) controller: Value,
    /// The member role's policy.
    pub(super) member: Value,
    /// The member role's trust policy.
    pub(super) trust: Value,
    /// The organization's resource policy, if the controller runs in another account.
    pub(super) delegation: Option<Value>,
}

/// What a controller does with a customer key that encrypts a guardrail (`aws-facts` 10.1).
const KEY_ACTIONS: [&str; 4] =
    ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"];

/// The operation that hands a role to Bedrock.
const PASSES_A_ROLE: &str = "bedrock:PutModelInvocationLoggingConfiguration";

impl Extent {
    fn actions(&self, acts_on: ActsOn) -> Vec<&'static str> {
        let of = self.permissions.iter().filter(|it| it.acts_on == acts_on);
        of.map(|it| it.action).collect()
    }

    /// Types of policies that are written.
    fn policy_types(&self) -> Vec<&'static str> {
        let controls = self.service_control_policies.then_some("SERVICE_CONTROL_POLICY");
        std::iter::once("BEDROCK_POLICY").chain(controls).collect()
    }

    /// Whether some operation hands a role to Bedrock.
    pub(super) fn passes_a_role(&self) -> bool {
        self.permissions.iter().any(|it| it.action == PASSES_A_ROLE)
    }
}

impl Documents {
    pub(super) fn of(names: &Names, extent: &Extent) -> Self {
        Self {
            controller: controller(names, extent),
            member: member(names, extent),
            trust: trust(names),
            delegation: (names.controller_account != names.management)
                .then(|| delegation(names, extent)),
        }
    }
}

/// What the controller may do with its own credentials: the organization, and in the management
/// account guardrails and that account, which is a cell like any other. From a delegated
/// administrator's account both are reached through the member role.
pub(super) fn controller(names: &Names, extent: &Extent) -> Value {
    let mut statements = vec![
        statement("OrganizationRead", &extent.actions(ActsOn::Organization), &["*".to_owned()]),
        organization_writes(names, extent),
        statement("Assume", &extent.actions(ActsOn::MemberRole), &[names.members()]),
    ];
    if let Some(queue) = &extent.events_queue {
        let actions = extent.actions(ActsOn::EventQueue);
        statements.push(statement("Events", &actions, std::slice::from_ref(queue)));
    }
    if names.controller_account == names.management {
        let own = &Names { own_account: names.controller_account.clone(), ..names.clone() };
        statements.extend(guardrails(own, extent));
        statements.extend(account(own, extent));
        statements.extend(probe(own, extent));
        statements.extend(passed(own, extent));
    }
    let alerts = extent.actions(ActsOn::AlertTopic);
    if !extent.alert_topics.is_empty() && !alerts.is_empty() {
        statements.push(statement("Alerts", &alerts, &extent.alert_topics));
    }
    policy(&statements)
}

fn organization_writes(names: &Names, extent: &Extent) -> Value {
    let types = extent.policy_types();
    let mut writes = statement(
        "OrganizationWrite",
        &extent.actions(ActsOn::Policies),
        &names.attachable(&types),
    );
    // TagResource has no type; its resource does.
    writes["Condition"] = json!({"StringEqualsIfExists": {"organizations:PolicyType": types}});
    writes
}

/// What the member role may do.
pub(super) fn member(names: &Names, extent: &Extent) -> Value {
    let mut statements = account(names, extent);
    if extent.manages_guardrails {
        statements.extend(guardrails(names, extent));
    }
    statements.extend(probe(names, extent));
    statements.extend(passed(names, extent));
    policy(&statements)
}

/// Guardrails of the own account, and the keys that encrypt them.
pub(super) fn guardrails(names: &Names, extent: &Extent) -> Vec<Value> {
    let keys =
        (!extent.kms_keys.is_empty()).then(|| statement("Keys", &KEY_ACTIONS, &extent.kms_keys));
    let guardrails = [
        // Lists, and what does not exist yet, have no ARN.
        statement("Lists", &extent.actions(ActsOn::Guardrails), &["*".to_owned()]),
        statement(
            "Guardrails",
            &extent.actions(ActsOn::Guardrail),
            &names.guardrails(&names.own_account),
        ),
    ];
    guardrails.into_iter().chain(keys).collect()
}

/// The account as a cell.
pub(super) fn account(names: &Names, extent: &Extent) -> Vec<Value> {
    let mut shared = names.guardrails(&names.management);
    let is_another = names.own_account != names.management;
    // Where the account is known it can do no harm; every account is only meant if it must be.
    if is_another && (extent.manages_guardrails || names.own_account != "*") {
        shared.extend(names.guardrails(&names.own_account));
    }
    let mut statements = vec![
        // Of these actions none can be limited to a resource: they act on the account.
        statement("Enforce", &extent.actions(ActsOn::Account), &["*".to_owned()]),
        statement("Preflight", &extent.actions(ActsOn::SharedGuardrail), &shared),
    ];
    if extent.caller_roles {
        let roles = format!("arn:{}:iam::{}:role/*", names.partition, names.own_account);
        statements.push(statement("CallerRoles", &extent.actions(ActsOn::Role), &[roles]));
    }
    statements
}

fn probe(names: &Names, extent: &Extent) -> Option<Value> {
    let model = extent.probe_model.as_ref()?;
    Some(statement("Probe", &extent.actions(ActsOn::Model), &names.model(model)))
}

/// The statement of the probe on a resource.
pub(super) fn probe_on(resource: &str, extent: &Extent) -> Value {
    statement("Probe", &extent.actions(ActsOn::Model), &[resource.to_owned()])
}

/// The role that is handed to Bedrock, where one is.
fn passed(names: &Names, extent: &Extent) -> Option<Value> {
    let role = extent.logging_role.as_deref().filter(|_| extent.passes_a_role())?;
    let Names { partition, own_account, .. } = names;
    Some(pass_role(&format!("arn:{partition}:iam::{own_account}:role/{role}")))
}

/// Lets Bedrock take on the role that writes logs, and nobody else.
pub(super) fn pass_role(role: &str) -> Value {
    let mut pass = statement("PassLoggingRole", &["iam:PassRole"], &[role.to_owned()]);
    pass["Condition"] = json!({"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}});
    pass
}

/// Who may assume the member role: one role, of one organization, with one external id.
///
/// The account is the principal and the role a condition: IAM would store the role's unique id, and
/// creating the role anew would break the trust in every account (`aws-facts` 10.3).
pub(super) fn trust(names: &Names) -> Value {
    let mut equal = json!({"aws:PrincipalOrgID": names.organization});
    if let Some(external_id) = &names.external_id {
        equal["sts:ExternalId"] = json!(external_id);
    }
    policy(&[json!({
        "Sid": "Controller",
        "Effect": "Allow",
        "Principal": {"AWS": names.controller_root()},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": names.controller()},
            "StringEquals": equal,
        },
    })])
}

/// What the organization lets a delegated administrator do (`aws-facts` 3.6). The management account
/// puts it, beside the statements of others.
fn delegation(names: &Names, extent: &Extent) -> Value {
    let delegated = |mut statement: Value| {
        statement["Principal"] = json!({"AWS": names.controller_root()});
        statement["Condition"]["ArnEquals"] = json!({"aws:PrincipalArn": names.controller()});
        statement
    };
    let read = statement("BedrailRead", &extent.actions(ActsOn::Organization), &["*".to_owned()]);
    let mut write = organization_writes(names, extent);
    write["Sid"] = json!("BedrailWrite");
    policy(&[delegated(read), delegated(write)])
}

fn statement(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Action": one_or_many(actions),
        "Resource": one_or_many(resources),
    })
}

fn one_or_many<T: AsRef<str>>(texts: &[T]) -> Value {
    match texts {
        [only] => json!(only.as_ref()),
        many => many.iter().map(AsRef::as_ref).collect(),
    }
}

pub(super) fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::permissions;
    use crate::lint::{PolicyType, lint};

    fn names(controller_account: &str) -> Names {
        Names {
            partition: "aws".to_owned(),
            management: "111122223333".to_owned(),
            controller_account: controller_account.to_owned(),
            own_account: "*".to_owned(),
            organization: "o-abcdefghij".to_owned(),
            controller_role: "BedrailController".to_owned(),
            member_role: "BedrailMember".to_owned(),
            external_id: Some("sesame".to_owned()),
        }
    }

    fn extent() -> Extent {
        Extent {
            permissions: permissions(),
            manages_guardrails: true,
            probe_model: Some("us.amazon.nova-lite-v1:0".to_owned()),
            service_control_policies: true,
            caller_roles: cfg!(feature = "iam"),
            kms_keys: vec!["arn:aws:kms:us-east-1:111122223333:key/k".to_owned()],
            logging_role: Some("BedrockLogging".to_owned()),
            alert_topics: vec!["arn:aws:sns:us-east-1:111122223333:alerts".to_owned()],
            events_queue: None,
        }
    }

    #[test]
    fn what_is_printed_passes_our_own_lint() {
        for account in ["111122223333", "222233334444"] {
            let documents = Documents::of(&names(account), &extent());
            let Documents { controller, member, trust, delegation } = &documents;
            for (document, policy_type) in [
                (controller, PolicyType::Identity),
                (member, PolicyType::Identity),
                (trust, PolicyType::Resource),
            ]
            .into_iter()
            .chain(delegation.iter().map(|it| (it, PolicyType::Resource)))
            {
                assert_eq!(lint(document, policy_type), [], "{document:#}");
            }
            assert_eq!(delegation.is_some(), account == "222233334444");
        }
    }

    /// IAM counts without white space and refuses more in a managed policy.
    #[test]
    fn the_largest_policies_fit_into_a_managed_policy() {
        let documents = Documents::of(&names("111122223333"), &extent());
        assert!(documents.controller.to_string().len() <= 6_144);
        assert!(documents.member.to_string().len() <= 6_144);
    }

    #[test]
    fn only_the_role_that_is_named_is_passed_and_only_by_what_hands_one_to_bedrock() {
        let handed_over = |document: &Value| -> Vec<Value> {
            let statements = document["Statement"].as_array().unwrap().iter();
            statements.filter(|it| it["Action"] == "iam:PassRole").cloned().collect()
        };
        let names = names("111122223333");
        let statement = |account: &str| {
            json!({"Sid": "PassLoggingRole", "Effect": "Allow", "Action": "iam:PassRole",
                "Resource": format!("arn:aws:iam::{account}:role/BedrockLogging"),
                "Condition": {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}})
        };
        assert_eq!(handed_over(&member(&names, &extent())), [statement("*")]);
        assert_eq!(handed_over(&controller(&names, &extent())), [statement("111122223333")]);
        let mut unable = extent();
        unable.permissions.retain(|it| it.action != PASSES_A_ROLE);
        for extent in [Extent { logging_role: None, ..extent() }, unable] {
            assert_eq!(handed_over(&member(&names, &extent)), [Value::Null; 0]);
            assert_eq!(handed_over(&controller(&names, &extent)), [Value::Null; 0]);
        }
    }
}

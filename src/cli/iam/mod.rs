//! `bedrail iam`: the roles and policies that Bedrail needs, and those of roles it cannot reach.
//!
//! ```text
//!   aws::permissions ──► documents ──► JSON
//!   the one table        policies      ├──► CloudFormation
//!   of operations                      └──► Terraform
//! ```
//!
//! What is printed follows from the operations the code can call, so that no policy misses one and
//! none allows more.

mod cloudformation;
mod documents;
mod names;
mod print;
mod require_guardrail;
mod terraform;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::exit::Exit;
use super::settings::Common;
use crate::aws::{CallerIdentity, permissions};
use crate::model::{AccountId, Fleet, OrganizationId, TopicArn};
use documents::{Documents, Extent};
use names::Names;
use require_guardrail::RequireGuardrailArguments;

/// Flags of `iam`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Prints, and calls nothing. What each document is for and where it goes is in
manifests/deploy/README.md.

  json             the policy documents, or with --only one of them as it is put
  cloudformation   a stack of the management account: the controller's role, and a StackSet with
                   service-managed permissions that gives every account of the organization the
                   member role, those that join later by themselves. With --only member-role the
                   template of that role alone
  terraform        the same as Terraform

Examples:
  bedrail iam --management-account 111122223333 --organization o-abcdefghij --external-id \"$ID\"
  bedrail iam --format cloudformation > bedrail.yaml
  bedrail iam require-guardrail --guardrail arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123:3"
)]
pub(super) struct IamArguments {
    #[command(subcommand)]
    policy: Option<OtherPolicy>,
    #[command(flatten)]
    roles: RolesArguments,
}

/// What else can be printed.
#[derive(Debug, Subcommand)]
enum OtherPolicy {
    /// The policy of a role that may call models only with a guardrail.
    RequireGuardrail(RequireGuardrailArguments),
}

#[derive(Debug, Args)]
struct RolesArguments {
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Print one document alone.
    #[arg(long, value_enum, value_name = "DOCUMENT")]
    only: Option<Only>,
    /// The management account.
    #[arg(long, value_name = "ACCOUNT")]
    management_account: Option<AccountId>,
    /// The organization.
    #[arg(long, value_name = "ID")]
    organization: Option<OrganizationId>,
    /// The partition.
    #[arg(long, default_value = "aws", value_parser = ["aws", "aws-us-gov", "aws-cn"])]
    partition: String,
    /// The controller's role.
    #[arg(long, default_value = "BedrailController", value_name = "NAME", value_parser = role_name)]
    controller_role: String,
    /// The role assumed in every account.
    #[arg(
        long,
        env = "BEDRAIL_MEMBER_ROLE",
        default_value = "BedrailMember",
        value_name = "NAME",
        value_parser = role_name
    )]
    member_role: String,
    /// The external id that the member role's trust policy asks for.
    #[arg(long, env = "BEDRAIL_EXTERNAL_ID", hide_env_values = true, value_name = "ID")]
    external_id: Option<String>,
    /// The member account in which the controller runs, instead of the management account.
    #[arg(long, value_name = "ACCOUNT")]
    delegated_administrator: Option<AccountId>,
    /// Guardrails are placed in member accounts, too.
    #[arg(long)]
    manage_guardrails: bool,
    /// A model or inference profile that is called to prove enforcement.
    #[arg(long, value_name = "MODEL")]
    probe_model: Option<String>,
    /// Service control policies are managed, too.
    #[arg(long)]
    service_control_policies: bool,
    /// Roles of applications are checked before a guardrail is enforced on them (`callerRoles`);
    /// in a build with the feature `iam`.
    #[arg(long)]
    caller_roles: bool,
    /// The queue of events that the controller listens to.
    #[cfg(feature = "sqs")]
    #[arg(long, value_name = "ARN")]
    events_queue: Option<String>,
    /// A customer key that encrypts guardrails; repeatable.
    #[arg(long, value_name = "ARN")]
    kms_key: Vec<String>,
    /// The role of each account that invocation logging writes to CloudWatch with: it, and no other,
    /// may be handed to Bedrock. Not needed where logs go to S3.
    #[arg(long, value_name = "NAME", value_parser = role_name)]
    logging_role: Option<String>,
    /// An SNS topic that alerts are published to; repeatable.
    #[arg(long, value_name = "ARN")]
    alert_sns: Vec<TopicArn>,
}

/// How documents are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Policy documents.
    #[default]
    Json,
    /// A CloudFormation template.
    Cloudformation,
    /// A Terraform configuration.
    Terraform,
}

/// One of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Only {
    /// What the controller may do.
    ControllerPolicy,
    /// What the member role may do; with --format cloudformation the template of the role.
    MemberRole,
    /// Who may assume the member role.
    MemberTrust,
    /// What the organization delegates.
    Delegation,
}

/// Prints.
pub(super) fn iam(_: &Common, arguments: &IamArguments) -> anyhow::Result<Exit> {
    let text = match &arguments.policy {
        Some(OtherPolicy::RequireGuardrail(arguments)) => require_guardrail::text(arguments),
        None => roles(&arguments.roles)?,
    };
    anstream::print!("{text}");
    Ok(Exit::Done)
}

/// The trust policy of the member role as it is printed for this caller, an external id left out:
/// what is printed is for whoever sets it, and a report has other readers.
pub(super) fn printed_trust(caller: &CallerIdentity, fleet: &Fleet, member_role: &str) -> Value {
    // `arn:aws:sts::111122223333:assumed-role/BedrailController/session`
    let role = caller.arn.split_once(":assumed-role/").and_then(|(_, it)| it.split('/').next());
    documents::trust(&Names {
        partition: caller.partition.clone(),
        management: fleet.management.to_string(),
        controller_account: caller.account.to_string(),
        own_account: "*".to_owned(),
        organization: fleet.organization.to_string(),
        controller_role: role.unwrap_or("BedrailController").to_owned(),
        member_role: member_role.to_owned(),
        external_id: None,
    })
}

fn roles(arguments: &RolesArguments) -> anyhow::Result<String> {
    if arguments.caller_roles && !cfg!(feature = "iam") {
        bail!("this build cannot ask IAM about roles: build one with `cargo build --features iam`");
    }
    let extent = Extent {
        permissions: permissions(),
        manages_guardrails: arguments.manage_guardrails,
        probe_model: arguments.probe_model.clone(),
        service_control_policies: arguments.service_control_policies,
        caller_roles: arguments.caller_roles,
        kms_keys: arguments.kms_key.clone(),
        logging_role: arguments.logging_role.clone(),
        alert_topics: arguments.alert_sns.iter().map(ToString::to_string).collect(),
        #[cfg(feature = "sqs")]
        events_queue: arguments.events_queue.clone(),
        #[cfg(not(feature = "sqs"))]
        events_queue: None,
    };
    match arguments.format {
        Format::Json => {
            let documents = Documents::of(&given(arguments)?, &extent);
            json_text(&documents, arguments.only)
        }
        Format::Cloudformation => match arguments.only {
            None => Ok(cloudformation::organization(
                &arguments.controller_role,
                &arguments.member_role,
                &extent,
            )),
            Some(Only::MemberRole) => {
                Ok(print::yaml(&cloudformation::member(&arguments.member_role, &extent)))
            }
            Some(Only::ControllerPolicy | Only::MemberTrust | Only::Delegation) => {
                bail!("as CloudFormation, --only takes member-role")
            }
        },
        Format::Terraform if arguments.only.is_some() => bail!("Terraform is printed as a whole"),
        Format::Terraform => {
            let names = given(arguments)?;
            let member = cloudformation::member(&arguments.member_role, &extent);
            let logging_role = extent.logging_role.as_deref();
            let documents = Documents::of(&names, &extent);
            Ok(terraform::organization(&names, &documents, (&member, logging_role)))
        }
    }
}

/// The names, all of which a document needs to be put as it is.
fn given(arguments: &RolesArguments) -> anyhow::Result<Names> {
    let (Some(management), Some(organization)) =
        (&arguments.management_account, &arguments.organization)
    else {
        bail!("give --management-account and --organization: the policies name them");
    };
    let administrator = arguments.delegated_administrator.as_ref();
    Ok(Names {
        partition: arguments.partition.clone(),
        management: management.to_string(),
        controller_account: administrator.unwrap_or(management).to_string(),
        // A policy of IAM is of one account; `*` stands for whichever it is attached in.
        own_account: "*".to_owned(),
        organization: organization.to_string(),
        controller_role: arguments.controller_role.clone(),
        member_role: arguments.member_role.clone(),
        external_id: arguments.external_id.clone(),
    })
}

fn json_text(documents: &Documents, only: Option<Only>) -> anyhow::Result<String> {
    let Documents { controller, member, trust, delegation } = documents;
    let document: Value = match only {
        None => {
            let mut all = json!({
                "controllerPolicy": controller,
                "memberPolicy": member,
                "memberTrustPolicy": trust,
            });
            if let Some(delegation) = delegation {
                all["delegationPolicy"] = delegation.clone();
            }
            all
        }
        Some(Only::ControllerPolicy) => controller.clone(),
        Some(Only::MemberRole) => member.clone(),
        Some(Only::MemberTrust) => trust.clone(),
        Some(Only::Delegation) => match delegation {
            Some(delegation) => delegation.clone(),
            None => bail!("give --delegated-administrator: nothing is delegated to nobody"),
        },
    };
    Ok(print::json(&document))
}

fn role_name(text: &str) -> Result<String, String> {
    let is_name = (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    if is_name { Ok(text.to_owned()) } else { Err(format!("`{text}` is no name of a role")) }
}

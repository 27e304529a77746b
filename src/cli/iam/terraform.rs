//! The documents as a Terraform configuration of the management account.

use serde_json::Value;

use super::documents::Documents;
use super::names::Names;
use super::print;

/// The controller's policy, and the StackSet of the member role. The external id is a variable: it
/// is no text for a repository.
pub(super) fn organization(
    names: &Names,
    documents: &Documents,
    (member, logging_role): (&Value, Option<&str>),
) -> String {
    let Names {
        management, organization, controller_role, member_role, controller_account, ..
    } = names;
    let logging_role = logging_role
        .map_or_else(String::new, |role| format!("\n    LoggingRoleName     = \"{role}\""));
    let controller = heredoc(&print::json(&documents.controller));
    let template = heredoc(&print::yaml(member));
    let delegation = documents.delegation.as_ref().map(|it| {
        let content = heredoc(&print::json(it));
        format!(
            r#"
# One per organization: merge its statements into yours if there is one.
resource "aws_organizations_resource_policy" "bedrail" {{
  content = {content}
}}
"#
        )
    });
    let where_to = if documents.delegation.is_some() {
        format!("\n# Belongs into account {controller_account}, the delegated administrator's.")
    } else {
        String::new()
    };
    format!(
        r#"# Bedrail: apply with credentials of the management account, {management}.

variable "bedrail_external_id" {{
  description = "What the controller sends as external id."
  type        = string
  sensitive   = true
}}

data "aws_organizations_organization" "current" {{}}
{where_to}
resource "aws_iam_policy" "bedrail_controller" {{
  name        = "{controller_role}"
  description = "What the Bedrail controller calls, and nothing else. Attach it to its role."
  policy      = {controller}
}}

# Reaches every account of the organization but the management account, and those that join later
# by itself.
resource "aws_cloudformation_stack_set" "bedrail_member" {{
  name             = "bedrail-member"
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]

  auto_deployment {{
    enabled                          = true
    retain_stacks_on_account_removal = false
  }}

  parameters = {{
    ManagementAccountId = "{management}"
    ControllerAccountId = "{controller_account}"
    ControllerRoleName  = "{controller_role}"
    OrganizationId      = "{organization}"
    ExternalId          = var.bedrail_external_id
    RoleName            = "{member_role}"{logging_role}
  }}

  template_body = {template}

  lifecycle {{
    # Service-managed StackSets have no such role, and AWS reports one.
    ignore_changes = [administration_role_arn]
  }}
}}

resource "aws_cloudformation_stack_set_instance" "bedrail_member" {{
  stack_set_name = aws_cloudformation_stack_set.bedrail_member.name

  deployment_targets {{
    organizational_unit_ids = [data.aws_organizations_organization.current.roots[0].id]
  }}
}}
{}"#,
        delegation.unwrap_or_default()
    )
}

/// A text over several lines, in which Terraform replaces nothing.
pub(super) fn heredoc(text: &str) -> String {
    let text = text.replace("${", "$${").replace("%{", "%%{");
    format!("<<EOT\n{text}EOT")
}

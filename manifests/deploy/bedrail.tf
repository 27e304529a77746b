# Bedrail: apply with credentials of the management account, 111122223333.

variable "bedrail_external_id" {
  description = "What the controller sends as external id."
  type        = string
  sensitive   = true
}

data "aws_organizations_organization" "current" {}

resource "aws_iam_policy" "bedrail_controller" {
  name        = "BedrailController"
  description = "What the Bedrail controller calls, and nothing else. Attach it to its role."
  policy      = <<EOT
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "OrganizationRead",
      "Effect": "Allow",
      "Action": [
        "organizations:DescribeEffectivePolicy",
        "organizations:DescribeOrganization",
        "organizations:DescribePolicy",
        "organizations:ListAccounts",
        "organizations:ListAccountsForParent",
        "organizations:ListAccountsWithInvalidEffectivePolicy",
        "organizations:ListOrganizationalUnitsForParent",
        "organizations:ListParents",
        "organizations:ListPolicies",
        "organizations:ListRoots",
        "organizations:ListTagsForResource",
        "organizations:ListTargetsForPolicy"
      ],
      "Resource": "*"
    },
    {
      "Sid": "OrganizationWrite",
      "Effect": "Allow",
      "Action": [
        "organizations:AttachPolicy",
        "organizations:CreatePolicy",
        "organizations:DeletePolicy",
        "organizations:DetachPolicy",
        "organizations:EnablePolicyType",
        "organizations:TagResource",
        "organizations:UpdatePolicy"
      ],
      "Resource": [
        "arn:aws:organizations::111122223333:policy/o-abcdefghij/bedrock_policy/*",
        "arn:aws:organizations::111122223333:policy/o-abcdefghij/service_control_policy/*",
        "arn:aws:organizations::111122223333:root/o-abcdefghij/*",
        "arn:aws:organizations::111122223333:ou/o-abcdefghij/*",
        "arn:aws:organizations::111122223333:account/o-abcdefghij/*"
      ],
      "Condition": {
        "StringEqualsIfExists": {
          "organizations:PolicyType": [
            "BEDROCK_POLICY",
            "SERVICE_CONTROL_POLICY"
          ]
        }
      }
    },
    {
      "Sid": "Assume",
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Resource": "arn:aws:iam::*:role/BedrailMember"
    },
    {
      "Sid": "Lists",
      "Effect": "Allow",
      "Action": [
        "bedrock:CreateGuardrail",
        "bedrock:ListFoundationModels",
        "bedrock:ListGuardrails"
      ],
      "Resource": "*"
    },
    {
      "Sid": "Guardrails",
      "Effect": "Allow",
      "Action": [
        "bedrock:CreateGuardrailVersion",
        "bedrock:DeleteGuardrail",
        "bedrock:DeleteResourcePolicy",
        "bedrock:GetGuardrail",
        "bedrock:GetResourcePolicy",
        "bedrock:ListTagsForResource",
        "bedrock:PutResourcePolicy",
        "bedrock:TagResource",
        "bedrock:UntagResource",
        "bedrock:UpdateGuardrail"
      ],
      "Resource": [
        "arn:aws:bedrock:*:111122223333:guardrail/*",
        "arn:aws:bedrock:*:111122223333:guardrail-profile/*"
      ]
    },
    {
      "Sid": "Enforce",
      "Effect": "Allow",
      "Action": [
        "bedrock:DeleteEnforcedGuardrailConfiguration",
        "bedrock:DeleteModelInvocationLoggingConfiguration",
        "bedrock:GetModelInvocationLoggingConfiguration",
        "bedrock:ListEnforcedGuardrailsConfiguration",
        "bedrock:PutEnforcedGuardrailConfiguration",
        "bedrock:PutModelInvocationLoggingConfiguration"
      ],
      "Resource": "*"
    },
    {
      "Sid": "Preflight",
      "Effect": "Allow",
      "Action": "bedrock:ApplyGuardrail",
      "Resource": [
        "arn:aws:bedrock:*:111122223333:guardrail/*",
        "arn:aws:bedrock:*:111122223333:guardrail-profile/*"
      ]
    },
    {
      "Sid": "Probe",
      "Effect": "Allow",
      "Action": [
        "bedrock:InvokeModel",
        "bedrock:InvokeModelWithResponseStream"
      ],
      "Resource": "arn:aws:bedrock:*::foundation-model/amazon.nova-lite-v1:0"
    }
  ]
}
EOT
}

# Reaches every account of the organization but the management account, and those that join later
# by itself.
resource "aws_cloudformation_stack_set" "bedrail_member" {
  name             = "bedrail-member"
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  parameters = {
    ManagementAccountId = "111122223333"
    ControllerAccountId = "111122223333"
    ControllerRoleName  = "BedrailController"
    OrganizationId      = "o-abcdefghij"
    ExternalId          = var.bedrail_external_id
    RoleName            = "BedrailMember"
  }

  template_body = <<EOT
AWSTemplateFormatVersion: "2010-09-09"
Description: The role through which the Bedrail controller reaches this account.
Parameters:
  ControllerAccountId:
    Description: "The account of the controller's role: the management account, or a delegated administrator's."
    Type: String
    AllowedPattern: "^[0-9]{12}$"
  ControllerRoleName:
    Description: "The name (without a path) of the controller's role."
    Type: String
    Default: BedrailController
    AllowedPattern: "^[A-Za-z0-9_+=,.@-]{1,64}$"
  ExternalId:
    Description: The value that the controller sends as external id.
    Type: String
    AllowedPattern: "^[A-Za-z0-9_+=,.@:/-]*$"
    MaxLength: 1224
    MinLength: 2
    NoEcho: true
  LoggingRoleName:
    Description: The role that invocation logging to CloudWatch uses. Empty when logs go to S3.
    Type: String
    Default: ""
    AllowedPattern: "^[A-Za-z0-9_+=,.@-]{0,64}$"
  ManageGuardrails:
    Description: Whether guardrails may be placed in this account. Not needed to use a shared one.
    Type: String
    Default: "false"
    AllowedValues:
      - "true"
      - "false"
  ManagementAccountId:
    Description: "The management account, which owns the guardrails."
    Type: String
    AllowedPattern: "^[0-9]{12}$"
  OrganizationId:
    Description: The organization that the controller must belong to.
    Type: String
    AllowedPattern: "^o-[a-z0-9]{10,32}$"
  ProbeModelId:
    Description: A cheap foundation model to prove enforcement with. Empty for no such proof.
    Type: String
    Default: amazon.nova-lite-v1:0
    AllowedPattern: "^[A-Za-z0-9.:-]*$"
  RoleName:
    Description: "The name of the role, as in the controller's --member-role."
    Type: String
    Default: BedrailMember
    AllowedPattern: "^[A-Za-z0-9_+=,.@-]{1,64}$"
Conditions:
  LogsToCloudWatch:
    Fn::Not:
      - Fn::Equals:
          - Ref: LoggingRoleName
          - ""
  ManagesGuardrails:
    Fn::Equals:
      - Ref: ManageGuardrails
      - "true"
  Probes:
    Fn::Not:
      - Fn::Equals:
          - Ref: ProbeModelId
          - ""
Resources:
  GuardrailsPolicy:
    Type: AWS::IAM::RolePolicy
    Condition: ManagesGuardrails
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: Lists
            Effect: Allow
            Action:
              - bedrock:CreateGuardrail
              - bedrock:ListFoundationModels
              - bedrock:ListGuardrails
            Resource: "*"
          - Sid: Guardrails
            Effect: Allow
            Action:
              - bedrock:CreateGuardrailVersion
              - bedrock:DeleteGuardrail
              - bedrock:DeleteResourcePolicy
              - bedrock:GetGuardrail
              - bedrock:GetResourcePolicy
              - bedrock:ListTagsForResource
              - bedrock:PutResourcePolicy
              - bedrock:TagResource
              - bedrock:UntagResource
              - bedrock:UpdateGuardrail
            Resource:
              - Fn::Sub: "arn:$${AWS::Partition}:bedrock:*:$${AWS::AccountId}:guardrail/*"
              - Fn::Sub: "arn:$${AWS::Partition}:bedrock:*:$${AWS::AccountId}:guardrail-profile/*"
      PolicyName: Guardrails
      RoleName:
        Ref: MemberRole
  MemberRole:
    Type: AWS::IAM::Role
    Properties:
      Description: Assumed by the Bedrail controller to keep guardrails enforced.
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: Controller
            Effect: Allow
            Principal:
              AWS:
                Fn::Sub: "arn:$${AWS::Partition}:iam::$${ControllerAccountId}:root"
            Action: sts:AssumeRole
            Condition:
              ArnEquals:
                aws:PrincipalArn:
                  Fn::Sub: "arn:$${AWS::Partition}:iam::$${ControllerAccountId}:role/$${ControllerRoleName}"
              StringEquals:
                aws:PrincipalOrgID:
                  Ref: OrganizationId
                sts:ExternalId:
                  Ref: ExternalId
      MaxSessionDuration: 3600
      Policies:
        - PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: Enforce
                Effect: Allow
                Action:
                  - bedrock:DeleteEnforcedGuardrailConfiguration
                  - bedrock:DeleteModelInvocationLoggingConfiguration
                  - bedrock:GetModelInvocationLoggingConfiguration
                  - bedrock:ListEnforcedGuardrailsConfiguration
                  - bedrock:PutEnforcedGuardrailConfiguration
                  - bedrock:PutModelInvocationLoggingConfiguration
                Resource: "*"
              - Sid: Preflight
                Effect: Allow
                Action: bedrock:ApplyGuardrail
                Resource:
                  - Fn::Sub: "arn:$${AWS::Partition}:bedrock:*:$${ManagementAccountId}:guardrail/*"
                  - Fn::Sub: "arn:$${AWS::Partition}:bedrock:*:$${ManagementAccountId}:guardrail-profile/*"
                  - Fn::Sub: "arn:$${AWS::Partition}:bedrock:*:$${AWS::AccountId}:guardrail/*"
                  - Fn::Sub: "arn:$${AWS::Partition}:bedrock:*:$${AWS::AccountId}:guardrail-profile/*"
          PolicyName: Enforcement
      RoleName:
        Ref: RoleName
  PassLoggingRolePolicy:
    Type: AWS::IAM::RolePolicy
    Condition: LogsToCloudWatch
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: PassLoggingRole
            Effect: Allow
            Action: iam:PassRole
            Resource:
              Fn::Sub: "arn:$${AWS::Partition}:iam::$${AWS::AccountId}:role/$${LoggingRoleName}"
            Condition:
              StringEquals:
                iam:PassedToService: bedrock.amazonaws.com
      PolicyName: PassLoggingRole
      RoleName:
        Ref: MemberRole
  ProbePolicy:
    Type: AWS::IAM::RolePolicy
    Condition: Probes
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: Probe
            Effect: Allow
            Action:
              - bedrock:InvokeModel
              - bedrock:InvokeModelWithResponseStream
            Resource:
              Fn::Sub: "arn:$${AWS::Partition}:bedrock:*::foundation-model/$${ProbeModelId}"
      PolicyName: Probe
      RoleName:
        Ref: MemberRole
Outputs:
  RoleArn:
    Description: The role the controller assumes.
    Value:
      Fn::GetAtt:
        - MemberRole
        - Arn
EOT

  lifecycle {
    # Service-managed StackSets have no such role, and AWS reports one.
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "bedrail_member" {
  stack_set_name = aws_cloudformation_stack_set.bedrail_member.name

  deployment_targets {
    organizational_unit_ids = [data.aws_organizations_organization.current.roots[0].id]
  }
}

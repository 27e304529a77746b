"""Parses the Terraform that `bedrail iam` prints, and compares its policies with those in JSON.

    python tests/terraform/run.py path/to/bedrail
"""

import json
import pathlib
import subprocess
import sys
import unittest

import hcl2
import yaml
from hcl2.utils import SerializationOptions

HERE = pathlib.Path(__file__).parent
DEPLOYED = HERE.parent.parent / "manifests" / "deploy" / "bedrail.tf"
MANAGEMENT, ADMINISTRATOR, ORGANIZATION = "111122223333", "222233334444", "o-abcdefghij"
NAMES = ["--management-account", MANAGEMENT, "--organization", ORGANIZATION]
# What is printed with each of these must be the same in both forms.
FLAGS = {
    "nothing more": [],
    "all": ["--manage-guardrails", "--service-control-policies", "--probe-model",
            "amazon.nova-lite-v1:0", "--logging-role", "BedrockLogging", "--kms-key",
            f"arn:aws:kms:us-east-1:{MANAGEMENT}:key/one", "--controller-role", "Controller",
            "--member-role", "Member"],
    "a delegated administrator": ["--delegated-administrator", ADMINISTRATOR],
}
EXTERNAL_ID = "an-external-id"

BINARY = ""


def iam(*arguments):
    done = subprocess.run([BINARY, "iam", *arguments], env={}, capture_output=True, text=True,
                          timeout=60, check=True)
    return done.stdout


def parse(text):
    """Resources by type and name, and variables, as Terraform would read them."""
    options = SerializationOptions(strip_string_quotes=True, preserve_heredocs=False,
                                   with_comments=False, explicit_blocks=False)
    document = hcl2.loads(text, serialization_options=options)
    resources = {}
    for block in document["resource"]:
        for kind, named in block.items():
            for name, body in named.items():
                resources[kind.strip('"'), name.strip('"')] = body
    variables = {name.strip('"') for block in document["variable"] for name in block}
    return resources, variables


def text(value):
    """A heredoc as Terraform reads it: `$${` and `%%{` stand for themselves."""
    assert "${" not in value.replace("$${", ""), "Terraform would replace something"
    assert "%{" not in value.replace("%%{", ""), "Terraform would run something"
    return value.replace("$${", "${").replace("%%{", "%{")


def resolve(value, variables):
    """A part of a CloudFormation template with its variables in place."""
    if isinstance(value, list):
        return [resolve(item, variables) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return variables[value["Ref"]]
    if set(value) == {"Fn::Sub"}:
        done = value["Fn::Sub"]
        for name, given in variables.items():
            done = done.replace("${" + name + "}", given)
        assert "${" not in done, done
        return done
    return {key: resolve(item, variables) for key, item in value.items()}


class Terraform(unittest.TestCase):
    def resources(self, flags):
        return parse(iam("--format", "terraform", *NAMES, *flags))

    def test_the_policies_are_those_that_are_printed_as_json(self):
        for what, flags in FLAGS.items():
            with self.subTest(what):
                resources, _ = self.resources(flags)
                printed = json.loads(iam(*NAMES, *flags))
                controller = resources["aws_iam_policy", "bedrail_controller"]
                self.assertEqual(json.loads(text(controller["policy"])),
                                 printed["controllerPolicy"])
                delegation = resources.get(("aws_organizations_resource_policy", "bedrail"))
                self.assertEqual(delegation is not None, "delegationPolicy" in printed)
                if delegation is not None:
                    self.assertEqual(json.loads(text(delegation["content"])),
                                     printed["delegationPolicy"])

    def test_the_member_role_is_that_which_is_printed_as_json(self):
        for what, flags in FLAGS.items():
            with self.subTest(what):
                resources, variables = self.resources(flags)
                stack_set = resources["aws_cloudformation_stack_set", "bedrail_member"]
                template = yaml.safe_load(text(stack_set["template_body"]))
                given = stack_set["parameters"]
                self.assertEqual(given["ExternalId"], "${var.bedrail_external_id}")
                self.assertIn("bedrail_external_id", variables)
                names = {name: parameter.get("Default")
                         for name, parameter in template["Parameters"].items()}
                self.assertLessEqual(set(given), set(names), "a parameter that is not there")
                names |= given | {"ExternalId": EXTERNAL_ID, "AWS::Partition": "aws",
                                  "AWS::AccountId": "*"}
                self.assertNotIn(None, names.values(), "a parameter that nobody gives")
                printed = json.loads(iam("--external-id", EXTERNAL_ID, *NAMES, *flags))
                self.assertEqual(*self.trust(template, names, printed))
                self.assertEqual(*self.statements(template, names, printed))

    def trust(self, template, names, printed):
        role = template["Resources"]["MemberRole"]["Properties"]
        self.assertEqual(resolve(role["RoleName"], names), names["RoleName"])
        return resolve(role["AssumeRolePolicyDocument"], names), printed["memberTrustPolicy"]

    def statements(self, template, names, printed):
        """What the role may do by its conditions, and what is printed."""
        holds = {name: not_empty(condition, names)
                 for name, condition in template["Conditions"].items()}
        policies = [policy["PolicyDocument"] for policy in
                    template["Resources"]["MemberRole"]["Properties"]["Policies"]]
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::IAM::RolePolicy" and holds[resource["Condition"]]:
                policies.append(resource["Properties"]["PolicyDocument"])
        found = [resolve(statement, names) for policy in policies
                 for statement in policy["Statement"]]
        found, printed = ({each["Sid"]: plain(each) for each in statements}
                          for statements in (found, printed["memberPolicy"]["Statement"]))
        if names["ManageGuardrails"] == "false":
            # The template names its own account, where one policy for all would mean every account.
            shared = found["Preflight"]["Resource"]
            own = [arn for arn in shared if arn.startswith("arn:aws:bedrock:*:*:guardrail")]
            self.assertEqual(len(own), 2)
            found["Preflight"]["Resource"] = [arn for arn in shared if arn not in own]
        return found, printed

    def test_nothing_secret_is_printed_and_what_is_deployed_can_be_parsed(self):
        printed = iam("--format", "terraform", "--external-id", EXTERNAL_ID, *NAMES)
        self.assertNotIn(EXTERNAL_ID, printed)
        resources, _ = parse(DEPLOYED.read_text())
        kinds = sorted(kind for kind, _ in resources)
        self.assertEqual(kinds, ["aws_cloudformation_stack_set",
                                 "aws_cloudformation_stack_set_instance", "aws_iam_policy"])


def not_empty(condition, names):
    """`Fn::Equals` of a parameter and a text, or its negation."""
    if "Fn::Not" in condition:
        return not not_empty(condition["Fn::Not"][0], names)
    one, other = condition["Fn::Equals"]
    return resolve(one, names) == other


def plain(statement):
    """A statement with lists for single values, without repetition and in order."""
    def listed(value):
        return sorted(set(value if isinstance(value, list) else [value]))
    return statement | {name: listed(statement[name]) for name in ("Action", "Resource")}


if __name__ == "__main__":
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)

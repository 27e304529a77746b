"""An organization built with boto3, imported: to apply what was written sets tags alone."""

import json
import pathlib
import tempfile

from stage import ROOT, Case, Simulator, until

REGIONS = ["us-east-1", "eu-west-1"]


class Imported(Case):
    @classmethod
    def setUpClass(cls):
        scenario = ROOT / "manifests" / "simulator" / "demo-organization.yaml"
        cls.simulator = Simulator(str(scenario))
        cls.addClassCleanup(cls.simulator.close)
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def guardrail(self, region):
        """A published guardrail that everybody may use, as the console makes it."""
        bedrock = self.simulator.client("bedrock", region=region)
        arn = bedrock.create_guardrail(
            name="by-hand", description="Made before Bedrail",
            blockedInputMessaging="Sorry, the model cannot answer this question.",
            blockedOutputsMessaging="Sorry, the model cannot answer this question.",
            contentPolicyConfig={
                "tierConfig": {"tierName": "CLASSIC"},
                "filtersConfig": [{"type": "HATE", "inputStrength": "HIGH",
                                   "outputStrength": "HIGH", "inputModalities": ["TEXT"],
                                   "inputAction": "BLOCK", "inputEnabled": True}]},
            wordPolicyConfig={"managedWordListsConfig": [{"type": "PROFANITY"}]},
        )["guardrailArn"]
        self.ready(bedrock, arn)
        version = bedrock.create_guardrail_version(guardrailIdentifier=arn)["version"]
        self.ready(bedrock, arn, guardrailVersion=version)
        organization = self.simulator.client("organizations").describe_organization()
        statement = {"Effect": "Allow", "Principal": "*", "Resource": arn,
                     "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
                     "Condition": {"StringEquals": {
                         "aws:PrincipalOrgID": organization["Organization"]["Id"]}}}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        bedrock.put_resource_policy(resourceArn=arn, resourcePolicy=json.dumps(policy))
        return f"{arn}:{version}"

    def ready(self, bedrock, arn, **which):
        read = lambda: bedrock.get_guardrail(guardrailIdentifier=arn, **which)
        until("READY", lambda: read()["status"] == "READY")

    def writes(self):
        operations = self.simulator.admin("calls")["byOperation"]
        reads = ("Describe", "List", "Get", "AssumeRole")
        return {name: count for name, count in operations.items()
                if not name.split(":")[1].startswith(reads)}

    def test_what_was_imported_is_what_is_live(self):
        organizations = self.simulator.client("organizations")
        root = organizations.list_roots()["Roots"][0]["Id"]
        blocks = {region: {"config_1": {"identifier": {"@@assign": self.guardrail(region)}}}
                  for region in REGIONS}
        kinds = organizations.list_roots()["Roots"][0]["PolicyTypes"]
        if "BEDROCK_POLICY" not in [kind["Type"] for kind in kinds]:
            organizations.enable_policy_type(RootId=root, PolicyType="BEDROCK_POLICY")
        until("enabled", lambda: {"Type": "BEDROCK_POLICY", "Status": "ENABLED"}
              in organizations.list_roots()["Roots"][0]["PolicyTypes"])
        document = {"bedrock": {"guardrail_inference": blocks}}
        policy = organizations.create_policy(
            Name="Everybody", Description="", Type="BEDROCK_POLICY",
            Content=json.dumps(document))["Policy"]["PolicySummary"]["Id"]
        organizations.attach_policy(PolicyId=policy, TargetId=root)

        folder = self.folder.name
        self.simulator.admin("calls", "DELETE")
        done = self.simulator.bedrail("import", "--output-dir", folder,
                                      "--regions", ",".join(REGIONS))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.writes(), {})
        self.assertEqual(sorted(path.name for path in pathlib.Path(folder).iterdir()),
                         ["guardrail-by-hand.yaml", "organization-Everybody.yaml"])
        for command in (["validate"], ["apply", "--wait", "120s"]):
            done = self.simulator.bedrail(*command, "-f", folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.writes(),
                         {"bedrock:TagResource": 2, "organizations:TagResource": 1})
        done = self.simulator.bedrail("plan", "-f", folder, "--detailed-exitcode")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        live = organizations.describe_policy(PolicyId=policy)["Policy"]["Content"]
        self.assertEqual(json.loads(live), document)

"""The demo manifests through the real binary, read back by somebody else's client."""

import json

from stage import EMBEDDING, ROOT, Case, Simulator

REGIONS = ["us-east-1", "us-west-2", "eu-west-1"]
PRODUCTION = ["310000000001", "310000000002", "310000000003"]
DEVELOPMENT = ["320000000001", "320000000002", "320000000003"]
# By configurations of their own.
SECURITY = ["210000000001", "210000000002"]
SANDBOX = ["410000000001", "410000000002", "410000000003"]


class Converged(Case):
    @classmethod
    def setUpClass(cls):
        scenario = ROOT / "manifests" / "simulator" / "demo-organization.yaml"
        cls.simulator = Simulator(str(scenario))
        cls.addClassCleanup(cls.simulator.close)
        super().setUpClass()
        cls.applied = cls.simulator.bedrail("apply", "-f", "manifests/demo", "--wait", "120s")
        cls.replicas = {region: cls.replica(region) for region in REGIONS}
        cls.strict = {region: cls.replica(region, "strict") for region in REGIONS}
        cls.observing = {region: cls.replica(region, "observing")
                         for region in ("us-east-1", "eu-west-1")}

    @classmethod
    def replica(cls, region, name="baseline"):
        """The ARN and newest version of a guardrail in a Region."""
        bedrock = cls.simulator.client("bedrock", region=region)
        rows = bedrock.list_guardrails()["guardrails"]
        arns = [row["arn"] for row in rows if row["name"] == name]
        if len(arns) != 1:
            raise AssertionError(f"{region}: {arns}\n{cls.applied.stdout}\n{cls.applied.stderr}")
        versions = bedrock.list_guardrails(guardrailIdentifier=arns[0])["guardrails"]
        numbers = [int(row["version"]) for row in versions if row["version"] != "DRAFT"]
        return arns[0], str(max(numbers, default=0))

    def test_apply_ends_well_and_a_second_one_writes_nothing(self):
        self.assertEqual(self.applied.returncode, 0, self.applied.stderr)
        self.simulator.admin("calls", "DELETE")
        for command in (["plan", "--detailed-exitcode"], ["apply", "--wait", "120s"]):
            done = self.simulator.bedrail(*command, "-f", "manifests/demo")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        operations = self.simulator.admin("calls")["byOperation"]
        reads = ("Describe", "List", "Get", "AssumeRole", "ApplyGuardrail")
        writes = [it for it in operations if not it.split(":")[1].startswith(reads)]
        self.assertEqual(writes, [])
        self.assertIn("bedrock:GetGuardrail", operations)

    def test_every_region_has_the_content_and_one_version_of_it(self):
        for region, (arn, version) in self.replicas.items():
            bedrock = self.simulator.client("bedrock", region=region)
            self.assertEqual(version, "1", region)
            for which in ({}, {"guardrailVersion": "1"}):
                live = bedrock.get_guardrail(guardrailIdentifier=arn, **which)
                self.assertEqual(live["status"], "READY")
                strengths = {it["type"]: (it["inputStrength"], it["outputStrength"])
                             for it in live["contentPolicy"]["filters"]}
                self.assertEqual(strengths, {
                    "HATE": ("HIGH", "HIGH"), "INSULTS": ("MEDIUM", "HIGH"),
                    "SEXUAL": ("HIGH", "HIGH"), "VIOLENCE": ("MEDIUM", "MEDIUM"),
                    "MISCONDUCT": ("HIGH", "HIGH"), "PROMPT_ATTACK": ("HIGH", "NONE")})
                self.assertEqual({it["text"] for it in live["wordPolicy"]["words"]},
                                 {"Project Falcon", "falcon-internal"})
                self.assertEqual([it["name"] for it in live["topicPolicy"]["topics"]],
                                 ["Investment advice"])
                pii = live["sensitiveInformationPolicy"]["piiEntities"]
                self.assertEqual({it["type"]: it["action"] for it in pii}, {
                    "EMAIL": "ANONYMIZE", "US_SOCIAL_SECURITY_NUMBER": "BLOCK",
                    "CREDIT_DEBIT_CARD_NUMBER": "BLOCK"})
                thresholds = live["contextualGroundingPolicy"]["filters"]
                self.assertEqual({it["type"]: it["threshold"] for it in thresholds},
                                 {"GROUNDING": 0.7, "RELEVANCE": 0.5})
                self.assertEqual(live["blockedInputMessaging"],
                                 "This request was blocked by company policy.")
            tags = bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
            tags = {tag["key"]: tag["value"] for tag in tags}
            self.assertEqual(tags["cost-center"], "ai-platform")
            self.assertTrue(any(key.startswith("bedrail:") for key in tags), tags)

    def test_every_replica_is_shared_with_the_organization_and_nobody_else(self):
        for region, (arn, _) in self.replicas.items():
            bedrock = self.simulator.client("bedrock", region=region)
            text = bedrock.get_resource_policy(resourceArn=arn)["resourcePolicy"]
            for statement in json.loads(text)["Statement"]:
                self.assertEqual(statement["Effect"], "Allow")
                self.assertIn(statement["Resource"], (arn, [arn]))
                condition = json.dumps(statement["Condition"])
                self.assertIn(self.organization, condition)

    def test_the_organization_policies_name_each_regions_version(self):
        rows = self.pages(self.organizations, "list_policies", "Policies", Filter="BEDROCK_POLICY")
        found = {}
        for policy in rows:
            targets = self.pages(self.organizations, "list_targets_for_policy", "Targets",
                                 PolicyId=policy["Id"])
            target, = ((it["Type"], it["Name"]) for it in targets)
            policy = self.organizations.describe_policy(PolicyId=policy["Id"])["Policy"]
            document = json.loads(policy["Content"])["bedrock"]["guardrail_inference"]
            found[target] = {
                region: [it["identifier"]["@@assign"] for key, it in configurations.items()
                         if not key.startswith("@@")]
                for region, configurations in document.items() if not region.startswith("@@")}
        self.assertEqual(found, {
            ("ORGANIZATIONAL_UNIT", unit): {region: [f"{arn}:{version}"]
                                            for region, (arn, version) in replicas.items()}
            for unit, replicas in (("Workloads", self.replicas), ("Prod", self.strict))})

    def test_the_nearest_policy_is_effective_below_its_unit_and_none_elsewhere(self):
        for accounts, replicas in ((DEVELOPMENT, self.replicas), (PRODUCTION, self.strict)):
            for account in accounts:
                for region, (arn, version) in replicas.items():
                    configuration, = self.effective(account, region).values()
                    self.assertEqual(configuration["identifier"], f"{arn}:{version}")
                    models = configuration["model_enforcement"]
                    self.assertEqual(models["included_models"], ["ALL"])
                    self.assertIn(EMBEDDING, models["excluded_models"])
        for account in SECURITY + SANDBOX:
            self.assertEqual(self.effective(account), {})
        invalid = self.organizations.list_accounts_with_invalid_effective_policy(
            PolicyType="BEDROCK_POLICY")
        self.assertEqual(invalid["Accounts"], [])

    def test_member_accounts_enforce_the_version_of_their_region(self):
        for accounts, replicas in ((SECURITY, self.replicas), (SANDBOX, self.observing)):
            for account in accounts:
                for region in ("us-east-1", "eu-west-1"):
                    member = self.member("bedrock", account, region)
                    live, = member.list_enforced_guardrails_configuration()["guardrailsConfig"]
                    self.assertEqual((live["guardrailArn"], live["guardrailVersion"]),
                                     replicas[region])
                    self.assertIn(EMBEDDING, live["modelEnforcement"]["excludedModels"])
                elsewhere = self.member("bedrock", account, "us-west-2")
                live = elsewhere.list_enforced_guardrails_configuration()["guardrailsConfig"]
                self.assertEqual(live, [], "not asked for")

    def test_callers_are_guarded_whatever_they_ask_for(self):
        stops = "guardrail_intervened"
        rows = [(DEVELOPMENT[0], "us-west-2", "ORGANIZATION_ENFORCED", self.replicas, stops),
                (PRODUCTION[0], "us-west-2", "ORGANIZATION_ENFORCED", self.strict, stops),
                (SECURITY[0], "eu-west-1", "ACCOUNT_ENFORCED", self.replicas, stops),
                (SANDBOX[2], "eu-west-1", "ACCOUNT_ENFORCED", self.observing, "end_turn")]
        for account, region, origin, replicas, of_bad in rows:
            runtime = self.member("bedrock-runtime", account, region)
            for text, reason in [("hello", "end_turn"), ("Project Falcon", of_bad)]:
                answer = runtime.converse(
                    modelId="amazon.nova-micro-v1:0",
                    messages=[{"role": "user", "content": [{"text": text}]}])
                self.assertEqual(answer["stopReason"], reason)
            assessment, = answer["trace"]["guardrail"]["inputAssessment"].values()
            details = assessment["appliedGuardrailDetails"]
            self.assertEqual((details["guardrailArn"], details["guardrailOrigin"]),
                             (replicas[region][0], [origin]))
            vector = runtime.invoke_model(modelId=EMBEDDING, body='{"inputText": "hello"}')
            self.assertEqual(vector["ResponseMetadata"]["HTTPStatusCode"], 200)

    def test_no_invariant_was_broken_on_the_way(self):
        self.assertEqual(self.simulator.admin("violations"), {"violations": []})
        log = self.simulator.admin("calls/log")["calls"]
        self.assertTrue(any(call["isController"] for call in log))

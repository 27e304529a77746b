"""`bedrail iam require-guardrail`: a role with the printed policy calls models with the guardrail,
and in no other way."""

import copy
import json
import pathlib
import tempfile

from stage import EMBEDDING, MODEL, Case, Simulator

ACCOUNT = "310000000001"
SCENARIO = {
    "organization": {"id": "o-requireorg", "rootId": "r-requ"},
    "managementAccount": {"id": "100000000001", "name": "management"},
    "accounts": [{"id": ACCOUNT, "name": "shop"}],
    "switches": {"ready_delay_ms": 20},
}
# The roles of the application, and what is printed for each: `{ours}` and `{second}` are ARNs.
ROLES = {
    "ExactVersion": ["--guardrail", "{ours}:1"],
    "AnyVersion": ["--guardrail", "{ours}"],
    "Several": ["--guardrail", "{ours}:2", "--guardrail", "{second}:1"],
    "Embeds": ["--guardrail", "{ours}:1", "--except-model", EMBEDDING],
}


class RequireGuardrail(Case):
    @classmethod
    def setUpClass(cls):
        # A policy names ids that AWS makes, and scenarios come before: the same calls give the same
        # ids again.
        first = cls.start(SCENARIO)
        super().setUpClass()
        arns = cls.guardrails()
        scenario = copy.deepcopy(SCENARIO)
        scenario["accounts"][0]["roles"] = [
            {"name": name, "policies": [cls.printed(arguments, arns)]}
            for name, arguments in ROLES.items()]
        first.close()
        simulator = cls.start(scenario)
        cls.addClassCleanup(simulator.close)
        super().setUpClass()
        assert cls.guardrails() == arns, "the ids are others"
        cls.ours, cls.second, cls.foreign = (arns[name] for name in ("ours", "second", "foreign"))

    @classmethod
    def start(cls, scenario):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "scenario.yaml"
            path.write_text(json.dumps(scenario))
            cls.simulator = Simulator(str(path))
        return cls.simulator

    @classmethod
    def guardrails(cls):
        """Three guardrails with two versions each, shared with everybody, by name."""
        case = cls()
        arns = {}
        for name in ["ours", "second", "foreign"]:
            arns[name] = case.published(name)
            case.publish(arns[name])
        return arns

    @classmethod
    def printed(cls, arguments, arns, *more):
        arguments = [argument.format(**arns) for argument in arguments]
        done = cls.simulator.bedrail("iam", "require-guardrail", *arguments, *more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if not more else done.stdout

    def calls(self, role, arn, version):
        """The four ways to run a model, each to its end, with a guardrail or none."""
        runtime = self.member("bedrock-runtime", ACCOUNT, role=role)
        named = {"guardrailIdentifier": arn, "guardrailVersion": version} if arn else {}
        config = {"guardrailConfig": named} if arn else {}
        messages = [{"role": "user", "content": [{"text": "hello"}]}]
        body = json.dumps({"messages": messages})
        return {
            "Converse": lambda: runtime.converse(modelId=MODEL, messages=messages, **config),
            "ConverseStream": lambda: list(runtime.converse_stream(
                modelId=MODEL, messages=messages, **config)["stream"]),
            "InvokeModel": lambda: runtime.invoke_model(modelId=MODEL, body=body, **named),
            "InvokeModelWithResponseStream": lambda: list(runtime.invoke_model_with_response_stream(
                modelId=MODEL, body=body, **named)["body"]),
        }

    def judge(self, role, rows):
        for arn, version, passes in rows:
            for name, call in self.calls(role, arn, version).items():
                with self.subTest(role=role, call=name, guardrail=arn, version=version):
                    if passes:
                        self.assertTrue(call())
                    else:
                        self.fails("AccessDeniedException", call, status=403)

    def test_one_version_and_no_other(self):
        self.judge("ExactVersion", [
            (self.ours, "1", True),
            (None, None, False),
            (self.ours, "DRAFT", False),
            (self.ours, "2", False),
            (self.foreign, "1", False),
        ])

    def test_any_published_version_and_no_draft(self):
        self.judge("AnyVersion", [
            (self.ours, "1", True),
            (self.ours, "2", True),
            (None, None, False),
            (self.ours, "DRAFT", False),
            (self.foreign, "1", False),
        ])

    def test_several_guardrails(self):
        self.judge("Several", [
            (self.ours, "2", True),
            (self.second, "1", True),
            (self.ours, "1", False),
            (self.second, "2", False),
            (None, None, False),
            (self.foreign, "1", False),
        ])

    def test_embeddings_only_where_they_are_excepted(self):
        body = json.dumps({"inputText": "hello"})
        self.judge("Embeds", [(self.ours, "1", True), (None, None, False)])
        for role, passes in [("Embeds", True), ("ExactVersion", False)]:
            runtime = self.member("bedrock-runtime", ACCOUNT, role=role)
            call = lambda: runtime.invoke_model(modelId=EMBEDDING, body=body)
            if passes:
                self.assertTrue(call())
            else:
                self.fails("AccessDeniedException", call, status=403)

    def test_the_role_may_ask_the_guardrail_itself(self):
        runtime = self.member("bedrock-runtime", ACCOUNT, role="ExactVersion")
        apply = lambda arn: runtime.apply_guardrail(
            guardrailIdentifier=arn, guardrailVersion="1", source="INPUT",
            content=[{"text": {"text": "a zebra"}}])
        self.assertEqual(apply(self.ours)["action"], "GUARDRAIL_INTERVENED")
        self.fails("AccessDeniedException", apply, status=403, arn=self.foreign)

    def test_drafts_are_refused_where_they_are_asked_for(self):
        done = self.simulator.bedrail(
            "iam", "require-guardrail", "--guardrail", f"{self.ours}:DRAFT")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("DRAFT can be changed at any time", done.stderr)

    def test_templates_hold_the_same_policy(self):
        arns = {"ours": self.ours}
        arguments = ROLES["ExactVersion"]
        policy = self.printed(arguments, arns)
        terraform = self.printed(arguments, arns, "--format", "terraform")
        self.assertEqual(json.loads(terraform.split("<<EOT\n")[1].split("EOT")[0]), policy)
        template = self.printed(arguments, arns, "--format", "cloudformation")
        self.assertIn("AWS::IAM::ManagedPolicy", template)
        self.assertIn(f"{self.ours}:1", template)

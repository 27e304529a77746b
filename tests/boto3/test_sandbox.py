"""The script that asks a real account, on accounts whose answers are known: the simulator's."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from stage import PATIENCE_S, ROOT, Simulator, until

ACCOUNT = "100000000001"
MEMBER = "200000000001"

# What the simulator does unless it is told otherwise, and the other answer to each question.
USUAL = {
    "enforced_put_without_id": "conflict", "enforced_list_empty": "empty",
    "echo_defaults": "tier_only", "list_order": "kept", "update_omission": "clear",
    "version_delete_in_use": "refuse", "policy_duplicate_scope": "type",
    "version_description": "version", "version_numbers_reused": False,
    "enforcement_sets_condition_key": False, "ready_flicker": False,
}
OTHER = {
    "enforced_put_without_id": "overwrite", "enforced_list_empty": "not_found",
    "echo_defaults": "all", "list_order": "reversed", "update_omission": "keep",
    "version_delete_in_use": "allow", "policy_duplicate_scope": "org",
    "version_description": "guardrail", "version_numbers_reused": True,
    "enforcement_sets_condition_key": True, "ready_flicker": True,
}
CONSENT = ("--account", ACCOUNT, "--yes-this-costs", "--patience", str(PATIENCE_S))
ORGANIZATION = ("--organization", "--target", MEMBER)


class Sandbox(unittest.TestCase):
    maxDiff = None

    def start(self, **switches):
        scenario = {
            "managementAccount": {"id": ACCOUNT, "name": "management"},
            "accounts": [{"id": MEMBER, "name": "empty"}],
            "switches": {"ready_delay_ms": 50, "effective_policy_delay_ms": 20,
                         "policy_type_delay_ms": 20} | switches,
        }
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(scenario, file)
            file.flush()
            simulator = Simulator(file.name)
        self.addCleanup(simulator.close)
        return simulator

    def command(self, simulator, *arguments):
        environment = {
            "AWS_ENDPOINT_URL": simulator.url, "AWS_ACCESS_KEY_ID": "AKIDANY",
            "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true",
            "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [sys.executable, str(ROOT / "scripts" / "sandbox"), *arguments], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, simulator, *arguments):
        process = self.command(simulator, *arguments)
        output, errors = process.communicate(timeout=8 * PATIENCE_S)
        return process.returncode, output, errors

    def made(self, simulator):
        """What stands in the world that the script could have made."""
        bedrock = simulator.client("bedrock")
        organizations = simulator.client("organizations")
        kinds = organizations.list_roots()["Roots"][0]["PolicyTypes"]
        return {
            "guardrails": [it["name"] for it in bedrock.list_guardrails()["guardrails"]
                           if it["status"] != "DELETING"],
            "roles": [it["RoleName"] for it in simulator.client("iam").list_roles()["Roles"]],
            "policies": [
                it["Name"] for kind in ("BEDROCK_POLICY", "SERVICE_CONTROL_POLICY")
                for it in organizations.list_policies(Filter=kind)["Policies"]],
            "kinds": sorted(it["Type"] for it in kinds if it["Status"] != "PENDING_DISABLE"),
        }

    def assert_answers(self, expected):
        simulator = self.start(**expected)
        before = self.made(simulator)
        code, output, errors = self.finish(simulator, *CONSENT, *ORGANIZATION, "-o", "json")
        # CloudTrail is not simulated.
        self.assertEqual(code, 3, errors)
        found = json.loads(output)
        unanswered = [it["number"] for it in found["answers"] if "unanswered" in it]
        self.assertEqual(unanswered, [11], errors)
        self.assertEqual({name: found["switches"].get(name) for name in expected}, expected, errors)
        self.assertEqual(found["leftBehind"], [])
        self.assertEqual(self.made(simulator), before)
        numbers = sorted(it["number"] for it in found["answers"])
        self.assertEqual(numbers, list(range(1, 20)), "every open question is asked")

    def test_answers_are_those_of_the_account_and_nothing_is_left(self):
        self.assert_answers(USUAL)

    def test_the_other_answers_are_found_too(self):
        self.assert_answers(OTHER)

    def test_without_consent_nothing_is_called(self):
        simulator = self.start()
        calls = simulator.admin("calls")["total"]
        code, output, _ = self.finish(simulator, *ORGANIZATION)
        self.assertEqual((code, simulator.admin("calls")["total"]), (0, calls))
        self.assertIn("costs: some calls of a model", output)

    def test_an_account_that_is_not_the_one_named_is_left_alone(self):
        simulator = self.start()
        code, _, errors = self.finish(
            simulator, "--account", MEMBER, "--yes-this-costs", *ORGANIZATION)
        self.assertNotEqual(code, 0)
        self.assertIn(f"credentials of {ACCOUNT}", errors)
        self.assertEqual(self.made(simulator)["guardrails"], [])

    def test_an_account_that_enforces_something_is_no_sandbox(self):
        simulator = self.start()
        bedrock = simulator.client("bedrock")
        arn = bedrock.create_guardrail(
            name="theirs", blockedInputMessaging="no", blockedOutputsMessaging="no",
            wordPolicyConfig={"managedWordListsConfig": [{"type": "PROFANITY"}]})["guardrailArn"]
        ready = lambda: bedrock.get_guardrail(guardrailIdentifier=arn)["status"] == "READY"
        until("it is ready", ready)
        bedrock.create_guardrail_version(guardrailIdentifier=arn)
        until("it is published", lambda: bedrock.get_guardrail(
            guardrailIdentifier=arn, guardrailVersion="1")["status"] == "READY")
        bedrock.put_enforced_guardrail_configuration(
            guardrailInferenceConfig={"guardrailIdentifier": arn, "guardrailVersion": "1"})
        code, _, errors = self.finish(simulator, *CONSENT)
        self.assertNotEqual(code, 0)
        self.assertIn("this is no sandbox", " ".join(errors.split()))
        self.assertEqual(self.made(simulator)["guardrails"], ["theirs"])

    def test_a_run_that_is_interrupted_cleans_up_and_one_that_is_killed_is_swept(self):
        for how, leaves in ((signal.SIGINT, False), (signal.SIGKILL, True)):
            with self.subTest(how=how):
                # Slow enough to be met in the middle.
                simulator = self.start(ready_delay_ms=1_000)
                process = self.command(simulator, *CONSENT, "--only", "5")
                until("a guardrail is made", lambda: self.made(simulator)["guardrails"])
                process.send_signal(how)
                process.communicate(timeout=4 * PATIENCE_S)
                self.assertEqual(bool(self.made(simulator)["guardrails"]), leaves)
                code, output, errors = self.finish(simulator, *CONSENT, "--sweep")
                self.assertEqual((code, self.made(simulator)["guardrails"]), (0, []), errors)
                self.assertIn("nothing is left", output)

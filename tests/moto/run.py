"""Converges an organization in moto with the binary, and looks with boto3 at what came of it.

    python tests/moto/run.py path/to/bedrail

Every folder beside this file is one set of manifests and has a check below of the same name.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import boto3

HERE = pathlib.Path(__file__).parent
# The account that moto takes every unknown key for.
MANAGEMENT = "123456789012"
REGIONS = ("us-east-1", "eu-west-1")
# What the policy of the manifest `models` is called.
MODELS = "bedrail-default-models.scp"
STARTS_WITHIN_S = 60
ENDS_WITHIN_S = 90

BINARY = ""


class Moto:
    """A moto server on a free port of this machine."""

    def __init__(self, log):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        server = pathlib.Path(sys.executable).with_name("moto_server")
        self.process = subprocess.Popen(
            [server, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("moto does not answer")
            time.sleep(0.1)

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def reset(self):
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


class Converged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = tempfile.TemporaryFile()
        cls.moto = Moto(cls.log)

    @classmethod
    def tearDownClass(cls):
        cls.moto.stop()
        cls.log.close()

    def setUp(self):
        self.moto.reset()
        organizations = self.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        root = organizations.list_roots()["Roots"][0]["Id"]
        self.units, self.accounts = {}, {}
        for unit, names in (("Workloads", ("shop", "search")), ("Sandbox", ("outside",))):
            created = organizations.create_organizational_unit(ParentId=root, Name=unit)
            self.units[unit] = created["OrganizationalUnit"]["Id"]
            for name in names:
                self.accounts[name] = self.create_account(organizations, name)
                organizations.move_account(AccountId=self.accounts[name], SourceParentId=root,
                                           DestinationParentId=self.units[unit])

    @staticmethod
    def create_account(organizations, name):
        created = organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        return created["CreateAccountStatus"]["AccountId"]

    def client(self, service, account=MANAGEMENT, region="us-east-1"):
        keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "none"}
        common = {"endpoint_url": self.moto.url, "region_name": region}
        if account != MANAGEMENT:
            role = f"arn:aws:iam::{account}:role/Anybody"
            assumed = boto3.client("sts", **common, **keys).assume_role(
                RoleArn=role, RoleSessionName="check")["Credentials"]
            keys = {"aws_access_key_id": assumed["AccessKeyId"],
                    "aws_secret_access_key": assumed["SecretAccessKey"],
                    "aws_session_token": assumed["SessionToken"]}
        return boto3.client(service, **common, **keys)

    def bedrail(self, code, folder, *arguments):
        """Runs the binary on a folder of manifests; it must end with `code`."""
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "AWS_ENDPOINT_URL": self.moto.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
            "BEDRAIL_CONFIRM_AFTER": "100ms",
            "BEDRAIL_SETTLE": "20ms",
            "BEDRAIL_OWN_WRITE_GRACE": "200ms",
            "BEDRAIL_RATES": "unlimited",
        }
        done = subprocess.run(
            [BINARY, arguments[0], "-f", str(folder), *arguments[1:]],
            env=environment, capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def logging(self, account, region):
        client = self.client("bedrock", account, region)
        # Where nothing is set, moto answers with an empty configuration and AWS with none.
        return client.get_model_invocation_logging_configuration().get("loggingConfig") or None

    def expected(self, account, region):
        return {
            "cloudWatchConfig": {
                "logGroupName": "/bedrock/invocations",
                "roleArn": f"arn:aws:iam::{account}:role/BedrockLogging",
            },
            "s3Config": {"bucketName": f"logs-{account}-{region}", "keyPrefix": "bedrock"},
            "textDataDeliveryEnabled": True,
            "imageDataDeliveryEnabled": True,
            "embeddingDataDeliveryEnabled": True,
            "videoDataDeliveryEnabled": False,
            "audioDataDeliveryEnabled": True,
        }

    def test_logging(self):
        folder = HERE / "logging"
        shop, search = self.accounts["shop"], self.accounts["search"]
        self.bedrail(2, folder, "plan", "--detailed-exitcode")
        self.bedrail(0, folder, "apply", "--wait", "60s")
        for account in (MANAGEMENT, shop, search):
            for region in REGIONS:
                self.assertEqual(self.logging(account, region), self.expected(account, region))
        self.assertIsNone(self.logging(self.accounts["outside"], "us-east-1"))
        self.bedrail(0, folder, "plan", "--detailed-exitcode")

        # Drift, of one cell that is gone and one that is another.
        self.client("bedrock", search).delete_model_invocation_logging_configuration()
        changed = self.expected(shop, "us-east-1") | {"textDataDeliveryEnabled": False}
        self.client("bedrock", shop).put_model_invocation_logging_configuration(
            loggingConfig=changed)
        self.bedrail(0, folder, "apply", "--wait", "60s")
        for account in (shop, search):
            self.assertEqual(self.logging(account, "us-east-1"),
                             self.expected(account, "us-east-1"))
        self.bedrail(0, folder, "plan", "--detailed-exitcode")

        self.tear_down(folder)
        for region in REGIONS:
            self.assertIsNone(self.logging(shop, region))

    def tear_down(self, folder):
        """Takes everything away with the text, and with an approval of that much."""
        with tempfile.TemporaryDirectory() as work:
            for file in folder.glob("*.yaml"):
                text = file.read_text().replace("\nspec:\n", "\nspec:\n  state: Absent\n")
                (pathlib.Path(work) / file.name).write_text(text)
            held = self.bedrail(3, work, "apply", "--wait", "60s")
            approval = held.split("---\n")[1].splitlines()[:4]
            (pathlib.Path(work) / "approval.yaml").write_text("\n".join(approval) + "\n")
            self.bedrail(0, work, "apply", "--wait", "60s")

    def controls(self):
        """Id, document and targets of each service control policy, by name."""
        organizations = self.client("organizations")
        found = {}
        for summary in organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]:
            policy = organizations.describe_policy(PolicyId=summary["Id"])["Policy"]
            targets = organizations.list_targets_for_policy(PolicyId=summary["Id"])["Targets"]
            found[summary["Name"]] = (summary["Id"], json.loads(policy["Content"]),
                                      {target["TargetId"] for target in targets})
        return found

    def test_controls(self):
        folder = HERE / "controls"
        organizations, sandbox = self.client("organizations"), self.units["Sandbox"]
        full = self.controls()["FullAWSAccess"]
        self.bedrail(2, folder, "plan", "--detailed-exitcode")
        self.bedrail(0, folder, "apply", "--wait", "60s")
        applied = self.controls()
        self.assertEqual(set(applied), {"FullAWSAccess", "Nobody leaves", MODELS})
        models, document, targets = applied[MODELS]
        self.assertEqual(targets, {sandbox})
        self.assertEqual(document["Statement"][0]["Effect"], "Deny")
        self.assertIn("arn:aws:bedrock:*::foundation-model/amazon.nova-*",
                      document["Statement"][0]["NotResource"])
        leaving, document, targets = applied["Nobody leaves"]
        self.assertEqual(targets, {sandbox})
        self.assertEqual(document["Statement"]["Action"], "organizations:LeaveOrganization")
        tags = organizations.list_tags_for_resource(ResourceId=models)["Tags"]
        self.assertIn({"Key": "bedrail:owner", "Value": "default"}, tags)
        self.bedrail(0, folder, "plan", "--detailed-exitcode")

        # Drift, of one that is taken off and one that says something else.
        organizations.detach_policy(PolicyId=models, TargetId=sandbox)
        other = {"Version": "2012-10-17",
                 "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
        organizations.update_policy(PolicyId=leaving, Content=json.dumps(other))
        self.bedrail(2, folder, "plan", "--detailed-exitcode")
        self.bedrail(0, folder, "apply", "--wait", "60s")
        self.assertEqual(self.controls(), applied)
        self.bedrail(0, folder, "plan", "--detailed-exitcode")

        self.tear_down(folder)
        self.assertEqual(self.controls(), {"FullAWSAccess": full})

    def test_unproven(self):
        # Moto does not know ListEnforcedGuardrailsConfiguration, by which Bedrail sees that a policy
        # does not shut it out: what cannot be seen is attached nowhere.
        folder = HERE / "unproven"
        for wait in ("5s", "20s", "60s"):
            # On a slow machine it may still be asking.
            held = self.bedrail(3, folder, "apply", "--wait", wait)
            if "held (PreflightUnknown)" in held:
                break
        self.assertIn("held (PreflightUnknown)", held)
        _, _, targets = self.controls()["bedrail-default-leaving.scp"]
        self.assertEqual(targets, set())


if __name__ == "__main__":
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)

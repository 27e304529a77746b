"""Converges an organization in moto with the binary, and looks with boto3 at what came of it.

    python tests/moto/run.py path/to/bedrail

Every folder beside this file is one set of manifests and has a check below of the same name.
"""

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
        unit = organizations.create_organizational_unit(ParentId=root, Name="Workloads")
        self.unit = unit["OrganizationalUnit"]["Id"]
        names = ("shop", "search", "outside")
        self.accounts = {name: self.create_account(organizations, name) for name in names}
        for name in ("shop", "search"):
            organizations.move_account(AccountId=self.accounts[name], SourceParentId=root,
                                       DestinationParentId=self.unit)

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

        # Taken away with the text, and with an approval of that much.
        with tempfile.TemporaryDirectory() as work:
            text = (folder / "logs.yaml").read_text()
            absent = pathlib.Path(work) / "logs.yaml"
            absent.write_text(text.replace("\nspec:\n", "\nspec:\n  state: Absent\n"))
            held = self.bedrail(3, work, "apply", "--wait", "60s")
            approval = held.split("---\n")[1].splitlines()[:4]
            (pathlib.Path(work) / "approval.yaml").write_text("\n".join(approval) + "\n")
            self.bedrail(0, work, "apply", "--wait", "60s")
        for region in REGIONS:
            self.assertIsNone(self.logging(shop, region))


if __name__ == "__main__":
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)

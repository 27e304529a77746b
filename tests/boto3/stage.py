"""A simulator, clients for it, and what the tests have in common."""

import json
import os
import pathlib
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from conformance import Conformance

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REGION = "us-east-1"
MODEL = "amazon.nova-micro-v1:0"
EMBEDDING = "amazon.titan-embed-text-v2:0"

# Far more than anything here takes: machines are shared.
PATIENCE_S = 60


def until(what, probe):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {PATIENCE_S} s: {what}")
        time.sleep(0.02)


class Simulator:
    """`bedrail simulator` on a free port, until it is closed."""

    binary = None  # Set by run.py.

    def __init__(self, scenario):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.conformance = Conformance()
        self._process = subprocess.Popen(
            [self.binary, "simulator", "--listen", f"127.0.0.1:{port}", "--scenario", scenario],
            stderr=subprocess.DEVNULL,
        )
        until(f"{self.url} is healthy", self._is_healthy)

    def _is_healthy(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the simulator ended with {self._process.returncode}")
        try:
            return self.admin("health")["status"] == "ok"
        except urllib.error.URLError:
            return False

    def close(self):
        self._process.terminate()
        self._process.wait()

    def admin(self, path, method="GET", body=None):
        """What `/_simulator/` answers."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_simulator/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def client(self, service, keys=None, region=REGION):
        """A boto3 client; without keys that of the management account's administrator."""
        keys = keys or {"AccessKeyId": "AKIDANY", "SecretAccessKey": "x", "SessionToken": None}
        client = boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE_S),
        )
        self.conformance.watch(client)
        return client

    def assume(self, account, role="BedrailMember", **more):
        """Credentials of a member's role."""
        arn = f"arn:aws:iam::{account}:role/{role}"
        answer = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="boto3", **more)
        return answer["Credentials"]

    def bedrail(self, *arguments, **environment):
        """Runs the binary against this simulator to its end."""
        settings = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIATESTMANAGEMENT",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "BEDRAIL_CONFIRM_AFTER": "300ms",
            "BEDRAIL_SETTLE": "100ms",
            "BEDRAIL_OWN_WRITE_GRACE": "2s",
            "BEDRAIL_RATES": "unlimited",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            [self.binary, *arguments],
            env={"PATH": os.environ.get("PATH", "")} | settings | environment,
            cwd=ROOT, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False,
        )


class Case(unittest.TestCase):
    """Tests on one simulator. They share its world: each uses accounts and names of its own."""

    simulator = None  # The shared one, set by run.py; a class may bring its own.
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.bedrock = cls.simulator.client("bedrock")
        cls.runtime = cls.simulator.client("bedrock-runtime")
        cls.organizations = cls.simulator.client("organizations")
        cls.sts = cls.simulator.client("sts")
        cls.management = cls.sts.get_caller_identity()["Account"]
        cls.root = cls.organizations.list_roots()["Roots"][0]["Id"]
        cls.organization = cls.organizations.describe_organization()["Organization"]["Id"]

    def tearDown(self):
        self.assertEqual(self.simulator.conformance.take(), [], "answers the model does not allow")

    def fails(self, code, call, *, status=None, **arguments):
        """The call must fail with this code. Returns the error."""
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        response = caught.exception.response
        self.assertEqual(response["Error"]["Code"], code, str(caught.exception))
        if status is not None:
            self.assertEqual(response["ResponseMetadata"]["HTTPStatusCode"], status)
        return response

    def member(self, service, account, region=REGION, **role):
        """A client with the role of a member account."""
        return self.simulator.client(service, self.simulator.assume(account, **role), region)

    def pages(self, client, operation, member, **arguments):
        """All items of a list operation, through its paginator."""
        pages = client.get_paginator(operation).paginate(**arguments)
        return [item for page in pages for item in page[member]]

    # Guardrails.

    def content(self, name, word="zebra", **more):
        return {
            "name": name,
            "blockedInputMessaging": f"{name} blocked the request",
            "blockedOutputsMessaging": f"{name} blocked the answer",
            "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
        } | more

    def ready(self, bedrock, arn, **version):
        """Waits until a guardrail is READY, and returns it."""
        def read():
            live = bedrock.get_guardrail(guardrailIdentifier=arn, **version)
            return live if live["status"] == "READY" else None

        return until(f"{arn} {version} is READY", read)

    def created(self, name, word="zebra", bedrock=None, **more):
        """A guardrail that is READY. Returns its ARN."""
        bedrock = bedrock or self.bedrock
        arn = bedrock.create_guardrail(**self.content(name, word, **more))["guardrailArn"]
        self.ready(bedrock, arn)
        return arn

    def published(self, name, word="zebra", bedrock=None, share=True, **more):
        """A guardrail with version 1, shared with the organization. Returns its ARN."""
        bedrock = bedrock or self.bedrock
        arn = self.created(name, word, bedrock, **more)
        self.assertEqual(self.publish(arn, bedrock), "1")
        if share:
            self.share(arn, bedrock)
        return arn

    def publish(self, arn, bedrock=None, **more):
        """Publishes the draft, waits for it, and returns its number."""
        bedrock = bedrock or self.bedrock
        version = bedrock.create_guardrail_version(guardrailIdentifier=arn, **more)["version"]
        self.ready(bedrock, arn, guardrailVersion=version)
        self.ready(bedrock, arn)
        return version

    def share(self, arn, bedrock=None):
        """Lets the whole organization apply a guardrail."""
        policy = {"Version": "2012-10-17", "Statement": [{
            "Sid": "Organization", "Effect": "Allow", "Principal": "*",
            "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"], "Resource": arn,
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": self.organization}}}]}
        (bedrock or self.bedrock).put_resource_policy(
            resourceArn=arn, resourcePolicy=json.dumps(policy))

    # Organization policies.

    def enable_bedrock_policies(self):
        def status():
            kinds = self.organizations.list_roots()["Roots"][0]["PolicyTypes"]
            return {kind["Type"]: kind["Status"] for kind in kinds}.get("BEDROCK_POLICY")

        if status() is None:
            self.organizations.enable_policy_type(RootId=self.root, PolicyType="BEDROCK_POLICY")
        until("BEDROCK_POLICY is enabled", lambda: status() == "ENABLED")

    def policy(self, name, configuration, config="config_1", region=REGION, locks=None):
        """A Bedrock policy of one Region. Returns its id."""
        inner = {config: configuration} | (locks or {})
        document = {"bedrock": {"guardrail_inference": {region: inner}}}
        created = self.organizations.create_policy(
            Name=name, Description="", Type="BEDROCK_POLICY", Content=json.dumps(document))
        return created["Policy"]["PolicySummary"]["Id"]

    def attached(self, policy, target):
        """Attaches a policy until the end of the test."""
        self.organizations.attach_policy(PolicyId=policy, TargetId=target)
        self.addCleanup(self.detach, policy, target)

    def detach(self, policy, target):
        """Detaches a policy unless it is detached."""
        try:
            self.organizations.detach_policy(PolicyId=policy, TargetId=target)
        except ClientError as error:
            if error.response["Error"]["Code"] != "PolicyNotAttachedException":
                raise

    def effective(self, account, region=REGION):
        """The configurations of a Region in an account's effective policy."""
        try:
            answer = self.organizations.describe_effective_policy(
                PolicyType="BEDROCK_POLICY", TargetId=account)
        except ClientError as error:
            if error.response["Error"]["Code"] == "EffectivePolicyNotFoundException":
                return {}
            raise
        document = json.loads(answer["EffectivePolicy"]["PolicyContent"])
        return document.get("bedrock", {}).get("guardrail_inference", {}).get(region, {})

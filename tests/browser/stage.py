"""A simulated organization and a controller that serves its page, and a browser in front of it."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Far more than anything here takes: machines are shared.
PATIENCE_S = 180


def until(what, probe):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {PATIENCE_S} s: {what}")
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """`bedrail simulator` and `bedrail run` on the manifests of the demo, until it is closed."""

    binary = None  # Set by run.py.

    def __init__(self, **environment):
        self.processes = []
        port = free_port()
        self.aws = f"http://127.0.0.1:{port}"
        scenario = ROOT / "manifests/simulator/demo-organization.yaml"
        self.start("simulator", "--listen", f"127.0.0.1:{port}", "--scenario", str(scenario))
        until("the simulator answers", lambda: self.answers(f"{self.aws}/_simulator/health"))
        self.environment = environment
        self.log = tempfile.NamedTemporaryFile("r", suffix=".log")
        self.url = None
        self.run()

    def run(self):
        """Starts the controller; where it was before, if it was."""
        listen = self.url.removeprefix("http://") if self.url else "127.0.0.1:0"
        self.controller = self.start(
            "run", "-f", "manifests/demo", "--resync", "1s", "--audit-interval", "2s",
            "--listen", listen, environment=self.environment, log=self.log.name)
        found = until("the controller serves", lambda: re.search(
            r"serving status.*address=(\S+)", pathlib.Path(self.log.name).read_text()))
        self.url = f"http://{found[1]}"

    def start(self, *arguments, environment=None, log=os.devnull):
        settings = {
            "AWS_ENDPOINT_URL": self.aws, "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIATESTMANAGEMENT", "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_EC2_METADATA_DISABLED": "true", "NO_COLOR": "1",
            "BEDRAIL_CONFIRM_AFTER": "300ms", "BEDRAIL_SETTLE": "100ms",
            "BEDRAIL_OWN_WRITE_GRACE": "1s", "BEDRAIL_RATES": "unlimited",
        } | (environment or {})
        with open(log, "w") as output:
            process = subprocess.Popen([self.binary, *arguments], cwd=ROOT, stderr=output,
                                       stdout=subprocess.DEVNULL, env=settings)
        self.processes.append(process)
        return process

    @staticmethod
    def answers(url):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def simulator(self, path, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.aws}/_simulator/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read() or b"null")

    def faults(self, *faults):
        self.simulator("faults", "PUT", {"seed": 1, "faults": list(faults)})

    def member(self, account, region="us-east-1"):
        """Bedrock, as the administrator of a member account."""
        arguments = {"endpoint_url": self.aws, "region_name": region,
                     "aws_access_key_id": "AKIDANY", "aws_secret_access_key": "x"}
        role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        given = boto3.client("sts", **arguments).assume_role(
            RoleArn=role, RoleSessionName="ada")["Credentials"]
        return boto3.client("bedrock", **arguments | {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"]})

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(timeout=PATIENCE_S)
        self.log.close()


class Case(unittest.TestCase):
    """Tests with a browser. Whatever a page complains of fails its test."""

    browser = None  # Set by run.py.
    artefacts = None
    maxDiff = None

    def page(self, url, width=1280, height=900, scheme="light", **context):
        """Opens a page and waits until the matrix is there."""
        page = self.blank(width, height, scheme, **context)
        page.goto(url)
        page.wait_for_selector("#grid .row .cell")
        return page

    def blank(self, width=1280, height=900, scheme="light", **context):
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **context)
        self.addCleanup(context.close)
        context.add_init_script(
            "window.refused = []; addEventListener('securitypolicyviolation',"
            " (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI}`));")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error"
                and page.complaints.append(message.text))
        return page

    def is_content(self, page):
        """Nothing went wrong in the page: no script failed, and the policy refused nothing."""
        self.assertEqual(page.complaints, [])
        self.assertEqual(page.evaluate("window.refused"), [])

    def shot(self, page, name, full=True):
        page.screenshot(path=str(self.artefacts / f"{name}.png"), full_page=full)

    def eventually(self, page, what, expression):
        """Waits until an expression in the page is true. Asked from outside: what Playwright would
        leave in the page to ask itself, the page's policy refuses."""
        deadline = time.monotonic() + PATIENCE_S
        while not page.evaluate(expression):
            if time.monotonic() > deadline:
                self.fail(f"did not happen within {PATIENCE_S} s: {what}\n"
                          f"{page.inner_text('body')[:3000]}")
            page.wait_for_timeout(50)

"""The processes that are measured, and what Linux and the simulator say of them."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

REGIONS = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-central-1 eu-west-1 "
    "eu-west-2 eu-west-3 eu-north-1 ap-south-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 "
    "ap-southeast-1 ap-southeast-2"
).split()
READ = "bedrock:ListEnforcedGuardrailsConfiguration"
MANAGEMENT = "111122223333"
TICKS = os.sysconf("SC_CLK_TCK")


def ask(url, method="GET"):
    """The body of an answer."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
        return answer.read()


def get(url, method="GET"):
    return json.loads(ask(url, method))


def until(what, condition, within_s, every_s=0.2):
    """Waits for `condition` to be true; a server that does not answer yet is not."""
    ends = time.monotonic() + within_s
    while True:
        try:
            if found := condition():
                return found
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        if time.monotonic() > ends:
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(every_s)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_s(pid):
    """CPU seconds used so far, in the kernel too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid, which="VmRSS"):
    """Resident now, or with `VmHWM` at most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(which))


def machine():
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {"cpu": models[0] if models else "unknown", "cores": os.cpu_count()}


class Process:
    """One that is ended with SIGTERM."""

    def __init__(self, command, environment, log):
        self.child = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log
        )
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(40)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def cpu_s(self):
        return cpu_s(self.pid)

    def memory_mb(self):
        return memory_mb(self.pid)


def manifests(regions, word, targets="{organization: true}"):
    return f"""apiVersion: bedrail.dev/v1alpha1
kind: Guardrail
metadata: {{name: baseline}}
spec:
  regions: [{", ".join(regions)}]
  shareWith: Organization
  content:
    blockedInputMessaging: Blocked by policy.
    blockedOutputsMessaging: Blocked by policy.
    wordPolicyConfig: {{wordsConfig: [{{text: {word}}}]}}
---
apiVersion: bedrail.dev/v1alpha1
kind: AccountEnforcement
metadata: {{name: everywhere}}
spec:
  guardrail: baseline
  targets: [{targets}]
"""


def scenario(accounts, units, tags):
    """An organization whose accounts all carry `tags`. JSON, which is YAML too."""
    ids = [f"2{number:011d}" for number in range(1, accounts + 1)]
    return json.dumps({
        "managementAccount": {"id": MANAGEMENT, "tags": tags},
        "units": [
            {
                "name": f"unit-{unit}",
                "accounts": [{"id": it, "tags": tags} for it in ids[unit::units]],
            }
            for unit in range(units)
        ],
    })


class Stage:
    """A simulator with its organization, manifests, and the commands that run against it."""

    UNITS = 10
    TAGS = {"environment": "production"}

    def __init__(self, binary, accounts, regions, latency_s, by_tag=False):
        self.binary, self.accounts, self.regions = str(binary), accounts, regions
        self.latency_s, self.by_tag = latency_s, by_tag
        # The management account is a cell in each Region like any other.
        self.cells = (accounts + 1) * len(regions)
        self.url, self.served = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "BEDRAIL_RATES": "unlimited",
            "BEDRAIL_AUDIT_INTERVAL": "0s",
        }

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.file = folder / "manifests" / "all.yaml"
        self.file.parent.mkdir()
        self.write("heliotrope")
        (folder / "organization.yaml").write_text(scenario(self.accounts, self.UNITS, self.TAGS))
        self.log = open(folder / "log", "wb")
        self.simulator = Process(
            [self.binary, "simulator", "--listen", self.url.removeprefix("http://")]
            + ["--scenario", str(folder / "organization.yaml")]
            + ["--latency", f"{round(self.latency_s * 1000)}ms"],
            {}, self.log,
        )
        until("the simulator", lambda: get(f"{self.url}/_simulator/health"), 60)
        return self

    def __exit__(self, *_):
        self.simulator.__exit__()
        self.log.close()
        self.folder.cleanup()

    def write(self, word):
        """Saves the manifests; another word is another revision."""
        tags = "{accountsWithTags: {environment: production}}"
        text = manifests(self.regions, word, tags if self.by_tag else "{organization: true}")
        # As editors do it, so that no half of it is ever read.
        draft = self.file.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self.file)

    def admin(self, path, method="GET"):
        return get(f"{self.url}/_simulator/{path}", method)

    def calls(self):
        """Calls by operation since they were last forgotten, as the server counted them."""
        return self.admin("calls")["byOperation"]

    def forget_calls(self):
        self.admin("calls", "DELETE")

    def violations(self):
        return self.admin("violations")["violations"]

    def controller(self, resync_s, **settings):
        """`bedrail run`, with the cadences of the defaults in their proportion."""
        environment = {
            **self.environment,
            "BEDRAIL_RESYNC": f"{round(1000 * resync_s)}ms",
            "BEDRAIL_RESYNC_ORGANIZATION": f"{max(1, round(resync_s / 5))}s",
            "BEDRAIL_SWEEP": f"{round(3000 * resync_s)}ms",
            "BEDRAIL_LISTEN": self.served.removeprefix("http://"),
            # As in the container image and the systemd unit.
            "MALLOC_ARENA_MAX": "1",
            **settings,
        }
        command = [self.binary, "run", "-f", str(self.file.parent)]
        return Process(command, environment, self.log)

    def phases(self):
        return get(f"{self.served}/api/v1/status?brief")["counts"]["cellsByPhase"]

    def is_converged(self):
        return self.phases().get("InSync", 0) >= self.cells

    def run(self, command, **more):
        """A command to its end: exit code, standard output, wall and CPU seconds of all of it."""
        before, began = os.times(), time.monotonic()
        done = subprocess.run(
            command, env={**os.environ, **self.environment, **more},
            stdout=subprocess.PIPE, stderr=self.log, text=True, check=False,
        )
        wall, after = time.monotonic() - began, os.times()
        used = after.children_user + after.children_system
        used -= before.children_user + before.children_system
        return {"exit": done.returncode, "stdout": done.stdout, "wall_s": wall, "cpu_s": used}

    def bedrail(self, *arguments):
        return self.run([self.binary, *arguments])

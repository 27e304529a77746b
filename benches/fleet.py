#!/usr/bin/env python3
"""Measures a fleet: the table of figures, and the same as JSON.

    cargo build --release && python3 benches/fleet.py --binary target/release/bedrail

For each size a simulator with 50 ms latency is started, and Bedrail converges it once. Then, on the
same simulator: a drift pass with boto3 (benches/boto3_pass.py), rest, memory at rest, and a changed
file up to the first write. A pass is the resync in which Bedrail reads every cell; calls are counted
by the server. Needs Linux (/proc) and boto3.

Figures of a debug build show that it works, and nothing else.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
REGIONS = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-central-1 eu-west-1 "
    "eu-west-2 eu-west-3 eu-north-1 ap-south-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 "
    "ap-southeast-1 ap-southeast-2"
).split()
READ = "bedrock:ListEnforcedGuardrailsConfiguration"
LATENCY_S = 0.05
IN_FLIGHT = 64
TICKS = os.sysconf("SC_CLK_TCK")


def get(url, method="GET"):
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(what, condition, within_s, every_s=0.2):
    ends = time.monotonic() + within_s
    while True:
        try:
            if (found := condition()) not in (None, False):
                return found
        except (urllib.error.URLError, ConnectionError):
            pass
        if time.monotonic() > ends:
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(every_s)


def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def manifests(regions, word):
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
  targets: [{{organization: true}}]
"""


class Process:
    def __init__(self, command, environment, log):
        self.child = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log
        )

    def __enter__(self):
        return self.child

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(40)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def measure(arguments, accounts, regions):
    """One fleet of accounts × regions."""
    url, served = (f"http://127.0.0.1:{port()}" for _ in range(2))
    # The management account is a cell in each Region like any other.
    cells = (accounts + 1) * len(regions)
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "wb") as log:
        file = Path(folder) / "manifests" / "all.yaml"
        file.parent.mkdir()
        file.write_text(manifests(regions, "heliotrope"))
        simulator = [arguments.binary, "simulator", "--listen", url.removeprefix("http://")]
        simulator += ["--accounts", str(accounts), "--units", "10", "--latency", "50ms"]
        with Process(simulator, {}, log):
            until("simulator", lambda: get(f"{url}/_simulator/health"), 30)
            return against(arguments, url, served, file, cells, accounts, regions, log)


def against(arguments, url, served, file, cells, accounts, regions, log):
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "BEDRAIL_RATES": "unlimited",
        "BEDRAIL_AUDIT_INTERVAL": "0s",
    }
    calls = lambda: get(f"{url}/_simulator/calls")  # noqa: E731
    reads = lambda: calls()["byOperation"].get(READ, 0)  # noqa: E731
    forget = lambda: get(f"{url}/_simulator/calls", "DELETE")  # noqa: E731
    resync_s = max(2, round(arguments.resync_s))
    command = [arguments.binary, "run", "-f", str(file.parent), "--resync", f"{resync_s}s"]
    command += ["--listen", served.removeprefix("http://")]
    row = {"cells": cells, "accounts": accounts, "regions": len(regions)}
    began = time.monotonic()
    with Process(command, environment, log) as bedrail:
        def converged():
            phases = get(f"{served}/api/v1/status")["counts"]["cellsByPhase"]
            return phases.get("InSync", 0) >= cells
        until("first convergence", converged, arguments.within_s, 1)
        row["first_convergence_s"] = round(time.monotonic() - began, 1)
        time.sleep(2 * resync_s)

        forget()
        used, start = cpu_s(bedrail.pid), time.monotonic()
        time.sleep(3 * resync_s)
        counted, passed = calls(), time.monotonic() - start
        used = cpu_s(bedrail.pid) - used
        read = counted["byOperation"].get(READ, 0)
        writes = [
            name for name in counted["byOperation"]
            if not name.split(":")[1].startswith(("List", "Get", "Describe", "Assume"))
        ]
        row["at_rest"] = {
            "calls_per_cell_and_resync": round(read / cells / (passed / resync_s), 3),
            "other_calls": counted["total"] - read,
            "writes": writes,
            "memory_mb": round(memory_mb(bedrail.pid), 1),
            "cells_per_cpu_s": round(read / used) if used else None,
        }

        forget()
        start = time.monotonic()
        file.write_text(manifests(regions, "celadon"))
        until(
            "the first write",
            lambda: any(":Update" in name or ":Put" in name for name in calls()["byOperation"]),
            60,
            0.01,
        )
        row["file_to_first_write_s"] = round(time.monotonic() - start, 3)

    # A pass of everything at once: a start of the process that finds nothing to do.
    file.write_text(manifests(regions, "celadon"))
    applied = subprocess.run(
        [arguments.binary, "apply", "-f", str(file.parent), "--wait", f"{arguments.within_s}s"],
        env={**os.environ, **environment}, stdout=log, stderr=log, check=False,
    )
    row["apply_exit"] = applied.returncode
    forget()
    before, start = os.times(), time.monotonic()
    subprocess.run(
        [arguments.binary, "plan", "-f", str(file.parent)],
        env={**os.environ, **environment}, stdout=log, stderr=log, check=False,
    )
    wall, after = time.monotonic() - start, os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    counted = calls()
    row["bedrail_pass"] = {
        "wall_s": round(wall, 2), "cpu_s": round(used, 2), "calls": counted["total"],
        "cells_read": counted["byOperation"].get(READ, 0),
    }
    if arguments.boto3:
        forget()
        boto3 = subprocess.run(
            [arguments.python, str(HERE / "boto3_pass.py"), "--endpoint", url]
            + ["--regions", ",".join(regions), "--threads", str(IN_FLIGHT)],
            env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True,
        )
        row["boto3_pass"] = {**json.loads(boto3.stdout), "calls": reads()}
    return row


def table(rows):
    """The goals, and what was measured at the largest size."""
    last = rows[-1]
    ours, theirs = last["bedrail_pass"], last.get("boto3_pass")
    floor = ours["calls"] * LATENCY_S / IN_FLIGHT
    rest = last["at_rest"]
    lines = [
        ("wall of a pass / floor", f"{ours['wall_s'] / floor:.2f}", "<= 1.15", ours["wall_s"] <= 1.15 * floor),
        ("calls per cell and resync", rest["calls_per_cell_and_resync"], "1.00", abs(rest["calls_per_cell_and_resync"] - 1) < 0.05),
        ("writes at rest", len(rest["writes"]), "0", not rest["writes"]),
        ("memory at rest, MB", rest["memory_mb"], "<= 150", rest["memory_mb"] <= 150),
        ("file to first write, s", last["file_to_first_write_s"], "<= 1", last["file_to_first_write_s"] <= 1),
    ]
    if theirs:
        faster = (ours["cells_read"] / ours["cpu_s"]) / (theirs["cells"] / theirs["cpu_s"])
        lines.insert(0, ("cells per CPU-second, x boto3", f"{faster:.1f}", ">= 20", faster >= 20))
    print(f"{last['cells']} cells ({last['accounts']} accounts x {last['regions']} Regions)")
    for name, measured, goal, met in lines:
        print(f"  {name:32} {measured!s:>10}   goal {goal:8} {'met' if met else 'MISSED'}")
    print("\ncells     CPU ms/cell   wall s   calls/cell   memory MB   first convergence s")
    for row in rows:
        ours = row["bedrail_pass"]
        print(
            f"{row['cells']:<9} {1000 * ours['cpu_s'] / row['cells']:>11.3f} {ours['wall_s']:>8.1f} "
            f"{ours['calls'] / row['cells']:>12.2f} {row['at_rest']['memory_mb']:>11.1f} "
            f"{row['first_convergence_s']:>21.1f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", default="target/release/bedrail")
    parser.add_argument("--python", default=sys.executable, help="one that has boto3")
    parser.add_argument("--sizes", default="6x17,59x17,236x17,1000x17,10000x1", help="accounts x Regions, …")
    parser.add_argument("--resync-s", type=float, default=30)
    parser.add_argument("--within-s", type=int, default=3600, help="for a first convergence")
    parser.add_argument("--no-boto3", dest="boto3", action="store_false")
    parser.add_argument("--output", default="fleet.json")
    arguments = parser.parse_args()
    rows = []
    for size in arguments.sizes.split(","):
        accounts, regions = (int(it) for it in size.split("x"))
        rows.append(measure(arguments, accounts, REGIONS[:regions]))
        print(json.dumps(rows[-1]), file=sys.stderr)
    kind = "debug" if "debug" in arguments.binary else "release"
    Path(arguments.output).write_text(json.dumps({"build": kind, "rows": rows}, indent=2) + "\n")
    table(rows)


if __name__ == "__main__":
    main()

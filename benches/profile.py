#!/usr/bin/env python3
"""Shows where the CPU time of a pass goes, with Linux's perf: who was at work, in percent.

    CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release
    python3 benches/profile.py

A controller reads a simulated fleet at full speed (as in benches/fleet.py) while perf samples it. A
sample counts for the first crate found from the innermost frame outwards, so memory that the SDK
takes counts for the SDK; what the kernel does counts for the kernel.
"""

import argparse
import collections
import os
import re
import subprocess
import tempfile
from pathlib import Path

import passes
from stage import REGIONS, Stage, until

HERE = Path(__file__).resolve().parent
# The first that matches a frame is who was at work; frames of nobody here are looked through.
WORKERS = (
    ("AWS SDK: signing", r"aws_sigv4|auth::sign|SigV4|aws_smithy_eventstream"),
    ("AWS SDK: orchestrator, plugins, interceptors", r"aws_smithy_runtime|aws_runtime|aws_config|aws_smithy_async"),
    ("AWS SDK: types, serialisation", r"aws_sdk_|aws_smithy_|aws_types|aws_credential"),
    ("HTTP: hyper, connection pool", r"hyper|http_body|\bhttp::|h2::|rustls|httparse|bytes::"),
    ("tokio: scheduler, timers, sockets", r"tokio|mio::"),
    ("Bedrail: edge (limits, circuits, sessions)", r"bedrail::aws"),
    ("Bedrail: observe, learn, plan, conclude", r"bedrail::(reconcile|plan|model|manifest)"),
    ("Bedrail: queue, status, journal, page", r"bedrail::"),
    ("tracing", r"tracing|sharded_slab"),
)


def worker(frames):
    """Whose time a sample is; `frames` from the innermost outwards."""
    if frames and frames[0][1]:
        return "kernel: sockets, futexes, scheduling"
    for symbol, _ in frames:
        for name, pattern in WORKERS:
            if re.search(pattern, symbol):
                return name
    return "nobody: frames could not be told"


def samples(data):
    """The frames of each sample: symbol, and whether it is the kernel's."""
    text = subprocess.run(
        ["perf", "script", "--no-inline", "-i", data, "-F", "ip,sym,dso"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
    ).stdout
    for block in text.split("\n\n"):
        found = re.findall(r"^\s*[0-9a-f]+ (.*) \(([^()]*)\)$", block, re.M)
        if found:
            yield [(symbol, "kernel" in dso or dso.startswith("[k")) for symbol, dso in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    parser.add_argument("--binary", default=target / "release" / "bedrail")
    parser.add_argument("--accounts", type=int, default=59)
    parser.add_argument("--regions", type=int, default=17)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    regions = REGIONS[: arguments.regions]
    with Stage(arguments.binary, arguments.accounts, regions, 0.05) as stage, \
            tempfile.TemporaryDirectory() as folder:
        with stage.controller(30, BEDRAIL_CONFIRM_AFTER="300ms") as bedrail:
            passes.converge(stage, bedrail, 600)
        data = str(Path(folder) / "perf.data")
        with stage.controller(0.1) as bedrail:
            until("a controller at full speed", stage.is_converged, 600, 0.5)
            stage.forget_calls()
            used = bedrail.cpu_s()
            subprocess.run(
                ["perf", "record", "-F", "997", "--call-graph", "dwarf,16384"]
                + ["-p", str(bedrail.pid), "-o", data, "--", "sleep", str(arguments.seconds)],
                check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            calls, used = sum(stage.calls().values()), bedrail.cpu_s() - used
        counts = collections.Counter(worker(frames) for frames in samples(data))
    total = sum(counts.values())
    print(f"{stage.cells} cells, {calls} calls, {1000 * used / calls:.3f} ms of CPU each, {total} samples\n")
    for name, count in counts.most_common():
        print(f"  {100 * count / total:5.1f} %  {name}")


if __name__ == "__main__":
    main()

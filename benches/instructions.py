"""Instructions per call, with callgrind: what a change costs, whatever else the machine does."""

import re
import shutil
import tempfile
from pathlib import Path

from stage import REGIONS, Stage, until

SIZES = ((2, 2), (8, 6))
RESYNC_S = 2


def counted(stage):
    """Instructions and calls of one `bedrail plan`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        stage.forget_calls()
        ran = stage.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"]
            + [stage.binary, "plan", "-f", str(stage.file.parent)]
        )
        calls = sum(stage.calls().values())
        if ran["exit"] != 0:
            raise SystemExit(f"plan under callgrind ended with {ran['exit']}")
        text = out.read_text()
    return int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1]), calls


def measure(binary):
    """The difference of two sizes, so that start and end of the process do not count."""
    if not shutil.which("valgrind"):
        return None
    points = []
    for accounts, regions in SIZES:
        with Stage(binary, accounts, REGIONS[:regions], 0) as stage:
            with stage.controller(RESYNC_S, BEDRAIL_CONFIRM_AFTER="300ms"):
                until("convergence", stage.is_converged, 120, 0.3)
            points.append(counted(stage))
    (few, few_calls), (many, many_calls) = points
    return {
        "instructions_per_call": round((many - few) / (many_calls - few_calls)),
        "calls": many_calls,
        "instructions": many,
    }

"""Figures of one fleet: first convergence, rest, a changed file, full speed, and boto3 beside it."""

import json
import sys
import time
from pathlib import Path

from stage import MANAGEMENT, READ, ask, until

HERE = Path(__file__).resolve().parent
PUT = "bedrock:PutEnforcedGuardrailConfiguration"
SETTLE_FILES_S = 0.3
IN_FLIGHT = 64


def is_write(operation):
    name = operation.split(":")[1]
    return not name.startswith(("List", "Get", "Describe", "Assume", "Apply"))


def converge(stage, bedrail, within_s):
    """Until every cell was written and is in sync."""
    began, used, served = time.monotonic(), bedrail.cpu_s(), stage.simulator.cpu_s()
    is_written = lambda: stage.calls().get(PUT, 0) >= stage.cells  # noqa: E731
    until("convergence", lambda: is_written() and stage.is_converged(), within_s, 0.5)
    calls = stage.calls()
    return {
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(bedrail.cpu_s() - used, 2),
        "simulator_cpu_s": round(stage.simulator.cpu_s() - served, 2),
        "calls": sum(calls.values()),
        "calls_by_operation": calls,
    }


def rest(stage, bedrail, resync_s, resyncs):
    """Calls, CPU and memory while nothing changes."""
    stage.forget_calls()
    used, began, before = bedrail.cpu_s(), time.monotonic(), bedrail.memory_mb()
    time.sleep(resyncs * resync_s)
    calls, used, passed = stage.calls(), bedrail.cpu_s() - used, time.monotonic() - began
    read = calls.pop(READ, 0)
    rounds = passed / resync_s
    replicas = len(stage.regions)
    of_replicas = sum(calls.get(f"bedrock:{it}", 0) for it in ("ListGuardrails", "GetResourcePolicy"))
    return {
        "calls_per_cell_and_resync": round(read / stage.cells / rounds, 3),
        "calls_per_replica_and_resync": round(of_replicas / replicas / rounds, 2),
        "other_calls_per_resync": {name: round(it / rounds, 1) for name, it in calls.items()},
        "writes": sum(it for name, it in calls.items() if is_write(name)),
        "cpu_ms_per_cell": round(1000 * used / read, 3) if read else None,
        "memory_mb": round(bedrail.memory_mb(), 1),
        "memory_growth_mb_per_minute": round(60 * (bedrail.memory_mb() - before) / passed, 2),
    }


def file_to_first_write(stage):
    """From a saved file to the first write, by the simulator's log.

    Our own part is what is left when the settle time, and for each call before the write the
    latency of its answer, are taken off.
    """
    stage.forget_calls()
    saved = time.time()
    stage.write("celadon")
    until("the first write", lambda: any(is_write(it) for it in stage.calls()), 60, 0.005)
    log = [it for it in stage.admin("calls/log")["calls"] if it["isController"]]
    first = next(it for it in log if is_write(it["operation"]))
    of_write = [
        it["at"] / 1000 for it in log
        if it["at"] <= first["at"] and it["region"] == first["region"]
        and it["account"] == MANAGEMENT and it["operation"] not in (READ, "sts:AssumeRole")
        and it["operation"].startswith("bedrock:") and it["at"] / 1000 >= saved + SETTLE_FILES_S
    ]
    own = of_write[0] - saved - SETTLE_FILES_S
    own += sum(max(0, b - a - stage.latency_s) for a, b in zip(of_write, of_write[1:]))
    return {
        "wall_s": round(first["at"] / 1000 - saved, 3),
        "calls_before": len(of_write) - 1,
        "own_s": round(own, 3),
        "write": first["operation"],
    }


def full_speed(stage, passes):
    """A controller whose resync is due again before it is through: as fast as it can."""
    floor_s = stage.cells * stage.latency_s / IN_FLIGHT
    resync_s = max(0.05, round(floor_s / 2, 2))
    with stage.controller(resync_s) as bedrail:
        until("a controller at full speed", stage.is_converged, 600, 0.5)
        time.sleep(2)
        read = lambda: stage.calls().get(READ, 0)  # noqa: E731
        stage.forget_calls()
        used, served, began = bedrail.cpu_s(), stage.simulator.cpu_s(), time.monotonic()
        until("passes", lambda: read() >= passes * stage.cells, 900, 0.1)
        calls = stage.calls()
        wall, used = time.monotonic() - began, bedrail.cpu_s() - used
        served = stage.simulator.cpu_s() - served
    total = sum(calls.values())
    return {
        "cells": calls[READ],
        "calls": total,
        "wall_s": round(wall, 2),
        "wall_over_floor": round(wall / (total * stage.latency_s / IN_FLIGHT), 3),
        "cpu_s": round(used, 2),
        "cells_per_cpu_s": round(calls[READ] / used),
        "simulator_cpu_share": round(served / wall, 2),
    }


def one_process(stage):
    """`bedrail plan`: from nothing known to every cell read and compared, start and end included."""
    stage.forget_calls()
    planned = stage.bedrail("plan", "-f", str(stage.file.parent), "--detailed-exitcode")
    calls = stage.calls()
    return {
        "exit": planned["exit"],
        "cells": calls.get(READ, 0),
        "calls": sum(calls.values()),
        "wall_s": round(planned["wall_s"], 2),
        "cpu_s": round(planned["cpu_s"], 2),
    }


def boto3_pass(stage, python):
    """The same reads with boto3: the loop over the cells alone, and the whole process."""
    stage.forget_calls()
    served = stage.simulator.cpu_s()
    ran = stage.run(
        [python, str(HERE / "boto3_pass.py"), "--endpoint", stage.url]
        + ["--regions", ",".join(stage.regions), "--threads", str(IN_FLIGHT)]
    )
    if ran["exit"] != 0:
        raise SystemExit(f"boto3_pass.py failed:\n{ran['stdout']}")
    calls = stage.calls()
    measured = json.loads(ran["stdout"])
    if measured["cells"] != calls.get(READ, 0):
        raise SystemExit(f"boto3 says {measured['cells']} calls, the server {calls}")
    floor_s = measured["cells"] * stage.latency_s / IN_FLIGHT
    return {
        **measured,
        "cells_per_cpu_s": round(measured["cells"] / measured["cpu_s"]),
        "wall_over_floor": round(measured["wall_s"] / floor_s, 2),
        "process": {
            "calls": sum(calls.values()),
            "wall_s": round(ran["wall_s"], 2),
            "cpu_s": round(ran["cpu_s"], 2),
        },
        "simulator_cpu_share": round((stage.simulator.cpu_s() - served) / ran["wall_s"], 2),
    }


def served(stage, runs=9):
    """How long the running controller takes to answer, and `bedrail status` to show it."""

    def median_ms(work):
        times = []
        for _ in range(runs):
            began = time.monotonic()
            result = work()
            times.append(1000 * (time.monotonic() - began))
        return round(sorted(times)[runs // 2]), result

    answers = {}
    for path in ("api/v1/status?brief", "api/v1/status", "api/v1/overview", "metrics"):
        took, body = median_ms(lambda path=path: ask(f"{stage.served}/{path}"))
        answers[path] = {"ms": took, "bytes": len(body)}
    took, shown = median_ms(lambda: stage.bedrail("status", "--server", stage.served))
    lines = shown["stdout"].splitlines()
    answers["bedrail status"] = {
        "ms": took,
        "exit": shown["exit"],
        "lines": len(lines),
        "columns": max(map(len, lines), default=0),
    }
    return answers


def measure(stage, arguments):
    """All of it, for one fleet."""
    row = {
        "cells": stage.cells, "accounts": stage.accounts, "regions": len(stage.regions),
        "selects_by_tag": stage.by_tag,
    }
    say = lambda what: print(f"{stage.cells} cells: {what}", file=sys.stderr)  # noqa: E731
    say("first convergence")
    with stage.controller(arguments.resync_s) as bedrail:
        row["first_convergence"] = converge(stage, bedrail, arguments.within_s)
        time.sleep(arguments.resync_s)
        say("rest")
        row["at_rest"] = rest(stage, bedrail, arguments.resync_s, arguments.resyncs)
        say("what is served")
        row["served"] = served(stage)
        say("a changed file")
        row["file_to_first_write"] = file_to_first_write(stage)
        row["second_convergence"] = converge(stage, bedrail, arguments.within_s)
    say("full speed")
    row["full_speed"] = full_speed(stage, arguments.passes)
    say("plan, a process of its own")
    row["plan"] = one_process(stage)
    if arguments.boto3:
        say("boto3")
        row["boto3"] = boto3_pass(stage, arguments.python)
    row["violations"] = stage.violations()
    return row

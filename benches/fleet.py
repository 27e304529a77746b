#!/usr/bin/env python3
"""Measures fleets: the table of figures, each met or MISSED, and the same as JSON.

    cargo build --release && python3 benches/fleet.py

For each size a simulated AWS is started that answers after 50 ms. On it Bedrail converges, rests, is
asked where things stand, and takes a changed file; then it reads the fleet at full speed with 64 calls
in flight, and a tuned boto3 (benches/boto3_pass.py) reads it after that. Calls are counted by the
server, CPU seconds by Linux (/proc, children's usage). Cadences are shorter than the defaults, all by
the same factor, so that calls per cell and resync are those of the defaults. Half an hour.

    python3 benches/fleet.py --small --binary target/debug/bedrail

does the same with a few cells, in less than a minute. It fails if something cannot be measured, or if
a count is not what it should be; time is judged in release builds alone.

Needs boto3 (--python names an interpreter that has it; --no-boto3 goes without) and, for instructions
per call, valgrind.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import instructions
import passes
from stage import REGIONS, Stage, machine

HERE = Path(__file__).resolve().parent
SIZES = "6x17 59x17 236x17 1000x17 10000x1:tags"
SMALL = "2x2 4x3:tags"


def figures(rows, counted):
    """What DESIGN asks for: figure, what was measured, goal, whether it is met, and whether it is a
    count, which is the same on any machine and in any build."""
    last = max(rows, key=lambda row: (row["cells"], row["regions"]))
    speed, rest, served = last["full_speed"], last["at_rest"], last["served"]
    write, theirs, status = last["file_to_first_write"], last.get("boto3"), served["bedrail status"]
    found = []

    def goal(figure, measured, text, is_met, is_count=False):
        found.append(
            {"figure": figure, "measured": measured, "goal": text, "met": is_met, "count": is_count}
        )

    def at_most(figure, measured, most, is_count=False):
        goal(figure, measured, f"<= {most}", measured <= most, is_count)

    def times_boto3(figure, ours, others):
        faster = round(ours / others, 1)
        goal(figure, faster, ">= 20", faster >= 20)

    def of_each(name):
        return [row["at_rest"][name] for row in rows]

    if theirs:
        times_boto3("cells per CPU-second, times boto3's", speed["cells_per_cpu_s"], theirs["cells_per_cpu_s"])
        ours, whole = last["plan"], theirs["process"]
        ours, whole = ours["cells"] / ours["cpu_s"], theirs["cells"] / whole["cpu_s"]
        times_boto3("the same, whole processes (plan)", ours, whole)
    at_most("wall of a pass over calls x latency / 64", speed["wall_over_floor"], 1.15)
    cost = of_each("calls_per_cell_and_resync")
    text = " to ".join(f"{it:.2f}" for it in sorted({min(cost), max(cost)}))
    goal("calls per cell and resync at rest, any size", text, "1.00", all(abs(it - 1) <= 0.05 for it in cost))
    at_most("calls per replica and resync at rest", max(of_each("calls_per_replica_and_resync")), 2.1)
    at_most("writes at rest", sum(of_each("writes")), 0, is_count=True)
    dear = [row["full_speed"]["cpu_s"] / row["full_speed"]["calls"] for row in rows]
    at_most("CPU per call, dearest size over cheapest", round(max(dear) / min(dear), 2), 1.5)
    at_most("memory at rest, MB", rest["memory_mb"], 150)
    at_most("saved file to first write, s", write["wall_s"], 1)
    at_most("our own part of it, ms", round(1000 * write["own_s"]), 50)
    at_most("bedrail status, ms", status["ms"], 200)
    at_most("bedrail status, lines", status["lines"], 24, is_count=True)
    at_most("bedrail status, columns", status["columns"], 100, is_count=True)
    at_most("/metrics, kB", round(served["metrics"]["bytes"] / 1000, 1), 1000, is_count=True)
    at_most("steps that plan finds afterwards", max(row["plan"]["exit"] for row in rows), 0, is_count=True)
    at_most("rules broken, as the referee saw it", sum(len(row["violations"]) for row in rows), 0, is_count=True)
    busy = max(row["full_speed"]["simulator_cpu_share"] for row in rows)
    at_most("share of a core that the simulator took", busy, 0.8)
    if counted:
        goal("instructions per call", f"{counted['instructions_per_call']:,}", "to compare", True)
    return last, found


def table(rows, counted, judges_time):
    last, found = figures(rows, counted)
    print(f"{last['cells']} cells ({last['accounts']} accounts x {last['regions']} Regions)\n")
    for it in found:
        verdict = "met" if it["met"] else "MISSED"
        if not (judges_time or it["count"]):
            verdict = "not judged"
        print(f"  {it['figure']:46} {it['measured']!s:>12}   {it['goal']:10} {verdict}")
    if not counted:
        print(f"  {'instructions per call':46} {'skipped':>12}   {'':10} no valgrind, or not asked for")
    print(
        "\n  cells     calls/cell   CPU ms/cell  /call  wall /   memory   convergence, s   file to\n"
        "            at rest      rest  full speed   floor        MB   first   second   write, s"
    )
    for row in rows:
        rest, speed = row["at_rest"], row["full_speed"]
        print(
            f"  {row['cells']:<8} {rest['calls_per_cell_and_resync']:>9.2f} {rest['cpu_ms_per_cell']:>10.3f}"
            f" {1000 * speed['cpu_s'] / speed['calls']:>10.3f} {speed['wall_over_floor']:>8.2f}"
            f" {rest['memory_mb']:>9.1f} {row['first_convergence']['wall_s']:>7.1f}"
            f" {row['second_convergence']['wall_s']:>8.1f} {row['file_to_first_write']['wall_s']:>10.3f}"
            + ("   selected by tag" if row["selects_by_tag"] else "")
        )
    return found


def sizes(text):
    for size in text.split():
        numbers, _, more = size.partition(":")
        accounts, regions = (int(it) for it in numbers.split("x"))
        yield accounts, regions, more == "tags"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    parser.add_argument("--binary", default=target / "release" / "bedrail")
    parser.add_argument("--python", default=sys.executable, help="one that has boto3")
    parser.add_argument("--sizes", default=SIZES, help=f"accounts x Regions, :tags to select by tag; default: {SIZES}")
    parser.add_argument("--small", action="store_true", help=f"sizes {SMALL}, little patience, and no latency to speak of")
    parser.add_argument("--latency-s", type=float, default=0.05)
    parser.add_argument("--resync-s", type=int, default=30)
    parser.add_argument("--resyncs", type=int, default=3, help="of rest that are measured; three are one sweep")
    parser.add_argument("--passes", type=int, default=3, help="at full speed")
    parser.add_argument("--within-s", type=int, default=1800, help="for a convergence")
    parser.add_argument("--no-boto3", dest="boto3", action="store_false")
    parser.add_argument("--no-callgrind", dest="callgrind", action="store_false")
    parser.add_argument("--output", default=target / "fleet.json")
    arguments = parser.parse_args()
    if arguments.small:
        arguments.sizes, arguments.latency_s = SMALL, 0.005
        arguments.resync_s, arguments.within_s, arguments.callgrind = 2, 60, False
        os.environ.update(BEDRAIL_CONFIRM_AFTER="300ms", BEDRAIL_SETTLE="100ms", BEDRAIL_OWN_WRITE_GRACE="2s")

    rows = []
    for accounts, regions, by_tag in sizes(arguments.sizes):
        with Stage(arguments.binary, accounts, REGIONS[:regions], arguments.latency_s, by_tag) as stage:
            rows.append(passes.measure(stage, arguments))
        # Whatever happens to the next one, this one was measured.
        keep(arguments.output, {"machine": machine(), "rows": rows})
    counted = instructions.measure(arguments.binary) if arguments.callgrind else None
    found = table(rows, counted, not arguments.small)
    keep(arguments.output, {"machine": machine(), "figures": found, "rows": rows, "callgrind": counted})
    print(f"\nkept in {arguments.output}")
    sys.exit(0 if all(it["met"] for it in found if it["count"] or not arguments.small) else 1)


def keep(path, document):
    Path(path).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()

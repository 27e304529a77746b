#!/usr/bin/env python3
"""A soak: strangers break something every second, for minutes, and the real binary puts it right.

    cargo build --release && python3 benches/soak.py --minutes 10

Against a simulated AWS over TCP, with boto3 as the stranger: a random cell loses its enforced
configuration or has it weakened, now and then the draft of a guardrail is edited or its resource
policy deleted. Ends with 0 only if every drift was put right, Bedrail corrected exactly as many slots
as were broken, its journal verifies, no rule was broken, and memory did not grow.

Each drift has three resyncs and a few seconds: one in which a deleted resource policy is seen, and one
more for the cell to which AWS refused a correction meanwhile.

No cell is broken twice and no guardrail more often than twice: who undoes a correction three times
within an hour is contested and has to wait, as the README says.
"""

import argparse
import os
import random
import re
import statistics
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config
from stage import MANAGEMENT, REGIONS, Stage, ask, until

HERE = Path(__file__).resolve().parent
PUT = "PutEnforcedGuardrailConfiguration"
REPLICA_EVERY = 20
WARM_UP = 0.25
GROWTH_MB_MAX = 3


class Stranger:
    """An administrator with boto3."""

    def __init__(self, stage):
        self.stage, self.clients = stage, {}
        self.sts = self.client("sts", "us-east-1", ("simulated", "simulated", None))

    def client(self, service, region, credentials):
        key, secret, token = credentials
        return boto3.client(
            service, region_name=region, endpoint_url=self.stage.url,
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
            config=Config(retries={"total_max_attempts": 3}),
        )

    def bedrock(self, account, region):
        place = (account, region)
        if place not in self.clients:
            credentials = ("simulated", "simulated", None)
            if account != MANAGEMENT:
                role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
                given = self.sts.assume_role(RoleArn=role, RoleSessionName="stranger")["Credentials"]
                credentials = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
            self.clients[place] = self.client("bedrock", region, credentials)
        return self.clients[place]


class Slot:
    """The enforced configuration of a cell."""

    def __init__(self, stranger, account, region):
        self.what, self.region = f"slot of {account} in {region}", region
        self.bedrock = stranger.bedrock(account, region)
        self.before = self.look()

    def look(self):
        listed = self.bedrock.list_enforced_guardrails_configuration()["guardrailsConfig"]
        # Who wrote it when, and under which id, is another after a correction.
        moving = ("configId", "createdAt", "createdBy", "updatedAt", "updatedBy")
        return [{name: it[name] for name in it if name not in moving} for it in listed]

    def configuration(self):
        return self.bedrock.list_enforced_guardrails_configuration()["guardrailsConfig"][0]

    def delete(self):
        self.bedrock.delete_enforced_guardrail_configuration(configId=self.configuration()["configId"])

    def weaken(self):
        live = self.configuration()
        self.bedrock.put_enforced_guardrail_configuration(
            configId=live["configId"],
            guardrailInferenceConfig={
                "guardrailIdentifier": live["guardrailArn"],
                "guardrailVersion": live["guardrailVersion"],
                "selectiveContentGuarding": {"system": "SELECTIVE", "messages": "SELECTIVE"},
                "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": []},
            },
        )


class Replica:
    """The guardrail of a Region."""

    def __init__(self, stranger, region):
        self.what, self.region = f"guardrail in {region}", region
        self.bedrock = stranger.bedrock(MANAGEMENT, region)
        self.id = self.bedrock.list_guardrails()["guardrails"][0]["arn"]
        self.before = self.look()

    def look(self):
        draft = self.bedrock.get_guardrail(guardrailIdentifier=self.id)
        try:
            policy = self.bedrock.get_resource_policy(resourceArn=self.id)["resourcePolicy"]
        except self.bedrock.exceptions.ResourceNotFoundException:
            policy = None
        return (draft["blockedInputMessaging"], draft["status"], policy)

    def edit(self):
        draft = self.bedrock.get_guardrail(guardrailIdentifier=self.id)
        self.bedrock.update_guardrail(
            guardrailIdentifier=self.id, name=draft["name"],
            blockedInputMessaging="Edited by hand.",
            blockedOutputsMessaging=draft["blockedOutputsMessaging"],
            wordPolicyConfig={"wordsConfig": [{"text": "nothing"}]},
        )

    def expose(self):
        self.bedrock.delete_resource_policy(resourceArn=self.id)


def breakages(stranger, stage, random_):
    """What to break, one after another, and how."""
    cells = [
        (f"2{account:011d}", region)
        for account in range(1, stage.accounts + 1) for region in stage.regions
    ]
    random_.shuffle(cells)
    replicas = [(region, how) for how in ("edit", "expose") for region in stage.regions]
    for number, (account, region) in enumerate(cells):
        if number % REPLICA_EVERY == REPLICA_EVERY - 1 and replicas:
            region, how = replicas.pop(0)
            victim = Replica(stranger, region)
        else:
            victim = Slot(stranger, account, region)
            how = random_.choice(("delete", "weaken"))
        yield victim, how


def soak(stage, bedrail, arguments):
    stranger = Stranger(stage)
    random_ = random.Random(arguments.seed)
    patience_s = 3 * arguments.resync_s + 10
    began, pending, took, missed, memory, kinds = time.monotonic(), [], [], [], [], {}
    source, due, sampled = breakages(stranger, stage, random_), 0.0, 0.0
    while True:
        now = time.monotonic() - began
        is_over = now >= 60 * arguments.minutes
        if not is_over and now >= due:
            victim, how = next(source)
            # AWS lets nobody refer to a guardrail that its account may not use just now.
            if how == "weaken" and any(it.region == victim.region for _, it, by in pending if by == "expose"):
                how = "delete"
            getattr(victim, how)()
            kinds[how] = kinds.get(how, 0) + 1
            pending.append((time.monotonic(), victim, how))
            due += 1
        if now >= sampled:
            memory.append((now, bedrail.memory_mb()))
            sampled += 5
        left = []
        for at, victim, how in pending:
            if victim.look() == victim.before:
                took.append(time.monotonic() - at)
            elif time.monotonic() - at > patience_s:
                missed.append(f"{how}: {victim.what}")
            else:
                left.append((at, victim, how))
        pending = left
        if is_over and not pending:
            return took, missed, memory, kinds
        time.sleep(max(0, min(0.5, due - (time.monotonic() - began))))


def drift_of_slots(stage):
    """Corrections of slots that Bedrail counted: tried, and done."""
    text = ask(f"{stage.served}/metrics").decode()
    count = r'^bedrail_drift_{}_total\{{service="bedrock",operation="{}"\}} (\d+)'
    found = [re.search(count.format(word, PUT), text, re.M) for word in ("found", "corrected")]
    return [int(it[1]) if it else 0 for it in found]


def growth_mb(memory):
    """Between the first and the last quarter of the time after warm-up, by their medians."""
    warm = [it for at, it in memory if at >= WARM_UP * memory[-1][0]]
    quarter = max(1, len(warm) // 4)
    return statistics.median(warm[-quarter:]) - statistics.median(warm[:quarter])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    parser.add_argument("--binary", default=target / "release" / "bedrail")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--regions", type=int, default=17)
    parser.add_argument("--resync-s", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.accounts * arguments.regions < 60 * arguments.minutes:
        parser.error("more minutes than cells to break: one each second, none twice")
    with Stage(arguments.binary, arguments.accounts, REGIONS[:arguments.regions], 0.02) as stage:
        journal = Path(stage.folder.name) / "journal"
        with stage.controller(arguments.resync_s, BEDRAIL_JOURNAL=str(journal)) as bedrail:
            until("convergence", stage.is_converged, 600)
            time.sleep(2 * arguments.resync_s)
            took, missed, memory, kinds = soak(stage, bedrail, arguments)
            time.sleep(arguments.resync_s)
            (tried, corrected), in_sync = drift_of_slots(stage), stage.is_converged()
        verified = stage.bedrail("journal", "verify", "--journal", str(journal))["exit"]
        broken = stage.violations()
    slots = kinds.get("delete", 0) + kinds.get("weaken", 0)
    growth = growth_mb(memory)
    checks = [
        (f"{len(took)} of {sum(kinds.values())} drifts put right", not missed and len(took) == sum(kinds.values())),
        (f"{corrected} corrections of {slots} slots, {tried - corrected} refused", corrected == slots),
        (f"in sync at the end: {stage.cells} cells", in_sync),
        (f"memory {memory[-1][1]:.1f} MB, growth after warm-up {growth:+.1f} MB", growth <= GROWTH_MB_MAX),
        ("the journal verifies", verified == 0),
        (f"{len(broken)} rules broken", not broken),
    ]
    took.sort()
    print(f"{arguments.minutes:g} minutes, {stage.cells} cells, resync {arguments.resync_s} s, broken: {kinds}")
    if took:
        print(f"  put right after {statistics.median(took):.1f} s (median), {took[-1]:.1f} s at most")
    for text, holds in checks:
        print(f"  {'ok    ' if holds else 'FAILED'} {text}")
    for what in missed[:10] + broken[:10]:
        print(f"         {what}")
    sys.exit(0 if all(holds for _, holds in checks) else 1)


if __name__ == "__main__":
    main()

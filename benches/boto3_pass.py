#!/usr/bin/env python3
"""One drift pass with boto3, as fast as boto3 can be: what Bedrail is measured against.

One session and one loader for all clients, service models parsed once, one client per Region with
keep-alive, no retries, no parameter validation, credentials of each account fetched once and outside
of the measured pass, and threads that seldom take the interpreter from each other.

    boto3_pass.py --endpoint URL --accounts N --regions us-east-1,… --threads 64

Prints one JSON object: calls, wall and CPU seconds of the pass, most memory in MB.
"""

import argparse
import json
import queue
import resource
import sys
import threading
import time

import botocore.config
import botocore.credentials
import botocore.session


# Seconds for which a thread keeps the interpreter. The default of 5 ms costs a fifth more CPU.
SWITCHED_AFTER_S = 0.05


def clients(session, endpoint, threads):
    """Makes a client for a place; the models behind it are loaded once."""
    config = botocore.config.Config(
        max_pool_connections=threads,
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        user_agent_extra="boto3-pass",
    )

    def make(service, region, credentials=None):
        key, secret, token = credentials or ("simulated", "simulated", None)
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=config,
        )

    return make


def members(make):
    pages = make("organizations", "us-east-1").get_paginator("list_accounts").paginate()
    accounts = [account for page in pages for account in page["Accounts"]]
    return [it["Id"] for it in accounts if it.get("State", it.get("Status")) == "ACTIVE"]


def in_threads(count, items, work):
    waiting = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    failures = []

    def run():
        mine = threading.local()
        while True:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                work(item, mine)
            except Exception as error:  # noqa: BLE001: counted and shown
                failures.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"{len(failures)} calls failed, first: {failures[0]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--accounts", type=int, default=0, help="the first so many; 0: all")
    parser.add_argument("--regions", required=True)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--role", default="BedrailMember")
    arguments = parser.parse_args()

    sys.setswitchinterval(SWITCHED_AFTER_S)
    session = botocore.session.Session()
    make = clients(session, arguments.endpoint, arguments.threads)
    regions = arguments.regions.split(",")
    management = make("sts", "us-east-1").get_caller_identity()["Account"]
    accounts = [it for it in members(make) if it != management]
    accounts = accounts[: arguments.accounts or None]

    sts = make("sts", "us-east-1")
    sessions = {}

    def assume(account, _):
        role = f"arn:aws:iam::{account}:role/{arguments.role}"
        given = sts.assume_role(RoleArn=role, RoleSessionName="boto3-pass")["Credentials"]
        sessions[account] = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    in_threads(arguments.threads, accounts, assume)

    # The fastest way to use many credentials: one client per Region, and the signer told whose
    # they are, thread by thread.
    local = threading.local()
    bedrock = {region: make("bedrock", region) for region in regions}
    for client in bedrock.values():
        signer = client._request_signer  # noqa: SLF001: there is no public way
        get = signer.get_auth_instance

        def with_current(*args, get=get, **kwargs):
            auth = get(*args, **kwargs)
            auth.credentials = local.credentials
            return auth

        signer.get_auth_instance = with_current
    frozen = {
        account: botocore.credentials.Credentials(*given) for account, given in sessions.items()
    }

    def look(cell, _):
        account, region = cell
        local.credentials = frozen[account]
        bedrock[region].list_enforced_guardrails_configuration()

    cells = [(account, region) for account in accounts for region in regions]
    wall, cpu = time.perf_counter(), time.process_time()
    in_threads(arguments.threads, cells, look)
    print(
        json.dumps(
            {
                "cells": len(cells),
                "wall_s": round(time.perf_counter() - wall, 3),
                "cpu_s": round(time.process_time() - cpu, 3),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            }
        )
    )


if __name__ == "__main__":
    main()

"""The real page in front of an organization that is too large to simulate here.

Page, style and scripts are taken from a running `bedrail`, with the headers it sends; what they ask
for is generated: 1,000 accounts × 17 Regions, some of them named by somebody who means harm.
"""

import http.server
import json
import re
import threading
import time
import urllib.request

REGIONS = [
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1",
    "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2",
    "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
]
ACCOUNTS = 1000

HOSTILE = [
    '<img src=x onerror="document.title=\'owned\'">',
    '"><script>document.title="owned"</script>',
    "'); alert(1); ('",
    "javascript:alert(1)",
]

# Account, Region of the cells that are not as they should be.
UNPROTECTED = [(7, "eu-west-1"), (7, "us-east-1"), (512, "ap-south-1")]
FAILING = [(40, region) for region in REGIONS]
HELD = [(index, "us-west-2") for index in range(100, 120)]
WAITING = [(index, region) for index in range(200, 260) for region in ("us-east-1", "eu-west-1")]

COMMAND = ("aws cloudtrail lookup-events --region us-east-1 --lookup-attributes "
           "AttributeKey=EventName,AttributeValue=DeleteEnforcedGuardrailConfiguration")


def account_id(index):
    return f"{310000000000 + index}"


def stamp(seconds_ago=0):
    """A date in the form of the API."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds_ago))


def accounts():
    rows = []
    units = ["/Workloads/Prod", "/Workloads/Dev", "/Sandbox", "/Security"]
    for index in range(ACCOUNTS):
        unit = units[index % len(units)]
        name = HOSTILE[index] if index < len(HOSTILE) else f"team-{index:04} {unit.rsplit('/', 1)[1].lower()}"
        cells = dict.fromkeys(REGIONS, "o" if unit.startswith("/Workloads") else "s")
        if index % 90 == 13:
            cells |= dict.fromkeys(("ap-northeast-3", "ap-southeast-1"), "n")
        rows.append({"id": account_id(index), "name": name, "state": "ACTIVE", "unit": unit,
                     "cells": cells})
    for places, letter in ((FAILING, "f"), (HELD, "h"), (WAITING, "w"), (UNPROTECTED, "u")):
        for index, region in places:
            rows[index]["cells"][region] = letter
    rows[700] |= {"state": "SUSPENDED", "cells": dict.fromkeys(REGIONS, "i")}
    return [row | {"cells": "".join(row["cells"][region] for region in REGIONS)} for row in rows]


def trouble(urgency, phase, reason, message, places):
    keys = [f"cell {account_id(index)} {region}" for index, region in places]
    return {"urgency": urgency, "phase": phase, "reason": reason, "message": message,
            "count": len(keys), "keys": keys[:20], "since": stamp(5400)}


def drift(number, index, region, actor, ending="Done", **more):
    return {
        "number": number, "at": stamp(60 * (200 - number)), "kind": "Drift",
        "what": "bedrock:PutEnforcedGuardrailConfiguration",
        "key": f"cell {account_id(index)} {region}", "account": account_id(index), "region": region,
        "object": "configuration", "changes": ["guardrailVersion: 3 → 7"], "actor": actor,
        "ending": ending, "endedAt": stamp(60 * (200 - number) - 2),
    } | more


def conditions(ready, reason, message):
    state = {"status": ready, "reason": reason, "message": message, "lastTransitionTime": stamp(7200)}
    fine = {"status": "True", "reason": "Accepted", "message": "17 of 17", "lastTransitionTime": stamp(9000)}
    return [{"type": "Ready"} | state, {"type": "InSync"} | state, {"type": "Accepted"} | fine,
            {"type": "Reachable"} | fine]


def overview():
    """What `/api/v1/overview` answers."""
    rows = accounts()
    letters = "".join(row["cells"] for row in rows)
    words = {"u": "Unprotected", "f": "Failing", "h": "Held", "w": "Waiting", "s": "InSync",
             "o": "Organization", "n": "NotEnabled"}
    return {
        "version": "0.1.0", "at": stamp(), "generation": 12, "urgency": "Broken",
        "verdict": "Needs attention: 3 unprotected, 17 broken, 20 waiting for a person",
        "notices": [], "refusals": [], "oldestRead": stamp(250),
        "troubles": [
            trouble("Broken", "Failing", "Denied",
                    "AssumeRole of BedrailMember is denied: the role is missing, or does not trust us",
                    FAILING),
            trouble("Person", "Held", "OnForeign",
                    "somebody else's configuration is in the slot, and `onForeign: Hold` leaves it; "
                    "write `Replace`, or take the account out of the targets", HELD),
            trouble("Going", "Waiting", "Baking",
                    "wave `canary` (1 of 3): 2 of 2 cells have baseline 4f2d30cd; it is baking",
                    WAITING),
        ],
        "orphans": ["310000000999 eu-west-1: enforced by us, and no manifest says so"],
        "heldPlan": {
            "name": "p-3f9c2a41d0b7002a",
            "text": "p-3f9c2a41d0b7002a: 42 cells and targets would lose their protection or be taken "
                    "over; of 17000 that are ours, 850 may at once without an approval",
            "manifests": ["AccountEnforcement/everywhere"],
            "approval": "apiVersion: bedrail.dev/v1alpha1\nkind: Approval\n"
                        "metadata: {name: p-3f9c2a41d0b7002a}\n"
                        "spec: {plan: p-3f9c2a41d0b7002a, expires: \"2026-12-01T00:00:00Z\"}\n",
        },
        "counts": {word: letters.count(letter) for letter, word in words.items()},
        "regions": REGIONS, "accounts": rows,
        "rollouts": [{
            "manifest": "AccountEnforcement/everywhere", "guardrail": "baseline",
            "revision": "4f2d30cd", "accepted": "bf14ea3b", "noun": "cells",
            "gate": "the guardrail is applied in each; at most 0 may fail",
            "waves": [
                {"name": "canary", "state": "Baking", "converged": 2, "unknown": 0, "all": 2,
                 "bakeSeconds": 1800, "bakesUntil": stamp(-754)},
                {"name": "one-region", "state": "Closed", "converged": 0, "unknown": 1, "all": 340,
                 "bakeSeconds": 7200},
                {"name": "rest", "state": "Closed", "converged": 0, "unknown": 0, "all": 8160,
                 "bakeSeconds": 0},
            ],
        }],
        "timeline": [
            drift(199, 0, "us-east-1", {"Unknown": COMMAND},
                  changes=["(the configuration): (absent) → baseline version 7"]),
            drift(198, 5, "eu-west-1",
                  {"Known": "arn:aws:sts::310000000005:assumed-role/Administrator/ada@example.com"}),
            {"number": 197, "at": stamp(3000), "kind": "Accepted",
             "what": "generation 12: 3 Guardrails, 2 OrganizationEnforcements, 2 AccountEnforcements"},
            drift(150, 40, "us-west-1", {"Unknown": COMMAND}, "Failed",
                  message="AccessDeniedException: not authorized to perform bedrock:PutEnforced…"),
        ],
        "manifests": [
            {"manifest": "AccountEnforcement/everywhere", "phase": "Failing",
             "counts": {"InSync": 8300, "Failing": 17, "Held": 20, "Waiting": 120},
             "conditions": conditions("False", "Denied", "17 of 8457: AssumeRole of BedrailMember is denied")},
            {"manifest": "Guardrail/baseline", "phase": "InSync", "counts": {"InSync": 17},
             "conditions": conditions("True", "InSync", "17 of 17")},
        ],
        "journal": {"path": "/var/lib/bedrail/journal.jsonl"},
    }


def detail(account, region):
    """What `/api/v1/cells/…` answers."""
    row = next(row for row in accounts() if row["id"] == account)
    return {
        "place": {"account": account, "region": region}, "name": row["name"],
        "accountState": row["state"], "unit": row["unit"], "state": "Held",
        "desired": {"manifest": "AccountEnforcement/everywhere", "guardrail": "baseline",
                    "revision": "4f2d30cd",
                    "version": f"arn:aws:bedrock:{region}:100000000001:guardrail/abcdef123456:7"},
        "live": {"slot": "Taken",
                 "version": f"arn:aws:bedrock:{region}:100000000001:guardrail/abcdef123456:3"},
        "organization": [], "difference": ["guardrailVersion: 3 → 7"],
        "keys": [{"key": f"cell {account} {region}", "kind": "Cell", "phase": "Held",
                  "manifest": "AccountEnforcement/everywhere", "since": stamp(900),
                  "observedAt": stamp(30), "reason": "OnForeign",
                  "message": "somebody else's configuration is in the slot"}],
        "events": [],
    }


def recorded(url):
    """The page of a running controller: for each path its headers and its body."""
    found, open_paths = {}, ["/"]
    while open_paths:
        path = open_paths.pop()
        with urllib.request.urlopen(url + path) as answer:
            found[path] = (dict(answer.headers), answer.read())
        text = found[path][1].decode()
        named = re.findall(r'"(/page/[a-z.]+)"', text)
        named += [f"/page/{name}" for name in re.findall(r'"\./([a-z.]+)"', text)]
        open_paths += [it for it in named if it not in found and it not in open_paths]
    return found


class Large:
    """Serves the recorded page and the generated organization on a free port."""

    def __init__(self, assets):
        large = self
        self.overview = overview()
        self.beats = 0
        self.is_silent = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path in assets:
                    self.answer(*assets[self.path])
                elif self.path == "/api/v1/overview":
                    self.answer(*as_json(large.overview))
                elif self.path.startswith("/api/v1/cells/"):
                    self.answer(*as_json(detail(*self.path.split("/")[-2:])))
                elif self.path == "/api/v1/events":
                    self.stream()
                else:
                    self.send_error(404)

            def answer(self, headers, body):
                self.send_response(200)
                for name, value in headers.items():
                    if name.lower() not in ("date", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                try:
                    while not large.is_silent.is_set():
                        beat = json.dumps({"revision": large.beats, "at": stamp()})
                        self.wfile.write(f"event: beat\ndata: {beat}\n\n".encode())
                        self.wfile.flush()
                        large.is_silent.wait(0.2)
                except OSError:
                    pass
                # Silent, and not closed: a network that swallows what is sent.
                threading.Event().wait(30)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.is_silent.set()
        self.server.shutdown()


def as_json(document):
    return {"Content-Type": "application/json"}, json.dumps(document).encode()

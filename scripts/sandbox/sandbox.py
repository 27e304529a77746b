"""The account that is asked, what was made in it, and how that goes away again."""

import collections
import contextlib
import json
import secrets
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PREFIX = "bedrail-sandbox-"

# Errors after which to take something away is tried again: something else still refers to it.
LATER = {"ConflictException", "ResourceInUseException", "PolicyInUseException", "DeleteConflict",
         "ConcurrentModificationException", "PolicyChangesInProgressException",
         "ThrottlingException", "TooManyRequestsException"}

# Errors that say that it is gone.
GONE = {"ResourceNotFoundException", "NoSuchEntity", "PolicyNotFoundException",
        "PolicyNotAttachedException", "PolicyTypeNotEnabledException"}

Answer = collections.namedtuple("Answer", "text switches", defaults=({},))
Question = collections.namedtuple(
    "Question", "number title makes costs of_organization needs_target ask")

QUESTIONS = []


def question(number, title, makes, costs="nothing", of_organization=False, needs_target=False):
    """Registers a question; its function gets the sandbox and returns an Answer."""
    def register(ask):
        QUESTIONS.append(Question(
            number, title, makes, costs, of_organization or needs_target, needs_target, ask))
        return ask
    return register


class Unanswered(Exception):
    """Why there is no answer."""


def code_of(call, **arguments):
    """The error code of a call, or None; and its answer."""
    try:
        return None, call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], None


class Sandbox:
    def __init__(self, options):
        self.options = options
        self.region = options.region
        # Retries would hide what is asked about.
        self.config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        self.session = boto3.Session(region_name=options.region)
        self.bedrock = self.client("bedrock")
        self.runtime = self.client("bedrock-runtime")
        self.organizations = self.client("organizations")
        self.iam = self.client("iam")
        self.sts = self.client("sts")
        caller = self.sts.get_caller_identity()
        self.account, self.partition = caller["Account"], caller["Arn"].split(":")[1]
        self.run = secrets.token_hex(4)
        self._names = 0
        self._undo = []
        self._ready_ms = []
        self._is_flickering = False

    def client(self, service, credentials=None, region=None):
        keys = {} if credentials is None else {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"]}
        return self.session.client(
            service, region_name=region or self.region, config=self.config, **keys)

    # Waiting.

    def until(self, what, probe):
        """Asks until the answer is not None and not False; returns it and the milliseconds, 0 if it
        was so at once."""
        begun = time.monotonic()
        pause = 0
        while True:
            if (found := probe()) not in (None, False):
                return found, round((time.monotonic() - begun) * 1000) if pause else 0
            if time.monotonic() - begun > self.options.patience:
                raise Unanswered(f"did not happen in {self.options.patience:.0f} s: {what}")
            pause = min(max(0.02, pause * 1.5), 5)
            time.sleep(pause)

    def ready(self, arn, version="DRAFT"):
        def read():
            code, live = code_of(self.bedrock.get_guardrail,
                                 guardrailIdentifier=arn, guardrailVersion=version)
            if live and live["status"] == "FAILED":
                raise Unanswered(f"{arn} {version} is FAILED: {live.get('statusReasons')}")
            return live if code is None and live["status"] == "READY" else None

        live, took = self.until(f"{arn} {version} is READY", read)
        self._ready_ms.append(took)
        self._is_flickering |= any(read() is None for _ in range(2))
        return self.until(f"{arn} {version} stays READY", read)[0] or live

    def measured(self):
        """What was seen by the way."""
        if not self._ready_ms:
            return {}
        return {"ready_delay_ms": max(self._ready_ms), "ready_flicker": self._is_flickering}

    # Making. Whatever is made is taken away by clean_up, the newest first.

    def name(self):
        self._names += 1
        return f"{PREFIX}{self.run}-{self._names}"

    def later(self, what, undo):
        self._undo.append((what, undo))

    def guardrail(self, **more):
        """A guardrail that is READY: it blocks profanity, and what `more` says. Its ARN."""
        content = self.content(**more)
        arn = self.bedrock.create_guardrail(
            **content, tags=[{"key": "bedrail:sandbox", "value": self.run}])["guardrailArn"]
        self.later(f"guardrail {arn}",
                   lambda: self.bedrock.delete_guardrail(guardrailIdentifier=arn))
        self.ready(arn)
        return arn

    def content(self, **more):
        return {
            "name": self.name(),
            "blockedInputMessaging": "blocked by a test of bedrail",
            "blockedOutputsMessaging": "blocked by a test of bedrail",
            "wordPolicyConfig": {"managedWordListsConfig": [{"type": "PROFANITY"}]},
        } | more

    def publish(self, arn, **more):
        """The number of a new version that is READY."""
        version = self.bedrock.create_guardrail_version(guardrailIdentifier=arn, **more)["version"]
        self.ready(arn, version)
        self.ready(arn)
        return version

    @contextlib.contextmanager
    def enforced(self, arn, version, **more):
        """Enforces a version in this account and Region for a while; its id."""
        put = self.bedrock.put_enforced_guardrail_configuration(
            guardrailInferenceConfig={"guardrailIdentifier": arn, "guardrailVersion": version}
            | more)
        undo = ("the enforced configuration", self.enforce_nothing)
        self._undo.append(undo)
        try:
            yield put["configId"]
        finally:
            self._take_away(*undo)
            self._undo.remove(undo)

    def configurations(self):
        code, listed = code_of(self.bedrock.list_enforced_guardrails_configuration)
        if code not in (None, "ResourceNotFoundException"):
            raise Unanswered(f"the enforced configuration cannot be read: {code}")
        return (listed or {}).get("guardrailsConfig", [])

    def is_enforced(self):
        return bool(self.configurations())

    def enforce_nothing(self):
        for it in self.configurations():
            self.bedrock.delete_enforced_guardrail_configuration(configId=it["configId"])

    def policy(self, content, kind="BEDROCK_POLICY", name=None):
        """A policy of the organization, attached to nothing. Its id."""
        created = self.organizations.create_policy(
            Name=name or self.name(), Description="a test of bedrail", Type=kind,
            Content=json.dumps(content, separators=(",", ":")))
        identity = created["Policy"]["PolicySummary"]["Id"]
        self.later(f"policy {identity}",
                   lambda: self.organizations.delete_policy(PolicyId=identity))
        return identity

    def attach(self, policy, target):
        self.organizations.attach_policy(PolicyId=policy, TargetId=target)
        self.later(f"policy {policy} on {target}",
                   lambda: self.organizations.detach_policy(PolicyId=policy, TargetId=target))

    # Taking away.

    def _take_away(self, what, undo):
        def is_gone():
            try:
                undo()
                return True
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in GONE:
                    return True
                if code in LATER:
                    return None
                raise

        self.until(f"{what} is taken away", is_gone)

    def clean_up(self):
        """Takes away what was made, the newest first; what cannot be is listed by left_behind."""
        while self._undo:
            what, undo = self._undo.pop()
            with contextlib.suppress(ClientError, Unanswered):
                self._take_away(what, undo)

    def _ours(self):
        """What carries our prefix: a name for people, and how it goes."""
        pages = self.bedrock.get_paginator("list_guardrails").paginate()
        for it in (it for page in pages for it in page["guardrails"]):
            if it["name"].startswith(PREFIX) and it["status"] != "DELETING":
                yield it["arn"], lambda it=it: self.bedrock.delete_guardrail(
                    guardrailIdentifier=it["arn"])
        code, roles = code_of(self.iam.list_roles)
        for role in roles["Roles"] if code is None else []:
            if role["RoleName"].startswith(PREFIX):
                yield role["Arn"], lambda role=role: self.delete_role(role["RoleName"])
        if self.options.organization:
            for kind in ("BEDROCK_POLICY", "SERVICE_CONTROL_POLICY"):
                pages = self.organizations.get_paginator("list_policies").paginate(Filter=kind)
                for it in (it for page in pages for it in page["Policies"]):
                    if it["Name"].startswith(PREFIX):
                        yield it["Arn"], lambda it=it: self.delete_policy(it["Id"])

    def delete_role(self, name):
        for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
            self.iam.delete_role_policy(RoleName=name, PolicyName=policy)
        self.iam.delete_role(RoleName=name)

    def delete_policy(self, identity):
        for it in self.organizations.list_targets_for_policy(PolicyId=identity)["Targets"]:
            self.organizations.detach_policy(PolicyId=identity, TargetId=it["TargetId"])
        self.organizations.delete_policy(PolicyId=identity)

    def left_behind(self):
        """What of this or an earlier run is still there."""
        return [name for name, _ in self._ours()]

    def sweep(self):
        """Takes away what earlier runs left, and what they enforced; what is still there."""
        names = {name for name, _ in self._ours()}
        for it in self.configurations():
            if it["guardrailArn"] in names:
                self.bedrock.delete_enforced_guardrail_configuration(configId=it["configId"])
        for name, undo in list(self._ours()):
            with contextlib.suppress(ClientError, Unanswered):
                self._take_away(name, undo)
        return self.left_behind()

"""Questions about policies of an organization, asked from its management account.

Policies are attached to nothing, but where a question needs --target.
"""

import json
import time

from sandbox import Answer, Unanswered, code_of, question

SCP = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Action": "bedrock:CreateGuardrail", "Resource": "*",
     "Condition": {"StringEquals": {"aws:PrincipalTag/bedrail-sandbox": "nobody"}}}]}


def document(sandbox, arn=None, names=("config_1",), **more):
    """A Bedrock policy of this Region."""
    arn = arn or (f"arn:{sandbox.partition}:bedrock:{sandbox.region}:{sandbox.account}:"
                  "guardrail/abcdefghijkl")
    inner = {"identifier": {"@@assign": f"{arn}:1"}} | more
    return {"bedrock": {"guardrail_inference": {sandbox.region: dict.fromkeys(names, inner)}}}


def taken(sandbox, content):
    """The error code of CreatePolicy with this content, or None."""
    code, created = code_of(
        sandbox.organizations.create_policy, Name=sandbox.name(), Description="a test of bedrail",
        Type="BEDROCK_POLICY", Content=json.dumps(content, separators=(",", ":")))
    if created:
        identity = created["Policy"]["PolicySummary"]["Id"]
        sandbox.later(f"policy {identity}",
                      lambda: sandbox.organizations.delete_policy(PolicyId=identity))
    return code


def enable(sandbox):
    """Enables the policy type until the question is answered, if it is not; the milliseconds."""
    root = sandbox.organizations.list_roots()["Roots"][0]["Id"]

    def status():
        kinds = sandbox.organizations.list_roots()["Roots"][0]["PolicyTypes"]
        return {it["Type"]: it["Status"] for it in kinds}.get("BEDROCK_POLICY")

    if status() == "ENABLED":
        return None
    def ask():
        code, _ = code_of(sandbox.organizations.enable_policy_type,
                          RootId=root, PolicyType="BEDROCK_POLICY")
        # It may have been disabled a moment ago.
        if code not in (None, "PolicyChangesInProgressException", "PolicyTypeAlreadyEnabledException"):
            raise Unanswered(f"BEDROCK_POLICY cannot be enabled: {code}")
        return code is None

    sandbox.until("BEDROCK_POLICY may be enabled", ask)
    sandbox.later("the policy type", lambda: sandbox.organizations.disable_policy_type(
        RootId=root, PolicyType="BEDROCK_POLICY"))
    return sandbox.until("BEDROCK_POLICY is enabled", lambda: status() == "ENABLED")[1]


def effective(sandbox):
    """The effective policy of the target, or None."""
    code, answer = code_of(sandbox.organizations.describe_effective_policy,
                           PolicyType="BEDROCK_POLICY", TargetId=sandbox.options.target)
    if code not in (None, "EffectivePolicyNotFoundException"):
        raise Unanswered(code)
    return answer and json.loads(answer["EffectivePolicy"]["PolicyContent"])


@question(7, "What becomes of two configurations of one Region in a BEDROCK_POLICY?",
          makes="a policy", of_organization=True)
def two_names(sandbox):
    code = taken(sandbox, document(sandbox, names=("config_1", "config_2")))
    if code or not sandbox.options.target:
        return Answer(f"CreatePolicy: {code or 'taken'}; what is in effect shows only on a --target")
    enable(sandbox)
    policy = sandbox.policy(document(sandbox, names=("config_1", "config_2")))
    sandbox.attach(policy, sandbox.options.target)
    time.sleep(min(5, sandbox.options.patience))
    errors = sandbox.organizations.list_effective_policy_validation_errors(
        AccountId=sandbox.options.target, PolicyType="BEDROCK_POLICY")
    named = [it["ErrorCode"] for it in errors["EffectivePolicyValidationErrors"]]
    return Answer(f"CreatePolicy takes it; the effective policy: {named or 'valid'}")


@question(8, "Is input_tags, of the preview, still taken?", makes="a policy", of_organization=True)
def input_tags(sandbox):
    code = taken(sandbox, document(sandbox, input_tags={"@@assign": "honor"}))
    return Answer(f"CreatePolicy: {code or 'taken'}")


@question(9, "How long may a BEDROCK_POLICY be?", makes="a few policies", of_organization=True)
def length(sandbox):
    def padded(characters):
        content = document(sandbox)
        names = content["bedrock"]["guardrail_inference"][sandbox.region]["config_1"]
        models = names["model_enforcement"] = {"excluded_models": {"@@assign": [""]}}
        short = len(json.dumps(content, separators=(",", ":")))
        models["excluded_models"]["@@assign"] = ["a" * (characters - short)]
        return content

    found = []
    for characters in (2_500, 10_000, 10_001, 20_000):
        found.append(f"{characters}: {taken(sandbox, padded(characters)) or 'taken'}")
    return Answer("; ".join(found))


@question(10, "Is trusted access needed?", makes="nothing, or the policy type is enabled for a while",
          of_organization=True)
def trusted_access(sandbox):
    took = enable(sandbox)
    code, services = code_of(sandbox.organizations.list_aws_service_access_for_organization)
    named = [it["ServicePrincipal"] for it in (services or {}).get("EnabledServicePrincipals", [])]
    trusted = code or [it for it in named if "bedrock" in it] or "not for bedrock"
    how = "was enabled already" if took is None else f"was enabled in {took} ms"
    return Answer(f"BEDROCK_POLICY {how}; trusted access: {trusted}",
                  {} if took is None else {"policy_type_delay_ms": took})


@question(14, "How long does an attached policy take to be in effect?",
          makes="a guardrail, a version, a policy, attached to --target", needs_target=True)
def propagation(sandbox):
    if effective(sandbox):
        raise Unanswered(f"{sandbox.options.target} has an effective policy already")
    enable(sandbox)
    arn = sandbox.guardrail()
    sandbox.publish(arn)
    policy = sandbox.policy(document(sandbox, arn))
    sandbox.attach(policy, sandbox.options.target)
    _, took = sandbox.until("the policy is in effect", lambda: effective(sandbox))
    return Answer(f"{took} ms until DescribeEffectivePolicy shows it",
                  {"effective_policy_delay_ms": took})


@question(16, "May policies of two types have one name?", makes="two policies, attached to nothing",
          of_organization=True)
def one_name(sandbox):
    name = sandbox.name()
    sandbox.policy(document(sandbox), name=name)
    code, created = code_of(
        sandbox.organizations.create_policy, Name=name, Description="a test of bedrail",
        Type="SERVICE_CONTROL_POLICY", Content=json.dumps(SCP))
    if created:
        identity = created["Policy"]["PolicySummary"]["Id"]
        sandbox.later(f"policy {identity}",
                      lambda: sandbox.organizations.delete_policy(PolicyId=identity))
    if code not in (None, "DuplicatePolicyException"):
        raise Unanswered(code)
    return Answer(f"the second: {code or 'taken'}",
                  {"policy_duplicate_scope": "org" if code else "type"})


@question(11, "Which fields of guardrails does CloudTrail redact?", makes="nothing",
          of_organization=True)
def redaction(sandbox):
    trail = sandbox.client("cloudtrail")
    code, found = code_of(trail.lookup_events, MaxResults=1, LookupAttributes=[
        {"AttributeKey": "EventName", "AttributeValue": "CreateGuardrail"}])
    if code or not found["Events"]:
        raise Unanswered(f"{code or 'no event yet'}: events take a quarter of an hour; ask --only 11"
                         " again later")
    request = json.loads(found["Events"][0]["CloudTrailEvent"])["requestParameters"]
    hidden = [name for name, value in request.items() if "HIDDEN" in json.dumps(value)]
    return Answer(f"redacted: {hidden or 'nothing'}")

"""Questions that need calls of a model: a few hundred tokens altogether."""

import json

from botocore.exceptions import ClientError
from sandbox import Answer, Unanswered, code_of, question

MESSAGES = [{"role": "user", "content": [{"text": "Say yes."}]}]
SHORT = {"maxTokens": 5}


def applied(sandbox, model, arn):
    """Whether a call of the model shows that the guardrail was applied; None: the call failed."""
    code, answer = code_of(sandbox.runtime.converse, modelId=model, messages=MESSAGES,
                           inferenceConfig=SHORT)
    return None if code else arn.rsplit("/", 1)[1] in json.dumps(answer, default=str)


@question(6, "Does enforcement populate bedrock:GuardrailIdentifier?",
          makes="a guardrail, a version, its enforcement, a role that this account may assume",
          costs="some calls of a model, less than 0.01 USD")
def condition_key(sandbox):
    arn = sandbox.guardrail()
    version = sandbox.publish(arn)
    role = guarded_role(sandbox, f"{arn}:{version}")
    given = {"guardrailIdentifier": arn, "guardrailVersion": version}

    def call(**more):
        code, assumed = code_of(sandbox.sts.assume_role, RoleArn=role, RoleSessionName="sandbox")
        if code:
            return code
        runtime = sandbox.client("bedrock-runtime", assumed["Credentials"])
        return code_of(runtime.converse, modelId=sandbox.options.model, messages=MESSAGES,
                       inferenceConfig=SHORT, **more)[0]

    # The role works: with the guardrail in the request it may call, without it may not.
    sandbox.until("the role may call a model with the guardrail",
                  lambda: call(guardrailConfig=given) is None)
    sandbox.until("and not without it", lambda: call() == "AccessDeniedException")
    with sandbox.enforced(arn, version):
        sandbox.until("the guardrail is applied to every call",
                      lambda: applied(sandbox, sandbox.options.model, arn))
        code = call()
    if code not in (None, "AccessDeniedException"):
        raise Unanswered(code)
    return Answer(f"a call that only enforcement guards: {code or 'admitted'}",
                  {"enforcement_sets_condition_key": code is None})


def guarded_role(sandbox, guardrail):
    """The ARN of a role that may call models with this guardrail alone."""
    name = sandbox.name()
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:{sandbox.partition}:iam::{sandbox.account}:root"}}]}
    document = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"],
         "Resource": "*"},
        {"Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": "*",
         "Condition": {"StringNotEquals": {"bedrock:GuardrailIdentifier": guardrail}}}]}
    role = sandbox.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    sandbox.later(f"role {name}", lambda: sandbox.delete_role(name))
    sandbox.iam.put_role_policy(
        RoleName=name, PolicyName="guarded", PolicyDocument=json.dumps(document))
    return role["Role"]["Arn"]


@question(18, "Does the id of a model in modelEnforcement match calls through inference profiles?",
          makes="a guardrail, a version, its enforcement on one model",
          costs="some calls of a model, less than 0.01 USD")
def inference_profiles(sandbox):
    model = sandbox.options.model
    try:
        profiles = sandbox.bedrock.list_inference_profiles()["inferenceProfileSummaries"]
    except ClientError as error:
        raise Unanswered(error.response["Error"]["Code"]) from error
    named = [it["inferenceProfileId"] for it in profiles
             if any(member["modelArn"].endswith(f"/{model}") for member in it["models"])]
    if not named:
        raise Unanswered(f"no inference profile of {sandbox.region} has {model}")
    arn = sandbox.guardrail()
    version = sandbox.publish(arn)
    only = {"modelEnforcement": {"includedModels": [model], "excludedModels": []}}
    with sandbox.enforced(arn, version, **only):
        sandbox.until("the guardrail is applied to the model itself",
                      lambda: applied(sandbox, model, arn))
        through = applied(sandbox, named[0], arn)
    if through is None:
        raise Unanswered(f"{named[0]} cannot be called")
    return Answer(f"a call through {named[0]} is {'guarded' if through else 'NOT guarded'}")

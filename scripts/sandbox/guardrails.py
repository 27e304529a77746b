"""Questions about guardrails, their versions and their enforcement in one account."""

import concurrent.futures
import json
import time

from botocore.exceptions import ClientError
from sandbox import Answer, Unanswered, code_of, question

HALF = {"inputStrength": "HIGH", "outputStrength": "HIGH"}


# Before any other: nothing may be enforced.
@question(2, "What does ListEnforcedGuardrailsConfiguration answer when nothing is enforced?",
          makes="nothing")
def empty_list(sandbox):
    try:
        answer = sandbox.bedrock.list_enforced_guardrails_configuration()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ResourceNotFoundException":
            return Answer(code, {"enforced_list_empty": "not_found"})
        raise Unanswered(code) from error
    if "guardrailsConfig" not in answer:
        return Answer("an answer without its list: bedrail would take it for unreadable, not for "
                      "absent, and must be changed")
    return Answer("an empty list", {"enforced_list_empty": "empty"})


@question(1, "What does PutEnforcedGuardrailConfiguration without configId do when one exists?",
          makes="a guardrail, a version, its enforcement in this account and Region")
def put_without_id(sandbox):
    arn = sandbox.guardrail()
    version = sandbox.publish(arn)
    with sandbox.enforced(arn, version):
        code, _ = code_of(
            sandbox.bedrock.put_enforced_guardrail_configuration,
            guardrailInferenceConfig={"guardrailIdentifier": arn, "guardrailVersion": version})
        count = len(sandbox.configurations())
    if code is None:
        return Answer(f"it takes it; {count} then exist", {"enforced_put_without_id": "overwrite"})
    if code == "ConflictException":
        return Answer(code, {"enforced_put_without_id": "conflict"})
    raise Unanswered(code)


@question(3, "Which defaults does GetGuardrail echo, and in which order do lists come back?",
          makes="a guardrail, a version, its enforcement")
def echo(sandbox):
    kinds = ["VIOLENCE", "HATE", "SEXUAL", "INSULTS"]
    arn = sandbox.guardrail(
        contentPolicyConfig={"filtersConfig": [{"type": kind} | HALF for kind in kinds]})
    policy = sandbox.ready(arn)["contentPolicy"]
    shown = {
        "tier": "tier" in policy,
        "action": any("inputAction" in it for it in policy["filters"]),
        "enabled": any("inputEnabled" in it for it in policy["filters"]),
        "modalities": any("inputModalities" in it for it in policy["filters"]),
    }
    switches = {}
    if not any(shown.values()):
        switches["echo_defaults"] = "none"
    elif all(shown.values()):
        switches["echo_defaults"] = "all"
    elif [name for name, is_shown in shown.items() if is_shown] == ["tier"]:
        switches["echo_defaults"] = "tier_only"
    order = [it["type"] for it in policy["filters"]]
    if order in (kinds, kinds[::-1]):
        switches["list_order"] = "kept" if order == kinds else "reversed"
    with sandbox.enforced(arn, sandbox.publish(arn)):
        live, = sandbox.configurations()
    members = [it for it in ("selectiveContentGuarding", "modelEnforcement") if it in live]
    echoed = [name for name, is_shown in shown.items() if is_shown]
    return Answer(f"echoed: {echoed or 'nothing'}; sent {kinds}, back {order}; of an enforced "
                  f"configuration: {members or 'nothing'}", switches)


@question(4, "What does UpdateGuardrail do to a description and a profile that are left out?",
          makes="a guardrail")
def omission(sandbox):
    geography = {"us": "us", "eu": "eu", "ap": "apac"}.get(sandbox.region.split("-")[0])
    profile = {} if geography is None else {
        "crossRegionConfig": {"guardrailProfileIdentifier": f"{geography}.guardrail.v1:0"}}
    content = sandbox.content(description="to be left out")
    arn = sandbox.guardrail(**content, **profile)
    sandbox.bedrock.update_guardrail(
        guardrailIdentifier=arn,
        **{name: value for name, value in content.items() if name != "description"})
    live = sandbox.ready(arn)
    stays = {"description": bool(live.get("description"))}
    if profile:
        stays["crossRegionConfig"] = "crossRegionDetails" in live
    text = ", ".join(f"{name} {'stays' if it else 'goes'}" for name, it in stays.items())
    if len(set(stays.values())) > 1:
        return Answer(f"{text}: the simulator knows only both or none")
    return Answer(text, {"update_omission": "keep" if stays["description"] else "clear"})


@question(5, "Which deletions are refused while a version is enforced?",
          makes="a guardrail, two versions, its enforcement")
def deletion_in_use(sandbox):
    arn = sandbox.guardrail()
    used = sandbox.publish(arn)
    other = sandbox.publish(arn)
    with sandbox.enforced(arn, used):
        delete = sandbox.bedrock.delete_guardrail
        whole, _ = code_of(delete, guardrailIdentifier=arn)
        of_other, _ = code_of(delete, guardrailIdentifier=arn, guardrailVersion=other)
        of_used, _ = code_of(delete, guardrailIdentifier=arn, guardrailVersion=used)
    text = (f"the guardrail: {whole or 'deleted'}; the enforced version: {of_used or 'deleted'}; "
            f"another version: {of_other or 'deleted'}")
    if whole is None:
        return Answer(text)
    return Answer(text, {"version_delete_in_use": "allow" if of_used is None else "refuse"})


@question(12, "How many control-plane reads a second are admitted?",
          makes="nothing, but 200 calls of ListGuardrails in a burst")
def rate(sandbox):
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(
            lambda _: code_of(sandbox.bedrock.list_guardrails, maxResults=1)[0], range(200)))
    seconds = time.monotonic() - begun
    throttled = sum(code is not None for code in codes)
    return Answer(f"{200 - throttled} of 200 in {seconds:.1f} s; refused: "
                  f"{sorted({code for code in codes if code}) or 'none'}")


@question(13, "In which Region must the resource policy of a guardrail profile be put?",
          makes="resource policies on this account's own guardrail profile")
def profile_policy(sandbox):
    homes = {"us": ("us", "us-west-2"), "eu": ("eu", "eu-west-1"), "ap": ("apac", "ap-northeast-1")}
    geography = homes.get(sandbox.region.split("-")[0])
    if geography is None or geography[1] == sandbox.region:
        raise Unanswered(f"nothing to compare with from {sandbox.region}")
    name, other = geography
    found = []
    for called in (sandbox.region, other):
        bedrock = sandbox.client("bedrock", region=called)
        for owner in (sandbox.region, other):
            arn = (f"arn:{sandbox.partition}:bedrock:{owner}:{sandbox.account}:"
                   f"guardrail-profile/{name}.guardrail.v1:0")
            code, live = code_of(bedrock.get_resource_policy, resourceArn=arn)
            if live is not None:
                raise Unanswered(f"{arn} has a policy already; it is left alone")
            document = {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": sandbox.account},
                "Action": ["bedrock:ApplyGuardrail"], "Resource": arn}]}
            code, _ = code_of(bedrock.put_resource_policy, resourceArn=arn,
                              resourcePolicy=json.dumps(document))
            if code is None:
                bedrock.delete_resource_policy(resourceArn=arn)
            found.append(f"of {owner}, called in {called}: {code or 'taken'}")
    return Answer("; ".join(found))


@question(15, "Are the numbers of deleted versions given again?",
          makes="a guardrail, three versions")
def numbers(sandbox):
    arn = sandbox.guardrail()
    sandbox.publish(arn)
    last = sandbox.publish(arn)
    sandbox.bedrock.delete_guardrail(guardrailIdentifier=arn, guardrailVersion=last)
    _, lag = sandbox.until("the version is gone", lambda: code_of(
        sandbox.bedrock.get_guardrail, guardrailIdentifier=arn,
        guardrailVersion=last)[0] == "ResourceNotFoundException")
    again = sandbox.publish(arn)
    return Answer(f"{last} was deleted, the next is {again}; reads lagged {lag} ms",
                  {"version_numbers_reused": again == last, "delete_read_lag_ms": lag})


@question(17, "How many regular expressions may a guardrail have?", makes="a guardrail, or two")
def regexes(sandbox):
    taken = 0
    for count in (10, 11, 30, 31):
        rules = [{"name": f"rule-{it}", "pattern": f"E-{it:04}", "action": "BLOCK"}
                 for it in range(count)]
        code, created = code_of(sandbox.bedrock.create_guardrail, **sandbox.content(
            sensitiveInformationPolicyConfig={"regexesConfig": rules}))
        if code is not None:
            return Answer(f"{count} are refused ({code}), {taken} are taken")
        taken, arn = count, created["guardrailArn"]
        sandbox.later(f"guardrail {arn}", lambda arn=arn: sandbox.bedrock.delete_guardrail(
            guardrailIdentifier=arn))
        sandbox.ready(arn)
    return Answer(f"{taken} are taken, and more were not tried")


@question(19, "Whose description does a numbered version show?", makes="a guardrail, a version")
def description(sandbox):
    arn = sandbox.guardrail(description="of the guardrail")
    version = sandbox.publish(arn, description="of the version")
    got = sandbox.ready(arn, version).get("description")
    listed = sandbox.bedrock.list_guardrails(guardrailIdentifier=arn)["guardrails"]
    of_list = next(it.get("description") for it in listed if it["version"] == version)
    text = f"GetGuardrail: {got!r}; ListGuardrails: {of_list!r}"
    owners = {"of the guardrail": "guardrail", "of the version": "version"}
    if got != of_list or got not in owners:
        return Answer(text)
    return Answer(text, {"version_description": owners[got]})

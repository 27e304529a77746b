"""Account-level enforcement, and three guardrails on one call."""

import json

from stage import EMBEDDING, MODEL, Case, until


class AccountEnforcement(Case):
    def test_a_configuration_is_put_listed_replaced_and_deleted(self):
        arn = self.published("enforced")
        member = self.member("bedrock", "200000000005")
        listed = lambda: member.list_enforced_guardrails_configuration()["guardrailsConfig"]
        put = member.put_enforced_guardrail_configuration
        self.assertEqual(listed(), [])
        inference = {"guardrailIdentifier": arn, "guardrailVersion": "1"}
        first = put(guardrailInferenceConfig=inference)
        live, = listed()
        self.assertEqual(
            (live["configId"], live["guardrailArn"], live["guardrailVersion"], live["owner"]),
            (first["configId"], arn, "1", "ACCOUNT"))
        self.assertIn("BedrailMember", live["createdBy"])
        self.fails("ConflictException", put, guardrailInferenceConfig=inference, status=400)
        self.fails("ResourceNotFoundException", put, configId="abc", status=404,
                   guardrailInferenceConfig=inference)
        guarding = {"selectiveContentGuarding": {"system": "COMPREHENSIVE", "messages": "SELECTIVE"},
                    "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": [EMBEDDING]}}
        again = put(configId=first["configId"], guardrailInferenceConfig=inference | guarding)
        self.assertEqual(again["configId"], first["configId"])
        live, = listed()
        self.assertEqual({name: live[name] for name in guarding}, guarding)
        self.assertEqual(live["createdAt"].isoformat()[:10], live["updatedAt"].isoformat()[:10])
        self.fails("ResourceNotFoundException", member.delete_enforced_guardrail_configuration,
                   configId="abc", status=404)
        member.delete_enforced_guardrail_configuration(configId=first["configId"])
        self.assertEqual(listed(), [])

    def test_what_is_referenced_is_not_deleted(self):
        arn = self.published("referenced")
        self.publish(arn)
        member = self.member("bedrock", "200000000006")
        put = member.put_enforced_guardrail_configuration(
            guardrailInferenceConfig={"guardrailIdentifier": arn, "guardrailVersion": "1"})
        delete = self.bedrock.delete_guardrail
        for version in ({}, {"guardrailVersion": "1"}):
            self.fails("ResourceInUseException", delete, guardrailIdentifier=arn, status=400,
                       **version)
        delete(guardrailIdentifier=arn, guardrailVersion="2")
        member.delete_enforced_guardrail_configuration(configId=put["configId"])
        delete(guardrailIdentifier=arn)

    def test_only_a_published_version_that_is_shared_can_be_enforced(self):
        arn = self.published("enforceable", share=False)
        member = self.member("bedrock", "200000000007")
        put = member.put_enforced_guardrail_configuration
        inference = lambda version: {"guardrailInferenceConfig": {
            "guardrailIdentifier": arn, "guardrailVersion": version}}
        self.fails("AccessDeniedException", put, status=403, **inference("1"))
        self.share(arn)
        self.fails("ValidationException", put, status=400, **inference("DRAFT"))
        self.fails("ResourceNotFoundException", put, status=404, **inference("7"))
        profile = inference("1")
        profile["guardrailInferenceConfig"]["modelEnforcement"] = {
            "includedModels": ["us.anthropic.claude-x"], "excludedModels": []}
        self.fails("ValidationException", put, status=400, **profile)
        put(**inference("1"))


class ThreeOrigins(Case):
    """An account under an organization policy and a configuration of its own."""

    account = "200000000008"

    def setUp(self):
        self.enable_bedrock_policies()
        name = self._testMethodName[:30]
        self.bedrock_of_member = self.member("bedrock", self.account)
        self.runtime_of_member = self.member("bedrock-runtime", self.account)
        self.by_organization = self.published(f"{name}-org", "zebra")
        self.by_account = self.published(f"{name}-account", "lion")
        self.by_request = self.published(
            f"{name}-request", "tiger", self.bedrock_of_member, share=False)
        put = self.bedrock_of_member.put_enforced_guardrail_configuration(
            guardrailInferenceConfig={
                "guardrailIdentifier": self.by_account, "guardrailVersion": "1"})
        self.addCleanup(self.bedrock_of_member.delete_enforced_guardrail_configuration,
                        configId=put["configId"])
        policy = self.policy(name, {"identifier": {"@@assign": f"{self.by_organization}:1"}})
        self.attached(policy, self.account)
        until("the policy is effective", lambda: self.effective(self.account))
        self.guard = {"guardrailIdentifier": self.by_request, "guardrailVersion": "1"}

    def converse(self, text, operation="converse", **more):
        messages = [{"role": "user", "content": [{"text": text}]}]
        call = getattr(self.runtime_of_member, operation)
        return call(modelId=MODEL, messages=messages, **more)

    def assessments(self, answer):
        return answer["trace"]["guardrail"]["inputAssessment"]

    def applied(self, answer):
        """ARN → origins of the guardrails that ran."""
        details = [it["appliedGuardrailDetails"] for it in self.assessments(answer).values()]
        return {it["guardrailArn"]: (it["guardrailOrigin"], it["guardrailOwnership"])
                for it in details}

    def test_all_of_them_apply_and_the_strictest_wins(self):
        with_request = {"guardrailConfig": self.guard | {"trace": "enabled"}}
        for text, reason in [("hello", "end_turn"), ("a zebra", "guardrail_intervened"),
                             ("a lion", "guardrail_intervened"),
                             ("a tiger", "guardrail_intervened")]:
            answer = self.converse(text, **with_request)
            self.assertEqual(answer["stopReason"], reason, text)
            self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 200)
        self.assertEqual(self.applied(answer), {
            self.by_organization: (["ORGANIZATION_ENFORCED"], "CROSS_ACCOUNT"),
            self.by_account: (["ACCOUNT_ENFORCED"], "CROSS_ACCOUNT"),
            self.by_request: (["REQUEST"], "SELF"),
        })

    def test_a_request_adds_to_what_is_enforced_and_never_replaces_it(self):
        self.assertEqual(self.converse("a tiger")["stopReason"], "end_turn")
        for text in ("a zebra", "a lion"):
            self.assertEqual(self.converse(text)["stopReason"], "guardrail_intervened", text)
        enforced = {"guardrailIdentifier": self.by_account, "guardrailVersion": "1"}
        answer = self.converse("hello", guardrailConfig=enforced | {"trace": "enabled"})
        self.assertEqual(sorted(self.applied(answer)[self.by_account][0]),
                         ["ACCOUNT_ENFORCED", "REQUEST"], "one guardrail, two origins")

    def test_all_of_them_apply_to_streams(self):
        for text, reason in [("hello", "end_turn"), ("a zebra", "guardrail_intervened"),
                             ("a lion", "guardrail_intervened"),
                             ("a tiger", "guardrail_intervened")]:
            events = list(self.converse(
                text, "converse_stream", guardrailConfig=self.guard | {"trace": "enabled"})["stream"])
            stop, = [event["messageStop"] for event in events if "messageStop" in event]
            self.assertEqual(stop["stopReason"], reason, text)
            metadata = events[-1]["metadata"]
            self.assertEqual(set(self.applied(metadata)),
                             {self.by_organization, self.by_account, self.by_request})

    def test_all_of_them_apply_to_the_bodies_of_models(self):
        for text, action in [("hello", "NONE"), ("a zebra", "INTERVENED"),
                             ("a lion", "INTERVENED"), ("a tiger", "INTERVENED")]:
            body = json.dumps({"messages": [{"role": "user", "content": [{"text": text}]}]})
            answer = self.runtime_of_member.invoke_model(
                modelId=MODEL, body=body, trace="ENABLED", **self.guard)
            answer = json.loads(answer["body"].read())
            self.assertEqual(answer["amazon-bedrock-guardrailAction"], action, text)
            # InvokeModel has names of its own for what Converse calls inputAssessment.
            assessments = answer["amazon-bedrock-trace"]["guardrail"]["input"].values()
            self.assertEqual(
                {it["appliedGuardrailDetails"]["guardrailArn"] for it in assessments},
                {self.by_organization, self.by_account, self.by_request})
            stream = self.runtime_of_member.invoke_model_with_response_stream(
                modelId=MODEL, body=body, **self.guard)
            last = [json.loads(event["chunk"]["bytes"]) for event in stream["body"]][-1]
            self.assertEqual(last["amazon-bedrock-guardrailAction"], action, text)

    def test_embedding_models_fail_under_enforcement(self):
        embed = {"modelId": EMBEDDING, "body": json.dumps({"inputText": "hello"})}
        self.fails("ValidationException", self.runtime_of_member.invoke_model, status=400, **embed)
        self.assertTrue(self.runtime.invoke_model(**embed)["body"].read())

    def test_what_an_organization_policy_names_is_not_deleted(self):
        self.fails("ResourceInUseException", self.bedrock.delete_guardrail, status=400,
                   guardrailIdentifier=self.by_organization)

    def test_a_policy_revoked_while_enforced_fails_every_call(self):
        self.bedrock.delete_resource_policy(resourceArn=self.by_organization)
        self.fails("AccessDeniedException", self.converse, text="hello", status=403)
        self.share(self.by_organization)
        self.converse("hello")


class SelectiveGuarding(Case):
    def test_only_tagged_content_is_checked_where_guarding_is_selective(self):
        arn = self.published("selective")
        account = "200000000009"
        member, runtime = self.member("bedrock", account), self.member("bedrock-runtime", account)
        member.put_enforced_guardrail_configuration(guardrailInferenceConfig={
            "guardrailIdentifier": arn, "guardrailVersion": "1",
            "selectiveContentGuarding": {"system": "SELECTIVE", "messages": "SELECTIVE"},
            "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": [EMBEDDING]}})
        # The simulated model repeats what it reads, and answers are always checked: `[say:…]`.
        plain, tagged = {"text": "a zebra"}, {"guardContent": {"text": {"text": "a zebra"}}}
        clean, say = {"guardContent": {"text": {"text": "hello"}}}, {"text": "[say:fine]"}
        rows = [
            ("nothing is tagged: messages are checked", [plain], [], True),
            ("something else is tagged", [plain, clean], [], False),
            ("it is tagged", [tagged], [], True),
            ("a system prompt without a tag", [], [plain], False),
            ("a tagged system prompt", [], [tagged], True),
        ]
        for what, content, system, is_blocked in rows:
            with self.subTest(what):
                answer = runtime.converse(
                    modelId=MODEL, messages=[{"role": "user", "content": [*content, say]}], system=system)
                self.assertEqual(answer["stopReason"] == "guardrail_intervened", is_blocked)
        vector = runtime.invoke_model(modelId=EMBEDDING, body=json.dumps({"inputText": "a zebra"}))
        self.assertTrue(json.loads(vector["body"].read())["embedding"], "excluded models work")

"""bedrock-runtime with the guardrail of the request, and streams as botocore decodes them."""

import json

from stage import EMBEDDING, MODEL, REGION, Case

ANTHROPIC = "anthropic.claude-3-haiku-20240307-v1:0"


class ApplyGuardrail(Case):
    def apply(self, arn, text, runtime=None, version="1", source="INPUT", **more):
        return (runtime or self.runtime).apply_guardrail(
            guardrailIdentifier=arn, guardrailVersion=version, source=source,
            content=[{"text": {"text": text}}], **more)

    def test_words_are_found_in_both_directions(self):
        arn = self.published("applied")
        for source, said in [("INPUT", "request"), ("OUTPUT", "answer")]:
            clean = self.apply(arn, "hello", source=source)
            self.assertEqual((clean["action"], clean["outputs"]), ("NONE", []))
            found = self.apply(arn, "a zebra", source=source)
            self.assertEqual(found["action"], "GUARDRAIL_INTERVENED")
            self.assertEqual(found["outputs"], [{"text": f"applied blocked the {said}"}])
            assessment, = found["assessments"]
            words = assessment["wordPolicy"]["customWords"]
            self.assertEqual([(it["match"], it["action"]) for it in words], [("zebra", "BLOCKED")])
            self.assertEqual(assessment["appliedGuardrailDetails"]["guardrailOrigin"], ["REQUEST"])
        self.assertGreater(found["usage"]["wordPolicyUnits"], 0)

    def test_every_policy_shows_what_it_found(self):
        arn = self.created("policies-found", sensitiveInformationPolicyConfig={
            "piiEntitiesConfig": [{"type": "EMAIL", "action": "ANONYMIZE",
                                   "inputAction": "ANONYMIZE", "inputEnabled": True}],
            "regexesConfig": [{"name": "badge", "pattern": "E-[0-9]{6}", "action": "ANONYMIZE"}]})
        answer = self.apply(arn, "ada@example.com has E-123456", version="DRAFT")
        self.assertEqual(answer["action"], "GUARDRAIL_INTERVENED")
        masked = answer["outputs"][0]["text"]
        self.assertNotIn("ada@example.com", masked)
        self.assertNotIn("E-123456", masked)
        found = answer["assessments"][0]["sensitiveInformationPolicy"]
        self.assertEqual(found["piiEntities"][0]["action"], "ANONYMIZED")
        self.assertEqual(found["regexes"][0]["name"], "badge")

    def test_a_member_may_apply_what_is_shared_with_it(self):
        arn = self.published("apply-shared", share=False)
        runtime = self.member("bedrock-runtime", "200000000010")
        self.fails("AccessDeniedException", self.apply, status=403,
                   arn=arn, text="x", runtime=runtime)
        self.share(arn)
        self.assertEqual(self.apply(arn, "a zebra", runtime)["action"], "GUARDRAIL_INTERVENED")

    def test_a_version_that_is_not_there_is_an_error(self):
        arn = self.published("apply-missing")
        self.fails("ResourceNotFoundException", self.apply, status=404,
                   arn=arn, text="x", version="7")
        self.fails("ValidationException", self.apply, status=400,
                   arn="no such thing", text="x")


class Models(Case):
    def guard(self, name):
        return {"guardrailIdentifier": self.published(name), "guardrailVersion": "1"}

    def messages(self, text):
        return [{"role": "user", "content": [{"text": text}]}]

    def test_converse_answers_and_blocks(self):
        guard = self.guard("conversed")
        converse = lambda text, **more: self.runtime.converse(
            modelId=MODEL, messages=self.messages(text), **more)
        free = converse("hello")
        self.assertEqual(free["output"]["message"]["role"], "assistant")
        self.assertNotIn("trace", free)
        self.assertEqual(free["usage"]["totalTokens"],
                         free["usage"]["inputTokens"] + free["usage"]["outputTokens"])
        blocked = converse("a zebra", guardrailConfig=guard)
        self.assertEqual(blocked["stopReason"], "guardrail_intervened")
        self.assertEqual(blocked["output"]["message"]["content"],
                         [{"text": "conversed blocked the request"}])
        answered = converse("[say:a zebra]", guardrailConfig=guard | {"trace": "enabled"})
        self.assertEqual(answered["stopReason"], "guardrail_intervened", "in the answer")
        short = converse("one two three four", inferenceConfig={"maxTokens": 2})
        self.assertEqual(short["stopReason"], "max_tokens")
        self.fails("ValidationException", self.runtime.converse, modelId=MODEL, status=400,
                   messages=self.messages("x"),
                   guardrailConfig={"guardrailIdentifier": "nothere", "guardrailVersion": "1"})
        self.fails("ValidationException", self.runtime.converse, modelId="no.model",
                   messages=self.messages("x"), status=400)

    def test_converse_stream_has_the_events_in_order(self):
        guard = self.guard("streamed")
        for text, reason in [("hello there", "end_turn"), ("a zebra", "guardrail_intervened")]:
            stream = self.runtime.converse_stream(
                modelId=MODEL, messages=self.messages(text), guardrailConfig=guard)["stream"]
            events = list(stream)
            kinds = [next(iter(event)) for event in events]
            self.assertEqual(kinds[0], "messageStart")
            self.assertEqual(kinds[-3:], ["contentBlockStop", "messageStop", "metadata"])
            self.assertEqual(set(kinds[1:-3]), {"contentBlockDelta"})
            said = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events[1:-3])
            self.assertIn("hello" if reason == "end_turn" else "blocked", said)
            self.assertEqual(events[-2]["messageStop"]["stopReason"], reason)
            tokens = events[-1]["metadata"]["usage"]["inputTokens"]
            self.assertEqual(tokens > 0, reason == "end_turn", "a blocked prompt meets no model")

    def test_bodies_and_chunks_are_of_the_model_family(self):
        guard = self.guard("invoked")
        say = lambda text: [{"role": "user", "content": [{"type": "text", "text": text}]}]
        rows = [
            (MODEL, lambda text: {"messages": self.messages(text)}),
            (ANTHROPIC, lambda text: {"anthropic_version": "bedrock-2023-05-31",
                                      "max_tokens": 50, "messages": say(text)}),
        ]
        for model, body in rows:
            for text, action in [("hello", "NONE"), ("a zebra", "INTERVENED")]:
                request = {"modelId": model, "body": json.dumps(body(text))} | guard
                answer = self.runtime.invoke_model(**request)
                self.assertEqual(answer["contentType"], "application/json")
                whole = json.loads(answer["body"].read())
                self.assertEqual(whole["amazon-bedrock-guardrailAction"], action)
                stream = self.runtime.invoke_model_with_response_stream(**request)["body"]
                chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
                self.assertGreater(len(chunks), 1)
                self.assertEqual(chunks[-1]["amazon-bedrock-guardrailAction"], action)
        self.fails("ValidationException", self.runtime.invoke_model, status=400,
                   modelId=MODEL, body="no JSON")

    def test_inference_profiles_stand_for_their_models(self):
        answer = self.runtime.converse(
            modelId=f"us.{MODEL}", messages=self.messages("hello"))
        self.assertEqual(answer["stopReason"], "end_turn")
        arn = f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL}"
        self.runtime.converse(modelId=arn, messages=self.messages("hello"))

    def test_embeddings_are_vectors(self):
        body = json.dumps({"inputText": "hello"})
        answer = self.runtime.invoke_model(modelId=EMBEDDING, body=body)
        self.assertTrue(json.loads(answer["body"].read())["embedding"])

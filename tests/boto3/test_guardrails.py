"""Guardrails, versions, tags and resource policies."""

import json

from stage import REGION, Case

UNKNOWN = "abcdefghijkl"


class Guardrails(Case):
    def test_a_guardrail_is_created_updated_published_and_deleted(self):
        created = self.bedrock.create_guardrail(
            **self.content("life"), description="d", tags=[{"key": "team", "value": "x"}])
        self.assertEqual(created["version"], "DRAFT")
        self.assertEqual(created["ResponseMetadata"]["HTTPStatusCode"], 202)
        arn = created["guardrailArn"]
        self.assertEqual(arn.split(":")[3:5], [REGION, self.management])
        self.ready(self.bedrock, arn)
        updated = self.bedrock.update_guardrail(
            guardrailIdentifier=created["guardrailId"], **self.content("life", "lion"))
        self.assertGreaterEqual(updated["updatedAt"], created["createdAt"])
        live = self.ready(self.bedrock, arn)
        self.assertEqual([word["text"] for word in live["wordPolicy"]["words"]], ["lion"])
        self.assertNotIn("description", live, "an update replaces the whole draft")
        self.assertEqual(self.publish(arn, description="first"), "1")
        self.bedrock.update_guardrail(guardrailIdentifier=arn, **self.content("life", "tiger"))
        self.ready(self.bedrock, arn)
        first = self.bedrock.get_guardrail(guardrailIdentifier=arn, guardrailVersion="1")
        self.assertEqual(first["version"], "1")
        self.assertEqual(first["wordPolicy"]["words"][0]["text"], "lion", "versions never change")
        self.assertEqual(self.publish(arn), "2")
        self.bedrock.delete_guardrail(guardrailIdentifier=arn, guardrailVersion="1")
        self.fails("ResourceNotFoundException", self.bedrock.get_guardrail,
                   guardrailIdentifier=arn, guardrailVersion="1", status=404)
        self.assertEqual(self.publish(arn), "3", "numbers of deleted versions do not come back")
        self.bedrock.delete_guardrail(guardrailIdentifier=arn)
        self.fails("ResourceNotFoundException", self.bedrock.get_guardrail, guardrailIdentifier=arn)

    def test_everything_sent_comes_back_under_its_output_name(self):
        sides = {"inputAction": "NONE", "outputAction": "BLOCK",
                 "inputEnabled": True, "outputEnabled": False}
        masks = sides | {"inputAction": "ANONYMIZE"}
        topic = {"name": "Money", "definition": "Advice on money.", "examples": ["Buy?"],
                 "type": "DENY"} | sides
        hate = {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "LOW",
                "inputModalities": ["TEXT", "IMAGE"], "outputModalities": ["TEXT"]} | sides
        attack = {"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}
        word = {"text": "zebra"} | sides
        profanity = {"type": "PROFANITY"} | sides
        email = {"type": "EMAIL", "action": "ANONYMIZE"} | masks
        regex = {"name": "badge", "description": "ours", "pattern": "E-[0-9]{6}",
                 "action": "BLOCK"} | masks
        grounding = {"type": "GROUNDING", "threshold": 0.75, "action": "NONE", "enabled": False}
        standard = {"tierName": "STANDARD"}
        reasoning = (f"arn:aws:bedrock:{REGION}:{self.management}:"
                     "automated-reasoning-policy/abcdefghij12:1")
        key = f"arn:aws:kms:{REGION}:{self.management}:key/12345678-1234-1234-1234-123456789012"
        arn = self.bedrock.create_guardrail(
            name="everything", description="all of it",
            blockedInputMessaging="no", blockedOutputsMessaging="no",
            topicPolicyConfig={"topicsConfig": [topic], "tierConfig": standard},
            contentPolicyConfig={"filtersConfig": [hate, attack], "tierConfig": standard},
            wordPolicyConfig={"wordsConfig": [word], "managedWordListsConfig": [profanity]},
            sensitiveInformationPolicyConfig={
                "piiEntitiesConfig": [email], "regexesConfig": [regex]},
            contextualGroundingPolicyConfig={
                "filtersConfig": [grounding], "tierConfig": standard},
            automatedReasoningPolicyConfig={"policies": [reasoning], "confidenceThreshold": 0.5},
            crossRegionConfig={"guardrailProfileIdentifier": "us.guardrail.v1:0"},
            kmsKeyId=key.rsplit("/", 1)[1])["guardrailArn"]
        live = self.ready(self.bedrock, arn)
        self.assertEqual(live["topicPolicy"], {"topics": [topic], "tier": standard})
        self.assertEqual(live["contentPolicy"], {"filters": [hate, attack], "tier": standard})
        self.assertEqual(live["wordPolicy"], {"words": [word], "managedWordLists": [profanity]})
        self.assertEqual(live["sensitiveInformationPolicy"],
                         {"piiEntities": [email], "regexes": [regex]})
        self.assertEqual(live["contextualGroundingPolicy"],
                         {"filters": [grounding], "tier": standard})
        self.assertEqual(live["automatedReasoningPolicy"],
                         {"policies": [reasoning], "confidenceThreshold": 0.5})
        profile = f"arn:aws:bedrock:{REGION}:{self.management}:guardrail-profile/us.guardrail.v1:0"
        self.assertEqual(live["crossRegionDetails"], {
            "guardrailProfileId": "us.guardrail.v1:0", "guardrailProfileArn": profile})
        self.assertEqual(live["kmsKeyArn"], key)
        self.assertEqual(live["description"], "all of it")

    def test_lists_come_in_pages_without_gap_or_repetition(self):
        bedrock = self.member("bedrock", "200000000001")
        names = {f"page-{index}" for index in range(7)}
        for name in names:
            bedrock.create_guardrail(**self.content(name))
        config = {"PageSize": 3}
        pages = list(bedrock.get_paginator("list_guardrails").paginate(PaginationConfig=config))
        self.assertEqual([len(page["guardrails"]) for page in pages], [3, 3, 1])
        rows = [row for page in pages for row in page["guardrails"]]
        self.assertEqual(sorted(row["name"] for row in rows), sorted(names))
        self.assertEqual({row["version"] for row in rows}, {"DRAFT"})
        self.fails("ValidationException", bedrock.list_guardrails, nextToken="made-up")

    def test_a_list_of_one_guardrail_shows_its_versions(self):
        arn = self.published("versions")
        rows = self.bedrock.list_guardrails(guardrailIdentifier=arn)["guardrails"]
        self.assertEqual(sorted(row["version"] for row in rows), ["1", "DRAFT"])
        self.assertEqual({row["arn"] for row in rows}, {arn})

    def test_a_repeated_token_gives_the_first_answer_and_other_parameters_conflict(self):
        first = self.bedrock.create_guardrail(**self.content("token"), clientRequestToken="once")
        again = self.bedrock.create_guardrail(**self.content("token"), clientRequestToken="once")
        self.assertEqual(again["guardrailId"], first["guardrailId"])
        self.fails("ConflictException", self.bedrock.create_guardrail, status=400,
                   **self.content("token-2"), clientRequestToken="once")
        arn = first["guardrailArn"]
        self.ready(self.bedrock, arn)
        publish = self.bedrock.create_guardrail_version
        version = {"guardrailIdentifier": arn, "clientRequestToken": "publish-once"}
        self.assertEqual(publish(**version)["version"], "1")
        self.ready(self.bedrock, arn)
        self.assertEqual(publish(**version)["version"], "1")
        self.fails("ConflictException", publish, description="other", **version)

    def test_a_guardrail_has_at_most_twenty_versions(self):
        arn = self.created("twenty")
        for number in range(1, 21):
            self.assertEqual(self.publish(arn), str(number))
        self.fails("ServiceQuotaExceededException", self.bedrock.create_guardrail_version,
                   guardrailIdentifier=arn, status=400)
        self.bedrock.delete_guardrail(guardrailIdentifier=arn, guardrailVersion="3")
        self.assertEqual(self.publish(arn), "21")

    def test_an_account_has_at_most_a_hundred_guardrails_in_a_region(self):
        bedrock = self.member("bedrock", "200000000002")
        for index in range(100):
            bedrock.create_guardrail(**self.content(f"many-{index}"))
        self.fails("ServiceQuotaExceededException", bedrock.create_guardrail, status=400,
                   **self.content("one-too-many"))
        elsewhere = self.member("bedrock", "200000000002", region="eu-west-1")
        elsewhere.create_guardrail(**self.content("room-here"))

    def test_what_is_wrong_is_refused_with_the_code_of_the_model(self):
        bedrock, content = self.bedrock, self.content
        unknown = f"arn:aws:bedrock:{REGION}:{self.management}:guardrail/{UNKNOWN}"
        for call in (bedrock.get_guardrail, bedrock.delete_guardrail,
                     bedrock.create_guardrail_version, bedrock.list_guardrails):
            self.fails("ResourceNotFoundException", call, guardrailIdentifier=unknown, status=404)
        self.fails("ResourceNotFoundException", bedrock.update_guardrail,
                   guardrailIdentifier=unknown, **content("x"), status=404)
        elsewhere = unknown.replace(REGION, "eu-west-1")
        self.fails("ValidationException", bedrock.get_guardrail, guardrailIdentifier=elsewhere)
        self.created("taken")
        self.fails("ConflictException", bedrock.create_guardrail, **content("taken"), status=400)
        filters = lambda *items: {"contentPolicyConfig": {"filtersConfig": list(items)}}
        strong = {"inputStrength": "HIGH", "outputStrength": "HIGH"}
        rows = [
            ("a name with a space", content("a b")),
            ("no policy", {name: value for name, value in content("none").items()
                           if name != "wordPolicyConfig"}),
            ("an attack in the output",
             content("attack") | filters({"type": "PROMPT_ATTACK"} | strong)),
            ("one filter twice", content("twice") | filters(
                {"type": "HATE"} | strong, {"type": "HATE"} | strong)),
            ("an unknown filter", content("kind") | filters({"type": "LOVE"} | strong)),
            ("a threshold of one", content("one", contextualGroundingPolicyConfig={
                "filtersConfig": [{"type": "GROUNDING", "threshold": 1.0}]})),
            ("a regex that looks around", content("look", sensitiveInformationPolicyConfig={
                "regexesConfig": [{"name": "x", "pattern": "(?=x)", "action": "BLOCK"}]})),
            ("STANDARD without a profile", content("tier", topicPolicyConfig={
                "topicsConfig": [{"name": "x", "definition": "x", "type": "DENY"}],
                "tierConfig": {"tierName": "STANDARD"}})),
            ("a profile of another geography", content("far", crossRegionConfig={
                "guardrailProfileIdentifier": "eu.guardrail.v1:0"})),
        ]
        for what, body in rows:
            with self.subTest(what):
                self.fails("ValidationException", bedrock.create_guardrail, status=400, **body)
        self.fails("ValidationException", bedrock.get_guardrail,
                   guardrailIdentifier="no such thing", status=400)

    def test_one_account_cannot_touch_the_guardrails_of_another(self):
        arn = self.published("private", share=False)
        member = self.member("bedrock", "200000000004")
        self.fails("AccessDeniedException", member.get_guardrail,
                   guardrailIdentifier=arn, status=403)
        self.share(arn)
        self.assertEqual(member.get_guardrail(guardrailIdentifier=arn)["name"], "private")
        self.fails("AccessDeniedException", member.delete_guardrail, guardrailIdentifier=arn)


class Tags(Case):
    def test_tags_are_set_read_and_removed(self):
        arn = self.created("tags", tags=[{"key": "team", "value": "x"}])
        self.bedrock.tag_resource(
            resourceARN=arn, tags=[{"key": "team", "value": "y"}, {"key": "empty", "value": ""}])
        read = lambda: sorted((tag["key"], tag["value"]) for tag in
                              self.bedrock.list_tags_for_resource(resourceARN=arn)["tags"])
        self.assertEqual(read(), [("empty", ""), ("team", "y")])
        self.bedrock.untag_resource(resourceARN=arn, tagKeys=["team", "never-there"])
        self.assertEqual(read(), [("empty", "")])
        self.fails("ValidationException", self.bedrock.tag_resource, resourceARN=arn,
                   tags=[{"key": "aws:reserved", "value": "x"}])
        many = [{"key": f"k{index}", "value": "x"} for index in range(50)]
        self.fails("TooManyTagsException", self.bedrock.tag_resource, status=400,
                   resourceARN=arn, tags=many)
        unknown = arn.rsplit("/", 1)[0] + "/" + UNKNOWN
        self.fails("ResourceNotFoundException", self.bedrock.list_tags_for_resource,
                   resourceARN=unknown, status=404)


class ResourcePolicies(Case):
    def test_a_policy_is_put_read_replaced_and_deleted(self):
        arn = self.created("policies")
        read = self.bedrock.get_resource_policy
        self.fails("ResourceNotFoundException", read, resourceArn=arn, status=404)
        self.share(arn)
        policy = json.loads(read(resourceArn=arn)["resourcePolicy"])
        self.assertEqual(policy["Statement"][0]["Sid"], "Organization")
        policy["Statement"][0]["Sid"] = "Renamed"
        put = self.bedrock.put_resource_policy(resourceArn=arn, resourcePolicy=json.dumps(policy))
        self.assertEqual(put["resourceArn"], arn)
        self.assertEqual(put["ResponseMetadata"]["HTTPStatusCode"], 201)
        self.assertEqual(json.loads(read(resourceArn=arn)["resourcePolicy"]), policy)
        self.bedrock.delete_resource_policy(resourceArn=arn)
        self.fails("ResourceNotFoundException", self.bedrock.delete_resource_policy,
                   resourceArn=arn, status=404)

    def test_a_policy_outside_the_documented_shapes_is_refused(self):
        arn = self.created("refused")
        statement = {"Effect": "Allow", "Principal": "*", "Action": "bedrock:ApplyGuardrail",
                     "Resource": arn}
        rows = [
            ("everybody without a condition", statement),
            ("a version in the resource", statement | {
                "Principal": {"AWS": f"arn:aws:iam::{self.management}:root"},
                "Resource": f"{arn}:1"}),
            ("another action", statement | {
                "Principal": {"AWS": f"arn:aws:iam::{self.management}:root"},
                "Action": "bedrock:InvokeModel"}),
        ]
        for what, row in rows:
            with self.subTest(what):
                document = json.dumps({"Version": "2012-10-17", "Statement": [row]})
                self.fails("ValidationException", self.bedrock.put_resource_policy, status=400,
                           resourceArn=arn, resourcePolicy=document)
        self.fails("ValidationException", self.bedrock.put_resource_policy,
                   resourceArn=arn, resourcePolicy="no JSON")

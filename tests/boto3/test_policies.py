"""Bedrock policies and service control policies: their life, inheritance, validity."""

import json

from stage import EMBEDDING, REGION, Case, until

CONTROL = "@@operators_allowed_for_child_policies"


class PolicyCase(Case):
    def setUp(self):
        self.enable_bedrock_policies()

    def arn(self, letter):
        """Some guardrail: policies are checked for syntax only."""
        return f"arn:aws:bedrock:{REGION}:{self.management}:guardrail/{letter * 12}:1"

    def names(self, letter):
        return {"identifier": {"@@assign": self.arn(letter)}}

    def becomes(self, account, expected, what):
        until(f"{what}: {expected}", lambda: self.effective(account) == expected)


class Life(PolicyCase):
    def test_policies_are_listed_page_by_page(self):
        made = {self.policy(f"listed-{index:02}", self.names("a")) for index in range(23)}
        first = self.organizations.list_policies(Filter="BEDROCK_POLICY")
        self.assertEqual(len(first["Policies"]), 20)
        rows = self.pages(self.organizations, "list_policies", "Policies", Filter="BEDROCK_POLICY")
        ids = [row["Id"] for row in rows]
        self.assertLessEqual(made, set(ids))
        self.assertEqual(len(ids), len(set(ids)))
        for policy in made:
            self.organizations.delete_policy(PolicyId=policy)

    def test_a_policy_is_created_updated_tagged_and_deleted(self):
        organizations = self.organizations
        policy = self.policy("life", self.names("a"))
        described = organizations.describe_policy(PolicyId=policy)["Policy"]
        summary = described["PolicySummary"]
        self.assertEqual((summary["Name"], summary["Type"], summary["AwsManaged"]),
                         ("life", "BEDROCK_POLICY", False))
        self.assertIn(":policy/" + self.organization + "/bedrock_policy/" + policy, summary["Arn"])
        create = {"Name": "life", "Description": "", "Type": "BEDROCK_POLICY",
                  "Content": described["Content"]}
        self.fails("DuplicatePolicyException", organizations.create_policy, status=400, **create)
        updated = organizations.update_policy(PolicyId=policy, Description="new")["Policy"]
        self.assertEqual(updated["PolicySummary"]["Description"], "new")
        self.assertEqual(updated["Content"], described["Content"], "the rest is unchanged")
        organizations.tag_resource(ResourceId=policy, Tags=[{"Key": "a", "Value": "1"}])
        tags = organizations.list_tags_for_resource(ResourceId=policy)["Tags"]
        self.assertEqual(tags, [{"Key": "a", "Value": "1"}])
        organizations.delete_policy(PolicyId=policy)
        self.fails("PolicyNotFoundException", organizations.describe_policy, PolicyId=policy)

    def test_documents_are_checked_for_syntax(self):
        good = {"bedrock": {"guardrail_inference": {REGION: {"config_1": self.names("a")}}}}
        draft = self.arn("a").removesuffix("1") + "DRAFT"
        bad = [
            ("no JSON", "{"),
            ("no bedrock", "{}"),
            ("no operator", json.dumps(good).replace('{"@@assign": "arn', '"arn').replace('1"}', '1"')),
            ("a draft", json.dumps(good).replace(self.arn("a"), draft)),
        ]
        for what, content in bad:
            with self.subTest(what):
                self.fails("MalformedPolicyDocumentException", self.organizations.create_policy,
                           Name="bad", Description="", Type="BEDROCK_POLICY", Content=content)
        self.fails("InvalidInputException", self.organizations.create_policy,
                   Name="bad", Description="", Type="NO_SUCH_POLICY", Content=json.dumps(good))

    def test_what_is_attached_is_neither_attached_again_nor_deleted(self):
        organizations, target = self.organizations, "200000000014"
        policy = self.policy("attached", self.names("a"))
        bare = {"PolicyId": policy, "TargetId": target}
        self.fails("PolicyNotAttachedException", organizations.detach_policy, **bare)
        organizations.attach_policy(**bare)
        self.fails("DuplicatePolicyAttachmentException", organizations.attach_policy, **bare)
        self.fails("PolicyInUseException", organizations.delete_policy, PolicyId=policy)
        targets = self.pages(organizations, "list_targets_for_policy", "Targets", PolicyId=policy)
        self.assertEqual([(it["TargetId"], it["Type"]) for it in targets], [(target, "ACCOUNT")])
        attached = self.pages(organizations, "list_policies_for_target", "Policies",
                              TargetId=target, Filter="BEDROCK_POLICY")
        self.assertEqual([it["Id"] for it in attached], [policy])
        organizations.detach_policy(**bare)
        organizations.delete_policy(PolicyId=policy)
        self.fails("TargetNotFoundException", organizations.list_policies_for_target,
                   TargetId="999999999999", Filter="BEDROCK_POLICY")

    def test_types_are_enabled_once_and_disabled(self):
        organizations = self.organizations
        kind = {"RootId": self.root, "PolicyType": "BEDROCK_POLICY"}
        self.fails("PolicyTypeAlreadyEnabledException", organizations.enable_policy_type, **kind)
        organizations.disable_policy_type(**kind)
        types = lambda: [it["Type"] for it in organizations.list_roots()["Roots"][0]["PolicyTypes"]]
        until("BEDROCK_POLICY is disabled", lambda: "BEDROCK_POLICY" not in types())
        policy = self.policy("disabled", self.names("a"))
        self.fails("PolicyTypeNotEnabledException", organizations.attach_policy,
                   PolicyId=policy, TargetId="200000000014")
        organizations.delete_policy(PolicyId=policy)
        self.enable_bedrock_policies()


class Inheritance(PolicyCase):
    """/Workloads/Prod holds the account `shop`."""

    unit, below, account = "ou-pyth-workload", "ou-pyth-workprod", "310000000001"

    def attach(self, name, configuration, target, **more):
        policy = self.policy(name, configuration, **more)
        self.addCleanup(self.organizations.delete_policy, PolicyId=policy)
        self.attached(policy, target)
        return policy

    def test_the_policy_nearest_to_the_account_assigns(self):
        self.becomes(self.account, {}, "nothing at first")
        self.attach("above", self.names("a"), self.unit)
        self.becomes(self.account, {"config_1": {"identifier": self.arn("a")}}, "inherited")
        low = self.attach("below", self.names("b"), self.account)
        self.becomes(self.account, {"config_1": {"identifier": self.arn("b")}}, "overridden")
        self.assertEqual(self.effective("310000000002")["config_1"]["identifier"], self.arn("a"))
        self.organizations.detach_policy(PolicyId=low, TargetId=self.account)
        self.becomes(self.account, {"config_1": {"identifier": self.arn("a")}}, "inherited again")

    def test_lists_are_appended_to_and_removed_from(self):
        models = lambda **lists: {"model_enforcement": lists}
        self.attach("lists-1", self.names("a") | models(
            included_models={"@@assign": ["ALL"]},
            excluded_models={"@@assign": ["a.one", "a.two"]}), self.unit)
        self.attach("lists-2", models(excluded_models={"@@append": [EMBEDDING]}), self.below)
        self.attach("lists-3", models(excluded_models={"@@remove": ["a.one"]}), self.account)
        self.becomes(self.account, {"config_1": {
            "identifier": self.arn("a"),
            "model_enforcement": {"included_models": ["ALL"],
                                  "excluded_models": ["a.two", EMBEDDING]}}}, "merged")

    def test_a_lock_leaves_children_without_effect(self):
        self.attach("locked", self.names("a"), self.unit, locks={CONTROL: ["@@none"]})
        self.attach("unheard", self.names("b"), self.account)
        self.attach("other-region", self.names("c"), self.account, region="eu-west-1")
        until("another Region is not locked", lambda: self.effective(self.account, "eu-west-1"))
        self.assertEqual(self.effective(self.account),
                         {"config_1": {"identifier": self.arn("a")}})

    def test_a_child_does_only_what_its_parents_allow(self):
        models = lambda **lists: {"model_enforcement": lists}
        self.attach("append-only", self.names("a") | models(
            included_models={"@@assign": ["ALL"]},
            excluded_models={"@@assign": ["a.one"], CONTROL: ["@@append"]}), self.unit)
        self.attach("assigns", models(excluded_models={"@@assign": ["a.two"]}), self.below)
        self.attach("loosens", models(excluded_models={CONTROL: ["@@all"], "@@append": ["a.three"]}),
                    self.account)
        self.becomes(self.account, {"config_1": {
            "identifier": self.arn("a"),
            "model_enforcement": {"included_models": ["ALL"],
                                  "excluded_models": ["a.one", "a.three"]}}}, "appended only")

    def test_an_invalid_result_leaves_the_last_valid_policy_in_force(self):
        organizations = self.organizations
        self.attach("valid", self.names("a"), self.unit)
        valid = {"config_1": {"identifier": self.arn("a")}}
        self.becomes(self.account, valid, "valid")
        second = self.attach("second-name", self.names("b"), self.account, config="config_2")
        invalid = lambda: [it["Id"] for it in self.pages(
            organizations, "list_accounts_with_invalid_effective_policy", "Accounts",
            PolicyType="BEDROCK_POLICY")]
        until("the account is listed", lambda: self.account in invalid())
        self.assertEqual(self.effective(self.account), valid)
        errors = organizations.list_effective_policy_validation_errors(
            AccountId=self.account, PolicyType="BEDROCK_POLICY")
        error, = errors["EffectivePolicyValidationErrors"]
        self.assertEqual(error["ErrorCode"], "ELEMENTS_TOO_MANY")
        self.assertIn(second, error["ContributingPolicies"])
        organizations.detach_policy(PolicyId=second, TargetId=self.account)
        until("the account is valid again", lambda: self.account not in invalid())

    def test_effective_policies_are_of_accounts_and_for_those_who_may_see_them(self):
        organizations = self.organizations
        describe = {"PolicyType": "BEDROCK_POLICY"}
        self.fails("InvalidInputException", organizations.describe_effective_policy,
                   TargetId=self.unit, **describe)
        self.fails("TargetNotFoundException", organizations.describe_effective_policy,
                   TargetId="999999999999", **describe)
        member = self.member("organizations", self.account)
        # What the test before detached is in effect for a moment.
        self.becomes(self.account, {}, "nothing at first")
        self.fails("EffectivePolicyNotFoundException", member.describe_effective_policy, **describe)
        self.attach("seen", self.names("a"), self.unit)
        own = until("the member sees it", lambda: self.effective(self.account) and
                    member.describe_effective_policy(**describe))
        self.assertEqual(own["EffectivePolicy"]["TargetId"], self.account)
        self.fails("AccessDeniedException", member.describe_effective_policy,
                   TargetId="310000000002", **describe)


class ServiceControlPolicies(PolicyCase):
    def test_a_deny_binds_members_and_not_the_management_account(self):
        organizations, account = self.organizations, "200000000015"
        member = self.member("bedrock", account)
        member.list_guardrails()
        deny = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "bedrock:ListGuardrails", "Resource": "*"}]}
        policy = organizations.create_policy(
            Name="deny", Description="", Type="SERVICE_CONTROL_POLICY",
            Content=json.dumps(deny))["Policy"]["PolicySummary"]["Id"]
        self.attached(policy, account)
        self.fails("AccessDeniedException", member.list_guardrails, status=403)
        member.list_foundation_models()
        self.detach(policy, account)
        member.list_guardrails()
        self.attached(policy, self.management)
        self.bedrock.list_guardrails()

    def test_the_last_policy_of_a_target_stays(self):
        self.fails("ConstraintViolationException", self.organizations.detach_policy,
                   PolicyId="p-FullAWSAccess", TargetId="200000000016")
        self.fails("InvalidInputException", self.organizations.update_policy,
                   PolicyId="p-FullAWSAccess", Description="mine")
        self.fails("MalformedPolicyDocumentException", self.organizations.create_policy,
                   Name="principal", Description="", Type="SERVICE_CONTROL_POLICY",
                   Content=json.dumps({"Version": "2012-10-17", "Statement": [{
                       "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}))

"""Roles: who may assume them, and who the caller is then."""

from stage import Case


class Sessions(Case):
    def test_a_session_is_the_role_of_its_account(self):
        account = "200000000017"
        keys = self.simulator.assume(account)
        identity = self.simulator.client("sts", keys).get_caller_identity()
        self.assertEqual(identity["Account"], account)
        self.assertEqual(identity["Arn"],
                         f"arn:aws:sts::{account}:assumed-role/BedrailMember/boto3")
        self.assertGreater(keys["Expiration"].timestamp(), 0)
        assumed = self.sts.assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/BedrailMember", RoleSessionName="again")
        self.assertEqual(assumed["AssumedRoleUser"]["Arn"],
                         f"arn:aws:sts::{account}:assumed-role/BedrailMember/again")

    def test_a_role_does_only_what_its_policies_allow(self):
        member = self.member("organizations", "200000000017")
        self.fails("AccessDeniedException", member.list_accounts)
        auditor = self.member("bedrock", "410000000001", role="audit/Auditor",
                              ExternalId="audit-2026")
        auditor.list_guardrails()
        self.fails("AccessDeniedException", auditor.create_guardrail, status=403,
                   **self.content("audited"))

    def test_an_external_id_is_demanded_where_the_trust_policy_says_so(self):
        auditor = {"account": "410000000001", "role": "audit/Auditor"}
        assume = self.simulator.assume
        for more in ({}, {"ExternalId": "wrong"}):
            self.fails("AccessDenied", assume, status=403, **auditor, **more)
        assume(**auditor, ExternalId="audit-2026")
        assume("200000000017", ExternalId="not-asked-for")

    def test_roles_that_are_not_there_are_denied_like_any_other(self):
        for account, role in [("200000000017", "Nobody"), ("410000000002", "BedrailMember"),
                              ("999999999999", "BedrailMember"),
                              ("410000000003", "BedrailMember"),
                              ("410000000001", "Auditor")]:
            with self.subTest(account=account, role=role):
                self.fails("AccessDenied", self.simulator.assume, status=403,
                           account=account, role=role)

    def test_one_member_cannot_assume_the_role_of_another(self):
        sts = self.member("sts", "200000000017")
        self.fails("AccessDenied", sts.assume_role, status=403, RoleSessionName="boto3",
                   RoleArn="arn:aws:iam::200000000018:role/BedrailMember")

    def test_durations_have_limits(self):
        for seconds in (3_601, 43_201):
            self.fails("ValidationError", self.simulator.assume, status=400,
                       account="200000000017", DurationSeconds=seconds)

    def test_a_region_that_is_not_enabled_answers_nobody(self):
        account = "410000000004"
        self.member("bedrock", account).list_guardrails()
        far = self.member("bedrock", account, region="eu-south-1")
        self.fails("UnrecognizedClientException", far.list_guardrails, status=403)

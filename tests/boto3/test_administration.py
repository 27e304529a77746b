"""What the simulator says about itself, and how it is made to fail."""

import time
import urllib.error

from stage import HERE, Case, Simulator


class Administration(Case):
    """On a simulator of its own: clock, faults and switches are everybody's."""

    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(str(HERE / "organization.yaml"))
        cls.addClassCleanup(cls.simulator.close)
        super().setUpClass()

    def tearDown(self):
        self.faults()
        super().tearDown()

    def faults(self, *faults):
        self.simulator.admin("faults", "PUT", {"seed": 1, "faults": list(faults)})

    def test_calls_are_counted_and_forgotten(self):
        self.simulator.admin("calls", "DELETE")
        self.organizations.list_roots()
        self.bedrock.list_guardrails()
        self.bedrock.list_guardrails()
        calls = self.simulator.admin("calls")
        self.assertEqual(calls, {"total": 3, "byOperation": {
            "organizations:ListRoots": 1, "bedrock:ListGuardrails": 2}})
        last = self.simulator.admin("calls/log")["calls"][-1]
        self.assertEqual((last["operation"], last["account"], last["isController"]),
                         ("bedrock:ListGuardrails", self.management, False))

    def test_documents_are_what_they_were_put_as(self):
        self.assertEqual(self.simulator.admin("health"), {"status": "ok"})
        self.assertEqual(self.simulator.admin("violations"), {"violations": []})
        self.simulator.admin("intent", "PUT", {})
        self.assertEqual(self.simulator.admin("intent"), {})
        self.assertIn("bedrock:ListGuardrails", self.simulator.admin("operations")["operations"])
        self.assertIn("310000000001", self.simulator.admin("world")["accounts"])
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.simulator.admin("nonsense")
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.simulator.admin("faults", "PUT", {"faults": [{"kind": "Nonsense"}]})
        self.assertEqual(caught.exception.code, 400)
        caught.exception.close()

    def test_faults_have_the_codes_of_the_service_they_strike(self):
        calls = {"bedrock:ListGuardrails": self.bedrock.list_guardrails,
                 "organizations:ListRoots": self.organizations.list_roots,
                 "sts:GetCallerIdentity": self.sts.get_caller_identity}
        rows = [
            ("Throttle", ["ThrottlingException", "TooManyRequestsException", "Throttling"],
             [429, 400, 400]),
            ("ErrorBefore", ["InternalServerException", "ServiceException", "InternalFailure"],
             [500, 500, 500]),
            ("Denied", ["AccessDeniedException", "AccessDeniedException", "AccessDenied"],
             [403, 400, 403]),
        ]
        for kind, codes, statuses in rows:
            for (operation, call), code, status in zip(calls.items(), codes, statuses):
                with self.subTest(kind=kind, operation=operation):
                    self.faults({"kind": kind, "operation": operation, "count": 1})
                    self.fails(code, call, status=status)
                    call()

    def test_an_error_after_has_done_what_it_denies(self):
        self.faults({"kind": "ErrorAfter", "operation": "bedrock:CreateGuardrail", "count": 1})
        self.fails("InternalServerException", self.bedrock.create_guardrail, status=500,
                   **self.content("lost"))
        names = [row["name"] for row in self.bedrock.list_guardrails()["guardrails"]]
        self.assertIn("lost", names)

    def test_an_outage_is_of_one_region(self):
        self.faults({"kind": "Outage", "operation": "bedrock:*", "region": "eu-west-1"})
        far = self.simulator.client("bedrock", region="eu-west-1")
        self.fails("ServiceUnavailableException", far.list_guardrails, status=503)
        self.bedrock.list_guardrails()

    def test_latency_holds_answers_back(self):
        self.faults({"kind": "Latency", "operation": "bedrock:ListGuardrails", "milliseconds": 300})
        start = time.monotonic()
        self.bedrock.list_guardrails()
        self.assertGreaterEqual(time.monotonic() - start, 0.3)

    def test_a_stale_read_shows_the_world_before(self):
        arn = self.created("stale")
        self.faults({"kind": "StaleRead", "operation": "bedrock:GetGuardrail", "count": 1,
                     "milliseconds": 3_600_000})
        self.fails("ResourceNotFoundException", self.bedrock.get_guardrail, guardrailIdentifier=arn)
        self.bedrock.get_guardrail(guardrailIdentifier=arn)

    def test_sessions_end_when_the_clock_says_so(self):
        member = self.member("bedrock", "200000000001")
        member.list_guardrails()
        self.simulator.admin("clock", "PUT", {"advanceMilliseconds": 3_601_000})
        self.fails("ExpiredTokenException", member.list_guardrails, status=403)

    def test_switches_change_what_nobody_has_confirmed(self):
        default = self.simulator.admin("switches")
        self.addCleanup(self.simulator.admin, "switches", "PUT", default)
        member = self.member("bedrock", "200000000002")
        switch = lambda **more: self.simulator.admin("switches", "PUT", default | more)
        switch(enforced_list_empty="not_found")
        self.fails("ResourceNotFoundException", member.list_enforced_guardrails_configuration,
                   status=404)
        switch(echo_defaults="all")
        live = self.ready(self.bedrock, self.created("echoed"))
        word, = live["wordPolicy"]["words"]
        self.assertEqual((word["inputAction"], word["outputEnabled"]), ("BLOCK", True))
        switch(account_status=True, account_paths=False)
        account = self.organizations.describe_account(AccountId="310000000001")["Account"]
        self.assertEqual(account["Status"], "ACTIVE")
        self.assertNotIn("Paths", account)

    def test_a_guardrail_that_is_not_ready_is_neither_updated_nor_published(self):
        default = self.simulator.admin("switches")
        self.addCleanup(self.simulator.admin, "switches", "PUT", default)
        self.simulator.admin("switches", "PUT", default | {"ready_delay_ms": 600_000})
        slow = self.bedrock.create_guardrail(**self.content("slow"))["guardrailArn"]
        live = self.bedrock.get_guardrail(guardrailIdentifier=slow)
        self.assertEqual(live["status"], "CREATING")
        self.fails("ConflictException", self.bedrock.update_guardrail, status=400,
                   guardrailIdentifier=slow, **self.content("slow"))
        self.fails("ConflictException", self.bedrock.create_guardrail_version, status=400,
                   guardrailIdentifier=slow)

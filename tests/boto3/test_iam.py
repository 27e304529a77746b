"""IAM: roles, whom they trust, what they may do."""

import json

from stage import Case

ACCOUNT = "200000000018"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(principal):
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def allowing(actions, resource="*", **more):
    return document({"Effect": "Allow", "Action": actions, "Resource": resource, **more})


class Roles(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keys = cls.simulator.assume(ACCOUNT, role="OrganizationAccountAccessRole")
        cls.iam = cls.simulator.client("iam", keys)
        cls.everyone = trusting({"AWS": f"arn:aws:iam::{cls.management}:root"})

    def made(self, name, trust=None, **more):
        """A role until the end of the test. Returns it."""
        made = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=trust or self.everyone, **more)["Role"]

        def remove():
            for policy in self.pages(self.iam, "list_role_policies", "PolicyNames", RoleName=name):
                self.iam.delete_role_policy(RoleName=name, PolicyName=policy)
            self.iam.delete_role(RoleName=name)

        self.addCleanup(remove)
        return made

    def allow(self, name, actions, policy="all", **more):
        self.iam.put_role_policy(
            RoleName=name, PolicyName=policy, PolicyDocument=allowing(actions, **more))

    def session(self, name, service="bedrock"):
        return self.simulator.client(service, self.simulator.assume(ACCOUNT, role=name))

    def test_a_role_is_read_as_it_was_made(self):
        made = self.made("Whole", Path="/teams/", Description="Ours.", MaxSessionDuration=7200,
                         Tags=[{"Key": "team", "Value": "ai"}])
        self.assertEqual(made["Arn"], f"arn:aws:iam::{ACCOUNT}:role/teams/Whole")
        read = self.iam.get_role(RoleName="Whole")["Role"]
        self.assertEqual(made, read)
        self.assertEqual(read["AssumeRolePolicyDocument"], json.loads(self.everyone))
        self.assertEqual((read["Path"], read["MaxSessionDuration"]), ("/teams/", 7200))
        self.assertEqual(read["Tags"], [{"Key": "team", "Value": "ai"}])
        keys = self.simulator.assume(ACCOUNT, role="teams/Whole", DurationSeconds=7200)
        identity = self.simulator.client("sts", keys).get_caller_identity()
        self.assertEqual(identity["UserId"].split(":")[0], read["RoleId"])

    def test_a_name_is_taken_once_whatever_its_case(self):
        self.made("Once")
        self.fails("EntityAlreadyExists", self.iam.create_role, status=409,
                   RoleName="ONCE", AssumeRolePolicyDocument=self.everyone)
        self.fails("EntityAlreadyExists", self.iam.create_role,
                   RoleName="BedrailMember", AssumeRolePolicyDocument=self.everyone)

    def test_what_is_not_there_is_no_such_entity(self):
        nobody = {"RoleName": "Nobody"}
        for call, more in [
            (self.iam.get_role, {}),
            (self.iam.delete_role, {}),
            (self.iam.list_role_policies, {}),
            (self.iam.update_assume_role_policy, {"PolicyDocument": self.everyone}),
            (self.iam.put_role_policy, {"PolicyName": "x", "PolicyDocument": allowing("s3:*")}),
            (self.iam.get_role_policy, {"PolicyName": "x"}),
            (self.iam.delete_role_policy, {"PolicyName": "x"}),
        ]:
            self.fails("NoSuchEntity", call, status=404, **nobody, **more)
        self.made("Bare")
        for call in (self.iam.get_role_policy, self.iam.delete_role_policy):
            self.fails("NoSuchEntity", call, status=404, RoleName="Bare", PolicyName="x")

    def test_lists_come_in_pages_and_by_path(self):
        for number in range(3):
            self.made(f"Paged{number}", Path="/paged/")
        config = {"PageSize": 2}
        names = [role["RoleName"] for role in self.pages(
            self.iam, "list_roles", "Roles", PathPrefix="/paged/", PaginationConfig=config)]
        self.assertEqual(names, ["Paged0", "Paged1", "Paged2"])
        self.assertTrue(self.iam.list_roles(MaxItems=1)["IsTruncated"])
        for number in range(3):
            self.allow("Paged0", "s3:GetObject", policy=f"p{number}")
        self.assertEqual(self.pages(self.iam, "list_role_policies", "PolicyNames",
                                    RoleName="Paged0", PaginationConfig=config), ["p0", "p1", "p2"])
        read = self.iam.get_role_policy(RoleName="Paged0", PolicyName="p1")
        self.assertEqual(read["PolicyDocument"], json.loads(allowing("s3:GetObject")))

    def test_a_role_with_policies_is_not_deleted(self):
        self.made("Full")
        self.allow("Full", "s3:GetObject")
        self.fails("DeleteConflict", self.iam.delete_role, status=409, RoleName="Full")

    def test_what_a_policy_says_is_in_force_with_the_next_call(self):
        self.made("Worker")
        worker = self.session("Worker")
        self.fails("AccessDeniedException", worker.list_guardrails)
        self.allow("Worker", "bedrock:List*")
        worker.list_guardrails()
        self.iam.delete_role_policy(RoleName="Worker", PolicyName="all")
        self.fails("AccessDeniedException", worker.list_guardrails)

    def test_whom_a_role_trusts_is_in_force_with_the_next_session(self):
        self.made("Trusting")
        self.session("Trusting")
        self.iam.update_assume_role_policy(
            RoleName="Trusting", PolicyDocument=trusting({"Service": "bedrock.amazonaws.com"}))
        self.fails("AccessDenied", self.sts.assume_role, RoleSessionName="no",
                   RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Trusting")
        self.iam.update_assume_role_policy(RoleName="Trusting", PolicyDocument=self.everyone)
        self.session("Trusting")

    def test_documents_that_are_none_are_refused(self):
        self.made("Strict")
        role = {"RoleName": "Strict"}
        for text in [
            "{",
            "[]",
            document({"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}),
            document({"Effect": "Allow", "Resource": "*"}),
            document({"Effect": "Allow", "Action": "s3:*"}),
            document({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}),
            document({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
                      "Condition": {"StringMatches": {"a": "b"}}}),
        ]:
            self.fails("MalformedPolicyDocument", self.iam.put_role_policy, status=400,
                       PolicyName="x", PolicyDocument=text, **role)
        for text in [
            allowing("sts:AssumeRole"),
            document({"Effect": "Allow", "Action": "sts:AssumeRole"}),
            trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:role/Nobody"}),
        ]:
            self.fails("MalformedPolicyDocument", self.iam.update_assume_role_policy, status=400,
                       PolicyDocument=text, **role)
        long = allowing([f"s3:{'x' * 100}{number}" for number in range(120)])
        self.fails("LimitExceeded", self.iam.put_role_policy, status=409, PolicyName="x",
                   PolicyDocument=long, **role)
        self.assertEqual(self.iam.list_role_policies(**role)["PolicyNames"], [])

    def test_a_role_without_the_permission_is_refused(self):
        self.made("Reader")
        self.allow("Reader", ["iam:Get*", "iam:List*"])
        reader = self.session("Reader", "iam")
        reader.get_role(RoleName="Reader")
        reader.list_roles()
        self.fails("AccessDenied", reader.delete_role, status=403, RoleName="Reader")
        self.fails("AccessDenied", reader.simulate_principal_policy, status=403,
                   PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/Reader", ActionNames=["s3:Get"])


class Simulation(Case):
    """SimulatePrincipalPolicy."""

    GUARDRAILS = [f"arn:aws:bedrock:{region}:100000000001:guardrail/abc123abc123"
                  for region in ("us-east-1", "eu-west-1")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keys = cls.simulator.assume(ACCOUNT, role="OrganizationAccountAccessRole")
        cls.iam = cls.simulator.client("iam", keys)
        cls.arn = cls.iam.create_role(
            RoleName="Simulated", AssumeRolePolicyDocument=trusting({"AWS": cls.management}),
        )["Role"]["Arn"]

    @classmethod
    def tearDownClass(cls):
        for policy in cls.iam.list_role_policies(RoleName="Simulated")["PolicyNames"]:
            cls.iam.delete_role_policy(RoleName="Simulated", PolicyName=policy)
        cls.iam.delete_role(RoleName="Simulated")
        super().tearDownClass()

    def may(self, policy, **more):
        """The result about both guardrails, and the decision of each."""
        self.iam.put_role_policy(RoleName="Simulated", PolicyName="all", PolicyDocument=policy)
        result, = self.pages(
            self.iam, "simulate_principal_policy", "EvaluationResults", PolicySourceArn=self.arn,
            ActionNames=["bedrock:ApplyGuardrail"], ResourceArns=self.GUARDRAILS, **more)
        each = {row["EvalResourceName"]: row["EvalResourceDecision"]
                for row in result["ResourceSpecificResults"]}
        return result, [each[arn] for arn in self.GUARDRAILS]

    def test_each_resource_has_its_decision_and_the_strictest_stands_above(self):
        result, each = self.may(allowing("bedrock:Apply*", self.GUARDRAILS[0]))
        self.assertEqual(each, ["allowed", "implicitDeny"])
        self.assertEqual(result["EvalDecision"], "implicitDeny")
        self.assertTrue(result["OrganizationsDecisionDetail"]["AllowedByOrganizations"])
        result, each = self.may(document(
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "bedrock:*", "Resource": self.GUARDRAILS[1]}))
        self.assertEqual(each, ["allowed", "explicitDeny"])
        self.assertEqual(result["EvalDecision"], "explicitDeny")

    def test_a_condition_needs_its_key(self):
        policy = allowing(
            "bedrock:*", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})
        result, each = self.may(policy)
        self.assertEqual(each, ["implicitDeny", "implicitDeny"])
        self.assertEqual(result["MissingContextValues"], ["aws:RequestedRegion"])
        given = [{"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": ["us-east-1"],
                  "ContextKeyType": "string"}]
        result, each = self.may(policy, ContextEntries=given)
        self.assertEqual(each, ["allowed", "allowed"])
        self.assertEqual(result["MissingContextValues"], [])

    def test_without_resources_everything_is_meant(self):
        self.iam.put_role_policy(
            RoleName="Simulated", PolicyName="all", PolicyDocument=allowing(["s3:GetObject"]))
        rows = self.iam.simulate_principal_policy(
            PolicySourceArn=self.arn, ActionNames=["s3:GetObject", "s3:PutObject"])
        found = {row["EvalActionName"]: row["EvalDecision"] for row in rows["EvaluationResults"]}
        self.assertEqual(found, {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny"})

    def test_who_is_not_there_cannot_be_simulated(self):
        call, actions = self.iam.simulate_principal_policy, {"ActionNames": ["s3:GetObject"]}
        self.fails("NoSuchEntity", call, status=404, **actions,
                   PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/Nobody")
        self.fails("InvalidInput", call, status=400, **actions,
                   PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:thing/Nobody")
        self.fails("InvalidInput", call, status=400, PolicySourceArn=self.arn, ActionNames=["all"])

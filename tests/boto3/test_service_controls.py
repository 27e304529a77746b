"""Service control policies from manifests, seen by a developer who may do everything in Bedrock
and IAM."""

import json
import pathlib
import tempfile

from stage import HERE, MODEL, Case, Simulator

SHOP = "310000000001"
SANDBOX = "410000000001"  # Below no policy of protection.
MANIFESTS = """
apiVersion: bedrail.dev/v1alpha1
kind: Guardrail
metadata: {name: baseline}
spec:
  regions: [us-east-1]
  shareWith: Organization
  content:
    blockedInputMessaging: Blocked by policy.
    blockedOutputsMessaging: Blocked by policy.
    wordPolicyConfig: {wordsConfig: [{text: heliotrope}]}
---
apiVersion: bedrail.dev/v1alpha1
kind: Guardrail
metadata: {name: placed}
spec:
  regions: [us-east-1]
  accounts: [{account: "310000000001"}]
  content:
    blockedInputMessaging: Blocked by policy.
    blockedOutputsMessaging: Blocked by policy.
    wordPolicyConfig: {wordsConfig: [{text: amaranth}]}
---
apiVersion: bedrail.dev/v1alpha1
kind: AccountEnforcement
metadata: {name: workloads}
spec:
  guardrail: baseline
  targets: [{organizationalUnit: /Workloads}]
---
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: models}
spec:
  approvedModels: [amazon.nova-*]
  targets: [{organization: true}]
---
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: protection}
spec:
  protectEnforcement: {}
  targets: [{organizationalUnit: /Workloads}]
"""


class Controlled(Case):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(str(HERE / "landing-zone.yaml"))
        cls.addClassCleanup(cls.simulator.close)
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "all.yaml").write_text(MANIFESTS)
        cls.folder = folder.name
        cls.applied = cls.simulator.bedrail("apply", "-f", cls.folder, "--wait", "120s")
        cls.developer = cls.role("bedrock")
        cls.caller = cls.role("bedrock-runtime")

    @classmethod
    def role(cls, service, account=SHOP):
        return cls.simulator.client(service, cls.simulator.assume(account, role="Developer"))

    def ask(self, model, text="Hello."):
        message = {"role": "user", "content": [{"text": text}]}
        return self.caller.converse(modelId=model, messages=[message])

    def test_apply_ends_well_and_then_there_is_nothing_to_do(self):
        self.assertEqual(self.applied.returncode, 0, self.applied.stdout + self.applied.stderr)
        done = self.simulator.bedrail("plan", "--detailed-exitcode", "-f", self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_policies_are_what_the_manifests_say(self):
        rows = self.pages(self.organizations, "list_policies", "Policies",
                          Filter="SERVICE_CONTROL_POLICY")
        ours = {row["Name"]: row["Id"] for row in rows if not row["AwsManaged"]}
        self.assertEqual(sorted(ours), ["bedrail-default-models.scp", "bedrail-default-protection.scp"])
        targets = {name: [it["TargetId"] for it in self.pages(
            self.organizations, "list_targets_for_policy", "Targets", PolicyId=policy)]
            for name, policy in ours.items()}
        self.assertEqual(targets, {"bedrail-default-models.scp": ["r-land"],
                                   "bedrail-default-protection.scp": ["ou-land-workload"]})
        policy = self.organizations.describe_policy(PolicyId=ours["bedrail-default-protection.scp"])
        document = json.loads(policy["Policy"]["Content"])
        role, = [it for it in document["Statement"] if "iam:UpdateAssumeRolePolicy" in it["Action"]]
        self.assertEqual(role["Resource"], ["arn:aws:iam::*:role/BedrailMember"])
        self.assertNotIn("Condition", role)
        for action in ("iam:CreateRole", "iam:DeleteRole", "iam:PutRolePolicy", "iam:PassRole"):
            self.assertIn(action, role["Action"])

    def test_a_developer_cannot_remove_or_replace_the_enforcement(self):
        live, = self.developer.list_enforced_guardrails_configuration()["guardrailsConfig"]
        self.fails("AccessDeniedException", self.developer.delete_enforced_guardrail_configuration,
                   configId=live["configId"])
        self.fails("AccessDeniedException", self.developer.put_enforced_guardrail_configuration,
                   configId=live["configId"], guardrailInferenceConfig={
                       "guardrailIdentifier": live["guardrailArn"],
                       "guardrailVersion": live["guardrailVersion"],
                       "selectiveContentGuarding": {"messages": "SELECTIVE"}})
        self.fails("AccessDeniedException",
                   self.developer.delete_model_invocation_logging_configuration)

    def test_a_developer_cannot_change_a_guardrail_of_ours_in_the_same_account(self):
        rows = self.developer.list_guardrails()["guardrails"]
        arn, = [row["arn"] for row in rows if row["name"] == "placed"]
        weaker = self.content("placed", "harmless")
        self.fails("AccessDeniedException", self.developer.update_guardrail,
                   guardrailIdentifier=arn, **weaker)
        self.fails("AccessDeniedException", self.developer.delete_guardrail,
                   guardrailIdentifier=arn)
        self.fails("AccessDeniedException", self.developer.untag_resource,
                   resourceARN=arn, tagKeys=["bedrail:owner"])

    def changes_of_our_role(self, iam, account):
        """Everything that would let a developer act as our role, or end it."""
        trust = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "sts:AssumeRole"}]})
        everything = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "*", "Resource": "*"}]})
        ours = {"RoleName": "BedrailMember"}
        return [
            (iam.update_assume_role_policy, ours | {"PolicyDocument": trust}),
            (iam.put_role_policy,
             ours | {"PolicyName": "more", "PolicyDocument": everything}),
            (iam.delete_role_policy, ours | {"PolicyName": "more"}),
            (iam.delete_role_policy, ours | {"PolicyName": "allow"}),
            (iam.delete_role, ours),
            (iam.create_role, ours | {"AssumeRolePolicyDocument": trust}),
        ]

    def test_a_developer_cannot_become_our_role_nor_end_it(self):
        iam = self.role("iam")
        before = iam.get_role(RoleName="BedrailMember")["Role"]["AssumeRolePolicyDocument"]
        for call, arguments in self.changes_of_our_role(iam, SHOP):
            error = self.fails("AccessDenied", call, status=403, **arguments)
            self.assertIn("explicit deny in a service control policy", error["Error"]["Message"])
        after = iam.get_role(RoleName="BedrailMember")["Role"]["AssumeRolePolicyDocument"]
        self.assertEqual(before, after)
        self.fails("AccessDenied", self.role("sts").assume_role,
                   RoleArn=f"arn:aws:iam::{SHOP}:role/BedrailMember", RoleSessionName="no")
        self.member("bedrock", SHOP).list_guardrails()

    def test_where_nothing_protects_it_a_developer_can(self):
        iam = self.role("iam", SANDBOX)
        for call, arguments in self.changes_of_our_role(iam, SANDBOX):
            call(**arguments)
        # The new one trusts his own account.
        self.role("sts", SANDBOX).assume_role(
            RoleArn=f"arn:aws:iam::{SANDBOX}:role/BedrailMember", RoleSessionName="yes")

    def test_a_developer_manages_roles_of_his_own(self):
        iam, sts = self.role("iam"), self.role("sts")
        mine = {"RoleName": "Mine"}
        arn = iam.create_role(**mine, AssumeRolePolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SHOP}:role/Developer"},
                "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="boto3")["Credentials"]
        session = self.simulator.client("bedrock", keys)
        self.fails("AccessDeniedException", session.list_guardrails)
        iam.put_role_policy(**mine, PolicyName="all", PolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}]}))
        session.list_guardrails()
        # What he gives he does not have: the organization stands above both.
        live, = session.list_enforced_guardrails_configuration()["guardrailsConfig"]
        self.fails("AccessDeniedException", session.delete_enforced_guardrail_configuration,
                   configId=live["configId"])
        iam.delete_role_policy(**mine, PolicyName="all")
        self.fails("AccessDeniedException", session.list_guardrails)
        iam.delete_role(**mine)
        self.fails("NoSuchEntity", iam.get_role, status=404, **mine)

    def test_a_developer_still_manages_guardrails_of_his_own(self):
        arn = self.created("mine", bedrock=self.developer)
        self.developer.update_guardrail(guardrailIdentifier=arn, **self.content("mine", "lion"))
        self.ready(self.developer, arn)
        self.assertEqual(self.publish(arn, self.developer), "1")
        self.developer.delete_guardrail(guardrailIdentifier=arn)

    def test_a_developer_calls_approved_models_and_no_others_and_is_guarded(self):
        self.assertEqual(self.ask(MODEL)["stopReason"], "end_turn")
        self.assertEqual(self.ask(MODEL, "heliotrope")["stopReason"], "guardrail_intervened")
        other = "anthropic.claude-3-haiku-20240307-v1:0"
        message = {"role": "user", "content": [{"text": "Hello."}]}
        for call in (self.caller.converse, self.caller.converse_stream):
            self.fails("AccessDeniedException", call, modelId=other, messages=[message])
        body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1,
                           "messages": [{"role": "user", "content": "Hello."}]})
        for call in (self.caller.invoke_model, self.caller.invoke_model_with_response_stream):
            self.fails("AccessDeniedException", call, modelId=other, body=body)

    def test_no_invariant_was_broken_on_the_way(self):
        self.assertEqual(self.simulator.admin("violations"), {"violations": []})

"""The tree, its accounts and units, tags, delegation."""

import json

from stage import Case, until


class Tree(Case):
    def test_accounts_come_in_pages_of_twenty(self):
        first = self.organizations.list_accounts()
        self.assertEqual(len(first["Accounts"]), 20)
        self.fails("InvalidInputException", self.organizations.list_accounts, MaxResults=21)
        self.fails("InvalidInputException", self.organizations.list_accounts, NextToken="made-up")
        paged = self.pages(self.organizations, "list_accounts", "Accounts")
        small = self.pages(self.organizations, "list_accounts", "Accounts",
                           PaginationConfig={"PageSize": 7})
        self.assertEqual(paged, small)
        ids = [account["Id"] for account in paged]
        self.assertGreater(len(ids), 25)
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_walk_of_the_tree_meets_every_account_once(self):
        # Tests before this one may have created units; accounts never vanish.
        organizations, found = self.organizations, []

        def walk(parent):
            direct = self.pages(organizations, "list_accounts_for_parent", "Accounts",
                                ParentId=parent)
            children = self.pages(organizations, "list_children", "Children",
                                  ParentId=parent, ChildType="ACCOUNT")
            self.assertEqual([it["Id"] for it in children], [it["Id"] for it in direct])
            found.extend(it["Id"] for it in direct)
            units = self.pages(organizations, "list_organizational_units_for_parent",
                               "OrganizationalUnits", ParentId=parent)
            for unit in units:
                above, = organizations.list_parents(ChildId=unit["Id"])["Parents"]
                self.assertEqual(above["Id"], parent)
                described = organizations.describe_organizational_unit(
                    OrganizationalUnitId=unit["Id"])["OrganizationalUnit"]
                self.assertEqual(described, unit)
                walk(unit["Id"])

        walk(self.root)
        listed = self.pages(organizations, "list_accounts", "Accounts")
        self.assertEqual(sorted(found), sorted(it["Id"] for it in listed))

    def test_accounts_say_their_state_and_path(self):
        described = lambda account: self.organizations.describe_account(AccountId=account)["Account"]
        shop = described("310000000001")
        self.assertEqual((shop["Name"], shop["State"]), ("shop", "ACTIVE"))
        self.assertTrue(shop["Paths"][0].startswith(
            f"{self.organization}/{self.root}/ou-pyth-workload/ou-pyth-workprod/"))
        self.assertEqual(described("410000000003")["State"], "SUSPENDED")
        self.fails("AccountNotFoundException", self.organizations.describe_account,
                   AccountId="999999999999", status=400)
        self.fails("ParentNotFoundException", self.organizations.list_accounts_for_parent,
                   ParentId="ou-pyth-nowhere0")
        self.fails("OrganizationalUnitNotFoundException",
                   self.organizations.describe_organizational_unit,
                   OrganizationalUnitId="ou-pyth-nowhere0")

    def test_units_are_made_renamed_filled_emptied_and_deleted(self):
        organizations = self.organizations
        unit = organizations.create_organizational_unit(
            ParentId=self.root, Name="temporary", Tags=[{"Key": "a", "Value": "1"}])
        unit = unit["OrganizationalUnit"]["Id"]
        self.fails("DuplicateOrganizationalUnitException",
                   organizations.create_organizational_unit, ParentId=self.root, Name="temporary")
        renamed = organizations.update_organizational_unit(OrganizationalUnitId=unit, Name="renamed")
        self.assertEqual(renamed["OrganizationalUnit"]["Name"], "renamed")
        move = {"AccountId": "200000000012", "SourceParentId": self.root,
                "DestinationParentId": unit}
        organizations.move_account(**move)
        self.fails("SourceParentNotFoundException", organizations.move_account, **move)
        self.fails("OrganizationalUnitNotEmptyException",
                   organizations.delete_organizational_unit, OrganizationalUnitId=unit)
        organizations.move_account(AccountId="200000000012", SourceParentId=unit,
                                   DestinationParentId=self.root)
        organizations.delete_organizational_unit(OrganizationalUnitId=unit)

    def test_an_account_is_created_used_and_closed(self):
        organizations = self.organizations
        request = organizations.create_account(Email="new@example.com", AccountName="new")
        request = request["CreateAccountStatus"]["Id"]

        def created():
            status = organizations.describe_create_account_status(CreateAccountRequestId=request)
            status = status["CreateAccountStatus"]
            return status if status["State"] == "SUCCEEDED" else None

        account = until("the account is created", created)["AccountId"]
        self.assertEqual(
            self.member("bedrock", account, role="OrganizationAccountAccessRole")
            .list_guardrails()["guardrails"], [])
        organizations.close_account(AccountId=account)
        state = organizations.describe_account(AccountId=account)["Account"]["State"]
        self.assertEqual(state, "PENDING_CLOSURE")
        self.fails("AccountAlreadyClosedException", organizations.close_account, AccountId=account)
        self.fails("ConstraintViolationException", organizations.close_account,
                   AccountId=self.management)
        organizations.remove_account_from_organization(AccountId=account)
        self.fails("AccountNotFoundException", organizations.describe_account, AccountId=account)
        self.fails("MasterCannotLeaveOrganizationException",
                   organizations.remove_account_from_organization, AccountId=self.management)

    def test_tags_of_every_kind_of_resource(self):
        organizations = self.organizations
        for resource in (self.root, "ou-pyth-sandbox0", "310000000002"):
            read = lambda: {tag["Key"]: tag["Value"] for tag in
                            self.pages(organizations, "list_tags_for_resource", "Tags",
                                       ResourceId=resource)}
            organizations.tag_resource(ResourceId=resource, Tags=[
                {"Key": f"key-{index:02}", "Value": "x"} for index in range(30)])
            self.assertEqual(len(read()), 30)
            organizations.untag_resource(
                ResourceId=resource, TagKeys=[f"key-{index:02}" for index in range(29)])
            self.assertEqual(read(), {"key-29": "x"})
        self.fails("TargetNotFoundException", organizations.tag_resource,
                   ResourceId="ou-pyth-nowhere0", Tags=[{"Key": "a", "Value": "b"}])
        self.fails("InvalidInputException", organizations.tag_resource,
                   ResourceId=self.root, Tags=[{"Key": "aws:x", "Value": "b"}])


class Delegation(Case):
    def test_a_member_administers_what_the_resource_policy_delegates(self):
        organizations, account = self.organizations, "200000000013"
        member = self.member("organizations", account, role="OrganizationAccountAccessRole")
        self.fails("AccessDeniedException", member.list_accounts)
        self.fails("ResourcePolicyNotFoundException", organizations.describe_resource_policy)
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": ["organizations:List*"], "Resource": "*"}]}
        put = organizations.put_resource_policy(Content=json.dumps(policy))["ResourcePolicy"]
        self.assertEqual(json.loads(put["Content"]), policy)
        self.assertEqual(organizations.describe_resource_policy()["ResourcePolicy"], put)
        self.assertTrue(member.list_accounts()["Accounts"])
        self.fails("AccessDeniedException", member.put_resource_policy, Content="{}")
        organizations.delete_resource_policy()
        self.fails("AccessDeniedException", member.list_accounts)
        self.fails("InvalidInputException", organizations.put_resource_policy, Content="no JSON")

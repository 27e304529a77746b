//! Reads of the tree, and the administrators' changes to it.

use aws_sdk_organizations::types::{ChildType, ParentType};
use bedrail::simulator::Scenario;

use crate::support::{CLOSING, PAYMENTS, PLAYGROUND, SHOP, Sim, code};

#[tokio::test]
async fn accounts_come_in_pages_of_twenty() {
    let sim = Sim::start(&Scenario::generate(45, 6, 3)).await;
    let client = sim.organizations().await;

    let first = client.list_accounts().send().await.unwrap();
    assert_eq!(first.accounts().len(), 20);
    assert!(first.next_token().is_some());

    let pages: Vec<_> = client
        .list_accounts()
        .into_paginator()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.accounts().len()).collect();
    assert_eq!(sizes, [20, 20, 6]);

    let small = client.list_accounts().max_results(5).send().await.unwrap();
    assert_eq!(small.accounts().len(), 5);
    let stolen = client.list_roots().next_token(small.next_token().unwrap()).send().await;
    assert_eq!(code(stolen), "InvalidInputException");
}

#[tokio::test]
async fn generated_organizations_are_equal_for_equal_seeds() {
    let worlds: Vec<String> = [9, 9, 10]
        .into_iter()
        .map(|seed| {
            let world = Scenario::generate(30, 20, seed).build(seed, 0).unwrap();
            format!("{:?}", world.organization)
        })
        .collect();
    assert_eq!(worlds[0], worlds[1]);
    assert_ne!(worlds[0], worlds[2]);
}

#[tokio::test]
async fn tree_reads_agree_with_the_paths_of_accounts() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;

    let organization = client.describe_organization().send().await.unwrap();
    let organization = organization.organization().unwrap();
    assert_eq!(organization.id(), Some("o-smallorg01"));
    assert_eq!(organization.master_account_id(), Some("111122223333"));

    let roots = client.list_roots().send().await.unwrap();
    assert_eq!(roots.roots()[0].id(), Some("r-smal"));
    let types: Vec<_> = roots.roots()[0]
        .policy_types()
        .iter()
        .map(|kind| kind.r#type().unwrap().as_str())
        .collect();
    assert_eq!(types, ["SERVICE_CONTROL_POLICY", "BEDROCK_POLICY"]);

    let account = client.describe_account().account_id(PAYMENTS).send().await.unwrap();
    let account = account.account().unwrap();
    assert_eq!(
        account.paths(),
        ["o-smallorg01/r-smal/ou-smal-workload/ou-smal-prodprod/333344445555/"]
    );
    assert_eq!(account.state().unwrap().as_str(), "ACTIVE");
    assert!(account.status().is_none(), "Status was retired, see the switch account_status");
    assert!(account.joined_timestamp().is_some());

    let parents = client.list_parents().child_id(PAYMENTS).send().await.unwrap();
    assert_eq!(parents.parents()[0].id(), Some("ou-smal-prodprod"));
    assert_eq!(parents.parents()[0].r#type(), Some(&ParentType::OrganizationalUnit));

    let children = client
        .list_children()
        .parent_id("ou-smal-workload")
        .child_type(ChildType::OrganizationalUnit)
        .send()
        .await
        .unwrap();
    assert_eq!(children.children().len(), 2);
    let accounts =
        client.list_accounts_for_parent().parent_id("ou-smal-prodprod").send().await.unwrap();
    assert_eq!(accounts.accounts().len(), 2);
    let unit = client
        .describe_organizational_unit()
        .organizational_unit_id("ou-smal-prodprod")
        .send()
        .await
        .unwrap();
    let path = unit.organizational_unit().unwrap().path().unwrap().to_owned();
    assert_eq!(path, "o-smallorg01/r-smal/ou-smal-workload/ou-smal-prodprod/");
}

#[tokio::test]
async fn unknown_and_misspelt_ids_have_their_own_errors() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let unknown = client.describe_account().account_id("999999999999").send().await;
    assert_eq!(code(unknown), "AccountNotFoundException");
    let misspelt = client.describe_account().account_id("12").send().await;
    assert_eq!(code(misspelt), "InvalidInputException");
    let parent = client.list_accounts_for_parent().parent_id("ou-smal-nothere1").send().await;
    assert_eq!(code(parent), "ParentNotFoundException");
    let child = client.list_parents().child_id("999999999999").send().await;
    assert_eq!(code(child), "ChildNotFoundException");
    let unit = client
        .describe_organizational_unit()
        .organizational_unit_id("ou-smal-nothere1")
        .send()
        .await;
    assert_eq!(code(unit), "OrganizationalUnitNotFoundException");
}

#[tokio::test]
async fn units_have_unique_names_five_levels_and_are_deleted_empty() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let create = |parent: String, name: &str| {
        client.create_organizational_unit().parent_id(parent).name(name).send()
    };
    let duplicate = create("ou-smal-workload".to_owned(), "Prod").await;
    assert_eq!(code(duplicate), "DuplicateOrganizationalUnitException");

    let mut parent = "r-smal".to_owned();
    for level in 1..=5 {
        let unit = create(parent, &format!("level-{level}")).await.unwrap();
        parent = unit.organizational_unit().unwrap().id().unwrap().to_owned();
    }
    assert_eq!(code(create(parent.clone(), "level-6").await), "ConstraintViolationException");

    let delete = |id: &str| client.delete_organizational_unit().organizational_unit_id(id).send();
    assert_eq!(code(delete("ou-smal-prodprod").await), "OrganizationalUnitNotEmptyException");
    assert_eq!(code(delete(&parent).await), "success");
    assert_eq!(code(delete(&parent).await), "OrganizationalUnitNotFoundException");
}

#[tokio::test]
async fn moved_account_has_the_effective_policy_of_its_new_place() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let unit =
        client.create_organizational_unit().parent_id("r-smal").name("Moved").send().await.unwrap();
    let unit = unit.organizational_unit().unwrap().id().unwrap().to_owned();
    let step = |from: &str, to: &str| {
        client
            .move_account()
            .account_id(SHOP)
            .source_parent_id(from)
            .destination_parent_id(to)
            .send()
    };
    assert_eq!(code(step("r-smal", &unit).await), "SourceParentNotFoundException");
    assert_eq!(
        code(step("ou-smal-prodprod", "ou-smal-nothere1").await),
        "DestinationParentNotFoundException"
    );
    assert_eq!(
        code(step("ou-smal-prodprod", "ou-smal-prodprod").await),
        "DuplicateAccountException"
    );
    assert_eq!(code(step("ou-smal-prodprod", &unit).await), "success");
    let account = client.describe_account().account_id(SHOP).send().await.unwrap();
    let paths = account.account().unwrap().paths().to_vec();
    assert_eq!(paths, [format!("o-smallorg01/r-smal/{unit}/{SHOP}/")]);
}

#[tokio::test]
async fn created_account_can_be_entered_and_closed_account_cannot() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let request =
        client.create_account().email("new@example.com").account_name("new").send().await.unwrap();
    let request = request.create_account_status().unwrap();
    assert_eq!(request.state().unwrap().as_str(), "IN_PROGRESS");
    sim.advance(500);
    let status = client
        .describe_create_account_status()
        .create_account_request_id(request.id().unwrap())
        .send()
        .await
        .unwrap();
    let status = status.create_account_status().unwrap();
    assert_eq!(status.state().unwrap().as_str(), "SUCCEEDED");
    let account = status.account_id().unwrap().to_owned();
    sim.assume(&account, "OrganizationAccountAccessRole").await;

    client.close_account().account_id(&account).send().await.unwrap();
    let enter = |account: &str, role: &str| {
        let arn = format!("arn:aws:iam::{account}:role/{role}");
        let sim = &sim;
        async move {
            code(sim.sts().await.assume_role().role_arn(arn).role_session_name("te").send().await)
        }
    };
    assert_eq!(enter(&account, "OrganizationAccountAccessRole").await, "AccessDenied");
    assert_eq!(enter(CLOSING, "BedrailMember").await, "AccessDenied");
    assert_eq!(enter(PLAYGROUND, "BedrailMember").await, "AccessDenied");

    let state_of = |client: aws_sdk_organizations::Client, account: String| async move {
        let found = client.describe_account().account_id(account).send().await.unwrap();
        found.account().unwrap().state().unwrap().as_str().to_owned()
    };
    assert_eq!(state_of(client.clone(), account.clone()).await, "PENDING_CLOSURE");
    sim.advance(60_000);
    assert_eq!(state_of(client.clone(), account).await, "CLOSED");
}

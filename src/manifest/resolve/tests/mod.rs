mod controls;
mod enforcements;
mod logging;
mod needs;
mod replicas;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::manifest::{Source, parse};
use crate::model::{
    Account, AccountId, AccountState, Cell, Presence, ReplicaKey, Share, TargetId, Unit, UnitId,
};

const MANAGEMENT: &str = "111111111111";
const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// ```text
/// root ─ 111111111111 (management)
///  ├─ Workloads ─ 222222222222 (environment: production), 333333333333 (SUSPENDED)
///  │   └─ Prod ─ 444444444444
///  └─ Sandbox ─ 555555555555
/// ```
fn fleet() -> Fleet {
    let unit = |id: &str, name: &str, parent: &str| {
        let id: UnitId = id.parse().unwrap();
        (id.clone(), Unit { id, name: name.to_owned(), parent: parent.parse().unwrap() })
    };
    let account = |id: &str, parent: &str, state: AccountState, tags: &[(&str, &str)]| {
        let id: AccountId = id.parse().unwrap();
        let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let parent = parent.parse().unwrap();
        (id.clone(), Account { id, name: "a".to_owned(), state, parent, tags: Some(tags) })
    };
    let suspended = AccountState::Other("SUSPENDED".to_owned());
    Fleet {
        partition: "aws".to_owned(),
        organization: "o-abcdefghij".parse().unwrap(),
        management: MANAGEMENT.parse().unwrap(),
        root: "r-ab12".parse().unwrap(),
        units: BTreeMap::from([
            unit("ou-ab12-11111111", "Workloads", "r-ab12"),
            unit("ou-ab12-22222222", "Prod", "ou-ab12-11111111"),
            unit("ou-ab12-33333333", "Sandbox", "r-ab12"),
        ]),
        accounts: BTreeMap::from([
            account(MANAGEMENT, "r-ab12", AccountState::Active, &[]),
            account(
                "222222222222",
                "ou-ab12-11111111",
                AccountState::Active,
                &[("environment", "production")],
            ),
            account("333333333333", "ou-ab12-11111111", suspended, &[]),
            account("444444444444", "ou-ab12-22222222", AccountState::Active, &[]),
            account("555555555555", "ou-ab12-33333333", AccountState::Active, &[]),
        ]),
    }
}

fn guardrail(spec: &str) -> String {
    format!(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: Guardrail\nmetadata: {{name: baseline}}\nspec: \
         {{regions: [us-east-1, eu-west-1], content: {{blockedInputMessaging: a, \
         blockedOutputsMessaging: b, wordPolicyConfig: {{wordsConfig: [{{text: x}}]}}}}, {spec}}}\n"
    )
}

fn enforcement(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: {kind}Enforcement\nmetadata: {{name: {name}}}\n\
         spec: {{guardrail: baseline, modelEnforcement: {{includedModels: [ALL], excludedModels: \
         [EMBEDDINGS]}}, {spec}}}\n"
    )
}

fn control(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: ServiceControlPolicy\nmetadata: {{name: \
         {name}}}\nspec: {{approvedModels: [anthropic.claude-*], {spec}}}\n"
    )
}

/// Invocation logging to a bucket for each account and Region, unless it says otherwise.
fn logging(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: InvocationLogging\nmetadata: {{name: {name}}}\n\
         spec: {{loggingConfig: {{s3Config: {{bucketName: 'logs-${{account}}-${{region}}'}}}}, {spec}}}\n"
    )
}

fn manifests(texts: &[String]) -> Manifests {
    let files = BTreeMap::from([("m.yaml".into(), texts.concat())]);
    let outcome = parse(&Source::new(files, Vec::new()));
    outcome.manifests.unwrap_or_else(|| panic!("{:#?}", outcome.problems))
}

fn desired(texts: &[String]) -> Desired {
    resolve(&manifests(texts), &fleet(), 7)
}

fn cells(desired: &Desired) -> Vec<String> {
    desired.cells.iter().map(|(cell, it)| format!("{cell} {}", it.enforcement)).collect()
}

fn refusals(desired: &Desired) -> Vec<String> {
    desired.refusals.iter().map(ToString::to_string).collect()
}

fn replica(account: &str, region: &str) -> ReplicaKey {
    ReplicaKey {
        guardrail: "baseline".parse().unwrap(),
        account: account.parse().unwrap(),
        region: region.parse().unwrap(),
    }
}

#[test]
fn a_shared_guardrail_reaches_every_active_account_of_a_selection() {
    let desired = desired(&[
        guardrail("shareWith: Organization"),
        enforcement("Organization", "all", "targets: [{organization: true}]"),
        enforcement("Account", "work", "targets: [{organizationalUnit: /Workloads}]"),
    ]);
    assert_eq!(refusals(&desired), [""; 0]);
    assert_eq!(desired.generation, 7);
    let keys: Vec<_> = desired.replicas.keys().cloned().collect();
    assert_eq!(keys, [replica(MANAGEMENT, "eu-west-1"), replica(MANAGEMENT, "us-east-1")]);
    let revisions: BTreeSet<_> = desired.replicas.values().map(|it| &it.revision).collect();
    assert_eq!(revisions.len(), 1);
    let all = &desired.organization.values().next().unwrap();
    assert_eq!(all.targets, BTreeSet::from(["r-ab12".parse::<TargetId>().unwrap()]));
    assert!(all.settings.exclude_embeddings && all.settings.models.excluded.is_empty());
    assert_eq!(
        cells(&desired),
        [
            "222222222222 eu-west-1 work",
            "222222222222 us-east-1 work",
            "444444444444 eu-west-1 work",
            "444444444444 us-east-1 work",
        ]
    );
    assert!(
        desired
            .cells
            .iter()
            .all(|(cell, it)| { it.replica == replica(MANAGEMENT, cell.region.as_str()) })
    );
    let unreachable: Vec<_> = desired.unreachable.iter().collect();
    assert_eq!(unreachable, [(&"333333333333".parse().unwrap(), &"SUSPENDED".to_owned())]);
}

#[test]
fn a_unit_that_is_not_there_is_refused_and_nothing_else_is() {
    let desired = desired(&[
        guardrail("shareWith: Organization"),
        enforcement(
            "Organization",
            "gone",
            "targets: [{account: '444444444444'}, {organizationalUnit: /Old}]",
        ),
        enforcement("Organization", "there", "targets: [{organizationalUnit: ou-ab12-33333333}]"),
        enforcement(
            "Account",
            "half",
            "regions: [us-east-1], targets: [{organizationalUnit: /Sandbox}, {account: '999999999999'}]",
        ),
    ]);
    assert_eq!(cells(&desired), ["555555555555 us-east-1 half"]);
    let names: Vec<_> = desired.organization.keys().map(Name::as_str).collect();
    assert_eq!(names, ["there"], "an attachment of the other must not be taken for given up");
    let found = refusals(&desired);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].starts_with(
            "AccountEnforcement/half spec.targets[1]: there is no account 999999999999"
        )
    );
    assert!(found[1].starts_with(
        "OrganizationEnforcement/gone spec.targets[1]: there is no organizational unit `/Old`"
    ));
}

#[test]
fn a_path_that_means_two_units_is_refused() {
    let mut fleet = fleet();
    let sandbox: UnitId = "ou-ab12-33333333".parse().unwrap();
    fleet.units.get_mut(&sandbox).unwrap().name = "Workloads/Prod".to_owned();
    let manifests = manifests(&[
        guardrail("shareWith: Organization"),
        enforcement("Account", "one", "targets: [{organizationalUnit: /Workloads/Prod}]"),
    ]);
    let found = resolve(&manifests, &fleet, 1);
    assert!(found.cells.is_empty());
    assert!(refusals(&found)[0].contains("is the path of ou-ab12-22222222, ou-ab12-33333333"));
}

#[test]
fn tags_that_were_not_read_select_nothing_and_say_so() {
    let texts = [
        guardrail("shareWith: Organization"),
        enforcement(
            "Account",
            "tagged",
            "targets: [{accountsWithTags: {environment: production}}]",
        ),
    ];
    let manifests = manifests(&texts);
    assert!(needs_tags(&manifests) && needs_embeddings(&manifests));
    let mut fleet = fleet();
    assert_eq!(resolve(&manifests, &fleet, 1).cells.len(), 2);
    for account in fleet.accounts.values_mut() {
        account.tags = None;
    }
    let unread = resolve(&manifests, &fleet, 1);
    assert!(unread.cells.is_empty());
    assert!(
        refusals(&unread)[0]
            .contains("tags not read of 111111111111, 222222222222, 444444444444 and 1 more")
    );
    for account in fleet.accounts.values_mut() {
        account.tags = Some(BTreeMap::new());
    }
    assert!(refusals(&resolve(&manifests, &fleet, 1))[0].contains("selects no ACTIVE account"));
}

#[test]
fn a_cell_that_two_claim_is_left_to_neither() {
    let desired = desired(&[
        guardrail("shareWith: Organization"),
        enforcement("Account", "one", "targets: [{organizationalUnit: /Workloads}]"),
        enforcement(
            "Account",
            "two",
            "regions: [us-east-1], targets: [{organizationalUnit: /Workloads/Prod}]",
        ),
        enforcement(
            "Account",
            "three",
            "regions: [us-east-1], targets: [{account: '444444444444'}]",
        ),
    ]);
    assert_eq!(
        cells(&desired),
        ["222222222222 eu-west-1 one", "222222222222 us-east-1 one", "444444444444 eu-west-1 one",]
    );
    let found = refusals(&desired);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[0]
            .contains("also claimed by AccountEnforcement `three, two`: 444444444444 us-east-1"),
        "{found:#?}"
    );
}

#[test]
fn a_present_enforcement_takes_over_from_an_absent_one() {
    let desired = desired(&[
        guardrail("shareWith: Organization"),
        enforcement(
            "Account",
            "old",
            "state: Absent, regions: [us-east-1], targets: [{organizationalUnit: /Workloads}]",
        ),
        enforcement(
            "Account",
            "new",
            "regions: [us-east-1], targets: [{organizationalUnit: /Workloads/Prod}]",
        ),
    ]);
    assert_eq!(cells(&desired), ["222222222222 us-east-1 old", "444444444444 us-east-1 new"]);
    let states: Vec<_> = desired.cells.values().map(|it| it.state).collect();
    assert_eq!(states, [Presence::Absent, Presence::Present]);
    assert_eq!(refusals(&desired), [""; 0]);
}

#[test]
fn a_guardrail_placed_in_accounts_is_used_where_it_stands() {
    let desired = desired(&[
        guardrail("accounts: [{organizationalUnit: /Workloads}]"),
        enforcement("Account", "all", "regions: [us-east-1], targets: [{organization: true}]"),
    ]);
    assert_eq!(cells(&desired), ["222222222222 us-east-1 all", "444444444444 us-east-1 all"]);
    for (Cell { account, region }, cell) in &desired.cells {
        assert_eq!(cell.replica, replica(account.as_str(), region.as_str()));
    }
    assert_eq!(
        refusals(&desired),
        [
            "AccountEnforcement/all spec.guardrail: guardrail `baseline` has no replica for 111111111111, \
         555555555555 in us-east-1; add the accounts to its `accounts`, or write `accounts: \
         Management` there"
        ]
    );
}

#[test]
fn where_two_guardrails_have_one_name_neither_has_a_replica() {
    let placed = |accounts: &str| {
        let text = guardrail(&format!("accounts: {accounts}, guardrailName: baseline"));
        text.replace("{name: baseline}", "{name: members}")
    };
    let everybody = enforcement("Account", "all", "targets: [{account: \"222222222222\"}]");
    let apart = [
        guardrail("shareWith: Organization"),
        placed("[{account: \"444444444444\"}]"),
        everybody.clone(),
    ];
    assert_eq!(desired(&apart).replicas.len(), 4);
    assert_eq!(refusals(&desired(&apart)), [""; 0]);
    // That this is the management account no text says.
    let met = [
        guardrail("shareWith: Organization"),
        placed(&format!("[{{account: \"{MANAGEMENT}\"}}, {{account: \"444444444444\"}}]")),
        everybody,
    ];
    let met = desired(&met);
    let left: Vec<&str> = met.replicas.keys().map(|key| key.account.as_str()).collect();
    assert_eq!(left, ["444444444444", "444444444444"]);
    assert!(met.cells.is_empty() && met.kept.len() == 2, "what is enforced there stays");
    let said = refusals(&met);
    let is_named = |it: &&String| it.contains("is called `baseline` in 111111111111 us-east-1 too");
    assert_eq!(said.iter().filter(is_named).count(), 2, "{said:#?}");
    for (guardrail, other) in [("baseline", "members"), ("members", "baseline")] {
        let begins =
            format!("Guardrail/{guardrail} spec.guardrailName: Guardrail `{other}` is called");
        assert!(said.iter().any(|it| it.starts_with(&begins)), "{said:#?}");
    }
}

#[test]
fn who_may_not_apply_a_guardrail_does_not_get_it() {
    let desired = desired(&[
        guardrail("shareWith: [/Workloads/Prod]"),
        enforcement("Organization", "wide", "targets: [{organizationalUnit: /Workloads}]"),
        enforcement("Organization", "narrow", "targets: [{organizationalUnit: /Workloads/Prod}]"),
        enforcement(
            "Account",
            "cells",
            "regions: [us-east-1], targets: [{organization: true}]"
                .replace("{organization: true}", "{organizationalUnit: /Workloads}")
                .as_str(),
        ),
    ]);
    let units = BTreeSet::from(["ou-ab12-22222222".parse().unwrap()]);
    assert!(desired.replicas.values().all(|it| it.share == Share::Units(units.clone())));
    let names: Vec<_> = desired.organization.keys().map(Name::as_str).collect();
    assert_eq!(names, ["narrow"]);
    assert_eq!(cells(&desired), ["444444444444 us-east-1 cells"]);
    let found = refusals(&desired);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("not shared with 222222222222 (us-east-1)"), "{found:#?}");
    assert!(found[1].contains("not shared with 222222222222, 333333333333"), "{found:#?}");
}

#[test]
fn a_guardrail_whose_sharing_is_unclear_is_held_as_a_whole() {
    let desired = desired(&[
        guardrail("shareWith: [/Workloads, /Renamed]"),
        enforcement("Organization", "wide", "targets: [{organizationalUnit: /Workloads}]"),
        enforcement("Account", "cells", "targets: [{organizationalUnit: /Sandbox}]"),
    ]);
    assert!(
        desired.replicas.is_empty() && desired.organization.is_empty() && desired.cells.is_empty()
    );
    let found = refusals(&desired);
    assert!(
        found.iter().any(|it| it.starts_with("Guardrail/baseline spec.shareWith[1]")),
        "{found:#?}"
    );
    assert_eq!(found.len(), 3, "{found:#?}");
}

#[test]
fn keys_and_profiles_are_those_of_the_region() {
    let text = guardrail(&format!(
        "crossRegion: Auto, regionOverrides: {{us-east-1: {{kmsKeyId: {KEY}}}}}, state: Absent, adopt: true"
    ));
    let desired = desired(&[text]);
    let east = &desired.replicas[&replica(MANAGEMENT, "us-east-1")];
    let west = &desired.replicas[&replica(MANAGEMENT, "eu-west-1")];
    let arn = format!("arn:aws:kms:us-east-1:{MANAGEMENT}:key/{KEY}");
    assert_eq!(east.content.kms_key_arn, Some(arn));
    assert_eq!(west.content.kms_key_arn, None);
    assert_eq!(east.content.profile, Some("us.guardrail.v1:0".parse().unwrap()));
    assert_eq!(west.content.profile, Some("eu.guardrail.v1:0".parse().unwrap()));
    assert_eq!(east.revision, west.revision);
    for replica in [east, west] {
        assert_eq!(replica.replica_revision, replica.content.replica_revision());
        assert_eq!((replica.state, replica.adopt), (Presence::Absent, true));
    }
}

/// Seventeen thousand cells, twice, to the same result.
#[test]
fn a_large_fleet_resolves_to_the_same_every_time() {
    let mut fleet = fleet();
    for number in 0..1000_u64 {
        let id: AccountId = format!("{:012}", 600_000_000_000 + number).parse().unwrap();
        let parent = "ou-ab12-22222222".parse().unwrap();
        let state = AccountState::Active;
        let account = Account { id: id.clone(), name: "n".to_owned(), state, parent, tags: None };
        fleet.accounts.insert(id, account);
    }
    let regions = crate::manifest::known::REGIONS[..17].join(", ");
    let text = guardrail("shareWith: Organization").replace("us-east-1, eu-west-1", &regions);
    let manifests = manifests(&[
        text,
        enforcement("Account", "all", "targets: [{organizationalUnit: /Workloads}]"),
    ]);
    let first = resolve(&manifests, &fleet, 1);
    assert_eq!(first.cells.len(), 1002 * 17);
    assert_eq!(first, resolve(&manifests, &fleet, 1));
}

fn waves(rollout: &str) -> Desired {
    let enforcement = format!(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: AccountEnforcement\nmetadata: {{name: all}}\n\
         spec: {{guardrail: baseline, targets: [{{organization: true}}], rollout: {rollout}}}\n"
    );
    desired(&[guardrail("shareWith: Organization"), enforcement])
}

#[test]
fn a_cell_belongs_to_the_first_wave_that_selects_it() {
    let desired = waves(
        "{waves: [{name: canary, targets: [{organizationalUnit: /Workloads}], regions: \
         [us-east-1]}, {name: one-region, regions: [us-east-1]}, {name: rest}]}",
    );
    assert_eq!(desired.refusals.len(), 0, "{:?}", desired.refusals);
    let rollout = &desired.rollouts[&"all".parse().unwrap()];
    let places = |wave: usize| -> Vec<String> {
        rollout.waves[wave].places.iter().map(ToString::to_string).collect()
    };
    assert_eq!(places(0), ["222222222222 us-east-1", "444444444444 us-east-1"]);
    assert_eq!(places(1), ["111111111111 us-east-1", "555555555555 us-east-1"]);
    assert_eq!(places(2).len(), 4);
    assert!(!rollout.is_unresolved && !rollout.text.is_empty());
}

#[test]
fn a_wave_that_resolves_to_nothing_leaves_the_rollout_unresolved() {
    let desired =
        waves("{waves: [{name: canary, targets: [{organizationalUnit: /Gone}]}, {name: rest}]}");
    assert!(desired.rollouts[&"all".parse().unwrap()].is_unresolved);
    let fields: Vec<&str> = desired.refusals.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["spec.rollout.waves[0].targets[0]"]);
}

#[test]
fn an_organization_enforcement_moves_target_by_target_or_region_by_region() {
    let waves = |waves: &str| {
        let enforcement = format!(
            "---\napiVersion: bedrail.dev/v1alpha1\nkind: OrganizationEnforcement\nmetadata: {{name: \
             all}}\nspec: {{guardrail: baseline, targets: [{{organization: true}}], rollout: {{waves: \
             [{waves}, {{name: rest}}]}}}}\n"
        );
        desired(&[guardrail("shareWith: Organization"), enforcement])
    };
    let name = "all".parse().unwrap();
    let regions = waves("{name: east, regions: [us-east-1]}");
    assert!(regions.organization_rollouts.contains_key(&name));
    assert!(regions.target_rollouts.is_empty());
    let unit = "{name: prod, targets: [{organizationalUnit: /Workloads/Prod}]}";
    let targets = waves(unit);
    assert!(targets.organization_rollouts.is_empty());
    let rollout = &targets.target_rollouts[&name];
    let places: Vec<String> =
        rollout.rollout.waves[0].places.iter().map(|it| it.target.to_string()).collect();
    assert_eq!(places, ["ou-ab12-22222222", "ou-ab12-22222222"]);
    assert_eq!(rollout.lanes.keys().collect::<Vec<_>>(), ["prod"]);
    let gone = waves("{name: gone, targets: [{organizationalUnit: /Gone}]}");
    assert!(gone.target_rollouts[&name].rollout.is_unresolved);
    assert_eq!(gone.refusals.len(), 1, "{:?}", gone.refusals);
}

#[test]
fn to_pause_is_no_new_text() {
    let text = |more: &str| {
        let desired = waves(&format!("{{waves: [{{name: all}}]{more}}}"));
        desired.rollouts[&"all".parse().unwrap()].text.clone()
    };
    assert_eq!(text(""), text(", paused: true"));
    assert_ne!(text(""), text(", onFailure: Rollback"));
}

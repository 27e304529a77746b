//! Whom a document shuts out, decided from texts alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::steps::Stage;
use crate::model::{
    Attachment, Cell, DesiredCell, DesiredEnforcement, DesiredOrganizationEnforcement,
    EnforcementKey, EnforcementKind, GuardrailArn, Presence, ReplicaKey, Selection, ServiceControl,
};
use crate::plan::fixture::{
    self, MANAGEMENT, MEMBER, OTHER, ROOT, SUSPENDED, UNIT, World, arn, cell, desired_cell,
    desired_text, guardrail_arn, key, version,
};

/// What a document in force for the unit would break, if anything.
fn refusal(statement: &Value, more: impl FnOnce(&mut Stage)) -> Option<String> {
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    let mut stage = Stage::new(&document, &[UNIT]);
    more(&mut stage);
    let plan = stage.plan();
    plan.refusals.first().map(|it| it.message.clone())
}

fn denies(action: &str, condition: &Value) -> Value {
    json!({"Sid": "No", "Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition})
}

#[test]
fn what_surely_denies_our_role_or_everybody_is_refused_and_doubt_is_not() {
    let but = |role: &str| json!({"ArnNotLike": {"aws:PrincipalArn": format!("arn:aws:iam::*:role/{role}")}});
    let rows = [
        ("all of Bedrock but for another", denies("bedrock:*", &but("Platform")), true),
        ("all of Bedrock but for us", denies("bedrock:*", &but("BedrailMember")), false),
        ("the write of the slot", denies("bedrock:PutEnforced*", &json!({})), true),
        ("the read of logging", denies("bedrock:GetModelInv*", &json!({})), true),
        ("models", denies("bedrock:InvokeModel", &json!({})), false),
        ("another service", denies("s3:*", &json!({})), false),
        (
            "a network that may be ours",
            denies("bedrock:*", &json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})),
            false,
        ),
        (
            "another Region",
            denies("bedrock:*", &json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})),
            false,
        ),
        (
            "our Region",
            denies("bedrock:*", &json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}})),
            true,
        ),
    ];
    for (what, statement, expected) in rows {
        let refused = refusal(&statement, |_| ());
        assert_eq!(refused.is_some(), expected, "{what}: {refused:?}");
    }
}

#[test]
fn a_refusal_names_the_account_the_action_and_the_statement() {
    let message = refusal(&denies("bedrock:PutEnforced*", &json!({})), |_| ()).unwrap();
    for word in [MEMBER, "PutEnforcedGuardrailConfiguration", "`No`", "BedrailMember"] {
        assert!(message.contains(word), "{word}: {message}");
    }
    let unnamed = json!({"Effect": "Deny", "Action": "bedrock:*", "Resource": "*"});
    let message = refusal(&unnamed, |_| ()).unwrap();
    assert!(message.contains("statement [0]"), "{message}");
}

#[test]
fn what_others_deny_already_is_not_of_this_manifests_making() {
    let harmless = denies("s3:*", &json!({}));
    let refused = refusal(&harmless, |stage| {
        let document =
            json!({"Version": "2012-10-17", "Statement": [denies("bedrock:*", &json!({}))]});
        stage.foreign("p-theirs000", &document, &[ROOT]);
    });
    assert_eq!(refused, None);
}

#[test]
fn what_ours_denies_is_refused_though_anothers_below_denies_it_too() {
    let refused = refusal(&denies("bedrock:*", &json!({})), |stage| {
        let statement = json!({"Effect": "Deny", "Action": "bedrock:*", "Resource": "*"});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        stage.foreign("p-theirs000", &document, &[MEMBER]);
    });
    assert!(refused.is_some_and(|it| it.contains("its statement `No` at")));
}

#[test]
fn our_role_is_needed_in_the_regions_of_guardrails_and_of_the_account() {
    let elsewhere = denies(
        "bedrock:PutEnforced*",
        &json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}),
    );
    for (account, expected) in [(MEMBER, true), (OTHER, false)] {
        let refused = refusal(&elsewhere, |stage| {
            let there = Cell { region: "eu-west-1".parse().unwrap(), ..cell(account) };
            stage.world.cells.insert(there, desired_cell().into());
        });
        assert_eq!(refused.is_some(), expected, "{account}: {refused:?}");
    }
}

#[test]
fn nobody_is_shut_out_of_a_closed_account() {
    let denies = denies("bedrock:*", &json!({}));
    let at = |account: &str| {
        refusal(&denies, |stage| stage.desired.targets = [account.parse().unwrap()].into())
    };
    assert!(at(OTHER).is_some_and(|it| it.contains(OTHER)));
    assert_eq!((at(SUSPENDED), at(MANAGEMENT)), (None, None));
}

#[test]
fn an_exclusive_allow_list_that_leaves_us_out_is_refused() {
    let allow = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    // AWS's own stays, and allows what this does not.
    assert_eq!(refusal(&allow, |stage| stage.desired.attachment = Attachment::Exclusive), None);
    let refused = refusal(&allow, |stage| {
        stage.desired.attachment = Attachment::Exclusive;
        // Somebody took FullAWSAccess off and allows everything himself.
        let all = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        stage.foreign("p-theirs000", &all, &[UNIT]);
        let full: BTreeMap<_, ServiceControl> = stage
            .controls
            .iter()
            .map(|(id, it)| {
                let mut it = it.clone();
                if it.name == "FullAWSAccess" {
                    it.targets.remove(&UNIT.parse().unwrap());
                }
                (id.clone(), it)
            })
            .collect();
        stage.controls = full;
    });
    let message = refused.unwrap();
    assert!(message.contains("the lack of a service control policy that allows it"), "{message}");
}

/// The text of an enforcement by the organization.
fn enforced(world: &mut World, policy: DesiredOrganizationEnforcement) {
    let (kind, name) = (EnforcementKind::Organization, "everywhere".parse().unwrap());
    let text = DesiredEnforcement {
        state: policy.state,
        guardrail: policy.guardrail.name.clone(),
        ..desired_text(Selection::new(policy.state, &policy.regions, BTreeSet::new()))
    };
    world.enforcements.insert(EnforcementKey { kind, name }, text);
    world.organization.insert("everywhere".parse().unwrap(), policy);
}

/// Name, what is different in the world, whether everybody must be able to apply the guardrail.
type AppliedCase<'a> = (&'a str, &'a dyn Fn(&mut World), bool);

fn check_applied(cases: &[AppliedCase]) {
    for (name, change, expected) in cases {
        let denies = denies("bedrock:ApplyGuardrail", &json!({}));
        let refused = refusal(&denies, |stage| change(&mut stage.world));
        assert_eq!(refused.is_some(), *expected, "{name}: {refused:?}");
        assert!(
            refused.is_none_or(|it| it.contains("every role bedrock:ApplyGuardrail")),
            "{name}"
        );
    }
}

#[test]
fn a_guardrail_in_a_slot_can_be_applied_by_everybody() {
    let absent = Presence::Absent;
    let slot = |world: &mut World, guardrail: GuardrailArn| {
        world.facts.cells.insert(cell(MEMBER), Some((guardrail, version(1))));
    };
    let claim = |world: &mut World, it: DesiredCell| {
        world.cells.insert(cell(MEMBER), it.into());
    };
    let other = || ReplicaKey { guardrail: "other".parse().unwrap(), ..key() };
    check_applied(&[
        ("nowhere", &|_| (), false),
        ("there", &|it| slot(it, guardrail_arn()), true),
        ("another there", &|it| slot(it, arn("zzz999zzz999")), false),
        ("to be there", &|it| claim(it, desired_cell()), true),
        ("given up", &|it| claim(it, DesiredCell { state: absent, ..desired_cell() }), false),
        (
            "another to be there",
            &|it| claim(it, DesiredCell { replica: other(), ..desired_cell() }),
            false,
        ),
        (
            "there, and to be removed",
            &|it| {
                slot(it, guardrail_arn());
                it.replicas.values_mut().for_each(|it| it.state = absent);
            },
            false,
        ),
    ]);
}

#[test]
fn a_guardrail_that_the_organization_enforces_can_be_applied_by_everybody() {
    let policy = |targets: &[&str]| fixture::desired_policy(targets);
    let changed = |change: fn(&mut DesiredOrganizationEnforcement)| {
        move |world: &mut World| {
            let mut policy = fixture::desired_policy(&[ROOT]);
            change(&mut policy);
            enforced(world, policy);
        }
    };
    check_applied(&[
        ("above", &|it| enforced(it, policy(&[ROOT])), true),
        ("at the account", &|it| enforced(it, policy(&[MEMBER])), true),
        ("beside it", &|it| enforced(it, policy(&[OTHER])), false),
        ("given up", &changed(|it| it.state = Presence::Absent), false),
        (
            "in another Region",
            &changed(|it| it.regions = ["eu-west-1".parse().unwrap()].into()),
            false,
        ),
        ("another", &changed(|it| it.guardrail.name = "other".parse().unwrap()), false),
        (
            "without a text",
            &|it| {
                enforced(it, policy(&[ROOT]));
                it.enforcements.clear();
            },
            false,
        ),
    ]);
}

#[test]
fn guardrails_placed_in_an_account_can_be_kept_there() {
    for (account, expected) in [(MEMBER, true), (OTHER, false)] {
        let refused = refusal(&denies("bedrock:UpdateGuardrail", &json!({})), |stage| {
            let there = ReplicaKey { account: account.parse().unwrap(), ..key() };
            let world = &mut stage.world;
            let (desired, fact) =
                (world.replicas[&key()].clone(), world.facts.replicas[&key()].clone());
            world.replicas.insert(there.clone(), desired);
            world.facts.replicas.insert(there, fact);
        });
        assert_eq!(refused.is_some(), expected, "{account}: {refused:?}");
    }
}

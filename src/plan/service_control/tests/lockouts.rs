//! Whom a document shuts out, decided from texts alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::steps::Stage;
use crate::model::{Attachment, ServiceControl};
use crate::plan::fixture::{MANAGEMENT, MEMBER, OTHER, ROOT, SUSPENDED, UNIT};

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

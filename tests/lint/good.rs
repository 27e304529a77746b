//! Right policies.

use bedrail::lint::{PolicyType, lint};
use serde_json::{Value, json};

use super::{files, problems};

/// The examples of `aws-facts` 2.5, 6 and 10, and what a careful author writes besides.
#[test]
fn right_policies_give_nothing() {
    let files = files("good");
    assert!(files.len() >= 15);
    for path in files {
        assert_eq!(problems(&path), [""; 0], "{}", path.display());
    }
}

/// Whatever a policy holds, it is judged; and a judgement points into the document or at what is
/// missing from an object that is there.
#[test]
fn every_finding_points_into_the_document() {
    let odd = [
        json!(null),
        json!([]),
        json!({}),
        json!({"Version": 2012, "Statement": "x"}),
        json!({"Version": "2012-10-17", "Statement": [1, {}, {"Effect": "deny", "Action": 7}]}),
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotAction": "bedrock:X",
            "Action": ["", ":", "bedrock:", "*:*"], "Resource": ["", "arn:", "arn:aws:bedrock:::guardrail/"],
            "Condition": {"": {"": ""}, "StringLike": 7, "a/b~c": {"bedrock:ModelId": [[1], {}]}},
            "Principal": {"AWS": [[], "*"], "Federated": 3}}}),
    ];
    let types = [PolicyType::ServiceControl, PolicyType::Identity, PolicyType::Resource];
    for (policy, policy_type) in odd.iter().flat_map(|it| types.map(|kind| (it, kind))) {
        let findings = lint(policy, policy_type);
        assert!(!findings.is_empty(), "{policy}");
        for finding in findings {
            let above = finding.pointer.rsplit_once('/').map_or("", |(above, _)| above);
            let is_there = policy.pointer(&finding.pointer).is_some()
                || policy
                    .pointer(above)
                    .is_some_and(|it| it.is_object() || *it == Value::Null || it.is_array());
            assert!(is_there, "{finding:?} in {policy}");
        }
    }
}

/// A word of IAM is read as IAM reads it.
#[test]
fn case_and_lists_do_not_hide_a_claim() {
    let policy = |action: Value, key: &str| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action,
            "Resource": "*", "Condition": {"StringEquals": {key: "x"}}}})
    };
    let rules = |policy: &Value| -> Vec<&str> {
        lint(policy, PolicyType::ServiceControl).iter().map(|it| it.rule.name()).collect()
    };
    let both = json!(["BEDROCK:invokemodel", "bedrock:InvokeModelWithResponseStream"]);
    assert_eq!(rules(&policy(both.clone(), "AWS:principalarn")), [""; 0]);
    assert_eq!(rules(&policy(both, "Bedrock:modelid")), ["unknown-key"]);
    assert_eq!(rules(&policy(json!("bedrock:converse"), "aws:PrincipalArn")), ["unknown-action"]);
    assert_eq!(rules(&policy(json!("bedrock:Conv*"), "aws:PrincipalArn")), ["unknown-action"]);
    assert_eq!(
        rules(&policy(json!("bedrock:BrandNewThing"), "aws:PrincipalArn")),
        ["unknown-action"],
        "what may be new is a warning"
    );
}

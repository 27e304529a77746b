//! The simulator's codecs: JSON and Query, there and back.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::cases;
use crate::laws::wire::{WAYS, answered, may_stand_in_xml, request, simulator, texts};

const ORGANIZATIONS: (&str, &str, &str, &str) =
    ("organizations", "POST", "/", "AWSOrganizationsV20161128.");

/// Bodies that are nearly right.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let document = select(vec![
        json!({}),
        json!([1]),
        json!({"name": "a", "blockedInputMessaging": 1, "blockedOutputsMessaging": null}),
        json!({"name": {"a": []}, "contentPolicyConfig": {"filtersConfig": [null, 7, {}]}}),
        json!({"guardrailInferenceConfig": {"guardrailIdentifier": "", "guardrailVersion": 1}}),
        json!({"resourceArn": "arn:aws:bedrock:::", "resourcePolicy": "{"}),
        json!({"resourceARN": "arn", "tags": [{"key": 1}]}),
        json!({"loggingConfig": {"s3Config": {}, "textDataDeliveryEnabled": "yes"}}),
        json!({"messages": [{"role": "user", "content": [{"text": "x"}, {"guardContent": 1}]}]}),
        json!({"source": "INPUT", "content": [{"text": {"text": 1}}]}),
        json!({"Name": "", "Content": "{", "Type": "X", "Description": 1, "Tags": [[]]}),
        json!({"PolicyId": "p-", "TargetId": "r-", "ParentId": "ou-", "NextToken": "\u{0}"}),
        json!({"MaxResults": -1, "Filter": "BEDROCK_POLICY", "PolicyType": 1}),
    ]);
    let form = "(Action=(AssumeRole|GetCallerIdentity|CreateRole|SimulatePrincipalPolicy|GetRole)&)?\
                (RoleArn=[ -~]{0,40}&)?(DurationSeconds=[0-9-]{0,22}&)?(RoleName=[%a-z0-9]{0,9}&)?\
                (ActionNames.member.1=[a-z:*]{0,9}&)?(MaxItems=[0-9-]{0,22}&)?(Marker=.{0,4})?";
    prop_oneof![
        3 => document.prop_map(|it| it.to_string().into_bytes()),
        3 => form.prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..64),
    ]
}

/// What stands behind a path, or the name of an operation.
fn more() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => select(&["", "?maxResults=x&nextToken=%00", "?guardrailIdentifier=%ff", "%2f..%2f"][..])
            .prop_map(str::to_owned),
        1 => "[!-~]{0,20}",
        3 => select(
            &[
                "ListPolicies", "ListAccounts", "AttachPolicy", "DescribeEffectivePolicy",
                "ListTagsForResource", "MoveAccount", "EnablePolicyType", "TagResource",
            ][..],
        )
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_request_has_an_answer_of_its_protocol(
        way in select(&WAYS[..]),
        more in more(),
        body in body(),
    ) {
        if let Some(request) = request(way, &more, &body) {
            answered(&simulator(), request);
        }
    }

    /// What somebody asked for stands in the error: it must not break the document.
    #[test]
    fn a_text_that_came_by_query_goes_back_in_xml(text in "(?s)[a-z<>&\"'\r\n\t\\PC]{20,60}") {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("Action", "AssumeRole"), ("RoleArn", &text), ("RoleSessionName", "me")])
            .finish();
        let request = request(("sts", "POST", "/", "form"), "", form.as_bytes()).unwrap();
        let (status, body) = answered(&simulator(), request);
        prop_assert!((400..500).contains(&status), "{}", body);
        let message = texts(&body).into_iter().find(|(name, _)| name == "Message").unwrap().1;
        let expected: String =
            text.chars().map(|c| if may_stand_in_xml(c) { c } else { '\u{fffd}' }).collect();
        prop_assert!(message.contains(&expected), "{:?} in {}", expected, body);
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_text_that_came_as_json_goes_back_as_json(text in "(?s)\\PC{1,100}", label in any::<bool>()) {
        let simulator = simulator();
        let ask = |way, more: &str, body: &Value| -> (u16, Value) {
            let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
            let (status, body) = answered(&simulator, request(way, more, &body).unwrap());
            (status, serde_json::from_str(&body).unwrap())
        };
        let (status, created) = ask(ORGANIZATIONS, "CreatePolicy", &json!({
            "Name": "any", "Description": text, "Type": "SERVICE_CONTROL_POLICY",
            "Content": r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#,
        }));
        prop_assert_eq!(status, 200, "{}", created);
        let id = &created["Policy"]["PolicySummary"]["Id"];
        let (_, described) = ask(ORGANIZATIONS, "DescribePolicy", &json!({"PolicyId": id}));
        prop_assert_eq!(&described["Policy"]["PolicySummary"]["Description"], &json!(text));

        let (status, created) = ask(("bedrock", "POST", "/guardrails", ""), "", &json!({
            "name": "any", "blockedInputMessaging": text, "blockedOutputsMessaging": text,
            "wordPolicyConfig": {"managedWordListsConfig": [{"type": "PROFANITY"}]},
        }));
        prop_assert_eq!(status, 202, "{}", created);
        // By its id, or by its ARN with everything encoded that may be.
        let name = if label { &created["guardrailId"] } else { &created["guardrailArn"] };
        let name: String = form_urlencoded::byte_serialize(name.as_str().unwrap().as_bytes()).collect();
        let (status, read) = ask(("bedrock", "GET", "/guardrails/", ""), &name, &Value::Null);
        prop_assert_eq!(status, 200, "{}", read);
        prop_assert_eq!(&read["blockedInputMessaging"], &json!(text));
        prop_assert_eq!(&read["blockedOutputsMessaging"], &json!(text));
    }
}

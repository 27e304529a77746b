//! The control plane as a caller sees it: calls against a world.

use serde_json::{Value, json};

use super::super::call::{Failure, Reply};
use super::super::switches::{
    EnforcedListEmpty, EnforcedPutWithoutId, ListOrder, UpdateOmission, VersionDeleteInUse,
    VersionDescription,
};
use super::testing::{ACCOUNT, Client, OTHER_ACCOUNT, guardrail_body};

fn create(client: &mut Client, name: &str) -> String {
    let body = client.ok("CreateGuardrail", &[], guardrail_body(name));
    client.pass(1000);
    body["guardrailId"].as_str().unwrap().to_owned()
}

fn publish(client: &mut Client, id: &str) -> String {
    let body = client.ok("CreateGuardrailVersion", &[id], json!({}));
    client.pass(1000);
    body["version"].as_str().unwrap().to_owned()
}

fn arn(id: &str) -> String {
    format!("arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/{id}")
}

#[test]
fn a_guardrail_is_creating_then_ready_then_updating() {
    let mut client = Client::new();
    let id = client.ok("CreateGuardrail", &[], guardrail_body("a"))["guardrailId"]
        .as_str()
        .unwrap()
        .to_owned();
    let status = |client: &mut Client| {
        client.ok("GetGuardrail", &[&id], json!({}))["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&mut client), "CREATING");
    assert_eq!(
        client.fails("UpdateGuardrail", &[&id], guardrail_body("a")).code,
        "ConflictException"
    );
    client.pass(200);
    assert_eq!(status(&mut client), "READY");
    client.ok("UpdateGuardrail", &[&id], guardrail_body("a"));
    assert_eq!(status(&mut client), "UPDATING");
    client.pass(200);
    client.ok("CreateGuardrailVersion", &[&id], json!({}));
    assert_eq!(status(&mut client), "VERSIONING");
}

#[test]
fn a_flickering_guardrail_shows_its_transition_once_more_on_the_read_after_ready() {
    let mut client = Client::new();
    client.world.switches.ready_flicker = true;
    let id = create(&mut client, "a");
    let shown: Vec<Value> =
        (0..4).map(|_| client.ok("GetGuardrail", &[&id], json!({}))["status"].clone()).collect();
    assert_eq!(shown, ["READY", "CREATING", "READY", "READY"]);
}

#[test]
fn a_version_keeps_the_draft_of_its_time() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    assert_eq!(publish(&mut client, &id), "1");
    let mut changed = guardrail_body("renamed");
    changed["blockedInputMessaging"] = "other".into();
    client.ok("UpdateGuardrail", &[&id], changed);
    client.pass(1000);
    assert_eq!(publish(&mut client, &id), "2");
    let read = |client: &mut Client, version: &str| {
        client.query("GetGuardrail", &[&id], &[("guardrailVersion", version)]).unwrap()
    };
    assert_eq!(read(&mut client, "1")["blockedInputMessaging"], "input blocked");
    assert_eq!(read(&mut client, "2")["blockedInputMessaging"], "other");
    assert_eq!(read(&mut client, "2")["name"], "renamed");
    let missing = client.query("GetGuardrail", &[&id], &[("guardrailVersion", "3")]).unwrap_err();
    assert_eq!((missing.code.as_str(), missing.status), ("ResourceNotFoundException", 404));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of what is refused")]
fn refused_guardrails_say_why() {
    let with = |member: &str, value: Value| {
        let mut body = guardrail_body("a");
        body[member] = value;
        body
    };
    let topic = |definition: usize| json!({"topicsConfig": [{"name": "t", "definition": "d".repeat(definition), "type": "DENY"}]});
    let filter = |kind: &str, output: &str| json!({"filtersConfig": [{"type": kind, "inputStrength": "HIGH", "outputStrength": output}]});
    let regex = |pattern: &str| json!({"regexesConfig": [{"name": "r", "pattern": pattern, "action": "BLOCK"}]});
    let many: Vec<Value> = (0..31)
        .map(|index| json!({"name": format!("r{index}"), "pattern": "a", "action": "BLOCK"}))
        .collect();
    let mut standard = filter("HATE", "HIGH");
    standard["tierConfig"] = json!({"tierName": "STANDARD"});
    let rows = [
        ("no policy", with("wordPolicyConfig", json!({})), "ValidationException", "policy"),
        (
            "attack on output",
            with("contentPolicyConfig", filter("PROMPT_ATTACK", "HIGH")),
            "ValidationException",
            "PROMPT_ATTACK",
        ),
        (
            "standard without profile",
            with("contentPolicyConfig", standard),
            "ValidationException",
            "STANDARD",
        ),
        (
            "wrong geography",
            with("crossRegionConfig", json!({"guardrailProfileIdentifier": "eu.guardrail.v1:0"})),
            "ValidationException",
            "eu.guardrail",
        ),
        (
            "classic definition",
            with("topicPolicyConfig", topic(201)),
            "ValidationException",
            "definition",
        ),
        (
            "look-around",
            with("sensitiveInformationPolicyConfig", regex("(?=a)")),
            "ValidationException",
            "look-around",
        ),
        (
            "broken regex",
            with("sensitiveInformationPolicyConfig", regex("(")),
            "ValidationException",
            "pattern",
        ),
        (
            "too many regexes",
            with("sensitiveInformationPolicyConfig", json!({"regexesConfig": many})),
            "ServiceQuotaExceededException",
            "30",
        ),
        (
            "threshold",
            with(
                "contextualGroundingPolicyConfig",
                json!({"filtersConfig": [{"type": "GROUNDING", "threshold": 1}]}),
            ),
            "ValidationException",
            "threshold",
        ),
        ("name", with("name", json!("a b")), "ValidationException", "'name'"),
        (
            "empty description",
            with("description", json!("")),
            "ValidationException",
            "'description'",
        ),
        (
            "reserved tag",
            with("tags", json!([{"key": "aws:a", "value": ""}])),
            "ValidationException",
            "aws:",
        ),
        (
            "four words",
            with("wordPolicyConfig", json!({"wordsConfig": [{"text": "a b c d"}]})),
            "ValidationException",
            "three words",
        ),
    ];
    for (name, body, code, word) in rows {
        let mut client = Client::new();
        let failure = client.fails("CreateGuardrail", &[], body);
        assert_eq!(
            (failure.code.as_str(), failure.status),
            (code, 400),
            "{name}: {}",
            failure.message
        );
        assert!(failure.message.contains(word), "{name}: {}", failure.message);
        assert!(client.world.bedrock.is_empty(), "{name}: a refused call changed the world");
    }
}

#[test]
fn a_profile_admits_the_standard_tier_and_shows_id_and_arn() {
    let mut client = Client::new();
    let mut body = guardrail_body("a");
    body["crossRegionConfig"] = json!({"guardrailProfileIdentifier": "us.guardrail.v1:0"});
    body["kmsKeyId"] = "alias/guardrails".into();
    body["topicPolicyConfig"] = json!({"tierConfig": {"tierName": "STANDARD"},
        "topicsConfig": [{"name": "t", "definition": "d".repeat(1000), "type": "DENY"}]});
    let id = client.ok("CreateGuardrail", &[], body)["guardrailId"].as_str().unwrap().to_owned();
    let read = client.ok("GetGuardrail", &[&id], json!({}));
    assert_eq!(
        read["crossRegionDetails"],
        json!({"guardrailProfileId": "us.guardrail.v1:0", "guardrailProfileArn":
            format!("arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail-profile/us.guardrail.v1:0")})
    );
    assert!(
        read["kmsKeyArn"].as_str().unwrap().starts_with("arn:aws:kms:us-east-1:111122223333:key/")
    );
    assert_eq!(read.get("tags"), None);
}

#[test]
fn a_repeated_token_gives_the_first_answer_even_after_deletion() {
    let mut client = Client::new();
    let mut body = guardrail_body("a");
    body["clientRequestToken"] = "token-1".into();
    let first = client.ok("CreateGuardrail", &[], body.clone());
    client.pass(1000);
    let id = first["guardrailId"].as_str().unwrap().to_owned();
    let version = client.ok("CreateGuardrailVersion", &[&id], json!({"clientRequestToken": "v"}));
    client.pass(1000);
    client.query("DeleteGuardrail", &[&id], &[("guardrailVersion", "1")]).unwrap();
    assert_eq!(
        version,
        client.ok("CreateGuardrailVersion", &[&id], json!({"clientRequestToken": "v"}))
    );
    client.ok("DeleteGuardrail", &[&id], json!({}));
    assert_eq!(first, client.ok("CreateGuardrail", &[], body.clone()));
    assert_eq!(client.fails("GetGuardrail", &[&id], json!({})).code, "ResourceNotFoundException");
    body["blockedInputMessaging"] = "different".into();
    assert_eq!(client.fails("CreateGuardrail", &[], body).code, "ConflictException");
}

#[test]
fn names_are_unique_and_quotas_hold() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    assert_eq!(client.fails("CreateGuardrail", &[], guardrail_body("a")).code, "ConflictException");
    for _ in 0..20 {
        publish(&mut client, &id);
    }
    let failure = client.fails("CreateGuardrailVersion", &[&id], json!({}));
    assert_eq!((failure.code.as_str(), failure.status), ("ServiceQuotaExceededException", 400));
    for index in 1..100 {
        create(&mut client, &format!("a{index}"));
    }
    assert_eq!(
        client.fails("CreateGuardrail", &[], guardrail_body("b")).code,
        "ServiceQuotaExceededException"
    );
}

#[test]
fn deleted_numbers_come_back_only_if_the_switch_says_so() {
    for (are_reused, expect) in [(false, "3"), (true, "1")] {
        let mut client = Client::new();
        client.world.switches.version_numbers_reused = are_reused;
        let id = create(&mut client, "a");
        publish(&mut client, &id);
        publish(&mut client, &id);
        client.query("DeleteGuardrail", &[&id], &[("guardrailVersion", "1")]).unwrap();
        assert_eq!(publish(&mut client, &id), expect);
    }
}

#[test]
fn an_update_clears_or_keeps_what_it_leaves_out() {
    for (omission, is_kept) in [(UpdateOmission::Clear, false), (UpdateOmission::Keep, true)] {
        let mut client = Client::new();
        client.world.switches.update_omission = omission;
        let mut body = guardrail_body("a");
        body["description"] = "first".into();
        body["kmsKeyId"] = "alias/a".into();
        body["contentPolicyConfig"] = json!({"filtersConfig": [
            {"type": "HATE", "inputStrength": "LOW", "outputStrength": "LOW"}]});
        let id =
            client.ok("CreateGuardrail", &[], body)["guardrailId"].as_str().unwrap().to_owned();
        client.pass(1000);
        client.ok("UpdateGuardrail", &[&id], guardrail_body("a"));
        let read = client.ok("GetGuardrail", &[&id], json!({}));
        assert_eq!(read.get("description").is_some(), is_kept, "{omission:?}");
        assert_eq!(read.get("kmsKeyArn").is_some(), is_kept, "{omission:?}");
        assert_eq!(read.get("contentPolicy"), None, "{omission:?}: a policy left out is removed");
    }
}

#[test]
fn pages_join_to_the_whole_list() {
    for order in [ListOrder::Kept, ListOrder::Reversed] {
        let mut client = Client::new();
        client.world.switches.list_order = order;
        let mut expect: Vec<String> =
            (0..7).map(|index| create(&mut client, &format!("a{index}"))).collect();
        let mut token: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let mut query = vec![("maxResults", "3")];
            if let Some(token) = &token {
                query.push(("nextToken", token));
            }
            let page = client.query("ListGuardrails", &[], &query).unwrap();
            let rows = page["guardrails"].as_array().unwrap();
            assert!(rows.len() <= 3);
            seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            token = page.get("nextToken").map(|token| token.as_str().unwrap().to_owned());
            if token.is_none() {
                break;
            }
        }
        seen.sort();
        expect.sort();
        assert_eq!(seen, expect, "{order:?}");
    }
    let failure = Client::new().query("ListGuardrails", &[], &[("maxResults", "0")]).unwrap_err();
    assert_eq!(failure.code, "ValidationException");
}

#[test]
fn listing_one_guardrail_shows_the_draft_and_every_version() {
    for (switch, expect) in [
        (VersionDescription::Version, json!([null, "published"])),
        (VersionDescription::Guardrail, json!(["of the draft", "of the draft"])),
    ] {
        let mut client = Client::new();
        client.world.switches.version_description = switch;
        let mut body = guardrail_body("a");
        if switch == VersionDescription::Guardrail {
            body["description"] = "of the draft".into();
        }
        let id =
            client.ok("CreateGuardrail", &[], body)["guardrailId"].as_str().unwrap().to_owned();
        client.pass(1000);
        client.ok("CreateGuardrailVersion", &[&id], json!({"description": "published"}));
        client.pass(1000);
        let rows = client.query("ListGuardrails", &[], &[("guardrailIdentifier", &id)]).unwrap();
        let rows = rows["guardrails"].as_array().unwrap();
        let versions: Vec<&Value> = rows.iter().map(|row| &row["version"]).collect();
        assert_eq!(versions, ["DRAFT", "1"]);
        let descriptions: Value =
            rows.iter().map(|row| row.get("description").cloned().unwrap_or_default()).collect();
        assert_eq!(descriptions, expect, "{switch:?}");
    }
}

#[test]
fn reads_lag_behind_a_deletion_as_long_as_the_switch_says() {
    let mut client = Client::new();
    client.world.switches.delete_read_lag_ms = 500;
    let id = create(&mut client, "a");
    client.ok("DeleteGuardrail", &[&id], json!({}));
    assert_eq!(client.ok("GetGuardrail", &[&id], json!({}))["status"], "READY");
    assert_eq!(
        client.fails("UpdateGuardrail", &[&id], guardrail_body("a")).code,
        "ResourceNotFoundException"
    );
    client.pass(500);
    assert_eq!(client.fails("GetGuardrail", &[&id], json!({})).code, "ResourceNotFoundException");
}

fn enforce(client: &mut Client, guardrail: &str, version: &str) -> Result<Value, Failure> {
    client.call(
        "PutEnforcedGuardrailConfiguration",
        &[],
        json!({"guardrailInferenceConfig":
        {"guardrailIdentifier": guardrail, "guardrailVersion": version}}),
    )
}

#[test]
fn what_is_enforced_cannot_be_deleted() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    publish(&mut client, &id);
    publish(&mut client, &id);
    enforce(&mut client, &id, "2").unwrap();
    let delete = |client: &mut Client, version: &str| {
        client.query("DeleteGuardrail", &[&id], &[("guardrailVersion", version)])
    };
    let failure = delete(&mut client, "2").unwrap_err();
    assert_eq!((failure.code.as_str(), failure.status), ("ResourceInUseException", 400));
    assert_eq!(client.fails("DeleteGuardrail", &[&id], json!({})).code, "ResourceInUseException");
    delete(&mut client, "1").unwrap();
    client.world.switches.version_delete_in_use = VersionDeleteInUse::Allow;
    delete(&mut client, "2").unwrap();
    assert_eq!(client.fails("DeleteGuardrail", &[&id], json!({})).code, "ResourceInUseException");
}

#[test]
fn an_account_has_one_enforced_configuration() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    publish(&mut client, &id);
    let first = enforce(&mut client, &arn(&id), "1").unwrap();
    let config = first["configId"].as_str().unwrap().to_owned();
    assert_eq!(enforce(&mut client, &id, "1").unwrap_err().code, "ConflictException");
    client.world.switches.enforced_put_without_id = EnforcedPutWithoutId::Overwrite;
    assert_eq!(enforce(&mut client, &id, "1").unwrap()["configId"], config.as_str());

    let listed = client.ok("ListEnforcedGuardrailsConfiguration", &[], json!({}));
    let item = &listed["guardrailsConfig"][0];
    assert_eq!(item["guardrailArn"], arn(&id));
    assert_eq!(item["guardrailVersion"], "1");
    assert_eq!(item["owner"], "ACCOUNT");
    assert_eq!(item["updatedBy"], client.caller.arn.as_str());

    assert_eq!(
        client.fails("DeleteEnforcedGuardrailConfiguration", &["zz"], json!({})).status,
        404
    );
    client.ok("DeleteEnforcedGuardrailConfiguration", &[&config], json!({}));
    let listed = client.ok("ListEnforcedGuardrailsConfiguration", &[], json!({}));
    assert_eq!(listed, json!({"guardrailsConfig": []}));
    client.world.switches.enforced_list_empty = EnforcedListEmpty::NotFound;
    let failure = client.fails("ListEnforcedGuardrailsConfiguration", &[], json!({}));
    assert_eq!(failure.code, "ResourceNotFoundException");
}

#[test]
fn only_a_ready_number_can_be_enforced() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    client.ok("CreateGuardrailVersion", &[&id], json!({}));
    let rows = [
        (id.as_str(), "1", "ValidationException"),
        (id.as_str(), "DRAFT", "ValidationException"),
        (id.as_str(), "2", "ResourceNotFoundException"),
        ("unknown", "1", "ResourceNotFoundException"),
        ("arn:aws:bedrock:eu-west-1:111122223333:guardrail/abc", "1", "ValidationException"),
    ];
    for (guardrail, version, code) in rows {
        assert_eq!(
            enforce(&mut client, guardrail, version).unwrap_err().code,
            code,
            "{guardrail} {version}"
        );
    }
    client.pass(1000);
    enforce(&mut client, &id, "1").unwrap();
}

#[test]
fn another_account_reaches_a_shared_guardrail_only_to_read_and_apply_it() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    publish(&mut client, &id);
    let arn = arn(&id);
    client.act_as(OTHER_ACCOUNT);
    assert_eq!(client.fails("GetGuardrail", &[&arn], json!({})).code, "AccessDeniedException");
    assert_eq!(enforce(&mut client, &arn, "1").unwrap_err().code, "AccessDeniedException");

    client.act_as(ACCOUNT);
    client.share(&id);
    client.act_as(OTHER_ACCOUNT);
    client.ok("GetGuardrail", &[&arn], json!({}));
    enforce(&mut client, &arn, "1").unwrap();
    for (operation, body) in [
        ("UpdateGuardrail", guardrail_body("a")),
        ("CreateGuardrailVersion", json!({})),
        ("DeleteGuardrail", json!({})),
        ("DeleteResourcePolicy", json!({})),
    ] {
        let failure = client.fails(operation, &[&arn], body);
        let found = (failure.code.as_str(), failure.status);
        assert_eq!(found, ("AccessDeniedException", 403), "{operation}");
    }
    client.act_as(ACCOUNT);
    assert_eq!(client.fails("DeleteGuardrail", &[&id], json!({})).code, "ResourceInUseException");
}

#[test]
fn what_an_organization_policy_names_cannot_be_deleted_attached_or_not() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    publish(&mut client, &id);
    publish(&mut client, &id);
    let content = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": {
        "identifier": {"@@assign": format!("{}:2", arn(&id))}}}}}});
    client.ok(
        "CreatePolicy",
        &[],
        json!({"Name": "p", "Description": "",
        "Type": "BEDROCK_POLICY", "Content": content.to_string()}),
    );
    let delete = |client: &mut Client, version: &str| {
        client.query("DeleteGuardrail", &[&id], &[("guardrailVersion", version)])
    };
    assert_eq!(delete(&mut client, "2").unwrap_err().code, "ResourceInUseException");
    assert_eq!(client.fails("DeleteGuardrail", &[&id], json!({})).code, "ResourceInUseException");
    delete(&mut client, "1").unwrap();
}

#[test]
fn a_resource_policy_is_kept_as_text_and_goes_with_its_guardrail() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    let arn = arn(&id);
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
        "Action": "bedrock:ApplyGuardrail", "Resource": arn,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}});
    let text = format!(" {policy} ");
    assert_eq!(
        client.fails("GetResourcePolicy", &[&arn], json!({})).code,
        "ResourceNotFoundException"
    );
    let put = json!({"resourceArn": arn, "resourcePolicy": text});
    let Ok(Reply::Body { status, .. }) = client.send("PutResourcePolicy", &[], &[], put.clone())
    else {
        panic!("refused")
    };
    assert_eq!(status, 201);
    assert_eq!(client.ok("GetResourcePolicy", &[&arn], json!({}))["resourcePolicy"], text);
    client.ok("DeleteGuardrail", &[&id], json!({}));
    assert_eq!(
        client.fails("GetResourcePolicy", &[&arn], json!({})).code,
        "ResourceNotFoundException"
    );
    assert_eq!(client.fails("PutResourcePolicy", &[], put).code, "ValidationException");
    assert_eq!(
        client.fails("DeleteResourcePolicy", &[&arn], json!({})).code,
        "ResourceNotFoundException"
    );
}

#[test]
fn a_profile_takes_a_policy_in_each_destination_region_of_the_owner() {
    let rows = [
        ("us-east-2", "us.guardrail.v1:0", None),
        ("eu-west-1", "us.guardrail.v1:0", Some("ValidationException")),
        ("eu-west-1", "eu.guardrail.v1:0", None),
    ];
    for (region, profile, expect) in rows {
        let mut client = Client::new();
        client.region = region.to_owned();
        let arn = format!("arn:aws:bedrock:{region}:{ACCOUNT}:guardrail-profile/{profile}");
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": "*", "Action": "bedrock:ApplyGuardrail", "Resource": arn,
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}]});
        let put = json!({"resourceArn": arn, "resourcePolicy": policy.to_string()});
        let answer = client.call("PutResourcePolicy", &[], put);
        assert_eq!(answer.err().map(|failure| failure.code).as_deref(), expect, "{arn}");
    }
}

#[test]
fn logging_goes_to_the_same_account_and_region_only() {
    let config = |bucket: &str, role: &str| {
        json!({"loggingConfig": {"s3Config": {"bucketName": bucket}, "textDataDeliveryEnabled": true,
            "cloudWatchConfig": {"logGroupName": "bedrock",
                "roleArn": format!("arn:aws:iam::{role}:role/logs")}}})
    };
    let mut client = Client::new();
    assert_eq!(client.ok("GetModelInvocationLoggingConfiguration", &[], json!({})), json!({}));
    for (bucket, role) in
        [("logs-222233334444", ACCOUNT), ("logs-eu-west-1", ACCOUNT), ("logs", OTHER_ACCOUNT)]
    {
        let failure =
            client.fails("PutModelInvocationLoggingConfiguration", &[], config(bucket, role));
        assert_eq!(failure.code, "ValidationException", "{bucket} {role}");
    }
    let good = config("logs-111122223333-us-east-1", ACCOUNT);
    client.ok("PutModelInvocationLoggingConfiguration", &[], good.clone());
    assert_eq!(client.ok("GetModelInvocationLoggingConfiguration", &[], json!({})), good);
    client.ok("DeleteModelInvocationLoggingConfiguration", &[], json!({}));
    client.ok("DeleteModelInvocationLoggingConfiguration", &[], json!({}));
    assert_eq!(client.ok("GetModelInvocationLoggingConfiguration", &[], json!({})), json!({}));
}

#[test]
fn logging_is_tried_out_before_it_is_taken() {
    let mut client = Client::new();
    let bucket = |name: &str| json!({"s3Config": {"bucketName": name}});
    let role = |name: &str| {
        json!({"cloudWatchConfig": {"logGroupName": "bedrock",
            "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{name}")}})
    };
    let mut prefixed = bucket("open");
    prefixed["s3Config"]["keyPrefix"] = json!("elsewhere");
    let refused =
        [bucket("closed"), bucket("far"), prefixed, role("nobody"), role("BedrailMember")];
    for config in refused {
        let body = json!({"loggingConfig": config});
        let failure = client.fails("PutModelInvocationLoggingConfiguration", &[], body);
        assert_eq!(failure.code, "ValidationException", "{config}");
    }
    for config in [bucket("open"), bucket("unheard-of"), role("logs")] {
        let body = json!({"loggingConfig": config});
        client.ok("PutModelInvocationLoggingConfiguration", &[], body);
    }
}

#[test]
fn tags_belong_to_the_guardrail() {
    let mut client = Client::new();
    let mut body = guardrail_body("a");
    body["tags"] = json!([{"key": "team", "value": "ai"}]);
    let id = client.ok("CreateGuardrail", &[], body)["guardrailId"].as_str().unwrap().to_owned();
    let arn = arn(&id);
    client.ok("TagResource", &[], json!({"resourceARN": arn, "tags": [{"key": "b", "value": ""}]}));
    client.ok("UntagResource", &[], json!({"resourceARN": arn, "tagKeys": ["team", "absent"]}));
    assert_eq!(
        client.ok("ListTagsForResource", &[], json!({"resourceARN": arn})),
        json!({"tags": [{"key": "b", "value": ""}]})
    );
    let many: Vec<Value> =
        (0..50).map(|index| json!({"key": format!("k{index}"), "value": ""})).collect();
    let failure = client.fails("TagResource", &[], json!({"resourceARN": arn, "tags": many}));
    assert_eq!(failure.code, "TooManyTagsException");
    assert_eq!(failure.extra["resourceName"], arn.as_str());
}

#[test]
fn the_catalogue_tells_embedding_models_apart() {
    let mut client = Client::new();
    let listed =
        client.query("ListFoundationModels", &[], &[("byOutputModality", "EMBEDDING")]).unwrap();
    let ids: Vec<&str> = listed["modelSummaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["modelId"].as_str().unwrap())
        .collect();
    assert!(
        ids.contains(&"amazon.titan-embed-text-v2:0") && ids.contains(&"cohere.embed-english-v3")
    );
    assert!(!ids.iter().any(|id| id.contains("claude")));
    let profiles = client.ok("ListInferenceProfiles", &[], json!({}));
    let first = &profiles["inferenceProfileSummaries"][0];
    assert!(first["models"].as_array().unwrap().len() <= 5);
    let id = first["inferenceProfileId"].as_str().unwrap();
    assert_eq!(client.ok("GetInferenceProfile", &[id], json!({})), *first);
}

#[test]
fn the_dump_names_what_exists() {
    let mut client = Client::new();
    let id = create(&mut client, "a");
    publish(&mut client, &id);
    enforce(&mut client, &id, "1").unwrap();
    let dump = client.world.regional(ACCOUNT, "us-east-1").unwrap().dump();
    assert_eq!(dump["guardrails"][0]["name"], "a");
    assert_eq!(dump["enforced"]["guardrail"], format!("{}:1", arn(&id)));
}

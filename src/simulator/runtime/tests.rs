//! Inference as a caller sees it: calls against a world with guardrails.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::bedrock::model;
use super::super::bedrock::testing::{ACCOUNT, Client, OTHER_ACCOUNT, guardrail_body};
use super::super::call::{Call, Failure, Service};
use super::guards::of_policy;

const CLAUDE: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";
const TITAN: &str = "amazon.titan-embed-text-v2:0";

fn arn(id: &str) -> String {
    format!("arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/{id}")
}

/// A guardrail that denies one word.
fn denying(name: &str, word: &str) -> Value {
    let mut body = guardrail_body(name);
    body["blockedInputMessaging"] = format!("{name} blocked input").into();
    body["blockedOutputsMessaging"] = format!("{name} blocked output").into();
    body["wordPolicyConfig"] = json!({"wordsConfig": [{"text": word}]});
    body
}

/// A guardrail that masks addresses of e-mail.
fn masking(name: &str) -> Value {
    let mut body = guardrail_body(name);
    body.as_object_mut().unwrap().remove("wordPolicyConfig");
    body["sensitiveInformationPolicyConfig"] =
        json!({"piiEntitiesConfig": [{"type": "EMAIL", "action": "ANONYMIZE"}]});
    body
}

#[expect(clippy::needless_pass_by_value, reason = "the calls read better without borrows")]
fn enforce(client: &mut Client, guardrail: &str, more: Value) {
    let mut inference = json!({"guardrailIdentifier": guardrail, "guardrailVersion": "1"});
    inference.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.ok(
        "PutEnforcedGuardrailConfiguration",
        &[],
        json!({"guardrailInferenceConfig": inference}),
    );
}

fn saying(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": text}]}]})
}

fn under(id: &str, version: &str, trace: &str, mut body: Value) -> Value {
    body["guardrailConfig"] =
        json!({"guardrailIdentifier": id, "guardrailVersion": version, "trace": trace});
    body
}

fn text(answer: &Value) -> &str {
    answer["output"]["message"]["content"][0]["text"].as_str().unwrap()
}

#[test]
fn a_model_answers_and_counts_without_any_guardrail() {
    let mut client = Client::new();
    let answer = client.ok("Converse", &[CLAUDE], saying("good morning"));
    assert_eq!(
        answer,
        json!({
            "output": {"message": {"role": "assistant", "content": [{"text": "You said: good morning"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 2, "outputTokens": 4, "totalTokens": 6},
            "metrics": {"latencyMs": 204},
        })
    );
    let mut short = saying("good morning");
    short["inferenceConfig"] = json!({"maxTokens": 1});
    let answer = client.ok("Converse", &[&format!("us.{CLAUDE}")], short);
    assert_eq!((text(&answer), answer["stopReason"].as_str()), ("You", Some("max_tokens")));
    let failure = client.fails("Converse", &["unknown.model-v1"], saying("a"));
    assert_eq!(failure.code, "ValidationException");
}

#[test]
fn a_request_guardrail_blocks_input_with_its_message_and_traces_when_asked() {
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    let blocked = client.ok("Converse", &[NOVA], under(&id, "1", "enabled", saying("a zebra")));
    assert_eq!(text(&blocked), "words blocked input");
    assert_eq!(blocked["stopReason"], "guardrail_intervened");
    assert_eq!(blocked["usage"]["totalTokens"], 0);
    let assessment = &blocked["trace"]["guardrail"]["inputAssessment"][&id];
    assert_eq!(
        assessment["wordPolicy"],
        json!({"customWords": [{"match": "zebra", "action": "BLOCKED", "detected": true}],
               "managedWordLists": []})
    );
    assert_eq!(
        assessment["appliedGuardrailDetails"],
        json!({"guardrailId": id, "guardrailVersion": "1", "guardrailArn": arn(&id),
               "guardrailOrigin": ["REQUEST"], "guardrailOwnership": "SELF"})
    );
    let silent = client.ok("Converse", &[NOVA], under(&id, "1", "disabled", saying("a zebra")));
    assert_eq!(silent.get("trace"), None);
    let passed = client.ok("Converse", &[NOVA], under(&id, "DRAFT", "enabled", saying("a lion")));
    assert_eq!(passed["stopReason"], "end_turn");
    let outputs = &passed["trace"]["guardrail"]["outputAssessments"][&id];
    assert_eq!(outputs[0]["appliedGuardrailDetails"]["guardrailVersion"], "DRAFT");
}

#[test]
fn what_the_model_says_is_guarded_too() {
    let mut client = Client::new();
    let mut body = denying("words", "zebra");
    body["wordPolicyConfig"]["wordsConfig"][0]["inputEnabled"] = false.into();
    let id = client.published(body);
    let blocked =
        client.ok("Converse", &[NOVA], under(&id, "1", "enabled", saying("[say:a zebra]")));
    assert_eq!(text(&blocked), "words blocked output");
    assert_eq!(blocked["trace"]["guardrail"]["modelOutput"], json!(["a zebra"]));

    let id = client.published(masking("pii"));
    let masked =
        client.ok("Converse", &[NOVA], under(&id, "1", "disabled", saying("I am a@b.example.com")));
    assert_eq!(text(&masked), "You said: I am {EMAIL}");
}

#[test]
fn every_origin_runs_and_the_strictest_wins() {
    let mut client = Client::new();
    let enforced = client.published(masking("enforced"));
    let requested = client.published(denying("requested", "zebra"));
    enforce(&mut client, &enforced, json!({}));

    let masked = client.ok(
        "Converse",
        &[CLAUDE],
        under(&requested, "1", "enabled", saying("mail a@b.example.com")),
    );
    assert_eq!(text(&masked), "You said: mail {EMAIL}", "a request guardrail replaced enforcement");
    let both = client.ok(
        "Converse",
        &[CLAUDE],
        under(&requested, "1", "enabled", saying("zebra a@b.example.com")),
    );
    assert_eq!(text(&both), "requested blocked input");
    let assessments = both["trace"]["guardrail"]["inputAssessment"].as_object().unwrap();
    assert_eq!(assessments.len(), 2);
    assert_eq!(
        assessments[&enforced]["sensitiveInformationPolicy"]["piiEntities"][0]["action"],
        "ANONYMIZED"
    );
    assert_eq!(
        assessments[&enforced]["appliedGuardrailDetails"]["guardrailOrigin"],
        json!(["ACCOUNT_ENFORCED"])
    );
}

#[test]
fn enforced_guardrails_are_reported_without_a_trace_and_merge_their_origins() {
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    enforce(&mut client, &id, json!({}));
    let silent = client.ok("Converse", &[CLAUDE], saying("hello"));
    let origin = |answer: &Value| {
        answer["trace"]["guardrail"]["inputAssessment"][&id]["appliedGuardrailDetails"]
            ["guardrailOrigin"]
            .clone()
    };
    assert_eq!(origin(&silent), json!(["ACCOUNT_ENFORCED"]));
    let both = client.ok("Converse", &[CLAUDE], under(&id, "1", "disabled", saying("hello")));
    assert_eq!(origin(&both), json!(["ACCOUNT_ENFORCED", "REQUEST"]));
}

#[test]
fn enforcement_covers_the_models_it_names() {
    let rows = [
        (json!({}), CLAUDE, true),
        (
            json!({"modelEnforcement": {"includedModels": ["ALL"], "excludedModels": []}}),
            CLAUDE,
            true,
        ),
        (
            json!({"modelEnforcement": {"includedModels": ["ALL"], "excludedModels": [CLAUDE]}}),
            CLAUDE,
            false,
        ),
        (
            json!({"modelEnforcement": {"includedModels": [NOVA], "excludedModels": []}}),
            CLAUDE,
            false,
        ),
        (json!({"modelEnforcement": {"includedModels": [NOVA], "excludedModels": []}}), NOVA, true),
        (
            json!({"modelEnforcement": {"includedModels": [NOVA], "excludedModels": [NOVA]}}),
            NOVA,
            false,
        ),
        (
            json!({"modelEnforcement": {"includedModels": [NOVA], "excludedModels": []}}),
            "us.amazon.nova-lite-v1:0",
            true,
        ),
    ];
    for (more, model, is_covered) in rows {
        let mut client = Client::new();
        let id = client.published(denying("words", "zebra"));
        enforce(&mut client, &id, more.clone());
        let answer = client.ok("Converse", &[model], saying("a zebra"));
        assert_eq!(answer["stopReason"] == "guardrail_intervened", is_covered, "{model} {more}");
    }
}

#[test]
fn embedding_models_fail_under_enforcement_unless_excluded() {
    let mut client = Client::new();
    let embed = json!({"inputText": "a lion"});
    assert!(client.ok("InvokeModel", &[TITAN], embed.clone())["embedding"].is_array());
    let id = client.published(denying("words", "zebra"));
    enforce(&mut client, &id, json!({}));
    let failure = client.fails("InvokeModel", &[TITAN], embed.clone());
    assert_eq!(failure.code, "ValidationException");
    assert!(failure.message.starts_with("Operation not allowed"), "{}", failure.message);

    let listed = client.ok("ListEnforcedGuardrailsConfiguration", &[], json!({}));
    let config = listed["guardrailsConfig"][0]["configId"].as_str().unwrap();
    client.ok("DeleteEnforcedGuardrailConfiguration", &[config], json!({}));
    let excluded =
        json!({"modelEnforcement": {"includedModels": ["ALL"], "excludedModels": [TITAN]}});
    enforce(&mut client, &id, excluded);
    assert!(client.ok("InvokeModel", &[TITAN], embed)["embedding"].is_array());
}

#[test]
fn selective_guarding_looks_where_tags_are() {
    let tagged = |text: &str| json!({"guardContent": {"text": {"text": text}}});
    let plain = |text: &str| json!({"text": text});
    let prompt = |system: Value, content: Vec<Value>| json!({"system": [system], "messages": [{"role": "user", "content": content}]});
    let rows = [
        ("plain system is skipped", prompt(plain("zebra"), vec![plain("hi")]), "SELECTIVE", false),
        (
            "plain system is checked",
            prompt(plain("zebra"), vec![plain("hi")]),
            "COMPREHENSIVE",
            true,
        ),
        ("tagged system", prompt(tagged("zebra"), vec![plain("hi")]), "SELECTIVE", true),
        ("untagged messages", prompt(plain("a"), vec![plain("zebra")]), "SELECTIVE", true),
        (
            "beside a tag",
            prompt(plain("a"), vec![plain("zebra"), tagged("hi")]),
            "SELECTIVE",
            false,
        ),
        ("inside a tag", prompt(plain("a"), vec![plain("hi"), tagged("zebra")]), "SELECTIVE", true),
        (
            "tags are ignored",
            prompt(plain("a"), vec![plain("zebra"), tagged("hi")]),
            "COMPREHENSIVE",
            true,
        ),
    ];
    for (name, body, mode, is_blocked) in rows {
        let mut client = Client::new();
        let mut guardrail = denying("words", "zebra");
        guardrail["wordPolicyConfig"]["wordsConfig"][0]["outputEnabled"] = false.into();
        let id = client.published(guardrail);
        enforce(
            &mut client,
            &id,
            json!({"selectiveContentGuarding": {"system": mode, "messages": mode}}),
        );
        let answer = client.ok("Converse", &[CLAUDE], body);
        assert_eq!(answer["stopReason"] == "guardrail_intervened", is_blocked, "{name}");
    }
}

fn anthropic(text: &str) -> Value {
    json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100,
           "messages": [{"role": "user", "content": text}]})
}

#[test]
fn invoke_model_speaks_the_body_of_each_family() {
    let mut client = Client::new();
    let answer = client.ok("InvokeModel", &[CLAUDE], anthropic("hello"));
    assert_eq!(answer["content"], json!([{"type": "text", "text": "You said: hello"}]));
    assert_eq!(answer.get("amazon-bedrock-guardrailAction"), None);
    let answer = client.ok("InvokeModel", &[NOVA], saying("hello"));
    assert_eq!(text(&answer), "You said: hello");
    let answer =
        client.ok("InvokeModel", &["meta.llama3-1-8b-instruct-v1:0"], json!({"prompt": "hello"}));
    assert_eq!(answer["generation"], "You said: hello");
    assert_eq!(client.fails("InvokeModel", &[CLAUDE], json!({})).code, "ValidationException");
}

#[test]
fn invoke_model_reports_guardrails_in_the_body_and_honours_tags() {
    let mut client = Client::new();
    let mut body = denying("words", "zebra");
    body["wordPolicyConfig"]["wordsConfig"][0]["outputEnabled"] = false.into();
    let id = client.published(body);
    client.headers.insert("x-amzn-bedrock-guardrailidentifier".to_owned(), id.clone());
    client.headers.insert("x-amzn-bedrock-guardrailversion".to_owned(), "1".to_owned());
    client.headers.insert("x-amzn-bedrock-trace".to_owned(), "ENABLED".to_owned());
    let blocked = client.ok("InvokeModel", &[CLAUDE], anthropic("a zebra"));
    assert_eq!(blocked["content"][0]["text"], "words blocked input");
    assert_eq!(blocked["amazon-bedrock-guardrailAction"], "INTERVENED");
    let trace = &blocked["amazon-bedrock-trace"]["guardrail"]["input"][&id];
    assert_eq!(trace["wordPolicy"]["customWords"][0]["match"], "zebra");

    let open = "<amazon-bedrock-guardrails-guardContent_xyz>";
    let close = "</amazon-bedrock-guardrails-guardContent_xyz>";
    let mut tagged = anthropic(&format!("zebra {open}hello{close}"));
    tagged["amazon-bedrock-guardrailConfig"] = json!({"tagSuffix": "xyz"});
    let passed = client.ok("InvokeModel", &[CLAUDE], tagged);
    assert_eq!(passed["amazon-bedrock-guardrailAction"], "NONE");
    assert!(!passed["content"][0]["text"].as_str().unwrap().contains("guardContent"));
}

#[test]
fn streams_carry_the_same_answer_as_the_call() {
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    let events = client.ok(
        "ConverseStream",
        &[CLAUDE],
        under(&id, "1", "enabled", saying("one two three four five")),
    );
    let events = events.as_array().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "messageStart",
            "contentBlockDelta",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata"
        ]
    );
    let said: String =
        events.iter().filter_map(|event| event["payload"]["delta"]["text"].as_str()).collect();
    assert_eq!(said, "You said: one two three four five");
    assert!(events[5]["payload"]["trace"]["guardrail"]["inputAssessment"][&id].is_object());

    enforce(&mut client, &id, json!({}));
    for (model, body) in [(CLAUDE, anthropic("a zebra")), (NOVA, saying("a zebra"))] {
        let chunks = client.ok("InvokeModelWithResponseStream", &[model], body);
        let parts: Vec<Value> = chunks
            .as_array()
            .unwrap()
            .iter()
            .map(|chunk| {
                assert_eq!(chunk["type"], "chunk");
                let bytes = STANDARD.decode(chunk["payload"]["bytes"].as_str().unwrap()).unwrap();
                serde_json::from_slice(&bytes).unwrap()
            })
            .collect();
        let whole = Value::from(parts.clone()).to_string();
        assert!(whole.contains("words blocked"), "{whole}");
        assert_eq!(parts.last().unwrap()["amazon-bedrock-guardrailAction"], "INTERVENED");
    }
}

fn apply(client: &mut Client, id: &str, body: Value) -> Result<Value, Failure> {
    client.call("ApplyGuardrail", &[id, "1"], body)
}

#[test]
fn apply_guardrail_answers_in_full() {
    let mut client = Client::new();
    let mut body = masking("pii");
    body["topicPolicyConfig"] = json!({"topicsConfig": [
        {"name": "tax", "definition": "taxes", "type": "DENY"}]});
    let id = client.published(body);
    let content = |text: &str| json!({"source": "INPUT", "content": [{"text": {"text": text}}]});
    let masked = apply(&mut client, &id, content("a@b.example.com")).unwrap();
    assert_eq!(masked["action"], "GUARDRAIL_INTERVENED");
    assert_eq!(masked["actionReason"], "Guardrail masked.");
    assert_eq!(masked["outputs"], json!([{"text": "{EMAIL}"}]));
    assert_eq!(masked["guardrailCoverage"]["textCharacters"], json!({"guarded": 15, "total": 15}));
    assert_eq!(masked["usage"]["topicPolicyUnits"], 1);
    assert_eq!(masked["usage"]["contentPolicyUnits"], 0);
    let blocked = apply(&mut client, &id, content("about tax")).unwrap();
    assert_eq!(blocked["outputs"], json!([{"text": "input blocked"}]));
    assert_eq!(
        blocked["assessments"][0]["topicPolicy"]["topics"],
        json!([{"name": "tax", "type": "DENY", "action": "BLOCKED", "detected": true}])
    );
    let passed = apply(&mut client, &id, content("hello")).unwrap();
    assert_eq!((&passed["action"], &passed["outputs"]), (&json!("NONE"), &json!([])));
    let mut full = content("hello");
    full["outputScope"] = "FULL".into();
    let full = apply(&mut client, &id, full).unwrap();
    assert_eq!(full["outputs"], json!([{"text": "hello"}]));
    assert_eq!(full["assessments"][0]["topicPolicy"]["topics"][0]["detected"], false);
}

#[test]
fn apply_guardrail_tells_a_missing_guardrail_from_a_bad_request() {
    let mut client = Client::new();
    let content = json!({"source": "INPUT", "content": [{"text": {"text": "a"}}]});
    assert_eq!(apply(&mut client, "unknown", content.clone()).unwrap_err().status, 404);
    let created = client.ok("CreateGuardrail", &[], guardrail_body("a"));
    let id = created["guardrailId"].as_str().unwrap();
    client.pass(1000);
    client.ok("CreateGuardrailVersion", &[id], json!({}));
    let early = apply(&mut client, id, content.clone()).unwrap_err();
    assert_eq!(early.code, "ValidationException");
    assert!(early.message.contains("CREATING"), "{}", early.message);
    client.pass(1000);
    apply(&mut client, id, content).unwrap();
    let rows = [json!({"content": [{"text": {"text": "a"}}]}), json!({"source": "INPUT"})];
    for body in rows {
        assert_eq!(
            apply(&mut client, id, body.clone()).unwrap_err().code,
            "ValidationException",
            "{body}"
        );
    }
}

#[test]
fn a_guardrail_of_another_account_is_named_as_such() {
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    client.share(&id);
    client.act_as(OTHER_ACCOUNT);
    enforce(&mut client, &arn(&id), json!({}));
    let answer = client.ok("Converse", &[CLAUDE], saying("hello"));
    let details = &answer["trace"]["guardrail"]["inputAssessment"][&id]["appliedGuardrailDetails"];
    assert_eq!(details["guardrailOwnership"], "CROSS_ACCOUNT");
    assert_eq!(details["guardrailArn"], arn(&id));
}

/// Attaches a policy that enforces `identifier` at the root, and lets it take effect.
fn enforce_organization(client: &mut Client, identifier: &str, more: &Value) {
    let mut config = json!({"identifier": {"@@assign": identifier}});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let content = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": config}}}});
    let created = client.ok(
        "CreatePolicy",
        &[],
        json!({"Name": "baseline", "Description": "", "Type": "BEDROCK_POLICY",
               "Content": content.to_string()}),
    );
    let policy = &created["Policy"]["PolicySummary"]["Id"];
    client.ok("AttachPolicy", &[], json!({"PolicyId": policy, "TargetId": "r-abcd"}));
    client.pass(1000);
}

#[test]
fn the_organization_enforces_in_its_members_once_the_guardrail_is_shared() {
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    enforce_organization(&mut client, &format!("{}:1", arn(&id)), &json!({}));
    client.act_as(OTHER_ACCOUNT);
    let unshared = client.fails("Converse", &[CLAUDE], saying("hello"));
    assert_eq!((unshared.code.as_str(), unshared.status), ("AccessDeniedException", 403));

    client.act_as(ACCOUNT);
    client.share(&id);
    client.act_as(OTHER_ACCOUNT);
    let blocked = client.ok("Converse", &[CLAUDE], saying("a zebra"));
    assert_eq!(text(&blocked), "words blocked input");
    assert_eq!(
        blocked["trace"]["guardrail"]["inputAssessment"][&id]["appliedGuardrailDetails"],
        json!({"guardrailId": id, "guardrailVersion": "1", "guardrailArn": arn(&id),
               "guardrailOrigin": ["ORGANIZATION_ENFORCED"], "guardrailOwnership": "CROSS_ACCOUNT"})
    );
    client.region = "us-west-2".to_owned();
    let elsewhere = client.ok("Converse", &[CLAUDE], saying("a zebra"));
    assert_eq!(elsewhere["stopReason"], "end_turn");
}

#[test]
fn organization_account_and_request_all_run_on_one_call() {
    let mut client = Client::new();
    let shared = client.published(denying("organization", "zebra"));
    client.share(&shared);
    enforce_organization(&mut client, &format!("{}:1", arn(&shared)), &json!({}));
    client.act_as(OTHER_ACCOUNT);
    let own = client.published(denying("account", "lion"));
    let requested = client.published(masking("request"));
    enforce(&mut client, &own, json!({}));
    let rows = [
        ("a zebra and a lion", "organization blocked input"),
        ("a lion", "account blocked input"),
        ("a@b.example.com", "You said: {EMAIL}"),
        ("hello", "You said: hello"),
    ];
    for (said, expect) in rows {
        let answer =
            client.ok("Converse", &[CLAUDE], under(&requested, "1", "enabled", saying(said)));
        assert_eq!(text(&answer), expect);
        let assessed = answer["trace"]["guardrail"]["inputAssessment"].as_object().unwrap();
        assert_eq!(assessed.len(), 3, "{said}");
    }
}

#[test]
fn a_broken_organization_reference_stops_every_inference_in_the_region() {
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    client.share(&id);
    enforce_organization(&mut client, &format!("{}:7", arn(&id)), &json!({}));
    client.act_as(OTHER_ACCOUNT);
    for (operation, model, body) in [
        ("Converse", CLAUDE, saying("hello")),
        ("ConverseStream", NOVA, saying("hello")),
        ("InvokeModel", TITAN, json!({"inputText": "hello"})),
        ("InvokeModelWithResponseStream", CLAUDE, anthropic("hello")),
    ] {
        let failure = client.fails(operation, &[model], body);
        assert_eq!(failure.code, "ValidationException", "{operation}");
    }
    client.region = "eu-west-1".to_owned();
    client.ok("Converse", &[CLAUDE], saying("hello"));
}

#[test]
fn an_organization_policy_can_leave_models_out_and_guard_selectively() {
    let more = json!({
        "model_enforcement": {"included_models": {"@@assign": ["ALL"]},
                              "excluded_models": {"@@assign": [TITAN]}},
        "selective_content_guarding": {"system": {"@@assign": "selective"}},
    });
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    client.share(&id);
    enforce_organization(&mut client, &format!("{}:1", arn(&id)), &more);
    client.act_as(OTHER_ACCOUNT);
    client.ok("InvokeModel", &[TITAN], json!({"inputText": "a zebra"}));
    let mut body = saying("hello");
    body["system"] = json!([{"text": "a zebra"}]);
    assert_eq!(client.ok("Converse", &[CLAUDE], body)["stopReason"], "end_turn");
}

#[test]
fn automated_reasoning_fails_under_enforcement() {
    let mut client = Client::new();
    let mut body = denying("words", "zebra");
    body["crossRegionConfig"] = json!({"guardrailProfileIdentifier": "us.guardrail.v1:0"});
    body["automatedReasoningPolicyConfig"] = json!({"policies": [format!(
        "arn:aws:bedrock:us-east-1:{ACCOUNT}:automated-reasoning-policy/abcabcabcabc:1")]});
    let id = client.published(body);
    client.ok("Converse", &[CLAUDE], under(&id, "1", "enabled", saying("hello")));
    enforce(&mut client, &id, json!({}));
    assert_eq!(client.fails("Converse", &[CLAUDE], saying("hello")).code, "ValidationException");
}

#[test]
fn an_organization_reference_that_cannot_be_followed_fails_the_call() {
    let mut client = Client::new();
    let id = client.published(denying("words", "zebra"));
    let call = Call {
        service: Service::BedrockRuntime,
        operation: "Converse",
        caller: client.caller.clone(),
        region: client.region.clone(),
        labels: vec![CLAUDE.to_owned()],
        query: std::collections::BTreeMap::new(),
        headers: std::collections::BTreeMap::new(),
        body: json!({}),
        at: u64::MAX,
        is_controller: false,
        ends_failed: false,
    };
    let rows = [
        format!("{}:DRAFT", arn(&id)),
        format!("{}:9", arn(&id)),
        arn(&id),
        format!("{}:1", arn("unknown")),
        format!("arn:aws:bedrock:eu-west-1:{ACCOUNT}:guardrail/{id}:1"),
        format!("arn:aws:bedrock:us-east-1:{OTHER_ACCOUNT}:guardrail/{id}:1"),
        String::new(),
    ];
    for identifier in rows {
        let policy = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": {
            "identifier": identifier,
            "model_enforcement": {"included_models": [NOVA], "excluded_models": []}}}}}});
        let failure = of_policy(&client.world, &call, model(CLAUDE).unwrap(), &policy).unwrap_err();
        assert_eq!(failure.code, "ValidationException", "{identifier}");
    }
    let elsewhere = json!({"bedrock": {"guardrail_inference": {"eu-west-1": {"config_1": {
        "identifier": "broken"}}}}});
    assert!(
        of_policy(&client.world, &call, model(CLAUDE).unwrap(), &elsewhere).unwrap().is_empty()
    );
}

#[test]
fn an_identifier_that_no_guardrail_can_have_is_invalid_and_not_missing() {
    let mut client = Client::new();
    let body = json!({"source": "INPUT", "content": [{"text": {"text": "a"}}]});
    let failure = client.fails("ApplyGuardrail", &["no such thing", "1"], body.clone());
    assert_eq!(failure.code, "ValidationException");
    let failure = client.fails("ApplyGuardrail", &["abcabcabcabc", "1"], body);
    assert_eq!(failure.code, "ResourceNotFoundException");
}

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::*;
use crate::model::{Content, ReplicaContent, canonical, changes};
use crate::plan::replica::document;

/// The document a plan compares.
fn planned(content: &Value) -> Value {
    let content: Content = serde_json::from_value(content.clone()).unwrap();
    document(&ReplicaContent { shared: canonical(content), ..ReplicaContent::default() })
}

fn labelled(old: &Value, new: &Value) -> Vec<FieldChange> {
    let (old, new) = (planned(old), planned(new));
    let mut changes = changes(&old, &new);
    label(&mut changes, &old, &new);
    changes
}

/// Policy, old rule, new rule, what the change is.
type Case = (&'static str, Value, Value, &'static str);

#[test]
fn every_field_has_its_direction() {
    let filter =
        |input: &str| json!({"type": "HATE", "inputStrength": input, "outputStrength": "LOW"});
    let with = |base: Value, field: &str, value: Value| {
        let mut rule = base;
        rule[field] = value;
        rule
    };
    let pii = |action: &str| json!({"type": "EMAIL", "action": action});
    let ground = |threshold: f64| json!({"type": "GROUNDING", "threshold": threshold});
    let topic = |text: &str| json!({"name": "a].b", "definition": text, "type": "DENY"});
    let regex = |text: &str| json!({"name": "x", "pattern": text, "action": "BLOCK"});
    let word = json!({"text": "falcon"});
    let none = Value::Null;
    let cases: Vec<Case> = vec![
        ("filter", filter("HIGH"), filter("LOW"), "weaker"),
        ("filter", filter("LOW"), filter("HIGH"), "stronger"),
        ("filter", filter("LOW"), with(filter("HIGH"), "outputStrength", json!("NONE")), "mixed"),
        ("filter", filter("LOW"), with(filter("LOW"), "inputEnabled", json!(false)), "weaker"),
        ("filter", filter("LOW"), with(filter("LOW"), "outputAction", json!("NONE")), "weaker"),
        (
            "filter",
            filter("LOW"),
            with(filter("LOW"), "inputModalities", json!(["IMAGE", "TEXT"])),
            "stronger",
        ),
        (
            "filter",
            filter("LOW"),
            with(filter("LOW"), "inputModalities", json!(["IMAGE"])),
            "mixed",
        ),
        ("filter", filter("EXTREME"), filter("LOW"), "mixed"),
        ("filter", filter("LOW"), none.clone(), "weaker"),
        ("filter", none.clone(), filter("LOW"), "stronger"),
        ("filter", none.clone(), with(filter("NONE"), "outputStrength", json!("NONE")), "same"),
        (
            "filter",
            none.clone(),
            with(with(filter("LOW"), "inputEnabled", json!(false)), "outputAction", json!("NONE")),
            "same",
        ),
        ("word", word.clone(), none.clone(), "weaker"),
        ("word", none.clone(), word, "stronger"),
        ("pii", pii("BLOCK"), pii("ANONYMIZE"), "weaker"),
        ("pii", pii("NONE"), pii("ANONYMIZE"), "stronger"),
        ("pii", pii("BLOCK"), with(pii("NONE"), "inputAction", json!("BLOCK")), "weaker"),
        (
            "pii",
            with(pii("NONE"), "inputAction", json!("BLOCK")),
            with(pii("BLOCK"), "outputAction", json!("NONE")),
            "same",
        ),
        ("regex", regex("a"), regex("b"), "mixed"),
        ("regex", regex("a"), with(regex("a"), "description", json!("badges")), "same"),
        ("topic", topic("a"), topic("b"), "mixed"),
        ("topic", topic("a"), none.clone(), "weaker"),
        ("ground", ground(0.5), ground(0.7), "stronger"),
        ("ground", ground(0.5), ground(0.4), "weaker"),
        ("ground", ground(0.5), with(ground(0.5), "action", json!("NONE")), "weaker"),
        ("ground", none.clone(), ground(0.5), "stronger"),
        ("ground", none.clone(), with(ground(0.5), "action", json!("NONE")), "same"),
        ("ground", none.clone(), with(ground(0.5), "enabled", json!(false)), "same"),
        ("message", json!("a"), json!("b"), "same"),
    ];
    for (policy, old, new, expected) in cases {
        let found = labelled(&content_of(policy, &old), &content_of(policy, &new));
        let overall = overall(&found).map(Strength::as_str);
        assert_eq!(overall, Some(expected), "{policy} {old} → {new}: {found:?}");
    }
}

#[test]
fn what_is_of_no_rule_has_its_direction() {
    let reasoning = |threshold: f64| {
        json!({"automatedReasoningPolicyConfig": {"policies": ["p"],
            "confidenceThreshold": threshold}})
    };
    let topic = json!([{"name": "a", "definition": "b", "type": "DENY"}]);
    let tier = |tier: &str| json!({"topicPolicyConfig": {"topicsConfig": topic, "tierConfig": {"tierName": tier}}});
    let nothing = json!({});
    let rows = [
        (nothing.clone(), reasoning(0.5), "stronger"),
        (reasoning(0.5), nothing.clone(), "weaker"),
        (reasoning(0.5), reasoning(0.9), "mixed"),
        (nothing.clone(), tier("STANDARD"), "stronger"),
        (tier("STANDARD"), nothing, "weaker"),
        (tier("CLASSIC"), tier("STANDARD"), "mixed"),
    ];
    for (old, new, expected) in rows {
        let found = labelled(&old, &new);
        let overall = overall(&found).map(Strength::as_str);
        assert_eq!(overall, Some(expected), "{old} → {new}: {found:?}");
    }
}

#[test]
fn a_weaker_field_says_so_in_one_line() {
    let filter =
        |input: &str| json!({"type": "HATE", "inputStrength": input, "outputStrength": "LOW"});
    let found =
        labelled(&content_of("filter", &filter("HIGH")), &content_of("filter", &filter("LOW")));
    assert_eq!(
        found[0].to_string(),
        "weaker: contentPolicyConfig.filtersConfig[HATE].inputStrength: HIGH → LOW"
    );
}

fn content_of(policy: &str, rule: &Value) -> Value {
    if policy == "message" {
        return json!({"blockedInputMessaging": rule});
    }
    let (config, list) = match policy {
        "filter" => ("contentPolicyConfig", "filtersConfig"),
        "word" => ("wordPolicyConfig", "wordsConfig"),
        "pii" => ("sensitiveInformationPolicyConfig", "piiEntitiesConfig"),
        "regex" => ("sensitiveInformationPolicyConfig", "regexesConfig"),
        "topic" => ("topicPolicyConfig", "topicsConfig"),
        _ => ("contextualGroundingPolicyConfig", "filtersConfig"),
    };
    let rules: Vec<&Value> = Some(rule).filter(|it| !it.is_null()).into_iter().collect();
    json!({config: {list: rules}})
}

// What follows judges contents on its own: it lists everything a caller could send or be answered
// and says what is blocked. Nothing of it knows how changes are labelled.

const SIDES: [&str; 2] = ["input", "output"];
const LEVELS: [&str; 3] = ["HIGH", "MEDIUM", "LOW"];

/// Everything that `content` stops, as texts. A masked text is stopped from being read.
fn stopped(content: &Value) -> BTreeSet<String> {
    let rules =
        |config: &str, list: &str| content[config][list].as_array().cloned().unwrap_or_default();
    let mut stopped = BTreeSet::new();
    for side in SIDES {
        let is_on = |rule: &Value| rule[format!("{side}Enabled")].as_bool().unwrap_or(true);
        let action = |rule: &Value| -> String {
            let own = rule[format!("{side}Action")].as_str().or(rule["action"].as_str());
            own.unwrap_or("BLOCK").to_owned()
        };
        let mut stop = |rule: &Value, what: String| match action(rule).as_str() {
            _ if !is_on(rule) => {}
            "BLOCK" => {
                stopped.insert(format!("{side} {what} masked"));
                stopped.insert(format!("{side} {what} blocked"));
            }
            "ANONYMIZE" => {
                stopped.insert(format!("{side} {what} masked"));
            }
            _ => {}
        };
        for rule in rules("contentPolicyConfig", "filtersConfig") {
            let strength = rule[format!("{side}Strength")].as_str().unwrap();
            // A weak filter stops only what is certain.
            let caught = match strength {
                "HIGH" => 3,
                "MEDIUM" => 2,
                "LOW" => 1,
                _ => 0,
            };
            let text = json!(["TEXT"]);
            let modalities = rule.get(format!("{side}Modalities")).unwrap_or(&text);
            for modality in modalities.as_array().unwrap() {
                for level in &LEVELS[..caught] {
                    stop(&rule, format!("{} {level} {modality}", rule["type"]));
                }
            }
        }
        for rule in rules("wordPolicyConfig", "wordsConfig") {
            stop(&rule, format!("word {}", rule["text"]));
        }
        for rule in rules("topicPolicyConfig", "topicsConfig") {
            stop(&rule, format!("topic {} {}", rule["definition"], rule["examples"]));
        }
        for rule in rules("sensitiveInformationPolicyConfig", "piiEntitiesConfig") {
            stop(&rule, format!("pii {}", rule["type"]));
        }
        for rule in rules("sensitiveInformationPolicyConfig", "regexesConfig") {
            stop(&rule, format!("regex {}", rule["pattern"]));
        }
    }
    for rule in rules("contextualGroundingPolicyConfig", "filtersConfig") {
        let blocks = rule["action"] != "NONE" && rule["enabled"] != false;
        for score in (0..100).map(|score| f64::from(score) / 100.0) {
            if blocks && score < rule["threshold"].as_f64().unwrap() {
                stopped.insert(format!("{} {score}", rule["type"]));
            }
        }
    }
    stopped
}

/// Members that may be there or not.
fn optional(
    members: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> impl Strategy<Value = Map<String, Value>> {
    let member = |(name, value): (&'static str, BoxedStrategy<Value>)| {
        proptest::option::weighted(0.3, value).prop_map(move |value| (name.to_owned(), value))
    };
    let members: Vec<_> = members.into_iter().map(member).collect();
    members.prop_map(|them| them.into_iter().filter_map(|(name, it)| Some((name, it?))).collect())
}

fn words(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(|word| json!(word)).boxed()
}

fn sided(actions: &'static [&'static str]) -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let flag = || any::<bool>().prop_map(|it| json!(it)).boxed();
    vec![
        ("inputAction", words(actions)),
        ("outputAction", words(actions)),
        ("inputEnabled", flag()),
        ("outputEnabled", flag()),
    ]
}

fn rule(
    required: Vec<(&'static str, BoxedStrategy<Value>)>,
    more: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> impl Strategy<Value = Value> {
    let required: Vec<_> = required
        .into_iter()
        .map(|(name, value)| value.prop_map(move |value| (name.to_owned(), value)))
        .collect();
    (required, optional(more)).prop_map(|(required, mut more)| {
        more.extend(required);
        Value::Object(more)
    })
}

/// Rules with the keys `keys` of which some are there.
fn rules(
    keys: &'static [&'static str],
    of: impl Fn(&'static str) -> BoxedStrategy<Value>,
) -> BoxedStrategy<Value> {
    let all: Vec<_> = keys.iter().map(|key| proptest::option::weighted(0.7, of(key))).collect();
    all.prop_map(|rules| json!(rules.into_iter().flatten().collect::<Vec<_>>())).boxed()
}

/// All policies, over so few values that contents are often comparable.
fn content() -> impl Strategy<Value = Value> {
    const BLOCK: &[&str] = &["BLOCK", "NONE"];
    const MASK: &[&str] = &["BLOCK", "ANONYMIZE", "NONE"];
    const STRENGTH: &[&str] = &["NONE", "LOW", "MEDIUM", "HIGH"];
    let key = |key: &'static str| Just(json!(key)).boxed();
    let modalities =
        || subsequence(vec!["IMAGE", "TEXT"], 1..=2).prop_map(|list| json!(list)).boxed();
    let filters = rules(&["HATE", "INSULTS"], move |kind| {
        let mut more = sided(BLOCK);
        more.extend([("inputModalities", modalities()), ("outputModalities", modalities())]);
        let required = vec![
            ("type", key(kind)),
            ("inputStrength", words(STRENGTH)),
            ("outputStrength", words(STRENGTH)),
        ];
        rule(required, more).boxed()
    });
    let word_list =
        rules(&["a", "b"], move |text| rule(vec![("text", key(text))], sided(BLOCK)).boxed());
    let topics = rules(&["t].x"], move |name| {
        let required = vec![("name", key(name)), ("definition", words(&["d", "e"]))];
        rule(required, sided(BLOCK)).boxed()
    });
    let pii = rules(&["EMAIL", "PHONE"], move |kind| {
        rule(vec![("type", key(kind)), ("action", words(MASK))], sided(MASK)).boxed()
    });
    let regexes = rules(&["r"], move |name| {
        let required =
            vec![("name", key(name)), ("pattern", words(&["p", "q"])), ("action", words(MASK))];
        rule(required, sided(MASK)).boxed()
    });
    let grounding = rules(&["GROUNDING"], move |kind| {
        let threshold = select(vec![0.2, 0.5, 0.7]).prop_map(|it| json!(it)).boxed();
        let enabled = any::<bool>().prop_map(|it| json!(it)).boxed();
        let more = vec![("action", words(BLOCK)), ("enabled", enabled)];
        rule(vec![("type", key(kind)), ("threshold", threshold)], more).boxed()
    });
    (filters, word_list, topics, pii, regexes, grounding).prop_map(
        |(filters, words, topics, pii, regexes, grounding)| {
            json!({
                "contentPolicyConfig": {"filtersConfig": filters},
                "wordPolicyConfig": {"wordsConfig": words},
                "topicPolicyConfig": {"topicsConfig": topics},
                "sensitiveInformationPolicyConfig":
                    {"piiEntitiesConfig": pii, "regexesConfig": regexes},
                "contextualGroundingPolicyConfig": {"filtersConfig": grounding},
            })
        },
    )
}

/// A content and another that has one or two policies of a third: an edit, not a rewrite.
fn edit() -> impl Strategy<Value = (Value, Value)> {
    const POLICIES: [&str; 5] = [
        "contentPolicyConfig",
        "wordPolicyConfig",
        "topicPolicyConfig",
        "sensitiveInformationPolicyConfig",
        "contextualGroundingPolicyConfig",
    ];
    (content(), content(), subsequence(POLICIES.to_vec(), 1..=2)).prop_map(
        |(old, other, policies)| {
            let mut new = old.clone();
            for policy in policies {
                new[policy] = other[policy].clone();
            }
            (old, new)
        },
    )
}

/// Whether what is stopped shrinks, and what the labels say.
fn judged(old: &Value, new: &Value) -> (bool, Option<Strength>) {
    let shrinks = !stopped(old).is_subset(&stopped(new));
    (shrinks, overall(&labelled(old, new)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_not_labelled_weaker_still_stops_all_that_was_stopped((old, new) in edit()) {
        let (shrinks, label) = judged(&old, &new);
        if matches!(label, None | Some(Strength::Same | Strength::Stronger)) {
            prop_assert!(!shrinks, "{label:?}: {:?}", labelled(&old, &new));
        }
    }
}

/// Were everything labelled weaker, the law above would hold too.
#[test]
fn many_edits_are_labelled_stronger() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut found = [0; 4];
    for _ in 0..500 {
        let (old, new) = edit().new_tree(&mut runner).unwrap().current();
        match judged(&old, &new).1 {
            None | Some(Strength::Same) => found[0] += 1,
            Some(Strength::Stronger) => found[1] += 1,
            Some(Strength::Weaker) => found[2] += 1,
            Some(Strength::Mixed) => found[3] += 1,
        }
    }
    assert!(found.iter().all(|count| *count >= 10), "{found:?}");
}

//! Random guardrail contents over the whole schema of CreateGuardrail.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use crate::schema::{
    BLOCK, FILTER_TYPES, GROUNDING_TYPES, MASK, MODALITIES, PII_TYPES, STRENGTHS, TIERS,
};
use crate::support::MANAGEMENT;

/// Where every guardrail of this test stands: keys and profiles are of one Region.
pub(crate) const REGION: &str = "us-east-1";

/// What its geography offers for cross-Region inference.
const PROFILE: &str = "us.guardrail.v1:0";

/// Any character a person can see, but line and paragraph separators: the versions of YAML
/// disagree on them, so a manifest has to escape them.
const PRINTABLE: &str = r"[\PC--[\p{Zl}\p{Zp}]]";

/// How often an optional member is there.
const PRESENT: f64 = 0.7;

/// A member of an object: its name, and its value or nothing.
type Member = (&'static str, BoxedStrategy<Option<Value>>);

/// What of a guardrail's spec is generated: `content`, and `crossRegion` where it is needed.
pub(crate) fn spec() -> impl Strategy<Value = Value> {
    // STANDARD tiers and automated reasoning are for guardrails with a profile alone.
    (cross_region(), any::<bool>()).prop_flat_map(|(cross_region, is_standard)| {
        let has_profile = !cross_region.is_null();
        content(has_profile, has_profile && is_standard).prop_map(move |mut content| {
            let mut spec = json!({"regions": [REGION]});
            if cross_region == "Auto" {
                spec["crossRegion"] = cross_region.clone();
            } else if has_profile {
                content["crossRegionConfig"] = cross_region.clone();
            }
            spec["content"] = content;
            spec
        })
    })
}

/// No profile, the one of the Region, or one named by id or ARN.
fn cross_region() -> BoxedStrategy<Value> {
    let arn = format!("arn:aws:bedrock:{REGION}:{MANAGEMENT}:guardrail-profile/{PROFILE}");
    prop_oneof![
        2 => Just(Value::Null),
        1 => Just(json!("Auto")),
        1 => Just(json!({"guardrailProfileIdentifier": PROFILE})),
        1 => Just(json!({"guardrailProfileIdentifier": arn})),
    ]
    .boxed()
}

fn content(has_profile: bool, is_standard: bool) -> BoxedStrategy<Value> {
    let reasoning = if has_profile {
        option::weighted(PRESENT, reasoning()).boxed()
    } else {
        Just(None).boxed()
    };
    object(vec![
        optional("description", text(1, 200)),
        required("blockedInputMessaging", text(1, 500)),
        required("blockedOutputsMessaging", text(1, 500)),
        optional("topicPolicyConfig", topics(is_standard)),
        optional("contentPolicyConfig", filters(is_standard)),
        optional("wordPolicyConfig", words()),
        optional("sensitiveInformationPolicyConfig", sensitive()),
        optional("contextualGroundingPolicyConfig", grounding(is_standard)),
        ("automatedReasoningPolicyConfig", reasoning),
        optional("kmsKeyId", kms_key()),
    ])
    .prop_filter("a guardrail needs a policy", |content| {
        content
            .as_object()
            .is_some_and(|members| members.keys().any(|it| it.ends_with("PolicyConfig")))
    })
    .boxed()
}

fn topics(is_standard: bool) -> BoxedStrategy<Value> {
    let definition_max = if is_standard { 1_000 } else { 200 };
    let topic = object(block_sides(vec![
        required("name", matching("[0-9a-zA-Z][0-9a-zA-Z_ !?.-]{0,40}")),
        required("definition", text(1, definition_max)),
        optional("examples", list(text(1, 100), 0, 5)),
        required("type", one_of(&["DENY"])),
    ]));
    object(vec![required("topicsConfig", distinct(topic, "name", 6)), tier(is_standard)])
}

fn filters(is_standard: bool) -> BoxedStrategy<Value> {
    let filters = subsequence(FILTER_TYPES.to_vec(), 1..=FILTER_TYPES.len())
        .prop_shuffle()
        .prop_flat_map(|types| types.into_iter().map(filter).collect::<Vec<_>>())
        .prop_map(Value::from)
        .boxed();
    object(vec![required("filtersConfig", filters), tier(is_standard)])
}

fn filter(kind: &'static str) -> BoxedStrategy<Value> {
    let modalities =
        || subsequence(MODALITIES.to_vec(), 1..=2).prop_shuffle().prop_map(Value::from).boxed();
    let output = if kind == "PROMPT_ATTACK" { one_of(&["NONE"]) } else { one_of(&STRENGTHS) };
    object(block_sides(vec![
        required("type", one_of(&[kind])),
        required("inputStrength", one_of(&STRENGTHS)),
        required("outputStrength", output),
        optional("inputModalities", modalities()),
        optional("outputModalities", modalities()),
    ]))
}

fn words() -> BoxedStrategy<Value> {
    // Up to three words; letters of several scripts, and what YAML would take for something else.
    let text = prop_oneof![
        3 => matching(&format!("{PRINTABLE}{{1,20}}( {PRINTABLE}{{1,10}}){{0,2}}"))
            .prop_filter("at most three words", |it| {
                let count = it.as_str().map_or(0, |it| it.split_whitespace().count());
                (1..=3).contains(&count)
            }),
        1 => one_of(&["true", "null", "~", "1e3", "0x10", "- a", "a: b", "#x", "'", "\"", "2026-01-01"]),
    ];
    let word = object(block_sides(vec![required("text", text.boxed())]));
    let managed = object(block_sides(vec![required("type", one_of(&["PROFANITY"]))]));
    let (words, managed) = (distinct(word, "text", 8), list(managed, 1, 1));
    either("wordsConfig", words, "managedWordListsConfig", managed)
}

fn sensitive() -> BoxedStrategy<Value> {
    let entity = |kind| {
        object(mask_sides(vec![
            required("type", one_of(&[kind])),
            required("action", one_of(&MASK)),
        ]))
    };
    let entities = subsequence(PII_TYPES.to_vec(), 1..=PII_TYPES.len())
        .prop_shuffle()
        .prop_flat_map(move |types| types.into_iter().map(entity).collect::<Vec<_>>())
        .prop_map(Value::from)
        .boxed();
    let patterns = [
        r"E-[0-9]{6}",
        r"\bAKIA[A-Z0-9]{16}\b",
        "(?i)project (falcon|heron)",
        r#"["'#:{}\\]+"#,
        r"\d{3}\.\d{2}",
    ];
    let regex = object(mask_sides(vec![
        required("name", text(1, 100)),
        optional("description", text(1, 1_000)),
        required("pattern", one_of(&patterns)),
        required("action", one_of(&MASK)),
    ]));
    either("piiEntitiesConfig", entities, "regexesConfig", distinct(regex, "name", 10))
}

fn grounding(is_standard: bool) -> BoxedStrategy<Value> {
    let threshold = || {
        prop_oneof![
            (0_u32..=99).prop_map(|percent| json!(f64::from(percent) / 100.0)),
            // More decimals than anybody needs, and the ends of the range.
            (0.0..=0.99_f64).prop_map(Value::from),
            Just(json!(0)),
            Just(json!(0.99)),
        ]
        .boxed()
    };
    let filter = move |kind| {
        object(vec![
            required("type", one_of(&[kind])),
            required("threshold", threshold()),
            optional("action", one_of(&BLOCK)),
            optional("enabled", flag()),
        ])
    };
    let filters = subsequence(GROUNDING_TYPES.to_vec(), 1..=2)
        .prop_shuffle()
        .prop_flat_map(move |types| types.into_iter().map(filter).collect::<Vec<_>>())
        .prop_map(Value::from)
        .boxed();
    object(vec![required("filtersConfig", filters), tier(is_standard)])
}

fn reasoning() -> BoxedStrategy<Value> {
    let policies = subsequence(vec!["abcdefghij12", "abcdefghij34:1", "000000000000:12"], 1..=2)
        .prop_shuffle()
        .prop_map(|ids| {
            let prefix =
                format!("arn:aws:bedrock:{REGION}:{MANAGEMENT}:automated-reasoning-policy");
            ids.iter().map(|id| json!(format!("{prefix}/{id}"))).collect::<Value>()
        })
        .boxed();
    let confidence =
        prop_oneof![Just(json!(0)), Just(json!(1)), (0.0..=1.0_f64).prop_map(Value::from)];
    object(vec![
        required("policies", policies),
        optional("confidenceThreshold", confidence.boxed()),
    ])
}

fn kms_key() -> BoxedStrategy<Value> {
    matching("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
        .prop_flat_map(|id| {
            let arn = format!(
                "arn:aws:kms:{REGION}:{MANAGEMENT}:key/{}",
                id.as_str().unwrap_or_default()
            );
            select(vec![id, json!(arn)])
        })
        .boxed()
}

/// `tierConfig`. STANDARD, which needs a profile and takes long definitions, is always said.
fn tier(is_standard: bool) -> Member {
    let named = |name| object(vec![required("tierName", one_of(&[name]))]);
    let [classic, standard] = TIERS;
    if is_standard {
        required("tierConfig", named(standard))
    } else {
        optional("tierConfig", named(classic))
    }
}

/// The actions and flags of both directions, beside `members`.
fn sides(mut members: Vec<Member>, actions: &[&'static str]) -> Vec<Member> {
    members.push(optional("inputAction", one_of(actions)));
    members.push(optional("outputAction", one_of(actions)));
    members.push(optional("inputEnabled", flag()));
    members.push(optional("outputEnabled", flag()));
    members
}

fn block_sides(members: Vec<Member>) -> Vec<Member> {
    sides(members, &BLOCK)
}

fn mask_sides(members: Vec<Member>) -> Vec<Member> {
    sides(members, &MASK)
}

/// One of two members, or both.
fn either(
    first: &'static str,
    one: BoxedStrategy<Value>,
    second: &'static str,
    other: BoxedStrategy<Value>,
) -> BoxedStrategy<Value> {
    let both = vec![required(first, one.clone()), required(second, other.clone())];
    prop_oneof![
        object(vec![required(first, one)]),
        object(vec![required(second, other)]),
        object(both),
    ]
    .boxed()
}

fn object(members: Vec<Member>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    values
        .prop_map(move |values| {
            let members = names.iter().zip(values);
            let given = members.filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Value::Object(given.collect::<Map<_, _>>())
        })
        .boxed()
}

fn required(name: &'static str, value: BoxedStrategy<Value>) -> Member {
    (name, value.prop_map(Some).boxed())
}

fn optional(name: &'static str, value: BoxedStrategy<Value>) -> Member {
    (name, option::weighted(PRESENT, value).boxed())
}

fn list(item: BoxedStrategy<Value>, min: usize, max: usize) -> BoxedStrategy<Value> {
    prop::collection::vec(item, min..=max).prop_map(Value::from).boxed()
}

/// A list of one to `max` items with different natural keys.
fn distinct(item: BoxedStrategy<Value>, key: &'static str, max: usize) -> BoxedStrategy<Value> {
    prop::collection::vec(item, 1..=max)
        .prop_map(move |mut items| {
            let mut seen = std::collections::BTreeSet::new();
            items.retain(|item| seen.insert(item[key].as_str().unwrap_or_default().to_owned()));
            Value::from(items)
        })
        .boxed()
}

fn one_of(words: &[&'static str]) -> BoxedStrategy<Value> {
    select(words.to_vec()).prop_map(Value::from).boxed()
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

/// Text of any script, with the characters that mean something in YAML, and lines.
fn text(min: usize, max: usize) -> BoxedStrategy<Value> {
    let short = max.min(60);
    prop_oneof![
        4 => matching(&format!("{PRINTABLE}{{{min},{short}}}")),
        2 => matching(&format!("[a-z:#'\"{{}}\\[\\]|>&*!%@` \\\\-]{{{min},{short}}}")),
        1 => matching("[a-z]{1,10}(\n {0,2}[a-z#:]{0,10}){1,3}"),
        1 => matching(&format!("[a-zé]{{{max}}}")),
    ]
    .boxed()
}

fn matching(pattern: &str) -> BoxedStrategy<Value> {
    proptest::string::string_regex(pattern).unwrap().prop_map(Value::from).boxed()
}

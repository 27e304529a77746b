//! When two worlds are the same: equal up to the ids and times that AWS makes up.

use serde_json::Value;

/// Members whose values AWS makes up.
const GENERATED: [&str; 4] = ["configId", "createdAt", "updatedAt", "updatedBy"];

/// The tag whose value says since when a wave is complete.
const WAVE: &str = "bedrail:wave/";

/// The world of `/_simulator/world` with every generated id replaced by what it names. Two objects
/// of one name stay two: guardrails and policies are lists here.
pub(crate) fn without_generated(world: &Value) -> Value {
    let mut names = Vec::new();
    for (place, regional) in world["bedrock"].as_object().unwrap() {
        for guardrail in regional["guardrails"].as_array().unwrap() {
            names.push((
                text(&guardrail["id"]),
                format!("[{} in {place}]", text(&guardrail["name"])),
            ));
        }
    }
    let mut world = world.clone();
    let policies = world["policies"].as_object().unwrap().clone();
    for (id, policy) in &policies {
        names.push((id.clone(), format!("[{}]", text(&policy["name"]))));
    }
    let mut policies: Vec<Value> = policies.into_iter().map(|(_, policy)| policy).collect();
    policies.sort_by_key(|policy| text(&policy["name"]));
    world["policies"] = Value::Array(policies);
    forget(&mut world);
    let mut world = renamed(world, &names);
    // No API shows in which order policies were attached.
    let targets = world.get_mut("attachments").and_then(Value::as_object_mut);
    for attached in targets.into_iter().flat_map(|it| it.values_mut()) {
        attached.as_array_mut().unwrap().sort_by_key(text);
    }
    world
}

/// The same with these words for those, wherever they stand.
fn renamed(value: Value, names: &[(String, String)]) -> Value {
    let in_text = |text: String| {
        names.iter().fold(
            text,
            |text, (id, name)| {
                if text.contains(id) { text.replace(id, name) } else { text }
            },
        )
    };
    match value {
        Value::String(text) => Value::String(in_text(text)),
        Value::Array(items) => items.into_iter().map(|it| renamed(it, names)).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(member, value)| (in_text(member), renamed(value, names)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A mark of a rollout without its date: revision and wave.
fn dateless(mark: &str) -> String {
    mark.split('/').take(2).collect::<Vec<_>>().join("/")
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|member, _| !GENERATED.contains(&member.as_str()));
            for (member, value) in members.iter_mut() {
                match value.as_str() {
                    Some(mark) if member.starts_with(WAVE) => *value = dateless(mark).into(),
                    Some(_) | None => forget(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The paths at which two worlds differ, with both values; empty when they are the same.
pub(crate) fn differences(path: &str, expected: &Value, found: &Value) -> Vec<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let mut members: Vec<&String> = expected.keys().chain(found.keys()).collect();
            members.sort();
            members.dedup();
            let of = |side: &serde_json::Map<String, Value>, member: &String| {
                side.get(member).cloned().unwrap_or(Value::Null)
            };
            members
                .into_iter()
                .flat_map(|member| {
                    let path = format!("{path}/{member}");
                    differences(&path, &of(expected, member), &of(found, member))
                })
                .collect()
        }
        _ if expected == found => Vec::new(),
        _ => vec![format!("{path}: expected {expected}, found {found}")],
    }
}

#[test]
fn two_of_one_name_are_not_one() {
    let world = |ids: &[&str]| {
        let guardrails: Vec<Value> = ids
            .iter()
            .map(|id| serde_json::json!({"id": id, "name": "baseline", "createdAt": "now"}))
            .collect();
        serde_json::json!({"bedrock": {"1/us-east-1": {"guardrails": guardrails}}, "policies": {}})
    };
    let [one, other, two] =
        [&["aaa"][..], &["bbb"], &["aaa", "bbb"]].map(|ids| without_generated(&world(ids)));
    assert_eq!(differences("", &one, &other), Vec::<String>::new());
    assert_eq!(differences("", &one, &two).len(), 1);
}

//! The canonical form of a guardrail's content and its fingerprint.

use bedrail::model::{Content, ReplicaContent, canonical};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::{cases, generate};

/// What is the Region's own, or DRAFT's alone, and in no shared hash.
const NOT_SHARED: [&str; 3] = ["description", "kmsKeyId", "crossRegionConfig"];

fn shared(content: &Value) -> ReplicaContent {
    let content: Content = serde_json::from_value(content.clone()).unwrap();
    ReplicaContent { shared: canonical(content), ..ReplicaContent::default() }
}

fn content() -> impl Strategy<Value = Value> {
    generate::spec().prop_map(|mut spec| {
        let mut content = spec["content"].take();
        let members = content.as_object_mut().unwrap();
        members.retain(|name, _| !NOT_SHARED.contains(&name.as_str()));
        content
    })
}

/// Every list in another order.
fn reversed(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.reverse();
            items.iter_mut().for_each(reversed);
        }
        Value::Object(members) => members.values_mut().for_each(reversed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The places of all texts, flags and numbers.
fn leaves(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, it)| leaves(it, &format!("{place}/{name}"), found));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, it)| leaves(it, &format!("{place}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(place.to_owned());
        }
    }
}

/// Another value of the same type, which is nobody's default.
fn changed(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => Value::from(!flag),
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            Value::from(if number < 0.5 { number + 0.25 } else { number - 0.25 })
        }
        Value::String(text) => Value::from(format!("{text}X")),
        Value::Null | Value::Array(_) | Value::Object(_) => unreachable!("{value} is no leaf"),
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn the_canonical_form_is_a_fixed_point_and_has_no_order(content in content()) {
        let once = shared(&content);
        let twice = canonical(once.shared.clone());
        prop_assert_eq!(&twice, &once.shared, "canonical again");
        let mut other = content.clone();
        reversed(&mut other);
        let other = shared(&other);
        prop_assert_eq!(&other, &once);
        prop_assert_eq!(other.revision(), once.revision());
        prop_assert_eq!(other.replica_revision(), once.replica_revision());
    }

    /// A fingerprint that leaves a field out would keep an old version in force for ever.
    #[test]
    fn every_field_counts(content in content(), at in any::<Index>()) {
        let mut places = Vec::new();
        leaves(&content, "", &mut places);
        let place = &places[at.index(places.len())];
        let mut other = content.clone();
        let leaf = other.pointer_mut(place).unwrap();
        *leaf = changed(leaf);
        let (one, other) = (shared(&content), shared(&other));
        prop_assert_ne!(&one, &other, "{} does not count", place);
        prop_assert_ne!(one.revision(), other.revision(), "{} is not in the hash", place);
        prop_assert_ne!(one.replica_revision(), other.replica_revision());
    }

    /// A field that is there or not: its absence means the default and nothing else.
    #[test]
    fn a_field_that_is_taken_away_counts_unless_it_said_the_default(
        content in content(),
        at in any::<Index>(),
    ) {
        let mut places = Vec::new();
        leaves(&content, "", &mut places);
        let place = &places[at.index(places.len())];
        let (parent, name) = place.rsplit_once('/').unwrap();
        let mut other = content.clone();
        let Some(members) = other.pointer_mut(parent).and_then(Value::as_object_mut) else {
            return Ok(());
        };
        let value = members.remove(name).unwrap();
        let is_default = match name {
            "inputAction" | "outputAction" => {
                value == *members.get("action").unwrap_or(&Value::from("BLOCK"))
            }
            "action" => value == "BLOCK" && !members.contains_key("pattern"),
            "inputEnabled" | "outputEnabled" | "enabled" => value == true,
            "tierName" => value == "CLASSIC",
            "type" => value == "DENY",
            "description" => value == "",
            _ => false,
        };
        let (one, other) = (shared(&content), shared(&other));
        if !is_default {
            prop_assert_ne!(one.revision(), other.revision(), "{}: {}", place, value);
        }
        prop_assert_eq!(one == other, one.revision() == other.revision());
    }

    #[test]
    fn equal_contents_have_equal_fingerprints(threshold in prop_oneof![
        Just(0.0), Just(-0.0), Just(1e-9), Just(-1e-9), 0.0..1.0_f64
    ]) {
        let with = |threshold: f64| {
            let mut content = serde_json::json!({"contextualGroundingPolicyConfig":
                {"filtersConfig": [{"type": "GROUNDING"}]}});
            content["contextualGroundingPolicyConfig"]["filtersConfig"][0]["threshold"] =
                Value::from(threshold);
            shared(&content)
        };
        // As a double may come back from a server that writes fewer digits, or no sign of zero.
        let (sent, read) = (with(threshold), with(threshold.abs() + 1e-8));
        if sent == read {
            prop_assert_eq!(sent.revision(), read.revision());
        }
        prop_assert_eq!(with(-0.0).revision(), with(0.0).revision());
    }
}

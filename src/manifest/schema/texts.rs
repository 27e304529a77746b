//! Texts with a form, as the schema for editors describes them. The forms are those of
//! [`ids`](crate::model); where a form cannot be written as a pattern, the pattern admits more.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::super::known;
use super::ReferenceSpec;
use super::TargetSpec;
use super::choices::{PLACEMENTS, PREFLIGHTS, PROBES, SHARES, words};
use super::rollout::{PreflightSpec, ProbeSpec};

/// Declares what stands in the schema for a text.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $schema:expr) => {
        $(#[$doc])*
        pub(in crate::manifest) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema: fn(&mut SchemaGenerator) -> Schema = $schema;
                schema(generator)
            }
        }
    };
}

/// What may stand for a model, as far as this release knows.
fn model_words() -> Vec<&'static str> {
    ["ALL", "EMBEDDINGS"].into_iter().chain(known::models()).collect()
}

/// Words, or something larger.
fn word_or<T: JsonSchema>(generator: &mut SchemaGenerator, words: &[&str]) -> Schema {
    let larger = generator.subschema_for::<T>();
    json_schema!({"anyOf": [{"type": "string", "enum": words}, larger]})
}

text!(
    /// A name in `metadata`.
    NameText, |_| json_schema!({"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,50}$"})
);
text!(
    /// A Region. New ones come faster than releases, so those that are known are examples.
    RegionText, |_| json_schema!({
        "type": "string",
        "pattern": "^[a-z0-9]+(-[a-z0-9]+)+-[a-z0-9]*[0-9]$",
        "examples": known::REGIONS,
    })
);
text!(
    /// An account.
    AccountText, |_| json_schema!({"type": "string", "pattern": "^[0-9]{12}$"})
);
text!(
    /// A unit, by path or id.
    UnitText, |_| json_schema!({"type": "string", "pattern": "^(/.*[^/]|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})$"})
);
text!(
    /// A model, or a word for several.
    ModelText, |_| json_schema!({
        "type": "string",
        "examples": model_words(),
    })
);
text!(
    /// A duration as people write it.
    DurationText, |_| json_schema!({"type": "string", "examples": ["30m", "2h", "24h"]})
);
text!(
    /// `accounts` of a guardrail.
    Placement, |generator| word_or::<Targets>(generator, &PLACEMENTS)
);
text!(
    /// `shareWith` of a guardrail.
    Sharing, |generator| word_or::<Units>(generator, &SHARES)
);
text!(
    /// `probe` of a gate.
    Probe, |generator| word_or::<ProbeSpec>(generator, &words(&PROBES))
);
text!(
    /// `preflight` of a rollout.
    Preflight, |generator| word_or::<PreflightSpec>(generator, &words(&PREFLIGHTS))
);
text!(
    /// `guardrail` of an enforcement.
    Reference, |generator| {
        let (name, pinned) =
            (generator.subschema_for::<NameText>(), generator.subschema_for::<ReferenceSpec>());
        json_schema!({"anyOf": [name, pinned]})
    }
);
text!(
    /// Targets; at least one.
    Targets, |generator| {
        let target = generator.subschema_for::<TargetSpec>();
        json_schema!({"type": "array", "minItems": 1, "items": target})
    }
);
text!(
    /// Units; at least one.
    Units, |generator| {
        let unit = generator.subschema_for::<UnitText>();
        json_schema!({"type": "array", "minItems": 1, "items": unit})
    }
);
text!(
    /// Regions; at least one.
    Regions, |generator| {
        let region = generator.subschema_for::<RegionText>();
        json_schema!({"type": "array", "minItems": 1, "items": region})
    }
);

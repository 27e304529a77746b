//! Reads effective policies: operators resolved, single values plain (`aws-facts` 3.2).

use std::collections::BTreeSet;

use serde_json::Value;

use super::Expected;
use crate::model::{
    EnforcementSettings, Guarding, GuardrailArn, ModelEnforcement, Region,
    SelectiveContentGuarding, Version,
};

/// The name of the one configuration that our documents have.
const CONFIG: &str = "config_1";

/// What is in force in one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Block {
    /// Nothing.
    Nothing,
    /// This.
    One { arn: GuardrailArn, version: Version, settings: EnforcementSettings },
    /// Something that none of our documents says; what.
    Strange(String),
}

impl Block {
    /// Whether it is this version, for whatever models and parts of a request.
    pub(super) fn is(&self, expected: &Expected) -> bool {
        match self {
            Self::One { arn, version, settings: _ } => {
                (arn, version) == (&expected.arn, &expected.version)
            }
            Self::Nothing | Self::Strange(_) => false,
        }
    }
}

/// What an effective policy says about a Region.
pub(in crate::plan) fn block(policy: &Value, region: &Region) -> Block {
    let blocks = policy.pointer("/bedrock/guardrail_inference");
    let Some(block) = blocks.and_then(|blocks| blocks.get(region.as_str())) else {
        return Block::Nothing;
    };
    let names: Vec<&str> =
        block.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let configuration = match names.as_slice() {
        [] => return Block::Nothing,
        [CONFIG] => &block[CONFIG],
        names => return Block::Strange(format!("it has the configurations {}", names.join(", "))),
    };
    one(configuration).unwrap_or_else(Block::Strange)
}

fn one(configuration: &Value) -> Result<Block, String> {
    let known = ["identifier", "selective_content_guarding", "model_enforcement"];
    let members = configuration.as_object().into_iter().flatten();
    if let Some((name, _)) = members.into_iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(format!("it sets `{name}`"));
    }
    let identifier = configuration.get("identifier").and_then(Value::as_str).unwrap_or_default();
    let (arn, version) = GuardrailArn::parse_versioned(identifier)
        .ok_or_else(|| format!("it names the guardrail `{identifier}`"))?;
    let models = |name: &str| -> BTreeSet<String> {
        let list = configuration.pointer(&format!("/model_enforcement/{name}"));
        let items = list.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let guarding =
        |part: &str| match configuration.pointer(&format!("/selective_content_guarding/{part}")) {
            None => Ok(Guarding::Comprehensive),
            Some(Value::String(word)) if word == "comprehensive" => Ok(Guarding::Comprehensive),
            Some(Value::String(word)) if word == "selective" => Ok(Guarding::Selective),
            Some(other) => Err(format!("it guards {part} as {other}")),
        };
    let settings = EnforcementSettings {
        models: ModelEnforcement {
            included: models("included_models"),
            excluded: models("excluded_models"),
        },
        exclude_embeddings: false,
        guarding: SelectiveContentGuarding {
            system: guarding("system")?,
            messages: guarding("messages")?,
        },
    };
    Ok(Block::One { arn, version, settings })
}

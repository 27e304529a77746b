//! The built-in catalogue of foundation models and system-defined inference profiles.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call, Failure, Reply};
use super::super::world::World;
use super::failure::{not_found, validation};
use super::page::{Page, Row};
use super::permission::permit_operation;
use super::timestamp::iso8601;

/// A foundation model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// `anthropic.claude-3-haiku-20240307-v1:0`.
    pub(crate) id: &'static str,
    name: &'static str,
    provider: &'static str,
    input: &'static [&'static str],
    output: &'static [&'static str],
    can_stream: bool,
    status: &'static str,
    /// Geographies with an inference profile: `us` gives `us.anthropic.…`.
    geographies: &'static [&'static str],
}

impl Model {
    /// Whether it turns text into vectors: such models fail under enforcement.
    pub(crate) fn is_embedding(&self) -> bool {
        self.output.contains(&"EMBEDDING")
    }

    /// The ARN in a Region; the account field is empty.
    pub(crate) fn arn(&self, partition: &str, region: &str) -> String {
        format!("arn:{partition}:bedrock:{region}::foundation-model/{}", self.id)
    }

    fn summary(&self, partition: &str, region: &str) -> Value {
        json!({
            "modelArn": self.arn(partition, region),
            "modelId": self.id,
            "modelName": self.name,
            "providerName": self.provider,
            "inputModalities": self.input,
            "outputModalities": self.output,
            "responseStreamingSupported": self.can_stream,
            "customizationsSupported": [],
            "inferenceTypesSupported": INFERENCE_TYPES,
            "modelLifecycle": {"status": self.status},
        })
    }
}

const INFERENCE_TYPES: &[&str] = &["ON_DEMAND"];

const fn chat(
    id: &'static str,
    name: &'static str,
    provider: &'static str,
    input: &'static [&'static str],
) -> Model {
    Model {
        id,
        name,
        provider,
        input,
        output: &["TEXT"],
        can_stream: true,
        status: "ACTIVE",
        geographies: &["us", "eu", "apac", "us-gov"],
    }
}

const fn embedding(
    id: &'static str,
    name: &'static str,
    provider: &'static str,
    input: &'static [&'static str],
) -> Model {
    Model {
        id,
        name,
        provider,
        input,
        output: &["EMBEDDING"],
        can_stream: false,
        status: "ACTIVE",
        geographies: &[],
    }
}

const MODELS: &[Model] = &[
    chat("amazon.nova-lite-v1:0", "Nova Lite", "Amazon", &["TEXT", "IMAGE"]),
    chat("amazon.nova-micro-v1:0", "Nova Micro", "Amazon", &["TEXT"]),
    chat("amazon.nova-pro-v1:0", "Nova Pro", "Amazon", &["TEXT", "IMAGE"]),
    embedding("amazon.titan-embed-image-v1", "Titan Multimodal", "Amazon", &["TEXT", "IMAGE"]),
    embedding("amazon.titan-embed-text-v1", "Titan Embeddings G1", "Amazon", &["TEXT"]),
    embedding("amazon.titan-embed-text-v2:0", "Titan Embeddings V2", "Amazon", &["TEXT"]),
    chat(
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "Claude 3.5 Sonnet",
        "Anthropic",
        &["TEXT", "IMAGE"],
    ),
    chat(
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Claude 3 Haiku",
        "Anthropic",
        &["TEXT", "IMAGE"],
    ),
    chat(
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "Claude Haiku 4.5",
        "Anthropic",
        &["TEXT", "IMAGE"],
    ),
    chat(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Claude Sonnet 4.5",
        "Anthropic",
        &["TEXT", "IMAGE"],
    ),
    Model {
        id: "anthropic.claude-v2:1",
        name: "Claude",
        provider: "Anthropic",
        input: &["TEXT"],
        output: &["TEXT"],
        can_stream: true,
        status: "LEGACY",
        geographies: &[],
    },
    embedding("cohere.embed-english-v3", "Embed English", "Cohere", &["TEXT"]),
    embedding("cohere.embed-multilingual-v3", "Embed Multilingual", "Cohere", &["TEXT"]),
    chat("meta.llama3-1-8b-instruct-v1:0", "Llama 3.1 8B", "Meta", &["TEXT"]),
];

/// The geographies of inference profiles: prefix, how it is named, and the Regions it spreads to.
const GEOGRAPHIES: &[(&str, &str, &[&str])] = &[
    ("us", "US", &["us-east-1", "us-east-2", "us-west-2"]),
    ("eu", "EU", &["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"]),
    ("apac", "APAC", &["ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2"]),
    ("us-gov", "US GOV", &["us-gov-east-1", "us-gov-west-1"]),
];

/// The catalogue was "released" here; nothing depends on the date.
const RELEASED: u64 = 1_740_000_000_000;

/// A system-defined inference profile, in the Regions of its geography.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) model: &'static Model,
    geography: &'static str,
    label: &'static str,
    /// Where a call may be processed.
    pub(crate) regions: &'static [&'static str],
}

impl Profile {
    /// `us.anthropic.claude-…`.
    pub(crate) fn id(&self) -> String {
        format!("{}.{}", self.geography, self.model.id)
    }

    /// The ARN in the caller's account and Region.
    pub(crate) fn arn(&self, world: &World, call: &Call) -> String {
        let (partition, region, account) = (&world.partition, &call.region, &call.caller.account);
        format!("arn:{partition}:bedrock:{region}:{account}:inference-profile/{}", self.id())
    }

    fn render(&self, world: &World, call: &Call) -> Value {
        let models: Vec<Value> = self
            .regions
            .iter()
            .map(|region| json!({"modelArn": self.model.arn(&world.partition, region)}))
            .collect();
        let name = format!("{} {} {}", self.label, self.model.provider, self.model.name);
        json!({
            "inferenceProfileName": name.replace('.', " "),
            "description": format!(
                "Routes requests to {} in {}",
                self.model.name,
                self.regions.join(" ")
            ),
            "createdAt": iso8601(RELEASED),
            "updatedAt": iso8601(RELEASED),
            "inferenceProfileArn": self.arn(world, call),
            "models": models,
            "inferenceProfileId": self.id(),
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        })
    }
}

/// The model of an id.
pub(crate) fn model(id: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == id)
}

/// The inference profiles offered in `region`.
pub(crate) fn profiles_in(region: &str) -> impl Iterator<Item = Profile> {
    MODELS.iter().flat_map(move |model| {
        GEOGRAPHIES
            .iter()
            .filter(move |(geography, _, regions)| {
                model.geographies.contains(geography) && regions.contains(&region)
            })
            .map(move |(geography, label, regions)| Profile { model, geography, label, regions })
    })
}

/// `GET /foundation-models`.
pub(super) fn list(world: &World, call: &Call) -> Answer {
    permit_operation(world, call, "*")?;
    choice(call, "byOutputModality", &["TEXT", "IMAGE", "EMBEDDING"])?;
    choice(call, "byInferenceType", &["ON_DEMAND", "PROVISIONED"])?;
    choice(
        call,
        "byCustomizationType",
        &["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"],
    )?;
    let is_wanted = |model: &&Model| {
        let provider = call.parameter("byProvider");
        let output = call.parameter("byOutputModality");
        let inference = call.parameter("byInferenceType");
        provider.is_none_or(|provider| provider.eq_ignore_ascii_case(model.provider))
            && output.is_none_or(|output| model.output.contains(&output))
            && inference.is_none_or(|inference| INFERENCE_TYPES.contains(&inference))
            && call.parameter("byCustomizationType").is_none()
    };
    let summaries: Vec<Value> = MODELS
        .iter()
        .filter(is_wanted)
        .map(|model| model.summary(&world.partition, &call.region))
        .collect();
    Ok(Reply::ok(json!({"modelSummaries": summaries})))
}

/// `GET /foundation-models/{modelIdentifier}`.
pub(super) fn get(world: &World, call: &Call) -> Answer {
    let identifier = call.labels.first().map_or("", String::as_str);
    let prefix = format!("arn:{}:bedrock:{}::foundation-model/", world.partition, call.region);
    let id = identifier.strip_prefix(&prefix).unwrap_or(identifier);
    permit_operation(world, call, &format!("{prefix}{id}"))?;
    let model =
        model(id).ok_or_else(|| not_found(format!("The model {identifier} does not exist")))?;
    Ok(Reply::ok(json!({"modelDetails": model.summary(&world.partition, &call.region)})))
}

/// `GET /inference-profiles`.
pub(super) fn list_profiles(world: &World, call: &Call) -> Answer {
    let page = Page::of(call, 100)?;
    permit_operation(world, call, "*")?;
    choice(call, "type", &["SYSTEM_DEFINED", "APPLICATION"])?;
    let mut rows: Vec<Row> = profiles_in(&call.region)
        .filter(|_| call.parameter("type") != Some("APPLICATION"))
        .map(|profile| Row { key: profile.id(), item: profile.render(world, call) })
        .collect();
    rows.sort_by(|left, right| left.key.cmp(&right.key));
    let (items, next) = page.take(rows, false);
    let mut body = Map::new();
    body.insert("inferenceProfileSummaries".to_owned(), items.into());
    if let Some(next) = next {
        body.insert("nextToken".to_owned(), next.into());
    }
    Ok(Reply::ok(body.into()))
}

/// `GET /inference-profiles/{inferenceProfileIdentifier}`.
pub(super) fn get_profile(world: &World, call: &Call) -> Answer {
    let identifier = call.labels.first().map_or("", String::as_str);
    let found = profiles_in(&call.region)
        .find(|profile| profile.id() == identifier || profile.arn(world, call) == identifier);
    let resource = found.map_or_else(|| identifier.to_owned(), |profile| profile.arn(world, call));
    permit_operation(world, call, &resource)?;
    found
        .map(|profile| Reply::ok(profile.render(world, call)))
        .ok_or_else(|| not_found(format!("The inference profile {identifier} does not exist")))
}

fn choice(call: &Call, parameter: &str, words: &[&str]) -> Result<(), Failure> {
    match call.parameter(parameter) {
        Some(given) if !words.contains(&given) => Err(validation(format!(
            "1 validation error detected: Value '{given}' at '{parameter}' failed to satisfy \
             constraint: Member must satisfy enum value set: [{}]",
            words.join(", ")
        ))),
        Some(_) | None => Ok(()),
    }
}

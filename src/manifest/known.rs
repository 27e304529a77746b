//! What this release knows by name. Regions, profiles and models come faster than releases, so an
//! unknown one is a warning and never an error.

use std::collections::BTreeSet;

use crate::model::Region;

/// Regions with Guardrails (`aws-facts` 8.2).
pub(super) const REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "sa-east-1",
];

/// The Regions of a partition that are known to have Guardrails.
pub fn guardrail_regions(partition: &str) -> BTreeSet<Region> {
    let is_there = |region: &&&str| match partition {
        "aws" => !region.starts_with("us-gov-"),
        "aws-us-gov" => region.starts_with("us-gov-"),
        _ => false,
    };
    REGIONS.iter().filter(is_there).filter_map(|region| region.parse().ok()).collect()
}

/// A guardrail profile and the Regions it can be used from.
pub(super) struct Profile {
    pub(super) id: &'static str,
    pub(super) sources: &'static [&'static str],
}

/// Guardrail profiles (`aws-facts` 8.3). The first that covers a Region is its geography's.
pub(super) const PROFILES: &[Profile] = &[
    Profile {
        id: "us.guardrail.v1:0",
        sources: &["us-east-1", "us-east-2", "us-west-1", "us-west-2"],
    },
    Profile { id: "us-gov.guardrail.v1:0", sources: &["us-gov-east-1", "us-gov-west-1"] },
    Profile {
        id: "eu.guardrail.v1:0",
        sources: &[
            "eu-central-1",
            "eu-west-1",
            "eu-west-3",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
        ],
    },
    Profile { id: "uk.guardrail.v1:0", sources: &["eu-west-2"] },
    Profile {
        id: "apac.guardrail.v1:0",
        sources: &[
            "ap-south-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-7",
            "ap-east-2",
            "me-central-1",
        ],
    },
    Profile { id: "au.guardrail.v1:0", sources: &["ap-southeast-2"] },
    Profile { id: "ca.guardrail.v1:0", sources: &["ca-central-1"] },
];

/// The profile of a Region's geography.
pub(super) fn profile_of(region: &str) -> Option<&'static str> {
    PROFILES.iter().find(|it| it.sources.contains(&region)).map(|it| it.id)
}

/// Regions that calls of a guardrail in `source` may be evaluated in under `profile`: the core of
/// the geography, and the source itself (`aws-facts` 8.3). The newest sources of `apac` reach
/// further; what is missing there, calls from member accounts will name.
pub(super) fn destinations<'a>(profile: &str, source: &'a str) -> Vec<&'a str> {
    let core: &[&'static str] = match profile {
        "us.guardrail.v1:0" => &["us-east-1", "us-east-2", "us-west-2"],
        "us-gov.guardrail.v1:0" => &["us-gov-east-1", "us-gov-west-1"],
        "eu.guardrail.v1:0" => {
            &["eu-central-1", "eu-west-1", "eu-west-3", "eu-north-1", "eu-south-1", "eu-south-2"]
        }
        "apac.guardrail.v1:0" => &[
            "ap-south-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-southeast-1",
            "ap-southeast-2",
        ],
        "ca.guardrail.v1:0" => &["ca-central-1", "ca-west-1"],
        _ => &[],
    };
    let beyond = (!core.contains(&source)).then_some(source);
    core.iter().copied().chain(beyond).collect()
}

/// Embedding models, which fail under enforcement (`aws-facts` 2.4).
const EMBEDDING_MODELS: &[&str] = &[
    "amazon.nova-2-multimodal-embeddings-v1:0",
    "amazon.titan-embed-g1-text-02",
    "amazon.titan-embed-image-v1",
    "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2:0",
    "cohere.embed-english-v3",
    "cohere.embed-multilingual-v3",
    "cohere.embed-v4:0",
    "twelvelabs.marengo-embed-2-7-v1:0",
];

/// Models for text and images whose ids the API admits in a list.
const OTHER_MODELS: &[&str] = &[
    "ai21.jamba-1-5-large-v1:0",
    "ai21.jamba-1-5-mini-v1:0",
    "amazon.nova-canvas-v1:0",
    "amazon.nova-lite-v1:0",
    "amazon.nova-micro-v1:0",
    "amazon.nova-premier-v1:0",
    "amazon.nova-pro-v1:0",
    "amazon.nova-reel-v1:0",
    "amazon.nova-sonic-v1:0",
    "amazon.titan-image-generator-v2:0",
    "amazon.titan-text-express-v1",
    "amazon.titan-text-lite-v1",
    "amazon.titan-text-premier-v1:0",
    "anthropic.claude-3-5-haiku-20241022-v1:0",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-3-opus-20240229-v1:0",
    "anthropic.claude-3-sonnet-20240229-v1:0",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-opus-4-1-20250805-v1:0",
    "anthropic.claude-opus-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "cohere.command-r-plus-v1:0",
    "cohere.command-r-v1:0",
    "deepseek.r1-v1:0",
    "meta.llama3-1-405b-instruct-v1:0",
    "meta.llama3-1-70b-instruct-v1:0",
    "meta.llama3-1-8b-instruct-v1:0",
    "meta.llama3-2-90b-instruct-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "meta.llama3-70b-instruct-v1:0",
    "meta.llama3-8b-instruct-v1:0",
    "meta.llama4-maverick-17b-instruct-v1:0",
    "meta.llama4-scout-17b-instruct-v1:0",
    "mistral.mistral-7b-instruct-v0:2",
    "mistral.mistral-large-2402-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "mistral.mistral-small-2402-v1:0",
    "mistral.mixtral-8x7b-instruct-v0:1",
    "mistral.pixtral-large-2502-v1:0",
    "openai.gpt-oss-120b-1:0",
    "openai.gpt-oss-20b-1:0",
];

/// Every model this release knows.
pub(super) fn models() -> impl Iterator<Item = &'static str> {
    EMBEDDING_MODELS.iter().chain(OTHER_MODELS).copied()
}

/// Whether an id is that of an embedding model.
pub(super) fn is_embedding(model: &str) -> bool {
    EMBEDDING_MODELS.contains(&model) || model.contains("embed")
}

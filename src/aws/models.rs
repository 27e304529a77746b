//! Reads which models a Region has.

use std::collections::BTreeSet;

use aws_sdk_bedrock::types::ModelModality;

use super::client::Aws;
use super::error::AwsError;
use super::operation::LIST_MODELS;
use crate::model::{AccountId, Cell, Region};

impl Aws {
    /// Ids of the embedding models of a Region that an enforcement can name. They fail under
    /// enforcement unless they are excluded (`aws-facts` 2.4).
    pub async fn embedding_models(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Result<BTreeSet<String>, AwsError> {
        let cell = Cell { account: account.clone(), region: region.clone() };
        let place = self.enter(&cell).await?;
        let request = self
            .bedrock(&place)
            .list_foundation_models()
            .by_output_modality(ModelModality::Embedding);
        let output = self.call(LIST_MODELS, &place, request.send()).await?;
        let models = output.model_summaries.into_iter().flatten();
        Ok(models
            .filter(|model| model.output_modalities().contains(&ModelModality::Embedding))
            .map(|model| model.model_id)
            .filter(|id| can_be_named(id))
            .collect())
    }
}

/// Whether a model id fits `provider.model[:x[:y]][/12 characters]`, the pattern of an enforced
/// configuration (`aws-facts` 1.13). Ids with a second dot do not, and cannot be excluded.
fn can_be_named(id: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part =
        |part: &str| (1..=63).contains(&part.len()) && part.chars().all(|c| lower(c) || c == '-');
    let (name, custom) = match id.split_once('/') {
        Some((name, custom)) => (name, Some(custom)),
        None => (id, None),
    };
    let mut parts = name.split(':');
    let model = parts.next().and_then(|model| model.split_once('.'));
    let suffixes: Vec<_> = parts.collect();
    model.is_some_and(|(provider, model)| is_part(provider) && is_part(model))
        && suffixes.len() <= 2
        && suffixes.into_iter().all(is_part)
        && custom.is_none_or(|custom| custom.len() == 12 && custom.chars().all(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_the_enforcement_pattern_can_be_named() {
        for id in [
            "amazon.titan-embed-text-v2:0",
            "cohere.embed-english-v3",
            "amazon.titan-embed-text-v1:2:8k",
            "amazon.titan-text-lite-v1:0:4k/abcdefghijkl",
        ] {
            assert!(can_be_named(id), "{id}");
        }
        for id in [
            "us.cohere.embed-v4:0",
            "vendor.name-4.6",
            "cohere",
            "a.b:1:2:3",
            "a.b/short",
            "arn:aws:bedrock:us-east-1::foundation-model/cohere.embed-english-v3",
            "A.b",
        ] {
            assert!(!can_be_named(id), "{id}");
        }
    }
}

//! Refuses answers that succeed without saying anything.
//!
//! The SDK reads a body that is empty, or that lacks its list, as an empty list: nothing enforced,
//! no guardrail, no account. AWS always sends the list, empty or not; what has none comes from
//! something in between. Taken for absent, it would be created a second time.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The operations whose answer is a list, and its member.
const LISTS: [&str; 12] = [
    "ListAccounts",
    "ListAccountsForParent",
    "ListAccountsWithInvalidEffectivePolicy",
    "ListEnforcedGuardrailsConfiguration",
    "ListFoundationModels",
    "ListGuardrails",
    "ListOrganizationalUnitsForParent",
    "ListParents",
    "ListPolicies",
    "ListRoots",
    "ListTagsForResource",
    "ListTargetsForPolicy",
];

/// The list of an answer, whatever its name: each operation has one.
#[derive(Deserialize)]
struct Listed {
    #[serde(
        alias = "Accounts",
        alias = "OrganizationalUnits",
        alias = "Parents",
        alias = "Policies",
        alias = "Roots",
        alias = "Tags",
        alias = "Targets",
        alias = "guardrails",
        alias = "guardrailsConfig",
        alias = "modelSummaries",
        alias = "tags"
    )]
    #[expect(dead_code, reason = "that it is there is all that is asked")]
    list: Vec<Item>,
}

/// Anything but null, which the SDK would leave out of the list.
struct Item;

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<IgnoredAny>::deserialize(deserializer)? {
            Some(IgnoredAny) => Ok(Self),
            None => Err(serde::de::Error::custom("an item of the list is null")),
        }
    }
}

/// Turns such an answer into an error of the call.
#[derive(Debug)]
pub(super) struct SaysSomething;

#[dyn_dispatch_hint]
impl Intercept for SaysSomething {
    fn name(&self) -> &'static str {
        "SaysSomething"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        configuration: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let Some(metadata) = configuration.load::<Metadata>() else { return Ok(()) };
        if context.output_or_error().is_err() || !LISTS.contains(&metadata.name()) {
            return Ok(());
        }
        let body = response.body().bytes().unwrap_or_default();
        serde_json::from_slice::<Listed>(body)
            .map(drop)
            .map_err(|error| format!("the answer is not a list: {error}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_list(body: &str) -> bool {
        serde_json::from_slice::<Listed>(body.as_bytes()).is_ok()
    }

    #[test]
    fn only_a_list_is_a_list() {
        for body in [
            r#"{"guardrails":[]}"#,
            r#"{"nextToken":"a","guardrailsConfig":[{"owner":"ACCOUNT"}],"else":{"a":[null]}}"#,
            r#"{"Tags":[{}],"NextToken":null}"#,
        ] {
            assert!(is_list(body), "{body}");
        }
        for body in [
            "",
            "{}",
            "null",
            "[]",
            r#"{"guardrails":null}"#,
            r#"{"guardrails":{}}"#,
            r#"{"guardrails":[null]}"#,
            r#"{"Guardrails":[]}"#,
            r#"{"tags":[],"Tags":[]}"#,
        ] {
            assert!(!is_list(body), "{body}");
        }
    }
}

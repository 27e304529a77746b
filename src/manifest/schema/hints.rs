//! Where fields belong that people write in another place, and what is not there yet.

use super::super::field_path::{FieldPath, Step};

/// What to say about the field `name` at `path` instead of "unknown". `known` are the fields that
/// there are.
pub(super) fn place_of(path: &FieldPath, name: &str, known: &[String]) -> Option<String> {
    let (_, above) = path.split_last()?;
    let fields: Vec<&str> = above
        .steps()
        .iter()
        .filter_map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    let hint = match fields.as_slice() {
        [] => at_the_top(name),
        ["metadata"] => in_metadata(name),
        ["spec"] if known.iter().any(|it| it == "loggingConfig") => in_logging(name),
        ["spec"] => moved(name).or_else(|| missing_here(name)),
        ["spec", "content"] => in_content(name),
        ["spec", "guardrail"] => in_reference(name),
        ["spec", "rollout"] => in_rollout(name),
        ["spec", "rollout", "waves"] => (name == "regions")
            .then_some("a service control policy has no Regions; write `targets`"),
        ["spec", "regionOverrides", _] => Some(
            "a Region can have only `kmsKeyId` and `crossRegionConfig` of its own; everything else \
             is shared and belongs in `spec.content`",
        ),
        _ => None,
    };
    hint.map(str::to_owned)
}

fn at_the_top(name: &str) -> Option<&'static str> {
    (name == "status").then_some("is what Bedrail finds, not what is written; remove it")
}

fn in_metadata(name: &str) -> Option<&'static str> {
    Some(match name {
        "namespace" => "manifests have no namespaces; remove it",
        "labels" | "annotations" => {
            "manifests have neither labels nor annotations; tags of a guardrail are `spec.tags`"
        }
        _ => return None,
    })
}

fn in_content(name: &str) -> Option<&'static str> {
    Some(match name {
        "name" => {
            "the guardrail's name is `metadata.name`; where it has another one in AWS, write that \
             as `spec.guardrailName`, and remove it here"
        }
        "tags" => "tags are written as a map in `spec.tags`, beside `content`: `tags: {team: ai}`",
        "clientRequestToken" => {
            "tokens are made by Bedrail so that nothing is created twice; remove it"
        }
        _ => return None,
    })
}

fn in_logging(name: &str) -> Option<&'static str> {
    match name {
        "rollout" => Some(
            "logging has no waves: it stops no call, AWS tries each destination when it is set, and \
             a cell that AWS refuses is held while the others go on; remove it, and to begin with \
             some accounts write those as `targets` first",
        ),
        "cloudWatchConfig"
        | "s3Config"
        | "textDataDeliveryEnabled"
        | "imageDataDeliveryEnabled"
        | "embeddingDataDeliveryEnabled"
        | "videoDataDeliveryEnabled"
        | "audioDataDeliveryEnabled" => {
            Some("belongs in `spec.loggingConfig`; indent it below `loggingConfig:`")
        }
        _ => moved(name).or_else(|| missing_here(name)),
    }
}

fn in_reference(name: &str) -> Option<&'static str> {
    matches!(name, "version" | "guardrailVersion").then_some(
        "versions differ in every Region; pin a revision, which is the same everywhere: \
         `guardrail: {name: <name>, revision: <hash>}`",
    )
}

/// Fields that only rollouts of revisions have.
fn in_rollout(name: &str) -> Option<&'static str> {
    matches!(name, "gate" | "onFailure" | "preflight" | "maxUnknown").then_some(
        "is for revisions of guardrails; a service control policy passes a wave when Bedrail's own \
         role is still let in there, and is taken back where it is not: remove it",
    )
}

/// Fields of `spec` that belong elsewhere.
fn moved(name: &str) -> Option<&'static str> {
    Some(match name {
        "kmsKeyId" | "crossRegionConfig" => {
            "belongs in `spec.content`, or for one Region in `spec.regionOverrides.<region>`"
        }
        "blockedInputMessaging"
        | "blockedOutputsMessaging"
        | "topicPolicyConfig"
        | "contentPolicyConfig"
        | "wordPolicyConfig"
        | "sensitiveInformationPolicyConfig"
        | "contextualGroundingPolicyConfig"
        | "automatedReasoningPolicyConfig" => {
            "belongs in `spec.content`; indent it below `content:`"
        }
        "guardrailVersion" | "version" | "guardrailIdentifier" => {
            "versions differ in every Region and are found by Bedrail; write `guardrail: <name>`, \
             or `guardrail: {name: <name>, revision: <hash>}` to pin one"
        }
        "inputTags" | "input_tags" => {
            "input tags were replaced by `selectiveContentGuarding: {system: COMPREHENSIVE, \
             messages: SELECTIVE}`"
        }
        _ => return None,
    })
}

/// Fields of `spec` that this kind or this release does not have.
fn missing_here(name: &str) -> Option<&'static str> {
    Some(match name {
        "rollout" => {
            "a guardrail is rolled out by what enforces it; write it in the AccountEnforcement or \
             OrganizationEnforcement"
        }
        "tests" | "testInterval" => "tests belong to the guardrail: write them in its `spec`",
        "callerRoles" => {
            "roles are checked before a guardrail is enforced on them; write it in the \
             AccountEnforcement or OrganizationEnforcement"
        }
        "allowOverride" => {
            "only an OrganizationEnforcement has `allowOverride`: nothing below can override this; \
             remove it"
        }
        "onForeign" => {
            "only AccountEnforcement and InvocationLogging have `onForeign`; a foreign object is left alone, and one of \
             this name is taken over with `adopt: true`"
        }
        "adopt" => {
            "the slot of an account has no owner to adopt from; `onForeign: Replace` takes it over"
        }
        _ => return None,
    })
}

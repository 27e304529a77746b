//! ARNs that no request has.

use super::actions::named;
use super::document::{Effect, Statement, Text, prefix};
use super::known::{GUARDRAIL_KEY, INFERENCE, RETIRED_MODELS, WITHOUT_RESOURCE};
use super::pattern::{has_wildcard, like};
use super::{Finding, Rule};

/// Kinds of resource whose ARN has an empty account field.
const WITHOUT_ACCOUNT: &[&str] = &["foundation-model"];

/// Kinds of resource that belong to an account.
const WITH_ACCOUNT: &[&str] = &[
    "application-inference-profile",
    "custom-model",
    "guardrail",
    "guardrail-profile",
    "imported-model",
    "inference-profile",
    "provisioned-model",
];

/// Geographies with which ids of inference profiles begin.
const GEOGRAPHIES: &[&str] =
    &["us.", "us-gov.", "eu.", "apac.", "global.", "jp.", "au.", "ca.", "uk."];

/// Judges the resources of a statement.
pub(super) fn resources(statement: &Statement<'_>, findings: &mut Vec<Finding>) {
    for element in ["Resource", "NotResource"] {
        for text in statement.texts(element) {
            findings.extend(arn(statement, &text));
        }
    }
    findings.extend(without_resource(statement));
    // Where a guardrail is demanded, `NotResource` excepts models, such as those for embeddings.
    let demands_one = statement.conditions().iter().any(|it| it.is_about(GUARDRAIL_KEY));
    if statement.effect == Effect::Deny && statement.has("NotResource") && !demands_one {
        findings.extend(denies_the_rest(statement));
        findings.extend(profiles_forgotten(statement));
    }
}

fn arn(statement: &Statement<'_>, resource: &Text<'_>) -> Option<Finding> {
    let Text { pointer, text } = resource;
    if text.starts_with('*') || text.contains("${") {
        return None;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", _, service, _, account, name] = parts.as_slice() else {
        if text.starts_with("arn:") && has_wildcard(text) || !statement.names("bedrock") {
            return None;
        }
        let message = format!(
            "`{text}` is no ARN; a model is `arn:aws:bedrock:*::foundation-model/<model id>`, a \
             guardrail `arn:aws:bedrock:<region>:<account>:guardrail/<id>`"
        );
        return Some(Finding::wrong(Rule::NotAnArn, pointer, message));
    };
    if *service != "bedrock" {
        return None;
    }
    let (kind, id) = name.split_once('/')?;
    account_field(resource, kind, account).or_else(|| match kind {
        "guardrail" => guardrail(resource, id),
        "foundation-model" => model(resource, id),
        _ => None,
    })
}

fn account_field(resource: &Text<'_>, kind: &str, account: &str) -> Option<Finding> {
    let Text { pointer, text } = resource;
    let wrong = |message: String| Some(Finding::wrong(Rule::AccountField, pointer, message));
    if WITHOUT_ACCOUNT.contains(&kind) && !like(account, "") {
        return wrong(format!(
            "`{text}`: foundation models belong to no account; leave the field empty: \
             `arn:aws:bedrock:*::{kind}/…`"
        ));
    }
    if WITH_ACCOUNT.contains(&kind) && account.is_empty() {
        return wrong(format!(
            "`{text}`: this kind of resource belongs to an account; write it, or `*`, between the \
             colons: `arn:aws:bedrock:*:*:{kind}/…`"
        ));
    }
    None
}

/// `[a-z0-9]+`, and never a version (`aws-facts` 1.1 and 6.1).
fn guardrail(resource: &Text<'_>, id: &str) -> Option<Finding> {
    let Text { pointer, text } = resource;
    if let Some((bare, version)) = id.split_once([':', '/']) {
        let message = format!(
            "`{text}`: the ARN of a guardrail as a resource has no version, so this matches none; \
             write `guardrail/{bare}`, and the version `{version}` in a condition on \
             `bedrock:GuardrailIdentifier`, as `<ARN>:<version>`"
        );
        return Some(Finding::wrong(Rule::VersionInResource, pointer, message));
    }
    let is_id =
        id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "*?".contains(c));
    if is_id && !id.is_empty() {
        return None;
    }
    let message = format!(
        "`{text}`: `{id}` is a name; ARNs have the id that AWS made, of small letters and digits, \
         such as `a1b2c3d4e5f6`"
    );
    Some(Finding::wrong(Rule::GuardrailName, pointer, message))
}

fn model(resource: &Text<'_>, id: &str) -> Option<Finding> {
    let Text { pointer, text } = resource;
    if let Some(geography) = GEOGRAPHIES.iter().find(|it| id.starts_with(**it)) {
        let bare = id.strip_prefix(geography).unwrap_or(id);
        let message = format!(
            "`{text}`: `{id}` is an inference profile: its ARN is \
             `arn:aws:bedrock:*:*:inference-profile/{id}`, that of the model \
             `arn:aws:bedrock:*::foundation-model/{bare}`, and a call through it needs both"
        );
        return Some(Finding::wrong(Rule::NotAnArn, pointer, message));
    }
    RETIRED_MODELS.iter().find(|it| id.starts_with(**it)).map(|retired| {
        let message =
            format!("`{text}`: AWS has retired `{retired}`; name a model that is offered");
        Finding::risky(Rule::RetiredModel, pointer, message)
    })
}

/// What acts on an account matches `*` alone.
fn without_resource(statement: &Statement<'_>) -> Option<Finding> {
    let resources = statement.texts("Resource");
    if resources.is_empty() || resources.iter().any(|it| it.text == "*") {
        return None;
    }
    let action = statement.texts("Action").into_iter().find(|it| {
        let name = it.text.split_once(':').map_or("", |(_, name)| name);
        prefix(it.text).eq_ignore_ascii_case("bedrock")
            && WITHOUT_RESOURCE.iter().any(|known| known.eq_ignore_ascii_case(name))
    })?;
    let message = format!(
        "`{}` acts on an account and on no resource: it matches `\"Resource\": \"*\"` alone, so this \
         statement says nothing about it",
        action.text
    );
    Some(Finding::wrong(Rule::WithoutResource, &action.pointer, message))
}

fn lists_models(statement: &Statement<'_>) -> bool {
    statement.texts("NotResource").iter().any(|it| it.text.contains(":foundation-model/"))
}

/// AWS's own example does: it scopes the resources and not the actions (`aws-facts` 6.3).
fn denies_the_rest(statement: &Statement<'_>) -> Option<Finding> {
    if !lists_models(statement) {
        return None;
    }
    let action = statement.texts("Action").into_iter().find(|it| {
        named(it.text).is_some_and(|named| named.iter().any(|it| !INFERENCE.contains(it)))
    })?;
    let message = format!(
        "`{}` with `NotResource` also denies everything that is not about these models: guardrails, \
         agents, lists. To approve models, deny `bedrock:InvokeModel` and \
         `bedrock:InvokeModelWithResponseStream` alone",
        action.text
    );
    Some(Finding::risky(Rule::DeniesTheRest, &action.pointer, message))
}

/// A call through a profile is authorized on the profile and on the models (`aws-facts` 6.3).
fn profiles_forgotten(statement: &Statement<'_>) -> Option<Finding> {
    let names_profiles = statement
        .texts("NotResource")
        .iter()
        .any(|it| it.text.contains("inference-profile/") || it.text == "*");
    if names_profiles || !lists_models(statement) || !statement.speaks_of_inference() {
        return None;
    }
    let message = "denies every call through an inference profile, that of an approved model too, \
                   because it is authorized on the profile's ARN as well; add \
                   `arn:aws:bedrock:*:*:inference-profile/*.<model>` (and \
                   `application-inference-profile/*`)";
    let pointer = statement.at("NotResource");
    Some(Finding::risky(Rule::ProfilesForgotten, &pointer, message))
}

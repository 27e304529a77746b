//! `modelEnforcement` and `selectiveContentGuarding` (`aws-facts` 1.13, 2.2, 2.4).

use std::collections::BTreeSet;

use super::super::field_path::FieldPath;
use super::super::known;
use super::super::report::Report;
use super::super::schema::choices::GUARDING;
use super::super::schema::{GuardingSpec, ModelsSpec};
use super::super::suggest::{did_you_mean, nearest};
use super::checks::{choice, size, unique};
use crate::model::{EnforcementSettings, Guarding, ModelEnforcement, SelectiveContentGuarding};

/// The word for all embedding models of a Region, resolved live.
const EMBEDDINGS: &str = "EMBEDDINGS";

/// Prefixes by which inference profiles of a geography are told from models.
const GEOGRAPHIES: &[&str] =
    &["us.", "us-gov.", "eu.", "apac.", "au.", "jp.", "ca.", "uk.", "global."];

/// Checks both and brings them together.
pub(super) fn settings(
    report: &mut Report,
    spec: &FieldPath,
    models: Option<&ModelsSpec>,
    guarding: Option<&GuardingSpec>,
) -> EnforcementSettings {
    let (models, exclude_embeddings) =
        self::models(report, &spec.field("modelEnforcement"), models);
    let guarding = self::guarding(report, &spec.field("selectiveContentGuarding"), guarding);
    EnforcementSettings { models, exclude_embeddings, guarding }
}

fn guarding(
    report: &mut Report,
    path: &FieldPath,
    spec: Option<&GuardingSpec>,
) -> SelectiveContentGuarding {
    let Some(spec) = spec else { return SelectiveContentGuarding::default() };
    let mut read = |name: &str, value: Option<&String>| {
        choice(report, &path.field(name), value, &GUARDING, Guarding::Comprehensive)
    };
    let guarding = SelectiveContentGuarding {
        system: read("system", spec.system.as_ref()),
        messages: read("messages", spec.messages.as_ref()),
    };
    if spec.system.is_none() && spec.messages.is_none() && !report.lost(path) {
        let message = "has neither `system` nor `messages`; write for example `{system: \
                       COMPREHENSIVE, messages: SELECTIVE}`, or remove it to check everything";
        report.error(path, message);
    }
    guarding
}

fn models(
    report: &mut Report,
    path: &FieldPath,
    spec: Option<&ModelsSpec>,
) -> (ModelEnforcement, bool) {
    let advice = "embedding models fail under enforcement; write `modelEnforcement: \
                  {includedModels: [ALL], excludedModels: [EMBEDDINGS]}`";
    let Some(spec) = spec else {
        if !report.lost(path) {
            report.warning(path, format!("is missing, so that every model is meant, and {advice}"));
        }
        return (ModelEnforcement::default(), false);
    };
    let errors = report.errors();
    let (included, excluded) = (path.field("includedModels"), path.field("excludedModels"));
    if spec.included_models.is_none() {
        report.missing(&included, "includedModels: [ALL]");
    }
    if spec.excluded_models.is_none() {
        report.missing(&excluded, "excludedModels: [EMBEDDINGS]");
    }
    size(report, &included, spec.included_models.as_ref(), (1, usize::MAX));
    let of = |list: &Option<Vec<String>>| list.iter().flatten().cloned().collect::<Vec<_>>();
    let (included_ids, excluded_ids) = (of(&spec.included_models), of(&spec.excluded_models));
    unique(report, &included, "", included_ids.iter().map(Some));
    unique(report, &excluded, "", excluded_ids.iter().map(Some));
    for (index, id) in included_ids.iter().enumerate() {
        self::included(report, &included.index(index), id, included_ids.len());
    }
    for (index, id) in excluded_ids.iter().enumerate() {
        self::excluded(report, &excluded.index(index), id);
    }
    let exclude_embeddings = excluded_ids.iter().any(|id| id == EMBEDDINGS);
    let names_embeddings = excluded_ids.iter().any(|id| known::is_embedding(id));
    let is_all = included_ids.iter().any(|id| id == "ALL");
    let is_readable = errors == report.errors() && !report.lost(path);
    if is_all && !exclude_embeddings && !names_embeddings && is_readable {
        report.warning(&excluded, format!("excludes no embedding model, but {advice}"));
    }
    let excluded: BTreeSet<String> =
        excluded_ids.into_iter().filter(|id| id != EMBEDDINGS).collect();
    let included = included_ids.into_iter().collect();
    (ModelEnforcement { included, excluded }, exclude_embeddings)
}

fn included(report: &mut Report, path: &FieldPath, id: &str, count: usize) {
    if id == "ALL" {
        if count > 1 {
            report.error(path, "`ALL` stands alone; remove it, or remove the other ids");
        }
    } else if id == EMBEDDINGS {
        let message = "`EMBEDDINGS` can only be excluded: embedding models fail under enforcement; \
                       move it to `excludedModels`";
        report.error(path, message);
    } else if model(report, path, id) && known::is_embedding(id) {
        let message = format!(
            "`{id}` is an embedding model: every call to it fails under enforcement; remove it"
        );
        report.warning(path, message);
    }
}

fn excluded(report: &mut Report, path: &FieldPath, id: &str) {
    if id == "ALL" {
        let message = "`ALL` would exclude every model; write `state: Absent` to enforce nothing";
        report.error(path, message);
    } else if id != EMBEDDINGS {
        model(report, path, id);
    }
}

/// Whether it is the id of a model, which is known or at least may exist.
fn model(report: &mut Report, path: &FieldPath, id: &str) -> bool {
    if is_model_id(id) {
        let base = id.split_once('/').map_or(id, |(base, _)| base);
        if !known::models().any(|it| it == base) {
            let suggestion = did_you_mean(base, known::models());
            let message = format!(
                "`{id}` is not a model this release knows{suggestion}; if it is new, this is no error"
            );
            report.warning(path, message);
        }
        return true;
    }
    report.error(path, not_a_model(id));
    false
}

fn not_a_model(id: &str) -> String {
    let last = id.rsplit('/').next().unwrap_or(id);
    let base = GEOGRAPHIES.iter().find_map(|prefix| last.strip_prefix(prefix)).unwrap_or(last);
    let is_better = base != id && is_model_id(base);
    let keyword = ["ALL", EMBEDDINGS].into_iter().find(|it| nearest(id, [*it]).is_some());
    if let Some(keyword) = keyword {
        format!("`{id}` is not the id of a model; did you mean `{keyword}`?")
    } else if id.starts_with("arn:") && is_better {
        format!("`{id}` is an ARN; AWS takes model ids here: write `{base}`")
    } else if id.starts_with("arn:") {
        format!("`{id}` is an ARN; AWS takes model ids here, such as amazon.nova-pro-v1:0")
    } else if is_better {
        format!(
            "`{id}` is an inference profile; write the model it leads to, which covers calls through \
             its profiles: `{base}`"
        )
    } else if id.contains('*') {
        format!("`{id}` is a pattern; AWS takes whole model ids here, or `ALL`")
    } else {
        format!(
            "`{id}` is not the id of a model such as amazon.nova-pro-v1:0 (provider.model:version)"
        )
    }
}

/// `provider.model[:x[:y]][/12 characters]`.
fn is_model_id(text: &str) -> bool {
    let part = |text: &str| {
        (1..=63).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let (id, custom) = text.split_once('/').map_or((text, None), |(id, it)| (id, Some(it)));
    let is_custom = |text: &str| {
        text.len() == 12 && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    let mut parts = id.split(':');
    let base = parts.next().and_then(|base| base.split_once('.'));
    base.is_some_and(|(provider, model)| part(provider) && part(model))
        && parts.clone().count() <= 2
        && parts.all(part)
        && custom.is_none_or(is_custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_ids_follow_the_pattern_of_the_api() {
        for id in ["amazon.nova-pro-v1:0", "a.b:1:2", "amazon.titan-text-lite-v1:0:4k/abcdefghij12"]
        {
            assert!(is_model_id(id), "{id}");
        }
        for id in ["", "nova", "us.amazon.nova-pro-v1:0", "a.b:1:2:3", "a.b/short", "A.b", "a.b:"] {
            assert!(!is_model_id(id), "{id}");
        }
    }
}

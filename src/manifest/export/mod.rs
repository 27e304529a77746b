//! Writes what an import found as manifests: one file each, the same text for the same findings.

mod accepted;
mod text;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema::API_VERSION;
use crate::model::{
    EnforcementSettings, Guarding, Imported, ImportedControl, ImportedEnforcement,
    ImportedGuardrail, ImportedLogging, ImportedPolicy, ImportedShare, ImportedTarget,
    ModelEnforcement, Name, OnDraft, Region,
};
pub use accepted::without_refused;
pub use text::to_yaml;
use text::{comment, field, scalar};

/// One manifest file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The files, in order of their names. `header` stands above each, line by line, as a comment.
pub fn export(imported: &Imported, header: &[String]) -> Vec<File> {
    let header: String = header.iter().map(|line| comment("", line)).collect();
    let guardrails =
        imported.guardrails.iter().map(|it| (format!("guardrail-{}", it.name), guardrail(it)));
    let policies = imported
        .organization
        .iter()
        .map(|it| (format!("organization-{}", it.enforcement.name), policy(it)));
    let accounts =
        imported.accounts.iter().map(|it| (format!("accounts-{}", it.name), account(it)));
    let invocations =
        imported.logging.iter().map(|it| (format!("logging-{}", it.name), logging(it)));
    let controls =
        imported.controls.iter().map(|it| (format!("service-control-{}", it.name), control(it)));
    let mut files: Vec<File> = guardrails
        .chain(policies)
        .chain(accounts)
        .chain(invocations)
        .chain(controls)
        .map(|(name, text)| File { name: format!("{name}.yaml"), text: format!("{header}{text}") })
        .collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

/// Kind and name, up to the fields of `spec`.
fn head(kind: &str, name: &Name) -> String {
    format!(
        "apiVersion: {API_VERSION}\nkind: {kind}\nmetadata:\n  name: {}\nspec:\n",
        scalar(name.as_str())
    )
}

fn guardrail(found: &ImportedGuardrail) -> String {
    let notes: String = found.notes.iter().map(|note| comment("", note)).collect();
    let mut text = notes + &head("Guardrail", &found.name);
    if found.aws_name != found.name {
        text += &comment("  ", "Its name in AWS; in these Regions its content is another.");
        text += &field("guardrailName", &json!(found.aws_name));
    }
    text += &field("adopt", &json!(true));
    text += &field("regions", &json!(found.regions));
    if !found.accounts.is_empty() {
        text += &list_of_targets("accounts", &found.accounts);
    }
    match &found.share {
        ImportedShare::None => {}
        ImportedShare::Organization => text += &field("shareWith", &json!("Organization")),
        ImportedShare::Units(units) => text += &field("shareWith", &json!(units)),
    }
    match found.on_draft {
        OnDraft::Correct => {}
        OnDraft::Leave => text += &field("draft", &json!("Leave")),
    }
    let overrides = overrides(found);
    if !overrides.is_empty() {
        text += &field("regionOverrides", &json!(overrides));
    }
    // A struct of texts, numbers and lists has no way to fail.
    let mut content = serde_json::to_value(&found.content).unwrap_or_default();
    if let (Some(members), Some(description)) = (content.as_object_mut(), &found.description) {
        members.insert("description".to_owned(), json!(description));
    }
    text + &field("content", &content)
}

/// What single Regions have of their own.
fn overrides(found: &ImportedGuardrail) -> BTreeMap<&Region, Value> {
    let mut overrides: BTreeMap<&Region, Value> = BTreeMap::new();
    for (region, key) in &found.keys {
        overrides.entry(region).or_insert_with(|| json!({}))["kmsKeyId"] = json!(key);
    }
    for (region, profile) in &found.profiles {
        overrides.entry(region).or_insert_with(|| json!({}))["crossRegionConfig"] =
            json!({"guardrailProfileIdentifier": profile});
    }
    overrides
}

fn policy(found: &ImportedPolicy) -> String {
    let ImportedPolicy { enforcement, policy_name, allow_override } = found;
    let mut text = head("OrganizationEnforcement", &enforcement.name);
    text += &field("policyName", &json!(policy_name));
    text += &field("adopt", &json!(true));
    text += &shared(enforcement);
    if !allow_override {
        text += &field("allowOverride", &json!(false));
    }
    text + &targets(&enforcement.targets)
}

fn account(found: &ImportedEnforcement) -> String {
    head("AccountEnforcement", &found.name) + &shared(found) + &targets(&found.targets)
}

fn logging(found: &ImportedLogging) -> String {
    head("InvocationLogging", &found.name)
        + &field("loggingConfig", &found.config.document())
        + &field("regions", &json!(found.regions))
        + &targets(&found.targets)
}

fn control(found: &ImportedControl) -> String {
    let mut text = head("ServiceControlPolicy", &found.name);
    if let Some(name) = &found.policy_name {
        text += &field("policyName", &json!(name));
        text += &field("adopt", &json!(true));
    }
    text + &targets(&found.targets) + &field("document", &found.document)
}

fn shared(found: &ImportedEnforcement) -> String {
    let guardrail = match &found.revision {
        None => json!(found.guardrail),
        Some(revision) => json!({"name": found.guardrail, "revision": revision.as_str()}),
    };
    let mut text = field("guardrail", &guardrail) + &field("regions", &json!(found.regions));
    let EnforcementSettings { models, exclude_embeddings: _, guarding } = &found.settings;
    if *models != ModelEnforcement::default() {
        let models = json!({"includedModels": models.included, "excludedModels": models.excluded});
        text += &field("modelEnforcement", &models);
    }
    let word = |guarding: Guarding| match guarding {
        Guarding::Comprehensive => "COMPREHENSIVE",
        Guarding::Selective => "SELECTIVE",
    };
    if guarding.system != Guarding::Comprehensive || guarding.messages != Guarding::Comprehensive {
        let guarding =
            json!({"system": word(guarding.system), "messages": word(guarding.messages)});
        text += &field("selectiveContentGuarding", &guarding);
    }
    text
}

fn targets(targets: &[ImportedTarget]) -> String {
    list_of_targets("targets", targets)
}

fn list_of_targets(field: &str, targets: &[ImportedTarget]) -> String {
    let line = |target: &ImportedTarget| match target {
        ImportedTarget::Organization => "    - organization: true\n".to_owned(),
        ImportedTarget::Unit { text, comment: said } => {
            let said = said.as_ref().map(|it| comment("  ", it));
            format!("    - organizationalUnit: {}{}", scalar(text), said.unwrap_or("\n".to_owned()))
        }
        ImportedTarget::Account { id, name } => {
            format!("    - account: {}{}", scalar(id.as_str()), comment("  ", name))
        }
    };
    format!("  {field}:\n{}", targets.iter().map(line).collect::<String>())
}

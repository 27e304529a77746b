//! `kind: ServiceControlPolicy`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::control::ServiceControlPolicy;
use super::super::field_path::FieldPath;
use super::super::manifests::{Guardrail, Placement, Rollout, Selector};
use super::super::report::Report;
use super::super::schema::choices::{ATTACHMENTS, ON_DESELECT};
use super::super::schema::limits;
use super::super::schema::{
    ControlRolloutSpec, NetworkSpec, ProtectionSpec, RequiredGuardrailSpec, RolloutSpec,
    ServiceControlPolicySpec,
};
use super::across::{Body, Checked};
use super::checks::{choice, id, size, state, text, unique};
use super::guardrail::Identity;
use super::policy::policy;
use super::{rollout, targets};
use crate::lint::{PolicyType, Rule};
use crate::model::{Attachment, ControlForm, Name, OnDeselect, Presence};

/// A service control policy that was checked on its own; what is `None` was wrong and was reported.
pub(in crate::manifest) struct ControlDraft {
    pub(in crate::manifest) identity: Identity,
    form: Option<ControlForm>,
    policy_name: Option<String>,
    targets: Option<Vec<Selector>>,
    attachment: Attachment,
    on_deselect: OnDeselect,
    state: Presence,
    adopt: bool,
    rollout: Option<Rollout>,
}

impl ControlDraft {
    /// The manifest; `None` for what was reported.
    pub(in crate::manifest) fn finish(self) -> Option<ServiceControlPolicy> {
        let Identity { name, former_names, origin } = self.identity;
        Some(ServiceControlPolicy {
            name,
            former_names,
            origin,
            form: self.form?,
            policy_name: self.policy_name,
            targets: self.targets?,
            attachment: self.attachment,
            on_deselect: self.on_deselect,
            state: self.state,
            adopt: self.adopt,
            rollout: self.rollout,
        })
    }

    /// The guardrails it requires, and where they stand in the text.
    pub(super) fn guardrails(&self) -> Vec<(FieldPath, &Name)> {
        let path = FieldPath::of("spec.requireGuardrail.guardrails");
        match &self.form {
            Some(ControlForm::RequireGuardrail { guardrails, .. }) => {
                guardrails.iter().map(|name| (path.clone(), name)).collect()
            }
            Some(
                ControlForm::ApprovedModels(_)
                | ControlForm::ProtectEnforcement { .. }
                | ControlForm::RequireNetwork { .. }
                | ControlForm::Document(_),
            )
            | None => Vec::new(),
        }
    }
}

/// Checks a service control policy on its own.
pub(in crate::manifest) fn service_control(
    report: &mut Report,
    identity: Identity,
    spec: &ServiceControlPolicySpec,
) -> ControlDraft {
    let path = FieldPath::of("spec");
    let field = path.field("policyName");
    text(report, &field, spec.policy_name.as_ref(), limits::POLICY_NAME);
    let adopt = spec.adopt.unwrap_or_default();
    if adopt && spec.policy_name.is_none() {
        let message = "says nothing of which policy; write its name in AWS as `policyName`";
        report.error(&path.field("adopt"), message);
    }
    ControlDraft {
        identity,
        form: form(report, &path, spec),
        policy_name: spec.policy_name.clone(),
        targets: targets::targets(report, &path.field("targets"), spec.targets.as_ref()),
        attachment: choice(
            report,
            &path.field("attachment"),
            spec.attachment.as_ref(),
            &ATTACHMENTS,
            Attachment::default(),
        ),
        on_deselect: choice(
            report,
            &path.field("onDeselect"),
            spec.on_deselect.as_ref(),
            &ON_DESELECT,
            OnDeselect::default(),
        ),
        state: state(report, &path.field("state"), spec.state.as_ref()),
        adopt,
        rollout: rollout(report, &path.field("rollout"), spec.rollout.as_ref()),
    }
}

/// The one form that is given.
fn form(
    report: &mut Report,
    path: &FieldPath,
    spec: &ServiceControlPolicySpec,
) -> Option<ControlForm> {
    let given = [
        ("requireGuardrail", spec.require_guardrail.is_some()),
        ("approvedModels", spec.approved_models.is_some()),
        ("protectEnforcement", spec.protect_enforcement.is_some()),
        ("requireNetwork", spec.require_network.is_some()),
        ("document", spec.document.is_some()),
    ];
    let forms = given.map(|(name, _)| format!("`{name}`")).join(", ");
    let given: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    match given.as_slice() {
        [] if report.lost(path) => return None,
        [] => {
            let message = format!("says nothing; write one of {forms}");
            report.error(path, message);
            return None;
        }
        [_] => {}
        several => {
            let message = format!(
                "has {}; a manifest has exactly one of {forms}: write one manifest for each",
                several.join(" and ")
            );
            report.error(path, message);
            return None;
        }
    }
    if let Some(spec) = &spec.require_guardrail {
        return required_guardrails(report, &path.field("requireGuardrail"), spec);
    }
    if let Some(models) = &spec.approved_models {
        return approved_models(report, &path.field("approvedModels"), models);
    }
    if let Some(ProtectionSpec { exempt_roles }) = &spec.protect_enforcement {
        let field = path.field("protectEnforcement").field("exemptRoles");
        let exempt_roles = roles(report, &field, exempt_roles.as_ref())?;
        return Some(ControlForm::ProtectEnforcement { exempt_roles });
    }
    if let Some(spec) = &spec.require_network {
        return network(report, &path.field("requireNetwork"), spec);
    }
    document(report, &path.field("document"), spec.document.as_ref()?)
}

fn required_guardrails(
    report: &mut Report,
    path: &FieldPath,
    spec: &RequiredGuardrailSpec,
) -> Option<ControlForm> {
    let exempt_roles = roles(report, &path.field("exemptRoles"), spec.exempt_roles.as_ref());
    let field = path.field("guardrails");
    let Some(names) = &spec.guardrails else {
        report.missing(&field, "guardrails: [baseline]");
        return None;
    };
    size(report, &field, Some(names), (1, usize::MAX));
    unique(report, &field, "", names.iter().map(Some));
    let mut guardrails = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        guardrails.extend(id::<Name>(report, &field.index(index), name));
    }
    (!guardrails.is_empty() && guardrails.len() == names.len())
        .then_some(())
        .and(exempt_roles)
        .map(|exempt_roles| ControlForm::RequireGuardrail { guardrails, exempt_roles })
}

fn approved_models(
    report: &mut Report,
    path: &FieldPath,
    models: &[String],
) -> Option<ControlForm> {
    let list = models.to_vec();
    size(report, path, Some(&list), (1, usize::MAX));
    unique(report, path, "", models.iter().map(Some));
    let is_part = |c: char| c.is_ascii_alphanumeric() || ".:*?/_-".contains(c);
    let mut is_fine = !models.is_empty();
    for (index, model) in models.iter().enumerate() {
        let path = path.index(index);
        text(report, &path, Some(model), limits::MODEL);
        let message = if model.chars().all(|c| c == '*') {
            "approves every model; name some, such as `anthropic.claude-*`, or remove the manifest"
                .to_owned()
        } else if let Some(wrong) = model.chars().find(|c| !is_part(*c)) {
            format!("a model id cannot hold `{wrong}`; write a pattern such as `amazon.nova-*`")
        } else {
            is_fine &= (limits::MODEL.0..=limits::MODEL.1).contains(&model.chars().count());
            continue;
        };
        report.error(&path, message);
        is_fine = false;
    }
    is_fine.then(|| ControlForm::ApprovedModels(models.iter().cloned().collect()))
}

fn network(report: &mut Report, path: &FieldPath, spec: &NetworkSpec) -> Option<ControlForm> {
    let NetworkSpec { vpc_endpoints, vpcs, exempt_roles } = spec;
    let exempt_roles = roles(report, &path.field("exemptRoles"), exempt_roles.as_ref());
    if vpc_endpoints.is_none() && vpcs.is_none() {
        if !report.lost(path) {
            let message = "admits no network; write `vpcEndpoints: [vpce-…]`, or `vpcs: [vpc-…]`";
            report.error(path, message);
        }
        return None;
    }
    let vpc_endpoints = ids(report, &path.field("vpcEndpoints"), vpc_endpoints.as_ref(), "vpce-");
    let vpcs = ids(report, &path.field("vpcs"), vpcs.as_ref(), "vpc-");
    Some(ControlForm::RequireNetwork {
        vpc_endpoints: vpc_endpoints?,
        vpcs: vpcs?,
        exempt_roles: exempt_roles?,
    })
}

/// `vpce-0123456789abcdef0`; `None` where any of it is wrong.
fn ids(
    report: &mut Report,
    path: &FieldPath,
    values: Option<&Vec<String>>,
    prefix: &str,
) -> Option<BTreeSet<String>> {
    size(report, path, values, (1, usize::MAX));
    let values = values.map(Vec::as_slice).unwrap_or_default();
    unique(report, path, "", values.iter().map(Some));
    let mut is_fine = !report.lost(path);
    for (index, value) in values.iter().enumerate() {
        let is_id = value.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !is_id {
            let message = format!("`{value}` is not an id such as {prefix}0123456789abcdef0");
            report.error(&path.index(index), message);
            is_fine = false;
        }
    }
    is_fine.then(|| values.iter().cloned().collect())
}

/// `exemptRoles`; `None` where any of it is wrong.
fn roles(
    report: &mut Report,
    path: &FieldPath,
    values: Option<&Vec<String>>,
) -> Option<BTreeSet<String>> {
    let values = values.map(Vec::as_slice).unwrap_or_default();
    unique(report, path, "", values.iter().map(Some));
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/*?".contains(c);
    let mut is_fine = !report.lost(path);
    for (index, value) in values.iter().enumerate() {
        let path = path.index(index);
        text(report, &path, Some(value), limits::ROLE);
        let message = if value.starts_with("arn:") {
            "is an ARN, which names one account; write the name of the role, with its path if it \
             has one: `BreakGlass`"
                .to_owned()
        } else if !value.is_empty() && value.chars().all(|c| "*/".contains(c)) {
            "exempts every role; name some, such as `BreakGlass`".to_owned()
        } else if value.starts_with('/') {
            format!("begins with a slash; write `{}`", value.trim_start_matches('/'))
        } else if let Some(wrong) = value.chars().find(|c| !is_part(*c)) {
            format!("the name of a role cannot hold `{wrong}`")
        } else {
            is_fine &= (limits::ROLE.0..=limits::ROLE.1).contains(&value.chars().count());
            continue;
        };
        report.error(&path, message);
        is_fine = false;
    }
    is_fine.then(|| values.iter().cloned().collect())
}

/// The policy as it is written, if it does what it says.
fn document(report: &mut Report, path: &FieldPath, document: &Value) -> Option<ControlForm> {
    let before = report.errors();
    // One that is too long becomes several.
    policy(report, path, document, PolicyType::ServiceControl, &[Rule::TooLong]);
    (report.errors() == before).then(|| ControlForm::Document(document.clone()))
}

/// Waves of targets.
fn rollout(
    report: &mut Report,
    path: &FieldPath,
    spec: Option<&ControlRolloutSpec>,
) -> Option<Rollout> {
    let spec = RolloutSpec::from(spec?);
    if spec.waves.is_none() {
        // Elsewhere a rollout may say what is proven beforehand, and nothing of waves.
        report
            .missing(&path.field("waves"), "waves: [{name: sandbox, targets: […]}, {name: rest}]");
        return None;
    }
    rollout::rollout(report, path, Some(&spec))
}

/// A guardrail can be required of those who call models.
pub(super) fn requires(
    report: &mut Report,
    path: &FieldPath,
    draft: &ControlDraft,
    (guardrail, position): (&Guardrail, &str),
) {
    if draft.state == Presence::Absent {
        return;
    }
    let name = &guardrail.name;
    if guardrail.state == Presence::Absent {
        let message = format!(
            "`{name}` is Absent ({position}), and what is gone cannot be required; write `state: \
             Absent` here too, or `state: Present` there"
        );
        report.error(path, message);
    }
    if guardrail.placement != Placement::Management {
        let message = format!(
            "`{name}` ({position}) is placed in selected accounts, each with an id of its own; \
             require a guardrail of the management account"
        );
        report.error(path, message);
    }
}

/// Two manifests must not write one name.
pub(super) fn policy_names(documents: &mut [Checked]) {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for Checked { report, body } in documents.iter_mut() {
        let Body::Control(draft) = body else { continue };
        let Some(name) = &draft.policy_name else { continue };
        let path = FieldPath::of("spec.policyName");
        if let Some(position) = taken.get(name) {
            let message = format!(
                "the policy `{name}` is already claimed at {position}; give one of them another \
                 `policyName`"
            );
            report.error(&path, message);
        } else {
            taken.insert(name.clone(), report.position(&path));
        }
    }
}

#[cfg(test)]
#[path = "service_control_tests.rs"]
mod tests;

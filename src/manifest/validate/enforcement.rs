//! `kind: OrganizationEnforcement` and `kind: AccountEnforcement`, each on its own.

use std::collections::BTreeSet;

use super::super::field_path::FieldPath;
use super::super::manifests::{
    AccountEnforcement, Enforcement, OrganizationEnforcement, Rollout, Selector,
};
use super::super::report::Report;
use super::super::schema::choices::{ON_DESELECT, ON_FOREIGN};
use super::super::schema::limits;
use super::super::schema::{
    AccountEnforcementSpec, GuardingSpec, ModelsSpec, OrganizationEnforcementSpec, ReferenceSpec,
    RolloutSpec, TargetSpec, WordOrMap,
};
use super::checks::{choice, id, regions, state, text};
use super::guardrail::Identity;
use super::{models, preflight, rollout, targets};
use crate::model::{
    EnforcementSettings, GuardrailReference, Name, OnDeselect, OnForeign, Preflight, Presence,
    Region, Revision,
};

/// An enforcement that was checked on its own; what is `None` was wrong and was reported.
pub(in crate::manifest) struct Draft {
    pub(in crate::manifest) identity: Identity,
    pub(in crate::manifest) guardrail: Option<GuardrailReference>,
    /// As written; filled in from the guardrail where nothing is written.
    pub(in crate::manifest) regions: Option<BTreeSet<Region>>,
    pub(in crate::manifest) settings: EnforcementSettings,
    pub(in crate::manifest) targets: Option<Vec<Selector>>,
    pub(in crate::manifest) on_deselect: OnDeselect,
    pub(in crate::manifest) state: Presence,
    pub(in crate::manifest) preflight: Preflight,
    /// `None` where nothing is written.
    pub(in crate::manifest) rollout: Option<Rollout>,
    pub(in crate::manifest) kind: DraftKind,
}

/// What only one of the kinds has.
pub(in crate::manifest) enum DraftKind {
    /// An organization enforcement.
    Organization { policy_name: Option<String>, allow_override: bool, adopt: bool },
    /// An account enforcement.
    Account { on_foreign: OnForeign },
}

/// The finished manifest, of either kind.
pub(in crate::manifest) enum Finished {
    /// An organization enforcement.
    Organization(OrganizationEnforcement),
    /// An account enforcement.
    Account(AccountEnforcement),
}

impl Draft {
    /// The manifest; `None` for what was reported.
    pub(in crate::manifest) fn finish(self) -> Option<Finished> {
        let Identity { name, former_names, origin } = self.identity;
        let enforcement = Enforcement {
            name,
            former_names,
            origin,
            guardrail: self.guardrail?,
            regions: self.regions?,
            settings: self.settings,
            targets: self.targets?,
            on_deselect: self.on_deselect,
            state: self.state,
            preflight: self.preflight,
            rollout: self.rollout,
        };
        Some(match self.kind {
            DraftKind::Organization { policy_name, allow_override, adopt } => {
                Finished::Organization(OrganizationEnforcement {
                    enforcement,
                    allow_override,
                    policy_name,
                    adopt,
                })
            }
            DraftKind::Account { on_foreign } => {
                Finished::Account(AccountEnforcement { enforcement, on_foreign })
            }
        })
    }
}

/// The fields that both kinds have.
struct Shared<'a> {
    guardrail: Option<&'a WordOrMap<ReferenceSpec>>,
    regions: Option<&'a Vec<String>>,
    models: Option<&'a ModelsSpec>,
    guarding: Option<&'a GuardingSpec>,
    targets: Option<&'a Vec<TargetSpec>>,
    on_deselect: Option<&'a String>,
    state: Option<&'a String>,
    rollout: Option<&'a RolloutSpec>,
    caller_roles: Option<&'a Vec<String>>,
}

/// Checks an organization enforcement on its own.
pub(in crate::manifest) fn organization(
    report: &mut Report,
    identity: Identity,
    spec: &OrganizationEnforcementSpec,
) -> Draft {
    let shared = Shared {
        guardrail: spec.guardrail.as_ref(),
        regions: spec.regions.as_ref(),
        models: spec.model_enforcement.as_ref(),
        guarding: spec.selective_content_guarding.as_ref(),
        targets: spec.targets.as_ref(),
        on_deselect: spec.on_deselect.as_ref(),
        state: spec.state.as_ref(),
        rollout: spec.rollout.as_ref(),
        caller_roles: spec.caller_roles.as_ref(),
    };
    let field = FieldPath::of("spec.policyName");
    text(report, &field, spec.policy_name.as_ref(), limits::POLICY_NAME);
    let kind = DraftKind::Organization {
        policy_name: spec.policy_name.clone(),
        allow_override: spec.allow_override.unwrap_or(true),
        adopt: spec.adopt.unwrap_or_default(),
    };
    draft(report, identity, &shared, kind)
}

/// Checks an account enforcement on its own.
pub(in crate::manifest) fn account(
    report: &mut Report,
    identity: Identity,
    spec: &AccountEnforcementSpec,
) -> Draft {
    let shared = Shared {
        guardrail: spec.guardrail.as_ref(),
        regions: spec.regions.as_ref(),
        models: spec.model_enforcement.as_ref(),
        guarding: spec.selective_content_guarding.as_ref(),
        targets: spec.targets.as_ref(),
        on_deselect: spec.on_deselect.as_ref(),
        state: spec.state.as_ref(),
        rollout: spec.rollout.as_ref(),
        caller_roles: spec.caller_roles.as_ref(),
    };
    let path = FieldPath::of("spec.onForeign");
    let on_foreign =
        choice(report, &path, spec.on_foreign.as_ref(), &ON_FOREIGN, OnForeign::default());
    draft(report, identity, &shared, DraftKind::Account { on_foreign })
}

fn draft(report: &mut Report, identity: Identity, spec: &Shared<'_>, kind: DraftKind) -> Draft {
    let path = FieldPath::of("spec");
    let field = path.field("onDeselect");
    Draft {
        identity,
        on_deselect: choice(report, &field, spec.on_deselect, &ON_DESELECT, OnDeselect::default()),
        guardrail: reference(report, &path.field("guardrail"), spec.guardrail),
        regions: regions(report, &path.field("regions"), spec.regions),
        settings: models::settings(report, &path, spec.models, spec.guarding),
        targets: targets::targets(report, &path.field("targets"), spec.targets),
        state: state(report, &path.field("state"), spec.state),
        preflight: preflight::preflight(report, &path, spec.rollout, spec.caller_roles),
        rollout: rollout::rollout(report, &path.field("rollout"), spec.rollout),
        kind,
    }
}

fn reference(
    report: &mut Report,
    path: &FieldPath,
    spec: Option<&WordOrMap<ReferenceSpec>>,
) -> Option<GuardrailReference> {
    match spec {
        None => {
            report.missing(path, "guardrail: baseline");
            None
        }
        Some(WordOrMap::Word(text)) => {
            let name = guardrail_name(report, path, text)?;
            Some(GuardrailReference { name, revision: None })
        }
        Some(WordOrMap::Map(spec)) => {
            let revision = match spec.revision.as_deref() {
                None => None,
                Some(text) => Some(revision(report, &path.field("revision"), text)?),
            };
            let field = path.field("name");
            let Some(text) = &spec.name else {
                report.missing(&field, "name: baseline");
                return None;
            };
            Some(GuardrailReference { name: guardrail_name(report, &field, text)?, revision })
        }
    }
}

fn guardrail_name(report: &mut Report, path: &FieldPath, text: &str) -> Option<Name> {
    let (before, after) = text.split_once(':').unwrap_or((text, ""));
    let message = if text == "DRAFT" || after == "DRAFT" {
        "DRAFT is never referenced, since it changes under those who use it; write the name alone, \
         and the newest published revision is taken"
            .to_owned()
    } else if text.starts_with("arn:") {
        format!(
            "`{text}` is an ARN, which differs in every Region; write the name of a Guardrail manifest"
        )
    } else if !after.is_empty() && before.parse::<Name>().is_ok() {
        format!(
            "`{text}` names a version, whose number differs in every Region; write `{before}`, or \
             `{{name: {before}, revision: <hash>}}` to pin a revision"
        )
    } else {
        return id(report, path, text);
    };
    report.error(path, message);
    None
}

fn revision(report: &mut Report, path: &FieldPath, text: &str) -> Option<Revision> {
    let message = if text == "DRAFT" {
        "DRAFT is never referenced, since it changes under those who use it; write the hash of a \
         published revision, or remove it for the newest"
            .to_owned()
    } else if let Ok(revision) = text.parse() {
        return Some(revision);
    } else {
        format!("`{text}` is not a revision: 32 hexadecimal digits in lower case, in quotes")
    };
    report.error(path, message);
    None
}

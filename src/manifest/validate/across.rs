//! What several documents must agree on: names, references, Regions, sharing, and who claims what.

use std::collections::{BTreeMap, BTreeSet};

use super::super::field_path::FieldPath;
use super::super::manifests::{Guardrail, Placement, Selector, ShareWith};
use super::super::report::Report;
use super::super::suggest::did_you_mean;
use super::aws_names;
use super::enforcement::{Draft, DraftKind};
use super::logging::LoggingDraft;
use super::rollout;
use super::service_control::{self, ControlDraft};
use crate::model::{Approval, Name, Presence, Region};

/// A document that was checked on its own.
pub(in crate::manifest) struct Checked {
    pub(in crate::manifest) report: Report,
    pub(in crate::manifest) body: Body,
}

/// What kind it is.
pub(in crate::manifest) enum Body {
    /// A guardrail.
    Guardrail(Box<Guardrail>),
    /// Either kind of enforcement.
    Enforcement(Box<Draft>),
    /// Invocation logging.
    Logging(Box<LoggingDraft>),
    /// A service control policy.
    Control(Box<ControlDraft>),
    /// Consent to a held plan, and its name.
    Approval(Name, Approval),
    /// Nothing that could be made sense of; reported.
    Nothing,
}

impl Checked {
    /// The kind as it is written, and the names.
    fn identity(&self) -> Option<(&'static str, &Name, &BTreeSet<Name>)> {
        match &self.body {
            Body::Guardrail(it) => Some(("Guardrail", &it.name, &it.former_names)),
            Body::Enforcement(it) => {
                Some((it.kind.word(), &it.identity.name, &it.identity.former_names))
            }
            Body::Logging(it) => {
                let identity = &it.identity;
                Some((super::logging::KIND, &identity.name, &identity.former_names))
            }
            Body::Control(it) => {
                Some(("ServiceControlPolicy", &it.identity.name, &it.identity.former_names))
            }
            Body::Approval(..) | Body::Nothing => None,
        }
    }
}

impl DraftKind {
    /// The kind as it is written.
    pub(in crate::manifest) fn word(&self) -> &'static str {
        match self {
            Self::Organization { .. } => "OrganizationEnforcement",
            Self::Account { .. } => "AccountEnforcement",
        }
    }
}

/// What is known of a guardrail when others are checked against it.
struct Known {
    guardrail: Guardrail,
    position: String,
    /// Whether parts of it could not be read, so that nothing is concluded from their absence.
    is_partial: bool,
}

/// Checks all documents against each other. With `is_partial`, documents are missing that could
/// not be read, so that a reference to nothing may be right.
pub(in crate::manifest) fn across(documents: &mut [Checked], is_partial: bool) {
    names(documents);
    let guardrails: BTreeMap<Name, Known> = documents
        .iter()
        .filter_map(|document| {
            let Body::Guardrail(guardrail) = &document.body else { return None };
            let known = Known {
                guardrail: (**guardrail).clone(),
                position: document.report.position(&FieldPath::of("metadata.name")),
                is_partial: document.report.lost(&FieldPath::of("spec"))
                    || document.report.has_errors(),
            };
            Some((guardrail.name.clone(), known))
        })
        .collect();
    let is_partial = is_partial || documents.iter().any(|it| matches!(it.body, Body::Nothing));
    for document in documents.iter_mut() {
        let Checked { report, body } = document;
        if let Body::Control(draft) = body {
            for (path, name) in draft.guardrails() {
                match guardrails.get(name) {
                    Some(Known { guardrail, position, .. }) => {
                        service_control::requires(report, &path, draft, (guardrail, position));
                    }
                    None if is_partial => {}
                    None => no_guardrail(report, &path, name, &guardrails),
                }
            }
        }
        let Body::Enforcement(draft) = body else { continue };
        let Some(reference) = &draft.guardrail else { continue };
        match guardrails.get(&reference.name) {
            Some(known) => {
                reference_fits(report, draft, known);
                draft.regions.get_or_insert_with(|| known.guardrail.regions.clone());
                rollout::fits(report, draft);
            }
            None if is_partial => {}
            None => {
                let path = FieldPath::of("spec.guardrail");
                no_guardrail(report, &path, &reference.name, &guardrails);
            }
        }
    }
    claims(documents);
    aws_names::check(documents);
    service_control::policy_names(documents);
}

fn no_guardrail(
    report: &mut Report,
    path: &FieldPath,
    name: &Name,
    guardrails: &BTreeMap<Name, Known>,
) {
    let suggestion = did_you_mean(name.as_str(), guardrails.keys().map(Name::as_str));
    let message = format!(
        "there is no Guardrail named `{name}`{suggestion}; add its manifest, or name another"
    );
    report.error(path, message);
}

/// Names are unique within a kind, former names included.
fn names(documents: &mut [Checked]) {
    let mut taken: BTreeMap<(&'static str, Name), String> = BTreeMap::new();
    let name_path = FieldPath::of("metadata.name");
    for document in documents.iter_mut() {
        let Some((kind, name, _)) = document.identity() else { continue };
        let name = name.clone();
        let position = document.report.position(&name_path);
        if let Some(first) = taken.get(&(kind, name.clone())) {
            let message = format!(
                "there is already a {kind} named `{name}` at {first}; rename or remove one of them"
            );
            document.report.error(&name_path, message);
        } else {
            taken.insert((kind, name), position);
        }
    }
    let mut handed_over: BTreeMap<(&'static str, Name), String> = BTreeMap::new();
    for document in documents.iter_mut() {
        let Some((kind, name, former)) = document.identity() else { continue };
        let former: Vec<Name> = former.iter().filter(|it| *it != name).cloned().collect();
        let path = FieldPath::of("metadata.formerNames");
        for name in former {
            if let Some(position) = handed_over.get(&(kind, name.clone())) {
                let message = format!(
                    "`{name}` is handed over at {position} already; only one {kind} can take over what \
                     it owned: remove it from one of them"
                );
                document.report.error(&path, message);
            } else if let Some(position) = taken.get(&(kind, name.clone())) {
                let message = format!(
                    "`{name}` is still the name of the {kind} at {position}; remove that manifest, or \
                     this former name"
                );
                document.report.error(&path, message);
            } else {
                let position = document.report.position(&path);
                handed_over.insert((kind, name), position);
            }
        }
    }
}

/// A guardrail can do what an enforcement asks of it.
fn reference_fits(report: &mut Report, draft: &Draft, known: &Known) {
    let Known { guardrail, position, is_partial } = known;
    let name = &guardrail.name;
    let path = FieldPath::of("spec.guardrail");
    if draft.state == Presence::Absent {
        return;
    }
    if guardrail.state == Presence::Absent {
        let message = format!(
            "`{name}` is Absent ({position}), and what is gone cannot be enforced; write `state: \
             Absent` here too, or `state: Present` there"
        );
        report.error(&path, message);
    }
    if guardrail.content.automated_reasoning_policy_config.is_some() {
        let message = format!(
            "`{name}` ({position}) has automated reasoning policies, with which every enforced call \
             fails; remove `automatedReasoningPolicyConfig` there, or enforce another guardrail"
        );
        report.error(&path, message);
    }
    if matches!(draft.kind, DraftKind::Organization { .. })
        && guardrail.placement != Placement::Management
    {
        let message = format!(
            "`{name}` ({position}) is placed in selected accounts, but an organization policy can name \
             only guardrails of the management account; write `accounts: Management` there, or use \
             an AccountEnforcement"
        );
        report.error(&path, message);
    }
    if *is_partial {
        return;
    }
    if let Some(regions) = &draft.regions {
        let missing = regions.iter().enumerate().filter(|(_, it)| !guardrail.regions.contains(it));
        for (_, region) in missing {
            let message = format!(
                "`{name}` ({position}) has no replica in {region}; add {region} to its `regions`, or \
                 remove it here"
            );
            report.error(&FieldPath::of("spec.regions"), message);
        }
    }
    shared(report, draft, known);
}

/// Those who are to apply a guardrail of the management account may.
fn shared(report: &mut Report, draft: &Draft, known: &Known) {
    let Known { guardrail, position, .. } = known;
    let name = &guardrail.name;
    if guardrail.placement != Placement::Management {
        return;
    }
    for (index, target) in draft.targets.iter().flatten().enumerate() {
        let path = FieldPath::of("spec.targets").index(index);
        match (&guardrail.share_with, target) {
            (ShareWith::Organization, _)
            | (
                ShareWith::Units(_),
                Selector::Unit(_) | Selector::Account(_) | Selector::AccountsWithTags(_),
            ) => {}
            (ShareWith::Units(_), Selector::Organization) => {
                let message = format!(
                    "`{name}` ({position}) is shared with some units only; in all other accounts every \
                     call would fail: write `shareWith: Organization` there, or target those units"
                );
                report.error(&path, message);
            }
            (ShareWith::None, Selector::Account(id)) => {
                let message = format!(
                    "`{name}` ({position}) is shared with nobody, so that it works only if {id} is the \
                     management account; else write `shareWith: Organization` there"
                );
                report.warning(&path, message);
            }
            (
                ShareWith::None,
                Selector::Organization | Selector::Unit(_) | Selector::AccountsWithTags(_),
            ) => {
                let example = match target {
                    Selector::Unit(unit) => format!(" or `shareWith: [{unit}]`"),
                    Selector::Organization
                    | Selector::Account(_)
                    | Selector::AccountsWithTags(_) => String::new(),
                };
                let message = format!(
                    "`{name}` ({position}) is shared with nobody, so that every call in these accounts \
                     would fail; write `shareWith: Organization`{example} there"
                );
                report.error(&path, message);
            }
        }
    }
}

/// Two present manifests of one kind must not claim one target in one Region.
fn claims(documents: &mut [Checked]) {
    let mut claimed: BTreeMap<(&'static str, Selector), Vec<Claim>> = BTreeMap::new();
    for document in documents.iter_mut() {
        let Checked { report, body } = document;
        let Some(Claiming { kind, name, targets, regions }) = claiming(body) else { continue };
        for (index, target) in targets.iter().enumerate() {
            let path = FieldPath::of("spec.targets").index(index);
            let others = claimed.entry((kind, target.clone())).or_default();
            let clash =
                others.iter().find(|it| it.name != *name && !it.regions.is_disjoint(&regions));
            if let Some(Claim { name: other, position, .. }) = clash {
                let message = format!(
                    "`{target}` is already claimed by {kind} `{other}` at {position}; an account can \
                     have only one in a Region: remove the target from one of them"
                );
                report.error(&path, message);
            }
            let position = report.position(&path);
            others.push(Claim { name: name.clone(), regions: regions.clone(), position });
        }
    }
}

/// What a present manifest claims.
struct Claiming<'a> {
    kind: &'static str,
    name: &'a Name,
    targets: &'a [Selector],
    regions: BTreeSet<Region>,
}

fn claiming(body: &Body) -> Option<Claiming<'_>> {
    let (kind, identity, state, targets, regions) = match body {
        Body::Enforcement(it) => (it.kind.word(), &it.identity, it.state, &it.targets, &it.regions),
        Body::Logging(it) => {
            (super::logging::KIND, &it.identity, it.state, &it.targets, &it.regions)
        }
        // Any number of service control policies may be at a target.
        Body::Control(_) | Body::Guardrail(_) | Body::Approval(..) | Body::Nothing => return None,
    };
    (state == Presence::Present).then(|| Claiming {
        kind,
        name: &identity.name,
        targets: targets.as_deref().unwrap_or_default(),
        regions: regions.clone().unwrap_or_default(),
    })
}

/// Who claims a target, and where.
struct Claim {
    name: Name,
    regions: BTreeSet<Region>,
    position: String,
}

//! From texts to manifests: every document on its own, then all against each other.

use std::path::{Path, PathBuf};

use super::field_path::FieldPath;
use super::manifests::{Manifests, Origin};
use super::problem::{Problem, Severity};
use super::report::Report;
use super::schema::{
    API_VERSION, AccountEnforcementSpec, ApprovalSpec, Envelope, GuardrailSpec,
    InvocationLoggingSpec, Kind, OrganizationEnforcementSpec, ServiceControlPolicySpec, decode,
    refuse_nothing,
};
use super::source::Source;
use super::suggest::did_you_mean;
use super::validate::across::{Body, Checked, across};
use super::validate::approval::approval;
use super::validate::enforcement::{self, Finished};
use super::validate::guardrail::{Identity, guardrail};
use super::validate::logging::logging;
use super::validate::service_control::service_control;
use super::validate::{former_names, name};
use super::yaml;

/// What a set of texts says.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The manifests; `None` when any problem is an error, since a load is accepted as a whole.
    pub manifests: Option<Manifests>,
    /// All problems of all files, in order.
    pub problems: Vec<Problem>,
}

/// Parses and checks everything that can be checked without AWS.
///
/// # Guarantees
///
/// Pure. All problems of all files are found at once, but for what stands behind a syntax error in
/// the same file. Nothing is guessed: a text that can be read in two ways is an error.
pub fn parse(source: &Source) -> Outcome {
    let mut problems = Vec::new();
    let mut documents = Vec::new();
    let mut is_partial = false;
    for (path, text) in &source.files {
        let parsed = yaml::parse(text);
        is_partial |= parsed.is_partial;
        problems.extend(parsed.faults.into_iter().map(|fault| Problem {
            path: path.clone(),
            line: fault.place.line,
            column: fault.place.column,
            severity: Severity::Error,
            field: String::new(),
            message: fault.message,
        }));
        documents.extend(parsed.documents.into_iter().map(|it| document(path, it)));
    }
    if documents.is_empty() && problems.is_empty() {
        problems.push(nothing_found(&source.searched));
    }
    across(&mut documents, is_partial);
    let has_errors =
        problems.iter().any(Problem::is_error) || documents.iter().any(|it| it.report.has_errors());
    let mut manifests = Manifests::default();
    let mut is_complete = true;
    let mut reports = Vec::new();
    for Checked { report, body } in documents {
        reports.push(report);
        if !has_errors {
            is_complete &= collect(body, &mut manifests);
        }
    }
    problems.extend(reports.into_iter().flat_map(Report::into_problems));
    problems.sort();
    problems.dedup();
    Outcome { manifests: (!has_errors && is_complete).then_some(manifests), problems }
}

/// Puts a document among the manifests; guardrails come first only in the result.
fn collect(body: Body, manifests: &mut Manifests) -> bool {
    match body {
        Body::Guardrail(it) => {
            manifests.guardrails.insert(it.name.clone(), *it);
        }
        Body::Enforcement(draft) => match draft.finish() {
            Some(Finished::Organization(it)) => {
                let name = it.enforcement.name.clone();
                manifests.organization_enforcements.insert(name, it);
            }
            Some(Finished::Account(it)) => {
                manifests.account_enforcements.insert(it.enforcement.name.clone(), it);
            }
            None => return false,
        },
        Body::Logging(draft) => match draft.finish() {
            Some(it) => {
                manifests.invocation_logging.insert(it.name.clone(), it);
            }
            None => return false,
        },
        Body::Control(draft) => match draft.finish() {
            Some(it) => drop(manifests.service_controls.insert(it.name.clone(), it)),
            None => return false,
        },
        Body::Approval(name, approval) => {
            manifests.approvals.insert(name, approval);
        }
        Body::Nothing => return false,
    }
    true
}

fn nothing_found(searched: &[PathBuf]) -> Problem {
    let path = searched.first().cloned().unwrap_or_else(|| PathBuf::from("."));
    let message = "no manifests found: there is no *.yaml or *.yml file with a document in it; an \
                   empty folder never means that protection is taken away";
    Problem::of_file(path, message)
}

/// Reads one document and checks it on its own.
fn document(path: &Path, yaml: yaml::Document) -> Checked {
    let yaml::Document { mut value, node } = yaml;
    let mut report = Report::new(path.to_owned(), node);
    refuse_nothing(&mut value, &mut report);
    let envelope: Envelope = decode(value, &FieldPath::default(), &mut report);
    let body = body(&mut report, envelope).unwrap_or(Body::Nothing);
    Checked { report, body }
}

fn body(report: &mut Report, envelope: Envelope) -> Option<Body> {
    let Envelope { api_version, kind, metadata, spec } = envelope;
    match api_version {
        None => report.missing(&FieldPath::of("apiVersion"), &format!("apiVersion: {API_VERSION}")),
        Some(version) if version != API_VERSION => {
            let message =
                format!("`{version}` is not a version of manifests; write `{API_VERSION}`");
            report.error(&FieldPath::of("apiVersion"), message);
        }
        Some(_) => {}
    }
    let metadata = metadata.unwrap_or_default();
    let name = name(report, metadata.name.as_ref());
    let former = metadata.former_names.unwrap_or_default();
    let former_names = former_names(report, &former, name.as_ref());
    let kind = self::kind(report, kind.as_deref())?;
    let spec_path = FieldPath::of("spec");
    let Some(spec) = spec else {
        report.missing(&spec_path, "spec: {…}");
        return None;
    };
    let (file, line) = report.origin(&FieldPath::of("metadata.name"));
    // A nameless document is checked all the same, under a name nobody can refer to.
    let is_named = name.is_some();
    let name = name.or_else(|| "_".parse().ok())?;
    let identity = Identity { name, former_names, origin: Origin { path: file, line } };
    let body = match kind {
        Kind::Guardrail => {
            let spec: GuardrailSpec = decode(spec, &spec_path, report);
            Body::Guardrail(Box::new(guardrail(report, identity, spec)))
        }
        Kind::OrganizationEnforcement => {
            let spec: OrganizationEnforcementSpec = decode(spec, &spec_path, report);
            Body::Enforcement(Box::new(enforcement::organization(report, identity, &spec)))
        }
        Kind::AccountEnforcement => {
            let spec: AccountEnforcementSpec = decode(spec, &spec_path, report);
            Body::Enforcement(Box::new(enforcement::account(report, identity, &spec)))
        }
        Kind::InvocationLogging => {
            let spec: InvocationLoggingSpec = decode(spec, &spec_path, report);
            Body::Logging(Box::new(logging(report, identity, &spec)))
        }
        Kind::ServiceControlPolicy => {
            let spec: ServiceControlPolicySpec = decode(spec, &spec_path, report);
            Body::Control(Box::new(service_control(report, identity, &spec)))
        }
        Kind::Approval => {
            let spec: ApprovalSpec = decode(spec, &spec_path, report);
            Body::Approval(identity.name, approval(report, &spec)?)
        }
    };
    is_named.then_some(body)
}

fn kind(report: &mut Report, kind: Option<&str>) -> Option<Kind> {
    let path = FieldPath::of("kind");
    let Some(text) = kind else {
        report.missing(&path, "kind: Guardrail");
        return None;
    };
    let kind = Kind::of(text);
    if kind.is_none() {
        let names = || Kind::ALL.into_iter().map(Kind::name);
        let suggestion = did_you_mean(text, names());
        let kinds = names().collect::<Vec<_>>().join(", ");
        let message = format!("there is no kind `{text}`{suggestion}; there are {kinds}");
        report.error(&path, message);
    }
    kind
}

//! `bedrail verify`: proves that what manifests claim is enforced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;
use tokio::task::JoinSet;

use super::controller::Controller;
use super::document::Form;
use super::exit::Exit;
use super::manifests::load;
use super::patience::{read_with_patience, with_patience};
use super::progress::{self, Ended};
use super::report;
use super::settings::{Common, Installation, ManifestPaths, duration};
use crate::model::{
    AccountId, CallerKey, Cell, EnforcementKind, GuardrailArn, ObservedCell, ObservedOrganization,
    ProbeOutcome, Read, RoleName, Unread, Version,
};
use crate::plan::verify::{
    Claim, Claims, Finding, LoggedCell, Probed, Reading, Report, Verdict, is_under, judge_callers,
    judge_logging, judge_probe, to_junit,
};
use crate::reconcile::{Engine, Intent, Probe, Way};
use crate::runtime::{Clock, Shutdown};

/// Failures in a row after which a key is reported instead of tried again.
const FAILURES_MAX: u32 = 4;

/// Flags of `verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "For every cell that the manifests claim: the enforced configuration, or the
effective policy, is read back and compared; the account must not be on the list of invalid
effective policies; IAM is asked about the roles of `callerRoles`; then the cell is probed from
inside the account. What a rollout keeps on an older revision until its wave opens is judged against
that one, and says so. Where the manifests say that calls are logged, the logging configuration is
read back and compared.

  none             what was read back is proof enough
  apply            ApplyGuardrail: the account can apply the version (no model tokens)
  invoke, converse, and their -stream forms
                   one inference of one token: its trace must show the guardrail, the version,
                   and that it was enforced; needs --model

Only what was read back as claimed is probed. AWS bills every probe to the account it is made in;
how many there will be is said before the first. Nothing is written.

Exit codes: 0 something is claimed and all of it is proven; 1 anything failed or is unknown; 2 bad
usage or manifests.

Examples:
  bedrail verify -f manifests
  bedrail verify -f manifests --probe converse --model amazon.nova-lite-v1:0
  bedrail verify -f manifests --as-role Application -o junit > verify.xml"
)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    paths: ManifestPaths,
    #[command(flatten)]
    installation: Installation,
    /// How each cell is probed.
    #[arg(long, value_enum, default_value_t)]
    probe: ProbeKind,
    /// The model, or inference profile, of an inference probe.
    #[arg(
        long,
        value_name = "ID",
        required_if_eq_any = [
            ("probe", "invoke"),
            ("probe", "invoke-stream"),
            ("probe", "converse"),
            ("probe", "converse-stream"),
        ]
    )]
    model: Option<String>,
    /// Probe as this role of each account instead of the member role: as an application would. Its
    /// trust policy must admit our own credentials.
    #[arg(long, value_name = "NAME")]
    as_role: Option<String>,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t)]
    output: ReportForm,
    /// Give up reading the manifests' guardrails after this long.
    #[arg(long, value_parser = duration, default_value = "15m")]
    wait: Duration,
}

/// How each cell is probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ProbeKind {
    /// Not at all.
    None,
    /// ApplyGuardrail.
    #[default]
    Apply,
    /// InvokeModel.
    Invoke,
    /// InvokeModelWithResponseStream.
    InvokeStream,
    /// Converse.
    Converse,
    /// ConverseStream.
    ConverseStream,
}

/// How results look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportForm {
    /// For people.
    #[default]
    Text,
    /// For programs; stable.
    Json,
    /// The same document as YAML.
    Yaml,
    /// For CI systems.
    Junit,
}

impl VerifyArguments {
    fn probe(&self) -> Option<Probe> {
        let inference = |way| Probe::Inference(way, self.model.clone().unwrap_or_default());
        match self.probe {
            ProbeKind::None => None,
            ProbeKind::Apply => Some(Probe::Apply),
            ProbeKind::Invoke => Some(inference(Way::Invoke)),
            ProbeKind::InvokeStream => Some(inference(Way::InvokeStream)),
            ProbeKind::Converse => Some(inference(Way::Converse)),
            ProbeKind::ConverseStream => Some(inference(Way::ConverseStream)),
        }
    }
}

/// Reads, probes, prints.
pub(super) async fn verify(common: &Common, arguments: VerifyArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let Some(manifests) = load(&arguments.paths.manifests).accept() else {
        return Ok(Exit::UsageOrChanges);
    };
    let controller = Controller::connect(&arguments.installation, Intent::Show)
        .await?
        .giving_up_after(FAILURES_MAX);
    controller.accept(manifests);
    let ended = progress::drive(common, &controller, arguments.wait).await;
    let engine = &controller.engine;
    let is_read = ended == Ended::Idle && engine.fleet().is_some();
    let Claims { claims, skipped } = engine.claims();

    let shutdown = Shutdown::on_signals()?;
    let proving = async {
        let logging = prove_logging(&controller);
        tokio::join!(prove(&controller, &arguments, claims), logging)
    };
    let (findings, logging) = tokio::select! {
        findings = proving => findings,
        () = shutdown.graceful.cancelled() => {
            anstream::eprintln!("interrupted; nothing is proven");
            return Ok(Exit::Error);
        }
    };
    let probe = arguments.probe.to_possible_value();
    let report = Report {
        probe: probe.map(|it| it.get_name().to_owned()).unwrap_or_default(),
        findings,
        logging,
        skipped,
        refusals: engine.desired().refusals.clone(),
    };
    match arguments.output {
        ReportForm::Text => anstream::print!("{}", report.to_text()),
        ReportForm::Json => Form::Json.print(&report.to_json())?,
        ReportForm::Yaml => Form::Yaml.print(&report.to_json())?,
        ReportForm::Junit => anstream::print!("{}", to_junit(&report)),
    }
    report::explain(engine);
    if report.findings.is_empty() && report.logging.is_empty() {
        anstream::eprintln!("no manifest claims any cell: there is nothing to prove");
    }
    Ok(if is_read && report.is_proven() { Exit::Done } else { Exit::Error })
}

/// Judges every claim: by reading, then, where that holds, by a probe.
async fn prove(
    controller: &Controller,
    arguments: &VerifyArguments,
    claims: Vec<Claim>,
) -> Vec<(Claim, Finding)> {
    let evidence = Evidence::of(controller, &claims).await;
    let mut findings: Vec<(Claim, Finding)> = claims
        .into_iter()
        .map(|claim| {
            let reading = evidence.about(&claim);
            controller.engine.judge(claim, &reading)
        })
        .collect();
    let answers = ask_callers(controller, &findings).await;
    for (claim, finding) in &mut findings {
        if finding.verdict == Verdict::Proven
            && let Some(stands_against) = judge_callers(claim, &answers)
        {
            *finding = stands_against;
        }
    }
    let Some(probe) = arguments.probe() else { return findings };
    let model = match &probe {
        Probe::Apply => None,
        Probe::Inference(_, model) => Some(model.as_str()),
    };
    let standing = findings.iter().filter(|(_, finding)| finding.verdict == Verdict::Proven);
    let asked: BTreeMap<Asked, Claim> = standing
        .filter_map(|(claim, _)| Some((Asked::of(claim, &probe)?, claim.clone())))
        .collect();
    anstream::eprintln!(
        "{} {}, which AWS bills to the accounts they are made in",
        asked.len(),
        if asked.len() == 1 { "probe" } else { "probes" }
    );
    let role = arguments.as_role.clone().map(Arc::<str>::from);
    let asking = probe.clone();
    let claims = asked.clone();
    let probed = gather(controller, "cells probed", asked.into_keys(), |engine, clock, asked| {
        let (role, probe, claim) = (role.clone(), asking.clone(), claims.get(&asked).cloned());
        async move {
            let claim = claim?;
            let expected = claim.expected.as_ref().ok()?;
            let role = role.as_deref();
            let done =
                with_patience(&clock, || engine.probe_claim(&claim.cell, role, expected, &probe))
                    .await;
            Some(done.unwrap_or_else(|error| Probed::Unanswered(error.to_string())))
        }
    })
    .await;
    for (claim, finding) in &mut findings {
        if finding.verdict == Verdict::Proven {
            let lost = Probed::Unanswered("the probe was not made".to_owned());
            let asked = Asked::of(claim, &probe);
            let probed = asked.and_then(|asked| probed.get(&asked).cloned().flatten());
            *finding = judge_probe(claim, &probed.unwrap_or(lost), model);
        }
    }
    findings
}

/// Asks IAM about the roles of `callerRoles`, which costs nothing: one call for each role of an
/// account.
async fn ask_callers(
    controller: &Controller,
    findings: &[(Claim, Finding)],
) -> BTreeMap<CallerKey, ProbeOutcome> {
    let mut asked: BTreeMap<(AccountId, RoleName), BTreeSet<CallerKey>> = BTreeMap::new();
    let standing = findings.iter().filter(|(_, finding)| finding.verdict == Verdict::Proven);
    for key in standing.flat_map(|(claim, _)| claim.questions()) {
        asked.entry((key.account.clone(), key.role.clone())).or_default().insert(key);
    }
    let questions = asked.clone();
    let answered = gather(
        controller,
        "roles asked about",
        asked.into_keys(),
        |engine, clock, (account, role)| {
            let keys = questions.get(&(account.clone(), role.clone())).cloned().unwrap_or_default();
            async move {
                let asking = || engine.callers_now(&account, &role, &keys);
                with_patience(&clock, asking).await.unwrap_or_default()
            }
        },
    )
    .await;
    answered.into_values().flatten().collect()
}

/// Judges the logging of every cell in which it is claimed, by reading.
async fn prove_logging(controller: &Controller) -> Vec<(LoggedCell, Finding)> {
    let claims = controller.engine.logged_cells();
    let cells = claims.iter().map(|claim| claim.cell.clone()).collect::<Vec<_>>();
    let read = gather(controller, "logging read", cells, |engine, clock, cell| async move {
        read_with_patience(&clock, || engine.logging_now(&cell), Read::unread).await
    })
    .await;
    let lost = Read::Unknown(lost());
    claims
        .into_iter()
        .map(|claim| {
            let finding = judge_logging(&claim, read.get(&claim.cell).unwrap_or(&lost));
            (claim, finding)
        })
        .collect()
}

/// What stands for a read whose task did not end.
fn lost() -> Unread {
    Unread { class: "Unknown", message: "it was not read".to_owned() }
}

/// What one probe is about: claims that differ in nothing else share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    cell: Cell,
    /// `None` for inference, which shows all that is enforced.
    guardrail: Option<(GuardrailArn, Version)>,
}

impl Asked {
    fn of(claim: &Claim, probe: &Probe) -> Option<Self> {
        let expected = claim.expected.as_ref().ok()?;
        let guardrail = match probe {
            Probe::Apply => Some((expected.arn.clone(), expected.version)),
            // It could not show anything: nothing to pay for.
            Probe::Inference(_, model) if !is_under(model, expected) => return None,
            Probe::Inference(..) => None,
        };
        Some(Self { cell: claim.cell.clone(), guardrail })
    }
}

/// Everything the claims rest on.
pub(super) struct Evidence {
    pub(super) organization: Read<ObservedOrganization>,
    pub(super) slots: BTreeMap<Cell, ObservedCell>,
    pub(super) effective: BTreeMap<AccountId, Read<Value>>,
    unread: ObservedCell,
    no_policy: Read<Value>,
}

impl Evidence {
    /// Reads what these claims need.
    async fn of(controller: &Controller, claims: &[Claim]) -> Self {
        let of = |kind| claims.iter().filter(move |claim| claim.enforcement.kind == kind);
        let cells = of(EnforcementKind::Account).map(|claim| claim.cell.clone()).collect();
        let accounts = of(EnforcementKind::Organization);
        let accounts = accounts.map(|claim| claim.cell.account.clone()).collect();
        Self::read(controller, cells, accounts).await
    }

    /// Reads the slots of cells, the effective policies of accounts, and the organization's own.
    pub(super) async fn read(
        controller: &Controller,
        cells: BTreeSet<Cell>,
        accounts: BTreeSet<AccountId>,
    ) -> Self {
        let (engine, clock) = (&controller.engine, &controller.clock);
        let organization = async {
            let read = with_patience(clock, || engine.organization_now()).await;
            read.map_or_else(|error| Read::Unknown(error.into()), Read::Known)
        };
        let slots = gather(controller, "cells read", cells, |engine, clock, cell| async move {
            read_with_patience(&clock, || engine.enforced_now(&cell), |it| it.enforcement.unread())
                .await
        });
        let effective = gather(
            controller,
            "effective policies read",
            accounts,
            |engine, clock, account| async move {
                match with_patience(&clock, || engine.effective_policy(&account)).await {
                    Ok(Some(policy)) => Read::Known(policy),
                    Ok(None) => Read::KnownAbsent,
                    Err(error) => Read::Unknown(error.into()),
                }
            },
        );
        let (organization, slots, effective) = tokio::join!(organization, slots, effective);
        Self {
            organization,
            slots,
            effective,
            unread: ObservedCell { enforcement: Read::Unknown(lost()) },
            no_policy: Read::Unknown(lost()),
        }
    }

    pub(super) fn about(&self, claim: &Claim) -> Reading<'_> {
        Reading {
            organization: &self.organization,
            slot: self.slots.get(&claim.cell).unwrap_or(&self.unread),
            effective: self.effective.get(&claim.cell.account).unwrap_or(&self.no_policy),
        }
    }
}

/// Does the same for many keys at once, and says how far it is. How many calls are in
/// flight is the edge's business.
pub(super) async fn gather<K, V, F>(
    controller: &Controller,
    what: &'static str,
    keys: impl IntoIterator<Item = K>,
    work: impl Fn(Arc<Engine>, Clock, K) -> F,
) -> BTreeMap<K, V>
where
    K: Ord + Clone + Send + 'static,
    V: Send + 'static,
    F: Future<Output = V> + Send + 'static,
{
    let mut working = JoinSet::new();
    for key in keys {
        let (engine, clock) = (Arc::clone(&controller.engine), controller.clock.clone());
        let working_on = work(engine, clock, key.clone());
        working.spawn(async move { (key, working_on.await) });
    }
    let calls = || progress::calls_of(&controller.engine);
    let done = progress::join_all(what, working, &controller.clock, calls).await;
    // A task that ended otherwise leaves its key out: unknown.
    done.into_iter().collect()
}

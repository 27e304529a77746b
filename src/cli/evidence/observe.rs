//! Reads what a report rests on.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::ControlsOf;
use crate::cli::controller::Controller;
use crate::cli::iam::printed_trust;
use crate::cli::patience::{read_with_patience, with_patience};
use crate::cli::settings::Installation;
use crate::cli::verify::{Evidence, gather};
use crate::model::{
    AccountState, Cell, Fleet, GuardrailArn, MappedControl, Name, ObservedControls,
    ObservedGuardrail, OwnerId, Read, Region,
};
use crate::plan::report::{
    AccessReadings, History, KeyEvidence, Material, MemberRole, Observation, Report, build,
    referenced,
};
use crate::plan::verify::{Claim, Claims, Finding};
use crate::plan::{Plan, Step};
use crate::reconcile::{Engine, Key};
use crate::status::{KeyStatus, Place, Snapshot};

/// What is asked for.
pub(super) struct Asked {
    pub(super) regions: BTreeSet<Region>,
    pub(super) access: bool,
}

/// What was read.
pub(super) struct Observed {
    regions: BTreeSet<Region>,
    evidence: Evidence,
    findings: Vec<(Claim, Finding)>,
    guardrails: Vec<(String, ObservedGuardrail)>,
    controls: Option<Read<ObservedControls>>,
    access: Option<AccessReadings>,
    unread: BTreeMap<String, String>,
}

/// What a report is made of beside that.
pub(super) struct Rest<'a> {
    pub(super) engine: &'a Engine,
    pub(super) fleet: &'a Fleet,
    pub(super) owner: &'a OwnerId,
    pub(super) observation: Observation,
    pub(super) history: History,
    pub(super) mapped: &'a [MappedControl],
    pub(super) shows_words: bool,
}

impl Observed {
    /// Reads every ACTIVE account in every Region that is asked for, and what is in force there.
    pub(super) async fn read(
        controller: &Controller,
        fleet: &Fleet,
        asked: Asked,
        installation: &Installation,
    ) -> Self {
        let Asked { regions, access } = asked;
        let engine = &controller.engine;
        let Claims { claims, skipped: _ } = engine.claims();
        let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
        let accounts: BTreeSet<_> = active.map(|it| it.id.clone()).collect();
        let cells = accounts.iter().flat_map(|account| {
            let cell = |region: &Region| Cell { account: account.clone(), region: region.clone() };
            regions.iter().map(cell)
        });
        let claimed = claims.iter().map(|claim| claim.cell.clone());
        let cells: BTreeSet<Cell> = cells.chain(claimed).collect();
        anstream::eprintln!("reading {} accounts × Regions", cells.len());
        let evidence = Evidence::read(controller, cells, accounts).await;
        let judge = |claim: Claim| {
            let reading = evidence.about(&claim);
            engine.judge(claim, &reading)
        };
        let findings = claims.into_iter().map(judge).collect();
        let arns = referenced(&regions, &evidence.slots, &evidence.effective);
        let mut unread = BTreeMap::new();
        let guardrails = among(controller, arns, &mut unread).await;
        let controls = if access || !engine.desired().controls.is_empty() {
            Some(listed_controls(controller, installation).await)
        } else {
            None
        };
        let access = if access {
            Some(access_readings(controller, fleet, &regions, installation, &mut unread).await)
        } else {
            None
        };
        Self { regions, evidence, findings, guardrails, controls, access, unread }
    }

    /// Makes the report.
    pub(super) fn report(self, rest: &Rest<'_>) -> Report {
        let desired = rest.engine.desired();
        let Snapshot { keys, notices, orphans, .. } = rest.engine.snapshot();
        build(&Material {
            observation: rest.observation.clone(),
            owner: rest.owner,
            fleet: rest.fleet,
            regions: &self.regions,
            slots: &self.evidence.slots,
            effective: &self.evidence.effective,
            organization: &self.evidence.organization,
            findings: &self.findings,
            guardrails: &self.guardrails,
            desired: &desired,
            keys: keys.into_iter().map(key).collect(),
            notices,
            orphans,
            controls: self.controls.as_ref(),
            controls_pending: pending(rest.engine),
            history: rest.history.clone(),
            mapped: rest.mapped,
            access: self.access,
            shows_words: rest.shows_words,
            unread: self.unread,
        })
    }
}

/// Reads these guardrails where they live, through the member role where that is another account.
async fn among(
    controller: &Controller,
    arns: BTreeSet<GuardrailArn>,
    unread: &mut BTreeMap<String, String>,
) -> Vec<(String, ObservedGuardrail)> {
    let mut by_place: BTreeMap<Cell, BTreeSet<GuardrailArn>> = BTreeMap::new();
    for arn in arns {
        let cell = Cell { account: arn.account.clone(), region: arn.region.clone() };
        by_place.entry(cell).or_default().insert(arn);
    }
    let places: Vec<Cell> = by_place.keys().cloned().collect();
    let read = gather(controller, "places of guardrails read", places, |engine, clock, cell| {
        let arns = by_place.get(&cell).cloned().unwrap_or_default();
        async move { with_patience(&clock, || engine.edge().guardrails_among(&cell, &arns)).await }
    })
    .await;
    keep(read, unread)
}

/// Every guardrail of the management account.
async fn of_management(
    controller: &Controller,
    fleet: &Fleet,
    regions: &BTreeSet<Region>,
    unread: &mut BTreeMap<String, String>,
) -> Vec<(String, ObservedGuardrail)> {
    let cell = |region: &Region| Cell { account: fleet.management.clone(), region: region.clone() };
    let cells: Vec<Cell> = regions.iter().map(cell).collect();
    let read = gather(controller, "Regions read", cells, |engine, clock, cell| async move {
        with_patience(&clock, || engine.edge().all_guardrails(&cell)).await
    })
    .await;
    keep(read, unread)
}

type Answer = Result<Vec<(String, ObservedGuardrail)>, crate::aws::AwsError>;

fn keep(
    read: BTreeMap<Cell, Answer>,
    unread: &mut BTreeMap<String, String>,
) -> Vec<(String, ObservedGuardrail)> {
    let mut guardrails = Vec::new();
    for (cell, read) in read {
        match read {
            Ok(mut found) => guardrails.append(&mut found),
            // Where nothing can be called there is nothing.
            Err(error) if error.class == crate::aws::ErrorClass::RegionUnavailable => {}
            Err(error) => {
                unread.insert(format!("the guardrails of {cell}"), error.to_string());
            }
        }
    }
    guardrails
}

async fn listed_controls(
    controller: &Controller,
    installation: &Installation,
) -> Read<ObservedControls> {
    let of = ControlsOf::OwnedOrNamed { owner: installation.owner.clone(), names: BTreeSet::new() };
    let edge = controller.engine.edge();
    read_with_patience(&controller.clock, || edge.listed_service_controls(&of), Read::unread).await
}

async fn access_readings(
    controller: &Controller,
    fleet: &Fleet,
    regions: &BTreeSet<Region>,
    installation: &Installation,
    unread: &mut BTreeMap<String, String>,
) -> AccessReadings {
    let edge = controller.engine.edge();
    let documents =
        read_with_patience(&controller.clock, || edge.service_controls(), Read::unread).await;
    if let Read::Unknown(why) = &documents {
        unread.insert("what the service control policies say".to_owned(), why.message.clone());
    }
    let name = edge.member_role().to_owned();
    let asks_external_id = installation.external_id.is_some();
    let external_id = if asks_external_id {
        " This controller sends an external id, which is not shown."
    } else {
        ""
    };
    let note = format!(
        "The live trust policies of this role were NOT read. Below is the trust policy that \
         `bedrail iam` prints for this caller; whether each account has it must be read in IAM \
         (iam:GetRole), account by account.{external_id}"
    );
    let member_role = MemberRole {
        printed_trust: printed_trust(edge.caller(), fleet, &name),
        name,
        asks_external_id,
        is_live_trust_read: false,
        note,
    };
    let guardrails = of_management(controller, fleet, regions, unread).await;
    AccessReadings { documents, guardrails, member_role }
}

/// Service control policies of manifests about which a plan has something to do.
fn pending(engine: &Engine) -> BTreeSet<Name> {
    let plans = engine.plans();
    let Some(Plan { steps, .. }) = plans.get(&Key::Organization) else { return BTreeSet::new() };
    let controls = steps.iter().filter_map(|step| {
        if let Step::Control(control) = step { control.manifest().cloned() } else { None }
    });
    controls.collect()
}

fn key(status: KeyStatus) -> KeyEvidence {
    let KeyStatus { key, kind, place, manifest, phase, reason, message, waits, .. } = status;
    let cell = |Place { account, region }: Place| {
        Some(Cell { account: account.parse().ok()?, region: region.parse().ok()? })
    };
    KeyEvidence {
        key,
        kind,
        place: place.and_then(cell),
        manifest,
        phase: phase.as_str().to_owned(),
        reason,
        message,
        waits,
    }
}

//! Lets references through, holds them, or asks for what is missing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::callers::{self, Callers};
use super::judge::{Finding, Judgement, judge};
use super::profile;
use super::sample::sampled;
use crate::model::{
    AccountId, AccountState, CallerKey, Cell, DesiredCell, GuardrailArn, GuardrailReference, Name,
    ObservedEnforcement, Preflight, ProbeFact, ProbeKey, ProbeOutcome, Probes, Region, Restorable,
    TargetId, Version,
};
use crate::plan::context::Context;
use crate::plan::hold::listed;
use crate::plan::reference::{revision_of, spoken};
use crate::plan::step::{Held, HoldReason, Plan, Step};

/// Adds a step to the plan of a cell, once what it makes the slot reference is proven.
pub(in crate::plan) fn put(
    desired: &DesiredCell,
    live: Option<&ObservedEnforcement>,
    step: Step,
    context: &Context,
    plan: &mut Plan,
) {
    let cleared = if let Step::PutEnforced { cell, guardrail, version, .. } = &step
        && is_move(live, guardrail, *version)
    {
        clear_cell(cell, desired, (guardrail, *version), context, plan)
    } else {
        Ok(())
    };
    match cleared {
        Ok(()) => plan.steps.push(step),
        Err(held) => plan.hold(held),
    }
}

fn is_move(live: Option<&ObservedEnforcement>, arn: &GuardrailArn, version: Version) -> bool {
    live.is_none_or(|live| live.guardrail.as_ref() != Some(arn) || live.version != Some(version))
}

fn clear_cell(
    cell: &Cell,
    desired: &DesiredCell,
    (arn, version): (&GuardrailArn, Version),
    context: &Context,
    plan: &mut Plan,
) -> Result<(), Held> {
    let key = ProbeKey { cell: cell.clone(), guardrail: arn.clone(), version };
    let what = format!("{} will be enforced here", spoken(arn, version, context));
    let is_probed = is_probed(cell, desired, (arn, version), context);
    let callers = if is_probed {
        callers::of_cell(cell, desired, (arn, version), context)
    } else {
        Callers::default()
    };
    let was_in_force = was_in_force(&key, context);
    let finding = if was_in_force {
        Finding::Clear
    } else {
        profile::prove((arn, version), &[&cell.account], context)
            .map_err(|held| held.prefixed(&what))?;
        let Judgement { finding, warning } = judge(&key, is_probed, context);
        plan.warnings.extend(warning);
        finding
    };
    let is_due = finding == Finding::Due;
    match finding.or_worse(callers.finding) {
        Finding::Clear => Ok(()),
        Finding::Denied(reason, why) => {
            Err(Held::for_person(reason, format!("{what} once it can be applied: {why}")))
        }
        Finding::Unknown(why, wait) => {
            let tolerated = usize::try_from(desired.preflight.max_unknown).unwrap_or(usize::MAX);
            let unknown = unknown_cells(desired, (arn, version), is_probed, context);
            if unknown <= tolerated {
                plan.warnings.push(format!("{what} although it is not proven: {why}"));
                return Ok(());
            }
            Err(unproven(format!("{what} once it is proven: {why}"), wait))
        }
        Finding::Due => {
            let message = if is_due {
                plan.needs_probes.insert(key);
                format!("{what} once it was tried from inside the account")
            } else {
                format!("{what} once IAM was asked about the roles of `callerRoles`")
            };
            plan.needs_callers.extend(callers.due);
            Err(Held::for_fact(HoldReason::Preflight, message))
        }
        Finding::ControlsDue => Err(controls_due(&what, plan)),
    }
}

/// Whether the version is tried out from a cell, as its enforcement wants.
fn is_probed(
    cell: &Cell,
    desired: &DesiredCell,
    version: (&GuardrailArn, Version),
    context: &Context,
) -> bool {
    match desired.preflight.probes {
        Probes::Every => true,
        Probes::Offline => false,
        sample @ Probes::Sample(_) => {
            let accounts = claimed_in(&cell.region, &desired.enforcement, context);
            sampled(accounts, sample, version).contains(&cell.account)
        }
    }
}

/// The accounts whose cells in a Region an enforcement claims.
fn claimed_in<'a>(
    region: &Region,
    enforcement: &Name,
    context: &Context<'a>,
) -> BTreeSet<&'a AccountId> {
    let cells = context.cells.iter();
    let claimed = cells.filter(|(it, by)| it.region == *region && by.enforcement == *enforcement);
    claimed.map(|(it, _)| &it.account).collect()
}

/// Cells of an enforcement in one Region of which it cannot be told whether they, or roles that
/// must, can apply the version. Without probes that is the policies' fault, and so all of them.
fn unknown_cells(
    desired: &DesiredCell,
    (arn, version): (&GuardrailArn, Version),
    is_probed: bool,
    context: &Context,
) -> usize {
    let claimed = claimed_in(&arn.region, &desired.enforcement, context);
    if !is_probed {
        return claimed.len();
    }
    let is_unknown = |fact: &ProbeFact| matches!(fact.outcome, ProbeOutcome::Unknown { .. });
    let of_probes =
        context.facts.probes.iter().filter(|(key, fact)| {
            is_unknown(fact) && (&key.guardrail, key.version) == (arn, version)
        });
    let revision = revision_of((arn, version), context.replicas, context.facts);
    let of_callers = context.facts.callers.iter().filter(|(key, fact)| {
        is_unknown(fact)
            && (&key.guardrail, key.revision.as_ref()) == (arn, revision)
            && desired.preflight.callers.contains(&key.role)
    });
    let accounts: BTreeSet<&AccountId> = of_probes
        .map(|(key, _)| &key.cell.account)
        .chain(of_callers.map(|(key, _)| &key.account))
        .filter(|account| claimed.contains(account))
        .collect();
    accounts.len()
}

fn was_in_force(key: &ProbeKey, context: &Context) -> bool {
    context.facts.probes.get(key).is_some_and(|fact| fact.outcome == ProbeOutcome::Passed)
}

fn unproven(message: String, wait: Option<Duration>) -> Held {
    match wait {
        Some(wait) => Held::after(HoldReason::PreflightUnknown, wait, message),
        None => Held::for_person(HoldReason::PreflightUnknown, message),
    }
}

fn controls_due(what: &str, plan: &mut Plan) -> Held {
    plan.needs_controls = true;
    let message = format!("{what} once the service control policies were read");
    Held::for_fact(HoldReason::Preflight, message)
}

/// One organization enforcement.
pub(in crate::plan) struct Scope<'a> {
    pub(in crate::plan) enforcement: &'a Name,
    pub(in crate::plan) preflight: &'a Preflight,
    pub(in crate::plan) context: &'a Context<'a>,
}

/// What a policy references.
type References = BTreeSet<(GuardrailArn, Version)>;

impl Scope<'_> {
    /// Clears an attachment of documents that reference this.
    pub(in crate::plan) fn clear_attachment(
        &self,
        target: &TargetId,
        references: &References,
        plan: &mut Plan,
    ) -> Result<(), Held> {
        self.clear(&BTreeSet::from([target]), references, plan)
    }

    /// Clears references that a document is about to make wherever it is attached. All or nothing:
    /// one account that cannot apply one of them holds all.
    pub(in crate::plan) fn clear(
        &self,
        targets: &BTreeSet<&TargetId>,
        references: &References,
        plan: &mut Plan,
    ) -> Result<(), Held> {
        let mut findings = Findings::default();
        for (arn, version) in references {
            let accounts = self.accounts_to_prove(targets, (arn, *version));
            if accounts.is_empty() {
                continue;
            }
            let all: Vec<&AccountId> = accounts.iter().copied().collect();
            profile::prove((arn, *version), &all, self.context)?;
            let probed = sampled(all, self.preflight.probes, (arn, *version));
            let Context { replicas, facts, .. } = self.context;
            let revision = revision_of((arn, *version), replicas, facts);
            for account in accounts {
                let cell = Cell { account: account.clone(), region: arn.region.clone() };
                let key = ProbeKey { cell, guardrail: arn.clone(), version: *version };
                let is_probed = probed.contains(account);
                let judged = judge(&key, is_probed, self.context);
                if is_probed {
                    let roles = &self.preflight.callers;
                    let asked = callers::of_account(account, roles, (arn, revision), self.context);
                    findings.add_callers(&key, asked);
                }
                findings.add(key, judged);
            }
        }
        findings.callers_due = self.with_siblings(findings.callers_due);
        findings.conclude(self.preflight, plan)
    }

    /// Questions about roles, with those about its other Regions.
    fn with_siblings(&self, due: BTreeSet<CallerKey>) -> BTreeSet<CallerKey> {
        let wanted = self.context.organization.get(self.enforcement);
        let (Some(wanted), Some(fleet)) = (wanted, &self.context.facts.fleet) else { return due };
        let GuardrailReference { name, revision } = &wanted.guardrail;
        let enforced =
            |region: &Region| wanted.regions.contains(region).then_some(revision.as_ref());
        callers::with_siblings(due, (name, &fleet.management), enforced, self.context)
    }

    /// The accounts below the targets that had no such reference in force from there before.
    fn accounts_to_prove(
        &self,
        targets: &BTreeSet<&TargetId>,
        (arn, version): (&GuardrailArn, Version),
    ) -> BTreeSet<&AccountId> {
        let Some(fleet) = &self.context.facts.fleet else { return BTreeSet::new() };
        let is_new = |target: &&&TargetId| {
            let restorable = Restorable {
                enforcement: self.enforcement.clone(),
                target: (**target).clone(),
                guardrail: arn.clone(),
                version,
            };
            !self.context.facts.restorable.contains(&restorable)
        };
        targets
            .iter()
            .filter(is_new)
            .flat_map(|target| fleet.accounts_under(target))
            .filter(|account| account.state == AccountState::Active)
            .map(|account| &account.id)
            .collect()
    }
}

/// What was found in all cells of an attachment.
#[derive(Default)]
struct Findings {
    denied: Vec<(ProbeKey, HoldReason, String)>,
    unknown: Vec<(ProbeKey, String, Option<Duration>)>,
    due: BTreeSet<ProbeKey>,
    callers_due: BTreeSet<CallerKey>,
    needs_controls: bool,
    warnings: BTreeSet<String>,
}

impl Findings {
    fn add(&mut self, key: ProbeKey, judged: Judgement) {
        self.warnings.extend(judged.warning);
        self.note(key, judged.finding);
    }

    /// What is known of the roles that must be able to apply it in the same account.
    fn add_callers(&mut self, key: &ProbeKey, callers: Callers) {
        self.callers_due.extend(callers.due);
        if callers.finding != Finding::Due {
            self.note(key.clone(), callers.finding);
        }
    }

    fn note(&mut self, key: ProbeKey, finding: Finding) {
        match finding {
            Finding::Clear => {}
            Finding::Denied(reason, why) => self.denied.push((key, reason, why)),
            Finding::Unknown(why, wait) => self.unknown.push((key, why, wait)),
            Finding::Due => {
                self.due.insert(key);
            }
            Finding::ControlsDue => self.needs_controls = true,
        }
    }

    fn conclude(self, preflight: &Preflight, plan: &mut Plan) -> Result<(), Held> {
        let Self { denied, unknown, due, callers_due, needs_controls, warnings } = self;
        if needs_controls {
            return Err(controls_due("it goes on", plan));
        }
        plan.warnings.extend(warnings);
        if let Some((_, reason, why)) = denied.first() {
            let message = format!(
                "these accounts cannot apply what it references, and would lose model calls: {}; \
                 {why}",
                listed(accounts(denied.iter().map(|(key, ..)| key))),
            );
            return Err(Held::for_person(*reason, message));
        }
        if !due.is_empty() || !callers_due.is_empty() {
            let message = if due.is_empty() {
                "it goes on once IAM was asked about the roles of `callerRoles`".to_owned()
            } else {
                match (due.len(), accounts(&due).len()) {
                    (1, _) => "it goes on once one probe was made".to_owned(),
                    (probes, 1) => format!("it goes on once {probes} probes were made"),
                    (probes, accounts) => {
                        format!(
                            "it goes on once {probes} probes were made from {accounts} accounts"
                        )
                    }
                }
            };
            plan.needs_probes.extend(due);
            plan.needs_callers.extend(callers_due);
            return Err(Held::for_fact(HoldReason::Preflight, message));
        }
        let Some((_, why, _)) = unknown.first() else { return Ok(()) };
        let unproven_in = accounts(unknown.iter().map(|(key, ..)| key));
        let tolerated = usize::try_from(preflight.max_unknown).unwrap_or(usize::MAX);
        let named = listed(&unproven_in);
        if unproven_in.len() <= tolerated {
            let message = format!("not proven for {named} ({why}), which `maxUnknown` tolerates");
            plan.warnings.push(message);
            return Ok(());
        }
        let message = format!(
            "it is not proven that these accounts can apply what it references, and `maxUnknown` \
             is {tolerated}: {named}; {why}"
        );
        let waits = unknown.iter().map(|(_, _, wait)| *wait);
        Err(unproven(message, waits.flatten().min()))
    }
}

fn accounts<'a>(keys: impl IntoIterator<Item = &'a ProbeKey>) -> BTreeSet<&'a AccountId> {
    keys.into_iter().map(|key| &key.cell.account).collect()
}

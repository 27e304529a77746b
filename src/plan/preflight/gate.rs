//! Lets references through, holds them, or asks for what is missing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::judge::{Finding, Judgement, judge};
use super::profile;
use super::sample::sampled;
use crate::model::{
    AccountId, AccountState, Cell, DesiredCell, GuardrailArn, Name, ObservedEnforcement, Preflight,
    ProbeKey, ProbeOutcome, Probes, Region, Restorable, TargetId, Version,
};
use crate::plan::context::Context;
use crate::plan::hold::listed;
use crate::plan::reference::spoken;
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
    if was_in_force(&key, context) {
        return Ok(());
    }
    profile::prove((arn, version), &[&cell.account], context)
        .map_err(|held| held.prefixed(&what))?;
    let is_probed = match desired.preflight.probes {
        Probes::Every => true,
        Probes::Offline => false,
        sample @ Probes::Sample(_) => {
            let accounts = claimed_in(&cell.region, &desired.enforcement, context);
            sampled(accounts, sample, (arn, version)).contains(&cell.account)
        }
    };
    let Judgement { finding, warning } = judge(&key, is_probed, context);
    plan.warnings.extend(warning);
    match finding {
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
            plan.needs_probes.insert(key);
            let message = format!("{what} once it was tried from inside the account");
            Err(Held::for_fact(HoldReason::Preflight, message))
        }
        Finding::ControlsDue => Err(controls_due(&what, plan)),
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

/// Cells of an enforcement in one Region of which it cannot be told whether they can apply the
/// version. Without probes that is the policies' fault, and so all of them.
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
    let unknown = context.facts.probes.iter().filter(|(key, fact)| {
        matches!(fact.outcome, ProbeOutcome::Unknown { .. })
            && (&key.guardrail, key.version) == (arn, version)
            && claimed.contains(&key.cell.account)
    });
    unknown.count()
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
    pub(in crate::plan) preflight: Preflight,
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
            for account in accounts {
                let cell = Cell { account: account.clone(), region: arn.region.clone() };
                let key = ProbeKey { cell, guardrail: arn.clone(), version: *version };
                let judged = judge(&key, probed.contains(account), self.context);
                findings.add(key, judged);
            }
        }
        findings.conclude(self.preflight, plan)
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
    needs_controls: bool,
    warnings: BTreeSet<String>,
}

impl Findings {
    fn add(&mut self, key: ProbeKey, judged: Judgement) {
        self.warnings.extend(judged.warning);
        match judged.finding {
            Finding::Clear => {}
            Finding::Denied(reason, why) => self.denied.push((key, reason, why)),
            Finding::Unknown(why, wait) => self.unknown.push((key, why, wait)),
            Finding::Due => {
                self.due.insert(key);
            }
            Finding::ControlsDue => self.needs_controls = true,
        }
    }

    fn conclude(self, preflight: Preflight, plan: &mut Plan) -> Result<(), Held> {
        let Self { denied, unknown, due, needs_controls, warnings } = self;
        if needs_controls {
            return Err(controls_due("it goes on", plan));
        }
        plan.warnings.extend(warnings);
        if let Some((_, reason, why)) = denied.first() {
            let message = format!(
                "these accounts cannot apply what it references, and would lose every model call: \
                 {}; {why}",
                listed(accounts(denied.iter().map(|(key, ..)| key))),
            );
            return Err(Held::for_person(*reason, message));
        }
        if !due.is_empty() {
            let message = format!(
                "it goes on once {} were made from {} accounts",
                counted(due.len()),
                accounts(&due).len()
            );
            plan.needs_probes.extend(due);
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

fn counted(probes: usize) -> String {
    if probes == 1 { "one probe".to_owned() } else { format!("{probes} probes") }
}

//! The way of a new policy to all its targets: one account, or the waves of the manifest, before
//! the rest.
//!
//! A stage is complete once the policy is attached to all of it; then, after the time in which such
//! a change may take effect, our own role is tried in its accounts. The number of stages passed
//! stands in a tag of the policy. A policy that shuts us out is taken back, and not tried again
//! until the text changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::find::{Matched, Own};
use super::keep::Visit;
use super::step::{ControlStep, Leaving, in_place};
use crate::model::{
    AccessFact, AccessKey, AccessOutcome, AccountId, AccountState, CONTROL_REJECTED_TAG,
    ControlProgress, ControlStage, Rejection, TargetId,
};
use crate::plan::confirm::Sightings;
use crate::plan::step::{Held, HoldReason, Plan, Step};

/// Accounts of a stage in which our role is tried.
const TRIED_MAX: usize = 20;

/// So many denials in a row are no accident.
const DENIALS: u32 = 2;

/// How often it is asked without an answer before a person is needed.
const ASKED_MAX: u32 = 5;

/// Where a policy goes before the rest.
struct Stage {
    name: String,
    targets: BTreeSet<TargetId>,
    accounts: Vec<AccountId>,
    bake: Duration,
    /// What the tag of the policy says of it and those before.
    progress: ControlProgress,
}

/// What is known of our role in accounts.
enum Tried {
    Passed,
    Due(BTreeSet<AccessKey>),
    Denied(AccountId, String),
    Waiting(Held),
}

impl<'a> Visit<'a> {
    /// Attaches its policies as far as they may go.
    pub(super) fn advance(&self, found: &Matched<'a>, memory: &mut Sightings, plan: &mut Plan) {
        let own: Vec<&Own<'a>> = found.current.values().collect();
        // What was in force before goes back at once.
        let restores = own.iter().all(|it| {
            let mut missing = self.desired.targets.difference(&it.body.targets);
            missing.all(|target| memory.is_noticed(&in_place(&it.live.id, target)))
        });
        if self.desired.is_paused && !restores {
            let message = format!("{} does not move: its rollout is paused", self.what());
            return plan.hold(Held::for_person(HoldReason::Paused, message));
        }
        let progress = own.first().map(|it| it.live.marks.progress).unwrap_or_default();
        let stage = if restores { Ok(None) } else { self.stage(progress, &own, plan) };
        match stage {
            Err(held) => plan.hold(held),
            Ok(Some(stage)) => self.try_stage(&stage, &own, memory, plan),
            Ok(None) => {
                for own in own {
                    for target in &self.desired.targets {
                        self.attach(own, target, memory, plan);
                    }
                }
            }
        }
    }

    /// The stage that is open; `None` after the last.
    fn stage(
        &self,
        progress: ControlProgress,
        own: &[&Own<'a>],
        plan: &mut Plan,
    ) -> Result<Option<Stage>, Held> {
        let Some(stages) = &self.desired.stages else {
            return if progress.passed == 0 { self.canary(own, plan) } else { Ok(None) };
        };
        Ok(stages.get(progress.passed).map(|ControlStage { name, targets, bake }| {
            let accounts = self.active(targets);
            let accounts = accounts.into_iter().take(TRIED_MAX).collect();
            Stage {
                name: name.to_string(),
                targets: targets.clone(),
                accounts,
                bake: *bake,
                progress,
            }
        }))
    }

    /// Where there is more than one account: the one that has the policy already, else the first
    /// that lets our role in.
    fn canary(&self, own: &[&Own<'a>], plan: &mut Plan) -> Result<Option<Stage>, Held> {
        let accounts = self.active(&self.desired.targets);
        if accounts.len() < 2 {
            return Ok(None);
        }
        let has_it = |account: &&AccountId| {
            let target = TargetId::Account((*account).clone());
            own.iter().any(|it| it.body.targets.contains(&target))
        };
        let stage = |account: &AccountId| Stage {
            name: self.fleet.describe(&TargetId::Account(account.clone())),
            targets: BTreeSet::from([TargetId::Account(account.clone())]),
            accounts: vec![account.clone()],
            bake: Duration::ZERO,
            progress: ControlProgress::default(),
        };
        if let Some(account) = accounts.iter().find(has_it) {
            return Ok(Some(stage(account)));
        }
        for account in &accounts {
            match self.tried(std::slice::from_ref(account), &BTreeSet::new()) {
                Tried::Passed => return Ok(Some(stage(account))),
                Tried::Due(due) => {
                    plan.needs_access.extend(due);
                    let message = format!(
                        "{} goes to one account first, once that lets our own role in",
                        self.what()
                    );
                    return Err(Held::for_fact(HoldReason::Preflight, message));
                }
                Tried::Denied(..) | Tried::Waiting(_) => {}
            }
        }
        let message = format!(
            "{} goes to one account first, and none of {} lets our own role in, so that nothing \
             could be seen there: see the role {}",
            self.what(),
            accounts.len(),
            self.context.preflight.member_role
        );
        let wait = self.context.timing.own_write_grace * ASKED_MAX;
        Err(Held::after(HoldReason::PreflightUnknown, wait, message))
    }

    /// Active accounts at or below targets that service control policies bind, by id.
    fn active(&self, targets: &BTreeSet<TargetId>) -> Vec<AccountId> {
        let accounts = targets.iter().flat_map(|target| self.fleet.accounts_under(target));
        let bound: BTreeSet<&AccountId> = accounts
            .filter(|it| it.state == AccountState::Active && it.id != self.fleet.management)
            .map(|it| &it.id)
            .collect();
        bound.into_iter().cloned().collect()
    }

    fn try_stage(&self, stage: &Stage, own: &[&Own<'a>], memory: &mut Sightings, plan: &mut Plan) {
        let Stage { name, targets, accounts, .. } = stage;
        if own.iter().any(|it| !targets.is_subset(&it.body.targets)) {
            if own.iter().all(|it| targets.is_disjoint(&it.body.targets))
                && let Tried::Due(due) = self.tried(accounts, &BTreeSet::new())
            {
                // Whom it keeps out that was let in before can be told only by asking before.
                plan.needs_access.extend(due);
                let message =
                    format!("{} goes to {name} once our role was tried there", self.what());
                return plan.hold(Held::for_fact(HoldReason::Preflight, message));
            }
            for own in own {
                for target in targets {
                    self.attach(own, target, memory, plan);
                }
            }
            return;
        }
        let (now, grace) = (self.context.now, self.context.timing.own_write_grace);
        let seen = own.iter().flat_map(|it| {
            targets.iter().map(|target| in_place(&it.live.id, target)).collect::<Vec<_>>()
        });
        let since = seen.map(|note| memory.noticed(&note, now)).min().unwrap_or_default();
        if let Some(wait) = grace.checked_sub(since).filter(|wait| !wait.is_zero())
            && !self.context.preflight.is_assumed
        {
            let message = format!("{} is at {name}, and is tried there soon", self.what());
            return plan.hold(Held::after(HoldReason::Gating, wait, message));
        }
        let policies = own.iter().map(|it| it.live.id.clone()).collect();
        match self.tried(&self.let_in(accounts), &policies) {
            Tried::Passed if !accounts.is_empty() && self.let_in(accounts).is_empty() => {
                let message = format!(
                    "{} is at {name}, where no account lets our own role in, so that nothing can be \
                     seen: see the role {}",
                    self.what(),
                    self.context.preflight.member_role
                );
                plan.hold(Held::for_person(HoldReason::PreflightUnknown, message));
            }
            Tried::Passed => self.pass(stage, own, plan),
            Tried::Due(due) => {
                plan.needs_access.extend(due);
                let message = format!("{} is tried at {name}", self.what());
                plan.hold(Held::for_fact(HoldReason::Gating, message));
            }
            Tried::Denied(account, why) => {
                let message = format!(
                    "{} shuts our own role out of {account} ({why}); it is taken back",
                    self.what()
                );
                plan.hold(Held::after(HoldReason::RolledBack, grace, message));
                for own in own {
                    let value = Rejection::value(&account, &self.desired.spec_hash);
                    let tag = BTreeMap::from([(CONTROL_REJECTED_TAG.to_owned(), value)]);
                    plan.steps.push(self.tag(own.live.id.clone(), tag));
                }
            }
            Tried::Waiting(held) => plan.hold(held),
        }
    }

    /// The accounts that were not denied to our role before: of the others nothing can be told.
    fn let_in(&self, accounts: &[AccountId]) -> Vec<AccountId> {
        let was_denied = |account: &AccountId| {
            let key = AccessKey { account: account.clone(), policies: BTreeSet::new() };
            let before = self.context.facts.access.get(&key).map(|fact| &fact.outcome);
            matches!(before, Some(AccessOutcome::Denied(_)))
        };
        accounts.iter().filter(|account| !was_denied(account)).cloned().collect()
    }

    /// A stage in which all is well: the next opens at once, or after its bake.
    fn pass(&self, stage: &Stage, own: &[&Own<'a>], plan: &mut Plan) {
        let Some(first) = own.first() else { return };
        let Stage { bake, progress, .. } = *stage;
        let now = self.context.wall.as_second();
        let baked = i64::try_from(bake.as_secs()).unwrap_or(i64::MAX);
        let since = progress.complete_since.filter(|_| !bake.is_zero());
        let next = match since {
            None if !bake.is_zero() => ControlProgress { complete_since: Some(now), ..progress },
            Some(since) if now < since.saturating_add(baked) => {
                let left = u64::try_from(since.saturating_add(baked).saturating_sub(now));
                let left = Duration::from_secs(left.unwrap_or_default());
                let message = format!(
                    "{} is in force at `{}` and bakes for {} s more",
                    self.what(),
                    stage.name,
                    left.as_secs()
                );
                return plan.hold(Held::after(HoldReason::Baking, left, message));
            }
            Some(_) | None => ControlProgress { passed: progress.passed + 1, complete_since: None },
        };
        let mut tags = Self::stage_tag(next);
        if first.live.marks.rejection.is_some() {
            tags.insert(CONTROL_REJECTED_TAG.to_owned(), String::new());
        }
        plan.steps.push(self.tag(first.live.id.clone(), tags));
    }

    /// What calls as our role in accounts have shown, with these policies there.
    fn tried(&self, accounts: &[AccountId], policies: &BTreeSet<crate::model::PolicyId>) -> Tried {
        // A plan that is only shown makes no calls.
        if self.context.preflight.is_assumed {
            return Tried::Passed;
        }
        let mut due = BTreeSet::new();
        let mut waiting = None;
        let mut has_passed = accounts.is_empty();
        for account in accounts {
            let key = AccessKey { account: account.clone(), policies: policies.clone() };
            let Some(fact) = self.context.facts.access.get(&key) else {
                due.insert(key);
                continue;
            };
            let again = fact.at + self.context.timing.own_write_grace * fact.failures.max(1);
            let is_due = self.context.now >= again;
            match &fact.outcome {
                AccessOutcome::Passed => has_passed = true,
                // What could not be acted on for a while is asked again.
                AccessOutcome::Denied(why) if fact.denials >= DENIALS && !is_due => {
                    return Tried::Denied(account.clone(), why.clone());
                }
                AccessOutcome::Denied(_) | AccessOutcome::Unknown(_) if is_due => {
                    due.insert(key);
                }
                AccessOutcome::Denied(why) | AccessOutcome::Unknown(why) => {
                    let unanswered = self.unanswered(account, fact, why);
                    // One that is still to be asked is waited for, whoever has been given up.
                    if waiting.as_ref().is_none_or(|(_, is_lasting)| *is_lasting) {
                        waiting = Some(unanswered);
                    }
                }
            }
        }
        match waiting {
            _ if !due.is_empty() => Tried::Due(due),
            // One that answers shows it; what cannot be reached for a while holds nobody up.
            Some((held, is_lasting)) if !(is_lasting && has_passed) => Tried::Waiting(held),
            Some(_) | None => Tried::Passed,
        }
    }

    /// The hold for an account that gave no good answer, and whether it has been asked often enough.
    fn unanswered(&self, account: &AccountId, fact: &AccessFact, why: &str) -> (Held, bool) {
        let is_lasting = fact.failures >= ASKED_MAX;
        let message = format!("{} could not be tried in {account}: {why}", self.what());
        let grace = self.context.timing.own_write_grace;
        (Held::after(HoldReason::PreflightUnknown, grace, message), is_lasting)
    }

    /// Takes a policy off again that shut us out, from where it was on trial. It is never in force
    /// everywhere.
    pub(super) fn take_back(&self, found: &Matched<'a>, plan: &mut Plan) {
        for own in found.current.values() {
            let tried = self.on_trial(own);
            for target in own.body.targets.iter().filter(|it| tried.contains(*it)) {
                plan.steps.push(Step::Control(ControlStep::Detach {
                    manifest: self.name.clone(),
                    id: own.live.id.clone(),
                    target: target.clone(),
                    leaving: Leaving::Undone,
                }));
            }
        }
        let message = format!(
            "{} shut our own role out where it was tried, and is not tried again until its text \
             changes; what was in force before stays",
            self.what()
        );
        plan.hold(Held::for_person(HoldReason::RolledBack, message));
    }

    /// The targets of the stages that were open when it was rejected. Where it was attached beside
    /// them, it was in force before.
    fn on_trial(&self, own: &Own<'a>) -> BTreeSet<TargetId> {
        let marks = &own.live.marks;
        if let Some(stages) = &self.desired.stages {
            let open = stages.iter().take(marks.progress.passed + 1);
            return open.flat_map(|it| it.targets.iter().cloned()).collect();
        }
        let by = marks.rejection.iter().filter_map(|it| it.account.clone());
        by.map(TargetId::Account).collect()
    }
}

//! One run of reconcile on one key: observe, plan, review, act.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;
use tracing::{error, info};

use super::act::ActError;
use super::carry::Carried;
use super::deadline::{self, Deadline};
use super::engine::{Engine, Intent};
use super::examine;
use super::key::Key;
use super::news::say_news;
use super::observe::Observed;
use super::pass::Reading;
use super::probe::Probed;
use crate::aws::ErrorClass;
use crate::model::Unread;
use crate::plan::{self, Exam, Held, HoldReason, Plan, Until};
use crate::status::{Failure, Hold, Outcome, Verdict};

/// From this wait on a key comes back instead of waiting.
const WAITS_FROM: Duration = Duration::from_millis(100);

/// How far apart keys come back that were sent away together.
const DEFERRED_APART: Duration = Duration::from_millis(250);

/// When a key comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At the next resync, or when another key's visit wakes it.
    Done,
    /// After this long.
    After(Duration),
    /// Later each time: trying again can help, and nothing says when.
    Backoff,
    /// A little later: AWS asked to slow down, and the edge has. AWS is there, so this is no reason
    /// to give up.
    SlowDown,
}

/// What a visit returned to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visited {
    /// When this key comes back.
    pub next: Next,
    /// Keys whose plans can have changed.
    pub wake: BTreeSet<Key>,
}

/// What deciding produced.
struct Decision {
    plan: Plan,
    failure: Option<Failure>,
    wake: BTreeSet<Key>,
    generation: u64,
    /// What is to be tried on a guardrail.
    exam: Option<Exam>,
    /// When a schedule brings the key back.
    scheduled: Option<Duration>,
}

impl Engine {
    /// Visits one key once.
    ///
    /// Level-based: it looks at the two worlds, never at what woke it. It never loops, sleeps or
    /// retries; the queue does that, from what this returns. What takes longer than it may is given
    /// up, and comes back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future between steps leaves a partly applied plan. The next visit observes
    /// the new world and plans only what is left.
    pub async fn visit(&self, key: &Key) -> Visited {
        let began = self.time.now();
        if let Some(wait) = self.turn(key) {
            return Visited { next: Next::After(wait), wake: BTreeSet::new() };
        }
        let deadline = self.deadline(key, began);
        let visited = match key {
            Key::Audit(cell) => {
                let audited = timeout(deadline.left(began), self.audit(cell)).await;
                audited.unwrap_or(Visited { next: Next::Backoff, wake: BTreeSet::new() })
            }
            Key::Organization
            | Key::Replica(_)
            | Key::ProfilePolicy(_)
            | Key::Rollout(_)
            | Key::Cell(_)
            | Key::Logging(_) => self.reconcile(key, deadline).await,
        };
        let took = self.time.now().saturating_sub(began);
        let wall = self.time.wall();
        let mut state = self.state();
        if *key == Key::Organization {
            // More than it may take is the time of a process that was paused.
            state.organization_took = took.min(deadline.allowed());
        }
        let verdict = state.board.outcomes().get(key).map(|outcome| outcome.verdict);
        state.tally.visited(key.kind(), verdict.unwrap_or(Verdict::Unchanged), took, wall);
        state.note_given_up(key, deadline.is_over(began.saturating_add(took)));
        visited
    }

    /// How long a key waits for its turn where the account was throttled. Who waits here keeps no
    /// place from others; and those of one account come back one after the other.
    fn turn(&self, key: &Key) -> Option<Duration> {
        let wait = self.aws.wait(&key.place()?);
        if wait < WAITS_FROM {
            return None;
        }
        let mut state = self.state();
        state.deferred = state.deferred.wrapping_add(1);
        Some(wait + DEFERRED_APART * u32::from(state.deferred % 16))
    }

    async fn reconcile(&self, key: &Key, deadline: Deadline) -> Visited {
        // Observe (reads only).
        let began = self.time.now();
        let observed = tokio::select! {
            // Nothing is lost with a read: a stop need not wait for one that hangs.
            () = self.stop.cancelled() => {
                return Visited { next: Next::Done, wake: BTreeSet::new() };
            }
            observed = timeout(deadline.left(began), self.observe(key)) => observed,
        };
        let observed = match observed {
            Ok(Ok(observed)) => observed,
            Ok(Err(error)) => return self.unobserved(key, error.into()),
            Err(_) => match deadline::unread(key, deadline.unread()) {
                Some(observed) => observed,
                None => return self.unobserved(key, deadline.unread()),
            },
        };
        // A disk that hangs is one that cannot be written.
        timeout(self.for_a_write(deadline), self.mend_journal()).await.ok();
        // Decide (pure).
        let Some(mut decision) = self.decide(key, &observed, began) else {
            let wake = self.state().due();
            return Visited { next: Next::Done, wake };
        };
        if self.is_from_memory(key, &decision.plan) {
            return Visited { next: Next::After(Duration::ZERO), wake: decision.wake };
        }
        if self.only_shows() {
            return self.conclude(key, decision, Vec::new(), None);
        }
        let approved = match plan::review(decision.plan.clone(), plan::Mode::Act) {
            plan::Verdict::Approved(approved) => approved,
            plan::Verdict::Withheld { reason, .. } => {
                error!(%key, reason = reason.as_str(), "the plan breaks a rule of its own; withheld");
                return self.conclude(key, decision, Vec::new(), None);
            }
        };
        // Act (writes only). Nothing below this line makes a choice.
        let mut applied = Vec::new();
        let mut error = None;
        let decided = (self.time.now(), self.time.wall());
        for step in approved.steps() {
            if !self.goes_on(key, decision.generation, decided) {
                break;
            }
            if deadline.is_over(self.time.now()) {
                info!(%key, "the visit takes too long; the rest of its plan is made anew");
                break;
            }
            let allowed = self.for_a_write(deadline);
            match self.carry_out(key, step, (decision.generation, &observed), allowed).await {
                Carried::Out(text) => applied.push(text),
                Carried::Held(held) => {
                    decision.plan.held.push(held);
                    break;
                }
                Carried::Failed(failed) => {
                    decision.wake.extend(self.doubted(step, &failed));
                    error = Some(failed);
                    break;
                }
            }
        }
        let left = deadline.left(self.time.now());
        let inquired = timeout(left, self.inquire(key, &mut decision, (began, &mut error))).await;
        let probed = inquired.unwrap_or_else(|_| {
            let what = "what was still to be asked".to_owned();
            let consequence = "it is asked again";
            error.get_or_insert(ActError::GivenUp { what, consequence });
            Probed::default()
        });
        probed.bring_back(self.conclude(key, decision, applied, error), self.settings.settle)
    }

    /// Whether plans are made and not carried out.
    fn only_shows(&self) -> bool {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::PlanWrites) {
            return false;
        }
        self.settings.intent == Intent::Show
    }

    /// Finds out what the plan wants to know, without writes. The next visit reads again and goes on
    /// from the answers.
    async fn inquire(
        &self,
        key: &Key,
        decision: &mut Decision,
        (began, error): (Duration, &mut Option<ActError>),
    ) -> Probed {
        // Billed.
        if error.is_none() {
            *error = self.ask(key, decision).await.err();
        }
        let (needed, callers) = if self.stop.is_cancelled() {
            Default::default()
        } else {
            (decision.plan.needs_probes.clone(), decision.plan.needs_callers.clone())
        };
        let probed = self.probe(key, &needed).await;
        let probed = probed.and(self.ask_about_callers(key, &callers, began).await);
        let tried = self.try_access(&decision.plan.needs_access).await;
        decision.scheduled = tried.or(decision.scheduled);
        probed
    }

    /// Asks what the plan or a schedule wants to know of a guardrail, and brings the key back.
    async fn ask(&self, key: &Key, decision: &mut Decision) -> Result<(), ActError> {
        let (Key::Replica(replica), Some(exam)) = (key, &decision.exam) else { return Ok(()) };
        if self.stop.is_cancelled() || self.state().generation() != decision.generation {
            return Ok(());
        }
        self.examine(replica, exam).await?;
        decision.scheduled = Some(self.settings.settle);
        Ok(())
    }

    /// Learns and plans, under one lock. `None` when the fleet was read for the first time: what
    /// was read before the desired state was known may be too little to plan from.
    fn decide(&self, key: &Key, observed: &Observed, began: Duration) -> Option<Decision> {
        let mut state = self.state();
        let first = state.facts.fleet.is_none();
        let in_force = state.in_force_of(key);
        let mut wake = state.learn(key, observed, began, &self.settings.owner);
        state.note_rival(key, observed, &self.ourselves);
        if first {
            return None;
        }
        wake.append(&mut state.note_role(key, observed.unread()));
        self.decide_rollouts(&mut state);
        wake.append(&mut state.woken);
        state.facts.is_in_doubt = state.is_in_doubt();
        let mut plan = self.plan(&mut state, key, observed);
        let is_asked_for = state.is_asked_for(key);
        let unread = observed.unread().filter(|_| is_asked_for || *key != Key::Organization);
        if self.settings.intent == Intent::Converge && unread.is_none() {
            let stale_for = self.settings.timing.own_write_grace;
            if let Some(contests) = state.contests.get_mut(key) {
                contests.hold_off(&mut plan, self.time.now(), stale_for);
            }
        }
        wake.append(&mut state.note_asks(&plan));
        state.say_warnings(key, &plan);
        if plan.held.iter().any(|held| held.until == Until::Fact) {
            state.waiting.insert(key.clone());
        } else {
            state.waiting.remove(key);
        }
        if *key == Key::Organization {
            state.trials.clone_from(&plan.trials);
        }
        if state.is_kept(key) {
            state.keep_plan(key, &plan);
        }
        let timing = &self.settings.timing;
        let is_doubtful =
            unread.is_none() && state.is_doubtful(key, &in_force, (began, self.time.now()), timing);
        let read = Reading { unread, is_doubtful };
        let date = self.date();
        let plan = state.guard(key, (plan, read), date, &mut wake);
        let mut plan = state.stand_back(key, plan, date);
        if let Some(error) = self.journal_trouble() {
            plan = plan::without_journal(plan, &error);
        }
        // Where nothing is asked of an account, it need not let us in.
        let matters = |unread: &&Unread| is_asked_for || is_retryable(unread.class);
        let failure = unread.filter(|it| is_failure(it)).filter(matters).map(|unread| Failure {
            reason: unread.class.to_owned(),
            message: unread.message.clone(),
            retryable: is_retryable(unread.class),
        });
        let (mut exam, mut scheduled) = (plan.exam.clone(), None);
        if self.settings.repeats_tests && exam.is_none() && failure.is_none() {
            (exam, scheduled) = self.schedule(&mut state, key);
        }
        if is_doubtful {
            scheduled = scheduled.into_iter().chain([timing.confirm_after]).min();
        }
        let generation = state.generation();
        Some(Decision { plan, failure, wake, generation, exam, scheduled })
    }

    fn unobserved(&self, key: &Key, unread: Unread) -> Visited {
        let generation = self.state().generation();
        let Unread { class, message } = unread;
        let failure = Failure { reason: class.to_owned(), message, retryable: is_retryable(class) };
        let decision = Decision {
            plan: Plan::default(),
            failure: Some(failure),
            wake: BTreeSet::new(),
            generation,
            exam: None,
            scheduled: None,
        };
        self.conclude(key, decision, Vec::new(), None)
    }

    /// When a key is visited again, after this plan of it: whether a step of it was carried out, and
    /// whether the world was not as the plan had it.
    fn next_of(
        &self,
        plan: &Plan,
        failure: Option<&Failure>,
        scheduled: Option<Duration>,
        (has_written, moved): (bool, bool),
    ) -> Next {
        let pending = !plan.steps.is_empty();
        let next = if let Some(failure) = failure {
            match failure.reason == ErrorClass::Throttled.reason() {
                true => Next::SlowDown,
                false if failure.retryable => Next::Backoff,
                false if self.settings.intent == Intent::Show => Next::Done,
                // What came before the step that failed goes on.
                false if has_written => Next::After(self.settings.settle),
                false => soonest(plan, scheduled),
            }
        } else if self.settings.intent == Intent::Show {
            if !pending && plan.held.iter().any(ends_soon) { Next::Backoff } else { Next::Done }
        } else if pending || moved {
            Next::After(self.settings.settle)
        } else {
            soonest(plan, scheduled)
        };
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::BackoffForgotten) && next == Next::Backoff {
            return Next::After(self.settings.settle);
        }
        next
    }

    /// Records the outcome, says what is new in it, and tells the queue when to come back.
    fn conclude(
        &self,
        key: &Key,
        decision: Decision,
        applied: Vec<String>,
        error: Option<ActError>,
    ) -> Visited {
        let Decision { plan, failure, wake, generation, exam: _, scheduled } = decision;
        let moved = matches!(
            error,
            Some(
                ActError::Moved { .. }
                    | ActError::InUse { .. }
                    | ActError::Refused(_)
                    | ActError::Limit { .. }
            )
        );
        let failure = failure.or_else(|| error.and_then(|error| failure_of(&error)));
        let pending = !plan.steps.is_empty();
        let next = self.next_of(&plan, failure.as_ref(), scheduled, (!applied.is_empty(), moved));
        let verdict = match &failure {
            Some(_) => Verdict::Error,
            None if pending => Verdict::Applied,
            None if plan.held.is_empty() && plan.refusals.is_empty() => Verdict::Unchanged,
            None => Verdict::Held,
        };
        let mut outcome = Outcome {
            observed_generation: generation,
            at: self.time.wall(),
            verdict,
            applied,
            held: plan.held.iter().map(hold).collect(),
            refused: plan.refusals.iter().map(ToString::to_string).collect(),
            orphans: plan
                .orphans
                .iter()
                .map(|orphan| format!("{}: {}", orphan.object, orphan.message))
                .collect(),
            failure,
            conditions: Vec::new(),
            since: self.time.wall(),
            observed_at: None,
        };
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::ReadyThoughUnequal) {
            outcome.verdict = Verdict::Unchanged;
            outcome.held.clear();
            outcome.failure = None;
        }
        let mut state = self.state();
        outcome.conditions = state.conditions(key, outcome.at);
        let is_settled = !pending && outcome.failure.is_none();
        let needs_person = |held: &Hold| held.needs_person;
        let is_settled = is_settled && outcome.held.iter().all(needs_person);
        state.note_settled(key, generation, is_settled);
        state.note_rest(key, is_settled && outcome.is_ready() && plan.exam.is_none());
        let before = state.board.outcomes().get(key);
        say_news(key, &outcome, before);
        examine::say_changes(key, &outcome, before);
        if state.is_kept(key) {
            state.board.record(key.clone(), outcome);
        }
        Visited { next, wake }
    }
}

/// Whether what holds has mostly ended a moment later: AWS is still working on it, or showed it
/// half done.
fn ends_soon(held: &Held) -> bool {
    held.reason == HoldReason::InProgress
        || (held.reason == HoldReason::Unreadable && matches!(held.until, Until::After(_)))
}

fn hold(held: &Held) -> Hold {
    Hold {
        reason: held.reason.as_str().to_owned(),
        message: held.message.clone(),
        needs_person: held.until == Until::Person,
    }
}

/// The earliest time at which a hold of this plan can end by itself, or a schedule asks.
fn soonest(plan: &Plan, scheduled: Option<Duration>) -> Next {
    plan.held
        .iter()
        .filter_map(|held| match held.until {
            Until::After(wait) => Some(wait),
            Until::Fact | Until::Person => None,
        })
        .chain(scheduled)
        .min()
        .map_or(Next::Done, Next::After)
}

fn failure_of(error: &ActError) -> Option<Failure> {
    match error {
        ActError::Aws(error) => Some(Failure {
            reason: error.class.reason().to_owned(),
            message: error.to_string(),
            retryable: is_retryable(error.class.reason()),
        }),
        ActError::GivenUp { .. } => Some(Failure {
            reason: ErrorClass::Unavailable.reason().to_owned(),
            message: error.to_string(),
            retryable: true,
        }),
        ActError::Unread { unread, .. } => Some(Failure {
            reason: unread.class.to_owned(),
            message: error.to_string(),
            retryable: is_retryable(unread.class),
        }),
        ActError::Moved { .. }
        | ActError::InUse { .. }
        | ActError::Refused(_)
        | ActError::Limit { .. } => None,
    }
}

/// Whether trying again soon can help. What AWS does not find may be there a moment later, since
/// reads follow writes with a delay. The classes named here wait for the next resync: a person may
/// have changed a role or a quota meanwhile.
pub(super) fn is_retryable(reason: &str) -> bool {
    const LASTING: [ErrorClass; 6] = [
        ErrorClass::Denied,
        ErrorClass::NotAssumable,
        ErrorClass::Invalid,
        ErrorClass::Quota,
        ErrorClass::InUse,
        ErrorClass::RegionUnavailable,
    ];
    !LASTING.iter().any(|class| class.reason() == reason)
}

/// An opt-in Region that the account has not enabled is a state to hold in, not a failure: nothing
/// can be called there by anybody else either. So is an account whose role is not there yet.
fn is_failure(unread: &Unread) -> bool {
    let states = [ErrorClass::RegionUnavailable, ErrorClass::NotAssumable];
    !states.iter().any(|class| class.reason() == unread.class)
}

//! Carries out the steps of a plan: each with its record before and after, and with what it left
//! behind remembered. Nothing here makes a choice.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::act::{ActError, Effect, act};
use super::announce::{Announced, ending};
use super::engine::Engine;
use super::key::Key;
use super::observe::Observed;
use super::state::{State, WriteRecord};
use crate::aws::ErrorClass;
use crate::plan::{Held, Step};
use crate::status::Event;
use crate::status::journal::Because;

/// What became of one step.
pub(super) enum Carried {
    /// AWS accepted it; what it was, in one line.
    Out(String),
    /// It was not made.
    Held(Held),
    /// It went wrong.
    Failed(ActError),
}

impl Engine {
    /// Carries one step out, with its record before and after. Each of the three may take so long.
    pub(super) async fn carry_out(
        &self,
        key: &Key,
        step: &Step,
        (generation, observed): (u64, &Observed),
        allowed: Duration,
    ) -> Carried {
        let intended = self.intended(key, step, generation, observed);
        let at = self.time.wall();
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::JournalAfter) {
            act(&self.aws, step, || true).await.ok();
        }
        let number = match timeout(allowed, self.announce(step, &intended)).await {
            Ok(Announced::Go(number)) => number,
            Ok(Announced::Wait(held)) => return Carried::Held(held),
            Err(_) => {
                let what = format!("the record of {} in the journal", step.operation());
                let consequence = "nothing was sent";
                return Carried::Failed(ActError::GivenUp { what, consequence });
            }
        };
        let is_drift = intended.because == Because::Drift;
        {
            let mut state = self.state();
            state.note_attempt(step, self.time.now());
            if is_drift {
                state.tally.found_drift(step.operation());
            }
        }
        let is_wanted = || self.is_current(generation);
        let acted = match timeout(allowed, act(&self.aws, step, is_wanted)).await {
            Ok(acted) => acted,
            Err(_) => Err(ActError::GivenUp {
                what: step.operation().to_owned(),
                consequence: "it may have taken effect, which the next read shows",
            }),
        };
        if timeout(allowed, self.note_end(number, acted.as_ref().err())).await.is_err() {
            warn!(%key, step = step.operation(), "the journal does not take how it ended");
        }
        let event = Event::written(intended, at, ending(acted.as_ref().err()), self.time.wall());
        self.state().timeline.push(event);
        match acted {
            Ok(effect) => {
                let text = step.describe();
                info!(%key, generation, step = %text, "applied");
                self.remember(key, step, &effect);
                let mut state = self.state();
                if step.takes_away() {
                    state.taken.insert(key.clone(), self.time.now());
                }
                state.tally.wrote(step.operation(), is_drift);
                state.note_write(WriteRecord {
                    operation: step.operation(),
                    place: step.place(),
                    text: text.clone(),
                });
                Carried::Out(text)
            }
            Err(failed) => {
                self.remember_refusal(key, step, &failed);
                Carried::Failed(failed)
            }
        }
    }

    /// The keys to read again after a step failed: what it rests on may not be as it was read.
    pub(super) fn doubted(&self, step: &Step, error: &ActError) -> BTreeSet<Key> {
        let is_doubtful = match error {
            ActError::Moved { .. } | ActError::Unread { .. } => true,
            ActError::Aws(error) => error.class == ErrorClass::Denied,
            ActError::GivenUp { .. }
            | ActError::InUse { .. }
            | ActError::Refused(_)
            | ActError::Limit { .. } => false,
        };
        let mut doubted = if is_doubtful { self.state().owners_of(step) } else { BTreeSet::new() };
        if matches!((step, error), (Step::DeleteEnforced { .. }, ActError::Moved { .. })) {
            doubted.insert(Key::Organization);
        }
        doubted
    }

    /// Whether the rest of a plan, decided then and for that generation, is still to be carried out.
    pub(super) fn goes_on(
        &self,
        key: &Key,
        generation: u64,
        decided: (Duration, Timestamp),
    ) -> bool {
        if self.stop.is_cancelled() {
            return false;
        }
        if !self.is_current(generation) {
            debug!(%key, "a newer generation was accepted; the rest of this plan is stale");
            return false;
        }
        if self.is_outdated(decided) {
            info!(%key, "what was read is too old to act upon by now; it is read again");
            return false;
        }
        true
    }

    /// Whether no newer text was accepted.
    fn is_current(&self, generation: u64) -> bool {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::StaleGenerationGoesOn) {
            return true;
        }
        self.state().generation() == generation
    }

    /// Whether a plan made then is too old: the process may have been stopped for a while, or its
    /// machine, in which case only the wall has gone on.
    fn is_outdated(&self, (decided, date): (Duration, Timestamp)) -> bool {
        let passed = self.time.now().saturating_sub(decided);
        let on_the_wall = self.time.wall().duration_since(date);
        let on_the_wall = Duration::try_from(on_the_wall).unwrap_or_default();
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::OldReadActedUpon) {
            return false;
        }
        passed.max(on_the_wall) > self.settings.act_within
    }

    /// Keeps what a step left behind.
    fn remember(&self, key: &Key, step: &Step, effect: &Effect) {
        let now = self.time.now();
        let mut state = self.state();
        let State { facts, replicas, sightings, contests, logging, .. } = &mut *state;
        contests.entry(key.clone()).or_default().wrote(step, now);
        if step.takes_off_foreign() {
            // What was read of others is no more.
            facts.controls_read = None;
        }
        let sightings = match key {
            Key::Replica(replica) => {
                let memory = replicas.entry(replica.clone()).or_default();
                match (step, effect) {
                    (_, Effect::Created(arn)) => memory.created(arn.clone()),
                    (Step::PublishVersion { replica_revision, .. }, Effect::Published(version)) => {
                        memory.published(replica_revision.clone(), *version, now);
                    }
                    (Step::UpdateGuardrail { changes, .. }, _) => memory.updated(changes),
                    (_, Effect::Changed | Effect::Published(_)) => {}
                }
                &mut memory.sightings
            }
            Key::Logging(cell) => {
                let memory = logging.entry(cell.clone()).or_default();
                memory.wrote(step);
                &mut memory.sightings
            }
            Key::Organization
            | Key::ProfilePolicy(_)
            | Key::Rollout(_)
            | Key::Cell(_)
            | Key::Audit(_) => sightings.entry(key.clone()).or_default(),
        };
        if let Some(object) = step.sighting() {
            sightings.wrote(&object, now);
        }
    }
}

//! Notices that somebody keeps undoing what we write, and holds off (S15).
//!
//! ```text
//!   planned again, with the content written last ──► a revert
//!   three reverts within an hour ──► Contested: wait 1 min, 2, 4 … before each further write
//! ```
//!
//! Pure: memory of one key, told of writes and of plans, with the time as an argument. Two
//! controllers, or a controller and a person, that write one object in turns would otherwise go on
//! for ever at full speed.

use std::collections::VecDeque;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::plan::{ControlStep, Held, HoldReason, Plan, Step, Until};

/// In this time …
const WINDOW: Duration = Duration::from_hours(1);

/// … so many reverts are a contest. Once is an accident, twice a person who did not read the log.
const REVERTS_MAX: usize = 3;

/// The first hold-off; it doubles with each further revert.
const HOLD_OFF: Duration = Duration::from_mins(1);

/// The longest hold-off, and the longest where something is without protection meanwhile.
const HOLD_OFF_MAX: Duration = Duration::from_hours(1);
const HOLD_OFF_UNPROTECTED_MAX: Duration = Duration::from_mins(15);

/// What became of the objects one key wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contests {
    /// Few: a cell has one, and a fleet has a great many cells.
    objects: Vec<Object>,
}

/// SHA-256 of what is written: it is only ever compared.
type Fingerprint = [u8; 32];

/// One object, from our last write on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    name: Box<str>,
    /// Of what we wrote.
    content: Fingerprint,
    written_at: Duration,
    /// A complete read after the write wanted nothing more.
    was_in_place: bool,
    /// When this write was found undone; a write that is undone counts once.
    undone_at: Option<Duration>,
    /// When the latest writes were found undone, oldest first.
    reverts: VecDeque<Duration>,
    /// Hold-offs since the contest began.
    level: u32,
}

/// What a step writes: the object and what it will hold. `None` for a step that makes a second
/// thing or takes one away: those are confirmed by two reads anyway.
struct Writing {
    object: String,
    content: String,
    leaves_unprotected: bool,
}

impl Contests {
    /// Notes that AWS accepted `step` at `now`.
    pub(super) fn wrote(&mut self, step: &Step, now: Duration) {
        let Some(Writing { object, content, .. }) = writing(step) else { return };
        let content = fingerprint(&content);
        let known = self.objects.iter().position(|it| *it.name == *object);
        let before = known.map(|index| self.objects.swap_remove(index));
        let before = before.filter(|before| before.content == content);
        let (reverts, level) = before.map(|it| (it.reverts, it.level)).unwrap_or_default();
        // Room for one more than there is, not for four.
        self.objects.reserve_exact(1);
        self.objects.push(Object {
            name: object.into_boxed_str(),
            content,
            written_at: now,
            was_in_place: false,
            undone_at: None,
            reverts,
            level,
        });
    }

    /// Takes out of a plan, made from a complete read at `now`, the steps that are to wait, and
    /// what depends on them, and says so in it. Within `stale_for` of a write a read may show what
    /// was before it.
    pub(super) fn hold_off(&mut self, plan: &mut Plan, now: Duration, stale_for: Duration) {
        if plan.held.is_empty() {
            for written in &mut self.objects {
                let is_planned =
                    plan.steps.iter().filter_map(writing).any(|it| *it.object == *written.name);
                written.was_in_place |= !is_planned;
            }
        }
        let mut held = Vec::new();
        let mut waiting: Vec<Option<String>> = Vec::new();
        plan.steps.retain(|step| {
            let subject = subject(step);
            // A document is right before it is attached; a content before it is published.
            if waiting.contains(&subject) {
                return false;
            }
            let Some(wait) = self.wait(step, now, stale_for) else { return true };
            held.push(contested(step, wait));
            waiting.push(subject);
            false
        });
        plan.held.extend(held);
    }

    /// How long `step` is to wait still.
    fn wait(&mut self, step: &Step, now: Duration, stale_for: Duration) -> Option<Duration> {
        let Writing { object, content, leaves_unprotected } = writing(step)?;
        let content = fingerprint(&content);
        let mut objects = self.objects.iter_mut();
        let written = objects.find(|it| *it.name == *object && it.content == content)?;
        let undone_at = match written.undone_at {
            Some(undone_at) => undone_at,
            None if written.was_in_place || now >= written.written_at + stale_for => {
                written.undone(now);
                now
            }
            None => return None,
        };
        let hold_off = written.hold_off(leaves_unprotected)?;
        let left = (undone_at + hold_off).saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }
}

impl Object {
    fn undone(&mut self, now: Duration) {
        self.undone_at = Some(now);
        // It stood for as long as a contest is judged by: whoever it was has given up.
        if now >= self.written_at + WINDOW {
            self.reverts.clear();
            self.level = 0;
        }
        self.reverts.push_back(now);
        while self.reverts.len() > REVERTS_MAX {
            self.reverts.pop_front();
        }
        let is_contest = self.reverts.len() == REVERTS_MAX
            && self.reverts.front().is_some_and(|first| now <= *first + WINDOW);
        if self.level > 0 || is_contest {
            self.level += 1;
        }
    }

    fn hold_off(&self, leaves_unprotected: bool) -> Option<Duration> {
        let doublings = self.level.checked_sub(1)?;
        let longest = if leaves_unprotected { HOLD_OFF_UNPROTECTED_MAX } else { HOLD_OFF_MAX };
        Some(HOLD_OFF.saturating_mul(2_u32.saturating_pow(doublings)).min(longest))
    }
}

fn fingerprint(content: &str) -> Fingerprint {
    Sha256::digest(content).into()
}

fn contested(step: &Step, wait: Duration) -> Held {
    let message = format!(
        "somebody undid {} three times within an hour; it will be written again in {} s at most; \
         find out who (CloudTrail: who else calls {}) and let one of the two stop",
        step.describe(),
        wait.as_secs() + 1,
        step.operation(),
    );
    Held { reason: HoldReason::Contested, message, until: Until::After(wait) }
}

fn writing(step: &Step) -> Option<Writing> {
    let protects =
        |object: String, content: String| Writing { object, content, leaves_unprotected: true };
    let other =
        |object: String, content: String| Writing { object, content, leaves_unprotected: false };
    Some(match step {
        Step::UpdateGuardrail { arn, content, .. } => {
            other(format!("DRAFT of {arn}"), format!("{content:?}"))
        }
        Step::TagGuardrail { arn, tags, .. } => {
            other(format!("tags of {arn}"), format!("{tags:?}"))
        }
        Step::PutResourcePolicy { resource, document, .. } => {
            other(format!("policy of {resource}"), document.to_string())
        }
        Step::EnablePolicyType { root } => protects(format!("types of {root}"), String::new()),
        Step::UpdatePolicy { id, content, .. }
        | Step::Control(ControlStep::Update { id, content, .. }) => {
            other(format!("document of {id}"), content.to_string())
        }
        Step::AttachPolicy { id, target, .. }
        | Step::Control(ControlStep::Attach { id, target, .. }) => {
            protects(format!("{id} at {target}"), String::new())
        }
        // Whatever stands in the slot now protects, if not as desired.
        Step::PutEnforced { config_id, guardrail, version, settings, .. } => Writing {
            object: "slot".to_owned(),
            content: format!("{} {settings:?}", guardrail.with_version(*version)),
            leaves_unprotected: config_id.is_none(),
        },
        Step::PutLogging { config, .. } => other("logging".to_owned(), format!("{config:?}")),
        Step::Control(ControlStep::EnableType { root }) => {
            protects(format!("service control type of {root}"), String::new())
        }
        Step::Control(
            ControlStep::Create { .. }
            | ControlStep::Tag { .. }
            | ControlStep::Detach { .. }
            | ControlStep::Delete { .. },
        )
        | Step::CreateGuardrail { .. }
        | Step::UntagGuardrail { .. }
        | Step::PublishVersion { .. }
        | Step::DeleteGuardrail { .. }
        | Step::DeleteVersion { .. }
        | Step::DeleteResourcePolicy { .. }
        | Step::CreatePolicy { .. }
        | Step::TagPolicy { .. }
        | Step::RenamePolicy { .. }
        | Step::DropRegions { .. }
        | Step::DeletePolicy { .. }
        | Step::DetachPolicy { .. }
        | Step::DeleteEnforced { .. }
        | Step::DeleteLogging { .. } => return None,
    })
}

/// The manifest whose policy a step is about; `None` for what is one object in its key.
fn subject(step: &Step) -> Option<String> {
    if let Step::Control(step) = step {
        return step.manifest().map(|name| format!("service control {name}"));
    }
    step.enforcement().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EnforcementSettings;

    const STALE_FOR: Duration = Duration::from_mins(1);
    const MINUTE: Duration = Duration::from_mins(1);

    /// Fills the slot: an empty one, or one that holds something else.
    fn put(version: u32, is_empty: bool) -> Step {
        Step::PutEnforced {
            cell: crate::model::Cell {
                account: "111122223333".parse().unwrap(),
                region: "us-east-1".parse().unwrap(),
            },
            enforcement: "everywhere".parse().unwrap(),
            config_id: (!is_empty).then(|| "abc1".parse().unwrap()),
            guardrail: "arn:aws:bedrock:us-east-1:999999999999:guardrail/abc".parse().unwrap(),
            version: version.to_string().parse().unwrap(),
            settings: EnforcementSettings::default(),
            changes: Vec::new(),
            is_loss: false,
        }
    }

    fn steps(steps: impl IntoIterator<Item = Step>) -> Plan {
        Plan { steps: steps.into_iter().collect(), ..Plan::default() }
    }

    /// Visits a slot that needs `step`, writes if it may, sees it in place, and says what the visit
    /// waited for.
    fn visit(contests: &mut Contests, step: &Step, now: Duration) -> Option<Duration> {
        let mut plan = steps([step.clone()]);
        contests.hold_off(&mut plan, now, STALE_FOR);
        if let [held] = plan.held.as_slice() {
            assert_eq!((held.reason, plan.steps.len()), (HoldReason::Contested, 0));
            return match held.until {
                Until::After(wait) => Some(wait),
                Until::Fact | Until::Person => None,
            };
        }
        assert_eq!(plan.steps.len(), 1);
        contests.wrote(step, now);
        contests.hold_off(&mut steps([]), now, STALE_FOR);
        None
    }

    /// Somebody undoes every write at once; returns the hold-offs, waited out one by one.
    fn fight(step: &Step, rounds: usize) -> Vec<u64> {
        let (mut contests, mut now) = (Contests::default(), Duration::ZERO);
        let mut waits = Vec::new();
        for _ in 0..rounds {
            let wait = visit(&mut contests, step, now);
            waits.push(wait.map_or(0, |wait| wait.as_secs() / 60));
            if let Some(wait) = wait {
                now += wait;
                assert_eq!(visit(&mut contests, step, now), None, "the wait was served");
            }
            now += MINUTE;
        }
        waits
    }

    #[test]
    fn the_third_revert_is_contested_and_an_empty_slot_waits_a_quarter_of_an_hour_at_most() {
        assert_eq!(fight(&put(1, true), 9), [0, 0, 0, 1, 2, 4, 8, 15, 15]);
    }

    #[test]
    fn a_slot_that_holds_something_waits_up_to_an_hour() {
        assert_eq!(fight(&put(1, false), 11), [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn three_reverts_in_more_than_an_hour_are_drift() {
        let (mut contests, step) = (Contests::default(), put(1, true));
        for round in 0..20 {
            assert_eq!(visit(&mut contests, &step, MINUTE * 31 * round), None, "{round}");
        }
    }

    #[test]
    fn peace_for_an_hour_ends_the_contest() {
        let (mut contests, step) = (Contests::default(), put(1, true));
        for minute in 0..3 {
            assert_eq!(visit(&mut contests, &step, MINUTE * minute), None);
        }
        assert_eq!(visit(&mut contests, &step, MINUTE * 3), Some(MINUTE));
        assert_eq!(visit(&mut contests, &step, MINUTE * 4), None);
        assert_eq!(visit(&mut contests, &step, MINUTE * 64), None);
        assert_eq!(visit(&mut contests, &step, MINUTE * 65), None);
    }

    #[test]
    fn what_a_manifest_changed_is_no_revert() {
        let mut contests = Contests::default();
        for version in 1..20 {
            let now = MINUTE * version;
            assert_eq!(visit(&mut contests, &put(version, false), now), None, "{version}");
        }
    }

    #[test]
    fn a_read_that_lags_behind_our_write_is_no_revert() {
        let (mut contests, step) = (Contests::default(), put(1, true));
        for second in 0..50 {
            let now = Duration::from_secs(second);
            let mut plan = steps([step.clone()]);
            contests.hold_off(&mut plan, now, STALE_FOR);
            assert_eq!(plan.steps.len(), 1, "{second}");
            contests.wrote(&step, now);
        }
    }
}

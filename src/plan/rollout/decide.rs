//! Decides how far one rollout is.
//!
//! ```text
//!             ┌── a place lost the revision ──┐
//!             ▼                               │
//! Beginning ► Moving ► Verified ► Baking ► Gating ─► the next wave, or Accepting ► Done
//!                                    └───────┴────► Halted, or Rejecting ► RolledBack
//! ```
//!
//! Whether the places are cells of accounts or Regions of a policy is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::slice::SliceIndex;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Accepted, DesiredRollout, DesiredWave, GateVerdict, OnFailure, Rejected, Revision,
    RolloutMarks, WaveMark,
};

/// How one place stands to the revision that is rolled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was read back to have it.
    Converged,
    /// It has another revision, which is known where the version is one of ours.
    Behind(Option<Revision>),
    /// Nothing of ours is enforced there.
    Bare,
    /// It was not read, or AWS would not answer now: neither good nor bad.
    Unknown,
    /// It cannot be reached, so that nothing can be moved there.
    Unreachable,
    /// It is left to somebody else.
    Excluded,
}

/// All that one rollout is decided from.
pub(crate) struct Subject<'a, P: Ord> {
    /// What the text says.
    pub(crate) rollout: &'a DesiredRollout<P>,
    /// The revision that the text desires.
    pub(crate) target: &'a Revision,
    /// What each object that keeps marks says.
    pub(crate) marks: &'a [&'a RolloutMarks],
    /// Whether each of them was read: one that was not may say that the revision was rejected.
    pub(crate) is_complete: bool,
    /// How a place stands.
    pub(crate) standing: &'a dyn Fn(&P) -> Standing,
    /// What was last found when a place was tried.
    pub(crate) verdict: &'a dyn Fn(&P) -> Option<&'a GateVerdict>,
    /// Now, by the clock that marks are read against.
    pub(crate) now: Timestamp,
}

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What must be known of it was not read yet.
    Reading,
    /// What was in force before is being recorded.
    Beginning,
    /// Places of this wave move.
    Moving(usize),
    /// A place of this wave has lost the revision; that its bake is void is being recorded.
    Restarting(usize),
    /// Each place of this wave has the revision; when that was is being recorded.
    Verified(usize),
    /// This wave has to stay so until then.
    Baking(usize, Timestamp),
    /// This wave is tried.
    Gating(usize),
    /// The last wave has passed; that is being recorded.
    Accepting,
    /// It is in force.
    Done,
    /// The text says that nothing moves.
    Paused(usize),
    /// Nothing moves until a person has done something.
    Halted(usize, Halt),
    /// It has not passed, and is to go back; that is being recorded.
    Rejecting(usize),
    /// It went back, or has nothing to go back to.
    RolledBack,
}

/// Why a rollout does not go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// A target of a wave resolves to nothing.
    Unresolved,
    /// No place of the wave can be reached.
    Unreachable,
    /// Too many places of the wave did not pass.
    Failed,
}

/// How far places may move now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// None moves from one revision to another.
    Nowhere,
    /// Those up to this wave move to the new revision.
    UpTo(usize),
    /// All move to the new revision.
    Everywhere,
    /// Those that have the new revision move to the accepted one.
    Back,
}

/// What is decided of one rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The revision that the text desires.
    pub(crate) target: Revision,
    /// What a place with nothing enforced gets before its wave.
    pub(crate) accepted: Option<Revision>,
    /// How far it is.
    pub(crate) stage: Stage,
    /// What the marks should say; `None` while that cannot be told.
    pub(crate) marks: Option<RolloutMarks>,
}

impl Decision {
    /// How far places may move.
    pub(crate) fn reach(&self) -> Reach {
        match &self.stage {
            Stage::Moving(wave)
            | Stage::Verified(wave)
            | Stage::Baking(wave, _)
            | Stage::Gating(wave) => Reach::UpTo(*wave),
            Stage::Accepting | Stage::Done => Reach::Everywhere,
            Stage::RolledBack => Reach::Back,
            Stage::Reading
            | Stage::Beginning
            | Stage::Restarting(_)
            | Stage::Paused(_)
            | Stage::Halted(..)
            | Stage::Rejecting(_) => Reach::Nowhere,
        }
    }

    /// The places that it lets move and the decision before it may not have let.
    pub fn admitted<'a, P: Ord>(
        &self,
        before: Option<&Self>,
        rollout: &'a DesiredRollout<P>,
    ) -> impl Iterator<Item = &'a P> + use<'a, P> {
        // What has nothing gets the accepted revision everywhere.
        let is_new = before
            .is_none_or(|before| before.target != self.target || before.accepted != self.accepted);
        let waves = match self.reach() {
            Reach::UpTo(last) if !is_new => last + 1,
            Reach::Nowhere if !is_new => 0,
            Reach::UpTo(_) | Reach::Everywhere | Reach::Back | Reach::Nowhere => {
                rollout.waves.len()
            }
        };
        rollout.waves.iter().take(waves).flat_map(|wave| &wave.places)
    }

    /// Whether the places of a wave move to the new revision.
    pub(crate) fn opens(&self, wave: Option<usize>) -> bool {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::WaveOpenedEarly) {
            return true;
        }
        match self.reach() {
            Reach::Everywhere => true,
            Reach::UpTo(last) => wave.is_some_and(|wave| wave <= last),
            Reach::Nowhere | Reach::Back => false,
        }
    }

    /// Whether what has the new revision goes back.
    pub fn is_back(&self) -> bool {
        self.reach() == Reach::Back
    }

    /// How far it is, in a word, and the wave that is open of so many: from 1 on, all of them once
    /// it is done, 0 while that is not known.
    pub fn progress(&self, waves: usize) -> (&'static str, usize) {
        match &self.stage {
            Stage::Reading => ("Reading", 0),
            Stage::Beginning => ("Beginning", 0),
            Stage::Moving(wave) => ("Moving", wave + 1),
            Stage::Restarting(wave) => ("Restarting", wave + 1),
            Stage::Verified(wave) => ("Verified", wave + 1),
            Stage::Baking(wave, _) => ("Baking", wave + 1),
            Stage::Gating(wave) => ("Gating", wave + 1),
            Stage::Accepting => ("Accepting", waves),
            Stage::Done => ("Done", waves),
            Stage::Paused(wave) => ("Paused", wave + 1),
            Stage::Halted(wave, _) => ("Halted", wave + 1),
            Stage::Rejecting(wave) => ("Rejecting", wave + 1),
            Stage::RolledBack => ("RolledBack", 0),
        }
    }

    /// Whether it is in force everywhere, as far as waves go.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Whether an object that carries these marks should carry others.
    pub fn is_to_be_marked(&self, carried: Option<&RolloutMarks>) -> bool {
        let carried = carried.cloned().unwrap_or_default();
        self.marks.as_ref().is_some_and(|marks| *marks != carried)
    }

    /// When time alone changes it.
    pub fn due(&self) -> Option<Timestamp> {
        match &self.stage {
            Stage::Baking(_, until) => Some(*until),
            Stage::Reading
            | Stage::Beginning
            | Stage::Moving(_)
            | Stage::Restarting(_)
            | Stage::Verified(_)
            | Stage::Gating(_)
            | Stage::Accepting
            | Stage::Done
            | Stage::Paused(_)
            | Stage::Halted(..)
            | Stage::Rejecting(_)
            | Stage::RolledBack => None,
        }
    }
}

/// Decides how far a rollout is.
///
/// # Guarantees
///
/// - A wave opens only after each before it was seen complete for its bake, and passed its gate
///   afterwards; each of these is read from the world and from marks, never remembered.
/// - Nothing moves before what was in force is on record, nor back before the rejection is.
/// - Places that could not be read neither complete a wave nor fail it.
pub(crate) fn decide<P: Ord>(subject: &Subject<'_, P>) -> Decision {
    let accepted = accepted(subject);
    let revision = accepted.as_ref().and_then(Accepted::revision).cloned();
    let rejected = rejected(subject);
    let is_done = revision.as_ref() == Some(subject.target);
    let (stage, wave) = match &accepted {
        _ if is_done => (Stage::Done, None),
        _ if !subject.is_complete => (Stage::Reading, None),
        _ if subject.rollout.is_unresolved => {
            (Stage::Halted(0, Halt::Unresolved), recorded(subject))
        }
        _ if rejected.as_ref().is_some_and(|it| is_of(it, subject)) => (Stage::RolledBack, None),
        None => return begin(subject, rejected),
        Some(_) => advance(subject),
    };
    let is_known = subject.is_complete || is_done;
    let mut marks = RolloutMarks { accepted, rejected, wave };
    match &stage {
        Stage::Accepting => marks.accepted = Some(Accepted::Revision(subject.target.clone())),
        Stage::Rejecting(_) => {
            let (revision, text) = (subject.target.clone(), subject.rollout.text.clone());
            marks.rejected = Some(Rejected { revision, text });
        }
        // What is in force is not rejected, whatever became of an earlier attempt.
        Stage::Done => marks.rejected = marks.rejected.filter(|it| it.revision != *subject.target),
        Stage::Reading
        | Stage::Beginning
        | Stage::Moving(_)
        | Stage::Restarting(_)
        | Stage::Verified(_)
        | Stage::Baking(..)
        | Stage::Gating(_)
        | Stage::Paused(_)
        | Stage::Halted(..)
        | Stage::RolledBack => {}
    }
    Decision {
        target: subject.target.clone(),
        accepted: revision,
        stage,
        marks: is_known.then_some(marks),
    }
}

/// What is on record as accepted. Where records differ, one of two rollouts came to its end while
/// not all could be written: the newer is the desired one, else the one that more say.
fn accepted<P: Ord>(subject: &Subject<'_, P>) -> Option<Accepted> {
    let mut counts: BTreeMap<&Accepted, usize> = BTreeMap::new();
    for accepted in subject.marks.iter().filter_map(|marks| marks.accepted.as_ref()) {
        *counts.entry(accepted).or_default() += 1;
    }
    let weight = |(accepted, count): &(&Accepted, usize)| {
        (accepted.revision() == Some(subject.target), accepted.revision().is_some(), *count)
    };
    counts.into_iter().max_by_key(weight).map(|(accepted, _)| accepted.clone())
}

/// The rejection on record: the one that concerns what is desired now, if any does.
fn rejected<P: Ord>(subject: &Subject<'_, P>) -> Option<Rejected> {
    let all = subject.marks.iter().filter_map(|marks| marks.rejected.as_ref());
    all.max_by_key(|rejected| (is_of(rejected, subject), *rejected)).cloned()
}

fn is_of<P: Ord>(rejected: &Rejected, subject: &Subject<'_, P>) -> bool {
    rejected.revision == *subject.target && rejected.text == subject.rollout.text
}

/// How far the desired revision is on record to be: the wave and the mark.
fn progress<P: Ord>(subject: &Subject<'_, P>) -> Option<(usize, WaveMark)> {
    let marks = subject.marks.iter().filter_map(|marks| marks.wave.as_ref());
    let ours = marks.filter(|mark| mark.revision == *subject.target).filter_map(|mark| {
        let wave = subject.rollout.waves.iter().position(|wave| wave.name == mark.wave)?;
        Some((wave, mark))
    });
    let furthest = ours.max_by_key(|(wave, mark)| (*wave, mark.since, mark.is_moving));
    furthest.map(|(wave, mark)| (wave, mark.clone()))
}

fn recorded<P: Ord>(subject: &Subject<'_, P>) -> Option<WaveMark> {
    progress(subject).map(|(_, mark)| mark)
}

/// Records what is in force before anything moves: what most places have, other than the desired
/// revision; that one only if no other is in force; nothing, if nothing is.
fn begin<P: Ord>(subject: &Subject<'_, P>, rejected: Option<Rejected>) -> Decision {
    let mut counts: BTreeMap<Revision, usize> = BTreeMap::new();
    let mut is_read = true;
    let mut has_target = false;
    for place in subject.rollout.waves.iter().flat_map(|wave| &wave.places) {
        match (subject.standing)(place) {
            Standing::Behind(Some(revision)) => *counts.entry(revision).or_default() += 1,
            Standing::Converged => has_target = true,
            Standing::Unknown => is_read = false,
            Standing::Behind(None)
            | Standing::Bare
            | Standing::Unreachable
            | Standing::Excluded => {}
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(revision, _)| revision);
    let in_force = most.or_else(|| has_target.then(|| subject.target.clone()));
    let accepted = in_force.map_or(Accepted::Nothing, Accepted::Revision);
    let (stage, marks) = if is_read {
        let marks = RolloutMarks { accepted: Some(accepted), rejected, wave: None };
        (Stage::Beginning, Some(marks))
    } else {
        (Stage::Reading, None)
    };
    Decision { target: subject.target.clone(), accepted: None, stage, marks }
}

/// The stage of an open rollout, and the mark of its progress.
fn advance<P: Ord>(subject: &Subject<'_, P>) -> (Stage, Option<WaveMark>) {
    let Some((wave, mark)) = progress(subject) else {
        return enter(subject, 0, None);
    };
    let rollout = subject.rollout;
    if rollout.is_paused {
        return (Stage::Paused(wave), Some(mark));
    }
    let reached = Tally::of(subject, ..=wave);
    if mark.is_moving {
        return enter(subject, wave, Some(mark));
    }
    let own = Tally::of(subject, wave..=wave);
    if reached.behind > 0 || (own.converged == 0 && own.bare > 0) {
        let mark = WaveMark { since: rounded(subject.now), is_moving: true, ..mark };
        return (Stage::Restarting(wave), Some(mark));
    }
    // What was verified once may have gone out of reach: then nothing says any more that it works.
    if own.is_out_of_reach() {
        return (Stage::Halted(wave, Halt::Unreachable), Some(mark));
    }
    let bake = rollout.waves.get(wave).map(|it| it.bake).unwrap_or_default();
    #[cfg(feature = "planted")]
    let bake = if crate::planted::is(crate::planted::Planted::BakeSkipped) {
        std::time::Duration::ZERO
    } else {
        bake
    };
    let bake = SignedDuration::try_from(bake).unwrap_or(SignedDuration::MAX);
    let until = mark.since.checked_add(bake).unwrap_or(Timestamp::MAX);
    let stage = match tried(subject, wave, (mark.since, until)) {
        Trial::Failed => match rollout.on_failure {
            OnFailure::Halt => Stage::Halted(wave, Halt::Failed),
            OnFailure::Rollback => Stage::Rejecting(wave),
        },
        Trial::Passed | Trial::Due if subject.now < until => Stage::Baking(wave, until),
        Trial::Passed | Trial::Due if !reached.is_settled() => Stage::Moving(wave),
        Trial::Due => Stage::Gating(wave),
        Trial::Passed if wave + 1 == rollout.waves.len() => Stage::Accepting,
        Trial::Passed => return enter(subject, wave + 1, Some(mark)),
    };
    (stage, Some(mark))
}

/// The stage of a wave that may move; `mark` is what is on record.
fn enter<P: Ord>(
    subject: &Subject<'_, P>,
    wave: usize,
    mark: Option<WaveMark>,
) -> (Stage, Option<WaveMark>) {
    let Some(entered) = subject.rollout.waves.get(wave) else { return (Stage::Accepting, mark) };
    if subject.rollout.is_paused {
        return (Stage::Paused(wave), mark);
    }
    // Nothing may be left for the last one, which takes the rest.
    if entered.places.is_empty() && wave > 0 && wave + 1 == subject.rollout.waves.len() {
        return (Stage::Accepting, mark);
    }
    let own = Tally::of(subject, wave..=wave);
    if own.is_out_of_reach() {
        return (Stage::Halted(wave, Halt::Unreachable), mark);
    }
    if own.reachable == 0 || !Tally::of(subject, ..=wave).is_settled() {
        return (Stage::Moving(wave), mark);
    }
    let verified = WaveMark {
        revision: subject.target.clone(),
        wave: entered.name.clone(),
        since: rounded(subject.now),
        is_moving: false,
    };
    (Stage::Verified(wave), Some(verified))
}

/// Milliseconds are enough, and keep the tag short.
fn rounded(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// Places by their standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those that have the revision.
    pub(crate) converged: usize,
    /// Those that have another.
    pub(crate) behind: usize,
    /// Those that have nothing.
    pub(crate) bare: usize,
    /// Those that were not read.
    pub(crate) unknown: usize,
    /// Those that were.
    pub(crate) reachable: usize,
    /// All.
    pub(crate) all: usize,
}

impl Tally {
    /// Counts the places of these waves.
    pub(crate) fn of<P: Ord>(
        subject: &Subject<'_, P>,
        waves: impl SliceIndex<[DesiredWave<P>], Output = [DesiredWave<P>]>,
    ) -> Self {
        let waves = subject.rollout.waves.get(waves).unwrap_or_default();
        let mut tally = Self::default();
        for place in waves.iter().flat_map(|wave| &wave.places) {
            tally.all += 1;
            match (subject.standing)(place) {
                Standing::Converged => tally.converged += 1,
                Standing::Behind(_) => tally.behind += 1,
                Standing::Bare => tally.bare += 1,
                Standing::Unknown => tally.unknown += 1,
                Standing::Unreachable | Standing::Excluded => {}
            }
        }
        tally.reachable = tally.converged + tally.behind + tally.bare;
        tally
    }

    /// Whether nothing can be done in any of it.
    fn is_out_of_reach(&self) -> bool {
        self.reachable == 0 && self.unknown == 0
    }

    /// Whether nothing of it is to move still.
    fn is_settled(&self) -> bool {
        self.behind == 0 && self.bare == 0 && self.unknown == 0
    }
}

/// What is known of a wave's gate.
enum Trial {
    /// It was tried after the bake, and passed.
    Passed,
    /// It is to be tried, again.
    Due,
    /// It was tried after the wave was complete, and did not pass.
    Failed,
}

fn tried<P: Ord>(
    subject: &Subject<'_, P>,
    wave: usize,
    (since, until): (Timestamp, Timestamp),
) -> Trial {
    let rollout = subject.rollout;
    let mut failures = 0;
    let mut passed = 0;
    let mut is_due = false;
    for place in rollout.waves.get(wave).into_iter().flat_map(|wave| &wave.places) {
        if (subject.standing)(place) != Standing::Converged || !rollout.gate.is_tried() {
            continue;
        }
        let verdict = (subject.verdict)(place).filter(|it| it.revision == *subject.target);
        match verdict.filter(|verdict| verdict.at >= since) {
            Some(GateVerdict { failure: Some(_), .. }) => failures += 1,
            Some(verdict) => {
                passed += 1;
                is_due |= verdict.at < until;
            }
            None => is_due = true,
        }
    }
    is_due |= passed == 0 && rollout.gate.is_tried();
    if failures > rollout.gate.failures_max {
        Trial::Failed
    } else if is_due {
        Trial::Due
    } else {
        Trial::Passed
    }
}

/// Why places do not pass, as far as this process tried them.
pub(crate) fn failures<P: Ord>(subject: &Subject<'_, P>) -> BTreeSet<String> {
    let places = subject.rollout.waves.iter().flat_map(|wave| &wave.places);
    let verdicts = places.filter_map(|place| (subject.verdict)(place));
    let of_it = verdicts.filter(|verdict| verdict.revision == *subject.target);
    of_it.filter_map(|verdict| verdict.failure.clone()).collect()
}

/// The places of a wave that are to be tried now: those with the revision whose last verdict is
/// older than what it is to speak of, and those that failed while nothing moves.
pub(crate) fn to_be_tried<'a, P: Ord>(subject: &Subject<'a, P>, decision: &Decision) -> Vec<&'a P> {
    let (wave, after) = match &decision.stage {
        Stage::Baking(wave, _) => (*wave, since(decision)),
        Stage::Gating(wave) => {
            let bake = subject.rollout.waves.get(*wave).map(|it| it.bake).unwrap_or_default();
            (*wave, since(decision).checked_add(bake).unwrap_or(Timestamp::MAX))
        }
        Stage::Halted(wave, Halt::Failed) => (*wave, Timestamp::MAX),
        Stage::Halted(_, Halt::Unresolved | Halt::Unreachable)
        | Stage::Reading
        | Stage::Beginning
        | Stage::Moving(_)
        | Stage::Restarting(_)
        | Stage::Verified(_)
        | Stage::Accepting
        | Stage::Done
        | Stage::Paused(_)
        | Stage::Rejecting(_)
        | Stage::RolledBack => return Vec::new(),
    };
    if !subject.rollout.gate.is_tried() {
        return Vec::new();
    }
    let is_old = |place: &&P| {
        let verdict = (subject.verdict)(place).filter(|it| it.revision == *subject.target);
        verdict.is_none_or(|verdict| verdict.at < after)
    };
    let waves = subject.rollout.waves.get(wave);
    let places = waves.into_iter().flat_map(|wave| &wave.places);
    places.filter(|place| (subject.standing)(place) == Standing::Converged).filter(is_old).collect()
}

fn since(decision: &Decision) -> Timestamp {
    let wave = decision.marks.as_ref().and_then(|marks| marks.wave.as_ref());
    wave.map_or(Timestamp::MAX, |mark| mark.since)
}

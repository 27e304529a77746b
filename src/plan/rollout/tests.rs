//! Every stage by the world it follows from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::decide::{
    Decision, Halt, Reach, Stage, Standing, Subject, decide, failures, to_be_tried,
};
use super::heading::{Course, course};
use crate::model::{
    Accepted, DesiredRollout, DesiredWave, Gate, GateProbe, GateVerdict, OnFailure, Rejected,
    Revision, RolloutMarks, WaveMark,
};
use crate::plan::fixture::{content, fact};

const TEXT: &str = "0a1b2c3d4e5f";

fn revision(text: &str) -> Revision {
    content(text).revision()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

fn accepted(text: &str) -> RolloutMarks {
    RolloutMarks { accepted: Some(Accepted::Revision(revision(text))), ..RolloutMarks::default() }
}

fn nothing() -> RolloutMarks {
    RolloutMarks { accepted: Some(Accepted::Nothing), ..RolloutMarks::default() }
}

/// `a` is accepted, and `b` has been complete in this wave since minute 10.
fn verified(wave: &str) -> RolloutMarks {
    let wave = WaveMark {
        revision: revision("b"),
        wave: wave.parse().unwrap(),
        since: at(10),
        is_moving: false,
    };
    RolloutMarks { wave: Some(wave), ..accepted("a") }
}

/// Two waves of two places each; the first bakes for 30 minutes.
struct World {
    rollout: DesiredRollout<u8>,
    marks: Vec<RolloutMarks>,
    places: BTreeMap<u8, Standing>,
    verdicts: BTreeMap<u8, GateVerdict>,
    is_complete: bool,
    minute: i64,
}

impl World {
    fn new(marks: RolloutMarks, places: [Standing; 4]) -> Self {
        let wave = |name: &str, places: [u8; 2], minutes: u64| DesiredWave {
            name: name.parse().unwrap(),
            places: BTreeSet::from(places),
            bake: Duration::from_mins(minutes),
        };
        Self {
            rollout: DesiredRollout {
                waves: vec![wave("canary", [0, 1], 30), wave("rest", [2, 3], 0)],
                gate: Gate::default(),
                on_failure: OnFailure::Halt,
                is_paused: false,
                is_unresolved: false,
                text: TEXT.to_owned(),
            },
            marks: vec![marks],
            places: (0..).zip(places).collect(),
            verdicts: BTreeMap::new(),
            is_complete: true,
            minute: 20,
        }
    }

    fn at(self, minute: i64) -> Self {
        Self { minute, ..self }
    }

    fn ask(mut self, place: u8, minute: i64, failure: Option<&str>) -> Self {
        let failure = failure.map(str::to_owned);
        let verdict = GateVerdict { revision: revision("b"), at: at(minute), failure };
        self.verdicts.insert(place, verdict);
        self
    }

    fn change(mut self, change: impl FnOnce(&mut DesiredRollout<u8>)) -> Self {
        change(&mut self.rollout);
        self
    }

    fn also(mut self, marks: RolloutMarks) -> Self {
        self.marks.push(marks);
        self
    }

    fn with<T>(&self, then: impl FnOnce(&Subject<'_, u8>) -> T) -> T {
        let marks: Vec<&RolloutMarks> = self.marks.iter().collect();
        then(&Subject {
            rollout: &self.rollout,
            target: &revision("b"),
            marks: &marks,
            is_complete: self.is_complete,
            standing: &|place| self.places[place].clone(),
            verdict: &|place| self.verdicts.get(place),
            now: at(self.minute),
        })
    }

    fn decide(&self) -> Decision {
        self.with(decide)
    }

    fn tried(&self) -> Vec<u8> {
        self.with(|subject| to_be_tried(subject, &decide(subject)).into_iter().copied().collect())
    }
}

fn old() -> Standing {
    Standing::Behind(Some(revision("a")))
}

const NEW: Standing = Standing::Converged;
const BARE: Standing = Standing::Bare;
const UNREAD: Standing = Standing::Unknown;
const AWAY: Standing = Standing::Unreachable;

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row for each way to each stage")]
fn the_world_says_how_far_a_rollout_is() {
    let rejected = |text: &str| {
        let rejected = Rejected { revision: revision("b"), text: text.to_owned() };
        RolloutMarks { rejected: Some(rejected), ..accepted("a") }
    };
    let moving = || {
        let mut marks = verified("canary");
        marks.wave.as_mut().unwrap().is_moving = true;
        marks
    };
    let canary = || [NEW, NEW, old(), old()];
    let until = at(40);
    let passed = |world: World| world.ask(0, 40, None).ask(1, 40, None);
    let rows: Vec<(&str, World, Stage)> = vec![
        ("accepted", World::new(accepted("b"), [NEW, NEW, NEW, old()]), Stage::Done),
        (
            "nothing on record",
            World::new(RolloutMarks::default(), [old(), old(), old(), BARE]),
            Stage::Beginning,
        ),
        (
            "nothing on record, nor read",
            World::new(RolloutMarks::default(), [old(), old(), old(), UNREAD]),
            Stage::Reading,
        ),
        ("begun", World::new(accepted("a"), [old(), old(), old(), old()]), Stage::Moving(0)),
        ("the first one", World::new(nothing(), [BARE, BARE, BARE, BARE]), Stage::Moving(0)),
        ("one is unread", World::new(accepted("a"), [NEW, UNREAD, old(), old()]), Stage::Moving(0)),
        (
            "one cannot be reached",
            World::new(accepted("a"), [NEW, AWAY, old(), old()]),
            Stage::Verified(0),
        ),
        (
            "none can be reached",
            World::new(accepted("a"), [AWAY, AWAY, old(), old()]),
            Stage::Halted(0, Halt::Unreachable),
        ),
        ("none is read", World::new(accepted("a"), [UNREAD, AWAY, old(), old()]), Stage::Moving(0)),
        ("complete", World::new(accepted("a"), canary()), Stage::Verified(0)),
        ("on record", World::new(verified("canary"), canary()), Stage::Baking(0, until)),
        ("baked", World::new(verified("canary"), canary()).at(40), Stage::Gating(0)),
        (
            "tried too early",
            World::new(verified("canary"), canary()).ask(0, 20, None).ask(1, 39, None).at(40),
            Stage::Gating(0),
        ),
        (
            "one was not asked",
            World::new(verified("canary"), canary()).ask(0, 40, None).at(40),
            Stage::Gating(0),
        ),
        ("passed", passed(World::new(verified("canary"), canary())).at(41), Stage::Moving(1)),
        (
            "passed, and one joined",
            passed(World::new(verified("canary"), [NEW, BARE, old(), old()])).at(41),
            Stage::Moving(0),
        ),
        (
            "lost while it baked",
            World::new(verified("canary"), [NEW, old(), old(), old()]),
            Stage::Restarting(0),
        ),
        (
            "taken away while it baked",
            World::new(verified("canary"), [BARE, BARE, old(), old()]),
            Stage::Restarting(0),
        ),
        (
            "and that is on record",
            World::new(moving(), [NEW, old(), old(), old()]),
            Stage::Moving(0),
        ),
        ("and it is back", World::new(moving(), canary()), Stage::Verified(0)),
        (
            "out of reach while it baked",
            World::new(verified("canary"), [AWAY, AWAY, old(), old()]),
            Stage::Halted(0, Halt::Unreachable),
        ),
        (
            "fails at once",
            World::new(verified("canary"), canary()).ask(0, 11, Some("no")),
            Stage::Halted(0, Halt::Failed),
        ),
        (
            "failed before",
            World::new(verified("canary"), canary()).ask(0, 9, Some("no")),
            Stage::Baking(0, until),
        ),
        (
            "one may fail",
            World::new(verified("canary"), canary())
                .ask(0, 11, Some("no"))
                .change(|it| it.gate.failures_max = 1),
            Stage::Baking(0, until),
        ),
        (
            "fails, to go back",
            World::new(verified("canary"), canary())
                .ask(0, 11, Some("no"))
                .change(|it| it.on_failure = OnFailure::Rollback),
            Stage::Rejecting(0),
        ),
        ("rejected", World::new(rejected(TEXT), canary()), Stage::RolledBack),
        (
            "rejected elsewhere",
            World::new(accepted("a"), canary()).also(rejected(TEXT)),
            Stage::RolledBack,
        ),
        (
            "rejected with another text",
            World::new(rejected("ffffffffffff"), canary()),
            Stage::Verified(0),
        ),
        (
            "paused",
            World::new(accepted("a"), [old(), old(), old(), old()])
                .change(|it| it.is_paused = true),
            Stage::Paused(0),
        ),
        (
            "paused while it bakes",
            World::new(verified("canary"), canary()).change(|it| it.is_paused = true),
            Stage::Paused(0),
        ),
        (
            "unresolved",
            World::new(accepted("a"), canary()).change(|it| it.is_unresolved = true),
            Stage::Halted(0, Halt::Unresolved),
        ),
        (
            "the last is complete",
            World::new(verified("canary"), [NEW, NEW, NEW, NEW])
                .ask(0, 40, None)
                .ask(1, 40, None)
                .at(41),
            Stage::Verified(1),
        ),
        (
            "the last has passed",
            World::new(verified("rest"), [NEW, NEW, NEW, NEW]).ask(2, 12, None).ask(3, 12, None),
            Stage::Accepting,
        ),
        (
            "nothing is left for the last",
            passed(World::new(verified("canary"), canary()))
                .at(41)
                .change(|it| it.waves[1].places.clear()),
            Stage::Accepting,
        ),
        ("a wave of another name", World::new(verified("gone"), canary()), Stage::Verified(0)),
        (
            "no gate",
            World::new(verified("canary"), canary())
                .at(40)
                .change(|it| it.gate.probe = GateProbe::None),
            Stage::Moving(1),
        ),
    ];
    for (name, world, expected) in rows {
        assert_eq!(world.decide().stage, expected, "{name}");
    }
    let unread = World { is_complete: false, ..World::new(accepted("a"), canary()) };
    assert_eq!((unread.decide().stage, unread.decide().marks), (Stage::Reading, None));
    let done = World { is_complete: false, ..World::new(accepted("b"), canary()) };
    assert_eq!(done.decide().stage, Stage::Done);
}

#[test]
fn what_is_on_record_first_is_what_most_places_have() {
    let begun = |places: [Standing; 4]| {
        World::new(RolloutMarks::default(), places).decide().marks.unwrap().accepted.unwrap()
    };
    let c = || Standing::Behind(Some(revision("c")));
    let is = |text: &str| Accepted::Revision(revision(text));
    assert_eq!(begun([old(), c(), old(), BARE]), is("a"));
    assert_eq!(begun([NEW, NEW, NEW, old()]), is("a"));
    assert_eq!(begun([NEW, NEW, NEW, BARE]), is("b"));
    assert_eq!(begun([BARE, BARE, Standing::Behind(None), Standing::Excluded]), Accepted::Nothing);
}

#[test]
fn records_follow_the_stage() {
    let canary = [NEW, NEW, old(), old()];
    let marks = |world: World| world.decide().marks.unwrap();
    let verified_now = marks(World::new(accepted("a"), canary.clone())).wave.unwrap();
    assert_eq!((verified_now.since, verified_now.is_moving), (at(20), false));
    // What is on record stays, however late it is.
    assert_eq!(marks(World::new(verified("canary"), canary.clone()).at(39)), verified("canary"));
    let lost = marks(World::new(verified("canary"), [NEW, old(), old(), old()])).wave.unwrap();
    assert_eq!((lost.since, lost.is_moving), (at(20), true));
    let failed = World::new(verified("canary"), canary.clone()).ask(0, 11, Some("no"));
    let failed = marks(failed.change(|it| it.on_failure = OnFailure::Rollback));
    assert_eq!(failed.rejected.unwrap().text, TEXT);
    assert_eq!(failed.accepted, accepted("a").accepted);
    let done = World::new(verified("rest"), [NEW, NEW, NEW, NEW]).ask(2, 12, None).ask(3, 12, None);
    assert_eq!(marks(done).accepted, accepted("b").accepted);
    // Once it is accepted, nothing of the way there is left, nor that it once was rejected.
    let rejected = Rejected { revision: revision("b"), text: "older".to_owned() };
    let left =
        RolloutMarks { rejected: Some(rejected), wave: verified("rest").wave, ..accepted("b") };
    assert_eq!(marks(World::new(left, canary)), accepted("b"));
}

#[test]
fn those_are_tried_of_whom_nothing_newer_is_known() {
    let canary = || World::new(verified("canary"), [NEW, NEW, old(), old()]);
    assert_eq!(canary().tried(), [0, 1], "as soon as it is complete");
    assert_eq!(canary().ask(0, 10, None).tried(), [1]);
    assert_eq!(canary().ask(0, 39, None).ask(1, 40, None).at(40).tried(), [0], "and once it baked");
    assert_eq!(canary().change(|it| it.gate.probe = GateProbe::None).tried(), [0; 0]);
    let away = World::new(verified("canary"), [NEW, AWAY, old(), old()]);
    assert_eq!(away.tried(), [0]);
    let halted = canary().ask(0, 11, Some("no")).ask(1, 11, None);
    assert_eq!(halted.tried(), [0, 1], "somebody may have corrected it");
}

#[test]
fn a_place_of_a_closed_wave_keeps_what_it_has_and_is_never_bare_for_it() {
    let contents = ["a", "b", "c"].map(content);
    let numbered: Vec<_> = (1..).zip(&contents).collect();
    let fact = fact(&numbered);
    let behind = |text: &str| Standing::Behind(Some(revision(text)));
    let to = |text: &str| Course::At(revision(text));
    let closed = |accepted: Option<&str>, stage: Stage| Decision {
        target: revision("c"),
        accepted: accepted.map(revision),
        stage,
        marks: None,
    };
    let moving = || closed(Some("b"), Stage::Moving(0));
    let back = || closed(Some("b"), Stage::RolledBack);
    let first = || closed(None, Stage::Moving(0));
    let rows = [
        ("nothing", Standing::Bare, moving(), to("b")),
        ("nothing, and nothing accepted", Standing::Bare, first(), Course::Stay),
        ("the accepted one", behind("b"), moving(), to("b")),
        ("an older one", behind("a"), moving(), to("b")),
        ("an unknown one", Standing::Behind(None), moving(), to("b")),
        ("the new one", Standing::Converged, moving(), Course::Free),
        ("the new one, rejected", Standing::Converged, back(), to("b")),
        (
            "the new one, with nothing to go back to",
            Standing::Converged,
            closed(None, Stage::RolledBack),
            Course::Stay,
        ),
        ("unread", Standing::Unknown, moving(), Course::Stay),
        ("somebody's", Standing::Excluded, moving(), Course::Free),
    ];
    for (name, standing, decision, expected) in rows {
        assert_eq!(course(standing, false, &decision, (Some(&fact), true)), expected, "{name}");
    }
    // A rollout that a newer one overtook takes nothing back, unless it was rejected.
    let overtaken = Decision { accepted: Some(revision("a")), ..moving() };
    let course_of_b =
        |decision: &Decision| course(behind("b"), false, decision, (Some(&fact), true));
    assert_eq!(course_of_b(&overtaken), to("b"));
    let rejected = Rejected { revision: revision("b"), text: TEXT.to_owned() };
    let marks = RolloutMarks { rejected: Some(rejected), ..RolloutMarks::default() };
    assert_eq!(course_of_b(&Decision { marks: Some(marks), ..overtaken }), to("a"));
    assert_eq!(moving().reach(), Reach::UpTo(0));
}

/// One of two rollouts came to its end while not all replicas could be written.
#[test]
fn where_marks_differ_the_desired_revision_counts_and_else_what_more_say() {
    let decided = |marks: [&str; 3]| {
        let [one, two, three] = marks.map(accepted);
        World::new(one, [old(), old(), old(), old()]).also(two).also(three).decide()
    };
    for (marks, expected) in [(["a", "a", "c"], "a"), (["c", "a", "c"], "c")] {
        assert_eq!(decided(marks).accepted, Some(revision(expected)), "{marks:?}");
    }
    assert_eq!(decided(["a", "a", "b"]).stage, Stage::Done);
    let none = World::new(nothing(), [old(), old(), old(), old()]).also(nothing());
    assert_eq!(none.also(accepted("a")).decide().accepted, Some(revision("a")));
}

#[test]
fn a_rollout_of_one_wave_without_a_place_proves_nothing() {
    let world = World::new(accepted("a"), [old(), old(), old(), old()]);
    let world = world.change(|it| {
        it.waves.truncate(1);
        it.waves[0].places.clear();
    });
    assert_eq!(world.decide().stage, Stage::Halted(0, Halt::Unreachable));
}

#[test]
fn a_decision_lets_move_what_the_one_before_did_not() {
    let rollout = World::new(accepted("a"), [old(), old(), old(), old()]).rollout;
    let decision = |accepted: &str, stage: Stage| Decision {
        target: revision("b"),
        accepted: Some(revision(accepted)),
        stage,
        marks: None,
    };
    let admitted = |before: Option<&Decision>, stage: Stage| -> Vec<u8> {
        decision("a", stage).admitted(before, &rollout).copied().collect()
    };
    let same = decision("a", Stage::Moving(0));
    assert_eq!(admitted(Some(&same), Stage::Moving(0)), [0, 1]);
    assert_eq!(admitted(Some(&same), Stage::Moving(1)), [0, 1, 2, 3]);
    assert_eq!(admitted(Some(&same), Stage::Paused(0)), [0; 0]);
    assert_eq!(admitted(Some(&same), Stage::Done), [0, 1, 2, 3]);
    assert_eq!(admitted(Some(&same), Stage::RolledBack), [0, 1, 2, 3]);
    // What has nothing gets what is accepted, wherever it is.
    let other_target = Decision { target: revision("c"), ..same };
    for before in [None, Some(&other_target), Some(&decision("c", Stage::Moving(0)))] {
        assert_eq!(admitted(before, Stage::Moving(0)), [0, 1, 2, 3], "{before:?}");
        assert_eq!(admitted(before, Stage::Paused(0)), [0, 1, 2, 3], "{before:?}");
    }
}

#[test]
fn a_stage_is_said_in_a_word_with_the_wave_that_is_open() {
    let until = at(40);
    let rows = [
        (Stage::Reading, ("Reading", 0), None),
        (Stage::Beginning, ("Beginning", 0), None),
        (Stage::Moving(1), ("Moving", 2), None),
        (Stage::Restarting(1), ("Restarting", 2), None),
        (Stage::Verified(1), ("Verified", 2), None),
        (Stage::Baking(1, until), ("Baking", 2), Some(until)),
        (Stage::Gating(1), ("Gating", 2), None),
        (Stage::Accepting, ("Accepting", 3), None),
        (Stage::Done, ("Done", 3), None),
        (Stage::Paused(1), ("Paused", 2), None),
        (Stage::Halted(1, Halt::Failed), ("Halted", 2), None),
        (Stage::Rejecting(1), ("Rejecting", 2), None),
        (Stage::RolledBack, ("RolledBack", 0), None),
    ];
    for (stage, said, due) in rows {
        let is_done = stage == Stage::Done;
        let marks = Some(accepted("a"));
        let decision = Decision { target: revision("b"), accepted: None, stage, marks };
        assert_eq!((decision.progress(3), decision.due()), (said, due));
        assert_eq!(decision.is_done(), is_done, "{said:?}");
        assert!(decision.is_to_be_marked(None) && decision.is_to_be_marked(Some(&accepted("b"))));
        assert!(!decision.is_to_be_marked(Some(&accepted("a"))));
        let untold = Decision { marks: None, ..decision };
        assert!(!untold.is_to_be_marked(None));
    }
}

#[test]
fn failures_are_those_of_the_desired_revision() {
    let mut world = World::new(verified("canary"), [NEW, NEW, old(), old()])
        .ask(0, 11, Some("no"))
        .ask(1, 11, None)
        .ask(2, 11, Some("also no"));
    let of_another =
        GateVerdict { revision: revision("a"), at: at(11), failure: Some("long ago".to_owned()) };
    world.verdicts.insert(3, of_another);
    let said: Vec<String> = world.with(failures).into_iter().collect();
    assert_eq!(said, ["also no", "no"]);
}

//! The conditions that every key has, as Kubernetes writes them.
//!
//! | type | True | False | Unknown |
//! |---|---|---|---|
//! | `Accepted` | a manifest asks for what can be | Refused | |
//! | `Reachable` | it was read, and written where it had to be | Failing | |
//! | `InSync` | live equals desired | Converging, Waiting, Held, Refused | Failing |
//! | `Ready` | all of these | any of these is False | else any is Unknown |
//!
//! A reason is one of [`REASONS`], or what the key waits for or fails at: `CamelCase`, from the closed
//! sets of the plan's holds and the edge's errors.

use std::borrow::Cow;

use super::outcome::{Condition, ConditionStatus, Outcome, Phase};

/// Everything that a manifest asks for of the key is in force, and nothing is in its way.
pub const READY: &str = "Ready";
/// Live equals desired.
pub const IN_SYNC: &str = "InSync";
/// What manifests ask for can be.
pub const ACCEPTED: &str = "Accepted";
/// It can be read and written.
pub const REACHABLE: &str = "Reachable";

/// The reasons that are no hold and no error.
pub const REASONS: [&str; 5] = ["Accepted", "Reached", "InSync", "Converging", "Refused"];

const AS_ASKED: &str = "Accepted";
const REACHED: &str = "Reached";
const EQUAL: &str = "InSync";
const WRITTEN: &str = "Converging";

/// The four conditions of an outcome. One whose status is what it was before keeps the time at
/// which it came to be so.
pub(super) fn standard(outcome: &Outcome, before: Option<&Outcome>) -> Vec<Condition> {
    use ConditionStatus::{False, True, Unknown};
    let phase = outcome.phase();
    let why = outcome.why();
    // What waits has a reason; what was written has only that.
    let (reason, message) = why.unwrap_or((WRITTEN, "was written, and is read again"));
    let accepted = match phase {
        Phase::Refused => (False, reason, message),
        Phase::InSync
        | Phase::Converging
        | Phase::Waiting
        | Phase::Unknown
        | Phase::Held
        | Phase::Failing => (True, AS_ASKED, ""),
    };
    let reachable = match phase {
        Phase::Failing => (False, reason, message),
        Phase::InSync
        | Phase::Converging
        | Phase::Waiting
        | Phase::Unknown
        | Phase::Held
        | Phase::Refused => (True, REACHED, ""),
    };
    let in_sync = match phase {
        Phase::InSync => (True, EQUAL, ""),
        // What cannot be read may well be in sync.
        Phase::Failing | Phase::Unknown => (Unknown, reason, message),
        Phase::Converging | Phase::Waiting | Phase::Held | Phase::Refused => {
            (False, reason, message)
        }
    };
    let parts = [accepted, reachable, in_sync];
    let worst = [False, Unknown]
        .into_iter()
        .find_map(|wanted| parts.into_iter().find(|(status, ..)| *status == wanted));
    let ready = worst.unwrap_or(in_sync);
    [(READY, ready), (IN_SYNC, in_sync), (ACCEPTED, accepted), (REACHABLE, reachable)]
        .into_iter()
        .map(|(name, (status, reason, message))| {
            let old = before.and_then(|it| it.conditions.iter().find(|old| old.r#type == name));
            let same = old.filter(|old| old.status == status);
            Condition {
                r#type: name.into(),
                status,
                reason: spelled(reason),
                message: message.to_owned(),
                last_transition_time: same.map_or(outcome.at, |old| old.last_transition_time),
                observed_generation: outcome.observed_generation,
            }
        })
        .collect()
}

/// The reasons of nearly all conditions of a fleet need no memory of their own.
fn spelled(reason: &str) -> Cow<'static, str> {
    let known = REASONS.into_iter().find(|known| *known == reason);
    known.map_or_else(|| Cow::Owned(reason.to_owned()), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::Board;
    use super::super::outcome::{Failure, Hold, Verdict};
    use super::*;

    fn outcome(second: i64, generation: u64) -> Outcome {
        Outcome {
            observed_generation: generation,
            at: Timestamp::from_second(second).unwrap(),
            verdict: Verdict::Unchanged,
            applied: Vec::new(),
            held: Vec::new(),
            refused: Vec::new(),
            orphans: Vec::new(),
            failure: None,
            conditions: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            observed_at: None,
        }
    }

    fn hold(reason: &str, needs_person: bool) -> Hold {
        Hold { reason: reason.to_owned(), message: "it waits".to_owned(), needs_person }
    }

    fn failing(second: i64) -> Outcome {
        let failure = Failure {
            reason: "AccessDenied".to_owned(),
            message: "the role may not read".to_owned(),
            retryable: false,
        };
        Outcome { verdict: Verdict::Error, failure: Some(failure), ..outcome(second, 1) }
    }

    /// `Ready InSync Accepted Reachable`, each as `T`, `F` or `?`; and the reason of Ready.
    fn told(outcome: &Outcome) -> (String, String) {
        let conditions = standard(outcome, None);
        let names: Vec<&str> = conditions.iter().map(|it| &*it.r#type).collect();
        assert_eq!(names, [READY, IN_SYNC, ACCEPTED, REACHABLE]);
        let sign = |it: &Condition| match it.status {
            ConditionStatus::True => 'T',
            ConditionStatus::False => 'F',
            ConditionStatus::Unknown => '?',
        };
        (conditions.iter().map(sign).collect(), conditions[0].reason.to_string())
    }

    #[test]
    fn each_phase_has_its_conditions() {
        let held = |held: Hold| Outcome { held: vec![held], ..outcome(1, 1) };
        let refused = Outcome { refused: vec!["no such unit".to_owned()], ..outcome(1, 1) };
        let applied = Outcome { verdict: Verdict::Applied, ..outcome(1, 1) };
        let rows = [
            (outcome(1, 1), "TTTT", "InSync"),
            (applied, "FFTT", "Converging"),
            (held(hold("VersionNotReady", false)), "FFTT", "VersionNotReady"),
            (held(hold("ChangeGuard", true)), "FFTT", "ChangeGuard"),
            (refused, "FFFT", "Refused"),
            (failing(1), "F?TF", "AccessDenied"),
        ];
        for (outcome, signs, reason) in rows {
            assert_eq!(told(&outcome), (signs.to_owned(), reason.to_owned()));
        }
    }

    #[test]
    fn a_condition_keeps_the_time_it_became_so_and_names_the_generation_it_speaks_of() {
        let mut board = Board::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let times = |board: &Board<&str>| {
            let conditions = &board.outcomes()["cell"].conditions;
            conditions.iter().map(|it| it.last_transition_time.as_second()).collect::<Vec<_>>()
        };
        board.record("cell", outcome(10, 1));
        board.record("cell", outcome(20, 2));
        assert_eq!(times(&board), [10, 10, 10, 10]);
        let conditions = board.outcomes()["cell"].conditions.clone();
        assert!(conditions.iter().all(|it| it.observed_generation == 2));
        board.record("cell", failing(30));
        assert_eq!(times(&board), [30, 30, 10, 30]);
        // Another reason is no transition, and neither is another message.
        let other = Outcome { held: vec![hold("Bake", false)], ..outcome(40, 3) };
        board.record("cell", other);
        assert_eq!(times(&board), [30, 40, 10, 40]);
        assert_eq!(board.outcomes()["cell"].since, at(40));
    }

    #[test]
    fn what_else_is_so_stays_behind_the_four() {
        let mut board = Board::default();
        let tests = Condition {
            r#type: "TestsPassing".into(),
            status: ConditionStatus::False,
            reason: "TestsFailing".into(),
            message: "1 of 2".to_owned(),
            last_transition_time: Timestamp::UNIX_EPOCH,
            observed_generation: 1,
        };
        for second in [1, 2] {
            let conditions = vec![tests.clone()];
            board.record("replica", Outcome { conditions, ..outcome(second, 1) });
        }
        let conditions = &board.outcomes()["replica"].conditions;
        let names: Vec<&str> = conditions.iter().map(|it| &*it.r#type).collect();
        assert_eq!(names, [READY, IN_SYNC, ACCEPTED, REACHABLE, "TestsPassing"]);
        assert_eq!(conditions[0].status, ConditionStatus::True, "tests make nothing unready");
    }

    #[test]
    fn the_reasons_are_the_ones_that_are_listed() {
        for reason in [AS_ASKED, REACHED, EQUAL, WRITTEN] {
            assert!(REASONS.contains(&reason), "{reason}");
        }
        let refused = Outcome { refused: vec!["no".to_owned()], ..outcome(1, 1) };
        assert!(REASONS.contains(&standard(&refused, None)[0].reason.as_ref()));
    }
}

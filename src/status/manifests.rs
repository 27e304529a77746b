//! How each manifest stands, as conditions in the way of Kubernetes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::outcome::{ConditionStatus, Phase};

/// How one manifest stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestStatus {
    /// `AccountEnforcement/sandbox`.
    pub manifest: String,
    /// The worst of what it is about.
    pub phase: Phase,
    /// What it is about, by phase: cells, replicas, or its one policy.
    pub counts: BTreeMap<Phase, usize>,
    /// `Ready`, `InSync`, `Accepted`, `Reachable`.
    pub conditions: Vec<ManifestCondition>,
}

/// One condition of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestCondition {
    /// `Ready`, …
    pub r#type: &'static str,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// From a closed set, `CamelCase`.
    pub reason: String,
    /// What was seen, and what to do.
    pub message: String,
    /// When it became what it is, in this process; `None` where nothing was visited yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Timestamp>,
    /// The generation that it speaks about: the oldest of those that its objects were visited under.
    pub observed_generation: u64,
}

/// How one object of a manifest stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// In one word.
    pub phase: Phase,
    /// A word of a closed set and a sentence, where it is not in sync.
    pub why: Option<(String, String)>,
    /// Since when; `None` before its first visit.
    pub since: Option<Timestamp>,
    /// Under which generation it was visited last; `None` before its first visit.
    pub observed_generation: Option<u64>,
}

impl ManifestStatus {
    /// Judges a manifest by its parts and by what of it was refused in this generation.
    pub fn judge(manifest: String, generation: u64, parts: &[Part], refusals: &[String]) -> Self {
        let mut counts: BTreeMap<Phase, usize> = BTreeMap::new();
        for part in parts {
            *counts.entry(part.phase).or_default() += 1;
        }
        let refused = (!refusals.is_empty()).then_some(Phase::Refused);
        let phase = counts.keys().copied().chain(refused).max().unwrap_or(Phase::InSync);
        let accepted = accepted(generation, parts, refusals);
        let reachable = condition("Reachable", generation, parts, |phase| match phase {
            Phase::Failing => ConditionStatus::False,
            Phase::Unknown => ConditionStatus::Unknown,
            Phase::InSync | Phase::Converging | Phase::Waiting | Phase::Held | Phase::Refused => {
                ConditionStatus::True
            }
        });
        let in_sync = condition("InSync", generation, parts, |phase| match phase {
            Phase::InSync => ConditionStatus::True,
            // What cannot be read may well be in sync.
            Phase::Unknown | Phase::Failing => ConditionStatus::Unknown,
            Phase::Converging | Phase::Waiting | Phase::Held | Phase::Refused => {
                ConditionStatus::False
            }
        });
        let all = [&accepted, &reachable, &in_sync];
        let worst = all.into_iter().find(|it| it.status == ConditionStatus::False);
        let worst = worst.or(all.into_iter().find(|it| it.status == ConditionStatus::Unknown));
        let mut ready = worst.unwrap_or(&in_sync).clone();
        ready.r#type = "Ready";
        Self { manifest, phase, counts, conditions: vec![ready, in_sync, accepted, reachable] }
    }
}

fn accepted(generation: u64, parts: &[Part], refusals: &[String]) -> ManifestCondition {
    let mut accepted = condition("Accepted", generation, parts, |phase| match phase {
        Phase::Refused => ConditionStatus::False,
        Phase::InSync
        | Phase::Converging
        | Phase::Waiting
        | Phase::Unknown
        | Phase::Held
        | Phase::Failing => ConditionStatus::True,
    });
    if let Some(refusal) = refusals.first() {
        accepted.status = ConditionStatus::False;
        "Refused".clone_into(&mut accepted.reason);
        accepted.message.clone_from(refusal);
        accepted.observed_generation = generation;
    }
    accepted
}

/// The worst of what all parts say; a part that is False outweighs one that is Unknown.
fn condition(
    r#type: &'static str,
    generation: u64,
    parts: &[Part],
    status: impl Fn(Phase) -> ConditionStatus,
) -> ManifestCondition {
    let status = &status;
    let with = |wanted| parts.iter().filter(move |part| status(part.phase) == wanted);
    let status_now = [ConditionStatus::False, ConditionStatus::Unknown]
        .into_iter()
        .find(|wanted| with(*wanted).next().is_some())
        .unwrap_or(ConditionStatus::True);
    let count = with(status_now).count();
    let visited = parts.iter().filter_map(|part| part.observed_generation);
    let observed_generation = visited.min().unwrap_or(generation);
    if status_now == ConditionStatus::True {
        let (reason, message) = match parts.len() {
            0 => ("Empty".to_owned(), "it selects nothing".to_owned()),
            all => (r#type.to_owned(), format!("{count} of {all}")),
        };
        // It holds since the last of them came to it.
        let last_transition_time = parts.iter().filter_map(|part| part.since).max();
        return ManifestCondition {
            r#type,
            status: status_now,
            reason,
            message,
            last_transition_time,
            observed_generation,
        };
    }
    let first = with(status_now).find_map(|part| part.why.clone());
    let (reason, why) = first.unwrap_or_else(|| match status_now {
        ConditionStatus::Unknown => ("NotVisited".to_owned(), "not visited yet".to_owned()),
        ConditionStatus::True | ConditionStatus::False => {
            ("Converging".to_owned(), "being written".to_owned())
        }
    });
    ManifestCondition {
        r#type,
        status: status_now,
        reason,
        message: format!("{count} of {}: {why}", parts.len()),
        last_transition_time: with(status_now).filter_map(|part| part.since).min(),
        observed_generation,
    }
}

/// Whether a sentence names something: the name stands in it as a word of its own.
pub fn names(sentence: &str, name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    sentence.split(|c| !is_of_name(c)).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(phase: Phase, second: i64) -> Part {
        let why = (phase != Phase::InSync)
            .then(|| (format!("{phase:?}Reason"), format!("why {}", phase.as_str())));
        let since = Timestamp::from_second(second).ok();
        Part { phase, why, since, observed_generation: Some(4) }
    }

    fn statuses(status: &ManifestStatus) -> Vec<(&str, ConditionStatus)> {
        status.conditions.iter().map(|it| (it.r#type, it.status)).collect()
    }

    #[test]
    fn a_cell_that_cannot_be_read_may_be_in_sync_and_nobody_is_sure() {
        use ConditionStatus::{False, True, Unknown};
        let parts = [part(Phase::InSync, 1), part(Phase::Failing, 5)];
        let status = ManifestStatus::judge("G/a".to_owned(), 5, &parts, &[]);
        assert_eq!(
            statuses(&status),
            [("Ready", False), ("InSync", Unknown), ("Accepted", True), ("Reachable", False)]
        );
        assert_eq!(status.phase, Phase::Failing);
        assert_eq!(status.conditions[0].message, "1 of 2: why Failing");
        assert_eq!(status.conditions[0].last_transition_time.unwrap().as_second(), 5);
    }

    #[test]
    fn ready_since_the_last_part_came_to_it() {
        let parts = [part(Phase::InSync, 1), part(Phase::InSync, 9)];
        let status = ManifestStatus::judge("G/a".to_owned(), 5, &parts, &[]);
        assert!(status.conditions.iter().all(|it| it.status == ConditionStatus::True));
        assert_eq!(status.conditions[0].last_transition_time.unwrap().as_second(), 9);
    }

    #[test]
    fn what_is_refused_is_not_accepted_whatever_its_parts_are() {
        let refusals = ["the unit /Prod does not exist".to_owned()];
        let status = ManifestStatus::judge("G/a".to_owned(), 5, &[], &refusals);
        assert_eq!(status.phase, Phase::Refused);
        assert_eq!(status.conditions[0].status, ConditionStatus::False);
        assert_eq!(status.conditions[0].message, refusals[0]);
    }

    #[test]
    fn a_condition_speaks_of_the_oldest_generation_that_its_parts_were_visited_under() {
        let observed = |parts: &[Part], refusals: &[String]| -> Vec<u64> {
            let status = ManifestStatus::judge("G/a".to_owned(), 5, parts, refusals);
            status.conditions.iter().map(|it| it.observed_generation).collect()
        };
        let late = part(Phase::InSync, 1);
        let now = Part { observed_generation: Some(5), ..part(Phase::Failing, 1) };
        let never = Part { observed_generation: None, ..part(Phase::Unknown, 1) };
        assert_eq!(observed(&[late.clone(), now.clone()], &[]), [4, 4, 4, 4]);
        assert_eq!(observed(&[now.clone(), never.clone()], &[]), [5, 5, 5, 5]);
        assert_eq!(observed(&[never], &[]), [5, 5, 5, 5], "nothing older was seen");
        assert_eq!(observed(&[], &[]), [5, 5, 5, 5]);
        let refusals = ["no".to_owned()];
        assert_eq!(observed(&[late], &refusals), [5, 4, 5, 4], "what is refused is so now");
    }

    #[test]
    fn a_name_is_a_word_of_its_own() {
        assert!(names("baseline: wave `canary` is closed", "baseline"));
        assert!(!names("baseline-everywhere: wave", "baseline"));
        assert!(names("wave of baseline-everywhere waits", "baseline-everywhere"));
    }
}

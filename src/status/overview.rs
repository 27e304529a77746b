//! Where everything stands, as the page shows it: small at 17,000 cells, and what needs somebody
//! first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::manifests::ManifestStatus;
use super::matrix::CellState;
use super::outcome::Phase;
use super::snapshot::{JournalStatus, KeyStatus, Place};
use super::timeline::Event;
use crate::model::RolloutProgress;

/// Places that a group of troubles names; the matrix shows the others.
const NAMED_MAX: usize = 20;

/// How urgent something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Urgency {
    /// It is as the manifests say.
    Good,
    /// Time or another visit ends it.
    Going,
    /// It waits for a person.
    Person,
    /// Something is broken, or somebody unprotected.
    Broken,
}

impl Urgency {
    /// That of a key in this phase.
    pub fn of(phase: Phase) -> Self {
        match phase {
            Phase::InSync => Self::Good,
            Phase::Converging | Phase::Waiting | Phase::Unknown => Self::Going,
            Phase::Held => Self::Person,
            Phase::Refused | Phase::Failing => Self::Broken,
        }
    }
}

/// Where everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Of the controller.
    pub version: String,
    /// When it was made.
    pub at: Timestamp,
    /// Which manifests are in force; 0 before the first.
    pub generation: u64,
    /// How urgent the worst is.
    pub urgency: Urgency,
    /// The same in one line.
    pub verdict: String,
    /// What must be known to read the rest.
    pub notices: Vec<String>,
    /// What is broken or waits, the worst first.
    pub troubles: Vec<Trouble>,
    /// What of the manifests cannot be desired.
    pub refusals: Vec<String>,
    /// What is ours and no manifest describes.
    pub orphans: Vec<String>,
    /// What the change guard holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_plan: Option<HeldPlanOverview>,
    /// Cells of ACTIVE accounts by state.
    pub counts: BTreeMap<CellState, usize>,
    /// What [`AccountRow::cells`] has a letter for each of.
    pub regions: Vec<String>,
    /// Every account.
    pub accounts: Vec<AccountRow>,
    /// Every rollout that is not in force everywhere, and those that are.
    pub rollouts: Vec<RolloutProgress>,
    /// What changed, the newest first.
    pub timeline: Vec<Event>,
    /// Every manifest.
    pub manifests: Vec<ManifestStatus>,
    /// The journal, if one is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalStatus>,
    /// When the key that was read longest ago was read; `None` while some was never read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_read: Option<Timestamp>,
}

/// One account of the matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// Twelve digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `ACTIVE`, `SUSPENDED`, …
    pub state: String,
    /// `/Workloads/Prod`, or `organization` for the root.
    pub unit: String,
    /// A [letter](CellState::letter) for each Region.
    pub cells: String,
}

/// Keys that stand alike for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// How urgent.
    pub urgency: Urgency,
    /// In one word.
    pub phase: Phase,
    /// Why, from a closed set.
    pub reason: String,
    /// The same of the first in a sentence, with what to do.
    pub message: String,
    /// How many.
    pub count: usize,
    /// The first of them: what they are called.
    pub keys: Vec<String>,
    /// Since when the first of them stands so, in this process; `None` before the first visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// What the change guard holds, and how a person consents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldPlanOverview {
    /// `p-3f9c2a41d0b7002a`: a hash over the losing manifests, and the count.
    pub name: String,
    /// What it would take away, and of how much.
    pub text: String,
    /// Whose text it is.
    pub manifests: Vec<String>,
    /// The manifest that releases it.
    pub approval: String,
}

/// One thing that stands badly, before it is grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailing<'a> {
    /// What it is called.
    pub key: String,
    /// In one word.
    pub phase: Phase,
    /// A word of a closed set, and a sentence.
    pub why: (&'a str, &'a str),
    /// Since when, in this process; `None` before the first visit.
    pub since: Option<Timestamp>,
}

/// Groups what stands badly by phase and reason: the worst first, then the most.
pub fn troubles<'a>(ailing: impl IntoIterator<Item = Ailing<'a>>) -> Vec<Trouble> {
    let mut groups: BTreeMap<(Reverse<Phase>, &str), Trouble> = BTreeMap::new();
    for Ailing { key, phase, why: (reason, message), since } in ailing {
        let group = groups.entry((Reverse(phase), reason)).or_insert_with(|| Trouble {
            urgency: Urgency::of(phase),
            phase,
            reason: reason.to_owned(),
            message: message.to_owned(),
            count: 0,
            keys: Vec::new(),
            since,
        });
        group.count += 1;
        group.since = group.since.into_iter().chain(since).min();
        if group.keys.len() < NAMED_MAX {
            group.keys.push(key);
        }
    }
    let mut troubles: Vec<Trouble> = groups.into_values().collect();
    troubles.sort_by_key(|it| (Reverse(it.urgency), Reverse(it.phase), Reverse(it.count)));
    troubles
}

impl Overview {
    /// Sets the verdict from everything else: whether somebody is unprotected comes first.
    #[must_use]
    pub fn judged(mut self) -> Self {
        let of = |state| self.counts.get(&state).copied().unwrap_or_default();
        let urgent = |urgency| {
            let all = self.troubles.iter().filter(|it| it.urgency == urgency);
            all.map(|it| it.count).sum::<usize>()
        };
        let unprotected = of(CellState::Unprotected);
        let broken = urgent(Urgency::Broken) + self.refusals.len();
        let person = urgent(Urgency::Person).max(usize::from(self.held_plan.is_some()));
        let going = urgent(Urgency::Going);
        let protected: usize =
            CellState::ALL.into_iter().filter(|it| it.is_protected()).map(of).sum();
        let parts: Vec<String> =
            [(unprotected, "unprotected"), (broken, "broken"), (person, "waiting for a person")]
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
        (self.urgency, self.verdict) = if self.generation == 0 {
            (Urgency::Broken, "No manifests in force: nothing is written".to_owned())
        } else if !parts.is_empty() {
            let is_broken = unprotected + broken > 0;
            let urgency = if is_broken { Urgency::Broken } else { Urgency::Person };
            (urgency, format!("Needs attention: {}", parts.join(", ")))
        } else if !self.notices.is_empty() {
            (Urgency::Person, "Needs attention: see the notice".to_owned())
        } else if going > 0 || of(CellState::Unknown) > 0 {
            let unknown = of(CellState::Unknown);
            let text = match (going, unknown) {
                (0, unknown) => format!("Looking: {unknown} cells were not looked at yet"),
                (going, _) => format!("Converging: {going} to go, {protected} cells protected"),
            };
            (Urgency::Going, text)
        } else {
            (Urgency::Good, format!("All in sync: {protected} cells protected"))
        };
        self
    }
}

/// Everything about one account and Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellDetail {
    /// Where.
    pub place: Place,
    /// What people call the account.
    pub name: String,
    /// `ACTIVE`, …
    pub account_state: String,
    /// Where the account stands.
    pub unit: String,
    /// In one word.
    pub state: CellState,
    /// What the manifest that claims its slot asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<DesiredDetail>,
    /// What its slot was last read to hold.
    pub live: LiveDetail,
    /// Policies of ours that enforce there: what, and where it is attached.
    pub organization: Vec<String>,
    /// What differs, by what would be written next.
    pub difference: Vec<String>,
    /// Everything that is visited there: enforcement, logging, guardrails.
    pub keys: Vec<KeyStatus>,
    /// What happened there, the newest first.
    pub events: Vec<Event>,
}

/// What a manifest asks for in a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredDetail {
    /// `AccountEnforcement/sandbox`.
    pub manifest: String,
    /// The name of the guardrail.
    pub guardrail: String,
    /// Its revision, shortened.
    pub revision: String,
    /// The ARN and number of the version that is this revision there, once it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What a slot was last read to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveDetail {
    /// Whether and what.
    pub slot: super::matrix::SlotRead,
    /// ARN and number of the guardrail version, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overview() -> Overview {
        Overview {
            version: "1".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            generation: 1,
            urgency: Urgency::Good,
            verdict: String::new(),
            notices: Vec::new(),
            troubles: Vec::new(),
            refusals: Vec::new(),
            orphans: Vec::new(),
            held_plan: None,
            counts: BTreeMap::from([(CellState::InSync, 5), (CellState::Organization, 7)]),
            regions: Vec::new(),
            accounts: Vec::new(),
            rollouts: Vec::new(),
            timeline: Vec::new(),
            manifests: Vec::new(),
            journal: None,
            oldest_read: None,
        }
    }

    fn ailing(key: &str, phase: Phase, second: i64) -> Ailing<'static> {
        let since = Timestamp::from_second(second).ok();
        Ailing { key: key.to_owned(), phase, why: ("Reason", "why"), since }
    }

    #[test]
    fn an_unprotected_cell_is_the_first_thing_said() {
        let mut bad = overview();
        bad.counts.insert(CellState::Unprotected, 2);
        bad.troubles = troubles([
            ailing("a", Phase::Held, 1),
            ailing("b", Phase::Failing, 2),
            ailing("c", Phase::Waiting, 3),
        ]);
        let bad = bad.judged();
        assert_eq!(bad.verdict, "Needs attention: 2 unprotected, 1 broken, 1 waiting for a person");
        assert_eq!(bad.urgency, Urgency::Broken);
    }

    #[test]
    fn good_is_said_only_where_nothing_waits_and_all_was_looked_at() {
        assert_eq!(overview().judged().verdict, "All in sync: 12 cells protected");
        assert_eq!(overview().judged().urgency, Urgency::Good);
        let mut waits = overview();
        waits.troubles = troubles([ailing("a", Phase::Waiting, 1)]);
        assert_eq!(waits.judged().urgency, Urgency::Going);
        let mut unseen = overview();
        unseen.counts.insert(CellState::Unknown, 1);
        assert_eq!(unseen.judged().urgency, Urgency::Going);
        let none = Overview { generation: 0, ..overview() }.judged();
        assert!(none.verdict.contains("No manifests in force"));
        let degraded = Overview { notices: vec!["n".to_owned()], ..overview() }.judged();
        assert_eq!(degraded.urgency, Urgency::Person);
    }

    #[test]
    fn seventeen_thousand_cells_are_small_enough_to_be_sent_at_every_change() {
        let mut large = overview();
        large.accounts = (0..1000)
            .map(|index| AccountRow {
                id: format!("{index:012}"),
                name: format!("a-team-with-a-name-{index}"),
                state: "ACTIVE".to_owned(),
                unit: "/Workloads/Production/Europe".to_owned(),
                cells: "s".repeat(17),
            })
            .collect();
        let size = serde_json::to_vec(&large).unwrap().len();
        assert!(size < 200_000, "{size} bytes");
    }

    #[test]
    fn groups_name_a_few_count_all_and_put_the_worst_first() {
        let many = (0..50).map(|it| ailing(&format!("cell {it}"), Phase::Waiting, 100 - it));
        let found = troubles(many.chain([ailing("organization", Phase::Failing, 1)]));
        assert_eq!(found[0].phase, Phase::Failing);
        assert_eq!((found[1].count, found[1].keys.len()), (50, NAMED_MAX));
        assert_eq!(found[1].since.unwrap().as_second(), 51);
    }
}

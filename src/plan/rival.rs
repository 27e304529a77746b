//! Notices another live controller, and takes nothing away while there is one (S9).
//!
//! Whoever writes an enforced configuration signs it: AWS keeps the session, `bedrail-<instance>`,
//! and the time. A configuration of ours that somebody else of our kind wrote *after we started*
//! shows that two are alive at once: one of the two acts on manifests the other does not know, so
//! neither can tell what the text gave up.
//!
//! | signed by | when | means |
//! |---|---|---|
//! | another instance | before we started | the process before us; it may be dead |
//! | another instance | since | alive beside us |
//! | our own name, in a cell we did not write | since | another process under our name |
//! | anybody | an hour ago | gone: nothing is held for it any more |
//!
//! Nobody is asked to prove that he is dead, and nothing is blocked for ever: what counts is only
//! what was written beside us, for an hour. A start of ours forgets all of it. Clocks differ, so
//! what was written just after we started counts for the time before.

use std::fmt;
use std::time::Duration;

use super::step::{Held, HoldReason, Plan, Step};
use super::trace::without_steps;
use crate::model::{Cell, ObservedEnforcement};

/// For how long a write shows that its writer is alive.
const ALIVE_FOR: Duration = Duration::from_hours(1);

/// What every session of ours is called, before its instance.
const SESSION_PREFIX: &str = "bedrail-";

/// Who we are, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ourselves {
    /// `bedrail-<instance>`.
    pub session: String,
    /// From when on what others write was written beside us, in seconds since 1970.
    pub since: i64,
}

/// Another live controller of our kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    /// The name of its sessions: `bedrail-<instance>`.
    pub session: String,
    /// Where it was seen to write last.
    pub cell: Cell,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Whether it goes by our own name.
    pub is_namesake: bool,
}

impl Rival {
    /// The rival that a slot of a cell shows, if any. `is_ours` is whether this process wrote, or
    /// tried to write, the slot itself.
    pub fn of(
        cell: &Cell,
        live: &ObservedEnforcement,
        is_ours: bool,
        us: &Ourselves,
    ) -> Option<Self> {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::RivalUnseen) {
            return None;
        }
        let session = session(live.updated_by.as_deref()?)?;
        let at = live.updated_at.filter(|at| *at > us.since)?;
        let is_namesake = session == us.session;
        let is_other = session.starts_with(SESSION_PREFIX) && !(is_namesake && is_ours);
        is_other.then(|| Self { session: session.to_owned(), cell: cell.clone(), at, is_namesake })
    }

    /// For how long still, from `now` in seconds since 1970, nothing is taken away because of it.
    pub fn counts_for(&self, now: i64) -> Option<Duration> {
        let age = Duration::from_secs(u64::try_from(now.saturating_sub(self.at)).unwrap_or(0));
        ALIVE_FOR.checked_sub(age).filter(|left| !left.is_zero())
    }

    /// The hold in place of what it keeps from being done, for `left` at most.
    pub fn held(&self, left: Duration) -> Held {
        let message = format!(
            "{self}; nothing is taken away for {} minutes after its last write: stop one of the two",
            left.as_secs().div_ceil(60)
        );
        Held::after(HoldReason::Contested, left, message)
    }
}

impl fmt::Display for Rival {
    /// One line: who, and where it was seen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, cell, is_namesake, .. } = self;
        let who = if *is_namesake { "under our own name" } else { "beside us" };
        write!(f, "another controller, {session}, works {who}: it wrote {cell}")
    }
}

/// The plan without what takes away, and with the reason in its place. What protects stays.
#[must_use]
pub fn stand_back(plan: Plan, rival: &Rival, left: Duration) -> Plan {
    without_steps(plan, Step::takes_away, rival.held(left))
}

/// `name` of `arn:aws:sts::111122223333:assumed-role/role/name`.
fn session(arn: &str) -> Option<&str> {
    let (_, role) = arn.split_once(":assumed-role/")?;
    role.rsplit_once('/').map(|(_, session)| session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelEnforcement, SelectiveContentGuarding};
    use crate::plan::fixture::{MEMBER, cell, confirmed, guardrail_arn, version};

    const STARTED: i64 = 1_000_000;
    const HOUR: i64 = 3600;

    fn us() -> Ourselves {
        Ourselves { session: "bedrail-main".to_owned(), since: STARTED }
    }

    fn slot(session: &str, at: i64) -> ObservedEnforcement {
        ObservedEnforcement {
            config_id: "cfg1".parse().unwrap(),
            guardrail: Some(guardrail_arn()),
            version: Some(version(1)),
            guarding: SelectiveContentGuarding::default(),
            models: ModelEnforcement::default(),
            updated_by: Some(format!("arn:aws:sts::{MEMBER}:assumed-role/BedrailMember/{session}")),
            updated_at: Some(at),
        }
    }

    #[test]
    fn only_a_write_beside_us_shows_another_controller() {
        let rows = [
            ("another, since", "bedrail-other", 1, false, Some(false)),
            ("another, in a cell of ours", "bedrail-other", 1, true, Some(false)),
            ("another, before us", "bedrail-other", 0, false, None),
            ("ourselves", "bedrail-main", 1, true, None),
            ("the process before us", "bedrail-main", -5, false, None),
            ("our name, not our write", "bedrail-main", 1, false, Some(true)),
            ("a person", "alice", 1, false, None),
        ];
        for (what, session, after, is_ours, expected) in rows {
            let found = Rival::of(&cell(MEMBER), &slot(session, STARTED + after), is_ours, &us());
            assert_eq!(found.map(|it| it.is_namesake), expected, "{what}");
        }
        let mut unsigned = slot("bedrail-other", STARTED + 1);
        unsigned.updated_by = Some("arn:aws:iam::111122223333:role/BedrailMember".to_owned());
        assert_eq!(Rival::of(&cell(MEMBER), &unsigned, false, &us()), None);
        let undated = ObservedEnforcement { updated_at: None, ..slot("bedrail-other", 0) };
        assert_eq!(Rival::of(&cell(MEMBER), &undated, false, &us()), None);
    }

    #[test]
    fn it_counts_for_an_hour_after_its_last_write() {
        let wrote = STARTED + 10;
        let rival = Rival::of(&cell(MEMBER), &slot("bedrail-b", wrote), false, &us()).unwrap();
        assert_eq!(rival.counts_for(wrote), Some(ALIVE_FOR));
        assert_eq!(rival.counts_for(wrote + HOUR - 1), Some(Duration::from_secs(1)));
        assert_eq!(rival.counts_for(wrote + HOUR), None);
        assert_eq!(rival.counts_for(wrote - 100), Some(ALIVE_FOR), "a clock behind AWS's");
    }

    #[test]
    fn what_protects_goes_on_and_what_takes_away_waits_and_says_for_whom() {
        let attach = Step::AttachPolicy {
            enforcement: "e".parse().unwrap(),
            id: "p-abcdefgh".parse().unwrap(),
            target: "r-ab12".parse().unwrap(),
            grants: Vec::new(),
        };
        let delete = Step::DeleteGuardrail { arn: guardrail_arn(), confirmed: confirmed() };
        let narrow = Step::UpdatePolicy {
            enforcement: "e".parse().unwrap(),
            id: "p-abcdefgh".parse().unwrap(),
            content: serde_json::Value::Null,
            previous: serde_json::Value::Null,
            is_loss: true,
            grants: Vec::new(),
            changes: Vec::new(),
        };
        let rival =
            Rival::of(&cell(MEMBER), &slot("bedrail-b", STARTED + 1), false, &us()).unwrap();
        let given = Plan { steps: vec![narrow, attach.clone(), delete], ..Plan::default() };
        let plan = stand_back(given, &rival, ALIVE_FOR);
        assert_eq!(plan.steps, [attach]);
        let [held] = plan.held.as_slice() else { panic!("{plan:?}") };
        assert_eq!(held.reason, HoldReason::Contested);
        assert!(
            held.message.contains("bedrail-b") && held.message.contains("60 minutes"),
            "{held:?}"
        );
        assert_eq!(stand_back(Plan::default(), &rival, ALIVE_FOR), Plan::default());
    }
}

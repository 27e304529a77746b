//! Courses of events in which one thing leads to another: each step is harmless by itself, and what
//! the course is about is rare where steps are drawn one by one. A [story](crate::story) takes one up
//! now and then; a [planted](crate::planted) bug is sought in that which brings it out.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::setting::{ALPHA, BETA, GAMMA, Setting, one};
use crate::story::{Edit, Event, Foreign, Step};
use crate::text::Level;

/// What a course of events is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plot {
    /// Nothing but a new text, and another.
    Reworded,
    /// Somebody gives a guardrail another name.
    Renamed,
    /// Accounts change places.
    Moved,
    /// An account comes, and goes elsewhere.
    Joined,
    /// An account is closed.
    Closed,
    /// Others write into a resource policy from which ours is gone.
    Shared,
    /// A resource policy may not be read any more.
    Unreadable,
    /// Somebody writes into a resource policy while a visit takes its time.
    Overtaken,
    /// A grant goes while a policy is about to be attached again.
    Withdrawn,
    /// A version goes while a policy that names it is about to be attached.
    Deleted,
    /// Access is gone where a policy is to be attached again.
    Unshared,
    /// A grant goes while all is at rest.
    Disturbed,
    /// A version is made, but neither the answer nor the list says so.
    Unanswered,
    /// Lists are old from the first moment on.
    Unlisted,
    /// History goes on while somebody stays behind.
    LeftBehind,
    /// An old version is deleted, and wanted again.
    Returned,
    /// Wave after wave.
    Rolled,
    /// Much is given up at once, and nobody approves.
    Unapproved,
    /// Much is given up, approved, and taken up again before it is gone.
    TakenUp,
    /// All of it is given up, the guardrail as well.
    TornDown,
    /// Less is guarded than before.
    Narrowed,
    /// Somebody puts a tag.
    Tagged,
    /// Somebody publishes what is published, and a new process looks at it.
    Twinned,
    /// A Region is out while a new process begins.
    Dark,
    /// For long nothing can be put right.
    Stuck,
    /// A control comes into force.
    Guarded,
    /// Sessions end.
    Slept,
    /// A process looks at what is to be done.
    LookedAt,
}

const ALL: [Plot; 28] = [
    Plot::Reworded,
    Plot::Renamed,
    Plot::Moved,
    Plot::Joined,
    Plot::Closed,
    Plot::Shared,
    Plot::Unreadable,
    Plot::Overtaken,
    Plot::Withdrawn,
    Plot::Deleted,
    Plot::Unshared,
    Plot::Disturbed,
    Plot::Unanswered,
    Plot::Unlisted,
    Plot::LeftBehind,
    Plot::Returned,
    Plot::Rolled,
    Plot::Unapproved,
    Plot::TakenUp,
    Plot::TornDown,
    Plot::Narrowed,
    Plot::Tagged,
    Plot::Twinned,
    Plot::Dark,
    Plot::Stuck,
    Plot::Guarded,
    Plot::Slept,
    Plot::LookedAt,
];

fn fault(kind: &str, operation: &str) -> Event {
    Event::Fault(json!({"kind": kind, "operation": operation, "caller": "Controller"}))
}

/// As [`fault`], of calls that take, or of reads that are old by, this long.
pub(crate) fn late(kind: &str, operation: &str, milliseconds: u64, count: u64) -> Event {
    Event::Fault(json!({
        "kind": kind, "operation": operation, "caller": "Controller",
        "milliseconds": milliseconds, "count": count,
    }))
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count + 17)
}

fn seconds(random: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.u64(range.start * 1_000..range.end * 1_000))
}

/// One guardrail, and one enforcement of it on this level, wherever there is anybody.
fn only(level: Level, setting: &mut Setting) {
    let text = &mut setting.text;
    text.guardrails.truncate(1);
    text.enforcements.truncate(1);
    for enforcement in &mut text.enforcements {
        let pool: &[&str] = match level {
            Level::Account => &[ALPHA, BETA],
            Level::Organization => &[ALPHA, BETA, GAMMA],
        };
        enforcement.level = level;
        enforcement.guardrail = 0;
        enforcement.pool = pool.iter().map(|it| (*it).to_owned()).collect();
        enforcement.targets = enforcement.pool.iter().cloned().collect();
        enforcement.regions = setting.regions.iter().cloned().collect();
        enforcement.canaries.clear();
    }
}

fn switch(setting: &mut Setting, name: &str, value: Value) {
    setting.scenario["switches"][name] = value;
}

impl Plot {
    /// One of them.
    pub(crate) fn some(random: &mut Rng) -> Self {
        *one(random, &ALL)
    }

    /// The steps, for a setting that is made to suit.
    pub(crate) fn steps(self, random: &mut Rng, setting: &mut Setting) -> Vec<Step> {
        self.prepare(random, setting);
        let events = match self {
            Self::Unreadable
            | Self::Shared
            | Self::Overtaken
            | Self::Withdrawn
            | Self::Deleted
            | Self::Unshared => self.access(random),
            Self::Disturbed | Self::Tagged | Self::Twinned | Self::Renamed => self.stranger(),
            Self::Unapproved | Self::TakenUp | Self::TornDown | Self::LookedAt => {
                self.consent(random)
            }
            _ => self.others(random, setting),
        };
        // What a stranger does twice is done to the same, where there is more than one.
        let is_one = matches!(self, Self::Shared | Self::Unreadable | Self::Overtaken);
        let pick = random.u64(..);
        let step =
            |(event, wait)| Step { event, pick: if is_one { pick } else { random.u64(..) }, wait };
        events.into_iter().map(step).collect()
    }

    fn prepare(self, random: &mut Rng, setting: &mut Setting) {
        let account = |setting: &mut Setting| only(Level::Account, setting);
        match self {
            Self::Moved
            | Self::Joined
            | Self::Closed
            | Self::Disturbed
            | Self::Unapproved
            | Self::TornDown
            | Self::Stuck
            | Self::Narrowed
            | Self::Twinned => account(setting),
            Self::Overtaken => {
                account(setting);
                for enforcement in &mut setting.text.enforcements {
                    enforcement.targets = BTreeSet::from([ALPHA.to_owned()]);
                    enforcement.pool = vec![BETA.to_owned()];
                }
            }
            Self::LeftBehind => {
                account(setting);
                setting.text.guardrails[0].history = 1;
                switch(setting, "version_delete_in_use", json!("allow"));
            }
            Self::Returned => {
                account(setting);
                switch(setting, "version_delete_in_use", json!("refuse"));
            }
            Self::Rolled => {
                account(setting);
                for enforcement in &mut setting.text.enforcements {
                    enforcement.canaries = vec!["300000000001".to_owned()];
                }
            }
            Self::TakenUp | Self::Unshared => only(Level::Organization, setting),
            Self::Withdrawn | Self::Deleted => {
                only(Level::Organization, setting);
                switch(setting, "version_delete_in_use", json!("allow"));
                setting.regions.truncate(1);
                for enforcement in &mut setting.text.enforcements {
                    enforcement.regions = setting.regions.iter().cloned().collect();
                }
            }
            Self::Dark => {
                only(Level::Organization, setting);
                // So little that nobody is asked.
                setting.text.enforcements[0].targets = BTreeSet::from([ALPHA.to_owned()]);
            }
            Self::Guarded => setting.text.control = BTreeSet::from([ALPHA.to_owned()]),
            Self::Reworded
            | Self::Renamed
            | Self::Shared
            | Self::Unreadable
            | Self::Unanswered
            | Self::Unlisted
            | Self::Tagged
            | Self::Slept
            | Self::LookedAt => {}
        }
        if matches!(self, Self::Twinned) {
            // So that the new process reads the twin first as made, and ours first as being made.
            switch(setting, "ready_flicker", json!(true));
            switch(setting, "ready_delay_ms", json!(10));
        }
        if matches!(self, Self::Moved) && random.bool() {
            let target = (*one(random, &[ALPHA, BETA])).to_owned();
            setting.text.enforcements[0].targets = BTreeSet::from([target]);
        }
    }

    fn access(self, random: &mut Rng) -> Vec<(Event, Duration)> {
        let quiet = (Event::Nothing, minutes(3));
        let add = Event::Foreign(Foreign::AddStatement);
        let drop = Event::Foreign(Foreign::DropGrant);
        match self {
            Self::Shared => vec![quiet, (drop, Duration::ZERO), (add, minutes(7))],
            Self::Unreadable => vec![
                quiet,
                (add, minutes(1)),
                (fault("Denied", "bedrock:GetResourcePolicy"), minutes(12)),
                (Event::Lift, Duration::ZERO),
            ],
            Self::Overtaken => vec![
                quiet,
                (late("Latency", "bedrock:TagResource", 4_000, 8), Duration::ZERO),
                (drop, Duration::ZERO),
                (Event::Edit(Edit::Widen), seconds(random, 1..4)),
                (add, minutes(5)),
                (Event::Lift, Duration::ZERO),
            ],
            Self::Withdrawn => vec![
                quiet,
                (late("Latency", "organizations:List*", 3_000, 60), Duration::ZERO),
                (Event::Foreign(Foreign::Detach), seconds(random, 3..60)),
                (drop, minutes(5)),
                (Event::Lift, Duration::ZERO),
            ],
            Self::Deleted => vec![
                (fault("Outage", "organizations:AttachPolicy"), minutes(1)),
                (Event::Foreign(Foreign::DeleteVersion), seconds(random, 3..60)),
                (Event::Lift, minutes(5)),
            ],
            _ => vec![
                quiet,
                (fault("ErrorBefore", "bedrock:PutResourcePolicy"), Duration::ZERO),
                (drop, minutes(6)),
                (Event::Foreign(Foreign::Detach), minutes(6)),
                (Event::Lift, Duration::ZERO),
            ],
        }
    }

    fn stranger(self) -> Vec<(Event, Duration)> {
        let quiet = |count| (Event::Nothing, minutes(count));
        match self {
            Self::Disturbed => {
                vec![quiet(4), (Event::Foreign(Foreign::DropGrant), minutes(12))]
            }
            Self::Tagged => vec![
                quiet(3),
                (Event::Foreign(Foreign::Tag), minutes(1)),
                (Event::Drop { down: Duration::from_secs(1) }, minutes(3)),
            ],
            Self::Twinned => vec![
                quiet(3),
                (Event::Foreign(Foreign::Publish), Duration::from_millis(500)),
                (Event::Drop { down: Duration::from_secs(1) }, minutes(3)),
            ],
            _ => vec![quiet(3), (Event::Foreign(Foreign::Rename), minutes(8))],
        }
    }

    fn consent(self, random: &mut Rng) -> Vec<(Event, Duration)> {
        let quiet = (Event::Nothing, minutes(3));
        let edit = Event::Edit;
        match self {
            Self::Unapproved => vec![quiet, (edit(Edit::Absent), minutes(7))],
            Self::TakenUp => vec![
                quiet,
                (edit(Edit::Absent), Duration::from_secs(40)),
                (late("Latency", "organizations:DetachPolicy", 4_000, 9), Duration::ZERO),
                (Event::Approve, seconds(random, 0..20)),
                (edit(Edit::Present), minutes(3)),
            ],
            Self::TornDown => vec![
                quiet,
                (edit(Edit::Absent), minutes(1)),
                (Event::Approve, minutes(3)),
                (edit(Edit::TearDown), minutes(8)),
            ],
            _ => vec![
                quiet,
                (fault("ErrorBefore", "bedrock:Update*"), Duration::ZERO),
                (edit(Edit::Reword), Duration::ZERO),
                (Event::Blind, Duration::ZERO),
                (Event::Lift, Duration::ZERO),
            ],
        }
    }

    fn others(self, random: &mut Rng, setting: &Setting) -> Vec<(Event, Duration)> {
        let quiet = (Event::Nothing, minutes(3));
        let reword = |wait: Duration| (Event::Edit(Edit::Reword), wait);
        let foreign = |what: Foreign, wait: Duration| (Event::Foreign(what), wait);
        match self {
            Self::Moved => (0..3).map(|_| foreign(Foreign::Move, minutes(6))).collect(),
            Self::Joined => vec![
                quiet,
                foreign(Foreign::Join, minutes(8)),
                foreign(Foreign::Join, minutes(8)),
                foreign(Foreign::Move, minutes(8)),
            ],
            Self::Closed => vec![quiet, foreign(Foreign::Close, minutes(8)), reword(minutes(3))],
            Self::Unanswered => vec![
                quiet,
                (late("ErrorAfter", "bedrock:CreateGuardrailVersion", 0, 1), Duration::ZERO),
                (late("StaleRead", "bedrock:ListGuardrails", 15_000, 40), Duration::ZERO),
                reword(minutes(6)),
            ],
            Self::Unlisted => {
                let old = late("StaleRead", "bedrock:ListGuardrails", 20_000, 60);
                vec![(old, minutes(3)), (Event::Lift, Duration::ZERO)]
            }
            Self::LeftBehind => {
                let lost = (Event::Edit(Edit::LoseFile), minutes(1));
                [quiet, lost].into_iter().chain((0..5).map(|_| reword(minutes(7)))).collect()
            }
            Self::Returned => {
                let delete = || foreign(Foreign::DeleteVersion, Duration::from_secs(5));
                let back = || (Event::Edit(Edit::Return), minutes(4));
                vec![quiet, reword(minutes(3)), delete(), delete(), delete(), back(), back()]
            }
            Self::Rolled => {
                vec![
                    (Event::Nothing, minutes(6)),
                    reword(seconds(random, 20..90)),
                    reword(minutes(8)),
                ]
            }
            Self::Narrowed => vec![quiet, (Event::Edit(Edit::Selective), minutes(3))],
            Self::Dark => {
                let mut out = fault("Outage", "bedrock:*");
                if let (Event::Fault(fault), Some(region)) = (&mut out, setting.regions.last()) {
                    fault["region"] = json!(region);
                }
                vec![
                    quiet,
                    (out, Duration::from_secs(1)),
                    (Event::Drop { down: Duration::from_secs(1) }, minutes(7)),
                    (Event::Lift, minutes(1)),
                ]
            }
            Self::Stuck => vec![
                quiet,
                (fault("ErrorBefore", "bedrock:PutEnforcedGuardrailConfiguration"), Duration::ZERO),
                reword(minutes(13)),
                (Event::Lift, Duration::ZERO),
            ],
            Self::Guarded => vec![quiet, (Event::Edit(Edit::Guarded), minutes(6))],
            Self::Slept => vec![(Event::Nothing, minutes(75)), reword(minutes(5))],
            _ => vec![
                quiet,
                reword(minutes(3)),
                reword(minutes(3)),
                reword(minutes(3)),
                reword(minutes(3)),
            ],
        }
    }
}

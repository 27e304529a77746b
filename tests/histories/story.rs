//! What happens in a history, from a seed: a list of steps, each of which makes sense, or does
//! nothing, whatever the others did, so that a failing history can be shortened by leaving some out.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::plots::Plot;
use crate::setting::{Setting, one};
use crate::world::Moment;

/// A history to be played.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

/// Something happens, and then time passes.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) event: Event,
    /// Chooses what it happens to.
    pub(crate) pick: u64,
    pub(crate) wait: Duration,
}

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Nothing but time.
    Nothing,
    /// A person edits the manifests.
    Edit(Edit),
    /// A person approves what the change guard holds.
    Approve,
    /// A stranger, or AWS, changes something.
    Foreign(Foreign),
    /// Calls go wrong from now on.
    Fault(Value),
    /// No call goes wrong any more.
    Lift,
    /// The controller dies after so many calls, and another starts after a while.
    Crash { calls: u64, moment: Moment, down: Duration },
    /// The controller dies wherever it is.
    Drop { down: Duration },
    /// A process starts whose manifests are broken; later it is replaced.
    Blind,
    /// A second controller is at work for so long, of this or of another installation's instance.
    Second { is_same: bool, lives: Duration },
}

/// How a manifest is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Reword,
    Return,
    Widen,
    Narrow,
    AddRegion,
    DropRegion,
    Absent,
    Present,
    LoseFile,
    FindFile,
    Selective,
    TearDown,
    Guarded,
    Logged,
}

/// What others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    ReleaseSlot,
    TakeSlot,
    SwapVersion,
    EditDraft,
    Rename,
    Publish,
    DeleteVersion,
    DropGrant,
    AddStatement,
    Detach,
    EditPolicy,
    DeletePolicy,
    DeleteGuardrail,
    Tag,
    Move,
    Join,
    Close,
}

const EDITS: [Edit; 14] = [
    Edit::Reword,
    Edit::Return,
    Edit::Widen,
    Edit::Narrow,
    Edit::AddRegion,
    Edit::DropRegion,
    Edit::Absent,
    Edit::Present,
    Edit::LoseFile,
    Edit::FindFile,
    Edit::Selective,
    Edit::TearDown,
    Edit::Guarded,
    Edit::Logged,
];

const STRANGE: [Foreign; 17] = [
    Foreign::ReleaseSlot,
    Foreign::TakeSlot,
    Foreign::SwapVersion,
    Foreign::EditDraft,
    Foreign::Rename,
    Foreign::Publish,
    Foreign::DeleteVersion,
    Foreign::DropGrant,
    Foreign::AddStatement,
    Foreign::Detach,
    Foreign::EditPolicy,
    Foreign::DeletePolicy,
    Foreign::DeleteGuardrail,
    Foreign::Tag,
    Foreign::Move,
    Foreign::Join,
    Foreign::Close,
];

impl Story {
    /// The history of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut setting = Setting::new(&mut random);
        let count = random.usize(3..=12);
        let mut steps: Vec<Step> = (0..count).map(|_| step(&mut random, &setting)).collect();
        if random.u8(..3) == 0 {
            let at = random.usize(..=steps.len());
            let plot = plot(&mut random);
            steps.splice(at..at, plot);
        }
        // Who dies does so while there is something to do.
        for index in 1..steps.len() {
            if matches!(steps[index].event, Event::Crash { .. } | Event::Drop { .. }) {
                steps[index - 1].wait = Duration::from_millis(random.u64(..4_000));
            }
        }
        if random.u8(..3) == 0 {
            let at = random.usize(..=steps.len());
            let plot = Plot::some(&mut random).steps(&mut random, &mut setting);
            steps.splice(at..at, plot);
        }
        Self { seed, setting, steps }
    }

    /// A history of a seed in which nothing happens but this.
    #[cfg(feature = "planted")]
    pub(crate) fn about(seed: u64, plot: Plot) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut setting = Setting::new(&mut random);
        let steps = plot.steps(&mut random, &mut setting);
        Self { seed, setting, steps }
    }

    /// The same with these of its steps alone.
    pub(crate) fn with(&self, kept: &[usize]) -> Self {
        let steps = kept.iter().filter_map(|index| self.steps.get(*index).cloned()).collect();
        Self { steps, ..self.clone() }
    }
}

fn wait(random: &mut Rng) -> Duration {
    match random.u8(..7) {
        0 => Duration::ZERO,
        1 => Duration::from_millis(random.u64(..2_000)),
        2 | 3 => Duration::from_millis(random.u64(2_000..20_000)),
        4 => Duration::from_secs(random.u64(20..120)),
        _ => Duration::from_secs(random.u64(120..900)),
    }
}

fn step(random: &mut Rng, setting: &Setting) -> Step {
    let event = match random.u8(..100) {
        0..30 => Event::Edit(*one(random, &EDITS)),
        30..36 => Event::Approve,
        36..60 => Event::Foreign(*one(random, &STRANGE)),
        60..75 => Event::Fault(fault(random, setting)),
        75..79 => Event::Lift,
        79..88 => Event::Crash {
            calls: random.u64(..40),
            moment: *one(random, &[Moment::Before, Moment::After]),
            down: Duration::from_secs(*one(random, &[0, 1, 30, 600])),
        },
        88..91 => Event::Drop { down: Duration::from_secs(*one(random, &[0, 1, 90])) },
        91..93 => Event::Blind,
        93..97 => {
            Event::Second { is_same: random.bool(), lives: Duration::from_secs(random.u64(1..900)) }
        }
        _ => Event::Nothing,
    };
    Step { event, pick: random.u64(..), wait: wait(random) }
}

/// Things that are harmless one by one, in the order in which they are not.
fn plot(random: &mut Rng) -> Vec<Step> {
    let fault = |kind: &str, operation: &str, count: u64| {
        Event::Fault(json!({
            "kind": kind, "operation": operation, "count": count, "caller": "Controller",
            "milliseconds": if kind == "StaleRead" { 15_000 } else { 60_000 },
        }))
    };
    let kind = *one(random, &["Denied", "ErrorBefore", "Throttle", "Outage"]);
    let minutes = |count: u64| Duration::from_secs(60 * count + 17);
    let edit = Event::Edit;
    let events: Vec<(Event, Duration)> = match random.u8(..5) {
        // What a stranger wrote cannot be read when the document is to be replaced.
        0 => vec![
            (Event::Foreign(Foreign::AddStatement), minutes(1)),
            (fault(kind, "bedrock:GetResourcePolicy", 8), minutes(12)),
        ],
        // A version is published, but neither the answer nor the list says so.
        1 => vec![
            (fault("ErrorAfter", "bedrock:CreateGuardrailVersion", 1), Duration::ZERO),
            (fault("StaleRead", "bedrock:ListGuardrails", 40), Duration::ZERO),
            (edit(Edit::Reword), minutes(6)),
        ],
        // History goes on while somebody stays behind.
        2 => {
            let rewords = (0..5).map(|_| (edit(Edit::Reword), minutes(7)));
            std::iter::once((edit(Edit::LoseFile), minutes(1))).chain(rewords).collect()
        }
        // A reference moves while the guardrail does not admit those who depend on it.
        3 => vec![
            (fault(kind, "bedrock:PutResourcePolicy", 30), Duration::ZERO),
            (Event::Foreign(Foreign::DropGrant), minutes(1)),
            (edit(Edit::Reword), minutes(8)),
        ],
        // Much is given up at once, and taken up again before it is gone.
        _ => vec![
            (edit(Edit::Absent), Duration::from_millis(random.u64(..12_000))),
            (edit(Edit::Present), minutes(3)),
            (edit(Edit::Absent), minutes(7)),
        ],
    };
    let pick = random.u64(..);
    events.into_iter().map(|(event, wait)| Step { event, pick, wait }).collect()
}

/// Patterns of the operations that faults strike.
const OPERATIONS: [&str; 22] = [
    "*",
    "*",
    "bedrock:*",
    "organizations:*",
    "sts:*",
    "bedrock:Put*",
    "bedrock:List*",
    "bedrock:Get*",
    "bedrock:CreateGuardrail",
    "bedrock:CreateGuardrailVersion",
    "bedrock:UpdateGuardrail",
    "bedrock:ListGuardrails",
    "bedrock:PutResourcePolicy",
    "bedrock:PutEnforcedGuardrailConfiguration",
    "bedrock:ListEnforcedGuardrailsConfiguration",
    "bedrock:Delete*",
    "organizations:CreatePolicy",
    "organizations:AttachPolicy",
    "organizations:List*",
    "organizations:Describe*",
    "organizations:UpdatePolicy",
    "organizations:D*Policy",
];

fn fault(random: &mut Rng, setting: &Setting) -> Value {
    let kinds = [
        "Throttle",
        "ErrorBefore",
        "ErrorAfter",
        "ErrorAfter",
        "Timeout",
        "Latency",
        "StaleRead",
        "Denied",
        "Outage",
    ];
    let kind = *one(random, &kinds);
    let mut fault = json!({
        "kind": kind,
        "caller": "Controller",
        "operation": *one(random, &OPERATIONS),
        "probability": *one(random, &[0.1, 0.3, 0.7, 1.0]),
    });
    if random.u8(..3) == 0 {
        fault["region"] = json!(one(random, &setting.regions));
    }
    if random.u8(..4) == 0 {
        fault["account"] = json!(format!("3{:011}", random.u8(1..=5)));
    }
    if random.bool() {
        fault["count"] = json!(random.u64(1..=5));
    }
    match kind {
        "StaleRead" => fault["milliseconds"] = json!(random.u64(200..4_000)),
        "Latency" => fault["milliseconds"] = json!(random.u64(100..30_000)),
        _ => {}
    }
    fault
}

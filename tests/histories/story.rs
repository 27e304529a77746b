//! What happens in a history, from a seed: a list of steps, each of which makes sense, or does
//! nothing, whatever the others did, so that a failing history can be shortened by leaving some out.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::files::{FILES, File};
use crate::plots::{Plot, late};
use crate::setting::{Setting, Size, one};
use crate::spoiler::{SPOILS, Spoil};
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
    /// The same, with a clock that is so many seconds ahead.
    Skewed { ahead: i64, lives: Duration },
    /// The controller is told to stop after so many calls, and another starts after a while.
    Stop { calls: u64, down: Duration },
    /// The controller does nothing for so long, and knows nothing of it.
    Pause(Duration),
    /// Something goes wrong on the way to AWS from now on.
    Spoil(Spoil),
    /// What the controller is told of its files is not what there is.
    File(File),
    /// Whatever AWS makes from now on takes it so long.
    Slow(Duration),
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
    /// What one level enforces the other does from now on.
    Swap,
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
    Leave,
}

const EDITS: [Edit; 15] = [
    Edit::TearDown,
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

const STRANGE: [Foreign; 18] = [
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
    Foreign::Leave,
];

impl Story {
    /// The history of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let size = match seed % 400 {
            399 => Size::Large,
            rest if rest % 8 == 0 => Size::Small,
            _ => Size::Tiny,
        };
        Self::sized(seed, size)
    }

    /// The history of this size that a seed gives.
    pub(crate) fn sized(seed: u64, size: Size) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut setting = Setting::new(&mut random, size);
        let count = match size {
            Size::Tiny => random.usize(1..=2),
            Size::Small => random.usize(3..=6),
            Size::Large => random.usize(3..=12),
        };
        let mut steps: Vec<Step> = (0..count).map(|_| step(&mut random, &setting)).collect();
        // What is not there yet cannot be disturbed, but who makes it may die.
        let (event, wait) = match random.u8(..6) {
            0 => (Event::Nothing, 0),
            1 => (crash(&mut random, 90, Duration::ZERO), 5),
            _ => (Event::Nothing, random.u64(20..90)),
        };
        steps.insert(0, Step { event, pick: random.u64(..), wait: Duration::from_secs(wait) });
        let (is_plotted, has_course) = match size {
            Size::Tiny => {
                let drawn = random.u8(..4);
                (drawn == 0, drawn == 1)
            }
            Size::Small | Size::Large => (random.bool(), random.u8(..3) == 0),
        };
        if is_plotted {
            let at = random.usize(..=steps.len());
            let plot = plot(&mut random);
            steps.splice(at..at, plot);
        }
        // Who dies does so while there is something to do.
        for index in 1..steps.len() {
            if matches!(
                steps[index].event,
                Event::Crash { .. } | Event::Drop { .. } | Event::Stop { .. }
            ) {
                steps[index - 1].wait = Duration::from_millis(random.u64(..4_000));
            }
        }
        if has_course {
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
        let mut setting = Setting::new(&mut random, Size::Small);
        let steps = plot.steps(&mut random, &mut setting);
        Self { seed, setting, steps }
    }

    /// Whether it ends with a day in which nothing happens.
    pub(crate) fn is_long(&self) -> bool {
        is_long(self.seed)
    }

    /// Whether its controller has a disk.
    pub(crate) fn has_disk(&self) -> bool {
        self.seed % 3 == 2
    }

    /// The same with these of its steps alone.
    pub(crate) fn with(&self, kept: &[usize]) -> Self {
        let steps = kept.iter().filter_map(|index| self.steps.get(*index).cloned()).collect();
        Self { steps, ..self.clone() }
    }
}

/// One of fifty, but not the first: short histories are told by hand, too.
fn is_long(seed: u64) -> bool {
    seed % 50 == 49
}

fn wait(random: &mut Rng) -> Duration {
    match random.u8(..7) {
        0 => Duration::ZERO,
        1 => Duration::from_millis(random.u64(..2_000)),
        2 | 3 => Duration::from_millis(random.u64(2_000..20_000)),
        4 | 5 => Duration::from_secs(random.u64(20..120)),
        _ => Duration::from_secs(random.u64(120..900)),
    }
}

fn step(random: &mut Rng, setting: &Setting) -> Step {
    let seconds = |random: &mut Rng, of: &[u64]| Duration::from_secs(*one(random, of));
    let event = match random.u8(..100) {
        0..24 => Event::Edit(*one(random, &EDITS)),
        24..29 => Event::Approve,
        29..50 => Event::Foreign(*one(random, &STRANGE)),
        50..60 => Event::Fault(fault(random, setting)),
        60..68 => Event::Spoil(*one(random, &SPOILS)),
        68..70 => Event::Lift,
        70..78 => {
            let down = seconds(random, &[0, 1, 30, 600]);
            crash(random, 40, down)
        }
        78..81 => Event::Drop { down: seconds(random, &[0, 1, 90]) },
        81..83 => Event::Blind,
        83..86 => {
            Event::Second { is_same: random.bool(), lives: Duration::from_secs(random.u64(1..900)) }
        }
        86..88 => Event::Skewed {
            ahead: *one(random, &[-7_200, -600, -30, 30, 600, 7_200]),
            lives: Duration::from_secs(random.u64(60..900)),
        },
        88..91 => Event::Stop { calls: random.u64(..60), down: seconds(random, &[0, 1, 30]) },
        91..93 => Event::Pause(seconds(random, &[40, 400, 4_000])),
        93..97 => Event::File(*one(random, &FILES)),
        97..99 => Event::Slow(seconds(random, &[30, 300, 1_200])),
        _ => Event::Nothing,
    };
    Step { event, pick: random.u64(..), wait: wait(random) }
}

/// A process dies at one of the next calls: one in six of them is a write.
fn crash(random: &mut Rng, calls: u64, down: Duration) -> Event {
    let moment = *one(random, &[Moment::Before, Moment::After, Moment::AfterWrite]);
    let calls = if moment == Moment::AfterWrite { calls / 6 } else { calls };
    Event::Crash { calls: random.u64(..calls), moment, down }
}

/// What goes wrong for so many calls of the controller's.
fn few(kind: &str, operation: &str, count: u64) -> Event {
    late(kind, operation, if kind == "StaleRead" { 15_000 } else { 60_000 }, count)
}

/// Things that are harmless one by one, in the order in which they are not.
fn plot(random: &mut Rng) -> Vec<Step> {
    let kind = *one(random, &["Denied", "ErrorBefore", "Throttle", "Outage"]);
    let all = *one(random, &["organizations:*", "bedrock:*"]);
    let minutes = |count: u64| Duration::from_secs(60 * count + 17);
    let edit = Event::Edit;
    let events: Vec<(Event, Duration)> = match random.u8(..14) {
        // There is no room for a version, or its text does not arrive whole.
        5 => vec![
            (Event::Spoil(*one(random, &SPOILS)), Duration::ZERO),
            (edit(Edit::Reword), minutes(4)),
        ],
        6 => vec![
            (Event::Spoil(Spoil::Quota), Duration::ZERO),
            (edit(Edit::Reword), minutes(2)),
            (Event::Lift, Duration::ZERO),
        ],
        7 => vec![
            (Event::Slow(minutes(*one(random, &[1, 5, 20]))), Duration::ZERO),
            (edit(Edit::Reword), minutes(2)),
            (Event::Stop { calls: random.u64(..30), down: minutes(0) }, minutes(3)),
        ],
        // Nobody answers while something is to be done.
        8 => vec![
            (few("Outage", all, 60), Duration::ZERO),
            (edit(*one(random, &EDITS)), minutes(3)),
            (Event::Foreign(*one(random, &STRANGE)), minutes(1)),
        ],
        // What a process was told last is gone with it.
        9 => vec![
            (edit(*one(random, &EDITS)), Duration::from_millis(random.u64(..9_000))),
            (Event::Drop { down: Duration::ZERO }, Duration::from_millis(random.u64(..9_000))),
            (Event::File(File::Unseen), minutes(3)),
        ],
        // What a stranger wrote cannot be read when the document is to be replaced.
        0 => vec![
            (Event::Foreign(Foreign::AddStatement), minutes(1)),
            (few(kind, "bedrock:GetResourcePolicy", 8), minutes(12)),
        ],
        // A version is published, but neither the answer nor the list says so.
        1 => vec![
            (few("ErrorAfter", "bedrock:CreateGuardrailVersion", 1), Duration::ZERO),
            (few("StaleRead", "bedrock:ListGuardrails", 40), Duration::ZERO),
            (edit(Edit::Reword), minutes(6)),
        ],
        // History goes on while somebody stays behind.
        2 => {
            let rewords = (0..5).map(|_| (edit(Edit::Reword), minutes(7)));
            std::iter::once((edit(Edit::LoseFile), minutes(1))).chain(rewords).collect()
        }
        // A reference moves while the guardrail does not admit those who depend on it.
        3 => vec![
            (few(kind, "bedrock:PutResourcePolicy", 30), Duration::ZERO),
            (Event::Foreign(Foreign::DropGrant), minutes(1)),
            (edit(Edit::Reword), minutes(8)),
        ],
        11 | 13 => {
            let (operation, event) = one(random, &UNHEARD);
            vec![(few("ErrorAfter", operation, 1), Duration::ZERO), (event.clone(), minutes(7))]
        }
        // What AWS cannot prepare is worded otherwise.
        12 => vec![(few("Failed", "*", 2), Duration::ZERO), (edit(Edit::Reword), minutes(4))],
        // Much is given up at once, and somebody agrees.
        10 => vec![
            (Event::Nothing, minutes(1)),
            (edit(Edit::Absent), minutes(1)),
            (Event::Approve, minutes(2)),
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

/// Writes of whose answer nobody hears, and what they are needed after.
const UNHEARD: [(&str, Event); 9] = [
    ("bedrock:CreateGuardrail", Event::Nothing),
    ("bedrock:CreateGuardrailVersion", Event::Edit(Edit::Reword)),
    ("bedrock:UpdateGuardrail", Event::Edit(Edit::Reword)),
    ("bedrock:PutResourcePolicy", Event::Foreign(Foreign::DropGrant)),
    ("bedrock:PutEnforcedGuardrailConfiguration", Event::Foreign(Foreign::ReleaseSlot)),
    ("bedrock:PutEnforcedGuardrailConfiguration", Event::Edit(Edit::Reword)),
    ("organizations:AttachPolicy", Event::Foreign(Foreign::Detach)),
    ("organizations:CreatePolicy", Event::Foreign(Foreign::DeletePolicy)),
    ("organizations:UpdatePolicy", Event::Edit(Edit::Reword)),
];

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
        "Failed",
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

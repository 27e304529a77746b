//! A change of manifests or world, its undisturbed run, and the runs that something strikes.

use std::cell::RefCell;
use std::sync::Once;
use std::time::Duration;

use bedrail::reconcile::Intent;
use serde_json::Value;

use crate::same::{differences, without_generated};
use crate::stage::{Call, Process, RESYNC, Scene, Stage, Wanted};
use crate::strike::Strike;

/// How often it is looked whether everything is as wanted.
const TICK: Duration = Duration::from_secs(5);

/// Virtual time in which everything is put right.
const PATIENCE: Duration = Duration::from_hours(2);

/// How long a new process may take to say that there is nothing to do.
const PLANS_WITHIN: Duration = Duration::from_mins(2);

/// Three times everything is looked at.
const REST: Duration = RESYNC.saturating_mul(3).saturating_add(Duration::from_secs(30));

thread_local! {
    /// Panics of this thread's run: the controller survives its own.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From a scene to what is wanted then.
pub(crate) struct Change {
    pub(crate) name: &'static str,
    before: Scene,
    wanted: Wanted,
    /// The calls of the undisturbed run, until everything was as wanted.
    pub(crate) calls: Vec<Call>,
    took: Duration,
    expected: Value,
    after: Scene,
}

/// What becomes of a run that something strikes.
pub(crate) struct Run {
    /// From the start until everything was as wanted.
    took: Duration,
    /// Calls until then of the last process that converged.
    pub(crate) calls: usize,
}

/// Whether to look on after everything is as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Away,
    /// Three resyncs write nothing, and a new process finds nothing to do.
    On,
}

impl Change {
    /// Runs it undisturbed.
    pub(crate) fn run(name: &'static str, before: &Scene, wanted: Wanted) -> Self {
        Self::run_on(name, before, wanted, Duration::ZERO)
    }

    /// The same, with the calls of so much time at rest.
    pub(crate) fn run_on(
        name: &'static str,
        before: &Scene,
        wanted: Wanted,
        rest: Duration,
    ) -> Self {
        let undisturbed = async {
            let mut stage = Stage::enter(before, &wanted);
            let process = stage.start(Intent::Converge, None).await.unwrap();
            let (took, expected, length) = undisturbed(&stage, &process).await?;
            let after = stage.scene();
            let calls = if rest.is_zero() {
                stage.calls().await[..length].to_vec()
            } else {
                stage.pass(rest).await;
                stage.calls().await
            };
            let change = Self {
                name,
                before: before.clone(),
                wanted: wanted.clone(),
                calls,
                took,
                expected,
                after,
            };
            change.look(&mut stage, process, Look::On).await?;
            Ok(change)
        };
        let run: Result<Self, String> = on_a_paused_clock(undisturbed);
        run.unwrap_or_else(|wrong| panic!("{name}, undisturbed: {wrong}"))
    }

    /// The scene it leads to.
    pub(crate) fn after(&self) -> &Scene {
        &self.after
    }

    /// Whether the undisturbed run calls an operation.
    pub(crate) fn makes(&self, operation: &str) -> bool {
        self.calls.iter().any(|it| it.operation == operation)
    }

    /// How much longer a run took than the undisturbed one.
    pub(crate) fn lost_by(&self, run: &Run) -> Duration {
        run.took.saturating_sub(self.took)
    }

    /// Plays it while each of these strikes a process of its own, all but the last of which die of
    /// it. An error says what is wrong, with the calls.
    pub(crate) fn struck_by(&self, strikes: &[Strike], look: Look) -> Result<Run, String> {
        on_a_paused_clock(async {
            let mut stage = Stage::enter(&self.before, &self.wanted);
            let run = self.play(&mut stage, strikes, look).await;
            if std::env::var("BEDRAIL_STRIKES").is_ok() {
                for (index, call) in stage.calls().await.iter().enumerate() {
                    println!("{index:>5} {call}");
                }
            }
            run
        })
    }

    async fn play(&self, stage: &mut Stage, strikes: &[Strike], look: Look) -> Result<Run, String> {
        let mut strikes = strikes.iter().copied().peekable();
        let survivor = loop {
            let Some(strike) = strikes.next_if(|it| it.kind.is_crash()) else {
                break stage.start(Intent::Converge, strikes.next()).await;
            };
            let dying = stage.start(Intent::Converge, Some(strike)).await;
            if let Some(process) = &dying
                && !process.dies_within(stage, PATIENCE).await
            {
                return Err(format!("lives on, never made the call of {strike}"));
            }
            stage.replace(dying).await;
        };
        let Some(process) = survivor else { return Err("a fault killed a process".to_owned()) };
        let took = self.settled(stage, &process).await?;
        let calls = process.calls();
        self.look(stage, process, look).await?;
        Ok(Run { took, calls })
    }

    /// Waits until the world is the one that the undisturbed run led to, and the process says so.
    async fn settled(&self, stage: &Stage, process: &Process) -> Result<Duration, String> {
        loop {
            stage.pass(TICK).await;
            let unready = process.unready();
            let is_due = unready.is_empty() && process.is_over();
            let wrong = if is_due { self.differences(stage).await } else { Vec::new() };
            if is_due && wrong.is_empty() {
                return Ok(stage.now());
            }
            let violations = stage.violations();
            if stage.now() > PATIENCE || !violations.is_empty() {
                let wrong = [self.differences(stage).await, unready, violations].concat();
                return Err(format!(
                    "not as wanted after {:?}:\n  {}",
                    stage.now(),
                    wrong.join("\n  ")
                ));
            }
        }
    }

    /// Where the world is not what the undisturbed run led to.
    async fn differences(&self, stage: &Stage) -> Vec<String> {
        differences("", &self.expected, &without_generated(&stage.world().await))
    }

    /// Looks whether all is quiet from here on.
    async fn look(&self, stage: &mut Stage, process: Process, look: Look) -> Result<(), String> {
        let mut wrong = Vec::new();
        if look == Look::On {
            let from = stage.count();
            stage.pass(REST).await;
            wrong.extend(writes_since(stage, from, "a write at rest").await);
            wrong.extend(process.unready());
            wrong.extend(self.differences(stage).await);
            drop(process);
            wrong.extend(plan(stage).await);
        }
        wrong.extend(stage.violations());
        wrong.extend(PANICS.take().into_iter().map(|it| format!("a panic: {it}")));
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n  ")) }
    }
}

/// Lets a process work until nothing changes any more. Returns when everything was as it then
/// stayed, how that is, and how many calls led there.
async fn undisturbed(stage: &Stage, process: &Process) -> Result<(Duration, Value, usize), String> {
    let mut settled: Option<(Duration, Value, usize)> = None;
    let mut count = 0;
    loop {
        stage.pass(TICK).await;
        let unready = process.unready();
        let has_called = std::mem::replace(&mut count, stage.count()) != count;
        if !unready.is_empty() {
            settled = None;
        } else if has_called || settled.is_none() {
            let seen = without_generated(&stage.world().await);
            if settled.as_ref().is_none_or(|(_, world, _)| *world != seen) {
                settled = Some((stage.now(), seen, stage.count()));
            }
        }
        if let Some((at, ..)) = &settled
            && stage.now().saturating_sub(*at) > REST
        {
            return settled.ok_or_else(String::new);
        }
        if stage.now() > PATIENCE {
            return Err(format!("{unready:#?}\n{:#?}", stage.violations()));
        }
    }
}

async fn writes_since(stage: &Stage, from: usize, what: &str) -> Vec<String> {
    let calls = stage.calls().await;
    let writes = calls[from..].iter().filter(|it| it.is_write());
    writes.map(|it| format!("{what}: {it}")).collect()
}

/// What a new process that only looks finds to do.
async fn plan(stage: &mut Stage) -> Vec<String> {
    let from = stage.count();
    let Some(planner) = stage.start(Intent::Show, None).await else {
        return vec!["plan could not be started".to_owned()];
    };
    let until = stage.now() + PLANS_WITHIN;
    while stage.now() < until && !planner.unready().is_empty() {
        stage.pass(TICK).await;
    }
    let mut wrong = planner.unready();
    for (key, plan) in planner.controller.engine().plans() {
        if !plan.steps.is_empty() {
            wrong.push(format!("plan still has steps for {key}: {:?}", plan.steps));
        }
    }
    wrong.extend(writes_since(stage, from, "plan writes").await);
    wrong
}

/// What a person does in a scene; the scene after.
pub(crate) fn by_hand<F: Future<Output = ()>>(
    before: &Scene,
    wanted: &Wanted,
    hands: impl FnOnce(aws_config::SdkConfig) -> F,
) -> Scene {
    on_a_paused_clock(async {
        let stage = Stage::enter(before, wanted);
        hands(stage.by_hand()).await;
        // What takes effect by time does.
        stage.pass(Duration::from_mins(10)).await;
        stage.scene()
    })
}

fn on_a_paused_clock<T>(work: impl Future<Output = T>) -> T {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
            before(panic);
        }));
    });
    PANICS.take();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work)
}

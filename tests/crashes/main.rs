//! A process that dies, or an AWS that errs, at any single call leaves the same world.
//!
//! Three changes are swept: a first convergence, a new revision, and a teardown in its three steps;
//! [`scenarios`] adds more, which are only killed.
//! Each runs once undisturbed, which gives the world to reach and the calls that lead there. Then,
//! for every call in turn, a simulator of its own starts from the same world and:
//!
//! | sweep | at the call | then |
//! |---|---|---|
//! | kill | the call hangs after its effect; SIGKILL | a new process, with nothing kept, converges |
//! | throttle, error before, timeout | nothing happens | the same process converges |
//! | error after | its effect happens, its answer is lost | the same process converges |
//!
//! Killing before the effect of a call is killing after the one before it: nothing else is in
//! flight. Losing the answer of a read is the same as an error before it, so error-after is swept
//! over writes only.
//!
//! Kills come after every call, and every kind of fault strikes every write. What is left out for
//! the time it takes: a long rollout is killed after every write and one in five reads; of the reads, faults strike every third, one kind each; a plan is asked
//! for only after a kill at a write, since the world is compared after all of them.
//! `BEDRAIL_SWEEP=full` leaves out nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a trial that cannot be played fails its test by panicking"
)]
#![expect(clippy::print_stdout, reason = "how much was swept is the result of a sweep")]

#[path = "../support/same.rs"]
mod same;
mod scenarios;
mod service_controls;
mod trial;

use std::sync::Arc;

use bedrail::simulator::world::World;
use bedrail::simulator::{Clock, Scenario};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use same::{differences, without_generated};
use trial::{APPLY, PLAN, Trial};

/// Management and two members; statuses settle at once.
const ORGANIZATION: &str = r#"
organization: {id: o-exampleorg, rootId: r-test}
managementAccount: {id: "100000000001", name: management}
units:
  - {name: Workloads, id: ou-test-workload, accounts: [{id: "310000000001", name: shop}]}
  - {name: Sandbox, id: ou-test-sandbox0, accounts: [{id: "410000000001", name: ada}]}
switches: {ready_delay_ms: 5, effective_policy_delay_ms: 1, policy_type_delay_ms: 5}
"#;

/// Worlds that are played at once, over all sweeps. Most of a trial is waiting.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

/// What every sweep starts with.
static FIRST: OnceCell<(Arc<Change>, World)> = OnceCell::const_new();

/// Of the reads, each kind of fault strikes one in so many.
const STRIDE: u64 = 9;

/// The kinds of fault, and the first read each of them strikes: together they strike every third.
const KINDS: [(&str, u64); 4] = [("Throttle", 0), ("ErrorBefore", 3), ("Timeout", 6), (LOST, 0)];

/// The kind that differs from `ErrorBefore` for writes alone.
const LOST: &str = "ErrorAfter";

/// The deadline of a call where one is to time out. Longer than any answer takes on a busy
/// machine; one that takes longer is tried again, which only costs time.
const CALL_TIMEOUT: &str = "1s";

const PRESENT: &str = "Present";
const ABSENT: &str = "Absent";

fn content(word: &str) -> Value {
    json!({
        "blockedInputMessaging": "Blocked by policy.",
        "blockedOutputsMessaging": "Blocked by policy.",
        "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
    })
}

/// A guardrail, enforced on one unit by a policy and in one account by its configuration, each in
/// its state.
fn manifests(word: &str, [guardrail, policy, configuration]: [&str; 3]) -> String {
    let document = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "bedrail.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec,
        })
        .to_string()
    };
    let enforcement = |unit: &str, state: &str| {
        json!({
            "guardrail": "baseline", "state": state,
            "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": ["EMBEDDINGS"]},
            "targets": [{"organizationalUnit": unit}],
        })
    };
    let guardrail = json!({
        "regions": ["us-east-1"], "shareWith": "Organization", "state": guardrail,
        "content": content(word),
    });
    [
        document("Guardrail", "baseline", guardrail),
        document("OrganizationEnforcement", "workloads", enforcement("/Workloads", policy)),
        document("AccountEnforcement", "sandbox", enforcement("/Sandbox", configuration)),
    ]
    .join("\n---\n")
}

/// A change of the manifests: the world before, the world after, and the calls in between.
struct Change {
    name: &'static str,
    before: World,
    manifests: String,
    intent: Value,
    calls: Vec<String>,
    expected: Value,
}

impl Change {
    /// Runs it undisturbed. Returns it, and the world it leads to.
    async fn run(
        name: &'static str,
        before: World,
        manifests: String,
        intent: Value,
    ) -> (Arc<Self>, World) {
        let trial = Trial::start(before.clone(), &manifests, &intent).await;
        let applied = trial.finish(&APPLY).await;
        assert_eq!(applied.code, Some(0), "{name}: {applied}");
        let log = trial.get("calls/log").await;
        let expected = without_generated(&trial.get("world").await);
        let planned = trial.finish(&PLAN).await;
        assert_eq!(planned.code, Some(0), "{name}: {planned}");
        assert_eq!(trial.violations(), Vec::<String>::new(), "{name}");
        let calls = log["calls"].as_array().unwrap();
        let calls = calls.iter().map(|call| call["operation"].as_str().unwrap().to_owned());
        let calls = calls.collect();
        (Arc::new(Self { name, before, manifests, intent, calls, expected }), trial.world())
    }

    async fn first_convergence() -> (Arc<Self>, World) {
        FIRST.get_or_init(Self::run_first).await.clone()
    }

    /// A world in which nobody has done anything.
    fn empty() -> World {
        let scenario: Scenario = serde_yaml::from_str(ORGANIZATION).unwrap();
        scenario.build(1, Clock::system().now()).unwrap()
    }

    async fn run_first() -> (Arc<Self>, World) {
        let before = Self::empty();
        let intent = json!({"owner": "default", "content": {"baseline": content("heliotrope")}});
        let manifests = manifests("heliotrope", [PRESENT; 3]);
        Self::run("first convergence", before, manifests, intent).await
    }

    async fn revision() -> Arc<Self> {
        let (_, before) = Self::first_convergence().await;
        let (old, new) = (content("heliotrope"), content("amaranth"));
        let intent = json!({
            "owner": "default",
            "content": {"baseline": new},
            "orderedContents": {"baseline": [old, new]},
        });
        let manifests = manifests("amaranth", [PRESENT; 3]);
        Self::run("revision", before, manifests, intent).await.0
    }

    /// One enforcement, then the other, then the guardrail: one loss at a time, which needs nobody's
    /// approval.
    async fn teardown() -> Vec<Arc<Self>> {
        let (_, mut world) = Self::first_convergence().await;
        let intent = json!({
            "owner": "default",
            "content": {"baseline": content("heliotrope")},
            "removals": ["all"],
            "absent": ["baseline"],
        });
        let steps = [
            ("teardown in the account", [PRESENT, PRESENT, ABSENT]),
            ("teardown in the organization", [PRESENT, ABSENT, ABSENT]),
            ("teardown of the guardrail", [ABSENT, ABSENT, ABSENT]),
        ];
        let mut changes = Vec::new();
        for (name, states) in steps {
            let manifests = manifests("heliotrope", states);
            let (change, after) = Self::run(name, world, manifests, intent.clone()).await;
            world = after;
            changes.push(change);
        }
        changes
    }

    /// What differs now from the undisturbed run.
    async fn judge(&self, trial: &Trial) -> Result<(), String> {
        let mut wrong =
            differences("", &self.expected, &without_generated(&trial.get("world").await));
        wrong.extend(trial.violations());
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n  ")) }
    }

    /// The fault that strikes the call at a position. A write is told by its operation and how often
    /// that was called before, a read by its position alone: how often something is read again
    /// depends on time, so that positions shift, and the last ones may not come.
    fn strike(&self, kind: &str, position: u64) -> Value {
        let (Ok(passed), Some(call)) = (usize::try_from(position), self.call(position)) else {
            return json!({"kind": kind, "after": position});
        };
        if !is_write(call) {
            return json!({"kind": kind, "after": position});
        }
        let before = self.calls.iter().take(passed).filter(|earlier| *earlier == call).count();
        json!({"kind": kind, "operation": call, "after": before})
    }

    fn call(&self, position: u64) -> Option<&str> {
        let position = usize::try_from(position).ok()?;
        self.calls.get(position).map(String::as_str)
    }

    /// Kills the process at one call, and starts another.
    async fn killed_at(&self, position: u64) -> Result<Reach, String> {
        let trial = Trial::start(self.before.clone(), &self.manifests, &self.intent).await;
        let is_write = self.call(position).is_some_and(is_write);
        if !trial.apply_killed_at(self.strike("Latency", position)).await {
            self.judge(&trial).await?;
            return if is_write {
                Err("ended without that write".to_owned())
            } else {
                Ok(Reach::Not)
            };
        }
        let mut intent = self.intent.clone();
        intent["restarts"] = json!(1);
        trial.put("intent", &intent).await;
        let applied = trial.finish(&APPLY).await;
        if applied.code != Some(0) {
            return Err(format!("the second process did not converge: {applied}"));
        }
        self.judge(&trial).await?;
        if is_full() || is_write {
            let planned = trial.finish(&PLAN).await;
            if planned.code != Some(0) {
                return Err(format!("something is left: {planned}"));
            }
        }
        Ok(Reach::Came)
    }

    /// Lets one call go wrong.
    async fn struck_by(&self, fault: Value) -> Result<Reach, String> {
        let trial = Trial::start(self.before.clone(), &self.manifests, &self.intent).await;
        let times_out = fault["kind"] == "Timeout";
        let is_write = fault.get("operation").is_some();
        trial.arm(fault).await;
        let deadline = ["--call-timeout", CALL_TIMEOUT];
        let arguments: Vec<&str> =
            APPLY.into_iter().chain(deadline.into_iter().filter(|_| times_out)).collect();
        let applied = trial.finish(&arguments).await;
        let struck = trial.is_struck().await;
        if !struck && is_write {
            return Err("ended without that write".to_owned());
        }
        if applied.code != Some(0) {
            return Err(format!("did not converge: {applied}"));
        }
        self.judge(&trial).await?;
        Ok(if struck { Reach::Came } else { Reach::Not })
    }

    /// The position of every call, with its name.
    fn positions(&self) -> impl Iterator<Item = (u64, &str)> {
        (0..).zip(self.calls.iter().map(String::as_str))
    }

    /// The faults of one kind: at every write, and at the reads that are its turn.
    fn faults(&self, kind: &str, first: u64) -> Vec<(String, Value)> {
        self.positions()
            .filter(|(position, call)| {
                let its_turn = kind != LOST && (is_full() || position % STRIDE == first);
                is_write(call) || its_turn
            })
            .map(|(position, call)| {
                (format!("{kind} at {position}, {call}"), self.strike(kind, position))
            })
            .collect()
    }
}

/// Whether the call that was to go wrong was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Came,
    Not,
}

fn is_full() -> bool {
    std::env::var("BEDRAIL_SWEEP").is_ok_and(|how| how == "full")
}

fn is_write(call: &str) -> bool {
    let (service, operation) = call.split_once(':').unwrap();
    let is_read = ["List", "Get", "Describe"].iter().any(|prefix| operation.starts_with(prefix));
    service != "sts" && !is_read
}

/// Plays one trial per call, several at once, and fails with all that went wrong.
struct Sweep {
    trials: JoinSet<Result<Reach, String>>,
    count: usize,
}

impl Sweep {
    fn new() -> Self {
        Self { trials: JoinSet::new(), count: 0 }
    }

    fn add(
        &mut self,
        label: String,
        trial: impl Future<Output = Result<Reach, String>> + Send + 'static,
    ) {
        self.count += 1;
        self.trials.spawn(async move {
            let _place = AT_ONCE.acquire().await.unwrap();
            trial.await.map_err(|wrong| format!("{label}: {wrong}"))
        });
    }

    /// Waits for all, and returns how many calls were made and went wrong.
    async fn end(self) -> usize {
        let (good, wrong): (Vec<_>, Vec<_>) =
            self.trials.join_all().await.into_iter().partition(Result::is_ok);
        let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
        let shown: Vec<&str> = wrong.iter().take(5).map(String::as_str).collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), self.count, shown.join("\n"));
        let came = good.iter().filter(|reach| **reach == Ok(Reach::Came)).count();
        let missed = self.count - came;
        assert!(missed <= 2 + self.count / 10, "{missed} of {} calls did not come", self.count);
        came
    }
}

async fn sweep_kills(change: &Arc<Change>) {
    sweep_some_kills(change, 1).await;
}

/// Kills after every write, and after one in so many reads.
async fn sweep_some_kills(change: &Arc<Change>, stride: u64) {
    let mut sweep = Sweep::new();
    let is_swept =
        |(position, call): &(u64, &str)| is_full() || is_write(call) || position % stride == 0;
    for (position, call) in change.positions().filter(is_swept) {
        let label = format!("{}, killed at {position}, {call}", change.name);
        let change = Arc::clone(change);
        sweep.add(label, async move { change.killed_at(position).await });
    }
    println!("{}: {} kill points", change.name, sweep.end().await);
}

async fn sweep_faults(change: &Arc<Change>) {
    for (kind, first) in KINDS {
        let mut sweep = Sweep::new();
        for (label, fault) in change.faults(kind, first) {
            let label = format!("{}, {label}", change.name);
            let change = Arc::clone(change);
            sweep.add(label, async move { change.struck_by(fault).await });
        }
        println!("{}: {kind} at {} calls", change.name, sweep.end().await);
    }
}

/// The first call has no key that could be visited again.
#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_of_the_very_first_call_does_not_end_apply() {
    let (change, _) = Change::first_convergence().await;
    assert_eq!(change.calls[0], "sts:GetCallerIdentity");
    let struck = change.struck_by(json!({"kind": "Throttle", "after": 0})).await;
    assert_eq!(struck, Ok(Reach::Came));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_convergence_survives_a_kill_after_every_call() {
    sweep_kills(&Change::first_convergence().await.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_convergence_survives_a_fault_at_every_call() {
    sweep_faults(&Change::first_convergence().await.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_survives_a_kill_after_every_call() {
    sweep_kills(&Change::revision().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_survives_a_fault_at_every_call() {
    sweep_faults(&Change::revision().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_survives_a_kill_after_every_call() {
    for change in Change::teardown().await {
        sweep_kills(&change).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_survives_a_fault_at_every_call() {
    for change in Change::teardown().await {
        sweep_faults(&change).await;
    }
}

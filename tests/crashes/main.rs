//! A real process that SIGKILL ends at a call leaves the same world, and a journal that holds.
//!
//! `tests/sweeps` strikes every call of every change, in one thread: the controller is dropped there.
//! Here is what only a process can show: that nothing of it is left but AWS and its disk, that a
//! signal may come at any moment, and that the journal it leaves behind goes on.
//!
//! A first convergence and a new revision run once undisturbed, which gives the world to reach and the
//! calls that lead there. Then, for every write and one read in [`STRIDE`], a simulator of its own
//! starts from the same world; the call hangs after its effect; SIGKILL; a new process, with the
//! journal that the first one kept, converges. `BEDRAIL_SWEEP=full` kills at every read, too.

#![expect(
    clippy::unwrap_used,
    reason = "a trial that cannot be played fails its test by panicking"
)]
#![expect(clippy::print_stdout, reason = "how much was swept is the result of a sweep")]

#[path = "../support/same.rs"]
mod same;
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

/// Of the reads, one in so many.
const STRIDE: u64 = 12;

fn content(word: &str) -> Value {
    json!({
        "blockedInputMessaging": "Blocked by policy.",
        "blockedOutputsMessaging": "Blocked by policy.",
        "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
    })
}

/// A guardrail, enforced on one unit by a policy and in one account by its configuration.
fn manifests(word: &str) -> String {
    let document = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "bedrail.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec,
        })
        .to_string()
    };
    let enforcement = |unit: &str| {
        json!({
            "guardrail": "baseline",
            "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": ["EMBEDDINGS"]},
            "targets": [{"organizationalUnit": unit}],
        })
    };
    let guardrail = json!({
        "regions": ["us-east-1"], "shareWith": "Organization", "content": content(word),
    });
    [
        document("Guardrail", "baseline", guardrail),
        document("OrganizationEnforcement", "workloads", enforcement("/Workloads")),
        document("AccountEnforcement", "sandbox", enforcement("/Sandbox")),
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
        let manifests = manifests("heliotrope");
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
        let manifests = manifests("amaranth");
        Self::run("revision", before, manifests, intent).await.0
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
        let verified = trial.verify_journal().await;
        if verified.code != Some(0) {
            return Err(format!("the journal does not hold: {verified}"));
        }
        if is_full() || is_write {
            let planned = trial.finish(&PLAN).await;
            if planned.code != Some(0) {
                return Err(format!("something is left: {planned}"));
            }
        }
        Ok(Reach::Came)
    }

    /// Lets the very first call go wrong.
    async fn struck_first(&self, kind: &str) -> Result<Reach, String> {
        let trial = Trial::start(self.before.clone(), &self.manifests, &self.intent).await;
        trial.arm(json!({"kind": kind, "after": 0})).await;
        let applied = trial.finish(&APPLY).await;
        if applied.code != Some(0) {
            return Err(format!("did not converge: {applied}"));
        }
        self.judge(&trial).await?;
        Ok(if trial.is_struck().await { Reach::Came } else { Reach::Not })
    }

    /// The position of every call, with its name.
    fn positions(&self) -> impl Iterator<Item = (u64, &str)> {
        (0..).zip(self.calls.iter().map(String::as_str))
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

/// Kills after every write, and after one in so many reads.
async fn sweep_kills(change: &Arc<Change>) {
    let mut sweep = Sweep::new();
    let is_swept =
        |(position, call): &(u64, &str)| is_full() || is_write(call) || position % STRIDE == 0;
    for (position, call) in change.positions().filter(is_swept) {
        let label = format!("{}, killed at {position}, {call}", change.name);
        let change = Arc::clone(change);
        sweep.add(label, async move { change.killed_at(position).await });
    }
    println!("{}: {} kill points", change.name, sweep.end().await);
}

/// The first call has no key that could be visited again.
#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_of_the_very_first_call_does_not_end_apply() {
    let (change, _) = Change::first_convergence().await;
    assert_eq!(change.calls[0], "sts:GetCallerIdentity");
    assert_eq!(change.struck_first("Throttle").await, Ok(Reach::Came));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_convergence_survives_a_kill_after_every_write() {
    sweep_kills(&Change::first_convergence().await.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_survives_a_kill_after_every_write() {
    sweep_kills(&Change::revision().await).await;
}

//! A film of a world: how every call left it, in the order of the calls.
//!
//! Calls are let through one after another, so that a picture shows what its call did and nothing
//! else. What is in force is told from the pictures alone: from what the simulated AWS holds, by
//! nothing that the controller says.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use bedrail::simulator::Simulator;
use bedrail::simulator::world::World;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Words with which the names of reads begin.
pub(crate) const READS: [&str; 7] =
    ["Get", "List", "Describe", "AssumeRole", "Converse", "Apply", "Invoke"];

/// The world at one moment.
#[derive(Clone)]
struct Picture {
    world: World,
    /// Milliseconds since the epoch, on the simulator's clock.
    at: u64,
}

/// Where a place is protected from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// By the effective policy of the organization.
    Organization,
    /// By the enforced configuration of the account.
    Account,
}

/// A camera before a simulator.
pub(crate) struct Film {
    simulator: Arc<Simulator>,
    /// The first shows the world before the first call since the last cut.
    pictures: Mutex<Vec<Picture>>,
}

impl Film {
    pub(crate) fn new(simulator: Arc<Simulator>) -> Self {
        let pictures = Mutex::new(vec![picture(&simulator)]);
        Self { simulator, pictures }
    }

    /// Serves the simulator until `stop`, one call at a time, and takes a picture after each.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let router = Router::new().fallback(filmed).with_state(self);
        axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
    }

    /// Whether every effective policy is what the last write led to.
    pub(crate) fn is_settled(&self) -> bool {
        let Picture { world, at } = picture(&self.simulator);
        let organization = &world.organization;
        let effective = |account: &str, when| organization.effective_bedrock(account, when);
        organization.accounts().all(|it| effective(it, at) == effective(it, u64::MAX))
    }

    /// What was filmed since the last cut, with the simulator's log of the same calls.
    pub(crate) async fn cut(&self, log: &Value) -> Footage {
        let mut pictures = self.pictures.lock().await;
        let last = picture(&self.simulator);
        let mut taken = std::mem::replace(&mut *pictures, vec![last.clone()]);
        let calls = log["calls"].as_array().unwrap();
        assert_eq!(taken.len(), calls.len() + 1, "a picture before the first call and after each");
        taken.push(last);
        let ours = calls.iter().filter(|call| call["isController"] == true);
        let account = |call: &Value| call["account"].as_str().unwrap_or_default().to_owned();
        Footage {
            pictures: taken,
            asked: ours.clone().map(account).collect(),
            writes: ours.filter_map(Write::of).collect(),
        }
    }
}

fn picture(simulator: &Simulator) -> Picture {
    Picture { world: simulator.world(), at: simulator.clock().now() }
}

async fn filmed(State(film): State<Arc<Film>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut pictures = film.pictures.lock().await;
    let response = film.simulator.handle(Request::from_parts(head, body)).await;
    pictures.push(picture(&film.simulator));
    response.map(Body::from)
}

/// A call that changed something.
struct Write {
    /// Without the service: `PutResourcePolicy`.
    operation: String,
    /// Whose credentials made it.
    account: String,
    /// Where; `None` for what the whole organization has once.
    region: Option<String>,
}

impl Write {
    fn of(call: &Value) -> Option<Self> {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let name = text("operation");
        let (service, operation) = name.split_once(':').unwrap();
        let is_read = READS.iter().any(|read| operation.starts_with(read));
        let is_write = call["code"].is_null() && !is_read;
        is_write.then(|| Self {
            operation: operation.to_owned(),
            account: text("account"),
            region: (service == "bedrock").then(|| text("region")),
        })
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, account, region } = self;
        write!(f, "{operation} {account} {}", region.as_deref().unwrap_or("-"))
    }
}

/// A piece of film.
pub(crate) struct Footage {
    pictures: Vec<Picture>,
    /// Accounts in which the controller called anything.
    asked: BTreeSet<String>,
    writes: Vec<Write>,
}

impl Footage {
    /// Everything that was ever in force at a place on one level, in order, each for as long as it
    /// lasted: `-` for nothing, `baseline:1` for a version that is READY and that the account may
    /// use, and more words where it is not so.
    ///
    /// An effective policy changes some time after the write that changes it. The order in which
    /// states follow is that of the writes; that nothing else was in force in between is checked.
    pub(crate) fn under(&self, level: Level, place: (&str, &str)) -> Vec<String> {
        let outcomes = dedup(self.pictures.iter().map(|it| it.in_force(level, place, u64::MAX)));
        let moments = dedup(self.pictures.iter().map(|it| it.in_force(level, place, it.at)));
        let mut ahead = outcomes.iter();
        let is_in_order = moments.iter().all(|moment| ahead.any(|outcome| outcome == moment));
        assert!(
            is_in_order,
            "{place:?}: {moments:?} were in force, where writes led to {outcomes:?}"
        );
        outcomes
    }

    /// Whether the controller called anything in an account.
    pub(crate) fn is_asked(&self, account: &str) -> bool {
        self.asked.contains(account)
    }

    /// Fails unless an operation was called in exactly these accounts.
    pub(crate) fn assert_written_from(&self, operation: &str, accounts: &[&str]) {
        let calls = self.writes.iter().filter(|write| write.operation == operation);
        let found: BTreeSet<&str> = calls.map(|write| write.account.as_str()).collect();
        assert_eq!(found, accounts.iter().copied().collect(), "{operation}\n{self}");
    }

    /// Fails unless every one of these operations was called, and within a Region all calls of one
    /// before any of the next. What the organization has once comes before or after every Region.
    pub(crate) fn assert_order(&self, operations: &[&str]) {
        for pair in operations.windows(2) {
            let [earlier, later] = pair else { continue };
            let calls = |name: &str| -> Vec<(usize, &Write)> {
                let all = self.writes.iter().enumerate();
                all.filter(|(_, write)| write.operation == name).collect()
            };
            let (earlier_calls, later_calls) = (calls(earlier), calls(later));
            assert!(!earlier_calls.is_empty(), "{earlier} was never called\n{self}");
            assert!(!later_calls.is_empty(), "{later} was never called\n{self}");
            for (before, one) in &earlier_calls {
                for (after, other) in &later_calls {
                    let is_elsewhere = one.region != other.region
                        && one.region.is_some()
                        && other.region.is_some();
                    assert!(is_elsewhere || before < after, "{other} came before {one}\n{self}");
                }
            }
        }
    }

    /// Fails unless exactly these operations were called, however often.
    pub(crate) fn assert_only(&self, operations: &[&str]) {
        let called: BTreeSet<&str> = self.writes.iter().map(|it| it.operation.as_str()).collect();
        assert_eq!(called, operations.iter().copied().collect(), "\n{self}");
    }
}

impl fmt::Display for Footage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "--- writes")?;
        self.writes.iter().try_for_each(|write| writeln!(f, "{write}"))
    }
}

fn dedup(states: impl Iterator<Item = String>) -> Vec<String> {
    let mut states: Vec<String> = states.collect();
    states.dedup();
    states
}

impl Picture {
    /// What is in force at a place on one level, as far as changes have taken effect by `when`.
    fn in_force(&self, level: Level, (account, region): (&str, &str), when: u64) -> String {
        let reference = match level {
            Level::Account => {
                let regional = self.world.regional(account, region);
                let enforced = regional.and_then(|regional| regional.enforced());
                enforced.map(|it| (it.guardrail.clone(), it.version.to_string()))
            }
            Level::Organization => {
                let policy = self.world.organization.effective_bedrock(account, when);
                let blocks =
                    policy.as_ref().and_then(|it| it.pointer("/bedrock/guardrail_inference"));
                let named = blocks.and_then(|it| it[region].pointer("/config_1/identifier"));
                let named = named.and_then(Value::as_str).and_then(|it| it.rsplit_once(':'));
                named.map(|(arn, version)| (arn.to_owned(), version.to_owned()))
            }
        };
        reference
            .map_or_else(|| "-".to_owned(), |(arn, version)| self.named(account, &arn, &version))
    }

    fn named(&self, account: &str, arn: &str, version: &str) -> String {
        let parts: Vec<&str> = arn.split(':').collect();
        let [_, _, _, region, owner, _] = parts.as_slice() else {
            return format!("{arn}:{version} (no guardrail)");
        };
        let Some(regional) = self.world.regional(owner, region) else {
            return format!("{arn}:{version} (nowhere)");
        };
        let Some(guardrail) = regional.guardrails().find(|it| it.arn() == arn) else {
            return format!("{arn}:{version} (not there)");
        };
        let status = guardrail.status(version.parse().ok(), self.at, &self.world.switches);
        let is_admitted = *owner == account || regional.resource_policy(arn).is_some();
        let name = format!("{}:{version}", guardrail.name());
        match (status, is_admitted) {
            (Some("READY"), true) => name,
            (Some("READY"), false) => format!("{name} (not shared)"),
            (status, _) => format!("{name} ({status:?})"),
        }
    }
}

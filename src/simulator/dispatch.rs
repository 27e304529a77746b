//! One call through caller, faults, admission, service and referee.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::call::{Answer, Call, Caller, Failure, Millis, Service};
use super::events::{Queue, record};
use super::faults::{Effect, Faults, is_pure_read, throttled};
use super::history::{Calls, Past};
use super::referee::Referee;
use super::throttle::Buckets;
use super::wire::Decoded;
use super::world::World;
use super::{bedrock, identity, organization, runtime, topics};
use crate::simulator::switches::Throttle;

/// Items of a page of Organizations when nothing else is said.
const PAGE_MAX: usize = 20;

/// Everything that changes: the world and what is kept about it.
#[derive(Debug)]
pub(super) struct State {
    world: World,
    faults: Faults,
    calls: Calls,
    past: Past,
    buckets: Buckets,
    referee: Referee,
    events: Queue,
    seed: u64,
    requests: u64,
}

impl State {
    pub(super) fn new(world: World, seed: u64) -> Self {
        Self {
            world,
            faults: Faults::default(),
            calls: Calls::default(),
            past: Past::default(),
            buckets: Buckets::default(),
            referee: Referee::default(),
            events: Queue::default(),
            seed,
            requests: 0,
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    pub(super) fn referee(&self) -> &Referee {
        &self.referee
    }

    /// Tells the referee what is intended from now on.
    pub(super) fn intend(&mut self, intent: Value) {
        self.referee.set_intent(&self.world, intent);
    }

    pub(super) fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    pub(super) fn calls_mut(&mut self) -> &mut Calls {
        &mut self.calls
    }

    /// The queue of events.
    pub(super) fn events_mut(&mut self) -> &mut Queue {
        &mut self.events
    }

    /// A request id, in the form of a UUID, equal in equal histories.
    pub(super) fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("{:08x}-0000-4000-8000-{:012x}", self.seed & 0xffff_ffff, self.requests)
    }

    /// Answers one call, and says for how long the answer is held back.
    pub(super) fn answer(&mut self, decoded: Decoded, at: Millis) -> (Answer, Duration) {
        self.world.organization.settle(at);
        let decoded = paged(decoded, self.world.switches.page_items_max);
        let (caller, expires) = self.caller(&decoded.access_key);
        let call = Call {
            service: decoded.service,
            operation: decoded.operation,
            caller,
            region: decoded.region,
            labels: decoded.labels,
            query: decoded.query,
            headers: decoded.headers,
            body: decoded.body,
            at,
            is_controller: decoded.is_controller,
            ends_failed: false,
        };
        let strike = self.faults.strike(&call);
        let answer = if expires.is_some_and(|expires| expires <= at) {
            Err(expired(call.service))
        } else {
            match strike.effect {
                Effect::None => self.run(&call),
                Effect::Instead(failure) => Err(failure),
                // A call that fails by itself shows its own failure.
                Effect::After(failure) => self.run(&call).and(Err(failure)),
                Effect::Stale(age) => self.run_stale(&call, age),
                Effect::Fails => self.run(&Call { ends_failed: true, ..call.clone() }),
            }
        };
        if call.is_controller && !is_write(&call) {
            self.referee.saw(&call, &answer);
        }
        if is_write(&call)
            && let Some(record) = record(&call, &answer, self.requests)
        {
            self.events.send(record.to_string(), at);
        }
        self.calls.record(&call, &answer);
        (answer, Duration::from_millis(strike.hold_ms))
    }

    /// Issued keys stand for their session, and expire; any other key stands for the management
    /// account.
    fn caller(&self, access_key: &str) -> (Caller, Option<Millis>) {
        if let Some(session) = self.world.identity.session(access_key) {
            return (session.caller.clone(), Some(session.expires));
        }
        let account = self.world.organization.management().to_owned();
        let arn = format!("arn:{}:iam::{account}:user/administrator", self.world.partition);
        (Caller { account, arn, role: None }, None)
    }

    fn run(&mut self, call: &Call) -> Answer {
        admit(&self.world, call)?;
        if self.world.switches.throttle == Throttle::Documented && !self.buckets.take(call) {
            return Err(throttled(call.service));
        }
        if !is_write(call) {
            return route(&mut self.world, call);
        }
        let before = Arc::new(self.world.clone());
        let answer = route(&mut self.world, call);
        if call.is_controller {
            self.referee.judge(&before, &self.world, call, &answer);
        }
        if answer.is_ok() {
            self.past.keep(call.at, before);
        }
        answer
    }

    /// Answers from the world of `age` ago, of which nothing is kept.
    fn run_stale(&mut self, call: &Call, age: u64) -> Answer {
        let then = call.at.saturating_sub(age);
        let Some(past) = self.past.at(then) else { return self.run(call) };
        let mut world = past.clone();
        world.organization.settle(then);
        let call = Call { at: then, ..call.clone() };
        admit(&world, &call)?;
        route(&mut world, &call)
    }
}

/// The request as one for pages of `most` items.
fn paged(mut decoded: Decoded, most: usize) -> Decoded {
    let is_list = decoded.operation.starts_with("List");
    match decoded.service {
        Service::Organizations if is_list && most < PAGE_MAX => {
            let asked = decoded.body.get("MaxResults").and_then(Value::as_u64);
            let asked = asked.and_then(|asked| usize::try_from(asked).ok());
            decoded.body["MaxResults"] = asked.unwrap_or(PAGE_MAX).min(most).into();
        }
        Service::Bedrock => {
            let asked = decoded.query.get_mut("maxResults").and_then(|values| values.first_mut());
            if let Some(asked) = asked
                && asked.parse().is_ok_and(|asked: usize| asked > most)
            {
                *asked = most.to_string();
            }
        }
        Service::Organizations
        | Service::BedrockRuntime
        | Service::Sts
        | Service::Iam
        | Service::Sns => {}
    }
    decoded
}

fn route(world: &mut World, call: &Call) -> Answer {
    match call.service {
        Service::Bedrock => bedrock::handle(world, call),
        Service::BedrockRuntime => runtime::handle(world, call),
        Service::Organizations => organization::handle(world, call),
        Service::Sts => identity::handle(world, call),
        Service::Iam => identity::handle_iam(world, call),
        Service::Sns => topics::handle(world, call),
    }
}

/// What every service refuses before it looks at the operation.
fn admit(world: &World, call: &Call) -> Result<(), Failure> {
    let account = &call.caller.account;
    if call.service != Service::Organizations
        && !world.organization.is_region_enabled(account, &call.region)
    {
        let message = format!("{} is not enabled in {account}", call.region);
        return Err(match call.service {
            Service::Sts => Failure::new("RegionDisabledException", 403, message),
            Service::Iam => Failure::new("InvalidClientTokenId", 403, message),
            Service::Bedrock | Service::BedrockRuntime | Service::Organizations | Service::Sns => {
                Failure::new(
                    "UnrecognizedClientException",
                    403,
                    "The security token included in the request is invalid.",
                )
            }
        });
    }
    let is_bedrock = matches!(call.service, Service::Bedrock | Service::BedrockRuntime);
    if is_bedrock && !world.organization.is_active(account) {
        return Err(Failure::new(
            "AccessDeniedException",
            403,
            format!("The account {account} is not active."),
        ));
    }
    Ok(())
}

fn is_write(call: &Call) -> bool {
    match call.service {
        Service::Bedrock | Service::Organizations | Service::Iam => !is_pure_read(call),
        Service::BedrockRuntime | Service::Sts | Service::Sns => false,
    }
}

fn expired(service: Service) -> Failure {
    let status = match service {
        Service::Bedrock | Service::BedrockRuntime | Service::Iam | Service::Sns => 403,
        Service::Organizations | Service::Sts => 400,
    };
    let code = if service == Service::Iam { "ExpiredToken" } else { "ExpiredTokenException" };
    Failure::new(code, status, "The security token included in the request is expired")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::simulator::referee::{Violation, Write};
    use crate::simulator::scenario::Scenario;

    fn units(world: &World) -> usize {
        world.organization.tree.units.len()
    }

    /// A rule that reports every write it sees, with the units before and after.
    fn report(write: &Write<'_>) -> Vec<Violation> {
        vec![Violation {
            invariant: "test".to_owned(),
            operation: write.call.name(),
            account: write.call.caller.account.clone(),
            region: write.call.region.clone(),
            detail: format!("{} -> {}", units(write.before), units(write.after)),
        }]
    }

    fn state() -> State {
        let world = Scenario::generate(2, 1, 1).build(1, 0).unwrap();
        let referee = Referee::with_rules(&[report]);
        State { referee, ..State::new(world, 1) }
    }

    fn call(state: &mut State, operation: &'static str, is_controller: bool) -> Answer {
        let root = state.world.organization.tree.root.clone();
        let decoded = Decoded {
            service: Service::Organizations,
            operation,
            region: "us-east-1".to_owned(),
            access_key: "any".to_owned(),
            labels: Vec::new(),
            query: BTreeMap::new(),
            headers: BTreeMap::new(),
            body: json!({"ParentId": root, "Name": "new"}),
            is_controller,
        };
        state.answer(decoded, 0).0
    }

    #[test]
    fn referee_sees_the_world_just_before_and_after_each_controller_write() {
        let mut state = state();
        call(&mut state, "CreateOrganizationalUnit", true).unwrap();
        call(&mut state, "CreateOrganizationalUnit", true).unwrap_err();
        let details: Vec<&str> =
            state.referee.violations().iter().map(|found| found.detail.as_str()).collect();
        assert_eq!(details, ["1 -> 2", "2 -> 2"]);
        assert_eq!(
            state.referee.violations()[0].operation,
            "organizations:CreateOrganizationalUnit"
        );
    }

    #[test]
    fn referee_sees_neither_reads_nor_foreign_writes() {
        let mut state = state();
        call(&mut state, "ListRoots", true).unwrap();
        call(&mut state, "CreateOrganizationalUnit", false).unwrap();
        assert!(state.referee.violations().is_empty());
    }
}

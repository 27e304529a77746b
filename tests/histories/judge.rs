//! The end of a history: faults stop, and what must become true then does, within bounds.
//!
//! | must be so | bound |
//! |---|---|
//! | live equals desired, nothing is held, refused or failing | [`PATIENCE`], [`CALLS_MAX`] |
//! | who says that all is ready tells the truth | from two resyncs after the last change on |
//! | three resyncs after the last write or change, nothing was written | |
//! | a new process that only plans finds nothing to do | |
//! | the referee, the [checker](crate::checker) and the panic hook saw nothing | all the time |

use std::time::Duration;

use bedrail::model::GuardrailArn;
use bedrail::reconcile::{Intent, Key};
use bedrail::status::Phase;
use serde_json::Value;

use crate::play::Play;
use crate::setting::MANAGEMENT;
use crate::text::{Enforcement, Level, home, is_content};
use crate::world::{RESYNC, Running};

/// Virtual time in which everything is put right. The longest wait there is: for an hour after the
/// last write of another instance, nothing is taken away.
const PATIENCE: Duration = Duration::from_hours(3);

/// Calls in which everything is put right.
const CALLS_MAX: usize = 40_000;

/// Time in which nothing is written once all is as wanted: three resyncs.
const REST: Duration = Duration::from_secs(3 * RESYNC.as_secs() + 30);

/// `arn:aws:bedrock:us-east-1:1:guardrail/abc:3` as ARN and version.
fn reference(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once(':')
}

impl Play {
    /// Plays the end; what is wrong is in `wrong`.
    pub(crate) async fn end(&mut self) {
        self.calm().await;
        if self.running.is_none() {
            self.wrong.push("no controller could be started without faults".to_owned());
            return;
        }
        // What AWS does not let go is tried again and again.
        if !self.converges().await || !self.stuck().await.is_empty() {
            return;
        }
        // It rests since it wrote last, and most of that time is over when it is known to be done.
        let last = self.world.trace.last_write().unwrap_or_default().max(self.disturbed_at);
        let rested = self.world.clock.now().saturating_sub(last);
        let from = self.world.trace.len();
        self.world.pass(REST.saturating_sub(rested)).await;
        let writes = self.world.trace.writes(from);
        if !writes.is_empty() {
            self.wrong.push(format!("writes at rest: {writes:#?}"));
        }
        self.plan().await;
    }

    /// Who says that all is ready tells the truth, while calls go wrong as well.
    pub(crate) async fn honest(&mut self) {
        let since = self.world.clock.now().saturating_sub(self.disturbed_at);
        let Some(running) = &self.running else { return };
        if since <= 2 * RESYNC + Duration::from_mins(1) || !unready(running).is_empty() {
            return;
        }
        let missing = self.missing().await;
        if !missing.is_empty() {
            self.wrong.push(format!("says that all is ready meanwhile, but: {missing:#?}"));
        }
    }

    async fn converges(&mut self) -> bool {
        let began = self.world.clock.now();
        let first = self.world.trace.len();
        loop {
            self.approve().await;
            self.reword_failed().await;
            self.world.pass(Duration::from_mins(1)).await;
            let stuck = self.stuck().await;
            let is_stuck = |line: &String| stuck.iter().any(|name| line.contains(name.as_str()));
            let mut missing = self.missing().await;
            missing.retain(|line| !is_stuck(line));
            let mut unready = self.running.as_ref().map(unready).unwrap_or_default();
            unready.retain(|line| !(is_stuck(line) && line.contains("InUse")));
            unready.retain(|line| !self.waits_for_a_person(line));
            // By then every key was looked at again; what nobody was told of is seen at last.
            let since = self.world.clock.now().saturating_sub(self.disturbed_at);
            let is_seen = since > 2 * RESYNC + Duration::from_mins(1);
            if missing.is_empty() && unready.is_empty() && is_seen {
                return true;
            }
            if unready.is_empty() && is_seen {
                self.wrong.push(format!("says that all is ready, but: {missing:#?}"));
                return false;
            }
            let took = self.world.clock.now().saturating_sub(began);
            let calls = self.world.trace.len() - first;
            if took > PATIENCE || calls > CALLS_MAX {
                self.wrong.push(format!(
                    "not converged after {took:?} and {calls} calls\n  missing: {missing:#?}\n  not \
                     ready: {unready:#?}"
                ));
                return false;
            }
        }
    }

    /// What AWS cannot prepare waits for a person, who words it otherwise.
    async fn reword_failed(&mut self) {
        let lines = self.running.as_ref().map(unready).unwrap_or_default();
        let is_failed = |name: &str| {
            let of_it = format!("guardrail {name} in ");
            lines.iter().any(|line| line.starts_with(&of_it) && line.contains("(\"Failed\""))
        };
        let mut text = self.text.clone();
        let mut is_reworded = false;
        for guardrail in text.guardrails.iter_mut().filter(|it| is_failed(&it.name)) {
            guardrail.reword(0);
            is_reworded = true;
        }
        if is_reworded {
            self.reach("a person rewords what AWS could not prepare");
            self.accept(text).await;
            self.disturbed();
        }
    }

    /// Guardrails that are to go and that a closed account has in force: nobody can change anything
    /// there any more.
    pub(crate) async fn stuck(&self) -> Vec<String> {
        let seen = self.world.get("world").await;
        let is_closed = |place: &str| {
            place.split_once('/').is_some_and(|(it, _)| seen["accounts"][it]["state"] != "ACTIVE")
        };
        let places = seen["bedrock"].as_object().unwrap().iter();
        let held: Vec<&str> = places
            .filter(|(place, _)| is_closed(place))
            .filter_map(|(_, regional)| reference(regional["enforced"]["guardrail"].as_str()?))
            .map(|(arn, _)| arn)
            .collect();
        let is_held = |name: &str, region: &String| {
            let listed = seen["bedrock"][home(region)]["guardrails"].as_array();
            listed.into_iter().flatten().any(|it| {
                it["tags"]["bedrail:guardrail"] == name
                    && it["arn"].as_str().is_some_and(|arn| held.contains(&arn))
            })
        };
        let absent = self.text.guardrails.iter().filter(|it| it.is_absent);
        absent
            .filter(|it| self.regions.iter().any(|region| is_held(&it.name, region)))
            .map(|it| format!("{} ", it.name))
            .collect()
    }

    /// What is not in force as the text has it.
    pub(crate) async fn missing(&self) -> Vec<String> {
        let seen = self.world.get("world").await;
        let mut wrong = Vec::new();
        for (account, described) in seen["accounts"].as_object().unwrap() {
            if described["state"] != "ACTIVE" {
                continue;
            }
            let lineage = lineage(&seen, account);
            for region in &self.regions {
                let place = format!("{account}/{region}");
                let slot = seen["bedrock"][&place]["enforced"]["guardrail"].as_str();
                let wanted = self.text.wanted(Level::Account, &lineage, region);
                match wanted {
                    Some(wanted) => wrong.extend(self.differs(&seen, &place, wanted, slot)),
                    None => wrong.extend(self.lingers(&place, &lineage, Level::Account, slot)),
                }
                let effective = described
                    .pointer(&format!(
                        "/effectiveBedrockPolicy/bedrock/guardrail_inference/{region}/config_1/identifier"
                    ))
                    .and_then(Value::as_str);
                match self.text.wanted(Level::Organization, &lineage, region) {
                    // The nearer one stays in force, and the status calls it orphaned.
                    Some(wanted) if self.text.is_bent_by_an_orphan(wanted, &lineage) => {}
                    Some(wanted) => wrong.extend(self.differs(&seen, &place, wanted, effective)),
                    None => {
                        wrong.extend(self.lingers(
                            &place,
                            &lineage,
                            Level::Organization,
                            effective,
                        ));
                    }
                }
            }
        }
        for guardrail in self.text.guardrails.iter().filter(|it| !it.is_absent) {
            for region in &guardrail.regions {
                wrong.extend(not_shared(&seen, &guardrail.name, region));
            }
        }
        let is_left_behind = self.has_lost_file || !self.moved.is_empty();
        for guardrail in self.text.guardrails.iter().filter(|it| it.is_absent) {
            for region in &self.regions {
                let listed = seen["bedrock"][home(region)]["guardrails"].as_array();
                let is_it =
                    |it: &&Value| it["tags"]["bedrail:guardrail"] == guardrail.name.as_str();
                if !is_left_behind && listed.into_iter().flatten().any(|it| is_it(&it)) {
                    wrong.push(format!("{} is still in {region}", guardrail.name));
                }
            }
        }
        wrong
    }

    /// Why what a place refers to is not what it is to have.
    fn differs(
        &self,
        seen: &Value,
        place: &str,
        wanted: &Enforcement,
        live: Option<&str>,
    ) -> Option<String> {
        let guardrail = &self.text.guardrails[wanted.guardrail];
        let Some((arn, version)) = live.and_then(reference) else {
            return Some(format!("{place} has no {}", guardrail.name));
        };
        let (_, region) = place.split_once('/').unwrap();
        let listed = seen["bedrock"][home(region)]["guardrails"].as_array();
        let found = listed.into_iter().flatten().find(|it| it["arn"] == arn);
        let Some(found) = found else {
            return Some(format!("{place} has {arn}, which is not there"));
        };
        if found["tags"]["bedrail:guardrail"] != guardrail.name.as_str() {
            return Some(format!("{place} has {} for {}", found["name"], guardrail.name));
        }
        let content = &found["versions"][version]["content"];
        let messages = &seen["bedrock"][place]["enforced"]["selectiveContentGuarding"]["messages"];
        let is_selective = *messages == "SELECTIVE";
        if wanted.level == Level::Account && is_selective != wanted.is_selective {
            return Some(format!("{place} guards {messages}"));
        }
        let is_true = is_content(content, guardrail.now());
        (!is_true).then(|| format!("{place} has version {version} with {content}"))
    }

    /// Something that the text gave up and that is still there, where it is plain that it must go.
    fn lingers(
        &self,
        place: &str,
        lineage: &[String],
        level: Level,
        live: Option<&str>,
    ) -> Option<String> {
        let live = live?;
        let (_, region) = place.split_once('/')?;
        if self.has_lost_file || self.moved.contains(&lineage[0]) {
            return None;
        }
        // What a stranger put in force there is the stranger's.
        let is_foreign = |arn: GuardrailArn| arn.account.as_str() != MANAGEMENT;
        if reference(live).is_some_and(|(arn, _)| arn.parse().is_ok_and(is_foreign)) {
            return None;
        }
        let gave_up = self.text.released.iter().any(|(name, target, given)| {
            let enforcement = self.text.enforcements.iter().find(|it| it.name == *name);
            given == region
                && lineage.contains(target)
                && enforcement.is_some_and(|it| it.level == level)
        });
        gave_up.then(|| format!("{place} still has {live}"))
    }

    /// Whether a key that is not ready waits for a person: to put a file back, or to say what becomes
    /// of what an account that moved away still has in force.
    fn waits_for_a_person(&self, line: &str) -> bool {
        let is_left_behind = self.has_lost_file || !self.moved.is_empty();
        self.has_lost_file && line.contains("(\"Orphaned\"")
            || is_left_behind && line.contains("(\"Referenced\"")
    }

    /// A new process that only looks.
    async fn plan(&mut self) {
        let manifests = self.text.manifests();
        self.running = None;
        let planner = self.world.start("default", Intent::Show, Some(manifests)).await;
        let Some(planner) = planner else {
            self.wrong.push("plan could not be started".to_owned());
            return;
        };
        let from = self.world.trace.len();
        self.world.pass(Duration::from_mins(2)).await;
        for (key, plan) in planner.controller.engine().plans() {
            if !plan.steps.is_empty() {
                self.wrong.push(format!("plan still has steps for {key}: {:?}", plan.steps));
            }
        }
        let summary = planner.controller.engine().summary();
        let is_done = summary.failed + summary.held + summary.refused == 0;
        let mut unready = unready(&planner);
        unready.retain(|line| !self.waits_for_a_person(line));
        // What nobody refers to any more, since an account is gone, waits for the daily full read.
        let is_collected_later = |line: &String| line.contains("deleting version");
        unready.retain(|line| self.moved.is_empty() || !is_collected_later(line));
        if !is_done && !unready.is_empty() {
            self.wrong.push(format!("plan is not done: {unready:#?}"));
        }
        let writes = self.world.trace.writes(from);
        if !writes.is_empty() {
            self.wrong.push(format!("plan writes: {writes:#?}"));
        }
    }
}

/// A guardrail that does not admit the organization.
fn not_shared(seen: &Value, name: &str, region: &str) -> Option<String> {
    let home = &seen["bedrock"][home(region)];
    let mut listed = home["guardrails"].as_array()?.iter();
    let found = listed.find(|it| it["tags"]["bedrail:guardrail"] == name)?;
    let policy = &home["resourcePolicies"][found["arn"].as_str()?];
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let admits = |it: &Value| {
        it.pointer("/Condition/StringEquals/aws:PrincipalOrgID").is_some() && it["Principal"] == "*"
    };
    let is_shared = statements.into_iter().any(admits);
    (!is_shared).then(|| format!("{name} in {region} is shared with nobody: {policy}"))
}

/// The account and what it is below of, the root last.
pub(crate) fn lineage(seen: &Value, account: &str) -> Vec<String> {
    let mut lineage = vec![account.to_owned()];
    let mut parent = seen["accounts"][account]["parent"].as_str();
    while let Some(node) = parent {
        lineage.push(node.to_owned());
        parent = seen["units"][node]["parent"].as_str();
    }
    lineage
}

/// The keys that do not say that they are in sync, and why.
fn unready(running: &Running) -> Vec<String> {
    let engine = running.controller.engine();
    let outcomes = engine.outcomes();
    let mut wrong: Vec<String> = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.phase() != Phase::InSync)
        .map(|(key, outcome)| format!("{key}: {:?} {:?}", outcome.phase(), outcome.why()))
        .collect();
    let is_unseen = |key: &Key| !outcomes.contains_key(key);
    wrong.extend(engine.keys().iter().filter(|it| is_unseen(it)).map(|it| format!("{it}: unseen")));
    wrong.extend(engine.desired().refusals.iter().map(|it| format!("refused: {it}")));
    wrong
}

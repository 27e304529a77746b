//! What becomes of processes beside dying: they are told to stop, stand still, have another clock or
//! a disk that is not as they left it.

use std::time::Duration;

use bedrail::reconcile::Intent;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::disk::{Disk, LEFT, Left};
use crate::play::Play;
use crate::setting::one;
use crate::spoiler::Spoil;
use crate::world::{Kind, LATENCY, RESYNC};

/// How long a process may take to end once it is told to.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// A call that is on its way may have to ask for a session first.
const ON_ITS_WAY: Duration = LATENCY.saturating_mul(4);

/// How long the day is in which nothing happens, and how often everything is looked at on it.
const DAY: Duration = Duration::from_hours(24);
const RESYNC_OF_THE_DAY: Duration = Duration::from_hours(1);

/// Operations that only take away.
const DESTRUCTIVE: [&str; 3] = [" DELETE /", "DetachPolicy", "DeletePolicy"];

impl Play {
    /// A process has ended: this is what the next one finds on its disk.
    pub(crate) fn bury(&mut self, random: &mut Rng) {
        self.judge_full_disk();
        let Some(disk) = &mut self.world.disk else { return };
        let left = *one(random, &LEFT);
        if disk.becomes(left, random).unwrap() {
            self.reach(&format!("a start with a disk that is {left:?}"));
        }
        if left == Left::Full {
            self.full_from = Some(self.world.trace.len());
        }
    }

    /// Somebody makes room on the disk.
    pub(crate) fn make_room(&mut self) {
        self.judge_full_disk();
        if let Some(disk) = &mut self.world.disk {
            disk.make_room().unwrap();
        }
    }

    /// What takes protection away waits while nobody can write down that it was taken.
    fn judge_full_disk(&mut self) {
        let Some(from) = self.full_from.take() else { return };
        let writes = self.world.trace.writes(from);
        let is_destructive = |line: &String| DESTRUCTIVE.iter().any(|it| line.contains(it));
        // A second controller has a disk of its own.
        let is_judged = self.second_until.is_none_or(|until| until <= from) && !self.has_second();
        let taken: Vec<String> = writes.into_iter().filter(is_destructive).collect();
        if is_judged && !taken.is_empty() {
            self.wrong.push(format!("taken away with a full disk: {taken:#?}"));
        }
    }

    /// The controller is told to stop once it has made so many calls, and another takes over.
    pub(crate) async fn stop(&mut self, calls: u64, down: Duration, random: &mut Rng) {
        if let Some(running) = self.running.take() {
            let is_busy = self.world.until_call(&running, calls, Duration::from_mins(2)).await;
            // The call itself arrives.
            self.world.pass(Duration::from_millis(1)).await;
            running.controller.stop();
            let (from, at) = (self.world.trace.len(), self.world.clock.now());
            while !running.is_over() && self.world.clock.now() < at + ENDS_WITHIN {
                self.world.pass(Duration::from_millis(100)).await;
            }
            if !running.is_over() {
                self.wrong.push(format!("S13: still there {ENDS_WITHIN:?} after a stop"));
            }
            let began = self.world.trace.writes_of(from, &running.who, at + ON_ITS_WAY);
            if !began.is_empty() {
                self.wrong.push(format!("S13: writes after a stop at {at:?}: {began:#?}"));
            }
            self.reach(if is_busy { "a stop at a call" } else { "a stop at rest" });
        }
        self.bury(random);
        self.world.pass(down).await;
        self.revive().await;
    }

    /// All clocks go on, and nobody does anything: then everything is due at once.
    pub(crate) async fn pause(&mut self, time: Duration) {
        tokio::time::advance(time).await;
        let how = if time > RESYNC { "long" } else { "short" };
        self.reach(&format!("a process that stands still, {how}"));
    }

    /// A second controller begins to work; its clock is so many seconds ahead.
    pub(crate) async fn join(&mut self, (is_same, ahead): (bool, i64), lives: Duration) {
        let until = self.world.clock.now() + lives;
        // Whose reads are whose nobody can tell: what the first has read stands.
        self.world.beside += 1;
        let instance = if is_same { "default" } else { "other" };
        let kind = Kind { instance, ahead, has_disk: false, ..Kind::usual() };
        let manifests = Some(self.text.manifests());
        if let Some(second) = self.world.start_as(kind, manifests).await {
            self.reach("a second controller alive");
            if ahead != 0 {
                let how = if ahead > 0 { "ahead" } else { "behind" };
                self.reach(&format!("a second controller whose clock is {how}"));
            }
            self.second = Some((second, until));
        }
    }

    /// Something goes wrong on the way to AWS from now on.
    pub(crate) async fn spoil(&mut self, spoil: Spoil, random: &mut Rng) {
        self.world.spoiler.lock().unwrap().arm(spoil, random);
        let of_pages = [Spoil::PageLost, Spoil::PageRepeated, Spoil::TokenExpired];
        if of_pages.contains(&spoil) {
            self.switch("page_items_max", &json!(1)).await;
        }
    }

    /// The way to AWS is as it should be, and AWS as it was.
    pub(crate) async fn unspoil(&mut self) {
        let struck = {
            let mut spoiler = self.world.spoiler.lock().unwrap();
            spoiler.lift();
            std::mem::take(&mut spoiler.struck)
        };
        for spoil in struck {
            self.reach(&format!("on the way: {spoil:?}"));
        }
        for (name, value) in std::mem::take(&mut self.switched) {
            self.put_switch(&name, &value).await;
        }
    }

    /// AWS behaves otherwise until further notice.
    pub(crate) async fn switch(&mut self, name: &str, value: &Value) {
        let before = self.put_switch(name, value).await;
        self.switched.entry(name.to_owned()).or_insert(before);
    }

    async fn put_switch(&self, name: &str, value: &Value) -> Value {
        let mut switches = self.world.get("switches").await;
        let before = std::mem::replace(&mut switches[name], value.clone());
        self.world.put("switches", &switches).await;
        before
    }

    /// A day on which nothing happens, after all was well.
    pub(crate) async fn day(&mut self) {
        let manifests = self.text.manifests();
        self.running = None;
        self.world.put("intent", &self.text.intent(self.world.restarts() + 1)).await;
        let kind = Kind { resync: RESYNC_OF_THE_DAY, intent: Intent::Converge, ..Kind::usual() };
        self.running = self.world.start_as(kind, Some(manifests)).await;
        let from = self.world.trace.len();
        self.world.pass(DAY).await;
        let calls = self.world.trace.len() - from;
        let mut writes = self.world.trace.writes(from);
        // Nobody refers to it any more, since an account is gone: the process before this one would have
        // seen so with its daily full read.
        let is_collected =
            |line: &String| line.contains("?guardrailVersion=") && line.contains(" DELETE ");
        writes.retain(|line| self.moved.is_empty() || !is_collected(line));
        let stuck = self.stuck().await;
        // What AWS does not let go is tried again and again.
        let is_refused = |line: &String| {
            line.contains(" DELETE /guardrails/") && line.contains(" is used by an enforced")
        };
        writes.retain(|line| stuck.is_empty() || !is_refused(line));
        if !writes.is_empty() {
            self.wrong.push(format!("writes on a day of rest: {writes:#?}"));
        }
        if calls < 24 {
            self.wrong.push(format!("only {calls} calls on a whole day"));
        }
        let mut missing = self.missing().await;
        missing.retain(|line| !stuck.iter().any(|name| line.contains(name.as_str())));
        if !missing.is_empty() {
            self.wrong.push(format!("missing after a day of rest: {missing:#?}"));
        }
        self.reach("a day of rest");
    }

    /// What is on the disk at the end is one whole journal.
    pub(crate) fn judge_disk(&mut self) {
        let verified = self.world.disk.as_ref().map(Disk::verify);
        match verified {
            Some(Ok(0)) => self.wrong.push("an empty journal".to_owned()),
            Some(Err(why)) => self.wrong.push(format!("a broken journal: {why}")),
            Some(Ok(_)) => self.reach("a whole journal at the end"),
            None => {}
        }
    }
}

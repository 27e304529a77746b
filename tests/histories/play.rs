//! Plays a story: the steps one after another, and in between whatever the controllers do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bedrail::reconcile::Intent;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::console::Console;
use crate::disk::Disk;
use crate::setting::{ALPHA, BETA, MANAGEMENT, one};
use crate::story::{Edit, Event, Step, Story};
use crate::text::{Level, TRAITS, Text};
use crate::world::{Running, World, no_faults};

/// A history on its way.
pub(crate) struct Play {
    pub(crate) world: World,
    pub(crate) regions: Vec<String>,
    pub(crate) text: Text,
    pub(crate) running: Option<Running>,
    /// The second controller, and when it ends.
    pub(crate) second: Option<(Running, Duration)>,
    /// The call up to which the last second controller was there that has ended.
    pub(crate) second_until: Option<usize>,
    faults: Vec<Value>,
    /// Accounts that a stranger moved, closed or created.
    pub(crate) moved: BTreeSet<String>,
    /// Whether the file of an enforcement was ever gone.
    pub(crate) has_lost_file: bool,
    /// When anything but a controller last changed anything.
    pub(crate) disturbed_at: Duration,
    /// How often what was tried happened.
    pub(crate) reached: BTreeMap<String, u64>,
    /// Switches of AWS that are not as they were, and how they were.
    pub(crate) switched: BTreeMap<String, Value>,
    /// The call from which on the disk was full.
    pub(crate) full_from: Option<usize>,
    /// Each text, and the call from which on it was in force.
    pub(crate) texts: Vec<(usize, Text)>,
    /// What is wrong so far.
    pub(crate) wrong: Vec<String>,
}

impl Play {
    /// Starts where nobody has done anything, with one controller.
    pub(crate) async fn begin(story: &Story) -> Self {
        let mut world = World::new(&story.setting.scenario, story.seed);
        world.disk = story.has_disk().then(|| Disk::new().unwrap());
        let mut play = Self {
            world,
            regions: story.setting.regions.clone(),
            text: story.setting.text.clone(),
            running: None,
            second: None,
            second_until: None,
            faults: Vec::new(),
            moved: BTreeSet::new(),
            has_lost_file: false,
            disturbed_at: Duration::ZERO,
            reached: BTreeMap::new(),
            switched: BTreeMap::new(),
            full_from: None,
            texts: vec![(0, story.setting.text.clone())],
            wrong: Vec::new(),
        };
        play.revive().await;
        play
    }

    /// Plays one step.
    pub(crate) async fn step(&mut self, step: &Step) {
        let mut random = Rng::with_seed(step.pick);
        match &step.event {
            Event::Nothing => {}
            Event::Edit(edit) => self.edit(*edit, &mut random).await,
            Event::Approve => {
                if self.approve().await {
                    self.reach("a held plan is approved");
                }
            }
            Event::Foreign(foreign) => {
                self.tell().await;
                if self.foreign(*foreign, &mut random).await.is_some() {
                    self.reach(&format!("a stranger's {foreign:?}"));
                }
            }
            Event::Fault(fault) => {
                self.faults.push(fault.clone());
                self.arm(step.pick).await;
                self.reach_fault(fault);
            }
            Event::Lift => self.lift().await,
            Event::Crash { calls, moment, down } => {
                if let Some(running) = self.running.take() {
                    let patience = Duration::from_mins(2);
                    let left = self.world.kill(running, (*calls, *moment), patience).await;
                    let how = if left.is_some() { "between calls" } else { "at a call" };
                    self.reach(&format!("a crash {how}"));
                }
                self.bury(&mut random);
                self.world.pass(*down).await;
                self.revive().await;
            }
            Event::Drop { down } => {
                self.running = None;
                self.reach("a crash at a moment");
                self.bury(&mut random);
                self.world.pass(*down).await;
                self.revive().await;
            }
            Event::Blind => self.blind().await,
            Event::Second { is_same, lives } => self.join((*is_same, 0), *lives).await,
            Event::Skewed { ahead, lives } => {
                self.join((false, *ahead), *lives).await;
            }
            Event::Stop { calls, down } => self.stop(*calls, *down, &mut random).await,
            Event::Pause(time) => self.pause(*time).await,
            Event::Spoil(spoil) => self.spoil(*spoil, &mut random).await,
            Event::File(file) => self.file(*file, &mut random).await,
            Event::Slow(time) => {
                let time = u64::try_from(time.as_millis()).unwrap();
                self.switch("ready_delay_ms", &json!(time)).await;
                self.reach("what AWS makes is stuck for a while");
            }
        }
        self.disturbed();
        self.world.pass(step.wait).await;
        self.honest().await;
        self.part();
    }

    /// Counts a situation.
    pub(crate) fn reach(&mut self, what: &str) {
        *self.reached.entry(what.to_owned()).or_default() += 1;
    }

    /// Notes that the world or the text is not what it was.
    pub(crate) fn disturbed(&mut self) {
        self.disturbed_at = self.world.clock.now();
    }

    /// Tells the referee what is intended.
    pub(crate) async fn tell(&self) {
        self.world.put("intent", &self.text.intent(self.world.restarts())).await;
    }

    fn reach_fault(&mut self, fault: &Value) {
        let kind = fault["kind"].as_str().unwrap();
        self.reach(&format!("a fault {kind}"));
        if kind == "Outage" && fault["operation"] == "organizations:*" {
            self.reach("an outage of Organizations");
        }
        if kind == "Outage" && !fault["region"].is_null() {
            self.reach("an outage in a Region");
        }
    }

    /// No call goes wrong any more.
    async fn lift(&mut self) {
        self.faults.clear();
        self.arm(0).await;
        self.unspoil().await;
    }

    /// No call goes wrong any more, and there is one controller, alive, with room on its disk.
    pub(crate) async fn calm(&mut self) {
        self.lift().await;
        self.make_room();
        self.end_second();
        if self.running.is_none() {
            self.revive().await;
        }
        self.disturbed();
        self.tell().await;
    }

    async fn arm(&self, seed: u64) {
        let plan = if self.faults.is_empty() {
            no_faults()
        } else {
            json!({"seed": seed, "faults": self.faults})
        };
        self.world.put("faults", &plan).await;
    }

    /// Starts a controller where there is none.
    pub(crate) async fn revive(&mut self) {
        let manifests = self.text.manifests();
        // Whose reads are whose nobody can tell: what the second one has read stands.
        if self.has_second() {
            self.world.beside += 1;
        }
        self.world.put("intent", &self.text.intent(self.world.restarts() + 1)).await;
        self.running = self.world.start("default", Intent::Converge, Some(manifests)).await;
        if self.running.is_none() {
            self.reach("a start that AWS does not answer");
        }
    }

    /// A process that cannot read its manifests writes nothing.
    async fn blind(&mut self) {
        self.running = None;
        self.end_second();
        // What was in flight has its effect.
        self.world.pass(Duration::from_mins(1)).await;
        self.world.put("intent", &self.text.intent(self.world.restarts() + 1)).await;
        let blind = self.world.start("default", Intent::Converge, None).await;
        let from = self.world.trace.len();
        self.world.pass(Duration::from_mins(6)).await;
        let writes = self.world.trace.writes(from);
        if !writes.is_empty() {
            self.wrong.push(format!("writes without manifests: {writes:#?}"));
        }
        drop(blind);
        self.look_on().await;
        self.reach("a start with broken manifests");
        self.revive().await;
    }

    /// A process that only looks writes nothing, whatever there is to do.
    async fn look_on(&mut self) {
        self.world.put("intent", &self.text.intent(self.world.restarts() + 1)).await;
        let manifests = Some(self.text.manifests());
        let looker = self.world.start("default", Intent::Show, manifests).await;
        let from = self.world.trace.len();
        self.world.pass(Duration::from_mins(1)).await;
        let writes = self.world.trace.writes(from);
        if !writes.is_empty() {
            self.wrong.push(format!("who only looks writes: {writes:#?}"));
        }
        drop(looker);
    }

    /// Whether there is a second controller.
    pub(crate) fn has_second(&self) -> bool {
        self.second.is_some()
    }

    /// The second controller ends when its time has come.
    fn part(&mut self) {
        let now = self.world.clock.now();
        if self.second.as_ref().is_some_and(|(_, until)| now >= *until) {
            self.end_second();
        }
    }

    fn end_second(&mut self) {
        if self.second.take().is_some() {
            self.second_until = Some(self.world.trace.len());
        }
    }

    /// Puts another text in force.
    pub(crate) async fn accept(&mut self, mut text: Text) {
        text.note(&self.text);
        self.texts.push((self.world.trace.len(), text.clone()));
        self.text = text;
        let controllers = [self.running.as_ref(), self.second.as_ref().map(|it| &it.0)];
        for running in controllers.into_iter().flatten() {
            running.controller.accept(self.text.manifests().into());
        }
        self.tell().await;
    }

    /// Approves what the change guard holds, if it does.
    pub(crate) async fn approve(&mut self) -> bool {
        let Some(running) = &self.running else { return false };
        let Some((_, approval)) = running.controller.engine().held_plan() else { return false };
        let mut text = self.text.clone();
        if text.approvals.contains(&approval) {
            return false;
        }
        text.approvals = vec![approval];
        text.approved_losses = 1_000;
        self.accept(text).await;
        true
    }

    pub(crate) async fn edit(&mut self, edit: Edit, random: &mut Rng) {
        let mut text = self.text.clone();
        text.approvals.clear();
        text.approved_losses = 0;
        let mut edit = edit;
        if !apply(&mut text, edit, &self.regions, random) {
            // What was done already can be undone.
            text = self.text.clone();
            text.approvals.clear();
            text.approved_losses = 0;
            edit = opposite(edit);
            if !apply(&mut text, edit, &self.regions, random) {
                return;
            }
        }
        self.has_lost_file |= edit == Edit::LoseFile;
        self.reach(&format!("an edit {edit:?}"));
        self.accept(text).await;
    }

    /// A console of the organization's administrator.
    pub(crate) fn console(&self) -> Console<'_> {
        Console::new(&self.world, MANAGEMENT)
    }
}

/// The edit that takes it back.
fn opposite(edit: Edit) -> Edit {
    match edit {
        Edit::Widen => Edit::Narrow,
        Edit::Narrow => Edit::Widen,
        Edit::AddRegion => Edit::DropRegion,
        Edit::DropRegion => Edit::AddRegion,
        Edit::Absent => Edit::Present,
        Edit::Present => Edit::Absent,
        Edit::LoseFile => Edit::FindFile,
        Edit::FindFile => Edit::LoseFile,
        Edit::Reword
        | Edit::Return
        | Edit::Selective
        | Edit::TearDown
        | Edit::Swap
        | Edit::Guarded
        | Edit::Logged => edit,
    }
}

/// Edits the text. Whether there was anything to edit.
#[expect(clippy::too_many_lines, reason = "one short arm for each edit")]
fn apply(text: &mut Text, edit: Edit, regions: &[String], random: &mut Rng) -> bool {
    let guardrail = random.usize(..text.guardrails.len());
    let enforcement = random.usize(..text.enforcements.len());
    match edit {
        Edit::Reword => {
            text.guardrails[guardrail].reword(random.usize(..TRAITS));
            true
        }
        Edit::Return => {
            let guardrail = &mut text.guardrails[guardrail];
            let earlier = *one(random, &guardrail.contents);
            let is_other = earlier != guardrail.now();
            guardrail.contents.push(earlier);
            is_other
        }
        Edit::TearDown => {
            let count = text.guardrails.len();
            let is_free = |it: &usize| text.guardrails[*it].is_absent || !text.is_used(*it);
            let Some(free) = (guardrail..count).chain(0..guardrail).find(is_free) else {
                return false;
            };
            text.guardrails[free].is_absent ^= true;
            true
        }
        Edit::Swap => {
            for enforcement in &mut text.enforcements {
                enforcement.is_absent ^= true;
            }
            true
        }
        Edit::Guarded | Edit::Logged => {
            let nodes = if edit == Edit::Guarded { &mut text.control } else { &mut text.logging };
            let node = (*one(random, &[ALPHA, BETA])).to_owned();
            if !nodes.remove(&node) {
                nodes.insert(node);
            }
            // A file that is gone takes nothing away; one that names a target less does.
            !nodes.is_empty()
        }
        Edit::Widen
        | Edit::Narrow
        | Edit::AddRegion
        | Edit::DropRegion
        | Edit::Absent
        | Edit::Present
        | Edit::LoseFile
        | Edit::FindFile
        | Edit::Selective => {
            let name = text.enforcements[enforcement].guardrail;
            if text.guardrails[name].is_absent {
                return false;
            }
            let enforcement = &mut text.enforcements[enforcement];
            match edit {
                Edit::Widen => {
                    let node = one(random, &enforcement.pool).clone();
                    enforcement.targets.insert(node)
                }
                Edit::Narrow => {
                    let node = one(random, &enforcement.pool).clone();
                    // A first wave without its account halts, which is another story.
                    let is_free =
                        enforcement.level == Level::Organization || enforcement.canaries.is_empty();
                    is_free && enforcement.targets.len() > 1 && enforcement.targets.remove(&node)
                }
                Edit::AddRegion => enforcement.regions.insert(one(random, regions).clone()),
                Edit::DropRegion => {
                    let region = one(random, regions);
                    // A wave of a Region that is nowhere meant is an error of the text.
                    let is_free = !enforcement.canaries.contains(region);
                    is_free && enforcement.regions.len() > 1 && enforcement.regions.remove(region)
                }
                Edit::Absent => !std::mem::replace(&mut enforcement.is_absent, true),
                Edit::Present => std::mem::replace(&mut enforcement.is_absent, false),
                Edit::LoseFile => !std::mem::replace(&mut enforcement.is_missing, true),
                Edit::FindFile => std::mem::replace(&mut enforcement.is_missing, false),
                _ => {
                    enforcement.is_selective ^= true;
                    true
                }
            }
        }
    }
}

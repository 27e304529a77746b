//! Laws of whole rollouts: random worlds, in which processes die, cells cannot be reached or read,
//! people interfere and texts change, move cell by cell and tag by tag.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::decide::Stage;
use super::heading::{Course, heading};
use super::{decide_rollout, tags, trials};
use crate::model::{
    Accepted, Cell, DesiredCell, DesiredRollout, DesiredWave, EnforcementKey, EnforcementKind,
    EnforcementSettings, Gate, GateProbe, GateVerdict, Name, OnFailure, OnForeign, Preflight,
    Presence, Region, ReplicaContent, ReplicaKey, Revision, RolloutMarks, Version,
};
use crate::plan::fixture::{
    World, content, desired, desired_text, fact, key, no_selection, version,
};

/// What the texts say, one after the other; published as versions 1, 2, 3.
const TEXTS: [&str; 3] = ["a", "b", "c"];
const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];
const WAVES: usize = 3;
const BAKE: Duration = Duration::from_mins(30);

fn enforcement() -> Name {
    "everywhere".parse().unwrap()
}

fn replica(region: &str) -> ReplicaKey {
    ReplicaKey { region: region.parse().unwrap(), ..key() }
}

fn revision(text: usize) -> Revision {
    contents()[text].revision()
}

fn contents() -> Vec<ReplicaContent> {
    TEXTS.iter().map(|text| content(text)).collect()
}

/// What is true, whatever a process knows.
struct Truth {
    world: World,
    slots: BTreeMap<Cell, Option<Version>>,
    now: Timestamp,
    /// When each cell came to have the desired revision, as far as anybody could see.
    since: BTreeMap<Cell, Timestamp>,
    /// When each wave last passed a trial of every cell that could be asked.
    tried: BTreeMap<usize, Timestamp>,
    /// Waves that have been open for this text.
    open: usize,
    text: usize,
    bad: BTreeSet<Revision>,
    random: fastrand::Rng,
    log: Vec<String>,
}

impl Truth {
    /// Cells of [`WAVES`] waves, all of them at the first text, or with nothing.
    fn new(seed: u64, is_first: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        world.facts.cells.clear();
        let versions: Vec<(u32, ReplicaContent)> = (1..).zip(contents()).collect();
        let versions: Vec<(u32, &ReplicaContent)> =
            versions.iter().map(|(number, content)| (*number, content)).collect();
        for region in REGIONS {
            let mut fact = fact(&versions);
            fact.arn.region = region.parse().unwrap();
            world.facts.replicas.insert(replica(region), fact);
            world.facts.replicas_read.insert(replica(region));
        }
        let mut waves: Vec<DesiredWave<Cell>> = (0..WAVES)
            .map(|wave| DesiredWave {
                name: format!("w{wave}").parse().unwrap(),
                places: BTreeSet::new(),
                bake: BAKE,
            })
            .collect();
        let mut slots = BTreeMap::new();
        for index in 0..12_usize {
            let region: Region = REGIONS[random.usize(..REGIONS.len())].parse().unwrap();
            let account = format!("{:012}", 500_000_000_000 + index).parse().unwrap();
            let cell = Cell { account, region };
            let wave = if index < 3 { index } else { random.usize(..WAVES) };
            waves[wave].places.insert(cell.clone());
            let claim = DesiredCell {
                state: Presence::Present,
                enforcement: enforcement(),
                revision: None,
                replica: replica(cell.region.as_str()),
                settings: EnforcementSettings::default(),
                on_foreign: OnForeign::Replace,
                preflight: Preflight::default(),
            };
            world.cells.insert(cell.clone(), claim.into());
            slots.insert(cell, (!is_first).then(|| version(1)));
        }
        let rollout = DesiredRollout {
            waves,
            gate: Gate { probe: GateProbe::ApplyGuardrail, ..Gate::default() },
            on_failure: if random.bool() { OnFailure::Halt } else { OnFailure::Rollback },
            is_paused: false,
            is_unresolved: false,
            text: "0a1b2c3d4e5f".to_owned(),
        };
        world.waves.insert(enforcement(), rollout);
        let kind = EnforcementKind::Account;
        world
            .enforcements
            .insert(EnforcementKey { kind, name: enforcement() }, desired_text(no_selection()));
        let mut truth = Self {
            world,
            slots,
            now: "2026-11-21T00:00:00Z".parse().unwrap(),
            since: BTreeMap::new(),
            tried: BTreeMap::new(),
            open: 0,
            text: 0,
            bad: BTreeSet::new(),
            random,
            log: Vec::new(),
        };
        truth.write(0);
        truth
    }

    /// The text of the guardrail becomes this one.
    fn write(&mut self, text: usize) {
        self.text = text;
        self.open = 0;
        self.log.push(format!("text {}", TEXTS[text]));
        for region in REGIONS {
            self.world.replicas.insert(replica(region), desired(&content(TEXTS[text])));
        }
        self.since.clear();
        self.tried.clear();
        for (cell, slot) in &self.slots {
            if *slot == Some(wanted(text)) {
                self.since.insert(cell.clone(), self.now);
            }
        }
        self.decide();
    }

    fn rollout(&self) -> &DesiredRollout<Cell> {
        &self.world.waves[&enforcement()]
    }

    fn context(&self) -> crate::plan::Context<'_> {
        crate::plan::Context { wall: self.now, ..self.world.context() }
    }

    fn decide(&mut self) {
        let decision = decide_rollout(&enforcement(), &self.context()).unwrap();
        self.world.rollouts.insert(enforcement(), decision);
    }

    fn stage(&self) -> &Stage {
        &self.world.rollouts[&enforcement()].stage
    }

    fn some_cell(&mut self) -> Cell {
        let index = self.random.usize(..self.slots.len());
        self.slots.keys().nth(index).unwrap().clone()
    }

    /// One thing happens.
    fn step(&mut self) {
        match self.random.u8(..100) {
            0..45 => self.visit(),
            45..65 => self.tag(),
            65..75 => self.try_gate(),
            75..88 => {
                let minutes = self.random.i64(1..20);
                self.now += jiff::SignedDuration::from_mins(minutes);
            }
            88..92 => self.crash(),
            92..95 => {
                let cell = self.some_cell();
                if !self.world.facts.unreachable.remove(&cell) {
                    self.world.facts.cells.remove(&cell);
                    self.world.facts.unreachable.insert(cell);
                }
            }
            95..97 => {
                let cell = self.some_cell();
                self.world.facts.cells.remove(&cell);
            }
            _ => {
                // Somebody puts the oldest back, or takes it away.
                let cell = self.some_cell();
                let put = self.random.bool().then(|| version(1));
                self.log.push(format!("{cell} is changed to {put:?}"));
                self.set(&cell, put);
            }
        }
        self.decide();
    }

    /// All that a process knew is lost, and read again but for some of it.
    fn crash(&mut self) {
        self.log.push("crash".to_owned());
        self.world.facts.verdicts.clear();
        self.world.facts.cells.clear();
        self.world.facts.unreachable.clear();
        for cell in self.slots.keys().cloned().collect::<Vec<_>>() {
            if self.random.u8(..4) > 0 {
                self.read(&cell);
            }
        }
    }

    fn fact(&self, cell: &Cell) -> Option<(crate::model::GuardrailArn, Version)> {
        let arn = &self.world.facts.replicas[&replica(cell.region.as_str())].arn;
        self.slots[cell].map(|version| (arn.clone(), version))
    }

    fn set(&mut self, cell: &Cell, version: Option<Version>) {
        self.slots.insert(cell.clone(), version);
        if version == Some(wanted(self.text)) {
            self.since.entry(cell.clone()).or_insert(self.now);
        }
    }

    fn read(&mut self, cell: &Cell) {
        let fact = self.fact(cell);
        self.world.facts.cells.insert(cell.clone(), fact);
        if self.slots[cell].is_some_and(|version| version != wanted(self.text)) {
            self.since.remove(cell);
        }
    }

    /// A cell is read, and moved where it is headed; the next visit reads it again.
    fn visit(&mut self) {
        let cell = self.some_cell();
        if self.world.facts.unreachable.contains(&cell) {
            return;
        }
        self.read(&cell);
        self.decide();
        let context = self.context();
        let course = heading(&cell, &context.cells[&cell], &context).course;
        let to = match course {
            Course::Free => wanted(self.text),
            Course::At(revision) => {
                let fact = &self.world.facts.replicas[&replica(cell.region.as_str())];
                fact.revisions[&revision]
            }
            Course::Stay => return,
        };
        let from = self.slots[&cell];
        if from == Some(to) {
            return;
        }
        self.log.push(format!("{cell} {from:?} → {to} while {:?}", self.stage()));
        self.judge(&cell, from, to);
        self.set(&cell, Some(to));
    }

    /// The laws of a move.
    fn judge(&mut self, cell: &Cell, from: Option<Version>, to: Version) {
        let marks: Vec<&RolloutMarks> = self
            .world
            .facts
            .replicas
            .values()
            .filter_map(|it| it.rollouts.get(&enforcement()))
            .collect();
        let says = |revision: &Revision| {
            marks.iter().any(|it| it.accepted == Some(Accepted::Revision(revision.clone())))
        };
        let target = revision(self.text);
        if to == wanted(self.text) {
            if says(&target) {
                return;
            }
            let wave = self.rollout().wave_of(cell).unwrap();
            for before in self.open.min(wave)..wave {
                self.assert_passed(before, &format!("{cell} of wave {wave} moves"));
            }
            self.open = self.open.max(wave);
            return;
        }
        let to = index(to);
        let is_rejected = marks.iter().any(|it| {
            it.rejected
                .as_ref()
                .is_some_and(|it| Some(&it.revision) == from.map(|it| revision(index(it))).as_ref())
        });
        assert!(says(&revision(to)), "{} was never accepted\n{}", TEXTS[to], self.log.join("\n"));
        let is_forward = from.is_none_or(|from| index(from) < to);
        assert!(is_forward || is_rejected, "{cell} goes back\n{}", self.log.join("\n"));
    }

    /// Each cell of a wave that can be known has the revision, for the bake, and was tried after it.
    fn assert_passed(&self, wave: usize, why: &str) {
        let log = || self.log.join("\n");
        let mut count = 0;
        for cell in &self.rollout().waves[wave].places {
            if self.world.facts.unreachable.contains(cell)
                || !self.world.facts.cells.contains_key(cell)
            {
                continue;
            }
            count += 1;
            // What somebody changed a moment ago nobody can know before it is read.
            let is_known = self.world.facts.cells[cell] == self.fact(cell);
            let has_it = self.slots[cell] == Some(wanted(self.text));
            assert!(has_it || !is_known, "{why}, {cell} of {wave} lacks it\n{}", log());
        }
        assert!(count > 0, "{why}, nothing of {wave} was reached\n{}", log());
        let tried = self.tried.get(&wave);
        assert!(tried.is_some(), "{why}, {wave} was not tried\n{}", log());
    }

    /// What a decision wants to be tried is.
    fn try_gate(&mut self) {
        let context = self.context();
        let asked = trials(&enforcement(), &context);
        let Stage::Gating(wave) = *self.stage() else {
            return self.note(asked);
        };
        let mark = self.world.facts.replicas.values().find_map(|fact| {
            let mark = fact.rollouts.get(&enforcement())?.wave.clone()?;
            let is_it = mark.revision == revision(self.text)
                && mark.wave == self.rollout().waves[wave].name;
            is_it.then_some(mark)
        });
        // The bake, by what truly was.
        let first = self.rollout().waves[wave].places.iter().filter_map(|cell| {
            let is_known = self.world.facts.cells.get(cell) == Some(&self.fact(cell));
            self.since.get(cell).filter(|_| is_known)
        });
        let oldest = first.min().copied();
        if let (Some(mark), Some(oldest)) = (mark, oldest) {
            assert!(mark.since >= oldest, "the bake began too early\n{}", self.log.join("\n"));
            assert!(
                self.now >= oldest + BAKE,
                "tried before it was baked\n{}",
                self.log.join("\n")
            );
        }
        self.log.push(format!("wave {wave} is tried: {}", asked.len()));
        self.tried.insert(wave, self.now);
        self.note(asked);
    }

    fn note(&mut self, asked: Vec<super::Trial>) {
        for trial in asked {
            if self.random.u8(..5) == 0 {
                continue;
            }
            let failure = self.bad.contains(&trial.revision).then(|| "it is bad".to_owned());
            let verdict = GateVerdict { revision: trial.revision, at: self.now, failure };
            let verdicts = self.world.facts.verdicts.entry(enforcement()).or_default();
            verdicts.insert(trial.cell, verdict);
        }
    }

    /// One replica's tags become as they should be.
    fn tag(&mut self) {
        let region = REGIONS[self.random.usize(..REGIONS.len())];
        let wanted = tags(&key().guardrail, &self.context());
        let mut marks = RolloutMarks::default();
        if wanted.wanted.is_empty() && wanted.unwanted.is_empty() {
            return;
        }
        for (tag, value) in &wanted.wanted {
            let (kind, name) = RolloutMarks::of_tag(tag).unwrap();
            assert_eq!(name, enforcement());
            marks.read(kind, value);
        }
        let target = revision(self.text);
        let fact = self.world.facts.replicas.get_mut(&replica(region)).unwrap();
        let before = fact.rollouts.insert(enforcement(), marks.clone());
        let accepted = |marks: &RolloutMarks| marks.accepted.as_ref()?.revision().cloned();
        let was = before.as_ref().and_then(accepted);
        let is_new = accepted(&marks).is_some_and(|it| it == target) && was != Some(target.clone());
        let others: Vec<Option<Revision>> = self
            .world
            .facts
            .replicas
            .iter()
            .filter(|(key, _)| key.region.as_str() != region)
            .map(|(_, fact)| fact.rollouts.get(&enforcement()).and_then(accepted))
            .collect();
        if is_new && was.is_some() && !others.contains(&Some(target)) {
            for wave in 0..WAVES {
                self.assert_passed(wave, "it is accepted");
            }
            let rejected = self.bad.contains(&revision(self.text));
            assert!(!rejected, "a bad one is accepted\n{}", self.log.join("\n"));
            self.log.push("accepted".to_owned());
        }
    }

    fn is_done(&self) -> bool {
        *self.stage() == Stage::Done
            && self.slots.values().all(|slot| *slot == Some(wanted(self.text)))
    }

    /// Nobody interferes any more; how long until all is in force, or nothing happens any more.
    fn settle(&mut self) -> bool {
        for _ in 0..1_500 {
            self.world.facts.unreachable.clear();
            match self.random.u8(..4) {
                0 | 1 => self.visit(),
                2 => self.tag(),
                _ => {
                    self.try_gate();
                    self.now += jiff::SignedDuration::from_mins(5);
                }
            }
            self.decide();
            if self.is_done() {
                return true;
            }
        }
        false
    }
}

fn wanted(text: usize) -> Version {
    version(u32::try_from(text).unwrap() + 1)
}

fn index(version: Version) -> usize {
    version.to_string().parse::<usize>().unwrap() - 1
}

#[test]
fn whole_rollouts_obey_the_waves_whatever_happens() {
    for seed in 0..40 {
        let mut truth = Truth::new(seed, seed % 3 == 0);
        for text in [0, 1, 2] {
            if text > 0 {
                truth.write(text);
            }
            for _ in 0..truth.random.usize(50..600) {
                truth.step();
            }
        }
        assert!(truth.settle(), "seed {seed} ends {:?}\n{}", truth.stage(), truth.log.join("\n"));
    }
}

#[test]
fn a_bad_revision_is_never_accepted_and_never_reaches_a_second_wave() {
    for seed in 0..24 {
        let mut truth = Truth::new(seed, false);
        assert!(truth.settle());
        truth.bad.insert(revision(1));
        truth.write(1);
        for _ in 0..600 {
            truth.step();
            for (cell, slot) in &truth.slots {
                let wave = truth.rollout().wave_of(cell);
                let reached = *slot == Some(wanted(1)) && wave != Some(0);
                assert!(!reached, "seed {seed}\n{}", truth.log.join("\n"));
            }
        }
        assert!(!truth.settle());
        if truth.rollout().on_failure == OnFailure::Rollback {
            assert_eq!(*truth.stage(), Stage::RolledBack, "seed {seed}");
            assert!(truth.slots.values().all(|slot| *slot == Some(wanted(0))), "seed {seed}");
        }
        // Newer text goes on as if nothing had been.
        truth.write(2);
        assert!(truth.settle(), "seed {seed} ends {:?}\n{}", truth.stage(), truth.log.join("\n"));
    }
}

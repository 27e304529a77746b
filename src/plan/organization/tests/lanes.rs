//! Laws of rollouts with waves of targets: random trees of waves, processes that die between any two
//! writes and know nothing afterwards, effective policies that follow late, levels on which nobody
//! knows who was first, and strangers who detach.

#![expect(clippy::wildcard_enum_match_arm, reason = "a step that no rollout makes fails the test")]

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::model::{
    Accepted, Account, AccountId, AccountState, Attachments, DesiredRollout, DesiredWave, Fleet,
    Gate, GateProbe, GateVerdict, OnFailure, Region, RolloutMarks, SelectedWave, TargetRollout,
    Unit,
};
use crate::plan::fixture::{self, MANAGEMENT, open_policy};

const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];
const BAKE: Duration = Duration::from_mins(5);
/// Seconds that an effective policy may take to follow.
const LATE: u64 = 30;
const TEXTS: [&str; 3] = ["a", "b", "c"];

/// By name, what stands in it; the accounts are single letters.
const UNITS: [(&str, &str); 3] = [
    ("ou-ab12-aaaaaaaa", ROOT),
    ("ou-ab12-bbbbbbbb", "ou-ab12-aaaaaaaa"),
    ("ou-ab12-cccccccc", ROOT),
];
const ACCOUNTS: [(&str, &str, bool); 7] = [
    (MANAGEMENT, ROOT, true),
    ("210000000001", "ou-ab12-aaaaaaaa", true),
    ("210000000002", "ou-ab12-aaaaaaaa", true),
    ("220000000001", "ou-ab12-bbbbbbbb", true),
    ("230000000001", "ou-ab12-cccccccc", true),
    ("230000000002", "ou-ab12-cccccccc", false),
    ("240000000001", ROOT, true),
];
const ATTACHED: [&[&str]; 4] = [
    &[ROOT],
    &["ou-ab12-aaaaaaaa", "ou-ab12-cccccccc"],
    &[ROOT, "ou-ab12-bbbbbbbb"],
    &["ou-ab12-aaaaaaaa", "ou-ab12-cccccccc", "240000000001"],
];
const NAMED: [&str; 6] = [
    "ou-ab12-aaaaaaaa",
    "ou-ab12-bbbbbbbb",
    "ou-ab12-cccccccc",
    "210000000001",
    "220000000001",
    "240000000001",
];

fn fleet() -> Fleet {
    let units = UNITS.map(|(id, parent)| {
        let id: crate::model::UnitId = id.parse().unwrap();
        (id.clone(), Unit { name: id.to_string(), id, parent: parent.parse().unwrap() })
    });
    let accounts = ACCOUNTS.map(|(id, parent, is_active)| {
        let id: AccountId = id.parse().unwrap();
        let state =
            if is_active { AccountState::Active } else { AccountState::Other("CLOSED".to_owned()) };
        let parent = parent.parse().unwrap();
        (id.clone(), Account { name: id.to_string(), id, state, parent, tags: None })
    });
    Fleet { units: units.into(), accounts: accounts.into(), ..fixture::fleet() }
}

fn replica(region: &str) -> ReplicaKey {
    ReplicaKey { region: region.parse().unwrap(), ..key() }
}

fn name() -> Name {
    "everywhere".parse().unwrap()
}

/// Where, and in which Region.
type Spot = (AccountId, Region);

struct Truth {
    world: World,
    fleet: Fleet,
    is_disturbed: bool,
    want: DesiredOrganizationEnforcement,
    selected: Vec<SelectedWave>,
    policies: BTreeMap<PolicyId, ObservedPolicy>,
    memory: Sightings,
    /// What accounts have, and when each will next follow the policies.
    in_force: BTreeMap<AccountId, Value>,
    late: VecDeque<(Duration, AccountId)>,
    /// Since when all of a wave has the new version in force, and when it last passed.
    complete: BTreeMap<usize, Duration>,
    tried: BTreeMap<usize, Duration>,
    text: usize,
    bad: Option<usize>,
    is_last_first: bool,
    made: u32,
    random: fastrand::Rng,
    log: Vec<String>,
}

impl Truth {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        world.facts.fleet = Some(fleet());
        let contents = TEXTS.map(content);
        let versions: Vec<(u32, &crate::model::ReplicaContent)> = (1..).zip(&contents).collect();
        for region in REGIONS {
            let mut fact = fixture::fact(&versions);
            fact.arn.region = region.parse().unwrap();
            fact.policy = Some(open_policy(&fact.arn));
            world.facts.replicas.insert(replica(region), fact);
        }
        let mut want = want(ATTACHED[random.usize(..ATTACHED.len())]);
        want.regions = REGIONS.iter().map(|it| it.parse().unwrap()).collect();
        want.allow_override = random.bool();
        let mut selected: Vec<SelectedWave> = (0..random.usize(1..4))
            .map(|_| {
                let mut wave = SelectedWave::default();
                for _ in 0..random.usize(1..3) {
                    wave.targets.insert(NAMED[random.usize(..NAMED.len())].parse().unwrap());
                }
                if random.u8(..4) == 0 {
                    wave.regions.insert(REGIONS[random.usize(..2)].parse().unwrap());
                }
                if random.u8(..6) == 0 {
                    wave.targets.clear();
                    wave.regions.insert(REGIONS[random.usize(..2)].parse().unwrap());
                }
                wave
            })
            .collect();
        selected.push(SelectedWave::default());
        let mut truth = Self {
            world,
            fleet: fleet(),
            is_disturbed: false,
            want,
            selected,
            policies: BTreeMap::new(),
            memory: Sightings::default(),
            in_force: BTreeMap::new(),
            late: VecDeque::new(),
            complete: BTreeMap::new(),
            tried: BTreeMap::new(),
            text: 0,
            bad: None,
            is_last_first: random.bool(),
            made: 0,
            random,
            log: Vec::new(),
        };
        truth.arrange();
        truth.write(0);
        truth
    }

    /// The waves, without those that nothing is in: a rollout halts there, by design.
    fn arrange(&mut self) {
        loop {
            let wave = |index: usize| DesiredWave {
                name: format!("w{index}").parse().unwrap(),
                places: BTreeSet::new(),
                bake: BAKE,
            };
            let rollout = DesiredRollout {
                waves: (0..self.selected.len()).map(wave).collect(),
                gate: Gate { probe: GateProbe::ApplyGuardrail, ..Gate::default() },
                on_failure: OnFailure::Rollback,
                is_paused: false,
                is_unresolved: false,
                text: "0a1b2c3d4e5f".to_owned(),
            };
            let attached = Attachments {
                targets: &self.want.targets,
                regions: &self.want.regions,
                fleet: &self.fleet,
            };
            let arranged = TargetRollout::arranged(rollout, &self.selected, attached);
            let waves = &arranged.rollout.waves;
            let empty = waves.iter().rev().skip(1).rev().position(|it| it.places.is_empty());
            let Some(empty) = empty else {
                self.log.push(format!("{:?} {:#?}", self.want.targets, arranged.lanes));
                self.world.target_waves.insert(name(), arranged);
                return;
            };
            self.selected.remove(empty);
        }
    }

    fn write(&mut self, text: usize) {
        self.text = text;
        self.log.push(format!("text {}", TEXTS[text]));
        for region in REGIONS {
            let desired = fixture::desired(&content(TEXTS[text]));
            self.world.replicas.insert(replica(region), desired);
        }
        self.complete.clear();
        self.tried.clear();
        self.tick();
    }

    fn fail(&self, why: &str) -> ! {
        panic!("{why}\n{}", self.log.join("\n"))
    }

    /// The winning block of each Region for an account: the policy nearest to it, unless one above has
    /// locked the Region; on one level the first or the last in order of id.
    fn merged(&self, account: &AccountId) -> BTreeMap<String, Value> {
        let mut won: BTreeMap<String, Value> = BTreeMap::new();
        let mut locked = BTreeSet::new();
        for target in self.fleet.lineage(&TargetId::Account(account.clone())) {
            let mut here: Vec<_> =
                self.policies.values().filter(|it| it.targets.contains(&target)).collect();
            if !self.is_last_first {
                here.reverse();
            }
            let above = locked.clone();
            for (region, block) in here.into_iter().flat_map(|it| blocks(&it.content)) {
                if block.get(document::LOCK).is_some() {
                    locked.insert(region.clone());
                }
                if !above.contains(&region) {
                    won.insert(region, block);
                }
            }
        }
        won
    }

    fn effective(&self, account: &AccountId) -> Value {
        let blocks: serde_json::Map<String, Value> =
            self.merged(account).into_iter().map(|(it, block)| (it, plain(&block))).collect();
        json!({"bedrock": {"guardrail_inference": blocks}})
    }

    /// Versions by account and Region, as the policies are now.
    fn versions(&self) -> BTreeMap<Spot, u32> {
        let active = ACCOUNTS.iter().filter(|(_, _, is_active)| *is_active);
        let of = |account: AccountId| {
            let merged = self.merged(&account);
            merged.into_iter().map(move |(region, block)| {
                ((account.clone(), region.parse().unwrap()), number(&plain(&block)))
            })
        };
        active.flat_map(|(id, _, _)| of(id.parse().unwrap()).collect::<Vec<_>>()).collect()
    }

    fn versions_in_force(&self) -> BTreeMap<Spot, u32> {
        let mut found = BTreeMap::new();
        for (account, document) in &self.in_force {
            let blocks = document["bedrock"]["guardrail_inference"].as_object().unwrap();
            for (region, block) in blocks {
                found.insert((account.clone(), region.parse().unwrap()), number(block));
            }
        }
        found
    }

    fn wanted(&self) -> u32 {
        u32::try_from(self.text).unwrap() + 1
    }

    /// The wave of an account in a Region: the first that selects it.
    fn wave_of(&self, (account, region): &Spot) -> usize {
        let line = self.fleet.lineage(&TargetId::Account(account.clone()));
        let has = |wave: &SelectedWave| {
            (wave.regions.is_empty() || wave.regions.contains(region))
                && (wave.targets.is_empty() || line.iter().any(|it| wave.targets.contains(it)))
        };
        self.selected.iter().position(has).unwrap()
    }

    /// Effective policies follow, and waves are looked at.
    fn tick(&mut self) {
        let in_force = self.versions_in_force();
        for wave in 0..self.selected.len() {
            let mut of_it = in_force.iter().filter(|(spot, _)| self.wave_of(spot) == wave);
            if of_it.all(|(_, version)| *version == self.wanted()) {
                self.complete.entry(wave).or_insert(self.world.now);
            } else {
                self.complete.remove(&wave);
            }
        }
    }

    fn wait(&mut self, seconds: u64) {
        let end = self.world.now + Duration::from_secs(seconds);
        while let Some((due, account)) = self.late.pop_front_if(|(due, _)| *due <= end) {
            self.world.wait(due.saturating_sub(self.world.now).as_secs());
            let effective = self.effective(&account);
            self.in_force.insert(account, effective);
            self.tick();
        }
        self.world.wait(end.saturating_sub(self.world.now).as_secs());
        self.tick();
    }

    fn touched(&mut self) {
        for (id, _, _) in ACCOUNTS.iter().filter(|(_, _, is_active)| *is_active) {
            let due = self.world.now + Duration::from_secs(self.random.u64(0..LATE));
            self.late.push_back((due, id.parse().unwrap()));
        }
        self.late.make_contiguous().sort();
    }

    fn plan(&mut self) -> Plan {
        let mut observed = seen(self.policies.values().cloned());
        observed.invalid = Read::Known(BTreeSet::new());
        let shown = self.in_force.iter();
        observed.effective =
            shown.map(|(it, document)| (it.clone(), Read::Known(document.clone()))).collect();
        let desired = desired(self.want.clone());
        plan_organization(&desired, &observed, &mut self.memory, &self.world.context())
    }

    /// One visit, which may die after any of its writes.
    fn visit(&mut self, may_die: bool) -> usize {
        let plan = self.plan();
        for trial in plan.trials.values().flatten() {
            let spot = (trial.cell.account.clone(), trial.cell.region.clone());
            let wave = self.wave_of(&spot);
            let is_bad = self.bad == Some(self.text);
            let at = Timestamp::UNIX_EPOCH + self.world.now;
            let failure = is_bad.then(|| "it is bad".to_owned());
            let verdict = GateVerdict { revision: trial.revision.clone(), at, failure };
            let verdicts = self.world.facts.witness_verdicts.entry(name()).or_default();
            verdicts.insert(trial.cell.clone(), verdict);
            self.tried.insert(wave, self.world.now);
        }
        let count = plan.steps.len();
        for step in plan.steps {
            let before = self.versions();
            self.log.push(format!("{:?} {}", self.world.now, step.describe()));
            self.apply(&step);
            if let Some(object) = step.sighting() {
                self.memory.wrote(&object, self.world.now);
            }
            self.judge(&before, &step);
            self.touched();
            if may_die && self.random.u8(..6) == 0 {
                self.log.push("dies".to_owned());
                self.memory = Sightings::default();
                self.world.facts.witness_verdicts.clear();
                break;
            }
        }
        count
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::CreatePolicy { enforcement, name, content, tags, .. } => {
                self.made += 1;
                let id: PolicyId = format!("p-{:08}", self.made).parse().unwrap();
                let is_new = self.policies.values().all(|it| it.name != *name);
                assert!(is_new, "{name} is made twice\n{}", self.log.join("\n"));
                let new = ObservedPolicy {
                    id: id.clone(),
                    name: name.clone(),
                    owner: Some("us".parse().unwrap()),
                    enforcement: Some(enforcement.clone()),
                    shard: tags.get("bedrail:shard").map(|it| it.parse().unwrap()),
                    lane: tags.get("bedrail:lane").cloned(),
                    rollouts: RolloutMarks::of_tags(tags),
                    content: content.clone(),
                    targets: BTreeSet::new(),
                };
                self.policies.insert(id, new);
            }
            Step::DeletePolicy { id, .. } => {
                let gone = self.policies.remove(id).unwrap();
                assert!(gone.targets.is_empty(), "deleted while attached");
            }
            Step::UpdatePolicy { id, content, .. } => {
                self.policies.get_mut(id).unwrap().content = content.clone();
            }
            Step::TagPolicy { id, tags, .. } => {
                let policy = self.policies.get_mut(id).unwrap();
                let marks = policy.rollouts.entry(name()).or_default();
                for (tag, value) in tags {
                    if let Some((kind, _)) = RolloutMarks::of_tag(tag) {
                        marks.read(kind, value);
                    }
                }
            }
            Step::AttachPolicy { id, target, .. } => {
                assert!(self.policies.get_mut(id).unwrap().targets.insert(target.clone()));
            }
            Step::DetachPolicy { id, target, is_loss, .. } => {
                assert!(!is_loss, "no text gave anything up");
                assert!(self.policies.get_mut(id).unwrap().targets.remove(target));
            }
            step => panic!("not expected: {step}"),
        }
    }

    /// The laws of a write.
    fn judge(&self, before: &BTreeMap<Spot, u32>, step: &Step) {
        let after = self.versions();
        let marks: Vec<&RolloutMarks> =
            self.policies.values().filter_map(|it| it.rollouts.get(&name())).collect();
        for (spot, old) in before {
            let Some(new) = after.get(spot) else {
                self.fail(&format!("{spot:?} is bare: {step}"))
            };
            if new < old {
                let is_rejected = marks.iter().any(|it| it.rejected.is_some());
                if !is_rejected || *old != self.wanted() {
                    self.fail(&format!("{spot:?} goes back from {old} to {new}: {step}"));
                }
            }
        }
        let moved = after.iter().filter(|(spot, new)| before.get(*spot).is_some_and(|it| it < new));
        for (spot, new) in moved {
            if *new != self.wanted() {
                self.fail(&format!("{spot:?} moves to {new}, which nobody desires: {step}"));
            }
            self.assert_open(spot, &marks);
        }
    }

    fn assert_open(&self, spot: &Spot, marks: &[&RolloutMarks]) {
        let target = content(TEXTS[self.text]).revision();
        if marks.iter().any(|it| it.accepted == Some(Accepted::Revision(target.clone()))) {
            return;
        }
        for wave in 0..self.wave_of(spot) {
            let why = format!("{spot:?} moves before wave {wave}");
            let Some(since) = self.complete.get(&wave) else {
                self.fail(&format!("{why} is complete"))
            };
            let has_places =
                !self.world.target_waves[&name()].rollout.waves[wave].places.is_empty();
            let tried = self.tried.get(&wave);
            // An account may follow later than the one that shows it. What somebody changes in a wave
            // that was passed is put back, and not baked again.
            let baked = *since + BAKE.saturating_sub(Duration::from_secs(LATE));
            if has_places && tried.is_none_or(|at| *at < baked && !self.is_disturbed) {
                self.fail(&format!("{why} was tried {tried:?} after it baked since {since:?}"));
            }
        }
    }

    /// Somebody detaches a policy, which leaves its accounts to others or bare.
    fn disturb(&mut self) {
        let attached: Vec<(PolicyId, TargetId)> = self
            .policies
            .values()
            .flat_map(|it| it.targets.iter().map(|target| (it.id.clone(), target.clone())))
            .collect();
        if attached.is_empty() {
            return;
        }
        let (id, target) = attached[self.random.usize(..attached.len())].clone();
        self.log.push(format!("somebody detaches {id} from {target}"));
        self.is_disturbed = true;
        self.policies.get_mut(&id).unwrap().targets.remove(&target);
        self.touched();
        self.wait(LATE);
    }

    fn is_done(&self, number: u32) -> bool {
        let all = REGIONS.len()
            * ACCOUNTS
                .iter()
                .filter(|(id, _, is_active)| {
                    let line = self.fleet.lineage(&TargetId::Account(id.parse().unwrap()));
                    *is_active && line.iter().any(|it| self.want.targets.contains(it))
                })
                .count();
        let has_it = |found: BTreeMap<Spot, u32>| {
            found.len() == all && found.values().all(|it| *it == number)
        };
        let text = usize::try_from(number).unwrap() - 1;
        let accepted = Some(Accepted::Revision(content(TEXTS[text]).revision()));
        let mut marks = self.policies.values().filter_map(|it| it.rollouts.get(&name()));
        marks.any(|it| it.accepted == accepted)
            && has_it(self.versions())
            && has_it(self.versions_in_force())
            && self.policies.len() == 1
            && self.policies.values().all(|it| {
                it.targets == self.want.targets
                    && blocks(&it.content).values().all(|block| {
                        block.get(document::LOCK).is_none() == self.want.allow_override
                    })
            })
    }

    fn settle(&mut self, number: u32) {
        for _ in 0..400 {
            if self.visit(false) == 0 && self.is_done(number) {
                return;
            }
            let seconds = self.random.u64(5..40);
            self.wait(seconds);
        }
        let plan = self.plan();
        self.log.push(format!("{:#?}", plan.held));
        self.log.push(format!("{:#?}", self.policies));
        self.fail("it does not settle");
    }

    /// Nothing is written any more, by this process or by another.
    fn assert_at_rest(&mut self) {
        for _ in 0..20 {
            if self.random.bool() {
                self.memory = Sightings::default();
            }
            if self.visit(false) > 0 {
                self.fail("something is written at rest");
            }
            self.wait(20);
        }
    }
}

/// The block with its operators resolved, as AWS shows it.
fn plain(block: &Value) -> Value {
    let Value::Object(members) = block else { return block.clone() };
    if let Some(value) = members.get("@@assign") {
        return value.clone();
    }
    let said = members.iter().filter(|(key, _)| !key.starts_with("@@"));
    Value::Object(said.map(|(key, member)| (key.clone(), plain(member))).collect())
}

fn number(block: &Value) -> u32 {
    let named = block["config_1"]["identifier"].as_str().unwrap();
    named.rsplit(':').next().unwrap().parse().unwrap()
}

fn worlds() -> impl Iterator<Item = u64> {
    0..8
}

#[test]
fn target_by_target_every_account_has_the_old_or_the_new_and_no_wave_comes_early() {
    for seed in worlds() {
        let mut truth = Truth::new(seed);
        truth.settle(1);
        for text in [1, 2] {
            truth.write(text);
            // A newer text may come before an older one is everywhere.
            for _ in 0..truth.random.usize(0..120) {
                truth.visit(true);
                let seconds = truth.random.u64(1..40);
                truth.wait(seconds);
            }
        }
        truth.settle(3);
        truth.assert_at_rest();
    }
}

#[test]
fn whatever_somebody_detaches_a_rollout_to_targets_comes_to_its_end() {
    for seed in worlds() {
        let mut truth = Truth::new(seed);
        truth.settle(1);
        truth.write(1);
        for _ in 0..truth.random.usize(0..80) {
            truth.visit(true);
            let seconds = truth.random.u64(1..40);
            truth.wait(seconds);
            if truth.random.u8(..20) == 0 {
                truth.disturb();
            }
        }
        truth.settle(2);
        truth.assert_at_rest();
    }
}

#[test]
fn a_bad_revision_goes_back_from_every_target_and_never_reaches_a_second_wave() {
    for seed in worlds() {
        let mut truth = Truth::new(seed);
        truth.settle(1);
        truth.bad = Some(1);
        truth.write(1);
        for _ in 0..80 {
            truth.visit(true);
            let seconds = truth.random.u64(1..40);
            truth.wait(seconds);
            let early = truth
                .versions()
                .into_iter()
                .find(|(spot, version)| *version == 2 && truth.wave_of(spot) > 0);
            assert_eq!(early, None, "seed {seed}\n{}", truth.log.join("\n"));
        }
        truth.settle(1);
        truth.assert_at_rest();
        truth.write(2);
        truth.settle(3);
        truth.assert_at_rest();
    }
}

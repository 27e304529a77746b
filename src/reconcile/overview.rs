//! Where everything stands, as the page shows it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::engine::Engine;
use super::key::Key;
use super::state::State;
use crate::model::{
    Account, AccountState, Cell, EnforcementKind, Fleet, ManifestKey, Name, Region,
    RolloutProgress, TargetId,
};
use crate::plan::{self, Plan, Ruling, Step};
use crate::status::{
    AccountRow, Ailing, CellDetail, CellFacts, CellState, DesiredDetail, Event, HeldPlanOverview,
    LiveDetail, ManifestStatus, Outcome, Overview, Part, Phase, Place, SlotRead, Urgency, names,
    troubles,
};

/// Events that one cell shows.
const EVENTS_OF_CELL_MAX: usize = 20;

/// An approval that the page shows changes once in so many seconds, not with each look.
const APPROVAL_STEP_SECONDS: i64 = 3600;

impl Engine {
    /// Where everything stands now, small enough to be asked for whenever something changes.
    pub fn overview(&self) -> Overview {
        let at = self.time.wall();
        let journal = self.journal_status();
        let state = self.state();
        let matrix = state.matrix();
        let keys = state.keys();
        let outcomes = state.board.outcomes();
        let oldest_read = keys.iter().map(|key| outcomes.get(key)?.observed_at).min().flatten();
        let (mut notices, orphans) = (state.notices(journal.as_ref()), state.orphans());
        notices.extend(self.unanswering().notices());
        Overview {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at,
            generation: state.generation(),
            urgency: Urgency::Good,
            verdict: String::new(),
            notices,
            troubles: troubles(keys.iter().filter_map(|key| state.ailing(key))),
            refusals: state.desired.refusals.iter().map(ToString::to_string).collect(),
            orphans,
            held_plan: state.held_plan(at),
            counts: matrix.counts,
            regions: matrix.regions.iter().map(ToString::to_string).collect(),
            accounts: matrix.rows,
            rollouts: self.rollouts(&state),
            timeline: state.timeline.newest().into_iter().cloned().collect(),
            manifests: state.manifests(&keys),
            journal,
            oldest_read,
        }
        .judged()
    }

    /// Everything about one account and Region; `None` where the organization has no such account.
    pub fn cell_detail(&self, account: &str, region: &str) -> Option<CellDetail> {
        let cell = Cell { account: account.parse().ok()?, region: region.parse().ok()? };
        let state = self.state();
        let fleet = state.facts.fleet.as_ref()?;
        let account = fleet.accounts.get(&cell.account)?;
        let covered = state.coverage.as_ref().map(|it| it.regions_over(&cell.account, fleet));
        let keys: Vec<Key> =
            state.keys().into_iter().filter(|key| key.place().as_ref() == Some(&cell)).collect();
        let outcomes = state.board.outcomes();
        let planned = keys.iter().filter_map(|key| state.plans.get(key));
        let steps = planned.flat_map(|plan| &plan.steps);
        let (id, its_region) = (cell.account.to_string(), cell.region.to_string());
        let is_here = |event: &&Event| {
            event.account.as_deref() == Some(&id) && event.region.as_deref() == Some(&its_region)
        };
        let events = state.timeline.newest().into_iter().filter(is_here);
        Some(CellDetail {
            place: Place { account: id.clone(), region: its_region.clone() },
            name: account.name.clone(),
            account_state: account.state.to_string(),
            unit: fleet.describe(&account.parent),
            state: state.cell_state(&cell, account, covered.as_ref()),
            desired: state.desired_detail(&cell),
            live: state.live_detail(&cell),
            organization: state.policies_over(&cell, fleet),
            difference: steps.flat_map(differences).collect(),
            keys: keys.iter().map(|key| state.key_status(key, outcomes.get(key))).collect(),
            events: events.take(EVENTS_OF_CELL_MAX).cloned().collect(),
        })
    }

    fn rollouts(&self, state: &State) -> Vec<RolloutProgress> {
        let context = self.context(&state.desired, &state.facts, &state.rollouts);
        let names = state.desired.rollouts.keys();
        let of_accounts = names.filter_map(|name| plan::rollout_progress(name, &context));
        let organization = state.plans.get(&Key::Organization);
        of_accounts.chain(organization.into_iter().flat_map(|it| it.progress.clone())).collect()
    }
}

/// Old and new of each field that a step would change; the step itself where it names none.
fn differences(step: &Step) -> Vec<String> {
    let changes = step.changes();
    if changes.is_empty() {
        return vec![format!("{} {}", step.operation(), step.object())];
    }
    changes.iter().map(|change| change.without_words().to_string()).collect()
}

/// Accounts × Regions.
struct Matrix<'a> {
    regions: BTreeSet<&'a Region>,
    rows: Vec<AccountRow>,
    counts: BTreeMap<CellState, usize>,
}

impl State {
    fn matrix(&self) -> Matrix<'_> {
        let desired = &self.desired;
        let organization = desired.organization.values().flat_map(|it| &it.regions);
        let cells = desired.cells.keys().chain(self.audited.keys()).chain(self.facts.cells.keys());
        let regions: BTreeSet<&Region> = desired
            .replicas
            .keys()
            .map(|key| &key.region)
            .chain(organization)
            .chain(cells.map(|cell| &cell.region))
            .collect();
        let mut matrix = Matrix { regions, rows: Vec::new(), counts: BTreeMap::new() };
        let Some(fleet) = &self.facts.fleet else { return matrix };
        let mut units: BTreeMap<&TargetId, String> = BTreeMap::new();
        for account in fleet.accounts.values() {
            let unit =
                units.entry(&account.parent).or_insert_with(|| fleet.describe(&account.parent));
            let (unit, covered) = (unit.clone(), self.coverage.as_ref());
            let covered = covered.map(|it| it.regions_over(&account.id, fleet));
            let mut letters = String::with_capacity(matrix.regions.len());
            for region in &matrix.regions {
                let cell = Cell { account: account.id.clone(), region: (*region).clone() };
                let state = self.cell_state(&cell, account, covered.as_ref());
                letters.push(state.letter());
                if account.state == AccountState::Active {
                    *matrix.counts.entry(state).or_default() += 1;
                }
            }
            matrix.rows.push(AccountRow {
                id: account.id.to_string(),
                name: account.name.clone(),
                state: account.state.to_string(),
                unit,
                cells: letters,
            });
        }
        matrix.rows.sort_by(|a, b| (&a.unit, &a.name, &a.id).cmp(&(&b.unit, &b.name, &b.id)));
        matrix
    }

    fn cell_state(
        &self,
        cell: &Cell,
        account: &Account,
        covered: Option<&BTreeSet<&str>>,
    ) -> CellState {
        let claimed = self.desired.cells.contains_key(cell);
        let claim = claimed.then(|| {
            let outcome = self.board.outcomes().get(&Key::Cell(cell.clone()));
            outcome.map_or(Phase::Unknown, Outcome::phase)
        });
        CellState::judge(CellFacts {
            is_active: account.state == AccountState::Active,
            claim,
            slot: self.slot_read(cell),
            is_covered: covered.map(|regions| regions.contains(cell.region.as_str())),
        })
    }

    fn slot_read(&self, cell: &Cell) -> SlotRead {
        if let Some(unreadable) = self.facts.cells_unreadable.get(cell) {
            return if unreadable.is_not_enabled { SlotRead::NotEnabled } else { SlotRead::Unread };
        }
        match self.facts.cells.get(cell) {
            Some(Some(_)) => SlotRead::Taken,
            // A configuration whose guardrail could not be told is one all the same.
            Some(None) if self.has_live_configuration(cell) => SlotRead::Taken,
            Some(None) => SlotRead::Empty,
            None => self.audited.get(cell).map_or(SlotRead::Unread, |it| it.read()),
        }
    }

    /// Whether the last plan of a claimed cell found something to change rather than to create.
    fn has_live_configuration(&self, cell: &Cell) -> bool {
        let plan = self.plans.get(&Key::Cell(cell.clone()));
        let mut steps = plan.into_iter().flat_map(|plan| &plan.steps);
        steps.any(|step| matches!(step, Step::PutEnforced { config_id: Some(_), .. }))
    }

    /// What stands badly, or was not visited yet.
    fn ailing(&self, key: &Key) -> Option<Ailing<'_>> {
        let outcome = self.board.outcomes().get(key);
        let phase = outcome.map_or(Phase::Unknown, Outcome::phase);
        let why = match (phase, outcome.and_then(Outcome::why)) {
            (Phase::InSync, _) => return None,
            (_, Some(why)) => why,
            (Phase::Unknown, None) => ("NotVisited", "it was not visited yet"),
            (_, None) => ("Converging", "it is being written"),
        };
        let since = outcome.map(|it| it.since);
        Some(Ailing { key: key.to_string(), phase, why, since })
    }

    fn held_plan(&self, at: Timestamp) -> Option<HeldPlanOverview> {
        let Ruling::Held(held) = self.ruling(at) else { return None };
        let second = at.as_second() - at.as_second().rem_euclid(APPROVAL_STEP_SECONDS);
        let from = Timestamp::from_second(second).unwrap_or(at);
        Some(HeldPlanOverview {
            name: held.name.clone(),
            text: held.to_string(),
            manifests: held.manifests.iter().map(ManifestKey::to_string).collect(),
            approval: held.approval(from),
        })
    }

    fn manifests(&self, keys: &BTreeSet<Key>) -> Vec<ManifestStatus> {
        let mut parts: BTreeMap<String, Vec<Part>> = BTreeMap::new();
        for manifest in self.desired.spec_hashes().into_keys() {
            parts.entry(manifest.to_string()).or_default();
        }
        for key in keys {
            if let Some(manifest) = self.manifest_of(key) {
                parts.entry(manifest).or_default().push(self.part(key));
            }
        }
        for key in self.desired.enforcements.keys() {
            if key.kind != EnforcementKind::Account {
                parts.insert(key.to_string(), vec![self.part_of_organization(&key.name)]);
            }
        }
        for name in self.desired.controls.keys() {
            let manifest = format!("ServiceControlPolicy/{name}");
            parts.insert(manifest, vec![self.part_of_organization(name)]);
        }
        let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for refusal in &self.desired.refusals {
            parts.entry(refusal.manifest.clone()).or_default();
            let message = format!("{}: {}", refusal.field, refusal.message);
            refused.entry(&refusal.manifest).or_default().push(message);
        }
        let generation = self.generation();
        let judged = |(manifest, parts): (String, Vec<Part>)| {
            let refusals = refused.remove(manifest.as_str()).unwrap_or_default();
            ManifestStatus::judge(manifest, generation, &parts, &refusals)
        };
        parts.into_iter().map(judged).collect()
    }

    fn part(&self, key: &Key) -> Part {
        let outcome = self.board.outcomes().get(key);
        let why = outcome.and_then(Outcome::why);
        Part {
            phase: outcome.map_or(Phase::Unknown, Outcome::phase),
            why: why.map(|(reason, message)| (reason.to_owned(), message.to_owned())),
            since: outcome.map(|it| it.since),
            observed_generation: outcome.map(|it| it.observed_generation),
        }
    }

    /// How one enforcement stands of all those that are visited with the organization. Of what
    /// waits there, a sentence that names another enforcement is the other's.
    fn part_of_organization(&self, name: &Name) -> Part {
        let whole = self.part(&Key::Organization);
        let outcome = self.board.outcomes().get(&Key::Organization);
        let (Some(outcome), Some(plan)) = (outcome, self.plans.get(&Key::Organization)) else {
            return whole;
        };
        if outcome.failure.is_some() || outcome.phase() == Phase::InSync {
            return whole;
        }
        let desired = &self.desired;
        let is_its = |sentence: &str| {
            let mut others = desired.organization.keys().chain(desired.controls.keys());
            names(sentence, name.as_str()) || !others.any(|other| names(sentence, other.as_str()))
        };
        let person_first = outcome.held.iter().filter(|it| is_its(&it.message));
        let held = person_first.max_by_key(|it| it.needs_person);
        let refused = outcome.refused.iter().find(|it| is_its(it));
        let (phase, why) = match (refused, held) {
            (Some(refused), _) => (Phase::Refused, Some(("Refused".to_owned(), refused.clone()))),
            (None, Some(held)) => {
                let phase = if held.needs_person { Phase::Held } else { Phase::Waiting };
                (phase, Some((held.reason.clone(), held.message.clone())))
            }
            (None, None) if is_written(plan, name) => (Phase::Converging, None),
            (None, None) => (Phase::InSync, None),
        };
        Part { phase, why, ..whole }
    }

    fn desired_detail(&self, cell: &Cell) -> Option<DesiredDetail> {
        let desired = self.desired.cells.get(cell)?;
        let replica = self.desired.replicas.get(&desired.replica);
        let pinned = desired.revision.as_ref();
        let revision = pinned.or(replica.map(|it| &it.revision))?;
        let fact = self.facts.replicas.get(&desired.replica);
        let version = fact.and_then(|fact| match (pinned, replica) {
            (None, Some(replica)) => fact.versions.get(&replica.replica_revision),
            (Some(_), _) | (None, None) => fact.revisions.get(revision),
        });
        Some(DesiredDetail {
            manifest: format!("AccountEnforcement/{}", desired.enforcement),
            guardrail: desired.replica.guardrail.to_string(),
            revision: revision.short().to_owned(),
            version: fact.zip(version).map(|(fact, version)| fact.arn.with_version(*version)),
        })
    }

    fn live_detail(&self, cell: &Cell) -> LiveDetail {
        let reference = self.facts.cells.get(cell).and_then(Option::as_ref);
        LiveDetail {
            slot: self.slot_read(cell),
            version: reference.map(|(arn, version)| arn.with_version(*version)),
        }
    }

    /// What policies of ours enforce in a cell, from the top down.
    fn policies_over(&self, cell: &Cell, fleet: &Fleet) -> Vec<String> {
        let policies = || self.facts.own_policies.iter().flatten();
        let line = fleet.lineage(&TargetId::Account(cell.account.clone()));
        let said = line.iter().flat_map(|target| {
            let here = policies().filter(move |(_, policy)| {
                policy.targets.contains(target) && policy.regions.contains(cell.region.as_str())
            });
            here.map(move |(id, policy)| {
                let in_region =
                    policy.references.iter().filter(|(arn, _)| arn.region == cell.region);
                let versions: Vec<String> =
                    in_region.map(|(arn, version)| arn.with_version(*version)).collect();
                let name = policy.enforcement.as_ref().map(Name::to_string).unwrap_or_default();
                let place = fleet.describe(target);
                format!("{name} ({id}) at {place}: {}", versions.join(", "))
            })
        });
        said.collect()
    }
}

/// Whether a plan writes something for an enforcement.
fn is_written(plan: &Plan, name: &Name) -> bool {
    plan.steps.iter().any(|step| {
        step.enforcement() == Some(name)
            || matches!(step, Step::Control(_)) && names(&step.object(), name.as_str())
    })
}

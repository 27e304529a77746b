//! What is read of the organization less often than the rest: tags, one call for each account, and
//! the tree, one for each unit.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::engine::Engine;
use crate::aws::AwsError;
use crate::model::{AccountId, AccountState, Fleet};

/// Tags of accounts, and when each was read.
type Tags = BTreeMap<AccountId, (Duration, BTreeMap<String, String>)>;

/// What the last sweeps read.
#[derive(Debug, Default)]
pub(super) struct Sweeps {
    tags: Tags,
    /// When tags were read last, of whichever accounts.
    tags_at: Option<Duration>,
    /// Accounts whose tags somebody is said to have changed.
    tags_asked: BTreeSet<AccountId>,
    /// When all units were listed last.
    walked_at: Option<Duration>,
}

impl Sweeps {
    /// Has the tree walked at the next visit.
    pub(super) fn walk_soon(&mut self) {
        self.walked_at = None;
    }

    /// Has the tags of an account read at the next visit; what was read of them stands until then.
    pub(super) fn read_tags_soon(&mut self, account: &AccountId) {
        if self.tags.contains_key(account) {
            self.tags_asked.insert(account.clone());
        }
    }

    /// Whether the tree is to be walked.
    fn walk_is_due(&self, now: Duration, sweep: Duration) -> bool {
        self.walked_at.is_none_or(|at| now >= at.saturating_add(sweep))
    }

    /// The accounts whose tags are to be read now: those of which none are known, and of the others
    /// the oldest, so that each is read once in `sweep` and about as many every time.
    fn tags_due(
        &self,
        active: &BTreeSet<AccountId>,
        now: Duration,
        sweep: Duration,
    ) -> Vec<AccountId> {
        let (known, unknown): (Vec<_>, Vec<_>) =
            active.iter().partition(|id| self.tags.contains_key(*id));
        let passed = self.tags_at.map_or(Duration::ZERO, |at| now.saturating_sub(at));
        let known = known.into_iter().filter_map(|id| Some((id, self.tags.get(id)?.0)));
        let known = oldest_due(known, passed, sweep);
        let asked = self.tags_asked.intersection(active);
        let all: BTreeSet<&AccountId> = unknown.into_iter().chain(known).chain(asked).collect();
        all.into_iter().cloned().collect()
    }
}

/// Of `items`, each with when it was looked at last, the oldest: as many as `passed`, the time since
/// this was asked last, is a share of `interval`.
fn oldest_due<T: Ord>(
    items: impl IntoIterator<Item = (T, Duration)>,
    passed: Duration,
    interval: Duration,
) -> Vec<T> {
    let mut items: Vec<(Duration, T)> = items.into_iter().map(|(item, at)| (at, item)).collect();
    items.sort_unstable();
    if interval.is_zero() {
        return items.into_iter().map(|(_, item)| item).collect();
    }
    let count = u128::try_from(items.len()).unwrap_or(u128::MAX);
    let share = count.saturating_mul(passed.as_nanos()).div_ceil(interval.as_nanos());
    let share = usize::try_from(share).unwrap_or(usize::MAX);
    items.into_iter().take(share).map(|(_, item)| item).collect()
}

impl Engine {
    /// Reads the organization: accounts every time, the rest when it is due.
    pub(super) async fn read_fleet(&self) -> Result<Fleet, AwsError> {
        let (now, sweep) = (self.time.now(), self.settings.sweep);
        let (known, needs_tags) = {
            let state = self.state();
            let known = state.facts.fleet.clone();
            #[cfg(feature = "planted")]
            if crate::planted::is(crate::planted::Planted::TreeReadOnce)
                && let Some(known) = known
            {
                return Ok(known);
            }
            let known = known.filter(|_| !state.sweeps.walk_is_due(now, sweep));
            (known, state.accepted.as_ref().is_some_and(|it| it.needs_tags))
        };
        let mut fleet = self.aws.tree(known.as_ref()).await?;
        if known.is_none() {
            self.state().sweeps.walked_at = Some(now);
        }
        if needs_tags {
            self.read_tags(&mut fleet, now).await;
        }
        Ok(fleet)
    }

    /// Puts in the tags of ACTIVE accounts; where a read fails, those that were read before.
    async fn read_tags(&self, fleet: &mut Fleet, now: Duration) {
        let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
        let active: BTreeSet<AccountId> = active.map(|it| it.id.clone()).collect();
        let due = self.state().sweeps.tags_due(&active, now, self.settings.sweep);
        let read = self.aws.account_tags(due).await;
        let mut state = self.state();
        let sweeps = &mut state.sweeps;
        sweeps.tags_at = Some(now);
        sweeps.tags_asked.retain(|id| !read.contains_key(id) && active.contains(id));
        sweeps.tags.extend(read.into_iter().map(|(id, tags)| (id, (now, tags))));
        sweeps.tags.retain(|id, _| active.contains(id));
        for account in fleet.accounts.values_mut() {
            account.tags = sweeps.tags.get(&account.id).map(|(_, tags)| tags.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_sweep_looks_at_everything_once_and_at_as_many_each_time() {
        let mut seen: BTreeMap<u32, Duration> = (0..1000).map(|it| (it, Duration::ZERO)).collect();
        for minute in 1..=60 {
            let now = MINUTE * minute;
            let due = oldest_due(seen.clone(), MINUTE, 15 * MINUTE);
            assert!((66..=67).contains(&due.len()), "{}", due.len());
            seen.extend(due.into_iter().map(|it| (it, now)));
            assert!(minute < 15 || seen.values().all(|at| now.abs_diff(*at) <= 15 * MINUTE));
        }
        assert_eq!(oldest_due(seen.clone(), 60 * MINUTE, 15 * MINUTE).len(), 1000, "after long");
        assert_eq!(oldest_due(seen, Duration::ZERO, Duration::ZERO).len(), 1000, "always");
    }

    #[test]
    fn the_tags_of_an_account_that_is_new_are_read_at_once() {
        let accounts: BTreeSet<AccountId> =
            ["111111111111", "222222222222"].iter().map(|id| id.parse().unwrap()).collect();
        let mut sweeps = Sweeps::default();
        assert_eq!(sweeps.tags_due(&accounts, MINUTE, 15 * MINUTE).len(), 2);
        sweeps.tags_at = Some(MINUTE);
        let known = accounts.first().cloned().unwrap();
        sweeps.tags.insert(known, (MINUTE, BTreeMap::new()));
        let due = sweeps.tags_due(&accounts, MINUTE, 15 * MINUTE);
        assert_eq!(due, ["222222222222".parse().unwrap()]);
        assert_eq!(sweeps.tags_due(&accounts, 2 * MINUTE, 15 * MINUTE).len(), 2);
    }
}

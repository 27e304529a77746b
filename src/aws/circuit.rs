//! Spares a Region or an account that does not answer the calls of everybody who would ask it.
//!
//! ```text
//!            enough calls in a row unanswered               the time is up
//!   closed ─────────────────────────────────────► open ───────────────────► one call goes through
//!     ▲                                             ▲                             │ unanswered:
//!     └───────────── any answer, a refusal too      └── twice as long, to a limit ┘
//! ```
//!
//! Accounts whose calls hang do not open the circuits of their Regions, nor a Region those of its
//! accounts: in between, others are answered; and what is known to be silent itself is no witness of
//! anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{AccountId, Cell, Region};

/// How long calls must have gone unanswered: all that were in flight when a connection broke fail
/// at once, and mean nothing yet.
const UNANSWERED_FOR: Duration = Duration::from_secs(2);

/// The first wait.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// When a circuit opens, and how long it stays so.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Calls in a row without an answer …
    unanswered_max: u32,
    /// … to so many different places.
    places_min: usize,
    /// The longest wait: what is back is noticed within it.
    wait_max: Duration,
}

/// A Region answers thousands of cells: it is noticed soon, and its return too.
const REGION: Limits =
    Limits { unanswered_max: 8, places_min: 1, wait_max: Duration::from_secs(30) };

/// An account of which one Region alone is silent is the business of that Region's circuit.
const ACCOUNT: Limits =
    Limits { unanswered_max: 3, places_min: 2, wait_max: Duration::from_mins(1) };

/// What is known of one Region or account.
#[derive(Clone, Debug, Default)]
struct Circuit {
    /// Calls without an answer since the last one with.
    unanswered: u32,
    /// Where they went.
    places: BTreeSet<String>,
    /// When the first of them failed.
    since: Option<Instant>,
    /// While it is open: the last wait, and its end.
    open: Option<(Duration, Instant)>,
}

impl Circuit {
    /// How long it is until a call may go through; `None` if one may now.
    fn wait(&self, now: Instant) -> Option<Duration> {
        let (_, end) = self.open?;
        end.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    /// Lets a call through, which is the trial: whoever comes before its end waits for the next.
    fn try_one(&mut self, limits: Limits, now: Instant) {
        if let Some((wait, _)) = self.open {
            let wait = (wait * 2).min(limits.wait_max);
            self.open = Some((wait, now + wait));
        }
    }

    fn unanswered(&mut self, limits: Limits, place: &str, now: Instant) {
        self.unanswered = self.unanswered.saturating_add(1);
        if self.places.len() < limits.places_min && !self.places.contains(place) {
            self.places.insert(place.to_owned());
        }
        let since = *self.since.get_or_insert(now);
        let is_dead = self.unanswered >= limits.unanswered_max
            && self.places.len() >= limits.places_min
            && now - since >= UNANSWERED_FOR;
        if is_dead && self.open.is_none() {
            self.open = Some((FIRST_WAIT, now + FIRST_WAIT));
        }
    }
}

/// What does not answer, so that a call is not worth sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silent {
    /// The Region, to anybody; and how long until a call may try it.
    Region(Duration),
    /// The account, in several Regions; and how long until a call may try it.
    Account(Duration),
}

impl Silent {
    /// Why a call to `cell` was not sent.
    pub(super) fn describe(self, cell: &Cell) -> String {
        let (who, wait) = match self {
            Self::Region(wait) => (cell.region.to_string(), wait),
            Self::Account(wait) => (format!("account {}", cell.account), wait),
        };
        format!(
            "not sent: Bedrock in {who} has not answered for a while; the next call goes through in \
             {} s",
            wait.as_secs() + 1
        )
    }
}

/// What does not answer now, so that hardly any call is sent there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unanswering {
    /// Regions of Bedrock, to anybody.
    pub regions: BTreeSet<Region>,
    /// Accounts, in several Regions.
    pub accounts: BTreeSet<AccountId>,
}

/// One circuit for each Region of Bedrock and for each account. Those that answer are not kept.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    regions: Table<Region>,
    accounts: Table<AccountId>,
}

impl Circuits {
    /// Whether a call to `cell` may go through now.
    pub(super) fn admit(&self, cell: &Cell, now: Instant) -> Result<(), Silent> {
        // Both are asked before either has its trial: one that is refused is no trial.
        if let Some(wait) = self.regions.wait(&cell.region, now) {
            return Err(Silent::Region(wait));
        }
        if let Some(wait) = self.accounts.wait(&cell.account, now) {
            return Err(Silent::Account(wait));
        }
        self.regions.try_one(REGION, &cell.region, now);
        self.accounts.try_one(ACCOUNT, &cell.account, now);
        Ok(())
    }

    /// What does not answer.
    pub(super) fn open(&self) -> Unanswering {
        Unanswering { regions: self.regions.open(), accounts: self.accounts.open() }
    }

    /// Notes that `cell` did not answer.
    pub(super) fn unanswered(&self, cell: &Cell, now: Instant) {
        let Cell { account, region } = cell;
        let (is_account, is_region) =
            (self.accounts.is_open(account), self.regions.is_open(region));
        if !is_account {
            self.regions.unanswered(REGION, region, account.as_str(), now);
        }
        if !is_region {
            self.accounts.unanswered(ACCOUNT, account, region.as_str(), now);
        }
    }

    /// Notes that `cell` answered, be it with a refusal.
    pub(super) fn answered(&self, cell: &Cell) {
        self.regions.answered(&cell.region);
        self.accounts.answered(&cell.account);
    }
}

/// The circuits that are not as new.
#[derive(Debug)]
struct Table<K>(Mutex<BTreeMap<K, Circuit>>);

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone> Table<K> {
    fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.get(key)?.wait(now)
    }

    fn try_one(&self, limits: Limits, key: &K, now: Instant) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(circuit) = circuits.get_mut(key) {
            circuit.try_one(limits, now);
        }
    }

    fn is_open(&self, key: &K) -> bool {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.get(key).is_some_and(|circuit| circuit.open.is_some())
    }

    fn unanswered(&self, limits: Limits, key: &K, place: &str, now: Instant) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.entry(key.clone()).or_default().unanswered(limits, place, now);
    }

    fn open(&self) -> BTreeSet<K> {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = circuits.iter().filter(|(_, circuit)| circuit.open.is_some());
        open.map(|(key, _)| key.clone()).collect()
    }

    fn answered(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A circuit that opened just now.
    fn open(now: Instant) -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..REGION.unanswered_max {
            circuit.unanswered(REGION, "a", now - UNANSWERED_FOR);
        }
        assert_eq!(circuit.wait(now), None, "all at once means nothing yet");
        circuit.unanswered(REGION, "a", now);
        circuit
    }

    fn cell(account: &str, region: &str) -> Cell {
        Cell { account: account.parse().unwrap(), region: region.parse().unwrap() }
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_in_a_while_tries_whether_a_dead_region_is_back() {
        tokio::time::advance(UNANSWERED_FOR).await;
        let now = Instant::now();
        let mut circuit = open(now);
        assert_eq!(circuit.wait(now), Some(SECOND));
        assert_eq!(circuit.wait(now + SECOND), None, "the trial");
        circuit.try_one(REGION, now + SECOND);
        assert_eq!(circuit.wait(now + SECOND), Some(2 * SECOND), "and no other");
        circuit.unanswered(REGION, "a", now + 2 * SECOND);
        assert_eq!(circuit.wait(now + 3 * SECOND), None);
        let mut later = now;
        for _ in 0..10 {
            circuit.try_one(REGION, later);
            later += REGION.wait_max;
            assert_eq!(circuit.wait(later), None, "at least every half minute");
            circuit.unanswered(REGION, "a", later);
        }
    }

    /// Else a Region in which a third of the accounts hang is taken for dead, to the cost of the rest.
    #[tokio::test(start_paused = true)]
    async fn accounts_that_are_known_to_be_silent_say_nothing_of_their_regions() {
        let now = Instant::now();
        let circuits = Circuits::default();
        let regions = ["us-east-1", "us-west-2", "eu-west-1"];
        let silent: Vec<String> = (0..20).map(|it| format!("2{it:011}")).collect();
        // Each is tried now and then, for an hour; nobody else asks anything.
        for minute in 0..60 {
            let at = now + minute * 60 * SECOND;
            for account in &silent {
                for (index, region) in regions.iter().enumerate() {
                    let here = cell(account, region);
                    let at = at + u32::try_from(index).unwrap() * SECOND;
                    if circuits.admit(&here, at).is_ok() {
                        circuits.unanswered(&here, at);
                    }
                }
            }
            if minute == 0 {
                for region in regions {
                    circuits.answered(&cell("333333333333", region));
                }
            }
        }
        let open = circuits.open();
        assert_eq!((open.accounts.len(), open.regions.len()), (20, 0), "{open:?}");
        for region in regions {
            assert_eq!(circuits.admit(&cell("333333333333", region), now), Ok(()));
        }
    }

    /// Else the one that is refused uses up the trial of the other, which is never found to be back.
    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_refused_is_nobodys_trial() {
        tokio::time::advance(UNANSWERED_FOR).await;
        let (now, here) = (Instant::now(), cell("111122223333", "eu-west-1"));
        let circuits = Circuits::default();
        circuits.regions.0.lock().unwrap().insert(here.region.clone(), open(now));
        let mut account = open(now);
        account.try_one(ACCOUNT, now);
        circuits.accounts.0.lock().unwrap().insert(here.account.clone(), account);
        let at = now + SECOND;
        assert_eq!(circuits.admit(&here, at), Err(Silent::Account(SECOND)));
        let other = cell("222233334444", "eu-west-1");
        assert_eq!(circuits.admit(&other, at), Ok(()), "the trial of the Region is still there");
    }

    #[tokio::test(start_paused = true)]
    async fn any_answer_closes_it_and_keeps_it_closed() {
        tokio::time::advance(UNANSWERED_FOR).await;
        let (now, here) = (Instant::now(), cell("111122223333", "eu-west-1"));
        let circuits = Circuits::default();
        circuits.regions.0.lock().unwrap().insert(here.region.clone(), open(now));
        assert_eq!(circuits.admit(&cell("111122223333", "us-east-1"), now), Ok(()));
        assert!(circuits.admit(&here, now).is_err());
        circuits.answered(&here);
        assert_eq!(circuits.admit(&here, now), Ok(()));
        for second in 0..60 {
            circuits.unanswered(&here, now + second * SECOND);
            if second % 7 == 0 {
                circuits.answered(&here);
            }
            assert_eq!(circuits.admit(&here, now + second * SECOND), Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_is_silent_in_two_regions_is_spared_and_no_other() {
        let now = Instant::now();
        let circuits = Circuits::default();
        let dead = |region: &str| cell("111122223333", region);
        for second in 0..3 {
            circuits.unanswered(&dead("eu-west-1"), now + second * SECOND);
        }
        let later = now + 3 * SECOND;
        assert_eq!(circuits.admit(&dead("us-east-1"), later), Ok(()), "one Region proves nothing");
        circuits.unanswered(&dead("us-east-1"), later);
        let refused = Err(Silent::Account(FIRST_WAIT));
        assert_eq!(circuits.admit(&dead("us-west-2"), later), refused);
        assert_eq!(circuits.admit(&cell("222233334444", "eu-west-1"), later), Ok(()));
        let (until, trial) = (later + FIRST_WAIT, dead("us-west-2"));
        assert_eq!(circuits.admit(&trial, until), Ok(()), "the trial");
        assert!(circuits.admit(&trial, until).is_err());
        let open = circuits.open();
        assert_eq!((open.accounts.len(), open.regions.len()), (1, 0), "{open:?}");
        assert!(open.accounts.contains(&trial.account));
        circuits.answered(&trial);
        assert_eq!(circuits.open(), Unanswering::default());
        assert_eq!(circuits.admit(&dead("eu-west-1"), until), Ok(()));
    }
}

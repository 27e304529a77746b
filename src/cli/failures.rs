//! Groups what failed: a role that cannot be assumed is one line, not one per Region.

use std::collections::BTreeMap;

use crate::model::{AccountId, Cell, Fleet};
use crate::reconcile::Key;
use crate::status::{Failure, Outcome};

/// Keys that failed in one account for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    /// `None`: in the organization.
    pub(super) account: Option<AccountId>,
    /// The error class.
    pub(super) reason: &'a str,
    /// Of the first; the others differ in Region and request id alone.
    pub(super) message: &'a str,
    pub(super) keys: Vec<&'a Key>,
}

/// All failures, by account, reason and what was said.
pub(super) fn failures(outcomes: &BTreeMap<Key, Outcome>) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(Option<AccountId>, &str, String), Group<'_>> = BTreeMap::new();
    for (key, outcome) in outcomes {
        let Some(Failure { reason, message, .. }) = &outcome.failure else { continue };
        let place = place(key);
        let account = place.as_ref().map(|place| place.account.clone());
        let group = groups
            .entry((account.clone(), reason, essence(message, place.as_ref())))
            .or_insert_with(|| Group { account, reason, message, keys: Vec::new() });
        group.keys.push(key);
    }
    groups.into_values().collect()
}

impl Group<'_> {
    /// One line: who, why, and how many more there are.
    pub(super) fn line(&self, fleet: Option<&Fleet>) -> String {
        let Self { account, reason, message, keys } = self;
        let who = match (account, keys.as_slice()) {
            (_, [key]) => key.to_string(),
            (Some(account), _) => {
                let name = fleet.and_then(|fleet| fleet.accounts.get(account));
                let name = name.map_or(String::new(), |it| format!(" ({})", it.name));
                format!("account {account}{name}, {} keys", keys.len())
            }
            (None, _) => format!("{} keys", keys.len()),
        };
        format!("failed ({reason}): {who}: {message}")
    }
}

/// A message without what differs from Region to Region.
fn essence(message: &str, place: Option<&Cell>) -> String {
    let message = message.split(" (request ").next().unwrap_or(message);
    match place {
        Some(place) => message.replace(place.region.as_str(), ""),
        None => message.to_owned(),
    }
}

fn place(key: &Key) -> Option<Cell> {
    match key {
        Key::Organization | Key::Rollout(_) => None,
        Key::Replica(replica) => Some(replica.cell()),
        Key::ProfilePolicy(profile) => {
            Some(Cell { account: profile.account.clone(), region: profile.region.clone() })
        }
        Key::Cell(cell) | Key::Logging(cell) | Key::Audit(cell) => Some(cell.clone()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::status::Verdict;

    fn failed(account: &str, region: &str, message: &str) -> (Key, Outcome) {
        let cell = Cell { account: account.parse().unwrap(), region: region.parse().unwrap() };
        let failure =
            Failure { reason: "Denied".to_owned(), message: message.to_owned(), retryable: false };
        let outcome = Outcome {
            observed_generation: 1,
            at: Timestamp::UNIX_EPOCH,
            verdict: Verdict::Error,
            applied: Vec::new(),
            held: Vec::new(),
            refused: Vec::new(),
            orphans: Vec::new(),
            failure: Some(failure),
            conditions: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            observed_at: None,
        };
        (Key::Cell(cell), outcome)
    }

    #[test]
    fn one_account_and_reason_is_one_line_whatever_the_region_and_request() {
        let outcomes = BTreeMap::from([
            failed("111122223333", "us-east-1", "no role in us-east-1 (request 1); check it"),
            failed("111122223333", "eu-west-1", "no role in eu-west-1 (request 2); check it"),
            failed("111122223333", "us-west-2", "something else"),
            failed("444455556666", "us-east-1", "no role in us-east-1 (request 3); check it"),
        ]);
        let lines: Vec<_> = failures(&outcomes).iter().map(|group| group.line(None)).collect();
        assert_eq!(
            lines,
            [
                "failed (Denied): account 111122223333, 2 keys: no role in eu-west-1 (request 2); \
                 check it",
                "failed (Denied): cell 111122223333 us-west-2: something else",
                "failed (Denied): cell 444455556666 us-east-1: no role in us-east-1 (request 3); \
                 check it",
            ]
        );
    }
}

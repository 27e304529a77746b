//! Which accounts a sample takes.

use std::collections::BTreeSet;

use crate::model::{AccountId, GuardrailArn, Probes, Version, digits};

/// Hexadecimal digits by which accounts are ordered: enough to tell a million apart.
const ORDER_DIGITS: usize = 16;

/// The accounts from which a version is tried: all, or as many of them as the share asks for, and
/// one at least. The same for the same version; others for the next one, so that none is left out
/// for ever.
pub(super) fn sampled<'a>(
    accounts: impl IntoIterator<Item = &'a AccountId>,
    probes: Probes,
    (arn, version): (&GuardrailArn, Version),
) -> BTreeSet<&'a AccountId> {
    let accounts = accounts.into_iter();
    let percent = match probes {
        Probes::Every => return accounts.collect(),
        Probes::Offline => return BTreeSet::new(),
        Probes::Sample(percent) => percent,
    };
    let named = arn.with_version(version);
    let mut ordered: Vec<(String, &AccountId)> =
        accounts.map(|it| (digits(&format!("{named} {it}"), ORDER_DIGITS), it)).collect();
    ordered.sort();
    let taken = count(ordered.len(), percent);
    ordered.into_iter().take(taken).map(|(_, account)| account).collect()
}

/// How many of `all` a share takes.
pub(super) fn count(all: usize, percent: u8) -> usize {
    let share = (all * usize::from(percent)).div_ceil(100);
    share.clamp(usize::from(all > 0), all.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_never_nobody_where_there_is_somebody() {
        for (all, percent, expected) in [(0, 50, 0), (1, 1, 1), (5, 0, 1), (5, 50, 3), (5, 100, 5)]
        {
            assert_eq!(count(all, percent), expected, "{percent} % of {all}");
        }
    }
    use crate::plan::fixture::{guardrail_arn, version};

    #[test]
    fn a_sample_is_stable_and_takes_one_at_least() {
        let ids: Vec<AccountId> =
            (0..40).map(|n| format!("2000000000{n:02}").parse().unwrap()).collect();
        let arn = guardrail_arn();
        let take = |percent| sampled(&ids, Probes::Sample(percent), (&arn, version(1)));
        assert_eq!(take(25).len(), 10);
        assert_eq!(take(25), take(25));
        assert!(take(10).is_subset(&take(25)), "a larger share adds accounts");
        assert_eq!(take(1).len(), 1);
        assert_eq!(take(100).len(), 40);
        assert_ne!(take(25), sampled(&ids, Probes::Sample(25), (&arn, version(2))));
        assert_eq!(sampled(&ids, Probes::Every, (&arn, version(1))).len(), 40);
        assert!(sampled(&ids, Probes::Offline, (&arn, version(1))).is_empty());
        assert!(sampled(&[], Probes::Sample(50), (&arn, version(1))).is_empty());
    }
}

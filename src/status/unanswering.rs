//! What does not answer, so that it is spared nearly all calls.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Names that one notice shows.
const NAMED_MAX: usize = 5;

/// Regions and accounts that have not answered for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswering {
    /// Regions of Bedrock, to anybody.
    pub regions: BTreeSet<String>,
    /// Accounts, in several Regions.
    pub accounts: BTreeSet<String>,
}

impl Unanswering {
    /// Whether everything answers.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty() && self.accounts.is_empty()
    }

    /// One sentence for each sort.
    pub fn notices(&self) -> impl Iterator<Item = String> {
        let regions = notice("Bedrock does not answer in", "Region", &self.regions);
        let accounts = notice("no answer from", "account", &self.accounts);
        regions.into_iter().chain(accounts)
    }
}

fn notice(what: &str, noun: &str, who: &BTreeSet<String>) -> Option<String> {
    if who.is_empty() {
        return None;
    }
    let plural = if who.len() == 1 { "" } else { "s" };
    let named: Vec<&str> = who.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = if who.len() > NAMED_MAX { ", …" } else { "" };
    Some(format!(
        "Unanswering: {what} {} {noun}{plural} ({}{more}): one call in a while tries again, the \
         others are not sent",
        who.len(),
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(count: usize) -> BTreeSet<String> {
        (0..count).map(|it| format!("n{it}")).collect()
    }

    #[test]
    fn a_notice_names_a_few_and_counts_all() {
        let silent = Unanswering { regions: all(1), accounts: all(7) };
        let notices: Vec<String> = silent.notices().collect();
        assert!(notices[0].starts_with("Unanswering: Bedrock does not answer in 1 Region (n0): "));
        let accounts = "Unanswering: no answer from 7 accounts (n0, n1, n2, n3, n4, …): ";
        assert!(notices[1].starts_with(accounts), "{notices:?}");
        assert_eq!(Unanswering::default().notices().count(), 0);
    }
}

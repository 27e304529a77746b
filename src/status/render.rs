//! A snapshot for people: however many cells there are, it fits a terminal.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::outcome::{Condition, ConditionStatus, Phase};
use super::snapshot::{KeyStatus, Place, Snapshot};

/// Columns of a terminal that everybody has.
const COLUMNS: usize = 100;

/// Groups of trouble that are shown, manifests, and places named in a group.
const GROUPS_MAX: usize = 6;
const MANIFESTS_MAX: usize = 8;
const NAMED_MAX: usize = 3;

/// The whole, grouped.
pub fn to_text(snapshot: &Snapshot) -> String {
    let mut lines = vec![format!(
        "{} · generation {} · {}",
        snapshot.verdict(),
        snapshot.generation,
        seconds(snapshot.at)
    )];
    lines.extend(snapshot.notices.iter().take(2).map(|notice| format!("notice: {notice}")));
    let counts = &snapshot.counts;
    let bare = match snapshot.unprotected.len() {
        0 => String::new(),
        count => format!("; {} unprotected", grouped(count)),
    };
    lines.push(format!(
        "{} accounts, {} active; {} cells in {} Regions: {}{bare}",
        grouped(counts.accounts),
        grouped(counts.active_accounts),
        grouped(counts.cells),
        counts.regions,
        phases(&counts.cells_by_phase)
    ));
    lines.push(String::new());
    lines.extend(manifests(snapshot));
    // Nobody claims what nobody protects, so that no manifest above can say it.
    let trouble: Vec<String> =
        unprotected(snapshot).into_iter().chain(trouble(&snapshot.keys)).collect();
    if !trouble.is_empty() {
        lines.push(String::new());
        let more = trouble.len().saturating_sub(GROUPS_MAX);
        lines.extend(trouble.into_iter().take(GROUPS_MAX));
        if more > 0 {
            lines.push(format!("and {more} more reasons; -o json has all"));
        }
    }
    lines.extend(unclaimed("unlogged", &snapshot.unlogged));
    lines.extend(snapshot.refusals.iter().take(2).map(|refusal| format!("refused: {refusal}")));
    if let Some(held) = &snapshot.held_plan {
        lines.push(format!("held plan {}", held.text));
    }
    fold(&lines)
}

/// What the audit found, if it did.
fn unclaimed(what: &str, found: &[Place]) -> Option<String> {
    let places = found.iter().take(NAMED_MAX);
    let places: Vec<String> =
        places.map(|place| format!("{}/{}", place.account, place.region)).collect();
    let count = found.len();
    (count > 0)
        .then(|| format!("{what}: {} ({}{})", grouped(count), places.join(", "), more(count)))
}

/// One key, with everything that is known of it.
pub fn key_to_text(key: &KeyStatus, at: Timestamp) -> String {
    let mut text = format!("{} {} {}\n", key.phase.symbol(), key.key, key.phase.as_str());
    let mut line = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        writeln!(text, "  {name:<12} {value}").ok();
    };
    if let Some(manifest) = &key.manifest {
        line("manifest", manifest);
    }
    if let Some(since) = key.since {
        line("since", &format!("{} ({} ago)", seconds(since), age(since, at)));
    }
    match key.observed_at {
        Some(observed) => {
            line("last read", &format!("{} ({} ago)", seconds(observed), age(observed, at)));
        }
        None => line("last read", "never, in this process"),
    }
    if let (Some(reason), Some(message)) = (&key.reason, &key.message) {
        line("why", &format!("{reason}: {message}"));
    }
    for (reason, message) in &key.waits {
        if Some(message) != key.message.as_ref() {
            line("also", &format!("{reason}: {message}"));
        }
    }
    let holds = |it: &&Condition| it.status == ConditionStatus::True && it.message.is_empty();
    let held: Vec<&str> = key.conditions.iter().filter(holds).map(|it| &*it.r#type).collect();
    if !held.is_empty() {
        line("conditions", &held.join(", "));
    }
    for it in key.conditions.iter().filter(|it| !holds(it)) {
        let (kind, status, reason) = (&it.r#type, it.status.as_str(), &it.reason);
        let since = age(it.last_transition_time, at);
        // The reason of the key stands above.
        let known = key.message.as_ref() == Some(&it.message);
        let message = if known { String::new() } else { format!(": {}", it.message) };
        line("condition", &format!("{kind}={status} for {since}, {reason}{message}"));
    }
    for write in &key.applied {
        line("written", write);
    }
    text
}

fn manifests(snapshot: &Snapshot) -> Vec<String> {
    let mut all: BTreeMap<&str, BTreeMap<Phase, usize>> = BTreeMap::new();
    for key in &snapshot.keys {
        let name = match (&key.manifest, key.kind.as_str()) {
            (Some(manifest), _) => manifest.as_str(),
            (None, "Organization") => "organization policies",
            (None, _) => "other",
        };
        *all.entry(name).or_default().entry(key.phase).or_default() += 1;
    }
    let mut rows: Vec<(Phase, &str, &BTreeMap<Phase, usize>)> =
        all.iter().map(|(name, phases)| (worst(phases), *name, phases)).collect();
    // What needs attention first.
    rows.sort_by_key(|(phase, name, _)| (Reverse(*phase), *name));
    let count = rows.len();
    let row = |(phase, name, of): (Phase, &str, &BTreeMap<Phase, usize>)| {
        format!("{} {name:<44} {}", phase.symbol(), phases(of))
    };
    let mut lines: Vec<String> = rows.into_iter().take(MANIFESTS_MAX).map(row).collect();
    if count > MANIFESTS_MAX {
        lines.push(format!("  and {} more manifests", count - MANIFESTS_MAX));
    }
    lines
}

/// What nobody protects: as bad as what is broken, and found only by looking beyond the manifests.
fn unprotected(snapshot: &Snapshot) -> Option<String> {
    let bare = &snapshot.unprotected;
    let place = |place: &Place| format!("{} {}", place.account, place.region);
    let named = match bare.as_slice() {
        [] => return None,
        [one] => place(one),
        [one, other] => format!("{}, {}", place(one), place(other)),
        [one, rest @ ..] => format!("{} and {} more", place(one), grouped(rest.len())),
    };
    Some(format!("✗ Unprotected {} (nothing is enforced): {named}", grouped(bare.len())))
}

/// One line for each reason, with how many keys it concerns.
fn trouble(keys: &[KeyStatus]) -> Vec<String> {
    let mut groups: BTreeMap<(Reverse<Phase>, &str), Vec<&KeyStatus>> = BTreeMap::new();
    for key in keys {
        if let Some(reason) = &key.reason {
            let group = (Reverse(key.phase), reason.as_str());
            groups.entry(group).or_default().push(key);
        }
    }
    let line = |((_, reason), keys): ((_, &str), Vec<&KeyStatus>)| {
        let first = keys.first()?;
        let places: Vec<&str> = keys.iter().take(NAMED_MAX).map(|key| key.key.as_str()).collect();
        let message = first.message.as_deref().unwrap_or_default();
        Some(format!(
            "{} {} ({reason}) {}: {}{}: {message}",
            first.phase.symbol(),
            first.phase.as_str(),
            grouped(keys.len()),
            places.join(", "),
            more(keys.len())
        ))
    };
    groups.into_iter().filter_map(line).collect()
}

fn worst(phases: &BTreeMap<Phase, usize>) -> Phase {
    phases.keys().copied().max().unwrap_or(Phase::Unknown)
}

fn phases(counts: &BTreeMap<Phase, usize>) -> String {
    let shown: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(phase, count)| format!("{} {}", grouped(*count), phase.as_str()))
        .collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

fn more(count: usize) -> String {
    match count.saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {} more", grouped(more)),
    }
}

/// A number with its thousands apart: `16,998`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// `3m`, `2h`, `5d`.
fn age(since: Timestamp, at: Timestamp) -> String {
    let passed = at.duration_since(since).max(SignedDuration::ZERO).as_secs();
    match passed {
        ..60 => format!("{passed}s"),
        60..3600 => format!("{}m", passed / 60),
        3600..86_400 => format!("{}h", passed / 3600),
        _ => format!("{}d", passed / 86_400),
    }
}

fn fold(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        if line.chars().count() > COLUMNS {
            text.extend(line.chars().take(COLUMNS - 1));
            text.push('…');
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::SnapshotCounts;

    fn key(account: usize, region: usize, phase: Phase) -> KeyStatus {
        let place =
            Place { account: format!("{account:012}"), region: format!("us-east-{region}") };
        let reason = (phase != Phase::InSync).then(|| format!("Reason{}", account % 9));
        KeyStatus {
            key: format!("cell {} {}", place.account, place.region),
            kind: "Cell".to_owned(),
            place: Some(place),
            manifest: Some(format!("AccountEnforcement/enforcement-{}", account % 20)),
            phase,
            since: None,
            observed_at: None,
            message: reason.as_ref().map(|_| "a sentence that goes on ".repeat(9)),
            reason,
            waits: Vec::new(),
            conditions: Vec::new(),
            applied: Vec::new(),
        }
    }

    fn snapshot(keys: &[KeyStatus]) -> Snapshot {
        let mut counts =
            SnapshotCounts { accounts: 1001, active_accounts: 1000, ..SnapshotCounts::default() };
        for key in keys {
            counts.cells += 1;
            *counts.cells_by_phase.entry(key.phase).or_default() += 1;
            *counts.keys_by_phase.entry(key.phase).or_default() += 1;
        }
        let text = serde_json::json!({
            "apiVersion": "v", "kind": "Status", "version": "1", "at": "2026-01-01T00:01:00Z",
            "generation": 3, "ready": true, "notices": ["n".repeat(300)], "counts": counts,
            "keys": keys, "unprotected": [], "refusals": [], "orphans": [], "accounts": {},
            "writes": [], "calls": {}, "throttles": {},
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn seventeen_thousand_cells_fit_a_terminal_and_trouble_comes_first() {
        let keys = (0..1000).flat_map(|account| {
            (0..17).map(move |region| {
                let is_held = region == 3 && account % 50 == 7;
                key(account, region, if is_held { Phase::Held } else { Phase::InSync })
            })
        });
        let whole = snapshot(&keys.collect::<Vec<_>>());
        let text = to_text(&whole);
        assert_eq!(to_text(&whole.brief()), text, "what is left out is not shown");
        assert!(text.lines().count() <= 24, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.starts_with("needs attention: 20 Held"), "{text}");
        assert!(text.contains("17,000 cells"), "{text}");
        assert!(text.contains("16,980 InSync, 20 Held"), "{text}");
        let first = text.lines().find(|line| line.contains("AccountEnforcement/")).unwrap();
        assert!(first.starts_with("! "), "{text}");
    }

    #[test]
    fn all_in_sync_is_one_word_and_no_trouble() {
        let text = to_text(&snapshot(&[key(1, 1, Phase::InSync)]));
        assert!(text.starts_with("all in sync · generation 3"), "{text}");
        assert!(!text.contains('!') && !text.contains('✗'), "{text}");
    }

    #[test]
    fn what_nobody_protects_comes_before_what_is_broken() {
        let mut snapshot = snapshot(&[key(1, 1, Phase::Held), key(2, 1, Phase::InSync)]);
        let place = |account: usize| Place {
            account: format!("{account:012}"),
            region: "ap-southeast-1".to_owned(),
        };
        snapshot.unprotected = (1..=1234).map(place).collect();
        let text = to_text(&snapshot);
        let verdict = text.lines().next().unwrap();
        assert!(verdict.starts_with("needs attention: 1 Held, 1234 unprotected"), "{text}");
        assert!(text.contains("1 InSync, 1 Held; 1,234 unprotected\n"), "{text}");
        let trouble = text.lines().position(|it| it.starts_with("! Held"));
        let bare = text.lines().position(|it| {
            let places = "000000000001 ap-southeast-1 and 1,233 more";
            it == format!("✗ Unprotected 1,234 (nothing is enforced): {places}")
        });
        assert!(bare.unwrap() < trouble.unwrap(), "{text}");
    }

    #[test]
    fn conditions_that_hold_are_a_line_and_others_say_why() {
        let condition = |kind: &'static str, status, message: &str| Condition {
            r#type: kind.into(),
            status,
            reason: "Reason1".into(),
            message: message.to_owned(),
            last_transition_time: Timestamp::UNIX_EPOCH,
            observed_generation: 3,
        };
        let mut key = key(1, 1, Phase::Held);
        key.conditions = vec![
            condition("Ready", ConditionStatus::False, key.message.as_deref().unwrap()),
            condition("Accepted", ConditionStatus::True, ""),
            condition("Reachable", ConditionStatus::True, ""),
            condition("TestsPassing", ConditionStatus::False, "1 of 2 failed"),
        ];
        let text = key_to_text(&key, Timestamp::from_second(120).unwrap());
        assert!(text.contains("  conditions   Accepted, Reachable\n"), "{text}");
        assert!(text.contains("  condition    Ready=False for 2m, Reason1\n"), "{text}");
        let tests = "  condition    TestsPassing=False for 2m, Reason1: 1 of 2 failed\n";
        assert!(text.contains(tests), "{text}");
    }

    #[test]
    fn ages_are_short() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let found: Vec<String> =
            [0, 59, 60, 7199, 90_000].iter().map(|past| age(at(0), at(*past))).collect();
        assert_eq!(found, ["0s", "59s", "1m", "1h", "1d"]);
    }
}

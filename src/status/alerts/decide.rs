//! What somebody is told now, by what they were told before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::firing::Firing;
use super::{AlertKind, AlertPace, AlertStatus, Message};

/// Subjects that a message names; the rest it counts.
const NAMED_MAX: usize = 5;

/// What was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book(BTreeMap<AlertKind, Told>);

/// What was told of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// Subjects that were told to be firing, and not that it is over.
    subjects: BTreeMap<String, String>,
    /// When the last message of the kind was made.
    at: Timestamp,
}

/// Decides what is told now.
///
/// | what fires, against what was told | last message | told |
/// |---|---|---|
/// | something new, or something over | long enough ago | that, with the count of all |
/// | the same | just now | later |
/// | nothing else | longer than `repeat` ago | a reminder of all |
/// | nothing else | less long ago | nothing |
pub fn decide(
    book: &Book,
    firing: &Firing,
    now: Timestamp,
    pace: &AlertPace,
) -> (Book, Vec<Message>) {
    let mut book = book.clone();
    let mut messages = Vec::new();
    let none = BTreeMap::new();
    let kinds: BTreeSet<AlertKind> = book.0.keys().chain(firing.keys()).copied().collect();
    for kind in kinds {
        let firing = firing.get(&kind).unwrap_or(&none);
        let told = book.0.get(&kind);
        let before = told.map_or(&none, |told| &told.subjects);
        let silent_for = told.map(|told| now.duration_since(told.at));
        let begun = difference(firing, before);
        let over = difference(before, firing);
        let message = |status, subjects: &BTreeMap<String, String>| Message {
            status,
            kind,
            at: now,
            count: subjects.len(),
            firing: firing.len(),
            subjects: subjects
                .iter()
                .take(NAMED_MAX)
                .map(|(subject, why)| (subject.clone(), why.clone()))
                .collect(),
        };
        if begun.is_empty() && over.is_empty() {
            let is_due =
                !pace.repeat.is_zero() && silent_for.is_some_and(|silent| silent >= pace.repeat);
            if firing.is_empty() || !is_due {
                continue;
            }
            messages.push(message(AlertStatus::Reminder, firing));
        } else {
            if silent_for.is_some_and(|silent| silent < pace.every) {
                continue;
            }
            if !begun.is_empty() {
                messages.push(message(AlertStatus::Firing, &begun));
            }
            if !over.is_empty() {
                messages.push(message(AlertStatus::Resolved, &over));
            }
        }
        book.0.insert(kind, Told { subjects: firing.clone(), at: now });
    }
    (book, messages)
}

/// Subjects of the first that the second has not.
fn difference(
    subjects: &BTreeMap<String, String>,
    without: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let only = subjects.iter().filter(|(subject, _)| !without.contains_key(*subject));
    only.map(|(subject, why)| (subject.clone(), why.clone())).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const PACE: AlertPace = AlertPace {
        every: SignedDuration::from_secs(60),
        repeat: SignedDuration::from_hours(4),
        after: SignedDuration::ZERO,
    };

    /// A history of what fires, second by second.
    #[derive(Default)]
    struct Told {
        book: Book,
    }

    impl Told {
        fn at(&mut self, second: i64, subjects: &[&str]) -> Vec<(AlertStatus, usize, usize)> {
            let subjects: BTreeMap<String, String> =
                subjects.iter().map(|it| ((*it).to_owned(), "why".to_owned())).collect();
            let firing = if subjects.is_empty() {
                Firing::new()
            } else {
                Firing::from([(AlertKind::Unprotected, subjects)])
            };
            let now = Timestamp::from_second(second).unwrap();
            let (book, messages) = decide(&self.book, &firing, now, &PACE);
            self.book = book;
            messages.into_iter().map(|it| (it.status, it.count, it.firing)).collect()
        }
    }

    use AlertStatus::{Firing as Begun, Reminder, Resolved};

    #[test]
    fn what_begins_and_what_ends_is_told_once() {
        let mut told = Told::default();
        assert_eq!(told.at(0, &["a"]), [(Begun, 1, 1)]);
        assert_eq!(told.at(100, &["a"]), []);
        assert_eq!(told.at(200, &["a", "b"]), [(Begun, 1, 2)]);
        assert_eq!(told.at(300, &["b"]), [(Resolved, 1, 1)]);
        assert_eq!(told.at(400, &["c"]), [(Begun, 1, 1), (Resolved, 1, 1)]);
        assert_eq!(told.at(500, &[]), [(Resolved, 1, 0)]);
        assert_eq!(told.at(600, &[]), []);
    }

    #[test]
    fn a_thousand_at_once_are_one_message_with_a_few_names() {
        let names: Vec<String> = (0..1000).map(|it| format!("{it:04}")).collect();
        let firing = Firing::from([(
            AlertKind::Unprotected,
            names.iter().map(|it| (it.clone(), String::new())).collect(),
        )]);
        let (_, messages) = decide(&Book::default(), &firing, Timestamp::UNIX_EPOCH, &PACE);
        let [message] = messages.as_slice() else { unreachable!("{messages:?}") };
        assert_eq!((message.count, message.subjects.len()), (1000, NAMED_MAX));
    }

    #[test]
    fn what_comes_one_by_one_is_gathered_and_what_flaps_is_silent() {
        let mut told = Told::default();
        assert_eq!(told.at(0, &["a"]), [(Begun, 1, 1)]);
        assert_eq!(told.at(10, &["a", "b"]), []);
        assert_eq!(told.at(20, &["a", "b", "c"]), []);
        assert_eq!(told.at(60, &["a", "b", "c"]), [(Begun, 2, 3)]);
        assert_eq!(told.at(70, &["b", "c"]), []);
        assert_eq!(told.at(130, &["a", "b", "c"]), []);
    }

    #[test]
    fn what_stays_is_repeated_after_a_long_while() {
        let mut told = Told::default();
        let hours = |hours: i64| hours * 3600;
        assert_eq!(told.at(0, &["a", "b"]), [(Begun, 2, 2)]);
        assert_eq!(told.at(hours(4) - 1, &["a", "b"]), []);
        assert_eq!(told.at(hours(4), &["a", "b"]), [(Reminder, 2, 2)]);
        assert_eq!(told.at(hours(5), &["a", "b"]), []);
        assert_eq!(told.at(hours(8), &["a", "b"]), [(Reminder, 2, 2)]);
        assert_eq!(told.at(hours(9), &[]), [(Resolved, 2, 0)]);
        assert_eq!(told.at(hours(20), &[]), []);
    }

    #[test]
    fn without_a_repeat_nothing_is_repeated() {
        let firing =
            Firing::from([(AlertKind::Journal, BTreeMap::from([("a".to_owned(), String::new())]))]);
        let pace = AlertPace { repeat: SignedDuration::ZERO, ..PACE };
        let at = |second| Timestamp::from_second(second).unwrap();
        let (book, messages) = decide(&Book::default(), &firing, at(0), &pace);
        assert_eq!(messages.len(), 1);
        assert_eq!(decide(&book, &firing, at(1_000_000), &pace).1, []);
    }
}

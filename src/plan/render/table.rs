//! Findings of many places as one table.

use std::collections::BTreeMap;

use super::Subject;
use super::groups::{Groups, places};
use super::text::push_line;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// What it is about, and where.
    pub subject: Subject,
    /// One word: `pass`, `Failed`, ….
    pub word: &'static str,
    /// What was found.
    pub text: String,
}

/// Shows findings per subject; what is equal but for its place is one line.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.word.len()).max().unwrap_or_default();
    let mut subjects: BTreeMap<&str, Groups<(&str, &str)>> = BTreeMap::new();
    for Row { subject, word, text } in rows {
        let groups = subjects.entry(&subject.label).or_insert_with(Groups::new);
        groups.add((word, text), subject.place.as_ref());
    }
    let mut shown = String::new();
    for (label, groups) in subjects {
        push_line(&mut shown, label);
        for ((word, text), cells) in groups.iter() {
            let places = places(cells);
            let places = if places.is_empty() { places } else { format!(" ({places})") };
            push_line(&mut shown, &format!("  {word:width$}  {text}{places}"));
        }
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::{MEMBER, OTHER, cell};

    #[test]
    fn findings_that_differ_only_in_place_are_one_line() {
        let row = |account: &str, word, text: &str| Row {
            subject: Subject { label: "Guardrail/a".to_owned(), place: Some(cell(account)) },
            word,
            text: text.to_owned(),
        };
        let rows = [
            row(MEMBER, "pass", "test 1"),
            row(OTHER, "pass", "test 1"),
            row(OTHER, "fail", "x\u{7}"),
        ];
        assert_eq!(
            table(&rows),
            "Guardrail/a\n  pass  test 1 (2 accounts × us-east-1)\n  \
             fail  x\\u{7} (333344445555 us-east-1)\n\n"
        );
    }
}

//! Personal information and regexes. Common kinds of PII have a pattern; every kind has the marker
//! `[pii:KIND]`, so that a scenario can show the others too.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::super::super::bedrock::Content;
use super::{
    Action, Evaluation, Finding, Listing, Mask, Material, Passage, action_of, entry, text_of,
};

const POLICY: &str = "sensitiveInformationPolicyConfig";

const PATTERNS: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("CREDIT_DEBIT_CARD_NUMBER", r"\b\d(?:[ -]?\d){12,18}\b"),
    ("EMAIL", r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b"),
    ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"),
    ("IP_ADDRESS", r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"),
    ("MAC_ADDRESS", r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b"),
    ("PHONE", r"(?:\+\d{1,3}[ .-]?)?(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b"),
    ("URL", r#"\bhttps?://[^\s<>"]+"#),
    (
        "US_SOCIAL_SECURITY_NUMBER",
        r"\b(?:00[1-9]|0[1-9]\d|[1-57-8]\d{2}|6[0-57-9]\d|66[0-57-9])-\d{2}-\d{4}\b",
    ),
];

static COMPILED: LazyLock<BTreeMap<&str, Regex>> = LazyLock::new(|| {
    PATTERNS.iter().filter_map(|(kind, pattern)| Some((*kind, Regex::new(pattern).ok()?))).collect()
});

/// Looks for every configured kind of PII and every regex.
pub(super) fn find(content: &Content, material: &Material<'_>, evaluation: &mut Evaluation) {
    for entity in content.rules(POLICY, "piiEntitiesConfig") {
        let Some(action) = action_of(entity, material.source) else { continue };
        let kind = text_of(entity, "type");
        for passage in &material.passages {
            for span in pii(kind, passage.text) {
                let found = Match { passage, span, placeholder: kind };
                let members = |text: &str| entry([("match", text.into()), ("type", kind.into())]);
                found.report(Listing::Pii, action, members, evaluation);
            }
        }
    }
    for regex in content.rules(POLICY, "regexesConfig") {
        let Some(action) = action_of(regex, material.source) else { continue };
        let (name, pattern) = (text_of(regex, "name"), text_of(regex, "pattern"));
        let Ok(compiled) = Regex::new(pattern) else { continue };
        for passage in &material.passages {
            for span in compiled.find_iter(passage.text).map(|found| found.range()) {
                let found = Match { passage, span, placeholder: name };
                let members = |text: &str| {
                    entry([
                        ("name", name.into()),
                        ("match", text.into()),
                        ("regex", pattern.into()),
                    ])
                };
                found.report(Listing::Regexes, action, members, evaluation);
            }
        }
    }
}

/// A piece of a passage, and what would stand in its place.
struct Match<'a> {
    passage: &'a Passage<'a>,
    span: Range<usize>,
    placeholder: &'a str,
}

impl Match<'_> {
    fn report(
        self,
        listing: Listing,
        action: Action,
        members: impl Fn(&str) -> serde_json::Map<String, Value>,
        evaluation: &mut Evaluation,
    ) {
        let Some(text) = self.passage.text.get(self.span.clone()).filter(|text| !text.is_empty())
        else {
            return;
        };
        evaluation.findings.push(Finding {
            listing,
            action,
            is_detected: true,
            entry: members(text),
        });
        if action == Action::Anonymize {
            evaluation.masks.push(Mask {
                passage: self.passage.number,
                start: self.span.start,
                end: self.span.end,
                placeholder: format!("{{{}}}", self.placeholder),
            });
        }
    }
}

fn pii(kind: &str, text: &str) -> Vec<Range<usize>> {
    let marker = format!("[pii:{kind}]");
    let by_marker = text.match_indices(&marker).map(|(start, found)| start..start + found.len());
    let by_pattern = COMPILED
        .get(kind)
        .into_iter()
        .flat_map(|pattern| pattern.find_iter(text))
        .filter(|found| kind != "CREDIT_DEBIT_CARD_NUMBER" || has_luhn_sum(found.as_str()))
        .map(|found| found.range());
    by_marker.chain(by_pattern).collect()
}

/// Whether the digits add up as those of a payment card do.
fn has_luhn_sum(card: &str) -> bool {
    let digits = card.chars().rev().filter_map(|character| character.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(index, digit)| match (index % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::super::super::bedrock::PII_TYPES;
    use super::*;

    #[test]
    fn every_pattern_compiles_and_belongs_to_a_known_kind() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
        assert!(PATTERNS.iter().all(|(kind, _)| PII_TYPES.contains(kind)));
    }

    #[test]
    fn pii_is_found_where_it_is_and_nowhere_else() {
        let rows: [(&str, &str, &[&str]); 14] = [
            ("EMAIL", "write to jane.doe@example.com.", &["jane.doe@example.com"]),
            ("EMAIL", "jane at example.com", &[]),
            (
                "PHONE",
                "call (206) 555-0100 or +1 206-555-0101",
                &["(206) 555-0100", "+1 206-555-0101"],
            ),
            ("PHONE", "order 12345678", &[]),
            ("US_SOCIAL_SECURITY_NUMBER", "ssn 123-45-6789", &["123-45-6789"]),
            ("US_SOCIAL_SECURITY_NUMBER", "666-45-6789", &[]),
            ("CREDIT_DEBIT_CARD_NUMBER", "4111 1111 1111 1111", &["4111 1111 1111 1111"]),
            ("CREDIT_DEBIT_CARD_NUMBER", "4111 1111 1111 1112", &[]),
            ("IP_ADDRESS", "from 10.0.0.255", &["10.0.0.255"]),
            ("IP_ADDRESS", "version 300.1.1.1", &[]),
            ("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE", &["AKIAIOSFODNN7EXAMPLE"]),
            ("URL", "see https://example.com/a?b=c now", &["https://example.com/a?b=c"]),
            ("NAME", "I am [pii:NAME]", &["[pii:NAME]"]),
            ("NAME", "I am Jane", &[]),
        ];
        for (kind, text, expect) in rows {
            let found: Vec<&str> =
                pii(kind, text).into_iter().filter_map(|span| text.get(span)).collect();
            assert_eq!(found, expect, "{kind} in {text}");
        }
    }
}

//! Custom words and the managed list of profanities, as whole words, whatever their case.

use super::super::super::bedrock::Content;
use super::{Evaluation, Finding, Listing, Material, action_of, entry, text_of};

/// Stands for AWS's managed list: enough to show that it works.
const PROFANITIES: &[&str] = &["bastard", "bloody", "crap", "damn", "hell"];

/// Looks for every custom word, and for profanities if the list is on.
pub(super) fn find(content: &Content, material: &Material<'_>, evaluation: &mut Evaluation) {
    let texts: Vec<String> =
        material.passages.iter().map(|passage| passage.text.to_lowercase()).collect();
    let is_there = |word: &str| texts.iter().any(|text| contains_word(text, word));
    for word in content.rules("wordPolicyConfig", "wordsConfig") {
        let Some(action) = action_of(word, material.source) else { continue };
        let text = text_of(word, "text");
        if is_there(&text.to_lowercase()) {
            evaluation.findings.push(Finding {
                listing: Listing::CustomWords,
                action,
                is_detected: true,
                entry: entry([("match", text.into())]),
            });
        }
    }
    for list in content.rules("wordPolicyConfig", "managedWordListsConfig") {
        let Some(action) = action_of(list, material.source) else { continue };
        for profanity in PROFANITIES.iter().filter(|profanity| is_there(profanity)) {
            evaluation.findings.push(Finding {
                listing: Listing::ManagedWords,
                action,
                is_detected: true,
                entry: entry([("match", (*profanity).into()), ("type", "PROFANITY".into())]),
            });
        }
    }
}

/// Whether `word` stands in `text` with nothing alphanumeric on either side; both in lower case.
fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

use serde_json::{Value, json};

use super::super::super::bedrock::Content;
use super::*;

fn content(policies: Value) -> Content {
    Content::for_test(policies)
}

fn look(content: &Content, source: Source, text: &str) -> Evaluation {
    let passages = vec![Passage { number: 0, text }];
    evaluate(content, &Material { source, passages, grounding: None })
}

#[test]
fn words_match_whole_and_whatever_their_case() {
    let content = content(json!({"wordPolicyConfig": {
        "wordsConfig": [{"text": "Project X"}],
        "managedWordListsConfig": [{"type": "PROFANITY", "outputAction": "NONE"}]}}));
    let rows = [
        (Source::Input, "about PROJECT X.", Action::Block),
        (Source::Input, "about project xylophone", Action::None),
        (Source::Input, "what the hell", Action::Block),
        (Source::Output, "what the hell", Action::None),
        (Source::Input, "a shell", Action::None),
    ];
    for (source, text, expect) in rows {
        assert_eq!(look(&content, source, text).verdict(), expect, "{source:?} {text}");
    }
}

#[test]
fn a_filter_of_each_strength_catches_what_it_should() {
    let strengths = ["NONE", "LOW", "MEDIUM", "HIGH"];
    let rows = [
        ("[hate:high]", [false, true, true, true]),
        ("[hate:medium]", [false, false, true, true]),
        ("[HATE]", [false, false, true, true]),
        ("[hate:low]", [false, false, false, true]),
        ("I hate those people", [false, false, true, true]),
        ("[violence:high]", [false, false, false, false]),
    ];
    for (text, expect) in rows {
        for (strength, is_caught) in strengths.iter().zip(expect) {
            let content = content(json!({"contentPolicyConfig": {"filtersConfig": [
                {"type": "HATE", "inputStrength": strength, "outputStrength": "NONE"}]}}));
            let verdict = look(&content, Source::Input, text).verdict();
            assert_eq!(verdict == Action::Block, is_caught, "{text} under {strength}");
            assert_eq!(look(&content, Source::Output, text).verdict(), Action::None);
        }
    }
}

#[test]
fn a_topic_is_known_by_name_example_or_marker() {
    let content = content(json!({"topicPolicyConfig": {"topicsConfig": [
        {"name": "Investment Advice", "definition": "d", "type": "DENY",
         "examples": ["Which stocks should I buy"]}]}}));
    let rows = [
        ("give me investment advice", Action::Block),
        ("So: which stocks should I buy?", Action::Block),
        ("[topic:investment advice]", Action::Block),
        ("how is the weather", Action::None),
    ];
    for (text, expect) in rows {
        assert_eq!(look(&content, Source::Input, text).verdict(), expect, "{text}");
    }
}

#[test]
fn what_is_switched_off_on_a_side_is_not_looked_for_there() {
    let content = content(json!({"wordPolicyConfig": {"wordsConfig": [
        {"text": "zebra", "inputEnabled": false}, {"text": "lion", "inputAction": "NONE"}]}}));
    assert!(look(&content, Source::Input, "zebra").findings.is_empty());
    let reported = look(&content, Source::Input, "lion");
    assert_eq!((reported.findings.len(), reported.verdict()), (1, Action::None));
    assert_eq!(look(&content, Source::Output, "zebra").verdict(), Action::Block);
}

#[test]
fn masks_stand_where_the_text_was() {
    let content = content(json!({"sensitiveInformationPolicyConfig": {
        "piiEntitiesConfig": [{"type": "EMAIL", "action": "ANONYMIZE"}],
        "regexesConfig": [{"name": "ticket", "pattern": "T-\\d+", "action": "BLOCK",
                           "outputAction": "ANONYMIZE"}]}}));
    let text = "é a@example.com T-12 b@example.com";
    let evaluation = look(&content, Source::Output, text);
    assert_eq!(apply_masks(text, 0, &evaluation.masks), "é {EMAIL} {ticket} {EMAIL}");
    assert_eq!(evaluation.verdict(), Action::Anonymize);
    assert_eq!(look(&content, Source::Input, text).verdict(), Action::Block);
}

#[test]
fn overlapping_masks_keep_the_first() {
    let mask = |start, end, placeholder: &str| Mask {
        passage: 0,
        start,
        end,
        placeholder: placeholder.to_owned(),
    };
    let masks = [mask(2, 4, "{B}"), mask(0, 3, "{A}"), mask(5, 6, "{C}")];
    assert_eq!(apply_masks("abcdefg", 0, &masks), "{A}de{C}g");
}

#[test]
fn an_ungrounded_answer_is_blocked() {
    let content = content(json!({"contextualGroundingPolicyConfig": {"filtersConfig": [
        {"type": "GROUNDING", "threshold": 0.7}, {"type": "RELEVANCE", "threshold": 0.5}]}}));
    let grounding = Grounding {
        source: "London is the capital of the UK".to_owned(),
        query: "capital of the UK".to_owned(),
    };
    let rows = [
        ("The capital of the UK is London", Action::Block, 0),
        ("Tokyo has many trains", Action::Block, 2),
    ];
    for (answer, action, below) in rows {
        let passages = vec![Passage { number: 0, text: answer }];
        let evaluation = evaluate(
            &content,
            &Material { source: Source::Output, passages, grounding: Some(&grounding) },
        );
        assert!(evaluation.findings.iter().all(|finding| finding.action == action));
        let detected = evaluation.findings.iter().filter(|finding| finding.is_detected).count();
        assert_eq!(detected, below, "{answer}");
    }
}

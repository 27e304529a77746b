//! `spec.content`: messages, topics, filters and words (`aws-facts` 1.3, 1.8).

use super::super::field_path::FieldPath;
use super::super::report::Report;
use super::checks::{required_text, required_word, size, text, unique, word};
use super::sensitive;
use crate::model::Content;
use crate::model::bounds::{self, BLOCK_ACTIONS, STRENGTHS};
use crate::model::content::{
    ContentFilterConfig, ContentPolicyConfig, TierConfig, TopicConfig, TopicPolicyConfig,
    WordPolicyConfig,
};

/// Checks everything but key and profile, which depend on the Region.
pub(super) fn content(report: &mut Report, path: &FieldPath, content: &Content) {
    text(report, &path.field("description"), content.description.as_ref(), bounds::DESCRIPTION);
    for (name, what, value) in [
        ("blockedInputMessaging", "request", &content.blocked_input_messaging),
        ("blockedOutputsMessaging", "response", &content.blocked_outputs_messaging),
    ] {
        let example = format!("{name}: This {what} was blocked by company policy.");
        required_text(report, &path.field(name), value.as_ref(), bounds::MESSAGE, &example);
    }
    if let Some(policy) = &content.topic_policy_config {
        topics(report, &path.field("topicPolicyConfig"), policy);
    }
    if let Some(policy) = &content.content_policy_config {
        filters(report, &path.field("contentPolicyConfig"), policy);
    }
    if let Some(policy) = &content.word_policy_config {
        words(report, &path.field("wordPolicyConfig"), policy);
    }
    if let Some(policy) = &content.sensitive_information_policy_config {
        let path = path.field("sensitiveInformationPolicyConfig");
        sensitive::information(report, &path, policy);
    }
    if let Some(policy) = &content.contextual_grounding_policy_config {
        let path = path.field("contextualGroundingPolicyConfig");
        sensitive::grounding(report, &path, policy);
    }
    if let Some(policy) = &content.automated_reasoning_policy_config {
        let path = path.field("automatedReasoningPolicyConfig");
        sensitive::reasoning(report, &path, policy);
    }
    if !has_policy(content) && !report.lost(path) {
        let message = "has no policy, and AWS makes no guardrail without one; add at least one, for \
                       example `contentPolicyConfig: {filtersConfig: [{type: HATE, inputStrength: \
                       HIGH, outputStrength: HIGH}]}`";
        report.error(path, message);
    }
}

/// Whether there is any policy at all.
fn has_policy(content: &Content) -> bool {
    content.topic_policy_config.is_some()
        || content.content_policy_config.is_some()
        || content.word_policy_config.is_some()
        || content.sensitive_information_policy_config.is_some()
        || content.contextual_grounding_policy_config.is_some()
        || content.automated_reasoning_policy_config.is_some()
}

/// `tierConfig` of any policy.
pub(super) fn tier(report: &mut Report, policy: &FieldPath, tier: Option<&TierConfig>) {
    let Some(tier) = tier else { return };
    let path = policy.field("tierConfig").field("tierName");
    required_word(report, &path, tier.tier_name.as_ref(), bounds::TIERS, "tierName: STANDARD");
}

/// Whether a policy has the STANDARD tier.
pub(super) fn is_standard(tier: Option<&TierConfig>) -> bool {
    tier.and_then(|tier| tier.tier_name.as_deref()) == Some("STANDARD")
}

/// A pair of actions that go by direction.
pub(super) fn actions(
    report: &mut Report,
    item: &FieldPath,
    [input, output]: [Option<&String>; 2],
    words: &[&str],
) {
    word(report, &item.field("inputAction"), input, words);
    word(report, &item.field("outputAction"), output, words);
}

fn topics(report: &mut Report, path: &FieldPath, policy: &TopicPolicyConfig) {
    tier(report, path, policy.tier_config.as_ref());
    let list = path.field("topicsConfig");
    let Some(topics) = &policy.topics_config else {
        report.missing(&list, "topicsConfig: [{name: Investments, definition: …, type: DENY}]");
        return;
    };
    size(report, &list, Some(topics), bounds::TOPICS);
    unique(report, &list, "name", topics.iter().map(|it| it.name.as_ref()));
    let is_standard = is_standard(policy.tier_config.as_ref());
    for (index, topic) in topics.iter().enumerate() {
        self::topic(report, &list.index(index), topic, is_standard);
    }
}

fn topic(report: &mut Report, path: &FieldPath, topic: &TopicConfig, is_standard: bool) {
    let name = path.field("name");
    required_text(
        report,
        &name,
        topic.name.as_ref(),
        bounds::TOPIC_NAME,
        "name: Investment advice",
    );
    let accepted = |c: char| c.is_ascii_alphanumeric() || "-_ !?.".contains(c);
    if let Some(wrong) = topic.name.as_ref().and_then(|it| it.chars().find(|c| !accepted(*c))) {
        let message = format!(
            "a topic name cannot hold `{wrong}`; it may hold letters a–z, digits, spaces and - _ ! ? ."
        );
        report.error(&name, message);
    }
    let definition = path.field("definition");
    let example = "definition: Advice on what to do with money.";
    let limits =
        if is_standard { bounds::TOPIC_DEFINITION_STANDARD } else { bounds::TOPIC_DEFINITION };
    let (max, standard_max) = (limits.1, bounds::TOPIC_DEFINITION_STANDARD.1);
    match topic.definition.as_ref().map(|it| it.chars().count()) {
        Some(length) if length > max && length <= standard_max => {
            let message = format!(
                "has {length} characters; AWS takes {max}: shorten it, or take the STANDARD tier, \
                 which takes {standard_max}: `tierConfig: {{tierName: STANDARD}}`"
            );
            report.error(&definition, message);
        }
        _ => required_text(report, &definition, topic.definition.as_ref(), limits, example),
    }
    required_word(
        report,
        &path.field("type"),
        topic.r#type.as_ref(),
        bounds::TOPIC_TYPES,
        "type: DENY",
    );
    size(report, &path.field("examples"), topic.examples.as_ref(), bounds::TOPIC_EXAMPLES);
    for (index, example) in topic.examples.iter().flatten().enumerate() {
        text(report, &path.field("examples").index(index), Some(example), bounds::TOPIC_EXAMPLE);
    }
    let directions = [topic.input_action.as_ref(), topic.output_action.as_ref()];
    actions(report, path, directions, BLOCK_ACTIONS);
}

fn filters(report: &mut Report, path: &FieldPath, policy: &ContentPolicyConfig) {
    tier(report, path, policy.tier_config.as_ref());
    let list = path.field("filtersConfig");
    let Some(filters) = &policy.filters_config else {
        let example = "filtersConfig: [{type: HATE, inputStrength: HIGH, outputStrength: HIGH}]";
        report.missing(&list, example);
        return;
    };
    size(report, &list, Some(filters), bounds::FILTERS);
    unique(report, &list, "type", filters.iter().map(|it| it.r#type.as_ref()));
    for (index, filter) in filters.iter().enumerate() {
        self::filter(report, &list.index(index), filter);
    }
}

fn filter(report: &mut Report, path: &FieldPath, filter: &ContentFilterConfig) {
    required_word(
        report,
        &path.field("type"),
        filter.r#type.as_ref(),
        bounds::FILTER_TYPES,
        "type: HATE",
    );
    let (input, output) = (path.field("inputStrength"), path.field("outputStrength"));
    let strength = filter.input_strength.as_ref();
    required_word(report, &input, strength, STRENGTHS, "inputStrength: HIGH");
    let strength = filter.output_strength.as_ref();
    if filter.r#type.as_deref() == Some("PROMPT_ATTACK") {
        match strength {
            None => report.missing(&output, "outputStrength: NONE"),
            Some(strength) if strength != "NONE" => {
                let message = format!(
                    "`{strength}` is refused by AWS for PROMPT_ATTACK, which looks at input alone; \
                     write `outputStrength: NONE`"
                );
                report.error(&output, message);
            }
            Some(_) => {}
        }
    } else {
        required_word(report, &output, strength, STRENGTHS, "outputStrength: HIGH");
    }
    for (name, modalities) in [
        ("inputModalities", &filter.input_modalities),
        ("outputModalities", &filter.output_modalities),
    ] {
        let path = path.field(name);
        size(report, &path, modalities.as_ref(), bounds::MODALITIES_COUNT);
        unique(report, &path, "", modalities.iter().flatten().map(Some));
        for (index, modality) in modalities.iter().flatten().enumerate() {
            word(report, &path.index(index), Some(modality), bounds::MODALITIES);
        }
    }
    let directions = [filter.input_action.as_ref(), filter.output_action.as_ref()];
    actions(report, path, directions, BLOCK_ACTIONS);
}

fn words(report: &mut Report, path: &FieldPath, policy: &WordPolicyConfig) {
    let (words, lists) = (path.field("wordsConfig"), path.field("managedWordListsConfig"));
    if policy.words_config.is_none() && policy.managed_word_lists_config.is_none() {
        if !report.lost(path) {
            let message = "has neither words nor lists; add for example `wordsConfig: [{text: Project \
                           Falcon}]` or `managedWordListsConfig: [{type: PROFANITY}]`";
            report.error(path, message);
        }
        return;
    }
    size(report, &words, policy.words_config.as_ref(), bounds::WORDS);
    let texts = || policy.words_config.iter().flatten();
    unique(report, &words, "text", texts().map(|it| it.text.as_ref()));
    for (index, word) in texts().enumerate() {
        let path = words.index(index);
        let field = path.field("text");
        required_text(report, &field, word.text.as_ref(), bounds::WORD, "text: Project Falcon");
        let count = word.text.as_ref().map_or(0, |it| it.split_whitespace().count());
        if count > 3 {
            let message = format!(
                "has {count} words; AWS documents up to three: shorten it, or deny it as a topic"
            );
            report.warning(&field, message);
        }
        let directions = [word.input_action.as_ref(), word.output_action.as_ref()];
        actions(report, &path, directions, BLOCK_ACTIONS);
    }
    size(report, &lists, policy.managed_word_lists_config.as_ref(), bounds::WORD_LISTS);
    let managed = || policy.managed_word_lists_config.iter().flatten();
    unique(report, &lists, "type", managed().map(|it| it.r#type.as_ref()));
    for (index, list) in managed().enumerate() {
        let path = lists.index(index);
        let field = path.field("type");
        required_word(
            report,
            &field,
            list.r#type.as_ref(),
            bounds::WORD_LIST_TYPES,
            "type: PROFANITY",
        );
        let directions = [list.input_action.as_ref(), list.output_action.as_ref()];
        actions(report, &path, directions, BLOCK_ACTIONS);
    }
}

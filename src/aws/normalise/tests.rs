use aws_sdk_bedrock::types::{
    GuardrailContentFilter, GuardrailContentFilterAction, GuardrailContentFiltersTier,
    GuardrailContentFiltersTierName, GuardrailContentPolicy, GuardrailContextualGroundingAction,
    GuardrailContextualGroundingFilter, GuardrailContextualGroundingPolicy,
    GuardrailContextualGroundingTier, GuardrailContextualGroundingTierName, GuardrailManagedWords,
    GuardrailModality, GuardrailPiiEntity, GuardrailRegex, GuardrailSensitiveInformationPolicy,
    GuardrailStatus, GuardrailTopic, GuardrailTopicAction, GuardrailTopicPolicy,
    GuardrailTopicsTier, GuardrailTopicsTierName, GuardrailWord, GuardrailWordAction,
    GuardrailWordPolicy,
};
use aws_smithy_types::DateTime;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::model::content::{
    ContentFilterConfig, ContentPolicyConfig, ContextualGroundingFilterConfig,
    ContextualGroundingPolicyConfig, ManagedWordListConfig, PiiEntityConfig, RegexConfig,
    SensitiveInformationPolicyConfig, TierConfig, TopicConfig, TopicPolicyConfig, WordConfig,
    WordPolicyConfig,
};

/// What a server may do with defaults (`aws-facts` 13, question 3).
#[derive(Clone, Copy, Debug)]
enum Echo {
    AsSent,
    /// Fills in what was left out.
    All,
    /// Leaves out what equals the default.
    Nothing,
}

impl Echo {
    fn field<T: PartialEq>(self, sent: Option<T>, default: T) -> Option<T> {
        match self {
            Self::AsSent => sent,
            Self::All => Some(sent.unwrap_or(default)),
            Self::Nothing => sent.filter(|value| *value != default),
        }
    }

    fn list<T>(self, sent: Option<Vec<T>>) -> Option<Vec<T>> {
        match self {
            Self::AsSent | Self::Nothing => sent,
            Self::All => Some(sent.unwrap_or_default()),
        }
    }
}

/// What GetGuardrail answers after `sent`, lists in any order.
fn server(sent: &ContentRequest, echo: Echo) -> GetGuardrailOutput {
    let then = DateTime::from_secs(0);
    GetGuardrailOutput::builder()
        .name("baseline")
        .guardrail_id("abc")
        .guardrail_arn("arn:aws:bedrock:us-east-1:111122223333:guardrail/abc")
        .version("DRAFT")
        .status(GuardrailStatus::Ready)
        .created_at(then)
        .updated_at(then)
        .set_description(sent.description.clone())
        .set_blocked_input_messaging(sent.blocked_input_messaging.clone())
        .set_blocked_outputs_messaging(sent.blocked_outputs_messaging.clone())
        .set_topic_policy(sent.topics.as_ref().map(|it| topics_answer(it, echo)))
        .set_content_policy(sent.filters.as_ref().map(|it| filters_answer(it, echo)))
        .set_word_policy(sent.words.as_ref().map(|it| words_answer(it, echo)))
        .set_sensitive_information_policy(
            sent.sensitive.as_ref().map(|it| sensitive_answer(it, echo)),
        )
        .set_contextual_grounding_policy(
            sent.grounding.as_ref().map(|it| grounding_answer(it, echo)),
        )
        .set_cross_region_details(sent.cross_region.as_ref().map(|it| {
            let id = it.guardrail_profile_identifier();
            GuardrailCrossRegionDetails::builder()
                .guardrail_profile_id(id)
                .guardrail_profile_arn(format!(
                    "arn:aws:bedrock:us-east-1:111122223333:guardrail-profile/{id}"
                ))
                .build()
        }))
        .set_kms_key_arn(sent.kms_key_id.clone())
        .build()
        .unwrap()
}

fn reversed<T>(items: impl DoubleEndedIterator<Item = T>) -> Vec<T> {
    items.rev().collect()
}

fn topics_answer(sent: &GuardrailTopicPolicyConfig, echo: Echo) -> GuardrailTopicPolicy {
    use GuardrailTopicAction::Block;
    let topics = sent.topics_config().iter().map(|it| {
        GuardrailTopic::builder()
            .name(it.name())
            .definition(it.definition())
            .set_examples(echo.list(it.examples.clone().map(|it| reversed(it.into_iter()))))
            .r#type(it.r#type().clone())
            .set_input_action(echo.field(it.input_action.clone(), Block))
            .set_output_action(echo.field(it.output_action.clone(), Block))
            .set_input_enabled(echo.field(it.input_enabled, true))
            .set_output_enabled(echo.field(it.output_enabled, true))
            .build()
            .unwrap()
    });
    let tier = sent.tier_config().map(|tier| tier.tier_name().clone());
    let tier = echo.field(tier, GuardrailTopicsTierName::Classic);
    GuardrailTopicPolicy::builder()
        .set_topics(Some(reversed(topics)))
        .set_tier(tier.map(|it| GuardrailTopicsTier::builder().tier_name(it).build().unwrap()))
        .build()
        .unwrap()
}

fn filters_answer(sent: &GuardrailContentPolicyConfig, echo: Echo) -> GuardrailContentPolicy {
    use GuardrailContentFilterAction::Block;
    let modalities = |sent: &Option<Vec<GuardrailModality>>| {
        let sent = sent.clone().map(|it| reversed(it.into_iter()));
        echo.field(sent, vec![GuardrailModality::Text])
    };
    let filters = sent.filters_config().iter().map(|it| {
        GuardrailContentFilter::builder()
            .r#type(it.r#type().clone())
            .input_strength(it.input_strength().clone())
            .output_strength(it.output_strength().clone())
            .set_input_modalities(modalities(&it.input_modalities))
            .set_output_modalities(modalities(&it.output_modalities))
            .set_input_action(echo.field(it.input_action.clone(), Block))
            .set_output_action(echo.field(it.output_action.clone(), Block))
            .set_input_enabled(echo.field(it.input_enabled, true))
            .set_output_enabled(echo.field(it.output_enabled, true))
            .build()
            .unwrap()
    });
    let tier = sent.tier_config().map(|tier| tier.tier_name().clone());
    let tier = echo.field(tier, GuardrailContentFiltersTierName::Classic);
    GuardrailContentPolicy::builder()
        .set_filters(Some(reversed(filters)))
        .set_tier(
            tier.map(|it| GuardrailContentFiltersTier::builder().tier_name(it).build().unwrap()),
        )
        .build()
}

fn words_answer(sent: &GuardrailWordPolicyConfig, echo: Echo) -> GuardrailWordPolicy {
    use GuardrailWordAction::Block;
    let words = sent.words_config.as_ref().map(|words| {
        reversed(words.iter().map(|it| {
            GuardrailWord::builder()
                .text(it.text())
                .set_input_action(echo.field(it.input_action.clone(), Block))
                .set_output_action(echo.field(it.output_action.clone(), Block))
                .set_input_enabled(echo.field(it.input_enabled, true))
                .set_output_enabled(echo.field(it.output_enabled, true))
                .build()
                .unwrap()
        }))
    });
    let lists = sent.managed_word_lists_config.as_ref().map(|lists| {
        reversed(lists.iter().map(|it| {
            GuardrailManagedWords::builder()
                .r#type(it.r#type().clone())
                .set_input_action(echo.field(it.input_action.clone(), Block))
                .set_output_action(echo.field(it.output_action.clone(), Block))
                .set_input_enabled(echo.field(it.input_enabled, true))
                .set_output_enabled(echo.field(it.output_enabled, true))
                .build()
                .unwrap()
        }))
    });
    GuardrailWordPolicy::builder()
        .set_words(echo.list(words))
        .set_managed_word_lists(echo.list(lists))
        .build()
}

fn sensitive_answer(
    sent: &GuardrailSensitiveInformationPolicyConfig,
    echo: Echo,
) -> GuardrailSensitiveInformationPolicy {
    let entities = sent.pii_entities_config.as_ref().map(|entities| {
        reversed(entities.iter().map(|it| {
            GuardrailPiiEntity::builder()
                .r#type(it.r#type().clone())
                .action(it.action().clone())
                .set_input_action(echo.field(it.input_action.clone(), it.action().clone()))
                .set_output_action(echo.field(it.output_action.clone(), it.action().clone()))
                .set_input_enabled(echo.field(it.input_enabled, true))
                .set_output_enabled(echo.field(it.output_enabled, true))
                .build()
                .unwrap()
        }))
    });
    let regexes = sent.regexes_config.as_ref().map(|regexes| {
        reversed(regexes.iter().map(|it| {
            GuardrailRegex::builder()
                .name(it.name())
                .pattern(it.pattern())
                .set_description(echo.field(it.description.clone(), String::new()))
                .action(it.action().clone())
                .set_input_action(echo.field(it.input_action.clone(), it.action().clone()))
                .set_output_action(echo.field(it.output_action.clone(), it.action().clone()))
                .set_input_enabled(echo.field(it.input_enabled, true))
                .set_output_enabled(echo.field(it.output_enabled, true))
                .build()
                .unwrap()
        }))
    });
    GuardrailSensitiveInformationPolicy::builder()
        .set_pii_entities(echo.list(entities))
        .set_regexes(echo.list(regexes))
        .build()
}

fn grounding_answer(
    sent: &GuardrailContextualGroundingPolicyConfig,
    echo: Echo,
) -> GuardrailContextualGroundingPolicy {
    use GuardrailContextualGroundingAction::Block;
    let filters = sent.filters_config().iter().map(|it| {
        GuardrailContextualGroundingFilter::builder()
            .r#type(it.r#type().clone())
            // A double that went through somebody's decimal text.
            .threshold(it.threshold() + 1e-12)
            .set_action(echo.field(it.action.clone(), Block))
            .set_enabled(echo.field(it.enabled, true))
            .build()
            .unwrap()
    });
    let tier = sent.tier_config().map(|tier| tier.tier_name().clone());
    let tier = echo.field(tier, GuardrailContextualGroundingTierName::Classic);
    GuardrailContextualGroundingPolicy::builder()
        .set_filters(Some(reversed(filters)))
        .set_tier(
            tier.map(|it| {
                GuardrailContextualGroundingTier::builder().tier_name(it).build().unwrap()
            }),
        )
        .build()
        .unwrap()
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(values).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ]{1,12}"
}

fn action() -> impl Strategy<Value = Option<String>> {
    of(one_of(&["BLOCK", "NONE"]))
}

fn tier() -> impl Strategy<Value = Option<TierConfig>> {
    of(of(one_of(&["CLASSIC", "STANDARD"])).prop_map(|name| TierConfig {
        tier_name: Some(name.unwrap_or_else(|| "CLASSIC".to_owned())),
    }))
}

/// Input and output action, input and output enabled.
type Directions = (Option<String>, Option<String>, Option<bool>, Option<bool>);

fn directions() -> impl Strategy<Value = Directions> {
    (action(), action(), any::<Option<bool>>(), any::<Option<bool>>())
}

fn topics() -> impl Strategy<Value = TopicPolicyConfig> {
    let topic = (text(), of(vec(text(), 0..3)), of(Just("DENY".to_owned())), directions());
    (btree_map(text(), topic, 0..4), tier()).prop_map(|(topics, tier_config)| {
        let topics =
            topics.into_iter().map(|(name, (definition, examples, kind, d))| TopicConfig {
                name: Some(name),
                definition: Some(definition),
                examples,
                r#type: kind,
                input_action: d.0,
                output_action: d.1,
                input_enabled: d.2,
                output_enabled: d.3,
            });
        TopicPolicyConfig { topics_config: Some(topics.collect()), tier_config }
    })
}

fn filters() -> impl Strategy<Value = ContentPolicyConfig> {
    let kinds = &["SEXUAL", "VIOLENCE", "HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK"];
    let strength = || one_of(&["NONE", "LOW", "MEDIUM", "HIGH"]);
    let modalities = || of(btree_set(one_of(&["TEXT", "IMAGE"]), 0..3));
    let filter = (strength(), strength(), modalities(), modalities(), directions());
    (btree_map(one_of(kinds), filter, 0..6), tier()).prop_map(|(filters, tier_config)| {
        let filters =
            filters.into_iter().map(|(kind, (input, output, ins, outs, d))| ContentFilterConfig {
                r#type: Some(kind),
                input_strength: Some(input),
                output_strength: Some(output),
                input_modalities: ins.map(|it| it.into_iter().collect()),
                output_modalities: outs.map(|it| it.into_iter().collect()),
                input_action: d.0,
                output_action: d.1,
                input_enabled: d.2,
                output_enabled: d.3,
            });
        ContentPolicyConfig { filters_config: Some(filters.collect()), tier_config }
    })
}

fn words() -> impl Strategy<Value = WordPolicyConfig> {
    let words = of(btree_map(text(), directions(), 0..4));
    (words, of(directions())).prop_map(|(words, list)| WordPolicyConfig {
        words_config: words.map(|words| {
            let words = words.into_iter().map(|(text, d)| WordConfig {
                text: Some(text),
                input_action: d.0,
                output_action: d.1,
                input_enabled: d.2,
                output_enabled: d.3,
            });
            words.collect()
        }),
        managed_word_lists_config: list.map(|d| {
            vec![ManagedWordListConfig {
                r#type: Some("PROFANITY".to_owned()),
                input_action: d.0,
                output_action: d.1,
                input_enabled: d.2,
                output_enabled: d.3,
            }]
        }),
    })
}

fn sensitive() -> impl Strategy<Value = SensitiveInformationPolicyConfig> {
    let masks = || one_of(&["BLOCK", "ANONYMIZE", "NONE"]);
    let directions = || (of(masks()), of(masks()), any::<Option<bool>>(), any::<Option<bool>>());
    let kind = one_of(&["EMAIL", "NAME", "US_SOCIAL_SECURITY_NUMBER", "PHONE"]);
    let entities = of(btree_map(kind, (masks(), directions()), 0..4));
    let regexes = of(btree_map(text(), (text(), of(text()), masks(), directions()), 0..3));
    (entities, regexes).prop_map(|(entities, regexes)| SensitiveInformationPolicyConfig {
        pii_entities_config: entities.map(|entities| {
            let entities = entities.into_iter().map(|(kind, (action, d))| PiiEntityConfig {
                r#type: Some(kind),
                action: Some(action),
                input_action: d.0,
                output_action: d.1,
                input_enabled: d.2,
                output_enabled: d.3,
            });
            entities.collect()
        }),
        regexes_config: regexes.map(|regexes| {
            let regexes =
                regexes.into_iter().map(|(name, (pattern, description, action, d))| RegexConfig {
                    name: Some(name),
                    description,
                    pattern: Some(pattern),
                    action: Some(action),
                    input_action: d.0,
                    output_action: d.1,
                    input_enabled: d.2,
                    output_enabled: d.3,
                });
            regexes.collect()
        }),
    })
}

fn grounding() -> impl Strategy<Value = ContextualGroundingPolicyConfig> {
    let filter = (0..100_u8, action(), any::<Option<bool>>());
    let kind = one_of(&["GROUNDING", "RELEVANCE"]);
    (btree_map(kind, filter, 0..3), tier()).prop_map(|(filters, tier_config)| {
        let filters = filters.into_iter().map(|(kind, (percent, action, enabled))| {
            ContextualGroundingFilterConfig {
                r#type: Some(kind),
                threshold: Some(f64::from(percent) / 100.0),
                action,
                enabled,
            }
        });
        ContextualGroundingPolicyConfig { filters_config: Some(filters.collect()), tier_config }
    })
}

prop_compose! {
    fn replica_content()(
        messages in (text(), text()),
        description in of(text()),
        topics in of(topics()),
        filters in of(filters()),
        words in of(words()),
        sensitive in of(sensitive()),
        grounding in of(grounding()),
        profile in of(Just("us.guardrail.v1:0")),
        key in of(Just("arn:aws:kms:us-east-1:111122223333:key/1")),
    ) -> ReplicaContent {
        let shared = canonical(Content {
            blocked_input_messaging: Some(messages.0),
            blocked_outputs_messaging: Some(messages.1),
            topic_policy_config: topics,
            content_policy_config: filters,
            word_policy_config: words,
            sensitive_information_policy_config: sensitive,
            contextual_grounding_policy_config: grounding,
            ..Content::default()
        });
        ReplicaContent {
            shared,
            description,
            profile: profile.map(|it| it.parse().unwrap()),
            kms_key_arn: key.map(str::to_owned),
        }
    }
}

proptest! {
    /// Without this the controller would see drift in what it has just written, and write for ever.
    #[test]
    fn what_was_sent_reads_back_equal_whatever_the_server_echoes(desired in replica_content()) {
        let sent = request(&desired).unwrap();
        for echo in [Echo::AsSent, Echo::All, Echo::Nothing] {
            let read = content(server(&sent, echo)).unwrap();
            prop_assert_eq!(&read, &desired, "{:?}", echo);
            prop_assert_eq!(read.replica_revision(), desired.replica_revision());
        }
    }
}

#[test]
fn both_directions_of_a_masked_entity_are_sent() {
    let entity = PiiEntityConfig {
        r#type: Some("EMAIL".to_owned()),
        action: Some("ANONYMIZE".to_owned()),
        output_action: Some("BLOCK".to_owned()),
        ..PiiEntityConfig::default()
    };
    let policy = SensitiveInformationPolicyConfig {
        pii_entities_config: Some(vec![entity]),
        regexes_config: None,
    };
    let sent = sensitive::request(&policy).unwrap();
    let [entity] = sent.pii_entities_config() else { panic!("one entity") };
    assert_eq!(entity.input_action().unwrap().as_str(), "ANONYMIZE");
    assert_eq!(entity.output_action().unwrap().as_str(), "BLOCK");
    assert_eq!((entity.input_enabled(), entity.output_enabled()), (Some(true), Some(true)));
}

#[test]
fn a_missing_required_field_is_named() {
    let filter =
        ContentFilterConfig { r#type: Some("HATE".to_owned()), ..ContentFilterConfig::default() };
    let policy = ContentPolicyConfig { filters_config: Some(vec![filter]), tier_config: None };
    let error = filters::request(&policy).unwrap_err().to_string();
    assert!(error.contains("input_strength"), "{error}");
}

#[test]
fn a_profile_that_cannot_be_understood_is_not_read_as_none() {
    let id = |id: &str| GuardrailCrossRegionDetails::builder().guardrail_profile_id(id).build();
    assert!(profile(id("something else")).is_err());
    let arn = "arn:aws:bedrock:eu-west-1:111122223333:guardrail-profile/eu.guardrail.v1:0";
    let details = GuardrailCrossRegionDetails::builder().guardrail_profile_arn(arn).build();
    assert_eq!(profile(details).unwrap().unwrap().as_str(), "eu.guardrail.v1:0");
}

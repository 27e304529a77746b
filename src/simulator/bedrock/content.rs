//! What one state of a guardrail says, and how `GetGuardrail` renders it.

use serde_json::{Map, Value, json};

use super::super::switches::{EchoDefaults, ListOrder, Switches};

/// The body of a Create or Update after validation: members the model does not know are gone, the
/// KMS key and the guardrail profile are resolved. Shared and immutable: versions keep theirs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Content {
    /// The members as sent: `name`, `contentPolicyConfig`, `blockedInputMessaging`, …
    pub(super) body: Map<String, Value>,
    /// The ARN of the customer's key.
    pub(super) kms_key_arn: Option<String>,
    /// `us.guardrail.v1:0`.
    pub(super) profile: Option<String>,
}

/// The lists of a policy: input name, output name, and the defaults of an element.
struct ListShape {
    input: &'static str,
    output: &'static str,
    element: Element,
}

/// Which defaults the elements of a list have (`aws-facts` 1.9).
#[derive(Clone, Copy)]
enum Element {
    /// Topics, words, managed lists: block on both sides, enabled on both.
    Blocking,
    /// The same with modalities.
    Filter,
    /// PII and regexes: the action of both sides is `action`.
    Masking,
    /// Contextual grounding: one action, one flag.
    Grounding,
    /// ARNs of automated reasoning policies.
    Plain,
}

/// One policy of a guardrail: input name, output name, its lists.
struct PolicyShape {
    input: &'static str,
    output: &'static str,
    lists: &'static [ListShape],
    has_tier: bool,
}

const POLICIES: &[PolicyShape] = &[
    PolicyShape {
        input: "topicPolicyConfig",
        output: "topicPolicy",
        lists: &[ListShape { input: "topicsConfig", output: "topics", element: Element::Blocking }],
        has_tier: true,
    },
    PolicyShape {
        input: "contentPolicyConfig",
        output: "contentPolicy",
        lists: &[ListShape { input: "filtersConfig", output: "filters", element: Element::Filter }],
        has_tier: true,
    },
    PolicyShape {
        input: "wordPolicyConfig",
        output: "wordPolicy",
        lists: &[
            ListShape { input: "wordsConfig", output: "words", element: Element::Blocking },
            ListShape {
                input: "managedWordListsConfig",
                output: "managedWordLists",
                element: Element::Blocking,
            },
        ],
        has_tier: false,
    },
    PolicyShape {
        input: "sensitiveInformationPolicyConfig",
        output: "sensitiveInformationPolicy",
        lists: &[
            ListShape {
                input: "piiEntitiesConfig",
                output: "piiEntities",
                element: Element::Masking,
            },
            ListShape { input: "regexesConfig", output: "regexes", element: Element::Masking },
        ],
        has_tier: false,
    },
    PolicyShape {
        input: "contextualGroundingPolicyConfig",
        output: "contextualGroundingPolicy",
        lists: &[ListShape {
            input: "filtersConfig",
            output: "filters",
            element: Element::Grounding,
        }],
        has_tier: true,
    },
    PolicyShape {
        input: "automatedReasoningPolicyConfig",
        output: "automatedReasoningPolicy",
        lists: &[ListShape { input: "policies", output: "policies", element: Element::Plain }],
        has_tier: false,
    },
];

impl Content {
    /// `name`.
    pub(crate) fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// `description`.
    pub(crate) fn description(&self) -> Option<&str> {
        self.text("description")
    }

    /// What a caller reads whose input was blocked.
    pub(crate) fn blocked_input(&self) -> &str {
        self.text("blockedInputMessaging").unwrap_or_default()
    }

    /// What a caller reads whose answer was blocked.
    pub(crate) fn blocked_output(&self) -> &str {
        self.text("blockedOutputsMessaging").unwrap_or_default()
    }

    /// Whether automated reasoning checks are part of it; enforcement does not support them.
    pub(crate) fn has_automated_reasoning(&self) -> bool {
        self.body.contains_key("automatedReasoningPolicyConfig")
    }

    /// The guardrail profile, `us.guardrail.v1:0`.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The elements of one list of one policy, as sent: `("wordPolicyConfig", "wordsConfig")`.
    pub(crate) fn rules(&self, policy: &str, list: &str) -> &[Value] {
        self.body
            .get(policy)
            .and_then(|policy| policy.get(list))
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Whether any list of any policy has an element.
    pub(super) fn has_any_policy(&self) -> bool {
        POLICIES.iter().any(|policy| {
            policy.lists.iter().any(|list| !self.rules(policy.input, list.input).is_empty())
        })
    }

    /// The tier sent for a policy.
    pub(super) fn tier(&self, policy: &str) -> Option<&str> {
        self.body.get(policy)?.get("tierConfig")?.get("tierName")?.as_str()
    }

    /// Whether any policy asks for the STANDARD tier.
    pub(super) fn is_standard(&self) -> bool {
        POLICIES.iter().any(|policy| self.tier(policy.input) == Some("STANDARD"))
    }

    /// The policies in the output shape of `GetGuardrail`, with the defaults the switches echo.
    pub(super) fn render(&self, switches: &Switches) -> Map<String, Value> {
        let mut rendered = Map::new();
        for policy in POLICIES {
            if let Some(sent) = self.body.get(policy.input).and_then(Value::as_object) {
                rendered
                    .insert(policy.output.to_owned(), render_policy(policy, sent, switches).into());
            }
        }
        rendered
    }

    /// Content of these members alone.
    #[cfg(test)]
    pub(crate) fn for_test(body: Value) -> Self {
        let Value::Object(body) = body else { panic!("not an object") };
        Self { body, kms_key_arn: None, profile: None }
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Value::as_str)
    }
}

fn render_policy(
    policy: &PolicyShape,
    sent: &Map<String, Value>,
    switches: &Switches,
) -> Map<String, Value> {
    let mut rendered = Map::new();
    for list in policy.lists {
        let Some(elements) = sent.get(list.input).and_then(Value::as_array) else { continue };
        let elements =
            elements.iter().map(|element| render_element(element, list.element, switches));
        rendered.insert(list.output.to_owned(), ordered(elements, switches.list_order));
    }
    if let Some(threshold) = sent.get("confidenceThreshold") {
        rendered.insert("confidenceThreshold".to_owned(), threshold.clone());
    }
    let tier = sent.get("tierConfig").cloned().or_else(|| match switches.echo_defaults {
        EchoDefaults::TierOnly | EchoDefaults::All => {
            policy.has_tier.then(|| json!({"tierName": "CLASSIC"}))
        }
        EchoDefaults::None => None,
    });
    if let Some(tier) = tier {
        rendered.insert("tier".to_owned(), tier);
    }
    rendered
}

fn render_element(element: &Value, kind: Element, switches: &Switches) -> Value {
    let Value::Object(sent) = element else { return element.clone() };
    let mut rendered = sent.clone();
    for modalities in ["inputModalities", "outputModalities"] {
        if let Some(Value::Array(items)) = rendered.get(modalities) {
            let items = ordered(items.clone().into_iter(), switches.list_order);
            rendered.insert(modalities.to_owned(), items);
        }
    }
    if switches.echo_defaults == EchoDefaults::All {
        for (member, value) in defaults(sent, kind) {
            rendered.entry(member).or_insert(value);
        }
    }
    rendered.into()
}

/// What an element means by what it leaves out.
fn defaults(sent: &Map<String, Value>, kind: Element) -> Vec<(&'static str, Value)> {
    let both_sides = |action: Value| {
        vec![
            ("inputAction", action.clone()),
            ("outputAction", action),
            ("inputEnabled", true.into()),
            ("outputEnabled", true.into()),
        ]
    };
    match kind {
        Element::Blocking => both_sides("BLOCK".into()),
        Element::Filter => {
            let mut defaults = both_sides("BLOCK".into());
            defaults.push(("inputModalities", json!(["TEXT"])));
            defaults.push(("outputModalities", json!(["TEXT"])));
            defaults
        }
        Element::Masking => both_sides(sent.get("action").cloned().unwrap_or_default()),
        Element::Grounding => vec![("action", "BLOCK".into()), ("enabled", true.into())],
        Element::Plain => Vec::new(),
    }
}

/// `items` in the order the service gives lists back.
fn ordered(items: impl DoubleEndedIterator<Item = Value>, order: ListOrder) -> Value {
    match order {
        ListOrder::Kept => items.collect(),
        ListOrder::Reversed => items.rev().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switches(echo_defaults: EchoDefaults, list_order: ListOrder) -> Switches {
        Switches { echo_defaults, list_order, ..Switches::default() }
    }

    #[test]
    fn input_names_become_output_names_and_defaults_follow_the_switch() {
        let sent = Content::for_test(json!({
            "contentPolicyConfig": {"filtersConfig": [
                {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "LOW"}]},
            "sensitiveInformationPolicyConfig": {"piiEntitiesConfig": [
                {"type": "EMAIL", "action": "ANONYMIZE"}]},
        }));
        let bare_filter = json!({"type": "HATE", "inputStrength": "HIGH", "outputStrength": "LOW"});
        let bare_pii = json!({"piiEntities": [{"type": "EMAIL", "action": "ANONYMIZE"}]});
        let cases = [
            (
                EchoDefaults::TierOnly,
                json!({"contentPolicy": {"filters": [bare_filter], "tier": {"tierName": "CLASSIC"}},
                       "sensitiveInformationPolicy": bare_pii}),
            ),
            (
                EchoDefaults::None,
                json!({"contentPolicy": {"filters": [bare_filter]},
                       "sensitiveInformationPolicy": bare_pii}),
            ),
            (
                EchoDefaults::All,
                json!({"contentPolicy": {"tier": {"tierName": "CLASSIC"}, "filters": [
                    {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "LOW",
                     "inputAction": "BLOCK", "outputAction": "BLOCK", "inputEnabled": true,
                     "outputEnabled": true, "inputModalities": ["TEXT"],
                     "outputModalities": ["TEXT"]}]},
                    "sensitiveInformationPolicy": {"piiEntities": [
                    {"type": "EMAIL", "action": "ANONYMIZE", "inputAction": "ANONYMIZE",
                     "outputAction": "ANONYMIZE", "inputEnabled": true, "outputEnabled": true}]}}),
            ),
        ];
        for (echo, expect) in cases {
            let rendered = sent.render(&switches(echo, ListOrder::Kept));
            assert_eq!(Value::Object(rendered), expect, "{echo:?}");
        }
    }

    #[test]
    fn reversed_lists_come_back_reversed_but_examples_keep_their_order() {
        let sent = Content::for_test(json!({"topicPolicyConfig": {"topicsConfig": [
            {"name": "a", "examples": ["1", "2"]}, {"name": "b"}]}}));
        let rendered = sent.render(&switches(EchoDefaults::None, ListOrder::Reversed));
        assert_eq!(
            Value::Object(rendered),
            json!({"topicPolicy": {"topics": [{"name": "b"}, {"name": "a", "examples": ["1", "2"]}]}})
        );
    }
}

//! `BEDROCK_POLICY`: the syntax of one document, and what makes an effective policy invalid
//! (`aws-facts` 3.1 and 3.3).

use serde_json::{Map, Value, json};

use super::effective::{CONTROL, OPERATORS};

/// Why an effective policy is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct EffectiveError {
    /// `ELEMENTS_TOO_MANY`, `ELEMENTS_TOO_FEW` or `KEY_REQUIRED`.
    pub(in crate::simulator) code: &'static str,
    /// What a person reads.
    pub(in crate::simulator) message: String,
    /// `/bedrock/guardrail_inference/us-east-1`.
    pub(in crate::simulator) path: String,
    /// The Region the path goes through.
    pub(in crate::simulator) region: String,
}

/// What a leaf may hold.
#[derive(Clone, Copy)]
enum Leaf {
    /// A guardrail ARN, a colon and a numbered version.
    Guardrail,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of strings.
    List,
}

/// Checks what `CreatePolicy` and `UpdatePolicy` check. Whether the guardrail exists is not asked.
pub(in crate::simulator) fn check_syntax(document: &Value) -> Result<(), String> {
    let document = object(document, "the document")?;
    let mut keys = children(document, "the document")?;
    let (Some(("bedrock", bedrock)), None) = (keys.next(), keys.next()) else {
        return Err("The document must have exactly the top-level key \"bedrock\".".to_owned());
    };
    let bedrock = object(bedrock, "bedrock")?;
    for (key, container) in children(bedrock, "bedrock")? {
        if key != "guardrail_inference" {
            return Err(format!("Unknown key \"{key}\" in bedrock."));
        }
        for (region, configurations) in children(object(container, key)?, key)? {
            if !is_region(region) {
                return Err(format!("\"{region}\" is not a Region."));
            }
            for (name, configuration) in children(object(configurations, region)?, region)? {
                check_configuration(object(configuration, name)?, &format!("{region}/{name}"))?;
            }
        }
    }
    Ok(())
}

/// The `ARN:VERSION` of every configuration of a document.
pub(super) fn references(document: &Value) -> Vec<String> {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let container = document.pointer("/bedrock/guardrail_inference").map(members);
    let regions = container.unwrap_or_default();
    let configurations = regions.values().flat_map(|region| members(region).into_iter());
    configurations
        .filter_map(|(_, it)| {
            it.pointer("/identifier/@@assign").and_then(Value::as_str).map(str::to_owned)
        })
        .collect()
}

fn check_configuration(configuration: &Map<String, Value>, path: &str) -> Result<(), String> {
    const GUARDING: Leaf = Leaf::Word(&["selective", "comprehensive"]);
    for (key, value) in children(configuration, path)? {
        let path = format!("{path}/{key}");
        let inner: &[(&str, Leaf)] = match key {
            "identifier" => {
                check_leaf(value, Leaf::Guardrail, &path)?;
                continue;
            }
            // The preview's member; whether AWS still takes it is unconfirmed (`aws-facts` 3.1).
            "input_tags" => {
                check_leaf(value, Leaf::Word(&["honor", "ignore"]), &path)?;
                continue;
            }
            "selective_content_guarding" => &[("system", GUARDING), ("messages", GUARDING)],
            "model_enforcement" => {
                &[("included_models", Leaf::List), ("excluded_models", Leaf::List)]
            }
            unknown => return Err(format!("Unknown key \"{unknown}\" at {path}.")),
        };
        for (key, value) in children(object(value, &path)?, &path)? {
            let (_, leaf) = inner
                .iter()
                .find(|(name, _)| *name == key)
                .ok_or_else(|| format!("Unknown key \"{key}\" at {path}."))?;
            check_leaf(value, *leaf, &format!("{path}/{key}"))?;
        }
    }
    Ok(())
}

/// A leaf is an object of value operators only.
fn check_leaf(value: &Value, leaf: Leaf, path: &str) -> Result<(), String> {
    let operators = value
        .as_object()
        .ok_or_else(|| format!("The value at {path} must be wrapped in an operator."))?;
    if operators.is_empty() {
        return Err(format!("The value at {path} has no operator."));
    }
    for (operator, value) in operators {
        if operator == CONTROL {
            check_control(value, path)?;
        } else if operator == "@@assign" {
            check_assigned(value, leaf, path)?;
        } else if matches!(operator.as_str(), "@@append" | "@@remove") {
            if !matches!(leaf, Leaf::List) {
                return Err(format!("{operator} at {path} needs a list."));
            }
            check_assigned(value, leaf, path)?;
        } else {
            return Err(format!("Unknown operator \"{operator}\" at {path}."));
        }
    }
    Ok(())
}

fn check_assigned(value: &Value, leaf: Leaf, path: &str) -> Result<(), String> {
    let is_valid = match leaf {
        Leaf::Guardrail => value.as_str().is_some_and(is_versioned_guardrail),
        Leaf::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Leaf::List => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
    };
    if is_valid { Ok(()) } else { Err(format!("Invalid value {value} at {path}.")) }
}

fn check_control(value: &Value, path: &str) -> Result<(), String> {
    let is_valid = value.as_array().is_some_and(|list| {
        !list.is_empty()
            && list.iter().all(|word| {
                word.as_str().is_some_and(|word| {
                    ["@@all", "@@none"].contains(&word) || OPERATORS.contains(&word)
                })
            })
    });
    if is_valid { Ok(()) } else { Err(format!("Invalid value of {CONTROL} at {path}.")) }
}

/// The keys that are not child control, which is checked and left out.
fn children<'a>(
    object: &'a Map<String, Value>,
    path: &str,
) -> Result<impl Iterator<Item = (&'a str, &'a Value)>, String> {
    if let Some(control) = object.get(CONTROL) {
        check_control(control, path)?;
    }
    if let Some(stray) = object.keys().find(|key| key.starts_with("@@") && *key != CONTROL) {
        return Err(format!("Operator \"{stray}\" at {path}, which is not a value."));
    }
    Ok(object.iter().filter(|(key, _)| *key != CONTROL).map(|(key, value)| (key.as_str(), value)))
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{path} must be an object."))
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts.iter().all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

/// `arn:P:bedrock:REGION:ACCOUNT:guardrail/ID:N`.
fn is_versioned_guardrail(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "bedrock", region, account, resource, version] = parts.as_slice() else {
        return false;
    };
    let is_id = |id: &str| {
        !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    partition.starts_with("aws")
        && is_region(region)
        && account.len() == 12
        && account.chars().all(|c| c.is_ascii_digit())
        && resource.strip_prefix("guardrail/").is_some_and(is_id)
        && (1..=8).contains(&version.len())
        && !version.starts_with('0')
        && version.chars().all(|c| c.is_ascii_digit())
}

/// Checks a merged policy, operators stripped.
pub(in crate::simulator) fn check_effective(policy: &Value) -> Vec<EffectiveError> {
    let regions = policy.pointer("/bedrock/guardrail_inference").and_then(Value::as_object);
    let mut errors = Vec::new();
    for (region, configurations) in regions.into_iter().flatten() {
        let path = format!("/bedrock/guardrail_inference/{region}");
        let mut report = |code, message: String, path: String| {
            errors.push(EffectiveError { code, message, path, region: region.clone() });
        };
        let configurations = configurations.as_object();
        if configurations.is_some_and(|all| all.len() > 1) {
            let message = format!("Only one configuration is allowed for {region}.");
            report("ELEMENTS_TOO_MANY", message, path.clone());
        }
        for (name, configuration) in configurations.into_iter().flatten() {
            let path = format!("{path}/{name}");
            if configuration.get("identifier").is_none() {
                let message = format!("identifier is required for {region}.");
                report("KEY_REQUIRED", message, format!("{path}/identifier"));
            }
            if configuration.get("selective_content_guarding") == Some(&json!({})) {
                let message = "system or messages is required.".to_owned();
                report("ELEMENTS_TOO_FEW", message, format!("{path}/selective_content_guarding"));
            }
            let Some(models) = configuration.get("model_enforcement") else { continue };
            for key in ["included_models", "excluded_models"] {
                if models.get(key).is_none() {
                    let path = format!("{path}/model_enforcement/{key}");
                    report("KEY_REQUIRED", format!("{key} is required."), path);
                }
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";

    fn document(configuration: &Value) -> Value {
        json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": configuration}}}})
    }

    #[test]
    fn syntax_accepts_the_documented_documents_and_nothing_else() {
        let good = json!({"identifier": {"@@assign": format!("{ARN}:3")}});
        let rows = [
            ("minimal", document(&good), true),
            (
                "everything",
                document(&json!({
                    "@@operators_allowed_for_child_policies": ["@@none"],
                    "identifier": {"@@assign": format!("{ARN}:3")},
                    "selective_content_guarding": {"system": {"@@assign": "comprehensive"}},
                    "model_enforcement": {"included_models": {"@@assign": ["ALL"]}, "excluded_models": {"@@append": []}},
                })),
                true,
            ),
            (
                "draft",
                document(&json!({"identifier": {"@@assign": format!("{ARN}:DRAFT")}})),
                false,
            ),
            ("no version", document(&json!({"identifier": {"@@assign": ARN}})), false),
            ("bare leaf", document(&json!({"identifier": format!("{ARN}:3")})), false),
            (
                "append to a single value",
                document(&json!({"identifier": {"@@append": [format!("{ARN}:3")]}})),
                false,
            ),
            (
                "upper case word",
                document(
                    &json!({"selective_content_guarding": {"system": {"@@assign": "COMPREHENSIVE"}}}),
                ),
                false,
            ),
            (
                "unknown member",
                document(
                    &json!({"identifier": {"@@assign": format!("{ARN}:3")}, "x": {"@@assign": "y"}}),
                ),
                false,
            ),
            (
                "unknown control",
                document(&json!({"@@operators_allowed_for_child_policies": ["@@some"]})),
                false,
            ),
            ("another top-level key", json!({"bedrock": {}, "tags": {}}), false),
            ("a list", json!([]), false),
            (
                "not a Region",
                json!({"bedrock": {"guardrail_inference": {"Virginia": {"config_1": good}}}}),
                false,
            ),
        ];
        for (name, document, expected) in rows {
            assert_eq!(
                check_syntax(&document).is_ok(),
                expected,
                "{name}: {:?}",
                check_syntax(&document)
            );
        }
    }

    #[test]
    fn two_configurations_of_one_region_are_too_many() {
        let policy = json!({"bedrock": {"guardrail_inference": {"us-east-1": {
            "config_1": {"identifier": "x"}, "config_2": {"identifier": "y"}}}}});
        let codes: Vec<_> = check_effective(&policy).into_iter().map(|error| error.code).collect();
        assert_eq!(codes, ["ELEMENTS_TOO_MANY"]);
    }

    #[test]
    fn both_model_lists_are_required_together() {
        let policy = json!({"bedrock": {"guardrail_inference": {"us-east-1": {
            "config_1": {"identifier": "x", "model_enforcement": {"included_models": ["ALL"]}}}}}});
        let errors = check_effective(&policy);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].path.ends_with("/excluded_models"), "{}", errors[0].path);
    }
}

//! Renders our statements and merges them into a live resource policy.

use serde_json::{Map, Value, json};

use super::admits::{one_or_many, principal_parts};
use crate::model::{Fleet, Share, UnitId};

/// Statements whose Sid begins so are ours; all others are foreign and stay as they are.
pub(super) const SID_PREFIX: &str = "Bedrail";

/// The statements that admit `share`, in the only shapes the service supports (`aws-facts` 2.5).
/// A unit is named by its id alone below any path, so that moving it needs no write. Units get
/// both actions, unlike in the documentation's example: to reference a guardrail an account must
/// read it too.
pub(super) fn statements(
    share: &Share,
    resource: &str,
    actions: &[&str],
    fleet: &Fleet,
) -> Vec<Value> {
    let organization = fleet.organization.as_str();
    let (sid, condition) = match share {
        Share::None => return Vec::new(),
        Share::Organization => {
            ("BedrailOrganization", json!({"StringEquals": {"aws:PrincipalOrgID": organization}}))
        }
        Share::Units(units) => {
            let path = |unit: &UnitId| format!("{organization}/*/{unit}/*");
            let paths: Vec<String> = units.iter().map(path).collect();
            (
                "BedrailUnits",
                json!({"StringEquals": {"aws:PrincipalOrgID": organization},
                    "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": paths}}),
            )
        }
    };
    vec![json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": actions,
        "Resource": resource, "Condition": condition})]
}

/// A live document that is not a policy, so that nothing of it can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAPolicy;

/// The live policy with our statements exchanged for `ours`: the foreign ones equal and in order,
/// ours behind them. `None` when no statement is left. The live document itself when nothing of
/// ours differs, in whatever place it stands.
pub(super) fn merged(live: Option<&Value>, ours: Vec<Value>) -> Result<Option<Value>, NotAPolicy> {
    let Some(live) = live else {
        let document = json!({"Version": "2012-10-17", "Statement": ours});
        return Ok((!ours.is_empty()).then_some(document));
    };
    let (own, foreign) = parted(live)?;
    // What somebody else's statement says already need not be said twice; ours, once there, stays.
    let is_said = |it: &Value| foreign.iter().any(|other| meaning(other) == meaning(it));
    let ours: Vec<Value> = ours.into_iter().filter(|it| !own.is_empty() || !is_said(it)).collect();
    if same_set(&own, &ours.iter().collect::<Vec<_>>()) {
        return Ok(Some(live.clone()));
    }
    let mut statements: Vec<Value> = foreign.into_iter().cloned().collect();
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::ForeignStatementsDropped) {
        statements.clear();
    }
    statements.extend(ours);
    if statements.is_empty() {
        return Ok(None);
    }
    let mut document = live.as_object().cloned().unwrap_or_default();
    document.insert("Statement".to_owned(), Value::Array(statements));
    Ok(Some(Value::Object(document)))
}

/// Whether the live policy contains a statement of ours.
pub(super) fn has_ours(live: &Value) -> bool {
    parted(live).is_ok_and(|(own, _)| !own.is_empty())
}

fn parted(policy: &Value) -> Result<(Vec<&Value>, Vec<&Value>), NotAPolicy> {
    let statements = policy.get("Statement").and_then(one_or_many).ok_or(NotAPolicy)?;
    let is_ours = |statement: &&Value| {
        let sid = statement.get("Sid").and_then(Value::as_str);
        sid.is_some_and(|sid| sid.starts_with(SID_PREFIX))
    };
    Ok(statements.into_iter().partition(is_ours))
}

fn same_set(one: &[&Value], other: &[&Value]) -> bool {
    let sorted = |list: &[&Value]| {
        let mut texts: Vec<String> = list.iter().map(|it| statement(it).to_string()).collect();
        texts.sort();
        texts
    };
    sorted(one) == sorted(other)
}

/// A policy in the form in which two spellings of one meaning are equal: for comparing and for
/// showing, never for writing.
pub(super) fn normalised(policy: &Value) -> Value {
    let mut members = policy.as_object().cloned().unwrap_or_default();
    if let Some(list) = policy.get("Statement").and_then(one_or_many) {
        let list = list.into_iter().map(statement).collect();
        members.insert("Statement".to_owned(), Value::Array(list));
    }
    Value::Object(members)
}

/// A statement without its name.
fn meaning(value: &Value) -> Value {
    let mut meaning = statement(value);
    if let Some(members) = meaning.as_object_mut() {
        members.remove("Sid");
    }
    meaning
}

/// One statement, normalised: a string is a list of one, lists are sets, an account id is its root.
fn statement(value: &Value) -> Value {
    let Some(members) = value.as_object() else { return value.clone() };
    let normal = |(name, member): (&String, &Value)| {
        let member = match name.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => set(member),
            "Principal" | "NotPrincipal" => principal(member),
            "Condition" => condition(member),
            _ => member.clone(),
        };
        (name.clone(), member)
    };
    Value::Object(members.iter().map(normal).collect())
}

fn principal(value: &Value) -> Value {
    let Some(kinds) = value.as_object() else { return json!({"AWS": set(value)}) };
    let normal = |(kind, values): (&String, &Value)| (kind.clone(), set(values));
    Value::Object(kinds.iter().map(normal).collect::<Map<_, _>>())
}

fn condition(value: &Value) -> Value {
    let Some(members) = value.as_object() else { return set(value) };
    let normal = |(name, member): (&String, &Value)| (name.clone(), condition(member));
    Value::Object(members.iter().map(normal).collect())
}

fn set(value: &Value) -> Value {
    let Some(values) = one_or_many(value) else { return value.clone() };
    let mut values: Vec<Value> = values.into_iter().map(root_as_account).collect();
    values.sort_by_key(ToString::to_string);
    values.dedup();
    Value::Array(values)
}

fn root_as_account(value: &Value) -> Value {
    match value.as_str().and_then(principal_parts) {
        Some((account, "root")) => json!(account),
        Some(_) | None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::any_json::{any_json, text, turned};
    use crate::plan::fixture::fleet;

    /// One text, or a list of them.
    fn texts() -> impl Strategy<Value = Value> {
        prop_oneof![text(), prop::collection::vec(text(), 0..4).prop_map(Value::from)]
    }

    fn a_statement() -> impl Strategy<Value = Value> {
        let named = |names: &'static [&'static str]| {
            let name = prop::sample::select(names.to_vec()).prop_map(str::to_owned);
            prop::collection::btree_map(name, texts(), 0..3)
        };
        let principal = prop_oneof![texts(), named(&["AWS", "Service"]).prop_map(|it| json!(it))];
        let keys = named(&["aws:PrincipalOrgID", "aws:PrincipalArn"]);
        let operator =
            prop::sample::select(vec!["StringEquals", "ArnLike"]).prop_map(str::to_owned);
        let condition = prop::collection::btree_map(operator, keys, 0..3);
        (texts(), texts(), principal, condition).prop_map(
            |(action, resource, principal, condition)| {
                json!({"Sid": "a", "Effect": "Allow", "Action": action, "Resource": resource,
                "Principal": principal, "Condition": condition})
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_normalised_stays_as_it_is(policy in any_json(), list in prop::collection::vec(a_statement(), 0..4)) {
            for policy in [policy, json!({"Statement": list})] {
                let once = normalised(&policy);
                prop_assert_eq!(normalised(&once), once);
            }
        }

        #[test]
        fn the_order_of_actions_resources_principals_and_conditions_means_nothing(one in a_statement()) {
            let other = turned(&one);
            prop_assert_eq!(statement(&other), statement(&one));
            prop_assert!(same_set(&[&one, &json!("b")], &[&json!("b"), &other]));
        }
    }

    fn ours() -> Vec<Value> {
        statements(&Share::Organization, "arn:x", &["bedrock:ApplyGuardrail"], &fleet())
    }

    #[test]
    fn spellings_of_one_meaning_are_equal() {
        let one = json!({"Statement": {"Effect": "Allow", "Action": "a", "Resource": ["r"],
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Condition": {"StringEquals": {"k": "v"}}}});
        let other = json!({"Statement": [{"Effect": "Allow", "Action": ["a"], "Resource": "r",
            "Principal": {"AWS": ["111122223333"]}, "Condition": {"StringEquals": {"k": ["v"]}}}]});
        assert_eq!(normalised(&one), normalised(&other));
        let role = json!({"Statement": {"Principal": {"AWS": "arn:aws:iam::111122223333:role/a"}}});
        let root = json!({"Statement": {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}});
        assert_ne!(normalised(&role), normalised(&root));
    }

    #[test]
    fn foreign_statements_stay_equal_and_in_order() {
        let live = json!({"Id": "theirs", "Version": "2008-10-17", "Statement": [
            {"Sid": "B", "x": 1}, {"Sid": "BedrailOld", "y": 1}, {"Sid": "A", "Action": "s"}]});
        let merged = merged(Some(&live), ours()).unwrap().unwrap();
        assert_eq!(merged["Id"], "theirs");
        assert_eq!(merged["Statement"][0], json!({"Sid": "B", "x": 1}));
        assert_eq!(merged["Statement"][1], json!({"Sid": "A", "Action": "s"}));
        assert_eq!(merged["Statement"][2], ours()[0]);
        assert_eq!(merged["Statement"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn our_statements_in_another_place_or_spelling_are_no_change() {
        let mut own = ours().remove(0);
        own["Action"] = json!("bedrock:ApplyGuardrail");
        own["Principal"] = json!({"AWS": "*"});
        let live = json!({"Statement": [own, {"Sid": "A"}]});
        assert_eq!(merged(Some(&live), ours()), Ok(Some(live.clone())));
    }

    #[test]
    fn what_a_foreign_statement_says_already_is_not_said_again() {
        let mut twin = ours().remove(0);
        twin["Sid"] = json!("Theirs");
        twin["Action"] = json!("bedrock:ApplyGuardrail");
        let live = json!({"Version": "2012-10-17", "Statement": [twin]});
        assert_eq!(merged(Some(&live), ours()), Ok(Some(live.clone())));
        let both = json!({"Version": "2012-10-17", "Statement": [twin, ours()[0]]});
        assert_eq!(merged(Some(&both), ours()), Ok(Some(both.clone())), "ours stays");
    }

    #[test]
    fn a_policy_of_ours_alone_goes_when_nobody_is_admitted() {
        let live = merged(None, ours()).unwrap().unwrap();
        assert_eq!(merged(Some(&live), Vec::new()), Ok(None));
        assert_eq!(merged(None, Vec::new()), Ok(None));
        assert_eq!(merged(Some(&json!("text")), ours()), Err(NotAPolicy));
    }
}

//! Condition keys and operators, and what they say of a request that lacks the key.

use crate::model::suggest::{did_you_mean, nearest};

use super::document::{Condition, Effect, Qualifier, Statement, Text};
use super::known::{
    BEDROCK_KEYS, GLOBAL_KEYS, OPERATORS, ORGANIZATIONS_KEYS, WITHOUT_RESOURCE, WRONG_KEYS,
    is_global_key,
};
use super::pattern::has_wildcard;
use super::{Finding, Rule};

const MFA: [&str; 2] = ["aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"];

/// Keys with which a statement leaves the roles of applications alone.
const EXEMPTIONS: &[&str] =
    &["aws:PrincipalType", "aws:PrincipalArn", "aws:PrincipalTag/", "aws:userid"];

/// Judges every key of a statement's condition.
pub(super) fn conditions(statement: &Statement<'_>, findings: &mut Vec<Finding>) {
    let conditions = statement.conditions();
    for condition in &conditions {
        let is_known = operator(condition, findings);
        if let Some(finding) = key(statement, condition) {
            findings.push(finding);
            continue;
        }
        if is_known {
            findings.extend(for_all_values(statement, condition, &conditions));
            findings.extend(literal_wildcards(condition));
        }
        findings.extend(mfa(statement, condition, &conditions));
        findings.extend(session_arns(condition));
        findings.extend(organization_paths(condition));
        findings.extend(tags_of_nothing(statement, condition));
    }
}

fn operator(condition: &Condition<'_>, findings: &mut Vec<Finding>) -> bool {
    let operator = condition.operator;
    let is_known = OPERATORS.contains(&operator.base);
    if !is_known {
        let near = did_you_mean(operator.base, OPERATORS.iter().copied());
        let message = format!("there is no condition operator `{}`{near}", operator.written);
        let finding = Finding::wrong(Rule::UnknownOperator, &condition.operator_pointer, message);
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    is_known
}

/// What a statement does whose key no request has.
fn consequence(statement: &Statement<'_>, condition: &Condition<'_>) -> String {
    let holds = if condition.operator.base == "Null" {
        condition.values.iter().any(|it| it.text.eq_ignore_ascii_case("true"))
    } else {
        condition.operator.holds_when_absent()
    };
    let written = condition.operator.written;
    match (holds, statement.effect) {
        (true, Effect::Deny) => {
            format!("`{written}` holds when the key is absent, so this denies every such call")
        }
        (true, Effect::Allow | Effect::Unclear) => {
            format!("`{written}` holds when the key is absent, so the condition bounds nothing")
        }
        (false, Effect::Deny) => {
            format!("`{written}` is false when the key is absent, so this Deny never fires")
        }
        (false, Effect::Allow | Effect::Unclear) => {
            format!("`{written}` is false when the key is absent, so this allows nothing")
        }
    }
}

/// A key that does not exist.
fn key(statement: &Statement<'_>, condition: &Condition<'_>) -> Option<Finding> {
    let Condition { key, pointer, .. } = condition;
    let Some((prefix, name)) = key.split_once(':') else {
        let near = did_you_mean(key, GLOBAL_KEYS.iter().copied());
        let message = format!("`{key}` is no condition key; one reads `aws:PrincipalArn`{near}");
        return Some(Finding::wrong(Rule::UnknownKey, pointer, message));
    };
    let (known, prefix) = match prefix.to_ascii_lowercase().as_str() {
        "bedrock" => (BEDROCK_KEYS, "bedrock"),
        "organizations" => (ORGANIZATIONS_KEYS, "organizations"),
        "aws" if is_global_key(name) => return None,
        "aws" => (GLOBAL_KEYS, "aws"),
        _ => return None,
    };
    if known.iter().any(|it| it.eq_ignore_ascii_case(name)) {
        return None;
    }
    let so = consequence(statement, condition);
    let wrong = WRONG_KEYS.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    if let (Some(wrong), "bedrock") = (wrong, prefix) {
        let message =
            format!("there is no condition key `{key}`. {so}. Instead: {}", wrong.instead);
        return Some(Finding::wrong(Rule::UnknownKey, pointer, message));
    }
    let Some(near) = nearest(name, known.iter().copied()) else {
        let message = format!(
            "`{key}` is no condition key that AWS documented when this release was made; if it \
                 does not exist: {so}"
        );
        return Some(Finding::risky(Rule::UnknownKey, pointer, message));
    };
    let message =
        format!("there is no condition key `{key}` (did you mean `{prefix}:{near}`?). {so}");
    Some(Finding::wrong(Rule::UnknownKey, pointer, message))
}

/// `ForAllValues` is for keys with many values, together with a test that there are any.
fn for_all_values(
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    conditions: &[Condition<'_>],
) -> Option<Finding> {
    if condition.operator.qualifier != Qualifier::ForAllValues {
        return None;
    }
    let is_tested = conditions.iter().any(|other| {
        other.operator.base == "Null"
            && other.is_about(condition.key)
            && other.values.iter().all(|it| it.text.eq_ignore_ascii_case("false"))
    });
    if is_tested {
        return None;
    }
    let key = condition.key;
    let plain = condition.operator.written.trim_start_matches("ForAllValues:");
    let instead = if has_many_values(key) {
        format!("add `\"Null\": {{\"{key}\": \"false\"}}` to the condition")
    } else {
        format!("`{key}` has one value, so write `{plain}`")
    };
    let message = format!("{}; {instead}", consequence(statement, condition));
    Some(match statement.effect {
        Effect::Deny => Finding::wrong(Rule::AbsentKeyHolds, &condition.pointer, message),
        // IAM's own examples bound the tag keys of a request so, which may have none.
        Effect::Allow | Effect::Unclear if condition.is_about("aws:TagKeys") => return None,
        Effect::Allow | Effect::Unclear => {
            Finding::risky(Rule::AbsentKeyHolds, &condition.pointer, message)
        }
    })
}

fn has_many_values(key: &str) -> bool {
    [
        "aws:TagKeys",
        "aws:CalledVia",
        "aws:PrincipalOrgPaths",
        "aws:ResourceOrgPaths",
        "aws:SourceOrgPaths",
        "aws:VpceOrgPaths",
        "aws:PrincipalServiceNamesList",
    ]
    .iter()
    .any(|it| it.eq_ignore_ascii_case(key))
}

fn literal_wildcards(condition: &Condition<'_>) -> Option<Finding> {
    let operator = condition.operator;
    let is_exact = operator.base.starts_with("String") && !operator.takes_wildcards();
    let value = condition.values.iter().find(|it| is_exact && has_wildcard(it.text))?;
    let is_arn = value.text.starts_with("arn:");
    let like = match (operator.is_negated(), is_arn) {
        (true, true) => "ArnNotLike",
        (false, true) => "ArnLike",
        (true, false) => "StringNotLike",
        (false, false) => "StringLike",
    };
    let message = format!(
        "`{}` takes `*` and `?` literally, and no request has the value `{}`; write `{like}`",
        operator.written, value.text
    );
    Some(Finding::wrong(Rule::LiteralWildcard, &value.pointer, message))
}

/// Services never have a second factor; sessions of roles that people assume may.
fn mfa(
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    conditions: &[Condition<'_>],
) -> Option<Finding> {
    let is_mfa = MFA.iter().any(|it| condition.is_about(it));
    if !is_mfa || statement.effect != Effect::Deny || !statement.speaks_of_inference() {
        return None;
    }
    let is_exempted = conditions.iter().any(|it| {
        let key = it.key.to_ascii_lowercase();
        EXEMPTIONS.iter().any(|exemption| key.starts_with(&exemption.to_ascii_lowercase()))
    });
    if is_exempted {
        return None;
    }
    let message = "sessions of service roles (Lambda, ECS, EC2, the console's own) never have a \
                   second factor: this stops every application that runs models. Deny people by a \
                   condition that leaves roles of applications alone (`ArnLike` on \
                   `aws:PrincipalArn`), or demand the factor where people assume their role";
    Some(Finding::wrong(Rule::ServicesHaveNoMfa, &condition.pointer, message))
}

/// `aws:PrincipalArn` of a session is the role's ARN (`aws-facts` 6.4).
fn session_arns(condition: &Condition<'_>) -> Option<Finding> {
    if !condition.is_about("aws:PrincipalArn") {
        return None;
    }
    let value = condition.values.iter().find(|it| it.text.contains(":assumed-role/"))?;
    let message = format!(
        "`{}` is the ARN of a session; `aws:PrincipalArn` is that of its role: write \
         `arn:aws:iam::<account>:role/<name>`",
        value.text
    );
    Some(Finding::wrong(Rule::SessionArn, &value.pointer, message))
}

/// A path reads `o-…/r-…/ou-…/` (`aws-facts` 2.5).
fn organization_paths(condition: &Condition<'_>) -> Option<Finding> {
    const KEYS: [&str; 3] = ["aws:PrincipalOrgPaths", "aws:ResourceOrgPaths", "aws:SourceOrgPaths"];
    if !KEYS.iter().any(|it| condition.is_about(it)) || condition.operator.base == "Null" {
        return None;
    }
    if condition.operator.qualifier == Qualifier::Single {
        let message = format!(
            "`{}` has many values; write `ForAnyValue:{}`",
            condition.key, condition.operator.written
        );
        return Some(Finding::wrong(Rule::OrganizationPath, &condition.pointer, message));
    }
    let ends_well = |it: &Text<'_>| it.text.ends_with("/*") || it.text.ends_with('/');
    let value = condition.values.iter().find(|it| !ends_well(it))?;
    let message = format!(
        "`{}` matches no account, because every path ends with a slash; write `{}/*`",
        value.text,
        value.text.trim_end_matches('*')
    );
    Some(Finding::wrong(Rule::OrganizationPath, &value.pointer, message))
}

/// What acts on an account has no resource whose tags could be asked for (`aws-facts` 6.4).
fn tags_of_nothing(statement: &Statement<'_>, condition: &Condition<'_>) -> Option<Finding> {
    if !condition.key.to_ascii_lowercase().starts_with("aws:resourcetag/") {
        return None;
    }
    let named = |it: &Text<'_>| {
        WITHOUT_RESOURCE
            .iter()
            .any(|action| format!("bedrock:{action}").eq_ignore_ascii_case(it.text))
    };
    let action = statement.texts("Action").into_iter().find(named)?;
    let message = format!(
        "`{}` acts on an account and has no resource with tags. {}; put it into a statement of its \
         own, with a condition on `aws:PrincipalArn`",
        action.text,
        consequence(statement, condition)
    );
    Some(Finding::wrong(Rule::KeyNotInRequest, &action.pointer, message))
}

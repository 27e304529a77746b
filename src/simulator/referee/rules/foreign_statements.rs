//! S7 in resource policies: statements whose `Sid` does not start with `Bedrail` stay, equal as
//! JSON and in order.

use serde_json::Value;

use super::super::protection::resource;
use super::{Violation, Write};
use crate::simulator::call::Service;
use crate::simulator::world::World;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    let is_policy_write =
        matches!(write.call.operation, "PutResourcePolicy" | "DeleteResourcePolicy");
    if write.call.service != Service::Bedrock || !is_policy_write || !write.has_succeeded() {
        return Vec::new();
    }
    let arn = resource(write.before, write.call);
    if foreign(write, write.before, &arn) == foreign(write, write.after, &arn) {
        return Vec::new();
    }
    vec![write.violates("S7", format!("foreign statements on {arn} were changed"))]
}

fn foreign<'a>(write: &Write<'_>, world: &'a World, arn: &str) -> Vec<&'a Value> {
    let regional = world.regional(&write.call.caller.account, &write.call.region);
    let statement = regional
        .and_then(|regional| regional.resource_policy(arn))
        .and_then(|document| document.get("Statement"));
    let many = statement.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = statement.filter(|statement| statement.is_object());
    let is_foreign = |statement: &&Value| {
        let sid = statement.get("Sid").and_then(Value::as_str);
        !sid.is_some_and(|sid| sid.starts_with("Bedrail"))
    };
    one.into_iter().chain(many).filter(is_foreign).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{Arena, Controller, Stranger};

    fn deny(arn: &str, sid: &str) -> Value {
        json!({
            "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "bedrock:ApplyGuardrail",
            "Resource": arn, "Condition": {"StringEquals": {"aws:PrincipalAccount": "999988887777"}},
        })
    }

    #[test]
    fn strangers_statements_stay_as_they_are_and_in_order() {
        type After = fn(Value, Value, Value) -> Vec<Value>;
        let rows: [(&str, After, Vec<&str>); 5] = [
            ("kept", |one, two, grant| vec![one, two, grant], vec![]),
            ("moved behind ours", |one, two, grant| vec![grant, one, two], vec![]),
            ("swapped", |one, two, grant| vec![two, one, grant], vec!["S7"]),
            ("dropped", |one, _, grant| vec![one, grant], vec!["S7"]),
            (
                "edited",
                |mut one, two, grant| {
                    one["Principal"] = json!({"AWS": "*"});
                    vec![one, two, grant]
                },
                vec!["S7"],
            ),
        ];
        for (name, after, expected) in rows {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let (one, two, grant) = (deny(&arn, "One"), deny(&arn, "Two"), arena.grant(&arn));
            arena.share(Stranger, &arn, &json!([one, two]));
            arena.share(Controller, &arn, &json!(after(one, two, grant)));
            assert_eq!(arena.broken(), expected, "{name}");
        }
    }

    #[test]
    fn a_policy_with_a_strangers_statement_is_not_deleted() {
        for (is_foreign, expected) in [(true, vec!["S7"]), (false, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let management = arena.management.clone();
            if is_foreign {
                let statements = json!([arena.grant(&arn), deny(&arn, "Theirs")]);
                arena.share(Stranger, &arn, &statements);
            }
            arena.bedrock(Controller, &management, "DeleteResourcePolicy", &[&arn], json!({}));
            assert_eq!(arena.broken(), expected);
        }
    }
}

//! S6: a version is referenced only if it says what the intent wants of the guardrail, now or at
//! an earlier point of its ordered contents.

use super::super::content::satisfies;
use super::super::written::{Written, written};
use super::{Violation, Write};

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if !write.intent.is_told() || !write.has_succeeded() {
        return Vec::new();
    }
    let untrue = written(write).into_iter().filter(|written| !is_true(write, written));
    let violation = |Written { region, reference }: Written| {
        let place = (write.call.caller.account.as_str(), region.as_str());
        write.violates_at("S6", place, format!("{reference} does not say what is intended"))
    };
    untrue.map(violation).collect()
}

/// True as well when nothing is intended of the guardrail, or there is nothing to compare.
fn is_true(write: &Write<'_>, written: &Written) -> bool {
    let Written { region, reference } = written;
    let Some(name) = reference.name(write.before) else { return true };
    let Some(live) = reference.content(write.before) else { return true };
    let Some(wanted) = write.intent.content(&name, region) else { return true };
    let earlier = write.intent.ordered_contents(&name, region);
    satisfies(&live, &wanted) || earlier.iter().any(|content| satisfies(&live, content))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{Arena, Controller, HERE, body, document};

    #[test]
    fn a_reference_must_say_what_is_intended() {
        let rows = [
            ("as intended", json!({"content": {"baseline": body("zebra")}}), vec![]),
            ("of another guardrail", json!({"content": {"other": body("lion")}}), vec![]),
            ("another word", json!({"content": {"baseline": body("lion")}}), vec!["S6"]),
            (
                "an earlier content",
                json!({"content": {"baseline": body("lion")},
                    "orderedContents": {"baseline": [body("zebra"), body("lion")]}}),
                vec![],
            ),
            (
                "another one in this Region",
                json!({"content": {"baseline": body("zebra")},
                    "contentByRegion": {"baseline": {HERE: {"blockedInputMessaging": "no"}}}}),
                vec!["S6"],
            ),
        ];
        for (name, intent, expected) in rows {
            for is_organization in [false, true] {
                let mut arena = Arena::new();
                let arn = arena.shared("baseline", "zebra");
                let member = arena.members[0].clone();
                arena.intend(intent.clone());
                if is_organization {
                    arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
                } else {
                    arena.enforce(Controller, &member, &arn, "1").unwrap();
                }
                assert_eq!(arena.broken(), expected, "{name}, organization: {is_organization}");
            }
        }
    }
}

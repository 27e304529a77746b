//! S3: no reference ever names DRAFT, a version that is not READY, or another Region's guardrail.
//! Asking is the mistake, whatever AWS answers.

use super::super::written::{Written, written};
use super::{Violation, Write};

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    let found = written(write).into_iter().filter_map(|written| {
        let complaint = complaint(write, &written)?;
        Some(write.violates_at("S3", (&write.call.caller.account, &written.region), complaint))
    });
    found.collect()
}

fn complaint(write: &Write<'_>, written: &Written) -> Option<String> {
    let Written { region, reference } = written;
    let Some(number) = reference.number() else {
        return Some(format!("{reference} does not name a numbered version"));
    };
    if reference.region() != region {
        return Some(format!("{reference} is not in {region}"));
    }
    let switches = &write.before.switches;
    let guardrail = reference.guardrail(write.before)?;
    let status = guardrail.status(Some(number), write.call.at, switches)?;
    (status != "READY").then(|| format!("{reference} is {status}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{Arena, Controller, HERE, Stranger, document};

    #[test]
    fn references_to_drafts_busy_versions_and_other_regions_are_reported_even_if_refused() {
        type Break = fn(&mut Arena, &str);
        let rows: [(&str, Break); 4] = [
            ("a draft", |arena, arn| {
                let member = arena.members[0].clone();
                arena.enforce(Controller, &member, arn, "DRAFT").unwrap_err();
            }),
            ("a busy version", |arena, arn| {
                let member = arena.members[0].clone();
                let management = arena.management.clone();
                let body = json!({"description": "busy"});
                arena.bedrock(Stranger, &management, "CreateGuardrailVersion", &[arn], body);
                arena.enforce(Controller, &member, arn, "2").unwrap_err();
            }),
            ("another Region", |arena, arn| {
                let member = arena.members[0].clone();
                let elsewhere = arn.replace(HERE, "eu-west-1");
                arena.enforce(Controller, &member, &elsewhere, "1").unwrap_err();
            }),
            ("another Region in a document", |arena, arn| {
                arena.policy(Controller, "baseline", &document(&[("eu-west-1", arn, "1")]));
            }),
        ];
        for (name, wrong) in rows {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            wrong(&mut arena, &arn);
            assert_eq!(arena.broken(), ["S3"], "{name}");
        }
    }

    #[test]
    fn a_ready_version_of_the_region_may_be_referenced() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let member = arena.members[0].clone();
        arena.enforce(Controller, &member, &arn, "1").unwrap();
        arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn a_block_that_was_there_before_is_not_blamed_on_an_update() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        arena.rewrite(Stranger, &id, &document(&[("eu-west-1", &arn, "1")]));
        arena.rewrite(Controller, &id, &document(&[("eu-west-1", &arn, "1"), (HERE, &arn, "1")]));
        assert_eq!(arena.broken(), [""; 0]);
    }
}

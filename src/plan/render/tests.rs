use super::*;
use crate::model::{EnforcementSettings, FieldChange};
use crate::plan::fixture::{MEMBER, cell, confirmed, content, guardrail_arn, key, version};
use crate::plan::step::{Held, HoldReason, Orphan, Plan, Step, Until};
use std::time::Duration;

fn put(account: usize, region: &str) -> (Subject, Plan) {
    let cell = Cell {
        account: format!("{account:012}").parse().unwrap(),
        region: region.parse().unwrap(),
    };
    let mut guardrail = guardrail_arn();
    guardrail.region = region.parse().unwrap();
    let old = Some("baseline 11111111".to_owned());
    let new = Some("baseline 22222222".to_owned());
    let step = Step::PutEnforced {
        cell: cell.clone(),
        enforcement: "everywhere".parse().unwrap(),
        config_id: Some("cfg1".parse().unwrap()),
        guardrail,
        version: version(2),
        is_loss: false,
        settings: EnforcementSettings::default(),
        changes: vec![FieldChange::new("guardrail", old, new)],
    };
    let name = "everywhere".parse().unwrap();
    (Subject::cell(&cell, Some(&name)), Plan { steps: vec![step], ..Plan::default() })
}

fn planned(plans: &[(Subject, Plan)]) -> Vec<Planned<'_>> {
    plans.iter().map(|(subject, plan)| Planned { subject: subject.clone(), plan }).collect()
}

#[test]
fn steps_that_differ_only_in_place_are_one_line() {
    let regions = ["us-east-1", "us-west-2", "eu-west-1"];
    let plans: Vec<_> =
        (0..42).flat_map(|account| regions.map(|region| put(account, region))).collect();
    assert_eq!(
        to_text(&planned(&plans)),
        "AccountEnforcement/everywhere\n  \
         ~ put the enforced configuration (42 accounts × 3 Regions)\n      \
         guardrail: baseline 11111111 → baseline 22222222\n\n\
         Plan: 0 to create, 126 to update, 0 to delete; 0 held; 126 API writes\n"
    );
    // One cell less is no grid any more.
    let text = to_text(&planned(&plans[1..]));
    assert!(text.contains("(125 cells of 42 accounts × 3 Regions)"), "{text}");
}

#[test]
fn every_kind_of_news_has_its_sign_and_the_last_line_counts() {
    let content = content("a");
    let replica = Plan {
        steps: vec![
            Step::CreateGuardrail {
                key: key(),
                name: key().guardrail,
                content: content.clone(),
                tags: BTreeMap::new(),
                token: "t".to_owned(),
                confirmed: confirmed(),
            },
            Step::DeleteGuardrail { arn: guardrail_arn(), confirmed: confirmed() },
        ],
        held: vec![Held {
            reason: HoldReason::Quota,
            message: "too many".to_owned(),
            until: Until::Person,
        }],
        orphans: vec![Orphan { object: "p-x".to_owned(), message: "left".to_owned() }],
        needs: vec![cell(MEMBER)],
        ..Plan::default()
    };
    let plans = [(Subject::replica(&key()), replica)];
    let text = to_text(&planned(&plans));
    for expected in [
        "Guardrail/baseline\n  + create the guardrail (111122223333 us-east-1)\n",
        "      blockedInputMessaging: (absent) → a\n",
        "  - delete the guardrail and all its versions (",
        "  ! held, Quota: too many; a person must end it (",
        "  ? orphan, p-x: left (",
        "To be read first: 1 cells\n",
        "Plan: 1 to create, 0 to update, 1 to delete; 1 held, 1 orphan; 2 API writes\n",
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
}

#[test]
fn holds_that_differ_only_in_how_long_are_one_line() {
    let wait = |seconds| Plan {
        held: vec![Held {
            reason: HoldReason::Confirming,
            message: "again".to_owned(),
            until: Until::After(Duration::from_secs(seconds)),
        }],
        ..Plan::default()
    };
    let plans = [
        (Subject::cell(&cell(MEMBER), None), wait(1)),
        (Subject::cell(&cell("999999999999"), None), wait(2)),
    ];
    let text = to_text(&planned(&plans));
    assert!(text.contains("time ends it (2 accounts × us-east-1)"), "{text}");
}

#[test]
fn nothing_in_a_plan_can_steer_a_terminal() {
    let orphan = Orphan { object: "\u{1b}[31m".to_owned(), message: "a\u{7}".to_owned() };
    let plan = Plan { orphans: vec![orphan], ..Plan::default() };
    let text = to_text(&planned(&[(Subject::organization(), plan)]));
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'));
}

#[test]
fn the_document_has_one_entry_per_step_and_a_version() {
    let plans = [put(1, "us-east-1"), put(2, "us-east-1")];
    let document = to_json(&planned(&plans));
    assert_eq!(document["apiVersion"], "bedrail.dev/plan/v1");
    assert_eq!(document["summary"]["writes"], 2);
    assert_eq!(document["steps"][1]["account"], "000000000002");
    assert_eq!(document["steps"][0]["operation"], "bedrock:PutEnforcedGuardrailConfiguration");
    assert_eq!(document["steps"][0]["changes"][0]["new"], "baseline 22222222");
}

#[test]
fn a_step_describes_itself_in_one_line() {
    let (_, plan) = put(1, "us-east-1");
    assert_eq!(
        plan.steps[0].describe(),
        "bedrock:PutEnforcedGuardrailConfiguration enforced configuration \
         arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123:2 in 000000000001 us-east-1 \
         (guardrail: baseline 11111111 → baseline 22222222)"
    );
}

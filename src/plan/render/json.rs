//! The plan as programs read it: stable, versioned, one entry per step.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::groups::fields;
use super::{Planned, Subject, Summary};
use crate::model::Cell;
use crate::plan::step::{Held, Orphan, Step, Until};
use crate::plan::strength;

/// Shows plans as one document of `bedrail.dev/plan/v1`. Members are only ever added to it.
pub fn to_json(planned: &[Planned]) -> Value {
    let Summary { create, update, delete, held, refused, orphans, writes } = Summary::of(planned);
    let needs: BTreeSet<&Cell> = planned.iter().flat_map(|it| &it.plan.needs).collect();
    let each = |entries: fn(&Planned) -> Vec<Value>| -> Vec<Value> {
        planned.iter().flat_map(entries).collect()
    };
    json!({
        "apiVersion": "bedrail.dev/plan/v1",
        "summary": {
            "create": create, "update": update, "delete": delete, "held": held,
            "refused": refused, "orphans": orphans, "writes": writes,
        },
        "steps": each(|it| it.plan.steps.iter().map(|s| step(&it.subject, s)).collect()),
        "held": each(|it| it.plan.held.iter().map(|h| hold(&it.subject, h)).collect()),
        "refusals": each(|it| it.plan.refusals.iter().map(|refusal| json!(refusal)).collect()),
        "orphans": each(|it| it.plan.orphans.iter().map(|o| orphan(&it.subject, o)).collect()),
        "needs": needs,
        "warnings": each(|it| it.plan.warnings.iter().map(|text| json!(text)).collect()),
    })
}

fn step(subject: &Subject, step: &Step) -> Value {
    let place = step.place();
    json!({
        "subject": subject.label,
        "effect": step.effect().as_str(),
        "operation": step.operation(),
        "object": step.object(),
        "account": place.as_ref().map(|cell| &cell.account),
        "region": place.as_ref().map(|cell| &cell.region),
        "strength": strength::overall(step.changes()),
        "changes": fields(step),
    })
}

fn hold(subject: &Subject, held: &Held) -> Value {
    let (until, seconds) = match held.until {
        Until::After(wait) => ("time", Some(wait.as_secs_f64())),
        Until::Fact => ("fact", None),
        Until::Person => ("person", None),
    };
    json!({
        "subject": subject.label,
        "account": subject.place.as_ref().map(|cell| &cell.account),
        "region": subject.place.as_ref().map(|cell| &cell.region),
        "reason": held.reason.as_str(),
        "message": held.message,
        "until": until,
        "seconds": seconds,
    })
}

fn orphan(subject: &Subject, orphan: &Orphan) -> Value {
    let Orphan { object, message } = orphan;
    json!({
        "subject": subject.label,
        "account": subject.place.as_ref().map(|cell| &cell.account),
        "region": subject.place.as_ref().map(|cell| &cell.region),
        "object": object,
        "message": message,
    })
}

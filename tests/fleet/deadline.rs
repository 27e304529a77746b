//! Visits that take too long are given up, and nothing of them is lost.

use std::time::Duration;

use bedrail::reconcile::Key;
use bedrail::status::journal::Ending;
use bedrail::status::{EventKind, Outcome};
use serde_json::json;

use super::support::in_process::{InProcess, Variant};
use super::{RESYNC, is_converged, manifests, members, organization};

const SECOND: Duration = Duration::from_secs(1);

/// Two Regions, so that one of them can hang without its account.
const REGION_COUNT: usize = 2;
const MEMBERS: usize = 3;
const HANGS: &str = "200000000001";

const HASTY: Variant = Variant {
    visit_deadline: Duration::from_secs(3),
    act_within: Duration::from_secs(2),
    start_jitter: Duration::ZERO,
};

async fn start() -> InProcess {
    let manifests = manifests(REGION_COUNT, "organizationalUnit: /Workloads");
    let scenario = organization(&members(2, MEMBERS));
    InProcess::start_as(&scenario, &manifests, 1, HASTY).await
}

fn cells_of<'a>(
    outcomes: impl IntoIterator<Item = (&'a Key, &'a Outcome)>,
    account: &str,
) -> Vec<&'a Outcome> {
    let of_it = |key: &Key| matches!(key, Key::Cell(cell) if cell.account.as_str() == account);
    outcomes.into_iter().filter(|(key, _)| of_it(key)).map(|(_, outcome)| outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn a_visit_whose_reads_hang_is_given_up_said_counted_and_tried_again() {
    let mut world = start().await;
    world.run(RESYNC);
    let cells = MEMBERS * REGION_COUNT;
    world.until((SECOND, Duration::from_mins(10)), |world| is_converged(world, cells)).await;

    let hangs = json!({"kind": "Timeout", "operation": "bedrock:*", "account": HANGS});
    world.put("faults", &json!({"faults": [hangs]})).await;
    let said = |outcome: &Outcome| outcome.failure.as_ref().map(|it| it.message.clone());
    let is_said = |world: &InProcess| {
        let outcomes = world.controller.engine().outcomes();
        let mut said = cells_of(&outcomes, HANGS).into_iter().filter_map(said);
        said.any(|message| message.contains("the visit was given up"))
    };
    world.until((SECOND, 2 * RESYNC), is_said).await;
    world.pass(2 * RESYNC).await;

    let engine = world.controller.engine();
    let outcomes = engine.outcomes();
    for outcome in cells_of(&outcomes, HANGS) {
        let failure = outcome.failure.as_ref().unwrap();
        assert_eq!((failure.reason.as_str(), failure.retryable), ("Unavailable", true));
    }
    let given_up = engine.tally().given_up.get("Cell").copied().unwrap_or_default();
    assert!(given_up > 0, "{:?}", engine.tally());
    for account in ["200000000000", "200000000002"] {
        let failures: Vec<_> = cells_of(&outcomes, account).into_iter().filter_map(said).collect();
        assert!(failures.is_empty(), "others have nothing to do with it: {failures:?}");
    }

    world.put("faults", &json!({"faults": []})).await;
    let within = (SECOND, RESYNC + Duration::from_mins(1));
    world.until(within, |world| is_converged(world, cells)).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_given_up_may_have_taken_effect_and_is_not_made_twice() {
    let mut world = start().await;
    let put = "bedrock:PutEnforcedGuardrailConfiguration";
    let late = json!({"kind": "Latency", "operation": put, "account": HANGS, "count": 1,
        "milliseconds": 15_000});
    world.put("faults", &json!({"faults": [late]})).await;
    world.run(RESYNC);
    let cells = MEMBERS * REGION_COUNT;
    world.until((SECOND, Duration::from_mins(10)), |world| is_converged(world, cells)).await;

    let engine = world.controller.engine();
    let overview = engine.overview();
    let of_it = overview.timeline.iter().filter(|event| event.account.as_deref() == Some(HANGS));
    let failed: Vec<_> = of_it.filter(|event| event.ending == Some(Ending::Failed)).collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!((failed[0].kind, failed[0].what.as_str()), (EventKind::Manifest, put));
    let message = failed[0].message.as_deref().unwrap();
    assert!(message.contains("given up") && message.contains("may have taken effect"), "{message}");
    let made = world.by_operation().await[put];
    assert_eq!(made, u64::try_from(cells).unwrap(), "it was read, not made again");
}

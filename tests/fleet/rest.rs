//! What hours of rest cost: one call a cell and resync, and as many calls in every minute.

use std::time::Duration;

use super::support::in_process::InProcess;
use super::{REGIONS, RESYNC, is_converged, manifests, members, organization};

/// What the documentation says.
const TABLE: &str = include_str!("../../docs/rest.md");

const ACCOUNTS: usize = 40;

/// Hours that are counted, after the first. `BEDRAIL_REST_HOURS=24` counts a day; that is for a
/// release build.
fn hours() -> u64 {
    std::env::var("BEDRAIL_REST_HOURS").map_or(1, |hours| hours.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn at_rest_nothing_is_written_and_every_minute_costs_the_same() {
    let mut manifests = manifests(REGIONS.len(), "accountsWithTags: {team: any}");
    manifests.push_str(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: OrganizationEnforcement\n\
         metadata: {name: sandbox}\nspec:\n  guardrail: baseline\n  targets:\n\
         \x20   - organizationalUnit: /Sandbox\n",
    );
    let world = &mut InProcess::start(&organization(&members(2, ACCOUNTS)), &manifests, 1).await;
    world.run(RESYNC);
    let cells = ACCOUNTS * REGIONS.len();
    let times = (Duration::from_secs(5), Duration::from_mins(30));
    world.until(times, |world| is_converged(world, cells)).await;
    // Until every session was renewed once, at its own moment.
    world.pass(Duration::from_mins(70)).await;

    world.forget_calls().await;
    let mut minutes = Vec::new();
    let mut before = 0;
    let hours = hours();
    for _ in 0..hours * 60 {
        world.pass(Duration::from_mins(1)).await;
        let now = world.calls().await;
        minutes.push(now - before);
        before = now;
    }
    assert_eq!(world.writes().await, Vec::<String>::new());

    let mean = before / (hours * 60);
    println!("{minutes:?}: {mean} on average");
    let is_even = |count: &u64| count.abs_diff(mean) * 20 <= mean;
    assert!(minutes.iter().all(is_even), "{minutes:?}: {mean} on average");

    let counted = world.by_operation().await;
    // The management account is in no unit: its cells are looked at for what left a selection.
    let (cells, resyncs) = (u64::try_from(cells + REGIONS.len()).unwrap(), hours * 12);
    let listed = counted["bedrock:ListEnforcedGuardrailsConfiguration"];
    assert!(listed.abs_diff(cells * resyncs) <= cells / 20, "{listed} for {cells} cells");
    let sessions = counted["sts:AssumeRole"];
    let accounts = u64::try_from(ACCOUNTS).unwrap();
    assert!(sessions <= accounts * (hours * 60).div_ceil(55), "{sessions} for {accounts} accounts");
    let replicas = u64::try_from(REGIONS.len()).unwrap();
    for operation in ["bedrock:ListGuardrails", "bedrock:GetResourcePolicy"] {
        let made = counted[operation];
        assert!(
            made.abs_diff(replicas * resyncs) <= replicas * (1 + hours / 12),
            "{operation}: {made}"
        );
    }

    let listed = TABLE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: Vec<&str> = listed.collect();
    let made = counted.keys().map(String::as_str);
    let unlisted: Vec<&str> = made.filter(|operation| !listed.contains(operation)).collect();
    assert!(unlisted.is_empty(), "made at rest, and not in docs/rest.md: {unlisted:?}");
}

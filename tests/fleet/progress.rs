//! What the log says of a pass that takes long, and when the first one begins.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::support::in_process::{InProcess, Variant};
use super::{RESYNC, is_converged, manifests, members, organization};

const SECOND: Duration = Duration::from_secs(1);

/// Where the log goes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn of_passes(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| line.contains(" pass ")).map(str::to_owned).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_takes_long_is_told_and_one_that_does_not_is_not() {
    let (accounts, regions) = (5, 3);
    let manifests = manifests(regions, "organizationalUnit: /Workloads");
    let scenario = organization(&members(2, accounts));
    let mut world = InProcess::start(&scenario, &manifests, 1).await;
    let lines = Lines::default();
    let to = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || to.clone());
    let guard = tracing::subscriber::set_default(log.finish());
    let slow = json!({"kind": "Latency", "operation": "bedrock:*", "milliseconds": 4_000});
    world.put("faults", &json!({"faults": [slow]})).await;
    world.run(RESYNC);
    let controller = Arc::clone(&world.controller);
    world.also(async move { controller.tell_progress().await });
    let is_done = |world: &InProcess| is_converged(world, accounts * regions);
    let took = world.until((SECOND, Duration::from_mins(10)), is_done).await;
    world.pass(Duration::from_mins(1)).await;

    let told = lines.of_passes();
    let last = told.last().unwrap();
    assert!(last.contains("pass ended generation=1") && last.contains(" unread=0 "), "{told:#?}");
    let going = told.iter().filter(|line| line.contains("pass goes on")).count();
    let expected = usize::try_from(took.as_secs() / 10).unwrap();
    assert!((2..=expected).contains(&going), "{going} in {took:?}: {told:#?}");
    assert_eq!(told.len(), going + 1, "{told:#?}");
    for word in ["done=", "of=", "per_second=", "left=", "calls=", "throttled=0"] {
        assert!(told.iter().any(|line| line.contains(word)), "{word}: {told:#?}");
    }

    world.put("faults", &json!({"faults": []})).await;
    world.accept(&manifests.replace("heliotrope", "helianthus"));
    world.pass(Duration::from_mins(5)).await;
    assert_eq!(lines.of_passes().len(), told.len(), "a quick one is not worth a line");
    drop(guard);
}

/// When the organization is read first.
async fn begins(seed: u64) -> Duration {
    let jitter = Duration::from_secs(20);
    let variant = Variant { start_jitter: jitter, ..Variant::default() };
    let manifests = manifests(1, "organizationalUnit: /Workloads");
    let scenario = organization(&members(2, 1));
    let mut world = InProcess::start_as(&scenario, &manifests, seed, variant).await;
    world.run(RESYNC);
    let has_begun = |world: &InProcess| {
        let calls = world.controller.engine().calls();
        calls.keys().any(|operation| operation.starts_with("organizations:"))
    };
    world.until((Duration::from_millis(50), jitter + SECOND), has_begun).await
}

#[tokio::test(start_paused = true)]
async fn installations_that_start_together_do_not_begin_together() {
    let mut begun = Vec::new();
    for seed in 1..=6 {
        begun.push(begins(seed).await);
    }
    begun.sort_unstable();
    assert!(begun[5] > begun[0] + 4 * SECOND, "{begun:?}");
    assert!(begun.windows(2).all(|pair| pair[0] != pair[1]), "{begun:?}");
}

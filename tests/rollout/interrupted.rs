//! Processes that die, and texts that change, in the middle of a rollout.

use super::{EARLY, EVERYONE, FIRST, converged, enforcement, mark, reach, versions, write};

/// Killed while a wave bakes: the next process goes on with that bake, and begins none anew.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_same_wave_continues() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("1h", ""));
    write(&mut stage, &["zebra", "lion"], 3_600_000).await;
    stage.run().await;
    reach(&stage, &[FIRST], &["2"]).await;
    stage.eventually("the wave is on record", || async { mark(&stage, "wave").await }).await;
    let before = mark(&stage, "wave").await.unwrap();
    assert!(before.contains("/canary/"), "{before}");
    stage.kill();
    stage.apply(3).await;
    assert_eq!(mark(&stage, "wave").await.unwrap(), before);
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "1", "1", "1"]);

    // As soon as the text lets it, it goes on from there.
    stage.intend(serde_json::json!({"bakeMs": [0, 0]})).await;
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
    stage.assert_at_rest().await;
}

/// Killed again and again, it comes to its end all the same, in order: the referee watches.
#[tokio::test(flavor = "multi_thread")]
async fn many_kills_change_neither_order_nor_end() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("200ms", ""));
    write(&mut stage, &["zebra", "lion"], 200).await;
    // Each lives a little longer than the one before, so that one of them comes to the end.
    for calls in (20..2000).step_by(17) {
        stage.forget_calls().await;
        stage.run().await;
        let ended = stage
            .eventually("some calls", || async {
                let count: u64 = stage.calls().await.values().sum();
                let done = versions(&stage, EVERYONE).await == ["2", "2", "2", "2"];
                (done || count > calls).then_some(done)
            })
            .await;
        stage.kill();
        if ended {
            break;
        }
    }
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_text_begins_with_the_first_wave_and_takes_nothing_back() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("1h", ""));
    write(&mut stage, &["zebra", "lion"], 3_600_000).await;
    stage.run().await;
    reach(&stage, &[FIRST, EARLY], &["2", "1"]).await;
    write(&mut stage, &["zebra", "lion", "tiger"], 3_600_000).await;
    reach(&stage, &EVERYONE, &["3", "1", "1", "1"]).await;
    stage.kill();
    stage.intend(serde_json::json!({"bakeMs": [0, 0]})).await;
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["3", "3", "3", "3"]);
}

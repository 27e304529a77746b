use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::super::clock::Clock;
use super::super::queue::Counts;
use super::*;

const S: Duration = Duration::from_secs(1);

fn queue(limit: usize) -> Queue<&'static str> {
    Queue::new(Clock::system(), NonZeroUsize::new(limit).unwrap(), |_: &&str| None)
}

fn settings() -> WorkerSettings {
    let backoff = BackoffSettings { jitter: 0.0, ..BackoffSettings::default() };
    WorkerSettings { backoff, ..WorkerSettings::with_seed(5) }
}

/// The times, in whole seconds, at which visits began.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(&'static str, u64)>>>);

impl Log {
    fn add(&self, key: &'static str, queue: &Queue<&'static str>) -> usize {
        let mut log = self.0.lock().unwrap();
        log.push((key, queue.clock().now().as_secs()));
        log.len()
    }

    fn read(&self) -> Vec<(&'static str, u64)> {
        self.0.lock().unwrap().clone()
    }
}

/// Runs one key whose visits give these answers, one after the other, until idle.
async fn answers(answers: &'static [fn() -> Requeue]) -> Vec<(&'static str, u64)> {
    let (queue, log, stop) = (queue(2), Log::default(), CancellationToken::new());
    queue.add("a");
    let visit = |key| {
        let count = log.add(key, &queue);
        let answer = answers[count - 1];
        async move { answer() }
    };
    let ended = async {
        queue.until(Counts::is_idle).await;
        stop.cancel();
    };
    let (unfinished, ()) = tokio::join!(run(&queue, settings(), &stop, visit), ended);
    assert!(unfinished.is_empty());
    log.read()
}

#[tokio::test(start_paused = true)]
async fn a_key_comes_back_as_its_visit_asked() {
    let log = answers(&[|| Requeue::After(7 * S), || Requeue::Done]).await;
    assert_eq!(log, [("a", 0), ("a", 7)]);
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_wait_longer_and_a_success_forgets_them() {
    let log = answers(&[
        || Requeue::Backoff,
        || Requeue::Backoff,
        || Requeue::Backoff,
        || Requeue::After(10 * S),
        || Requeue::Backoff,
        || Requeue::Done,
    ])
    .await;
    assert_eq!(log.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0, 1, 3, 7, 17, 18]);
}

#[tokio::test(start_paused = true)]
async fn a_visit_that_panics_counts_as_a_failure() {
    let log = answers(&[|| panic!("planted"), || panic!("planted"), || Requeue::Done]).await;
    assert_eq!(log, [("a", 0), ("a", 1), ("a", 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_fails_does_not_delay_the_others() {
    let (queue, log, stop) = (queue(1), Log::default(), CancellationToken::new());
    queue.add("broken");
    queue.add("fine");
    let visit = |key: &'static str| {
        if log.add(key, &queue) == 6 {
            stop.cancel();
        }
        async move { if key == "broken" { Requeue::Backoff } else { Requeue::After(S) } }
    };
    run(&queue, settings(), &stop, visit).await;
    let fine: Vec<u64> =
        log.read().into_iter().filter(|(key, _)| *key == "fine").map(|(_, at)| at).collect();
    assert_eq!(fine, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn visits_run_side_by_side_up_to_the_limit() {
    let (queue, stop) = (queue(3), CancellationToken::new());
    for key in ["a", "b", "c", "d", "e", "f", "g"] {
        queue.add(key);
    }
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let clock = queue.clock().clone();
    let visit = |_| {
        let (now, most, clock) = (Arc::clone(&now), Arc::clone(&most), clock.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            clock.sleep(S).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Requeue::Done
        }
    };
    let ended = async {
        queue.until(Counts::is_idle).await;
        stop.cancel();
    };
    tokio::join!(run(&queue, settings(), &stop, visit), ended);
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(clock.now(), 3 * S, "seven visits of a second, three at a time");
}

#[tokio::test(start_paused = true)]
async fn after_the_stop_nothing_starts_and_what_runs_may_end() {
    let (queue, log, stop) = (queue(1), Log::default(), CancellationToken::new());
    queue.add("runs");
    queue.add("waits");
    queue.add_after("later", 2 * S);
    let clock = queue.clock().clone();
    let visit = |key| {
        log.add(key, &queue);
        stop.cancel();
        let clock = clock.clone();
        async move {
            clock.sleep(10 * S).await;
            Requeue::After(S)
        }
    };
    let unfinished = run(&queue, settings(), &stop, visit).await;
    assert!(unfinished.is_empty());
    assert_eq!(clock.now(), 10 * S);
    assert_eq!(log.read(), [("runs", 0)]);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_start_visits_nothing() {
    let (queue, log, stop) = (queue(1), Log::default(), CancellationToken::new());
    queue.add("a");
    stop.cancel();
    run(&queue, settings(), &stop, |key| {
        log.add(key, &queue);
        async { Requeue::Done }
    })
    .await;
    assert!(log.read().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_within_the_grace_is_named_and_aborted() {
    let (queue, stop) = (queue(2), CancellationToken::new());
    queue.add("slow");
    queue.add("quick");
    let clock = queue.clock().clone();
    let ended = Arc::new(AtomicUsize::new(0));
    let visit = |key| {
        let (clock, ended) = (clock.clone(), Arc::clone(&ended));
        async move {
            clock.sleep(if key == "slow" { 1000 * S } else { 5 * S }).await;
            ended.fetch_add(1, Ordering::SeqCst);
            Requeue::Done
        }
    };
    let stopped = async {
        clock.sleep(S).await;
        stop.cancel();
    };
    let (unfinished, ()) = tokio::join!(run(&queue, settings(), &stop, visit), stopped);
    assert_eq!(unfinished, BTreeSet::from(["slow"]));
    assert_eq!(clock.now(), 26 * S);

    clock.sleep(2000 * S).await;
    assert_eq!(ended.load(Ordering::SeqCst), 1, "the slow visit was aborted");
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_delays() {
    async fn history() -> Vec<(Duration, &'static str)> {
        let (queue, stop) = (queue(1), CancellationToken::new());
        queue.add("a");
        queue.add("b");
        let log = Arc::new(Mutex::new(Vec::new()));
        let visit = |key| {
            let mut log = log.lock().unwrap();
            log.push((queue.clock().now(), key));
            if log.len() == 12 {
                stop.cancel();
            }
            async { Requeue::Backoff }
        };
        run(&queue, WorkerSettings::with_seed(9), &stop, visit).await;
        let log = log.lock().unwrap();
        log.clone()
    }
    let first = history().await;
    assert_eq!(first.len(), 12);
    assert_eq!(first, history().await);
}

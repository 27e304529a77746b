use std::time::Duration;

use super::*;

const S: Duration = Duration::from_secs(1);

fn limit(limit: usize) -> NonZeroUsize {
    NonZeroUsize::new(limit).unwrap()
}

/// A queue for two at once, in which keys that start with `org` share a serial lane.
fn queue() -> Queue<&'static str> {
    Queue::new(Clock::system(), limit(2), |key: &&str| {
        key.starts_with("org").then(|| Lane::serial("organizations"))
    })
}

/// Returns what `get` gives at this moment without waiting.
async fn poll(queue: &Queue<&'static str>) -> Option<&'static str> {
    tokio::select! {
        biased;
        key = queue.get() => key,
        () = std::future::ready(()) => None,
    }
}

/// Visits everything that is due, one after the other.
async fn drain(queue: &Queue<&'static str>) -> Vec<&'static str> {
    let mut keys = Vec::new();
    while let Some(key) = poll(queue).await {
        keys.push(key);
        queue.done(&key);
    }
    keys
}

#[tokio::test(start_paused = true)]
async fn a_key_added_twice_comes_out_once_in_order_of_arrival() {
    let queue = queue();
    for key in ["b", "a", "b", "c"] {
        queue.add(key);
    }
    assert_eq!(queue.len(), 3);
    assert_eq!(drain(&queue).await, ["b", "a", "c"]);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_key_never_runs_twice_at_once() {
    let queue = queue();
    queue.add("a");
    assert_eq!(poll(&queue).await, Some("a"));
    queue.add("a");
    assert_eq!(poll(&queue).await, None);
    queue.done(&"a");
    assert_eq!(poll(&queue).await, Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_key_added_during_its_visit_is_visited_again_once() {
    let queue = queue();
    queue.add("a");
    assert_eq!(poll(&queue).await, Some("a"));
    queue.add("a");
    queue.add("a");
    queue.done(&"a");
    assert_eq!(drain(&queue).await, ["a"]);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_back_waits_behind_the_others() {
    let queue = queue();
    queue.add("a");
    assert_eq!(poll(&queue).await, Some("a"));
    queue.add("a");
    queue.add("b");
    queue.done(&"a");
    assert_eq!(drain(&queue).await, ["b", "a"]);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_key_comes_out_when_due_and_not_before() {
    let queue = queue();
    queue.add_after("a", 5 * S);
    assert_eq!(poll(&queue).await, None);
    assert_eq!(queue.waiting(), BTreeMap::from([("a", 5 * S)]));
    assert!(!queue.is_idle());

    assert_eq!(queue.get().await, Some("a"));
    assert_eq!(queue.clock().now(), 5 * S);
    assert!(queue.waiting().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_two_delays_the_earlier_wins_whichever_came_first() {
    for delays in [[9 * S, 3 * S], [3 * S, 9 * S]] {
        let queue = queue();
        for delay in delays {
            queue.add_after("a", delay);
        }
        assert_eq!(queue.get().await, Some("a"));
        assert_eq!(queue.clock().now(), 3 * S);
        queue.done(&"a");
        assert!(queue.is_idle(), "the later one is gone too");
    }
}

#[tokio::test(start_paused = true)]
async fn adding_now_supersedes_a_delay_in_either_order() {
    let queue = queue();
    queue.add_after("a", 5 * S);
    queue.add("a");
    queue.add("b");
    queue.add_after("b", 5 * S);
    assert!(queue.waiting().is_empty());
    assert_eq!(drain(&queue).await, ["a", "b"]);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_delay_asked_for_during_a_visit_counts_from_the_asking() {
    let queue = queue();
    queue.add("a");
    assert_eq!(poll(&queue).await, Some("a"));
    queue.add_after("a", 5 * S);
    queue.clock().sleep(2 * S).await;
    queue.done(&"a");
    assert_eq!(queue.get().await, Some("a"));
    assert_eq!(queue.clock().now(), 5 * S);
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_ends_during_the_visit_repeats_the_visit() {
    let queue = queue();
    queue.add("a");
    assert_eq!(poll(&queue).await, Some("a"));
    queue.add_after("a", S);
    queue.clock().sleep(2 * S).await;
    assert_eq!(poll(&queue).await, None, "it still runs");
    queue.done(&"a");
    assert_eq!(poll(&queue).await, Some("a"));
}

#[tokio::test(start_paused = true)]
async fn delayed_keys_come_out_in_the_order_they_became_due() {
    let queue = queue();
    queue.add_after("late", 3 * S);
    queue.add_after("soon", S);
    queue.clock().sleep(4 * S).await;
    queue.add("now");
    assert_eq!(drain(&queue).await, ["soon", "late", "now"]);
}

#[tokio::test(start_paused = true)]
async fn a_zero_delay_is_now() {
    let queue = queue();
    queue.add_after("a", Duration::ZERO);
    assert_eq!(queue.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_run_at_once() {
    let queue = queue();
    for key in ["a", "b", "c"] {
        queue.add(key);
    }
    assert_eq!([poll(&queue).await, poll(&queue).await], [Some("a"), Some("b")]);
    assert_eq!(poll(&queue).await, None);
    assert_eq!(queue.counts(), Counts { ready: 1, running: 2, delayed: 0 });
    queue.done(&"a");
    assert_eq!(poll(&queue).await, Some("c"));
}

#[tokio::test(start_paused = true)]
async fn a_full_lane_holds_back_its_own_keys_only() {
    let queue = queue();
    for key in ["org-1", "org-2", "cell"] {
        queue.add(key);
    }
    assert_eq!([poll(&queue).await, poll(&queue).await], [Some("org-1"), Some("cell")]);
    queue.done(&"cell");
    assert_eq!(poll(&queue).await, None);
    queue.done(&"org-1");
    assert_eq!(poll(&queue).await, Some("org-2"));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_wakes_for_a_new_key_an_earlier_delay_and_a_freed_place() {
    let queue = queue();
    let waiter = |queue: &Queue<&'static str>| {
        let queue = queue.clone();
        tokio::spawn(async move { (queue.get().await, queue.clock().now()) })
    };

    let waiting = waiter(&queue);
    tokio::task::yield_now().await;
    queue.add("new");
    assert_eq!(waiting.await.unwrap(), (Some("new"), Duration::ZERO));

    queue.add_after("later", 60 * S);
    let waiting = waiter(&queue);
    tokio::task::yield_now().await;
    queue.add_after("earlier", S);
    assert_eq!(waiting.await.unwrap(), (Some("earlier"), S));

    queue.add("third");
    let waiting = waiter(&queue);
    tokio::task::yield_now().await;
    queue.done(&"new");
    assert_eq!(waiting.await.unwrap(), (Some("third"), S));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_removed_does_not_come_out() {
    let queue = queue();
    queue.add("queued");
    queue.add_after("delayed", S);
    queue.remove(&"queued");
    queue.remove(&"delayed");
    queue.remove(&"unknown");
    assert!(queue.is_idle());

    queue.add("running");
    assert_eq!(poll(&queue).await, Some("running"));
    queue.add("running");
    queue.remove(&"running");
    assert_eq!(queue.counts().running, 1, "its visit goes on");
    queue.done(&"running");
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_closed_queue_gives_and_takes_nothing_but_lets_visits_end() {
    let queue = queue();
    for key in ["org-1", "a", "b"] {
        queue.add(key);
    }
    queue.add_after("c", S);
    assert_eq!(poll(&queue).await, Some("org-1"));
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.get().await }
    });

    queue.close();

    // The waiter may have taken "a" only if it ran before the close, which it did not.
    assert_eq!(waiting.await.unwrap(), None);
    queue.add("d");
    queue.add_after("d", S);
    queue.add("org-1");
    assert_eq!(queue.counts(), Counts { ready: 0, running: 1, delayed: 0 });
    queue.done(&"org-1");
    assert!(queue.is_idle());
    assert_eq!(queue.get().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_get_takes_no_key() {
    let queue = queue();
    {
        let mut get = pin!(queue.get());
        let first = futures_poll(get.as_mut()).await;
        assert_eq!(first, None);
        queue.add("a");
    }
    assert_eq!(queue.counts(), Counts { ready: 1, running: 0, delayed: 0 });
}

/// Polls a future once.
async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn until_returns_when_the_last_visit_ends_though_a_key_is_delayed() {
    let queue = queue();
    queue.add("a");
    queue.add_after("b", 60 * S);
    assert_eq!(poll(&queue).await, Some("a"));
    let calm = tokio::spawn({
        let queue = queue.clone();
        async move { queue.until(Counts::is_calm).await }
    });
    queue.clock().sleep(S).await;
    assert!(!calm.is_finished());
    queue.done(&"a");
    assert_eq!(calm.await.unwrap(), Counts { ready: 0, running: 0, delayed: 1 });
}

#[tokio::test(start_paused = true)]
async fn done_of_a_key_that_does_not_run_changes_nothing() {
    let queue = queue();
    queue.add("a");
    queue.done(&"a");
    queue.done(&"b");
    assert_eq!(queue.counts(), Counts { ready: 1, running: 0, delayed: 0 });
}

/// Any order of requests, against the table in the queue's documentation.
#[test]
fn whatever_is_asked_a_key_is_due_at_the_earliest_request() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..500 {
            let queue = queue();
            let mut earliest: BTreeMap<&str, Duration> = BTreeMap::new();
            for _ in 0..rng.usize(1..12) {
                let key = ["a", "b", "org-1", "org-2"][rng.usize(0..4)];
                let delay = S * rng.u32(0..6);
                queue.add_after(key, delay);
                let due = earliest.entry(key).or_insert(delay);
                *due = delay.min(*due);
            }
            let mut seen = BTreeMap::new();
            while !queue.is_idle() {
                let key = queue.get().await.unwrap();
                assert_eq!(seen.insert(key, queue.clock().now()), None, "{key} came twice");
                queue.done(&key);
            }
            assert_eq!(seen, earliest);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn the_meter_counts_what_became_due_and_how_long_it_waited_and_was_visited() {
    let queue = queue();
    queue.add("a");
    queue.add("a");
    queue.add_after("b", 2 * S);
    tokio::time::advance(4 * S).await;
    assert_eq!(poll(&queue).await, Some("a"));
    assert_eq!(poll(&queue).await, Some("b"));
    // Due again during its visit.
    queue.add("a");
    tokio::time::advance(3 * S).await;
    let meter = queue.meter();
    assert_eq!((meter.adds, meter.retries), (3, 0));
    // `b` was due two seconds before, not when it was added.
    assert!((meter.waited.sum_s - 6.0).abs() < 1e-9, "{meter:?}");
    assert_eq!((meter.unfinished, meter.longest), (6 * S, 3 * S));
    queue.done(&"a");
    queue.retry_after("b", S);
    queue.done(&"b");
    assert_eq!(poll(&queue).await, Some("a"));
    let meter = queue.meter();
    assert_eq!((meter.adds, meter.retries), (3, 1));
    assert!((meter.worked.sum_s - 6.0).abs() < 1e-9, "{meter:?}");
    assert!((meter.waited.sum_s - 9.0).abs() < 1e-9, "since it was added: {meter:?}");
    assert_eq!(meter.unfinished, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_visit_that_hangs_gives_its_place_to_another_and_keeps_its_lane() {
    let patience = 500 * Duration::from_millis(1);
    let lane = |key: &&str| Some(Lane::careful(key.get(..1).unwrap_or("?").to_owned(), limit(2)));
    let queue: Queue<&'static str> =
        Queue::with_patience(Clock::system(), limit(1), patience, lane);
    for key in ["a1", "a2", "b1", "b2"] {
        queue.add(key);
    }
    assert_eq!(poll(&queue).await, Some("a1"));
    assert_eq!(poll(&queue).await, None, "the only place is taken");
    assert_eq!(queue.get().await, Some("b1"), "and given to another lane");
    assert_eq!(queue.clock().now(), patience);
    assert_eq!(queue.counts().running, 2);
    queue.done(&"b1");
    assert_eq!(poll(&queue).await, Some("b2"));
    queue.done(&"b2");
    assert_eq!(poll(&queue).await, None, "where one hangs, no second is tried");
    queue.done(&"a1");
    assert_eq!(poll(&queue).await, Some("a2"));
}

#[tokio::test(start_paused = true)]
async fn however_much_hangs_no_more_than_a_few_times_the_limit_run() {
    let queue: Queue<usize> = Queue::with_patience(Clock::system(), limit(1), S, |key: &usize| {
        Some(Lane::serial(key.to_string()))
    });
    for key in 0..100 {
        queue.add(key);
    }
    let mut taken = 0;
    for _ in 0..100 {
        while tokio::time::timeout(Duration::ZERO, queue.get()).await.is_ok() {
            taken += 1;
        }
        queue.clock().sleep(S).await;
    }
    assert_eq!(taken, 1 + STALLED_PER_PLACE);
}

#[tokio::test(start_paused = true)]
async fn no_key_waits_more_than_two_cycles_behind_a_noisy_one() {
    // One key comes back at once after each visit; a second lane has a thousand keys.
    let lane = |key: &(usize, usize)| Some(Lane::careful(key.0.to_string(), limit(4)));
    let queue: Queue<(usize, usize)> = Queue::new(Clock::system(), limit(1), lane);
    for number in 0..1000 {
        queue.add((1, number));
    }
    queue.add((0, 0));
    for lane in 2..50 {
        queue.add((lane, 0));
    }
    let mut served: BTreeMap<usize, usize> = BTreeMap::new();
    for _ in 0..100 {
        let key = queue.get().await.unwrap();
        *served.entry(key.0).or_default() += 1;
        if key.0 == 0 {
            queue.add(key);
        }
        queue.done(&key);
        let noisy = served.get(&0).copied().unwrap_or_default();
        let all = (2..50).all(|lane| served.contains_key(&lane));
        assert!(all || noisy <= 2, "{served:?}");
    }
    assert!((2..50).all(|lane| served.contains_key(&lane)), "{served:?}");
}

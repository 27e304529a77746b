//! Plays histories, many at once, shortens those that fail and counts what they reached.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};

use crate::checker::check;
use crate::play::Play;
use crate::situations::situations;
use crate::story::Story;
use crate::trace::Entry;

thread_local! {
    /// Panics of this thread's history: the controller survives its own.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What became of a history.
pub(crate) struct Played {
    pub(crate) wrong: Vec<String>,
    pub(crate) reached: BTreeMap<String, u64>,
    pub(crate) calls: usize,
    pub(crate) trace: Vec<Entry>,
    /// What the manifests said, and from which call on.
    texts: Vec<(usize, String)>,
}

impl Played {
    /// All calls as text.
    pub(crate) fn text(&self) -> String {
        let mut texts = self.texts.iter().peekable();
        let mut lines = Vec::new();
        for (index, entry) in self.trace.iter().enumerate() {
            while let Some((_, text)) = texts.next_if(|(first, _)| *first <= index) {
                lines.push(format!("the manifests say:\n{text}\n"));
            }
            lines.push(format!("{} {:?}\n", entry.line(), entry.answer));
        }
        lines.concat()
    }

    /// For a person.
    pub(crate) fn report(&self, story: &Story) -> String {
        format!("seed {}: {}", story.seed, self.wrong.join("\n"))
    }
}

/// A number from the environment.
pub(crate) fn setting_of(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The steps that `BEDRAIL_STEPS` chooses.
pub(crate) fn chosen(story: &Story) -> Story {
    match std::env::var("BEDRAIL_STEPS") {
        Ok(steps) => {
            let kept: Vec<usize> = steps.split(',').filter_map(|it| it.parse().ok()).collect();
            story.with(&kept)
        }
        Err(_) => story.clone(),
    }
}

/// Plays one history to its end.
pub(crate) fn play(story: &Story) -> Played {
    watch_panics();
    PANICS.take();
    let mut played = alone(async {
        let mut play = Play::begin(story).await;
        for step in &story.steps {
            play.step(step).await;
            if !play.world.simulator.violations().is_empty() {
                break;
            }
        }
        // What went wrong is enough; what comes after it would only be its consequence.
        if play.world.simulator.violations().is_empty() {
            play.end().await;
            if play.wrong.is_empty() && story.is_long() {
                play.day().await;
            }
            play.judge_disk();
        }
        let found = play.world.simulator.violations();
        // Which of two controllers has read what only the trace tells.
        let are_two = play.reached.contains_key("a second controller alive");
        let found = found.iter().filter(|it| {
            !are_two || it.invariant != "S9" || it.operation != "organizations:UpdatePolicy"
        });
        play.wrong.extend(found.map(|found| format!("the referee: {found:?}")));
        let trace = play.world.trace.entries();
        for (situation, count) in situations(&trace) {
            *play.reached.entry(situation).or_default() += count;
        }
        play.wrong.extend(check(&story.setting.scenario, &play.texts, &trace));
        Played {
            wrong: std::mem::take(&mut play.wrong),
            reached: std::mem::take(&mut play.reached),
            calls: play.world.trace.len(),
            texts: play.texts.iter().map(|(first, text)| (*first, text.render())).collect(),
            trace,
        }
    });
    played.wrong.extend(PANICS.take().into_iter().map(|it| format!("a panic: {it}")));
    played
}

/// Runs on this thread alone, on a clock of its own that stands still while there is work.
pub(crate) fn alone<T>(history: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(history)
}

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
            before(panic);
        }));
    });
}

/// The shortest list of steps found that still goes wrong.
fn shortened(story: &Story) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..story.steps.len()).collect();
    let mut index = kept.len();
    while index > 0 {
        index -= 1;
        let mut fewer = kept.clone();
        fewer.remove(index);
        if !play(&story.with(&fewer)).wrong.is_empty() {
            kept = fewer;
        }
    }
    kept
}

/// What many histories came to.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) histories: u64,
    pub(crate) calls: usize,
    pub(crate) reached: BTreeMap<String, u64>,
    pub(crate) failures: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} histories, {} calls, {} failed",
            self.histories,
            self.calls,
            self.failures.len()
        )?;
        writeln!(f, "figure histories {}", self.histories)?;
        writeln!(f, "figure histories.calls {}", self.calls)?;
        writeln!(f, "figure histories.failed {}", self.failures.len())?;
        for (situation, count) in &self.reached {
            writeln!(f, "{count:>8}  {situation}")?;
        }
        Ok(())
    }
}

/// Plays the histories of so many seeds from `first` on.
pub(crate) fn histories(first: u64, count: u64) -> Tally {
    let next = AtomicU64::new(first);
    let tally = Mutex::new(Tally::default());
    let shortened = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    let threads = setting_of("BEDRAIL_THREADS").unwrap_or(cores);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let story = Story::new(seed);
                    let played = play(&story);
                    let failed = !played.wrong.is_empty();
                    if failed {
                        println!("{}", played.report(&story));
                    }
                    // To shorten takes long, and the first few are enough to go on with.
                    let is_shortened = failed && shortened.fetch_add(1, Ordering::Relaxed) < 3;
                    let failure = failed.then(|| failure(&story, is_shortened));
                    let mut tally = tally.lock().unwrap();
                    tally.histories += 1;
                    tally.calls += played.calls;
                    for (situation, count) in played.reached {
                        *tally.reached.entry(situation).or_default() += count;
                    }
                    tally.failures.extend(failure);
                }
            });
        }
    });
    tally.into_inner().unwrap()
}

/// The command that plays what is left of a failing history, and what goes wrong in it.
fn failure(story: &Story, is_shortened: bool) -> String {
    let all = || (0..story.steps.len()).collect();
    let kept: Vec<usize> = if is_shortened { shortened(story) } else { all() };
    let short = story.with(&kept);
    let steps: Vec<String> = kept.iter().map(ToString::to_string).collect();
    let events: Vec<String> = short.steps.iter().map(|it| format!("{it:?}")).collect();
    format!(
        "BEDRAIL_SEED={} BEDRAIL_STEPS={} cargo test --all-features --test histories random_histories -- --nocapture\n  {}\n{}",
        story.seed,
        steps.join(","),
        events.join("\n  "),
        play(&short).report(&short),
    )
}

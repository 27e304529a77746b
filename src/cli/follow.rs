//! Follows the manifests of `bedrail run`: every changed and valid set becomes a generation.

use std::path::PathBuf;
use std::sync::Arc;

use tracing::{error, info, warn};

use super::controller::Controller;
use super::last_good::LastGood;
use super::manifests::{Loaded, check, load};
use super::run::Pace;
use crate::manifest::{Manifests, Problem, Source};
use crate::runtime::{WatchSettings, watch};

/// Where manifests come from.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Sources {
    /// The paths of the command line.
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Where the last good generation is kept, if anywhere.
    pub(in crate::cli) last_good: Option<LastGood>,
}

/// Accepts every changed and valid manifest set. A hint is only a reason to look: the hash of
/// what was read decides whether anything changed.
pub(super) async fn follow(controller: &Controller, sources: &Sources, pace: &Pace) {
    let settings = WatchSettings {
        settle: pace.settle_files,
        poll: pace.poll_files,
        ..WatchSettings::default()
    };
    let mut hints = watch(&sources.paths, controller.clock.clone(), settings).await;
    let mut last = None;
    loop {
        let owned = sources.paths.clone();
        let Ok(loaded) = tokio::task::spawn_blocking(move || load(&owned)).await else { return };
        let Loaded { manifests, source, problems } = loaded;
        // A folder that could not be read has no hash; its problems stand for it.
        let seen = (source.as_ref().map(|source| source.hash.clone()), problems.clone());
        if last.as_ref() != Some(&seen) {
            last = Some(seen);
            say(&problems);
            if let (Some(manifests), Some(source)) = (manifests, source) {
                let what = manifests.describe();
                let next = controller.generation() + 1;
                controller.engine().note_accepted(next, &source.hash, &what).await;
                let generation = controller.accept(manifests);
                controller.note_unusable(None);
                info!(generation, "accepted {what}");
                keep(sources, source).await;
            } else {
                controller.note_unusable(Some(places(&problems)));
                reject(controller, sources).await;
            }
        }
        hints.next().await;
    }
}

fn say(problems: &[Problem]) {
    for problem in problems {
        if problem.is_error() {
            error!("{problem}");
        } else {
            warn!("{problem}");
        }
    }
}

/// Where the errors are. What they quote stays in the log: more people read alerts than manifests.
fn places(problems: &[Problem]) -> String {
    const NAMED_MAX: usize = 3;
    let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.is_error()).collect();
    let named = errors.iter().take(NAMED_MAX);
    let named = named.map(|it| format!("{}:{}:{}", it.path.display(), it.line, it.column));
    let named: Vec<String> = named.collect();
    let noun = if errors.len() == 1 { "error" } else { "errors" };
    format!("{} {noun}, see the log: {}", errors.len(), named.join(", "))
}

/// Says what is in force instead of manifests that cannot be used.
async fn reject(controller: &Controller, sources: &Sources) {
    let in_force = controller.generation();
    if in_force > 0 {
        error!(
            generation = in_force,
            "the manifests are not usable; the last good generation stays in force"
        );
    } else if let Some(manifests) = recall(sources).await {
        let what = manifests.describe();
        let generation = controller.accept_last_good(manifests);
        error!(
            generation,
            "the manifests are not usable; in force is the last good generation, from the cache: \
             {what}"
        );
    } else {
        error!(
            "the manifests are not usable and no last good generation is known: not ready, only \
             observing; nothing is written until they are usable"
        );
    }
}

/// Keeps an accepted set. Failing to is a warning: it is needed only by a start that goes wrong.
async fn keep(sources: &Sources, source: Source) {
    let Some(cache) = sources.last_good.clone() else { return };
    let path = cache.path();
    let kept = tokio::task::spawn_blocking(move || cache.keep(&source)).await;
    if let Ok(Err(error)) = kept {
        warn!(path = %path.display(), %error, "the last good generation could not be kept");
    }
}

/// The last good set, if it was kept and is valid still.
async fn recall(sources: &Sources) -> Option<Arc<Manifests>> {
    let (cache, paths) = (sources.last_good.clone()?, sources.paths.clone());
    let path = cache.path();
    let loaded =
        tokio::task::spawn_blocking(move || cache.load(&paths).map(|source| source.map(check)));
    match loaded.await.ok()? {
        Ok(None) => None,
        Ok(Some(Loaded { manifests, problems, .. })) => {
            if manifests.is_none() {
                say(&problems);
                warn!(path = %path.display(), "the cached generation is not valid; ignored");
            }
            manifests
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            warn!(path = %path.display(), error = format!("{error:#}"), "the cached generation is ignored");
            None
        }
    }
}

//! Notices that files may have changed.
//!
//! Directories are watched, never single files: an editor replaces a file by renaming
//! another over it, and a watch on the file would stay with the old one. Kubernetes replaces
//! a whole ConfigMap by renaming a `..data` link inside the mounted directory.
//!
//! # Invariants
//!
//! - **A hint, not a fact.** A hint says "something may have changed"; whoever gets it reads
//!   everything anew. Equal content read twice must be no change.
//! - **Armed before told.** Watches are set anew before each hint is given, so what happens
//!   while they are being set is seen by the reader of that hint, and what happens later by
//!   the new watches. This is also how a directory that was deleted and created again, or a
//!   link that points elsewhere, is followed.
//!
//! # Fault model
//!
//! Notifications get lost: network file systems send none, the system has limits on watches,
//! its queue overflows, a `subPath` mount in Kubernetes is never updated at all. So every
//! [`WatchSettings::poll`] a hint is given anyway, and failing to watch is a warning.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::clock::Clock;
use super::settle::Burst;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// How long no notification may come before a burst is over.
    pub settle: Duration,
    /// How long a burst may last.
    pub settle_max: Duration,
    /// The time between hints when no notification comes.
    pub poll: Duration,
}

impl Default for WatchSettings {
    /// 300 ms covers the pauses of editors and `git checkout`, and leaves most of the second
    /// in which a saved file should reach AWS. 30 s is what a person waits before asking
    /// whether it is stuck, and reading some files that often costs nothing.
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(300),
            settle_max: Duration::from_secs(2),
            poll: Duration::from_secs(30),
        }
    }
}

/// Why the files are worth reading again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The system notified us of a change.
    Notified,
    /// None came for a while.
    Poll,
}

/// The hints of one [`watch`], which ends when this is dropped.
#[derive(Debug)]
pub struct Hints {
    hints: mpsc::Receiver<Hint>,
    _task: AbortOnDropHandle<()>,
}

impl Hints {
    /// Waits until something may have changed since the last call returned. Hints that
    /// nobody waited for count as one.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has taken no hint.
    pub async fn next(&mut self) -> Hint {
        match self.hints.recv().await {
            Some(hint) => hint,
            // The task ends only together with the runtime, and so does this.
            None => std::future::pending().await,
        }
    }
}

/// Watches `paths`, directories with all that is below and files by the directory they are
/// in, whether they exist yet or not. When this returns the first watches are set.
///
/// # Guarantees
///
/// - After a change a hint follows: settled, if the system notifies; by the next poll, if not.
/// - Reading the files gives no hint.
///
/// # Caveats
///
/// - Of a chain of links only the first is watched, and a link inside a directory that leads
///   to a file outside of it is not: changes behind them are noticed by the poll.
pub async fn watch(paths: &[PathBuf], clock: Clock, settings: WatchSettings) -> Hints {
    let paths: Arc<[PathBuf]> = paths.iter().map(|path| absolute(path)).collect();
    let notified = Arc::new(Notify::new());
    let watcher = arm(&paths, &notified).await;
    // One place: a hint that waits stands for all that came after it.
    let (sender, hints) = mpsc::channel(1);
    let task = Task { paths, clock, settings, notified, watcher, hints: sender };
    Hints { hints, _task: AbortOnDropHandle::new(tokio::spawn(task.run())) }
}

struct Task {
    paths: Arc<[PathBuf]>,
    clock: Clock,
    settings: WatchSettings,
    notified: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    hints: mpsc::Sender<Hint>,
}

impl Task {
    async fn run(mut self) {
        loop {
            let hint = self.wait().await;
            // The new watches stand before the old ones go.
            self.watcher = arm(&self.paths, &self.notified).await;
            match self.hints.try_send(hint) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }

    /// Waits for a burst of notifications and its end, or for the poll.
    async fn wait(&self) -> Hint {
        let Self { clock, settings, notified, .. } = self;
        tokio::select! {
            () = notified.notified() => {}
            () = clock.sleep(settings.poll) => return Hint::Poll,
        }
        let mut burst = Burst::new(clock.now(), settings.settle, settings.settle_max);
        loop {
            tokio::select! {
                biased;
                () = clock.sleep_until(burst.over()) => return Hint::Notified,
                () = notified.notified() => burst.extend(clock.now()),
            }
        }
    }
}

/// Sets all watches anew; `None` leaves only the poll.
async fn arm(paths: &Arc<[PathBuf]>, notified: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let (paths, notified) = (Arc::clone(paths), Arc::clone(notified));
    // Walks directories, which on a network file system may take its time.
    tokio::task::spawn_blocking(move || set_watches(paths, notified)).await.ok().flatten()
}

fn set_watches(paths: Arc<[PathBuf]>, notified: Arc<Notify>) -> Option<RecommendedWatcher> {
    let directories = directories(&paths);
    let files: Vec<PathBuf> = paths.iter().filter(|path| path.is_file()).cloned().collect();
    let on_event = move |event: notify::Result<Event>| {
        // An error may be the loss of an event.
        if event.map_or(true, |event| is_change(&event, &paths, &files)) {
            notified.notify_one();
        }
    };
    let mut watcher = notify::recommended_watcher(on_event)
        .inspect_err(|error| tracing::warn!(%error, "cannot watch files, polling only"))
        .ok()?;
    for (directory, mode) in &directories {
        if let Err(error) = watcher.watch(directory, *mode) {
            tracing::warn!(directory = %directory.display(), %error, "cannot watch directory");
        }
    }
    Some(watcher)
}

/// Returns the directories to watch so that no change of `paths` is missed: each directory
/// with what is below it, and what holds an entry that would make a path mean something
/// else, which is the parent of the path, of a link in it and of its first missing part.
fn directories(paths: &[PathBuf]) -> BTreeMap<PathBuf, RecursiveMode> {
    let mut directories = BTreeMap::new();
    for path in paths {
        for part in path.ancestors() {
            let Some(parent) = part.parent() else { continue };
            let is_watched = part == path || part.is_symlink() || !part.exists();
            if is_watched && parent.is_dir() {
                directories.entry(parent.to_owned()).or_insert(RecursiveMode::NonRecursive);
            }
        }
        if path.is_dir() {
            directories.insert(path.clone(), RecursiveMode::Recursive);
        }
    }
    directories
}

/// Whether an event may mean that what is at `paths`, of which `files` are files, changed.
fn is_change(event: &Event, paths: &[PathBuf], files: &[PathBuf]) -> bool {
    let is_write = match event.kind {
        // Our own reading. Closing a file that was open for writing is the exception.
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    };
    // At, below or above a path; or beside a file, which may be a link to what changed.
    let concerns_us = |changed: &PathBuf| {
        paths.iter().any(|path| changed.starts_with(path) || path.starts_with(changed))
            || files.iter().any(|file| changed.parent() == file.parent())
    };
    // Events without a path are about the watch itself: a queue that overflowed.
    is_write
        && (event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(concerns_us))
}

fn absolute(path: &Path) -> PathBuf {
    // Fails only for an empty path, or without a working directory: then it is no path.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;

//! Signs of life of `bedrail run`, beside what its engine knows: when everything was last read.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tracing::warn;

use super::controller::Controller;
use crate::status::Heartbeat;

/// How often in a resync it is asked whether everything was read.
const ASKED: u32 = 8;

/// Between two such questions; each looks at every key.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// Where the heartbeat is written.
#[derive(Clone, Debug, Args)]
pub(super) struct HeartbeatArguments {
    /// Write the time into this file after each resync in which everything was read. What cannot be
    /// read keeps it from being written, so that its age is an alarm.
    #[arg(long = "heartbeat", env = "BEDRAIL_HEARTBEAT", value_name = "FILE")]
    path: Option<PathBuf>,
}

/// What is known at one moment.
#[derive(Debug)]
pub(super) struct Signs {
    heartbeat: Mutex<Heartbeat>,
}

impl Signs {
    /// Nothing was read yet.
    pub(super) fn beginning(now: Timestamp) -> Self {
        Self { heartbeat: Mutex::new(Heartbeat::beginning(now)) }
    }

    fn note_reads(&self, oldest: Option<Timestamp>, now: Timestamp) -> bool {
        self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner).note(oldest, now)
    }

    /// When everything was last read in one resync, in this process.
    pub(super) fn last_complete_resync(&self) -> Option<Timestamp> {
        self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner).last()
    }
}

/// Beats for ever.
pub(super) async fn beat(
    controller: &Controller,
    arguments: &HeartbeatArguments,
    resync: Duration,
) {
    let pause = (resync / ASKED).clamp(PAUSE_MIN, PAUSE_MAX);
    loop {
        controller.clock.sleep(pause).await;
        let now = controller.clock.wall();
        if !controller.signs.note_reads(controller.engine.oldest_observation(), now) {
            continue;
        }
        let Some(path) = arguments.path.clone() else { continue };
        let written = tokio::task::spawn_blocking(move || write(&path, now)).await;
        if let Ok(Err(error)) = written {
            let path = arguments.path.as_deref().unwrap_or(Path::new(""));
            warn!(path = %path.display(), %error, "the heartbeat could not be written");
        }
    }
}

/// Replaces the file, as a whole or not at all.
fn write(path: &Path, at: Timestamp) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = File::create(&new)?;
    writeln!(file, "{at:.0}")?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heartbeat");
        for second in [0, 60] {
            write(&path, Timestamp::from_second(second).unwrap()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "1970-01-01T00:01:00Z\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! The local disk of a controller: its journal, and what a crash, a full disk or a new container
//! make of it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedrail::runtime;
use bedrail::status::journal::{Journal, JournalSettings, Record, read_chain, segments};
use fastrand::Rng;
use tempfile::TempDir;

/// Memory, where there is such a disk: a history does not wait for one that turns.
const FAST: &str = "/dev/shm";

/// Bytes after which a segment is sealed.
const SEGMENT_MAX: u64 = 16 * 1024;

/// What a new process finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// All that was written.
    Kept,
    /// Nothing: another machine.
    Lost,
    /// The last write was cut.
    Torn,
    /// All of it, but there is no room for more until somebody makes some.
    Full,
}

pub(crate) const LEFT: [Left; 4] = [Left::Kept, Left::Lost, Left::Torn, Left::Full];

/// The disk of one history.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: TempDir,
    is_full: bool,
}

impl Disk {
    /// An empty one.
    pub(crate) fn new() -> io::Result<Self> {
        let is_fast = Path::new(FAST).is_dir();
        let folder = if is_fast { tempfile::tempdir_in(FAST)? } else { tempfile::tempdir()? };
        fs::create_dir(folder.path().join("journal"))?;
        Ok(Self { folder, is_full: false })
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn path(&self) -> PathBuf {
        self.folder().join("journal.jsonl")
    }

    /// What becomes of it between two processes. Whether there was anything to become of.
    pub(crate) fn becomes(&mut self, left: Left, random: &mut Rng) -> io::Result<bool> {
        self.make_room()?;
        let had = self.path().metadata().map_or(0, |it| it.len());
        match left {
            Left::Lost => {
                fs::remove_dir_all(self.folder())?;
                fs::create_dir(self.folder())?;
            }
            Left::Torn if had > 0 => {
                let file = OpenOptions::new().write(true).open(self.path())?;
                file.set_len(had - random.u64(1..had.min(400)))?;
            }
            Left::Kept | Left::Torn => {}
            Left::Full => {
                // A folder that cannot be one: nothing below it can be opened or made.
                fs::rename(self.folder(), self.folder.path().join("aside"))?;
                fs::write(self.folder(), "full")?;
                self.is_full = true;
            }
        }
        Ok(had > 0)
    }

    /// Somebody makes room.
    pub(crate) fn make_room(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_full) {
            fs::remove_file(self.folder())?;
            fs::rename(self.folder.path().join("aside"), self.folder())?;
        }
        Ok(())
    }

    /// The journal as a process finds it. `None` while the one before still has it.
    pub(crate) async fn open(&self, clock: &runtime::Clock) -> Option<Journal> {
        let settings =
            JournalSettings { path: self.path(), segment_max: SEGMENT_MAX, kept: u64::MAX };
        let clock = clock.clone();
        let opening = |torn_bytes| Record::Opened {
            version: "0".to_owned(),
            owner: "default".to_owned(),
            session: "bedrail-default".to_owned(),
            torn_bytes,
        };
        let time = Arc::new(move || clock.wall());
        Journal::open_in_place(settings, time, Box::new(io::sink()), opening).await.ok()
    }

    /// Why the journal is not one whole chain, as `bedrail journal verify` would say; how many
    /// records it has.
    pub(crate) fn verify(&self) -> Result<usize, String> {
        let mut chain = None;
        let mut records = 0;
        for segment in segments(&self.path()).map_err(|it| it.to_string())? {
            let text = fs::read_to_string(&segment).map_err(|it| it.to_string())?;
            let lines = read_chain(&text, &mut chain)
                .map_err(|(line, why)| format!("{} line {line}: {why:?}", segment.display()))?;
            records += lines.len();
        }
        Ok(records)
    }
}

#[test]
fn a_disk_is_read_again_whatever_became_of_it() {
    crate::run::alone(async {
        let clock = runtime::Clock::starting_at("2026-01-05T10:00:00Z".parse().unwrap());
        let mut disk = Disk::new().unwrap();
        let mut random = Rng::with_seed(1);
        assert!(!disk.becomes(Left::Kept, &mut random).unwrap(), "nothing was written yet");
        for (left, records) in [(Left::Kept, 2), (Left::Torn, 1), (Left::Lost, 1)] {
            drop(disk.open(&clock).await.unwrap());
            assert!(disk.becomes(left, &mut random).unwrap(), "{left:?}");
            let journal = disk.open(&clock).await.unwrap();
            assert!(disk.open(&clock).await.is_none(), "a journal has one writer");
            assert_eq!(journal.trouble(), None, "{left:?}");
            assert_eq!(disk.verify(), Ok(records), "{left:?}");
            drop(journal);
            disk.becomes(Left::Lost, &mut random).unwrap();
        }

        drop(disk.open(&clock).await.unwrap());
        disk.becomes(Left::Full, &mut random).unwrap();
        let journal = disk.open(&clock).await.unwrap();
        assert!(journal.trouble().is_some(), "a full disk takes nothing");
        disk.make_room().unwrap();
        journal.retry().await;
        assert_eq!(journal.trouble(), None, "there is room again");
    });
}

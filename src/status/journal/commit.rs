//! Writes records in groups: however many wait, one write and one sync.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::chain::Chain;
use super::record::Record;
use super::segment::{JournalError, Opened, Segment};

/// Where the dates come from.
pub type JournalTime = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Settings of a journal.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The segment that is written.
    pub path: PathBuf,
    /// A segment is sealed once it is longer than this many bytes.
    pub segment_max: u64,
    /// How many bytes of sealed segments are kept, if the older ones were archived.
    pub kept: u64,
}

/// A journal that this process writes. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    path: PathBuf,
    time: JournalTime,
    waiting: Arc<Mutex<Vec<Waiting>>>,
    writer: Arc<tokio::sync::Mutex<Arc<Mutex<Writer>>>>,
    trouble: Arc<Mutex<Trouble>>,
    /// Where records go that cannot be written.
    fallback: Arc<Mutex<Box<dyn Write + Send>>>,
    /// Whether the thread that asks does the writing itself.
    is_in_place: bool,
}

struct Waiting {
    at: Timestamp,
    record: Record,
    written: oneshot::Sender<Result<u64, Arc<JournalError>>>,
}

/// Makes the first record of a process; its argument is how many bytes were set aside.
type Opening = Box<dyn Fn(u64) -> Record + Send>;

struct Writer {
    /// `None` while it could not be opened.
    file: Option<(Segment, Chain)>,
    opening: Opening,
    settings: JournalSettings,
}

/// Why records are missing, if they are.
#[derive(Debug, Default)]
struct Trouble {
    missing: u64,
    error: Option<String>,
}

impl Journal {
    /// Opens it for writing, and says so in it. A file system that refuses is no error yet: it is
    /// tried again with every record, and [`trouble`](Self::trouble) says why it refuses.
    ///
    /// # Errors
    ///
    /// If another process writes it.
    pub async fn open(
        settings: JournalSettings,
        time: JournalTime,
        fallback: Box<dyn Write + Send>,
        opening: impl Fn(u64) -> Record + Send + 'static,
    ) -> Result<Self, Arc<JournalError>> {
        Self::new(settings, time, fallback, opening).begin().await
    }

    /// The same, without another thread: whoever writes a record waits for the disk, and everybody
    /// on its thread with it. For a simulated history, whose order no disk may decide.
    ///
    /// # Errors
    ///
    /// If another process writes it.
    pub async fn open_in_place(
        settings: JournalSettings,
        time: JournalTime,
        fallback: Box<dyn Write + Send>,
        opening: impl Fn(u64) -> Record + Send + 'static,
    ) -> Result<Self, Arc<JournalError>> {
        let journal = Self::new(settings, time, fallback, opening);
        Self { is_in_place: true, ..journal }.begin().await
    }

    fn new(
        settings: JournalSettings,
        time: JournalTime,
        fallback: Box<dyn Write + Send>,
        opening: impl Fn(u64) -> Record + Send + 'static,
    ) -> Self {
        let path = settings.path.clone();
        let writer = Writer { file: None, opening: Box::new(opening), settings };
        Self {
            path,
            time,
            waiting: Arc::default(),
            writer: Arc::new(tokio::sync::Mutex::new(Arc::new(Mutex::new(writer)))),
            trouble: Arc::default(),
            fallback: Arc::new(Mutex::new(fallback)),
            is_in_place: false,
        }
    }

    async fn begin(self) -> Result<Self, Arc<JournalError>> {
        match self.commit(Vec::new()).await {
            Err(error) if matches!(*error, JournalError::Locked(_)) => Err(error),
            Ok(()) | Err(_) => Ok(self),
        }
    }

    /// The segment that is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a record and waits until it is on disk; returns its number.
    ///
    /// # Errors
    ///
    /// If it cannot be written: then it is not in the journal, and not on standard output either.
    ///
    /// # Cancel safety
    ///
    /// A record whose writer is dropped may or may not be written, as a whole.
    pub async fn write(&self, record: Record) -> Result<u64, Arc<JournalError>> {
        let (written, mut is_written) = oneshot::channel();
        self.waiting().push(Waiting { at: (self.time)(), record, written });
        let writer = self.writer.lock().await;
        // Whoever had the writer before may have taken this record along.
        if let Ok(done) = is_written.try_recv() {
            return done;
        }
        let group = std::mem::take(&mut *self.waiting());
        // Everybody in the group is told.
        self.group(&writer, group).await.ok();
        is_written.await.unwrap_or_else(|_| Err(Arc::new(JournalError::Gone)))
    }

    async fn commit(&self, group: Vec<Waiting>) -> Result<(), Arc<JournalError>> {
        let writer = self.writer.lock().await;
        self.group(&writer, group).await
    }

    async fn group(
        &self,
        writer: &Arc<Mutex<Writer>>,
        group: Vec<Waiting>,
    ) -> Result<(), Arc<JournalError>> {
        let (writer, at) = (Arc::clone(writer), (self.time)());
        let missing = lock(&self.trouble).missing();
        let commit = move || lock(&writer).commit(at, group, missing);
        let outcome = if self.is_in_place {
            commit()
        } else {
            let task = tokio::task::spawn_blocking(commit);
            task.await.unwrap_or_else(|_| Err(Arc::new(JournalError::Gone)))
        };
        self.note(outcome.clone());
        outcome
    }

    /// Says where there is no journal what could not be written.
    pub fn write_elsewhere(&self, record: &Record) {
        lock(&self.trouble).missing += 1;
        let text = serde_json::to_string(record).unwrap_or_default();
        let mut fallback = lock(&self.fallback);
        if let Err(error) = writeln!(fallback, "{text}").and_then(|()| fallback.flush()) {
            error!(%error, "a record could be written neither to the journal nor to standard output");
        }
    }

    /// Why records cannot be written now; `None` while they can.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).error.clone()
    }

    /// Tries whether records can be written again.
    pub async fn retry(&self) {
        let error = self.trouble().unwrap_or_default();
        let missing = lock(&self.trouble).missing;
        // A failure was noted already.
        self.write(Record::Degraded { missing, error }).await.ok();
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        lock(&self.waiting)
    }

    fn note(&self, outcome: Result<(), Arc<JournalError>>) {
        let mut trouble = lock(&self.trouble);
        match (outcome, &trouble.error) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                info!(path = %self.path.display(), "the journal can be written again");
                *trouble = Trouble::default();
            }
            (Err(error), before) => {
                let text = chain_of(&*error);
                if before.is_none() {
                    error!(path = %self.path.display(), error = text, "the journal cannot be written");
                }
                trouble.error = Some(text);
            }
        }
    }
}

impl Trouble {
    /// The record that says what is missing, once something can be written again.
    fn missing(&self) -> Option<Record> {
        let error = self.error.clone()?;
        Some(Record::Degraded { missing: self.missing, error })
    }
}

impl Writer {
    /// Writes a group and answers everybody in it.
    fn commit(
        &mut self,
        at: Timestamp,
        group: Vec<Waiting>,
        missing: Option<Record>,
    ) -> Result<(), Arc<JournalError>> {
        let (records, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|it| ((it.at, it.record), it.written)).unzip();
        let written = self.write(at, records, missing).map_err(Arc::new);
        match &written {
            Ok(last) => {
                let before = last.saturating_sub(answers.len() as u64);
                for (number, answer) in (1_u64..).zip(answers) {
                    // Who asked may have gone.
                    answer.send(Ok(before.saturating_add(number))).ok();
                }
                self.rotate();
            }
            Err(error) => {
                for answer in answers {
                    answer.send(Err(Arc::clone(error))).ok();
                }
            }
        }
        written.map(|_| ())
    }

    /// Writes all of it or nothing; returns the number of the last record.
    fn write(
        &mut self,
        at: Timestamp,
        records: Vec<(Timestamp, Record)>,
        missing: Option<Record>,
    ) -> Result<u64, JournalError> {
        let mut lines = Vec::new();
        let (mut segment, mut chain, torn) = if let Some((segment, chain)) = self.file.take() {
            (segment, chain, None)
        } else {
            let Opened { segment, chain, torn_bytes } = Segment::open(&self.settings.path)?;
            (segment, chain, Some(torn_bytes))
        };
        let before = chain.clone();
        let is_said = records.iter().any(|(_, it)| matches!(it, Record::Degraded { .. }));
        let first = torn.map(|torn| (self.opening)(torn)).into_iter();
        let first = first.chain(missing.filter(|_| !is_said)).map(|record| (at, record));
        let encoded = first.chain(records).try_for_each(|(at, record)| {
            lines.push(chain.append(at, record).map_err(JournalError::Encode)?);
            Ok(())
        });
        let written = encoded.and_then(|()| segment.append(&lines));
        let last = chain.sequence;
        // What was opened and not written to will say again that it was opened.
        let is_kept = written.is_ok() || torn.is_none();
        self.file = is_kept.then_some((segment, if written.is_ok() { chain } else { before }));
        written.map(|()| last)
    }

    /// What was written stays written, whatever becomes of this.
    fn rotate(&mut self) {
        let Some((segment, chain)) = &mut self.file else { return };
        if segment.length() <= self.settings.segment_max {
            return;
        }
        if let Err(error) = segment.rotate(chain) {
            warn!(error = chain_of(&error), "the journal could not be sealed; its segment grows");
            return;
        }
        match segment.collect(self.settings.kept) {
            Ok(0) => {}
            Ok(segments) => warn!(
                segments,
                "sealed segments of the journal are over the limit and were not archived; they stay"
            ),
            Err(error) => warn!(error = chain_of(&error), "old segments could not be deleted"),
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is whole at every point at which a panic could be.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

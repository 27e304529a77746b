//! The files of a journal.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::chain::{Chain, decode};

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("{0} is written by another process; a journal has one writer")]
    Locked(PathBuf),
    /// The file system refuses.
    #[error("failed to {what} {path}")]
    Io {
        /// `write to`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A record cannot be written as JSON.
    #[error("failed to encode a record")]
    Encode(#[source] serde_json::Error),
    /// What was to be written to is gone: a bug, since the writer holds it for its life.
    #[error("the writer has ended")]
    Gone,
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |error| JournalError::Io { what, path, error }
}

/// The segments of a journal, oldest first; the one that is written is the last.
///
/// # Errors
///
/// If the folder cannot be read. No segment at all is no error.
pub fn segments(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let mut found = sealed(path)?;
    if path.exists() {
        found.push(path.to_owned());
    }
    Ok(found)
}

fn sealed(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let folder = folder(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(io("list", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(io("list", folder))?.path();
        let text = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = text.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.'));
        if number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit())) {
            found.push(entry);
        }
    }
    // Numbers are of one width, so that names sort as they do.
    found.sort();
    Ok(found)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    /// How long it is as far as it is known to be whole.
    length: u64,
    /// Whether something may stand behind that.
    is_torn: bool,
    first: u64,
    /// Held for as long as the process writes.
    _lock: File,
}

/// What was found when a journal was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) segment: Segment,
    pub(super) chain: Chain,
    pub(super) torn_bytes: u64,
}

impl Segment {
    /// Opens a journal to write to it; what a crash left of a last record is set aside.
    pub(super) fn open(path: &Path) -> Result<Opened, JournalError> {
        let folder = folder(path);
        fs::create_dir_all(folder).map_err(io("make", folder))?;
        let lock_path = beside(path, "lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = options.open(&lock_path).map_err(io("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io("lock", &lock_path)(error)),
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(path).map_err(io("open", path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("read", path))?;
        let (whole, last, first) = whole(&bytes);
        let torn = bytes.get(whole..).unwrap_or_default();
        if !torn.is_empty() {
            let number = last.as_ref().map_or(0, |it| it.sequence).saturating_add(1);
            let aside = beside(path, &format!("torn-{number:020}"));
            fs::write(&aside, torn).map_err(io("write", &aside))?;
        }
        let torn_bytes = torn.len() as u64;
        let chain = match last {
            Some(chain) => chain,
            None => last_sealed(path)?,
        };
        let first = first.unwrap_or(chain.sequence.saturating_add(1));
        let length = whole as u64;
        let is_torn = torn_bytes > 0;
        let segment = Self { path: path.to_owned(), file, length, is_torn, first, _lock: lock };
        sync_folder(path)?;
        Ok(Opened { segment, chain, torn_bytes })
    }

    /// Adds lines as a whole: if that fails, none of them will be in the file.
    pub(super) fn append(&mut self, lines: &[String]) -> Result<(), JournalError> {
        let mut text = lines.join("\n");
        text.push('\n');
        let written = self.write(text.as_bytes());
        // Whatever part of it is there now goes before the next attempt.
        self.is_torn = written.is_err();
        written.map_err(io("write to", &self.path))?;
        self.length += text.len() as u64;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Seals it and begins a new one that follows `chain`.
    pub(super) fn rotate(&mut self, chain: &Chain) -> Result<(), JournalError> {
        let sealed = beside(&self.path, &format!("{:020}", self.first));
        let mut permissions = self.file.metadata().map_err(io("read", &self.path))?.permissions();
        permissions.set_readonly(true);
        fs::rename(&self.path, &sealed).map_err(io("rename", &self.path))?;
        let mut options = OpenOptions::new();
        options.create_new(true).read(true).write(true);
        self.file = options.open(&self.path).map_err(io("open", &self.path))?;
        (self.length, self.is_torn, self.first) = (0, false, chain.sequence.saturating_add(1));
        fs::set_permissions(&sealed, permissions).map_err(io("seal", &sealed))?;
        sync_folder(&self.path)
    }

    /// Deletes the oldest sealed segments that were archived, until no more than `kept` bytes of
    /// sealed ones are left. Returns those that are over it and not archived.
    pub(super) fn collect(&self, kept: u64) -> Result<usize, JournalError> {
        let mut all = Vec::new();
        for path in sealed(&self.path)? {
            let length = fs::metadata(&path).map_err(io("read", &path))?.len();
            all.push((path, length));
        }
        let mut total: u64 = all.iter().map(|(_, length)| length).sum();
        let mut unarchived = 0;
        for (path, length) in all {
            if total <= kept {
                break;
            }
            let archived = beside(&path, "archived");
            if !archived.exists() {
                unarchived += 1;
                continue;
            }
            fs::remove_file(&path).map_err(io("delete", &path))?;
            fs::remove_file(&archived).map_err(io("delete", &archived))?;
            total -= length;
        }
        Ok(unarchived)
    }
}

/// How many bytes are whole records, where the chain stands after them, and the number of the first.
fn whole(bytes: &[u8]) -> (usize, Option<Chain>, Option<u64>) {
    let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut begin = 0;
    let lines: Vec<_> =
        newlines.map(|(end, _)| std::mem::replace(&mut begin, end + 1)..end).collect();
    let line = |span: &Range<usize>| {
        let text = std::str::from_utf8(bytes.get(span.clone())?).ok()?;
        decode(text).ok()
    };
    let first = lines.first().and_then(line).map(|line| line.sequence);
    // A power cut can leave whole lines of zeros; what is before the last good one is for `verify`.
    let last = lines.iter().rev().find_map(|span| Some((span.end + 1, line(span)?)));
    last.map_or((0, None, None), |(end, line)| (end, Some(Chain::at(&line)), first))
}

/// Where the chain stands after the last sealed segment.
fn last_sealed(path: &Path) -> Result<Chain, JournalError> {
    let Some(last) = sealed(path)?.pop() else { return Ok(Chain::default()) };
    let bytes = fs::read(&last).map_err(io("read", &last))?;
    let (_, chain, _) = whole(&bytes);
    Ok(chain.unwrap_or_default())
}

fn sync_folder(path: &Path) -> Result<(), JournalError> {
    let folder = folder(path);
    File::open(folder).and_then(|it| it.sync_all()).map_err(io("sync", folder))
}

//! Keeps the texts of the last good generation beside the process, as a mere cache: with it a
//! `run` that starts on a broken folder enforces what was in force before; without it, it only
//! observes. It is never the truth: a copy that is damaged, of other paths or not valid for this
//! release is ignored.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::manifest::Source;

/// The file in the state directory. The number is that of the format: a release that reads another
/// format does not see this file.
const FILE: &str = "last-good-1.json";

/// Where the copy is kept.
#[derive(Clone, Debug)]
pub(super) struct LastGood {
    directory: PathBuf,
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The paths of the command line the texts were read from.
    searched: Vec<PathBuf>,
    /// Of the texts, as when they were accepted.
    hash: String,
    files: BTreeMap<PathBuf, String>,
}

/// Why a copy cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LastGoodError {
    /// It is there and cannot be read.
    #[error("failed to read it")]
    Read(#[source] io::Error),
    /// It was cut off, edited or damaged.
    #[error("it is damaged")]
    Damaged,
    /// It was read from other paths than this process is to follow.
    #[error("it was read from other paths than `--manifests` names now")]
    OtherPaths,
}

impl LastGood {
    /// A cache in `directory`, which is made when something is kept.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where the copy stands.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Replaces the copy, as a whole or not at all.
    pub(super) fn keep(&self, source: &Source) -> io::Result<()> {
        let Source { files, hash, searched } = source;
        let kept = Kept { searched: searched.clone(), hash: hash.clone(), files: files.clone() };
        let text = serde_json::to_vec(&kept)?;
        fs::create_dir_all(&self.directory)?;
        // One writer per directory: two controllers never share one.
        let new = self.directory.join(format!(".{FILE}.new"));
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        // A rename can reach the disk before the text it names.
        file.sync_all()?;
        fs::rename(&new, self.path())?;
        File::open(&self.directory)?.sync_all()
    }

    /// The copy of what was read from `paths`; `None` when nothing was kept.
    pub(super) fn load(&self, paths: &[PathBuf]) -> Result<Option<Source>, LastGoodError> {
        let text = match fs::read(self.path()) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LastGoodError::Read(error)),
        };
        let kept: Kept = serde_json::from_slice(&text).map_err(|_| LastGoodError::Damaged)?;
        let Kept { searched, hash, files } = kept;
        let source = Source::new(files, searched);
        if source.hash != hash {
            return Err(LastGoodError::Damaged);
        }
        if source.searched != paths {
            return Err(LastGoodError::OtherPaths);
        }
        Ok(Some(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        let files = BTreeMap::from([(PathBuf::from("/m/a.yaml"), text.to_owned())]);
        Source::new(files, paths())
    }

    fn paths() -> Vec<PathBuf> {
        vec![PathBuf::from("/m")]
    }

    #[test]
    fn what_was_kept_last_comes_back_and_nothing_else_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LastGood::new(folder.path().join("state"));
        assert_eq!(cache.load(&paths()).unwrap(), None);
        cache.keep(&source("one")).unwrap();
        cache.keep(&source("two")).unwrap();
        assert_eq!(cache.load(&paths()).unwrap(), Some(source("two")));
        assert_eq!(fs::read_dir(folder.path().join("state")).unwrap().count(), 1);
    }

    #[test]
    fn a_copy_that_is_damaged_or_of_another_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LastGood::new(folder.path().to_owned());
        cache.keep(&source("one")).unwrap();
        let other = [PathBuf::from("/other")];
        assert!(matches!(cache.load(&other), Err(LastGoodError::OtherPaths)));

        let whole = fs::read_to_string(cache.path()).unwrap();
        let half: String = whole.chars().take(whole.len() / 2).collect();
        let damaged = [whole.replace("one", "two"), half, String::new()];
        for text in damaged {
            fs::write(cache.path(), text).unwrap();
            assert!(matches!(cache.load(&paths()), Err(LastGoodError::Damaged)));
        }
    }
}

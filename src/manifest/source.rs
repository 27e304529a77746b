//! Reads manifests from disk: which files, how large, and whether anything changed.
//!
//! A Kubernetes ConfigMap mount is a folder of symlinks into `..data`, itself a symlink to a dated
//! folder. Names that start with a dot are therefore passed over and symlinks are followed: each
//! file is read once, by the name the user gave it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::problem::Problem;

/// The largest file. 10,000 words of 10 characters with their keys are about 200 KiB.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The largest set: more than a hundred full guardrails, which is the quota of an account and Region.
pub const SET_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The deepest folder below a given path; deeper ones are a loop or a mistake.
const FOLDERS_DEEP_MAX: usize = 16;

/// Manifest texts as they stood on disk at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Text by file name; the order in which they are read.
    pub files: BTreeMap<PathBuf, String>,
    /// SHA-256 over names and texts, in hexadecimal: equal hashes mean nothing changed.
    pub hash: String,
    /// What was looked at, for the message that nothing was found.
    pub searched: Vec<PathBuf>,
}

impl Source {
    /// A source of texts that are already in memory.
    pub fn new(files: BTreeMap<PathBuf, String>, searched: Vec<PathBuf>) -> Self {
        let hash = hash(&files);
        Self { files, hash, searched }
    }
}

/// Reads every `*.yaml` and `*.yml` at or below `paths`.
///
/// # Errors
///
/// All problems met: nothing is returned unless everything could be read. A file that vanished
/// between listing and reading is one of them; reading again a little later settles it.
pub fn read(paths: &[PathBuf]) -> Result<Source, Vec<Problem>> {
    let reader = Reader::below(paths, &["yaml", "yml"]);
    if reader.problems.is_empty() {
        Ok(Source::new(reader.files, paths.to_vec()))
    } else {
        Err(reader.into_problems())
    }
}

/// Reads every `*.json` at or below `paths` that can be read, and says what is wrong with those that
/// were given: what else lies in a folder need not be ours.
pub(super) fn read_json(paths: &[PathBuf]) -> (BTreeMap<PathBuf, String>, Vec<Problem>) {
    let mut reader = Reader::below(paths, &["json"]);
    let files = std::mem::take(&mut reader.files);
    let given = |problem: &Problem| paths.contains(&problem.path);
    (files, reader.into_problems().into_iter().filter(given).collect())
}

#[derive(Default)]
struct Reader {
    /// Which files of a folder are read.
    extensions: &'static [&'static str],
    files: BTreeMap<PathBuf, String>,
    /// Real paths already read or entered: each once, and no loops.
    seen: BTreeSet<PathBuf>,
    bytes: u64,
    problems: Vec<Problem>,
}

impl Reader {
    /// Reads what is below `paths` under one of these extensions.
    fn below(paths: &[PathBuf], extensions: &'static [&'static str]) -> Self {
        let mut reader = Self { extensions, ..Self::default() };
        for path in paths {
            reader.given(path);
        }
        reader
    }

    /// In reading order.
    fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort();
        self.problems
    }

    fn problem(&mut self, path: &Path, message: impl Into<String>) {
        self.problems.push(Problem::of_file(path, message));
    }

    /// A path of the command line: a folder, or a file of any name.
    fn given(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path, 0),
            Ok(_) => self.file(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.problem(path, "no such file or folder; give a file or a folder of manifests");
            }
            Err(error) => self.problem(path, format!("failed to look at it: {error}")),
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        if !self.is_new(folder) {
            return;
        }
        if depth > FOLDERS_DEEP_MAX {
            self.problem(folder, format!("folders are nested more than {FOLDERS_DEEP_MAX} deep"));
            return;
        }
        let entries = fs::read_dir(folder).and_then(|list| {
            list.map(|entry| entry.map(|entry| entry.path())).collect::<Result<BTreeSet<_>, _>>()
        });
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.problem(folder, format!("failed to list the folder: {error}"));
                return;
            }
        };
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let is_manifest =
                path.extension().is_some_and(|it| self.extensions.iter().any(|name| it == *name));
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, depth + 1),
                Ok(_) if is_manifest => self.file(&path),
                Err(error) if is_manifest => self.unreadable(&path, &error),
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn file(&mut self, path: &Path) {
        if !self.is_new(path) {
            return;
        }
        match self.text(path) {
            Ok(Some(text)) => {
                self.files.insert(path.to_owned(), text);
            }
            Ok(None) => {}
            Err(error) => self.unreadable(path, &error),
        }
    }

    /// `None` when a problem was recorded.
    fn text(&mut self, path: &Path) -> Result<Option<String>, std::io::Error> {
        // Looked at before it is opened: opening a pipe would wait for a writer.
        if !fs::metadata(path)?.is_file() {
            self.problem(path, "is not a regular file; give a file or a folder of manifests");
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > FILE_BYTES_MAX {
            let limit = FILE_BYTES_MAX / 1024;
            self.problem(path, format!("is larger than {limit} KiB; split it into several files"));
            return Ok(None);
        }
        self.bytes += length;
        if self.bytes > SET_BYTES_MAX {
            let limit = SET_BYTES_MAX / 1024 / 1024;
            self.problem(path, format!("all manifests together are larger than {limit} MiB"));
            return Ok(None);
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                self.problem(path, format!("is not UTF-8 (byte {at}); save it as UTF-8"));
                Ok(None)
            }
        }
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        if error.kind() == ErrorKind::NotFound {
            self.problem(
                path,
                "vanished while the manifests were being read; reading again settles it",
            );
        } else {
            self.problem(path, format!("failed to read it: {error}"));
        }
    }

    fn is_new(&mut self, path: &Path) -> bool {
        // What cannot be resolved is reported where it is read.
        fs::canonicalize(path).map_or(true, |real| self.seen.insert(real))
    }
}

fn hash(files: &BTreeMap<PathBuf, String>) -> String {
    let mut hasher = Sha256::new();
    for (path, text) in files {
        for part in [path.as_os_str().as_encoded_bytes(), text.as_bytes()] {
            // Lengths first, so that no two sets run together into the same bytes.
            hasher.update(part.len().to_le_bytes());
            hasher.update(part);
        }
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn names(source: &Source, root: &Path) -> Vec<String> {
        source
            .files
            .keys()
            .map(|path| path.strip_prefix(root).unwrap().display().to_string())
            .collect()
    }

    #[test]
    fn yaml_files_are_read_in_order_at_any_depth() {
        let root = folder();
        fs::create_dir(root.path().join("sub")).unwrap();
        for name in ["b.yml", "a.yaml", "sub/c.yaml", "notes.txt", ".hidden.yaml"] {
            fs::write(root.path().join(name), name).unwrap();
        }
        let source = read(&[root.path().to_owned()]).unwrap();
        assert_eq!(names(&source, root.path()), ["a.yaml", "b.yml", "sub/c.yaml"]);
    }

    #[test]
    fn a_config_map_mount_is_read_once_through_its_links() {
        let root = folder();
        let dated = root.path().join("..2026_01_01");
        fs::create_dir(&dated).unwrap();
        fs::write(dated.join("a.yaml"), "kind: x").unwrap();
        symlink("..2026_01_01", root.path().join("..data")).unwrap();
        symlink("..data/a.yaml", root.path().join("a.yaml")).unwrap();
        symlink(root.path(), root.path().join("loop")).unwrap();
        let source = read(&[root.path().to_owned()]).unwrap();
        assert_eq!(names(&source, root.path()), ["a.yaml"]);
    }

    #[test]
    fn every_unreadable_thing_is_reported_at_once() {
        let root = folder();
        let path = |name: &str| root.path().join(name);
        fs::write(path("big.yaml"), "x".repeat(256 * 1024 + 1)).unwrap();
        fs::write(path("latin.yaml"), b"a: \xe9").unwrap();
        symlink("gone", path("vanished.yaml")).unwrap();
        let problems = read(&[root.path().to_owned(), path("missing")]).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|it| it.to_string().replace(&format!("{}/", root.path().display()), ""))
            .collect();
        assert_eq!(
            found,
            [
                "big.yaml:1:1: error: is larger than 256 KiB; split it into several files",
                "latin.yaml:1:1: error: is not UTF-8 (byte 3); save it as UTF-8",
                "missing:1:1: error: no such file or folder; give a file or a folder of manifests",
                "vanished.yaml:1:1: error: vanished while the manifests were being read; reading again settles it",
            ]
        );
    }

    #[test]
    fn folders_are_entered_to_a_limit() {
        let root = folder();
        let deepest = root.path().join("in/".repeat(FOLDERS_DEEP_MAX));
        fs::create_dir_all(&deepest).unwrap();
        fs::write(deepest.join("a.yaml"), "kind: x").unwrap();
        assert_eq!(read(&[root.path().to_owned()]).unwrap().files.len(), 1);
        let deeper = deepest.join("in");
        fs::create_dir(&deeper).unwrap();
        let problems = read(&[root.path().to_owned()]).unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
        assert_eq!(problem.path, deeper);
        assert_eq!(problem.message, "folders are nested more than 16 deep");
    }

    #[test]
    fn a_link_that_leads_nowhere_matters_only_where_a_manifest_was_meant() {
        let root = folder();
        fs::write(root.path().join("a.yaml"), "kind: x").unwrap();
        symlink("gone", root.path().join("notes.txt")).unwrap();
        assert_eq!(names(&read(&[root.path().to_owned()]).unwrap(), root.path()), ["a.yaml"]);
    }

    #[test]
    fn a_path_through_a_file_is_not_said_to_be_missing() {
        let root = folder();
        fs::write(root.path().join("a.yaml"), "kind: x").unwrap();
        let problems = read(&[root.path().join("a.yaml/b.yaml")]).unwrap_err();
        assert!(problems[0].message.starts_with("failed to look at it: "), "{}", problems[0]);
    }

    #[test]
    fn the_set_has_a_limit_too() {
        let root = folder();
        for number in 0..32 {
            fs::write(root.path().join(format!("{number:02}.yaml")), "#".repeat(256 * 1024))
                .unwrap();
        }
        assert_eq!(read(&[root.path().to_owned()]).unwrap().files.len(), 32);
        fs::write(root.path().join("32.yaml"), "#").unwrap();
        let problems = read(&[root.path().to_owned()]).unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
        assert!(problem.path.ends_with("32.yaml"), "{problem}");
        assert_eq!(problem.message, "all manifests together are larger than 8 MiB");
    }

    #[test]
    fn the_hash_changes_with_names_and_texts_only() {
        let source = |files: &[(&str, &str)]| {
            let files = files.iter().map(|(p, t)| (p.into(), (*t).to_owned())).collect();
            Source::new(files, Vec::new()).hash
        };
        assert_eq!(source(&[("a", "1"), ("b", "2")]), source(&[("b", "2"), ("a", "1")]));
        assert_ne!(source(&[("a", "1")]), source(&[("a", "2")]));
        assert_ne!(source(&[("a", "1")]), source(&[("a1", "")]));
    }
}

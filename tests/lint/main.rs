//! Claims about Bedrock policies that circulate and are wrong: each is found, at its place, and the
//! finding says what is right. Policies that are right give nothing.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod claims;
mod command;
mod good;
mod manifest;

use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint").join(name)
}

/// The files of a folder, in order.
fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What `validate` says of one file, without the folder.
fn problems(path: &Path) -> Vec<String> {
    let found = bedrail::manifest::policies(&[path.to_owned()]);
    assert_eq!(found.files, [path], "it holds a policy");
    let folder = format!("{}/", path.parent().unwrap().display());
    found.problems.iter().map(|it| it.to_string().replace(&folder, "")).collect()
}

//! The shape of the source itself: arrows between the rooms, sizes, the README's table.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may import (besides itself). `cli` is the composition root.
const ARROWS: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("lint", &["model"]),
    ("manifest", &["lint", "model"]),
    ("plan", &["model"]),
    ("aws", &["model"]),
    ("runtime", &[]),
    ("status", &["model"]),
    ("reconcile", &["aws", "model", "plan", "status"]),
    ("serve", &["status"]),
    ("simulator", &[]),
    (
        "cli",
        &[
            "aws",
            "lint",
            "manifest",
            "model",
            "plan",
            "reconcile",
            "runtime",
            "serve",
            "simulator",
            "status",
        ],
    ),
];

/// Lines without tests and comments above which a file hides a seam.
const CODE_LINES_MAX: usize = 500;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Source lines that are neither comments nor blank nor below the tests of the file.
fn code(text: &str) -> Vec<&str> {
    text.lines()
        .take_while(|line| *line != "mod tests {")
        .filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"))
        .collect()
}

#[test]
fn arrows_between_the_rooms_point_one_way() {
    let mut wrong = Vec::new();
    for (room, admitted) in ARROWS {
        for path in sources(&root().join("src").join(room)) {
            let text = fs::read_to_string(&path).unwrap();
            for line in code(&text) {
                let rooms = ARROWS.iter().map(|(other, _)| *other).filter(|other| *other != room);
                for other in rooms {
                    let names_it = line.contains(&format!("crate::{other}::"))
                        || line.contains(&format!("crate::{other};"));
                    if names_it && !admitted.contains(&other) {
                        wrong.push(format!("{}: {line}", path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_edge_imports_the_sdk() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let room = path.strip_prefix(root().join("src")).unwrap().to_string_lossy().into_owned();
        // The simulator takes the frame encoder of event streams, and nothing that knows AWS.
        let admitted: &[&str] = match room.split('/').next() {
            Some("aws") => continue,
            Some("simulator") => &["aws_smithy_eventstream", "aws_smithy_types"],
            Some(_) | None => &[],
        };
        for line in code(&fs::read_to_string(&path).unwrap()) {
            let imports = ["use aws_", "aws_sdk_", "aws_smithy_", "aws_config"];
            let is_import = imports.iter().any(|import| line.contains(import));
            if is_import && !admitted.iter().any(|crate_| line.contains(crate_)) {
                wrong.push(format!("{room}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_small_rooms() {
    let mut long = BTreeMap::new();
    for path in sources(&root().join("src")) {
        if path.ends_with("tests.rs") || path.to_string_lossy().contains("/tests/") {
            continue;
        }
        let lines = code(&fs::read_to_string(&path).unwrap()).len();
        if lines > CODE_LINES_MAX {
            long.insert(path, lines);
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// `UPDATE_README=1 cargo test --test tidy` writes the table anew.
#[test]
fn the_readme_shows_the_settings_as_they_are() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("<!-- settings -->\n").expect("a place for the table");
    let (shown, after) = rest.split_once("<!-- /settings -->").expect("an end of the table");
    let table = bedrail::cli::settings_table();
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{before}<!-- settings -->\n{table}<!-- /settings -->{after}");
        fs::write(&path, text).unwrap();
    } else {
        assert_eq!(shown, table, "run: UPDATE_README=1 cargo test --test tidy");
    }
}

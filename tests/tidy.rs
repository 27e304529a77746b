//! The shape of the source itself: arrows between the rooms, sizes, the README's tables.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is the failure of a test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
    shows("settings", &bedrail::cli::settings_table());
}

/// What the README says of the figures in `docs/proof`: words, with the figures they quote.
const CLAIMS: [(&str, &str); 7] = [
    (
        "random histories",
        "{histories}, with {histories.calls} calls to AWS; {histories.failed} failed",
    ),
    (
        "situations that they are to reach",
        "{situations}, the rarest reached {situations.rarest} times",
    ),
    (
        "planted bugs sought in histories",
        "{planted.caught} of {planted.sought} caught, half of them by history {planted.median}, all by {planted.worst}",
    ),
    ("planted bugs that a test of their own catches", "{planted.elsewhere}"),
    ("changes swept", "{sweeps.changes}, with {sweeps.positions} calls to AWS"),
    (
        "struck at a call, each in a run of its own",
        "{sweeps.crashes} of {sweeps.crashes.all} crashes, {sweeps.faults} of {sweeps.faults.all} faults, {sweeps.pairs} pairs of both",
    ),
    ("of those, runs that ended otherwise than undisturbed", "{sweeps.wrong}"),
];

/// `benches/proof.sh` makes the figures, and `UPDATE_README=1 cargo test --test tidy` quotes them.
#[test]
fn the_readme_quotes_the_figures_of_the_proof() {
    let read = |part| fs::read_to_string(root().join(format!("docs/proof/{part}.txt"))).unwrap();
    let kept = ["histories", "planted", "sweeps"].map(read).concat();
    let figures: BTreeMap<&str, u64> = kept
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("situation "))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, figure)| (name, figure.parse().unwrap()))
        .collect();
    let has_all = figures["histories"] < 200_000 || figures["situations.rarest"] >= 100;
    assert!(has_all, "a situation was not reached a hundred times: see docs/proof/histories.txt");
    assert_eq!(figures["histories.failed"], 0, "see docs/proof/histories.txt");
    let mut table = String::from("| | |\n|---|---|\n");
    for (what, claim) in CLAIMS {
        let mut words = claim.split('{');
        let mut said = words.next().unwrap().to_owned();
        for word in words {
            let (name, rest) = word.split_once('}').unwrap();
            let figure = figures.get(name).unwrap_or_else(|| panic!("no figure for {name}"));
            write!(said, "{}{rest}", in_thousands(*figure)).unwrap();
        }
        writeln!(table, "| {what} | {said} |").unwrap();
    }
    shows("proof", &table);
}

/// `6580` as `6,580`.
fn in_thousands(figure: u64) -> String {
    let digits = figure.to_string();
    let mut groups: Vec<String> = Vec::new();
    for group in digits.as_bytes().rchunks(3) {
        groups.insert(0, String::from_utf8_lossy(group).into_owned());
    }
    groups.join(",")
}

/// Asserts that this is what stands at its place in the README, or puts it there.
fn shows(place: &str, table: &str) {
    /// Two tests write one file.
    static README: Mutex<()> = Mutex::new(());
    let _alone = README.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (from, to) = (format!("<!-- {place} -->\n"), format!("<!-- /{place} -->"));
    let (before, rest) = readme.split_once(&from).expect("a place for the table");
    let (shown, after) = rest.split_once(&to).expect("an end of the table");
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, format!("{before}{from}{table}{to}{after}")).unwrap();
    } else {
        assert_eq!(shown, table, "run: UPDATE_README=1 cargo test --test tidy");
    }
}

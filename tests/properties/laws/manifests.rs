//! A text is judged: accepted as a whole, or refused with places to look at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bedrail::manifest::{Manifests, Problem, Source, parse};

/// The folder of the text.
const FOLDER: &str = "fleet";

/// Its file.
const FILE: &str = "fleet/all.yaml";

/// Judges a text, and the judgement. The manifests, where it is accepted.
pub(crate) fn judged(text: &str) -> Option<Manifests> {
    let files = BTreeMap::from([(PathBuf::from(FILE), text.to_owned())]);
    let source = Source::new(files, vec![FOLDER.into()]);
    let outcome = parse(&source);
    let has_errors = outcome.problems.iter().any(Problem::is_error);
    assert_eq!(outcome.manifests.is_none(), has_errors, "{:#?}", outcome.problems);
    for problem in &outcome.problems {
        is_found_by(problem, text);
    }
    assert_eq!(parse(&source), outcome, "judged differently when read again");
    outcome.manifests
}

/// A person who reads `problem` finds the place it speaks of.
fn is_found_by(problem: &Problem, text: &str) {
    // A file may end in the middle of what it should say: the place is behind its last line.
    let lines = text.split(['\n', '\r']).count() + 1;
    let is_of_file = problem.path == Path::new(FILE);
    assert!(is_of_file || problem.path == Path::new(FOLDER), "{problem}");
    assert!((1..=lines).contains(&problem.line), "{problem}: the file has {lines} lines");
    assert!(problem.column >= 1, "{problem}");
    assert!(!problem.message.trim().is_empty(), "{problem:?}");
    let place = format!("{}:{}:{}: ", problem.path.display(), problem.line, problem.column);
    assert!(problem.to_string().starts_with(&place), "{problem}");
}

//! Leaves out what our own checks refuse: one file that is wrong would have its folder refused.

use std::path::PathBuf;

use super::super::parse::parse;
use super::super::problem::Problem;
use super::super::source::Source;
use super::control;
use crate::model::{Imported, ImportedControl, Left};

/// Without the service control policies that no manifest may say, as AWS stores what does not do
/// what it says; they are listed among what is left, with the first reason.
pub fn without_refused(mut imported: Imported) -> Imported {
    let (mut accepted, mut left) = (Vec::new(), Vec::new());
    for control in imported.controls {
        match refusal(&control) {
            None => accepted.push(control),
            Some(why) => {
                let name = control.policy_name.as_deref().unwrap_or(control.name.as_str());
                left.push(Left { object: format!("service control policy `{name}`"), why });
            }
        }
    }
    imported.controls = accepted;
    imported.left.append(&mut left);
    imported.left.sort();
    imported
}

fn refusal(found: &ImportedControl) -> Option<String> {
    let path = PathBuf::from("service-control.yaml");
    let source = Source::new([(path.clone(), control(found))].into(), vec![path]);
    let errors: Vec<Problem> =
        parse(&source).problems.into_iter().filter(Problem::is_error).collect();
    let (first, others) = errors.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let Problem { field, message, .. } = first;
    Some(format!("a manifest of it would be refused: {field}: {message}{more}"))
}

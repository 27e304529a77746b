//! Collects the problems of one document and points at their places.

use std::path::PathBuf;

use super::field_path::FieldPath;
use super::node::{Node, Place};
use super::problem::{Problem, Severity};

/// One document's problems.
#[derive(Debug)]
pub(super) struct Report {
    file: PathBuf,
    node: Node,
    /// Fields that could not be read, as written: that they are missing now is no news.
    unreadable: Vec<FieldPath>,
    problems: Vec<Problem>,
}

impl Report {
    pub(super) fn new(file: PathBuf, node: Node) -> Self {
        Self { file, node, unreadable: Vec::new(), problems: Vec::new() }
    }

    /// Reports an error at a value, or at the key of what should hold it.
    pub(super) fn error(&mut self, path: &FieldPath, message: impl Into<String>) {
        let located = self.node.locate(path);
        self.add(located.place, &located.written, Severity::Error, message.into());
    }

    /// Reports an error at a key.
    pub(super) fn error_at_key(&mut self, path: &FieldPath, message: impl Into<String>) {
        let located = self.node.locate(path);
        self.add(located.key_place, &located.written, Severity::Error, message.into());
    }

    /// Reports something accepted at which a person should look.
    pub(super) fn warning(&mut self, path: &FieldPath, message: impl Into<String>) {
        let located = self.node.locate(path);
        self.add(located.place, &located.written, Severity::Warning, message.into());
    }

    /// Reports that a field is missing, unless it was there and could not be read.
    pub(super) fn missing(&mut self, path: &FieldPath, example: &str) {
        if !self.lost(path) {
            self.error(path, format!("is missing; write for example `{example}`"));
        }
    }

    /// Whether something at or below `path` could not be read.
    pub(super) fn lost(&self, path: &FieldPath) -> bool {
        let written = self.node.locate(path).written;
        self.unreadable.iter().any(|it| written.contains(it) || it.contains(&written))
    }

    /// Takes out what could not be read.
    pub(super) fn remove(&mut self, path: &FieldPath) {
        self.unreadable.push(self.node.locate(path).written);
        self.node.remove(path);
    }

    /// A scalar as it was written.
    pub(super) fn text(&self, path: &FieldPath) -> Option<&str> {
        self.node.text(path)
    }

    /// Where a field stands, for a problem elsewhere: `path/file.yaml:3:5`.
    pub(super) fn position(&self, path: &FieldPath) -> String {
        let Place { line, column } = self.node.locate(path).place;
        format!("{}:{line}:{column}", self.file.display())
    }

    /// The file and the line of a field.
    pub(super) fn origin(&self, path: &FieldPath) -> (PathBuf, usize) {
        (self.file.clone(), self.node.locate(path).place.line)
    }

    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    /// How many errors there are so far.
    pub(super) fn errors(&self) -> usize {
        self.problems.iter().filter(|it| it.is_error()).count()
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn add(&mut self, place: Place, written: &FieldPath, severity: Severity, message: String) {
        self.problems.push(Problem {
            path: self.file.clone(),
            line: place.line,
            column: place.column,
            severity,
            field: written.to_string(),
            message,
        });
    }
}

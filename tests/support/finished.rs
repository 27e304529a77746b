//! A command that ended.

use std::fmt;
use std::process::Output;

/// Its exit code and what it printed.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The `Approval` that the output offers for what the change guard holds.
    pub(crate) fn approval(&self) -> String {
        let (_, rest) =
            self.stdout.split_once("---\n").unwrap_or_else(|| panic!("no manifest\n{self}"));
        rest.lines().take(4).fold(String::new(), |text, line| text + line + "\n")
    }

    /// A line of either stream that holds all of `words`; fails the test when there is none.
    pub(crate) fn line(&self, words: &[&str]) -> &str {
        let line = self
            .stdout
            .lines()
            .chain(self.stderr.lines())
            .find(|line| words.iter().all(|word| line.contains(word)));
        match line {
            Some(line) => line,
            None => panic!("no line with {words:?}\n{self}"),
        }
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

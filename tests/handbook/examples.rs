//! Every command line that is shown somewhere is one that the parser takes.

use std::collections::BTreeSet;

use bedrail::cli::Arguments;
use clap::{Command, CommandFactory as _};

use super::text;

/// A command line with where it is shown.
struct Example {
    shown: String,
    line: String,
}

impl Example {
    /// Why the parser does not take it.
    fn trouble(&self) -> Option<String> {
        let words = words(&self.line);
        let is_asked = |error: &clap::Error| !error.use_stderr();
        let parsed = Arguments::command().try_get_matches_from(words);
        let error = parsed.err().filter(|error| !is_asked(error))?;
        Some(format!("{}: {}\n{error}", self.shown, self.line))
    }
}

/// Words as a shell splits them, up to a pipe, a redirection, another command or a comment. Two
/// spaces end a line, too, unless a flag follows: they come before what says what it does.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '>' | ';' | '&' | '#') => break,
            (None, ' ') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                let spaces = std::iter::from_fn(|| characters.next_if_eq(&' ')).count();
                if spaces > 0 && characters.peek() != Some(&'-') {
                    break;
                }
            }
            (Some(_) | None, c) => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// The lines of a text that begin with one of `starts`, which stands for `bedrail`; those that end
/// with a backslash go on.
fn lines(shown: &str, text: &str, starts: &[&str]) -> Vec<Example> {
    let goes_on = regex::Regex::new(r"\s*\\\n\s*").unwrap();
    let joined = goes_on.replace_all(text, " ");
    let line = |line: &str| {
        let rest = starts.iter().find_map(|start| line.strip_prefix(start))?;
        Some(Example { shown: shown.to_owned(), line: format!("bedrail {rest}") })
    };
    joined.lines().map(str::trim).filter_map(line).collect()
}

/// Every command with its path: `bedrail journal verify`.
fn commands() -> Vec<(String, Command)> {
    fn collect(path: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        found.push((path.to_owned(), command.clone()));
        for below in command.get_subcommands() {
            collect(&format!("{path} {}", below.get_name()), below, found);
        }
    }
    let mut found = Vec::new();
    collect("bedrail", &Arguments::command(), &mut found);
    found
}

fn help_examples() -> Vec<Example> {
    let help = |(path, command): (String, Command)| {
        let help = command.get_after_long_help().or(command.get_after_help());
        let help = help.map(ToString::to_string).unwrap_or_default();
        lines(&format!("{path} --help"), &help, &["bedrail "])
    };
    commands().into_iter().flat_map(help).collect()
}

#[test]
fn every_example_of_the_help_is_parsed() {
    let examples = help_examples();
    let trouble: Vec<String> = examples.iter().filter_map(Example::trouble).collect();
    assert!(trouble.is_empty(), "{}", trouble.join("\n"));
    assert!(examples.len() >= 40, "only {} examples were found", examples.len());
}

#[test]
fn every_command_has_an_example_of_its_own() {
    let shown: BTreeSet<String> = help_examples().into_iter().map(|it| it.line).collect();
    for (path, command) in commands() {
        let is_group = command.has_subcommands() && command.is_subcommand_required_set();
        let has_one = shown.iter().any(|line| words(line).join(" ").starts_with(&path));
        assert!(has_one || is_group, "{path} has no example");
        let help = command.get_after_long_help().or(command.get_after_help());
        let says = help.is_some_and(|help| help.to_string().contains("Example"));
        let is_top = path.split(' ').count() == 2;
        assert!(says || !is_top, "{path} --help shows no examples");
    }
}

#[test]
fn every_command_of_the_readme_is_parsed() {
    let mut examples = Vec::new();
    for name in ["README.md", "manifests/deploy/README.md"] {
        let readme = text(name);
        let blocks = readme.split("```").skip(1).step_by(2);
        let starts = ["bedrail ", "cargo run -- ", "$ bedrail "];
        examples.extend(blocks.flat_map(|block| lines(name, block, &starts)));
    }
    let trouble: Vec<String> = examples.iter().filter_map(Example::trouble).collect();
    assert!(trouble.is_empty(), "{}", trouble.join("\n"));
    assert!(examples.len() >= 15, "only {} examples were found", examples.len());
}

#[test]
fn a_shell_line_is_split_as_shells_do() {
    let line = "bedrail status -o json | jq '.keys[]'";
    assert_eq!(words(line), ["bedrail", "status", "-o", "json"]);
    assert_eq!(words("bedrail demo   see it work"), ["bedrail", "demo"]);
    assert_eq!(
        words("bedrail iam --external-id \"$ID\" > f"),
        ["bedrail", "iam", "--external-id", "$ID"]
    );
}

#[test]
fn what_is_mistyped_is_answered_with_what_was_meant() {
    for (line, meant) in [
        ("bedrail aply -f m", "'apply'"),
        ("bedrail plan -f m --detailed-exit", "'--detailed-exitcode'"),
        ("bedrail plan -f m -o jsn", "'json'"),
        ("bedrail completions bsh", "'bash'"),
        ("bedrail plan", "--manifests"),
    ] {
        let error = Arguments::command().try_get_matches_from(words(line)).unwrap_err();
        assert!(error.to_string().contains(meant), "{line}: {error}");
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

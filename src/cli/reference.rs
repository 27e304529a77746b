//! The table of settings, made from the definitions the command line is parsed with.

use clap::{Arg, CommandFactory};

use super::Arguments;

/// Every flag of `bedrail run` with its environment variable, default and meaning, as a Markdown
/// table: what the README shows.
pub fn settings_table() -> String {
    let mut command = Arguments::command();
    command.build();
    let run = command.find_subcommand("run");
    let rows = run.into_iter().flat_map(clap::Command::get_arguments).filter_map(row);
    let head = "| flag | environment | default | meaning |\n|---|---|---|---|\n".to_owned();
    rows.fold(head, |table, row| table + &row + "\n")
}

fn row(argument: &Arg) -> Option<String> {
    let long = argument.get_long().filter(|long| !["help", "version"].contains(long))?;
    let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let environment =
        argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let default: Vec<_> =
        argument.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
    let is_flag = !argument.get_action().takes_values();
    let default = if default.is_empty() || is_flag {
        String::new()
    } else {
        format!("`{}`", default.join(", "))
    };
    let meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
    Some(format!("| {short}`--{long}` | {environment} | {default} | {meaning} |"))
}

//! `bedrail completions` and `bedrail man`: made from the definitions the command line is parsed
//! with.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Arguments;
use super::exit::Exit;

/// Flags of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "Prints a script that completes subcommands, flags and their values.

Examples:
  bedrail completions bash > /etc/bash_completion.d/bedrail
  bedrail completions zsh > ~/.zfunc/_bedrail
  bedrail completions fish > ~/.config/fish/completions/bedrail.fish")]
pub(super) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

/// Flags of `man`.
#[derive(Debug, Args)]
#[command(
    after_help = "Writes one page for the command and one for each subcommand; nothing else in the
folder is touched.

Examples:
  bedrail man --to /usr/local/share/man/man1
  bedrail man --to man && man -l man/bedrail-run.1"
)]
pub(super) struct ManArguments {
    /// The folder; made when it is not there.
    #[arg(long = "to", value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the script.
pub(super) fn completions(arguments: &CompletionsArguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "bedrail", &mut script);
    anstream::print!("{}", String::from_utf8_lossy(&script));
    Exit::Done
}

/// Writes the pages.
pub(super) fn man(arguments: &ManArguments) -> anyhow::Result<Exit> {
    let folder = &arguments.folder;
    let write = || {
        fs::create_dir_all(folder)?;
        clap_mangen::generate_to(Arguments::command(), folder)
    };
    write().with_context(|| format!("failed to write man pages to {}", folder.display()))?;
    Ok(Exit::Done)
}

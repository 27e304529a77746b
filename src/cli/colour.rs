//! When to colour. Whatever prints, clap included, obeys the same choice.

use std::ffi::{OsStr, OsString};

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use super::Arguments;

/// Reads the command line of this process; ends it where that cannot be read.
///
/// `--color` is looked for before anything else is: help and errors are printed while the rest is
/// still being read.
pub fn arguments() -> Arguments {
    let words: Vec<OsString> = std::env::args_os().collect();
    let choice = wanted(&words, std::env::var_os("BEDRAIL_COLOR").as_deref());
    let global = match choice {
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
        ColorChoice::Auto => anstream::ColorChoice::Auto,
    };
    global.write_global();
    let mut command = Arguments::command().color(choice);
    let matches = command.clone().get_matches_from(words);
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

/// Whether what is printed on stderr has colours: as the user says, else as terminals and tools do.
pub(super) fn is_for_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// What the words say, else the environment; what is neither is reported when it is parsed.
fn wanted(words: &[OsString], environment: Option<&OsStr>) -> ColorChoice {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let mut choice = None;
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        }
        if word == "--color" {
            choice = words.next().map(std::borrow::Cow::into_owned);
        } else if let Some(value) = word.strip_prefix("--color=") {
            choice = Some(value.to_owned());
        }
    }
    let choice = choice.or_else(|| environment.map(|it| it.to_string_lossy().into_owned()));
    choice.and_then(|word| word.parse().ok()).unwrap_or(ColorChoice::Auto)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_and_nonsense_is_left_to_the_parser() {
        let rows: [(&[&str], Option<&str>, ColorChoice); 7] = [
            (&["bedrail", "--color", "always", "plan"], None, ColorChoice::Always),
            (&["bedrail", "plan", "--color=never"], Some("always"), ColorChoice::Never),
            (&["bedrail", "plan"], Some("always"), ColorChoice::Always),
            (&["bedrail", "plan"], None, ColorChoice::Auto),
            (&["bedrail", "plan", "--color", "green"], None, ColorChoice::Auto),
            (&["bedrail", "plan", "--color"], None, ColorChoice::Auto),
            (&["bedrail", "plan", "--", "--color=never"], None, ColorChoice::Auto),
        ];
        for (words, environment, expected) in rows {
            let given: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert_eq!(wanted(&given, environment.map(OsStr::new)), expected, "{words:?}");
        }
    }
}

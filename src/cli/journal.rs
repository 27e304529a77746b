//! `bedrail journal`: reads the journal and checks that it is whole; `--journal` of the commands
//! that write it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::controller::Controller;
use super::exit::Exit;
use super::past::past;
use super::settings::{Common, Installation, Output, duration};
use crate::manifest::to_yaml;
use crate::model::{AccountId, Region};
use crate::runtime::Clock;
use crate::status::journal::{
    Actor, Chain, Ending, Intended, Journal, JournalSettings, Line, Record, read_chain, segments,
};

/// Where the writes are recorded.
#[derive(Clone, Debug, Args)]
pub(super) struct JournalArguments {
    /// Record every write, before it is made, in this file. Default: none, the log only.
    #[arg(long, env = "BEDRAIL_JOURNAL", value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Seal the journal's file once it is longer than this, and begin the next.
    #[arg(
        long,
        env = "BEDRAIL_JOURNAL_SEGMENT",
        value_name = "SIZE",
        value_parser = size,
        default_value = "64MiB"
    )]
    journal_segment: u64,
    /// Keep this much of sealed files. Older ones go, if FILE.<number>.archived says that they were
    /// copied elsewhere; nothing goes that was not.
    #[arg(
        long,
        env = "BEDRAIL_JOURNAL_KEPT",
        value_name = "SIZE",
        value_parser = size,
        default_value = "1GiB"
    )]
    journal_kept: u64,
}

impl JournalArguments {
    /// Opens the journal, if one is asked for, and has the controller write to it. Records that it
    /// cannot take go to `fallback`.
    pub(super) async fn begin(
        &self,
        controller: &Controller,
        installation: &Installation,
        fallback: Box<dyn Write + Send>,
    ) -> anyhow::Result<()> {
        let Some(path) = self.journal.clone() else { return Ok(()) };
        let settings = JournalSettings {
            path: path.clone(),
            segment_max: self.journal_segment,
            kept: self.journal_kept,
        };
        let (owner, instance) = (installation.owner.to_string(), &installation.instance);
        Box::pin(keep(controller, settings, (owner, instance), fallback)).await
    }
}

/// Opens a journal and has the controller write to it, as this owner and instance, and show what is
/// in it. Records that it cannot take go to `fallback`.
pub(super) async fn keep(
    controller: &Controller,
    settings: JournalSettings,
    (owner, instance): (String, &str),
    fallback: Box<dyn Write + Send>,
) -> anyhow::Result<()> {
    let path = settings.path.clone();
    let before = tokio::task::spawn_blocking(move || past(&path)).await?;
    controller.engine().recall(before);
    let clock = controller.clock.clone();
    let session = format!("bedrail-{instance}");
    let opening = move |torn_bytes| Record::Opened {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        owner: owner.clone(),
        session: session.clone(),
        torn_bytes,
    };
    let journal =
        Journal::open(settings, Arc::new(move || clock.wall()), fallback, opening).await?;
    controller.engine().keep_journal(journal);
    Ok(())
}

/// Flags of `journal`.
#[derive(Debug, Args)]
#[command(after_help = "Shows what was written to AWS, why, and how it ended. Each line is chained
to the one before by its hash: `verify` finds lines that were changed, removed or added. Keep the
hash that it prints somewhere else; with --contains it shows later that all up to there is as it was.

Examples:
  bedrail journal --journal /var/lib/bedrail/journal.jsonl --since 1h
  bedrail journal --journal journal.jsonl --account 111122223333 -o json | jq .
  bedrail journal verify --journal journal.jsonl --contains 3f9c2a…")]
pub(super) struct JournalCommandArguments {
    #[command(subcommand)]
    command: Option<JournalCommand>,
    /// The journal; its sealed segments are found beside it.
    #[arg(long, global = true, env = "BEDRAIL_JOURNAL", value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Only what is younger than this.
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    since: Option<Duration>,
    /// Only calls in this account.
    #[arg(long)]
    account: Option<AccountId>,
    /// Only calls in this Region.
    #[arg(long)]
    region: Option<Region>,
    /// How results look: text, JSON lines as they are in the file, or YAML documents.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Check that no line was changed, removed or added. Exit code 1 if one was.
    Verify {
        /// A hash that was printed before: fail unless the journal has it still.
        #[arg(long, value_name = "HASH")]
        contains: Option<String>,
    },
}

/// What is in the segments, and where they end to make sense.
pub(super) struct Contents {
    pub(super) lines: Vec<Line>,
    /// The newest segment ends in so many bytes that are no whole line.
    torn_bytes: usize,
    /// `file:line`, and what is wrong there.
    pub(super) broken: Option<String>,
    files: usize,
}

/// Reads, checks and prints.
pub(super) fn journal(_: &Common, arguments: &JournalCommandArguments) -> anyhow::Result<Exit> {
    let Some(path) = &arguments.journal else {
        anstream::eprintln!("error: which journal? Give --journal FILE, or set BEDRAIL_JOURNAL");
        return Ok(Exit::UsageOrChanges);
    };
    let contents = read(path)?;
    if let Some(JournalCommand::Verify { contains }) = &arguments.command {
        return Ok(verify(path, &contents, contains.as_deref()));
    }
    show(&contents, arguments)?;
    if let Some(broken) = &contents.broken {
        anstream::eprintln!("error: {broken}; what comes after it is not shown");
        return Ok(Exit::Error);
    }
    Ok(Exit::Done)
}

/// Reads and checks all segments.
pub(super) fn read(path: &Path) -> anyhow::Result<Contents> {
    let files = segments(path)?;
    anyhow::ensure!(!files.is_empty(), "there is no journal at {}", path.display());
    let mut contents =
        Contents { lines: Vec::new(), torn_bytes: 0, broken: None, files: files.len() };
    let mut chain: Option<Chain> = None;
    for (index, file) in files.iter().enumerate() {
        let bytes = fs::read(file).with_context(|| format!("failed to read {}", file.display()))?;
        // While a process writes, or after it died, the newest may end in part of a line.
        let is_newest = index + 1 == files.len();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let bytes = if is_newest { bytes.get(..whole).unwrap_or_default() } else { &bytes };
        let text = String::from_utf8_lossy(bytes);
        match read_chain(&text, &mut chain) {
            Ok(lines) => contents.lines.extend(lines),
            Err((line, broken)) => {
                // What was good before it still counts.
                contents.broken = Some(format!("{}:{line}: {broken}", file.display()));
                return Ok(contents);
            }
        }
        if is_newest {
            contents.torn_bytes = usize::try_from(fs::metadata(file)?.len())
                .unwrap_or(usize::MAX)
                .saturating_sub(whole);
        }
    }
    Ok(contents)
}

fn verify(path: &Path, contents: &Contents, contains: Option<&str>) -> Exit {
    if let Some(broken) = &contents.broken {
        anstream::println!("{broken}");
        return Exit::Error;
    }
    let (Some(first), Some(last)) = (contents.lines.first(), contents.lines.last()) else {
        anstream::println!("{}: no record yet", path.display());
        return Exit::Done;
    };
    if let Some(wanted) = contains
        && !contents.lines.iter().any(|line| line.hash.starts_with(wanted))
    {
        anstream::println!("no record has the hash {wanted}: what had it is gone, or was changed");
        return Exit::Error;
    }
    anstream::println!(
        "unbroken: records {} to {} in {} files, {} to {}",
        first.sequence,
        last.sequence,
        contents.files,
        first.at,
        last.at
    );
    anstream::println!("newest hash: {}", last.hash);
    if first.sequence > 1 {
        anstream::println!("older segments were archived and are not here");
    }
    if contents.torn_bytes > 0 {
        anstream::println!(
            "{} bytes after the last record are not whole yet: a process writes, or died writing",
            contents.torn_bytes
        );
    }
    Exit::Done
}

fn show(contents: &Contents, arguments: &JournalCommandArguments) -> anyhow::Result<()> {
    let since = arguments.since.map(before_now);
    let mut shown: BTreeMap<u64, &Intended> = BTreeMap::new();
    let mut ended: BTreeMap<u64, (Ending, Option<&str>)> = BTreeMap::new();
    for line in &contents.lines {
        if let Record::Ended { of, ending, message } = &line.record {
            ended.insert(*of, (*ending, message.as_deref()));
        }
    }
    for line in &contents.lines {
        if since.is_some_and(|since| line.at < since) {
            continue;
        }
        let is_asked = match &line.record {
            Record::Intended(intended) => {
                let is_asked = is_asked(intended, arguments);
                if is_asked {
                    shown.insert(line.sequence, intended);
                }
                is_asked
            }
            Record::Ended { of, .. } => shown.contains_key(of),
            Record::Opened { .. } | Record::Accepted { .. } | Record::Degraded { .. } => {
                arguments.account.is_none() && arguments.region.is_none()
            }
        };
        if !is_asked {
            continue;
        }
        match arguments.output {
            Output::Json => anstream::println!("{}", json(line)?),
            Output::Yaml => anstream::print!("---\n{}", to_yaml(&json(line)?)),
            Output::Text => {
                if let Some(text) = text(line, &ended) {
                    anstream::println!("{} #{:<5} {text}", line.at, line.sequence);
                }
            }
        }
    }
    Ok(())
}

/// The moment so long ago.
pub(super) fn before_now(since: Duration) -> Timestamp {
    let since = SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX);
    Clock::system().wall().checked_sub(since).unwrap_or(Timestamp::MIN)
}

fn is_asked(intended: &Intended, arguments: &JournalCommandArguments) -> bool {
    let matches = |asked: Option<String>, found: &Option<String>| {
        asked.is_none_or(|asked| found.as_ref() == Some(&asked))
    };
    matches(arguments.account.as_ref().map(ToString::to_string), &intended.account)
        && matches(arguments.region.as_ref().map(ToString::to_string), &intended.region)
}

fn json(line: &Line) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(line)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("hash".to_owned(), line.hash.clone().into());
    }
    Ok(value)
}

fn text(line: &Line, ended: &BTreeMap<u64, (Ending, Option<&str>)>) -> Option<String> {
    Some(match &line.record {
        Record::Opened { version, owner, session, torn_bytes } => {
            let torn = match torn_bytes {
                0 => String::new(),
                bytes => format!("; {bytes} bytes of an unfinished record were set aside"),
            };
            format!("{session} (version {version}, owner {owner}) began{torn}")
        }
        Record::Accepted { generation, manifests, summary } => {
            let hash = manifests.get(..12).unwrap_or(manifests);
            format!("generation {generation} in force: {summary} ({hash})")
        }
        Record::Intended(intended) => {
            let (ending, message) = match ended.get(&line.sequence) {
                None => ("its end is not recorded", None),
                Some((Ending::Done, message)) => ("done", *message),
                Some((Ending::Moved, message)) => ("not made", *message),
                Some((Ending::Failed, message)) => ("failed", *message),
            };
            let message = message.map(|it| format!(": {it}")).unwrap_or_default();
            format!("{} · {ending}{message}", describe(intended))
        }
        // Beside what it ends.
        Record::Ended { .. } => return None,
        Record::Degraded { missing, error } => {
            format!("{missing} records are missing here, and are in the log: {error}")
        }
    })
}

fn describe(intended: &Intended) -> String {
    let Intended { key, operation, object, account, region, because, actor, changes, .. } =
        intended;
    let place = match (account, region) {
        (Some(account), Some(region)) => format!(" in {account}/{region}"),
        _ => String::new(),
    };
    let weakens = if intended.weakens { " (weakens)" } else { "" };
    let actor = match actor {
        None => String::new(),
        Some(Actor::Known(arn)) => format!(" by {arn}"),
        Some(Actor::Unknown(query)) => format!(" by someone AWS does not name; ask: {query}"),
    };
    let changes =
        if changes.is_empty() { String::new() } else { format!(" [{}]", changes.join("; ")) };
    format!(
        "{operation} {object}{place}{weakens} · {}{actor} · {key}, generation {}{changes}",
        because.as_str(),
        intended.generation
    )
}

/// Standard output, for what a journal cannot take.
pub(super) fn fallback_to_stdout() -> Box<dyn Write + Send> {
    Box::new(io::stdout())
}

/// Standard error, where standard output is for results.
pub(super) fn fallback_to_stderr() -> Box<dyn Write + Send> {
    Box::new(io::stderr())
}

/// Parses `64MiB`, `512KiB`, `1GiB`, `1000`.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let unit = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((text, 1));
    let number: u64 = number
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is not a size such as 64MiB, 1GiB or 100000"))?;
    number.checked_mul(bytes).ok_or_else(|| format!("`{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert_eq!(size("1000"), Ok(1000));
        assert!(size("64MB").unwrap_err().contains("64MiB"));
        assert!(size("99999999999GiB").unwrap_err().contains("too large"));
    }
}

//! The report as one HTML file that needs nothing else, made to be printed.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use jiff::Timestamp;

use super::coverage::{CellEvidence, Mechanism, State};
use super::history::Integrity;
use super::revisions::RevisionEvidence;
use super::{Report, Standing};

/// Regions that are named as exceptions of all others; beyond that those that count are.
const BUT_MAX: usize = 6;

/// Targets of a policy that are named before they are only counted.
const TARGETS_NAMED: usize = 8;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    tiles: Vec<Tile>,
    holes: Vec<Row>,
    accounts: Vec<AccountRow>,
    rows: Vec<Row>,
    revisions: Vec<Revision<'a>>,
    journal: Journal,
    trust: String,
}

/// How many cells stand so.
struct Tile {
    word: &'static str,
    class: &'static str,
    symbol: char,
    meaning: &'static str,
    count: usize,
}

/// Cells that stand alike: some accounts × some Regions.
struct Row {
    class: &'static str,
    symbol: char,
    word: &'static str,
    accounts: Vec<Who>,
    regions: String,
    mechanisms: Vec<String>,
    why: String,
}

/// An account by its name and its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Who {
    name: String,
    id: String,
}

/// One account in numbers, in the order of the tiles.
struct AccountRow {
    account: String,
    account_name: String,
    counts: Vec<usize>,
}

/// One content in force.
struct Revision<'a> {
    evidence: &'a RevisionEvidence,
    name: &'a str,
    hash: &'a str,
    content: String,
}

/// What is said of the journal.
struct Journal {
    class: &'static str,
    text: String,
}

/// Makes the page. Everything that was read is escaped.
///
/// # Errors
///
/// If the page cannot be written, which its template rules out.
pub fn to_html(report: &Report) -> Result<String, askama::Error> {
    let all = rows(report);
    let (holes, rows) = all.into_iter().partition(|(state, _)| *state < State::Enforced);
    let only = |rows: Vec<(State, Row)>| rows.into_iter().map(|(_, row)| row).collect();
    Page {
        report,
        tiles: State::ALL.into_iter().map(|state| tile(state, report)).collect(),
        holes: only(holes),
        accounts: accounts(&report.cells),
        rows: only(rows),
        revisions: report.guardrails.iter().map(revision).collect(),
        journal: journal(report),
        trust: trust(report),
    }
    .render()
}

fn tile(state: State, report: &Report) -> Tile {
    Tile {
        word: word(state),
        class: class(state),
        symbol: symbol(state),
        meaning: match state {
            State::Broken => "claimed, and not so",
            State::Uncovered => "nothing enforced, nothing claimed",
            State::Unknown => "could not be read",
            State::EnforcedByOthers => "in force, claimed by no manifest",
            State::Enforced => "everything claimed is proven",
            State::NotEnabled => "nothing can be called there",
        },
        count: report.coverage.count(state),
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Broken => "Broken",
        State::Uncovered => "Uncovered",
        State::Unknown => "Unknown",
        State::EnforcedByOthers => "By others",
        State::Enforced => "Enforced",
        State::NotEnabled => "Not enabled",
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Broken | State::Uncovered => "bad",
        State::Unknown | State::EnforcedByOthers => "open",
        State::Enforced => "good",
        State::NotEnabled => "none",
    }
}

/// A sign that is no colour: the report is printed in black, too.
fn symbol(state: State) -> char {
    match state {
        State::Broken => '✗',
        State::Uncovered => '○',
        State::Unknown => '?',
        State::EnforcedByOthers => '◐',
        State::Enforced => '✓',
        State::NotEnabled => '–',
    }
}

/// How cells stand alike.
type Alike = (State, Vec<String>, String);

/// Cells that stand alike as few rows; the worst first. First the Regions of each account are put
/// together, then the accounts with the same Regions.
fn rows(report: &Report) -> Vec<(State, Row)> {
    let mut of_account: BTreeMap<(Alike, Who), BTreeSet<&str>> = BTreeMap::new();
    for cell in &report.cells {
        let mechanisms = cell.mechanisms.iter().map(mechanism).collect();
        let who = Who { name: cell.account_name.clone(), id: cell.cell.account.to_string() };
        let key = ((cell.state, mechanisms, cell.why.clone()), who);
        of_account.entry(key).or_default().insert(cell.cell.region.as_str());
    }
    let mut alike: BTreeMap<(Alike, BTreeSet<&str>), Vec<Who>> = BTreeMap::new();
    for ((how, who), regions) in of_account {
        alike.entry((how, regions)).or_default().push(who);
    }
    alike
        .into_iter()
        .map(|(((state, mechanisms, why), regions), accounts)| {
            let row = Row {
                class: class(state),
                symbol: symbol(state),
                word: word(state),
                accounts,
                regions: named(&regions, &report.coverage.regions),
                mechanisms,
                why,
            };
            (state, row)
        })
        .collect()
}

fn named(regions: &BTreeSet<&str>, all: &[String]) -> String {
    let others: Vec<&str> =
        all.iter().map(String::as_str).filter(|region| !regions.contains(region)).collect();
    let join = |names: &[&str]| names.join(", ");
    match others.len() {
        0 => format!("all {} Regions", all.len()),
        1..=BUT_MAX if others.len() < regions.len() => {
            format!("all {} Regions but {}", all.len(), join(&others))
        }
        _ => join(&regions.iter().copied().collect::<Vec<_>>()),
    }
}

fn mechanism(mechanism: &Mechanism) -> String {
    let Mechanism { level, guardrail, version, revision, limits, strange, updated_by } = mechanism;
    let mut text = level.as_str().to_owned();
    // The ARN differs by Region; what it holds does not.
    match (revision, guardrail, version) {
        (Some(revision), _, _) => {
            text = format!("{text}: revision {}", revision.get(..8).unwrap_or(revision));
        }
        (None, Some(arn), Some(version)) => {
            text = format!("{text}: {}, content not read", arn.with_version(*version));
        }
        (None, _, _) => {}
    }
    for part in strange.iter().chain(limits) {
        text = format!("{text}; {part}");
    }
    match updated_by {
        Some(by) if strange.is_some() || revision.is_none() => format!("{text}; written by {by}"),
        Some(_) | None => text,
    }
}

fn accounts(cells: &[CellEvidence]) -> Vec<AccountRow> {
    let mut rows: BTreeMap<String, AccountRow> = BTreeMap::new();
    for cell in cells {
        let account = cell.cell.account.to_string();
        let row = rows.entry(account.clone()).or_insert_with(|| AccountRow {
            account,
            account_name: cell.account_name.clone(),
            counts: vec![0; State::ALL.len()],
        });
        for (count, state) in row.counts.iter_mut().zip(State::ALL) {
            *count += usize::from(cell.state == state);
        }
    }
    rows.into_values().collect()
}

fn revision(evidence: &RevisionEvidence) -> Revision<'_> {
    let content = evidence.content.as_ref();
    let content = content.and_then(|content| serde_json::to_string_pretty(content).ok());
    Revision {
        evidence,
        name: evidence.guardrail.as_deref().unwrap_or("a guardrail that was not read"),
        hash: evidence.revision.as_deref().unwrap_or("not read"),
        content: content.unwrap_or_default(),
    }
}

fn journal(report: &Report) -> Journal {
    let history = &report.history;
    let path = history.journal.as_deref().unwrap_or_default();
    match &history.integrity {
        Integrity::NotGiven => Journal {
            class: "open",
            text: "No journal was given, so nothing is known of the past.".to_owned(),
        },
        Integrity::Broken { at } => Journal {
            class: "bad",
            text: format!(
                "✗ The journal is BROKEN at {at}. Nothing after that place counts, and what stands \
                 before it is shown for what it is worth."
            ),
        },
        Integrity::Unbroken { records, first, newest_hash } => {
            let archived = if *first > 1 {
                format!(" It begins with record {first}: older segments were archived.")
            } else {
                String::new()
            };
            Journal {
                class: "good",
                text: format!(
                    "✓ {path} is unbroken: {records} records, each of which follows the one \
                     before it.{archived} Newest hash: {newest_hash}"
                ),
            }
        }
    }
}

fn trust(report: &Report) -> String {
    let role = report.access.as_ref().map(|access| &access.member_role);
    role.and_then(|role| serde_json::to_string_pretty(&role.printed_trust).ok()).unwrap_or_default()
}

impl Page<'_> {
    /// To the second: what is finer is noise on paper.
    fn time(at: &Timestamp) -> String {
        at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    fn targets(targets: &[String]) -> String {
        let named = targets.get(..TARGETS_NAMED).unwrap_or(targets).join(", ");
        match targets.len().saturating_sub(TARGETS_NAMED) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

impl Standing {
    fn class(self) -> &'static str {
        match self {
            Self::Met => "good",
            Self::NotObserved => "open",
            Self::NotMet => "bad",
        }
    }

    fn symbol(self) -> char {
        match self {
            Self::Met => '✓',
            Self::NotObserved => '?',
            Self::NotMet => '✗',
        }
    }
}

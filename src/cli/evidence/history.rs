//! The journal in the words of a report.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::cli::journal;
use crate::plan::report::{DriftEvent, History, Integrity};
use crate::status::journal::{Actor, Because, Ending, Intended, Line, Record};

/// Reads and checks a journal; without one nothing is known of the past.
pub(super) fn read(path: Option<&Path>, since: Option<Timestamp>) -> anyhow::Result<History> {
    let Some(path) = path else { return Ok(History::not_given()) };
    let contents = journal::read(path)?;
    let lines = &contents.lines;
    let integrity = match (&contents.broken, lines.last()) {
        (Some(at), _) => Integrity::Broken { at: at.clone() },
        (None, last) => Integrity::Unbroken {
            records: lines.len(),
            first: lines.first().map(|line| line.sequence).unwrap_or_default(),
            newest_hash: last.map(|line| line.hash.clone()).unwrap_or_default(),
        },
    };
    let mut history = History {
        journal: Some(path.display().to_string()),
        integrity,
        since,
        ..History::not_given()
    };
    tell(lines, since, &mut history);
    Ok(history)
}

fn tell(lines: &[Line], since: Option<Timestamp>, history: &mut History) {
    let mut endings: BTreeMap<u64, Ending> = BTreeMap::new();
    for line in lines {
        if let Record::Ended { of, ending, .. } = &line.record {
            endings.insert(*of, *ending);
        }
    }
    for line in lines.iter().filter(|line| since.is_none_or(|since| line.at >= since)) {
        history.span = Some((history.span.map_or(line.at, |(first, _)| first), line.at));
        match &line.record {
            Record::Intended(intended) => {
                history.writes += 1;
                history.weakening += usize::from(intended.weakens);
                if intended.because == Because::Drift {
                    let ending = endings.get(&line.sequence).copied();
                    history.drift.push(event(line, intended, ending));
                }
            }
            Record::Degraded { missing, error } => {
                let gap =
                    format!("{missing} records are missing before #{}: {error}", line.sequence);
                history.gaps.push(gap);
            }
            Record::Opened { torn_bytes, .. } if *torn_bytes > 0 => {
                let sequence = line.sequence;
                let gap = format!("{torn_bytes} bytes of a record were lost before #{sequence}");
                history.gaps.push(gap);
            }
            Record::Opened { .. } | Record::Accepted { .. } | Record::Ended { .. } => {}
        }
    }
}

fn event(line: &Line, intended: &Intended, ending: Option<Ending>) -> DriftEvent {
    let (actor, ask) = match &intended.actor {
        Some(Actor::Known(arn)) => (Some(arn.clone()), None),
        Some(Actor::Unknown(query)) => (None, Some(query.clone())),
        None => (None, None),
    };
    let (ending, is_corrected) = match ending {
        Some(Ending::Done) => ("done", true),
        Some(Ending::Moved) => ("not made", false),
        Some(Ending::Failed) => ("failed", false),
        None => ("its end is not recorded", false),
    };
    DriftEvent {
        at: line.at,
        sequence: line.sequence,
        operation: intended.operation.clone(),
        object: intended.object.clone(),
        account: intended.account.clone(),
        region: intended.region.clone(),
        actor,
        ask,
        changes: intended.changes.clone(),
        ending: ending.to_owned(),
        is_corrected,
    }
}

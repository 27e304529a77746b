//! The newest part of the journal, for the timeline of a process that begins.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::status::Event;
use crate::status::journal::{read_chain, segments};

/// How much of the journal is read: some ten thousand records, of which the timeline keeps a few
/// hundred. More would only make the start longer.
const PAST_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What the journal at `path` tells of the last while, oldest first. What cannot be read, or was
/// changed, is left out: it is `journal verify` that judges a journal.
pub(super) fn past(path: &Path) -> Vec<Event> {
    let mut left = PAST_BYTES_MAX;
    let mut lines = Vec::new();
    for segment in segments(path).unwrap_or_default().iter().rev() {
        let text = match tail(segment, left) {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(path = %segment.display(), %error, "what was before is not shown");
                break;
            }
        };
        match read_chain(&text, &mut None) {
            Ok(before) => lines.splice(0..0, before),
            Err((_, broken)) => {
                let path = segment.display();
                tracing::warn!(%path, %broken, "the journal is broken: what was before is not shown");
                break;
            }
        };
        left = left.saturating_sub(text.len() as u64);
        if left == 0 {
            break;
        }
    }
    crate::status::past(&lines)
}

/// The whole lines among the last so many bytes of a file.
fn tail(path: &Path, bytes_max: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let skipped = file.metadata()?.len().saturating_sub(bytes_max);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let first = if skipped == 0 { Some(whole) } else { whole.split_once('\n').map(|it| it.1) };
    Ok(first.map(|text| format!("{text}\n")).filter(|it| it != "\n").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let tail = |text: &str, bytes_max| {
            std::fs::write(&path, text).unwrap();
            tail(&path, bytes_max).unwrap()
        };
        assert_eq!(tail("", 9), "");
        assert_eq!(tail("torn", 9), "");
        assert_eq!(tail("one\ntwo\nto", 99), "one\ntwo\n");
        assert_eq!(tail("one\ntwo\nto", 8), "two\n");
        assert_eq!(tail("one\ntwo\nto", 3), "");
    }

    #[test]
    fn without_a_journal_there_is_no_past() {
        assert_eq!(past(Path::new("/nowhere/journal.jsonl")), []);
    }
}

//! Lines that each carry the hash of the one before, and their own. Pure.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::record::Record;

/// What the first record of a journal follows.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What stands between a record and its own hash.
const SEAL: &str = ",\"hash\":\"";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub sequence: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The hash of the line before.
    pub previous: String,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
    /// SHA-256 of the line without this field, in hexadecimal.
    #[serde(default, skip_serializing)]
    pub hash: String,
}

/// Where a chain stands: what the next line follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The number of the newest line; 0 before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self { sequence: 0, hash: NOTHING.to_owned() }
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// It is no record of this format.
    Unreadable(String),
    /// It was changed: its hash is not that of its text.
    Changed,
    /// It does not follow the line before it: lines were removed, added, or put in another order.
    Unlinked {
        /// The number it should have.
        expected: u64,
        /// The number it has.
        found: u64,
    },
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it is no record: {error}"),
            Self::Changed => f.write_str("it was changed: its hash is not that of its text"),
            Self::Unlinked { expected, found } if expected == found => {
                write!(f, "record {found} does not follow the one before it, which was replaced")
            }
            Self::Unlinked { expected, found } => {
                write!(
                    f,
                    "record {found} stands where {expected} should: some were removed or added"
                )
            }
        }
    }
}

impl Chain {
    /// The text of the next line, without its newline; the chain then ends with it.
    ///
    /// # Errors
    ///
    /// If the record cannot be written as JSON.
    pub fn append(&mut self, at: Timestamp, record: Record) -> Result<String, serde_json::Error> {
        let sequence = self.sequence.saturating_add(1);
        let previous = self.hash.clone();
        let line = Line { sequence, at, previous, record, hash: String::new() };
        let text = serde_json::to_string(&line)?;
        let hash = hash(&text);
        let open = text.strip_suffix('}').unwrap_or(&text);
        let sealed = format!("{open}{SEAL}{hash}\"}}");
        *self = Self { sequence, hash };
        Ok(sealed)
    }

    /// Takes the next line of a file, without its newline.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the chain then stands where it stood.
    pub fn follow(&mut self, text: &str) -> Result<Line, Break> {
        let line = decode(text)?;
        let expected = self.sequence.saturating_add(1);
        if line.sequence != expected || line.previous != self.hash {
            return Err(Break::Unlinked { expected, found: line.sequence });
        }
        *self = Self { sequence: line.sequence, hash: line.hash.clone() };
        Ok(line)
    }

    /// Where a chain stands that ends with `line`.
    pub fn at(line: &Line) -> Self {
        Self { sequence: line.sequence, hash: line.hash.clone() }
    }

    /// Where a chain stands before `line`.
    pub fn before(line: &Line) -> Self {
        Self { sequence: line.sequence.saturating_sub(1), hash: line.previous.clone() }
    }
}

/// Reads one line, and that it is whole.
pub(super) fn decode(text: &str) -> Result<Line, Break> {
    let line: Line =
        serde_json::from_str(text).map_err(|error| Break::Unreadable(error.to_string()))?;
    let unsealed = text.rsplit_once(SEAL).map(|(open, _)| format!("{open}}}"));
    let is_whole = text.ends_with(&format!("{SEAL}{}\"}}", line.hash));
    match unsealed {
        Some(unsealed) if is_whole && hash(&unsealed) == line.hash => Ok(line),
        Some(_) | None => Err(Break::Changed),
    }
}

/// Reads the lines of a segment one after another. The first line of the oldest segment that is
/// still there says itself what came before it.
///
/// # Errors
///
/// The number of the first broken line in this text, from 1, and what is wrong with it.
pub fn read_chain(text: &str, chain: &mut Option<Chain>) -> Result<Vec<Line>, (usize, Break)> {
    let mut lines = Vec::new();
    // Not `lines`, which would let a carriage return through.
    for (index, text) in text.split_terminator('\n').enumerate() {
        let number = index + 1;
        let mut before = match chain.take() {
            Some(chain) => chain,
            None => Chain::before(&decode(text).map_err(|broken| (number, broken))?),
        };
        let line = before.follow(text).map_err(|broken| (number, broken))?;
        *chain = Some(before);
        lines.push(line);
    }
    Ok(lines)
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted(generation: u64, summary: &str) -> Record {
        let (manifests, summary) = ("ab".repeat(32), summary.to_owned());
        Record::Accepted { generation, manifests, summary }
    }

    fn written(count: u64) -> Vec<String> {
        let mut chain = Chain::default();
        let at = Timestamp::UNIX_EPOCH;
        (0..count).map(|it| chain.append(at, accepted(it, "2 guardrails")).unwrap()).collect()
    }

    fn read(lines: &[String]) -> Result<Vec<Line>, (usize, Break)> {
        read_chain(&lines.join("\n"), &mut Some(Chain::default()))
    }

    #[test]
    fn what_was_appended_reads_back_in_order() {
        let lines = read(&written(5)).unwrap();
        assert_eq!(lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(lines.last().map(|it| it.record.clone()), Some(accepted(4, "2 guardrails")));
    }

    #[test]
    fn a_line_removed_swapped_or_replaced_by_another_of_ours_is_found() {
        let good = written(5);
        let mut removed = good.clone();
        removed.remove(2);
        assert_eq!(read(&removed), Err((3, Break::Unlinked { expected: 3, found: 4 })));
        let mut swapped = good.clone();
        swapped.swap(1, 2);
        assert_eq!(read(&swapped), Err((2, Break::Unlinked { expected: 2, found: 3 })));
        // Somebody who knows the format writes a line with a hash of its own.
        let mut forged = good.clone();
        let mut chain = Chain::at(&decode(&good[1]).unwrap());
        forged[2] = chain.append(Timestamp::UNIX_EPOCH, accepted(9, "forged")).unwrap();
        assert_eq!(read(&forged), Err((4, Break::Unlinked { expected: 4, found: 4 })));
        let text = read(&forged).unwrap_err().1.to_string();
        assert!(text.contains("was replaced"), "{text}");
    }

    #[test]
    fn a_line_that_names_a_hash_in_its_text_keeps_its_own() {
        let mut chain = Chain::default();
        let text = chain.append(Timestamp::UNIX_EPOCH, accepted(1, ",\"hash\":\"x\"}")).unwrap();
        let line = decode(&text).unwrap();
        assert_eq!((line.hash.clone(), line.sequence), (chain.hash, chain.sequence));
        assert_eq!(line.record, accepted(1, ",\"hash\":\"x\"}"));
    }

    proptest! {
        #[test]
        fn no_byte_of_a_line_can_be_changed(position in any::<prop::sample::Index>(), by in 1_u8..=255) {
            let mut lines = written(3);
            let mut bytes = lines[1].clone().into_bytes();
            let position = position.index(bytes.len());
            bytes[position] = bytes[position].wrapping_add(by);
            let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
            prop_assume!(!changed.contains(['\n', '\r']));
            lines[1] = changed;
            prop_assert!(read(&lines).is_err());
        }
    }
}

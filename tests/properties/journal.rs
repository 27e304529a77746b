//! The journal's reader and its recovery.

use bedrail::status::journal::Chain;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::cases;
use crate::laws::journal::{goes_on, verified, written};

fn summaries() -> impl Strategy<Value = Vec<String>> {
    vec("[ -~é\"\\\\]{0,20}", 1..6)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_byte_changed_is_found(
        summaries in summaries(),
        at in any::<Index>(),
        by in 1_u8..=255,
    ) {
        let good = written(&summaries).into_bytes();
        let mut bytes = good.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let found = verified(&bytes);
        // Without its newline the last record counts as one that is not written yet, and is shown so.
        prop_assert!(!matches!(found, Ok((_, 0))), "byte {} of {}", at, good.len());
    }

    #[test]
    fn any_byte_added_or_removed_is_found(
        summaries in summaries(),
        at in any::<Index>(),
        byte in any::<Option<u8>>(),
    ) {
        let mut bytes = written(&summaries).into_bytes();
        let at = at.index(bytes.len());
        match byte {
            Some(byte) => bytes.insert(at, byte),
            None => {
                bytes.remove(at);
            }
        }
        prop_assert!(!matches!(verified(&bytes), Ok((_, 0))), "at {}: {:?}", at, byte);
    }

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..300)) {
        drop(verified(&bytes));
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// A crash at any byte: what was whole stays and is followed, what was not is set aside.
    #[test]
    fn a_journal_that_ends_anywhere_goes_on(summaries in summaries(), at in any::<Index>()) {
        let good = written(&summaries);
        let cut = at.index(good.len() + 1);
        let folder = tempfile::tempdir().unwrap();
        goes_on(folder.path(), &good.as_bytes()[..cut]);
        let after = std::fs::read(folder.path().join("journal.jsonl")).unwrap();
        let (lines, torn) = verified(&after).unwrap();
        let whole = good.as_bytes()[..cut].split(|byte| *byte == b'\n').count() - 1;
        prop_assert_eq!((lines.len(), torn), (whole + 2, 0));
    }

    #[test]
    fn a_journal_of_any_bytes_goes_on(
        head in vec(any::<u8>(), 0..40),
        summaries in summaries(),
        tail in vec(prop_oneof![Just(0), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        goes_on(folder.path(), &[&head[..], written(&summaries).as_bytes(), &tail].concat());
    }
}

/// Somebody who knows the format can write any number and a hash that fits.
#[test]
fn a_journal_that_ends_with_the_last_number_there_is_goes_on() {
    let mut chain = Chain { sequence: u64::MAX - 1, hash: "0".repeat(64) };
    let record = crate::laws::journal::record(1, "forged");
    let line = chain.append(jiff::Timestamp::UNIX_EPOCH, record).unwrap();
    let folder = tempfile::tempdir().unwrap();
    goes_on(folder.path(), format!("{line}\n").as_bytes());
}

//! Forms that outlive a process, letter for letter.

use bedrail::status::journal::{Because, Chain, Intended, Record};
use jiff::Timestamp;

fn intended() -> Record {
    Record::Intended(Intended {
        key: "cell 310000000001/us-east-1".to_owned(),
        operation: "bedrock:PutEnforcedGuardrailConfiguration".to_owned(),
        object: "arn:aws:bedrock:us-east-1:100000000001:guardrail/abc123abc123".to_owned(),
        effect: "update".to_owned(),
        account: Some("310000000001".to_owned()),
        region: Some("us-east-1".to_owned()),
        weakens: false,
        generation: 3,
        because: Because::Rollout,
        actor: None,
        changes: vec!["version: 1 → 2".to_owned()],
    })
}

/// Audits read journals that are seven years old.
#[test]
fn a_line_of_the_journal_is_what_it_was() {
    let at: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
    let mut chain = Chain::default();
    let opened = Record::Opened {
        version: "0.1.0".to_owned(),
        owner: "default".to_owned(),
        session: "bedrail-default".to_owned(),
        torn_bytes: 0,
    };
    let lines = [chain.append(at, opened).unwrap(), chain.append(at, intended()).unwrap()];
    let recorded = include_str!("journal.jsonl");
    assert_eq!(lines.join("\n") + "\n", recorded);
    let mut reader = Chain::default();
    for line in recorded.lines() {
        reader.follow(line).unwrap();
    }
    assert_eq!(reader, chain);
}

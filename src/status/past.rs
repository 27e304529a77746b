//! What the journal tells of the time before this process.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::journal::{Intended, Line, Record};
use super::timeline::Event;

/// The events that these lines tell of, oldest first. A write whose end is not there has none: the
/// process died over it.
pub fn past(lines: &[Line]) -> Vec<Event> {
    let mut events: BTreeMap<u64, Event> = BTreeMap::new();
    let mut begun: BTreeMap<u64, (&Intended, Timestamp)> = BTreeMap::new();
    for line in lines {
        match &line.record {
            Record::Intended(intended) => {
                begun.insert(line.sequence, (intended, line.at));
                events.insert(line.sequence, Event::begun(intended.clone(), line.at));
            }
            Record::Ended { of, ending, message } => {
                let Some((intended, at)) = begun.remove(of) else { continue };
                let ended = (*ending, message.clone());
                events.insert(*of, Event::written(intended.clone(), at, ended, line.at));
            }
            Record::Accepted { generation, summary, .. } => {
                events.insert(line.sequence, Event::accepted(*generation, summary, line.at));
            }
            Record::Opened { .. } | Record::Degraded { .. } => {}
        }
    }
    events.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::journal::{Because, Ending};
    use crate::status::{EventKind, Timeline};

    fn intended(region: &str) -> Record {
        Record::Intended(Intended {
            key: format!("cell 111122223333 {region}"),
            operation: "bedrock:PutEnforcedGuardrailConfiguration".to_owned(),
            object: region.to_owned(),
            effect: "create".to_owned(),
            account: Some("111122223333".to_owned()),
            region: Some(region.to_owned()),
            weakens: false,
            generation: 1,
            because: Because::Drift,
            actor: None,
            changes: Vec::new(),
        })
    }

    fn lines(records: Vec<Record>) -> Vec<Line> {
        let lines = (5..).zip(records).map(|(sequence, record)| Line {
            sequence,
            at: Timestamp::from_second(i64::try_from(sequence).unwrap()).unwrap(),
            previous: String::new(),
            record,
            hash: String::new(),
        });
        lines.collect()
    }

    #[test]
    fn writes_have_their_end_and_one_that_a_crash_cut_off_has_none() {
        let ended = |of| Record::Ended { of, ending: Ending::Done, message: None };
        let events = past(&lines(vec![
            // Its beginning is in a segment that is not read.
            ended(3),
            intended("us-east-1"),
            intended("eu-west-1"),
            ended(6),
        ]));
        let seen: Vec<_> = events
            .iter()
            .map(|it| (it.region.as_deref().unwrap(), it.at.as_second(), it.ending))
            .collect();
        assert_eq!(seen, [("us-east-1", 6, Some(Ending::Done)), ("eu-west-1", 7, None)]);
        assert_eq!(events[0].ended_at.unwrap().as_second(), 8);
    }

    /// What failed before and is done now is one event.
    #[test]
    fn what_this_process_ends_was_begun_by_the_one_before() {
        let failed = Record::Ended { of: 5, ending: Ending::Failed, message: None };
        let mut timeline = Timeline::default();
        for event in past(&lines(vec![intended("us-east-1"), failed])) {
            timeline.push(event);
        }
        let Record::Intended(again) = intended("us-east-1") else { unreachable!() };
        let at = Timestamp::from_second(60).unwrap();
        timeline.push(Event::written(again, at, (Ending::Done, None), at));
        let newest = timeline.newest();
        assert_eq!(newest.len(), 1);
        assert_eq!((newest[0].kind, newest[0].ending), (EventKind::Drift, Some(Ending::Done)));
    }
}

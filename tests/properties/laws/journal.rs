//! A journal survives whatever is in its file, and shows what was done to it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bedrail::status::journal::{
    Break, Chain, Journal, JournalSettings, Line, Record, read_chain, segments,
};
use jiff::Timestamp;

/// A record of any content.
pub(crate) fn record(generation: u64, summary: &str) -> Record {
    let (manifests, summary) = ("ab".repeat(32), summary.to_owned());
    Record::Accepted { generation, manifests, summary }
}

/// So many lines as a process writes them.
pub(crate) fn written(summaries: &[String]) -> String {
    let mut chain = Chain::default();
    let lines = (1..).zip(summaries).map(|(number, summary)| {
        chain.append(Timestamp::UNIX_EPOCH, record(number, summary)).unwrap() + "\n"
    });
    lines.collect()
}

/// What `journal verify` makes of a file: its whole lines, and how many bytes are none.
pub(crate) fn verified(bytes: &[u8]) -> Result<(Vec<Line>, usize), (usize, Break)> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    let lines = read_chain(&text, &mut None)?;
    Ok((lines, bytes.len() - whole))
}

/// Opens a file with these bytes as a journal and writes to it. Whatever was there: what is written
/// can be read, is chained, and nothing that was there is lost.
pub(crate) fn goes_on(folder: &Path, bytes: &[u8]) {
    let path = folder.join("journal.jsonl");
    fs::write(&path, bytes).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(write_to(&path));
    let after = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&after);
    let begun = text.trim_end_matches('\n').rsplitn(3, '\n').take(2).collect::<Vec<_>>();
    let tail = format!("{}\n{}\n", begun[1], begun[0]);
    let lines = read_chain(&tail, &mut None).unwrap();
    assert_eq!(lines[1].record, record(7, "after"));
    let Record::Opened { torn_bytes, .. } = &lines[0].record else {
        unreachable!("the first record of a process says that it began: {tail}")
    };
    let kept = bytes.len() - usize::try_from(*torn_bytes).unwrap();
    assert_eq!(after.get(..kept), bytes.get(..kept), "what was whole was touched");
    assert_eq!(set_aside(folder), &bytes[kept..], "what was not whole is not kept");
    assert_eq!(segments(&path).unwrap().len(), 1);
}

async fn write_to(path: &Path) {
    let settings = JournalSettings { path: path.to_owned(), segment_max: u64::MAX, kept: u64::MAX };
    let opening = |torn_bytes| Record::Opened {
        version: "1".to_owned(),
        owner: "default".to_owned(),
        session: "bedrail-test".to_owned(),
        torn_bytes,
    };
    let time = Arc::new(|| Timestamp::UNIX_EPOCH);
    let journal = Journal::open(settings, time, Box::new(io::sink()), opening).await.unwrap();
    journal.write(record(7, "after")).await.unwrap();
}

/// The bytes that were no whole record.
fn set_aside(folder: &Path) -> Vec<u8> {
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut torn = files.filter(|it| it.to_string_lossy().contains(".torn-"));
    torn.next().map(|it| fs::read(it).unwrap()).unwrap_or_default()
}

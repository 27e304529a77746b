//! Judges whether calls of models are logged where manifests say.

use std::collections::BTreeMap;

use super::{Finding, Reason};
use crate::model::{Cell, DesiredLogging, LoggingConfig, Name, Presence, Read, changes};
use crate::plan::hold::listed;
use crate::plan::logging::spoken;
use crate::plan::render::placeless;

/// One cell whose logging a manifest claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCell {
    /// Where.
    pub cell: Cell,
    /// By which manifest.
    pub manifest: Name,
    /// What should be there.
    pub config: LoggingConfig,
}

impl LoggedCell {
    /// The manifest that claims it: `InvocationLogging/everywhere`.
    pub(super) fn label(&self) -> String {
        format!("InvocationLogging/{}", self.manifest)
    }
}

/// Lists the cells that should be logged, in order.
pub fn logged_cells(logging: &BTreeMap<Cell, DesiredLogging>) -> Vec<LoggedCell> {
    let present = logging.iter().filter(|(_, desired)| desired.state == Presence::Present);
    present
        .map(|(cell, desired)| LoggedCell {
            cell: cell.clone(),
            manifest: desired.manifest.clone(),
            config: desired.config.clone(),
        })
        .collect()
}

/// Judges the logging of a cell by what was read, in words that are the same in every cell. That AWS delivers there is not seen: it tried when
/// the configuration was put.
///
/// | live | verdict |
/// |---|---|
/// | as claimed | proven |
/// | nothing, or something else | failed |
/// | unread | unknown |
pub fn judge_logging(claim: &LoggedCell, read: &Read<LoggingConfig>) -> Finding {
    let to = placeless(&spoken(&claim.config), &claim.cell);
    match read {
        Read::Known(live) if *live == claim.config => {
            Finding::proven(Reason::ReadBack, format!("logged to {to}"))
        }
        Read::Known(live) => {
            let differences = changes(&claim.config.document(), &live.document());
            let differences = listed(differences);
            let differences = placeless(&differences, &claim.cell);
            let message = format!("not logged as claimed (claimed → live): {differences}");
            Finding::failed(Reason::OtherLogging, message)
        }
        Read::KnownAbsent => {
            Finding::failed(Reason::NotLogged, format!("nothing is logged, not to {to}"))
        }
        Read::Unknown(why) => {
            let message = format!(
                "the invocation logging could not be read ({}): {}",
                why.class, why.message
            );
            Finding::unknown(Reason::Unreadable, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::model::{Bucket, DataKind, OnForeign};
    use crate::plan::fixture::{MEMBER, OTHER, cell, unread};

    fn to(bucket: &str) -> LoggingConfig {
        LoggingConfig {
            log_group: None,
            bucket: Some(Bucket { name: bucket.to_owned(), prefix: None }),
            delivered: DataKind::ALL.into(),
        }
    }

    fn want(state: Presence) -> DesiredLogging {
        let manifest = "logs".parse().unwrap();
        DesiredLogging { state, manifest, config: to("ours"), on_foreign: OnForeign::Replace }
    }

    #[test]
    fn only_what_is_to_be_logged_is_claimed() {
        let logging = BTreeMap::from([
            (cell(MEMBER), want(Presence::Present)),
            (cell(OTHER), want(Presence::Absent)),
        ]);
        let cells: Vec<Cell> = logged_cells(&logging).into_iter().map(|it| it.cell).collect();
        assert_eq!(cells, [cell(MEMBER)]);
    }

    #[test]
    fn only_what_was_read_as_claimed_is_proven() {
        let [claim] = logged_cells(&BTreeMap::from([(cell(MEMBER), want(Presence::Present))]))
            .try_into()
            .unwrap();
        let silent = LoggingConfig { delivered: [DataKind::Text].into(), ..to("ours") };
        let rows = [
            (Read::Known(to("ours")), Verdict::Proven, Reason::ReadBack, "bucket ours"),
            (
                Read::Known(to("theirs")),
                Verdict::Failed,
                Reason::OtherLogging,
                "s3Config.bucketName: ours → theirs",
            ),
            (
                Read::Known(silent),
                Verdict::Failed,
                Reason::OtherLogging,
                "audioDataDeliveryEnabled: true → false",
            ),
            (Read::KnownAbsent, Verdict::Failed, Reason::NotLogged, "nothing is logged"),
            (Read::Unknown(unread()), Verdict::Unknown, Reason::Unreadable, "could not be read"),
        ];
        for (read, verdict, reason, words) in rows {
            let found = judge_logging(&claim, &read);
            assert_eq!((found.verdict, found.reason), (verdict, reason), "{read:?}");
            assert!(found.message.contains(words), "{words}: {}", found.message);
        }
    }
}

//! Judges what is logged in cells that no manifest claims.

use std::collections::BTreeMap;

use crate::model::{Cell, DesiredLogging, Logging, LoggingConfig, Name, Presence, Template};

/// What is wrong with the logging of a cell that no manifest claims.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnclaimedLogging {
    /// Calls are logged as this manifest asks in other cells. Left alone.
    Orphan(Name),
    /// Calls are logged nowhere, although manifests ask for it elsewhere.
    Unlogged,
}

/// What manifests ask for, whatever the cell, and which does.
pub type LoggingTemplates = BTreeMap<Logging<Template>, Name>;

/// What the manifests ask for. AWS keeps no mark of who put a configuration: that it says what ours
/// say, with its own account and Region in their places, is all there is to know one by.
pub fn logging_templates(
    desired: &BTreeMap<Cell, DesiredLogging>,
    partition: &str,
) -> LoggingTemplates {
    let present = desired.iter().filter(|(_, it)| it.state == Presence::Present);
    present
        .filter_map(|(cell, it)| Some((it.config.recognise(cell, partition)?, it.manifest.clone())))
        .collect()
}

/// Judges a cell that no manifest claims, by what was read there.
///
/// | live | finding |
/// |---|---|
/// | nothing | unlogged |
/// | what a manifest asks for elsewhere | orphan |
/// | something else | none: it is somebody's own |
///
/// Where no manifest asks for logging at all, nothing is found.
pub fn judge_unclaimed_logging(
    live: Option<&LoggingConfig>,
    (cell, partition): (&Cell, &str),
    templates: &LoggingTemplates,
) -> Option<UnclaimedLogging> {
    if templates.is_empty() {
        return None;
    }
    let Some(live) = live else { return Some(UnclaimedLogging::Unlogged) };
    let template = live.recognise(cell, partition)?;
    templates.get(&template).cloned().map(UnclaimedLogging::Orphan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Bucket, DataKind, OnForeign};
    use crate::plan::fixture::{MEMBER, OTHER, cell};

    fn to(bucket: &str) -> LoggingConfig {
        LoggingConfig {
            log_group: None,
            bucket: Some(Bucket { name: bucket.to_owned(), prefix: None }),
            delivered: DataKind::ALL.into(),
        }
    }

    fn templates(state: Presence) -> LoggingTemplates {
        let config = to(&format!("logs-{MEMBER}"));
        let manifest = "logs".parse().unwrap();
        let desired = DesiredLogging { state, manifest, config, on_foreign: OnForeign::Replace };
        logging_templates(&BTreeMap::from([(cell(MEMBER), desired)]), "aws")
    }

    #[test]
    fn what_is_logged_as_our_texts_say_and_what_is_not_logged_is_found() {
        let present = templates(Presence::Present);
        let orphan = UnclaimedLogging::Orphan("logs".parse().unwrap());
        let rows = [
            (None, &present, Some(UnclaimedLogging::Unlogged)),
            (Some(to(&format!("logs-{OTHER}"))), &present, Some(orphan)),
            (Some(to(&format!("logs-{MEMBER}"))), &present, None),
            (Some(to("theirs")), &present, None),
            (Some(to("${account}")), &present, None),
            (None, &templates(Presence::Absent), None),
            (Some(to(&format!("logs-{OTHER}"))), &templates(Presence::Absent), None),
        ];
        for (live, templates, expected) in rows {
            let found = judge_unclaimed_logging(live.as_ref(), (&cell(OTHER), "aws"), templates);
            assert_eq!(found, expected, "{live:?}");
        }
    }
}

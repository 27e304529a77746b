//! Everything about one account and Region.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::status::journal::Actor;
use crate::status::{KeyStatus, key_to_text};

/// Events that are shown.
const EVENTS_MAX: usize = 8;

/// What the controller says of a cell at `/api/v1/cells/ACCOUNT/REGION`: as much as is shown, so
/// that a member that a release adds is no error.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CellDetail {
    name: String,
    account_state: String,
    unit: String,
    desired: Option<Desired>,
    live: Live,
    #[serde(default)]
    organization: Vec<String>,
    #[serde(default)]
    difference: Vec<String>,
    /// What is visited there.
    pub(super) keys: Vec<KeyStatus>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Clone, Debug, Deserialize)]
struct Desired {
    manifest: String,
    guardrail: String,
    revision: String,
    version: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Live {
    slot: String,
    version: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Event {
    at: Timestamp,
    /// Why.
    kind: Value,
    what: String,
    #[serde(default)]
    changes: Vec<String>,
    /// Who made it necessary, for drift.
    actor: Option<Actor>,
}

impl CellDetail {
    /// What is desired, what is live, how they differ, why, and what was written last.
    pub(super) fn text(&self, at: Timestamp) -> String {
        let mut text: String = self.keys.iter().map(|key| key_to_text(key, at)).collect();
        let mut line = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            writeln!(text, "  {name:<12} {value}").ok();
        };
        line("account", &format!("{} ({}), {}", self.name, self.account_state, self.unit));
        match &self.desired {
            None => line("desired", "nothing: no manifest claims its configuration"),
            Some(Desired { manifest, guardrail, revision, version }) => {
                let version = version.as_deref().unwrap_or("not published there yet");
                line("desired", &format!("{manifest}: {guardrail} at {revision}, {version}"));
            }
        }
        line("live", self.live.text().as_str());
        for policy in &self.organization {
            line("inherited", policy);
        }
        if self.difference.is_empty() {
            line("difference", "none");
        }
        for difference in &self.difference {
            line("difference", difference);
        }
        for Event { at, kind, what, changes, actor } in self.events.iter().take(EVENTS_MAX) {
            let kind = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
            line("event", &format!("{at:.0} {kind}: {what}"));
            for change in changes {
                line("", change);
            }
            match actor {
                None => {}
                Some(Actor::Known(who)) => line("", &format!("by {who}")),
                Some(Actor::Unknown(query)) => line("", &format!("by unknown; ask: {query}")),
            }
        }
        text
    }
}

impl Live {
    fn text(&self) -> String {
        let slot = match self.slot.as_str() {
            "Empty" => "nothing is enforced",
            "Taken" => "a configuration is in force",
            "NotEnabled" => "the account has not enabled the Region",
            "Unread" => "not read yet",
            other => other,
        };
        match &self.version {
            Some(version) => format!("{slot}: {version}"),
            None => slot.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn detail(desired: &Value, live: &Value, difference: &Value) -> String {
        let detail = json!({
            "place": {"account": "111122223333", "region": "us-east-1"},
            "name": "shop", "accountState": "ACTIVE", "unit": "/Workloads", "state": "Held",
            "desired": desired, "live": live, "organization": ["p-1 on /Workloads: baseline"],
            "difference": difference,
            "keys": [{
                "key": "cell 111122223333 us-east-1", "kind": "Cell", "phase": "Held",
                "reason": "ForeignConfiguration", "message": "somebody else's is in force",
            }],
            "events": [
                {"number": 7, "at": "2026-01-01T00:00:00Z", "kind": "Drift", "what": "put back",
                 "changes": ["guardrailVersion: 2 → 3"], "ending": "Accepted",
                 "actor": {"Known": "arn:aws:sts::111122223333:assumed-role/Admin/me"}},
                {"number": 5, "at": "2026-01-01T00:00:00Z", "kind": "Drift", "what": "again",
                 "actor": {"Unknown": "aws cloudtrail lookup-events"}},
                {"number": 3, "at": "2026-01-01T00:00:00Z", "kind": "Manifest", "what": "first"},
            ],
        });
        let detail: CellDetail = serde_json::from_value(detail).unwrap();
        detail.text(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_cell_says_what_is_desired_live_different_why_and_what_happened() {
        let desired = json!({"manifest": "AccountEnforcement/all", "guardrail": "baseline",
                             "revision": "3f9c2a41d0b7", "version": "arn:x:3"});
        let live = json!({"slot": "Taken", "version": "arn:y:1"});
        let text = detail(&desired, &live, &json!(["guardrail: arn:y:1 → arn:x:3"]));
        for line in [
            "! cell 111122223333 us-east-1 Held",
            "  why          ForeignConfiguration: somebody else's is in force",
            "  account      shop (ACTIVE), /Workloads",
            "  desired      AccountEnforcement/all: baseline at 3f9c2a41d0b7, arn:x:3",
            "  live         a configuration is in force: arn:y:1",
            "  inherited    p-1 on /Workloads: baseline",
            "  difference   guardrail: arn:y:1 → arn:x:3",
            "  event        2026-01-01T00:00:00Z Drift: put back",
            "               guardrailVersion: 2 → 3",
            "               by arn:aws:sts::111122223333:assumed-role/Admin/me",
            "               by unknown; ask: aws cloudtrail lookup-events",
            "  event        2026-01-01T00:00:00Z Manifest: first",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_cell_that_nobody_claims_says_so() {
        let text = detail(&Value::Null, &json!({"slot": "Empty"}), &json!([]));
        assert!(text.contains("desired      nothing: no manifest claims"), "{text}");
        assert!(text.contains("live         nothing is enforced\n"), "{text}");
        assert!(text.contains("difference   none\n"), "{text}");
    }
}

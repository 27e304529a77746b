//! A message in the words of its receiver.

use serde_json::{Value, json};

use super::{AlertStatus, Message};

/// One line: what began, stays or is over, and how often.
pub fn title(message: &Message) -> String {
    let Message { status, kind, count, firing, .. } = message;
    let (kind, meaning) = (kind.as_str(), kind.meaning());
    match status {
        AlertStatus::Firing if count == firing => format!("{kind}: {meaning} ({count})"),
        AlertStatus::Firing => format!("{kind}: {meaning} ({count} more, {firing} in all)"),
        AlertStatus::Reminder => format!("{kind}: still, {meaning} ({count})"),
        AlertStatus::Resolved if *firing == 0 => format!("{kind}: over ({count})"),
        AlertStatus::Resolved => format!("{kind}: over for {count}, {firing} left"),
        AlertStatus::Test => "Test: alerts of Bedrail arrive here".to_owned(),
    }
}

/// The title and the first few subjects, one line each.
pub fn to_text(message: &Message, origin: &str) -> String {
    let mut lines = vec![format!("[{origin}] {}", title(message))];
    lines.extend(message.subjects.iter().map(|(subject, why)| {
        if why.is_empty() { format!("- {subject}") } else { format!("- {subject}: {why}") }
    }));
    let more = message.count.saturating_sub(message.subjects.len());
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines.join("\n")
}

/// A document of `bedrail.dev/v1alpha1`. Members are only ever added to it.
pub fn to_json(message: &Message, origin: &str) -> Value {
    let Message { status, kind, at, count, firing, subjects } = message;
    let subject = |(subject, why): &(String, String)| json!({"subject": subject, "message": why});
    json!({
        "apiVersion": "bedrail.dev/v1alpha1",
        "kind": "Alert",
        "status": status,
        "alert": kind,
        "title": title(message),
        "origin": origin,
        "at": at,
        "count": count,
        "firing": firing,
        "subjects": subjects.iter().map(subject).collect::<Vec<_>>(),
        "more": count.saturating_sub(subjects.len()),
    })
}

/// What Slack, and what understands Slack's webhooks, takes. Names that others have given to
/// accounts mention nobody and link nowhere.
pub fn to_slack(message: &Message, origin: &str) -> Value {
    let sign = match message.status {
        AlertStatus::Firing => ":rotating_light:",
        AlertStatus::Reminder => ":warning:",
        AlertStatus::Resolved => ":white_check_mark:",
        AlertStatus::Test => ":wave:",
    };
    let text = to_text(message, origin);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({"text": format!("{sign} {text}")})
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::AlertKind;
    use super::*;

    fn message(status: AlertStatus, count: usize, firing: usize) -> Message {
        Message {
            status,
            kind: AlertKind::Unprotected,
            at: Timestamp::UNIX_EPOCH,
            count,
            firing,
            subjects: vec![("1 us-east-1 (<!channel> & co)".to_owned(), "bare".to_owned())],
        }
    }

    #[test]
    fn titles_count_what_changed_and_what_is_left() {
        let title = |status, count, firing| title(&message(status, count, firing));
        assert!(title(AlertStatus::Firing, 7, 7).ends_with("(7)"));
        assert!(title(AlertStatus::Firing, 2, 7).ends_with("(2 more, 7 in all)"));
        assert!(title(AlertStatus::Resolved, 2, 5).ends_with("over for 2, 5 left"));
        assert!(title(AlertStatus::Resolved, 2, 0).ends_with("over (2)"));
    }

    #[test]
    fn slack_is_told_in_words_that_mention_nobody() {
        let slack = to_slack(&message(AlertStatus::Firing, 1000, 1000), "prod");
        let text = slack["text"].as_str().unwrap();
        assert!(text.contains("(&lt;!channel&gt; &amp; co): bare"), "{text}");
        assert!(text.contains("[prod]") && text.contains("and 999 more"), "{text}");
        assert_eq!(slack.as_object().unwrap().len(), 1);
    }

    #[test]
    fn programs_are_told_the_same_in_members() {
        let alert = to_json(&message(AlertStatus::Resolved, 6, 2), "prod");
        assert_eq!(
            (&alert["status"], &alert["alert"]),
            (&json!("resolved"), &json!("Unprotected"))
        );
        assert_eq!(
            (&alert["count"], &alert["firing"], &alert["more"]),
            (&json!(6), &json!(2), &json!(5))
        );
    }
}

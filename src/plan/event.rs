//! Reads what EventBridge tells of a write, as a hint where to look (`aws-facts` 9).
//!
//! | message | becomes |
//! |---|---|
//! | a write by anybody else to Bedrock or Organizations | a [`Hint`] |
//! | a write of our own | nothing: its visit reads again anyway |
//! | a call that failed | nothing: nothing has changed |
//! | anything else: another service, another shape, no JSON | nothing |
//!
//! A hint is only ever a reason to read. Whatever a message says, what is written follows from what
//! AWS then answers; so messages may be late, doubled, out of order, forged or missing.

use serde::Deserialize;

use crate::model::{AccountId, Cell, Region};

/// Who we are to CloudTrail.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The name of our sessions in other accounts.
    pub session: &'a str,
    /// Whose credentials we use in our own.
    pub caller: &'a str,
    /// What our User-Agent holds.
    pub application: &'a str,
}

/// What a message is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody wrote something.
    Hint(Hint),
    /// We wrote it.
    Own,
    /// It failed.
    Failed,
    /// It is not for us, or cannot be understood.
    Foreign,
}

/// Where to look, and who is said to have written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Where.
    pub subject: Subject,
    /// What was called: `bedrock:DeleteEnforcedGuardrailConfiguration`.
    pub operation: String,
    /// The ARN of who called.
    pub actor: Option<String>,
}

/// What a write can have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The enforced configuration of a cell.
    Enforced(Cell),
    /// The invocation logging of a cell.
    Logging(Cell),
    /// Guardrails, their versions, tags and resource policies in a cell.
    Guardrails(Cell),
    /// Policies and attachments of the organization.
    Policies,
    /// Units and accounts of the organization.
    Tree,
    /// The tags of an account, a unit or a policy.
    Tags(Option<AccountId>),
}

/// The parts of a message that are read.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "detail-type")]
    detail_type: String,
    account: String,
    region: String,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_source: String,
    event_name: String,
    error_code: Option<String>,
    user_identity: Option<Identity>,
    user_agent: Option<String>,
    request_parameters: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Identity {
    arn: Option<String>,
}

/// Reads one message.
pub fn read_event(body: &str, us: Writer<'_>) -> Event {
    let Ok(message) = serde_json::from_str::<Message>(body) else { return Event::Foreign };
    if message.detail_type != "AWS API Call via CloudTrail" {
        return Event::Foreign;
    }
    let Some((subject, service)) = subject(&message) else { return Event::Foreign };
    let Detail { event_name, error_code, user_identity, user_agent, .. } = message.detail;
    if error_code.is_some() {
        return Event::Failed;
    }
    let actor = user_identity.and_then(|identity| identity.arn);
    if is_own(actor.as_deref(), user_agent.as_deref(), us) {
        return Event::Own;
    }
    Event::Hint(Hint { subject, operation: format!("{service}:{event_name}"), actor })
}

/// Whether we wrote it. In other accounts the session says so; our own credentials may be those of
/// people too, who have another User-Agent.
fn is_own(actor: Option<&str>, agent: Option<&str>, us: Writer<'_>) -> bool {
    let Some(actor) = actor else { return false };
    let is_session = actor.rsplit_once('/').is_some_and(|(_, name)| name == us.session);
    let is_agent = agent.is_some_and(|agent| agent.contains(us.application));
    is_session || actor == us.caller && is_agent
}

fn subject(message: &Message) -> Option<(Subject, &'static str)> {
    let Message { account, region, detail, .. } = message;
    match detail.event_source.as_str() {
        "bedrock.amazonaws.com" => {
            let account: AccountId = account.parse().ok()?;
            let region: Region = region.parse().ok()?;
            Some((in_cell(&detail.event_name, Cell { account, region })?, "bedrock"))
        }
        "organizations.amazonaws.com" => Some((in_organization(detail)?, "organizations")),
        _ => None,
    }
}

fn in_cell(name: &str, cell: Cell) -> Option<Subject> {
    match name {
        "PutEnforcedGuardrailConfiguration" | "DeleteEnforcedGuardrailConfiguration" => {
            Some(Subject::Enforced(cell))
        }
        "PutModelInvocationLoggingConfiguration" | "DeleteModelInvocationLoggingConfiguration" => {
            Some(Subject::Logging(cell))
        }
        "CreateGuardrail"
        | "UpdateGuardrail"
        | "DeleteGuardrail"
        | "CreateGuardrailVersion"
        | "PutResourcePolicy"
        | "DeleteResourcePolicy"
        | "TagResource"
        | "UntagResource" => Some(Subject::Guardrails(cell)),
        _ => None,
    }
}

fn in_organization(detail: &Detail) -> Option<Subject> {
    match detail.event_name.as_str() {
        "CreatePolicy"
        | "UpdatePolicy"
        | "DeletePolicy"
        | "AttachPolicy"
        | "DetachPolicy"
        | "EnablePolicyType"
        | "DisablePolicyType"
        | "PutResourcePolicy"
        | "DeleteResourcePolicy" => Some(Subject::Policies),
        "MoveAccount"
        | "CreateAccount"
        | "CreateAccountResult"
        | "CloseAccount"
        | "CloseAccountResult"
        | "InviteAccountToOrganization"
        | "AcceptHandshake"
        | "RemoveAccountFromOrganization"
        | "CreateOrganizationalUnit"
        | "UpdateOrganizationalUnit"
        | "DeleteOrganizationalUnit" => Some(Subject::Tree),
        "TagResource" | "UntagResource" => {
            let parameters = detail.request_parameters.as_ref();
            let resource = parameters.and_then(|it| it.get("resourceId")?.as_str());
            Some(Subject::Tags(resource.and_then(|id| id.parse().ok())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const US: Writer<'_> = Writer {
        session: "bedrail-main",
        caller: "arn:aws:iam::999999999999:role/Controller",
        application: "app/bedrail",
    };

    fn message(source: &str, name: &str, actor: &str) -> Value {
        json!({
            "version": "0", "detail-type": "AWS API Call via CloudTrail",
            "account": "222233334444", "region": "us-east-1",
            "detail": {
                "eventSource": source, "eventName": name,
                "userIdentity": {"type": "AssumedRole", "arn": actor},
                "userAgent": "aws-cli/2.0", "requestParameters": {"resourceId": "222233334444"},
            },
        })
    }

    fn read(message: &Value) -> Event {
        read_event(&message.to_string(), US)
    }

    const ADMIN: &str = "arn:aws:sts::222233334444:assumed-role/Admin/me";

    #[test]
    fn a_write_of_somebody_else_says_where_to_look_and_who_it_was() {
        let cell = || Cell {
            account: "222233334444".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        let (bedrock, organizations) = ("bedrock.amazonaws.com", "organizations.amazonaws.com");
        for (source, name, subject) in [
            (bedrock, "DeleteEnforcedGuardrailConfiguration", Subject::Enforced(cell())),
            (bedrock, "PutModelInvocationLoggingConfiguration", Subject::Logging(cell())),
            (bedrock, "PutResourcePolicy", Subject::Guardrails(cell())),
            (organizations, "PutResourcePolicy", Subject::Policies),
            (organizations, "DetachPolicy", Subject::Policies),
            (organizations, "MoveAccount", Subject::Tree),
            (organizations, "TagResource", Subject::Tags("222233334444".parse().ok())),
        ] {
            let Event::Hint(hint) = read(&message(source, name, ADMIN)) else {
                panic!("{name} is no hint");
            };
            assert_eq!((hint.subject, hint.actor.as_deref()), (subject, Some(ADMIN)), "{name}");
        }
    }

    #[test]
    fn our_own_writes_and_failed_calls_are_no_hints() {
        let source = "bedrock.amazonaws.com";
        let name = "PutEnforcedGuardrailConfiguration";
        let session = "arn:aws:sts::222233334444:assumed-role/BedrailMember/bedrail-main";
        assert_eq!(read(&message(source, name, session)), Event::Own);
        let mut own = message(source, name, US.caller);
        assert!(matches!(read(&own), Event::Hint(_)), "a person with our credentials");
        own["detail"]["userAgent"] = json!("aws-sdk-rust/1.3 app/bedrail");
        assert_eq!(read(&own), Event::Own);
        let mut failed = message(source, name, ADMIN);
        failed["detail"]["errorCode"] = json!("AccessDenied");
        assert_eq!(read(&failed), Event::Failed);
    }

    #[test]
    fn whatever_else_comes_is_nobodys_business() {
        let source = "bedrock.amazonaws.com";
        let mut other = message(source, "DeleteGuardrail", ADMIN);
        other["detail-type"] = json!("Scheduled Event");
        let mut place = message(source, "DeleteGuardrail", ADMIN);
        place["account"] = json!("not an account");
        for message in [
            message("s3.amazonaws.com", "DeleteBucket", ADMIN),
            message(source, "InvokeModel", ADMIN),
            other,
            place,
            json!({"detail-type": "AWS API Call via CloudTrail"}),
            json!([1, 2]),
        ] {
            assert_eq!(read(&message), Event::Foreign, "{message}");
        }
        for text in ["", "{", "null", "\u{0}", &"[".repeat(10_000)] {
            assert_eq!(read_event(text, US), Event::Foreign);
        }
    }
}

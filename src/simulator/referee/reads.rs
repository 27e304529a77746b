//! What the controller has read, completely: every page of every list, and when the first of
//! them was asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::call::{Answer, Call, Millis, Reply, Service};
use super::super::world::Place;
use super::memory::Tick;

/// What a list is about: operation, account, Region, and the member that selects.
type List = (&'static str, String, String, String);

/// The log of reads.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Lists under way, by the token of the page to come: when their first page was asked for.
    open: BTreeMap<(List, String), Tick>,
    complete: BTreeMap<List, Tick>,
    /// Slots: when last read, and the configuration found there.
    slots: BTreeMap<Place, (Tick, Option<Value>)>,
    /// Policies: when last described.
    policies: BTreeMap<String, Tick>,
    /// Resource policies: when last read, and the text found; none where there was none.
    grants: BTreeMap<String, (Millis, Option<String>)>,
}

impl Reads {
    /// Takes note of one read at `tick`. Only what was answered counts; for an enforced
    /// configuration, not-found is an answer.
    pub(super) fn note(&mut self, tick: Tick, call: &Call, answer: &Answer) {
        let body = match answer {
            Ok(Reply::Body { body, .. }) => body,
            Err(failure) if failure.code == "ResourceNotFoundException" => &Value::Null,
            Ok(Reply::Stream(_)) | Err(_) => return,
        };
        if call.operation == "DescribePolicy" {
            self.policies.insert(call.text("PolicyId").unwrap_or_default().to_owned(), tick);
        }
        if call.operation == "GetResourcePolicy" {
            let found = body.get("resourcePolicy").and_then(Value::as_str).map(str::to_owned);
            let resource = call.labels.first().cloned().unwrap_or_default();
            self.grants.insert(resource, (call.at, found));
        }
        if call.operation == "ListEnforcedGuardrailsConfiguration" {
            let place = (call.caller.account.clone(), call.region.clone());
            let found = body.pointer("/guardrailsConfig/0").cloned();
            self.slots.insert(place, (tick, found));
        }
        if call.operation.starts_with("List") {
            self.note_page(tick, call, body);
        }
    }

    fn note_page(&mut self, tick: Tick, call: &Call, body: &Value) {
        let list = list_of(call);
        let sent = call.text("NextToken").or_else(|| call.parameter("nextToken"));
        let began = match sent {
            None => Some(tick),
            Some(token) => self.open.remove(&(list.clone(), token.to_owned())),
        };
        let Some(began) = began else { return };
        let next = body.get("NextToken").or_else(|| body.get("nextToken")).and_then(Value::as_str);
        match next {
            Some(token) => {
                self.open.insert((list, token.to_owned()), began);
            }
            None => {
                self.complete.insert(list, began);
            }
        }
    }

    /// When the last complete read of an Organizations list about `subject` began.
    pub(super) fn organization_list(&self, operation: &'static str, subject: &str) -> Option<Tick> {
        let about = |list: &List| list.0 == operation && list.3 == subject;
        self.complete.iter().filter(|(list, _)| about(list)).map(|(_, tick)| *tick).max()
    }

    /// When a slot was last read, and the configuration found there, as it was listed.
    pub(super) fn slot(&self, account: &str, region: &str) -> Option<(Tick, Option<&Value>)> {
        let slot = self.slots.get(&(account.to_owned(), region.to_owned()));
        slot.map(|(tick, found)| (*tick, found.as_ref()))
    }

    /// The resource policies that were read since `from`, by what they stand on.
    pub(super) fn grants_since(&self, from: Millis) -> impl Iterator<Item = (&str, Option<&str>)> {
        let recent = self.grants.iter().filter(move |(_, (at, _))| *at >= from);
        recent.map(|(resource, (_, text))| (resource.as_str(), text.as_deref()))
    }

    /// Forgets what was read of a resource policy that the controller has written since.
    pub(super) fn forget_grant(&mut self, resource: &str) {
        self.grants.remove(resource);
    }

    /// When a policy was last described.
    pub(super) fn policy(&self, id: &str) -> Option<Tick> {
        self.policies.get(id).copied()
    }
}

/// Organizations is one, whoever asks; Bedrock is the caller's in its Region.
fn list_of(call: &Call) -> List {
    let subjects = ["Filter", "PolicyId", "TargetId", "ParentId"];
    let subject = match call.service {
        Service::Organizations => {
            let named = subjects.iter().filter_map(|member| call.text(member));
            return (
                call.operation,
                String::new(),
                String::new(),
                named.collect::<Vec<_>>().join(" "),
            );
        }
        Service::Bedrock | Service::BedrockRuntime | Service::Sts | Service::Iam | Service::Sns => {
            call.parameter("guardrailIdentifier").unwrap_or_default()
        }
    };
    (call.operation, call.caller.account.clone(), call.region.clone(), subject.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::list_policies;
    use super::*;

    #[test]
    fn a_list_is_complete_only_after_its_last_page_and_as_old_as_its_first() {
        let mut reads = Reads::default();
        let page = |next: Option<&str>| Ok(Reply::ok(json!({"Policies": [], "NextToken": next})));
        let when = |reads: &Reads| reads.organization_list("ListPolicies", "BEDROCK_POLICY");
        reads.note(1, &list_policies(None), &page(Some("a")));
        assert_eq!(when(&reads), None);
        reads.note(2, &list_policies(Some("b")), &page(None));
        assert_eq!(when(&reads), None, "a page of another list");
        reads.note(3, &list_policies(Some("a")), &page(None));
        assert_eq!(when(&reads), Some(1));
    }
}

//! Judges the prerequisites: what was asked, what came back, and what to do about it.
//!
//! | check | is about | fails when |
//! |---|---|---|
//! | `endpoint` | an API in a Region | nothing answers |
//! | `credentials` | ours | AWS does not know them |
//! | `clock` | ours | it is off by more than two minutes |
//! | `all-features` | the organization | it only consolidates bills, or there is none |
//! | `policy-types` | its root | `BEDROCK_POLICY` is not enabled |
//! | `delegation` | a controller in a member account | Organizations does not let it in |
//! | `permissions` | a read | it is denied |
//! | `role` | an account | its member role cannot be assumed |
//! | `region` | an account | it has not enabled the Region |

mod render;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{AccountId, PolicyTypeStatus, Region, Unread};

pub use render::{to_json, to_text};

/// How far a clock may be off. AWS refuses signatures of five minutes; a clock that is off by two
/// is not kept by anybody, and will be.
const CLOCK_OFF_MAX_S: u64 = 120;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Whether an API answers.
    Endpoint,
    /// Whether AWS knows us.
    Credentials,
    /// Whether our clock is right.
    Clock,
    /// Whether the organization has all features.
    AllFeatures,
    /// Whether Bedrock policies take effect.
    PolicyTypes,
    /// Whether Organizations lets a member account in.
    Delegation,
    /// Whether we may read what we need to.
    Permissions,
    /// Whether the member role can be assumed.
    Role,
    /// Whether a Region is enabled.
    Region,
}

impl Check {
    /// The name that stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Credentials => "credentials",
            Self::Clock => "clock",
            Self::AllFeatures => "all-features",
            Self::PolicyTypes => "policy-types",
            Self::Delegation => "delegation",
            Self::Permissions => "permissions",
            Self::Role => "role",
            Self::Region => "region",
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is as it should be.
    Fine,
    /// It is not.
    Failed,
    /// It could not be found out: something else failed first, or AWS was busy.
    Unknown,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What was checked.
    pub check: Check,
    /// About what: `us-east-1`, `222233334444 (shop)`.
    pub subject: String,
    /// How it ended.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What to do; empty when it is fine.
    pub todo: String,
}

/// Whether nothing is left to do.
pub fn is_fine(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.status == Status::Fine)
}

impl Row {
    /// A line that says that something is as it should be.
    pub fn fine(check: Check, subject: impl Into<String>, found: impl Into<String>) -> Self {
        let (subject, found) = (subject.into(), found.into());
        Self { check, subject, status: Status::Fine, found, todo: String::new() }
    }

    /// A line about something that depends on what failed before.
    pub fn unknown(check: Check, subject: impl Into<String>, found: impl Into<String>) -> Self {
        let todo = "settle what failed above, and ask again".to_owned();
        let (subject, found) = (subject.into(), found.into());
        Self { check, subject, status: Status::Unknown, found, todo }
    }

    fn failed(check: Check, subject: &str, found: &str, todo: impl Into<String>) -> Self {
        let (subject, found) = (subject.to_owned(), found.to_owned());
        Self { check, subject, status: Status::Failed, found, todo: todo.into() }
    }
}

/// Judges that we could not even ask who we are.
pub fn not_connected(error: &Unread) -> Row {
    match error.class {
        "Unavailable" => unreachable("STS", error),
        // Nothing was sent.
        "Invalid" => Row::failed(
            Check::Endpoint,
            "STS",
            &error.message,
            "give what is missing in the environment of the controller",
        ),
        _ => Row::failed(
            Check::Credentials,
            "our own",
            &error.message,
            "give the credentials of the controller's role in the standard AWS environment, and \
             check AWS_REGION and AWS_PROFILE",
        ),
    }
}

/// Judges by how many seconds our clock is ahead.
pub fn clock(ahead_s: &Result<i64, Unread>) -> Row {
    let subject = "our own";
    match ahead_s {
        Ok(ahead) if ahead.unsigned_abs() <= CLOCK_OFF_MAX_S => {
            Row::fine(Check::Clock, subject, format!("{} s off", ahead.unsigned_abs()))
        }
        Ok(ahead) => {
            let side = if *ahead > 0 { "ahead of" } else { "behind" };
            let found = format!("{} s {side} AWS's", ahead.unsigned_abs());
            let todo = "set it by NTP: AWS refuses requests whose date is five minutes off";
            Row::failed(Check::Clock, subject, &found, todo)
        }
        Err(error) => refused(Check::Clock, subject, error),
    }
}

/// Judges the feature set of the organization.
pub fn features(feature_set: &Result<String, Unread>) -> Row {
    let subject = "organization";
    match feature_set {
        Ok(set) if set == "ALL" => Row::fine(Check::AllFeatures, subject, "all features"),
        Ok(set) => Row::failed(
            Check::AllFeatures,
            subject,
            &format!("its feature set is {set}: it has no policies"),
            "aws organizations enable-all-features, and accept it in every account",
        ),
        Err(error) if error.message.contains("AWSOrganizationsNotInUse") => Row::failed(
            Check::AllFeatures,
            subject,
            &error.message,
            "use an account of the organization: its management account, or a delegated \
             administrator's",
        ),
        Err(error) => refused(Check::AllFeatures, subject, error),
    }
}

/// Judges whether Bedrock policies take effect below the root.
pub fn policy_type(root: &str, status: PolicyTypeStatus) -> Row {
    let enable = format!(
        "bedrail apply does it with the first OrganizationEnforcement; or: aws organizations \
         enable-policy-type --root-id {root} --policy-type BEDROCK_POLICY"
    );
    match status {
        PolicyTypeStatus::Enabled => {
            Row::fine(Check::PolicyTypes, root, "BEDROCK_POLICY is enabled")
        }
        PolicyTypeStatus::Pending => Row::failed(
            Check::PolicyTypes,
            root,
            "BEDROCK_POLICY is being enabled or disabled",
            "ask again in a minute",
        ),
        PolicyTypeStatus::Disabled => {
            Row::failed(Check::PolicyTypes, root, "BEDROCK_POLICY is not enabled", enable)
        }
    }
}

/// Judges whether Organizations lets the caller in; `management` as far as it is known.
pub fn delegation(
    caller: &AccountId,
    management: Option<&AccountId>,
    read: &Result<(), Unread>,
) -> Row {
    let subject = caller.to_string();
    if management == Some(caller) {
        return Row::fine(Check::Delegation, subject, "is the management account");
    }
    match read {
        Ok(()) => Row::fine(Check::Delegation, subject, "is a delegated administrator"),
        Err(error) if error.class == "Denied" => Row::failed(
            Check::Delegation,
            &subject,
            &error.message,
            format!(
                "bedrail iam --delegated-administrator {subject} --only delegation; put it from the \
                 management account: aws organizations put-resource-policy"
            ),
        ),
        Err(error) => refused(Check::Delegation, &subject, error),
    }
}

/// What stays with the management account when the caller is a delegated administrator
/// (`aws-facts` 2.1, 3.6 and 4.5).
pub fn undelegated(caller: &AccountId, management: &AccountId, member_role: &str) -> Option<Row> {
    let found = format!(
        "cannot be delegated: organization policies enforce guardrails of this account alone, \
         which {member_role} makes here; it alone changes what is delegated; service control \
         policies bind {caller}, and not it"
    );
    (caller != management).then(|| Row::fine(Check::Delegation, management.as_str(), found))
}

/// Judges a read of the guardrails that organization policies enforce, which are in the management
/// account whoever runs the controller.
pub fn guardrails(
    region: &Region,
    what: &str,
    caller: &AccountId,
    management: &AccountId,
    read: &Result<(), Unread>,
) -> Row {
    let row = self::read(region.as_str(), what, read);
    let is_ours_to_grant = matches!(row.check, Check::Permissions | Check::Role);
    if row.status != Status::Failed || caller == management || !is_ours_to_grant {
        return row;
    }
    let todo = format!(
        "deploy manifests/deploy/member-role.yaml in the management account {management} with \
         ManageGuardrails=true: no StackSet reaches it, and a delegated administrator owns no \
         guardrail that an organization policy may name"
    );
    Row { todo, ..row }
}

/// Judges a harmless read.
pub fn read(subject: &str, what: &str, read: &Result<(), Unread>) -> Row {
    match read {
        Ok(()) => Row::fine(Check::Permissions, subject, what),
        Err(error) => refused(Check::Permissions, subject, error),
    }
}

/// Judges one account by the same read in each of its Regions. What differs in nothing but the
/// Region is one line.
pub fn account(
    subject: &str,
    role: &str,
    reads: &BTreeMap<Region, Result<(), Unread>>,
) -> Vec<Row> {
    let mut rows: Vec<(Row, Vec<String>)> = Vec::new();
    for (region, read) in reads {
        let row = match read {
            Ok(()) => Row::fine(Check::Role, subject, format!("{role} reads what is enforced")),
            Err(error) => refused(Check::Permissions, subject, error),
        };
        let is_same = |other: &Row| {
            let essence = |row: &Row| (row.check, row.status, row.todo.clone());
            essence(other) == essence(&row)
        };
        match rows.iter_mut().find(|(other, _)| is_same(other)) {
            Some((_, regions)) => regions.push(region.to_string()),
            None => rows.push((row, vec![region.to_string()])),
        }
    }
    let in_regions = |(row, regions): (Row, Vec<String>)| {
        // A role is of all Regions.
        let is_everywhere = row.check == Check::Role && row.status == Status::Failed;
        let found = if is_everywhere {
            row.found
        } else {
            format!("{} ({})", row.found, regions.join(", "))
        };
        Row { found, ..row }
    };
    rows.into_iter().map(in_regions).collect()
}

/// Judges a read that failed: by its class, and by what was called.
fn refused(check: Check, subject: &str, error: &Unread) -> Row {
    let is_of_the_role = error.message.starts_with("failed to call sts:AssumeRole");
    let found = error.message.as_str();
    match error.class {
        "Unavailable" => unreachable(subject, error),
        "RegionUnavailable" => Row::failed(
            Check::Region,
            subject,
            found,
            "enable the Region in this account, or leave it out of the manifests",
        ),
        "Throttled" | "Conflict" | "Expired" => {
            let mut row = Row::unknown(check, subject, found);
            "ask again in a minute".clone_into(&mut row.todo);
            row
        }
        _ if is_of_the_role => Row::failed(
            Check::Role,
            subject,
            found,
            "bedrail iam --format cloudformation prints the role and the StackSet that brings it \
             into every account; check --member-role and --external-id",
        ),
        "Denied" => Row::failed(
            Check::Permissions,
            subject,
            found,
            "give the role the policy that bedrail iam prints, and look for a service control \
             policy above the account",
        ),
        _ => Row::failed(check, subject, found, "see what AWS says"),
    }
}

fn unreachable(subject: &str, error: &Unread) -> Row {
    Row::failed(
        Check::Endpoint,
        subject,
        &error.message,
        "check the network, the proxy, VPC endpoints and AWS_ENDPOINT_URL",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(class: &'static str, message: &str) -> Unread {
        Unread { class, message: message.to_owned() }
    }

    #[test]
    fn a_refusal_is_about_what_was_refused() {
        let role = "failed to call sts:AssumeRole in 222233334444: AccessDenied: no";
        for (class, message, check, status) in [
            ("Denied", "failed to call bedrock:ListGuardrails", Check::Permissions, Status::Failed),
            ("Denied", role, Check::Role, Status::Failed),
            ("Unavailable", role, Check::Endpoint, Status::Failed),
            ("RegionUnavailable", "x", Check::Region, Status::Failed),
            ("Throttled", "x", Check::Permissions, Status::Unknown),
            ("Unknown", "x", Check::Permissions, Status::Failed),
        ] {
            let row = read("x", "", &Err(error(class, message)));
            assert_eq!((row.check, row.status), (check, status), "{class} {message}");
            assert!(!row.todo.is_empty());
        }
    }

    #[test]
    fn clocks_may_be_a_little_off() {
        for (ahead, status) in
            [(0, Status::Fine), (-120, Status::Fine), (121, Status::Failed), (-500, Status::Failed)]
        {
            assert_eq!(clock(&Ok(ahead)).status, status, "{ahead}");
        }
        assert!(clock(&Ok(-500)).found.contains("behind"));
    }

    #[test]
    fn regions_that_say_the_same_are_one_line() {
        let region = |name: &str| name.parse::<Region>().unwrap();
        let reads = BTreeMap::from([
            (region("eu-south-1"), Err(error("RegionUnavailable", "not enabled"))),
            (region("eu-west-1"), Ok(())),
            (region("us-east-1"), Ok(())),
        ]);
        let rows = account("shop", "BedrailMember", &reads);
        let found: Vec<_> = rows.iter().map(|row| row.found.as_str()).collect();
        assert_eq!(
            found,
            [
                "not enabled (eu-south-1)",
                "BedrailMember reads what is enforced (eu-west-1, us-east-1)"
            ]
        );
        assert!(!is_fine(&rows));
    }
}

//! One request as a policy sees it.

use std::collections::BTreeMap;

use crate::model::{AccountId, Fleet, Region};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Principal<'a> {
    /// Some role of the account, whichever: what holds of it holds of all.
    AnyRole,
    /// The role of this ARN.
    Role(&'a str),
}

/// What is known of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Its values; one for most keys.
    Values(Vec<String>),
    /// One value that begins so and goes on in a way that is not known.
    Begins(String),
}

/// One action on one resource, and the condition keys that are known of it. A key that is not among
/// them may be there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Request<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) account: &'a AccountId,
    pub(super) keys: BTreeMap<&'static str, Key>,
}

impl<'a> Request<'a> {
    /// `action` on `resource` by `principal` of `account`, called in `region`.
    pub(in crate::plan) fn new(
        (action, resource): (&'a str, &'a str),
        (account, region): (&'a AccountId, &Region),
        principal: Principal<'_>,
        fleet: &Fleet,
    ) -> Self {
        let mut keys = BTreeMap::new();
        let mut set = |key, value: String| keys.insert(key, Key::Values(vec![value]));
        set("aws:principalaccount", account.to_string());
        set("aws:requestedregion", region.to_string());
        set("aws:principalisawsservice", "false".to_owned());
        set("aws:principaltype", "AssumedRole".to_owned());
        // Bedrock answers on TLS only.
        set("aws:securetransport", "true".to_owned());
        if let Some(path) = fleet.organization_path(account) {
            set("aws:principalorgid", fleet.organization.to_string());
            set("aws:principalorgpaths", path);
        }
        let owner = resource.split(':').nth(4).and_then(|owner| owner.parse::<AccountId>().ok());
        if let Some(owner) = owner {
            set("aws:resourceaccount", owner.to_string());
            if let Some(path) = fleet.organization_path(&owner) {
                set("aws:resourceorgid", fleet.organization.to_string());
                set("aws:resourceorgpaths", path);
            }
        }
        let arn = match principal {
            Principal::Role(arn) => Key::Values(vec![arn.to_owned()]),
            Principal::AnyRole => {
                Key::Begins(format!("arn:{}:iam::{account}:role/", fleet.partition))
            }
        };
        keys.insert("aws:principalarn", arn);
        Self { action, resource, account, keys }
    }
}

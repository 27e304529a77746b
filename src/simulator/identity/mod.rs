//! Decides who may do what: roles (IAM), issued sessions (STS), and the evaluation of identity policies,
//! service control policies and resource policies.
//!
//! ```text
//!   access key ──> Session ──> Caller ─┐
//!   roles, SCPs, resource policy ──────┴──> World::authorize ──> yes, or AccessDenied and why
//! ```
//!
//! # What does not belong here
//!
//! Which action and resource an operation needs is known to the operation. Session policies,
//! permission boundaries and resource control policies are not simulated.

mod access;
mod condition;
mod iam;
mod policy;
mod sts;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

pub use access::Access;
pub(super) use condition::is_known_operator;
pub(super) use iam::handle as handle_iam;
pub(super) use policy::{admits_service, glob, statements};
pub(super) use sts::handle;

use super::call::{Caller, Millis};

/// Roles by name.
pub(super) type Roles = Arc<BTreeMap<String, Role>>;

/// Roles and the sessions issued from them.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// By account. Accounts with the same roles share them.
    roles: Arc<BTreeMap<String, Roles>>,
    /// By access key. Never pruned: a forgotten key would become the administrator's.
    sessions: Arc<BTreeMap<String, Session>>,
}

/// An IAM role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// `/` or `/path/`.
    pub path: String,
    /// The trust policy.
    pub trust: Value,
    /// The identity policies by name, all of them inline.
    pub policies: BTreeMap<String, Value>,
    /// Seconds, 3,600 to 43,200.
    pub max_session_duration_s: u64,
    /// When it was made.
    pub created: Millis,
    /// What it is for.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Credentials issued by `AssumeRole`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whom they stand for.
    pub caller: Caller,
    /// When they stop working.
    pub expires: Millis,
}

impl Identity {
    /// The session an access key was issued for, expired or not.
    pub fn session(&self, access_key: &str) -> Option<&Session> {
        self.sessions.get(access_key)
    }

    /// The role `name` of `account`.
    pub fn role(&self, account: &str, name: &str) -> Option<&Role> {
        self.roles.get(account)?.get(name)
    }

    /// The names of the roles of `account`.
    pub fn role_names(&self, account: &str) -> Vec<&str> {
        self.roles
            .get(account)
            .map(|roles| roles.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    /// Gives `account` exactly these roles.
    pub(super) fn set_roles(&mut self, account: &str, roles: Roles) {
        Arc::make_mut(&mut self.roles).insert(account.to_owned(), roles);
    }

    /// The roles of `account`, to change.
    fn roles_mut(&mut self, account: &str) -> &mut BTreeMap<String, Role> {
        Arc::make_mut(Arc::make_mut(&mut self.roles).entry(account.to_owned()).or_default())
    }

    /// The roles of `account`, to share with another one.
    pub(super) fn roles_of(&self, account: &str) -> Option<Roles> {
        self.roles.get(account).cloned()
    }

    fn issue(&mut self, access_key: String, session: Session) {
        Arc::make_mut(&mut self.sessions).insert(access_key, session);
    }
}

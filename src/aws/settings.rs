//! What an installation may choose about talking to AWS.

use std::time::Duration;

use crate::model::Region;

/// What the User-Agent and CloudTrail call us.
pub const APPLICATION: &str = "bedrail";

/// How fast calls may be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rates {
    /// As AWS documents, and slower after a throttle.
    #[default]
    Documented,
    /// As fast as the bound on calls in flight admits; for an AWS of our own.
    Unlimited,
}

/// The settings of the AWS edge. [`Settings::default`] fits an installation that follows the
/// deployment guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The role assumed in every account but the caller's: a name, with its path if it has one.
    pub member_role: String,
    /// What the trust policy of that role asks for, if anything.
    pub external_id: Option<String>,
    /// Which installation this is; the session name is `bedrail-<instance>`. Characters STS does
    /// not admit are replaced by hyphens.
    pub instance: String,
    /// [`APPLICATION`], but where the demo plays somebody else.
    pub application: &'static str,
    /// The Region of the caller's own calls; `None` for that of the environment, else us-east-1.
    pub home_region: Option<Region>,
    /// How long one attempt may take, from connecting to the last byte.
    pub attempt_timeout: Duration,
    /// How long one call may take altogether. The wait for its turn is not part of it.
    pub operation_timeout: Duration,
    /// Calls in flight at once, over all accounts. Zero is one.
    pub max_in_flight: usize,
    /// How fast calls may be made.
    pub rates: Rates,
    /// Whether a member role that could never be assumed is waited for. Who asks once is told that
    /// it was denied.
    pub awaits_roles: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            member_role: "BedrailMember".to_owned(),
            external_id: None,
            instance: "default".to_owned(),
            application: APPLICATION,
            home_region: None,
            attempt_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(20),
            max_in_flight: 64,
            rates: Rates::Documented,
            awaits_roles: false,
        }
    }
}

impl Settings {
    /// `bedrail-<instance>` in the characters and the length STS admits (`aws-facts` 5).
    pub(super) fn session_name(&self) -> String {
        let admitted = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        format!("bedrail-{}", self.instance)
            .chars()
            .map(|c| if admitted(c) { c } else { '-' })
            .take(64)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_holds_only_what_sts_admits() {
        let named = |instance: &str| {
            Settings { instance: instance.to_owned(), ..Settings::default() }.session_name()
        };
        assert_eq!(named("prod"), "bedrail-prod");
        assert_eq!(named("eu/prod:1 ü"), "bedrail-eu-prod-1--");
        assert_eq!(named(&"x".repeat(100)).len(), 64);
    }
}

//! Everything that exists in the simulated AWS: a plain value, cloned cheaply, without a clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::bedrock::{LogBucket, Regional};
use super::identity::Identity;
use super::organization::Organization;
use super::switches::Switches;

/// An account and a Region.
pub type Place = (String, String);

/// The world. Time comes in with each call; randomness is `random`, seeded.
#[derive(Clone, Debug)]
pub struct World {
    /// `aws` or `aws-us-gov`.
    pub partition: String,
    /// The unconfirmed behaviours in force.
    pub switches: Switches,
    /// Units, accounts, policies, attachments.
    pub organization: Organization,
    /// Roles and issued sessions.
    pub identity: Identity,
    /// Bedrock, by place; a place nobody wrote to is absent. Shared until written, so that the
    /// referee can keep the world before a write.
    pub bedrock: BTreeMap<Place, Arc<Regional>>,
    /// Buckets that logging may be sent to, by name; others are taken at their word.
    pub buckets: Arc<BTreeMap<String, LogBucket>>,
    /// What was published to each topic, by its ARN; others do not exist.
    pub topics: Arc<BTreeMap<String, Vec<Value>>>,
    /// Seeded source of ids.
    pub random: fastrand::Rng,
}

impl World {
    /// What Bedrock holds in `account` and `region`, to read.
    pub fn regional(&self, account: &str, region: &str) -> Option<&Regional> {
        self.bedrock.get(&(account.to_owned(), region.to_owned())).map(Arc::as_ref)
    }

    /// What Bedrock holds in `account` and `region`, to write.
    pub fn regional_mut(&mut self, account: &str, region: &str) -> &mut Regional {
        let place = (account.to_owned(), region.to_owned());
        Arc::make_mut(self.bedrock.entry(place).or_default())
    }

    /// `length` random characters of `[a-z0-9]`.
    pub fn identifier(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| {
                self.random
                    .choice(b"abcdefghijklmnopqrstuvwxyz0123456789")
                    .map_or('a', |byte| char::from(*byte))
            })
            .collect()
    }
}

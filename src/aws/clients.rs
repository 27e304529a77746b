//! Makes the clients of services, one for each Region and whosever credentials sign its requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_config::identity::IdentityCache;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::auth::AuthSchemeId;

use super::answer::SaysSomething;
use super::client::{Aws, Place, sdk_region};
use super::session::OfTheCall;
use crate::model::Region;

/// The scheme every request is signed with. Without this preference the SDK would take a bearer
/// token from `AWS_BEARER_TOKEN_BEDROCK`, and act as whoever made it.
const SIGV4: AuthSchemeId = AuthSchemeId::new("sigv4");

/// Whose credentials sign a client's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    /// The caller's own.
    Own,
    /// Those of the session a call runs in.
    Member,
}

type Made<C> = Mutex<BTreeMap<(Whose, Region), C>>;

/// Those that were made.
#[derive(Default)]
pub(super) struct Clients {
    bedrock: Made<aws_sdk_bedrock::Client>,
    runtime: Made<aws_sdk_bedrockruntime::Client>,
    #[cfg(feature = "iam")]
    iam: Made<aws_sdk_iam::Client>,
}

impl Aws {
    /// The Bedrock client of a place.
    pub(super) fn bedrock(&self, place: &Place) -> aws_sdk_bedrock::Client {
        cached(&self.clients().bedrock, place, || {
            let config = aws_sdk_bedrock::config::Builder::from(self.sdk())
                .region(sdk_region(&place.cell.region))
                .interceptor(SaysSomething)
                .interceptor(self.their_clock().clone())
                .auth_scheme_preference([SIGV4]);
            aws_sdk_bedrock::Client::from_conf(match place.whose() {
                Whose::Own => config.build(),
                Whose::Member => config
                    .credentials_provider(SharedCredentialsProvider::new(OfTheCall))
                    .identity_cache(IdentityCache::no_cache())
                    .build(),
            })
        })
    }

    /// The Bedrock runtime client of a place.
    pub(super) fn runtime(&self, place: &Place) -> aws_sdk_bedrockruntime::Client {
        cached(&self.clients().runtime, place, || {
            let config = aws_sdk_bedrockruntime::config::Builder::from(self.sdk())
                .region(sdk_region(&place.cell.region))
                .auth_scheme_preference([SIGV4]);
            aws_sdk_bedrockruntime::Client::from_conf(match place.whose() {
                Whose::Own => config.build(),
                Whose::Member => config
                    .credentials_provider(SharedCredentialsProvider::new(OfTheCall))
                    .identity_cache(IdentityCache::no_cache())
                    .build(),
            })
        })
    }

    /// The IAM client of a place, whose Region is the one that IAM is signed for.
    #[cfg(feature = "iam")]
    pub(super) fn iam(&self, place: &Place) -> aws_sdk_iam::Client {
        cached(&self.clients().iam, place, || {
            let config = aws_sdk_iam::config::Builder::from(self.sdk())
                .region(sdk_region(&place.cell.region))
                .auth_scheme_preference([SIGV4]);
            aws_sdk_iam::Client::from_conf(match place.whose() {
                Whose::Own => config.build(),
                Whose::Member => config
                    .credentials_provider(SharedCredentialsProvider::new(OfTheCall))
                    .identity_cache(IdentityCache::no_cache())
                    .build(),
            })
        })
    }

    /// An SNS client of a Region. Alerts are rare: it is made for each.
    #[cfg(feature = "sns")]
    pub(super) fn sns(&self, region: &Region) -> aws_sdk_sns::Client {
        let config = aws_sdk_sns::config::Builder::from(self.sdk()).region(sdk_region(region));
        aws_sdk_sns::Client::from_conf(config.build())
    }
}

/// The client of a place, made at its first use.
fn cached<C: Clone>(clients: &Made<C>, place: &Place, make: impl FnOnce() -> C) -> C {
    let key = (place.whose(), place.cell.region.clone());
    let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
    clients.entry(key).or_insert_with(make).clone()
}

//! The one HTTP client of all clients, and whom it trusts.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::error::{AwsError, ErrorClass};
use super::operation::GET_CALLER_IDENTITY;

/// Whom connections are trusted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The certificate authorities of the machine.
    Machine,
    /// Nobody: every endpoint is plain HTTP.
    Nobody,
}

impl Trust {
    /// What the environment has. Without any authority the SDK would panic where it makes its client,
    /// or refuse every connection without saying why.
    pub(super) fn of_environment() -> Result<Self, AwsError> {
        if !rustls_native_certs::load_native_certs().certs.is_empty() {
            return Ok(Self::Machine);
        }
        let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap_or_default();
        if endpoint.starts_with("http://") {
            return Ok(Self::Nobody);
        }
        let message = "no certificate authority is known, so that no answer of AWS could be \
                       trusted: install the package ca-certificates, or let SSL_CERT_FILE name a \
                       file of certificates (PEM) that can be read";
        Err(AwsError::ours(ErrorClass::Invalid, GET_CALLER_IDENTITY.name, message))
    }
}

/// The SDK's own default client, made once: left to themselves, all clients make their own pool.
pub(super) fn http_client(trust: Trust) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .proxy_config(ProxyConfig::from_env());
        if trust == Trust::Nobody
            && let Ok(nobody) = TlsContext::builder().with_trust_store(TrustStore::empty()).build()
        {
            connector = connector.tls_context(nobody);
        }
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}

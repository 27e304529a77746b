//! Posts messages to an address.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;

use super::AlertForm;
use super::secret::Secret;
use crate::runtime::Clock;
use crate::status::alerts::{Message, to_json, to_slack};

/// How long a receiver may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// What is read of an answer, so that the connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// An address, and how to reach it.
#[derive(Clone)]
pub(super) struct Webhook {
    address: Uri,
    form: AlertForm,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Webhook {
    /// # Errors
    ///
    /// What is wrong with the address, without a word of it.
    pub(super) fn new(address: &Secret, form: AlertForm) -> anyhow::Result<Self> {
        let address: Uri =
            address.expose().parse().map_err(|_| anyhow::anyhow!("the address is no URL"))?;
        let Some(authority) = address.authority() else { bail!("the address names no host") };
        if authority.as_str().contains('@') {
            bail!("the address holds a user or password, which would be sent to nobody");
        }
        match address.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(authority.host()) => {}
            Some(_) | None => bail!("the address must begin with https://, unless it is loopback"),
        }
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(Arc::new(aws_lc_rs::default_provider()))
            .context("the certificates of this machine cannot be read")?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { address, form, client })
    }

    /// What may be shown of the address.
    pub(super) fn host(&self) -> &str {
        self.address.authority().map(axum::http::uri::Authority::as_str).unwrap_or_default()
    }

    /// Posts a message. Redirects are not followed: they would carry it to who knows whom.
    ///
    /// # Errors
    ///
    /// Why it was not taken, without what is secret of the address.
    pub(super) async fn post(
        &self,
        clock: &Clock,
        message: &Message,
        origin: &str,
    ) -> Result<StatusCode, String> {
        let body = match self.form {
            AlertForm::Json => to_json(message, origin),
            AlertForm::Slack => to_slack(message, origin),
        };
        let request = Request::post(self.address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("user-agent", concat!("bedrail/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|_| "the request cannot be made".to_owned())?;
        let exchange = async {
            let response =
                self.client.request(request).await.map_err(|error| self.spoken(&error))?;
            let status = response.status();
            // Its words are not ours to repeat.
            Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.ok();
            Ok::<StatusCode, String>(status)
        };
        let status = tokio::select! {
            status = exchange => status?,
            () = clock.sleep(ANSWERS_WITHIN) => {
                return Err(format!("no answer within {} s", ANSWERS_WITHIN.as_secs()));
            }
        };
        if status.is_success() {
            Ok::<StatusCode, String>(status)
        } else if status.is_redirection() {
            Err(format!("it answered {status}, and redirects are not followed"))
        } else {
            Err(format!("it answered {status}"))
        }
    }

    /// An error with its causes. Path and query of the address are what is secret of it.
    fn spoken(&self, error: &(dyn Error + 'static)) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        match self.address.path_and_query().map(axum::http::uri::PathAndQuery::as_str) {
            Some(secret) if secret.len() > 1 => text.replace(secret, "/…"),
            Some(_) | None => text,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leaves_the_machine_and_no_error_repeats_the_address() {
        let made = |text: &str| Webhook::new(&Secret::new(text), AlertForm::Json);
        for good in [
            "https://hooks.example.com/canary",
            "http://127.0.0.1:1/canary",
            "http://[::1]:1/canary",
            "http://localhost/canary",
        ] {
            assert!(made(good).is_ok(), "{good}");
        }
        for wrong in [
            "http://hooks.example.com/canary",
            "ftp://127.0.0.1/canary",
            "canary",
            "https://user:canary@hooks.example.com/",
            "/canary",
            "https:///canary",
            "http://127.0.0.1.example.com/canary",
        ] {
            let error = made(wrong).err().map(|error| format!("{error:#}"));
            assert!(error.is_some_and(|error| !error.contains("canary")), "{wrong}");
        }
    }
}

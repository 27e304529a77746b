//! Asks the controller that runs.

use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

use crate::runtime::Clock;

/// How long a controller may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The longest answer that is read: a hundred thousand cells with a sentence each.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A controller, by its address.
pub(super) struct Server<'a> {
    pub(super) url: &'a str,
    pub(super) token: Option<&'a str>,
}

impl Server<'_> {
    /// What it answers at a path below `/api/v1`; `None` where it has nothing there.
    pub(super) async fn ask<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        let url = format!("{}/api/v1/{path}", self.url.trim_end_matches('/'));
        let mut request = axum::http::Request::get(&url);
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request
            .body(Empty::<bytes::Bytes>::new())
            .with_context(|| format!("{url} is no address of a controller"))?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let exchange = async {
            let response = client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
            let body = body.collect().await.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            if status.is_success() {
                return Ok(Some(serde_json::from_slice(&body)?));
            }
            if status == axum::http::StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let said = String::from_utf8_lossy(&body);
            Err(anyhow::anyhow!("it answered {status}: {}", said.trim()))
        };
        let clock = Clock::system();
        let answer = tokio::select! {
            answer = exchange => answer,
            () = clock.sleep(ANSWERS_WITHIN) => Err(anyhow::anyhow!("it did not answer")),
        };
        answer.with_context(|| {
            format!(
                "no controller at {}: is `bedrail run` running there? --server asks another, -f \
                 looks at AWS itself",
                self.url
            )
        })
    }
}

//! A person at a console: requests by hand, as the wire has them, without the SDK.

use axum::http::Request;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::world::World;

/// Somebody who may do everything.
pub(crate) struct Console<'a> {
    world: &'a World,
    management: String,
}

/// `arn:…` as a path has it.
pub(crate) fn label(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl<'a> Console<'a> {
    pub(crate) fn new(world: &'a World, management: &str) -> Self {
        Self { world, management: management.to_owned() }
    }

    /// A call of Bedrock; `None` if AWS refuses it.
    pub(crate) async fn bedrock(
        &self,
        (account, region): (&str, &str),
        (method, path): (&str, &str),
        body: &Value,
    ) -> Option<Value> {
        let key = self.session(account).await?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let scope = format!("{key}/20260105/{region}/bedrock");
        self.send(method, path, (&scope, ""), body).await
    }

    /// A call of Organizations; `None` if AWS refuses it.
    pub(crate) async fn organizations(&self, operation: &str, body: &Value) -> Option<Value> {
        let scope = "AKIACONSOLE/20260105/us-east-1/organizations";
        self.send("POST", "/", (scope, operation), body.to_string()).await
    }

    /// A key of an administrator in the account.
    async fn session(&self, account: &str) -> Option<String> {
        if account == self.management {
            return Some("AKIACONSOLE".to_owned());
        }
        let role = format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole");
        let form = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleArn={}&RoleSessionName=console",
            label(&role)
        );
        let request = Request::builder()
            .method("POST")
            .uri("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", authorization("AKIACONSOLE/20260105/us-east-1/sts"))
            .body(Bytes::from(form))
            .unwrap();
        let response = self.world.line("console").send(request).await?;
        let text = String::from_utf8_lossy(response.body()).into_owned();
        let (_, rest) = text.split_once("<AccessKeyId>")?;
        rest.split_once('<').map(|(key, _)| key.to_owned())
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        (scope, operation): (&str, &str),
        body: String,
    ) -> Option<Value> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "simulator.test")
            .header("authorization", authorization(scope));
        if !operation.is_empty() {
            request = request
                .header("content-type", "application/x-amz-json-1.1")
                .header("x-amz-target", format!("AWSOrganizationsV20161128.{operation}"));
        }
        let request = request.body(Bytes::from(body)).unwrap();
        let response = self.world.line("console").send(request).await?;
        let is_success = response.status().is_success();
        is_success.then(|| serde_json::from_slice(response.body()).unwrap_or(json!({})))
    }
}

fn authorization(scope: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={scope}/aws4_request, SignedHeaders=host, Signature=00")
}

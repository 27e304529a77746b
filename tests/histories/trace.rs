//! Everything that was said on the wire, in the order in which it took effect.

use std::sync::Mutex;
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::Bytes;
use serde_json::Value;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Since the start of the history.
    pub(crate) at: Duration,
    /// `bedrail-2` is the second controller that was started; `console` is a person.
    pub(crate) who: String,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// The operation of Organizations.
    pub(crate) target: String,
    pub(crate) access_key: String,
    pub(crate) region: String,
    /// As in the scope of the signature.
    pub(crate) service: String,
    pub(crate) body: String,
    /// Whether it changed anything, whatever was answered.
    pub(crate) has_effect: bool,
    /// `None` if nothing was answered until the history ended.
    pub(crate) answer: Option<(u16, String)>,
}

impl Entry {
    /// A request that was sent at `at`.
    pub(crate) fn of(at: Duration, who: &str, request: &Request<Bytes>) -> Self {
        let header = |name: &str| {
            let value = request.headers().get(name).and_then(|it| it.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let authorization = header("authorization");
        let scope = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
        let scope = scope.split(',').next().unwrap_or_default();
        let mut scope = scope.split('/').map(str::to_owned);
        let access_key = scope.next().unwrap_or_default();
        let region = scope.nth(1).unwrap_or_default();
        let service = scope.next().unwrap_or_default();
        let target = header("x-amz-target");
        Self {
            at,
            who: who.to_owned(),
            method: request.method().to_string(),
            path: request.uri().path_and_query().map_or("", |it| it.as_str()).to_owned(),
            target: target.split_once('.').map_or("", |(_, name)| name).to_owned(),
            access_key,
            region,
            service,
            body: String::from_utf8_lossy(request.body()).into_owned(),
            has_effect: false,
            answer: None,
        }
    }

    /// Whether it may change something that the controller manages.
    pub(crate) fn is_write(&self) -> bool {
        match self.service.as_str() {
            "organizations" => {
                !["List", "Describe", "Get"].iter().any(|it| self.target.starts_with(it))
            }
            "bedrock" => {
                self.method != "GET"
                    && !self.path.starts_with("/guardrail/")
                    && !self.path.starts_with("/model/")
                    && !self.path.starts_with("/listTags")
            }
            _ => false,
        }
    }

    /// Whether a controller made it.
    pub(crate) fn is_controllers(&self) -> bool {
        self.who.starts_with("bedrail")
    }

    /// What was asked.
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The answer, if it was one of success.
    pub(crate) fn success(&self) -> Option<Value> {
        let (status, body) = self.answer.as_ref()?;
        (*status < 300).then(|| serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        let answer = match &self.answer {
            Some((status, body)) if *status >= 300 => {
                format!("{status} {}", body.chars().take(120).collect::<String>())
            }
            Some((status, _)) => status.to_string(),
            None => "no answer".to_owned(),
        };
        let effect = if self.has_effect { " *" } else { "" };
        let body = if self.is_write() { self.body.as_str() } else { "" };
        format!(
            "{:>9.3} {} {} {} {} {}{} {} -> {answer}{effect}",
            self.at.as_secs_f64(),
            self.who,
            self.region,
            self.access_key,
            self.method,
            self.path,
            self.target,
            body.chars().take(400).collect::<String>(),
        )
    }
}

/// The calls of one history.
#[derive(Debug, Default)]
pub(crate) struct Trace(Mutex<Vec<Entry>>);

impl Trace {
    /// Writes down a call at the moment of its effect; returns its place.
    pub(crate) fn begin(&self, entry: Entry) -> usize {
        let mut entries = self.0.lock().unwrap();
        entries.push(entry);
        entries.len() - 1
    }

    /// Writes down its answer.
    pub(crate) fn end(&self, index: usize, response: &Response<Bytes>) {
        let body = String::from_utf8_lossy(response.body()).into_owned();
        self.0.lock().unwrap()[index].answer = Some((response.status().as_u16(), body));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// All of them.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }

    /// Writes since `from`, of `who` and later than `after`.
    pub(crate) fn writes_of(&self, from: usize, who: &str, after: Duration) -> Vec<String> {
        let entries = self.0.lock().unwrap();
        let writes = entries[from..].iter().filter(|it| it.who == who && it.is_write());
        writes.filter(|it| it.at > after).map(Entry::line).collect()
    }

    /// When a controller wrote last.
    pub(crate) fn last_write(&self) -> Option<Duration> {
        let entries = self.0.lock().unwrap();
        let mut writes = entries.iter().rev().filter(|it| it.is_controllers() && it.is_write());
        writes.next().map(|it| it.at)
    }

    /// Writes since `from`, of controllers.
    pub(crate) fn writes(&self, from: usize) -> Vec<String> {
        let entries = self.0.lock().unwrap();
        let writes = entries[from..].iter().filter(|it| it.is_controllers() && it.is_write());
        writes.map(Entry::line).collect()
    }
}

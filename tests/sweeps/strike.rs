//! What strikes one process of the controller, and the wire on which it does.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use bedrail::runtime::Clock;
use bedrail::simulator::Simulator;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// How long every answer of AWS takes.
const LATENCY: Duration = Duration::from_millis(20);

/// A call that hangs does so for longer than anything waits.
const FOR_EVER_MS: u64 = 600_000;

/// What happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The process dies before the call has an effect.
    CrashBefore,
    /// The process dies after its effect, before its answer.
    CrashAfter,
    Throttle,
    ErrorBefore,
    /// The effect happens, and an error is answered.
    ErrorAfter,
    TimeoutBefore,
    /// The effect happens, and nothing is answered.
    TimeoutAfter,
    Denied,
    /// The effect happens, and what is answered cannot be read.
    Malformed,
}

impl Kind {
    pub(crate) const CRASHES: [Self; 2] = [Self::CrashBefore, Self::CrashAfter];

    pub(crate) const FAULTS: [Self; 7] = [
        Self::Throttle,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::Denied,
        Self::Malformed,
    ];

    pub(crate) fn is_crash(self) -> bool {
        Self::CRASHES.contains(&self)
    }

    /// The fault of the simulator that this is, if it is one.
    fn fault(self) -> Option<Value> {
        let (kind, milliseconds) = match self {
            Self::CrashBefore | Self::CrashAfter | Self::Malformed => return None,
            Self::Throttle => ("Throttle", None),
            Self::ErrorBefore => ("ErrorBefore", None),
            Self::ErrorAfter => ("ErrorAfter", None),
            Self::TimeoutBefore => ("Timeout", Some(FOR_EVER_MS)),
            // A late answer after which nobody waits.
            Self::TimeoutAfter => ("Latency", Some(FOR_EVER_MS)),
            Self::Denied => ("Denied", None),
        };
        let mut fault = json!({"kind": kind, "caller": "Controller", "count": 1});
        if let Some(milliseconds) = milliseconds {
            fault["milliseconds"] = json!(milliseconds);
        }
        Some(fault)
    }
}

/// Something that happens at the call before which so many of the same process went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) kind: Kind,
    pub(crate) after: usize,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}", self.kind, self.after)
    }
}

impl FromStr for Strike {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not as `Throttle@41`");
        let (name, after) = text.split_once('@').ok_or_else(wrong)?;
        let mut kinds = Kind::CRASHES.into_iter().chain(Kind::FAULTS);
        let kind = kinds.find(|it| format!("{it:?}") == name).ok_or_else(wrong)?;
        Ok(Self { kind, after: after.parse().map_err(|_| wrong())? })
    }
}

/// The wire of one process: what it calls, and what strikes it.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Shared>);

struct Shared {
    simulator: Arc<Simulator>,
    clock: Clock,
    strike: Option<Strike>,
    state: Mutex<State>,
    died: Notify,
    /// Calls that came to AWS, of this process and those before it.
    count: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    calls: usize,
    is_dead: bool,
}

impl Wire {
    pub(crate) fn new(
        simulator: Arc<Simulator>,
        clock: Clock,
        strike: Option<Strike>,
        count: Arc<AtomicUsize>,
    ) -> Self {
        let (state, died) = (Mutex::default(), Notify::new());
        Self(Arc::new(Shared { simulator, clock, strike, state, died, count }))
    }

    pub(crate) fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    /// Whether nothing is to strike any more.
    pub(crate) fn is_over(&self) -> bool {
        self.0.strike.is_none_or(|strike| strike.after < self.calls())
    }

    /// Calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.0.state.lock().unwrap().calls
    }

    /// Waits until the process is to be dead.
    pub(crate) async fn died(&self) {
        self.0.died.notified().await;
    }

    /// Counts a call; says what strikes it.
    fn count(&self) -> Option<Kind> {
        let mut state = self.0.state.lock().unwrap();
        state.calls += 1;
        let strike = self.0.strike.filter(|it| it.after + 1 == state.calls)?;
        state.is_dead |= strike.kind.is_crash();
        Some(strike.kind)
    }

    /// The end of the process: nothing that it would do now counts.
    async fn die(&self) -> ! {
        self.0.died.notify_one();
        std::future::pending().await
    }

    async fn exchange(&self, request: axum::http::Request<Bytes>) -> axum::http::Response<Bytes> {
        let is_dead = self.0.state.lock().unwrap().is_dead;
        if is_dead {
            std::future::pending::<()>().await;
        }
        let struck = self.count();
        if struck == Some(Kind::CrashBefore) {
            self.die().await;
        }
        self.0.count.fetch_add(1, Ordering::Relaxed);
        let simulator = &self.0.simulator;
        if let Some(fault) = struck.and_then(Kind::fault) {
            // Nothing can come between this and the call: both are done without waiting.
            put(simulator, "faults", &json!({"faults": [fault]})).await;
        }
        let mut response = simulator.handle(request).await;
        if struck == Some(Kind::CrashAfter) {
            self.die().await;
        }
        if struck == Some(Kind::Malformed) {
            *response.body_mut() = Bytes::from_static(b"<html>502 Bad Gateway</html>");
        }
        self.0.clock.sleep(LATENCY).await;
        response
    }
}

/// Puts a document below `/_simulator/`.
pub(crate) async fn put(simulator: &Simulator, path: &str, document: &Value) {
    administer(simulator, "PUT", path, document.to_string()).await;
}

/// A document below `/_simulator/`.
pub(crate) async fn get(simulator: &Simulator, path: &str) -> Value {
    administer(simulator, "GET", path, String::new()).await
}

async fn administer(simulator: &Simulator, method: &str, path: &str, body: String) -> Value {
    let request = axum::http::Request::builder()
        .method(method)
        .uri(format!("/_simulator/{path}"))
        .header("host", "127.0.0.1")
        .body(Bytes::from(body))
        .unwrap();
    let response = simulator.handle(request).await;
    assert!(response.status().is_success(), "{method} {path}: {:?}", response.body());
    serde_json::from_slice(response.body()).unwrap()
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|it| ConnectorError::user(it.into()))?;
            let request =
                request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = wire.exchange(request).await.map(SdkBody::from);
            response
                .try_into()
                .map_err(|error: HttpError| ConnectorError::other(error.into(), None))
        })
    }
}

//! Keeps every request as it came over the wire.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use bedrail::simulator::Simulator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Method, path and query, headers, body: as one text, decoded where the wire encodes.
    pub(crate) text: String,
    /// Service and Region its signature is for.
    pub(crate) scope: (String, String),
}

/// The requests so far.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Recorded>>>);

impl Recorder {
    /// Every request since the last time.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Serves the simulator until `stop`.
    pub(crate) async fn serve(
        self,
        simulator: Arc<Simulator>,
        listener: TcpListener,
        stop: CancellationToken,
    ) {
        let router = Router::new().fallback(recorded).with_state((self, simulator));
        axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
    }
}

/// The Regions that requests of a service are signed for.
pub(crate) fn regions_of(requests: &[Recorded], service: &str) -> BTreeSet<String> {
    let of_service = requests.iter().filter(|it| it.scope.0 == service);
    of_service.map(|it| it.scope.1.clone()).collect()
}

async fn recorded(
    State((recorder, simulator)): State<(Recorder, Arc<Simulator>)>,
    request: Request<Body>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let request = Request::from_parts(head, body);
    let headers: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let wire = format!(
        "{} {}\n{}\n\n{}",
        request.method(),
        request.uri(),
        headers.join("\n"),
        String::from_utf8_lossy(request.body())
    );
    let signed = headers.iter().find_map(|it| it.split_once("Credential=")).unwrap().1;
    let scope: Vec<&str> = signed.split(['/', ',']).collect();
    let scope = (scope[3].to_owned(), scope[2].to_owned());
    let text = wire.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/");
    recorder.0.lock().unwrap().push(Recorded { text, scope });
    simulator.handle(request).await.map(Body::from)
}

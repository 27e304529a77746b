//! Answers questions over HTTP: is it alive, is it ready, where does everything stand. Read-only.
//!
//! | path | who asks | what |
//! |---|---|---|
//! | `/healthz` | a liveness probe | 200 while visits end; 503 once none has for too long |
//! | `/readyz` | a readiness probe | 200 once manifests are in force and every key was visited |
//! | `/metrics` | Prometheus | see [`metrics`](self::metrics_text) |
//! | `/` | a person's browser | the page |
//! | `/api/v1/status` | `bedrail status`, scripts | a [`Snapshot`] as JSON; with `?brief` as much as its text shows |
//! | `/api/v1/overview` | the page | an [`Overview`] as JSON |
//! | `/api/v1/cells/{account}/{region}` | the page | a [`CellDetail`] as JSON |
//! | `/api/v1/events` | the page | a [`Beat`] whenever something changed, and every few seconds |
//!
//! It listens on loopback. Elsewhere it must be told to, and then asks for a token. A request whose
//! `Host` is neither loopback nor the address it listens on is refused, so that no web page can
//! reach it through a name of its own.

mod admission;
mod assets;
mod emf;
mod encode;
mod events;
mod health;
mod metrics;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::status::{CellDetail, Overview, Snapshot, Tally};
pub use admission::Admission;
pub use emf::{Totals, emf_line};
pub use encode::Histogram;
pub use events::Beat;
use events::Streams;
pub use health::Health;
pub use metrics::{Work, metrics_text};

/// Tells everything about an account and Region; `None` where there is no such account.
pub type LookAtCell = dyn Fn(&str, &str) -> Option<CellDetail> + Send + Sync;

/// What is served. Everything is asked for anew with each request.
#[derive(Clone)]
pub struct Feed {
    /// Where everything stands.
    pub snapshot: Arc<dyn Fn() -> Snapshot + Send + Sync>,
    /// As much of it as its text shows.
    pub brief: Arc<dyn Fn() -> Snapshot + Send + Sync>,
    /// The same for the page.
    pub overview: Arc<dyn Fn() -> Overview + Send + Sync>,
    /// Everything about one account and Region; `None` where there is no such account.
    pub cell: Arc<LookAtCell>,
    /// What open pages are told.
    pub beats: watch::Receiver<Beat>,
    /// What was counted.
    pub tally: Arc<dyn Fn() -> Tally + Send + Sync>,
    /// What is in the queue, and went through it.
    pub work: Arc<dyn Fn() -> Work + Send + Sync>,
    /// Whether visits still end.
    pub health: Arc<dyn Fn() -> Health + Send + Sync>,
}

/// Binds the address.
///
/// # Errors
///
/// `InvalidInput` for an address beyond loopback without a token; what the system says otherwise.
pub async fn bind(address: SocketAddr, admission: &Admission) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() && !admission.may_leave_loopback() {
        let message = format!(
            "{address} is not loopback: what is served names every account and what is wrong with \
             it. Add --listen-any and BEDRAIL_LISTEN_TOKEN to do so"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    TcpListener::bind(address).await
}

/// Serves until `stop` fires.
///
/// # Errors
///
/// If the listener breaks.
pub async fn serve(
    listener: TcpListener,
    feed: Feed,
    admission: Admission,
    stop: CancellationToken,
) -> io::Result<()> {
    let admission = Arc::new(admission.on(listener.local_addr()?));
    let streams = Streams::new(feed.beats.clone(), stop.clone());
    let events = move || std::future::ready(streams.open());
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/overview", get(overview))
        .route("/api/v1/cells/{account}/{region}", get(cell))
        .route("/api/v1/events", get(events))
        .merge(assets::routes())
        .layer(middleware::from_fn_with_state(admission, admission::admit))
        .with_state(feed);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Asks for as much of a snapshot as its text shows.
const BRIEF: &str = "brief";

async fn healthz(State(feed): State<Feed>) -> Response {
    match (feed.health)() {
        Health::Alive => (StatusCode::OK, "ok\n").into_response(),
        Health::Stuck(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn readyz(State(feed): State<Feed>) -> Response {
    let snapshot = (feed.snapshot)();
    if snapshot.ready {
        return (StatusCode::OK, "ok\n").into_response();
    }
    let why = snapshot.notices.first().cloned().unwrap_or_else(|| snapshot.verdict());
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

async fn metrics(State(feed): State<Feed>) -> Response {
    let (snapshot, tally, work) = ((feed.snapshot)(), (feed.tally)(), (feed.work)());
    match metrics_text(&snapshot, &tally, &work) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn status(State(feed): State<Feed>, RawQuery(query): RawQuery) -> Response {
    let is_brief = query.as_deref() == Some(BRIEF);
    json(&if is_brief { (feed.brief)() } else { (feed.snapshot)() })
}

async fn overview(State(feed): State<Feed>) -> Response {
    json(&(feed.overview)())
}

async fn cell(State(feed): State<Feed>, Path(place): Path<(String, String)>) -> Response {
    match (feed.cell)(&place.0, &place.1) {
        Some(detail) => json(&detail),
        None => (StatusCode::NOT_FOUND, "no such account, or not read yet\n").into_response(),
    }
}

fn json(document: &impl Serialize) -> Response {
    match serde_json::to_vec(document) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

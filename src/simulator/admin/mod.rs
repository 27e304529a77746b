//! `/_simulator/`: what tests and people ask of the simulator itself.

mod dump;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::faults::{FaultPlan, Faults};
use super::history::Calls;
use super::server::Simulator;
use super::switches::Switches;
use super::wire;

/// The body of `PUT /_simulator/clock`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct ClockChange {
    advance_milliseconds: u64,
    speed: Option<f64>,
}

/// Answers one request below `/_simulator/`.
pub(super) fn answer(
    simulator: &Simulator,
    path: &str,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let result = match (request.method(), path.trim_end_matches('/')) {
        (&Method::GET, path) => get(simulator, path).ok_or_else(|| not_found(path)),
        (&Method::PUT, path) => put(simulator, path, request.body()),
        (&Method::DELETE, "calls") => {
            *simulator.lock().calls_mut() = Calls::default();
            Ok(json!({}))
        }
        (_, path) => Err(not_found(path)),
    };
    match result {
        Ok(body) => respond(StatusCode::OK, &body),
        Err((status, message)) => respond(status, &json!({"message": message})),
    }
}

fn get(simulator: &Simulator, path: &str) -> Option<Value> {
    let now = simulator.clock().now();
    let mut state = simulator.lock();
    Some(match path {
        "health" => json!({"status": "ok"}),
        "calls" => state.calls_mut().counts(),
        "calls/log" => state.calls_mut().log(),
        "operations" => json!({"operations": wire::operations()}),
        "violations" => json!({"violations": state.referee().violations()}),
        "intent" => state.referee().intent().clone(),
        "faults" => json!(state.faults_mut().plan()),
        "events" => json!({"waiting": state.events_mut().len()}),
        "clock" => json!({"now": now}),
        "switches" => json!(state.world().switches),
        "world" => {
            drop(state);
            dump_of(simulator)
        }
        _ => return None,
    })
}

/// The world, as of now.
pub(super) fn dump_of(simulator: &Simulator) -> Value {
    let now = simulator.clock().now();
    let mut state = simulator.lock();
    state.world_mut().organization.settle(now);
    dump::world(state.world())
}

fn put(simulator: &Simulator, path: &str, body: &Bytes) -> Result<Value, (StatusCode, String)> {
    match path {
        "faults" => {
            let plan: FaultPlan = parse(body)?;
            let mut state = simulator.lock();
            *state.faults_mut() = Faults::new(plan);
            Ok(json!(state.faults_mut().plan()))
        }
        "intent" => {
            let intent: Value = parse(body)?;
            simulator.lock().intend(intent.clone());
            Ok(intent)
        }
        "switches" => {
            let switches: Switches = parse(body)?;
            let reply = json!(switches);
            simulator.lock().world_mut().switches = switches;
            Ok(reply)
        }
        "clock" => {
            let change: ClockChange = parse(body)?;
            if let Some(speed) = change.speed {
                simulator.clock().set_speed(speed);
            }
            simulator.clock().advance(change.advance_milliseconds);
            Ok(json!({"now": simulator.clock().now()}))
        }
        _ => Err(not_found(path)),
    }
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

fn not_found(path: &str) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("/_simulator/{path} does not exist, or not with this method"))
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

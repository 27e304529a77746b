//! Somebody who takes alerts, or does not.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    Fails,
    Redirects,
    Hangs,
}

#[derive(Debug)]
struct Inner {
    mood: Mood,
    /// Path and body of every request.
    requests: Vec<(String, Value)>,
    refused: usize,
}

/// A receiver on loopback.
pub(crate) struct Receiver {
    port: u16,
    inner: Arc<Mutex<Inner>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Inner { mood: Mood::Takes, requests: Vec::new(), refused: 0 };
        let inner = Arc::new(Mutex::new(inner));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, inner }
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.inner.lock().unwrap().mood = mood;
    }

    /// What it took, oldest first.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let inner = self.inner.lock().unwrap();
        inner.requests.iter().map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.requests.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Requests that it did not take.
    pub(crate) fn refused(&self) -> usize {
        self.inner.lock().unwrap().refused
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, uri: Uri, body: String) -> Response {
    let mood = {
        let mut inner = inner.lock().unwrap();
        match inner.mood {
            Mood::Takes => {
                let body = serde_json::from_str(&body).unwrap();
                inner.requests.push((uri.path().to_owned(), body));
            }
            Mood::Fails | Mood::Redirects | Mood::Hangs => inner.refused += 1,
        }
        inner.mood
    };
    match mood {
        Mood::Takes => StatusCode::NO_CONTENT.into_response(),
        // As some do, it repeats what it was asked.
        Mood::Fails => (StatusCode::BAD_GATEWAY, format!("no {uri}")).into_response(),
        Mood::Redirects => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]).into_response()
        }
        Mood::Hangs => std::future::pending().await,
    }
}

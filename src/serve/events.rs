//! Tells open pages that something changed, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Pages that may be open at once: enough for a company's screens, and no way to use up sockets.
const STREAMS_MAX: usize = 32;

/// When a browser connects again after it lost the stream, in milliseconds.
const RETRY_MILLISECONDS: u64 = 2000;

/// What pages are told, again and again, so that they notice silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Beat {
    /// Grows whenever the overview has changed.
    pub revision: u64,
    /// When this was said.
    pub at: Timestamp,
}

/// Streams that are open, and what ends them.
#[derive(Clone)]
pub(super) struct Streams {
    beats: watch::Receiver<Beat>,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

/// One open stream.
struct Open {
    beats: watch::Receiver<Beat>,
    stop: CancellationToken,
    is_first: bool,
    _room: OwnedSemaphorePermit,
}

impl Streams {
    /// None yet. Once `stop` fires all end, so that nobody waits for them.
    pub(super) fn new(beats: watch::Receiver<Beat>, stop: CancellationToken) -> Self {
        Self { beats, room: Arc::new(Semaphore::new(STREAMS_MAX)), stop }
    }

    /// Opens one, if there is room.
    pub(super) fn open(&self) -> Response {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            let why = "too many pages are open; close one\n";
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], why)
                .into_response();
        };
        let (beats, stop) = (self.beats.clone(), self.stop.clone());
        Sse::new(events(Open { beats, stop, is_first: true, _room: room })).into_response()
    }
}

/// The newest beat at once, and then each that comes: one that is slow to read misses some.
fn events(open: Open) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(open, |mut open| async move {
        if !open.is_first {
            tokio::select! {
                () = open.stop.cancelled() => return None,
                changed = open.beats.changed() => changed.ok()?,
            }
        }
        let beat = *open.beats.borrow_and_update();
        let data = serde_json::to_string(&beat).ok()?;
        let mut event = Event::default().event("beat").data(data);
        if std::mem::take(&mut open.is_first) {
            event = event.retry(std::time::Duration::from_millis(RETRY_MILLISECONDS));
        }
        Some((Ok(event), open))
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn beat(revision: u64) -> Beat {
        Beat { revision, at: Timestamp::UNIX_EPOCH }
    }

    async fn next(body: &mut axum::body::Body) -> Option<String> {
        let frame = body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_page_is_told_at_once_and_at_each_change_until_the_stop() {
        let (beats, receiver) = watch::channel(beat(7));
        let stop = CancellationToken::new();
        let streams = Streams::new(receiver, stop.clone());
        let mut body = streams.open().into_body();
        let first = next(&mut body).await.unwrap();
        assert!(first.contains("event: beat\n") && first.contains("retry: 2000\n"), "{first}");
        assert!(first.contains("\"revision\":7"), "{first}");
        beats.send(beat(8)).unwrap();
        assert!(next(&mut body).await.unwrap().contains("\"revision\":8"));
        stop.cancel();
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_and_a_page_that_closes_makes_room() {
        let (_beats, receiver) = watch::channel(beat(1));
        let streams = Streams::new(receiver, CancellationToken::new());
        let mut open: Vec<Response> = (0..STREAMS_MAX).map(|_| streams.open()).collect();
        assert!(open.iter().all(|it| it.status() == StatusCode::OK));
        assert_eq!(streams.open().status(), StatusCode::SERVICE_UNAVAILABLE);
        open.pop();
        assert_eq!(streams.open().status(), StatusCode::OK);
    }
}

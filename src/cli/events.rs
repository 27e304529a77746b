//! Drift noticed from events: a queue that EventBridge fills with what CloudTrail saw.
//!
//! Every message that was received is deleted once the keys it points to are queued, whatever it
//! was: it is only a hint, and the resync looks everywhere anyway. So nothing comes back for ever,
//! and what is lost when the process dies in between costs time.

use std::time::Duration;

use clap::Args;
use tracing::{debug, info, warn};

use super::controller::Controller;
use crate::runtime::{Backoff, BackoffSettings};

/// How events are received.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct EventsArguments {
    /// URL of an SQS queue that EventBridge fills with writes to Bedrock and Organizations; drift is
    /// then put right within seconds. Only hints: the resync stays. (Feature sqs.)
    #[arg(long, env = "BEDRAIL_EVENTS_QUEUE", value_name = "URL")]
    events_queue: Option<String>,
}

impl EventsArguments {
    /// Follows the queue, if one is set. Never ends.
    pub(super) async fn follow(&self, controller: &Controller) {
        match &self.events_queue {
            Some(url) => controller.follow_events(url).await,
            None => std::future::pending().await,
        }
    }
}

impl Controller {
    /// Visits what messages on the queue at `url` point to. Never ends. A delete is tried once: what
    /// could not be deleted comes again, and is harmless.
    pub async fn follow_events(&self, url: &str) {
        let queue = self.engine.event_queue(url);
        let mut backoff =
            Backoff::new(BackoffSettings::default(), fastrand::Rng::with_seed(self.seed));
        info!(url, "listening for events");
        loop {
            let messages = match self.engine.receive(&queue).await {
                Ok(messages) => messages,
                Err(error) => {
                    let delay = backoff.next_delay();
                    warn!(%error, retry_s = delay.as_secs(), "events are not received; the resync goes on");
                    self.clock.sleep(delay.max(Duration::from_millis(100))).await;
                    continue;
                }
            };
            backoff.reset();
            if messages.is_empty() {
                continue;
            }
            for message in &messages {
                for key in self.engine.heed(&message.body) {
                    debug!(%key, "an event says that something has changed");
                    self.queue.add(key);
                }
            }
            if let Err(error) = self.engine.delete(&queue, &messages).await {
                warn!(%error, "events could not be deleted from the queue; they come again");
            }
        }
    }
}

//! A standard SQS queue: at least once, not before the visibility timeout has passed.

use std::collections::VecDeque;

use crate::simulator::call::Millis;

/// Messages kept; the oldest go first. Histories without a reader must not grow for ever.
const MESSAGES_MAX: usize = 10_000;

/// One message.
#[derive(Debug)]
pub(in crate::simulator) struct Message {
    /// Its id, the same each time it is received.
    pub(super) id: String,
    /// What was sent.
    pub(super) body: String,
    /// How often it was received.
    pub(super) received: u64,
    visible_at: Millis,
}

impl Message {
    /// The handle of its last receipt.
    pub(super) fn receipt(&self) -> String {
        format!("{}#{}", self.id, self.received)
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Queue {
    messages: VecDeque<Message>,
    sent: u64,
}

impl Queue {
    /// Puts a message in; returns its id.
    pub(in crate::simulator) fn send(&mut self, body: String, at: Millis) -> String {
        self.sent += 1;
        if self.messages.len() == MESSAGES_MAX {
            self.messages.pop_front();
        }
        let id = format!("00000000-0000-4000-8000-{:012x}", self.sent);
        self.messages.push_back(Message { id: id.clone(), body, received: 0, visible_at: at });
        id
    }

    /// How many messages there are, received or not.
    pub(in crate::simulator) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether a message can be received.
    pub(in crate::simulator) fn has_visible(&self, at: Millis) -> bool {
        self.messages.iter().any(|message| message.visible_at <= at)
    }

    /// Hands out up to `count` messages and hides them for so many milliseconds.
    pub(super) fn receive(&mut self, count: usize, hidden: Millis, at: Millis) -> Vec<&Message> {
        let visible = self.messages.iter_mut().filter(|message| message.visible_at <= at);
        visible
            .take(count)
            .map(|message| {
                message.received += 1;
                message.visible_at = at + hidden;
                &*message
            })
            .collect()
    }

    /// Deletes the message of a receipt; one that is gone already is no error.
    pub(super) fn delete(&mut self, receipt: &str) {
        let id = receipt.split('#').next();
        self.messages.retain(|message| Some(message.id.as_str()) != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_deleted_comes_again_after_its_timeout() {
        let mut queue = Queue::default();
        queue.send("a".to_owned(), 0);
        let first = queue.receive(10, 30_000, 0)[0].receipt();
        assert!(queue.receive(10, 30_000, 29_999).is_empty() && !queue.has_visible(29_999));
        assert_eq!(queue.receive(10, 30_000, 30_000)[0].body, "a");
        queue.delete(&first);
        queue.delete(&first);
        assert_eq!(queue.len(), 0);
    }
}

//! Keeps the time of AWS, as its answers tell it.
//!
//! What several controllers must agree on, one after the other or by mistake at once, is counted on
//! the clock that all of them can see: how long a wave has been complete stands in a tag, and the
//! machine of whoever reads it may be hours off.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::date_time::Format;
use jiff::Timestamp;
use tokio::time::Instant;

use super::client::Aws;

/// A date has no more than seconds.
const RESOLUTION_MS: i64 = 1_000;

/// Between which two times it is at AWS.
#[derive(Clone, Debug)]
pub(super) struct TheirClock {
    start: Instant,
    bounds: Arc<Mutex<Option<Bounds>>>,
}

/// What is to be added to our monotonic time, in milliseconds: at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    least: i64,
    most: i64,
}

/// When a request was sent, in milliseconds since the start.
#[derive(Clone, Copy, Debug)]
struct Sent(i64);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Bounds {
    /// What an answer tells that was dated at `date` between two moments of ours.
    fn of(date: i64, sent: i64, received: i64) -> Self {
        Self { least: date - received, most: date + RESOLUTION_MS - sent }
    }

    /// What both tell. If they contradict each other one of the clocks was set, or has drifted:
    /// the later one counts.
    fn and(self, later: Self) -> Self {
        let (least, most) = (self.least.max(later.least), self.most.min(later.most));
        if least <= most { Self { least, most } } else { later }
    }
}

impl TheirClock {
    pub(super) fn starting() -> Self {
        Self { start: Instant::now(), bounds: Arc::default() }
    }

    fn ours(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX / 4)
    }

    fn note(&self, told: Bounds) {
        let mut bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        *bounds = Some(bounds.map_or(told, |known| known.and(told)));
    }

    /// `local`, as far as it can be the time at AWS; else the nearest that can be.
    fn nearest(&self, local: Timestamp) -> Timestamp {
        let bounds = *self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Bounds { least, most }) = bounds else { return local };
        let ours = self.ours();
        let at = |offset: i64| Timestamp::from_millisecond(offset.saturating_add(ours));
        let (Ok(least), Ok(most)) = (at(least), at(most)) else { return local };
        local.clamp(least, most)
    }
}

#[dyn_dispatch_hint]
impl Intercept for TheirClock {
    fn name(&self) -> &'static str {
        "TheirClock"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        configuration: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        configuration.interceptor_state().store_put(Sent(self.ours()));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        configuration: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = date_of(context.response().headers());
        if let (Some(date), Some(Sent(sent))) = (date, configuration.load::<Sent>()) {
            self.note(Bounds::of(date, *sent, self.ours()));
        }
        Ok(())
    }
}

/// The date of an answer of AWS, in milliseconds since the epoch: not of what stands in between,
/// which has a clock of its own and numbers no requests.
fn date_of(headers: &Headers) -> Option<i64> {
    headers.get("x-amzn-requestid")?;
    DateTime::from_str(headers.get("date")?, Format::HttpDate).ok()?.to_millis().ok()
}

impl Aws {
    /// The time at AWS, where `local` is what our machine believes. It is known to the second and
    /// the time that a call takes, and better with every answer; nothing is known before the first.
    pub fn time(&self, local: Timestamp) -> Timestamp {
        self.their_clock().nearest(local)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_aws_itself_answers_is_believed() {
        let mut headers = Headers::new();
        headers.insert("date", "Sat, 21 Nov 2026 07:00:00 GMT");
        assert_eq!(date_of(&headers), None, "a proxy");
        headers.insert("x-amzn-requestid", "8a7b5f9e-0000-4000-8000-000000000001");
        assert_eq!(date_of(&headers), Some(1_795_244_400_000));
    }

    #[test]
    fn answers_narrow_the_time_down_until_they_contradict() {
        let one = Bounds::of(50_000, 100, 150);
        assert_eq!(one, Bounds { least: 49_850, most: 50_900 });
        let narrower = one.and(Bounds::of(50_000, 900, 950));
        assert_eq!(narrower, Bounds { least: 49_850, most: 50_100 });
        let slow = Bounds::of(51_000, 1_000, 9_000);
        assert_eq!(narrower.and(slow), narrower);
        let set_back = Bounds::of(2_000, 2_000, 2_050);
        assert_eq!(narrower.and(set_back), set_back);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_right_is_believed_and_any_other_is_put_right() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let clock = TheirClock::starting();
        assert_eq!(clock.nearest(at(7)), at(7), "nothing is known yet");
        clock.note(Bounds::of(1_000_000, 0, 50));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(clock.nearest(at(1_060)), at(1_060));
        assert_eq!(clock.nearest(at(1_660)), at(1_061), "ten minutes ahead");
        let behind = at(1_060).saturating_sub(Duration::from_millis(50)).unwrap();
        assert_eq!(clock.nearest(at(460)), behind, "ten minutes behind");
    }
}

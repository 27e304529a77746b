//! How sure is sure: reads are eventually consistent, so creating a second thing and anything
//! destructive need two complete reads some seconds apart (DESIGN section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use crate::model::{Absent, Seen};

/// Proof that two complete reads, far enough apart, agreed. Only [`Sightings`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed(());

/// The two delays. Both are settings; a fast clock can shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Least distance of the two reads.
    pub confirm_after: Duration,
    /// For how long an object we wrote ourselves is not believed to be absent.
    pub own_write_grace: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { confirm_after: Duration::from_secs(5), own_write_grace: Duration::from_mins(1) }
    }
}

/// What one key has seen of the objects it may create or remove. Memory of one process: after a
/// restart everything is confirmed anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sightings {
    absent_since: BTreeMap<String, Duration>,
    removable_since: BTreeMap<String, Duration>,
    written_at: BTreeMap<String, Duration>,
    noticed_at: BTreeMap<String, Duration>,
    /// What the present visit said is so, and since when.
    lasting_since: BTreeMap<String, Duration>,
    /// The same of the visit before.
    lasted_since: BTreeMap<String, Duration>,
}

impl Sightings {
    /// Records a complete read at `now` that showed `object` absent. Confirms it, or says how long
    /// to wait before reading again.
    pub fn confirm_absent(
        &mut self,
        object: &str,
        _proof: Absent,
        now: Duration,
        timing: &Timing,
    ) -> Result<Confirmed, Duration> {
        self.removable_since.remove(object);
        if let Some(wait) = self.written_for(object, now, timing) {
            return Err(wait);
        }
        confirm(&mut self.absent_since, object, now, timing)
    }

    /// Records a complete read at `now` that showed `object` present and removable by consent.
    pub fn confirm_removable(
        &mut self,
        object: &str,
        _proof: Seen,
        now: Duration,
        timing: &Timing,
    ) -> Result<Confirmed, Duration> {
        self.absent_since.remove(object);
        confirm(&mut self.removable_since, object, now, timing)
    }

    /// Since when `object` is being confirmed as removable.
    pub fn removable_since(&self, object: &str) -> Option<Duration> {
        self.removable_since.get(object).copied()
    }

    /// Records that a read showed `object` present and to be kept, or that nothing could be read:
    /// whatever was being confirmed starts over.
    pub fn reset(&mut self, object: &str) {
        self.absent_since.remove(object);
        self.removable_since.remove(object);
    }

    /// Records that none of the objects of a kind could be read: whatever was being confirmed of
    /// them starts over.
    pub fn reset_each(&mut self, is_of_kind: impl Fn(&str) -> bool) {
        self.absent_since.retain(|object, _| !is_of_kind(object));
        self.removable_since.retain(|object, _| !is_of_kind(object));
    }

    /// For how long what we wrote ourselves of `object` may not show in a read still, if it may.
    pub fn written_for(&self, object: &str, now: Duration, timing: &Timing) -> Option<Duration> {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::GraceIgnored) {
            return None;
        }
        let trusted = *self.written_at.get(object)? + timing.own_write_grace;
        (now < trusted).then(|| trusted.saturating_sub(now))
    }

    /// Notes `object` at `now`, and says how long ago it was noted first.
    pub fn noticed(&mut self, object: &str, now: Duration) -> Duration {
        now.saturating_sub(*self.noticed_at.entry(object.to_owned()).or_insert(now))
    }

    /// Whether `object` was noted and not forgotten since.
    pub fn is_noticed(&self, object: &str) -> bool {
        self.noticed_at.contains_key(object)
    }

    /// Takes back that `object` was noted.
    pub fn forget(&mut self, object: &str) {
        self.noticed_at.remove(object);
    }

    /// Notes at `now` where something is: each place, behind `what`. Takes the others back but for
    /// those where it is wanted still.
    pub fn notice_at<T: Ord + Display>(
        &mut self,
        what: &str,
        (places, wanted): (&BTreeSet<T>, &BTreeSet<T>),
        now: Duration,
    ) {
        let note = |place: &T| format!("{what}{place}");
        for place in places {
            self.noticed(&note(place), now);
        }
        let kept: BTreeSet<String> = places.union(wanted).map(note).collect();
        self.noticed_at.retain(|object, _| !object.starts_with(what) || kept.contains(object));
    }

    /// Begins another visit: what none says again with [`Self::lasts`] has come to an end.
    pub fn begin_visit(&mut self) {
        self.lasted_since = std::mem::take(&mut self.lasting_since);
    }

    /// Says that `object` is so at `now`, and for how long every visit has said it.
    pub fn lasts(&mut self, object: &str, now: Duration) -> Duration {
        let since = self.lasted_since.get(object).copied().unwrap_or(now);
        now.saturating_sub(*self.lasting_since.entry(object.to_owned()).or_insert(since))
    }

    /// Forgets what no later read can need. Whether nothing is left.
    pub fn is_over(&mut self, now: Duration, timing: &Timing) -> bool {
        self.written_at.retain(|_, written| now < *written + timing.own_write_grace);
        self.absent_since.is_empty()
            && self.removable_since.is_empty()
            && self.written_at.is_empty()
            && self.noticed_at.is_empty()
            && self.lasting_since.is_empty()
    }

    /// Records that we wrote `object` at `now`.
    pub fn wrote(&mut self, object: &str, now: Duration) {
        self.reset(object);
        self.written_at.insert(object.to_owned(), now);
    }
}

fn confirm(
    since: &mut BTreeMap<String, Duration>,
    object: &str,
    now: Duration,
    timing: &Timing,
) -> Result<Confirmed, Duration> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::OneReadEnough) {
        return Ok(Confirmed(()));
    }
    let first = *since.entry(object.to_owned()).or_insert(now);
    let due = first + timing.confirm_after;
    if now >= due { Ok(Confirmed(())) } else { Err(due.saturating_sub(now)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Read;

    const TIMING: Timing =
        Timing { confirm_after: Duration::from_secs(5), own_write_grace: Duration::from_mins(1) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn absent() -> Absent {
        Read::<()>::KnownAbsent.absent().unwrap()
    }

    #[test]
    fn one_read_is_not_enough_to_create() {
        let mut sightings = Sightings::default();
        let mut read = |now| sightings.confirm_absent("g", absent(), at(now), &TIMING);
        assert_eq!(read(10), Err(at(5)));
        assert_eq!(read(12), Err(at(3)));
        assert!(read(15).is_ok());
    }

    #[test]
    fn a_read_in_between_that_shows_it_starts_over() {
        let mut sightings = Sightings::default();
        assert!(sightings.confirm_absent("g", absent(), at(0), &TIMING).is_err());
        sightings.reset("g");
        assert_eq!(sightings.confirm_absent("g", absent(), at(9), &TIMING), Err(at(5)));
    }

    #[test]
    fn what_we_wrote_ourselves_is_not_absent_for_a_while() {
        let mut sightings = Sightings::default();
        sightings.wrote("g", at(100));
        assert_eq!(sightings.confirm_absent("g", absent(), at(110), &TIMING), Err(at(50)));
        assert_eq!(sightings.confirm_absent("g", absent(), at(160), &TIMING), Err(at(5)));
        assert!(sightings.confirm_absent("g", absent(), at(165), &TIMING).is_ok());
    }

    fn seen() -> Seen {
        Read::Known(()).known().unwrap().1
    }

    #[test]
    fn one_read_is_not_enough_to_remove_and_one_of_the_other_kind_starts_over() {
        let mut sightings = Sightings::default();
        assert_eq!(sightings.confirm_removable("g", seen(), at(10), &TIMING), Err(at(5)));
        assert_eq!(sightings.removable_since("g"), Some(at(10)));
        assert!(sightings.confirm_removable("g", seen(), at(15), &TIMING).is_ok());
        // It was gone for a moment, and is there again: neither is sure.
        assert_eq!(sightings.confirm_absent("g", absent(), at(16), &TIMING), Err(at(5)));
        assert_eq!(sightings.removable_since("g"), None);
        assert_eq!(sightings.confirm_removable("g", seen(), at(20), &TIMING), Err(at(5)));
        assert_eq!(sightings.confirm_absent("g", absent(), at(24), &TIMING), Err(at(5)));
        sightings.reset("g");
        assert_eq!(sightings.removable_since("g"), None);
    }

    #[test]
    fn what_was_seen_is_over_once_nothing_is_confirmed_and_our_write_must_show() {
        let mut sightings = Sightings::default();
        assert!(sightings.is_over(at(0), &TIMING));
        sightings.wrote("g", at(0));
        assert!(!sightings.is_over(at(59), &TIMING));
        assert!(sightings.is_over(at(60), &TIMING));
        assert!(sightings.confirm_absent("g", absent(), at(60), &TIMING).is_err());
        assert!(!sightings.is_over(at(3600), &TIMING), "it is being confirmed");
        sightings.reset("g");
        sightings.noticed("h", at(3600));
        assert!(!sightings.is_over(at(7200), &TIMING), "it was noticed");
        sightings.forget("h");
        assert!(sightings.is_over(at(7200), &TIMING));
    }

    #[test]
    fn what_we_wrote_is_confirmed_anew_and_the_others_are_not() {
        let mut sightings = Sightings::default();
        for object in ["g", "h"] {
            assert!(sightings.confirm_removable(object, seen(), at(0), &TIMING).is_err());
        }
        sightings.wrote("g", at(1));
        assert_eq!(sightings.removable_since("g"), None);
        assert_eq!(sightings.removable_since("h"), Some(at(0)));
        assert_eq!(sightings.written_for("g", at(61), &TIMING), None, "the grace is over");
        assert_eq!(sightings.written_for("g", at(60), &TIMING), Some(at(1)));
        assert_eq!(sightings.written_for("h", at(2), &TIMING), None);
    }

    #[test]
    fn a_kind_that_cannot_be_read_starts_over_and_another_does_not() {
        let mut sightings = Sightings::default();
        for object in ["a 1", "b 1"] {
            assert!(sightings.confirm_removable(object, seen(), at(0), &TIMING).is_err());
        }
        for object in ["a 2", "b 2"] {
            assert!(sightings.confirm_absent(object, absent(), at(0), &TIMING).is_err());
        }
        sightings.reset_each(|object| object.starts_with('a'));
        assert_eq!(sightings.confirm_absent("a 2", absent(), at(9), &TIMING), Err(at(5)));
        assert!(sightings.confirm_absent("b 2", absent(), at(9), &TIMING).is_ok());
        assert_eq!(sightings.removable_since("a 1"), None);
        assert_eq!(sightings.removable_since("b 1"), Some(at(0)));
    }

    #[test]
    fn what_lasts_does_so_only_while_no_visit_leaves_it_out() {
        let mut sightings = Sightings::default();
        let mut said = |seconds: u64, objects: &[&str]| {
            sightings.begin_visit();
            let said: Vec<_> = objects.iter().map(|it| sightings.lasts(it, at(seconds))).collect();
            (said, sightings.is_over(at(seconds), &TIMING))
        };
        assert_eq!(said(10, &["g"]), (vec![at(0)], false));
        assert_eq!(said(20, &["g", "h", "g"]), (vec![at(10), at(0), at(10)], false));
        assert_eq!(said(30, &["h"]), (vec![at(10)], false));
        assert_eq!(said(40, &["g", "h"]), (vec![at(0), at(20)], false));
        assert_eq!(said(50, &[]), (vec![], true));
        assert_eq!(said(60, &["h"]), (vec![at(0)], false));
    }

    #[test]
    fn what_is_noticed_is_so_since_the_first_time_until_it_is_forgotten() {
        let mut sightings = Sightings::default();
        assert!(!sightings.is_noticed("g"));
        assert_eq!(sightings.noticed("g", at(10)), at(0));
        assert_eq!(sightings.noticed("g", at(17)), at(7));
        assert!(sightings.is_noticed("g") && !sightings.is_noticed("h"));
        sightings.forget("g");
        assert!(!sightings.is_noticed("g"));
        assert_eq!(sightings.noticed("g", at(20)), at(0));
    }

    #[test]
    fn where_something_was_is_forgotten_once_it_is_not_wanted_there() {
        let mut sightings = Sightings::default();
        let set = |places: &[u32]| places.iter().copied().collect::<BTreeSet<_>>();
        sightings.noticed("h", at(0));
        sightings.notice_at("g/", (&set(&[1, 2, 3]), &set(&[1])), at(0));
        sightings.notice_at("g/", (&set(&[3]), &set(&[1])), at(5));
        let noticed = ["g/1", "g/2", "g/3", "h"].map(|it| sightings.is_noticed(it));
        assert_eq!(noticed, [true, false, true, true]);
        assert_eq!(sightings.noticed("g/3", at(7)), at(7));
    }
}

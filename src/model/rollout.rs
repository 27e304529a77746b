//! How a new revision reaches the places of an enforcement, and what must be remembered of it.
//!
//! The memory is tags on the replicas of the guardrail: it survives the loss of a disk, and a
//! person can read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::canonical::Revision;
use super::ids::Name;

/// Before the name of an enforcement: the revision whose last gate passed.
const ACCEPTED: &str = "bedrail:accepted/";
/// Before the name of an enforcement: the revision that went back, and the text it was tried with.
const REJECTED: &str = "bedrail:rejected/";
/// Before the name of an enforcement: how far a revision is.
const WAVE: &str = "bedrail:wave/";
/// The accepted revision before the first one is.
const NOTHING: &str = "none";
/// A wave some of whose places have lost the revision again.
const MOVING: &str = "moving";

/// One rollout, resolved: which place belongs to which wave. `P` is a cell, or a Region of an
/// organization policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredRollout<P: Ord> {
    /// In order; at least one, and the last takes what no other selects.
    pub waves: Vec<DesiredWave<P>>,
    /// What a wave must pass before the next one opens.
    pub gate: Gate,
    /// What happens when it does not.
    pub on_failure: OnFailure,
    /// Whether nothing moves now.
    pub is_paused: bool,
    /// Whether a target of a wave resolves to nothing, so that nobody can say what it means.
    pub is_unresolved: bool,
    /// Hash of the text: a rejection counts until it changes.
    pub text: String,
}

/// One wave, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredWave<P: Ord> {
    /// Its name.
    pub name: Name,
    /// What it moves.
    pub places: BTreeSet<P>,
    /// How long it stays complete before it is passed.
    pub bake: Duration,
}

impl<P: Ord> DesiredRollout<P> {
    /// The wave of a place.
    pub fn wave_of(&self, place: &P) -> Option<usize> {
        self.waves.iter().position(|wave| wave.places.contains(place))
    }
}

/// What a wave must pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gate {
    /// What is asked in each of its places.
    pub probe: GateProbe,
    /// Whether the guardrail's own tests are run through one member of the wave in each Region.
    pub tests: bool,
    /// How many of its places may fail.
    pub failures_max: u32,
}

impl Gate {
    /// Whether anything is asked.
    pub fn is_tried(&self) -> bool {
        self.tests || self.probe != GateProbe::None
    }
}

/// What is asked in a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum GateProbe {
    /// Nothing.
    None,
    /// Whether the new version can be applied there, and lets a harmless text pass.
    #[default]
    ApplyGuardrail,
    /// Whether a model call there shows the new version enforced, and is answered.
    Converse {
        /// The model that is called.
        model: String,
    },
}

/// What happens when a wave does not pass its gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum OnFailure {
    /// Nothing moves any more.
    #[default]
    Halt,
    /// What has moved goes back to the accepted revision.
    Rollback,
}

/// What a place said when the gate of its wave was tried there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateVerdict {
    /// Of which revision.
    pub revision: Revision,
    /// When it was asked.
    pub at: Timestamp,
    /// Why it does not pass; `None` when it does.
    pub failure: Option<String>,
}

/// What a replica's tags remember of one enforcement's rollouts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RolloutMarks {
    /// What is in force when no rollout is open.
    pub accepted: Option<Accepted>,
    /// What went back.
    pub rejected: Option<Rejected>,
    /// How far a revision is.
    pub wave: Option<WaveMark>,
}

/// The outcome of the last rollout that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accepted {
    /// There was none: the first one has begun.
    Nothing,
    /// This passed the last gate, or was in force when rollouts began to be used.
    Revision(Revision),
}

/// A revision that is not desired again until the text changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejected {
    /// Which.
    pub revision: Revision,
    /// [`DesiredRollout::text`] it was tried with.
    pub text: String,
}

/// How far a revision is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaveMark {
    /// Which revision.
    pub revision: Revision,
    /// The wave.
    pub wave: Name,
    /// When each place of it was seen to have the revision, or lost it again.
    pub since: Timestamp,
    /// Whether a place has lost it since, so that the bake begins again.
    pub is_moving: bool,
}

/// What a tag says where it cannot be taken away: no mark reads so.
pub const NO_MARK: &str = "-";

/// Which of the three tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// `bedrail:accepted/…`.
    Accepted,
    /// `bedrail:rejected/…`.
    Rejected,
    /// `bedrail:wave/…`.
    Wave,
}

impl MarkKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Rejected, Self::Wave];

    /// The key of the tag: at most 67 of 128 characters (`aws-facts` 1.10).
    pub fn tag(self, enforcement: &Name) -> String {
        format!("{}{enforcement}", self.prefix())
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Accepted => ACCEPTED,
            Self::Rejected => REJECTED,
            Self::Wave => WAVE,
        }
    }
}

impl RolloutMarks {
    /// The mark that a tag is, and of which enforcement; `None` for any other tag.
    pub fn of_tag(tag: &str) -> Option<(MarkKind, Name)> {
        MarkKind::ALL.into_iter().find_map(|kind| {
            let name = tag.strip_prefix(kind.prefix())?.parse().ok()?;
            Some((kind, name))
        })
    }

    /// The marks that tags are, by enforcement.
    pub fn of_tags(tags: &BTreeMap<String, String>) -> BTreeMap<Name, Self> {
        let mut marks: BTreeMap<Name, Self> = BTreeMap::new();
        for (tag, value) in tags {
            if let Some((kind, enforcement)) = Self::of_tag(tag) {
                marks.entry(enforcement).or_default().read(kind, value);
            }
        }
        marks
    }

    /// Takes over what a tag of this kind says; a value that somebody wrote over says nothing.
    pub fn read(&mut self, kind: MarkKind, value: &str) {
        match kind {
            MarkKind::Accepted => self.accepted = value.parse().ok(),
            MarkKind::Rejected => self.rejected = value.parse().ok(),
            MarkKind::Wave => self.wave = value.parse().ok(),
        }
    }

    /// What the tag of this kind should say; `None` if it should not be there. At most 132 of 256
    /// characters.
    pub fn value(&self, kind: MarkKind) -> Option<String> {
        match kind {
            MarkKind::Accepted => self.accepted.as_ref().map(ToString::to_string),
            MarkKind::Rejected => self.rejected.as_ref().map(ToString::to_string),
            MarkKind::Wave => self.wave.as_ref().map(ToString::to_string),
        }
    }
}

impl Accepted {
    /// The revision, if there was one.
    pub fn revision(&self) -> Option<&Revision> {
        match self {
            Self::Nothing => None,
            Self::Revision(revision) => Some(revision),
        }
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str(NOTHING),
            Self::Revision(revision) => revision.fmt(f),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.revision, self.text)
    }
}

impl fmt::Display for WaveMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, wave, since, is_moving } = self;
        write!(f, "{revision}/{wave}/{since}")?;
        if *is_moving { write!(f, "/{MOVING}") } else { Ok(()) }
    }
}

/// A tag's value that is no mark: somebody wrote over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mark of a rollout as Bedrail writes it")]
pub struct NotAMark;

impl FromStr for Accepted {
    type Err = NotAMark;

    fn from_str(text: &str) -> Result<Self, NotAMark> {
        match text {
            NOTHING => Ok(Self::Nothing),
            revision => revision.parse().map(Self::Revision).map_err(|_| NotAMark),
        }
    }
}

impl FromStr for Rejected {
    type Err = NotAMark;

    fn from_str(text: &str) -> Result<Self, NotAMark> {
        let (revision, text) = text.split_once('@').ok_or(NotAMark)?;
        let revision = revision.parse().map_err(|_| NotAMark)?;
        Ok(Self { revision, text: text.to_owned() })
    }
}

impl FromStr for WaveMark {
    type Err = NotAMark;

    fn from_str(text: &str) -> Result<Self, NotAMark> {
        let words: Vec<&str> = text.split('/').collect();
        let (revision, wave, since, is_moving) = match words.as_slice() {
            [revision, wave, since] => (revision, wave, since, false),
            [revision, wave, since, MOVING] => (revision, wave, since, true),
            _ => return Err(NotAMark),
        };
        Ok(Self {
            revision: revision.parse().map_err(|_| NotAMark)?,
            wave: wave.parse().map_err(|_| NotAMark)?,
            since: since.parse().map_err(|_| NotAMark)?,
            is_moving,
        })
    }
}

macro_rules! serialized_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}
serialized_as_text!(Accepted, Rejected, WaveMark);

#[cfg(test)]
mod tests {
    use super::*;

    fn revision() -> Revision {
        "244ec1eae98c2dc4770cb6023e0e88f4".parse().unwrap()
    }

    #[test]
    fn marks_read_back_from_their_tags_and_fit_into_them() {
        let name: Name = "n".repeat(50).parse().unwrap();
        let marks = RolloutMarks {
            accepted: Some(Accepted::Revision(revision())),
            rejected: Some(Rejected { revision: revision(), text: "0a1b2c3d4e5f".to_owned() }),
            wave: Some(WaveMark {
                revision: revision(),
                wave: "w".repeat(50).parse().unwrap(),
                since: "2026-11-21T03:05:49.123Z".parse().unwrap(),
                is_moving: true,
            }),
        };
        let mut read = RolloutMarks::default();
        for kind in MarkKind::ALL {
            let (tag, value) = (kind.tag(&name), marks.value(kind).unwrap());
            assert!(tag.len() <= 128 && value.len() <= 256, "{tag} {value}");
            let is_admitted = |c: char| c.is_ascii_alphanumeric() || "._:/=+-@".contains(c);
            assert!(tag.chars().chain(value.chars()).all(is_admitted), "{tag} {value}");
            assert_eq!(RolloutMarks::of_tag(&tag), Some((kind, name.clone())));
            read.read(kind, &value);
        }
        assert_eq!(read, marks);
        let other = RolloutMarks { accepted: Some(Accepted::Nothing), ..RolloutMarks::default() };
        read.read(MarkKind::Accepted, &other.value(MarkKind::Accepted).unwrap());
        assert_eq!(read.accepted, Some(Accepted::Nothing));
    }

    #[test]
    fn what_somebody_wrote_over_says_nothing() {
        for kind in MarkKind::ALL {
            for wrong in ["", "x", "244ec1ea", "244ec1eae98c2dc4770cb6023e0e88f4/canary/today"] {
                let mut marks = RolloutMarks::default();
                marks.read(kind, wrong);
                assert_eq!(marks.value(kind), None, "{wrong}");
            }
        }
        for other in ["bedrail:owner", "bedrail:enforcement/x", "bedrail:wave/", "wave/x"] {
            assert_eq!(RolloutMarks::of_tag(other), None, "{other}");
        }
    }
}

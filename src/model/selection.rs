//! What the text of an enforcement selects, short enough to stand in a tag.
//!
//! The tag is the only memory of what the text said before: from the two it follows what the text
//! gave up. What merely left a selection (an account moved, a unit renamed) follows from neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::cell::Cell;
use super::desired::Presence;
use super::fleet::Fleet;
use super::ids::{AccountId, Name, Region, TargetId};

/// Characters a tag's value may have (`aws-facts` 1.1).
const VALUE_MAX: usize = 256;
/// Hexadecimal digits of the hash of the whole.
const DIGEST_DIGITS: usize = 12;
/// Hexadecimal digits of a Region: there are some thirty of them.
const REGION_DIGITS: usize = 4;
/// Hexadecimal digits of a target, behind one character for its kind.
const TARGET_DIGITS: usize = 6;
/// The kind of a target that selects by tags.
const BY_TAGS: char = 't';
/// The kind of every other target.
const BY_PLACE: char = 'p';

/// Which kind of enforcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum EnforcementKind {
    /// `kind: AccountEnforcement`.
    Account,
    /// `kind: OrganizationEnforcement`.
    Organization,
    /// `kind: ServiceControlPolicy`, which enforces in its own way.
    ServiceControl,
}

impl EnforcementKind {
    /// As manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "AccountEnforcement",
            Self::Organization => "OrganizationEnforcement",
            Self::ServiceControl => "ServiceControlPolicy",
        }
    }
}

/// One enforcement: names are unique within a kind only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnforcementKey {
    /// Its kind.
    pub kind: EnforcementKind,
    /// Its name.
    pub name: Name,
}

impl EnforcementKey {
    /// The key of the tag that names it on the replicas of its guardrail.
    pub fn tag(&self) -> String {
        format!("{}{}", self.kind.prefix(), self.name)
    }

    /// The enforcement that a tag names; `None` for any other tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        [EnforcementKind::Account, EnforcementKind::Organization].into_iter().find_map(|kind| {
            let name = tag.strip_prefix(kind.prefix())?.parse().ok()?;
            Some(Self { kind, name })
        })
    }
}

impl EnforcementKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Account => "bedrail:enforcement/",
            Self::Organization => "bedrail:organization-enforcement/",
            Self::ServiceControl => "bedrail:service-control/",
        }
    }
}

impl fmt::Display for EnforcementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

impl Serialize for EnforcementKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A short hash of one target as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TargetMark(String);

impl TargetMark {
    /// `organization: true`.
    pub fn organization() -> Self {
        Self::new(BY_PLACE, "organization")
    }

    /// A unit, by its path or its id.
    pub fn unit(written: &str) -> Self {
        Self::new(BY_PLACE, &format!("unit {written}"))
    }

    /// An account.
    pub fn account(id: &AccountId) -> Self {
        Self::new(BY_PLACE, &format!("account {id}"))
    }

    /// Every account with these tags.
    pub fn tags(tags: &BTreeMap<String, String>) -> Self {
        let tags: Vec<String> =
            tags.iter().map(|(key, value)| format!("{key:?}={value:?}")).collect();
        Self::new(BY_TAGS, &tags.join(" "))
    }

    fn new(kind: char, text: &str) -> Self {
        Self(format!("{kind}{}", digits(text, TARGET_DIGITS)))
    }

    fn is_by_tags(&self) -> bool {
        self.0.starts_with(BY_TAGS)
    }
}

/// Every way in which a text can have named a target itself: as a unit by path or by id, …
pub fn marks_of_target(target: &TargetId, fleet: &Fleet) -> BTreeSet<TargetMark> {
    match target {
        TargetId::Root(_) => BTreeSet::from([TargetMark::organization()]),
        TargetId::Unit(id) => BTreeSet::from([
            TargetMark::unit(id.as_str()),
            TargetMark::unit(&fleet.describe(target)),
        ]),
        TargetId::Account(id) => BTreeSet::from([TargetMark::account(id)]),
    }
}

/// Every way in which a text can have selected an account by its place in the tree.
pub fn marks_of_account(account: &AccountId, fleet: &Fleet) -> BTreeSet<TargetMark> {
    let line = fleet.lineage(&TargetId::Account(account.clone()));
    line.iter().flat_map(|target| marks_of_target(target, fleet)).collect()
}

/// What a text selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    digest: String,
    /// `None` where there are too many for a tag.
    parts: Option<Parts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parts {
    regions: BTreeSet<String>,
    targets: BTreeSet<TargetMark>,
}

impl Selection {
    /// The selection of a text. One that is Absent selects nothing: it gives everything up.
    pub fn new(state: Presence, regions: &BTreeSet<Region>, targets: BTreeSet<TargetMark>) -> Self {
        let regions_text: Vec<&str> = regions.iter().map(Region::as_str).collect();
        let targets_text: Vec<&str> = targets.iter().map(|it| it.0.as_str()).collect();
        let is_absent = state == Presence::Absent;
        let text = format!("{is_absent} {} {}", regions_text.join(" "), targets_text.join(" "));
        let parts = match state {
            Presence::Absent => Parts::default(),
            Presence::Present => Parts {
                regions: regions.iter().map(|it| digits(it.as_str(), REGION_DIGITS)).collect(),
                targets,
            },
        };
        Self { digest: digits(&text, DIGEST_DIGITS), parts: Some(parts) }
    }

    /// Whether something that this selection has is not in `now`.
    pub fn is_narrowed_by(&self, now: &Self) -> bool {
        match (&self.parts, &now.parts) {
            (Some(old), Some(new)) => {
                !old.regions.is_subset(&new.regions) || !old.targets.is_subset(&new.targets)
            }
            (None, _) | (_, None) => self.digest != now.digest,
        }
    }

    /// Whether the text that selected a cell does not any more: its Region, or every way in which
    /// the text selected the account. `marks` are those of the account.
    pub fn gave_up_cell(&self, now: &Self, cell: &Cell, marks: &BTreeSet<TargetMark>) -> bool {
        let (Some(old), Some(new)) = (&self.parts, &now.parts) else {
            return self.digest != now.digest;
        };
        let region = digits(cell.region.as_str(), REGION_DIGITS);
        let mut ways =
            old.targets.iter().filter(|mark| mark.is_by_tags() || marks.contains(mark)).peekable();
        old.regions.contains(&region)
            && ways.peek().is_some()
            && (!new.regions.contains(&region) || ways.any(|mark| !new.targets.contains(mark)))
    }

    /// Whether the text that named a target does not any more. `marks` are those of the target.
    pub fn gave_up_target(
        &self,
        now: &Self,
        target: &TargetId,
        marks: &BTreeSet<TargetMark>,
    ) -> bool {
        let (Some(old), Some(new)) = (&self.parts, &now.parts) else {
            return self.digest != now.digest;
        };
        let by_tags = matches!(target, TargetId::Account(_));
        old.targets
            .iter()
            .filter(|mark| marks.contains(mark) || (by_tags && mark.is_by_tags()))
            .any(|mark| !new.targets.contains(mark))
    }

    /// Whether the text that named a Region does not any more.
    pub fn gave_up_region(&self, now: &Self, region: &str) -> bool {
        let (Some(old), Some(new)) = (&self.parts, &now.parts) else {
            return self.digest != now.digest;
        };
        let region = digits(region, REGION_DIGITS);
        old.regions.contains(&region) && !new.regions.contains(&region)
    }

    /// Both at once: what stands in the tag while something that was given up is left.
    #[must_use]
    pub fn union(&self, now: &Self) -> Self {
        let parts = match (&self.parts, &now.parts) {
            (Some(old), Some(new)) => Some(Parts {
                regions: old.regions.union(&new.regions).cloned().collect(),
                targets: old.targets.union(&new.targets).cloned().collect(),
            }),
            (None, _) | (_, None) => None,
        };
        Self { digest: self.digest.clone(), parts }
    }
}

impl fmt::Display for Selection {
    /// `3f9c2a41d0b7.a1b2c3d4.p00ff11t22aa33`: the whole, Regions, targets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Parts { regions, targets }) = &self.parts else {
            return f.write_str(&self.digest);
        };
        let regions: String = regions.iter().map(String::as_str).collect();
        let targets: String = targets.iter().map(|mark| mark.0.as_str()).collect();
        let whole = format!("{}.{regions}.{targets}", self.digest);
        f.write_str(if whole.len() <= VALUE_MAX { &whole } else { &self.digest })
    }
}

/// A tag's value that is no selection: somebody wrote over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a selection as Bedrail writes it")]
pub struct NotASelection;

impl FromStr for Selection {
    type Err = NotASelection;

    fn from_str(text: &str) -> Result<Self, NotASelection> {
        let words: Vec<&str> = text.split('.').collect();
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digest = words.first().copied().unwrap_or_default();
        if digest.len() != DIGEST_DIGITS || !is_hex(digest) {
            return Err(NotASelection);
        }
        let parts = match words.get(1..) {
            Some([]) => None,
            Some([regions, targets]) => {
                let regions = chunks(regions, REGION_DIGITS).ok_or(NotASelection)?;
                let targets = chunks(targets, TARGET_DIGITS + 1).ok_or(NotASelection)?;
                let is_mark =
                    |mark: &String| mark.strip_prefix([BY_TAGS, BY_PLACE]).is_some_and(is_hex);
                if !regions.iter().all(|it| is_hex(it)) || !targets.iter().all(is_mark) {
                    return Err(NotASelection);
                }
                let targets = targets.into_iter().map(TargetMark).collect();
                Some(Parts { regions: regions.into_iter().collect(), targets })
            }
            Some(_) | None => return Err(NotASelection),
        };
        Ok(Self { digest: digest.to_owned(), parts })
    }
}

impl Serialize for Selection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn chunks(text: &str, size: usize) -> Option<Vec<String>> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .len()
        .is_multiple_of(size)
        .then(|| characters.chunks(size).map(|chunk| chunk.iter().collect()).collect())
}

/// The first hexadecimal digits of the hash of a text.
pub fn digits(text: &str, count: usize) -> String {
    let mut digits = hex::encode(Sha256::digest(text));
    digits.truncate(count);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(names: &[&str]) -> BTreeSet<Region> {
        names.iter().map(|it| it.parse().unwrap()).collect()
    }

    fn cell(account: &str, region: &str) -> Cell {
        Cell { account: account.parse().unwrap(), region: region.parse().unwrap() }
    }

    fn unit(path: &str) -> TargetMark {
        TargetMark::unit(path)
    }

    fn present(names: &[&str], targets: &[TargetMark]) -> Selection {
        Selection::new(Presence::Present, &regions(names), targets.iter().cloned().collect())
    }

    #[test]
    fn a_selection_reads_back_from_its_tag() {
        let tags = BTreeMap::from([("environment".to_owned(), "production".to_owned())]);
        let some = present(&["us-east-1", "eu-west-1"], &[unit("/A"), TargetMark::tags(&tags)]);
        assert_eq!(some.to_string().parse(), Ok(some.clone()));
        let absent = Selection::new(Presence::Absent, &regions(&["us-east-1"]), BTreeSet::new());
        assert_eq!(absent.to_string().parse(), Ok(absent));
        for wrong in
            ["", "xyz", "3f9c2a41d0b7.abc.", "3f9c2a41d0b7..", "3f9c2a41d0b7.....", "a.b.c"]
        {
            let read: Result<Selection, _> = wrong.parse();
            assert_eq!(read.is_ok(), wrong == "3f9c2a41d0b7..", "{wrong}");
        }
    }

    #[test]
    fn what_is_too_long_for_a_tag_is_told_by_its_hash_alone() {
        let many: Vec<TargetMark> = (0..60).map(|it| unit(&format!("/unit-{it}"))).collect();
        let long = present(&["us-east-1"], &many);
        let read: Selection = long.to_string().parse().unwrap();
        assert!(long.to_string().len() <= VALUE_MAX);
        assert!(!read.is_narrowed_by(&long));
        assert!(read.is_narrowed_by(&present(&["us-east-1"], &many[1..])));
    }

    #[test]
    fn a_cell_is_given_up_only_by_a_text_that_had_it() {
        let old = present(&["us-east-1", "eu-west-1"], &[unit("/A"), unit("/B")]);
        let in_a = BTreeSet::from([unit("/A"), TargetMark::organization()]);
        let elsewhere = BTreeSet::from([unit("/C")]);
        let rows: &[(&str, Selection, &BTreeSet<TargetMark>, bool)] = &[
            ("the same text", old.clone(), &in_a, false),
            (
                "another target added",
                present(&["us-east-1", "eu-west-1"], &[unit("/A"), unit("/B"), unit("/D")]),
                &in_a,
                false,
            ),
            (
                "its target removed",
                present(&["us-east-1", "eu-west-1"], &[unit("/B")]),
                &in_a,
                true,
            ),
            (
                "another target removed",
                present(&["us-east-1", "eu-west-1"], &[unit("/A")]),
                &in_a,
                false,
            ),
            ("its Region removed", present(&["eu-west-1"], &[unit("/A"), unit("/B")]), &in_a, true),
            (
                "the other Region removed",
                present(&["us-east-1"], &[unit("/A"), unit("/B")]),
                &in_a,
                false,
            ),
            ("moved away before", present(&["us-east-1"], &[unit("/B")]), &elsewhere, false),
            (
                "absent",
                Selection::new(Presence::Absent, &regions(&["us-east-1"]), BTreeSet::new()),
                &in_a,
                true,
            ),
        ];
        for (name, now, marks, expected) in rows {
            let here = cell("111122223333", "us-east-1");
            assert_eq!(old.gave_up_cell(now, &here, marks), *expected, "{name}");
        }
    }

    #[test]
    fn both_texts_are_remembered_until_what_was_given_up_is_gone() {
        let old = present(&["us-east-1"], &[unit("/A")]);
        let new = present(&["us-east-1"], &[unit("/B")]);
        let both: Selection = old.union(&new).to_string().parse().unwrap();
        let marks = |path| BTreeSet::from([unit(path)]);
        let here = cell("111122223333", "us-east-1");
        assert!(both.gave_up_cell(&new, &here, &marks("/A")));
        assert!(!both.gave_up_cell(&new, &here, &marks("/B")));
        assert!(both.is_narrowed_by(&new));
    }
}

//! The checks that every field is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::super::field_path::FieldPath;
use super::super::known;
use super::super::report::Report;
use super::super::schema::choices::STATES;
use super::super::suggest::{did_you_mean, one_of};
use crate::model::{IdError, Name, Presence, Region};

/// A text between two lengths, in characters.
pub(super) fn text(
    report: &mut Report,
    path: &FieldPath,
    value: Option<&String>,
    (min, max): (usize, usize),
) {
    let Some(value) = value else { return };
    let length = value.chars().count();
    if length < min {
        report.error(path, format!("is empty; AWS takes {min} to {max} characters"));
    } else if length > max {
        let over = length - max;
        report
            .error(path, format!("has {length} characters; AWS takes {max}: shorten it by {over}"));
    }
}

/// A required text between two lengths.
pub(super) fn required_text(
    report: &mut Report,
    path: &FieldPath,
    value: Option<&String>,
    limits: (usize, usize),
    example: &str,
) {
    if value.is_none() {
        report.missing(path, example);
    }
    text(report, path, value, limits);
}

/// A word out of a few.
pub(super) fn word(report: &mut Report, path: &FieldPath, value: Option<&String>, words: &[&str]) {
    let Some(value) = value else { return };
    if !words.contains(&value.as_str()) {
        let suggestion = did_you_mean(value, words.iter().copied());
        report.error(path, format!("`{value}` is not {}{suggestion}", one_of(words)));
    }
}

/// A required word out of a few.
pub(super) fn required_word(
    report: &mut Report,
    path: &FieldPath,
    value: Option<&String>,
    words: &[&str],
    example: &str,
) {
    if value.is_none() {
        report.missing(path, example);
    }
    word(report, path, value, words);
}

/// A word that stands for a value, or the default.
pub(super) fn choice<T: Copy>(
    report: &mut Report,
    path: &FieldPath,
    value: Option<&String>,
    choices: &[(&str, T)],
    default: T,
) -> T {
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    word(report, path, value, &words);
    let found = value.and_then(|value| choices.iter().find(|(word, _)| value == word));
    found.map_or(default, |(_, choice)| *choice)
}

/// `state`.
pub(super) fn state(report: &mut Report, path: &FieldPath, value: Option<&String>) -> Presence {
    choice(report, path, value, &STATES, Presence::Present)
}

/// A list whose length is limited; an empty one is as bad as a long one.
pub(super) fn size<T>(
    report: &mut Report,
    path: &FieldPath,
    list: Option<&Vec<T>>,
    (min, max): (usize, usize),
) {
    let Some(list) = list else { return };
    if list.len() < min {
        if !report.lost(path) {
            report.error(path, "is an empty list; give it an item, or remove it");
        }
    } else if list.len() > max {
        let over = list.len() - max;
        let message = format!("has {} items; AWS takes {max}: remove {over}", list.len());
        report.error(path, message);
    }
}

/// Items that must differ in their natural key, which stands in `field`.
pub(super) fn unique<'a>(
    report: &mut Report,
    list: &FieldPath,
    field: &str,
    keys: impl Iterator<Item = Option<&'a String>>,
) {
    let mut first: BTreeMap<&str, FieldPath> = BTreeMap::new();
    for (index, key) in keys.enumerate() {
        let path = list.index(index);
        let path = if field.is_empty() { path } else { path.field(field) };
        let Some(key) = key else { continue };
        if let Some(before) = first.get(key.as_str()) {
            let position = report.position(before);
            report.error(&path, format!("`{key}` is already listed at {position}; remove one"));
        } else {
            first.insert(key, path);
        }
    }
}

/// An identifier, parsed.
pub(super) fn id<T: FromStr<Err = IdError>>(
    report: &mut Report,
    path: &FieldPath,
    value: &str,
) -> Option<T> {
    value.parse().map_err(|error: IdError| report.error(path, error.to_string())).ok()
}

/// `metadata.name`.
pub(in crate::manifest) fn name(report: &mut Report, value: Option<&String>) -> Option<Name> {
    let path = FieldPath::of("metadata.name");
    let Some(value) = value else {
        report.missing(&path, "metadata: {name: baseline}");
        return None;
    };
    id(report, &path, value)
}

/// `metadata.formerNames`.
pub(in crate::manifest) fn former_names(
    report: &mut Report,
    values: &[String],
    name: Option<&Name>,
) -> BTreeSet<Name> {
    let path = FieldPath::of("metadata.formerNames");
    unique(report, &path, "", values.iter().map(Some));
    let mut names = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let former = id::<Name>(report, &path.index(index), value);
        if former.is_some() && former.as_ref() == name {
            report
                .error(&path.index(index), format!("`{value}` is the name it has now; remove it"));
        }
        names.extend(former);
    }
    names
}

/// A list of Regions; `None` when it is missing or any of it is wrong.
pub(super) fn regions(
    report: &mut Report,
    path: &FieldPath,
    values: Option<&Vec<String>>,
) -> Option<BTreeSet<Region>> {
    let values = values?;
    size(report, path, Some(values), (1, usize::MAX));
    unique(report, path, "", values.iter().map(Some));
    let mut regions = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        regions.extend(region(report, &path.index(index), value));
    }
    (!regions.is_empty() && !report.lost(path)).then_some(regions)
}

/// One Region. Regions come faster than releases, so one that is not known is a warning.
pub(super) fn region(report: &mut Report, path: &FieldPath, value: &str) -> Option<Region> {
    let region: Region = id(report, path, value)?;
    if !known::REGIONS.contains(&value) {
        let suggestion = did_you_mean(value, known::REGIONS.iter().copied());
        let message = format!(
            "`{value}` is not among the Regions with Guardrails that this release knows{suggestion}; \
             if it is new, this is no error"
        );
        report.warning(path, message);
    }
    Some(region)
}

/// What a map of tags may hold.
pub(super) struct TagRules {
    /// How many.
    pub(super) max: usize,
    /// Which characters.
    pub(super) accepts: fn(char) -> bool,
    /// The same in words.
    pub(super) words: &'static str,
}

/// Keys of 1–128 and values of up to 256 characters.
pub(super) fn tags(
    report: &mut Report,
    path: &FieldPath,
    tags: &BTreeMap<String, String>,
    rules: &TagRules,
) {
    if tags.len() > rules.max {
        let message = format!("has {} tags; AWS takes {} a resource", tags.len(), rules.max);
        report.error(path, message);
    }
    for (key, value) in tags {
        let path = path.field(key);
        let length = key.chars().count();
        if !(1..=128).contains(&length) {
            report.error_at_key(&path, format!("a tag key has 1 to 128 characters, not {length}"));
        } else if let Some(wrong) = key.chars().find(|c| !(rules.accepts)(*c)) {
            let message = format!("a tag key cannot hold `{wrong}`; it may hold {}", rules.words);
            report.error_at_key(&path, message);
        }
        text(report, &path, Some(value), (0, 256));
        if let Some(wrong) = value.chars().find(|c| !(rules.accepts)(*c)) {
            let message = format!("a tag value cannot hold `{wrong}`; it may hold {}", rules.words);
            report.error(&path, message);
        }
    }
}

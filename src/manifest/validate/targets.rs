//! `targets`, `accounts` and `shareWith`: who is meant, as far as the text alone says it.

use std::collections::BTreeMap;

use super::super::field_path::FieldPath;
use super::super::manifests::{Selector, UnitSelector};
use super::super::report::Report;
use super::super::schema::{TargetSpec, limits};
use super::checks::{TagRules, id, size, tags};

/// Tags of Organizations (`aws-facts` 4.2).
const ACCOUNT_TAGS: TagRules = TagRules {
    max: limits::TAGS_MAX,
    accepts: |c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c),
    words: "letters, digits, spaces and _ . : / = + - @",
};

/// Every target of a list, in order; `None` when the list is missing or any of it is wrong.
pub(super) fn targets(
    report: &mut Report,
    path: &FieldPath,
    specs: Option<&Vec<TargetSpec>>,
) -> Option<Vec<Selector>> {
    let Some(specs) = specs else {
        report.missing(path, "targets: [{organizationalUnit: /Workloads}]");
        return None;
    };
    size(report, path, Some(specs), (1, usize::MAX));
    let mut first: BTreeMap<Selector, FieldPath> = BTreeMap::new();
    let mut selectors = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let path = path.index(index);
        let Some(selector) = target(report, &path, spec) else { continue };
        if let Some(before) = first.get(&selector) {
            let position = report.position(before);
            let message = format!("`{selector}` is already a target at {position}; remove one");
            report.error(&path, message);
        }
        first.entry(selector.clone()).or_insert(path);
        selectors.push(selector);
    }
    (selectors.len() == specs.len() && !specs.is_empty() && !report.lost(path)).then_some(selectors)
}

fn target(report: &mut Report, path: &FieldPath, spec: &TargetSpec) -> Option<Selector> {
    let TargetSpec { organization, organizational_unit, account, accounts_with_tags } = spec;
    let given = [
        ("organization", organization.is_some()),
        ("organizationalUnit", organizational_unit.is_some()),
        ("account", account.is_some()),
        ("accountsWithTags", accounts_with_tags.is_some()),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    if given.len() > 1 {
        let message = format!(
            "has {}; a target has exactly one of them: write one line with `- ` for each",
            given.join(" and ")
        );
        report.error(path, message);
        return None;
    }
    if let Some(is_whole) = organization {
        if !is_whole {
            report.error(&path.field("organization"), "false selects nothing; remove this target");
        }
        return is_whole.then_some(Selector::Organization);
    }
    if let Some(text) = organizational_unit {
        return unit(report, &path.field("organizationalUnit"), text).map(Selector::Unit);
    }
    if let Some(text) = account {
        return id(report, &path.field("account"), text).map(Selector::Account);
    }
    if let Some(wanted) = accounts_with_tags {
        let path = path.field("accountsWithTags");
        if wanted.is_empty() {
            let message = "has no tag; write for example `{environment: production}`, or \
                           `organization: true` for all accounts";
            report.error(&path, message);
            return None;
        }
        tags(report, &path, wanted, &ACCOUNT_TAGS);
        return Some(Selector::AccountsWithTags(wanted.clone()));
    }
    if !report.lost(path) {
        let message = "selects nothing; write one of `organization: true`, `organizationalUnit: \
                       /Workloads/Prod`, `account: \"111122223333\"`, `accountsWithTags: {key: value}`";
        report.error(path, message);
    }
    None
}

/// A path or id of a unit.
pub(super) fn unit(report: &mut Report, path: &FieldPath, text: &str) -> Option<UnitSelector> {
    if text.starts_with("ou-") {
        return id(report, path, text).map(UnitSelector::Id);
    }
    let message = if text == "/" || text.starts_with("r-") {
        format!("`{text}` is the whole organization; write `organization: true`")
    } else if text.parse::<crate::model::AccountId>().is_ok() {
        format!("`{text}` is an account; write `account: \"{text}\"`")
    } else if !text.starts_with('/') {
        let wanted = text.trim_matches('/');
        format!(
            "`{text}` is neither a path nor an id; write the path from the top, such as `/{wanted}`, \
             or an id such as ou-ab12-cd34ef56"
        )
    } else if text.ends_with('/') {
        format!("`{text}` ends with a slash; write `{}`", text.trim_end_matches('/'))
    } else if text.split('/').skip(1).any(|name| name.is_empty() || name.chars().count() > 128) {
        format!("`{text}` names a unit of no or more than 128 characters; write `/Workloads/Prod`")
    } else if text.chars().any(char::is_control) {
        "holds a control character; write a path such as `/Workloads/Prod`".to_owned()
    } else {
        return Some(UnitSelector::Path(text.to_owned()));
    };
    report.error(path, message);
    None
}

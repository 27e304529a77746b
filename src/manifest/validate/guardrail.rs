//! `kind: Guardrail`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::field_path::FieldPath;
use super::super::manifests::{
    CrossRegion, Guardrail, KmsKey, Origin, Placement, RegionOverride, ShareWith,
};
use super::super::report::Report;
use super::super::schema::choices::{CROSS_REGION, ON_DRAFT, PLACEMENTS, SHARES};
use super::super::schema::limits;
use super::super::schema::{GuardrailSpec, WordOrList};
use super::checks::{TagRules, choice, id, regions, size, state, tags, unique, word};
use super::{content, replica, targets, trials};
use crate::model::{Content, Name, OnDraft, Region, Version};

/// Tags of Bedrock (`aws-facts` 1.3, 1.10).
const TAGS: TagRules = TagRules {
    max: limits::TAGS_MAX,
    accepts: |c| c.is_ascii_alphanumeric() || c.is_whitespace() || "._:/=+@-".contains(c),
    words: "letters a–z, digits, spaces and . _ : / = + @ -",
};

/// Who a manifest is.
pub(in crate::manifest) struct Identity {
    pub(in crate::manifest) name: Name,
    pub(in crate::manifest) former_names: BTreeSet<Name>,
    pub(in crate::manifest) origin: Origin,
}

/// Checks a guardrail on its own. What is returned although errors were reported is good enough to
/// check others against.
pub(in crate::manifest) fn guardrail(
    report: &mut Report,
    identity: Identity,
    spec: GuardrailSpec,
) -> Guardrail {
    let path = FieldPath::of("spec");
    if spec.regions.is_none() {
        report.missing(&path.field("regions"), "regions: [us-east-1, eu-west-1]");
    }
    let regions =
        regions(report, &path.field("regions"), spec.regions.as_ref()).unwrap_or_default();
    if spec.content.is_none() {
        let example = "content: {blockedInputMessaging: …, blockedOutputsMessaging: …, …}";
        report.missing(&path.field("content"), example);
    }
    if let Some(content) = &spec.content {
        content::content(report, &path.field("content"), content);
    }
    let region_overrides = overrides(report, &path.field("regionOverrides"), &spec, &regions);
    let tests = Arc::new(trials::tests(report, &path, &spec));
    let body = spec.content.clone().unwrap_or_default();
    let (kms_key, profile) =
        shared(report, &path.field("content"), &body, &region_overrides, &regions);
    let placement = placement(report, &path.field("accounts"), spec.accounts.as_ref());
    let word = spec.cross_region.as_ref();
    let is_decided = !report.lost(&path.field("crossRegion"))
        && word.is_none_or(|word| CROSS_REGION.iter().any(|(known, _)| word == known));
    let cross_region =
        choice(report, &path.field("crossRegion"), word, &CROSS_REGION, CrossRegion::None);
    if cross_region == CrossRegion::Auto && body.cross_region_config.is_some() {
        let message = "contradicts `content.crossRegionConfig`; remove one of them";
        report.error(&path.field("crossRegion"), message);
    }
    let tags = spec.tags.unwrap_or_default();
    tags_of_guardrail(report, &path.field("tags"), &tags);
    let Identity { name, former_names, origin } = identity;
    let aws_name = spec
        .guardrail_name
        .as_deref()
        .and_then(|text| id::<Name>(report, &path.field("guardrailName"), text));
    let on_draft =
        choice(report, &path.field("draft"), spec.draft.as_ref(), &ON_DRAFT, OnDraft::Correct);
    let guardrail = Guardrail {
        aws_name: aws_name.unwrap_or_else(|| name.clone()),
        on_draft,
        name,
        former_names,
        origin,
        regions,
        placement,
        content: body,
        kms_key,
        profile,
        region_overrides,
        cross_region,
        share_with: share_with(report, &path.field("shareWith"), spec.share_with.as_ref()),
        tags,
        revision_history_limit: history(report, &path, spec.revision_history_limit),
        keep_versions: keep(report, &path.field("keepVersions"), spec.keep_versions.as_ref()),
        state: state(report, &path.field("state"), spec.state.as_ref()),
        adopt: spec.adopt.unwrap_or_default(),
        tests,
    };
    if is_decided && !report.lost(&path.field("regionOverrides")) {
        replica::needs(report, &guardrail);
    }
    guardrail
}

fn placement(
    report: &mut Report,
    path: &FieldPath,
    accounts: Option<&WordOrList<super::super::schema::TargetSpec>>,
) -> Placement {
    match accounts {
        None => Placement::Management,
        Some(WordOrList::Word(text)) => {
            if !PLACEMENTS.contains(&text.as_str()) {
                let message = format!(
                    "`{text}` is not `Management`; write that, or a list of targets such as \
                     `[{{organizationalUnit: /Workloads}}]`"
                );
                report.error(path, message);
            }
            Placement::Management
        }
        Some(WordOrList::List(specs)) => {
            Placement::Selected(targets::targets(report, path, Some(specs)).unwrap_or_default())
        }
    }
}

fn share_with(
    report: &mut Report,
    path: &FieldPath,
    share: Option<&WordOrList<String>>,
) -> ShareWith {
    match share {
        None => ShareWith::None,
        Some(WordOrList::Word(text)) if text.starts_with('/') || text.starts_with("ou-") => {
            report
                .error(path, format!("`{text}` stands alone; write a list, even of one: [{text}]"));
            ShareWith::None
        }
        Some(WordOrList::Word(text)) => {
            word(report, path, Some(text), &SHARES);
            if text == "Organization" { ShareWith::Organization } else { ShareWith::None }
        }
        Some(WordOrList::List(units)) => {
            size(report, path, Some(units), (1, usize::MAX));
            unique(report, path, "", units.iter().map(Some));
            let units = units.iter().enumerate();
            let read =
                |(index, text): (usize, &String)| targets::unit(report, &path.index(index), text);
            ShareWith::Units(units.filter_map(read).collect())
        }
    }
}

fn overrides(
    report: &mut Report,
    path: &FieldPath,
    spec: &GuardrailSpec,
    regions: &BTreeSet<Region>,
) -> BTreeMap<Region, RegionOverride> {
    let mut overrides = BTreeMap::new();
    for (name, spec) in spec.region_overrides.iter().flatten() {
        let path = path.field(name);
        let Some(region) = id::<Region>(report, &path, name) else { continue };
        if !regions.is_empty() && !regions.contains(&region) {
            let message =
                format!("{region} is not in `spec.regions`; add it there, or remove it here");
            report.error_at_key(&path, message);
            continue;
        }
        let only = BTreeSet::from([region.clone()]);
        let kms_key = spec
            .kms_key_id
            .as_deref()
            .and_then(|text| replica::kms_key(report, &path.field("kmsKeyId"), text, &only));
        let profile = spec.cross_region_config.as_ref().and_then(|config| {
            replica::profile(report, &path.field("crossRegionConfig"), config, &only)
        });
        overrides.insert(region, RegionOverride { kms_key, profile });
    }
    overrides
}

/// Key and profile of `content`, for the Regions that have none of their own.
fn shared(
    report: &mut Report,
    path: &FieldPath,
    content: &Content,
    overrides: &BTreeMap<Region, RegionOverride>,
    regions: &BTreeSet<Region>,
) -> (Option<KmsKey>, Option<crate::model::ProfileId>) {
    let without = |has: fn(&RegionOverride) -> bool| -> BTreeSet<Region> {
        regions.iter().filter(|it| !overrides.get(*it).is_some_and(has)).cloned().collect()
    };
    let kms_key = content.kms_key_id.as_deref().and_then(|text| {
        let regions = without(|own| own.kms_key.is_some());
        replica::kms_key(report, &path.field("kmsKeyId"), text, &regions)
    });
    let profile = content.cross_region_config.as_ref().and_then(|config| {
        let regions = without(|own| own.profile.is_some());
        replica::profile(report, &path.field("crossRegionConfig"), config, &regions)
    });
    (kms_key, profile)
}

fn tags_of_guardrail(report: &mut Report, path: &FieldPath, tags: &BTreeMap<String, String>) {
    self::tags(report, path, tags, &TAGS);
    for key in tags.keys() {
        let lower = key.to_lowercase();
        let whose = [("aws:", "AWS"), ("bedrail:", "Bedrail's own marks")];
        if let Some((prefix, owner)) = whose.into_iter().find(|(it, _)| lower.starts_with(it)) {
            let rest = key.get(prefix.len()..).unwrap_or_default();
            let message = format!(
                "`{key}` begins with `{prefix}`, which is reserved for {owner}; write for example \
                 `{rest}`"
            );
            report.error_at_key(&path.field(key), message);
        }
    }
}

fn history(report: &mut Report, spec: &FieldPath, limit: Option<u32>) -> u32 {
    let path = spec.field("revisionHistoryLimit");
    match limit {
        None => limits::REVISION_HISTORY_DEFAULT,
        Some(0) => {
            report.error(&path, "0 would leave nothing to go back to; write 1 or more");
            1
        }
        Some(limit) if limit > limits::REVISION_HISTORY.1 => {
            let max = limits::REVISION_HISTORY.1;
            let message = format!(
                "{limit} does not fit into AWS's 20 versions a guardrail; write at most \
                 {max}"
            );
            report.error(&path, message);
            max
        }
        Some(limit) => limit,
    }
}

fn keep(report: &mut Report, path: &FieldPath, numbers: Option<&Vec<u32>>) -> BTreeSet<Version> {
    let texts: Vec<String> = numbers.into_iter().flatten().map(u32::to_string).collect();
    unique(report, path, "", texts.iter().map(Some));
    let mut versions = BTreeSet::new();
    for (index, text) in texts.iter().enumerate() {
        versions.extend(id::<Version>(report, &path.index(index), text));
    }
    versions
}

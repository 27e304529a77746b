//! `rollout`: waves, gate, and what happens when a wave does not pass.

use std::time::Duration;

use super::super::field_path::FieldPath;
use super::super::manifests::{Rollout, Wave};
use super::super::report::Report;
use super::super::schema::choices::{ON_FAILURE, PROBES, words};
use super::super::schema::limits;
use super::super::schema::{GateSpec, ProbeSpec, RolloutSpec, WaveSpec, WordOrMap};
use super::checks::{choice, id, regions, size, unique, word};
use super::enforcement::Draft;
use super::targets;
use crate::model::{Gate, GateProbe, OnFailure, Presence};

/// Longest bake: what waits longer is not being rolled out any more.
const BAKE_MAX: Duration = Duration::from_hours(24 * 30);

/// Checks a rollout on its own; `None` where nothing is written.
pub(super) fn rollout(
    report: &mut Report,
    path: &FieldPath,
    spec: Option<&RolloutSpec>,
) -> Option<Rollout> {
    let RolloutSpec { waves, gate, on_failure, paused, .. } = spec?;
    // What is proven before a reference is written needs no waves.
    let is_of_waves = waves.is_some() || gate.is_some() || on_failure.is_some() || paused.is_some();
    if !is_of_waves {
        return None;
    }
    let field = path.field("onFailure");
    Some(Rollout {
        waves: self::waves(report, &path.field("waves"), waves.as_ref()),
        gate: self::gate(report, &path.field("gate"), gate.as_ref()),
        on_failure: choice(report, &field, on_failure.as_ref(), &ON_FAILURE, OnFailure::default()),
        is_paused: paused.unwrap_or_default(),
    })
}

fn waves(report: &mut Report, path: &FieldPath, specs: Option<&Vec<WaveSpec>>) -> Vec<Wave> {
    let Some(specs) = specs else {
        report.missing(path, "waves: [{name: canary, targets: […], bake: 30m}, {name: rest}]");
        return Vec::new();
    };
    size(report, path, Some(specs), limits::WAVES);
    unique(report, path, "name", specs.iter().map(|it| it.name.as_ref()));
    let last = specs.len().saturating_sub(1);
    let mut waves = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let path = path.index(index);
        let is_all = spec.targets.is_none() && spec.regions.is_none() && !report.lost(&path);
        if is_all && index < last {
            let message = "selects everything, so that nothing is left for the waves after it; give \
                           it `targets` or `regions`, or put it last";
            report.error(&path, message);
        } else if !is_all && index == last && !report.lost(&path) {
            let message = "is the last wave and does not select everything; add one that takes the \
                           rest: `- {name: rest}`";
            report.error(&path, message);
        }
        waves.extend(wave(report, &path, spec));
    }
    waves
}

fn wave(report: &mut Report, path: &FieldPath, spec: &WaveSpec) -> Option<Wave> {
    let field = path.field("name");
    if spec.name.is_none() {
        report.missing(&field, "name: canary");
    }
    let name = spec.name.as_ref().and_then(|name| id(report, &field, name));
    let targets = match &spec.targets {
        Some(list) => targets::targets(report, &path.field("targets"), Some(list))?,
        None => Vec::new(),
    };
    let regions = regions(report, &path.field("regions"), spec.regions.as_ref());
    let bake = bake(report, &path.field("bake"), spec.bake.as_ref());
    Some(Wave { name: name?, targets, regions: regions.unwrap_or_default(), bake })
}

fn bake(report: &mut Report, path: &FieldPath, text: Option<&String>) -> Duration {
    let Some(text) = text else { return Duration::ZERO };
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    let message = match parsed.map(Duration::try_from) {
        Some(Ok(bake)) if bake <= BAKE_MAX => return bake,
        Some(Ok(_)) => format!("`{text}` is longer than 30 days; write less"),
        Some(Err(_)) => format!("`{text}` is negative; write how long to wait, such as 30m"),
        None => format!("`{text}` is not a duration such as 30m, 2h or 90s"),
    };
    report.error(path, message);
    Duration::ZERO
}

fn gate(report: &mut Report, path: &FieldPath, spec: Option<&GateSpec>) -> Gate {
    let Some(GateSpec { probe, tests, failures_max }) = spec else { return Gate::default() };
    Gate {
        probe: self::probe(report, &path.field("probe"), probe.as_ref()),
        tests: tests.unwrap_or_default(),
        failures_max: failures_max.unwrap_or_default(),
    }
}

fn probe(report: &mut Report, path: &FieldPath, spec: Option<&WordOrMap<ProbeSpec>>) -> GateProbe {
    match spec {
        None => GateProbe::default(),
        Some(WordOrMap::Word(text)) if text == "Converse" => {
            let example = "{Converse: {modelId: amazon.nova-lite-v1:0}}";
            report.error(path, format!("`Converse` calls a model; write which: `{example}`"));
            GateProbe::None
        }
        Some(WordOrMap::Word(text)) => {
            word(report, path, Some(text), &words(&PROBES));
            let found = PROBES.into_iter().find(|(word, _)| text == word);
            found.map_or(GateProbe::None, |(_, probe)| probe)
        }
        Some(WordOrMap::Map(ProbeSpec { converse })) => {
            let model = converse.as_ref().and_then(|it| it.model_id.as_ref());
            let Some(model) = model.filter(|it| !it.trim().is_empty()) else {
                report.missing(
                    &path.field("Converse").field("modelId"),
                    "modelId: amazon.nova-lite-v1:0",
                );
                return GateProbe::None;
            };
            GateProbe::Converse { model: model.clone() }
        }
    }
}

/// A rollout can do what it says in the Regions of its enforcement.
pub(super) fn fits(report: &mut Report, draft: &Draft) {
    let (Some(rollout), Some(regions)) = (&draft.rollout, &draft.regions) else { return };
    let path = FieldPath::of("spec.rollout");
    if draft.state == Presence::Absent {
        let message = "what is Absent is taken away everywhere, in no waves; remove it, or write \
                       `state: Present`";
        report.warning(&path, message);
    }
    for (index, wave) in rollout.waves.iter().enumerate() {
        for region in wave.regions.difference(regions) {
            let message = format!(
                "{region} is no Region of this enforcement, so the wave `{}` has nothing there; \
                 remove it, or add it to `spec.regions`",
                wave.name
            );
            report.error(&path.field("waves").index(index).field("regions"), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::manifest::{Source, parse};

    const FINE: &str = "{waves: [{name: canary, targets: [{account: \"222233334444\"}], regions: \
                        [us-east-1], bake: 30m}, {name: rest, bake: 300ms}], gate: {probe: \
                        ApplyGuardrail, failuresMax: 1}, onFailure: Rollback, paused: false}";

    fn of(rollout: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: bedrail.dev/v1alpha1\nkind: Guardrail\nmetadata: {{name: baseline}}\n\
             spec: {{regions: [us-east-1], shareWith: Organization, content: \
             {{blockedInputMessaging: a, blockedOutputsMessaging: b, wordPolicyConfig: \
             {{wordsConfig: [{{text: x}}]}}}}}}\n---\napiVersion: bedrail.dev/v1alpha1\n\
             kind: AccountEnforcement\nmetadata: {{name: everywhere}}\nspec: {{guardrail: \
             baseline, targets: [{{organization: true}}], modelEnforcement: \
             {{includedModels: [ALL], excludedModels: [EMBEDDINGS]}}, rollout: {rollout}}}\n"
        );
        let files = [(PathBuf::from("m.yaml"), text)].into_iter().collect();
        let source = Source { files, ..Source::default() };
        parse(&source).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wrong_with_a_rollout_is_said() {
        assert_eq!(of(FINE), [""; 0]);
        assert_eq!(of("{waves: [{name: all}]}"), [""; 0]);
        let converse = "{Converse: {modelId: amazon.nova-lite-v1:0}}";
        assert_eq!(
            of(&FINE.replace("probe: ApplyGuardrail", &format!("probe: {converse}"))),
            [""; 0]
        );
        let rows = [
            (FINE, "{paused: true}", "waves: is missing"),
            (FINE, "{waves: []}", "is an empty list"),
            ("name: rest", "name: canary", "`canary` is already listed"),
            ("name: canary, ", "", "name: is missing"),
            ("name: canary", "name: a/b", "waves[0].name"),
            ("bake: 30m", "bake: soon", "`soon` is not a duration"),
            ("bake: 30m", "bake: -1s", "`-1s` is negative"),
            ("bake: 30m", "bake: 1000h", "longer than 30 days"),
            (
                "targets: [{account: \"222233334444\"}], regions: [us-east-1], ",
                "",
                "selects everything, so that nothing is left",
            ),
            ("{name: rest,", "{name: rest, regions: [us-east-1],", "does not select everything"),
            ("regions: [us-east-1]", "regions: [eu-west-1]", "eu-west-1 is no Region of this"),
            ("account: \"222233334444\"", "organisation: true", "there is no field `organisation`"),
            ("probe: ApplyGuardrail", "probe: Converse", "write which"),
            ("probe: ApplyGuardrail", "probe: Apply", "`Apply` is not"),
            ("probe: ApplyGuardrail", "probe: {Converse: {}}", "modelId: is missing"),
            ("onFailure: Rollback", "onFailure: Explode", "`Explode` is not"),
            ("paused: false", "preflight: Never", "`Never` is not"),
        ];
        for (from, to, expected) in rows {
            assert!(FINE.contains(from), "{from}");
            let found = of(&FINE.replace(from, to));
            assert!(found.iter().any(|it| it.contains(expected)), "{to}: {found:#?}");
        }
    }
}

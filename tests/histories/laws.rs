//! Laws that hold between two histories: what must not matter, does not.
//!
//! Two worlds are compared by what is in force where, and what it says: ids, version numbers and
//! times are AWS's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::play::Play;
use crate::run::alone;
use crate::setting::{ALPHA, BETA, GAMMA, ROOT, Size};
use crate::story::{Edit, Event, Step, Story};
use crate::text::{Guardrail, Layout, TRAITS};
use crate::world::RESYNC;

/// What is in force in an organization, free of what AWS generates.
type InForce = BTreeMap<String, Value>;

/// Names of guardrails by ARN, with what each version says.
fn contents(seen: &Value) -> BTreeMap<&str, (&str, &Value)> {
    let places = seen["bedrock"].as_object().unwrap().values();
    let listed = places.filter_map(|place| place["guardrails"].as_array()).flatten();
    listed
        .filter_map(|it| Some((it["arn"].as_str()?, (it["name"].as_str()?, &it["versions"]))))
        .collect()
}

/// What a reference means.
fn meant(contents: &BTreeMap<&str, (&str, &Value)>, reference: &Value) -> Value {
    let reference = reference.as_str().unwrap_or_default();
    let Some((arn, version)) = reference.rsplit_once(':') else { return Value::Null };
    let Some((name, versions)) = contents.get(arn) else { return reference.into() };
    serde_json::json!([name, versions[version]["content"]])
}

fn in_force(seen: &Value) -> InForce {
    let contents = contents(seen);
    let mut found = InForce::new();
    for (place, regional) in seen["bedrock"].as_object().unwrap() {
        let enforced = &regional["enforced"];
        if !enforced.is_null() {
            let said = &enforced["selectiveContentGuarding"]["messages"];
            let meant = meant(&contents, &enforced["guardrail"]);
            found.insert(format!("account {place}"), serde_json::json!([meant, said]));
        }
    }
    for (account, described) in seen["accounts"].as_object().unwrap() {
        let effective = described.pointer("/effectiveBedrockPolicy/bedrock/guardrail_inference");
        for (region, block) in effective.and_then(Value::as_object).into_iter().flatten() {
            let meant = meant(&contents, &block["config_1"]["identifier"]);
            found.insert(format!("organization {account}/{region}"), meant);
        }
    }
    found
}

/// Plays to a good end; the world then, and the writes it took, as operation and place.
fn end_of(story: &Story) -> (InForce, BTreeMap<String, usize>) {
    alone(async {
        let mut play = Play::begin(story).await;
        for step in &story.steps {
            play.step(step).await;
        }
        play.end().await;
        assert!(play.wrong.is_empty(), "seed {}: {}", story.seed, play.wrong.join("\n"));
        assert_eq!(play.world.simulator.violations(), []);
        let mut writes = BTreeMap::new();
        for entry in play.world.trace.entries() {
            if entry.is_controllers() && entry.is_write() && entry.has_effect {
                let what = crate::situations::operation(&entry);
                *writes.entry(format!("{} {what}", entry.region)).or_default() += 1;
            }
        }
        (in_force(&play.world.get("world").await), writes)
    })
}

/// Histories in which nothing goes wrong but text is edited: small, and told from these seeds.
const SEEDS: [u64; 4] = [4, 10, 16, 22];

fn step(event: Event, wait: Duration) -> Step {
    Step { event, pick: 7, wait }
}

/// A few edits and time for each.
fn edits(seed: u64) -> Story {
    let story = Story::sized(seed, Size::Small);
    let edits = [Edit::Reword, Edit::Widen, Edit::Selective];
    let steps = edits.map(|edit| step(Event::Edit(edit), 2 * RESYNC)).to_vec();
    Story { steps, ..story }
}

#[test]
fn order_of_files_documents_accounts_and_regions_does_not_matter() {
    for seed in SEEDS {
        let story = edits(seed);
        let mut other = story.clone();
        other.setting.text.layout = Layout { is_reversed: true, is_split: true };
        let scenario = &mut other.setting.scenario;
        for path in ["/units/0/accounts", "/units/1/accounts", "/accounts", "/units"] {
            if let Some(list) = scenario.pointer_mut(path).and_then(Value::as_array_mut) {
                list.reverse();
            }
        }
        let (one, other) = (end_of(&story).0, end_of(&other).0);
        assert_eq!(one, other, "seed {seed}");
        assert!(!one.is_empty(), "nothing is in force");
    }
}

#[test]
fn an_unrelated_manifest_changes_nothing_else() {
    for seed in SEEDS {
        let mut story = edits(seed);
        // Only what is at rest has one number of writes.
        story.steps.clear();
        let mut more = story.clone();
        more.setting.text.guardrails.push(Guardrail {
            name: "unrelated".to_owned(),
            regions: vec![story.setting.regions[0].clone()],
            contents: vec![[1; TRAITS]],
            history: 1,
            is_absent: false,
        });
        let ((one, writes), (other, more)) = (end_of(&story), end_of(&more));
        assert_eq!(one, other, "seed {seed}");
        let touched: BTreeSet<&String> = more
            .iter()
            .filter(|(what, count)| writes.get(*what) != Some(*count))
            .map(|it| it.0)
            .collect();
        let is_its_own = |what: &&String| {
            [
                "CreateGuardrail",
                "CreateGuardrailVersion",
                "PutResourcePolicy",
                "TagResource",
                "UpdateGuardrail",
            ]
            .iter()
            .any(|own| what.ends_with(own))
        };
        assert!(touched.iter().all(is_its_own), "seed {seed}: {touched:?}");
        assert!(!touched.is_empty(), "the unrelated one was not made");
    }
}

#[test]
fn two_paths_to_one_text_end_in_the_same_world() {
    for seed in SEEDS {
        let there = |path: &[Edit]| {
            let steps = path.iter().map(|edit| step(Event::Edit(*edit), RESYNC)).collect();
            Story { steps, ..Story::sized(seed, Size::Small) }
        };
        let direct = there(&[Edit::Reword]);
        let around =
            there(&[Edit::Selective, Edit::Reword, Edit::Absent, Edit::Present, Edit::Selective]);
        assert_eq!(end_of(&direct).0, end_of(&around).0, "seed {seed}");
    }
}

#[test]
fn a_faulty_history_ends_like_the_one_without_faults() {
    let mut compared = 0;
    for seed in 300..340 {
        let story = Story::sized(seed, Size::Small);
        let is_fault = |it: &Step| match &it.event {
            // A person words otherwise what AWS cannot prepare.
            Event::Fault(fault) => fault["kind"] != "Failed",
            other => matches!(
                other,
                Event::Spoil(_)
                    | Event::Crash { .. }
                    | Event::Drop { .. }
                    | Event::Stop { .. }
                    | Event::Pause(_)
                    | Event::Slow(_)
                    | Event::Lift
                    | Event::Blind
                    | Event::Nothing
            ),
        };
        let is_text = |it: &Step| matches!(it.event, Event::Edit(Edit::Reword | Edit::Selective));
        let kept = |keep: &dyn Fn(&Step) -> bool| Story {
            steps: story.steps.iter().filter(|it| keep(it)).cloned().collect(),
            ..story.clone()
        };
        let faulty = kept(&|it| is_fault(it) || is_text(it));
        let good = kept(&is_text);
        if faulty.steps.len() < good.steps.len() + 2 || compared == 4 {
            continue;
        }
        compared += 1;
        assert_eq!(end_of(&faulty).0, end_of(&good).0, "seed {seed}");
    }
    assert!(compared == 4, "{compared} compared");
}

#[test]
fn losing_local_state_creates_and_deletes_nothing() {
    for seed in SEEDS {
        let mut story = Story::sized(seed, Size::Small);
        story.steps.clear();
        let drop = || step(Event::Drop { down: Duration::from_secs(3) }, 3 * RESYNC);
        let (_, before) = end_of(&story);
        story.steps = vec![step(Event::Nothing, 4 * RESYNC), drop(), drop()];
        let (_, after) = end_of(&story);
        assert_eq!(before, after, "seed {seed}");
        assert!(before.values().sum::<usize>() > 2, "nothing was made");
    }
}

#[test]
fn what_is_in_force_is_told_by_content_and_place() {
    let seen = serde_json::json!({
        "bedrock": {
            "1/us-east-1": {
                "guardrails": [{"arn": "arn:g", "name": "baseline", "versions": {"3": {"content": "c"}}}],
                "enforced": {"guardrail": "arn:g:3", "selectiveContentGuarding": {"messages": "SELECTIVE"}},
            },
        },
        "accounts": {"1": {"parent": ALPHA}, "2": {"parent": BETA}, "3": {"parent": GAMMA}},
        "units": {"r": {"parent": ROOT}},
    });
    let found = in_force(&seen);
    let expected = serde_json::json!([["baseline", "c"], "SELECTIVE"]);
    assert_eq!(found, BTreeMap::from([("account 1/us-east-1".to_owned(), expected)]));
}

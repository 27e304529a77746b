//! What the user reads when a manifest is wrong, and that a right one is accepted.
//!
//! `tests/manifests/*.yaml` are sets of one file; the `.txt` beside each holds every line the user
//! reads. After a deliberate change of words: `UPDATE_EXPECTED=1 cargo test --test manifests`, and
//! read the difference.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bedrail::manifest::{Outcome, Source, parse, read};
use bedrail::model::canonical;
use serde_json::Value;

#[path = "manifests/edges.rs"]
mod edges;
#[path = "manifests/rules.rs"]
mod rules;
#[path = "manifests/tables.rs"]
mod tables;

fn of(files: &[(&str, &str)]) -> Outcome {
    let files: BTreeMap<PathBuf, String> =
        files.iter().map(|(path, text)| ((*path).into(), (*text).to_owned())).collect();
    parse(&Source::new(files, vec!["manifests".into()]))
}

fn lines(outcome: &Outcome) -> Vec<String> {
    outcome.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_demo_manifests_are_accepted_without_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/demo");
    let outcome = parse(&read(&[folder]).unwrap());
    assert_eq!(lines(&outcome), [""; 0]);
    let manifests = outcome.manifests.unwrap();
    let security = &manifests.account_enforcements[&"security-accounts".parse().unwrap()];
    assert_eq!(security.enforcement.regions.len(), 2);
    let everywhere = &manifests.organization_enforcements.values().next().unwrap().enforcement;
    assert_eq!(everywhere.regions.len(), 3, "the Regions of the guardrail are the default");
    assert!(everywhere.origin.path.ends_with("enforcement.yaml"));
    assert_eq!(everywhere.origin.line, 16);
}

/// To go from one to the other is to take the actions out, and nothing else.
#[test]
fn the_demo_observes_what_its_baseline_blocks() {
    fn without_actions(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| {
                    !["inputAction", "outputAction", "action"].contains(&name.as_str())
                });
                members.values_mut().for_each(without_actions);
            }
            Value::Array(items) => items.iter_mut().for_each(without_actions),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/demo");
    let manifests = parse(&read(&[folder]).unwrap()).manifests.unwrap();
    let content = |name: &str| {
        let guardrail = &manifests.guardrails[&name.parse().unwrap()];
        let mut content = serde_json::to_value(&guardrail.content).unwrap();
        without_actions(&mut content);
        content.as_object_mut().unwrap().remove("description");
        content
    };
    assert_eq!(content("observing"), content("baseline"));
    let observing = &manifests.guardrails[&"observing".parse().unwrap()].content;
    let text = serde_json::to_string(observing).unwrap();
    assert!(!text.contains("BLOCK") && !text.contains("ANONYMIZE"), "{text}");
}

#[test]
fn every_problem_of_a_file_reads_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for path in names {
        let name = path.file_name().unwrap().to_str().unwrap();
        let outcome = of(&[(name, &fs::read_to_string(&path).unwrap())]);
        let found: String = outcome.problems.iter().map(|it| format!("{it}\n")).collect();
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&expected).unwrap_or_default(), "{name}");
    }
}

#[test]
fn an_empty_set_is_an_error_that_says_so() {
    for files in [vec![], vec![("a.yaml", "# nothing\n")], vec![("a.yaml", "---\n---\n")]] {
        let outcome = of(&files);
        assert_eq!(outcome.manifests, None);
        assert_eq!(
            lines(&outcome),
            ["manifests:1:1: error: no manifests found: there is no *.yaml or *.yml file with a \
             document in it; an empty folder never means that protection is taken away"]
        );
    }
}

#[test]
fn problems_of_all_files_come_at_once_and_in_order() {
    let outcome = of(&[
        ("b.yaml", "kind: Guardrail\nkind: Guardrail\n"),
        (
            "a.yaml",
            "kind: Gardrail\napiVersion: bedrail.dev/v1alpha1\nmetadata: {name: x}\nspec: {}\n",
        ),
        ("c.yaml", "a: [\n"),
        ("d.yaml", rules::VALID),
    ]);
    assert_eq!(outcome.manifests, None, "a set is accepted as a whole");
    let places: Vec<String> =
        outcome.problems.iter().map(|it| format!("{}:{}", it.path.display(), it.line)).collect();
    assert_eq!(places, ["a.yaml:1", "b.yaml:2", "c.yaml:2"]);
}

/// A reference into a file that cannot be read may be right: one problem is one message.
#[test]
fn a_broken_guardrail_is_not_reported_again_at_those_who_use_it() {
    let (guardrail, enforcements) = rules::VALID.split_once("\n---\n").unwrap();
    for broken in [
        guardrail.replace("regions: [", "regions: [["),
        guardrail.replace("name: baseline", "name: {}"),
        guardrail.replace("regions: [us-east-1, eu-west-1]", "regions: everywhere"),
        guardrail.replace("kind: Guardrail", "kind: Guardrial"),
    ] {
        assert_ne!(broken, guardrail);
        let outcome = of(&[("guardrail.yaml", &broken), ("enforcements.yaml", enforcements)]);
        assert_eq!(outcome.problems.len(), 1, "{:#?}", lines(&outcome));
        assert_eq!(outcome.problems[0].path, Path::new("guardrail.yaml"));
    }
}

mod properties {
    use super::*;
    use bedrail::model::{Content, content};
    use proptest::prelude::*;

    fn choice(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        proptest::sample::select(words).prop_map(str::to_owned)
    }

    /// Any text that a user may write, quotes and colons included.
    fn text(max: usize) -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![8 => proptest::char::range(' ', '~'), 1 => Just('é'), 1 => Just('\n')],
            1..max,
        )
        .prop_map(|chars| chars.into_iter().collect())
    }

    prop_compose! {
        fn filter()(
            kind in choice(&["HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT"]),
            input_strength in choice(&["NONE", "LOW", "MEDIUM", "HIGH"]),
            output_strength in choice(&["NONE", "LOW", "MEDIUM", "HIGH"]),
            input_action in proptest::option::of(choice(&["BLOCK", "NONE"])),
            input_enabled in proptest::option::of(any::<bool>()),
        ) -> content::ContentFilterConfig {
            content::ContentFilterConfig {
                r#type: Some(kind),
                input_strength: Some(input_strength),
                output_strength: Some(output_strength),
                input_action,
                input_enabled,
                ..content::ContentFilterConfig::default()
            }
        }
    }

    prop_compose! {
        fn contents()(
            input in text(500),
            output in text(500),
            filter in filter(),
            words in proptest::collection::btree_set("[a-z:#'\"{}, ]{0,20}[a-z0-9]", 0..5),
            threshold in proptest::option::of(0.0..0.99f64),
            pii in proptest::option::of(choice(&["EMAIL", "PIN", "US_SOCIAL_SECURITY_NUMBER"])),
            action in choice(&["BLOCK", "ANONYMIZE", "NONE"]),
        ) -> Content {
            let words: Vec<_> = words
                .into_iter()
                .map(|text| content::WordConfig { text: Some(text), ..Default::default() })
                .collect();
            Content {
                blocked_input_messaging: Some(input),
                blocked_outputs_messaging: Some(output),
                content_policy_config: Some(content::ContentPolicyConfig {
                    filters_config: Some(vec![filter]),
                    tier_config: None,
                }),
                word_policy_config: (!words.is_empty()).then_some(content::WordPolicyConfig {
                    words_config: Some(words),
                    managed_word_lists_config: None,
                }),
                contextual_grounding_policy_config: threshold.map(|threshold| {
                    content::ContextualGroundingPolicyConfig {
                        filters_config: Some(vec![content::ContextualGroundingFilterConfig {
                            r#type: Some("GROUNDING".to_owned()),
                            threshold: Some(threshold),
                            ..Default::default()
                        }]),
                        tier_config: None,
                    }
                }),
                sensitive_information_policy_config: pii.map(|kind| {
                    content::SensitiveInformationPolicyConfig {
                        pii_entities_config: Some(vec![content::PiiEntityConfig {
                            r#type: Some(kind),
                            action: Some(action),
                            ..Default::default()
                        }]),
                        regexes_config: None,
                    }
                }),
                ..Content::default()
            }
        }
    }

    fn written(body: &str) -> String {
        format!(
            "apiVersion: bedrail.dev/v1alpha1\nkind: Guardrail\nmetadata: {{name: any}}\nspec:\n  \
             regions: [us-east-1]\n  content: {body}"
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        /// Written as block YAML and as JSON, which is YAML too.
        #[test]
        fn every_valid_content_is_read_back_as_itself(content in contents()) {
            let block = serde_yaml::to_string(&content).unwrap();
            let indented: String = block.lines().map(|line| format!("\n    {line}")).collect();
            let json = serde_json::to_string(&content).unwrap();
            for body in [format!("{indented}\n"), format!("{json}\n")] {
                let outcome = of(&[("a.yaml", &written(&body))]);
                let errors: Vec<_> = outcome.problems.iter().filter(|it| it.is_error()).collect();
                prop_assert!(errors.is_empty(), "{errors:?}\n{body}");
                let manifests = outcome.manifests.unwrap();
                let read = &manifests.guardrails.values().next().unwrap().content;
                prop_assert_eq!(read, &content);
                prop_assert_eq!(canonical(read.clone()), canonical(content.clone()));
            }
        }

        /// No text makes the parser panic, hang or accept what it cannot name.
        #[test]
        fn any_cut_of_a_manifest_is_judged(cut in 0..rules::VALID.len(), junk in ".{0,8}") {
            if let Some(head) = rules::VALID.get(..cut) {
                let outcome = of(&[("a.yaml", &format!("{head}{junk}"))]);
                prop_assert_eq!(
                    outcome.manifests.is_none(),
                    outcome.problems.iter().any(bedrail::manifest::Problem::is_error)
                );
            }
        }
    }
}

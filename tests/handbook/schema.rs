//! The schema for editors and the checks of `validate` agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bedrail::manifest::{Problem, explain, json_schema, json_schema_of, kinds};
use bedrail::model::canonical;
use serde_json::{Value, json};

use super::judge::Judge;
use super::synthetic::{Place, Step, places};
use super::{checked, checked_values, complete, documents, path, text};

const COMMITTED: &str = "manifests/bedrail.schema.json";

fn judge() -> Judge {
    Judge::new(json_schema())
}

/// Errors at a place or below it.
fn errors_at(problems: &[Problem], at: &str) -> Vec<String> {
    let is_at = |problem: &&Problem| {
        problem.is_error()
            && problem.field.strip_prefix(at).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || rest.starts_with('[')
            })
    };
    problems.iter().filter(is_at).map(|problem| problem.message.clone()).collect()
}

/// `UPDATE_SCHEMA=1 cargo test --test handbook` writes the schema anew.
#[test]
fn the_schema_beside_the_manifests_is_current() {
    let current = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(path(COMMITTED), &current).unwrap();
    }
    let is_current = text(COMMITTED) == current;
    assert!(is_current, "run: UPDATE_SCHEMA=1 cargo test --test handbook");
}

fn files(folder: &Path, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

fn is_ours(document: &Value) -> bool {
    document["apiVersion"] == "bedrail.dev/v1alpha1"
        && kinds().iter().any(|kind| document["kind"] == *kind)
}

/// Texts with manifests: files, and what tests hold as raw strings.
fn texts() -> Vec<String> {
    let folders = ["manifests", "tests"].map(path);
    let yaml = folders.iter().flat_map(|folder| files(folder, "yaml"));
    let mut texts: Vec<String> = yaml.map(|file| fs::read_to_string(file).unwrap()).collect();
    let raw = regex::Regex::new(r##"(?s)\br#?"(.*?)"#?[;,)\s]"##).unwrap();
    for file in ["src", "tests"].map(path).iter().flat_map(|folder| files(folder, "rs")) {
        let code = fs::read_to_string(file).unwrap();
        texts.extend(raw.captures_iter(&code).map(|found| found[1].to_owned()));
    }
    texts.retain(|text| text.contains("apiVersion: bedrail.dev"));
    texts
}

#[test]
fn what_validate_accepts_the_schema_accepts() {
    let judge = judge();
    let mut accepted = 0;
    for text in texts() {
        // What is wrong with a set of manifests as a whole is no matter of one.
        for document in documents(&text).into_iter().filter(is_ours) {
            let outcome = checked_values(std::slice::from_ref(&document));
            let is_wrong =
                |it: &Problem| it.is_error() && !it.message.contains("there is no Guardrail named");
            if outcome.problems.iter().any(is_wrong) {
                continue;
            }
            accepted += 1;
            assert_eq!(judge.errors(&document), [""; 0], "{document:#}");
        }
    }
    assert!(accepted >= 25, "only {accepted} manifests were found");
    let outcome = checked(&text("tests/handbook/complete.yaml"));
    assert_eq!(outcome.problems, [], "and this one is accepted");
}

#[test]
fn a_field_is_in_the_schema_exactly_if_it_is_read() {
    let mut objects = 0;
    for place in places() {
        let Some(properties) = place.schema.get("properties").and_then(Value::as_object) else {
            continue;
        };
        // Of the whole schema, branches are no objects of their own.
        if place.schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            continue;
        }
        objects += 1;
        let known: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        let manifest = place.manifest(json!({"zzzzzzzz": true}));
        let outcome = checked_values(&[manifest]);
        let problem = outcome.problems.iter().find(|it| it.field.ends_with("zzzzzzzz"));
        let problem = problem.unwrap_or_else(|| panic!("{}: {:?}", place.path(), outcome.problems));
        let listed = problem.message.split_once("there are ");
        let read: BTreeSet<&str> = if let Some((_, names)) = listed {
            names.split(", ").collect()
        } else {
            // Where something better is said, it names the fields all the same.
            let quoted = problem.message.split('`').skip(1).step_by(2);
            quoted.filter(|name| !name.contains('.')).collect()
        };
        assert_eq!(read, known, "{} of {}", place.path(), place.kind);
    }
    assert!(objects >= 60, "only {objects} objects were found");
}

/// Words with capitals in a message.
fn words_in(message: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    message
        .split(|c: char| !is_part(c))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(str::to_owned)
        .collect()
}

fn errors_with(place: &Place, value: Value) -> Vec<String> {
    errors_at(&checked_values(&[place.manifest(value)]).problems, &place.path())
}

#[test]
fn a_word_is_in_the_schema_exactly_if_it_is_taken() {
    let mut choices = 0;
    for place in places() {
        let is_decided_elsewhere = ["apiVersion", "kind"].contains(&place.path().as_str());
        let words = place.schema.get("enum").and_then(Value::as_array);
        let words: BTreeSet<&str> = words.into_iter().flatten().filter_map(Value::as_str).collect();
        if words.is_empty() || is_decided_elsewhere {
            continue;
        }
        choices += 1;
        for word in &words {
            let errors = errors_with(&place, json!(word));
            let is_refused = errors.iter().any(|it| it.contains(" is not "));
            assert!(!is_refused, "{} {word}: {errors:?}", place.path());
        }
        let errors = errors_with(&place, json!("Qqqqqqq")).join(" ");
        let listed = words_in(&errors);
        for word in &words {
            assert!(listed.contains(*word), "{} {word}: {errors}", place.path());
        }
        for other in listed.iter().filter(|it| !words.contains(it.as_str()) && *it != "Qqqqqqq") {
            let errors = errors_with(&place, json!(other));
            assert!(!errors.is_empty(), "{}: {other} is taken", place.path());
        }
    }
    assert!(choices >= 50, "only {choices} choices were found");
}

#[test]
fn a_limit_in_the_schema_is_one_that_is_checked() {
    let mut limits = 0;
    for place in places() {
        let number = |key: &str| place.schema.get(key).and_then(Value::as_u64);
        let size = |max: u64| usize::try_from(max).unwrap();
        let mut beyond = Vec::new();
        if let Some(max) = number("maxLength") {
            beyond.push((json!("a".repeat(size(max) + 1)), json!("a".repeat(size(max)))));
        }
        if let Some(max) = number("maxItems") {
            let item = |many: usize| Value::Array(vec![json!({}); many]);
            beyond.push((item(size(max) + 1), item(size(max))));
        }
        if let Some(max) = number("maximum") {
            beyond.push((json!(max + 1), json!(max)));
        }
        if let Some(min) = number("minimum").filter(|min| *min > 0) {
            beyond.push((json!(min - 1), json!(min)));
        }
        for (refused, taken) in beyond {
            let judged = Judge::new(json_schema_of(place.kind).unwrap());
            let says = |value: &Value| {
                let errors = errors_with(&place, value.clone());
                let own = |it: &&String| !it.contains("is missing") && !it.contains("takes a");
                errors.iter().filter(own).cloned().collect::<Vec<_>>()
            };
            limits += 1;
            let manifest = place.manifest(refused.clone());
            assert!(!judged.accepts(&manifest), "{}", place.path());
            assert!(!says(&refused).is_empty(), "{}: {refused} is taken", place.path());
            // What else is wrong with a text of a hundred `a` or a list of nothing is not about size.
            let is_about_size = |it: &String| {
                ["characters; AWS takes", "items; AWS takes", "is not from", "at most", "share of"]
                    .iter()
                    .any(|words| it.contains(words))
            };
            // The longest definition is one of the STANDARD tier.
            let is_conditional = place.path().ends_with("definition");
            let errors = says(&taken);
            let is_fine = is_conditional || !errors.iter().any(is_about_size);
            assert!(is_fine, "{}: {taken}: {errors:?}", place.path());
        }
    }
    assert!(limits >= 40, "only {limits} limits were found");
}

/// Every object of a document with its schema, found by what is in the document.
fn objects(document: &Value) -> Vec<Vec<String>> {
    fn collect(value: &Value, pointer: &[String], found: &mut Vec<Vec<String>>) {
        let below = |step: String| [pointer, &[step]].concat();
        match value {
            Value::Object(members) => {
                found.push(pointer.to_vec());
                for (name, member) in members {
                    collect(member, &below(name.clone()), found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    collect(item, &below(index.to_string()), found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    collect(document, &[], &mut found);
    found
}

fn pointer(steps: &[String]) -> String {
    steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The path of a member as problems name it.
fn named(steps: &[String], name: &str) -> String {
    steps.iter().map(String::as_str).chain([name]).fold(String::new(), |path, step| {
        match (path.is_empty(), step.parse::<usize>().is_ok()) {
            (_, true) => format!("{path}[{step}]"),
            (true, false) => step.to_owned(),
            (false, false) => format!("{path}.{step}"),
        }
    })
}

#[test]
fn a_field_is_required_by_the_schema_exactly_if_validate_misses_it() {
    let judge = judge();
    let (mut required, mut optional) = (0, 0);
    for document in complete() {
        assert_eq!(judge.errors(&document), [""; 0]);
        for steps in objects(&document) {
            let members = document.pointer(&pointer(&steps)).unwrap().as_object().unwrap().clone();
            let is_free = steps.iter().any(|it| ["tags", "document"].contains(&it.as_str()));
            for name in members.keys().filter(|_| !is_free) {
                let mut without = document.clone();
                let object = without.pointer_mut(&pointer(&steps)).unwrap();
                object.as_object_mut().unwrap().remove(name);
                let problems = checked_values(std::slice::from_ref(&without)).problems;
                let at = named(&steps, name);
                let misses = |it: &Problem| {
                    it.is_error() && it.field == at && it.message.starts_with("is missing")
                };
                let is_missed = problems.iter().any(misses);
                let errors = judge.errors(&without);
                if is_missed {
                    required += 1;
                    assert!(!errors.is_empty(), "{at} is not required by the schema");
                } else if errors.is_empty() {
                    optional += 1;
                } else {
                    let says = problems.iter().any(Problem::is_error);
                    assert!(says, "{at} is required by the schema alone: {errors:?}");
                }
            }
        }
    }
    assert!(required >= 60 && optional >= 80, "{required} required, {optional} optional");
}

#[test]
fn a_field_that_nobody_knows_is_refused_by_both() {
    let judge = judge();
    let mut objects_seen = 0;
    for document in complete() {
        for steps in objects(&document) {
            let is_free = steps
                .iter()
                .any(|it| ["tags", "document", "accountsWithTags"].contains(&it.as_str()));
            // A key of this map is a Region, which is not one either.
            let mut with = document.clone();
            let object = with.pointer_mut(&pointer(&steps)).unwrap().as_object_mut().unwrap();
            object.insert("zzzzzzzz".to_owned(), json!(true));
            if is_free {
                continue;
            }
            objects_seen += 1;
            let problems = checked_values(std::slice::from_ref(&with)).problems;
            assert!(problems.iter().any(Problem::is_error), "{steps:?}");
            assert!(!judge.accepts(&with), "{steps:?}");
        }
    }
    assert!(objects_seen >= 80, "only {objects_seen} objects were seen");
}

#[test]
fn a_default_in_the_schema_is_what_absence_means() {
    let all = complete();
    let mut seen = BTreeSet::new();
    for place in places() {
        let Some(default) = place.schema.get("default") else { continue };
        let Some((Step::Field(name), above)) = place.steps.split_last() else { continue };
        for (index, document) in all.iter().enumerate() {
            if document["kind"] != place.kind {
                continue;
            }
            for steps in objects(document) {
                let is_here = steps.len() == above.len()
                    && above.iter().zip(&steps).all(|(step, found)| match step {
                        Step::Field(name) => name == found,
                        Step::Key | Step::Item => true,
                    });
                if !is_here {
                    continue;
                }
                let with = |value: Option<&Value>| {
                    let mut all = all.clone();
                    let object = all[index].pointer_mut(&pointer(&steps)).unwrap();
                    let members = object.as_object_mut().unwrap();
                    members.remove(name);
                    members.extend(value.map(|value| (name.clone(), value.clone())));
                    let mut manifests = checked_values(&all).manifests?;
                    for guardrail in manifests.guardrails.values_mut() {
                        guardrail.content = canonical(guardrail.content.clone());
                    }
                    Some(manifests)
                };
                let (absent, written) = (with(None), with(Some(default)));
                // Some cannot be absent alone: one of two is needed.
                if absent.is_some() {
                    assert_eq!(absent, written, "{} of {}", place.path(), place.kind);
                    seen.insert((place.kind, place.path()));
                }
            }
        }
    }
    assert!(seen.len() >= 50, "only {} defaults were tried: {seen:#?}", seen.len());
}

#[test]
fn every_field_is_described_and_explained() {
    let mut fields = 0;
    for place in places() {
        let named: Vec<&str> = place
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Field(name) => Some(name.as_str()),
                Step::Key | Step::Item => None,
            })
            .collect();
        let path = [&[place.kind], named.as_slice()].concat().join(".");
        let found = explain(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let about = found.about.description;
        assert!(about.len() > 8 && about.ends_with(['.', '`']), "{path}: {about:?}");
        assert!(!about.contains("aws-facts"), "{path}: {about:?}");
        fields += 1;
    }
    assert!(fields >= 300, "only {fields} places were found");
}

#[test]
fn what_comes_from_aws_says_where_aws_describes_it() {
    for field in ["content.wordPolicyConfig.wordsConfig.text", "content.blockedInputMessaging"] {
        let found = explain(&format!("Guardrail.spec.{field}")).unwrap();
        let source = found.about.source.unwrap();
        assert!(source.starts_with("https://docs.aws.amazon.com/bedrock/"), "{source}");
    }
    let ours = explain("Guardrail.spec.revisionHistoryLimit").unwrap();
    assert_eq!(ours.about.source, None);
    assert_eq!(ours.about.limits, ["1 to 15"]);
    assert_eq!(ours.about.default.as_deref(), Some("5"));
}

#[test]
fn every_example_begins_with_the_path_of_the_schema() {
    let mut examples = 0;
    for file in files(&path("manifests"), "yaml") {
        let text = fs::read_to_string(&file).unwrap();
        if !documents(&text).iter().any(is_ours) {
            continue;
        }
        examples += 1;
        let line = text.lines().next().unwrap();
        let schema = line.strip_prefix("# yaml-language-server: $schema=");
        let schema = schema.unwrap_or_else(|| panic!("{file} begins with {line}"));
        let found = Path::new(&file).parent().unwrap().join(schema);
        assert_eq!(found.canonicalize().unwrap(), path(COMMITTED).canonicalize().unwrap());
    }
    assert!(examples >= 4, "only {examples} examples were found");
}

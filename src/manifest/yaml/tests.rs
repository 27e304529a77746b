use serde_json::json;

use super::*;

fn faults(text: &str) -> Vec<String> {
    parse(text)
        .faults
        .iter()
        .map(|it| format!("{}:{}: {}", it.place.line, it.place.column, it.message))
        .collect()
}

#[test]
fn documents_have_values_and_places() {
    let parsed = parse("# a\n---\na: 1\n---\nb:\n  - {c: \"x\"}\n---\n");
    assert_eq!(parsed.faults, []);
    let values: Vec<_> = parsed.documents.iter().map(|it| it.value.to_string()).collect();
    assert_eq!(values, [r#"{"a":1}"#, r#"{"b":[{"c":"x"}]}"#]);
    let path = super::super::field_path::FieldPath::of("b").index(0).field("c");
    let located = parsed.documents[1].node.locate(&path);
    assert_eq!(located.place, Place { line: 6, column: 9 });
    assert_eq!(located.key_place, Place { line: 6, column: 6 });
}

#[test]
fn nothing_is_no_document_and_no_fault() {
    for text in ["", "\n", "# only a comment\n", "---\n", "---\n---\n", "--- \n...\n", "\u{feff}"] {
        assert_eq!(parse(text), Parsed::default(), "{text:?}");
    }
}

#[test]
fn what_one_parser_lets_through_is_refused() {
    let cases = [
        ("a: 1\na: 2\n", "2:1: the key `a` is already at 1:1"),
        ("x: {b: 1, \"b\": 2}\n", "1:11: the key `b` is already at 1:5"),
        ("a: &x 1\n", "1:4: anchors"),
        ("a: *x\n", "1:4: is not valid YAML"),
        ("a: &x [1]\nb: *x\n", "1:4: anchors"),
        ("a: !!str 1\n", "1:4: tags"),
        ("<<: {a: 1}\n", "1:1: merge keys"),
        ("a:\n\t- 1\n", "2:1: a tab indents"),
        ("a:\n \tb: 1\n", "2:2: a tab indents"),
        ("a: [1, 2\n", "2:1: is not valid YAML"),
        ("a:\n  b: 1\n c: 2\n", "3:2: is not valid YAML"),
        ("a: |\n  half a te", "2:1: the file ends in the middle of a block text"),
        ("a: x\u{202e}y\n", "1:5: holds the invisible character U+202E"),
        ("# \u{2066}hidden\n", "1:3: holds the invisible character U+2066"),
        ("# \u{2028}# x\n", "1:3: holds the invisible character U+2028"),
        ("a: \u{7}\n", "1:4: holds the invisible character U+0007"),
        ("a\u{200b}b: 1\n", "1:1: the key `a\\u{200b}b` holds"),
        ("? [1]\n: 2\n", "1:3: a key is a text"),
        ("a: [1,\n\t2]\nb: c\n", "2:1: a tab indents"),
        ("%OURS\n---\na: 1\n", "1:6: is not valid YAML"),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let found = faults(text);
        if !found.first().is_some_and(|it| it.starts_with(expected)) {
            wrong.push(format!("{text:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nesting_has_a_limit_that_no_stack_depends_on() {
    assert!(!faults(&"[".repeat(100_000)).is_empty());
    assert!(!faults(&"- ".repeat(100_000)).is_empty());
    let text = format!("{}{}\n", "[".repeat(33), "]".repeat(33));
    assert_eq!(faults(&text), ["1:33: is nested more than 32 deep"]);
    let text = format!("{}{}\n", "[".repeat(32), "]".repeat(32));
    assert_eq!(parse(&text).faults, []);
}

#[test]
fn texts_over_several_lines_keep_their_tabs() {
    let parsed = parse("a: |\n  one\n  \ttwo\nb: >-\n  x\n  y\nc: \"p\n  q\"\n");
    assert_eq!(parsed.faults, []);
    assert_eq!(
        parsed.documents[0].value.to_string(),
        r#"{"a":"one\n\ttwo\n","b":"x y","c":"p q"}"#
    );
    assert_eq!(faults("a: |\n  one\n  \ttwo\n"), [""; 0]);
}

#[test]
fn a_tab_that_indents_nothing_is_no_fault() {
    assert_eq!(faults("a: [1,\n\t\n\t# two\n  2]\n"), [""; 0]);
}

#[test]
fn a_text_is_a_document_even_if_it_is_the_word_for_nothing_in_quotes() {
    for (text, value) in [("\"null\"\n", "null"), ("null and void\n", "null and void")] {
        let parsed = parse(text);
        assert_eq!(parsed.faults, [], "{text}");
        let values: Vec<_> = parsed.documents.iter().map(|it| &it.value).collect();
        assert_eq!(values, [value], "{text}");
    }
}

/// What is missing for a fault may be what another document refers to.
#[test]
fn a_document_with_a_fault_makes_the_set_partial() {
    for text in ["a: 1\na: 2\n---\nb: 1\n", "b: 1\n---\na: 1\na: 2\n"] {
        let parsed = parse(text);
        assert!(parsed.is_partial && parsed.documents.len() == 1, "{parsed:?}");
    }
    assert!(!parse("a: 1\n---\nb: 1\n").is_partial);
}

#[test]
fn a_fault_explains_why_documents_are_missing() {
    // One reading takes what is no number for nothing, and there is another fault.
    assert_eq!(faults(".nan # \u{2066}\n").len(), 1);
    assert_eq!(faults(".nan\n").len(), 1);
}

/// Two parsers that read alike are hard to set at odds, so one is given the text of another.
#[test]
fn what_the_two_readings_disagree_about_is_a_fault_at_its_place() {
    let cases = [
        ("a: 1\n", json!({"a": 1}), None),
        ("a: 1\n", json!({"a": 1, "b": 2}), Some((1, 1))),
        ("a: 1\nb: 2\n", json!({"a": 1, "c": 2}), Some((2, 1))),
        ("a: [1]\n", json!({"a": [1, 2]}), Some((1, 4))),
        ("a: [1, {b: x}]\n", json!({"a": [1, {"b": "y"}]}), Some((1, 12))),
        ("a: x\n", json!({"a": "y"}), Some((1, 4))),
        ("a: \"5\"\n", json!({"a": 5}), Some((1, 4))),
        ("a: [1]\n", json!({"a": {"b": 1}}), Some((1, 4))),
    ];
    for (text, value, place) in cases {
        let node = parse(text).documents.remove(0).node;
        let found = agreed(&node, Ok(value)).err();
        let found = found.map(|fault| (fault.place.line, fault.place.column));
        assert_eq!(found, place, "{text}");
    }
}

#[test]
fn a_key_that_stands_twice_in_json_is_a_fault() {
    let text = "{\n\t\"a\": 1,\n\t\"a\": 2\n}";
    let faults = parse_json(text).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].place, Place { line: 3, column: 2 });
    assert!(faults[0].message.starts_with("the key `a` is already at 2:2"), "{faults:?}");
    assert_eq!(parse_json("{\t\"a\": 1}").unwrap().value, json!({"a": 1}));
}

#[test]
fn all_faults_of_a_text_are_found_at_once() {
    let found = faults("a: 1\na: 2\n---\nb: &x 1\nb: 3\n");
    assert_eq!(found.len(), 3, "{found:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]

    /// Whatever is written is judged: no panic, no endless loop, and no silence.
    #[test]
    fn any_text_is_judged(text in "[ab:, \\-\\[\\]{}#&*!|>'\"%?\n \t]{0,60}") {
        let parsed = parse(&text);
        proptest::prop_assert_eq!(parsed.is_partial && parsed.faults.is_empty(), false);
    }
}

//! What is just right, and what is just wrong.

use super::rules::{Row, VALID, check};
use super::{lines, of};

/// What is read after one place of the valid set was changed.
fn changed(from: &str, to: &str) -> Vec<String> {
    assert_eq!(VALID.matches(from).count(), 1, "the row must change one place: {from}");
    lines(&of(&[("m.yaml", &VALID.replace(from, to))]))
}

#[test]
fn what_is_just_within_a_rule_is_accepted() {
    let guarding = "{system: COMPREHENSIVE, messages: SELECTIVE}";
    let rows = [
        ("revisionHistoryLimit: 5", "revisionHistoryLimit: 15"),
        ("{text: falcon}", "{text: one two three}"),
        (guarding, "{system: SELECTIVE}"),
        (guarding, "{messages: SELECTIVE}"),
        ("onDeselect: Keep", "rollout: {preflight: Offline}"),
        // Escaped, or in a class of characters, it is no group.
        ("'E-[0-9]{6}'", r"'E\(?=x'"),
        ("'E-[0-9]{6}'", "'E[(?=]'"),
        ("'E-[0-9]{6}'", r"'E[\](?=]'"),
    ];
    for (from, to) in rows {
        assert_eq!(changed(from, to), [""; 0], "{to}");
    }
}

#[test]
fn the_name_of_a_unit_has_a_limit() {
    let named =
        |length: usize| changed("Unit: /Workloads/Prod", &format!("Unit: /{}", "u".repeat(length)));
    assert_eq!(named(128), [""; 0]);
    let found = named(129);
    assert!(found.len() == 1 && found[0].contains("more than 128 characters"), "{found:?}");
}

#[test]
fn the_tests_of_a_guardrail_have_a_limit() {
    let tests = |count: usize| {
        let tests: Vec<String> =
            (0..count).map(|number| format!("{{text: t{number}, action: NONE}}")).collect();
        changed("  adopt: false\n", &format!("  tests: [{}]\n", tests.join(", ")))
    };
    assert_eq!(tests(100), [""; 0]);
    let found = tests(101);
    assert!(found.len() == 1 && found[0].contains("has 101 tests; write at most 100"), "{found:?}");
}

#[test]
fn how_often_the_tests_of_a_guardrail_are_repeated_has_limits() {
    let every = |interval: &str| {
        let tests = "  tests: [{text: a, action: NONE}]\n";
        changed("  adopt: false\n", &format!("{tests}  testInterval: {interval}\n"))
    };
    for (interval, expected) in [
        ("999ms", Some("error: spec.testInterval: `999ms` is too short; write at least 1s")),
        ("1s", Some("warning: spec.testInterval: every 1s each test is a billed call")),
        ("59s", Some("warning: spec.testInterval: every 59s each test is a billed call")),
        ("1m", None),
    ] {
        let found = every(interval);
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        assert!(found.iter().all(|it| it.contains(expected.unwrap())), "{found:?}");
    }
}

#[test]
fn what_cannot_be_read_is_not_also_called_missing() {
    for (from, to) in [
        (
            "      wordsConfig: [{text: falcon}]\n      managedWordListsConfig: [{type: PROFANITY, \
             inputAction: BLOCK}]\n",
            "      wordsConfig: falcon\n",
        ),
        (
            "      piiEntitiesConfig: [{type: EMAIL, action: ANONYMIZE}]\n      regexesConfig: \
             [{name: badge, pattern: 'E-[0-9]{6}', action: BLOCK}]\n",
            "      piiEntitiesConfig: EMAIL\n",
        ),
    ] {
        let found = changed(from, to);
        assert!(found.len() == 1 && found[0].contains("takes a list"), "{found:?}");
    }
}

#[cfg(feature = "iam")]
#[test]
fn roles_to_be_asked_about_are_named_as_iam_names_them() {
    let roles = |more: &str| changed("onDeselect: Keep", more);
    assert_eq!(roles("callerRoles: [Application, team/Application]"), [""; 0]);
    for (written, expected) in [
        ("callerRoles: [/Application]", "begins with a slash; write `Application`"),
        ("callerRoles: [/]", "`/`"),
        (
            "callerRoles: ['arn:aws:iam::222233334444:role/Application']",
            "write the name of the role",
        ),
        ("callerRoles: ['App*']", "IAM is asked about roles by name"),
        ("callerRoles: ['App?']", "IAM is asked about roles by name"),
        ("callerRoles: ['${aws:username}']", "write it without variables"),
        (
            "callerRoles: [Application]\n  rollout: {preflight: Offline}",
            "`preflight: Offline` calls none",
        ),
    ] {
        let found = roles(written);
        assert!(found.len() == 1 && found[0].contains(expected), "{written}: {found:?}");
    }
}

#[test]
fn by_how_much_something_is_too_long_is_told() {
    let found = changed("What everybody gets.", &"x".repeat(207));
    assert!(found.len() == 1 && found[0].ends_with("AWS takes 200: shorten it by 7"), "{found:?}");
    let found = changed("examples: [Buy?]", "examples: [a, b, c, d, e, f, g]");
    assert!(found.len() == 1 && found[0].ends_with("AWS takes 5: remove 2"), "{found:?}");
}

/// A field whose value was forgotten must not pass for one that has its default.
#[test]
fn every_field_without_a_value_is_reported() {
    let text = VALID.replace("adopt: false", "adopt:").replace("state: Present", "state:");
    let found = lines(&of(&[("m.yaml", &text)]));
    let expected = [
        "m.yaml:11:8: error: spec.state: has no value",
        "m.yaml:12:8: error: spec.adopt: has no value",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(found.iter().zip(expected).all(|(it, begins)| it.starts_with(begins)), "{found:#?}");
}

#[test]
fn what_is_just_outside_a_rule_is_refused() {
    check(OUTSIDE);
}

const OUTSIDE: &[Row] = &[
    ("'E-[0-9]{6}'", r"'\[(?=x)'", "pattern: `(?=` looks around, which AWS refuses"),
    ("'E-[0-9]{6}'", r"'\\(?=x)'", "pattern: `(?=` looks around, which AWS refuses"),
    ("'E-[0-9]{6}'", "'[0-9](?=x)'", "pattern: `(?=` looks around, which AWS refuses"),
    (
        "This request was blocked.",
        "[blocked]",
        "a list is given; `blockedInputMessaging` takes one text",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  rollout: {}\n",
        "spec.rollout: a guardrail is rolled out by what enforces it",
    ),
    (
        "arn:aws:kms:eu-west-1:111122223333:key/1234",
        "arn:awsome:kms:eu-west-1:111122223333:key/1234",
        "is neither the ARN nor the id of a key",
    ),
    (
        "arn:aws:kms:eu-west-1:111122223333:key/1234",
        "arn:aws:kms:eu-west-1:11112222333:key/1234",
        "is neither the ARN nor the id of a key",
    ),
    (
        "[amazon.nova-pro-v1:0]",
        "[\"arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abcdefghij12\"]",
        "is an ARN; AWS takes model ids here, such as amazon.nova-pro-v1:0",
    ),
    // What no Region is left of is not compared with the Regions of the waves as well.
    (
        "  regions: [us-east-1]\n",
        "  regions: []\n  rollout: {waves: [{name: east, regions: [us-east-1]}, {name: rest}]}\n",
        "spec.regions: is an empty list",
    ),
];

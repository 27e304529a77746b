//! What is wrong with a service control policy, line by line.

use std::path::PathBuf;

use crate::manifest::{Outcome, Source, parse};

/// A guardrail and a service control policy with this spec, and what is wrong with it.
fn of(spec: &str) -> Vec<String> {
    with("", spec)
}

fn with(more: &str, spec: &str) -> Vec<String> {
    lines(&read(written(more, spec)))
}

fn written(more: &str, spec: &str) -> String {
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: Guardrail\nmetadata: {{name: baseline}}\n\
         spec: {{regions: [us-east-1], shareWith: Organization, content: \
         {{blockedInputMessaging: a, blockedOutputsMessaging: b, wordPolicyConfig: \
         {{wordsConfig: [{{text: x}}]}}}}}}\n{more}---\napiVersion: bedrail.dev/v1alpha1\n\
         kind: ServiceControlPolicy\nmetadata: {{name: control}}\nspec: {{{spec}}}\n"
    )
}

fn read(text: String) -> Outcome {
    let files = [(PathBuf::from("m.yaml"), text)].into_iter().collect();
    let source = Source { files, ..Source::default() };
    parse(&source)
}

fn lines(outcome: &Outcome) -> Vec<String> {
    outcome.problems.iter().map(ToString::to_string).collect()
}

const TARGETS: &str = "targets: [{organization: true}]";

#[test]
fn every_form_is_accepted() {
    let forms = [
        "requireGuardrail: {guardrails: [baseline], exemptRoles: [BreakGlass]}",
        "approvedModels: [anthropic.claude-*, us.amazon.nova-*]",
        "protectEnforcement: {}",
        "protectEnforcement: {exemptRoles: [BreakGlass, aws-reserved/sso.amazonaws.com/*]}",
        "requireNetwork: {vpcEndpoints: [vpce-0123456789abcdef0]}",
        "document: {Version: \"2012-10-17\", Statement: [{Effect: Deny, Action: 'x:*', Resource: '*'}]}",
    ];
    for form in forms {
        let more = "attachment: Exclusive, onDeselect: Release, policyName: theirs, adopt: true, \
                    rollout: {waves: [{name: one, targets: [{organizationalUnit: /A}], bake: 1h}, \
                    {name: rest}], paused: true}";
        for more in ["state: Absent", more] {
            let outcome = read(written("", &format!("{form}, {TARGETS}, {more}")));
            assert_eq!(lines(&outcome), [""; 0], "{form} {more}");
            assert_eq!(outcome.manifests.unwrap().service_controls.len(), 1, "{form} {more}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    let rows = [
        (TARGETS.to_owned(), "spec: says nothing; write one of `requireGuardrail`"),
        (
            format!("{TARGETS}, protectEnforcement: {{}}, approvedModels: [a.b]"),
            "has approvedModels and protectEnforcement",
        ),
        ("protectEnforcement: {}".to_owned(), "spec.targets: is missing"),
        (format!("{TARGETS}, requireGuardrail: {{}}"), "guardrails: is missing"),
        (
            format!("{TARGETS}, requireGuardrail: {{guardrails: [baselin]}}"),
            "no Guardrail named `baselin` (did you mean `baseline`?)",
        ),
        (format!("{TARGETS}, approvedModels: []"), "is an empty list"),
        (format!("{TARGETS}, approvedModels: ['*']"), "approves every model"),
        (format!("{TARGETS}, approvedModels: ['a b']"), "cannot hold ` `"),
        (format!("{TARGETS}, protectEnforcement: {{exemptRoles: ['*']}}"), "exempts every role"),
        (
            format!("{TARGETS}, protectEnforcement: {{exemptRoles: ['arn:aws:iam::1:role/X']}}"),
            "is an ARN, which names one account",
        ),
        (format!("{TARGETS}, requireNetwork: {{}}"), "admits no network"),
        (
            format!("{TARGETS}, requireNetwork: {{vpcEndpoints: [vpc-0123456789abcdef0]}}"),
            "is not an id such as vpce-",
        ),
        (format!("{TARGETS}, document: [1]"), "a policy is a JSON object with `Version`"),
        (
            format!(
                "{TARGETS}, document: {{Version: \"2012-10-17\", Statement: [{{Effect: Deny, \
                     Action: x, Resource: y, Principal: '*'}}]}}"
            ),
            "Statement[0].Principal: a service control policy has no `Principal`",
        ),
        (
            format!(
                "{TARGETS}, document: {{Version: \"2012-10-17\", Statement: {{Effect: Deny, \
                     Resource: y}}}}"
            ),
            "a statement needs `Action` or `NotAction`",
        ),
        (format!("{TARGETS}, approvedModels: [a.b], attachment: Both"), "`Both` is not"),
        (format!("{TARGETS}, approvedModels: [a.b], adopt: true"), "write its name in AWS"),
        (
            format!(
                "{TARGETS}, approvedModels: [a.b], rollout: {{waves: [{{name: x, regions: \
                     [us-east-1]}}, {{name: rest}}]}}"
            ),
            "has no Regions; write `targets`",
        ),
        (
            format!(
                "{TARGETS}, approvedModels: [a.b], rollout: {{waves: [{{name: rest}}], gate: \
                     {{tests: true}}}}"
            ),
            "is for revisions of guardrails",
        ),
    ];
    for (spec, expected) in rows {
        let found = of(&spec);
        assert!(found.iter().any(|it| it.contains(expected)), "{expected}: {found:#?}");
    }
}

#[test]
fn the_id_of_a_network_is_hexadecimal_and_long_enough() {
    for id in ["vpce-0123", "vpce-0123456z", "vpce-"] {
        let found = of(&format!("{TARGETS}, requireNetwork: {{vpcEndpoints: [{id}]}}"));
        assert!(found.len() == 1 && found[0].contains("is not an id such as vpce-"), "{found:#?}");
    }
    for id in ["vpc-01234567", "vpc-0123456789abcdef0"] {
        assert_eq!(of(&format!("{TARGETS}, requireNetwork: {{vpcs: [{id}]}}")), [""; 0]);
    }
}

/// A list that is none was meant as a form: that there is no form would be a second problem of one
/// mistake.
#[test]
fn a_form_that_cannot_be_read_is_not_reported_as_missing() {
    let found = of(&format!("{TARGETS}, approvedModels: all"));
    assert!(found.len() == 1 && found[0].contains("`approvedModels` takes a list"), "{found:#?}");
}

#[test]
fn what_is_required_of_callers_must_be_there_for_all_of_them() {
    let required = "requireGuardrail: {guardrails: [baseline]}";
    let text = written("", &format!("{required}, {TARGETS}"));
    let absent = written("", &format!("{required}, {TARGETS}, state: Absent"));
    for (share, expected) in [
        ("state: Absent", "what is gone cannot be required"),
        ("accounts: [{organizationalUnit: /Workloads}]", "require a guardrail of the management"),
    ] {
        let change = |text: &str| lines(&read(text.replace("shareWith: Organization", share)));
        let found = change(&text);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:#?}");
        assert_eq!(change(&absent), [""; 0], "what is taken away requires nothing");
    }
}

#[test]
fn a_broken_guardrail_is_not_reported_again_where_it_is_required() {
    let text = written("", &format!("{TARGETS}, requireGuardrail: {{guardrails: [baseline]}}"));
    let found = lines(&read(text.replace("kind: Guardrail\n", "kind: Guardrial\n")));
    assert!(found.len() == 1 && found[0].contains("no kind `Guardrial`"), "{found:#?}");
}

#[test]
fn two_manifests_do_not_claim_one_policy_name() {
    let other = format!(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: ServiceControlPolicy\nmetadata: {{name: \
         other}}\nspec: {{{TARGETS}, approvedModels: [a.b], policyName: theirs}}\n"
    );
    let found = with(&other, &format!("{TARGETS}, protectEnforcement: {{}}, policyName: theirs"));
    let [problem] = found.as_slice() else { panic!("{found:#?}") };
    assert!(problem.contains("the policy `theirs` is already claimed at"), "{problem}");
}

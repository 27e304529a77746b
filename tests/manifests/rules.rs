//! Every rule as a row: an edit of a valid set that breaks it, and what the user reads first.

use super::{lines, of};

/// Three documents of which every row changes one thing.
pub(crate) const VALID: &str = r#"apiVersion: bedrail.dev/v1alpha1
kind: Guardrail
metadata: {name: baseline}
spec:
  regions: [us-east-1, eu-west-1]
  accounts: Management
  crossRegion: Auto
  shareWith: Organization
  revisionHistoryLimit: 5
  keepVersions: [3]
  state: Present
  adopt: false
  tags: {team: ai}
  regionOverrides:
    eu-west-1: {kmsKeyId: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
  content:
    description: What everybody gets.
    blockedInputMessaging: This request was blocked.
    blockedOutputsMessaging: This response was blocked.
    topicPolicyConfig:
      tierConfig: {tierName: STANDARD}
      topicsConfig:
        - {name: Investments, definition: Advice on money., type: DENY, examples: [Buy?]}
    contentPolicyConfig:
      filtersConfig:
        - {type: HATE, inputStrength: HIGH, outputStrength: LOW, inputModalities: [TEXT, IMAGE]}
        - {type: PROMPT_ATTACK, inputStrength: HIGH, outputStrength: NONE}
    wordPolicyConfig:
      wordsConfig: [{text: falcon}]
      managedWordListsConfig: [{type: PROFANITY, inputAction: BLOCK}]
    sensitiveInformationPolicyConfig:
      piiEntitiesConfig: [{type: EMAIL, action: ANONYMIZE}]
      regexesConfig: [{name: badge, pattern: 'E-[0-9]{6}', action: BLOCK}]
    contextualGroundingPolicyConfig:
      filtersConfig: [{type: GROUNDING, threshold: 0.7}]
---
apiVersion: bedrail.dev/v1alpha1
kind: OrganizationEnforcement
metadata: {name: everywhere}
spec:
  guardrail: baseline
  allowOverride: true
  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}
  selectiveContentGuarding: {system: COMPREHENSIVE, messages: SELECTIVE}
  targets:
    - organization: true
    - organizationalUnit: /Workloads/Prod
  onDeselect: Keep
---
apiVersion: bedrail.dev/v1alpha1
kind: AccountEnforcement
metadata: {name: some}
spec:
  guardrail: {name: baseline, revision: 244ec1eae98c2dc4770cb6023e0e88f4}
  regions: [us-east-1]
  modelEnforcement: {includedModels: [amazon.nova-pro-v1:0], excludedModels: []}
  targets:
    - account: "222233334444"
    - accountsWithTags: {environment: production}
  onForeign: Hold
"#;

/// A key shared by Regions, a profile beside `Auto`: more than one edit leads there.
#[test]
fn shared_keys_and_profiles() {
    let description = "    description: What";
    let own = "  regionOverrides:\n    eu-west-1: {kmsKeyId: \"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"}\n";
    let uuid = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let multi = "mrk-1234abcd12ab34cd56ef1234567890ab";
    let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{uuid}");
    for (key, expected) in [
        (uuid, Some("is a key of one Region, and there are 2")),
        (arn.as_str(), Some("is a key of us-east-1 and cannot be used in eu-west-1")),
        (multi, None),
    ] {
        let line = format!("    kmsKeyId: \"{key}\"\n{description}");
        let text = VALID.replace(own, "").replace(description, &line);
        let found = lines(&of(&[("m.yaml", &text)]));
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        assert!(expected.is_none_or(|it| found[0].contains(it)), "{found:?}");
        let with_own = lines(&of(&[("m.yaml", &VALID.replace(description, &line))]));
        assert_eq!(with_own, [""; 0], "the other Region has its own key");
    }
    let profile = "    crossRegionConfig: {guardrailProfileIdentifier: \"us.guardrail.v1:0\"}\n";
    let text = VALID
        .replace("[us-east-1, eu-west-1]", "[us-east-1]")
        .replace(own, "")
        .replace(description, &format!("{profile}{description}"));
    let found = lines(&of(&[("m.yaml", &text)]));
    assert!(found.len() == 1 && found[0].contains("contradicts"), "{found:?}");
    let text = text.replace("  crossRegion: Auto\n", "");
    assert_eq!(lines(&of(&[("m.yaml", &text)])), [""; 0]);
    // What is not known to have a profile does without one, if nothing needs it.
    let text = VALID.replace("[us-east-1, eu-west-1]", "[us-east-1, eu-west-1, sa-east-1]");
    let found = lines(&of(&[("m.yaml", &text)]));
    assert!(found.len() == 1 && found[0].contains("none is known for sa-east-1"), "{found:?}");
    let found = lines(&of(&[("m.yaml", &text.replace("STANDARD", "CLASSIC"))]));
    assert!(found.len() == 1 && found[0].contains("warning: spec.crossRegion"), "{found:?}");
}

#[test]
fn an_unknown_region_is_a_warning() {
    let text = VALID
        .replace("[us-east-1, eu-west-1]", "[us-east-1, eu-west-1, us-esat-2]")
        .replace("  crossRegion: Auto\n", "")
        .replace("STANDARD", "CLASSIC");
    let outcome = of(&[("m.yaml", &text)]);
    assert_eq!(
        lines(&outcome),
        [
            "m.yaml:5:35: warning: spec.regions[2]: `us-esat-2` is not among the Regions with Guardrails \
         that this release knows (did you mean `us-east-2`?); if it is new, this is no error"
        ]
    );
    assert!(outcome.manifests.is_some());
}

/// From, to, and a part of the only line the user reads; the line and column come with it.
pub(crate) type Row = (&'static str, &'static str, &'static str);

#[test]
fn what_every_row_changes_is_valid() {
    let outcome = of(&[("m.yaml", VALID)]);
    assert_eq!(lines(&outcome), [""; 0]);
    assert!(outcome.manifests.is_some());
}

pub(crate) fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (from, to, expected) in rows {
        assert_eq!(VALID.matches(from).count(), 1, "the row must change one place: {from}");
        let outcome = of(&[("m.yaml", &VALID.replace(from, to))]);
        let found = lines(&outcome);
        let is_error = found.iter().any(|it| it.contains(": error: "));
        if found.len() != 1
            || !found[0].contains(expected)
            || is_error == outcome.manifests.is_some()
        {
            wrong.push(format!("{from} → {to}\n  wanted {expected}\n  found  {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lengths() {
    for (from, max, field) in [
        ("What everybody gets.", 200, "spec.content.description"),
        ("This request was blocked.", 500, "spec.content.blockedInputMessaging"),
        ("This response was blocked.", 500, "spec.content.blockedOutputsMessaging"),
        ("Investments", 100, "topicsConfig[0].name"),
        ("Advice on money.", 1000, "topicsConfig[0].definition"),
        ("Buy?", 100, "topicsConfig[0].examples[0]"),
        ("falcon", 100, "wordsConfig[0].text"),
        ("badge", 100, "regexesConfig[0].name"),
        ("E-[0-9]{6}", 500, "regexesConfig[0].pattern"),
    ] {
        assert_eq!(VALID.matches(from).count(), 1, "{from}");
        let with =
            |length: usize| lines(&of(&[("m.yaml", &VALID.replace(from, &"x".repeat(length)))]));
        assert_eq!(with(max), [""; 0], "{field}");
        let found = with(max + 1);
        let expected =
            format!("{field}: has {} characters; AWS takes {max}: shorten it by 1", max + 1);
        assert!(found.len() == 1 && found[0].contains(&expected), "{found:?}");
    }
    let classic =
        VALID.replace("STANDARD", "CLASSIC").replace("Advice on money.", &"x".repeat(201));
    let found = lines(&of(&[("m.yaml", &classic)]));
    assert!(found.len() == 1 && found[0].contains("take the STANDARD tier"), "{found:?}");
}

/// What is listed in the valid set, how many AWS takes, and how to write one.
type Count<'a> = (&'a str, usize, &'a dyn Fn(usize) -> String);

#[test]
fn counts() {
    let list = |from: &str, count: usize, item: &dyn Fn(usize) -> String| {
        assert_eq!(VALID.matches(from).count(), 1, "{from}");
        let items: Vec<String> = (0..count).map(item).collect();
        lines(&of(&[("m.yaml", &VALID.replace(from, &items.join(", ")))]))
    };
    let regex = |n| format!("{{name: r{n}, pattern: x, action: NONE}}");
    let word = |n| format!("{{text: w{n}}}");
    let tag = |n| format!("t{n}: v");
    let regex_from = "{name: badge, pattern: 'E-[0-9]{6}', action: BLOCK}";
    let cases: [Count<'_>; 2] = [("{text: falcon}", 10_000, &word), ("team: ai", 50, &tag)];
    for (from, max, item) in cases {
        assert_eq!(list(from, max, item), [""; 0], "{from}");
        let found = list(from, max + 1, item);
        assert!(found.len() == 1 && found[0].contains(&format!("AWS takes {max}")), "{found:?}");
    }
    // AWS's model and its quota table disagree.
    assert_eq!(list(regex_from, 10, &regex), [""; 0]);
    for count in [11, 30] {
        let found = list(regex_from, count, &regex);
        assert!(found.len() == 1 && found[0].contains("warning"), "{found:?}");
        assert!(found[0].contains("AWS may admit only 10"), "{found:?}");
    }
    let found = list(regex_from, 31, &regex);
    assert!(found.len() == 1 && found[0].contains("AWS takes 30"), "{found:?}");
}

#[test]
fn an_absent_guardrail_can_only_be_used_by_what_is_absent() {
    let text = VALID.replace("state: Present", "state: Absent");
    let found = lines(&of(&[("m.yaml", &text)]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|it| it.contains("what is gone cannot be enforced")), "{found:?}");
    let text = text
        .replace("onDeselect: Keep", "state: Absent")
        .replace("onForeign: Hold", "state: Absent");
    assert_eq!(lines(&of(&[("m.yaml", &text)])), [""; 0]);
}

#[test]
fn a_guardrail_that_nobody_may_apply_is_not_enforced_on_others() {
    let found =
        lines(&of(&[("m.yaml", &VALID.replace("shareWith: Organization", "shareWith: None"))]));
    let kinds: Vec<bool> = found.iter().map(|it| it.contains(": error: ")).collect();
    assert_eq!(kinds, [true, true, false, true], "{found:#?}");
    assert!(
        found[1]
            .contains("write `shareWith: Organization` or `shareWith: [/Workloads/Prod]` there")
    );
    assert!(found[2].contains("works only if 222233334444 is the management account"));
}

#[test]
fn automated_reasoning_cannot_be_enforced() {
    let policy = "    automatedReasoningPolicyConfig: {policies: [\"arn:aws:bedrock:us-east-1:111122223333:automated-reasoning-policy/abcdefghij12:1\"], confidenceThreshold: 0.9}\n    wordPolicyConfig:";
    let text = VALID.replace("    wordPolicyConfig:", policy);
    let found = lines(&of(&[("m.yaml", &text)]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().all(|it| it.contains("with which every enforced call fails")),
        "{found:?}"
    );
    let (guardrail, _) = text.split_once("---\n").unwrap();
    assert_eq!(lines(&of(&[("m.yaml", guardrail)])), [""; 0]);
    for (from, to, expected) in [
        ("abcdefghij12:1", "abc", "is not the ARN of an automated reasoning policy"),
        ("bedrock:us-east-1:", "bedrock:us-east:", "is not the ARN of an automated reasoning"),
        ("111122223333:auto", "11112222333:auto", "is not the ARN of an automated reasoning"),
        ("confidenceThreshold: 0.9", "confidenceThreshold: 2", "`2` is not from 0 to 1"),
    ] {
        let found = lines(&of(&[("m.yaml", &guardrail.replace(from, to))]));
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }
}

#[test]
fn a_guardrail_without_any_policy_is_refused() {
    let (head, _) = VALID.split_once("    topicPolicyConfig:").unwrap();
    let found = lines(&of(&[("m.yaml", head)]));
    assert!(found.len() == 1 && found[0].contains("spec.content: has no policy"), "{found:?}");
}

#[test]
fn names_are_unique_within_a_kind() {
    let (_, rest) = VALID.split_once("---\n").unwrap();
    let found = lines(&of(&[("a.yaml", VALID), ("b.yaml", &rest.replace("everywhere", "some"))]));
    assert!(
        found.iter().any(|it| it.starts_with(
            "b.yaml:16:18: error: metadata.name: there is already a \
            AccountEnforcement named `some` at a.yaml:52:18"
        )),
        "{found:#?}"
    );
    assert!(!found.iter().any(|it| it.contains("OrganizationEnforcement named")), "{found:#?}");
    let former = rest.replace("name: everywhere", "name: new, formerNames: [everywhere]");
    let found = lines(&of(&[("a.yaml", VALID), ("b.yaml", &former)]));
    assert!(found.iter().any(|it| it.contains("`everywhere` is still the name of")), "{found:#?}");
    // One heir only: an owner of two names of one past would be both.
    let heir = |name: &str| {
        let names = format!("name: {name}, formerNames: [before]");
        rest.replace("name: everywhere", &names).replace("name: some", &format!("name: x{name}"))
    };
    let found =
        lines(&of(&[("a.yaml", VALID), ("b.yaml", &heir("one")), ("c.yaml", &heir("two"))]));
    assert!(found.iter().any(|it| it.contains("`before` is handed over at b.yaml")), "{found:#?}");
}

#[test]
fn two_guardrails_cannot_have_one_name_in_aws_where_they_may_meet() {
    let (head, _) = VALID.split_once("---\n").unwrap();
    // What `accounts` says of one and of the other, and whether some account may have both.
    let one = "[{account: \"222233334444\"}]";
    let other = "[{account: \"333344445555\"}]";
    let both = "[{account: \"333344445555\"}, {account: \"222233334444\"}]";
    let rows = [
        ("Management", "Management", true),
        ("Management", one, false),
        (one, other, false),
        (one, both, true),
        ("Management", "[{organization: true}]", true),
        (one, "[{organizationalUnit: /Workloads}]", true),
        (one, "[{accountsWithTags: {team: ai}}]", true),
    ];
    for (first, second, meets) in rows {
        let placed = |accounts: &str| {
            let text = head.replace("accounts: Management", &format!("accounts: {accounts}"));
            // A key belongs to one account; the name is what this is about.
            let (before, rest) = text.split_once("  regionOverrides:").unwrap();
            let (_, after) = rest.split_once("  content:").unwrap();
            format!("{before}  content:{after}")
        };
        let named = placed(second).replace("name: baseline", "name: second");
        let named = named.replace("spec:\n", "spec:\n  guardrailName: baseline\n");
        let found = lines(&of(&[("a.yaml", &placed(first)), ("b.yaml", &named)]));
        let said = found.iter().filter(|it| it.contains("is called `baseline`")).count();
        assert_eq!(said, usize::from(meets), "{first} and {second}: {found:#?}");
        assert_eq!(found.len(), said, "{first} and {second}: {found:#?}");
    }
}

#[test]
fn two_enforcements_cannot_claim_the_same_target_in_the_same_region() {
    let (_, rest) = VALID.split_once("---\n").unwrap();
    let other = rest.replace("name: everywhere", "name: other").replace("name: some", "name: more");
    let found = lines(&of(&[("a.yaml", VALID), ("b.yaml", &other)]));
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(
        found[0].starts_with(
            "b.yaml:10:7: error: spec.targets[0]: `organization: true` is already claimed by \
         OrganizationEnforcement `everywhere` at a.yaml:46:7"
        ),
        "{found:#?}"
    );
    // Nested targets are legal, other Regions too, and what is Absent claims nothing.
    for (from, to) in [
        (
            "    - organization: true\n    - organizationalUnit: /Workloads/Prod",
            "    - organizationalUnit: /Workloads",
        ),
        ("onDeselect: Keep", "state: Absent"),
    ] {
        let nested =
            other.replace(from, to).replace("regions: [us-east-1]", "regions: [eu-west-1]");
        assert_ne!(nested, other);
        assert_eq!(lines(&of(&[("a.yaml", VALID), ("b.yaml", &nested)])), [""; 0]);
    }
}

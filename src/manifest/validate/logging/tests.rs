use std::collections::BTreeMap;

use crate::manifest::{Outcome, Source, parse};

/// What is right, and what every row changes one text of.
const VALID: &str = r#"apiVersion: bedrail.dev/v1alpha1
kind: InvocationLogging
metadata: {name: logs}
spec:
  loggingConfig:
    cloudWatchConfig:
      logGroupName: /bedrock/${region}
      roleArn: "arn:${partition}:iam::${account}:role/BedrockLogging"
      largeDataDeliveryS3Config: {bucketName: "large-${account}-${region}", keyPrefix: bedrock}
    s3Config: {bucketName: "logs-${account}-${region}"}
    audioDataDeliveryEnabled: false
  regions: [us-east-1, eu-west-1]
  targets: [{organization: true}]
  onForeign: Hold
  onDeselect: Keep
  state: Present
"#;

fn outcome(text: &str) -> Outcome {
    let files = BTreeMap::from([("m.yaml".into(), text.to_owned())]);
    parse(&Source::new(files, Vec::new()))
}

fn problems(text: &str) -> Vec<String> {
    outcome(text).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_rule_names_its_place_and_what_to_write() {
    assert_eq!(problems(VALID), [""; 0]);
    let rows = [
        (
            "\"logs-${account}-${region}\"",
            "\"logs-${accountId}-${region}\"",
            "m.yaml:10:28: error: spec.loggingConfig.s3Config.bucketName: `${accountId}` is no \
             placeholder; there are `${account}`, `${region}` and `${partition}`",
        ),
        ("\"logs-${account}-${region}\"", "\"logs-${account\"", "is never closed"),
        (
            "\"logs-${account}-${region}\"",
            "\"logs-${account}\"",
            "m.yaml:10:28: error: \
             spec.loggingConfig.s3Config.bucketName: a bucket is in one Region",
        ),
        ("\"logs-${account}-${region}\"", "\"logs-${region}\"", "belongs to one account"),
        (
            "\"logs-${account}-${region}\"",
            "\"Logs-${account}-${region}\"",
            "(here `Logs-111122223333-us-east-1`) is not 3 to 63 lower-case",
        ),
        ("\"logs-${account}-${region}\"", "\"arn:aws:s3:::logs\"", "write the name alone"),
        ("\"large-${account}-${region}\"", "\"large-${account}\"", "m.yaml:9:47"),
        ("logGroupName: /bedrock/${region}", "logGroupName: a group", "1 to 512 letters"),
        (
            "  state: Present",
            "  rollout: {waves: [{name: all}]}",
            "m.yaml:16:3: error: spec.rollout: logging has no waves",
        ),
        ("  state: Present", "  s3Config: {}", "belongs in `spec.loggingConfig`"),
        (
            "iam::${account}:role",
            "iam::222233334444:role",
            "AWS logs with none of another account; write `${account}`",
        ),
        (
            "${partition}",
            "aws-us-gov",
            "is a role of partition aws-us-gov, and the Regions are of aws; write",
        ),
        ("role/BedrockLogging", "user/me", "is no role; write its ARN"),
        ("  onDeselect: Keep", "  onDeselect: Release", "cannot be released"),
        ("  onForeign: Hold", "  onForeign: Take", "`Take` is not Replace or Hold"),
        ("  regions: [us-east-1, eu-west-1]\n", "", "spec.regions: is missing"),
        ("audioDataDeliveryEnabled", "audioDeliveryEnabled", "there is no field `audioDel"),
        ("{name: logs}", "{name: logs, formerNames: [old]}", "owns nothing by its name"),
    ];
    for (from, to, expected) in rows {
        assert!(VALID.contains(from), "{from}");
        let found = problems(&VALID.replacen(from, to, 1));
        assert!(found.len() == 1 && found[0].contains(expected), "{to}: {found:#?}");
    }
}

#[test]
fn names_without_placeholders_are_right_where_one_cell_is_meant() {
    let one = VALID
        .replace("${account}", "222233334444")
        .replace("${region}", "eu-west-1")
        .replace("[us-east-1, eu-west-1]", "[eu-west-1]")
        .replace("{organization: true}", "{account: \"222233334444\"}");
    assert_eq!(problems(&one), [""; 0]);
    let other = one.replace("{account: \"222233334444\"}", "{account: \"333344445555\"}");
    let found = problems(&other);
    assert!(found.len() == 1 && found[0].contains("is a role of 222233334444"), "{found:#?}");
}

#[test]
fn what_aws_logs_to_is_accepted() {
    let (head, rest) = VALID.split_once("    cloudWatchConfig:").unwrap();
    let (group, rest) = rest.split_once("    s3Config:").unwrap();
    let (bucket, tail) = rest.split_once('\n').unwrap();
    let government = VALID
        .replace("${partition}", "aws-us-gov")
        .replace("[us-east-1, eu-west-1]", "[us-gov-west-1]");
    for text in [
        format!("{head}    s3Config:{bucket}\n{tail}"),
        format!("{head}    cloudWatchConfig:{group}{tail}"),
        VALID.replace("logs-${account}", "our.logs-${account}"),
        VALID.replace("${partition}", "aws"),
        government,
    ] {
        let outcome = outcome(&text);
        assert_eq!(outcome.problems, [], "{text}");
        let manifests = outcome.manifests.unwrap();
        assert_eq!(manifests.invocation_logging.len(), 1);
    }
}

#[test]
fn the_name_of_a_bucket_has_plain_characters_alone() {
    for name in ["-logs", "lOgs", "lo_gs"] {
        let found = problems(&VALID.replace("logs-${account}", &format!("{name}-${{account}}")));
        assert!(found.len() == 1 && found[0].contains("is not 3 to 63 lower-case"), "{found:#?}");
    }
}

#[test]
fn a_bucket_of_one_account_is_refused_as_soon_as_two_are_written() {
    let text = VALID.replace("logs-${account}-${region}", "logs-${region}");
    let to = |targets: &str| problems(&text.replace("{organization: true}", targets));
    let two = to("{account: \"222233334444\"}, {account: \"333344445555\"}");
    assert!(two.len() == 1 && two[0].contains("belongs to one account"), "{two:#?}");
    assert_eq!(to("{account: \"222233334444\"}"), [""; 0]);
    // How many accounts a unit has is known when it is resolved.
    assert_eq!(to("{organizationalUnit: /Workloads}"), [""; 0]);
}

#[test]
fn a_configuration_that_logs_nowhere_is_refused() {
    let nowhere = "apiVersion: bedrail.dev/v1alpha1\nkind: InvocationLogging\nmetadata: {name: a}\n\
                   spec: {loggingConfig: {textDataDeliveryEnabled: true}, regions: [us-east-1], \
                   targets: [{organization: true}]}\n";
    let found = problems(nowhere);
    assert!(found.len() == 1 && found[0].contains("logs nowhere"), "{found:#?}");
}

#[test]
fn two_that_claim_a_target_are_an_error_naming_both() {
    let other = VALID
        .replace("name: logs", "name: others")
        .replace("[us-east-1, eu-west-1]", "[eu-west-1]");
    let both =
        format!("{VALID}---\n{}", other.replace("logs-${account}-${region}", "o-${account}"));
    let found = problems(&both);
    assert!(found.len() == 1 && found[0].contains("InvocationLogging `logs`"), "{found:#?}");
    let absent = both.replacen("state: Present", "state: Absent", 1);
    assert_eq!(problems(&absent), [""; 0]);
}

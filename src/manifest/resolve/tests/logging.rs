//! Invocation logging.

use super::*;
use crate::model::DesiredLogging;

fn logged(desired: &Desired) -> Vec<String> {
    let of =
        |(cell, it): (&Cell, &DesiredLogging)| format!("{cell} {} {:?}", it.manifest, it.state);
    desired.logging.iter().map(of).collect()
}

#[test]
fn logging_is_set_in_every_active_account_with_the_names_filled_in() {
    let desired = desired(&[logging(
        "logs",
        "regions: [us-east-1, eu-west-1], targets: [{organizationalUnit: /Workloads}]",
    )]);
    assert_eq!(refusals(&desired), [""; 0]);
    let buckets: Vec<String> = desired
        .logging
        .iter()
        .map(|(cell, it)| format!("{cell} {}", it.config.bucket.as_ref().unwrap().name))
        .collect();
    assert_eq!(
        buckets,
        [
            "222222222222 eu-west-1 logs-222222222222-eu-west-1",
            "222222222222 us-east-1 logs-222222222222-us-east-1",
            "444444444444 eu-west-1 logs-444444444444-eu-west-1",
            "444444444444 us-east-1 logs-444444444444-us-east-1",
        ]
    );
    assert_eq!(desired.logging_specs.len(), 1);
    assert!(desired.unreachable.contains_key(&"333333333333".parse().unwrap()));
}

#[test]
fn every_text_of_logging_has_a_hash_of_its_own() {
    let hash = |more: &str| {
        let spec = format!("regions: [us-east-1], targets: [{{organization: true}}]{more}");
        let desired = desired(&[logging("logs", &spec)]);
        desired.logging_specs.into_values().collect::<Vec<_>>()
    };
    assert_eq!(hash(""), hash(", onForeign: Replace"), "what is the default may be written");
    assert_ne!(hash(""), hash(", onForeign: Hold"));
    assert_ne!(hash(""), hash(", state: Absent"));
}

#[test]
fn a_cell_that_two_log_from_is_left_to_neither() {
    let desired = desired(&[
        logging("one", "regions: [us-east-1], targets: [{organizationalUnit: /Workloads}]"),
        logging("two", "regions: [us-east-1], targets: [{account: '444444444444'}]"),
    ]);
    assert_eq!(logged(&desired), ["222222222222 us-east-1 one Present"]);
    let found = refusals(&desired);
    assert_eq!(found.len(), 2, "{found:#?}");
    for (found, (name, rival)) in found.iter().zip([("one", "two"), ("two", "one")]) {
        let said = format!(
            "InvocationLogging/{name} spec.targets: also claimed by InvocationLogging `{rival}`: \
             444444444444 us-east-1;"
        );
        assert!(found.starts_with(&said), "{found}");
    }
}

#[test]
fn present_logging_takes_over_from_absent_logging() {
    let desired = desired(&[
        logging(
            "old",
            "state: Absent, regions: [us-east-1], targets: [{organizationalUnit: /Workloads}]",
        ),
        logging("new", "regions: [us-east-1], targets: [{organizationalUnit: /Workloads/Prod}]"),
    ]);
    assert_eq!(refusals(&desired), [""; 0]);
    assert_eq!(
        logged(&desired),
        ["222222222222 us-east-1 old Absent", "444444444444 us-east-1 new Present"]
    );
}

#[test]
fn two_absent_agree_only_on_the_same_configuration() {
    let absent = |name: &str, target: &str| {
        let spec = format!("state: Absent, regions: [us-east-1], targets: [{target}]");
        logging(name, &spec)
    };
    let one = absent("one", "{account: '444444444444'}");
    let two = absent("two", "{organizationalUnit: /Workloads/Prod}");
    let agreed = desired(&[one.clone(), two.clone()]);
    assert_eq!(logged(&agreed), ["444444444444 us-east-1 one Absent"]);
    assert_eq!(refusals(&agreed), [""; 0]);
    let apart = desired(&[one, two.replace("'logs-", "'more-")]);
    assert_eq!(logged(&apart), [""; 0]);
    assert_eq!(refusals(&apart).len(), 2);
}

#[test]
fn a_destination_that_is_certainly_of_another_account_is_refused() {
    let work = "regions: [us-east-1], targets: [{organizationalUnit: /Workloads}]";
    let shared = desired(&[logging("logs", work).replace("${account}-", "")]);
    assert_eq!(logged(&shared), [""; 0]);
    let found = refusals(&shared);
    assert!(found.len() == 1 && found[0].contains("the bucket `logs-us-east-1`"), "{found:#?}");
    // The role is right where it lives, and wrong everywhere else.
    let group = "cloudWatchConfig: {logGroupName: logs, roleArn: \
                 'arn:aws:iam::222222222222:role/Logging'}, s3Config:";
    let role = desired(&[logging("logs", work).replace("s3Config:", group)]);
    assert_eq!(logged(&role), ["222222222222 us-east-1 logs Present"]);
    let found = refusals(&role);
    assert!(
        found.len() == 1 && found[0].contains("another account than 444444444444 us-east-1"),
        "{found:#?}"
    );
}

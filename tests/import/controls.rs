//! Service control policies that others wrote in the console, as manifests.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::types::{PolicyType, Tag};
use serde_json::json;

use crate::support::{ADA, SHOP, SMALL, Stage, edited};

const ROOT: &str = "r-test";
const WORKLOADS: &str = "ou-test-workload";

/// One value where a list could be, members in no order, lines and spaces.
const LEAVING: &str = "{\n  \"Statement\": {\n    \"Resource\": \"*\",\n    \"Effect\": \"Deny\",\n    \
                       \"Action\": \"organizations:LeaveOrganization\"\n  },\n  \
                       \"Version\": \"2012-10-17\"\n}\n";

/// Lists of one and of several, names and values that YAML would take for something else.
const REGIONS: &str = r#"{"Version":"2012-10-17","Id":"no","Statement":[
  {"Sid":"","Effect":"Deny","NotAction":["iam:*","STS:*","support:*"],"Resource":["*"],
   "Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]},
                "Bool":{"aws:ViaAWSService":"false"},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/BedrailMember"}}},
  {"Sid":"NoRoot","Effect":"Deny","Action":["*"],"Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":["arn:aws:iam::*:root"]}}}]}"#;

const BUCKETS: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:PutBucketPublicAccessBlock", "Resource": "arn:aws:s3:::*"}]}"#;

/// AWS stores it, and there is no such action.
const WRONG: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["bedrock:InvokeModel*", "bedrock:Converse"], "Resource": "*"}]}"#;

impl Stage {
    /// Makes a service control policy by hand and attaches it.
    async fn control(
        &self,
        name: &str,
        content: &str,
        targets: &[&str],
        tags: &[(&str, &str)],
    ) -> String {
        let client = self.organizations().await;
        let mut request = client.create_policy().name(name).description("").content(content);
        for (key, value) in tags {
            request = request.tags(Tag::builder().key(*key).value(*value).build().unwrap());
        }
        let created = request.r#type(PolicyType::ServiceControlPolicy).send().await.unwrap();
        let id = created.policy.unwrap().policy_summary.unwrap().id.unwrap();
        for target in targets {
            client.attach_policy().policy_id(&id).target_id(*target).send().await.unwrap();
        }
        id
    }

    /// Text and targets of every service control policy, by name.
    async fn controls(&self) -> BTreeMap<String, (String, BTreeSet<String>)> {
        let client = self.organizations().await;
        let request = client.list_policies().filter(PolicyType::ServiceControlPolicy);
        let listed = request.send().await.unwrap().policies.unwrap_or_default();
        let mut found = BTreeMap::new();
        for summary in listed {
            let id = summary.id.unwrap();
            let policy = client.describe_policy().policy_id(&id).send().await.unwrap();
            let text = policy.policy.unwrap().content.unwrap();
            found.insert(summary.name.unwrap(), (text, self.targets(&id).await));
        }
        found
    }
}

fn files(stage: &Stage) -> BTreeSet<String> {
    let files = std::fs::read_dir(stage.folder.path()).unwrap();
    files.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

fn file(stage: &Stage, name: &str) -> String {
    std::fs::read_to_string(stage.folder.path().join(name)).unwrap()
}

/// What a console user has left behind: several at a target, one at several, and some that are not
/// to be taken over.
async fn build(stage: &Stage) {
    stage.control("Leaving (all)", LEAVING, &[ROOT, WORKLOADS, ADA], &[]).await;
    stage.control("regions", REGIONS, &[WORKLOADS], &[("team", "platform")]).await;
    stage.control("buckets", BUCKETS, &[WORKLOADS, SHOP], &[]).await;
    stage.control("wrong", WRONG, &[ADA], &[]).await;
    stage.control("nowhere", BUCKETS, &[], &[]).await;
    stage.control("theirs", BUCKETS, &[ADA], &[("bedrail:owner", "other-installation")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_of_others_become_manifests_that_only_mark_them() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["Leaving (all)", "regions", "buckets"]})).await;
    build(&stage).await;
    let before = stage.controls().await;
    stage.forget_calls().await;
    let done = stage.import(&[crate::REGIONS], 0).await;
    assert_eq!(stage.writes().await, Vec::<String>::new(), "an import writes nothing to AWS");
    done.line(&["3 service control policies; 3 left"]);
    done.line(&["left", "`wrong`", "there is no action `bedrock:Converse`"]);
    done.line(&["left", "`nowhere`", "attached to nothing"]);
    done.line(&["left", "`theirs`", "other-installation"]);
    assert!(!done.stdout.contains("FullAWSAccess"), "{done}");
    let written = ["Leaving--all", "buckets", "regions"];
    let written: BTreeSet<String> =
        written.iter().map(|name| format!("service-control-{name}.yaml")).collect();
    assert_eq!(files(&stage), written);
    let leaving = file(&stage, "service-control-Leaving--all.yaml");
    for part in [
        "kind: ServiceControlPolicy",
        "policyName: \"Leaving (all)\"",
        "adopt: true",
        "- organization: true",
        "- organizationalUnit: /Workloads",
        &format!("- account: \"{ADA}\"  # ada"),
    ] {
        assert!(leaving.contains(part), "{part}: {leaving}");
    }

    stage.validate(0).await;
    let planned = stage.plan(2).await;
    planned.line(&["Plan: 0 to create, 3 to update, 0 to delete; 0 held; 3 API writes"]);
    let mut steps = planned.stdout.lines().filter(|line| line.starts_with("  ~"));
    assert!(steps.all(|line| line.contains("tag the service control policy")), "{planned}");
    stage.forget_calls().await;
    stage.apply(0).await;
    let writes = stage.writes().await;
    assert_eq!(writes.len(), 3, "one mark for each: {writes:#?}");
    assert!(writes.iter().all(|it| it.contains("organizations:TagResource")), "{writes:#?}");
    assert_eq!(stage.controls().await, before, "to the byte, and where they were");
    stage.assert_at_rest().await;

    // Ours by now: to import again says the same, and still changes nothing.
    let again = stage.import(&[crate::REGIONS, "--force"], 0).await;
    again.line(&["3 service control policies; 3 left"]);
    stage.assert_at_rest().await;
    assert_eq!(stage.controls().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_that_were_adopted_are_kept_from_then_on_beside_others() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["Leaving (all)", "regions", "buckets"]})).await;
    build(&stage).await;
    stage.import(&[crate::REGIONS], 0).await;
    stage.apply(0).await;
    let before = stage.controls().await;
    let client = stage.organizations().await;
    let world = stage.world().await;
    let policies = world["policies"].as_object().unwrap();
    let (id, _) = policies.iter().find(|(_, it)| it["name"] == json!("buckets")).unwrap();
    client.detach_policy().policy_id(id).target_id(SHOP).send().await.unwrap();
    client.update_policy().policy_id(id).content(LEAVING).send().await.unwrap();
    stage.apply(0).await;
    let after = stage.controls().await;
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(parsed(&after["buckets"].0), parsed(BUCKETS));
    assert_eq!(after["buckets"].1, before["buckets"].1);
    stage.assert_at_rest().await;

    // A text that changes replaces its policy, and what others have at the target stays.
    let name = "service-control-buckets.yaml";
    let text = edited(&file(&stage, name), "s3:PutBucketPublicAccessBlock", "s3:DeleteBucket");
    stage.manifest(name, &text);
    stage.apply(0).await;
    let after = stage.controls().await;
    let mut of_buckets = after.iter().filter(|(name, _)| name.starts_with("buckets"));
    let (_, (content, targets)) = of_buckets.next().unwrap();
    assert_eq!(of_buckets.next(), None, "the one before is gone");
    assert!(content.contains("s3:DeleteBucket"), "{content}");
    assert_eq!(targets, &before["buckets"].1);
    for other in ["wrong", "theirs", "nowhere", "regions", "Leaving (all)", "FullAWSAccess"] {
        assert_eq!(after[other], before[other], "{other}");
    }
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_that_cannot_be_read_are_said() {
    let mut stage = Stage::start(SMALL).await;
    stage.control("buckets", BUCKETS, &[SHOP], &[]).await;
    let denied = json!([{"kind": "Denied", "operation": "organizations:DescribePolicy"}]);
    stage.faults(denied).await;
    let done = stage.import(&[crate::REGIONS], 1).await;
    done.line(&["could not read the service control policies"]);
    done.line(&["0 service control policies; 0 left"]);
}

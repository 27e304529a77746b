use serde_json::json;

use super::*;
use crate::model::{ControlMarks, ImportedTarget, PolicyId, Rejection};
use crate::plan::fixture::{MEMBER, ROOT, UNIT, fleet, owner};

const SIZE_MAX: usize = 5120;

fn denies(action: &str) -> Value {
    json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]})
}

/// A policy that is nobody's.
fn control(id: &str, name: &str, content: Value, targets: &[&str]) -> ObservedControl {
    let targets = targets.iter().map(|it| it.parse().unwrap()).collect();
    ObservedControl {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        is_aws_managed: false,
        marks: ControlMarks::default(),
        body: Some(ControlBody { content, targets }),
    }
}

/// The same as one of ours, with this number.
fn ours(mut control: ObservedControl, manifest: &str, part: Option<usize>) -> ObservedControl {
    control.marks.owner = Some(owner().to_string());
    control.marks.manifest = Some(manifest.parse().unwrap());
    control.marks.part = part;
    control
}

fn import(controls: Vec<ObservedControl>, control_size_max: usize) -> Imported {
    let by_id = |it: ObservedControl| (it.id.clone(), it);
    let controls: BTreeMap<PolicyId, ObservedControl> = controls.into_iter().map(by_id).collect();
    let mut imported = Imported::default();
    let live = Live {
        owner: &owner(),
        fleet: &fleet(),
        guardrails: &[],
        policies: &BTreeMap::new(),
        slots: &BTreeMap::new(),
        logging: &BTreeMap::new(),
        controls: &controls,
        control_size_max,
    };
    find(&live, &mut imported);
    imported
}

#[test]
fn a_policy_of_nobodys_is_written_as_it_is_with_every_target() {
    let live = control("p-aaaaaaaa", "No buckets!", denies("s3:*"), &[ROOT, UNIT, MEMBER]);
    let imported = import(vec![live], SIZE_MAX);
    let [found] = imported.controls.as_slice() else { panic!("{imported:?}") };
    assert_eq!(found.name.as_str(), "No-buckets");
    assert_eq!(found.policy_name.as_deref(), Some("No buckets!"));
    assert_eq!((&found.document, found.targets.len()), (&denies("s3:*"), 3));
    assert!(found.targets.contains(&ImportedTarget::Organization), "{found:?}");
}

#[test]
fn what_is_not_to_be_taken_over_is_left_with_the_reason() {
    let mut aws = control("p-FullAWSAccess", "FullAWSAccess", denies("s3:*"), &[ROOT]);
    aws.is_aws_managed = true;
    let mut theirs = control("p-aaaaaaaa", "theirs", denies("s3:*"), &[ROOT]);
    theirs.marks.owner = Some("another".to_owned());
    let unattached = control("p-bbbbbbbb", "unattached", denies("s3:*"), &[]);
    let unread = control("p-cccccccc", "unread", Value::Null, &[ROOT]);
    let gone = control("p-dddddddd", "gone", denies("s3:*"), &["999999999999"]);
    let mut rejected = ours(control("p-eeeeeeee", "rejected", denies("s3:*"), &[ROOT]), "no", None);
    rejected.marks.rejection = Some(Rejection { account: None, spec: None });
    let imported = import(vec![aws, theirs, unattached, unread, gone, rejected], SIZE_MAX);
    assert_eq!(imported.controls, []);
    let left: Vec<String> =
        imported.left.iter().map(|Left { object, why }| format!("{object}: {why}")).collect();
    for (name, why) in [
        ("theirs", "belongs to `another`"),
        ("unattached", "attached to nothing"),
        ("unread", "is not understood"),
        ("gone", "does not list: 999999999999"),
        ("rejected", "shut our own role out"),
    ] {
        let is_it = |line: &&String| line.contains(&format!("`{name}`")) && line.contains(why);
        assert!(left.iter().any(|line| is_it(&line)), "{name}: {left:#?}");
    }
    assert_eq!(left.len(), 5, "AWS's own is not even named: {left:#?}");
}

#[test]
fn two_parts_of_one_manifest_of_ours_are_one_again() {
    let long = |name: &str| denies(&format!("s3:{}", name.repeat(30)));
    let parts = |part: Option<usize>| {
        let name = format!("bedrail-{}-no.scp", owner());
        let second = control("p-bbbbbbbb", &format!("{name}.2"), long("B"), &[ROOT]);
        let first = control("p-aaaaaaaa", &name, long("A"), &[ROOT]);
        vec![ours(first, "no", None), ours(second, "no", part)]
    };
    let imported = import(parts(Some(2)), 130);
    let [found] = imported.controls.as_slice() else { panic!("{imported:?}") };
    assert_eq!((found.name.as_str(), &found.policy_name), ("no", &None));
    assert_eq!(found.document["Statement"].as_array().map(Vec::len), Some(2));

    // Where all fits into one, a manifest would make one of them.
    let imported = import(parts(Some(2)), SIZE_MAX);
    assert!(imported.left[0].why.contains("--scp-size-max"), "{imported:?}");
    // The one before, or the one after.
    let imported = import(parts(None), 130);
    assert_eq!(imported.left.len(), 2);
    assert!(imported.left[0].why.contains("until a rollout is over"), "{imported:?}");
}

#[test]
fn a_document_for_which_several_policies_would_be_made_is_left() {
    let statement = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    let content = json!({"Version": "2012-10-17", "Statement": vec![statement; 4]});
    let live = control("p-aaaaaaaa", "long", content, &[ROOT]);
    assert_eq!(import(vec![live.clone()], SIZE_MAX).left, []);
    let imported = import(vec![live], 150);
    assert_eq!(imported.controls, []);
    assert!(imported.left[0].why.contains("a higher `--scp-size-max` (now 150)"), "{imported:?}");
}

//! Service control policies.

use super::*;
use crate::model::{ControlForm, DesiredControl};

fn only(desired: &Desired) -> &DesiredControl {
    &desired.controls[&"models".parse().unwrap()]
}

fn targets(control: &DesiredControl) -> Vec<String> {
    control.targets.iter().map(ToString::to_string).collect()
}

#[test]
fn a_control_attaches_where_its_targets_stand_and_goes_there_in_stages() {
    let desired = desired(&[control(
        "models",
        "policyName: theirs, targets: [{organizationalUnit: /Workloads}, {account: \
         '555555555555'}], rollout: {waves: [{name: prod, targets: [{organizationalUnit: \
         /Workloads/Prod}], bake: 1h}, {name: rest}], paused: true}",
    )]);
    assert_eq!(refusals(&desired), [""; 0]);
    let control = only(&desired);
    assert_eq!(targets(control), ["ou-ab12-11111111", "555555555555"]);
    assert_eq!(control.form, ControlForm::ApprovedModels(["anthropic.claude-*".to_owned()].into()));
    assert_eq!(control.policy_name.as_deref(), Some("theirs"));
    assert!(control.is_paused && !control.is_unresolved);
    let [stage] = control.stages.as_deref().unwrap() else { panic!("{:?}", control.stages) };
    assert_eq!(stage.name.as_str(), "prod");
    assert_eq!(stage.targets, BTreeSet::from(["ou-ab12-22222222".parse().unwrap()]));
    assert_eq!(stage.bake.as_secs(), 3600);
}

#[test]
fn a_control_that_cannot_be_resolved_is_still_known_to_be_wanted() {
    let text = |more: &str| {
        let spec = format!(
            "targets: [{{organizationalUnit: /Sandbox}}, {{account: '999999999999'}}]{more}"
        );
        desired(&[control("models", &spec)])
    };
    let present = text("");
    assert!(only(&present).is_unresolved);
    assert_eq!(targets(only(&present)), ["ou-ab12-33333333"]);
    let found = refusals(&present);
    assert!(
        found.len() == 1 && found[0].starts_with("ServiceControlPolicy/models spec.targets[1]"),
        "{found:#?}"
    );
    // To take it away, what is left of the selection is enough to go by.
    let absent = text(", state: Absent");
    assert_eq!((only(&absent).is_unresolved, refusals(&absent)), (false, Vec::new()));
}

#[test]
fn a_wave_outside_the_targets_leaves_a_control_unresolved() {
    let desired = desired(&[control(
        "models",
        "targets: [{organizationalUnit: /Workloads}], rollout: {waves: [{name: sandbox, targets: \
         [{organizationalUnit: /Workloads/Prod}, {organizationalUnit: /Sandbox}]}, {name: rest}]}",
    )]);
    assert!(only(&desired).is_unresolved);
    assert_eq!(
        refusals(&desired),
        [
            "ServiceControlPolicy/models spec.rollout.waves[0].targets[1]: /Sandbox is not below the \
          targets of this manifest; a wave is a part of them"
        ]
    );
}

#[test]
fn to_pause_a_control_is_no_new_text_and_to_add_waves_is() {
    let hash = |rollout: &str| {
        let spec = format!("targets: [{{organization: true}}]{rollout}");
        only(&desired(&[control("models", &spec)])).spec_hash.clone()
    };
    let waves = |more: &str| {
        let first = "{name: first, targets: [{organizationalUnit: /Sandbox}]}";
        hash(&format!(", rollout: {{waves: [{first}, {{name: rest}}]{more}}}"))
    };
    assert_eq!(waves(""), waves(", paused: true"));
    assert_ne!(waves(""), hash(""));
}

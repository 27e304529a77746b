//! Which enforcement has what, and what its text is known to mean.

use super::*;
use crate::model::{GateProbe, Region};

/// What present enforcements quarrel over or cannot have stays as it is: an old manifest that is
/// Absent must not take it away meanwhile.
#[test]
fn what_is_absent_takes_nothing_that_a_present_enforcement_wants_and_cannot_have() {
    let in_east = |name: &str, spec: &str| {
        enforcement("Account", name, &format!("regions: [us-east-1], {spec}"))
    };
    let work = "targets: [{organizationalUnit: /Workloads}]";
    let contested = desired(&[
        guardrail("shareWith: Organization"),
        in_east("one", work),
        in_east("two", "targets: [{organizationalUnit: /Workloads/Prod}]"),
        in_east("old", "state: Absent, targets: [{account: '444444444444'}]"),
    ]);
    assert_eq!(cells(&contested), ["222222222222 us-east-1 one"]);
    let not_shared = desired(&[
        guardrail("shareWith: [/Workloads/Prod]"),
        in_east("new", work),
        in_east("old", "state: Absent, targets: [{account: '222222222222'}]"),
    ]);
    assert_eq!(cells(&not_shared), ["444444444444 us-east-1 new"]);
    for (desired, account) in [(contested, "444444444444"), (not_shared, "222222222222")] {
        let kept: Vec<&str> = desired.kept.iter().map(|cell| cell.account.as_str()).collect();
        assert_eq!(kept, [account]);
    }
}

#[test]
fn only_a_target_of_its_own_leaves_a_selection_unresolved() {
    let desired = desired(&[
        guardrail("shareWith: [/Workloads/Prod]"),
        enforcement("Account", "fine", "targets: [{account: '444444444444'}]"),
        enforcement("Account", "gone", "targets: [{account: '999999999999'}]"),
        enforcement("Account", "not-shared", "targets: [{account: '222222222222'}]"),
    ]);
    let fields: Vec<&str> = desired.refusals.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["spec.targets[0]", "spec.guardrail"]);
    let unresolved: Vec<&str> = desired
        .enforcements
        .iter()
        .filter(|(_, it)| it.is_unresolved)
        .map(|(key, _)| key.name.as_str())
        .collect();
    assert_eq!(unresolved, ["gone"]);
}

#[test]
fn a_region_of_an_organization_enforcement_belongs_to_the_first_wave_that_has_it() {
    let rollout = "{waves: [{name: east, regions: [us-east-1]}, {name: rest}]}";
    let desired = desired(&[
        guardrail("shareWith: Organization"),
        enforcement(
            "Organization",
            "all",
            &format!("targets: [{{organization: true}}], rollout: {rollout}"),
        ),
    ]);
    let waves = desired.organization_rollouts[&"all".parse().unwrap()].waves.iter();
    let regions: Vec<Vec<&str>> =
        waves.map(|wave| wave.places.iter().map(Region::as_str).collect()).collect();
    assert_eq!(regions, [["us-east-1"], ["eu-west-1"]]);
}

#[test]
fn a_gate_asks_what_is_written() {
    for (word, probe) in [("None", GateProbe::None), ("ApplyGuardrail", GateProbe::ApplyGuardrail)]
    {
        let desired = waves(&format!("{{waves: [{{name: all}}], gate: {{probe: {word}}}}}"));
        assert_eq!(desired.rollouts[&"all".parse().unwrap()].gate.probe, probe);
    }
}

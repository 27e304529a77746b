//! Guardrails to replicas.

use super::*;
use crate::model::Revision;

#[test]
fn a_pinned_revision_is_kept_of_its_own_guardrail_alone() {
    let pin = "244ec1eae98c2dc4770cb6023e0e88f4";
    let pinned = enforcement("Account", "all", "targets: [{account: '444444444444'}]")
        .replace("guardrail: baseline", &format!("guardrail: {{name: baseline, revision: {pin}}}"));
    let other = guardrail("shareWith: Organization").replace("name: baseline", "name: other");
    let desired = desired(&[guardrail("shareWith: Organization"), other, pinned]);
    assert_eq!(desired.replicas.len(), 4);
    let pin: Revision = pin.parse().unwrap();
    for (key, replica) in &desired.replicas {
        let is_kept = replica.history.revisions.contains(&pin);
        assert_eq!(is_kept, key.guardrail.as_str() == "baseline", "{key:?}");
    }
}

/// Regions of the profile of the United States, and whom it must admit there.
fn admitted(desired: &Desired) -> Vec<(String, Share)> {
    let of_us = desired.profiles.iter().filter(|(key, _)| key.profile.as_str().starts_with("us."));
    of_us.map(|(key, share)| (key.region.to_string(), share.clone())).collect()
}

#[test]
fn a_profile_admits_in_each_of_its_regions_whom_its_guardrails_are_shared_with() {
    let shared = |share: &str| guardrail(&format!("crossRegion: Auto{share}"));
    let everywhere = |share: &Share| {
        ["us-east-1", "us-east-2", "us-west-2"].map(|region| (region.to_owned(), share.clone()))
    };
    let all = desired(&[shared(", shareWith: Organization")]);
    assert_eq!(admitted(&all), everywhere(&Share::Organization));
    assert!(all.profiles.keys().all(|key| key.account.as_str() == MANAGEMENT));
    let other = shared(", shareWith: [/Sandbox]").replace("name: baseline", "name: other");
    let units = desired(&[shared(", shareWith: [/Workloads/Prod]"), other]);
    let both = ["ou-ab12-22222222", "ou-ab12-33333333"].map(|unit| unit.parse().unwrap());
    assert_eq!(admitted(&units), everywhere(&Share::Units(both.into())));
}

#[test]
fn a_profile_reaches_the_core_of_its_geography_and_the_region_of_the_call() {
    let reached = |source: &str| {
        let text = guardrail("crossRegion: Auto, shareWith: Organization");
        let desired = desired(&[text.replace("us-east-1, eu-west-1", source)]);
        desired.profiles.keys().map(|key| key.region.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(reached("us-east-1"), "us-east-1 us-east-2 us-west-2");
    assert_eq!(reached("us-west-1"), "us-east-1 us-east-2 us-west-1 us-west-2");
    assert_eq!(
        reached("eu-west-1"),
        "eu-central-1 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-3"
    );
}

#[test]
fn a_profile_admits_nobody_for_what_is_absent_or_not_shared() {
    for more in ["shareWith: Organization, state: Absent", "shareWith: None"] {
        let desired = desired(&[guardrail(&format!("crossRegion: Auto, {more}"))]);
        assert_eq!(desired.replicas.len(), 2, "{more}");
        assert!(desired.profiles.is_empty(), "{more}: {:?}", desired.profiles);
    }
}

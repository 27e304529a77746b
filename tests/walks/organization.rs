//! Where the organization enforces: one policy on everything below its targets.

use serde_json::json;

use crate::support::film::Level::Organization;
use crate::support::{ADA, GONE, MANAGEMENT, SEARCH, SHOP, bare_document, with};
use crate::{
    BOTH_UNITS, OLD, ONE_UNIT, ROOT, SANDBOX, THEIRS, WORKLOADS, Walk, absent, built_by_hand,
    guardrail,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_enforcement_attaches_a_policy_whose_guardrail_is_published_and_shared_before() {
    let mut walk = Walk::start(Organization).await;
    let seen = walk.apply(&walk.text(OLD, ONE_UNIT)).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[ADA, MANAGEMENT], &["-"]);
    seen.assert_order(&["CreateGuardrail", "CreateGuardrailVersion", "CreatePolicy"]);
    seen.assert_order(&["PutResourcePolicy", "CreatePolicy", "AttachPolicy"]);
    seen.assert_order(&["EnablePolicyType", "AttachPolicy"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_takes_each_account_from_the_old_version_to_the_new_with_nothing_between() {
    let mut walk = Walk::converged(Organization, ONE_UNIT).await;
    let seen = walk.revise(ONE_UNIT).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1", "baseline:2"]);
    seen.assert_order(&["UpdateGuardrail", "CreateGuardrailVersion", "UpdatePolicy"]);
    seen.assert_only(&["UpdateGuardrail", "CreateGuardrailVersion", "UpdatePolicy"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_points_the_policy_at_the_version_before_and_publishes_nothing() {
    let mut walk = Walk::converged(Organization, ONE_UNIT).await;
    walk.revise(ONE_UNIT).await;
    let seen = walk.roll_back().await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:2", "baseline:1"]);
    seen.assert_only(&["UpdateGuardrail", "UpdatePolicy"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn widening_attaches_the_policy_to_what_is_added_and_does_not_change_it() {
    let mut walk = Walk::converged(Organization, ONE_UNIT).await;
    let seen = walk.apply(&walk.text(OLD, BOTH_UNITS)).await;
    walk.assert_under(&seen, &[ADA], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    // Beside the attachment, what the text selects now goes on record on the guardrail.
    seen.assert_only(&["AttachPolicy", "TagResource"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowing_detaches_the_policy_from_what_is_left_out_and_does_not_change_it() {
    let mut walk = Walk::converged(Organization, BOTH_UNITS).await;
    walk.stage.intend(json!({"removals": [{"target": SANDBOX}]})).await;
    let seen = walk.apply(&walk.text(OLD, ONE_UNIT)).await;
    walk.assert_under(&seen, &[ADA], &["baseline:1", "-"]);
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    // The record of what the text selected is the consent: it stays until all is gone.
    seen.assert_order(&["DetachPolicy", "TagResource"]);
    seen.assert_only(&["DetachPolicy", "TagResource"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_detaches_the_policy_before_it_goes_and_the_guardrail_last() {
    let mut walk = Walk::converged(Organization, ONE_UNIT).await;
    walk.stage.intend_removal().await;
    let enforcement = absent(&walk.enforcement(ONE_UNIT));
    let text = [absent(&guardrail(OLD)), enforcement].join("---");
    let seen = walk.apply(&text).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1", "-"]);
    seen.assert_order(&["DetachPolicy", "DeletePolicy", "DeleteGuardrail"]);
    seen.assert_only(&["DetachPolicy", "DeletePolicy", "DeleteGuardrail"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_keeps_what_is_enforced_and_writes_nothing_but_marks() {
    let mut walk = Walk::start(Organization).await;
    let arns = built_by_hand(&mut walk.stage).await;
    walk.stage.enable_policies().await;
    let blocks: Vec<(&str, String)> =
        arns.iter().map(|(region, arn)| (*region, format!("{arn}:1"))).collect();
    let blocks: Vec<(&str, &str)> =
        blocks.iter().map(|(region, arn)| (*region, arn.as_str())).collect();
    walk.stage.attach("by hand", &bare_document(&blocks), WORKLOADS).await;
    walk.cut().await;
    let adopting = with(&guardrail(THEIRS), "adopt: true");
    let enforcement = with(&walk.enforcement(ONE_UNIT), "adopt: true\n  policyName: by hand");
    let seen = walk.apply(&[adopting, enforcement].join("---")).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    seen.assert_only(&["TagResource"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_account_is_under_what_stands_where_it_is_and_the_policy_stays_as_it_is() {
    let mut walk = Walk::converged(Organization, BOTH_UNITS).await;
    // Between two targets it is under the same policy all the way.
    walk.stage.move_account(SHOP, WORKLOADS, SANDBOX).await;
    let (seen, _) = walk.follow().await;
    walk.assert_under(&seen, &[SHOP, SEARCH, ADA], &["baseline:1"]);
    seen.assert_only(&[]);
    // Whoever moves it out of them takes it out of the policy; that is not for us to undo.
    walk.stage.move_account(SHOP, SANDBOX, ROOT).await;
    let (seen, _) = walk.follow().await;
    walk.assert_under(&seen, &[SHOP], &["baseline:1", "-"]);
    walk.assert_under(&seen, &[SEARCH, ADA], &["baseline:1"]);
    seen.assert_only(&[]);
    walk.stage.move_account(SHOP, ROOT, WORKLOADS).await;
    let (seen, _) = walk.follow().await;
    walk.assert_under(&seen, &[SHOP], &["-", "baseline:1"]);
    seen.assert_only(&[]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_is_protected_where_it_joins_without_a_write() {
    let mut walk = Walk::converged(Organization, ONE_UNIT).await;
    let account = walk.stage.join(WORKLOADS).await;
    let (seen, _) = walk.follow().await;
    walk.assert_under(&seen, &[&account], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    seen.assert_only(&[]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_holds_up_nobody_and_is_asked_nothing() {
    let mut walk = Walk::start(Organization).await;
    // One of the unit is suspended from the beginning.
    let seen = walk.apply(&walk.text(OLD, BOTH_UNITS)).await;
    walk.assert_under(&seen, &[SHOP, SEARCH, ADA], &["-", "baseline:1"]);
    assert!(!seen.is_asked(GONE), "{seen}");
    walk.stage.close(SHOP).await;
    let (seen, done) = walk.follow().await;
    done.line(&[SHOP, "is PENDING_CLOSURE: nothing is done there"]);
    seen.assert_only(&[]);
    let seen = walk.revise(BOTH_UNITS).await;
    // It is below the policy all the same: AWS does not ask whether it is open.
    walk.assert_under(&seen, &[SHOP, SEARCH, ADA], &["baseline:1", "baseline:2"]);
    assert!(!seen.is_asked(SHOP) && !seen.is_asked(GONE), "{seen}");
    seen.assert_only(&["UpdateGuardrail", "CreateGuardrailVersion", "UpdatePolicy"]);
    walk.end().await;
}

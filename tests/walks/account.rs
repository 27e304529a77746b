//! Where each account enforces: one configuration in every account and Region.

use serde_json::json;

use crate::support::film::Level::Account;
use crate::support::{ADA, GONE, MANAGEMENT, SEARCH, SHOP, with};
use crate::{
    BOTH_UNITS, OLD, ONE_UNIT, SANDBOX, THEIRS, WORKLOADS, Walk, absent, built_by_hand, guardrail,
};

const PUT: &str = "PutEnforcedGuardrailConfiguration";
const DELETE: &str = "DeleteEnforcedGuardrailConfiguration";

#[tokio::test(flavor = "multi_thread")]
async fn a_first_enforcement_gives_each_account_a_version_that_is_published_and_shared_before() {
    let mut walk = Walk::start(Account).await;
    let seen = walk.apply(&walk.text(OLD, ONE_UNIT)).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[ADA, GONE, MANAGEMENT], &["-"]);
    seen.assert_order(&["CreateGuardrail", "CreateGuardrailVersion", PUT]);
    seen.assert_order(&["PutResourcePolicy", PUT]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_takes_each_account_from_the_old_version_to_the_new_with_nothing_between() {
    let mut walk = Walk::converged(Account, ONE_UNIT).await;
    let seen = walk.revise(ONE_UNIT).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1", "baseline:2"]);
    seen.assert_order(&["UpdateGuardrail", "CreateGuardrailVersion", PUT]);
    seen.assert_only(&["UpdateGuardrail", "CreateGuardrailVersion", PUT]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_points_each_account_at_the_version_before_and_publishes_nothing() {
    let mut walk = Walk::converged(Account, ONE_UNIT).await;
    walk.revise(ONE_UNIT).await;
    let seen = walk.roll_back().await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:2", "baseline:1"]);
    seen.assert_only(&["UpdateGuardrail", PUT]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn widening_reaches_the_accounts_that_are_added_and_leaves_the_others_as_they_are() {
    let mut walk = Walk::converged(Account, ONE_UNIT).await;
    let seen = walk.apply(&walk.text(OLD, BOTH_UNITS)).await;
    walk.assert_under(&seen, &[ADA], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    // Beside its configurations, what the text selects now goes on record on the guardrail.
    seen.assert_only(&[PUT, "TagResource"]);
    seen.assert_written_from(PUT, &[ADA]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowing_frees_the_accounts_that_are_left_out_once_approved_and_nobody_else() {
    let mut walk = Walk::converged(Account, BOTH_UNITS).await;
    walk.stage.intend(json!({"removals": [{"target": SANDBOX}], "approvedLosses": 2})).await;
    let seen = walk.apply_with_approval(&walk.text(OLD, ONE_UNIT)).await;
    walk.assert_under(&seen, &[ADA], &["baseline:1", "-"]);
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    // The record of what the text selected is the consent: it stays until all is gone.
    seen.assert_order(&[DELETE, "TagResource"]);
    seen.assert_only(&[DELETE, "TagResource"]);
    seen.assert_written_from(DELETE, &[ADA]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_empties_every_account_before_the_guardrail_goes() {
    let mut walk = Walk::converged(Account, ONE_UNIT).await;
    walk.stage.intend_removal().await;
    let enforcement = absent(&walk.enforcement(ONE_UNIT));
    let text = [absent(&guardrail(OLD)), enforcement].join("---");
    let seen = walk.apply_with_approval(&text).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1", "-"]);
    seen.assert_order(&[DELETE, "DeleteGuardrail"]);
    seen.assert_only(&[DELETE, "DeleteGuardrail"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_keeps_what_is_enforced_and_writes_nothing_but_marks() {
    let mut walk = Walk::start(Account).await;
    for (region, arn) in built_by_hand(&mut walk.stage).await {
        for account in [SHOP, SEARCH] {
            walk.stage.put_enforced((account, region), &arn, "1").await;
        }
    }
    walk.cut().await;
    let adopting = with(&guardrail(THEIRS), "adopt: true");
    let seen = walk.apply(&[adopting, walk.enforcement(ONE_UNIT)].join("---")).await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    seen.assert_only(&["TagResource"]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_account_keeps_its_configuration_and_one_that_moves_in_gets_it() {
    let mut walk = Walk::converged(Account, ONE_UNIT).await;
    walk.stage.move_account(SHOP, WORKLOADS, SANDBOX).await;
    let (seen, done) = walk.follow().await;
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    seen.assert_only(&[]);
    done.line(&["Deselected", "it left every selection", "left alone", SHOP]);
    walk.stage.move_account(ADA, SANDBOX, WORKLOADS).await;
    let (seen, _) = walk.follow().await;
    walk.assert_under(&seen, &[ADA], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    seen.assert_only(&[PUT]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_gets_its_configuration_and_no_other_account_a_write() {
    let mut walk = Walk::converged(Account, ONE_UNIT).await;
    let account = walk.stage.join(WORKLOADS).await;
    let (seen, _) = walk.follow().await;
    walk.assert_under(&seen, &[&account], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[SHOP, SEARCH], &["baseline:1"]);
    seen.assert_only(&[PUT]);
    seen.assert_written_from(PUT, &[&account]);
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_keeps_what_it_has_and_is_asked_nothing_while_the_others_go_on() {
    let mut walk = Walk::start(Account).await;
    // One of the unit is suspended from the beginning.
    let seen = walk.apply(&walk.text(OLD, BOTH_UNITS)).await;
    walk.assert_under(&seen, &[SHOP, SEARCH, ADA], &["-", "baseline:1"]);
    walk.assert_under(&seen, &[GONE], &["-"]);
    assert!(!seen.is_asked(GONE), "{seen}");
    walk.stage.close(SHOP).await;
    let (seen, done) = walk.follow().await;
    done.line(&[GONE, "is SUSPENDED: nothing is done there"]);
    done.line(&[SHOP, "is PENDING_CLOSURE: nothing is done there"]);
    seen.assert_only(&[]);
    let seen = walk.revise(BOTH_UNITS).await;
    walk.assert_under(&seen, &[SHOP], &["baseline:1"]);
    walk.assert_under(&seen, &[SEARCH, ADA], &["baseline:1", "baseline:2"]);
    assert!(!seen.is_asked(SHOP) && !seen.is_asked(GONE), "{seen}");
    walk.end().await;
}

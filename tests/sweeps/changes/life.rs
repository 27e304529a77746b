//! The life of an enforcement, from its beginning to its end.

use std::time::Duration;

use serde_json::json;

use super::{converged, first_convergence};
use crate::change::Change;
use crate::stage::RESYNC;
use crate::sweep::{sweep, sweep_pairs};
use crate::text::{ADA, Document, HELIOTROPE, SHOP, account_target, three, unit_target, wanted};

#[test]
fn a_first_convergence_survives_whatever_strikes_any_call() {
    sweep(&first_convergence());
}

#[test]
fn a_restart_at_rest_writes_nothing_whatever_strikes_any_call() {
    let wanted = wanted(three(HELIOTROPE), &[HELIOTROPE]);
    let rest = RESYNC + Duration::from_secs(30);
    let change = Change::run_on("restart at rest", &converged(), wanted, rest);
    assert!(change.calls.iter().all(|call| !call.is_write()), "{:?}", change.calls);
    sweep(&change);
}

/// One loss at a time, which needs nobody's approval.
#[test]
fn a_teardown_survives_whatever_strikes_any_call() {
    let [guardrail, policy, configuration] = three(HELIOTROPE);
    let steps = [
        (
            "teardown in the account",
            [guardrail.clone(), policy.clone(), configuration.clone().absent()],
            "bedrock:DeleteEnforcedGuardrailConfiguration",
        ),
        (
            "teardown in the organization",
            [guardrail.clone(), policy.clone().absent(), configuration.clone().absent()],
            "organizations:DetachPolicy",
        ),
        (
            "teardown of the guardrail",
            [guardrail.absent(), policy.absent(), configuration.absent()],
            "bedrock:DeleteGuardrail",
        ),
    ];
    let mut scene = converged();
    for (name, documents, last) in steps {
        let wanted = wanted(documents, &[HELIOTROPE])
            .telling("removals", json!(["all"]))
            .telling("absent", json!(["baseline"]));
        let change = Change::run(name, &scene, wanted);
        assert!(change.makes(last), "{:?}", change.calls);
        sweep(&change);
        sweep_pairs(&change);
        scene = change.after().clone();
    }
}

#[test]
fn to_widen_and_to_narrow_again_survives_whatever_strikes_any_call() {
    let [guardrail, policy, configuration] = three(HELIOTROPE);
    let units = json!([unit_target("/Workloads"), unit_target("/Sandbox")]);
    let wide_policy = policy.clone().with("targets", units);
    let accounts = json!([account_target(ADA), account_target(SHOP)]);
    let wide_configuration = configuration.clone().with("targets", accounts);

    let wide = [guardrail.clone(), wide_policy.clone(), wide_configuration];
    let change = Change::run("widening", &converged(), wanted(wide, &[HELIOTROPE]));
    assert!(change.makes("organizations:AttachPolicy"));
    sweep(&change);

    let half = wanted([guardrail.clone(), wide_policy, configuration.clone()], &[HELIOTROPE])
        .telling("removals", json!(["all"]));
    let change = Change::run("narrowing in an account", change.after(), half);
    assert!(change.makes("bedrock:DeleteEnforcedGuardrailConfiguration"));
    sweep(&change);

    let narrow = wanted([guardrail, policy, configuration], &[HELIOTROPE])
        .telling("removals", json!(["all"]));
    let change = Change::run("narrowing in the organization", change.after(), narrow);
    assert!(change.makes("organizations:DetachPolicy"));
    sweep(&change);
}

#[test]
fn a_new_name_survives_whatever_strikes_any_call() {
    let [guardrail, policy, configuration] = three(HELIOTROPE);
    let renamed = [guardrail, policy.renamed("products"), configuration.renamed("people")];
    let change = Change::run("new names", &converged(), wanted(renamed, &[HELIOTROPE]));
    for operation in ["organizations:CreatePolicy", "organizations:DetachPolicy"] {
        assert!(!change.makes(operation), "{:?}", change.calls);
    }
    sweep(&change);
}

#[test]
fn logging_survives_whatever_strikes_any_call() {
    let with = |prefix: &str| {
        let mut documents = three(HELIOTROPE).to_vec();
        documents.push(Document::logging(prefix));
        wanted(documents, &[HELIOTROPE])
    };
    let change = Change::run("logging", &converged(), with("bedrock"));
    assert!(change.makes("bedrock:PutModelInvocationLoggingConfiguration"));
    sweep(&change);
    let change = Change::run("logging elsewhere", change.after(), with("models"));
    sweep(&change);
}

//! A converged world is proven, however it is probed.

use super::support::{ADA, SMALL, edited};
use super::{MODEL, converged, converged_in, unproven, verify};

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_probe_proves_both_levels() {
    let mut stage = converged().await;
    // Kind, the operation it calls, how often.
    let probes = [
        ("none", "", 0),
        ("apply", "ApplyGuardrail", 6),
        ("invoke", "InvokeModel", 6),
        ("invoke-stream", "InvokeModelWithResponseStream", 6),
        ("converse", "Converse", 6),
        ("converse-stream", "ConverseStream", 6),
    ];
    for (kind, operation, count) in probes {
        stage.forget_calls().await;
        let done = verify(&mut stage, 0, &["--probe", kind, "--model", MODEL]).await;
        for expected in [
            "AccountEnforcement/sandbox\n  Proven  ",
            "OrganizationEnforcement/workloads\n  Proven  ",
            "(410000000001 × 2 Regions)",
            "(2 accounts × 2 Regions)",
            "Skipped  410000000004 is SUSPENDED",
            "Verify: 6 proven, 0 failed, 0 unknown; 1 account skipped",
        ] {
            assert!(done.stdout.contains(expected), "{kind}: {expected} in\n{done}");
        }
        let calls = stage.calls().await;
        let billed: u64 = calls
            .iter()
            .filter(|(name, _)| name.starts_with("bedrock-runtime:"))
            .map(|(_, count)| count)
            .sum();
        assert_eq!(billed, count, "{kind}: {calls:?}");
        if count > 0 {
            assert_eq!(calls[&format!("bedrock-runtime:{operation}")], count, "{kind}");
            assert!(done.stderr.contains("6 probes, which AWS bills"), "{done}");
        }
    }
}

/// Two roles of applications: one that may apply guardrails, and one of before there were any.
fn with_applications() -> String {
    let roles = "memberRoles:\n  - name: Application\n    allow: [\"bedrock:ApplyGuardrail\", \
                 \"bedrock:InvokeModel\"]\n  - name: Legacy\n    allow: [\"bedrock:InvokeModel\"]\n\
                 switches:";
    edited(SMALL, "switches:", roles)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_asked_in_its_own_role() {
    let mut stage = converged_in(&with_applications()).await;
    for probe in ["apply", "converse"] {
        let arguments = ["--probe", probe, "--model", MODEL];
        let application = [&arguments[..], &["--as-role", "Application"]].concat();
        verify(&mut stage, 0, &application).await;
        // Under enforcement its calls fail: exactly what an operator must learn.
        let legacy = [&arguments[..], &["--as-role", "Legacy"]].concat();
        let found = unproven(&mut stage, &legacy).await;
        assert_eq!(found.len(), 6, "{found:?}");
        assert!(found.iter().all(|it| it.ends_with("Failed ProbeRefused")), "{found:?}");
        // What is not there was not asked.
        let nobody = [&arguments[..], &["--as-role", "Nobody"]].concat();
        let found = unproven(&mut stage, &nobody).await;
        assert!(found.iter().all(|it| it.ends_with("Unknown ProbeUnanswered")), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_exempt_proves_nothing_and_costs_nothing() {
    let mut stage = converged().await;
    let model = "amazon.titan-embed-text-v2:0";
    let found = unproven(&mut stage, &["--probe", "converse", "--model", model]).await;
    assert_eq!(found.len(), 6);
    assert!(found.contains(&format!("{ADA} us-east-1 Unknown ModelExempt")), "{found:?}");
    assert!(!stage.calls().await.contains_key("bedrock-runtime:Converse"));
}

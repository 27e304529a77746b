//! What `--caller-roles` adds is what asking IAM takes, and no more.

use super::support::{ADA, GUARDRAIL, SANDBOX, with};
use super::{documents, stage};

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_role_may_ask_about_roles_where_it_was_printed_so() {
    let named = with(SANDBOX, "callerRoles: [Application]");
    for (more, code) in [(&["--caller-roles"][..], 0), (&[], 3)] {
        let mut stage = stage(&documents(more)).await;
        stage.manifest("all.yaml", &[GUARDRAIL, &named].join("---"));
        let done = stage.apply(code).await;
        if code == 3 {
            done.line(&["held (PreflightUnknown)", "iam:SimulatePrincipalPolicy", ADA]);
        }
    }
}

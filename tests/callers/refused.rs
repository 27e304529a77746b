//! A build that cannot ask does not pretend to.

use crate::naming;
use crate::support::{SMALL, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_cannot_ask_refuses_the_field_where_it_stands() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &naming("Application"));
    let done = stage.validate(1).await;
    done.line(&["all.yaml:23:", "callerRoles", "--features iam"]);
}

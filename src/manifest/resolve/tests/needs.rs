//! What must be read of a fleet before manifests are resolved against it.

use super::*;

const EVERYWHERE: &str = "[{organization: true}]";
const TAGGED: &str = "[{accountsWithTags: {environment: production}}]";

/// One manifest of each kind with its `targets`, and the `targets` of its first wave.
fn one_of_each(placed: &str, [organization, account, logs, controls]: [(&str, &str); 4]) -> String {
    let wanted = |(targets, wave): (&str, &str)| {
        let waves = format!("[{{name: first, targets: {wave}}}, {{name: rest}}]");
        format!("targets: {targets}, rollout: {{waves: {waves}}}")
    };
    let other = guardrail(&format!("accounts: {placed}")).replace("baseline", "placed");
    [
        guardrail("shareWith: Organization"),
        other,
        enforcement("Organization", "organization", &wanted(organization)),
        enforcement("Account", "account", &wanted(account)),
        logging("logs", &format!("regions: [us-east-1], targets: {}", logs.0)),
        control("models", &wanted(controls)),
    ]
    .concat()
}

#[test]
fn tags_are_read_only_where_something_selects_by_them() {
    let plain = [(EVERYWHERE, EVERYWHERE); 4];
    assert!(!needs_tags(&manifests(&[one_of_each(EVERYWHERE, plain)])));
    assert!(!needs_tags(&manifests(&[guardrail("shareWith: Organization")])));
    assert!(needs_tags(&manifests(&[one_of_each(TAGGED, plain)])));
    for kind in 0..plain.len() {
        let mut by_target = plain;
        by_target[kind].0 = TAGGED;
        assert!(needs_tags(&manifests(&[one_of_each(EVERYWHERE, by_target)])), "{kind}");
    }
    // Logging has no waves.
    for kind in [0, 1, 3] {
        let mut by_wave = plain;
        by_wave[kind].1 = TAGGED;
        assert!(needs_tags(&manifests(&[one_of_each(EVERYWHERE, by_wave)])), "{kind}");
    }
}

#[test]
fn embedding_models_are_read_only_where_an_enforcement_excludes_them() {
    let excluding = |models: &str| {
        let text = enforcement("Organization", "all", "targets: [{organization: true}]");
        manifests(&[
            guardrail("shareWith: Organization"),
            text.replace("[EMBEDDINGS]", &format!("[{models}]")),
        ])
    };
    assert!(needs_embeddings(&excluding("EMBEDDINGS")));
    assert!(!needs_embeddings(&excluding("amazon.titan-embed-text-v2:0")));
    assert!(!needs_embeddings(&manifests(&[guardrail("shareWith: Organization")])));
}

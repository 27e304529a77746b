use super::*;

#[test]
fn facts_are_of_our_guardrails_and_of_versions_read_back() {
    let (a, b) = (content("a"), content("b"));
    let fact = |change: &dyn Fn(&mut ObservedGuardrail)| {
        replica_fact(&live(&a, change), &owner(), &key().guardrail, false)
    };
    let some = fact(&|it| {
        it.policy = Read::Known(open_policy(&it.arn));
        it.versions.extend([
            published(1, &a),
            published(2, &a),
            a_version(3, |it| it.content = Read::Unknown(unread())),
            a_version(4, |it| it.status = GuardrailStatus::Pending),
        ]);
    })
    .unwrap();
    assert_eq!(some.versions, BTreeMap::from([(a.replica_revision(), version(1))]));
    assert_eq!(some.revisions, BTreeMap::from([(a.revision(), version(1))]));
    assert!(some.policy.is_some() && !some.versions.contains_key(&b.replica_revision()));
    assert!(fact(&|it| drop(it.tags.remove("bedrail:owner"))).is_none());
    assert!(fact(&|it| drop(it.tags.remove("bedrail:guardrail"))).is_none());
    assert!(fact(&|it| it.policy = Read::Unknown(unread())).is_none());
    assert!(fact(&|it| it.status = GuardrailStatus::Deleting).is_none());
}

#[test]
fn a_version_that_failed_is_referenced_by_nobody() {
    let a = content("a");
    let failed = || {
        let (number, mut version) = published(1, &a);
        version.status = GuardrailStatus::Failed(Vec::new());
        (number, version)
    };
    let versions = BTreeMap::from([failed(), published(2, &a)]);
    let fact = replica_fact(
        &live(&a, |it| it.versions = versions.clone()),
        &owner(),
        &key().guardrail,
        false,
    );
    assert_eq!(fact.unwrap().revisions, BTreeMap::from([(a.revision(), version(2))]));
}

#[test]
fn what_will_be_adopted_is_known_before_it_carries_our_mark() {
    let a = content("a");
    for (owner_tag, adopts, expected) in [
        (None, true, true),
        (None, false, false),
        (Some("them"), true, false),
        (Some("us"), false, true),
    ] {
        let seen = live(&a, |it| {
            it.tags.remove("bedrail:owner");
            it.tags.extend(owner_tag.map(|owner| ("bedrail:owner".to_owned(), owner.to_owned())));
        });
        let fact = replica_fact(&seen, &owner(), &key().guardrail, adopts);
        assert_eq!(fact.is_some(), expected, "{owner_tag:?} {adopts}");
    }
}

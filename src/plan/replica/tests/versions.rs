use super::*;
use crate::model::{ObservedVersion, Share};

/// Name, versions, expected summary.
type VersionsCase<'a> = (&'a str, Vec<(Version, ObservedVersion)>, &'a [&'a str]);

#[test]
fn a_settled_draft_is_published_once() {
    let a = content("a");
    let (want, seen) = (desired(&a), observed(guardrail(&a)));
    assert_eq!(first(&want, &seen), ["held Confirming"]);
    let plan = second(&mut World::new(), &want, &seen);
    let [Step::PublishVersion { description, content, .. }] = plan.steps.as_slice() else {
        panic!()
    };
    assert_eq!(*description, format!("bedrail r1 {} {}", a.revision(), a.replica_revision()));
    assert_eq!(*content, a);
}

#[test]
fn versions_decide_whether_a_settled_draft_is_published() {
    let a = content("a");
    let index = index::index(&a.revision(), &a.replica_revision());
    let other_index = index::index(&content("b").revision(), &content("b").replica_revision());
    let described = |it: &mut ObservedVersion, text: &str| it.description = Some(text.to_owned());
    let cases: Vec<VersionsCase> = vec![
        ("equal content, any description", vec![published(1, &a)], &[]),
        ("other content", vec![a_version(1, |_| ())], &["CreateGuardrailVersion"]),
        (
            "our index over other content is tainted",
            vec![a_version(1, |it| described(it, &index))],
            &["CreateGuardrailVersion"],
        ),
        (
            "unread content",
            vec![a_version(1, |it| it.content = Read::Unknown(unread()))],
            &["held Unreadable"],
        ),
        (
            "in the making, with our index",
            vec![a_version(1, |it| {
                described(it, &index);
                it.status = GuardrailStatus::Pending;
            })],
            &["held InProgress"],
        ),
        (
            "in the making, without an index",
            vec![a_version(1, |it| it.status = GuardrailStatus::Pending)],
            &["held InProgress"],
        ),
        (
            "in the making, with the index of another revision",
            vec![a_version(1, |it| {
                described(it, &other_index);
                it.status = GuardrailStatus::Pending;
            })],
            &["CreateGuardrailVersion"],
        ),
        (
            "equal content, but FAILED",
            vec![{
                let (number, mut failed) = published(1, &a);
                failed.status = GuardrailStatus::Failed(Vec::new());
                (number, failed)
            }],
            &["CreateGuardrailVersion"],
        ),
        (
            "twenty of other content",
            (1..=20).map(|number| a_version(number, |_| ())).collect(),
            &["held Quota"],
        ),
    ];
    for (name, versions, expected) in cases {
        let seen = live(&a, |it| it.versions.extend(versions.clone()));
        let plan = second(&mut World::new(), &desired(&a), &seen);
        assert_eq!(summary(&plan), expected, "{name}");
    }
}

#[test]
fn a_version_that_may_be_the_twin_of_a_published_one_is_looked_at_again() {
    let a = content("a");
    let other_index = index::index(&content("b").revision(), &content("b").replica_revision());
    let unread = |it: &mut ObservedVersion| it.content = Read::Unknown(unread());
    let cases: [VersionsCase; 4] = [
        (
            "unread content beside a match",
            vec![a_version(1, unread), published(2, &a)],
            &["held Unreadable"],
        ),
        (
            "in the making beside a match",
            vec![
                a_version(1, |it| {
                    unread(it);
                    it.status = GuardrailStatus::Pending;
                }),
                published(2, &a),
            ],
            &["held InProgress"],
        ),
        ("unread content after a match", vec![published(1, &a), a_version(2, unread)], &[]),
        (
            "unread content of another revision beside a match",
            vec![
                a_version(1, |it| {
                    it.description = Some(other_index.clone());
                    unread(it);
                }),
                published(2, &a),
            ],
            &[],
        ),
    ];
    for (name, versions, expected) in cases {
        let seen = live(&a, |it| it.versions.extend(versions.clone()));
        let plan = second(&mut World::new(), &desired(&a), &seen);
        assert_eq!(summary(&plan), expected, "{name}");
    }
}

#[test]
fn a_version_before_one_that_is_pinned_is_looked_at_again() {
    let (a, b) = (content("a"), content("b"));
    let open = a_version(1, |it| it.status = GuardrailStatus::Pending);
    let versions = [open, published(2, &a), published(3, &b)];
    let seen = live(&b, |it| it.versions.extend(versions.clone().into_iter().skip(1)));
    let unclear = live(&b, |it| it.versions.extend(versions.clone()));
    let mut want = desired(&b);
    // Both contents wait for it, of which only the current one matters.
    assert_eq!(
        (first(&want, &seen), first(&want, &unclear)),
        (vec![], vec!["held InProgress".into()])
    );
    let known = [a_version(1, |_| ()), published(2, &a), published(3, &b)];
    assert_eq!(first(&want, &live(&b, |it| it.versions.extend(known.clone()))), [""; 0]);
    let index = index::index(&a.revision(), &a.replica_revision());
    let unclear = live(&b, |it| {
        it.versions.extend(versions.clone());
        it.versions.values_mut().next().unwrap().description = Some(index.clone());
    });
    assert_eq!(first(&want, &unclear), [""; 0]);
    want.history.revisions.insert(a.revision());
    assert_eq!(first(&want, &unclear), ["held InProgress"]);
}

#[test]
fn a_rollback_puts_draft_back_and_publishes_nothing() {
    let (a, b) = (content("a"), content("b"));
    let versions = [published(1, &a), published(2, &b)];
    let edited = live(&b, |it| it.versions.extend(versions.clone()));
    assert_eq!(first(&desired(&a), &edited), ["UpdateGuardrail"]);
    let back = live(&a, |it| it.versions.extend(versions.clone()));
    assert!(first(&desired(&a), &back).is_empty());
}

/// Drives a publication whose answer is `number` and never becomes a match.
fn publish_in_vain(
    memory: &mut ReplicaMemory,
    world: &mut World,
    seen: &ObservedReplica,
) -> String {
    let want = desired(&content("a"));
    for _ in 0..4 {
        let plan = plan_replica(&key(), &want, seen, memory, &world.context());
        if let [Step::PublishVersion { token, .. }] = plan.steps.as_slice() {
            return token.clone();
        }
        let Until::After(pause) = plan.held[0].until else { return String::new() };
        world.now += pause;
    }
    panic!("neither published nor held for good")
}

/// Where numbers come back, an old list shows what was deleted under the number that was just given.
#[test]
fn what_was_just_published_is_not_taken_for_what_had_its_number_before() {
    let a = content("a");
    let seen = live(&a, |it| it.versions.extend([a_version(1, |_| ())]));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    assert!(!publish_in_vain(&mut memory, &mut world, &seen).is_empty());
    memory.published(a.replica_revision(), version(1), world.now);
    for _ in 0..10 {
        let plan = plan_replica(&key(), &desired(&a), &seen, &mut memory, &world.context());
        assert_eq!(summary(&plan), ["held InProgress"]);
        world.wait(5);
    }
}

#[test]
fn a_number_that_names_nothing_usable_salts_the_next_token_three_times_at_most() {
    let a = content("a");
    let seen = live(&a, |it| {
        // 7 is of other content, 8 is FAILED, 9 never appears.
        let failed = |it: &mut ObservedVersion| it.status = GuardrailStatus::Failed(Vec::new());
        it.versions.extend([a_version(7, |_| ()), a_version(8, failed)]);
    });
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let mut tokens = BTreeSet::new();
    for number in [7, 8, 9] {
        let token = publish_in_vain(&mut memory, &mut world, &seen);
        assert!(!token.is_empty() && tokens.insert(token), "token of {number}");
        memory.published(a.replica_revision(), version(number), world.now);
    }
    assert_eq!(publish_in_vain(&mut memory, &mut world, &seen), "");
    let plan = plan_replica(&key(), &desired(&a), &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held Failed"]);
}

#[test]
fn a_published_number_that_is_not_visible_yet_is_waited_for() {
    let a = content("a");
    let (want, seen) = (desired(&a), observed(guardrail(&a)));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    publish_in_vain(&mut memory, &mut world, &seen);
    memory.published(a.replica_revision(), version(1), world.now);
    for wait in [5, 50, 5] {
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        assert_eq!(summary(&plan), ["held InProgress"]);
        world.wait(wait);
    }
}

#[test]
fn a_version_that_failed_holds_nothing_up_though_its_content_is_unknown() {
    let a = content("a");
    for (status, expected) in [
        (GuardrailStatus::Failed(Vec::new()), "CreateGuardrailVersion"),
        (GuardrailStatus::Ready, "held Unreadable"),
    ] {
        let seen = live(&a, |it| {
            let change = |it: &mut ObservedVersion| {
                it.status = status.clone();
                it.content = Read::Unknown(unread());
            };
            it.versions.extend([a_version(1, change)]);
        });
        assert_eq!(summary(&second(&mut World::new(), &desired(&a), &seen)), [expected]);
    }
}

/// It bears our index, so that the number names it: there is nothing to wait for.
#[test]
fn a_published_number_that_shows_itself_as_failed_is_not_waited_for() {
    let a = content("a");
    let seen = live(&a, |it| {
        it.versions.extend([a_version(1, |it| {
            it.status = GuardrailStatus::Failed(Vec::new());
            it.description = Some(index::index(&a.revision(), &a.replica_revision()));
        })]);
    });
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let want = desired(&a);
    plan_replica(&key(), &want, &observed(guardrail(&a)), &mut memory, &world.context());
    world.wait(5);
    memory.published(a.replica_revision(), version(1), world.now);
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(
        summary(&plan),
        ["CreateGuardrailVersion", "DeleteGuardrail"],
        "the failed one goes"
    );
}

#[test]
fn access_is_granted_before_a_version_is_published() {
    let a = content("a");
    let want = DesiredReplica { share: Share::Organization, ..desired(&a) };
    let plan = second(&mut World::new(), &want, &observed(guardrail(&a)));
    assert_eq!(summary(&plan), ["PutResourcePolicy", "CreateGuardrailVersion"]);
    let pending = live(&a, |it| it.status = GuardrailStatus::Pending);
    assert_eq!(first(&want, &pending), ["PutResourcePolicy", "held InProgress"]);
}

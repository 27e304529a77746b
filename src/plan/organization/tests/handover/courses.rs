//! One rollout after the other, a write at a time.

use super::*;

#[test]
fn a_unit_below_moves_first_and_is_left_once_the_rest_has_come_after() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let stranger = ObservedPolicy { owner: None, enforcement: None, lane: None, ..lane(2, &[]) };
    let cases = [
        Case::below("nothing of it", [main(1, &[ROOT])], [1, 1, 1], MADE),
        Case::below(
            "its name is taken",
            [main(1, &[ROOT]), stranger],
            [1, 1, 1],
            always("held NotOurs"),
        ),
        Case::below("made", [main(1, &[ROOT]), lane(2, &[])], [1, 1, 1], always("AttachPolicy")),
        Case::below(
            "made, and behind",
            [main(1, &[ROOT]), lane(1, &[])],
            [1, 1, 1],
            always("UpdatePolicy"),
        ),
        Case::below(
            "attached, not shown",
            [main(1, &[ROOT]), lane(2, &[UNIT])],
            [1, 1, 1],
            always("held InProgress"),
        ),
        Case::below("attached, unread", [main(1, &[ROOT]), lane(2, &[UNIT])], [1, 1, 0], AT_REST),
        Case::below("attached", [main(1, &[ROOT]), lane(2, &[UNIT])], [1, 1, 2], AT_REST),
        Case::below(
            "the rest is not attached",
            [main(1, &[]), lane(2, &[UNIT])],
            [0, 0, 2],
            always("AttachPolicy"),
        ),
        Case::below(
            "the rest moved, not shown",
            [main(2, &[ROOT]), lane(2, &[UNIT])],
            [1, 1, 2],
            always("held InProgress"),
        ),
        Case::below("the rest moved", [main(2, &[ROOT]), lane(2, &[UNIT])], [2, 2, 2], LEFT),
        Case::below(
            "the rest moved, elsewhere",
            [main(2, &[ROOT]), elsewhere(lane(2, &[UNIT]))],
            [2, 2, 2],
            AT_REST,
        ),
        Case::below("detached", [main(2, &[ROOT]), lane(2, &[])], [2, 2, 2], REMOVED),
        Case::below(
            "attached to more",
            [main(1, &[ROOT]), lane(2, &[UNIT, OTHER])],
            [1, 2, 2],
            AT_REST,
        ),
        Case::below(
            "attached to more, the rest moved",
            [main(2, &[ROOT]), lane(2, &[UNIT, OTHER])],
            [2, 2, 2],
            [
                "held InProgress, held InProgress",
                "held InProgress, held InProgress",
                "DetachPolicy, DetachPolicy",
            ],
        ),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn with_the_unit_goes_what_the_text_gave_up() {
    let live = [main_policy(2, &[ROOT]), elsewhere(lane_policy("w0", 2, &[UNIT]))];
    let case = Case::below("gave it up", live, [2, 2, 2], GIVEN_UP);
    Case { gives_up: true, ..case }.check();
}

#[test]
fn a_unit_among_the_targets_is_handed_over_and_taken_back() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let cases = [
        Case::beside("nothing of it", [main(1, &[UNIT, OTHER])], [0, 1, 1], MADE),
        Case::beside(
            "made",
            [main(1, &[UNIT, OTHER]), lane(2, &[])],
            [0, 1, 1],
            always("AttachPolicy"),
        ),
        Case::beside(
            "behind",
            [main(1, &[UNIT, OTHER]), lane(1, &[UNIT])],
            [0, 1, 1],
            always("UpdatePolicy"),
        ),
        Case::beside(
            "attached, not shown",
            [main(1, &[UNIT, OTHER]), lane(2, &[UNIT])],
            [0, 1, 1],
            LEFT,
        ),
        Case::beside("attached", [main(1, &[UNIT, OTHER]), lane(2, &[UNIT])], [0, 1, 2], LEFT),
        Case::beside(
            "attached, silent of a Region",
            [elsewhere(main(1, &[UNIT, OTHER])), lane(2, &[UNIT])],
            [0, 1, 2],
            always("UpdatePolicy, held InProgress, orphan"),
        ),
        Case::beside(
            "attached, of both Regions",
            [elsewhere(main(1, &[UNIT, OTHER])), elsewhere(lane(2, &[UNIT]))],
            [0, 1, 2],
            ["held InProgress, orphan", "held InProgress, orphan", "DetachPolicy, orphan"],
        ),
        Case::beside("handed over", [main(1, &[OTHER]), lane(2, &[UNIT])], [0, 1, 2], AT_REST),
        Case::beside(
            "the rest moved",
            [main(2, &[OTHER]), lane(2, &[UNIT])],
            [0, 2, 2],
            always("AttachPolicy"),
        ),
        Case::beside("taken back", [main(2, &[OTHER, UNIT]), lane(2, &[UNIT])], [0, 2, 2], LEFT),
        Case::beside("detached", [main(2, &[OTHER, UNIT]), lane(2, &[])], [0, 2, 2], REMOVED),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn what_was_rejected_goes_back_and_the_unit_is_left() {
    let main = |number, targets: &[&str]| rejected(main_policy(number, targets));
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let cases = [
        Case::below(
            "only the unit had it",
            [main(1, &[ROOT]), lane(2, &[UNIT])],
            [1, 1, 2],
            [
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, DetachPolicy",
            ],
        ),
        Case::below(
            "all had it",
            [main(2, &[ROOT]), lane(2, &[UNIT])],
            [2, 2, 2],
            [
                "UpdatePolicy, UpdatePolicy, held InProgress",
                "UpdatePolicy, UpdatePolicy, held InProgress",
                "UpdatePolicy, UpdatePolicy, DetachPolicy",
            ],
        ),
        Case::below("gone back", [main(1, &[ROOT]), lane(1, &[UNIT])], [1, 1, 1], LEFT),
        Case::beside(
            "handed over",
            [main(1, &[OTHER]), lane(2, &[UNIT])],
            [0, 1, 2],
            always("AttachPolicy, UpdatePolicy"),
        ),
        Case::beside(
            "handed over, gone back",
            [main(1, &[OTHER]), lane(1, &[UNIT])],
            [0, 1, 1],
            always("AttachPolicy"),
        ),
        Case::beside("taken back", [main(1, &[OTHER, UNIT]), lane(1, &[UNIT])], [0, 1, 1], LEFT),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn the_lane_of_an_older_text_goes() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w7", number, targets);
    let cases = [
        Case::below("attached nowhere", [main(2, &[ROOT]), lane(1, &[])], [2, 2, 2], REMOVED),
        Case::below("behind", [main(2, &[ROOT]), lane(1, &[UNIT])], [2, 2, 1], LEFT),
        Case::below("ahead", [main(1, &[ROOT]), lane(2, &[UNIT])], [1, 1, 2], AT_REST),
        Case::below("outside", [main(2, &[UNIT]), lane(2, &[OTHER])], [0, 2, 2], always("orphan"))
            .with(|it| it.targets = BTreeSet::from([UNIT.parse().unwrap()])),
        Case::beside(
            "ahead at a target",
            [main(1, &[OTHER]), lane(2, &[UNIT])],
            [0, 1, 2],
            AT_REST,
        ),
        Case::beside(
            "ahead at a target, rejected",
            [rejected(main(1, &[OTHER])), lane(2, &[UNIT])],
            [0, 1, 2],
            always("AttachPolicy"),
        ),
        Case::beside(
            "behind at a target",
            [main(2, &[OTHER]), lane(1, &[UNIT])],
            [0, 2, 1],
            always("AttachPolicy"),
        ),
        Case::beside(
            "beside it at a target",
            [main(1, &[UNIT, OTHER]), lane(2, &[UNIT])],
            [0, 1, 1],
            MADE,
        ),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn a_lock_is_opened_before_what_is_below_is_ahead_and_closed_after() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let cases = [
        Case::below(
            "closed",
            [locked(main(1, &[ROOT]))],
            [1, 1, 1],
            [
                "UpdatePolicy, held Confirming",
                "UpdatePolicy, CreatePolicy",
                "UpdatePolicy, CreatePolicy",
            ],
        ),
        Case::below(
            "closed, made",
            [locked(main(1, &[ROOT])), locked(lane(2, &[]))],
            [1, 1, 1],
            always("UpdatePolicy, held InProgress"),
        ),
        Case::below(
            "opened, made",
            [main(1, &[ROOT]), locked(lane(2, &[]))],
            [1, 1, 1],
            always("AttachPolicy"),
        ),
        Case::below("attached", [main(1, &[ROOT]), locked(lane(2, &[UNIT]))], [1, 1, 2], AT_REST),
        Case::below(
            "attached under a lock",
            [locked(main(1, &[ROOT])), locked(lane(2, &[UNIT]))],
            [1, 1, 1],
            always("UpdatePolicy"),
        ),
        Case::below(
            "the rest moved",
            [main(2, &[ROOT]), locked(lane(2, &[UNIT]))],
            [2, 2, 2],
            [
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, DetachPolicy",
            ],
        ),
        Case::below(
            "at its end",
            [main(2, &[ROOT]), locked(lane(2, &[]))],
            [2, 2, 2],
            [
                "UpdatePolicy, held Confirming",
                "UpdatePolicy, DeletePolicy",
                "UpdatePolicy, DeletePolicy",
            ],
        ),
        Case::beside(
            "beside, closed",
            [locked(main(1, &[OTHER, UNIT])), locked(lane(2, &[]))],
            [0, 1, 1],
            always("AttachPolicy"),
        ),
    ];
    for case in cases {
        case.with(|it| it.allow_override = false).check();
    }
}

#[test]
fn a_lock_stays_open_while_the_lane_of_an_older_text_says_something_else() {
    let main = main_policy;
    let older = |number, targets: &[&str]| lane_policy("w7", number, targets);
    let cases = [
        Case::below("behind", [main(2, &[ROOT]), older(1, &[UNIT])], [2, 2, 1], LEFT),
        Case::below(
            "nowhere",
            [main(2, &[ROOT]), older(1, &[])],
            [2, 2, 2],
            [
                "UpdatePolicy, held Confirming",
                "UpdatePolicy, DeletePolicy",
                "UpdatePolicy, DeletePolicy",
            ],
        ),
    ];
    for case in cases {
        case.with(|it| it.allow_override = false).check();
    }
}

/// The name of the lane of the unit where it moves in one Region before the rest, and in the other
/// with it.
fn two_regions() -> String {
    let both = Case::beside("", [], [0, 0, 0], AT_REST).and_west([0, 0, 0]);
    waves(&both.want).lanes.into_keys().next().unwrap()
}

#[test]
fn a_unit_that_moves_in_one_region_is_handed_over_in_all_and_says_the_same_in_the_others() {
    let main = |number, other, targets: &[&str]| west(other, main_policy(number, targets));
    let name = &two_regions();
    let lane = |number, other, targets: &[&str]| west(other, lane_policy(name, number, targets));
    let short = |number, targets: &[&str]| lane_policy(name, number, targets);
    let cases = [
        Case::beside("nothing of it", [main(1, 1, &[UNIT, OTHER])], [0, 1, 1], MADE)
            .and_west([0, 1, 1]),
        Case::beside(
            "silent",
            [main(1, 1, &[UNIT, OTHER]), short(2, &[UNIT])],
            [0, 1, 2],
            always("UpdatePolicy"),
        )
        .and_west([0, 1, 1]),
        Case::beside(
            "made",
            [main(1, 1, &[UNIT, OTHER]), lane(2, 1, &[])],
            [0, 1, 1],
            always("AttachPolicy"),
        )
        .and_west([0, 1, 1]),
        Case::beside(
            "attached",
            [main(1, 1, &[UNIT, OTHER]), lane(2, 1, &[UNIT])],
            [0, 1, 2],
            LEFT,
        )
        .and_west([0, 1, 1]),
        Case::beside(
            "too early in the other Region",
            [main(1, 1, &[UNIT, OTHER]), lane(2, 2, &[UNIT])],
            [0, 1, 2],
            AT_REST,
        )
        .and_west([0, 1, 2]),
        Case::beside(
            "handed over",
            [main(1, 1, &[OTHER]), lane(2, 1, &[UNIT])],
            [0, 1, 2],
            AT_REST,
        )
        .and_west([0, 1, 1]),
        Case::beside(
            "the rest moved in one Region",
            [main(2, 1, &[OTHER]), lane(2, 1, &[UNIT])],
            [0, 2, 2],
            always("AttachPolicy"),
        )
        .and_west([0, 1, 1]),
        Case::beside(
            "the rest moved",
            [main(2, 2, &[OTHER]), lane(2, 2, &[UNIT])],
            [0, 2, 2],
            always("AttachPolicy"),
        )
        .and_west([0, 2, 2]),
        Case::beside(
            "taken back",
            [main(2, 2, &[UNIT, OTHER]), lane(2, 2, &[UNIT])],
            [0, 2, 2],
            LEFT,
        )
        .and_west([0, 2, 2]),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn a_lane_below_says_nothing_of_a_region_before_its_wave_is_open_there() {
    let main = west(1, main_policy(1, &[ROOT]));
    let case =
        Case::below("silent", [main, lane_policy(&two_regions(), 2, &[UNIT])], [1, 1, 2], AT_REST);
    case.and_west([1, 1, 1]).check();
}

#[test]
fn what_outgrows_the_document_of_a_lane_moves_to_another_before_it_is_attached() {
    let live = [west(1, main_policy(1, &[ROOT])), west(1, lane_policy(&two_regions(), 2, &[]))];
    let long = |it: &mut DesiredOrganizationEnforcement| {
        it.settings.models.excluded =
            (0..220).map(|it| format!("vendor.a-model-of-no-{it:04}")).collect();
    };
    // What is said and done of the main policy, and of that of the lane.
    let split = [
        "held InProgress, held Confirming, held InProgress, held Confirming",
        "CreatePolicy, CreatePolicy, held InProgress, held InProgress",
        "CreatePolicy, CreatePolicy, held InProgress, held InProgress",
    ];
    let case = Case::below("outgrows it", live, [1, 1, 1], split);
    case.and_west([1, 1, 1]).with(long).check();
}

#[test]
fn a_target_is_handed_over_only_to_a_lane_that_is_up_to_date() {
    let live = [
        locked(main_policy(1, &[UNIT, OTHER])),
        // Its lock is missing.
        lane_policy("w0", 2, &[UNIT]),
        ObservedPolicy { id: "p-lane0007".parse().unwrap(), ..locked(lane_policy("w7", 2, &[])) },
    ];
    let expected = [
        "UpdatePolicy, held Confirming",
        "UpdatePolicy, DeletePolicy",
        "UpdatePolicy, DeletePolicy",
    ];
    let case = Case::beside("not locked", live, [0, 1, 2], expected);
    case.with(|it| it.allow_override = false).check();
}

/// The lane of an older text says it of the one Region already, and the rest is about to say it of the
/// other.
#[test]
fn a_unit_gets_no_policy_for_a_region_in_which_the_rest_moves_with_it() {
    let wave = WaveMark {
        revision: content("b").revision(),
        wave: "w1".parse().unwrap(),
        since: jiff::Timestamp::UNIX_EPOCH,
        is_moving: true,
    };
    let mut main = west(1, main_policy(1, &[ROOT]));
    for marks in main.rollouts.values_mut() {
        marks.wave = Some(wave.clone());
    }
    let older = |number| lane_policy("w7", number, &[UNIT]);
    let make = [
        "UpdatePolicy, held Confirming, held InProgress",
        "UpdatePolicy, CreatePolicy, held InProgress",
        "UpdatePolicy, CreatePolicy, DetachPolicy",
    ];
    for (name, number, expected) in [("not yet said", 1, make), ("said", 2, always("UpdatePolicy"))]
    {
        let case = Case::below(name, [main.clone(), older(number)], [1, 1, number], expected);
        Case { waves: waves_with_west_between, ..case.and_west([1, 1, 1]) }.check();
    }
}

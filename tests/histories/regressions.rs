//! What random histories found once, each as short as it can be and named for what went wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::plots::Plot;
use crate::run::play;
use crate::setting::{ALPHA, BETA, MANAGEMENT, ROOT, Setting};
use crate::spoiler::Spoil;
use crate::story::{Edit, Event, Foreign, Step, Story};
use crate::text::{Enforcement, Guardrail, Level, TRAITS, Text};
use crate::trace::Entry;

const REGION: &str = "us-east-1";

/// One account below each of two units, and a guardrail for the first.
fn setting(level: Level, switches: &Value) -> Setting {
    let unit = |name: &str, id: &str, account: &str| json!({"name": name, "id": id, "accounts": [{"id": account, "name": name}]});
    let scenario = json!({
        "organization": {"id": "o-exampleorg", "rootId": ROOT},
        "managementAccount": {"id": MANAGEMENT, "name": "management"},
        "units": [
            unit("Alpha", ALPHA, "300000000001"),
            unit("Beta", BETA, "300000000002"),
        ],
        "switches": switches,
    });
    let guardrail = Guardrail {
        name: "baseline".to_owned(),
        regions: vec![REGION.to_owned()],
        contents: vec![[0; TRAITS]],
        history: 5,
        is_absent: false,
    };
    let enforcement = Enforcement {
        name: "everybody".to_owned(),
        level,
        guardrail: 0,
        pool: vec![ALPHA.to_owned(), BETA.to_owned()],
        targets: BTreeSet::from([ALPHA.to_owned()]),
        regions: BTreeSet::from([REGION.to_owned()]),
        is_absent: false,
        is_missing: false,
        is_selective: false,
        canaries: Vec::new(),
    };
    let text =
        Text { guardrails: vec![guardrail], enforcements: vec![enforcement], ..Text::default() };
    Setting { scenario, regions: vec![REGION.to_owned()], text }
}

fn after(event: Event, wait: Duration) -> Step {
    Step { event, pick: 1, wait }
}

/// Plays it to a good end.
fn assert_ends_well(setting: Setting, steps: Vec<Step>) {
    let story = Story { seed: 1, setting, steps };
    let played = play(&story);
    assert!(played.wrong.is_empty(), "{}\n{}", played.report(&story), played.text());
    let reached = played.reached.values().sum::<u64>();
    let events = story.steps.iter().filter(|it| !matches!(it.event, Event::Nothing)).count();
    assert!(reached >= events as u64, "not all happened: {:?}", played.reached);
}

#[test]
fn a_guardrail_that_a_stranger_renames_gets_its_name_back_and_no_twin() {
    for level in [Level::Account, Level::Organization] {
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(3)),
            after(Event::Foreign(Foreign::Rename), Duration::from_mins(10)),
        ];
        assert_ends_well(setting(level, &json!({})), steps);
    }
}

#[test]
fn a_plan_looks_again_at_a_version_that_aws_shows_half_done() {
    let flickering = json!({"ready_flicker": true});
    assert_ends_well(setting(Level::Account, &flickering), Vec::new());
}

#[test]
fn a_version_that_a_stranger_publishes_of_the_same_draft_moves_nothing() {
    // Where a description is read as the guardrail's, no version can be told to be ours.
    for described in ["version", "guardrail"] {
        for level in [Level::Account, Level::Organization] {
            let switches = json!({"ready_flicker": true, "version_description": described});
            let steps = vec![
                after(Event::Nothing, Duration::from_mins(3)),
                after(Event::Foreign(Foreign::Publish), Duration::from_mins(10)),
                after(Event::Drop { down: Duration::from_secs(1) }, Duration::from_mins(10)),
            ];
            let story = Story { seed: 1, setting: setting(level, &switches), steps };
            let played = play(&story);
            assert!(played.wrong.is_empty(), "{}\n{}", played.report(&story), played.text());
            assert_eq!(played.reached.get("a stranger's Publish"), Some(&1));
            let is_to_two = |it: &&Entry| it.is_controllers() && it.is_write() && names_two(it);
            let moved: Vec<String> =
                played.trace.iter().filter(is_to_two).map(Entry::line).collect();
            assert_eq!(moved, Vec::<String>::new(), "{described} {level:?}");
        }
    }
}

#[test]
fn a_policy_is_not_attached_again_once_the_grant_that_was_read_is_gone() {
    for seed in 1..=3 {
        let story = Story::about(seed, Plot::Withdrawn);
        let played = play(&story);
        assert!(played.wrong.is_empty(), "{}\n{}", played.report(&story), played.text());
    }
}

#[test]
fn a_policy_is_not_attached_once_the_version_that_was_read_is_gone() {
    let unavailable = json!({
        "kind": "Outage", "operation": "organizations:AttachPolicy", "caller": "Controller",
    });
    let steps = vec![
        after(Event::Fault(unavailable), Duration::from_mins(1)),
        after(Event::Foreign(Foreign::DeleteVersion), Duration::from_mins(1)),
        after(Event::Lift, Duration::from_mins(10)),
    ];
    let allowed = json!({"version_delete_in_use": "allow"});
    assert_ends_well(setting(Level::Organization, &allowed), steps);
}

#[test]
fn a_policy_leaves_a_target_only_once_it_had_time_to_reach_those_above() {
    let mut setting = setting(Level::Organization, &json!({"effective_policy_delay_ms": 40_000}));
    let enforcement = &mut setting.text.enforcements[0];
    enforcement.targets = [ROOT, BETA].map(str::to_owned).into();
    // What a person takes out of the text.
    enforcement.pool = vec![BETA.to_owned()];
    let steps = vec![
        after(Event::Nothing, Duration::from_secs(25)),
        after(Event::Edit(Edit::Narrow), Duration::from_mins(10)),
    ];
    assert_ends_well(setting, steps);
}

#[test]
fn what_moves_between_accounts_and_organization_is_enforced_all_the_while() {
    // Longer than the removal takes to be confirmed.
    let slow = json!({"effective_policy_delay_ms": 40_000});
    for level in [Level::Account, Level::Organization] {
        let mut setting = setting(level, &slow);
        let mut other = setting.text.enforcements[0].clone();
        other.name = "instead".to_owned();
        other.level = match level {
            Level::Account => Level::Organization,
            Level::Organization => Level::Account,
        };
        other.is_absent = true;
        setting.text.enforcements.push(other);
        // Approved as soon as it is held.
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(3)),
            after(Event::Edit(Edit::Swap), Duration::from_secs(2)),
            after(Event::Approve, Duration::from_mins(5)),
            after(Event::Edit(Edit::Swap), Duration::from_secs(2)),
            after(Event::Approve, Duration::from_mins(5)),
        ];
        let story = Story { seed: 1, setting, steps };
        let played = play(&story);
        assert!(played.wrong.is_empty(), "{}\n{}", played.report(&story), played.text());
        assert_eq!(played.reached.get("an edit Swap"), Some(&2));
        // What the first swap makes, and what it takes away.
        let (makes, breaks) = match level {
            Level::Account => ("/AttachPolicy", " DELETE /enforced"),
            Level::Organization => (" PUT /enforced", "/DetachPolicy"),
        };
        let first = |word: &str| {
            let is_it = |it: &Entry| it.is_controllers() && it.line().contains(word);
            played.trace.iter().position(is_it).unwrap()
        };
        assert!(first(makes) < first(breaks), "{level:?}: {}", played.text());
    }
}

#[test]
fn a_wave_below_which_there_is_nobody_is_not_tried_for_ever() {
    let mut setting = setting(Level::Organization, &json!({}));
    setting.scenario["units"][0]["accounts"] = json!([]);
    let other = "eu-west-1".to_owned();
    setting.regions.push(other.clone());
    setting.text.guardrails[0].regions.push(other.clone());
    setting.text.enforcements[0].regions.insert(other);
    setting.text.enforcements[0].canaries = vec![REGION.to_owned()];
    assert_ends_well(setting, Vec::new());
}

#[test]
fn what_a_text_gives_up_right_after_it_was_written_goes_too() {
    for (level, word) in
        [(Level::Account, " PUT /enforced"), (Level::Organization, "/AttachPolicy")]
    {
        let mut setting = setting(level, &json!({}));
        setting.text.enforcements[0].targets.insert(BETA.to_owned());
        let undisturbed = play(&Story { seed: 1, setting: setting.clone(), steps: Vec::new() });
        let written = undisturbed.trace.iter().filter(|it| it.line().contains(word));
        let written: Vec<Duration> = written.map(|it| it.at).collect();
        assert_eq!(written.len(), 2, "{level:?}");
        // While it is on its way, and before the next read shows it.
        for (at, later) in written.iter().flat_map(|at| [0, 30, 100, 400].map(|it| (at, it))) {
            let steps = vec![
                after(Event::Nothing, *at + Duration::from_millis(later)),
                after(Event::Edit(Edit::Narrow), Duration::from_mins(5)),
            ];
            assert_ends_well(setting.clone(), steps);
        }
    }
}

/// Whether a write makes a reference to version 2.
fn names_two(entry: &Entry) -> bool {
    let number = &entry.body()["guardrailInferenceConfig"]["guardrailVersion"];
    *number == "2" || entry.body()["Content"].as_str().is_some_and(|it| it.contains(":2\""))
}

#[test]
fn an_older_version_that_aws_shows_half_done_keeps_nobody_waiting() {
    // Where a description is read as the guardrail's, any version may be a twin of any later one.
    let switches = json!({"ready_flicker": true, "version_description": "guardrail"});
    let mut setting = setting(Level::Organization, &switches);
    // With more to do, a process that only plans has no other reason to look at it twice.
    setting.text.logging = BTreeSet::from([ALPHA.to_owned()]);
    let steps = vec![
        after(Event::Nothing, Duration::from_mins(3)),
        after(Event::Foreign(Foreign::Publish), Duration::from_mins(5)),
        after(Event::Edit(Edit::Reword), Duration::from_mins(6)),
    ];
    assert_ends_well(setting, steps);
}

#[test]
fn a_process_that_was_paused_in_a_visit_soon_looks_at_the_organization_again() {
    let setting = setting(Level::Organization, &json!({}));
    let undisturbed = play(&Story { seed: 1, setting: setting.clone(), steps: Vec::new() });
    let of_the_organization = |it: &&Entry| it.service == "organizations" && it.is_controllers();
    let calls: Vec<Duration> =
        undisturbed.trace.iter().filter(of_the_organization).map(|it| it.at).collect();
    // Whichever call it is in.
    for at in calls {
        let steps = vec![
            after(Event::Nothing, at + Duration::from_millis(10)),
            after(Event::Pause(Duration::from_hours(1)), Duration::from_secs(90)),
            after(Event::Foreign(Foreign::DeletePolicy), Duration::from_mins(1)),
        ];
        assert_ends_well(setting.clone(), steps);
    }
}

/// What a guardrail was is known only after the pass has ended, since it did not answer for so long.
/// Until then nobody can tell that two accounts are to lose it, and not one.
#[test]
fn what_is_found_to_be_lost_after_a_long_outage_is_counted_as_a_whole() {
    let mut setting = setting(Level::Account, &json!({"version_delete_in_use": "allow"}));
    setting.text.enforcements[0].targets.insert(BETA.to_owned());
    let outage = |operation: &str| {
        let fault = json!({"kind": "Outage", "operation": operation, "caller": "Controller"});
        Event::Fault(fault)
    };
    let steps = vec![
        after(Event::Nothing, Duration::from_mins(2)),
        after(outage("bedrock:*"), Duration::ZERO),
        after(Event::Foreign(Foreign::DeleteVersion), Duration::ZERO),
        after(Event::Edit(Edit::Absent), Duration::ZERO),
        after(Event::Edit(Edit::TearDown), Duration::ZERO),
        after(Event::Drop { down: Duration::ZERO }, Duration::from_mins(30)),
        after(Event::Lift, Duration::ZERO),
        after(outage("bedrock:ListGuardrails"), Duration::from_mins(30)),
        after(Event::Lift, Duration::from_mins(10)),
    ];
    assert_ends_well(setting, steps);
}

/// Of two losses that wait, one looks as if it were done while its slot is on a page that got lost.
#[test]
fn a_page_that_is_lost_makes_what_waits_for_an_approval_no_smaller() {
    let mut setting = setting(Level::Account, &json!({}));
    setting.text.enforcements[0].targets.insert(BETA.to_owned());
    // Which page it is.
    for pick in 1..=12 {
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(2)),
            after(Event::Edit(Edit::Absent), Duration::from_mins(2)),
            Step { event: Event::Spoil(Spoil::PageLost), pick, wait: Duration::from_mins(30) },
        ];
        assert_ends_well(setting.clone(), steps);
    }
}

/// What may be referenced is not known for a while, so that the document is put back in the step in
/// which the policy is to leave.
#[test]
fn a_policy_whose_document_was_emptied_does_not_leave_before_what_is_below_is_in_force() {
    let mut setting = setting(Level::Organization, &json!({"effective_policy_delay_ms": 2_000}));
    let enforcement = &mut setting.text.enforcements[0];
    enforcement.pool = vec![ROOT.to_owned()];
    enforcement.targets.insert(ROOT.to_owned());
    let outage = json!({"kind": "Outage", "caller": "Controller", "operation": "bedrock:*",
        "count": 60, "milliseconds": 60_000});
    for seconds in [60, 120, 197] {
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(2)),
            after(Event::Fault(outage.clone()), Duration::ZERO),
            after(Event::Edit(Edit::Narrow), Duration::from_secs(seconds)),
            after(Event::Foreign(Foreign::EditPolicy), Duration::from_mins(15)),
        ];
        assert_ends_well(setting.clone(), steps);
    }
}

/// Two controllers, of which one is on a machine whose clock is wrong.
#[test]
fn a_wave_bakes_by_the_clock_of_aws() {
    let mut setting = setting(Level::Account, &json!({}));
    let enforcement = &mut setting.text.enforcements[0];
    enforcement.targets.insert(BETA.to_owned());
    enforcement.canaries = vec!["300000000001".to_owned()];
    for ahead in [-7_200, -600, 600, 7_200] {
        for seconds in 0..8 {
            let lives = Duration::from_mins(15);
            let steps = vec![
                after(Event::Nothing, Duration::from_mins(5)),
                after(Event::Skewed { ahead, lives }, Duration::from_secs(seconds)),
                after(Event::Edit(Edit::Reword), Duration::from_mins(20)),
            ];
            assert_ends_well(setting.clone(), steps);
        }
    }
}

/// What is narrowed is no less a loss than what goes.
#[test]
fn a_page_that_is_lost_makes_what_is_to_be_narrowed_no_smaller() {
    let mut setting = setting(Level::Account, &json!({}));
    setting.text.enforcements[0].targets.insert(BETA.to_owned());
    // Which page it is.
    for pick in 1..=40 {
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(2)),
            after(Event::Edit(Edit::Selective), Duration::from_mins(2)),
            Step { event: Event::Spoil(Spoil::PageLost), pick, wait: Duration::from_mins(30) },
        ];
        assert_ends_well(setting.clone(), steps);
    }
}

/// The consent to a removal stands in a tag until nothing is left to remove.
#[test]
fn what_a_text_gave_up_goes_although_one_read_did_not_show_it() {
    let mut setting = setting(Level::Account, &json!({}));
    setting.text.enforcements[0].targets.insert(BETA.to_owned());
    // Which page it is.
    for pick in 1..=40 {
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(2)),
            Step { event: Event::Spoil(Spoil::PageLost), pick, wait: Duration::ZERO },
            after(Event::Edit(Edit::Narrow), Duration::from_mins(30)),
        ];
        assert_ends_well(setting.clone(), steps);
    }
}

/// Between the last look at the organization and the removal, which is confirmed first.
#[test]
fn an_account_that_just_left_what_a_text_gives_up_keeps_its_guardrail() {
    // The account that the text is about, out of its unit.
    let pick = 3;
    for tenths in (0..80).step_by(8) {
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(2)),
            after(Event::Edit(Edit::Absent), Duration::from_millis(tenths * 100)),
            Step { event: Event::Foreign(Foreign::Move), pick, wait: Duration::from_mins(10) },
        ];
        assert_ends_well(setting(Level::Account, &json!({})), steps);
    }
}

/// A slot that waits for the organization policy is looked at before the policy is detached, and
/// when it is attached again.
#[test]
fn a_policy_that_was_detached_for_a_moment_has_to_reach_the_accounts_again() {
    let mut setting = setting(Level::Account, &json!({"effective_policy_delay_ms": 40_000}));
    let first = &setting.text.enforcements[0];
    let other = Enforcement {
        name: "instead".to_owned(),
        level: Level::Organization,
        is_absent: true,
        ..first.clone()
    };
    setting.text.enforcements.push(other);
    for seconds in 28..38 {
        let steps = vec![
            after(Event::Nothing, Duration::from_mins(2)),
            after(Event::Edit(Edit::Swap), Duration::from_secs(seconds)),
            after(Event::Foreign(Foreign::Detach), Duration::from_mins(10)),
        ];
        assert_ends_well(setting.clone(), steps);
    }
}

/// While what a write rests on was read once more, right before it.
#[test]
fn a_text_that_is_taken_back_in_the_middle_of_a_step_is_not_carried_out() {
    let setting = setting(Level::Organization, &json!({}));
    let reworded = |then: Vec<Step>| {
        let first = [
            after(Event::Nothing, Duration::from_mins(2)),
            after(Event::Edit(Edit::Reword), Duration::from_mins(5)),
        ];
        Story { seed: 1, setting: setting.clone(), steps: first.into_iter().chain(then).collect() }
    };
    let played = play(&reworded(Vec::new()));
    let update = |it: &&Entry| it.is_controllers() && it.target == "UpdatePolicy";
    let at = played.trace.iter().find(update).unwrap().at;
    let mut went_forth = BTreeSet::new();
    for millis in (0..150).step_by(10) {
        let mut story = reworded(vec![after(Event::Edit(Edit::Return), Duration::from_mins(5))]);
        story.steps[1].wait =
            at.saturating_sub(Duration::from_mins(2) + Duration::from_millis(millis));
        let played = play(&story);
        assert!(played.wrong.is_empty(), "{millis}: {}\n{}", played.report(&story), played.text());
        went_forth.insert(played.trace.iter().filter(update).any(names_two));
    }
    assert_eq!(went_forth, BTreeSet::from([false, true]), "none was in the middle of the step");
}

/// On a day of rest as well, what AWS does not let go is tried again and again, and nothing else.
#[test]
fn a_guardrail_that_an_account_outside_has_in_force_is_tried_again_on_a_day_of_rest() {
    let mut setting = setting(Level::Account, &json!({}));
    setting.text.enforcements[0].targets.insert(BETA.to_owned());
    let steps = vec![
        after(Event::Nothing, Duration::from_mins(2)),
        after(Event::Foreign(Foreign::Leave), Duration::from_mins(2)),
        after(Event::Edit(Edit::Absent), Duration::from_mins(2)),
        after(Event::Edit(Edit::TearDown), Duration::from_mins(10)),
    ];
    let story = Story { seed: 49, setting, steps };
    let played = play(&story);
    assert!(played.wrong.is_empty(), "{}", played.report(&story));
    assert!(played.reached.contains_key("a day of rest"), "{:?}", played.reached);
    let refused = played.reached.get("DeleteGuardrail as a whole failed").copied();
    assert!(refused.is_some_and(|it| it > 20), "{:?}", played.reached);
}

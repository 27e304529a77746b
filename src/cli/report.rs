//! Prints what was planned and what became of it: results on stdout, the rest on stderr.

use std::collections::BTreeMap;

use super::controller::Controller;
use super::failures::failures;
use super::settings::Output;
use crate::model::{AccountState, Fleet};
use crate::plan::{Planned, Subject, to_json, to_text};
use crate::reconcile::{Engine, Key};
use crate::status::Outcome;

/// The call that a probe is.
const PROBE: &str = "bedrock:ApplyGuardrail";

/// Prints every plan on stdout.
pub(super) fn print_plan(controller: &Controller, output: Output) -> anyhow::Result<()> {
    let plans = controller.engine.plans();
    let desired = controller.engine.desired();
    let subject = |key: &Key| match key {
        Key::Organization => Subject::organization(),
        Key::Replica(replica) => Subject::replica(replica),
        Key::ProfilePolicy(profile) => Subject {
            label: format!("Profile/{}", profile.profile),
            place: Some(crate::model::Cell {
                account: profile.account.clone(),
                region: profile.region.clone(),
            }),
        },
        Key::Rollout(name) => Subject::rollout(name),
        Key::Logging(cell) => {
            let desired = desired.logging.get(cell);
            Subject::logging(cell, desired.map(|desired| &desired.manifest))
        }
        Key::Cell(cell) | Key::Audit(cell) => {
            Subject::cell(cell, desired.cells.get(cell).map(|desired| &desired.enforcement))
        }
    };
    let planned: Vec<Planned> =
        plans.iter().map(|(key, plan)| Planned { subject: subject(key), plan }).collect();
    let Some(form) = output.form() else {
        anstream::print!("{}", to_text(&planned));
        print_probes(&controller.engine);
        print_held_plan(&controller.engine);
        return Ok(());
    };
    let mut document = to_json(&planned);
    if let Some(members) = document.as_object_mut() {
        members.insert("probes".to_owned(), controller.engine.probes_ahead().into());
        members.insert("callerChecks".to_owned(), controller.engine.callers_ahead().into());
    }
    form.print(&document)
}

/// Prints what became of every key on stdout.
pub(super) fn print_outcome(controller: &Controller, output: Output) -> anyhow::Result<()> {
    let engine = &controller.engine;
    let outcomes = engine.outcomes();
    let Some(form) = output.form() else {
        print_outcome_text(engine, &outcomes);
        return Ok(());
    };
    let keys: BTreeMap<String, &Outcome> =
        outcomes.iter().map(|(key, outcome)| (key.to_string(), outcome)).collect();
    let report = serde_json::json!({
        "apiVersion": "bedrail.dev/v1alpha1",
        "kind": "ApplyReport",
        "summary": engine.summary(),
        "writes": engine.writes(),
        "calls": engine.calls(),
        "outcomes": keys,
    });
    form.print(&report)
}

fn print_outcome_text(engine: &Engine, outcomes: &BTreeMap<Key, Outcome>) {
    let summary = engine.summary();
    let calls: u64 = engine.calls().values().sum();
    for write in engine.writes() {
        anstream::println!("{}", write.text);
    }
    for (reason, messages) in by_reason(outcomes) {
        for (message, count) in messages {
            let more = if count > 1 { format!(" ({count} times)") } else { String::new() };
            anstream::println!("held ({reason}): {message}{more}");
        }
    }
    print_held_plan(engine);
    let probes = engine.calls().get(PROBE).copied().unwrap_or_default();
    if probes > 0 {
        anstream::println!("{probes} probes were made from inside accounts, and are billed");
    }
    anstream::println!(
        "{} of {} keys in sync; {} held, {} refused, {} failing, {} orphans; {} writes, {calls} API calls",
        summary.ready,
        summary.keys,
        summary.held,
        summary.refused,
        summary.failed,
        summary.orphans,
        engine.writes().len(),
    );
}

/// Says how many probes would come before what is shown.
fn print_probes(engine: &Engine) {
    let probes = engine.probes_ahead();
    if probes > 0 {
        anstream::println!(
            "Before references are written, up to {probes} probes would be made from inside \
             accounts: each is one bedrock:ApplyGuardrail, billed to its account."
        );
    }
    let questions = engine.callers_ahead();
    if questions > 0 {
        anstream::println!(
            "IAM would be asked about the roles of `callerRoles` up to {questions} times before \
             that: each is one iam:SimulatePrincipalPolicy, which costs nothing."
        );
    }
}

/// Says what the change guard holds, and the manifest that releases it.
fn print_held_plan(engine: &Engine) {
    if let Some((held, approval)) = engine.held_plan() {
        anstream::println!("held plan {held}\nTo release it, add this manifest:\n---\n{approval}");
    }
}

/// Says on stderr what could not be read or written, what is refused and what is orphaned.
pub(super) fn explain(engine: &Engine) {
    let fleet = engine.fleet();
    match &fleet {
        None => anstream::eprintln!("the organization could not be read, so nothing was done"),
        Some(fleet) => {
            for line in not_active(fleet) {
                anstream::eprintln!("{line}");
            }
        }
    }
    for refusal in &engine.desired().refusals {
        anstream::eprintln!("refused: {refusal}");
    }
    let outcomes = engine.outcomes();
    for group in failures(&outcomes) {
        anstream::eprintln!("{}", group.line(fleet.as_ref()));
    }
    for outcome in outcomes.values() {
        for refused in &outcome.refused {
            anstream::eprintln!("refused: {refused}");
        }
        for orphan in &outcome.orphans {
            anstream::eprintln!("orphan: {orphan}");
        }
    }
}

/// Accounts in which nothing is done, one line for each state.
fn not_active(fleet: &Fleet) -> Vec<String> {
    let mut states: BTreeMap<&AccountState, Vec<String>> = BTreeMap::new();
    for account in fleet.accounts.values() {
        if account.state != AccountState::Active {
            let named = format!("{} ({})", account.name, account.id);
            states.entry(&account.state).or_default().push(named);
        }
    }
    let line = |(state, accounts): (&AccountState, Vec<String>)| {
        let (noun, verb) =
            if accounts.len() == 1 { ("account", "is") } else { ("accounts", "are") };
        let accounts = accounts.join(", ");
        format!("{noun} {accounts} {verb} {state}: nothing is done there")
    };
    states.into_iter().map(line).collect()
}

/// Holds by reason and message, counted: a thousand cells that wait for one version are one line.
fn by_reason(outcomes: &BTreeMap<Key, Outcome>) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut reasons: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for held in outcomes.values().flat_map(|outcome| &outcome.held) {
        *reasons
            .entry(held.reason.clone())
            .or_default()
            .entry(held.message.clone())
            .or_default() += 1;
    }
    reasons
}

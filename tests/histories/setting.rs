//! Where a history begins: a small organization and its manifests, from a seed.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::text::{Enforcement, Guardrail, Level, TRAITS, Text};

pub(crate) const MANAGEMENT: &str = "100000000001";
pub(crate) const ROOT: &str = "r-test";
pub(crate) const ALPHA: &str = "ou-test-alpha000";
pub(crate) const BETA: &str = "ou-test-beta0000";
pub(crate) const GAMMA: &str = "ou-test-gamma000";
const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "us-west-2"];

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// One of each, mostly: what goes wrong at all goes wrong there, and soonest.
    Tiny,
    /// Enough for most that can go wrong, and played in a fraction of the time.
    Small,
    Large,
}

/// The beginning of a history.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) scenario: Value,
    pub(crate) regions: Vec<String>,
    pub(crate) text: Text,
}

/// One of a list.
pub(crate) fn one<'a, T>(random: &mut Rng, list: &'a [T]) -> &'a T {
    &list[random.usize(..list.len())]
}

impl Setting {
    pub(crate) fn new(random: &mut Rng, size: Size) -> Self {
        let count = match size {
            Size::Tiny => 1 + random.usize(..3) / 2,
            Size::Small => 2 + random.usize(..4) / 3,
            Size::Large => random.usize(2..=5),
        };
        let accounts: Vec<String> = (1..=count).map(|index| format!("3{index:011}")).collect();
        let mut units = [Vec::new(), Vec::new(), Vec::new()];
        let mut at_root = Vec::new();
        for (index, account) in accounts.iter().enumerate() {
            let spec = json!({"id": account, "name": format!("a{index}")});
            match if index < 2 { index } else { random.usize(..4) } {
                3 => at_root.push(spec),
                unit => units[unit].push(spec),
            }
        }
        let [alpha, beta, gamma] = units;
        let scenario = json!({
            "organization": {"id": "o-exampleorg", "rootId": ROOT},
            "managementAccount": {"id": MANAGEMENT, "name": "management"},
            "units": [
                {"name": "Alpha", "id": ALPHA, "accounts": alpha,
                 "units": [{"name": "Gamma", "id": GAMMA, "accounts": gamma}]},
                {"name": "Beta", "id": BETA, "accounts": beta},
            ],
            "accounts": at_root,
            "switches": switches(random),
        });
        let count = match size {
            Size::Tiny => 1,
            Size::Small => 1 + random.usize(..5) / 3,
            Size::Large => random.usize(1..=3),
        };
        let regions: Vec<String> = REGIONS[..count].iter().map(|it| (*it).to_owned()).collect();
        let mut text = text(random, &regions, &accounts);
        if size == Size::Tiny {
            text.guardrails.truncate(1);
            text.enforcements.truncate(1 + random.usize(..4) / 3);
            for enforcement in &mut text.enforcements {
                enforcement.guardrail = 0;
            }
        }
        Self { scenario, regions, text }
    }
}

/// What nobody authoritative has confirmed of AWS, this way or that.
fn switches(random: &mut Rng) -> Value {
    let mut pick = |words: &[&str]| json!(*one(random, words));
    let mut switches = json!({
        "enforced_put_without_id": pick(&["conflict", "overwrite"]),
        "enforced_list_empty": pick(&["empty", "not_found"]),
        "echo_defaults": pick(&["tier_only", "all", "none"]),
        "list_order": pick(&["kept", "reversed"]),
        "update_omission": pick(&["clear", "keep"]),
        "version_delete_in_use": pick(&["refuse", "allow"]),
        "policy_duplicate_scope": pick(&["type", "org"]),
        "version_description": pick(&["version", "guardrail"]),
        "throttle": pick(&["none", "none", "none", "documented"]),
    });
    switches["ready_flicker"] = json!(random.bool());
    switches["version_numbers_reused"] = json!(random.bool());
    switches["page_items_max"] =
        json!(*one(random, &[1, 3, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000]));
    switches["account_status"] = json!(random.bool());
    switches["account_paths"] = json!(random.u8(..4) > 0);
    // Whoever waits asks again and again: AWS is slow in some histories only.
    let slowest = *one(random, &[1_000, 1_000, 2_000, 6_000]);
    switches["ready_delay_ms"] = json!(random.u64(10..slowest));
    switches["delete_read_lag_ms"] = json!(random.u64(0..3) * 1_000);
    switches["effective_policy_delay_ms"] = json!(random.u64(1..3 * slowest));
    switches["policy_type_delay_ms"] = json!(random.u64(10..5_000));
    switches
}

fn text(random: &mut Rng, regions: &[String], accounts: &[String]) -> Text {
    let guardrails = (0..=random.usize(..5) / 3).map(|index| Guardrail {
        name: ["baseline", "strict"][index].to_owned(),
        regions: regions.to_vec(),
        contents: vec![[0; TRAITS].map(|_: u8| random.u8(..4))],
        history: random.u8(1..=3),
        is_absent: false,
    });
    let guardrails: Vec<Guardrail> = guardrails.collect();
    // Texts of one level may not claim the same target, and what they select may not overlap.
    let forms: [&[(Level, &[&str])]; 6] = [
        &[(Level::Account, &[ALPHA, BETA])],
        &[(Level::Account, &[ALPHA]), (Level::Account, &[BETA])],
        &[(Level::Organization, &[ALPHA, BETA, GAMMA])],
        &[(Level::Organization, &[ROOT, BETA]), (Level::Organization, &[ALPHA, GAMMA])],
        &[(Level::Organization, &[ALPHA, BETA]), (Level::Account, &[ALPHA, BETA])],
        &[(Level::Organization, &[ROOT]), (Level::Account, &[ALPHA]), (Level::Account, &[BETA])],
    ];
    let form = *one(random, &forms);
    let has_waves = form.len() == 1 && random.u8(..3) == 0;
    let mut enforcements = Vec::new();
    for (index, (level, pool)) in form.iter().enumerate() {
        let pool: Vec<String> = pool.iter().map(|it| (*it).to_owned()).collect();
        let mut targets: BTreeSet<String> =
            pool.iter().filter(|_| random.bool()).cloned().collect();
        targets.insert(one(random, &pool).clone());
        let mut on: BTreeSet<String> = regions.iter().filter(|_| random.bool()).cloned().collect();
        on.insert(one(random, regions).clone());
        if has_waves && *level == Level::Organization {
            on = regions.iter().cloned().collect();
        }
        let canaries = match level {
            Level::Account if has_waves => {
                targets = pool.iter().cloned().collect();
                vec![accounts[0].clone()]
            }
            // The document is opened Region by Region.
            Level::Organization if has_waves && on.len() > 1 => vec![regions[0].clone()],
            Level::Account | Level::Organization => Vec::new(),
        };
        enforcements.push(Enforcement {
            name: format!("everybody-{index}"),
            level: *level,
            guardrail: random.usize(..guardrails.len()),
            pool,
            targets,
            regions: on,
            is_absent: false,
            is_missing: false,
            is_selective: random.bool(),
            canaries,
        });
    }
    let some_of = |random: &mut Rng| -> BTreeSet<String> {
        if random.u8(..3) == 0 {
            BTreeSet::from([(*one(random, &[ALPHA, BETA])).to_owned()])
        } else {
            BTreeSet::new()
        }
    };
    let (control, logging) = (some_of(random), some_of(random));
    Text { guardrails, enforcements, control, logging, ..Text::default() }
}

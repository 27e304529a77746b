//! Every change that an installation sees in its life, walked through step by step.
//!
//! Each scenario is walked on both levels: where the organization enforces (`organization`), and
//! where each account does (`account`). A step is one change of the manifests, or of the world by
//! somebody else, and the `apply` after it. All of it is filmed (`support::film`), and each step is
//! judged by its film: what was in force in each account and Region at every instant, what the
//! controller changed, and in which order. At the end nothing is left to do, and the referee has
//! nothing to say.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod account;
mod organization;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use bedrail::simulator::world::World;
use bedrail::simulator::{Clock, Simulator};
use serde_json::{Value, json};
use support::film::{Film, Footage, Level};
use support::{Finished, MANAGEMENT, REGIONS, SHOP, SMALL, Stage, simulator, with};
use tokio::sync::OnceCell;

/// The units of the scenario.
pub(crate) const WORKLOADS: &str = "ou-test-workload";
pub(crate) const SANDBOX: &str = "ou-test-sandbox0";
pub(crate) const ROOT: &str = "r-test";

/// What is blocked at first, and by the next revision.
pub(crate) const OLD: &str = "heliotrope";
pub(crate) const NEW: &str = "vermilion";

/// Targets of the enforcement, as its text has them.
pub(crate) const ONE_UNIT: &str = "[{organizationalUnit: /Workloads}]";
pub(crate) const BOTH_UNITS: &str =
    "[{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]";

/// One scenario on its way, on one level.
pub(crate) struct Walk {
    pub(crate) stage: Stage,
    film: Arc<Film>,
    level: Level,
}

impl Walk {
    /// Begins where nobody has done anything.
    pub(crate) async fn start(level: Level) -> Self {
        Self::on(simulator(SMALL), level).await
    }

    async fn on(simulator: Arc<Simulator>, level: Level) -> Self {
        let (mut stage, film) = Stage::filmed(simulator).await;
        stage.intend(json!({"content": {"baseline": content(OLD)}})).await;
        Self { stage, film, level }
    }

    /// Begins where the old revision is in force on these targets.
    pub(crate) async fn converged(level: Level, targets: &str) -> Self {
        // The way there is a walk of its own; the others begin with its end.
        static WORLDS: [OnceCell<World>; 4] = [const { OnceCell::const_new() }; 4];
        let index = usize::from(level == Level::Account) + 2 * usize::from(targets == BOTH_UNITS);
        let world = WORLDS[index].get_or_init(|| async {
            let mut walk = Self::start(level).await;
            walk.apply(&walk.text(OLD, targets)).await;
            walk.stage.simulator.world()
        });
        let simulator = Simulator::resume(world.await.clone(), 1, Clock::system());
        let walk = Self::on(Arc::new(simulator), level).await;
        walk.stage.manifest("all.yaml", &walk.text(OLD, targets));
        walk
    }

    /// A guardrail that blocks a word, and its enforcement on these targets.
    pub(crate) fn text(&self, word: &str, targets: &str) -> String {
        [guardrail(word), self.enforcement(targets)].join("---")
    }

    /// The enforcement on these targets, on the level of this walk.
    pub(crate) fn enforcement(&self, targets: &str) -> String {
        let kind = match self.level {
            Level::Organization => "OrganizationEnforcement",
            Level::Account => "AccountEnforcement",
        };
        format!(
            "\napiVersion: bedrail.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: everybody}}\n\
             spec:\n  guardrail: baseline\n  targets: {targets}\n"
        )
    }

    /// The next revision, to which everybody may be moved and from which nobody back.
    pub(crate) async fn revise(&mut self, targets: &str) -> Footage {
        let contents = json!([content(OLD), content(NEW)]);
        let newest = json!({"baseline": content(NEW)});
        let intent = json!({"content": newest, "orderedContents": {"baseline": contents}});
        self.stage.intend(intent).await;
        self.apply(&self.text(NEW, targets)).await
    }

    /// Back to the old revision, which the text now asks for.
    pub(crate) async fn roll_back(&mut self) -> Footage {
        let intent = json!({"content": {"baseline": content(OLD)}, "rollback": ["baseline"]});
        self.stage.intend(intent).await;
        self.apply(&self.text(OLD, ONE_UNIT)).await
    }

    /// One step of the world, which somebody else takes: the text stays, and `apply` has nothing
    /// more to do than what it did. Returns what it printed, too.
    pub(crate) async fn follow(&mut self) -> (Footage, Finished) {
        let done = self.stage.apply(0).await;
        (self.cut().await, done)
    }

    /// One step of the text: `plan` shows something and changes nothing, `apply` ends with nothing
    /// left to do.
    pub(crate) async fn apply(&mut self, text: &str) -> Footage {
        self.plan(text).await;
        self.stage.apply(0).await;
        self.cut().await
    }

    /// The same where so much is lost that it takes a person: until there is an `Approval`, nothing
    /// is changed.
    pub(crate) async fn apply_with_approval(&mut self, text: &str) -> Footage {
        self.plan(text).await;
        let held = self.stage.apply(3).await;
        held.line(&["held (ChangeGuard)"]);
        self.cut().await.assert_only(&[]);
        self.stage.manifest("approval.yaml", &held.approval());
        self.stage.apply(0).await;
        self.stage.remove("approval.yaml");
        self.cut().await
    }

    async fn plan(&mut self, text: &str) {
        self.stage.manifest("all.yaml", text);
        self.stage.plan(2).await;
        self.cut().await.assert_only(&[]);
    }

    /// The film since the last cut, as soon as everything written has taken effect.
    pub(crate) async fn cut(&self) -> Footage {
        let film = &self.film;
        let settled = || async { film.is_settled().then_some(()) };
        self.stage.eventually("everything has taken effect", settled).await;
        let footage = film.cut(&self.stage.get("calls/log").await).await;
        self.stage.forget_calls().await;
        footage
    }

    /// Fails unless these accounts were under exactly these, one after another, in every Region.
    pub(crate) fn assert_under(&self, seen: &Footage, accounts: &[&str], expected: &[&str]) {
        for account in accounts {
            for region in REGIONS {
                let under = seen.under(self.level, (account, region));
                assert_eq!(under, expected, "{account} {region}\n{seen}");
            }
        }
    }

    /// The end: nothing is left to do, and nothing is done.
    pub(crate) async fn end(mut self) {
        self.stage.assert_at_rest().await;
    }
}

/// A guardrail that blocks a word, in two Regions, shared with everybody.
pub(crate) fn guardrail(word: &str) -> String {
    format!(
        "\napiVersion: bedrail.dev/v1alpha1\nkind: Guardrail\nmetadata: {{name: baseline}}\nspec:\n  \
         regions: [us-east-1, eu-west-1]\n  shareWith: Organization\n  content:\n    \
         blockedInputMessaging: No.\n    blockedOutputsMessaging: No.\n    \
         wordPolicyConfig: {{wordsConfig: [{{text: {word}}}]}}\n"
    )
}

/// The same, not to be there.
pub(crate) fn absent(manifest: &str) -> String {
    with(manifest, "state: Absent")
}

/// What the referee is to know of it.
fn content(word: &str) -> Value {
    json!({
        "blockedInputMessaging": "No.",
        "blockedOutputsMessaging": "No.",
        "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
    })
}

/// A word that the administrator of [`built_by_hand`] blocks.
pub(crate) const THEIRS: &str = "theirs";

/// Makes the guardrail by hand in each Region, publishes and shares it; the ARNs, by Region.
pub(crate) async fn built_by_hand(stage: &mut Stage) -> Vec<(&'static str, String)> {
    let intent =
        json!({"content": {"baseline": content(THEIRS)}, "adopt": ["baseline", "by hand"]});
    stage.intend(intent).await;
    let mut arns = Vec::new();
    for region in REGIONS {
        let place = (MANAGEMENT, region);
        let arn = stage.create_guardrail(place, "baseline", &[]).await;
        stage.publish(place, &arn).await;
        stage.share(region, &arn).await;
        arns.push((region, arn));
    }
    arns
}

/// What every walk rests on: what was in force between two calls is on film, however short.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_between_two_calls_is_seen() {
    for level in [Level::Account, Level::Organization] {
        let mut walk = Walk::converged(level, ONE_UNIT).await;
        match level {
            Level::Account => {
                let place = (SHOP, REGIONS[0]);
                let arn = walk.stage.guardrail((MANAGEMENT, place.1), "baseline").await;
                walk.stage.delete_enforced(place).await;
                walk.stage.put_enforced(place, &arn, "1").await;
            }
            Level::Organization => {
                let (policy, _) = walk.stage.policy("bedrail-default-everybody").await;
                let client = walk.stage.organizations().await;
                let detach = client.detach_policy().policy_id(&policy).target_id(WORKLOADS);
                detach.send().await.unwrap();
                let attach = client.attach_policy().policy_id(&policy).target_id(WORKLOADS);
                attach.send().await.unwrap();
            }
        }
        let (seen, _) = walk.follow().await;
        let under = seen.under(level, (SHOP, REGIONS[0]));
        assert_eq!(under, ["baseline:1", "-", "baseline:1"], "{level:?}");
    }
}

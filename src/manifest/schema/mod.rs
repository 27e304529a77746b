//! What the user types, field for field. Every field is optional: what is missing is reported by
//! [`validate`](super::validate), together with everything else that is wrong.
//!
//! What is said of a field here is what editors and `bedrail explain` show; what is `required` is
//! what [`validate`](super::validate) misses. A test holds both against each other.

pub(super) mod choices;
mod decode;
mod hints;
mod kind;
pub(super) mod limits;
mod texts;
mod word;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub(super) use decode::{decode, refuse_nothing};
pub(super) use kind::Kind;
pub(super) use texts::NameText;
pub(super) use word::{WordOrList, WordOrMap};

use crate::model::Content;
use crate::model::content::{CrossRegionConfig, api_page};
use choices::{
    CROSS_REGION, GUARDING, ON_DESELECT, ON_DRAFT, ON_FOREIGN, SIDES, STATES, TEST_ACTIONS, words,
};
use texts::{
    AccountText, DurationText, ModelText, Placement, Reference, Regions, Sharing, Targets, UnitText,
};

/// The one version of the schema.
pub(super) const API_VERSION: &str = "bedrail.dev/v1alpha1";

/// Declares a struct of optional fields in camel case that knows no others.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        $(#[$doc])*
        pub(in crate::manifest) struct $name {
            $($(#[$field_doc])* pub(in crate::manifest) $field: Option<$type>,)*
        }
    };
}

mod control;
mod logging;
mod rollout;

pub(super) use control::{
    ControlRolloutSpec, NetworkSpec, ProtectionSpec, RequiredGuardrailSpec,
    ServiceControlPolicySpec,
};
pub(super) use logging::{BucketSpec, InvocationLoggingSpec, LogGroupSpec, LoggingConfigSpec};
pub(super) use rollout::{GateSpec, PreflightSpec, ProbeSpec, RolloutSpec, WaveSpec};

shape!(
    /// What all kinds have.
    Envelope {
        /// The version of manifests.
        #[schemars(required, extend("enum" = [API_VERSION]))]
        api_version: String,
        /// What the manifest is about.
        #[schemars(required)]
        kind: String,
        /// Who the manifest is.
        #[schemars(required)]
        metadata: Metadata,
        /// What should be.
        #[schemars(required)]
        spec: Value,
    }
);
shape!(
    /// Who a manifest is.
    Metadata {
        /// Its name, unique among manifests of its kind.
        #[schemars(required, with = "Option<NameText>")]
        name: String,
        /// Names it had before: what they own is handed over to it, and not made again.
        #[schemars(with = "Option<Vec<NameText>>")]
        former_names: Vec<String>,
    }
);
shape!(
    /// A guardrail: its content, where its replicas are, and who may use them.
    GuardrailSpec {
        /// Its name in AWS, where that is not `metadata.name`.
        #[schemars(with = "Option<NameText>")]
        guardrail_name: String,
        /// Regions that have a replica.
        #[schemars(required, with = "Option<Regions>")]
        regions: Vec<String>,
        /// Accounts that have replicas: `Management`, or a list of targets, each account of which
        /// gets its own.
        #[schemars(with = "Option<Placement>", extend("default" = "Management"))]
        accounts: WordOrList<TargetSpec>,
        /// The body of CreateGuardrail, field for field.
        #[schemars(required)]
        content: Content,
        /// What single Regions have of their own; the Region is the key.
        region_overrides: BTreeMap<String, OverrideSpec>,
        /// Auto gives each Region the guardrail profile of its geography.
        #[schemars(extend("enum" = words(&CROSS_REGION), "default" = "None"))]
        cross_region: String,
        /// Who may apply it, by a resource policy that is made of this and never written by hand:
        /// nobody else, the whole organization, or a list of organizational units.
        #[schemars(with = "Option<Sharing>", extend("default" = "None"))]
        share_with: WordOrList<String>,
        /// Tags beside those that Bedrail sets. Tags that stand in AWS alone are left there.
        #[schemars(extend("maxProperties" = limits::TAGS_MAX))]
        tags: BTreeMap<String, String>,
        /// Versions kept for a rollback, beyond those that are referenced. AWS keeps 20.
        #[schemars(
            range(min = limits::REVISION_HISTORY.0, max = limits::REVISION_HISTORY.1),
            extend("default" = limits::REVISION_HISTORY_DEFAULT)
        )]
        revision_history_limit: u32,
        /// Versions that are never deleted: those that applications name in their requests.
        #[schemars(inner(range(min = 1, max = 99_999_999)))]
        keep_versions: Vec<u32>,
        /// Leave lets somebody work on DRAFT in the console until the content here changes.
        #[schemars(extend("enum" = words(&ON_DRAFT), "default" = "Correct"))]
        draft: String,
        /// Absent deletes it, once nothing references it.
        #[schemars(extend("enum" = words(&STATES), "default" = "Present"))]
        state: String,
        /// Take over a guardrail of this name that is live and has no owner.
        #[schemars(extend("default" = false))]
        adopt: bool,
        /// What it must do with given texts: asked of DRAFT before a version is published, where
        /// a gate says `tests: true`, and by `bedrail test`.
        #[schemars(length(min = limits::TESTS.0, max = limits::TESTS.1))]
        tests: Vec<TestSpec>,
        /// How often `run` repeats the tests on what is published; never when absent. AWS bills
        /// each.
        #[schemars(with = "Option<DurationText>")]
        test_interval: String,
    }
);
shape!(
    /// One test of a guardrail.
    TestSpec {
        /// What it is called in reports.
        #[schemars(length(min = limits::TEST_NAME.0, max = limits::TEST_NAME.1))]
        name: String,
        /// What is said.
        #[schemars(required, length(min = limits::TEST_TEXT.0, max = limits::TEST_TEXT.1))]
        text: String,
        /// By whom: a user, or a model.
        #[schemars(extend("enum" = words(&SIDES), "default" = "INPUT"))]
        source: String,
        /// What the guardrail must do.
        #[schemars(required, extend("enum" = TEST_ACTIONS))]
        action: String,
    }
);
shape!(
    /// What one Region has of its own.
    OverrideSpec {
        /// The customer key there: its ARN or id, never an alias.
        kms_key_id: String,
        /// The guardrail profile there.
        cross_region_config: CrossRegionConfig,
    }
);
shape!(
    /// A guardrail in Bedrock policies on the organization, units or accounts.
    OrganizationEnforcementSpec {
        /// The name of its policy in AWS, where it is not made of the owner and `metadata.name`.
        #[schemars(length(min = limits::POLICY_NAME.0, max = limits::POLICY_NAME.1))]
        policy_name: String,
        /// The guardrail, at its latest revision, or `{name: …, revision: …}` to pin one.
        #[schemars(required, with = "Option<Reference>")]
        guardrail: WordOrMap<ReferenceSpec>,
        /// Regions it is enforced in; the guardrail's when absent.
        #[schemars(with = "Option<Regions>")]
        regions: Vec<String>,
        /// Which models it is enforced on. Leave out embedding models, whose calls fail under
        /// enforcement: `{includedModels: [ALL], excludedModels: [EMBEDDINGS]}`.
        model_enforcement: ModelsSpec,
        /// Whether callers may say which part of a request is guarded.
        selective_content_guarding: GuardingSpec,
        /// Whether policies below may change what this one says; false locks them.
        #[schemars(extend("default" = true))]
        allow_override: bool,
        /// What its policies are attached to.
        #[schemars(required, with = "Option<Targets>")]
        targets: Vec<TargetSpec>,
        /// What happens where a selector ceased to select although the text is unchanged.
        #[schemars(extend("enum" = words(&ON_DESELECT), "default" = "Keep"))]
        on_deselect: String,
        /// Absent takes it away everywhere.
        #[schemars(extend("enum" = words(&STATES), "default" = "Present"))]
        state: String,
        /// Take over a policy of this name that is live and has no owner.
        #[schemars(extend("default" = false))]
        adopt: bool,
        /// How a new revision goes from the old to the new; all at once when absent.
        rollout: RolloutSpec,
        /// Names of roles of applications in the accounts, with their path: each is asked about in IAM
        /// before a reference moves, and one that may not apply the guardrail holds it. Needs a build
        /// with the feature `iam`.
        caller_roles: Vec<String>,
    }
);
shape!(
    /// A guardrail in the enforced configuration of every selected account × Region.
    AccountEnforcementSpec {
        /// The guardrail, at its latest revision, or `{name: …, revision: …}` to pin one.
        #[schemars(required, with = "Option<Reference>")]
        guardrail: WordOrMap<ReferenceSpec>,
        /// Regions it is enforced in; the guardrail's when absent.
        #[schemars(with = "Option<Regions>")]
        regions: Vec<String>,
        /// Which models it is enforced on. Leave out embedding models, whose calls fail under
        /// enforcement: `{includedModels: [ALL], excludedModels: [EMBEDDINGS]}`.
        model_enforcement: ModelsSpec,
        /// Whether callers may say which part of a request is guarded.
        selective_content_guarding: GuardingSpec,
        /// Accounts it is enforced in.
        #[schemars(required, with = "Option<Targets>")]
        targets: Vec<TargetSpec>,
        /// What happens to an enforced configuration of somebody else.
        #[schemars(extend("enum" = words(&ON_FOREIGN), "default" = "Replace"))]
        on_foreign: String,
        /// What happens where a selector ceased to select although the text is unchanged.
        #[schemars(extend("enum" = words(&ON_DESELECT), "default" = "Keep"))]
        on_deselect: String,
        /// Absent takes it away everywhere.
        #[schemars(extend("enum" = words(&STATES), "default" = "Present"))]
        state: String,
        /// How a new revision goes from the old to the new; all at once when absent.
        rollout: RolloutSpec,
        /// Names of roles of applications in the accounts, with their path: each is asked about in IAM
        /// before a reference moves, and one that may not apply the guardrail holds it. Needs a build
        /// with the feature `iam`.
        caller_roles: Vec<String>,
    }
);
shape!(
    /// A person's consent to a held plan.
    ApprovalSpec {
        /// The plan's name, as `bedrail plan` prints it.
        #[schemars(required, regex(pattern = "^p-[0-9a-f]{16,}$"))]
        plan: String,
        /// When the consent ends, as RFC 3339 writes it: `2026-12-01T00:00:00Z`.
        #[schemars(required)]
        expires: String,
    }
);
shape!(
    /// A guardrail by name, at one revision.
    ReferenceSpec {
        /// The name of its manifest.
        #[schemars(required, with = "Option<NameText>")]
        name: String,
        /// The revision that is pinned, the same in every Region; the latest when absent.
        #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
        revision: String,
    }
);
shape!(
    /// Which models it is enforced on; every model when absent.
    #[schemars(extend("x-source" = api_page!("ModelEnforcement")))]
    ModelsSpec {
        /// Ids of models, or `ALL` alone.
        #[schemars(required, with = "Option<Vec<ModelText>>", length(min = 1))]
        included_models: Vec<String>,
        /// Ids of models, or `EMBEDDINGS` for all embedding models of a Region.
        #[schemars(required, with = "Option<Vec<ModelText>>")]
        excluded_models: Vec<String>,
    }
);
shape!(
    /// Whether callers may say which part of a request is guarded; at least one of the two.
    #[schemars(extend("x-source" = api_page!("SelectiveContentGuarding")))]
    GuardingSpec {
        /// System prompts: all of them, or what the caller marks.
        #[schemars(extend("enum" = words(&GUARDING), "default" = "COMPREHENSIVE"))]
        system: String,
        /// Messages: all of them, or what the caller marks.
        #[schemars(extend("enum" = words(&GUARDING), "default" = "COMPREHENSIVE"))]
        messages: String,
    }
);
shape!(
    /// One target: exactly one of the fields.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    TargetSpec {
        /// The whole organization.
        #[schemars(extend("enum" = [true]))]
        organization: bool,
        /// A unit and everything below it, by path (`/Workloads/Prod`) or id.
        #[schemars(with = "Option<UnitText>")]
        organizational_unit: String,
        /// One account, in quotes, so that leading zeros stay.
        #[schemars(with = "Option<AccountText>")]
        account: String,
        /// Accounts that have all of these tags.
        #[schemars(extend("minProperties" = 1, "maxProperties" = limits::TAGS_MAX))]
        accounts_with_tags: BTreeMap<String, String>,
    }
);

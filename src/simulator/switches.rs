//! The AWS behaviours nobody authoritative has confirmed, each switchable, so that tests can run
//! both ways (`aws-facts` section 13).

use serde::{Deserialize, Serialize};

/// Declares an enum of snake-case words with a documented default.
macro_rules! switch {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident $(, $(#[$other_doc:meta])* $other:ident)* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $(#[$first_doc])* #[default] $first, $( $(#[$other_doc])* $other, )* }
    };
}

switch!(
    /// `PutEnforcedGuardrailConfiguration` without `configId` when one exists.
    EnforcedPutWithoutId { /// `ConflictException`.
        Conflict, /// The existing one is replaced.
        Overwrite }
);
switch!(
    /// `ListEnforcedGuardrailsConfiguration` when nothing is configured.
    EnforcedListEmpty { /// An empty list.
        Empty, /// `ResourceNotFoundException`.
        NotFound }
);
switch!(
    /// Which server defaults `GetGuardrail` echoes that were not sent.
    EchoDefaults { /// Only `tier`, as Terraform's acceptance tests saw.
        TierOnly, /// Every action, enabled flag, modality and tier.
        All, /// None.
        None }
);
switch!(
    /// Whether lists come back in the order they were sent.
    ListOrder { /// As sent.
        Kept, /// Reversed.
        Reversed }
);
switch!(
    /// What `UpdateGuardrail` does to an omitted `kmsKeyId`, `description`, `crossRegionConfig`.
    UpdateOmission { /// Full replacement: it is removed.
        Clear, /// It stays.
        Keep }
);
switch!(
    /// Whether deleting a referenced version is refused.
    VersionDeleteInUse { /// `ResourceInUseException`.
        Refuse, /// It is deleted.
        Allow }
);
switch!(
    /// Within which set names of Organizations policies must differ.
    PolicyDuplicateScope { /// Per policy type.
        Type, /// In the whole organization.
        Org }
);
switch!(
    /// Whose description `GetGuardrail` and `ListGuardrails` show for a numbered version.
    VersionDescription { /// The version's own.
        Version, /// The guardrail's.
        Guardrail }
);
switch!(
    /// Whether the simulator throttles by the documented token buckets.
    Throttle { /// Never by itself (faults still can).
        None, /// Organizations' documented buckets (`aws-facts` 4.7).
        Documented }
);

/// All switches, with the delays of asynchronous statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent yes-or-no questions, named in files"
)]
pub struct Switches {
    /// See [`EnforcedPutWithoutId`].
    pub enforced_put_without_id: EnforcedPutWithoutId,
    /// See [`EnforcedListEmpty`].
    pub enforced_list_empty: EnforcedListEmpty,
    /// See [`EchoDefaults`].
    pub echo_defaults: EchoDefaults,
    /// See [`ListOrder`].
    pub list_order: ListOrder,
    /// See [`UpdateOmission`].
    pub update_omission: UpdateOmission,
    /// See [`VersionDeleteInUse`].
    pub version_delete_in_use: VersionDeleteInUse,
    /// See [`PolicyDuplicateScope`].
    pub policy_duplicate_scope: PolicyDuplicateScope,
    /// See [`VersionDescription`].
    pub version_description: VersionDescription,
    /// See [`Throttle`].
    pub throttle: Throttle,
    /// Whether numbers of deleted versions are given again.
    pub version_numbers_reused: bool,
    /// Whether enforcement populates `bedrock:GuardrailIdentifier`.
    pub enforcement_sets_condition_key: bool,
    /// Whether a READY guardrail shows CREATING or UPDATING once more on the read after.
    pub ready_flicker: bool,
    /// Milliseconds from Create, Update or `CreateVersion` to READY.
    pub ready_delay_ms: u64,
    /// Milliseconds in which reads after `DeleteGuardrail` still return the object.
    pub delete_read_lag_ms: u64,
    /// Milliseconds until an attach or update shows in the effective policy.
    pub effective_policy_delay_ms: u64,
    /// Milliseconds until `EnablePolicyType` is ENABLED.
    pub policy_type_delay_ms: u64,
    /// Service control policies a target may have: 10 in current text, 5 in older (`aws-facts` 4.6).
    pub service_control_attachments_max: usize,
    /// Items of a page of a list at most, whatever is asked for: AWS may send fewer.
    pub page_items_max: usize,
    /// Characters of a service control policy: 10,240 in current text, 5,120 in older.
    pub service_control_length_max: usize,
    /// Whether Account carries `Status` beside `State` (retired 2026-09-09).
    pub account_status: bool,
    /// Whether `ListAccounts` carries `Paths`.
    pub account_paths: bool,
    /// Whether those paths end with the account, as the pattern of the shape allows, or with its
    /// parent, as `aws:PrincipalOrgPaths` does.
    pub account_paths_end_with_account: bool,
    /// Seconds by which the `Date` of answers is later than the machine's clock (negative:
    /// earlier); 0: the server's own.
    pub clock_ahead_s: i64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            enforced_put_without_id: EnforcedPutWithoutId::default(),
            enforced_list_empty: EnforcedListEmpty::default(),
            echo_defaults: EchoDefaults::default(),
            list_order: ListOrder::default(),
            update_omission: UpdateOmission::default(),
            version_delete_in_use: VersionDeleteInUse::default(),
            policy_duplicate_scope: PolicyDuplicateScope::default(),
            version_description: VersionDescription::default(),
            throttle: Throttle::default(),
            version_numbers_reused: false,
            enforcement_sets_condition_key: false,
            ready_flicker: false,
            ready_delay_ms: 200,
            delete_read_lag_ms: 0,
            effective_policy_delay_ms: 100,
            policy_type_delay_ms: 100,
            service_control_attachments_max: 10,
            page_items_max: 1_000,
            service_control_length_max: 10_240,
            account_status: false,
            account_paths: true,
            account_paths_end_with_account: true,
            clock_ahead_s: 0,
        }
    }
}

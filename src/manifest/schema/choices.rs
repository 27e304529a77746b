//! Words that stand for values. The checks read what they mean here, the schema which there are.

use crate::model::{
    Attachment, GateProbe, Guarding, OnDeselect, OnDraft, OnFailure, OnForeign, Presence, Probes,
    Side,
};

use super::super::manifests::CrossRegion;

/// Words and what they mean.
pub(in crate::manifest) type Choices<T, const N: usize> = [(&'static str, T); N];

/// `state`.
pub(in crate::manifest) const STATES: Choices<Presence, 2> =
    [("Present", Presence::Present), ("Absent", Presence::Absent)];

/// `onDeselect`.
pub(in crate::manifest) const ON_DESELECT: Choices<OnDeselect, 2> =
    [("Keep", OnDeselect::Keep), ("Release", OnDeselect::Release)];

/// `onForeign`.
pub(in crate::manifest) const ON_FOREIGN: Choices<OnForeign, 2> =
    [("Replace", OnForeign::Replace), ("Hold", OnForeign::Hold)];

/// `attachment` of a service control policy.
pub(in crate::manifest) const ATTACHMENTS: Choices<Attachment, 2> =
    [("Additive", Attachment::Additive), ("Exclusive", Attachment::Exclusive)];

/// `crossRegion` of a guardrail.
pub(in crate::manifest) const CROSS_REGION: Choices<CrossRegion, 2> =
    [("None", CrossRegion::None), ("Auto", CrossRegion::Auto)];

/// `draft` of a guardrail.
pub(in crate::manifest) const ON_DRAFT: Choices<OnDraft, 2> =
    [("Correct", OnDraft::Correct), ("Leave", OnDraft::Leave)];

/// `source` of a test.
pub(in crate::manifest) const SIDES: Choices<Side, 2> =
    [("INPUT", Side::Input), ("OUTPUT", Side::Output)];

/// `system` and `messages` of `selectiveContentGuarding`.
pub(in crate::manifest) const GUARDING: Choices<Guarding, 2> =
    [("COMPREHENSIVE", Guarding::Comprehensive), ("SELECTIVE", Guarding::Selective)];

/// `onFailure` of a rollout.
pub(in crate::manifest) const ON_FAILURE: Choices<OnFailure, 2> =
    [("Halt", OnFailure::Halt), ("Rollback", OnFailure::Rollback)];

/// `probe` of a gate, but for the one that needs a model.
pub(in crate::manifest) const PROBES: Choices<GateProbe, 2> =
    [("None", GateProbe::None), ("ApplyGuardrail", GateProbe::ApplyGuardrail)];

/// `preflight` of a rollout, but for the one that needs a share.
pub(in crate::manifest) const PREFLIGHTS: Choices<Probes, 2> =
    [("Every", Probes::Every), ("Offline", Probes::Offline)];

/// `accounts` of a guardrail, when it is no list.
pub(in crate::manifest) const PLACEMENTS: [&str; 1] = ["Management"];

/// `shareWith` of a guardrail, when it is no list.
pub(in crate::manifest) const SHARES: [&str; 2] = ["None", "Organization"];

/// `action` of a test.
pub(in crate::manifest) const TEST_ACTIONS: [&str; 2] = ["NONE", "GUARDRAIL_INTERVENED"];

/// The words of choices.
pub(in crate::manifest) fn words<T, const N: usize>(choices: &Choices<T, N>) -> [&'static str; N] {
    choices.each_ref().map(|(word, _)| *word)
}

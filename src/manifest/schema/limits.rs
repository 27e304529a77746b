//! Lengths and counts beyond those of a guardrail's content, which are
//! [`bounds`](crate::model::bounds). The checks and the schema for editors read them here.

use crate::model::bounds::Span;

/// Characters of a policy's name in Organizations (`aws-facts` 4.3).
pub(in crate::manifest) const POLICY_NAME: Span = (1, 128);

/// Characters of a role's name with its path (`aws-facts` 5).
pub(in crate::manifest) const ROLE: Span = (1, 576);

/// Characters of a model's id with what may stand in a pattern.
pub(in crate::manifest) const MODEL: Span = (1, 256);

/// Versions kept for rollback: of AWS's 20, the rest are referenced or on their way.
pub(in crate::manifest) const REVISION_HISTORY: (u32, u32) = (1, 15);

/// Versions kept for rollback unless the manifest says otherwise: with the referenced ones and
/// one on its way far from AWS's 20.
pub(in crate::manifest) const REVISION_HISTORY_DEFAULT: u32 = 5;

/// Tests of one guardrail. Each is a billed call per Region, revision and repetition; a thousand
/// would be a mistake more often than a wish.
pub(in crate::manifest) const TESTS: Span = (1, 100);

/// Characters of a test's name.
pub(in crate::manifest) const TEST_NAME: Span = (1, 100);

/// Characters of a test's text: 25 text units of 1,000, what a guardrail takes in a second.
pub(in crate::manifest) const TEST_TEXT: Span = (1, 25_000);

/// Waves a rollout may have: a person must be able to follow it.
pub(in crate::manifest) const WAVES: Span = (1, 20);

/// The share of the accounts in a sample, in per cent.
pub(in crate::manifest) const PERCENT: (u8, u8) = (1, 100);

/// Tags of a resource, or of an account.
pub(in crate::manifest) const TAGS_MAX: usize = 50;

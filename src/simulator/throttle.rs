//! The documented token buckets of Organizations (`aws-facts` 4.7), for the switch `throttle`.

use std::collections::BTreeMap;

use super::call::{Call, Millis, Service};

/// Operations, tokens per second and burst, per account.
const BUCKETS: [(&[&str], f64, f64); 13] = [
    (&["DescribeOrganization", "ListRoots"], 1.0, 2.0),
    (&["DescribeAccount"], 20.0, 30.0),
    (&["DescribeOrganizationalUnit"], 2.0, 2.0),
    (&["ListAccounts"], 8.0, 12.0),
    (&["ListChildren"], 6.0, 10.0),
    (&["ListParents", "ListAccountsForParent", "ListOrganizationalUnitsForParent"], 5.0, 8.0),
    (&["ListPolicies", "ListPoliciesForTarget", "ListTargetsForPolicy"], 5.0, 8.0),
    (&["DescribePolicy"], 2.0, 2.0),
    (&["CreatePolicy", "DeletePolicy", "UpdatePolicy", "AttachPolicy", "DetachPolicy"], 2.0, 3.0),
    (&["EnablePolicyType", "DisablePolicyType"], 1.0, 1.0),
    (&["ListTagsForResource"], 10.0, 15.0),
    (&["TagResource", "UntagResource"], 4.0, 6.0),
    // Not listed by AWS; the reference assumes this.
    (
        &[
            "DescribeEffectivePolicy",
            "ListAccountsWithInvalidEffectivePolicy",
            "ListEffectivePolicyValidationErrors",
        ],
        2.0,
        3.0,
    ),
];

/// One bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    filled: Millis,
}

/// The buckets, by account and operation.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    buckets: BTreeMap<(String, &'static str), Bucket>,
}

impl Buckets {
    /// Takes a token for `call`; `false` when there is none.
    pub(super) fn take(&mut self, call: &Call) -> bool {
        if call.service != Service::Organizations {
            return true;
        }
        let listed = BUCKETS.iter().find(|(operations, ..)| operations.contains(&call.operation));
        let Some((_, rate, burst)) = listed else { return true };
        let key = (call.caller.account.clone(), call.operation);
        let bucket = self.buckets.entry(key).or_insert_with(|| Bucket::full(*burst, call.at));
        bucket.take(*rate, *burst, call.at)
    }
}

impl Bucket {
    pub(super) fn full(burst: f64, at: Millis) -> Self {
        Self { tokens: burst, filled: at }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, rate: f64, burst: f64, at: Millis) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "an elapsed time, in milliseconds")]
        let elapsed_s = at.saturating_sub(self.filled) as f64 / 1_000.0;
        self.tokens = burst.min(elapsed_s.mul_add(rate, self.tokens));
        self.filled = at;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

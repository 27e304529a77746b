//! Claims that circulate (`aws-facts` 6 and 11), one file each.

use super::{files, problems};

/// A wrong claim in a policy, and what must be said of it.
struct Claim {
    /// The file in `fixtures`, without `.json`.
    file: &'static str,
    /// `line:column: severity`.
    place: &'static str,
    rule: &'static str,
    /// Words of the right fact.
    fact: &'static str,
}

const fn claim(
    file: &'static str,
    place: &'static str,
    rule: &'static str,
    fact: &'static str,
) -> Claim {
    Claim { file, place, rule, fact }
}

#[rustfmt::skip]
const CLAIMS: &[Claim] = &[
    claim("01-put-guardrail-policy", "10:9: error", "unknown-action", "`bedrock:PutResourcePolicy`"),
    claim("02-get-guardrail-policy", "8:9: error", "unknown-action", "`bedrock:GetResourcePolicy`"),
    claim("03-wildcard-account-principal", "8:16: error", "principal", "write `\"*\"` with a condition on `aws:PrincipalOrgID`"),
    claim("04-guardrail-name-and-version-as-resource", "11:19: error", "version-in-resource", "the ARN of a guardrail as a resource has no version"),
    claim("05-version-in-resource", "11:9: error", "version-in-resource", "has no version"),
    claim("06-guardrail-name-as-id", "8:19: error", "guardrail-name", "ARNs have the id that AWS made"),
    claim("07-model-invocation-logging-enabled.scp", "14:52: error", "unknown-key", "this Deny never fires"),
    claim("08-model-id.scp", "14:11: error", "unknown-key", "`NotResource` on the ARNs of the approved models"),
    claim("09-streaming-forgotten.scp", "7:17: error", "streaming-forgotten", "add `bedrock:InvokeModelWithResponseStream`"),
    claim("10-converse-is-no-action.scp", "10:9: error", "unknown-action", "authorized as `bedrock:InvokeModel`"),
    claim("11-converse-stream-is-no-action.scp", "10:9: error", "unknown-action", "authorized as `bedrock:InvokeModelWithResponseStream`"),
    claim("12-guardrail-version-is-no-key.scp", "14:39: error", "unknown-key", "write `<guardrail ARN>:<version>`"),
    claim("13-draft-in-the-identifier.scp", "14:42: error", "guardrail-identifier", "a request that names DRAFT has the ARN alone"),
    claim("14-identifier-without-version.scp", "14:42: warning", "guardrail-identifier", "names DRAFT and no version"),
    claim("15-identifier-star-takes-draft.scp", "14:42: warning", "guardrail-identifier", "takes DRAFT in"),
    claim("16-identifier-is-an-id.scp", "14:42: error", "guardrail-identifier", "is no ARN"),
    claim("17-identifier-with-a-slash.scp", "14:42: error", "guardrail-identifier", "a version follows a colon"),
    claim("18-any-guardrail", "24:42: warning", "any-guardrail", "an empty one and a DRAFT too"),
    claim("19-for-all-values-of-an-absent-key.scp", "14:11: error", "absent-key-holds", "has one value, so write `ArnNotLike`"),
    claim("20-guardrail-demanded-of-everything.scp", "7:17: error", "key-not-in-request", "so this denies all of them"),
    claim("21-guardrail-demanded-of-apply-guardrail.scp", "10:9: error", "key-not-in-request", "other calls (ApplyGuardrail) do not"),
    claim("22-guardrail-demanded-of-mantle.scp", "8:9: error", "key-not-in-request", "calls of this endpoint do not carry"),
    claim("23-denies-those-with-the-guardrail.scp", "13:9: warning", "inverted", "lets those without one through"),
    claim("24-mfa-stops-every-service-role.scp", "14:41: error", "services-have-no-mfa", "this stops every application"),
    claim("25-mfa-for-all-of-bedrock", "13:41: error", "services-have-no-mfa", "never have a second factor"),
    claim("26-everybody-without-organization", "7:20: error", "principal", "everybody, in every organization"),
    claim("27-another-account-as-principal", "8:16: error", "sharing", "a guardrail is shared with its own account"),
    claim("28-wildcard-role-principal", "9:11: error", "principal", "AWS refuses wildcards inside a principal"),
    claim("29-invoke-shared-by-a-guardrail", "10:9: error", "sharing", "takes `bedrock:ApplyGuardrail` and `bedrock:GetGuardrail`"),
    claim("30-wildcard-resource-of-a-guardrail-policy", "9:19: error", "sharing", "names its own ARN exactly"),
    claim("31-deny-in-a-guardrail-policy", "6:17: warning", "sharing", "AWS describes no Deny"),
    claim("32-other-condition-in-a-guardrail-policy", "13:34: error", "sharing", "`aws:PrincipalOrgID` and `aws:PrincipalOrgPaths`, and no others"),
    claim("33-organization-path-without-a-slash", "16:13: error", "organization-path", "every path ends with a slash"),
    claim("34-organization-path-with-a-plain-operator", "12:36: error", "organization-path", "write `ForAnyValue:StringLike`"),
    claim("35-session-arn-exempted.scp", "14:31: error", "session-arn", "`aws:PrincipalArn` is that of its role"),
    claim("36-exact-operator-with-a-wildcard.scp", "13:31: error", "literal-wildcard", "write `ArnNotLike`"),
    claim("37-enforced-configuration-has-no-resource.scp", "8:9: error", "without-resource", "matches `\"Resource\": \"*\"` alone"),
    claim("38-tags-of-an-enforced-configuration.scp", "9:9: error", "key-not-in-request", "has no resource with tags"),
    claim("39-singular-list-enforced", "8:9: error", "unknown-action", "did you mean `bedrock:ListEnforcedGuardrailsConfiguration`"),
    claim("40-get-enforced-guardrail-configuration", "8:9: error", "unknown-action", "`bedrock:ListEnforcedGuardrailsConfiguration`"),
    claim("41-bedrock-runtime-prefix", "8:9: error", "unknown-action", "is an endpoint and no prefix of IAM"),
    claim("42-model-with-an-account.scp", "12:9: error", "account-field", "foundation models belong to no account"),
    claim("43-profile-without-an-account.scp", "12:9: error", "account-field", "belongs to an account"),
    claim("44-model-id-as-resource.scp", "11:19: error", "not-an-arn", "a model is `arn:aws:bedrock:*::foundation-model/<model id>`"),
    claim("45-profile-as-foundation-model.scp", "12:9: error", "not-an-arn", "is an inference profile"),
    claim("46-retired-model", "12:19: warning", "retired-model", "AWS has retired `anthropic.claude-v2`"),
    claim("47-approved-models-deny-the-rest.scp", "7:17: warning", "denies-the-rest", "also denies everything that is not about these models"),
    claim("48-approved-models-without-profiles.scp", "11:7: warning", "profiles-forgotten", "denies every call through an inference profile"),
    claim("49-apply-guardrail-forgotten", "8:9: warning", "apply-guardrail-forgotten", "not `bedrock:ApplyGuardrail`"),
    claim("50-no-version-of-the-language.scp", "1:1: error", "malformed", "needs `\"Version\": \"2012-10-17\"`"),
    claim("51-misspelt-key.scp", "14:33: error", "unknown-key", "did you mean `aws:PrincipalOrgID`"),
    claim("52-misspelt-operator.scp", "13:9: error", "unknown-operator", "did you mean `StringNotEquals`"),
    claim("53-misspelt-element.scp", "11:7: error", "malformed", "did you mean `Condition`"),
    claim("54-wildcard-that-matches-nothing.scp", "8:9: error", "unknown-action", "matches no action of Bedrock"),
    claim("55-principal-in-a-scp.scp", "7:20: error", "malformed", "To exempt roles"),
];

#[test]
fn every_wrong_claim_is_found_at_its_place_and_answered_with_the_right_fact() {
    let names: Vec<String> = files("fixtures")
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, CLAIMS.iter().map(|it| it.file).collect::<Vec<_>>(), "one row a file");
    for (path, Claim { file, place, rule, fact }) in files("fixtures").iter().zip(CLAIMS) {
        let found = problems(path);
        assert_eq!(found.len(), 1, "{file}: one claim, one finding: {found:#?}");
        let line = &found[0];
        assert!(line.starts_with(&format!("{file}.json:{place}: ")), "{line}\nis not at {place}");
        assert!(line.ends_with(&format!("[{rule}]")), "{line}\nis not of {rule}");
        assert!(line.contains(fact), "{line}\ndoes not say: {fact}");
    }
    println!("{} wrong claims found and answered", CLAIMS.len());
}

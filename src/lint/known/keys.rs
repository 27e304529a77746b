//! Condition keys.

/// Keys of the prefix `bedrock:`, complete as of the Service Authorization Reference
/// (`aws-facts` 6.1).
pub(in crate::lint) const BEDROCK_KEYS: &[&str] = &[
    "BearerTokenType",
    "GuardrailIdentifier",
    "InferenceProfileArn",
    "InlineAgentName",
    "PromptRouterArn",
    "ServiceTier",
    "ThirdPartyKnowledgeBaseCredentialsSecretArn",
];

/// Keys of the prefix `organizations:`.
pub(in crate::lint) const ORGANIZATIONS_KEYS: &[&str] =
    &["PolicyType", "ServicePrincipal", "TransferDirection", "TransferType"];

/// Keys of the prefix `aws:` (IAM User Guide, "AWS global condition context keys"). Those that end
/// in a slash take a tag key.
pub(in crate::lint) const GLOBAL_KEYS: &[&str] = &[
    "AssumedRoot",
    "CalledVia",
    "CalledViaFirst",
    "CalledViaLast",
    "ChatbotSourceArn",
    "CurrentTime",
    "Ec2InstanceSourcePrivateIPv4",
    "Ec2InstanceSourceVpc",
    "EpochTime",
    "FederatedProvider",
    "MultiFactorAuthAge",
    "MultiFactorAuthPresent",
    "PrincipalAccount",
    "PrincipalArn",
    "PrincipalIsAWSService",
    "PrincipalOrgID",
    "PrincipalOrgPaths",
    "PrincipalServiceName",
    "PrincipalServiceNamesList",
    "PrincipalTag/",
    "PrincipalType",
    "RequestTag/",
    "RequestedRegion",
    "ResourceAccount",
    "ResourceOrgID",
    "ResourceOrgPaths",
    "ResourceTag/",
    "SecureTransport",
    "SourceAccount",
    "SourceArn",
    "SourceIdentity",
    "SourceIp",
    "SourceOrgID",
    "SourceOrgPaths",
    "SourceVpc",
    "SourceVpcArn",
    "SourceVpce",
    "TagKeys",
    "TokenIssueTime",
    "UserAgent",
    "ViaAWSService",
    "VpcSourceIp",
    "VpceAccount",
    "VpceOrgID",
    "VpceOrgPaths",
    "referer",
    "userid",
    "username",
];

/// Whether `name` is a global key; IAM ignores case.
pub(in crate::lint) fn is_global_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    GLOBAL_KEYS.iter().any(|key| {
        let key = key.to_ascii_lowercase();
        if key.ends_with('/') {
            name.strip_prefix(&key).is_some_and(|tag| !tag.is_empty())
        } else {
            name == key
        }
    })
}

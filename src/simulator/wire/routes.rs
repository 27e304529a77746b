//! Which operation a request names.

use percent_encoding::percent_decode_str;

use crate::simulator::call::Service;

/// Method, path template and operation of the Bedrock control plane (`aws-facts` 1.2).
const BEDROCK: [(&str, &str, &str); 22] = [
    ("POST", "guardrails", "CreateGuardrail"),
    ("PUT", "guardrails/{}", "UpdateGuardrail"),
    ("POST", "guardrails/{}", "CreateGuardrailVersion"),
    ("GET", "guardrails/{}", "GetGuardrail"),
    ("GET", "guardrails", "ListGuardrails"),
    ("DELETE", "guardrails/{}", "DeleteGuardrail"),
    ("PUT", "enforcedGuardrailsConfiguration", "PutEnforcedGuardrailConfiguration"),
    ("GET", "enforcedGuardrailsConfiguration", "ListEnforcedGuardrailsConfiguration"),
    ("DELETE", "enforcedGuardrailsConfiguration/{}", "DeleteEnforcedGuardrailConfiguration"),
    ("POST", "resource-policy", "PutResourcePolicy"),
    ("GET", "resource-policy/{}", "GetResourcePolicy"),
    ("DELETE", "resource-policy/{}", "DeleteResourcePolicy"),
    ("PUT", "logging/modelinvocations", "PutModelInvocationLoggingConfiguration"),
    ("GET", "logging/modelinvocations", "GetModelInvocationLoggingConfiguration"),
    ("DELETE", "logging/modelinvocations", "DeleteModelInvocationLoggingConfiguration"),
    ("POST", "tagResource", "TagResource"),
    ("POST", "untagResource", "UntagResource"),
    ("POST", "listTagsForResource", "ListTagsForResource"),
    ("GET", "foundation-models", "ListFoundationModels"),
    ("GET", "foundation-models/{}", "GetFoundationModel"),
    ("GET", "inference-profiles", "ListInferenceProfiles"),
    ("GET", "inference-profiles/{}", "GetInferenceProfile"),
];

/// The same for the Bedrock runtime (`aws-facts` 7.1).
const BEDROCK_RUNTIME: [(&str, &str, &str); 5] = [
    ("POST", "model/{}/converse", "Converse"),
    ("POST", "model/{}/converse-stream", "ConverseStream"),
    ("POST", "model/{}/invoke", "InvokeModel"),
    ("POST", "model/{}/invoke-with-response-stream", "InvokeModelWithResponseStream"),
    ("POST", "guardrail/{}/version/{}/apply", "ApplyGuardrail"),
];

/// The operations of Organizations (`aws-facts` 4.3).
const ORGANIZATIONS: [&str; 37] = [
    "AttachPolicy",
    "CloseAccount",
    "CreateAccount",
    "CreateOrganizationalUnit",
    "CreatePolicy",
    "DeleteOrganizationalUnit",
    "DeletePolicy",
    "DeleteResourcePolicy",
    "DescribeAccount",
    "DescribeCreateAccountStatus",
    "DescribeEffectivePolicy",
    "DescribeOrganization",
    "DescribeOrganizationalUnit",
    "DescribePolicy",
    "DescribeResourcePolicy",
    "DetachPolicy",
    "DisablePolicyType",
    "EnablePolicyType",
    "ListAccounts",
    "ListAccountsForParent",
    "ListAccountsWithInvalidEffectivePolicy",
    "ListChildren",
    "ListEffectivePolicyValidationErrors",
    "ListOrganizationalUnitsForParent",
    "ListParents",
    "ListPolicies",
    "ListPoliciesForTarget",
    "ListRoots",
    "ListTagsForResource",
    "ListTargetsForPolicy",
    "MoveAccount",
    "PutResourcePolicy",
    "RemoveAccountFromOrganization",
    "TagResource",
    "UntagResource",
    "UpdateOrganizationalUnit",
    "UpdatePolicy",
];

/// The operations of STS.
const STS: [&str; 2] = ["AssumeRole", "GetCallerIdentity"];

/// The operations of IAM.
const IAM: [&str; 10] = [
    "CreateRole",
    "DeleteRole",
    "DeleteRolePolicy",
    "GetRole",
    "GetRolePolicy",
    "ListRolePolicies",
    "ListRoles",
    "PutRolePolicy",
    "SimulatePrincipalPolicy",
    "UpdateAssumeRolePolicy",
];

/// The operations of SNS.
const SNS: [&str; 1] = ["Publish"];

/// Every operation that is simulated, spelled as in calls and faults: `bedrock:ListGuardrails`.
pub(in crate::simulator) fn operations() -> Vec<String> {
    let named = |service: Service, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{}:{name}", service.prefix())).collect()
    };
    let mut operations = named(Service::Bedrock, &BEDROCK.map(|(_, _, name)| name));
    operations.extend(named(Service::BedrockRuntime, &BEDROCK_RUNTIME.map(|(_, _, name)| name)));
    operations.extend(named(Service::Organizations, &ORGANIZATIONS));
    operations.extend(named(Service::Sts, &STS));
    operations.extend(named(Service::Iam, &IAM));
    operations.extend(named(Service::Sns, &SNS));
    operations
}

/// A REST operation and its path labels, percent-decoded.
pub(super) struct Route {
    pub(super) operation: &'static str,
    pub(super) labels: Vec<String>,
}

/// The service a path of signing name `bedrock` belongs to.
pub(super) fn bedrock_service(path: &str) -> Service {
    let first = path.trim_start_matches('/').split('/').next();
    match first {
        Some("model" | "guardrail" | "guardrail-checks") => Service::BedrockRuntime,
        Some(_) | None => Service::Bedrock,
    }
}

/// The Bedrock operation of a method and a raw path. Labels are decoded after the path was
/// split, because an ARN in a label holds encoded slashes.
pub(super) fn rest(method: &str, path: &str) -> Option<Route> {
    let service = bedrock_service(path);
    let table: &[(&str, &str, &'static str)] = match service {
        Service::BedrockRuntime => &BEDROCK_RUNTIME,
        Service::Bedrock | Service::Organizations | Service::Sts | Service::Iam | Service::Sns => {
            &BEDROCK
        }
    };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    table.iter().filter(|(verb, _, _)| *verb == method).find_map(|(_, template, operation)| {
        let labels = labels(template, &parts)?;
        Some(Route { operation, labels })
    })
}

/// The Organizations operation of that name.
pub(super) fn organizations(name: &str) -> Option<&'static str> {
    ORGANIZATIONS.into_iter().find(|operation| *operation == name)
}

/// The STS operation of that name.
pub(super) fn sts(name: &str) -> Option<&'static str> {
    STS.into_iter().find(|operation| *operation == name)
}

/// The IAM operation of that name.
pub(super) fn iam(name: &str) -> Option<&'static str> {
    IAM.into_iter().find(|operation| *operation == name)
}

/// The SNS operation of that name.
pub(super) fn sns(name: &str) -> Option<&'static str> {
    SNS.into_iter().find(|operation| *operation == name)
}

fn labels(template: &str, parts: &[&str]) -> Option<Vec<String>> {
    let template: Vec<&str> = template.split('/').collect();
    if template.len() != parts.len() {
        return None;
    }
    let mut labels = Vec::new();
    for (wanted, part) in template.iter().zip(parts) {
        if *wanted == "{}" {
            if part.is_empty() {
                return None;
            }
            labels.push(percent_decode_str(part).decode_utf8_lossy().into_owned());
        } else if wanted != part {
            return None;
        }
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Expected<'a> = Option<(&'a str, Vec<&'a str>)>;

    #[test]
    fn rest_routes_by_method_and_path_and_decodes_labels_after_splitting() {
        let arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A111122223333%3Aguardrail%2Fabc123abc123";
        let decoded = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";
        let rows: Vec<(&str, String, Expected<'_>)> = vec![
            ("POST", "/guardrails".to_owned(), Some(("CreateGuardrail", vec![]))),
            ("POST", "/guardrails/abc".to_owned(), Some(("CreateGuardrailVersion", vec!["abc"]))),
            ("GET", format!("/guardrails/{arn}"), Some(("GetGuardrail", vec![decoded]))),
            (
                "POST",
                format!("/guardrail/{arn}/version/3/apply"),
                Some(("ApplyGuardrail", vec![decoded, "3"])),
            ),
            ("POST", "/model/a.b%3A0/converse".to_owned(), Some(("Converse", vec!["a.b:0"]))),
            ("GET", "/model/a.b/converse".to_owned(), None),
            ("DELETE", "/guardrails".to_owned(), None),
            ("GET", "/flows".to_owned(), None),
        ];
        for (method, path, expected) in rows {
            let route = rest(method, &path);
            let found = route
                .as_ref()
                .map(|route| (route.operation, route.labels.iter().map(String::as_str).collect()));
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}

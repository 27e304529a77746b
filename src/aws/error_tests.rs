use aws_sdk_organizations::operation::create_policy::CreatePolicyError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use super::*;

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn answer(status: u16, code: Option<&str>, message: &str, body: &'static str) -> AwsError {
    let response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
    let mut metadata = ErrorMetadata::builder().message(message);
    if let Some(code) = code {
        metadata = metadata.code(code);
    }
    let error = CreatePolicyError::generic(metadata.build());
    let error = SdkError::service_error(error, response);
    AwsError::from_sdk("organizations:CreatePolicy", &region("us-east-1"), &error)
}

#[test]
fn every_documented_code_has_its_class() {
    use ErrorClass as Is;
    let table = [
        // bedrock and bedrock-runtime (aws-facts 1.0, 7.1)
        ("AccessDeniedException", Is::Denied),
        ("ConflictException", Is::Conflict),
        ("InternalServerException", Is::Unavailable),
        ("ResourceInUseException", Is::InUse),
        ("ResourceNotFoundException", Is::NotFound),
        ("ServiceQuotaExceededException", Is::Quota),
        ("ServiceUnavailableException", Is::Unavailable),
        ("ThrottlingException", Is::Throttled),
        ("TooManyTagsException", Is::Quota),
        ("ValidationException", Is::Invalid),
        ("ModelErrorException", Is::Unavailable),
        ("ModelNotReadyException", Is::Unavailable),
        ("ModelTimeoutException", Is::Unavailable),
        // any service
        ("ExpiredTokenException", Is::Expired),
        ("UnrecognizedClientException", Is::Denied),
        ("InvalidSignatureException", Is::Denied),
        ("IncompleteSignature", Is::Denied),
        ("MissingAuthenticationTokenException", Is::Denied),
        ("UnknownOperationException", Is::Invalid),
        ("RequestEntityTooLargeException", Is::Invalid),
        // organizations (4.4)
        ("AWSOrganizationsNotInUseException", Is::Invalid),
        ("ChildNotFoundException", Is::NotFound),
        ("ConcurrentModificationException", Is::Conflict),
        ("DuplicatePolicyException", Is::Conflict),
        ("DuplicatePolicyAttachmentException", Is::Conflict),
        ("EffectivePolicyNotFoundException", Is::NotFound),
        ("FinalizingOrganizationException", Is::Unavailable),
        ("InvalidInputException", Is::Invalid),
        ("MalformedPolicyDocumentException", Is::Invalid),
        ("ParentNotFoundException", Is::NotFound),
        ("PolicyChangesInProgressException", Is::Conflict),
        ("PolicyInUseException", Is::InUse),
        ("PolicyNotAttachedException", Is::NotFound),
        ("PolicyNotFoundException", Is::NotFound),
        ("PolicyTypeAlreadyEnabledException", Is::Conflict),
        ("PolicyTypeNotAvailableForOrganizationException", Is::Invalid),
        ("PolicyTypeNotEnabledException", Is::Invalid),
        ("RootNotFoundException", Is::NotFound),
        ("ServiceException", Is::Unavailable),
        ("TargetNotFoundException", Is::NotFound),
        ("TooManyRequestsException", Is::Throttled),
        ("UnsupportedAPIEndpointException", Is::Invalid),
        // iam, SimulatePrincipalPolicy
        ("InvalidInput", Is::Invalid),
        ("NoSuchEntity", Is::NotFound),
        ("PolicyEvaluation", Is::Invalid),
        ("ServiceFailure", Is::Unavailable),
        // sts (5)
        ("AccessDenied", Is::Denied),
        ("ExpiredToken", Is::Expired),
        ("InvalidClientTokenId", Is::Denied),
        ("MalformedPolicyDocument", Is::Invalid),
        ("PackedPolicyTooLarge", Is::Invalid),
        ("RegionDisabledException", Is::RegionUnavailable),
        ("Throttling", Is::Throttled),
        ("ValidationError", Is::Invalid),
        ("SomethingNewException", Is::Unknown),
    ];
    for (code, class) in table {
        // The status says nothing: Bedrock and Organizations send 400 for nearly all of them.
        assert_eq!(answer(400, Some(code), "m", "{}").class, class, "{code}");
    }
}

#[test]
fn a_refused_key_in_an_opt_in_region_means_the_region_is_not_enabled() {
    let table = [
        ("us-east-1", ErrorClass::Denied),
        ("us-gov-west-1", ErrorClass::Denied),
        ("eu-south-1", ErrorClass::RegionUnavailable),
        ("me-central-1", ErrorClass::RegionUnavailable),
    ];
    for (name, class) in table {
        for code in ["UnrecognizedClientException", "InvalidClientTokenId"] {
            assert_eq!(classify(code, None, &region(name)), class, "{code} in {name}");
        }
    }
}

#[test]
fn a_constraint_is_a_quota_only_where_more_room_would_help() {
    let table = [
        (r#"{"Reason":"POLICY_NUMBER_LIMIT_EXCEEDED"}"#, ErrorClass::Quota),
        (r#"{"Reason":"MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"}"#, ErrorClass::Quota),
        (r#"{"Reason":"MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"}"#, ErrorClass::Invalid),
        (r#"{"Reason":"SERVICE_ACCESS_NOT_ENABLED"}"#, ErrorClass::Invalid),
        (r#"{"Reason":"WAIT_PERIOD_ACTIVE"}"#, ErrorClass::Conflict),
        ("not json", ErrorClass::Invalid),
    ];
    for (body, class) in table {
        let error = answer(400, Some("ConstraintViolationException"), "m", body);
        assert_eq!(error.class, class, "{body}");
    }
}

#[test]
fn an_answer_without_a_code_is_judged_by_its_status() {
    assert_eq!(answer(503, None, "", "<html>").class, ErrorClass::Unavailable);
    assert_eq!(answer(429, None, "", "").class, ErrorClass::Throttled);
    assert_eq!(answer(404, None, "", "").class, ErrorClass::Unknown);
}

#[test]
fn no_answer_is_unavailable_and_missing_credentials_say_what_to_set() {
    let translated = |error: SdkError<CreatePolicyError, HttpResponse>| {
        AwsError::from_sdk("sts:GetCallerIdentity", &region("us-east-1"), &error)
    };
    let timeout = translated(SdkError::timeout_error("slow"));
    assert_eq!(timeout.class, ErrorClass::Unavailable);
    let refused = ConnectorError::io("connection refused".into());
    assert_eq!(translated(SdkError::dispatch_failure(refused)).class, ErrorClass::Unavailable);

    let missing = CredentialsError::not_loaded("nothing in the chain");
    let missing = ConnectorError::other(missing.into(), None);
    let error = translated(SdkError::dispatch_failure(missing));
    assert_eq!(error.class, ErrorClass::Denied);
    assert!(error.to_string().contains("AWS_PROFILE"), "{error}");
}

#[test]
fn a_session_token_never_reaches_a_message() {
    let canonical = "The Canonical String for this request should have been 'GET / \
                     x-amz-security-token:IQoJb3JpZ2luX2VjE'";
    for code in ["InvalidSignatureException", "SignatureDoesNotMatch", "SomethingNewException"] {
        let error = answer(403, Some(code), canonical, "{}");
        assert!(!format!("{error} {error:?}").contains("IQoJb3"), "{error:?}");
    }
    let process = CredentialsError::provider_error("secret-key-in-the-output");
    let process = ConnectorError::other(process.into(), None);
    let error: SdkError<CreatePolicyError, HttpResponse> = SdkError::dispatch_failure(process);
    let error = AwsError::from_sdk("sts:GetCallerIdentity", &region("us-east-1"), &error);
    assert!(!format!("{error} {error:?}").contains("secret-key"), "{error:?}");
}

#[test]
fn a_message_names_what_where_why_and_what_to_do() {
    let cell = Cell { account: "111122223333".parse().unwrap(), region: region("eu-west-1") };
    let mut error = answer(400, Some("AccessDeniedException"), "no\n  permission", "{}").at(&cell);
    error.request_id = Some("r-1".into());
    assert_eq!(
        error.to_string(),
        "failed to call organizations:CreatePolicy in 111122223333 eu-west-1: \
         AccessDeniedException: no permission (request r-1); check the identity policy of the \
         role, the service control policies above the account and the resource policy"
    );
}

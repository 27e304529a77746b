//! Who gets in: `AssumeRole`, service control policies, delegation, sessions.

use aws_sdk_organizations::types::EffectivePolicyType;
use serde_json::json;

use crate::support::{PAYMENTS, PLAYGROUND, SHOP, Sim, authorization, code, credentials};

const AUDITOR: &str = "arn:aws:iam::333344445555:role/audit/Auditor";

#[tokio::test]
async fn assumed_role_is_who_it_says() {
    let sim = Sim::small().await;
    let administrator = sim.sts().await.get_caller_identity().send().await.unwrap();
    assert_eq!(administrator.arn(), Some("arn:aws:iam::111122223333:user/administrator"));
    let session = aws_sdk_sts::Client::new(&sim.assume(SHOP, "BedrailMember").await);
    let identity = session.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn(), Some("arn:aws:sts::222233334444:assumed-role/BedrailMember/test"));
    assert_eq!(identity.account(), Some(SHOP));
    assert!(identity.user_id().unwrap().ends_with(":test"));
}

#[tokio::test]
async fn role_with_an_external_id_is_assumed_only_with_it() {
    let sim = Sim::small().await;
    let assume = |arn: &str, external_id: Option<&str>| {
        let external_id = external_id.map(str::to_owned);
        let arn = arn.to_owned();
        let sim = &sim;
        async move {
            let request = sim.sts().await.assume_role().role_arn(arn).role_session_name("test");
            code(request.set_external_id(external_id).send().await)
        }
    };
    assert_eq!(assume(AUDITOR, None).await, "AccessDenied");
    assert_eq!(assume(AUDITOR, Some("other")).await, "AccessDenied");
    assert_eq!(assume(AUDITOR, Some("audit-2026")).await, "success");
    let without_path = "arn:aws:iam::333344445555:role/Auditor";
    assert_eq!(assume(without_path, Some("audit-2026")).await, "AccessDenied");
    assert_eq!(assume("arn:aws:iam::333344445555:role/Nobody", None).await, "AccessDenied");
    assert_eq!(
        assume("arn:aws-us-gov:iam::333344445555:role/BedrailMember", None).await,
        "AccessDenied"
    );
}

#[tokio::test]
async fn durations_are_bounded_by_sts_the_role_and_chaining() {
    let sim = Sim::small().await;
    let assume = |config: aws_config::SdkConfig, account: &str, role: &str, seconds: i32| {
        let arn = format!("arn:aws:iam::{account}:role/{role}");
        async move {
            let client = aws_sdk_sts::Client::new(&config);
            let request = client.assume_role().role_arn(arn).role_session_name("test");
            code(request.duration_seconds(seconds).send().await)
        }
    };
    let administrator = sim.administrator().await;
    assert_eq!(assume(administrator.clone(), SHOP, "BedrailMember", 899).await, "ValidationError");
    assert_eq!(
        assume(administrator.clone(), SHOP, "BedrailMember", 3_601).await,
        "ValidationError"
    );
    assert_eq!(assume(administrator.clone(), SHOP, "BedrailMember", 900).await, "success");
    assert_eq!(assume(administrator, PAYMENTS, "LongLived", 43_200).await, "success");

    // A session of the management account assumes the role next: chaining.
    let chained = sim.assume("111122223333", "OrganizationAccountAccessRole").await;
    assert_eq!(assume(chained.clone(), PAYMENTS, "LongLived", 3_601).await, "ValidationError");
    assert_eq!(assume(chained, PAYMENTS, "LongLived", 3_600).await, "success");
}

#[tokio::test]
async fn both_sides_must_allow_a_role_to_be_assumed_across_accounts() {
    let sim = Sim::small().await;
    let assume = |config: aws_config::SdkConfig, account: &str| {
        let arn = format!("arn:aws:iam::{account}:role/BedrailMember");
        async move {
            let client = aws_sdk_sts::Client::new(&config);
            code(client.assume_role().role_arn(arn).role_session_name("test").send().await)
        }
    };
    // The member role of the management account is trusted, but may not assume.
    let trusted = sim.assume("111122223333", "BedrailMember").await;
    assert_eq!(assume(trusted, SHOP).await, "AccessDenied");
    // The reader may assume, but a member is not trusted.
    let untrusted = sim.assume(PAYMENTS, "Reader").await;
    assert_eq!(assume(untrusted, SHOP).await, "AccessDenied");
    // An administrator of the very account is not trusted either.
    let same_account = sim.assume(SHOP, "OrganizationAccountAccessRole").await;
    assert_eq!(assume(same_account, SHOP).await, "AccessDenied");
    let both = sim.assume("111122223333", "Reader").await;
    assert_eq!(assume(both, SHOP).await, "success");
}

#[tokio::test]
async fn sessions_expire_on_simulated_time() {
    let sim = Sim::small().await;
    let config = sim.assume(SHOP, "BedrailMember").await;
    let client = aws_sdk_organizations::Client::new(&config);
    sim.advance(3_599_999);
    assert_eq!(code(client.describe_organization().send().await), "success");
    sim.advance(1);
    assert_eq!(code(client.describe_organization().send().await), "ExpiredTokenException");
}

#[tokio::test]
async fn service_control_policies_bind_members_and_never_the_management_account() {
    let sim = Sim::small().await;
    let own = |account: &'static str, role: &'static str| {
        let sim = &sim;
        async move {
            let config = sim.assume(account, role).await;
            let client = aws_sdk_organizations::Client::new(&config);
            let request = client.describe_effective_policy();
            code(request.policy_type(EffectivePolicyType::BedrockPolicy).send().await)
        }
    };
    let role = "OrganizationAccountAccessRole";
    assert_eq!(own(SHOP, role).await, "success");
    assert_eq!(own(PLAYGROUND, role).await, "AccessDeniedException");

    // The same Deny on the root binds every member, and still not the management account.
    let client = sim.organizations().await;
    client.attach_policy().policy_id("p-nodescribe").target_id("r-smal").send().await.unwrap();
    assert_eq!(own(SHOP, role).await, "AccessDeniedException");
    assert_eq!(own("111122223333", role).await, "success");
}

#[tokio::test]
async fn every_level_must_allow_what_a_member_does() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let allow = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["bedrock:*", "sts:*"], "Resource": "*"}]});
    let created = client
        .create_policy()
        .name("bedrock-only")
        .description("")
        .r#type(aws_sdk_organizations::types::PolicyType::ServiceControlPolicy)
        .content(allow.to_string())
        .send()
        .await
        .unwrap();
    let policy = created.policy().unwrap().policy_summary().unwrap().id().unwrap().to_owned();
    client.attach_policy().policy_id(policy).target_id(SHOP).send().await.unwrap();
    client.detach_policy().policy_id("p-FullAWSAccess").target_id(SHOP).send().await.unwrap();

    let config = sim.assume(SHOP, "OrganizationAccountAccessRole").await;
    let member = aws_sdk_organizations::Client::new(&config);
    let error = member.describe_organization().send().await.unwrap_err().into_service_error();
    let message = error.meta().message().unwrap_or_default().to_owned();
    assert!(message.contains("no service control policy allows"), "{message}");
}

#[tokio::test]
async fn members_call_organizations_only_as_far_as_delegated() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let config = sim.assume(PAYMENTS, "LongLived").await;
    let member = aws_sdk_organizations::Client::new(&config);
    assert_eq!(code(member.describe_organization().send().await), "success");
    assert_eq!(code(member.list_accounts().send().await), "AccessDeniedException");

    let delegation = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{PAYMENTS}:root")},
        "Action": ["organizations:ListAccounts", "organizations:DescribeEffectivePolicy"], "Resource": "*"}]});
    assert_eq!(
        code(client.describe_resource_policy().send().await),
        "ResourcePolicyNotFoundException"
    );
    client.put_resource_policy().content(delegation.to_string()).send().await.unwrap();
    assert_eq!(code(member.list_accounts().send().await), "success");
    assert_eq!(code(member.list_roots().send().await), "AccessDeniedException");
    let of_another = member
        .describe_effective_policy()
        .policy_type(EffectivePolicyType::BedrockPolicy)
        .target_id(SHOP);
    assert_eq!(code(of_another.send().await), "success");
    let deny = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]});
    client.put_resource_policy().content(deny.to_string()).send().await.unwrap();
    assert_eq!(code(member.list_accounts().send().await), "AccessDeniedException");
    assert_eq!(code(client.list_accounts().send().await), "success");
    let put = member.put_resource_policy().content(delegation.to_string()).send().await;
    assert_eq!(code(put), "AccessDeniedException", "delegating cannot be delegated");
}

#[tokio::test]
async fn requests_without_credentials_or_in_a_disabled_region_are_refused() {
    let sim = Sim::small().await;
    let (status, head, _) = sim.send("GET", "/guardrails", &[], "").await;
    assert_eq!(status, 403);
    assert!(head.contains("x-amzn-errortype: missingauthenticationtokenexception"), "{head}");

    let sts = sim.sts().await;
    let request = sts.assume_role().role_arn(format!("arn:aws:iam::{PAYMENTS}:role/BedrailMember"));
    let output = request.role_session_name("test").send().await.unwrap();
    let config = sim.config(credentials(&output), "eu-south-1").await;
    let regional = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
    assert_eq!(code(regional), "RegionDisabledException");
    let key = output.credentials().unwrap().access_key_id().to_owned();
    let header =
        authorization("bedrock").replace("AKIDANY", &key).replace("us-east-1", "eu-south-1");
    let (status, head, _) = sim.send("GET", "/guardrails", &[("authorization", &header)], "").await;
    assert_eq!(status, 403);
    assert!(head.contains("x-amzn-errortype: unrecognizedclientexception"), "{head}");
}

#[tokio::test]
async fn what_is_not_simulated_says_so() {
    let sim = Sim::small().await;
    let bedrock = authorization("bedrock");
    let (status, head, _) = sim.send("GET", "/flows", &[("authorization", &bedrock)], "").await;
    assert_eq!((status, head.contains("unknownoperationexception")), (404, true), "{head}");
    let client = sim.organizations().await;
    let handshakes = client.list_handshakes_for_organization().send().await;
    assert_eq!(code(handshakes), "UnknownOperationException");
    let session = sim.sts().await.get_session_token().send().await;
    assert_eq!(code(session), "InvalidAction");
    let (status, head, _) =
        sim.send("POST", "/guardrails", &[("authorization", &bedrock)], "{").await;
    assert_eq!((status, head.contains("serializationexception")), (400, true), "{head}");
}

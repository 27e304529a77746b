//! A foreign administrator in a console: the real SDK, and what he looks at and does with it.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_bedrock::types::{
    AccountEnforcedGuardrailInferenceInputConfiguration,
    AccountEnforcedGuardrailOutputConfiguration, GuardrailSummary, SelectiveContentGuarding,
};
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};
use aws_sdk_organizations::types::{EffectivePolicyType, Policy, PolicyType};
use serde_json::Value;

use super::{MANAGEMENT, Stage};

/// A model every simulated Region has.
const MODEL: &str = "amazon.nova-lite-v1:0";

/// What a model call showed.
#[derive(Debug)]
pub(crate) struct Conversed {
    pub(crate) stop_reason: String,
    /// Guardrail ARN, version and the origins it was wanted by.
    pub(crate) applied: BTreeSet<(String, String, Vec<String>)>,
}

impl Stage {
    /// The configuration of the administrator of an account.
    pub(crate) async fn administrator(&self, account: &str, region: &str) -> SdkConfig {
        let own =
            self.config(region, Credentials::new("AKIACONSOLE", "x", None, None, "test")).await;
        if account == MANAGEMENT {
            return own;
        }
        let issued = self.issued(&own, account, "OrganizationAccountAccessRole").await;
        let token = Some(issued.session_token().to_owned());
        let (id, secret) = (issued.access_key_id(), issued.secret_access_key());
        self.config(region, Credentials::new(id, secret, token, None, "test")).await
    }

    async fn issued(
        &self,
        own: &SdkConfig,
        account: &str,
        role: &str,
    ) -> aws_sdk_sts::types::Credentials {
        let partition = &self.partition;
        let assumed = aws_sdk_sts::Client::new(own)
            .assume_role()
            .role_arn(format!("arn:{partition}:iam::{account}:role/{role}"))
            .role_session_name("console")
            .send()
            .await
            .unwrap();
        assumed.credentials().unwrap().clone()
    }

    /// Runs the binary as a role from now on, and no longer as the administrator.
    pub(crate) async fn act_as(&mut self, account: &str, role: &str) {
        let own = Credentials::new("AKIACONSOLE", "x", None, None, "test");
        let own = self.config(self.organizations_region(), own);
        let issued = self.issued(&own.await, account, role).await;
        self.set("AWS_ACCESS_KEY_ID", issued.access_key_id());
        self.set("AWS_SECRET_ACCESS_KEY", issued.secret_access_key());
        self.set("AWS_SESSION_TOKEN", issued.session_token());
    }

    async fn config(&self, region: &str, credentials: Credentials) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials)
            .load()
            .await
    }

    pub(crate) async fn bedrock(&self, account: &str, region: &str) -> aws_sdk_bedrock::Client {
        aws_sdk_bedrock::Client::new(&self.administrator(account, region).await)
    }

    /// IAM of an account, as its administrator.
    #[cfg(feature = "iam")]
    pub(crate) async fn iam(&self, account: &str) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.administrator(account, "us-east-1").await)
    }

    /// Organizations, as a role of an account.
    pub(crate) async fn organizations_of(
        &self,
        account: &str,
        role: &str,
    ) -> aws_sdk_organizations::Client {
        let own = Credentials::new("AKIACONSOLE", "x", None, None, "test");
        let region = self.organizations_region();
        let own = self.config(region, own).await;
        let issued = self.issued(&own, account, role).await;
        let token = Some(issued.session_token().to_owned());
        let (id, secret) = (issued.access_key_id(), issued.secret_access_key());
        let credentials = Credentials::new(id, secret, token, None, "test");
        aws_sdk_organizations::Client::new(&self.config(region, credentials).await)
    }

    /// The organizations endpoint of a partition lives in one Region of it.
    fn organizations_region(&self) -> &'static str {
        if self.partition == "aws-us-gov" { "us-gov-west-1" } else { "us-east-1" }
    }

    pub(crate) async fn organizations(&self) -> aws_sdk_organizations::Client {
        let region = self.organizations_region();
        aws_sdk_organizations::Client::new(&self.administrator(MANAGEMENT, region).await)
    }

    /// All guardrails of an account and Region called `name`.
    pub(crate) async fn guardrails(
        &self,
        (account, region): (&str, &str),
        name: &str,
    ) -> Vec<GuardrailSummary> {
        let listed = self.bedrock(account, region).await.list_guardrails().send().await.unwrap();
        listed.guardrails.into_iter().filter(|guardrail| guardrail.name == name).collect()
    }

    /// The ARN of the one guardrail called `name`; fails the test when there is none or two.
    pub(crate) async fn guardrail(&self, place: (&str, &str), name: &str) -> String {
        let found = self.guardrails(place, name).await;
        let [guardrail] = found.as_slice() else { panic!("{name} in {place:?}: {found:?}") };
        guardrail.arn.clone()
    }

    /// Its published versions, in the order of their numbers.
    pub(crate) async fn versions(&self, place: (&str, &str), name: &str) -> Vec<u32> {
        let arn = self.guardrail(place, name).await;
        let client = self.bedrock(place.0, place.1).await;
        let listed =
            client.list_guardrails().guardrail_identifier(arn).send().await.unwrap().guardrails;
        let numbers: BTreeSet<u32> =
            listed.iter().filter_map(|guardrail| guardrail.version.parse().ok()).collect();
        numbers.into_iter().collect()
    }

    /// What is enforced in an account and Region.
    pub(crate) async fn enforced(
        &self,
        (account, region): (&str, &str),
    ) -> Option<AccountEnforcedGuardrailOutputConfiguration> {
        let client = self.bedrock(account, region).await;
        match client.list_enforced_guardrails_configuration().send().await {
            Ok(listed) => listed.guardrails_config.into_iter().next(),
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_resource_not_found_exception(), "{error:?}");
                None
            }
        }
    }

    /// `arn:version` of what is enforced in an account and Region.
    pub(crate) async fn enforced_version(&self, place: (&str, &str)) -> Option<String> {
        let live = self.enforced(place).await?;
        Some(format!("{}:{}", live.guardrail_arn?, live.guardrail_version?))
    }

    /// The effective Bedrock policy of an account: `arn:version` by Region, as the services see it.
    pub(crate) async fn effective(&self, account: &str) -> BTreeMap<String, String> {
        let client = self.organizations().await;
        let described = client
            .describe_effective_policy()
            .policy_type(EffectivePolicyType::BedrockPolicy)
            .target_id(account)
            .send()
            .await;
        let policy = match described {
            Ok(described) => described.effective_policy.unwrap().policy_content.unwrap(),
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_effective_policy_not_found_exception(), "{error:?}");
                return BTreeMap::new();
            }
        };
        let document: Value = serde_json::from_str(&policy).unwrap();
        let regions = document["bedrock"]["guardrail_inference"].as_object().cloned();
        let identifier = |block: &Value| {
            let found = block.pointer("/config_1/identifier").cloned().unwrap_or_default();
            found.as_str().map_or_else(|| found.to_string(), str::to_owned)
        };
        let regions = regions.unwrap_or_default();
        regions.iter().map(|(region, block)| (region.clone(), identifier(block))).collect()
    }

    /// The Bedrock policies of the organization that are not AWS's, by name.
    pub(crate) async fn policies(&self) -> BTreeMap<String, Policy> {
        let client = self.organizations().await;
        let listed = client.list_policies().filter(PolicyType::BedrockPolicy).send().await.unwrap();
        let mut policies = BTreeMap::new();
        for summary in listed.policies.unwrap_or_default() {
            let id = summary.id.unwrap();
            let described = client.describe_policy().policy_id(id).send().await.unwrap();
            policies.insert(summary.name.unwrap(), described.policy.unwrap());
        }
        policies
    }

    /// The id and document of the one Bedrock policy called `name`.
    pub(crate) async fn policy(&self, name: &str) -> (String, Value) {
        let mut policies = self.policies().await;
        let policy = policies.remove(name).unwrap_or_else(|| panic!("no policy {name}"));
        let id = policy.policy_summary.unwrap().id.unwrap();
        (id, serde_json::from_str(&policy.content.unwrap()).unwrap())
    }

    /// The targets of a policy.
    pub(crate) async fn targets(&self, policy: &str) -> BTreeSet<String> {
        let client = self.organizations().await;
        let listed = client.list_targets_for_policy().policy_id(policy).send().await.unwrap();
        listed.targets.unwrap_or_default().into_iter().filter_map(|it| it.target_id).collect()
    }

    /// Makes a Bedrock policy by hand, attaches it and returns its id.
    pub(crate) async fn attach(&self, name: &str, document: &Value, target: &str) -> String {
        let client = self.organizations().await;
        let created = client
            .create_policy()
            .name(name)
            .description("by hand")
            .r#type(PolicyType::BedrockPolicy)
            .content(document.to_string())
            .send()
            .await
            .unwrap();
        let id = created.policy.unwrap().policy_summary.unwrap().id.unwrap();
        client.attach_policy().policy_id(&id).target_id(target).send().await.unwrap();
        id
    }

    /// The resource policy of a guardrail or guardrail profile.
    pub(crate) async fn resource_policy(&self, region: &str, arn: &str) -> Option<Value> {
        let client = self.bedrock(MANAGEMENT, region).await;
        match client.get_resource_policy().resource_arn(arn).send().await {
            Ok(read) => Some(serde_json::from_str(&read.resource_policy.unwrap()).unwrap()),
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_resource_not_found_exception(), "{error:?}");
                None
            }
        }
    }

    /// Puts a resource policy.
    pub(crate) async fn put_resource_policy(&self, region: &str, arn: &str, document: &Value) {
        let client = self.bedrock(MANAGEMENT, region).await;
        let request = client.put_resource_policy().resource_arn(arn);
        request.resource_policy(document.to_string()).send().await.unwrap();
    }

    /// Makes a guardrail by hand, with a word for content, and returns its ARN.
    pub(crate) async fn create_guardrail(
        &self,
        (account, region): (&str, &str),
        name: &str,
        tags: &[(&str, &str)],
    ) -> String {
        let client = self.bedrock(account, region).await;
        let mut request = client
            .create_guardrail()
            .name(name)
            .blocked_input_messaging("No.")
            .blocked_outputs_messaging("No.")
            .word_policy_config(words(&["theirs"]));
        for (key, value) in tags {
            let tag = aws_sdk_bedrock::types::Tag::builder().key(*key).value(*value);
            request = request.tags(tag.build().unwrap());
        }
        let arn = request.send().await.unwrap().guardrail_arn;
        self.ready((account, region), &arn).await;
        arn
    }

    /// Enforces a guardrail version in an account by hand, in place of what is there.
    pub(crate) async fn put_enforced(
        &self,
        (account, region): (&str, &str),
        arn: &str,
        version: &str,
    ) {
        let live = self.enforced((account, region)).await;
        let configuration = AccountEnforcedGuardrailInferenceInputConfiguration::builder()
            .guardrail_identifier(arn)
            .guardrail_version(version)
            .selective_content_guarding(SelectiveContentGuarding::builder().build())
            .build()
            .unwrap();
        let client = self.bedrock(account, region).await;
        client
            .put_enforced_guardrail_configuration()
            .set_config_id(live.and_then(|live| live.config_id))
            .guardrail_inference_config(configuration)
            .send()
            .await
            .unwrap();
    }

    /// Removes what is enforced in an account by hand, once it is.
    pub(crate) async fn delete_enforced(&self, (account, region): (&str, &str)) {
        let enforced = async || self.enforced((account, region)).await;
        let live = self.eventually("the cell is enforced", enforced).await;
        let client = self.bedrock(account, region).await;
        let request = client.delete_enforced_guardrail_configuration();
        request.set_config_id(live.config_id).send().await.unwrap();
    }

    /// Waits until a guardrail made or changed by hand is READY.
    pub(crate) async fn ready(&self, (account, region): (&str, &str), arn: &str) {
        let client = self.bedrock(account, region).await;
        self.eventually("a guardrail is READY", || async {
            let read = client.get_guardrail().guardrail_identifier(arn).send().await.unwrap();
            (read.status.as_str() == "READY").then_some(())
        })
        .await;
    }

    /// Asks a model from inside an account, naming no guardrail.
    pub(crate) async fn converse(&self, (account, region): (&str, &str), text: &str) -> Conversed {
        let config = self.administrator(account, region).await;
        let message = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text(text.to_owned()))
            .build()
            .unwrap();
        let client = aws_sdk_bedrockruntime::Client::new(&config);
        let output = client.converse().model_id(MODEL).messages(message).send().await.unwrap();
        let trace = output.trace().and_then(|trace| trace.guardrail());
        let inputs = trace.and_then(|it| it.input_assessment()).into_iter().flatten();
        let outputs = trace.and_then(|it| it.output_assessments()).into_iter().flatten();
        let assessments = inputs.map(|(_, it)| it).chain(outputs.flat_map(|(_, them)| them));
        let applied = assessments.filter_map(|it| it.applied_guardrail_details()).map(|it| {
            let origins = it.guardrail_origin().iter().map(|it| it.as_str().to_owned());
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            (text(it.guardrail_arn()), text(it.guardrail_version()), origins.collect())
        });
        Conversed {
            stop_reason: output.stop_reason().as_str().to_owned(),
            applied: applied.collect(),
        }
    }
}

/// A word policy of these words.
pub(crate) fn words(words: &[&str]) -> aws_sdk_bedrock::types::GuardrailWordPolicyConfig {
    let word = |text: &&str| {
        aws_sdk_bedrock::types::GuardrailWordConfig::builder().text(*text).build().unwrap()
    };
    aws_sdk_bedrock::types::GuardrailWordPolicyConfig::builder()
        .set_words_config(Some(words.iter().map(word).collect()))
        .build()
}

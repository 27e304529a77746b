//! What documents name: values, or the variables of a template.

/// Names in documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// `aws`, or `${AWS::Partition}`.
    pub(super) partition: String,
    /// The management account: it owns guardrails and policies.
    pub(super) management: String,
    /// The account of the controller's role: the management account, or a delegated
    /// administrator's.
    pub(super) controller_account: String,
    /// The account a document is attached in.
    pub(super) own_account: String,
    /// The organization.
    pub(super) organization: String,
    /// The controller's role.
    pub(super) controller_role: String,
    /// The role assumed in every account but the management account, and from a delegated
    /// administrator's account in that, too.
    pub(super) member_role: String,
    /// What the member role's trust policy asks for.
    pub(super) external_id: Option<String>,
}

impl Names {
    /// The controller's role.
    pub(super) fn controller(&self) -> String {
        let Self { partition, controller_account, controller_role, .. } = self;
        format!("arn:{partition}:iam::{controller_account}:role/{controller_role}")
    }

    /// Everything in the account of the controller.
    pub(super) fn controller_root(&self) -> String {
        let Self { partition, controller_account, .. } = self;
        format!("arn:{partition}:iam::{controller_account}:root")
    }

    /// The member role of every account.
    pub(super) fn members(&self) -> String {
        format!("arn:{}:iam::*:role/{}", self.partition, self.member_role)
    }

    /// Guardrails and guardrail profiles of an account, in every Region.
    pub(super) fn guardrails(&self, account: &str) -> Vec<String> {
        let partition = &self.partition;
        ["guardrail", "guardrail-profile"]
            .map(|kind| format!("arn:{partition}:bedrock:*:{account}:{kind}/*"))
            .to_vec()
    }

    /// A model, or an inference profile and the model behind it.
    pub(super) fn model(&self, id: &str) -> Vec<String> {
        let partition = &self.partition;
        let model = |id: &str| format!("arn:{partition}:bedrock:*::foundation-model/{id}");
        // `us.amazon.nova-lite-v1:0`: the geography is a part more than a model has.
        match id.split_once('.') {
            Some((geography, behind))
                if behind.contains('.') && geography.len() <= "us-gov".len() + 1 =>
            {
                vec![
                    format!(
                        "arn:{partition}:bedrock:*:{}:inference-profile/{id}",
                        self.own_account
                    ),
                    model(behind),
                ]
            }
            Some(_) | None => vec![model(id)],
        }
    }

    /// Policies of the organization of these types, and all they can be attached to.
    pub(super) fn attachable(&self, types: &[&str]) -> Vec<String> {
        let Self { partition, management, organization, .. } = self;
        let prefix = format!("arn:{partition}:organizations::{management}");
        types
            .iter()
            .map(|kind| format!("{prefix}:policy/{organization}/{}/*", kind.to_lowercase()))
            .chain(
                ["root", "ou", "account"].map(|node| format!("{prefix}:{node}/{organization}/*")),
            )
            .collect()
    }
}

//! The policy of a role that may call models only with a guardrail (`aws-facts` 6.2): for roles
//! outside the reach of the organization's enforcement.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use serde_json::{Value, json};

use super::documents::policy;
use super::{Format, print, terraform};
use crate::model::{GuardrailArn, Version};

const INFERENCE: [&str; 2] = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"];
const KEY: &str = "bedrock:GuardrailIdentifier";

/// Flags of `iam require-guardrail`.
#[derive(Debug, Args)]
#[command(
    after_help = "The role may call models (InvokeModel, Converse, and both streaming) with one of
these guardrails and in no other way. Calls without a guardrail, with DRAFT and with another one are
denied, whatever other policies allow. What calls models on the role's behalf without naming the
guardrail (RetrieveAndGenerate, agents) is denied, too, and so are embedding models, which take no
guardrail: except them by --except-model.

Examples:
  bedrail iam require-guardrail --guardrail arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123:3
  bedrail iam require-guardrail --guardrail arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123 \\
    --except-model amazon.titan-embed-text-v2:0"
)]
pub(super) struct RequireGuardrailArguments {
    /// The guardrail: ARN:VERSION for one version, ARN for any published version; repeatable.
    #[arg(long, value_name = "ARN[:VERSION]", required = true)]
    guardrail: Vec<Required>,
    /// A model that may be called without a guardrail; repeatable.
    #[arg(long, value_name = "MODEL")]
    except_model: Vec<String>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A guardrail that satisfies the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Required {
    arn: GuardrailArn,
    /// `None`: any published one.
    version: Option<Version>,
}

impl FromStr for Required {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (arn, version) = match text.rsplit_once("guardrail/") {
            Some((before, name)) => match name.split_once(':') {
                Some((id, version)) => (format!("{before}guardrail/{id}"), Some(version)),
                None => (text.to_owned(), None),
            },
            None => (text.to_owned(), None),
        };
        let arn = arn.parse().map_err(|error| format!("{error}"))?;
        let version = match version {
            None | Some("*") => None,
            Some(version) if version.eq_ignore_ascii_case("DRAFT") => {
                return Err(
                    "DRAFT can be changed at any time; give the number of a version".to_owned()
                );
            }
            Some(version) => Some(version.parse().map_err(|error| format!("{error}"))?),
        };
        Ok(Self { arn, version })
    }
}

/// The value that requests have.
impl fmt::Display for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}:{version}", self.arn),
            None => write!(f, "{}:*", self.arn),
        }
    }
}

/// The policy as it was asked for.
pub(super) fn text(arguments: &RequireGuardrailArguments) -> String {
    let document = document(&arguments.guardrail, &arguments.except_model);
    match arguments.format {
        Format::Json => print::json(&document),
        Format::Cloudformation => print::yaml(&json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "Calls of models, with a guardrail and in no other way.",
            "Resources": {"RequireGuardrail": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document},
            }},
            "Outputs": {"PolicyArn": {"Value": {"Ref": "RequireGuardrail"}}},
        })),
        Format::Terraform => format!(
            "resource \"aws_iam_policy\" \"require_guardrail\" {{\n  name   = \"RequireGuardrail\"\n  \
             policy = {}\n}}\n",
            terraform::heredoc(&print::json(&document))
        ),
    }
}

fn document(guardrails: &[Required], except: &[String]) -> Value {
    let values: Vec<String> = guardrails.iter().map(ToString::to_string).collect();
    let is_exact = guardrails.iter().all(|it| it.version.is_some());
    let (same, other) =
        if is_exact { ("StringEquals", "StringNotEquals") } else { ("ArnLike", "ArnNotLike") };
    let partition = guardrails.first().map_or("aws", |it| it.arn.partition.as_str());
    let models = |account: &str, kind: &str, id: &str| {
        format!("arn:{partition}:bedrock:*:{account}:{kind}/{id}")
    };
    let guarded = [
        models("", "foundation-model", "*"),
        models("*", "inference-profile", "*"),
        models("*", "application-inference-profile", "*"),
    ];
    let excepted: Vec<String> =
        except.iter().map(|id| models("", "foundation-model", id)).collect();
    let (about, resources) = if excepted.is_empty() {
        ("Resource", json!("*"))
    } else {
        ("NotResource", json!(excepted))
    };
    let mut statements = vec![
        json!({
            "Sid": "CallWithGuardrail", "Effect": "Allow", "Action": INFERENCE, "Resource": guarded,
            "Condition": {same: {KEY: values}},
        }),
        json!({
            "Sid": "DenyWithout", "Effect": "Deny", "Action": INFERENCE, about: resources,
            "Condition": {other: {KEY: values}},
        }),
        json!({
            "Sid": "Apply", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail",
            "Resource": applied(guardrails),
        }),
    ];
    if !excepted.is_empty() {
        statements.push(json!({
            "Sid": "CallExcepted", "Effect": "Allow", "Action": INFERENCE, "Resource": excepted,
        }));
    }
    policy(&statements)
}

/// The guardrails without versions, and the profiles of those that work across Regions.
fn applied(guardrails: &[Required]) -> Vec<String> {
    let mut resources: Vec<String> = guardrails.iter().map(|it| it.arn.to_string()).collect();
    resources.extend(guardrails.iter().map(|it| {
        let (partition, account) = (&it.arn.partition, &it.arn.account);
        format!("arn:{partition}:bedrock:*:{account}:guardrail-profile/*")
    }));
    resources.sort();
    resources.dedup();
    resources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{PolicyType, lint};

    const ARN: &str = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";

    fn of(guardrails: &[&str], except: &[&str]) -> Value {
        let guardrails: Vec<Required> = guardrails.iter().map(|it| it.parse().unwrap()).collect();
        let except: Vec<String> = except.iter().map(|it| (*it).to_owned()).collect();
        document(&guardrails, &except)
    }

    #[test]
    fn versions_are_exact_and_any_version_is_never_draft() {
        let exact = of(&[&format!("{ARN}:3")], &[]);
        assert_eq!(
            exact["Statement"][1]["Condition"]["StringNotEquals"][KEY],
            json!([format!("{ARN}:3")])
        );
        for any in [ARN.to_owned(), format!("{ARN}:*")] {
            let any = of(&[&any], &[]);
            assert_eq!(
                any["Statement"][1]["Condition"]["ArnNotLike"][KEY],
                json!([format!("{ARN}:*")])
            );
        }
        let other = "arn:aws:bedrock:us-east-1:111122223333:guardrail/def456def456";
        let several = of(&[&format!("{ARN}:3"), other], &["amazon.titan-embed-text-v2:0"]);
        assert_eq!(
            several["Statement"][1]["Condition"]["ArnNotLike"][KEY],
            json!([format!("{ARN}:3"), format!("{other}:*")])
        );
        for wrong in [format!("{ARN}:DRAFT"), format!("{ARN}:0"), "abc123abc123".to_owned()] {
            assert!(wrong.parse::<Required>().is_err(), "{wrong}");
        }
        for document in [exact, several] {
            assert_eq!(lint(&document, PolicyType::Identity), [], "{document:#}");
        }
    }
}

//! Says where is logged to, and what AWS needs to log there.

use crate::model::{Bucket, Cell, LogGroup, LoggingConfig};
use crate::plan::context::Context;

/// The destinations in a few words.
pub(in crate::plan) fn spoken(config: &LoggingConfig) -> String {
    let group = config.log_group.iter().map(|it| format!("log group {}", it.name));
    let bucket = config.bucket.iter().map(|it| format!("bucket {}", it.name));
    let all: Vec<String> = group.chain(bucket).collect();
    if all.is_empty() { "nowhere".to_owned() } else { all.join(" and ") }
}

/// What AWS said of a configuration, and what each of its destinations needs: AWS does not tell
/// which of them it means (*Monitor model invocation using CloudWatch Logs and Amazon S3*).
pub(super) fn explain(
    config: &LoggingConfig,
    cell: &Cell,
    said: &str,
    context: &Context,
) -> String {
    let fleet = context.facts.fleet.as_ref();
    let partition = fleet.map_or("aws", |fleet| fleet.partition.as_str());
    let Cell { account, region } = cell;
    let source = format!(
        "with `aws:SourceAccount` {account} and `aws:SourceArn` arn:{partition}:bedrock:{region}:{account}:*"
    );
    let buckets = config.buckets().map(|Bucket { name, prefix }| {
        let prefix = prefix.as_ref().map(|it| format!("{}/", it.trim_end_matches('/')));
        let prefix = prefix.unwrap_or_default();
        format!(
            "bucket {name} must be of this account and Region, and its policy must allow \
             bedrock.amazonaws.com `s3:PutObject` on arn:{partition}:s3:::{name}/{prefix}AWSLogs/\
             {account}/BedrockModelInvocationLogs/* ({source}); if it is encrypted with a customer \
             key, that key's policy `kms:GenerateDataKey`"
        )
    });
    let group = config.log_group.iter().map(|LogGroup { name, role, .. }| {
        format!(
            "log group {name} must exist in this account and Region; role {role} must trust \
             bedrock.amazonaws.com ({source}) and allow `logs:CreateLogStream` and \
             `logs:PutLogEvents` on arn:{partition}:logs:{region}:{account}:log-group:{name}:\
             log-stream:aws/bedrock/modelinvocations"
        )
    });
    let needs: Vec<String> = buckets.chain(group).collect();
    format!("AWS will not log to {}: {said}. Check: {}", spoken(config), needs.join("; "))
}

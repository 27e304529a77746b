//! Where is logged to: names with placeholders, and whether they can be of the account and the
//! Region they are used in. AWS takes no others (`aws-facts` 1.12).

use std::collections::BTreeSet;

use super::super::super::field_path::FieldPath;
use super::super::super::manifests::Selector;
use super::super::super::report::Report;
use super::super::super::schema::{BucketSpec, LogGroupSpec};
use crate::model::{AccountId, Bucket, Cell, LogGroup, Region, Template};

/// The account that stands for any other.
const SOME_ACCOUNT: &str = "111122223333";

/// Cells that a manifest means, as far as its text says.
pub(super) struct Reach {
    regions: BTreeSet<Region>,
    /// Accounts that are written out.
    accounts: BTreeSet<AccountId>,
    /// Whether all accounts are meant.
    is_everywhere: bool,
    /// A cell of it with the longest names, to try texts with.
    sample: Option<Cell>,
}

impl Reach {
    pub(super) fn new(regions: Option<&BTreeSet<Region>>, targets: Option<&[Selector]>) -> Self {
        let regions = regions.cloned().unwrap_or_default();
        let targets = targets.unwrap_or_default();
        let accounts: BTreeSet<AccountId> = targets
            .iter()
            .filter_map(|target| match target {
                Selector::Account(id) => Some(id.clone()),
                Selector::Organization | Selector::Unit(_) | Selector::AccountsWithTags(_) => None,
            })
            .collect();
        let account = accounts.first().cloned().or_else(|| SOME_ACCOUNT.parse().ok());
        let region = regions.iter().max_by_key(|region| region.as_str().len()).cloned();
        let sample = account.zip(region).map(|(account, region)| Cell { account, region });
        let is_everywhere = targets.contains(&Selector::Organization);
        Self { regions, accounts, is_everywhere, sample }
    }

    /// Whether its accounts are certainly more than one.
    fn has_accounts(&self) -> bool {
        self.is_everywhere || self.accounts.len() > 1
    }

    fn partition(&self) -> &'static str {
        let is_gov = self.regions.iter().any(|region| region.as_str().starts_with("us-gov-"));
        if is_gov { "aws-us-gov" } else { "aws" }
    }

    /// A text as it would be in one of the cells.
    fn try_out(&self, template: &Template) -> Option<String> {
        self.sample.as_ref().map(|cell| template.render(cell, self.partition()))
    }
}

/// Checks `cloudWatchConfig`.
pub(super) fn log_group(
    report: &mut Report,
    path: &FieldPath,
    spec: &LogGroupSpec,
    reach: &Reach,
) -> Option<LogGroup<Template>> {
    let field = path.field("logGroupName");
    let name = required(report, &field, spec.log_group_name.as_ref(), "/bedrock/invocations");
    if let Some(name) = &name {
        fits(report, &field, name, reach, |name| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
            (1..=512).contains(&name.len()) && name.chars().all(is_plain)
        });
    }
    let field = path.field("roleArn");
    let example = "arn:${partition}:iam::${account}:role/BedrockInvocationLogging";
    let role = required(report, &field, spec.role_arn.as_ref(), example);
    if let Some(role) = &role {
        self::role(report, &field, role, reach);
    }
    let field = path.field("largeDataDeliveryS3Config");
    let large_data = match &spec.large_data_delivery_s3_config {
        Some(spec) => Some(bucket(report, &field, spec, reach)?),
        None => None,
    };
    Some(LogGroup { name: name?, role: role?, large_data })
}

/// Checks `s3Config` and `largeDataDeliveryS3Config`.
pub(super) fn bucket(
    report: &mut Report,
    path: &FieldPath,
    spec: &BucketSpec,
    reach: &Reach,
) -> Option<Bucket<Template>> {
    let field = path.field("bucketName");
    let name = required(report, &field, spec.bucket_name.as_ref(), "logs-${account}-${region}");
    if let Some(name) = &name {
        fits(report, &field, name, reach, is_bucket_name);
        if reach.regions.len() > 1 && !name.names_region() {
            let message = format!(
                "a bucket is in one Region, and AWS logs to none of another; there are {} here: write \
                 `{name}-${{region}}`, or a manifest for each",
                reach.regions.len()
            );
            report.error(&field, message);
        }
        if reach.has_accounts() && !name.names_account() {
            let message = format!(
                "a bucket belongs to one account, and AWS logs to none of another; several are \
                 targets here: write `{name}-${{account}}`"
            );
            report.error(&field, message);
        }
    }
    let field = path.field("keyPrefix");
    let prefix = match &spec.key_prefix {
        Some(text) => Some(template(report, &field, text)?),
        None => None,
    };
    if let Some(prefix) = &prefix {
        fits(report, &field, prefix, reach, |prefix| prefix.chars().count() <= 1024);
    }
    Some(Bucket { name: name?, prefix })
}

fn required(
    report: &mut Report,
    path: &FieldPath,
    value: Option<&String>,
    example: &str,
) -> Option<Template> {
    let Some(text) = value else {
        report.missing(path, &format!("{}: \"{example}\"", path.last_field()));
        return None;
    };
    if path.last_field() != "roleArn" && (text.starts_with("arn:") || text.starts_with("s3:")) {
        report
            .error(path, format!("`{text}` is no name; write the name alone, such as `{example}`"));
        return None;
    }
    template(report, path, text)
}

fn template(report: &mut Report, path: &FieldPath, text: &str) -> Option<Template> {
    Template::parse(text).map_err(|error| report.error(path, error.to_string())).ok()
}

/// Reports a text that AWS will not take once its placeholders are filled in.
fn fits(
    report: &mut Report,
    path: &FieldPath,
    template: &Template,
    reach: &Reach,
    is_fine: impl Fn(&str) -> bool,
) {
    let Some(text) = reach.try_out(template) else { return };
    if is_fine(&text) {
        return;
    }
    let rule = match path.last_field() {
        "bucketName" => "3 to 63 lower-case letters, digits, dots and hyphens",
        "logGroupName" => "1 to 512 letters, digits and . _ - / #",
        _ => "at most 1024 characters",
    };
    let written = template.as_str();
    let shown = if text == written { String::new() } else { format!(" (here `{text}`)") };
    report.error(path, format!("`{written}`{shown} is not {rule}"));
}

fn is_bucket_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| is_word(c) || c == '.' || c == '-')
        && name.starts_with(is_word)
        && name.ends_with(is_word)
}

fn role(report: &mut Report, path: &FieldPath, template: &Template, reach: &Reach) {
    let parts: Vec<&str> = template.as_str().splitn(6, ':').collect();
    let (partition, account) = match parts.as_slice() {
        ["arn", partition, "iam", "", account, role]
            if role.strip_prefix("role/").is_some_and(|name| !name.is_empty()) =>
        {
            (*partition, *account)
        }
        _ => {
            let message = format!(
                "`{template}` is no role; write its ARN: \
                 `arn:${{partition}}:iam::${{account}}:role/<name>`"
            );
            return report.error(path, message);
        }
    };
    if partition != "${partition}" && reach.sample.is_some() && partition != reach.partition() {
        let message = format!(
            "`{template}` is a role of partition {partition}, and the Regions are of {}; write \
             `${{partition}}`",
            reach.partition()
        );
        report.error(path, message);
    }
    if account == "${account}" {
        return;
    }
    let is_account = account.parse::<AccountId>().is_ok();
    let is_another =
        reach.has_accounts() || reach.accounts.iter().any(|target| target.as_str() != account);
    if !is_account || is_another {
        let message = format!(
            "`{template}` is a role of {account}, and AWS logs with none of another account; write \
             `${{account}}` in its place"
        );
        report.error(path, message);
    }
}

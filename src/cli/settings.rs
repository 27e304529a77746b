//! Settings of the installation: flags with `BEDRAIL_*` environment fallbacks, defined once.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::aws;
use crate::model::{ControlLimits, OwnerId, Region};
use crate::plan::Timing;
use crate::reconcile::{EngineSettings, Intent};

/// How logs look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// One readable line each.
    #[default]
    Text,
    /// One JSON object each.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How results look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs; stable.
    Json,
    /// The same document as YAML.
    Yaml,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// Log more; twice for the edge too.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// How logs on stderr look.
    #[arg(long, global = true, value_enum, default_value_t, env = "BEDRAIL_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
    /// When to colour; colour never carries meaning alone.
    #[arg(long, global = true, value_enum, default_value_t, env = "BEDRAIL_COLOR")]
    pub(super) color: Colour,
}

/// Where the manifests are.
#[derive(Clone, Debug, Args)]
pub(super) struct ManifestPaths {
    /// A folder (read recursively, *.yaml and *.yml) or a file; repeatable.
    #[arg(
        short = 'f',
        long = "manifests",
        value_name = "PATH",
        required = true,
        env = "BEDRAIL_MANIFESTS",
        value_delimiter = ':'
    )]
    pub(super) manifests: Vec<PathBuf>,
}

/// Settings of everything that talks to AWS.
#[derive(Clone, Debug, Args)]
pub(super) struct Installation {
    /// Whose objects are ours: the value of the owner tag. One per installation.
    #[arg(long, env = "BEDRAIL_OWNER", default_value = "default")]
    pub(super) owner: OwnerId,
    /// Name of this process in session names and CloudTrail: bedrail-<instance>.
    #[arg(long, env = "BEDRAIL_INSTANCE", default_value = "main")]
    pub(super) instance: String,
    /// Role assumed in every account but the management account.
    #[arg(long, env = "BEDRAIL_MEMBER_ROLE", default_value = "BedrailMember")]
    pub(super) member_role: String,
    /// External id that the member role's trust policy asks for.
    #[arg(long, env = "BEDRAIL_EXTERNAL_ID", hide_env_values = true)]
    pub(super) external_id: Option<String>,
    /// Region of calls that belong to none (STS); default: the AWS environment's.
    #[arg(long, env = "BEDRAIL_HOME_REGION")]
    pub(super) home_region: Option<Region>,
    /// Least distance of two reads that must agree before something is created or removed, or
    /// believed to be finished or gone.
    #[arg(long, env = "BEDRAIL_CONFIRM_AFTER", value_parser = duration, default_value = "5s")]
    pub(super) confirm_after: Duration,
    /// How long something we wrote ourselves is not believed to be absent.
    #[arg(long, env = "BEDRAIL_OWN_WRITE_GRACE", value_parser = duration, default_value = "60s")]
    pub(super) own_write_grace: Duration,
    /// How long after a write its object is read again.
    #[arg(long, env = "BEDRAIL_SETTLE", value_parser = duration, default_value = "1s")]
    pub(super) settle: Duration,
    /// How long what was read may be acted upon; after that it is read again. A process that was
    /// paused must not wake up to an old plan.
    #[arg(long, env = "BEDRAIL_ACT_WITHIN", value_parser = duration, default_value = "60s")]
    pub(super) act_within: Duration,
    /// How long one visit may take, with all its calls and their waits; then it is given up and tried
    /// again later, with twice the time.
    #[arg(long, env = "BEDRAIL_VISIT_DEADLINE", value_parser = duration, default_value = "10m")]
    pub(super) visit_deadline: Duration,
    /// How often what seldom changes, and costs a call for each account or unit, is read again: tags
    /// of accounts that selectors ask for and of guardrails, and units without accounts. 0s: every
    /// time.
    #[arg(long, env = "BEDRAIL_SWEEP", value_parser = duration, default_value = "15m")]
    pub(super) sweep: Duration,
    /// How often a guardrail at rest is read back as a whole, although neither the list nor its
    /// policy shows a change. 0s: every time.
    #[arg(long, env = "BEDRAIL_READ_BACK", value_parser = duration, default_value = "24h")]
    pub(super) read_back: Duration,
    /// Characters that AWS takes in a service control policy; newer quotas admit 10240.
    #[arg(long, env = "BEDRAIL_SCP_SIZE_MAX", default_value_t = ControlLimits::default().size_max)]
    pub(super) scp_size_max: usize,
    /// Service control policies that AWS attaches to one target; newer quotas admit 10.
    #[arg(
        long,
        env = "BEDRAIL_SCP_ATTACHMENTS_MAX",
        default_value_t = ControlLimits::default().attachments_max
    )]
    pub(super) scp_attachments_max: usize,
    /// API calls in flight at once.
    #[arg(long, env = "BEDRAIL_MAX_IN_FLIGHT", default_value_t = 64)]
    pub(super) max_in_flight: usize,
    /// Call rates: AWS's documented ones, or none (for a local endpoint).
    #[arg(long, env = "BEDRAIL_RATES", value_enum, default_value_t)]
    pub(super) rates: Rates,
    /// Deadline of one API call.
    #[arg(long, env = "BEDRAIL_CALL_TIMEOUT", value_parser = duration, default_value = "10s")]
    pub(super) call_timeout: Duration,
}

/// Call rates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Rates {
    /// As AWS documents them, halved on throttle.
    #[default]
    Documented,
    /// No limit but the number in flight.
    Unlimited,
}

impl Installation {
    pub(super) fn aws(&self) -> aws::Settings {
        aws::Settings {
            member_role: self.member_role.clone(),
            external_id: self.external_id.clone(),
            instance: self.instance.clone(),
            application: aws::APPLICATION,
            home_region: self.home_region.clone(),
            attempt_timeout: self.call_timeout,
            operation_timeout: self.call_timeout,
            max_in_flight: self.max_in_flight,
            rates: match self.rates {
                Rates::Documented => aws::Rates::Documented,
                Rates::Unlimited => aws::Rates::Unlimited,
            },
            awaits_roles: false,
        }
    }

    pub(super) fn engine(&self, intent: Intent) -> EngineSettings {
        let confirm_after = match intent {
            // Nothing is written, so nothing needs a second read.
            Intent::Show => Duration::ZERO,
            Intent::Converge => self.confirm_after,
        };
        EngineSettings {
            owner: self.owner.clone(),
            timing: Timing { confirm_after, own_write_grace: self.own_write_grace },
            intent,
            settle: self.settle,
            act_within: self.act_within,
            visit_deadline: self.visit_deadline,
            controls: ControlLimits {
                size_max: self.scp_size_max,
                attachments_max: self.scp_attachments_max,
            },
            sweep: self.sweep,
            read_back: self.read_back,
            repeats_tests: false,
        }
    }
}

/// Parses `90s`, `5m`, `1h30m`, `250ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is not a duration such as 30s, 5m or 250ms"))?;
    Duration::try_from(parsed).map_err(|_| format!("`{text}` is negative"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(duration("1h30m").unwrap(), Duration::from_mins(90));
        assert!(duration("soon").unwrap_err().contains("30s"));
        assert!(duration("-5s").is_err());
    }
}

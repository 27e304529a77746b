//! Who is told what is wrong: settings of the receivers, and `bedrail alerts`.
//!
//! ```text
//!   snapshot ─> firing ─> decide ─> a queue for each receiver ─> webhook, topic
//!               status/alerts, pure   bounded                    tried again with backoff
//! ```

mod outbox;
mod receiver;
mod secret;
mod webhook;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::controller::connect;
use super::exit::Exit;
use super::settings::{Common, Installation, duration};
use crate::model::TopicArn;
use crate::runtime::Clock;
use crate::status::alerts::{AlertKind, AlertPace, AlertStatus, Message};
pub(super) use outbox::{Outbox, Roster};
use receiver::{Channel, Receiver};
use secret::Secret;
use webhook::Webhook;

/// Who is told, and how often.
#[derive(Clone, Debug, Args)]
pub(super) struct AlertArguments {
    /// Post alerts to this address: https, or http on loopback. Repeatable; in the environment
    /// separated by spaces. It is a secret, so better not in a command line that others can list.
    #[arg(
        long = "alert-webhook",
        env = "BEDRAIL_ALERT_WEBHOOK",
        hide_env_values = true,
        value_delimiter = ' ',
        value_name = "URL"
    )]
    webhook: Vec<Secret>,
    /// The same from a file, one address a line; lines that begin with # are left out.
    #[arg(long = "alert-webhook-file", env = "BEDRAIL_ALERT_WEBHOOK_FILE", value_name = "FILE")]
    webhook_file: Option<PathBuf>,
    /// What is posted to webhooks.
    #[arg(long = "alert-format", env = "BEDRAIL_ALERT_FORMAT", value_enum, default_value_t)]
    format: AlertForm,
    /// Publish alerts to this SNS topic, too. Repeatable; in the environment separated by commas.
    #[arg(
        long = "alert-sns",
        env = "BEDRAIL_ALERT_SNS",
        value_delimiter = ',',
        value_name = "ARN"
    )]
    sns: Vec<TopicArn>,
    /// After how long what is still wrong is told again. 0s: never.
    #[arg(long = "alert-repeat", env = "BEDRAIL_ALERT_REPEAT", value_parser = duration, default_value = "4h")]
    repeat: Duration,
    /// The least distance of two alerts of one kind; what happens between them is in the next.
    #[arg(long = "alert-every", env = "BEDRAIL_ALERT_EVERY", value_parser = duration, default_value = "1m")]
    every: Duration,
    /// How long something must fail, or wait for a person, before it is told.
    #[arg(long = "alert-after", env = "BEDRAIL_ALERT_AFTER", value_parser = duration, default_value = "15m")]
    after: Duration,
}

/// What is posted to webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum AlertForm {
    /// A document for programs; stable.
    #[default]
    Json,
    /// `{"text": …}`, as Slack and what understands its webhooks take it.
    Slack,
}

impl AlertArguments {
    /// The receivers that are asked for.
    ///
    /// # Errors
    ///
    /// An address that is none, without a word of it.
    pub(super) fn receivers(&self) -> anyhow::Result<Vec<Receiver>> {
        let mut addresses = self.webhook.clone();
        if let Some(path) = &self.webhook_file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            addresses.extend(lines.map(Secret::new));
        }
        let mut receivers = Vec::new();
        for (index, address) in addresses.iter().enumerate() {
            let number = index + 1;
            let webhook =
                Webhook::new(address, self.format).with_context(|| format!("webhook {number}"))?;
            let name = format!("webhook {number} ({})", webhook.host());
            receivers.push(Receiver { name, channel: Channel::Webhook(Box::new(webhook)) });
        }
        if !self.sns.is_empty() && !cfg!(feature = "sns") {
            anyhow::bail!("this build cannot publish to SNS: build it with `--features sns`");
        }
        for topic in &self.sns {
            let name = format!("topic {topic}");
            receivers.push(Receiver { name, channel: Channel::Topic(topic.clone()) });
        }
        Ok(receivers)
    }

    fn pace(&self) -> AlertPace {
        let signed =
            |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        AlertPace {
            every: signed(self.every),
            repeat: signed(self.repeat),
            after: signed(self.after),
        }
    }
}

/// Flags of `alerts`.
#[derive(Debug, Args)]
#[command(after_help = "`bedrail run` sends them; this tries the way there.

Example:
  bedrail alerts test --alert-webhook-file /etc/bedrail/webhooks")]
pub(super) struct AlertsArguments {
    #[command(subcommand)]
    command: AlertsCommand,
}

#[derive(Debug, Subcommand)]
enum AlertsCommand {
    /// Send one message to every receiver, and say what each answered.
    #[command(
        after_help = "Takes the receivers of `bedrail run`, from the same flags and environment.

Exit codes: 0 every receiver took it; 1 one did not; 2 there is none.

Example:
  bedrail alerts test --alert-webhook-file /etc/bedrail/webhooks"
    )]
    Test {
        #[command(flatten)]
        alerts: AlertArguments,
        #[command(flatten)]
        installation: Box<Installation>,
    },
}

/// Sends a message to everybody who would get one.
pub(super) async fn alerts(common: &Common, arguments: AlertsArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let AlertsCommand::Test { alerts, installation } = arguments.command;
    let receivers = alerts.receivers()?;
    if receivers.is_empty() {
        anstream::eprintln!(
            "error: nobody is told anything: give --alert-webhook, --alert-webhook-file or \
             --alert-sns, or set BEDRAIL_ALERT_WEBHOOK"
        );
        return Ok(Exit::UsageOrChanges);
    }
    let needs_aws = receivers.iter().any(|it| matches!(it.channel, Channel::Topic(_)));
    let aws = if needs_aws { Some(connect(installation.aws()).await?) } else { None };
    let clock = Clock::system();
    let origin = format!("bedrail-{}, owner {}", installation.instance, installation.owner);
    let message = Message {
        status: AlertStatus::Test,
        kind: AlertKind::Unprotected,
        at: clock.wall(),
        count: 0,
        firing: 0,
        subjects: Vec::new(),
    };
    let mut exit = Exit::Done;
    for receiver in receivers {
        match receiver.channel.send(aws.as_ref(), &clock, &message, &origin).await {
            Ok(answer) => anstream::println!("{}: took it ({answer})", receiver.name),
            Err(error) => {
                anstream::println!("{}: did not take it: {error}", receiver.name);
                exit = Exit::Error;
            }
        }
    }
    Ok(exit)
}

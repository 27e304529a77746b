//! Logs, on stderr.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::progress::screen::Stderr;
use super::settings::{Common, LogFormat};

/// Installs the subscriber. `RUST_LOG` wins over `-v`; without either, what is written and what is
/// held is shown and what is unchanged is not.
pub(super) fn install(common: &Common, default: &str) {
    let level = match common.verbose {
        0 => default,
        1 => "bedrail=debug",
        _ => "bedrail=trace,info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let base = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Stderr)
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    // A subscriber that a test or an embedding program installed first stays.
    let installed = match common.log_format {
        LogFormat::Text => base.with_ansi(super::colour::is_for_stderr()).try_init(),
        LogFormat::Json => base.json().flatten_event(true).try_init(),
    };
    if installed.is_err() {
        tracing::debug!("a log subscriber is already installed");
    }
}

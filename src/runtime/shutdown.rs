//! Turns signals into a stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two ways to stop.
///
/// The first SIGTERM or SIGINT asks for a stop in order: no new write, what runs ends and is
/// recorded. The second says that somebody lost patience: leave now. That is safe, because a
/// crash must be safe anyway.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Fires at the first signal.
    pub graceful: CancellationToken,
    /// Fires at the second signal.
    pub at_once: CancellationToken,
}

/// Why signals cannot be received.
#[derive(Debug, thiserror::Error)]
pub enum ShutdownError {
    /// The operating system refused the handler, so only SIGKILL would stop us.
    #[error("failed to listen for {signal}")]
    Listen {
        /// The name of the signal.
        signal: &'static str,
        /// What the system answered.
        source: std::io::Error,
    },
}

impl Shutdown {
    /// Listens for SIGTERM (containers) and SIGINT (terminals) for as long as the runtime
    /// lives. From here on neither ends the process by itself.
    pub fn on_signals() -> Result<Self, ShutdownError> {
        let terminate = listen(SignalKind::terminate(), "SIGTERM")?;
        let interrupt = listen(SignalKind::interrupt(), "SIGINT")?;
        let shutdown = Self::default();
        tokio::spawn(relay(shutdown.clone(), terminate, interrupt));
        Ok(shutdown)
    }

    /// Takes note of one signal.
    pub fn signal(&self) {
        if self.graceful.is_cancelled() {
            self.at_once.cancel();
        } else {
            self.graceful.cancel();
        }
    }
}

fn listen(kind: SignalKind, name: &'static str) -> Result<Signal, ShutdownError> {
    signal(kind).map_err(|source| ShutdownError::Listen { signal: name, source })
}

async fn relay(shutdown: Shutdown, mut terminate: Signal, mut interrupt: Signal) {
    while !shutdown.at_once.is_cancelled() {
        let name = tokio::select! {
            Some(()) = terminate.recv() => "SIGTERM",
            Some(()) = interrupt.recv() => "SIGINT",
            else => return,
        };
        tracing::info!(signal = name, "stopping");
        shutdown.signal();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_signal_asks_and_the_second_insists() {
        let shutdown = Shutdown::default();
        let fired = |it: &Shutdown| (it.graceful.is_cancelled(), it.at_once.is_cancelled());
        assert_eq!(fired(&shutdown), (false, false));
        shutdown.signal();
        assert_eq!(fired(&shutdown), (true, false));
        shutdown.signal();
        assert_eq!(fired(&shutdown), (true, true));
    }

    #[tokio::test]
    async fn real_signals_stop_instead_of_killing() {
        let send = |name: &str| {
            let pid = std::process::id().to_string();
            assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        };
        let deadline = Duration::from_secs(10);
        let shutdown = Shutdown::on_signals().unwrap();

        send("TERM");
        tokio::time::timeout(deadline, shutdown.graceful.cancelled()).await.unwrap();
        assert!(!shutdown.at_once.is_cancelled());

        send("INT");
        tokio::time::timeout(deadline, shutdown.at_once.cancelled()).await.unwrap();
    }
}

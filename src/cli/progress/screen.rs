//! The one stderr that progress, logs and other lines share: what is printed stands above the line
//! that moves, and never within it.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use tracing_subscriber::fmt::MakeWriter;

/// The line that moves, while there is one.
static MOVING: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn moving() -> Option<ProgressBar> {
    MOVING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Puts the line that moves at the bottom.
pub(super) fn begin(bar: ProgressBar) {
    *MOVING.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
}

/// Moves it.
pub(super) fn redraw(done: u64, total: u64, message: String) {
    if let Some(bar) = moving() {
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(message);
        bar.tick();
    }
}

/// Takes it away.
pub(super) fn clear() {
    let bar = MOVING.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

/// Prints a line on stderr.
pub(in crate::cli) fn line(text: &str) {
    above(|| anstream::eprintln!("{text}"));
}

fn above<T>(print: impl FnOnce() -> T) -> T {
    match moving() {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Where logs go.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        above(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

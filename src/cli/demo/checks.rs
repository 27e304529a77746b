//! What the demo promised, and whether it was seen to be true.

/// One promise after the other.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<(String, bool)>);

impl Checks {
    /// Notes a promise and whether it was kept.
    pub(super) fn note(&mut self, promise: impl Into<String>, kept: bool) {
        self.0.push((promise.into(), kept));
    }

    /// Whether there were promises and all were kept.
    pub(super) fn all_true(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(_, kept)| *kept)
    }

    /// Prints them all.
    pub(super) fn print(&self) {
        anstream::println!("\nWhat was seen:");
        for (promise, kept) in &self.0 {
            anstream::println!("  {} {promise}", if *kept { "yes" } else { "NO " });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_that_saw_nothing_or_one_broken_promise_fails() {
        let mut checks = Checks::default();
        assert!(!checks.all_true());
        checks.note("first", true);
        assert!(checks.all_true());
        checks.note("second", false);
        assert!(!checks.all_true());
    }
}

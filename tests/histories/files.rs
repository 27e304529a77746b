//! What a controller is told of its files when they are written, and is not what there is.

use std::time::Duration;

use fastrand::Rng;

use crate::play::Play;
use crate::story::Edit;

/// How news of files go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// The same is told twice.
    Repeated,
    /// A file is read while it is written.
    HalfWritten,
    /// A file is read when it is empty already and not yet written.
    Emptied,
    /// An older text is told after a newer one, and then the newer one.
    Swapped,
    /// A text is edited while nobody is told.
    Unseen,
}

pub(crate) const FILES: [File; 5] =
    [File::Repeated, File::HalfWritten, File::Emptied, File::Swapped, File::Unseen];

fn moment(random: &mut Rng) -> Duration {
    Duration::from_millis(random.u64(..4_000))
}

impl Play {
    /// News of files go wrong.
    pub(crate) async fn file(&mut self, file: File, random: &mut Rng) {
        match file {
            File::Repeated => {
                for _ in 0..2 {
                    self.accept(self.text.clone()).await;
                    self.world.pass(moment(random)).await;
                }
            }
            File::HalfWritten | File::Emptied => {
                let length = self.text.render().chars().count();
                let written = if file == File::Emptied { 0 } else { random.usize(..length) };
                // What cannot be used is not put in force.
                if let (Some(manifests), Some(running)) =
                    (self.text.half_written(written), &self.running)
                {
                    running.controller.accept(manifests.into());
                }
                self.world.pass(moment(random)).await;
                self.accept(self.text.clone()).await;
            }
            File::Swapped => {
                let older = self.text.guardrails[0].now();
                self.edit(Edit::Reword, random).await;
                let newer = self.text.guardrails[0].now();
                for traits in [older, newer] {
                    self.world.pass(moment(random)).await;
                    let mut text = self.text.clone();
                    text.guardrails[0].contents.push(traits);
                    self.accept(text).await;
                }
            }
            File::Unseen => {
                self.running = None;
                self.edit(Edit::Reword, random).await;
                self.bury(random);
                self.world.pass(moment(random)).await;
                self.revive().await;
            }
        }
        self.reach(&format!("news of files: {file:?}"));
    }
}

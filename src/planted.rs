//! Bugs planted on purpose, one for each known way in which controllers of this sort fail, to see
//! that the tests catch them. With feature `planted` alone, which no release has; even then a bug is
//! in force only where a test [`plant`]s it, or the environment names it in `BEDRAIL_PLANTED`.

use std::cell::Cell;

/// Declares the bugs, with what each does.
macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Planted { $($(#[$doc])* $name,)* }

        impl Planted {
            /// Every bug.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

bugs! {
    /// A resource policy that may not be read counts as absent.
    DeniedTakenAsAbsent,
    /// A resource policy whose read fails in any way counts as absent.
    FailureTakenAsAbsent,
    /// A configuration is deleted before another takes its place.
    DeletedBeforePut,
    /// Every request to create something carries another token.
    RandomToken,
    /// DRAFT is published without being read again.
    DraftNotReadBack,
    /// What a version's description says is believed.
    DescriptionBelieved,
    /// Old versions go without a look at who references them.
    ReferencesForgotten,
    /// However much is lost, nobody is asked.
    GuardOff,
    /// A resource policy is replaced, with what others wrote into it.
    ForeignStatementsDropped,
    /// What nobody claims any more is removed, whatever the reason.
    OrphanRemoved,
    /// A reference goes to the oldest version.
    OldestVersion,
    /// Nobody asks whether an account is admitted to a guardrail.
    AdmissionAssumed,
    /// One member of a content does not count.
    FieldForgotten,
    /// A list ends with its first page.
    PageDropped,
    /// What was written a moment ago is believed to be absent.
    GraceIgnored,
    /// One read is enough to create or remove.
    OneReadEnough,
    /// The rest of a plan goes on under a newer text.
    StaleGenerationGoesOn,
    /// A wave opens before the one before it has baked.
    BakeSkipped,
    /// Nothing is looked at again by itself.
    ResyncLost,
    /// A guardrail that somebody renamed is not found.
    RenamedTakenAsAbsent,
}

thread_local! {
    static NOW: Cell<Option<Planted>> = Cell::new(named());
}

fn named() -> Option<Planted> {
    let name = std::env::var("BEDRAIL_PLANTED").ok()?;
    Planted::ALL.iter().copied().find(|it| it.name() == name)
}

/// Puts a bug in force in this thread, or none.
pub fn plant(bug: Option<Planted>) {
    NOW.set(bug);
}

/// Whether the bug is in force in this thread.
pub(crate) fn is(bug: Planted) -> bool {
    NOW.get() == Some(bug)
}

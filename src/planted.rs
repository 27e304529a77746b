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
    /// Every wave is open.
    WaveOpenedEarly,
    /// A reference names the guardrail of whatever Region comes first.
    WrongRegion,
    /// Every account is entered with the caller's own credentials.
    WrongCredentials,
    /// A session is used for ever.
    SessionKept,
    /// DRAFT is published on the first read that shows it as desired.
    SettleSkipped,
    /// A token depends on nothing but the guardrail.
    TokenAcrossRevisions,
    /// A token that names what is gone is sent again.
    TokenUnsalted,
    /// What can be tried again is, at once and for ever.
    BackoffForgotten,
    /// Tags of others are taken off.
    TagsOverwritten,
    /// A resource policy is replaced without being read again.
    LostUpdate,
    /// A policy is attached on the strength of grants that were read a while ago.
    GrantNotReadBack,
    /// A policy is attached on the strength of a version that was READY a while ago.
    VersionNotReadBack,
    /// What takes over is relied upon as soon as it is seen.
    HandOverHurried,
    /// A version is referenced whatever its status.
    FailedTakenAsReady,
    /// A twin stands for a version that could not be read.
    TwinBelieved,
    /// Of an enforced configuration only the version counts.
    SettingsIgnored,
    /// A configuration is put as if the slot were empty.
    ConfigIdForgotten,
    /// A slot is taken over whatever the manifest says.
    OnForeignIgnored,
    /// What carries another owner is ours.
    OwnerIgnored,
    /// Every key says that it is in sync.
    ReadyThoughUnequal,
    /// A closed account is worked in like any other.
    ClosedVisited,
    /// The tree of the organization is read once.
    TreeReadOnce,
    /// A guardrail at rest is believed to be what it was.
    StaleLookBelieved,
    /// A guardrail that is to go is forgotten instead.
    TearDownForgotten,
    /// Of the versions nobody references none is kept.
    PreviousCollected,
    /// A guardrail with all its versions is published all the same.
    QuotaIgnored,
    /// What a policy says of a Region goes with the facts that it was written from.
    BlockDropped,
    /// Policies are written before their type is enabled.
    PolicyTypeAssumed,
    /// A policy of ours shuts our own role out.
    OwnRoleNotExempt,
    /// Nobody looks whether a policy shuts us out.
    LockoutUnchecked,
    /// Policies of others are taken off targets that a manifest only adds to.
    AdditiveTakenAsExclusive,
    /// What was visited so far counts as all there is.
    PassAssumedComplete,
    /// An approval releases whatever is lost.
    AnyApprovalFits,
    /// An approval holds for ever.
    ExpiryIgnored,
    /// Another live controller is not noticed.
    RivalUnseen,
    /// A plan is carried out however old what it was made from.
    OldReadActedUpon,
    /// Who only looks writes.
    PlanWrites,
    /// A write is journaled once it was made.
    JournalAfter,
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

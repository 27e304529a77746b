//! Sessions in member accounts: one AssumeRole per account and hour, shared by all its Regions.
//!
//! ```text
//! enter(cell) ─► session of the account, opened if due ─► call ─► client of the Region
//!                                                          └ SESSION ┄┄┄► signs with it ┘
//! ```
//!
//! A client of the SDK measures 19 KB: one per account and Region would take 330 MB at 17,000
//! cells. So there is one per Region, and the call carries its session to the signer in a task
//! local. A call without one fails; it can never be signed with somebody else's.
//!
//! A session is opened before the call that needs it rather than inside the SDK's signing: there
//! it would take a place in flight while its caller holds one, its wait would count against the
//! caller's timeout, and its error would come out wrapped in the caller's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use super::error::AwsError;
use crate::model::AccountId;

/// How long a session lasts: the longest a chained role may ask for (`aws-facts` 5).
pub(super) const SESSION_SECONDS: i32 = 3600;

/// Every account has a moment of its own in each such time at which its session is replaced, so
/// that a thousand sessions opened together are replaced one after the other. It is five minutes
/// less than a session lasts: no call outlives its credentials.
const RENEWED_EVERY: Duration = Duration::from_mins(55);

/// How long a refusal is believed without asking again: the Regions of one account are visited
/// together, and need not each be refused.
const REFUSED_FOR: Duration = Duration::from_secs(10);

/// The session of one account.
#[derive(Debug)]
pub(super) struct Session {
    /// The account's moment, after each multiple of [`RENEWED_EVERY`].
    moment: Duration,
    credentials: RwLock<Option<(Credentials, SystemTime)>>,
    was_open: AtomicBool,
    refused: Mutex<Option<(SystemTime, AwsError)>>,
    /// Held while a session is opened: whoever waits for it finds it open.
    pub(super) opening: tokio::sync::Mutex<()>,
}

impl Session {
    fn new(account: &AccountId) -> Self {
        let number: u64 = account.as_str().parse().unwrap_or_default();
        // The golden ratio spreads neighbouring numbers, and any others, evenly.
        let share = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let moment = (u128::from(share) * RENEWED_EVERY.as_nanos()) >> 64;
        let moment = Duration::from_nanos_u128(moment);
        Self {
            moment,
            credentials: RwLock::default(),
            was_open: AtomicBool::default(),
            refused: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Whether calls can be made without opening another.
    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        let opened = self.credentials.read().unwrap_or_else(PoisonError::into_inner);
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::SessionKept) {
            return opened.is_some();
        }
        let opened = opened.as_ref().map(|(_, opened)| *opened);
        opened.is_some_and(|opened| self.turn(opened) == self.turn(now)) && self.is_open(now)
    }

    /// How often the account's moment has come since 1970.
    fn turn(&self, time: SystemTime) -> u128 {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (since + RENEWED_EVERY.saturating_sub(self.moment)).as_nanos() / RENEWED_EVERY.as_nanos()
    }

    /// Whether the credentials still work, though another session is due.
    pub(super) fn is_open(&self, now: SystemTime) -> bool {
        self.lasts_until(now)
    }

    /// Puts the credentials of a new session in place.
    pub(super) fn open(&self, credentials: Credentials, now: SystemTime) {
        let mut open = self.credentials.write().unwrap_or_else(PoisonError::into_inner);
        *open = Some((credentials, now));
        self.was_open.store(true, Ordering::Relaxed);
    }

    /// Whether there ever was a session since the start.
    pub(super) fn was_open(&self) -> bool {
        self.was_open.load(Ordering::Relaxed)
    }

    /// Remembers that no session was given.
    pub(super) fn refuse(&self, now: SystemTime, error: AwsError) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, error));
    }

    /// The refusal of a moment ago, if there is one.
    pub(super) fn refused(&self, now: SystemTime) -> Option<AwsError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, error) = refused.as_ref()?;
        now.duration_since(*at).is_ok_and(|age| age < REFUSED_FOR).then(|| error.clone())
    }

    /// Drops a session AWS no longer accepts; the next call opens another.
    pub(super) fn close(&self) {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::SessionKept) {
            return;
        }
        *self.credentials.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn lasts_until(&self, time: SystemTime) -> bool {
        self.current().and_then(|it| it.expiry()).is_some_and(|expiry| expiry > time)
    }

    fn current(&self) -> Option<Credentials> {
        let open = self.credentials.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|(credentials, _)| credentials.clone())
    }
}

tokio::task_local! {
    static SESSION: Arc<Session>;
}

/// Runs a call of the SDK in a session.
pub(super) async fn within<F: Future>(session: Arc<Session>, call: F) -> F::Output {
    SESSION.scope(session, call).await
}

/// The credentials of the session the call runs in.
#[derive(Debug)]
pub(super) struct OfTheCall;

impl ProvideCredentials for OfTheCall {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let credentials = SESSION.try_with(|session| session.current()).ok().flatten();
        future::ProvideCredentials::ready(
            credentials.ok_or_else(|| CredentialsError::unhandled("no session is open")),
        )
    }
}

/// A role of an account; `None` is the member role.
type RoleKey = (AccountId, Option<Box<str>>);

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<RoleKey, Arc<Session>>>);

impl Sessions {
    /// The session of a role in an account, open or not.
    pub(super) fn of(&self, account: &AccountId, role: Option<&str>) -> Arc<Session> {
        let key = (account.clone(), role.map(Into::into));
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(key).or_insert_with(|| Arc::new(Session::new(account))))
    }
}

/// What STS issued, if it can be used.
pub(super) fn credentials(issued: Option<aws_sdk_sts::types::Credentials>) -> Option<Credentials> {
    let issued = issued?;
    let expiry = SystemTime::try_from(issued.expiration).ok()?;
    Some(Credentials::new(
        issued.access_key_id,
        issued.secret_access_key,
        Some(issued.session_token),
        Some(expiry),
        "bedrail",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::error::ErrorClass;
    use super::*;

    #[test]
    fn a_session_is_replaced_at_the_accounts_moment_and_used_until_it_ends() {
        let session = Session::new(&"000000000120".parse().unwrap());
        let start = SystemTime::UNIX_EPOCH + RENEWED_EVERY * 1000 + session.moment;
        assert!(!session.is_open(start));
        let end = start + Duration::from_hours(1);
        session.open(Credentials::new("id", "secret", None, Some(end), "test"), start);
        let minutes = |minutes: u64| start + Duration::from_mins(minutes);
        assert!(session.is_fresh(minutes(54)));
        assert!(!session.is_fresh(minutes(55)));
        assert!(session.is_open(minutes(59)));
        assert!(!session.is_open(minutes(60)));
        session.close();
        assert!(!session.is_open(start));
    }

    #[test]
    fn a_thousand_accounts_have_their_moments_at_a_steady_rate() {
        let mut per_minute = [0; 55];
        for number in 0..1000 {
            let account: AccountId =
                format!("{:012}", 200_000_000_000_u64 + number).parse().unwrap();
            let minute = Session::new(&account).moment.as_secs() / 60;
            per_minute[usize::try_from(minute).unwrap()] += 1;
        }
        assert!(per_minute.iter().all(|count| (9..=27).contains(count)), "{per_minute:?}");
    }

    #[test]
    fn a_refusal_is_believed_for_a_moment_only() {
        let session = Session::new(&"111122223333".parse().unwrap());
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        assert_eq!(session.refused(now), None);
        let error = AwsError::ours(ErrorClass::Denied, "sts:AssumeRole", "no");
        session.refuse(now, error.clone());
        assert_eq!(session.refused(now + REFUSED_FOR / 2), Some(error));
        assert_eq!(session.refused(now + REFUSED_FOR), None);
        assert_eq!(
            session.refused(now - Duration::from_secs(1)),
            None,
            "a clock that was set back"
        );
    }

    #[test]
    fn the_regions_of_an_account_share_its_session() {
        let sessions = Sessions::default();
        let account: AccountId = "111122223333".parse().unwrap();
        let member = sessions.of(&account, None);
        assert!(Arc::ptr_eq(&member, &sessions.of(&account, None)));
        assert!(!Arc::ptr_eq(&member, &sessions.of(&account, Some("Application"))));
    }
}

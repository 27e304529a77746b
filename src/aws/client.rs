//! The handle to AWS: one connection pool, one client per Region, every call through one place.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::sdk_config::SharedTimeSource;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::SaysSomething;
use super::circuit::{Circuits, Unanswering};
use super::clients::{Clients, Whose};
use super::configuration::as_ours;
use super::error::{AwsError, ErrorClass};
use super::limiter::{Lane, Limiter, patient};
use super::looks::Looks;
use super::operation::{ASSUME_ROLE, GET_CALLER_IDENTITY, Operation};
use super::partition::organizations_region;
use super::session::{SESSION_SECONDS, Session, Sessions, credentials, within};
use super::settings::Settings;
use super::their_clock::TheirClock;
use super::transport::{Trust, http_client};
use super::versions::VersionContents;
use crate::model::{AccountId, Cell, OrganizationId, Region, RootId};

/// The Region of the caller's own calls where neither settings nor environment name one.
const HOME_REGION_DEFAULT: &str = "us-east-1";

/// The caller's own credentials are replaced this long before they end.
const CREDENTIALS_BUFFER: Duration = Duration::from_mins(5);

/// Who we are, as STS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The caller's account.
    pub account: AccountId,
    /// The caller's role session or user.
    pub arn: String,
    /// `aws`, `aws-us-gov`, …
    pub partition: String,
}

/// AWS, as one installation sees it. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    settings: Settings,
    sdk: SdkConfig,
    clock: SharedTimeSource,
    their_clock: TheirClock,
    caller: CallerIdentity,
    home: Cell,
    limiter: Limiter,
    circuits: Circuits,
    sessions: Sessions,
    sts: aws_sdk_sts::Client,
    organizations: aws_sdk_organizations::Client,
    clients: Clients,
    versions: VersionContents,
    looks: Looks,
    /// What never changes while a process lives, read once: it is asked for at every visit, and
    /// AWS admits one such call a second.
    anatomy: OnceCell<Anatomy>,
    /// Once it fires, no write is sent.
    stop: OnceLock<CancellationToken>,
}

/// The identity of the organization.
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    pub(super) organization: OrganizationId,
    pub(super) management: AccountId,
    pub(super) root: RootId,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("caller", &self.0.caller)
            .field("home", &self.0.home)
            .finish_non_exhaustive()
    }
}

/// A cell that calls can be made in.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Where.
    pub(super) cell: Cell,
    /// `None` for the caller's own credentials.
    session: Option<Arc<Session>>,
}

impl Place {
    pub(super) fn whose(&self) -> Whose {
        if self.session.is_some() { Whose::Member } else { Whose::Own }
    }
}

impl Aws {
    /// Connects as the standard AWS environment says, and asks STS who we are.
    ///
    /// Honours the default credential chain, `AWS_REGION`, `AWS_ENDPOINT_URL*` and proxies;
    /// ignores `AWS_BEARER_TOKEN_BEDROCK`.
    pub async fn connect(settings: Settings) -> Result<Self, AwsError> {
        let trust = Trust::of_environment()?;
        let home = settings.home_region.as_ref().map(sdk_region);
        let region =
            RegionProviderChain::first_try(home).or_default_provider().or_else(HOME_REGION_DEFAULT);
        let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(region)
            .http_client(http_client(trust))
            .identity_cache(
                IdentityCache::lazy()
                    .buffer_time(CREDENTIALS_BUFFER)
                    .load_timeout(settings.attempt_timeout)
                    .build(),
            )
            .load()
            .await;
        Self::connect_through(settings, sdk).await
    }

    /// Connects to a simulated AWS at `endpoint`, by plain HTTP, which believes every access key, whatever the
    /// environment says.
    pub async fn connect_local(settings: Settings, endpoint: &str) -> Result<Self, AwsError> {
        let credentials = Credentials::new("simulated", "simulated", None, None, "simulated");
        let region = settings.home_region.as_ref().map_or(HOME_REGION_DEFAULT, Region::as_str);
        let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new(region.to_owned()))
            .endpoint_url(endpoint)
            .credentials_provider(credentials)
            .http_client(http_client(Trust::Nobody))
            .load()
            .await;
        Self::connect_through(settings, sdk).await
    }

    /// Connects through a configuration made elsewhere: its HTTP client, clock, credentials and
    /// endpoints are used as they are. For simulations in one process.
    pub async fn connect_through(settings: Settings, sdk: SdkConfig) -> Result<Self, AwsError> {
        let sdk = as_ours(&settings, &sdk);
        let region = sdk.region().map_or(HOME_REGION_DEFAULT, |region| region.as_ref());
        let region: Region = region.parse().map_err(|error| {
            let message = format!("{error}: check AWS_REGION");
            AwsError::ours(ErrorClass::Invalid, GET_CALLER_IDENTITY.name, message)
        })?;
        let limiter = Limiter::new(settings.rates, settings.max_in_flight);
        let sts = aws_sdk_sts::Client::new(&sdk);
        let caller = identify(&limiter, &sts, &region).await?;
        let of_organizations = organizations_region(&caller.partition, &region);
        let their_clock = TheirClock::starting();
        let organizations = aws_sdk_organizations::config::Builder::from(&sdk)
            .region(aws_config::Region::new(of_organizations))
            .interceptor(SaysSomething)
            .interceptor(their_clock.clone())
            .build();
        Ok(Self(Arc::new(Inner {
            home: Cell { account: caller.account.clone(), region },
            organizations: aws_sdk_organizations::Client::from_conf(organizations),
            clock: sdk.time_source().unwrap_or_default(),
            their_clock,
            settings,
            sdk,
            caller,
            limiter,
            circuits: Circuits::default(),
            sessions: Sessions::default(),
            sts,
            clients: Clients::default(),
            versions: VersionContents::default(),
            looks: Looks::new(Instant::now()),
            anatomy: OnceCell::new(),
            stop: OnceLock::new(),
        })))
    }

    /// Refuses to send a write once `stop` has fired, however long it has waited for its turn. Only
    /// the first token counts.
    pub fn send_no_write_after(&self, stop: CancellationToken) {
        self.0.stop.get_or_init(|| stop);
    }

    /// Who we are.
    pub fn caller(&self) -> &CallerIdentity {
        &self.0.caller
    }

    /// The name of our sessions: `bedrail-<instance>`.
    pub fn session_name(&self) -> String {
        self.0.settings.session_name()
    }

    /// Whether `arn` is a session of ours in some member account: by its name, which no other
    /// installation should have.
    pub fn is_session(&self, arn: &str) -> bool {
        let name = arn.rsplit_once('/').map(|(_, name)| name);
        name == Some(self.0.settings.session_name().as_str())
    }

    /// The Region of the caller's own calls.
    pub fn home_region(&self) -> &Region {
        &self.0.home.region
    }

    /// The role assumed in every account but the management account: its name, with its path if it has one.
    pub fn member_role(&self) -> &str {
        self.0.settings.member_role.trim_start_matches('/')
    }

    /// The role assumed in `account`.
    pub fn member_role_arn(&self, account: &AccountId) -> String {
        self.role_arn(account, &self.0.settings.member_role)
    }

    /// The ARN of a role of `account`.
    pub fn role_arn(&self, account: &AccountId, role: &str) -> String {
        let role = role.trim_start_matches('/');
        format!("arn:{}:iam::{account}:role/{role}", self.0.caller.partition)
    }

    /// Calls sent since the start, by operation (`bedrock:GetGuardrail`), failed ones included.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.0.limiter.calls()
    }

    /// Calls answered by a throttle since the start, by operation.
    pub fn throttles(&self) -> BTreeMap<String, u64> {
        self.0.limiter.throttles()
    }

    /// What has not answered for a while: calls to it are not sent, but for one now and then.
    pub fn unanswering(&self) -> Unanswering {
        self.0.circuits.open()
    }

    pub(super) fn anatomy(&self) -> &OnceCell<Anatomy> {
        &self.0.anatomy
    }

    /// The configuration that clients are built from.
    pub(super) fn sdk(&self) -> &SdkConfig {
        &self.0.sdk
    }

    pub(super) fn versions(&self) -> &VersionContents {
        &self.0.versions
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.0.looks
    }

    pub(super) fn clients(&self) -> &Clients {
        &self.0.clients
    }

    pub(super) fn their_clock(&self) -> &TheirClock {
        &self.0.their_clock
    }

    pub(super) fn sts(&self) -> &aws_sdk_sts::Client {
        &self.0.sts
    }

    pub(super) fn organizations(&self) -> &aws_sdk_organizations::Client {
        &self.0.organizations
    }

    /// The caller's own account in the home Region: where Organizations is called from.
    pub(super) fn home(&self) -> Place {
        Place { cell: self.0.home.clone(), session: None }
    }

    /// Whether an account is entered with the caller's own credentials: the caller's own, if it is
    /// the management account.
    ///
    /// A delegated administrator's account is entered through the member role like any other: service
    /// control policies bind it, and what keeps our role out of them names the member role.
    pub fn enters_as_itself(&self, account: &AccountId) -> bool {
        let is_bound = |anatomy: &Anatomy| anatomy.management != *account;
        *account == self.0.caller.account && !self.0.anatomy.get().is_some_and(is_bound)
    }

    /// Makes a cell ready for calls: opens a session in its account where one is due.
    pub(super) async fn enter(&self, cell: &Cell) -> Result<Place, AwsError> {
        self.enter_as(cell, None).await
    }

    /// The same as another role of the account than the member role. A role of the caller's own
    /// account is assumed too.
    pub(super) async fn enter_as(
        &self,
        cell: &Cell,
        role: Option<&str>,
    ) -> Result<Place, AwsError> {
        if role.is_none() && self.enters_as_itself(&cell.account) {
            return Ok(Place { cell: cell.clone(), session: None });
        }
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::WrongCredentials) {
            return Ok(Place { cell: cell.clone(), session: None });
        }
        let session = self.0.sessions.of(&cell.account, role);
        if !session.is_fresh(self.now()) {
            let opening = session.opening.lock().await;
            if let Some(refused) = session.refused(self.now()) {
                return Err(refused);
            }
            if !session.is_fresh(self.now()) {
                self.open(&session, &cell.account, role).await?;
            }
            drop(opening);
        }
        Ok(Place { cell: cell.clone(), session: Some(session) })
    }

    /// Makes one call: waits for its turn, counts it, translates its error. Every call of this
    /// room goes through here, once.
    pub(super) fn call<'a, T, E, F>(
        &'a self,
        operation: Operation,
        place: &'a Place,
        send: F,
    ) -> impl Future<Output = Result<T, AwsError>> + use<'a, T, E, F>
    where
        E: ProvideErrorMetadata + StdError + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        // Eight kilobytes each, and there would be a copy in every future around it.
        let send = Box::pin(send);
        async move {
            let lane = Lane::of(operation, &place.cell);
            self.is_worth_trying(operation, place)?;
            let in_flight = self.0.limiter.admit(operation, &lane).await;
            if operation.is_write() && self.is_stopping() {
                let message = "not sent: the process is stopping";
                let error = AwsError::ours(ErrorClass::Unavailable, operation.name, message);
                return Err(error.at(&place.cell));
            }
            let result = match &place.session {
                Some(session) => patient(within(Arc::clone(session), send), in_flight).await,
                None => patient(send, in_flight).await,
            };
            match result {
                Ok(output) => {
                    self.0.limiter.succeeded(operation, &lane, Instant::now());
                    if operation.is_regional() {
                        self.0.circuits.answered(&place.cell);
                    }
                    Ok(output)
                }
                Err(error) => {
                    let region = &place.cell.region;
                    let error = AwsError::from_sdk(operation.name, region, &error).at(&place.cell);
                    self.learn_from(&error, operation, &lane, place);
                    Err(error)
                }
            }
        }
    }

    /// Refuses a call to a Region that has not answered for a while, but for one now and then.
    fn is_worth_trying(&self, operation: Operation, place: &Place) -> Result<(), AwsError> {
        if !operation.is_regional() {
            return Ok(());
        }
        self.0.circuits.admit(&place.cell, Instant::now()).map_err(|silent| {
            let message = silent.describe(&place.cell);
            AwsError::ours(ErrorClass::Unavailable, operation.name, message).at(&place.cell)
        })
    }

    /// How long a visit to `cell` would have to wait for its first call, because the account was
    /// throttled; zero where it was not.
    pub fn wait(&self, cell: &Cell) -> Duration {
        self.0.limiter.wait(cell, Instant::now())
    }

    /// Reads the events of an answer that has begun, within the time one call may take. They no
    /// longer count as a call in flight.
    pub(super) async fn streamed<E, R>(
        &self,
        operation: Operation,
        cell: &Cell,
        reading: impl Future<Output = Result<(), SdkError<E, R>>>,
    ) -> Result<(), AwsError>
    where
        E: ProvideErrorMetadata + StdError + 'static,
        R: fmt::Debug + 'static,
    {
        match tokio::time::timeout(self.0.settings.operation_timeout, reading).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                Err(AwsError::from_stream(operation.name, &cell.region, &error).at(cell))
            }
            Err(_) => {
                let message = "the answer did not end within the time allowed";
                Err(AwsError::ours(ErrorClass::Unavailable, operation.name, message).at(cell))
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.0.stop.get().is_some_and(CancellationToken::is_cancelled)
    }

    fn learn_from(&self, error: &AwsError, operation: Operation, lane: &Lane, place: &Place) {
        tracing::debug!(operation = operation.name, cell = %place.cell, %error, "call failed");
        if operation.is_regional() {
            match error.class {
                ErrorClass::Unavailable => {
                    self.0.circuits.unanswered(&place.cell, Instant::now());
                }
                ErrorClass::Throttled
                | ErrorClass::Conflict
                | ErrorClass::Denied
                | ErrorClass::NotFound
                | ErrorClass::Invalid
                | ErrorClass::Quota
                | ErrorClass::InUse
                | ErrorClass::RegionUnavailable
                | ErrorClass::NotAssumable
                | ErrorClass::Expired
                | ErrorClass::Unknown => self.0.circuits.answered(&place.cell),
            }
        }
        if error.class == ErrorClass::Throttled {
            self.0.limiter.throttled(operation, lane, Instant::now());
        }
        if let (ErrorClass::Expired, Some(session)) = (error.class, &place.session) {
            session.close();
        }
    }

    async fn open(
        &self,
        session: &Session,
        account: &AccountId,
        role: Option<&str>,
    ) -> Result<(), AwsError> {
        // The external id is agreed with the member role alone.
        let (role, external_id) = match role {
            Some(role) => (role, None),
            None => (self.0.settings.member_role.as_str(), self.0.settings.external_id.clone()),
        };
        let request = self
            .0
            .sts
            .assume_role()
            .role_arn(self.role_arn(account, role))
            .role_session_name(self.0.settings.session_name())
            .set_external_id(external_id)
            .duration_seconds(SESSION_SECONDS);
        match self.call(ASSUME_ROLE, &self.home(), request.send()).await {
            Ok(output) => {
                let issued = credentials(output.credentials).ok_or_else(|| {
                    let message = "STS answered without usable credentials";
                    AwsError::ours(ErrorClass::Unknown, ASSUME_ROLE.name, message)
                })?;
                session.open(issued, self.now());
                Ok(())
            }
            // The session that is due for replacement still works: nothing is lost yet.
            Err(error) if error.class.is_transient() && session.is_open(self.now()) => Ok(()),
            Err(error) => {
                let mut error = self.not_assumed(account, role, error);
                let Settings { member_role, awaits_roles, .. } = &self.0.settings;
                let is_members = *awaits_roles && role == member_role;
                if error.class == ErrorClass::Denied && is_members && !session.was_open() {
                    error.class = ErrorClass::NotAssumable;
                }
                if !error.class.is_transient() {
                    session.refuse(self.now(), error.clone());
                }
                Err(error)
            }
        }
    }

    /// Says which role, and what to check.
    fn not_assumed(&self, account: &AccountId, role: &str, mut error: AwsError) -> AwsError {
        error.account = Some(account.clone());
        // It fails for all Regions of the account, and in none of them.
        error.region = None;
        if error.class == ErrorClass::Denied && error.code.is_some() {
            let external_id = match self.0.settings.external_id {
                Some(_) => "asks for another external id than ours",
                None => "asks for an external id, and none is set",
            };
            error.message = format!(
                "the role `{role}` could not be assumed by `{caller}`: check that it exists, that \
                 its trust policy admits the caller, whether it {external_id}, and that no \
                 service control policy denies sts:AssumeRole",
                role = self.role_arn(account, role),
                caller = self.0.caller.arn,
            )
            .into();
        }
        error
    }

    pub(super) fn now(&self) -> SystemTime {
        self.0.clock.now()
    }
}

async fn identify(
    limiter: &Limiter,
    sts: &aws_sdk_sts::Client,
    region: &Region,
) -> Result<CallerIdentity, AwsError> {
    let name = GET_CALLER_IDENTITY.name;
    let in_flight = limiter.admit(GET_CALLER_IDENTITY, &Lane::Operation(name)).await;
    let answer = sts.get_caller_identity().send().await;
    drop(in_flight);
    let answer = answer.map_err(|error| AwsError::from_sdk(name, region, &error))?;
    let parse = || {
        let arn = answer.arn?;
        let partition = arn.split(':').nth(1).filter(|it| !it.is_empty())?.to_owned();
        Some(CallerIdentity { account: answer.account?.parse().ok()?, partition, arn })
    };
    parse().ok_or_else(|| {
        AwsError::ours(ErrorClass::Unknown, name, "STS answered without an account and an ARN")
    })
}

pub(super) fn sdk_region(region: &Region) -> aws_config::Region {
    aws_config::Region::new(region.as_str().to_owned())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

//! Reads the organization's tree: units, accounts, and their tags when selectors need them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::types::{
    Account as SdkAccount, AccountState as AccountStateText, AccountStatus, OrganizationalUnit,
    PolicyType, PolicyTypeStatus as SdkTypeStatus, PolicyTypeSummary, Root,
};
use tokio::task::JoinSet;

use super::client::{Anatomy, Aws};
use super::error::{AwsError, ErrorClass};
use super::operation::{
    DESCRIBE_ORGANIZATION, LIST_ACCOUNTS, LIST_ACCOUNTS_FOR_PARENT, LIST_ORGANIZATION_TAGS,
    LIST_PARENTS, LIST_ROOTS, LIST_UNITS, Operation,
};
use super::pages;
use crate::model::{
    Account, AccountId, AccountState, Fleet, OrganizationId, PolicyTypeStatus, RootId, TargetId,
    Unit, UnitId,
};

impl Aws {
    /// Reads the whole organization, completely or not at all.
    ///
    /// With `want_tags`, the tags of every ACTIVE account are read, one call each; an account whose
    /// tags cannot be read has none known (`tags: None`), which is not the same as no tags.
    pub async fn fleet(&self, want_tags: bool) -> Result<Fleet, AwsError> {
        let mut fleet = self.tree(None).await?;
        if want_tags {
            let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
            let active: Vec<AccountId> = active.map(|it| it.id.clone()).collect();
            for (id, tags) in self.account_tags(active).await {
                if let Some(account) = fleet.accounts.get_mut(&id) {
                    account.tags = Some(tags);
                }
            }
        }
        Ok(fleet)
    }

    /// Reads accounts and units, without tags.
    ///
    /// Accounts come from ListAccounts with their paths; where AWS sends none, from a walk of the
    /// tree. Units come from a walk too, one call for each; where every path of an account runs
    /// through units that `known` has, those are taken instead. A unit that got another name or has
    /// no account in it shows only in a walk.
    pub async fn tree(&self, known: Option<&Fleet>) -> Result<Fleet, AwsError> {
        let Anatomy { organization, management, root } = self.identity().await?;
        let listed = self.list_accounts().await?;
        let known = known.map(|fleet| &fleet.units);
        let units = match known.filter(|units| are_known(&listed, &root, units)) {
            Some(units) => units.clone(),
            None => self.units(&root).await?,
        };
        let accounts = self.placed(listed, &root, &units).await?;
        let partition = self.caller().partition.clone();
        Ok(Fleet { partition, organization, management, root, units, accounts })
    }

    /// The tags of these accounts, one call each; those that cannot be read are left out.
    pub async fn account_tags(
        &self,
        accounts: Vec<AccountId>,
    ) -> BTreeMap<AccountId, BTreeMap<String, String>> {
        let mut reading = JoinSet::new();
        for id in accounts {
            let aws = self.clone();
            reading.spawn(async move {
                let tags = aws.organization_tags(id.as_str()).await;
                (id, tags)
            });
        }
        let mut read = BTreeMap::new();
        for (id, tags) in reading.join_all().await {
            match tags {
                Ok(tags) => {
                    read.insert(id, tags);
                }
                Err(error) => tracing::warn!(account = %id, %error, "account tags are unknown"),
            }
        }
        read
    }

    /// Which organization this is; read once.
    pub(super) async fn identity(&self) -> Result<Anatomy, AwsError> {
        let read = async || {
            let (organization, management) = self.describe_organization().await?;
            let (root, _) = self.root().await?;
            Ok(Anatomy { organization, management, root })
        };
        self.anatomy().get_or_try_init(read).await.cloned()
    }

    async fn describe_organization(&self) -> Result<(OrganizationId, AccountId), AwsError> {
        let request = self.organizations().describe_organization();
        let output = self.call(DESCRIBE_ORGANIZATION, &self.home(), request.send()).await?;
        let parse = || {
            let organization = output.organization?;
            Some((organization.id?.parse().ok()?, organization.master_account_id?.parse().ok()?))
        };
        parse().ok_or_else(|| {
            not_understood(DESCRIBE_ORGANIZATION, "the organization has no usable id or owner")
        })
    }

    /// The one root, and whether Bedrock policies are enabled on it.
    pub(super) async fn root(&self) -> Result<(RootId, PolicyTypeStatus), AwsError> {
        self.root_with(&PolicyType::BedrockPolicy).await
    }

    /// The one root, and whether policies of this type are enabled on it.
    pub(super) async fn root_with(
        &self,
        kind: &PolicyType,
    ) -> Result<(RootId, PolicyTypeStatus), AwsError> {
        let home = self.home();
        let roots = pages::all(LIST_ROOTS, |next| {
            let request = self.organizations().list_roots().set_next_token(next);
            let sent = self.call(LIST_ROOTS, &home, request.send());
            async { sent.await.map(|page| (page.roots, page.next_token)) }
        })
        .await?;
        let [root] = roots.as_slice() else {
            let message = format!("expected one root, AWS listed {}", roots.len());
            return Err(not_understood(LIST_ROOTS, message));
        };
        let id = root.id().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| not_understood(LIST_ROOTS, "the root has no usable id"))?;
        // Taken for none enabled, it would be read as: nothing that a policy says is in effect.
        let types = root.policy_types.as_ref();
        let is_whole = |it: &PolicyTypeSummary| it.r#type().is_some() && it.status().is_some();
        if !types.is_some_and(|types| types.iter().all(is_whole)) {
            return Err(not_understood(LIST_ROOTS, "the root came without its policy types"));
        }
        Ok((id, status(root, kind)))
    }

    /// Level by level; the units of a level are asked for together.
    async fn units(&self, root: &RootId) -> Result<BTreeMap<UnitId, Unit>, AwsError> {
        let mut units = BTreeMap::new();
        let mut level = vec![TargetId::Root(root.clone())];
        while !level.is_empty() {
            let mut listing = JoinSet::new();
            for parent in std::mem::take(&mut level) {
                let aws = self.clone();
                listing.spawn(async move { aws.units_below(parent).await });
            }
            for listed in listing.join_all().await {
                for unit in listed? {
                    let id = unit.id.clone();
                    // A unit that moves while we walk is met once.
                    if units.insert(id.clone(), unit).is_none() {
                        level.push(TargetId::Unit(id));
                    }
                }
            }
        }
        Ok(units)
    }

    async fn units_below(&self, parent: TargetId) -> Result<Vec<Unit>, AwsError> {
        let home = self.home();
        let listed = pages::all(LIST_UNITS, |next| {
            let request = self
                .organizations()
                .list_organizational_units_for_parent()
                .parent_id(parent.as_str())
                .set_next_token(next);
            let sent = self.call(LIST_UNITS, &home, request.send());
            async { sent.await.map(|page| (page.organizational_units, page.next_token)) }
        })
        .await?;
        listed.into_iter().map(|unit| self::unit(unit, &parent)).collect()
    }

    async fn list_accounts(&self) -> Result<Vec<SdkAccount>, AwsError> {
        let home = self.home();
        pages::all(LIST_ACCOUNTS, |next| {
            let request = self.organizations().list_accounts().set_next_token(next);
            let sent = self.call(LIST_ACCOUNTS, &home, request.send());
            async { sent.await.map(|page| (page.accounts, page.next_token)) }
        })
        .await
    }

    async fn placed(
        &self,
        listed: Vec<SdkAccount>,
        root: &RootId,
        units: &BTreeMap<UnitId, Unit>,
    ) -> Result<BTreeMap<AccountId, Account>, AwsError> {
        let walked = if listed.iter().all(|account| parent_in_path(account).is_some()) {
            BTreeMap::new()
        } else {
            self.parents(root, units).await?
        };
        let mut accounts = BTreeMap::new();
        for listed in listed {
            let account = account(listed, &walked)?;
            if !is_in_tree(&account.parent, root, units) {
                let message = format!("account {} moved while the tree was read", account.id);
                return Err(AwsError::ours(ErrorClass::Conflict, LIST_ACCOUNTS.name, message));
            }
            accounts.insert(account.id.clone(), account);
        }
        Ok(accounts)
    }

    /// The unit or root that an account stands in: it always has one (`aws-facts` 4.3).
    pub async fn parent_of(&self, account: &AccountId) -> Result<TargetId, AwsError> {
        let home = self.home();
        let listed = pages::all(LIST_PARENTS, |next| {
            let request = self.organizations().list_parents();
            let request = request.child_id(account.as_str()).set_next_token(next);
            let sent = self.call(LIST_PARENTS, &home, request.send());
            async { sent.await.map(|page| (page.parents, page.next_token)) }
        })
        .await?;
        let id = listed.first().and_then(|parent| parent.id()?.parse().ok());
        id.ok_or_else(|| not_understood(LIST_PARENTS, "an account has no usable parent"))
    }

    /// Who stands in which unit, asked unit by unit.
    async fn parents(
        &self,
        root: &RootId,
        units: &BTreeMap<UnitId, Unit>,
    ) -> Result<BTreeMap<AccountId, TargetId>, AwsError> {
        let below_root = std::iter::once(TargetId::Root(root.clone()));
        let mut listing = JoinSet::new();
        for parent in below_root.chain(units.keys().cloned().map(TargetId::Unit)) {
            let aws = self.clone();
            listing.spawn(async move { aws.accounts_below(parent).await });
        }
        let mut parents = BTreeMap::new();
        for listed in listing.join_all().await {
            parents.extend(listed?);
        }
        Ok(parents)
    }

    async fn accounts_below(
        &self,
        parent: TargetId,
    ) -> Result<Vec<(AccountId, TargetId)>, AwsError> {
        let home = self.home();
        let listed = pages::all(LIST_ACCOUNTS_FOR_PARENT, |next| {
            let request = self
                .organizations()
                .list_accounts_for_parent()
                .parent_id(parent.as_str())
                .set_next_token(next);
            let sent = self.call(LIST_ACCOUNTS_FOR_PARENT, &home, request.send());
            async { sent.await.map(|page| (page.accounts, page.next_token)) }
        })
        .await?;
        listed.into_iter().map(|account| Ok((account_id(&account)?, parent.clone()))).collect()
    }

    /// Tags of an account or a policy.
    pub(super) async fn organization_tags(
        &self,
        resource: &str,
    ) -> Result<BTreeMap<String, String>, AwsError> {
        let home = self.home();
        let tags = pages::all(LIST_ORGANIZATION_TAGS, |next| {
            let request = self
                .organizations()
                .list_tags_for_resource()
                .resource_id(resource)
                .set_next_token(next);
            let sent = self.call(LIST_ORGANIZATION_TAGS, &home, request.send());
            async { sent.await.map(|page| (page.tags, page.next_token)) }
        })
        .await?;
        let tags = tags.into_iter().map(|tag| (tag.key, tag.value));
        named(tags.collect()).ok_or_else(|| {
            not_understood(LIST_ORGANIZATION_TAGS, format!("a tag of {resource} has no key"))
        })
    }
}

/// The tags, if each has a key: the SDK fills in an empty one where AWS sent none, and an owner that
/// is not seen would invite adoption.
pub(super) fn named(tags: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!tags.contains_key("")).then_some(tags)
}

/// An answer that lacks what every such answer has.
pub(super) fn not_understood(operation: Operation, message: impl Into<String>) -> AwsError {
    AwsError::ours(ErrorClass::Unknown, operation.name, message)
}

pub(super) fn account_id(account: &SdkAccount) -> Result<AccountId, AwsError> {
    let id = account.id().and_then(|id| id.parse().ok());
    id.ok_or_else(|| not_understood(LIST_ACCOUNTS, "an account has no usable id"))
}

fn status(root: &Root, kind: &PolicyType) -> PolicyTypeStatus {
    let mut types = root.policy_types().iter();
    match types.find(|it| it.r#type() == Some(kind)).map(|summary| summary.status()) {
        None => PolicyTypeStatus::Disabled,
        Some(Some(SdkTypeStatus::Enabled)) => PolicyTypeStatus::Enabled,
        Some(_) => PolicyTypeStatus::Pending,
    }
}

fn unit(unit: OrganizationalUnit, parent: &TargetId) -> Result<Unit, AwsError> {
    let parse = || {
        let id = unit.id?.parse().ok()?;
        Some(Unit { id, name: unit.name?, parent: parent.clone() })
    };
    parse().ok_or_else(|| {
        not_understood(LIST_UNITS, format!("a unit below {parent} has no usable id or name"))
    })
}

fn account(
    account: SdkAccount,
    walked: &BTreeMap<AccountId, TargetId>,
) -> Result<Account, AwsError> {
    let id = account_id(&account)?;
    let parent = parent_in_path(&account).or_else(|| walked.get(&id).cloned());
    let parent = parent.ok_or_else(|| {
        let message = format!("account {id} moved while the tree was read");
        AwsError::ours(ErrorClass::Conflict, LIST_ACCOUNTS.name, message)
    })?;
    let state = state(&account);
    Ok(Account { id, name: account.name.unwrap_or_default(), state, parent, tags: None })
}

/// The last root or unit of `o-…/r-…/ou-…/ou-…/`, whether or not the account itself follows.
fn parent_in_path(account: &SdkAccount) -> Option<TargetId> {
    let path = account.paths().first()?;
    path.split('/').rev().find_map(|step| {
        let target: TargetId = step.parse().ok()?;
        match target {
            TargetId::Root(_) | TargetId::Unit(_) => Some(target),
            TargetId::Account(_) => None,
        }
    })
}

/// Whether the path of every account runs from the root through units of `units`, each below the
/// one before it.
fn are_known(accounts: &[SdkAccount], root: &RootId, units: &BTreeMap<UnitId, Unit>) -> bool {
    let is_known = |account: &SdkAccount| {
        let Some(path) = account.paths().first() else { return false };
        let mut above: Option<TargetId> = None;
        for step in path.split('/').filter_map(|step| step.parse::<TargetId>().ok()) {
            let follows = match &step {
                TargetId::Root(id) => above.is_none() && id == root,
                TargetId::Unit(id) => {
                    units.get(id).is_some_and(|unit| above.as_ref() == Some(&unit.parent))
                }
                // The account itself, which may stand at the end.
                TargetId::Account(_) => continue,
            };
            if !follows {
                return false;
            }
            above = Some(step);
        }
        above.is_some()
    };
    accounts.iter().all(is_known)
}

/// `State`, else the retired `Status` (`aws-facts` 4.3).
fn state(account: &SdkAccount) -> AccountState {
    let state = account.state().map(AccountStateText::as_str);
    let state = state.or_else(|| account.status().map(AccountStatus::as_str));
    match state {
        Some("ACTIVE") => AccountState::Active,
        Some(other) => AccountState::Other(other.to_owned()),
        None => AccountState::Other("UNKNOWN".to_owned()),
    }
}

fn is_in_tree(parent: &TargetId, root: &RootId, units: &BTreeMap<UnitId, Unit>) -> bool {
    match parent {
        TargetId::Root(id) => id == root,
        TargetId::Unit(id) => units.contains_key(id),
        TargetId::Account(_) => false,
    }
}

/// The accounts of a list, as a set.
pub(super) fn account_ids(accounts: &[SdkAccount]) -> Result<BTreeSet<AccountId>, AwsError> {
    accounts.iter().map(account_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_of_an_account_is_the_last_unit_of_its_path() {
        let unit = "o-abcdefghij/r-ab12/ou-ab12-11111111/ou-ab12-22222222/";
        let parent = |path: &str| {
            parent_in_path(&SdkAccount::builder().paths(path).build()).map(|it| it.to_string())
        };
        assert_eq!(parent(unit).as_deref(), Some("ou-ab12-22222222"));
        assert_eq!(parent(&format!("{unit}111122223333/")).as_deref(), Some("ou-ab12-22222222"));
        assert_eq!(parent("o-abcdefghij/r-ab12/").as_deref(), Some("r-ab12"));
        assert_eq!(parent("o-abcdefghij/"), None);
        assert_eq!(parent_in_path(&SdkAccount::builder().build()), None);
    }

    #[test]
    fn units_are_known_while_every_path_runs_through_them_as_before() {
        let (root, unit): (RootId, UnitId) =
            ("r-ab12".parse().unwrap(), "ou-ab12-11111111".parse().unwrap());
        let parent = TargetId::Root(root.clone());
        let below = Unit { id: unit.clone(), name: "Prod".to_owned(), parent };
        let units = BTreeMap::from([(unit, below)]);
        let known =
            |path: &str| are_known(&[SdkAccount::builder().paths(path).build()], &root, &units);
        assert!(known("o-abcdefghij/r-ab12/"));
        assert!(known("o-abcdefghij/r-ab12/ou-ab12-11111111/111122223333/"));
        assert!(!known("o-abcdefghij/r-ab12/ou-ab12-22222222/"), "a unit that is new");
        let moved = "o-abcdefghij/r-ab12/ou-ab12-22222222/ou-ab12-11111111/";
        assert!(!known(moved), "a unit below another than before");
        assert!(!known("o-abcdefghij/"));
        assert!(!are_known(&[SdkAccount::builder().build()], &root, &units), "no path");
    }

    #[test]
    fn state_wins_over_status_and_nothing_is_not_active() {
        use AccountStateText as State;
        use AccountStatus as Status;

        let both = SdkAccount::builder().state(State::PendingClosure).status(Status::Active);
        let cases = [
            (both.build(), "PENDING_CLOSURE"),
            (SdkAccount::builder().status(Status::Active).build(), "ACTIVE"),
            (SdkAccount::builder().build(), "UNKNOWN"),
        ];
        for (account, expected) in cases {
            assert_eq!(state(&account).to_string(), expected);
        }
    }
}

//! `bedrail doctor`: checks the prerequisites.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use tokio::task::JoinSet;

use super::controller::connect;
use super::exit::Exit;
use super::settings::{Common, Installation, Output};
use crate::aws::{Aws, AwsError};
use crate::model::{AccountId, AccountState, Cell, Fleet, Read, Region, Unread};
use crate::plan::doctor::{self, Check, Row};

/// Flags of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Reads, and writes nothing: who we are, the clock, the organization and its
policies, the guardrails of the management account, and what is enforced in every ACTIVE account
through its member role. Each line that failed says what to do.

What no read can show: whether the role may write, and whether it may apply a guardrail; `bedrail
plan` says what will be probed, and probes come before anything depends on a guardrail.

Exit codes: 0 all is fine; 1 something is not, or could not be found out.

Example:
  bedrail doctor --regions us-east-1,eu-west-1")]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    installation: Installation,
    /// Regions to check, separated by commas; default: the home Region.
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    regions: Vec<Region>,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Asks, judges, prints.
pub(super) async fn doctor(common: &Common, arguments: DoctorArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let rows = match connect(arguments.installation.aws()).await {
        Ok(aws) => examine(&aws, &arguments.regions).await,
        Err(error) => vec![
            doctor::not_connected(&error.into()),
            Row::unknown(Check::AllFeatures, "organization", "not asked"),
        ],
    };
    match arguments.output.form() {
        None => anstream::print!("{}", doctor::to_text(&rows)),
        Some(form) => form.print(&doctor::to_json(&rows))?,
    }
    Ok(if doctor::is_fine(&rows) { Exit::Done } else { Exit::Error })
}

async fn examine(aws: &Aws, regions: &[Region]) -> Vec<Row> {
    let caller = aws.caller();
    let home = std::slice::from_ref(aws.home_region());
    let regions: BTreeSet<Region> =
        if regions.is_empty() { home } else { regions }.iter().cloned().collect();
    let mut rows = vec![
        Row::fine(Check::Endpoint, "STS", "answers"),
        Row::fine(Check::Credentials, caller.account.as_str(), &caller.arn),
        doctor::clock(&aws.clock_ahead_s().await.map_err(Unread::from)),
        doctor::features(&aws.feature_set().await.map_err(Unread::from)),
    ];
    let fleet = aws.fleet(true).await;
    let management = fleet.as_ref().ok().map(|it| it.management.clone());
    let is_read = done(fleet.as_ref());
    rows.push(doctor::delegation(&caller.account, management.as_ref(), &is_read));
    rows.push(doctor::read("organization", "reads units, accounts and tags", &tags_read(&fleet)));
    if let Ok(fleet) = &fleet {
        rows.extend(doctor::undelegated(&caller.account, &fleet.management, aws.member_role()));
        rows.extend(organization(aws, &caller.account).await);
        rows.extend(guardrails(aws, fleet, &regions).await);
        rows.extend(accounts(aws, fleet, &regions).await);
    } else {
        let unread = "not asked: the accounts are not known";
        rows.push(Row::unknown(Check::PolicyTypes, "organization", unread));
        rows.push(Row::unknown(Check::Role, "accounts", unread));
    }
    rows
}

fn done<T>(read: Result<T, &AwsError>) -> Result<(), Unread> {
    read.map(drop).map_err(|error| error.clone().into())
}

/// Whether the tree was read, and the tags of its accounts, which only selectors need.
fn tags_read(fleet: &Result<Fleet, AwsError>) -> Result<(), Unread> {
    let fleet = fleet.as_ref().map_err(|error| Unread::from(error.clone()))?;
    let active = |it: &&crate::model::Account| it.state == AccountState::Active;
    let untagged = fleet.accounts.values().filter(active).find(|it| it.tags.is_none());
    untagged.map_or(Ok(()), |account| {
        let message = format!(
            "the tags of account {} cannot be read: check \
                               organizations:ListTagsForResource",
            account.id
        );
        Err(Unread { class: "Denied", message })
    })
}

async fn organization(aws: &Aws, own: &AccountId) -> Vec<Row> {
    let subject = "organization";
    let mut rows = Vec::new();
    match aws.organization().await {
        Ok(read) => {
            rows.push(doctor::policy_type(read.root.as_str(), read.bedrock_policies));
            rows.push(doctor::read(subject, "reads Bedrock policies", &known(&read.policies)));
            rows.push(doctor::read(subject, "reads invalid policies", &known(&read.invalid)));
        }
        Err(error) => {
            rows.push(doctor::read(subject, "reads Bedrock policies", &Err(error.into())));
        }
    }
    let effective = aws.effective_bedrock_policy(own).await;
    rows.push(doctor::read(subject, "reads effective policies", &done(effective.as_ref())));
    let controls = known(&aws.service_controls().await);
    rows.push(doctor::read(subject, "reads service control policies", &controls));
    rows
}

fn known<T>(read: &Read<T>) -> Result<(), Unread> {
    match read {
        Read::Known(_) | Read::KnownAbsent => Ok(()),
        Read::Unknown(unread) => Err(unread.clone()),
    }
}

/// The guardrails and models of the management account, in each Region.
async fn guardrails(aws: &Aws, fleet: &Fleet, regions: &BTreeSet<Region>) -> Vec<Row> {
    let mut reading = JoinSet::new();
    for region in regions {
        let aws = aws.clone();
        let cell = Cell { account: fleet.management.clone(), region: region.clone() };
        reading.spawn(async move {
            let guardrails = aws.all_guardrails(&cell).await.map(drop);
            let models = aws.embedding_models(&cell.account, &cell.region).await.map(drop);
            (cell.region, guardrails.map_err(Unread::from), models.map_err(Unread::from))
        });
    }
    let mut read = reading.join_all().await;
    read.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let (own, management) = (&aws.caller().account, &fleet.management);
    let rows = read.into_iter().flat_map(|(region, guardrails, models)| {
        [("reads guardrails", guardrails), ("reads models", models)]
            .map(|(what, read)| doctor::guardrails(&region, what, own, management, &read))
    });
    let mut rows: Vec<Row> = rows.collect();
    // Where nothing answers, both say so.
    rows.dedup_by(|later, earlier| {
        later.check == Check::Endpoint
            && earlier.check == Check::Endpoint
            && later.subject == earlier.subject
    });
    rows
}

/// Every ACTIVE account, in each Region.
async fn accounts(aws: &Aws, fleet: &Fleet, regions: &BTreeSet<Region>) -> Vec<Row> {
    let mut reading = JoinSet::new();
    let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
    for account in active {
        for region in regions {
            let aws = aws.clone();
            let cell = Cell { account: account.id.clone(), region: region.clone() };
            reading.spawn(async move {
                let read = known(&aws.cell(&cell).await.enforcement);
                (cell, read)
            });
        }
    }
    let mut reads: BTreeMap<AccountId, BTreeMap<Region, Result<(), Unread>>> = BTreeMap::new();
    for (Cell { account, region }, read) in reading.join_all().await {
        reads.entry(account).or_default().insert(region, read);
    }
    reads
        .into_iter()
        .flat_map(|(account, reads)| {
            let name = fleet.accounts.get(&account).map_or("", |it| it.name.as_str());
            let subject = format!("{account} ({name})");
            let is_own = aws.enters_as_itself(&account);
            let role = if is_own { "our own role" } else { aws.member_role() };
            doctor::account(&subject, role, &reads)
        })
        .collect()
}

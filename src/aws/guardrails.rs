//! Reads guardrails: DRAFT, tags, versions and their contents.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_bedrock::operation::get_guardrail::GetGuardrailOutput;
use aws_sdk_bedrock::types::{GuardrailStatus as SdkStatus, GuardrailSummary};
use tokio::time::Instant;

use super::GuardrailVersion;
use super::client::{Aws, Place};
use super::error::{AwsError, ErrorClass};
use super::fleet::named;
use super::looks::Row;
use super::normalise;
use super::operation::{GET_GUARDRAIL, LIST_GUARDRAILS, LIST_TAGS};
use super::pages;
use super::versions::VersionKey;
use crate::model::{
    Cell, GuardrailArn, GuardrailStatus, Name, ObservedGuardrail, ObservedReplica, ObservedVersion,
    Read, ReplicaContent, Unread, Version,
};

/// What the service calls the working copy.
pub(super) const DRAFT: &str = "DRAFT";

/// Guardrails per page; AWS admits 1,000, and an account has at most 100 with 20 versions each.
const PAGE_SIZE: i32 = 1000;

impl Aws {
    /// Reads the guardrail of this name: DRAFT, tags, versions with their contents, resource policy.
    ///
    /// A guardrail that is listed but cannot be read is Unknown, never absent. A version whose
    /// content cannot be read makes only that content Unknown.
    pub async fn replica(&self, cell: &Cell, name: &Name) -> ObservedReplica {
        let guardrail = match self.guardrail_named(cell, name).await {
            Ok(Some(guardrail)) => Read::Known(guardrail),
            Ok(None) => Read::KnownAbsent,
            Err(error) => Read::Unknown(error.into()),
        };
        ObservedReplica { guardrail }
    }

    /// Reads the guardrail that carries these tags, whatever its name: one that somebody renamed. Where
    /// there is one that cannot be told, or two, it is Unknown.
    pub async fn replica_tagged(
        &self,
        cell: &Cell,
        tags: &BTreeMap<String, String>,
    ) -> ObservedReplica {
        let guardrail = match self.guardrail_tagged(cell, tags).await {
            Ok(Some(guardrail)) => Read::Known(guardrail),
            Ok(None) => Read::KnownAbsent,
            Err(error) => Read::Unknown(error.into()),
        };
        ObservedReplica { guardrail }
    }

    async fn guardrail_tagged(
        &self,
        cell: &Cell,
        tags: &BTreeMap<String, String>,
    ) -> Result<Option<ObservedGuardrail>, AwsError> {
        let place = self.enter(cell).await?;
        let mut found = Vec::new();
        for listed in self.list_guardrails(&place, None).await? {
            if listed.status == SdkStatus::Deleting {
                continue;
            }
            let arn = arn_of(&listed, cell)?;
            let live = self.guardrail_tags(&place, &arn).await?;
            if tags.iter().all(|(key, value)| live.get(key) == Some(value)) {
                found.push((arn, listed.name));
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [(arn, name)] => self.guardrail_at(&place, arn.clone(), name).await.map(Some),
            [(one, _), (other, _), ..] => {
                let message = format!(
                    "more than one guardrail carries the tags of one manifest: {one} and {other}; \
                     delete all but one"
                );
                let class = ErrorClass::Conflict;
                Err(AwsError::ours(class, LIST_GUARDRAILS.name, message).at(cell))
            }
        }
    }

    /// Reads every guardrail of an account and Region, by name; those that are being deleted are
    /// left out.
    pub async fn all_guardrails(
        &self,
        cell: &Cell,
    ) -> Result<Vec<(String, ObservedGuardrail)>, AwsError> {
        self.guardrails_that(cell, |_| true).await
    }

    /// Reads these guardrails of an account and Region, as far as they are there, by name.
    pub async fn guardrails_among(
        &self,
        cell: &Cell,
        arns: &BTreeSet<GuardrailArn>,
    ) -> Result<Vec<(String, ObservedGuardrail)>, AwsError> {
        self.guardrails_that(cell, |arn| arns.contains(arn)).await
    }

    async fn guardrails_that(
        &self,
        cell: &Cell,
        is_wanted: impl Fn(&GuardrailArn) -> bool,
    ) -> Result<Vec<(String, ObservedGuardrail)>, AwsError> {
        let place = self.enter(cell).await?;
        let mut found = Vec::new();
        for listed in self.list_guardrails(&place, None).await? {
            if listed.status == SdkStatus::Deleting {
                continue;
            }
            let arn = arn_of(&listed, cell)?;
            if is_wanted(&arn) {
                let guardrail = self.guardrail_at(&place, arn, &listed.name).await?;
                found.push((listed.name, guardrail));
            }
        }
        Ok(found)
    }

    /// Reads DRAFT alone: its status and its content.
    pub async fn draft(
        &self,
        arn: &GuardrailArn,
    ) -> Result<(GuardrailStatus, ReplicaContent), AwsError> {
        let place = self.enter(&cell_of(arn)).await?;
        self.get_guardrail(&place, arn, DRAFT).await
    }

    /// Reads the status of one version alone; `None` if it is gone.
    pub async fn version_status(
        &self,
        version: &GuardrailVersion,
    ) -> Result<Option<GuardrailStatus>, AwsError> {
        let GuardrailVersion { arn, version } = version;
        let place = self.enter(&cell_of(arn)).await?;
        match self.get_guardrail(&place, arn, &version.to_string()).await {
            Ok((status, _)) => Ok(Some(status)),
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn guardrail_named(
        &self,
        cell: &Cell,
        name: &Name,
    ) -> Result<Option<ObservedGuardrail>, AwsError> {
        let place = self.enter(cell).await?;
        let listed = self.list_guardrails(&place, None).await?;
        let Some(arn) = only_one_named(name, cell, &listed)? else { return Ok(None) };
        let resource = arn.to_string();
        let draft = listed.iter().find(|it| it.arn == resource).map(Row::from);
        let (guardrail, versions) = self.guardrail_with_rows(&place, arn, name.as_str()).await?;
        if let Some(draft) = draft {
            self.looks().keep(cell, (draft, versions), &guardrail, Instant::now());
        }
        Ok(Some(guardrail))
    }

    /// Everything about a guardrail that a list showed.
    async fn guardrail_at(
        &self,
        place: &Place,
        arn: GuardrailArn,
        name: &str,
    ) -> Result<ObservedGuardrail, AwsError> {
        self.guardrail_with_rows(place, arn, name).await.map(|(guardrail, _)| guardrail)
    }

    /// The same, and the rows of its versions.
    async fn guardrail_with_rows(
        &self,
        place: &Place,
        arn: GuardrailArn,
        name: &str,
    ) -> Result<(ObservedGuardrail, Vec<Row>), AwsError> {
        let name = name.to_owned();
        let resource = arn.to_string();
        let (draft, tags, versions, policy) = tokio::join!(
            self.get_guardrail(place, &arn, DRAFT),
            self.guardrail_tags(place, &arn),
            self.versions_of(place, &arn),
            self.policy_of(place, &resource),
        );
        // The list says it exists: a NotFound here is a read that lags, not an absence.
        let (status, draft) = draft?;
        let (versions, rows) = versions?;
        Ok((ObservedGuardrail { arn, name, status, draft, tags: tags?, versions, policy }, rows))
    }

    /// All pages; with `of`, the versions of one guardrail, DRAFT included.
    pub(super) async fn list_guardrails(
        &self,
        place: &Place,
        of: Option<&GuardrailArn>,
    ) -> Result<Vec<GuardrailSummary>, AwsError> {
        let listed = pages::all(LIST_GUARDRAILS, |next| {
            let request = self
                .bedrock(place)
                .list_guardrails()
                .set_guardrail_identifier(of.map(GuardrailArn::to_string))
                .max_results(PAGE_SIZE)
                .set_next_token(next);
            let sent = self.call(LIST_GUARDRAILS, place, request.send());
            async { sent.await.map(|page| (Some(page.guardrails), page.next_token)) }
        })
        .await?;
        // The SDK fills in what AWS must send and did not. Without its name a guardrail is not found.
        if listed.iter().any(|it| it.name.is_empty() || it.version.is_empty()) {
            let message = "AWS listed a guardrail without a name or a version";
            let error = AwsError::ours(ErrorClass::Unknown, LIST_GUARDRAILS.name, message);
            return Err(error.at(&place.cell));
        }
        Ok(listed)
    }

    async fn get_guardrail(
        &self,
        place: &Place,
        arn: &GuardrailArn,
        version: &str,
    ) -> Result<(GuardrailStatus, ReplicaContent), AwsError> {
        let request = self
            .bedrock(place)
            .get_guardrail()
            .guardrail_identifier(arn.to_string())
            .guardrail_version(version);
        let output = self.call(GET_GUARDRAIL, place, request.send()).await?;
        let unexpected = |message: String| {
            AwsError::ours(ErrorClass::Unknown, GET_GUARDRAIL.name, message).at(&place.cell)
        };
        if output.version != version {
            let message = format!("asked for version {version}, AWS sent {}", output.version);
            return Err(unexpected(message));
        }
        let status = status_of(&output);
        let content = normalise::content(output).map_err(|error| unexpected(error.to_string()))?;
        Ok((status, content))
    }

    pub(super) async fn guardrail_tags(
        &self,
        place: &Place,
        arn: &GuardrailArn,
    ) -> Result<BTreeMap<String, String>, AwsError> {
        let request = self.bedrock(place).list_tags_for_resource().resource_arn(arn.to_string());
        let output = self.call(LIST_TAGS, place, request.send()).await?;
        let tags = output.tags.into_iter().flatten().map(|tag| (tag.key, tag.value));
        named(tags.collect()).ok_or_else(|| {
            let message = format!("a tag of {arn} has no key");
            AwsError::ours(ErrorClass::Unknown, LIST_TAGS.name, message).at(&place.cell)
        })
    }

    async fn versions_of(
        &self,
        place: &Place,
        arn: &GuardrailArn,
    ) -> Result<(BTreeMap<Version, ObservedVersion>, Vec<Row>), AwsError> {
        let mut live: Vec<VersionKey> = Vec::new();
        let mut versions = BTreeMap::new();
        let mut rows = Vec::new();
        for listed in self.list_guardrails(place, Some(arn)).await? {
            if listed.version == DRAFT {
                continue;
            }
            let version: Version = listed.version.parse().map_err(|error| {
                let message = format!("a version cannot be understood: {error}");
                AwsError::ours(ErrorClass::Unknown, LIST_GUARDRAILS.name, message).at(&place.cell)
            })?;
            live.push((version, listed.created_at));
            rows.push(Row::from(&listed));
            let content = self.version_content(place, arn, version, &listed).await;
            let is_deleted = self.versions().is_deleted(arn, &(version, listed.created_at));
            let status = if is_deleted {
                GuardrailStatus::Deleting
            } else {
                status(&listed.status, || None)
            };
            let description = listed.description.filter(|text| !text.is_empty());
            let created_at = listed.created_at.to_millis().unwrap_or_default();
            let observed = ObservedVersion { version, status, created_at, description, content };
            versions.insert(version, observed);
        }
        self.versions().retain(arn, &live);
        Ok((versions, rows))
    }

    /// Content of a READY version, from memory where it was read before.
    async fn version_content(
        &self,
        place: &Place,
        arn: &GuardrailArn,
        version: Version,
        listed: &GuardrailSummary,
    ) -> Read<ReplicaContent> {
        if listed.status != SdkStatus::Ready {
            return Read::Unknown(not_ready(version, listed.status.as_str()));
        }
        let key = (version, listed.created_at);
        if let Some(content) = self.versions().get(arn, &key) {
            return Read::Known(ReplicaContent::clone(&content));
        }
        match self.get_guardrail(place, arn, &version.to_string()).await {
            Ok((GuardrailStatus::Ready, content)) => {
                self.versions().insert(arn, key, content.clone());
                Read::Known(content)
            }
            Ok(_) => Read::Unknown(not_ready(version, "not READY on a second look")),
            Err(error) => Read::Unknown(error.into()),
        }
    }
}

/// Where calls about a guardrail go: the account and Region in its ARN.
pub(super) fn cell_of(arn: &GuardrailArn) -> Cell {
    Cell { account: arn.account.clone(), region: arn.region.clone() }
}

/// The guardrail with the manifest's name. Names are unique in an account and Region; while one
/// is being deleted another may already carry its name.
fn only_one_named(
    name: &Name,
    cell: &Cell,
    listed: &[GuardrailSummary],
) -> Result<Option<GuardrailArn>, AwsError> {
    let unreadable = |class, message| AwsError::ours(class, LIST_GUARDRAILS.name, message).at(cell);
    let named = || listed.iter().filter(|it| it.name == name.as_str());
    let staying: Vec<_> = named().filter(|it| it.status != SdkStatus::Deleting).collect();
    let one = match staying.as_slice() {
        [] => named().next(),
        [one] => Some(*one),
        [first, second, ..] => {
            let message = format!(
                "more than one guardrail is named `{name}`: {} and {}; delete all but one",
                first.arn, second.arn,
            );
            return Err(unreadable(ErrorClass::Conflict, message));
        }
    };
    one.map(|it| it.arn.parse())
        .transpose()
        .map_err(|error| unreadable(ErrorClass::Unknown, format!("{error}")))
}

fn arn_of(listed: &GuardrailSummary, cell: &Cell) -> Result<GuardrailArn, AwsError> {
    listed.arn.parse().map_err(|error| {
        AwsError::ours(ErrorClass::Unknown, LIST_GUARDRAILS.name, format!("{error}")).at(cell)
    })
}

fn not_ready(version: Version, status: &str) -> Unread {
    Unread {
        class: ErrorClass::Unavailable.reason(),
        message: format!("version {version} is {status}; its content is read once it is READY"),
    }
}

fn status_of(output: &GetGuardrailOutput) -> GuardrailStatus {
    status(&output.status, || {
        let reasons = output.status_reasons.iter().flatten();
        Some(reasons.chain(output.failure_recommendations.iter().flatten()).cloned().collect())
    })
}

fn status(status: &SdkStatus, reasons: impl FnOnce() -> Option<Vec<String>>) -> GuardrailStatus {
    match status.as_str() {
        "READY" => GuardrailStatus::Ready,
        "CREATING" | "UPDATING" | "VERSIONING" => GuardrailStatus::Pending,
        "FAILED" => GuardrailStatus::Failed(reasons().unwrap_or_default()),
        "DELETING" => GuardrailStatus::Deleting,
        other => GuardrailStatus::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, id: &str, status: SdkStatus) -> GuardrailSummary {
        let then = aws_smithy_types::DateTime::from_secs(0);
        GuardrailSummary::builder()
            .id(id)
            .arn(format!("arn:aws:bedrock:us-east-1:111122223333:guardrail/{id}"))
            .status(status)
            .name(name)
            .version(DRAFT)
            .created_at(then)
            .updated_at(then)
            .build()
            .unwrap()
    }

    #[test]
    fn a_name_finds_one_guardrail_or_none_and_never_guesses() {
        let cell =
            Cell { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        let name: Name = "baseline".parse().unwrap();
        let old = listed("baseline", "old", SdkStatus::Deleting);
        let new = listed("baseline", "new", SdkStatus::Ready);
        let twin = listed("baseline", "twin", SdkStatus::Ready);
        let other = listed("baseline2", "other", SdkStatus::Ready);
        let find = |listed: &[GuardrailSummary]| {
            only_one_named(&name, &cell, listed)
                .map(|arn| arn.map(|arn| arn.id.as_str().to_owned()))
        };
        assert_eq!(find(std::slice::from_ref(&other)), Ok(None));
        assert_eq!(find(&[other.clone(), new.clone()]), Ok(Some("new".to_owned())));
        assert_eq!(find(&[old.clone(), new.clone()]), Ok(Some("new".to_owned())));
        assert_eq!(find(&[old]), Ok(Some("old".to_owned())), "going is not gone");
        let message = find(&[new, twin]).unwrap_err().to_string();
        assert!(message.contains("guardrail/new") && message.contains("guardrail/twin"));
    }
}

//! `GetGuardrail` and `ListGuardrails`.

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call, Failure, Millis, Reply};
use super::super::switches::{ListOrder, Switches, VersionDescription};
use super::super::world::World;
use super::content::Content;
use super::guardrail::{Guardrail, Read, Settling, Status, Version};
use super::guardrails::{unknown, unknown_version, version_number};
use super::page::{Page, Row};
use super::permission::{Context, permit_guardrail, permit_operation};
use super::reference::{Arn, Place, Reference};
use super::shape::accept_text;
use super::shapes;
use super::timestamp::iso8601;

/// `GET /guardrails/{guardrailIdentifier}?guardrailVersion=`.
pub(super) fn get(world: &mut World, call: &Call) -> Answer {
    let identifier = call.labels.first().map_or("", String::as_str);
    accept_text(&shapes::IDENTIFIER, "guardrailIdentifier", identifier)?;
    let version = call.parameter("guardrailVersion").unwrap_or("DRAFT");
    accept_text(&shapes::VERSION, "guardrailVersion", version)?;
    let number = if version == "DRAFT" { None } else { Some(version_number(version)?) };
    let reference = Reference::resolve(call, &world.partition, identifier)?;
    permit_guardrail(world, &call.caller, call.operation, &reference, Context::new())?;

    let mut body = view(world, call, &reference, number)?.render(&world.switches);
    let status = shown_status(world, call, &reference, number);
    body.insert("status".to_owned(), status.name().into());
    if status == Status::Failed {
        body.insert("statusReasons".to_owned(), json!(["The content could not be prepared"]));
        body.insert("failureRecommendations".to_owned(), json!(["Change the content"]));
    }
    Ok(Reply::ok(body.into()))
}

/// `GET /guardrails?guardrailIdentifier=&maxResults=&nextToken=`: drafts, or all of one guardrail.
pub(super) fn list(world: &World, call: &Call) -> Answer {
    let page = Page::of(call, 100)?;
    let rows = match call.parameter("guardrailIdentifier") {
        Some(identifier) => version_rows(world, call, identifier)?,
        None => draft_rows(world, call)?,
    };
    let (items, next) = page.take(rows, world.switches.list_order == ListOrder::Reversed);
    let mut body = Map::new();
    body.insert("guardrails".to_owned(), items.into());
    if let Some(next) = next {
        body.insert("nextToken".to_owned(), next.into());
    }
    Ok(Reply::ok(body.into()))
}

fn draft_rows(world: &World, call: &Call) -> Result<Vec<Row>, Failure> {
    permit_operation(world, call, "*")?;
    let read = Read::new(call.at, &world.switches);
    let guardrails = world
        .regional(&call.caller.account, &call.region)
        .into_iter()
        .flat_map(|regional| regional.readable_guardrails(read));
    Ok(guardrails
        .map(|guardrail| Row {
            key: guardrail.id.clone(),
            item: View::draft(guardrail).summary(call.at, &world.switches),
        })
        .collect())
}

fn version_rows(world: &World, call: &Call, identifier: &str) -> Result<Vec<Row>, Failure> {
    let reference = Reference::resolve(call, &world.partition, identifier)?;
    reference.require_own(call)?;
    permit_guardrail(world, &call.caller, call.operation, &reference, Context::new())?;
    let read = Read::new(call.at, &world.switches);
    let guardrail = world
        .regional(&reference.owner, &reference.region)
        .and_then(|regional| regional.readable(&reference.id, read))
        .ok_or_else(|| unknown(&reference))?;
    Ok(rows_of(guardrail, read)
        .map(|(number, view)| Row {
            key: format!("{number:09}"),
            item: view.summary(call.at, &world.switches),
        })
        .collect())
}

/// The draft (as number 0) and the versions of a guardrail, in order.
fn rows_of(guardrail: &Guardrail, read: Read) -> impl Iterator<Item = (u32, View<'_>)> {
    let versions = guardrail
        .versions
        .iter()
        .filter(move |(_, version)| read.shows(version.deleted_at))
        .map(|(number, version)| (*number, View::version(guardrail, *number, version)));
    std::iter::once((0, View::draft(guardrail))).chain(versions)
}

/// What a read shows of one version or draft.
struct View<'a> {
    guardrail: &'a Guardrail,
    content: &'a Content,
    label: String,
    description: Option<&'a str>,
    version: Option<&'a Version>,
}

impl<'a> View<'a> {
    fn draft(guardrail: &'a Guardrail) -> Self {
        Self {
            guardrail,
            content: &guardrail.draft,
            label: "DRAFT".to_owned(),
            description: None,
            version: None,
        }
    }

    fn version(guardrail: &'a Guardrail, number: u32, version: &'a Version) -> Self {
        Self {
            guardrail,
            content: &version.content,
            label: number.to_string(),
            description: version.description.as_deref(),
            version: Some(version),
        }
    }

    fn times(&self) -> (Millis, Millis) {
        match self.version {
            Some(version) => (version.created_at, version.created_at),
            None => (self.guardrail.created_at, self.guardrail.updated_at),
        }
    }

    fn status(&self, at: Millis, switches: &Switches) -> Status {
        let is_deleted =
            self.guardrail.deleted_at.or(self.version.and_then(|version| version.deleted_at));
        match (is_deleted, self.version) {
            // Reads that lag behind a deletion show what was there: READY.
            (Some(_), _) => Status::Ready,
            (None, Some(version)) => version.settling.status(at, switches),
            (None, None) => self.guardrail.settling.status(at, switches),
        }
    }

    fn description(&self, switches: &Switches) -> Option<&str> {
        match (self.version, switches.version_description) {
            (Some(_), VersionDescription::Version) => self.description,
            (Some(_), VersionDescription::Guardrail) | (None, _) => self.content.description(),
        }
    }

    fn cross_region(&self) -> Option<Value> {
        let profile = self.content.profile.as_deref()?;
        let place: Place<'_> = Arn::parse(&self.guardrail.arn)?.place;
        let arn = place.arn(&format!("guardrail-profile/{profile}"));
        Some(json!({"guardrailProfileId": profile, "guardrailProfileArn": arn}))
    }

    fn optional(&self, switches: &Switches) -> Vec<(&'static str, Option<Value>)> {
        vec![
            ("description", self.description(switches).map(Value::from)),
            ("crossRegionDetails", self.cross_region()),
        ]
    }

    /// The body of `GetGuardrail` but for the status.
    fn render(&self, switches: &Switches) -> Map<String, Value> {
        let (created_at, updated_at) = self.times();
        let mut body = self.content.render(switches);
        let required = [
            ("name", self.content.name().to_owned()),
            ("guardrailId", self.guardrail.id.clone()),
            ("guardrailArn", self.guardrail.arn.clone()),
            ("version", self.label.clone()),
            ("createdAt", iso8601(created_at)),
            ("updatedAt", iso8601(updated_at)),
            ("blockedInputMessaging", self.content.blocked_input().to_owned()),
            ("blockedOutputsMessaging", self.content.blocked_output().to_owned()),
        ];
        body.extend(required.map(|(member, value)| (member.to_owned(), value.into())));
        let mut optional = self.optional(switches);
        optional.push(("kmsKeyArn", self.content.kms_key_arn.as_deref().map(Value::from)));
        insert_present(&mut body, optional);
        body
    }

    /// A row of `ListGuardrails`.
    fn summary(&self, at: Millis, switches: &Switches) -> Value {
        let (created_at, updated_at) = self.times();
        let mut row = Map::new();
        let required = [
            ("id", self.guardrail.id.clone()),
            ("arn", self.guardrail.arn.clone()),
            ("status", self.status(at, switches).name().to_owned()),
            ("name", self.content.name().to_owned()),
            ("version", self.label.clone()),
            ("createdAt", iso8601(created_at)),
            ("updatedAt", iso8601(updated_at)),
        ];
        row.extend(required.map(|(member, value)| (member.to_owned(), value.into())));
        insert_present(&mut row, self.optional(switches));
        row.into()
    }
}

fn insert_present(body: &mut Map<String, Value>, members: Vec<(&'static str, Option<Value>)>) {
    for (member, value) in members {
        if let Some(value) = value {
            body.insert(member.to_owned(), value);
        }
    }
}

fn view<'a>(
    world: &'a World,
    call: &Call,
    reference: &Reference,
    number: Option<u32>,
) -> Result<View<'a>, Failure> {
    let read = Read::new(call.at, &world.switches);
    let guardrail = world
        .regional(&reference.owner, &reference.region)
        .and_then(|regional| regional.readable(&reference.id, read))
        .ok_or_else(|| unknown(reference))?;
    match number {
        None => Ok(View::draft(guardrail)),
        Some(number) => guardrail
            .readable_version(number, read)
            .map(|version| View::version(guardrail, number, version))
            .ok_or_else(|| unknown_version(reference, number)),
    }
}

/// The status a read shows: the real one, but for the flicker the switch asks for.
fn shown_status(
    world: &mut World,
    call: &Call,
    reference: &Reference,
    number: Option<u32>,
) -> Status {
    let Ok(view) = view(world, call, reference, number) else { return Status::Ready };
    let status = view.status(call.at, &world.switches);
    let settling = view.version.map_or(&view.guardrail.settling, |version| &version.settling);
    if !world.switches.ready_flicker || status != Status::Ready || !settling.may_flicker() {
        return status;
    }
    let guardrail =
        world.regional_mut(&reference.owner, &reference.region).guardrail_mut(&reference.id);
    let settling = guardrail.and_then(|guardrail| match number {
        None => Some(&mut guardrail.settling),
        Some(number) => guardrail.versions.get_mut(&number).map(|version| &mut version.settling),
    });
    settling.map_or(status, Settling::read_ready)
}

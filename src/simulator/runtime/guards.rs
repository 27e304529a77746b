//! Which guardrails apply to a call, from all three origins (`aws-facts` 2.4).

use std::sync::Arc;

use serde_json::Value;

use super::super::bedrock::failure::validation;
use super::super::bedrock::{
    Arn, Content, Context, Model, Place, Reference, Status, destinations, permit_guardrail,
};
use super::super::call::{Call, Failure};
use super::super::identity::Access;
use super::super::world::World;

/// Who wants a guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Organization,
    Account,
    Request,
}

impl Origin {
    /// As `guardrailOrigin` spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Organization => "ORGANIZATION_ENFORCED",
            Self::Account => "ACCOUNT_ENFORCED",
            Self::Request => "REQUEST",
        }
    }
}

/// Which parts of a prompt are checked only where they are tagged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selective {
    pub(super) system: bool,
    pub(super) messages: bool,
}

/// A guardrail version that applies to a call.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) reference: Reference,
    /// A number, or `None` for the draft.
    pub(super) number: Option<u32>,
    pub(super) content: Arc<Content>,
    pub(super) origins: Vec<Origin>,
    pub(super) selective: Selective,
}

impl Guard {
    /// `guardrailVersion`.
    pub(super) fn version(&self) -> String {
        self.number.map_or_else(|| "DRAFT".to_owned(), |number| number.to_string())
    }

    /// The value of `bedrock:GuardrailIdentifier`: a draft is named by the ARN alone.
    pub(super) fn condition_value(&self) -> String {
        match self.number {
            Some(number) => format!("{}:{number}", self.reference.arn),
            None => self.reference.arn.clone(),
        }
    }

    /// Whether more than the request wants it.
    pub(super) fn is_enforced(&self) -> bool {
        self.origins.iter().any(|origin| *origin != Origin::Request)
    }
}

/// The guardrail a request names.
#[derive(Clone, Debug)]
pub(super) struct Requested {
    pub(super) identifier: String,
    pub(super) version: String,
}

impl Requested {
    /// The guardrail of a request's two optional texts; one without the other is an error.
    pub(super) fn read(
        identifier: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<Self>, Failure> {
        let identifier = identifier.filter(|text| !text.is_empty());
        match (identifier, version.filter(|text| !text.is_empty())) {
            (None, None) => Ok(None),
            (Some(identifier), Some(version)) => {
                Ok(Some(Self { identifier: identifier.to_owned(), version: version.to_owned() }))
            }
            (Some(_), None) => Err(validation("The guardrail version is missing")),
            (None, Some(_)) => Err(validation("The guardrail identifier is missing")),
        }
    }
}

/// Every guardrail that applies to this call on `model`, the organization's first. A guardrail
/// version wanted from several sides appears once, with all its origins.
pub(super) fn collect(
    world: &World,
    call: &Call,
    model: &Model,
    requested: Option<&Requested>,
) -> Result<Vec<Guard>, Failure> {
    let mut guards = of_organization(world, call, model)?;
    guards.extend(of_account(world, call, model)?);
    if let Some(requested) = requested {
        let mut guard = of_request(world, call, requested)?;
        guard.selective = Selective { system: true, messages: true };
        guards.push(guard);
    }
    for guard in &guards {
        permit_apply(world, call, guard)?;
        if guard.is_enforced() && guard.content.has_automated_reasoning() {
            return Err(validation(format!(
                "The enforced guardrail {} has automated reasoning policies, which enforcement \
                 does not support",
                guard.condition_value()
            )));
        }
    }
    if model.is_embedding() && !guards.is_empty() {
        return Err(validation(format!(
            "Operation not allowed: guardrails do not support the model {}",
            model.id
        )));
    }
    Ok(merged(guards))
}

/// The guardrail version a request names.
pub(super) fn of_request(
    world: &World,
    call: &Call,
    requested: &Requested,
) -> Result<Guard, Failure> {
    let reference = Reference::resolve(call, &world.partition, &requested.identifier)?;
    let number = match requested.version.as_str() {
        "DRAFT" => None,
        number => Some(
            number
                .parse()
                .map_err(|_| validation(format!("The guardrail version {number} is invalid")))?,
        ),
    };
    let origins = vec![Origin::Request];
    load(world, call, reference, number, origins)
}

/// Asks whether the caller may apply a guardrail: on its ARN and, across Regions, on the profile in
/// every Region the text may be processed in.
pub(super) fn permit_apply(world: &World, call: &Call, guard: &Guard) -> Result<(), Failure> {
    let reference = &guard.reference;
    permit_guardrail(world, &call.caller, "ApplyGuardrail", reference, Context::new())?;
    let Some(profile) = guard.content.profile() else { return Ok(()) };
    for region in destinations(profile, &reference.region) {
        let place = Place { partition: &world.partition, region, account: &reference.owner };
        let arn = place.arn(&format!("guardrail-profile/{profile}"));
        world.authorize(&Access {
            caller: &call.caller,
            action: "bedrock:ApplyGuardrail",
            resource: &arn,
            resource_owner: &reference.owner,
            resource_policy: world
                .regional(&reference.owner, region)
                .and_then(|regional| regional.resource_policy(&arn)),
            context: Context::new(),
        })?;
    }
    Ok(())
}

/// What the effective `BEDROCK_POLICY` of the account wants in this Region. A reference that cannot
/// be followed fails every call, whatever its model.
fn of_organization(world: &World, call: &Call, model: &Model) -> Result<Vec<Guard>, Failure> {
    let Some(policy) = world.organization.effective_bedrock(&call.caller.account, call.at) else {
        return Ok(Vec::new());
    };
    of_policy(world, call, model, &policy)
}

/// The guardrails of an effective policy.
pub(super) fn of_policy(
    world: &World,
    call: &Call,
    model: &Model,
    policy: &Value,
) -> Result<Vec<Guard>, Failure> {
    let configurations = policy
        .get("bedrock")
        .and_then(|bedrock| bedrock.get("guardrail_inference"))
        .and_then(|regions| regions.get(&call.region))
        .and_then(Value::as_object);
    let mut guards = Vec::new();
    for configuration in configurations.into_iter().flat_map(|named| named.values()) {
        let identifier =
            configuration.get("identifier").and_then(Value::as_str).unwrap_or_default();
        let (reference, number) = follow(world, call, identifier)?;
        let origins = vec![Origin::Organization];
        let mut guard = load(world, call, reference, Some(number), origins)?;
        let models = configuration.get("model_enforcement");
        let list = |name: &str| models.and_then(|models| models.get(name));
        if !covers(list("included_models"), list("excluded_models"), model.id) {
            continue;
        }
        let mode = |side: &str| {
            configuration
                .get("selective_content_guarding")
                .and_then(|selective| selective.get(side))
                .and_then(Value::as_str)
        };
        // The preview's `input_tags: honor` is today's selective guarding of messages.
        let honours_tags = configuration.get("input_tags").and_then(Value::as_str) == Some("honor");
        guard.selective = Selective {
            system: mode("system") == Some("selective"),
            messages: mode("messages") == Some("selective") || honours_tags,
        };
        guards.push(guard);
    }
    Ok(guards)
}

/// The guardrail and version of `ARN:number` in an organization policy.
fn follow(world: &World, call: &Call, identifier: &str) -> Result<(Reference, u32), Failure> {
    let broken = |reason: &str| {
        validation(format!("The organization enforces the guardrail {identifier}, which {reason}"))
    };
    let (arn, version) =
        identifier.rsplit_once(':').ok_or_else(|| broken("is not an ARN with a version"))?;
    let reference = Reference::parse(arn).ok_or_else(|| broken("is not an ARN with a version"))?;
    let number = version
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| broken("does not name a numbered version"))?;
    let is_here = reference.region == call.region
        && Arn::parse(arn).is_some_and(|arn| arn.place.partition == world.partition);
    if !is_here {
        return Err(broken("is not in this Region"));
    }
    if reference.owner != world.organization.management() {
        return Err(broken("does not belong to the management account"));
    }
    Ok((reference, number))
}

/// What the enforced configuration of the account wants in this Region.
fn of_account(world: &World, call: &Call, model: &Model) -> Result<Option<Guard>, Failure> {
    let enforced =
        world.regional(&call.caller.account, &call.region).and_then(|regional| regional.enforced());
    let Some(enforced) = enforced else { return Ok(None) };
    let reference = Reference::parse(&enforced.guardrail)
        .ok_or_else(|| validation("The enforced guardrail configuration is broken"))?;
    let origins = vec![Origin::Account];
    let mut guard = load(world, call, reference, Some(enforced.version), origins)?;
    let list = |name: &str| enforced.models.as_ref().and_then(|models| models.get(name));
    if !covers(list("includedModels"), list("excludedModels"), model.id) {
        return Ok(None);
    }
    let is_selective = |side: &str| {
        enforced.selective.as_ref().and_then(|sent| sent.get(side)).and_then(Value::as_str)
            == Some("SELECTIVE")
    };
    guard.selective =
        Selective { system: is_selective("system"), messages: is_selective("messages") };
    Ok(Some(guard))
}

/// Whether enforcement covers a model: excluded beats included, and nothing included is all.
fn covers(included: Option<&Value>, excluded: Option<&Value>, model: &str) -> bool {
    let items = |list: Option<&Value>| -> Vec<String> {
        let items = list.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let (included, excluded) = (items(included), items(excluded));
    let is_included = included.is_empty() || included.iter().any(|id| id == "ALL" || id == model);
    is_included && !excluded.iter().any(|id| id == model)
}

fn load(
    world: &World,
    call: &Call,
    reference: Reference,
    number: Option<u32>,
    origins: Vec<Origin>,
) -> Result<Guard, Failure> {
    let missing = || {
        validation(format!(
            "The guardrail identifier or version provided in the request does not exist: {} {}",
            reference.arn,
            number.map_or_else(|| "DRAFT".to_owned(), |number| number.to_string())
        ))
    };
    let guardrail = world
        .regional(&reference.owner, &reference.region)
        .and_then(|regional| regional.guardrail(&reference.id))
        .ok_or_else(missing)?;
    let (content, settling) = match number {
        None => (&guardrail.draft, &guardrail.settling),
        Some(number) => {
            let version = guardrail.version(number).ok_or_else(missing)?;
            (&version.content, &version.settling)
        }
    };
    match settling.status(call.at, &world.switches) {
        // A draft that is being updated or copied stays usable; a new one is not yet.
        Status::Ready | Status::Updating | Status::Versioning => {}
        status @ (Status::Creating | Status::Failed) => {
            return Err(validation(format!(
                "The guardrail {} is in the {} state",
                reference.arn,
                status.name()
            )));
        }
    }
    let (content, selective) = (Arc::clone(content), Selective::default());
    Ok(Guard { reference, number, content, origins, selective })
}

/// Joins the guards of one guardrail version: all its origins, and the wider look.
fn merged(guards: Vec<Guard>) -> Vec<Guard> {
    let mut merged: Vec<Guard> = Vec::new();
    for guard in guards {
        let same = merged
            .iter_mut()
            .find(|other| other.reference == guard.reference && other.number == guard.number);
        match same {
            Some(other) => {
                other.origins.extend(guard.origins);
                other.selective.system &= guard.selective.system;
                other.selective.messages &= guard.selective.messages;
            }
            None => merged.push(guard),
        }
    }
    merged
}

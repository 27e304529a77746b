//! Which model a call is for, and whether the caller may invoke it.

use super::super::bedrock::failure::validation;
use super::super::bedrock::{Context, Model, model, profiles_in};
use super::super::call::{Call, Failure};
use super::super::identity::Access;
use super::super::world::World;

/// The model behind `modelId`, and the ARNs a call to it is authorised on.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) model: &'static Model,
    /// The ARN of the inference profile the call names.
    profile: Option<String>,
    /// ARNs of the model in every Region the call may be processed in.
    models: Vec<String>,
}

impl Target {
    /// The model that the path of `call` names: by id or ARN, itself or through a profile.
    pub(super) fn resolve(world: &World, call: &Call) -> Result<Self, Failure> {
        let identifier = call.labels.first().map_or("", String::as_str);
        let prefix = format!("arn:{}:bedrock:{}::foundation-model/", world.partition, call.region);
        let id = identifier.strip_prefix(&prefix).unwrap_or(identifier);
        if let Some(model) = model(id) {
            let models = vec![model.arn(&world.partition, &call.region)];
            return Ok(Self { model, profile: None, models });
        }
        let profile = profiles_in(&call.region)
            .find(|profile| profile.id() == id || profile.arn(world, call) == id)
            .ok_or_else(|| validation("The provided model identifier is invalid."))?;
        let models =
            profile.regions.iter().map(|region| profile.model.arn(&world.partition, region));
        Ok(Self {
            model: profile.model,
            profile: Some(profile.arn(world, call)),
            models: models.collect(),
        })
    }

    /// Asks whether the caller may do `action` with this model under these guardrails
    /// (`aws-facts` 6.2): on the profile, and on the model in every Region of the profile.
    pub(super) fn permit(
        &self,
        world: &World,
        call: &Call,
        action: &str,
        guardrails: Vec<String>,
    ) -> Result<(), Failure> {
        let mut context = Context::new();
        if !guardrails.is_empty() {
            context.insert("bedrock:GuardrailIdentifier".to_owned(), guardrails);
        }
        if let Some(profile) = &self.profile {
            context.insert("bedrock:InferenceProfileArn".to_owned(), vec![profile.clone()]);
        }
        self.profile.iter().chain(&self.models).try_for_each(|resource| {
            world.authorize(&Access {
                caller: &call.caller,
                action,
                resource,
                resource_owner: &call.caller.account,
                resource_policy: None,
                context: context.clone(),
            })
        })
    }
}

//! Plans the organization from what was read of it, and keeps what AWS refused.

use tracing::warn;

use super::act::ActError;
use super::engine::Engine;
use super::key::Key;
use super::observe::{Controls, OwnControls};
use crate::model::{Desired, Fleet, ObservedOrganization};
use crate::plan::{self, Context, Plan, Sightings, Step};

impl Engine {
    /// Bedrock policies and service control policies: two types in one lane.
    pub(super) fn plan_organization(
        &self,
        desired: &Desired,
        read: &(Fleet, ObservedOrganization, Option<Controls>, OwnControls),
        sightings: &mut Sightings,
        context: &Context<'_>,
    ) -> Plan {
        let (_, organization, _, controls) = read;
        let plan = plan::plan_organization(&desired.organization, organization, sightings, context);
        let Some(controls) = controls else { return plan };
        let observed = (controls, &organization.root);
        let limits = self.settings.controls;
        let controls = &desired.controls;
        plan.and(plan::plan_service_controls(controls, observed, limits, sightings, context))
    }

    /// Keeps what AWS will not do (delete a version, change an attachment, log there): it is not asked
    /// again soon.
    pub(super) fn remember_refusal(&self, key: &Key, step: &Step, error: &ActError) {
        if let (Step::Control(control), ActError::Limit { .. }) = (step, error)
            && let Some(note) = control.refused()
        {
            warn!(%key, "{error}");
            let now = self.time.now();
            self.state().sightings.entry(key.clone()).or_default().noticed(&note, now);
        }
        if let (
            Key::Replica(replica),
            Step::DeleteVersion { version, .. },
            ActError::InUse { .. },
        ) = (key, step, error)
        {
            warn!(%key, "{error}");
            let now = self.time.now();
            self.state().replicas.entry(replica.clone()).or_default().refused(*version, now);
        }
        if let (Key::Logging(cell), Step::PutLogging { config, .. }, ActError::Refused(error)) =
            (key, step, error)
        {
            let now = self.time.now();
            let mut state = self.state();
            let memory = state.logging.entry(cell.clone()).or_default();
            memory.was_refused(config, error.message.to_string(), now);
        }
    }
}

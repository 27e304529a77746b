//! What a stranger, or AWS, does to the world. Each returns `None` where there is nothing to do it
//! to, or AWS refuses.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::console::label;
use crate::play::Play;
use crate::setting::{ALPHA, BETA, GAMMA, MANAGEMENT, ROOT, one};
use crate::story::Foreign;
use crate::text::home;

/// A configuration in force: account, Region and what it is.
struct Slot {
    account: String,
    region: String,
    config: String,
    /// ARN and version.
    reference: String,
}

/// A guardrail of ours.
struct Ours {
    region: String,
    id: String,
    arn: String,
    name: String,
    versions: Vec<String>,
}

fn some<T>(random: &mut Rng, mut list: Vec<T>) -> Option<T> {
    if list.is_empty() { None } else { Some(list.swap_remove(random.usize(..list.len()))) }
}

fn slots(seen: &Value) -> Vec<Slot> {
    let places = seen["bedrock"].as_object().unwrap().iter();
    places
        .filter_map(|(place, regional)| {
            let (account, region) = place.split_once('/')?;
            Some(Slot {
                account: account.to_owned(),
                region: region.to_owned(),
                config: regional["enforced"]["configId"].as_str()?.to_owned(),
                reference: regional["enforced"]["guardrail"].as_str()?.to_owned(),
            })
        })
        .collect()
}

fn guardrails(seen: &Value, regions: &[String]) -> Vec<Ours> {
    let mut found = Vec::new();
    for region in regions {
        let listed = seen["bedrock"][home(region)]["guardrails"].as_array().cloned();
        for guardrail in listed.unwrap_or_default() {
            if guardrail["tags"]["bedrail:owner"].is_null() {
                continue;
            }
            let versions = guardrail["versions"].as_object().unwrap().keys().cloned().collect();
            found.push(Ours {
                region: region.clone(),
                id: guardrail["id"].as_str().unwrap().to_owned(),
                arn: guardrail["arn"].as_str().unwrap().to_owned(),
                name: guardrail["name"].as_str().unwrap().to_owned(),
                versions,
            });
        }
    }
    found
}

/// Ids of our Bedrock policies with what they are attached to.
fn policies(seen: &Value) -> Vec<(String, Vec<String>, Value)> {
    let policies = seen["policies"].as_object().unwrap().iter();
    let ours = policies.filter(|(id, policy)| {
        policy["type"] == "BEDROCK_POLICY" && !seen["tags"][id.as_str()]["bedrail:owner"].is_null()
    });
    ours.map(|(id, policy)| {
        let attachments = seen["attachments"].as_object().unwrap().iter();
        let targets = attachments
            .filter(|(_, attached)| attached.as_array().unwrap().contains(&json!(id)))
            .map(|(target, _)| target.clone());
        (id.clone(), targets.collect(), policy["content"].clone())
    })
    .collect()
}

fn body(word: &str) -> Value {
    json!({
        "name": "theirs",
        "blockedInputMessaging": "Theirs.",
        "blockedOutputsMessaging": "Theirs.",
        "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
    })
}

impl Play {
    /// Somebody else does something.
    pub(crate) async fn foreign(&mut self, what: Foreign, random: &mut Rng) -> Option<()> {
        let seen = self.world.get("world").await;
        match what {
            Foreign::ReleaseSlot | Foreign::TakeSlot | Foreign::SwapVersion => {
                let slot = some(random, slots(&seen))?;
                self.slot(what, &slot).await
            }
            Foreign::EditDraft
            | Foreign::Rename
            | Foreign::Publish
            | Foreign::DeleteVersion
            | Foreign::DropGrant
            | Foreign::AddStatement
            | Foreign::DeleteGuardrail
            | Foreign::Tag => {
                let ours = some(random, guardrails(&seen, &self.regions))?;
                let policy = &seen["bedrock"][home(&ours.region)]["resourcePolicies"][&ours.arn];
                self.guardrail(what, &ours, policy, random).await
            }
            Foreign::Detach | Foreign::EditPolicy | Foreign::DeletePolicy => {
                let policy = some(random, policies(&seen))?;
                self.policy(what, policy, random).await
            }
            Foreign::Move | Foreign::Join | Foreign::Close | Foreign::Leave => {
                self.account(what, &seen, random).await
            }
        }
    }

    async fn slot(&self, what: Foreign, slot: &Slot) -> Option<()> {
        let place = (slot.account.as_str(), slot.region.as_str());
        let console = self.console();
        if what == Foreign::ReleaseSlot {
            let path = format!("/enforcedGuardrailsConfiguration/{}", slot.config);
            return console.bedrock(place, ("DELETE", &path), &Value::Null).await.map(drop);
        }
        let arn = if what == Foreign::TakeSlot {
            let made = console.bedrock(place, ("POST", "/guardrails"), &body("theirs")).await?;
            let id = made["guardrailId"].as_str()?.to_owned();
            self.world.pass(Duration::from_secs(7)).await;
            let path = format!("/guardrails/{id}");
            console.bedrock(place, ("POST", &path), &json!({})).await?;
            self.world.pass(Duration::from_secs(7)).await;
            made["guardrailArn"].as_str()?.to_owned()
        } else {
            slot.reference.rsplit_once(':')?.0.to_owned()
        };
        let put = json!({
            "configId": slot.config,
            "guardrailInferenceConfig": {"guardrailIdentifier": arn, "guardrailVersion": "1"},
        });
        console.bedrock(place, ("PUT", "/enforcedGuardrailsConfiguration"), &put).await.map(drop)
    }

    async fn guardrail(
        &self,
        what: Foreign,
        ours: &Ours,
        policy: &Value,
        random: &mut Rng,
    ) -> Option<()> {
        let place = (MANAGEMENT, ours.region.as_str());
        let path = format!("/guardrails/{}", ours.id);
        let console = self.console();
        let (method, path, body) = match what {
            Foreign::EditDraft | Foreign::Rename => {
                let mut body = body("weaker");
                if what == Foreign::EditDraft {
                    body["name"] = json!(ours.name);
                }
                ("PUT", path, body)
            }
            Foreign::Publish => ("POST", path, json!({})),
            Foreign::DeleteVersion => {
                let version = some(random, ours.versions.clone())?;
                ("DELETE", format!("{path}?guardrailVersion={version}"), Value::Null)
            }
            Foreign::DropGrant => {
                ("DELETE", format!("/resource-policy/{}", label(&ours.arn)), Value::Null)
            }
            Foreign::AddStatement => {
                let mut policy = if policy.is_object() {
                    policy.clone()
                } else {
                    json!({"Version": "2012-10-17", "Statement": []})
                };
                let more = json!({
                    "Sid": format!("Theirs{}", random.u16(..)), "Effect": "Allow",
                    "Principal": {"AWS": format!("arn:aws:iam::{MANAGEMENT}:root")},
                    "Action": "bedrock:GetGuardrail", "Resource": ours.arn,
                });
                policy["Statement"].as_array_mut()?.push(more);
                let body = json!({"resourceArn": ours.arn, "resourcePolicy": policy.to_string()});
                ("POST", "/resource-policy".to_owned(), body)
            }
            Foreign::DeleteGuardrail => ("DELETE", path, Value::Null),
            _ => {
                let tags = json!([{"key": "cost-center", "value": "theirs"}]);
                let body = json!({"resourceARN": ours.arn, "tags": tags});
                ("POST", "/tagResource".to_owned(), body)
            }
        };
        console.bedrock(place, (method, &path), &body).await.map(drop)
    }

    async fn policy(
        &self,
        what: Foreign,
        (id, targets, content): (String, Vec<String>, Value),
        random: &mut Rng,
    ) -> Option<()> {
        let console = self.console();
        match what {
            Foreign::Detach => {
                let target = some(random, targets)?;
                let body = json!({"PolicyId": id, "TargetId": target});
                console.organizations("DetachPolicy", &body).await?;
            }
            Foreign::EditPolicy => {
                let mut content = content;
                let regions = content["bedrock"]["guardrail_inference"].as_object_mut()?;
                let region = some(random, regions.keys().cloned().collect())?;
                regions.remove(&region);
                let body = json!({"PolicyId": id, "Content": content.to_string()});
                console.organizations("UpdatePolicy", &body).await?;
            }
            _ => {
                for target in targets {
                    let body = json!({"PolicyId": id, "TargetId": target});
                    console.organizations("DetachPolicy", &body).await?;
                }
                console.organizations("DeletePolicy", &json!({"PolicyId": id})).await?;
            }
        }
        Some(())
    }

    async fn account(&mut self, what: Foreign, seen: &Value, random: &mut Rng) -> Option<()> {
        let members = seen["accounts"].as_object()?.iter();
        // A first wave without its account halts, which is another story.
        let canaries = self.text.enforcements.iter().flat_map(|it| &it.canaries);
        let canaries: Vec<&String> = canaries.collect();
        let members = members.filter(|(id, it)| {
            *id != MANAGEMENT && it["state"] == "ACTIVE" && !canaries.contains(id)
        });
        let members: Vec<(String, String)> = members
            .map(|(id, it)| (id.clone(), it["parent"].as_str().unwrap().to_owned()))
            .collect();
        let to = *one(random, &[ROOT, ALPHA, BETA, GAMMA]);
        match what {
            Foreign::Move => {
                let (account, from) = some(random, members)?;
                self.relocate(&account, &from, to).await?;
                self.moved.insert(account);
            }
            Foreign::Join => {
                let body = json!({"Email": format!("n{}@example.com", random.u16(..)),
                    "AccountName": "new"});
                let made = self.console().organizations("CreateAccount", &body).await?;
                let request = made["CreateAccountStatus"]["Id"].as_str()?.to_owned();
                let body = json!({"CreateAccountRequestId": request});
                let mut account = None;
                for _ in 0..30 {
                    self.world.pass(Duration::from_secs(1)).await;
                    let asked = self.console();
                    let asked = asked.organizations("DescribeCreateAccountStatus", &body).await?;
                    account = asked["CreateAccountStatus"]["AccountId"].as_str().map(str::to_owned);
                    if account.is_some() {
                        break;
                    }
                }
                let account = account?;
                self.relocate(&account, ROOT, to).await;
                self.moved.insert(account);
            }
            _ => {
                // One at least stays.
                if members.len() < 2 {
                    return None;
                }
                let (account, _) = some(random, members)?;
                let body = json!({"AccountId": account});
                let operation = if what == Foreign::Leave {
                    "RemoveAccountFromOrganization"
                } else {
                    "CloseAccount"
                };
                self.console().organizations(operation, &body).await?;
                self.moved.insert(account);
            }
        }
        Some(())
    }

    async fn relocate(&self, account: &str, from: &str, to: &str) -> Option<()> {
        let body = json!({"AccountId": account, "SourceParentId": from,
            "DestinationParentId": to});
        self.console().organizations("MoveAccount", &body).await.map(drop)
    }
}

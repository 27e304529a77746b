//! Answers that AWS does not send: cut off, of the wrong shape, from somebody in between.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::cases;
use crate::laws::answers::{ANSWERS, Spoiled, nothing_is_absent};

/// What happens to an answer on its way.
#[derive(Clone, Debug)]
enum Harm {
    Cut(Index),
    FlipByte(Index, u8),
    Replace(&'static str),
    DropMember(Index),
    NullMember(Index),
    RetypeMember(Index, usize),
    /// The right body under a status that says that something is wrong.
    Status(u16),
}

const BODIES: [&str; 9] = [
    "",
    "{}",
    "null",
    "[]",
    "\"\"",
    "<html><body>Sign in to the network</body></html>",
    "{\"message\":\"no\"}",
    "{\"guardrails\":null,\"guardrailsConfig\":null,\"Accounts\":null,\"Policies\":null}",
    "{\"guardrails\":[null],\"guardrailsConfig\":[null],\"Accounts\":[null],\"Targets\":[null]}",
];

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<Index>;
    prop_oneof![
        1 => index().prop_map(Harm::Cut),
        1 => (index(), 1_u8..=255).prop_map(|(at, by)| Harm::FlipByte(at, by)),
        2 => select(&BODIES[..]).prop_map(Harm::Replace),
        4 => index().prop_map(Harm::DropMember),
        4 => index().prop_map(Harm::NullMember),
        4 => (index(), 0..4_usize).prop_map(|(at, to)| Harm::RetypeMember(at, to)),
        1 => select(&[301_u16, 400, 403, 404, 429, 500, 503][..]).prop_map(Harm::Status),
    ]
}

/// The answer after the harm, and whether AWS could not have sent it of another world.
fn harmed((name, body): (&'static str, &str), harm: &Harm) -> (Spoiled, bool) {
    let mut status = 200;
    let mut bytes = body.as_bytes().to_vec();
    match harm {
        Harm::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Harm::FlipByte(at, by) => {
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            // What still is an answer may speak of another world: another name, another number.
            let is_garbage = serde_json::from_slice::<Value>(&bytes).is_err();
            return (Spoiled { name, status, body: bytes }, is_garbage);
        }
        Harm::Replace(other) => bytes = other.as_bytes().to_vec(),
        Harm::DropMember(at) | Harm::NullMember(at) | Harm::RetypeMember(at, _) => {
            let Ok(mut document) = serde_json::from_str::<Value>(body) else {
                return (Spoiled { name, status, body: bytes }, false);
            };
            let mut places = Vec::new();
            members(&document, "", &mut places);
            let place = &places[at.index(places.len())];
            let (parent, member) = place.rsplit_once('/').unwrap();
            let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match harm {
                Harm::DropMember(_) => drop(parent.remove(member)),
                Harm::RetypeMember(_, to) => parent[member] = retyped(&parent[member], *to),
                Harm::NullMember(_)
                | Harm::Cut(_)
                | Harm::FlipByte(..)
                | Harm::Replace(_)
                | Harm::Status(_) => parent[member] = Value::Null,
            }
            bytes = document.to_string().into_bytes();
        }
        Harm::Status(other) => status = *other,
    }
    (Spoiled { name, status, body: bytes }, true)
}

/// The places of all members of all objects.
fn members(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, member) in object {
                let place = format!("{place}/{name}");
                members(member, &place, found);
                found.push(place);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                members(item, &format!("{place}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A value of another type.
fn retyped(value: &Value, to: usize) -> Value {
    let types = [json!(7), json!("x"), json!({"a": 1}), json!([7]), json!(true)];
    let is_other = |it: &&Value| std::mem::discriminant(*it) != std::mem::discriminant(value);
    types.iter().filter(is_other).nth(to).unwrap().clone()
}

fn observed(spoiled: Spoiled, is_garbage: bool) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(nothing_is_absent(spoiled, is_garbage));
}

#[test]
fn everything_is_seen_where_every_answer_is_whole() {
    for (name, body) in ANSWERS {
        observed(Spoiled { name, status: 200, body: body.into() }, true);
    }
}

/// One of each, so that none is left to luck.
#[test]
fn nothing_is_absent_because_an_answer_says_nothing() {
    for (name, _) in ANSWERS.into_iter().filter(|(name, _)| *name != "Nothing") {
        for body in BODIES {
            observed(Spoiled { name, status: 200, body: body.into() }, true);
        }
    }
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn nothing_is_absent_because_an_answer_was_harmed(
        answer in select(&ANSWERS[..ANSWERS.len() - 1]),
        harm in harm(),
    ) {
        let (spoiled, is_garbage) = harmed(answer, &harm);
        observed(spoiled, is_garbage);
    }
}

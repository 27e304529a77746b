//! Pages of at most 20, with an opaque token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::invalid;
use crate::simulator::call::{Answer, Call, Failure, Reply};

/// The largest page and the default one.
const PAGE_MAX: usize = 20;

/// One page of `items` under `member`, each rendered only if it is on the page.
pub(super) fn page<T>(
    call: &Call,
    member: &str,
    items: &[T],
    render: impl Fn(&T) -> Value,
) -> Answer {
    page_with(call, member, items, render, Map::new())
}

/// The same with further members in the answer.
pub(super) fn page_with<T>(
    call: &Call,
    member: &str,
    items: &[T],
    render: impl Fn(&T) -> Value,
    mut body: Map<String, Value>,
) -> Answer {
    let size = size(call)?;
    let start = call.text("NextToken").map_or(Ok(0), |token| position(call, token))?;
    let rest = items.get(start..).unwrap_or_default();
    body.insert(member.to_owned(), rest.iter().take(size).map(render).collect());
    if rest.len() > size {
        body.insert("NextToken".to_owned(), Value::String(token(call, start + size)));
    }
    Ok(Reply::ok(Value::Object(body)))
}

fn size(call: &Call) -> Result<usize, Failure> {
    let Some(asked) = call.body.get("MaxResults").filter(|value| !value.is_null()) else {
        return Ok(PAGE_MAX);
    };
    match asked.as_u64().and_then(|size| usize::try_from(size).ok()) {
        Some(size @ 1..=PAGE_MAX) => Ok(size),
        Some(0) | None => Err(invalid("MIN_VALUE_EXCEEDED", "MaxResults must be at least 1.")),
        Some(_) => Err(invalid("MAX_VALUE_EXCEEDED", "MaxResults must be at most 20.")),
    }
}

/// A token is good for the operation that gave it.
fn token(call: &Call, position: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}/{position}", call.operation))
}

fn position(call: &Call, token: &str) -> Result<usize, Failure> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let (operation, position) = text.split_once('/')?;
            (operation == call.operation).then(|| position.parse().ok())?
        })
        .ok_or_else(|| invalid("INVALID_NEXT_TOKEN", "The NextToken is not valid."))
}

//! Pages of a list: `maxResults` and `nextToken`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::super::call::{Call, Failure};
use super::failure::validation;
use super::shape::accept_text;
use super::shapes;

/// The largest page that may be asked for.
const RESULTS_MAX: usize = 1000;

/// One row, and the key by which rows are ordered and a page is continued: a row that is deleted
/// between two pages makes no other row disappear.
pub(super) struct Row {
    pub(super) key: String,
    pub(super) item: Value,
}

/// Which page is asked for.
pub(super) struct Page {
    size: usize,
    after: Option<String>,
}

impl Page {
    /// The page that `call` asks for; `default` rows if it does not say.
    pub(super) fn of(call: &Call, default: usize) -> Result<Self, Failure> {
        let size = match call.parameter("maxResults") {
            None => default,
            Some(text) => {
                text.parse().ok().filter(|size| (1..=RESULTS_MAX).contains(size)).ok_or_else(
                    || {
                        validation(format!(
                            "1 validation error detected: Value '{text}' at 'maxResults' failed \
                             to satisfy constraint: Member must have value between 1 and \
                             {RESULTS_MAX}"
                        ))
                    },
                )?
            }
        };
        let after = match call.parameter("nextToken") {
            None => None,
            Some(token) => {
                accept_text(&shapes::NEXT_TOKEN, "nextToken", token)?;
                Some(open(token).ok_or_else(|| validation("The nextToken is invalid"))?)
            }
        };
        Ok(Self { size, after })
    }

    /// The rows of this page, which come ordered by key, and the token of the next one.
    pub(super) fn take(
        self,
        mut rows: Vec<Row>,
        is_reversed: bool,
    ) -> (Vec<Value>, Option<String>) {
        if is_reversed {
            rows.reverse();
        }
        if let Some(after) = &self.after {
            rows.retain(|row| if is_reversed { row.key < *after } else { row.key > *after });
        }
        let is_last = rows.len() <= self.size;
        rows.truncate(self.size);
        let next = rows.last().filter(|_| !is_last).map(|row| URL_SAFE_NO_PAD.encode(&row.key));
        (rows.into_iter().map(|row| row.item).collect(), next)
    }
}

fn open(token: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

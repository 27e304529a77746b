//! What goes wrong on the way between a client and AWS: requests that a proxy refuses, answers that
//! are cut, doubled, or of a kind that nobody has seen before.
//!
//! The simulator's own faults are those of a service that works as documented. These are the others.
//! The trace keeps what AWS said; what the controller was told instead is noted beside it.

use std::time::Duration;

use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::checker::parts;
use crate::trace::Entry;

/// How long after a page was lost the next may be: a thing that is missing twice, some seconds
/// apart, is missing as far as anybody can tell.
const BETWEEN_LOST_PAGES: Duration = Duration::from_mins(2);

/// A way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// A page comes without its items.
    PageLost,
    /// A page has its items twice.
    PageRepeated,
    /// The token of the next page is not taken any more.
    TokenExpired,
    /// Success, and a body that is cut.
    Malformed,
    /// A gateway's page of HTML.
    Gateway,
    /// An exception with a code that no model has.
    Unknown,
    /// The connection breaks before the request has arrived.
    ResetBefore,
    /// The connection breaks before the answer has.
    ResetAfter,
    /// The session ends while the call is on its way.
    Expired,
    /// What a quota allows is there already.
    Quota,
}

pub(crate) const SPOILS: [Spoil; 10] = [
    Spoil::PageLost,
    Spoil::PageRepeated,
    Spoil::TokenExpired,
    Spoil::Malformed,
    Spoil::Gateway,
    Spoil::Unknown,
    Spoil::ResetBefore,
    Spoil::ResetAfter,
    Spoil::Expired,
    Spoil::Quota,
];

/// A spoil in force.
#[derive(Clone, Debug)]
struct Armed {
    spoil: Spoil,
    /// How often it still strikes.
    count: u64,
    /// Of a hundred calls it could strike.
    percent: u8,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It arrives.
    Passes,
    /// It does not arrive, and this is the answer.
    Refused(Response<Bytes>),
    /// The connection breaks, before the request arrived or after it.
    Breaks { arrives: bool },
}

/// The way between the controllers and AWS.
#[derive(Debug, Default)]
pub(crate) struct Spoiler {
    armed: Vec<Armed>,
    random: Rng,
    lost_page_at: Option<Duration>,
    /// What struck, in order.
    pub(crate) struck: Vec<Spoil>,
}

impl Spoiler {
    /// From now on some calls go wrong in this way, too.
    pub(crate) fn arm(&mut self, spoil: Spoil, random: &mut Rng) {
        let count = random.u64(1..=6);
        let percent = *crate::setting::one(random, &[30, 100]);
        self.random = Rng::with_seed(random.u64(..));
        self.armed.push(Armed { spoil, count, percent });
    }

    /// No call goes wrong any more.
    pub(crate) fn lift(&mut self) {
        self.armed.clear();
    }

    /// Draws whether one of these strikes.
    fn draws(&mut self, is_possible: impl Fn(Spoil) -> bool) -> Option<Spoil> {
        for armed in &mut self.armed {
            if armed.count == 0 || !is_possible(armed.spoil) {
                continue;
            }
            if self.random.u8(..100) < armed.percent {
                armed.count -= 1;
                self.struck.push(armed.spoil);
                return Some(armed.spoil);
            }
        }
        None
    }

    /// Decides about a request.
    pub(crate) fn sends(&mut self, request: &Request<Bytes>) -> Fate {
        let entry = Entry::of(Duration::ZERO, "", request);
        let is_created = ["CreatePolicy", "AttachPolicy"].contains(&entry.target.as_str())
            || (entry.method == "POST" && entry.path.starts_with("/guardrails"));
        let has_token = entry.path.contains("nextToken=") || entry.body.contains("\"NextToken\"");
        let drawn = self.draws(|spoil| match spoil {
            Spoil::TokenExpired => has_token,
            Spoil::Quota => is_created,
            Spoil::Expired => entry.access_key.starts_with("ASIA"),
            Spoil::Gateway | Spoil::Unknown | Spoil::ResetBefore | Spoil::ResetAfter => true,
            Spoil::PageLost | Spoil::PageRepeated | Spoil::Malformed => false,
        });
        let Some(spoil) = drawn else { return Fate::Passes };
        let is_organizations = entry.service == "organizations";
        let error =
            |status, code: &str, message: &str| Fate::Refused(failure(status, code, message));
        match spoil {
            Spoil::TokenExpired if is_organizations => {
                error(400, "InvalidInputException", "INVALID_NEXT_TOKEN: The token has expired.")
            }
            Spoil::TokenExpired => error(400, "ValidationException", "The nextToken has expired."),
            Spoil::Quota if is_organizations => {
                error(400, "ConstraintViolationException", "POLICY_NUMBER_LIMIT_EXCEEDED")
            }
            Spoil::Quota => {
                error(400, "ServiceQuotaExceededException", "The limit of guardrails is reached.")
            }
            Spoil::Expired => error(403, "ExpiredTokenException", "The security token has expired"),
            Spoil::Unknown => error(418, "TeapotException", "Nobody has seen this before."),
            Spoil::Gateway => Fate::Refused(gateway()),
            Spoil::ResetAfter => Fate::Breaks { arrives: true },
            Spoil::ResetBefore | Spoil::PageLost | Spoil::PageRepeated | Spoil::Malformed => {
                Fate::Breaks { arrives: false }
            }
        }
    }

    /// Makes of an answer what the client gets instead.
    pub(crate) fn answers(
        &mut self,
        at: Duration,
        is_list: bool,
        response: Response<Bytes>,
    ) -> Response<Bytes> {
        if !response.status().is_success() {
            return response;
        }
        let Ok(mut body) = serde_json::from_slice::<Value>(response.body()) else {
            return response;
        };
        let items = items(&body);
        let may_lose =
            self.lost_page_at.is_none_or(|last| last + BETWEEN_LOST_PAGES < at) && is_list;
        let drawn = self.draws(|spoil| match spoil {
            Spoil::PageLost => items.is_some() && may_lose,
            Spoil::PageRepeated => items.is_some() && is_list,
            Spoil::Malformed => true,
            _ => false,
        });
        match drawn {
            Some(Spoil::PageLost) => {
                self.lost_page_at = Some(at);
                if let Some(list) = items.and_then(|name| body[name].as_array_mut()) {
                    list.clear();
                }
            }
            Some(Spoil::PageRepeated) => {
                if let Some(list) = items.and_then(|name| body[name].as_array_mut()) {
                    list.extend(list.clone());
                }
            }
            Some(_) => {
                let half = response.body().slice(..response.body().len() / 2);
                return response.map(|_| half);
            }
            None => return response,
        }
        let (parts, _) = response.into_parts();
        let mut spoiled = Response::from_parts(parts, Bytes::from(body.to_string()));
        spoiled.headers_mut().remove("content-length");
        spoiled
    }
}

/// Whether a request asks for a page.
pub(crate) fn is_list(request: &Request<Bytes>) -> bool {
    let entry = Entry::of(Duration::ZERO, "", request);
    let (path, _) = parts(&entry.path);
    entry.target.starts_with("List") || (entry.method == "GET" && path.len() == 1)
}

/// The member of a page that has its items.
fn items(body: &Value) -> Option<&'static str> {
    const NAMES: [&str; 9] = [
        "guardrails",
        "guardrailsConfig",
        "Accounts",
        "OrganizationalUnits",
        "Policies",
        "Targets",
        "Tags",
        "Roots",
        "foundationModelSummaries",
    ];
    NAMES.into_iter().find(|name| body[name].as_array().is_some_and(|it| !it.is_empty()))
}

fn failure(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let body = json!({"__type": code, "message": message, "Message": message});
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("x-amzn-errortype", code.parse().unwrap());
    response
}

fn gateway() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"<html><h1>502 Bad Gateway</h1></html>"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

#[test]
fn each_way_to_go_wrong_strikes_and_ends_when_lifted() {
    let request = |path: &str, body: &str| {
        Request::builder()
            .method("POST")
            .uri(path)
            .header(
                "authorization",
                "AWS4 Credential=ASIA1/20260105/us-east-1/bedrock/aws4_request",
            )
            .body(Bytes::from(body.to_owned()))
            .unwrap()
    };
    let page = r#"{"guardrails":[{"id":"a"}]}"#;
    for spoil in SPOILS {
        let mut spoiler = Spoiler::default();
        let mut random = Rng::with_seed(3);
        spoiler.arm(spoil, &mut random);
        spoiler.armed[0].percent = 100;
        let asked = request("/guardrails", r#"{"NextToken":"t"}"#);
        let arrives = matches!(spoiler.sends(&asked), Fate::Passes);
        let answer = Response::new(Bytes::from_static(page.as_bytes()));
        let told = spoiler.answers(Duration::from_secs(1), true, answer.clone());
        assert!(!arrives || told.body() != answer.body(), "{spoil:?} changed nothing");
        assert_eq!(spoiler.struck, [spoil]);
        spoiler.lift();
        let told = spoiler.answers(Duration::from_hours(1), true, answer.clone());
        assert!(told.body() == answer.body() && matches!(spoiler.sends(&asked), Fate::Passes));
    }
}

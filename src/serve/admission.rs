//! Who may ask.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use sha2::{Digest as _, Sha256};

/// Who may ask.
#[derive(Clone, Default)]
pub struct Admission {
    leaves_loopback: bool,
    /// Of the token, so that comparing takes the same time whatever was sent.
    token: Option<[u8; 32]>,
    address: Option<SocketAddr>,
}

impl Admission {
    /// Beyond loopback, and who knows the token, if they are given.
    pub fn new(leaves_loopback: bool, token: Option<&str>) -> Self {
        let token = token.filter(|token| !token.is_empty()).map(digest);
        Self { leaves_loopback, token, address: None }
    }

    /// Whether an address beyond loopback may be listened on.
    pub(super) fn may_leave_loopback(&self) -> bool {
        self.leaves_loopback && self.token.is_some()
    }

    pub(super) fn on(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    fn admits_host(&self, host: Option<&str>) -> bool {
        let Some(host) = host else { return false };
        let name = without_port(host);
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let Ok(ip) = name.trim_matches(['[', ']']).parse::<IpAddr>() else {
            // A name of somebody's own can point at us; a token it does not know.
            return self.may_leave_loopback();
        };
        ip.is_loopback()
            || self.may_leave_loopback()
            || self.address.is_some_and(|address| address.ip() == ip)
    }

    fn admits_token(&self, headers: &HeaderMap) -> bool {
        let Some(wanted) = self.token else { return true };
        let sent = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let bears = sent.and_then(|it| it.strip_prefix("Bearer "));
        bears.is_some_and(|sent| digest(sent) == wanted) || self.admits_cookie(headers)
    }

    /// A browser cannot be told to send a header with the first request of a page, nor with a
    /// stream of events; it sends what [`sign_in`](Self::sign_in) gave it.
    fn admits_cookie(&self, headers: &HeaderMap) -> bool {
        let Some(wanted) = self.pass() else { return false };
        let (wanted, name) = (digest(&wanted), self.cookie());
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        let mut passes = cookies
            .flat_map(|it| it.split(';'))
            .filter_map(|it| it.trim().strip_prefix(&name)?.strip_prefix('='));
        passes.any(|sent| digest(sent) == wanted)
    }

    /// Takes the token out of the address of the page, and gives a cookie for it: the address is
    /// in the history of the browser, and may be sent to a colleague.
    fn sign_in(&self, uri: &Uri) -> Option<Response> {
        let wanted = self.token?;
        let query = uri.query().filter(|_| uri.path() == "/")?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, sent) = pairs.find(|(name, _)| name == "token")?;
        if digest(&sent) != wanted {
            return None;
        }
        let (name, pass) = (self.cookie(), self.pass()?);
        let cookie = format!("{name}={pass}; Path=/; HttpOnly; SameSite=Strict");
        let headers = [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)];
        Some((StatusCode::SEE_OTHER, headers).into_response())
    }

    /// The name of the cookie: browsers keep one jar for all ports of a host.
    fn cookie(&self) -> String {
        let port = self.address.map_or(0, |address| address.port());
        format!("bedrail-{port}")
    }

    /// What a cookie holds: it admits to here and does not tell the token.
    fn pass(&self) -> Option<String> {
        let token = self.token?;
        Some(hex::encode(
            Sha256::new().chain_update(b"bedrail page\0").chain_update(token).finalize(),
        ))
    }
}

/// What a browser shows that has no cookie yet. A link from another site brings none either, the
/// first time: then the link below does.
const SIGN_IN: &str = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Bedrail: a token is needed</title><h1>A token is needed</h1>\
    <p>Open this address once with <code>/?token=…</code>, the value of <code>--listen-token</code>; \
    the browser keeps it as a cookie. <p><a href=\"/\">I have done so: try again</a></html>\n";

/// Refuses what is not to be answered. Probes of the kubelet know no token, and learn nothing.
pub(super) async fn admit(
    State(admission): State<Arc<Admission>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let is_page = request.uri().path() == "/";
    let is_probe = ["/healthz", "/readyz"].contains(&request.uri().path());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let mut response = if !is_probe && !admission.admits_host(host) {
        let why = "this Host is not served; ask by the loopback address\n";
        (StatusCode::MISDIRECTED_REQUEST, why).into_response()
    } else if let Some(signed_in) = admission.sign_in(request.uri()) {
        signed_in
    } else if is_probe || admission.admits_token(headers) {
        next.run(request).await
    } else {
        unauthorized(is_page)
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The page may do more than what is no page.
    let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

fn unauthorized(is_page: bool) -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    if is_page {
        return (StatusCode::UNAUTHORIZED, challenge, Html(SIGN_IN)).into_response();
    }
    let why = "a token is needed: Authorization: Bearer …\n";
    (StatusCode::UNAUTHORIZED, challenge, why).into_response()
}

/// The name of `name:port` or `[::1]:port`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, authorization.parse().unwrap())])
    }

    #[test]
    fn a_name_that_somebody_points_at_us_is_refused() {
        let admission = Admission::default().on("127.0.0.1:8787".parse().unwrap());
        for good in ["127.0.0.1:8787", "localhost:8787", "localhost", "[::1]:8787", "127.0.0.1"] {
            assert!(admission.admits_host(Some(good)), "{good}");
        }
        for bad in ["evil.example:8787", "evil.example", "10.0.0.1:8787", "127.0.0.1.evil.example"]
        {
            assert!(!admission.admits_host(Some(bad)), "{bad}");
        }
        assert!(!admission.admits_host(None));
    }

    #[test]
    fn beyond_loopback_a_token_is_needed_to_listen_and_to_ask() {
        assert!(!Admission::new(true, None).may_leave_loopback());
        assert!(!Admission::new(true, Some("")).may_leave_loopback());
        assert!(!Admission::new(false, Some("t")).may_leave_loopback());
        let admission = Admission::new(true, Some("heliotrope"));
        assert!(admission.may_leave_loopback() && admission.admits_host(Some("bedrail.internal")));
        assert!(admission.admits_token(&headers("Bearer heliotrope")));
        for wrong in ["Bearer heliotrop", "heliotrope", "Basic heliotrope", "Bearer "] {
            assert!(!admission.admits_token(&headers(wrong)), "{wrong}");
        }
        assert!(!admission.admits_token(&HeaderMap::new()));
        assert!(Admission::default().admits_token(&HeaderMap::new()));
    }

    fn cookie(response: &Response) -> &str {
        response.headers()[header::SET_COOKIE].to_str().unwrap()
    }

    #[test]
    fn the_address_of_the_page_gives_a_cookie_for_the_token_and_loses_it() {
        let admission = Admission::new(true, Some("helio trope&"));
        let sign_in = |uri: &'static str| admission.sign_in(&Uri::from_static(uri));
        let signed_in = sign_in("/?a=b&token=helio%20trope%26").unwrap();
        assert_eq!(signed_in.status(), StatusCode::SEE_OTHER);
        assert_eq!(signed_in.headers()[header::LOCATION], "/");
        let cookie = cookie(&signed_in);
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains("helio"), "{cookie}");
        for wrong in ["/?token=heliotrope", "/?token=", "/", "/metrics?token=helio%20trope%26"] {
            assert!(sign_in(wrong).is_none(), "{wrong}");
        }
        let pass = cookie.split(';').next().unwrap();
        let sent = |text: &str| HeaderMap::from_iter([(header::COOKIE, text.parse().unwrap())]);
        assert!(admission.admits_token(&sent(&format!("other=1; {pass}"))));
        assert!(!admission.admits_token(&sent("bedrail-0=")));
        assert!(!admission.admits_token(&sent("bedrail-0=helio trope&")));
        let elsewhere = admission.clone().on("127.0.0.1:8788".parse().unwrap());
        assert!(!elsewhere.admits_token(&sent(pass)));
        let other = Admission::new(true, Some("another"));
        assert!(!other.admits_token(&sent(pass)));
        assert!(Admission::default().sign_in(&Uri::from_static("/?token=")).is_none());
    }
}

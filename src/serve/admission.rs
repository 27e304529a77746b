//! Who may ask.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
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
        sent.and_then(|it| it.strip_prefix("Bearer ")).is_some_and(|sent| digest(sent) == wanted)
    }
}

/// Refuses what is not to be answered. Probes of the kubelet know no token, and learn nothing.
pub(super) async fn admit(
    State(admission): State<Arc<Admission>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let is_probe = ["/healthz", "/readyz"].contains(&request.uri().path());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !is_probe && !admission.admits_host(host) {
        let why = "this Host is not served; ask by the loopback address\n";
        return (StatusCode::MISDIRECTED_REQUEST, why).into_response();
    }
    if !is_probe && !admission.admits_token(headers) {
        let why = "a token is needed: Authorization: Bearer …\n";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], why)
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    response
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
}

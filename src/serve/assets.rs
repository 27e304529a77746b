//! The page: hand-written, compiled in, nothing from elsewhere.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What the page may do: run and load what is served here, and nothing else.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type, text.
const ASSETS: [(&str, &str, &str); 13] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/page/page.css", CSS, include_str!("page/page.css")),
    ("/page/matrix.css", CSS, include_str!("page/matrix.css")),
    ("/page/main.js", SCRIPT, include_str!("page/main.js")),
    ("/page/attention.js", SCRIPT, include_str!("page/attention.js")),
    ("/page/detail.js", SCRIPT, include_str!("page/detail.js")),
    ("/page/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/page/live.js", SCRIPT, include_str!("page/live.js")),
    ("/page/manifests.js", SCRIPT, include_str!("page/manifests.js")),
    ("/page/matrix.js", SCRIPT, include_str!("page/matrix.js")),
    ("/page/rollouts.js", SCRIPT, include_str!("page/rollouts.js")),
    ("/page/states.js", SCRIPT, include_str!("page/states.js")),
    ("/page/timeline.js", SCRIPT, include_str!("page/timeline.js")),
];

/// Routes to everything the page consists of.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(move || std::future::ready(asset(kind, text))))
    })
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What somebody calls an account must not become part of the page: text is only ever set as
    /// text. And what is not served here would be refused by the policy.
    #[test]
    fn no_text_becomes_markup_and_nothing_comes_from_elsewhere() {
        let markup = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
        ];
        for (path, kind, text) in ASSETS {
            for forbidden in markup {
                assert!(!text.contains(forbidden), "{path} has {forbidden}");
            }
            for elsewhere in ["http://", "https://", "src=\"//", "@import", "url("] {
                assert!(!text.contains(elsewhere), "{path} has {elsewhere}");
            }
            if kind == HTML {
                for inline in ["<style", " style=", " onclick=", "javascript:"] {
                    assert!(!text.contains(inline), "{path} has {inline}");
                }
            }
        }
    }

    #[test]
    fn whatever_the_page_names_is_served() {
        let paths: Vec<&str> = ASSETS.iter().map(|(path, ..)| *path).collect();
        let mut named = 0;
        for (path, _, text) in ASSETS {
            let words = text.split(['"', '\'']);
            for word in words.filter(|it| it.starts_with("/page/") || it.starts_with("./")) {
                let full = word.replacen("./", "/page/", 1);
                assert!(paths.contains(&full.as_str()), "{path} names {word}");
                named += 1;
            }
        }
        assert!(named >= paths.len() - 1, "{named}");
    }
}

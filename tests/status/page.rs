//! What a browser is given: the page, what it asks for, and the stream of events.

use std::process::{Command, ExitStatus};

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::support::{ADA, GUARDRAIL, PATIENCE, SANDBOX, WORKLOADS, everything, with, within};
use super::{CELL, Scene};

type Response = axum::http::Response<axum::body::Body>;

const EVENTS: &str = "/api/v1/events";

impl Scene {
    async fn respond(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = axum::http::Request::get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        client.request(request).await.unwrap().map(axum::body::Body::new)
    }

    async fn overview(&self) -> Value {
        let (code, text) = self.get("/api/v1/overview", &[]).await;
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The letter of a cell in the matrix.
    async fn letter(&self, (account, region): (&str, &str)) -> Option<char> {
        let overview = self.overview().await;
        let regions = overview["regions"].as_array().unwrap();
        let index = regions.iter().position(|it| it == region)?;
        let rows = overview["accounts"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == account)?;
        row["cells"].as_str().unwrap().chars().nth(index)
    }
}

/// The next event of a stream; `None` at its end.
async fn next(stream: &mut Response) -> Option<Value> {
    let frame = stream.body_mut().frame().await?.ok()?;
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    assert!(text.contains("event: beat\n"), "{text}");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    Some(serde_json::from_str(data).unwrap())
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_may_load_what_is_served_here_and_nothing_else() {
    let scene = Scene::start(|_| {}).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
    ] {
        let response = scene.respond(path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), kind);
        assert_eq!(
            header(&response, "content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin");
    }
    let events = scene.respond(EVENTS, &[]).await;
    assert_eq!(header(&events, "content-type"), "text/event-stream");
    assert_eq!(header(&events, "cache-control"), "no-store");
    assert_eq!(scene.get("/page/../Cargo.toml", &[]).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_somebody_else_gets_neither_page_nor_events() {
    let scene = Scene::start(|_| {}).await;
    for path in ["/", "/page/main.js", EVENTS, "/api/v1/overview", "/?token=x"] {
        let response = scene.respond(path, &[("host", "evil.example:8787")]).await;
        assert_eq!(response.status(), 421, "{path}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_address_becomes_a_cookie_that_opens_everything() {
    let scene = Scene::start(|stage| stage.set("BEDRAIL_LISTEN_TOKEN", "token-canary")).await;
    for path in ["/", "/page/main.js", EVENTS, "/api/v1/overview", "/?token=wrong"] {
        assert_eq!(scene.respond(path, &[]).await.status(), 401, "{path}");
    }
    assert_eq!(scene.respond("/api/v1/overview?token=token-canary", &[]).await.status(), 401);
    let signed_in = scene.respond("/?token=token-canary", &[]).await;
    assert_eq!(signed_in.status(), 303);
    assert_eq!(header(&signed_in, "location"), "/");
    let cookie = header(&signed_in, "set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("canary"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    for path in ["/", "/page/main.js", EVENTS, "/api/v1/overview"] {
        assert_eq!(scene.respond(path, &[("cookie", cookie)]).await.status(), 200, "{path}");
    }
    assert!(!scene.stage.log().contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_pages_are_told_of_a_change_and_read_what_and_by_whom() {
    let scene = Scene::converged().await;
    let mut stream = scene.respond(EVENTS, &[]).await;
    // At rest, beats say the same again and again.
    let mut seen = next(&mut stream).await.unwrap()["revision"].as_u64();
    loop {
        let revision = next(&mut stream).await.unwrap()["revision"].as_u64();
        if revision == seen {
            break;
        }
        seen = revision;
    }

    scene.stage.delete_enforced(CELL).await;
    loop {
        let beat = next(&mut stream).await.unwrap();
        if beat["revision"].as_u64() > seen {
            break;
        }
    }
    let drift = scene
        .stage
        .eventually("the drift is in the timeline", || async {
            let overview = scene.overview().await;
            let events = overview["timeline"].as_array().unwrap().clone();
            events.into_iter().find(|event| event["kind"] == "Drift")
        })
        .await;
    assert_eq!((&drift["account"], &drift["region"]), (&json!(CELL.0), &json!(CELL.1)), "{drift}");
    assert_eq!(drift["ending"], "Done");
    let query = drift["actor"]["Unknown"].as_str().unwrap();
    assert!(query.contains("DeleteEnforcedGuardrailConfiguration"), "{query}");
    scene
        .stage
        .eventually("the matrix says so", || async {
            (scene.letter(CELL).await == Some('s')).then_some(())
        })
        .await;
    let path = format!("/api/v1/cells/{}/{}", CELL.0, CELL.1);
    let detail: Value = serde_json::from_str(&scene.get(&path, &[]).await.1).unwrap();
    assert_eq!(detail["desired"]["version"], detail["live"]["version"], "{detail}");
    assert_eq!(detail["events"][0]["kind"], "Drift", "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_lost_its_enforcement_is_unprotected_until_it_is_back() {
    let scene = Scene::converged().await;
    let denied = json!([{"kind": "Denied", "operation": "bedrock:PutEnforced*", "account": ADA}]);
    scene.stage.faults(denied).await;
    scene.stage.delete_enforced(CELL).await;
    scene
        .stage
        .eventually("the cell is unprotected, though a manifest claims it", || async {
            (scene.letter(CELL).await == Some('u')).then_some(())
        })
        .await;
    let overview = scene.overview().await;
    assert_eq!(overview["urgency"], "Broken");
    assert!(overview["verdict"].as_str().unwrap().contains("unprotected"), "{overview}");
    scene.stage.faults(json!([])).await;
    scene
        .stage
        .eventually("it is back", || async {
            (scene.letter(CELL).await == Some('s')).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_of_a_manifest_say_what_it_waits_for() {
    let scene = Scene::converged().await;
    let denied = json!([{"kind": "Denied", "operation": "bedrock:ListEnforced*", "account": ADA}]);
    scene.stage.faults(denied).await;
    let manifest = scene
        .stage
        .eventually("the manifest is not ready", || async {
            let overview = scene.overview().await;
            let all = overview["manifests"].as_array().unwrap().clone();
            all.into_iter().find(|it| {
                it["manifest"] == "AccountEnforcement/sandbox" && it["phase"] == "Failing"
            })
        })
        .await;
    let status = |kind: &str| {
        let conditions = manifest["conditions"].as_array().unwrap();
        conditions.iter().find(|it| it["type"] == kind).unwrap()["status"].clone()
    };
    assert_eq!(status("Reachable"), "False", "{manifest}");
    assert_eq!(status("Ready"), "False");
    assert_eq!(status("InSync"), "Unknown");
    assert_eq!(status("Accepted"), "True");
    assert!(scene.get("/api/v1/cells/999999999999/us-east-1", &[]).await.0 == 404);
    assert!(scene.get("/api/v1/cells/x/y", &[]).await.0 == 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_does_not_hold_up_a_stop() {
    let mut scene = Scene::start(|stage| {
        stage.manifest("all.yaml", &everything());
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = scene.respond(EVENTS, &[]).await;
        assert!(next(&mut stream).await.is_some());
        streams.push(stream);
    }
    let process = scene.stage.running();
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    for mut stream in streams {
        // What was said before the stop may still come.
        while next(&mut stream).await.is_some() {}
    }
    let ended = within(PATIENCE, || {
        let ended = scene.stage.running().try_wait().unwrap();
        std::future::ready(ended)
    })
    .await;
    assert!(ended.is_some_and(|it: ExitStatus| it.success()), "{ended:?}");
}

/// The waves of a rollout: name, state, how many of how many.
fn waves(overview: &Value, manifest: &str) -> Option<Vec<String>> {
    let rollouts = overview["rollouts"].as_array().unwrap();
    let rollout = rollouts.iter().find(|it| it["manifest"] == manifest)?;
    let waves = rollout["waves"].as_array().unwrap().iter().map(|wave| {
        let word = |name: &str| wave[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}/{}", word("name"), word("state"), wave["converged"], wave["all"])
    });
    Some(waves.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_rollout_show_their_waves_and_the_clock_of_a_bake() {
    let rollout =
        "rollout: {waves: [{name: canary, regions: [eu-west-1], bake: 1h}, {name: rest}]}";
    let scene = Scene::start(|stage| {
        let texts = [GUARDRAIL.to_owned(), with(WORKLOADS, rollout), with(SANDBOX, rollout)];
        stage.manifest("all.yaml", &texts.join("---"));
    })
    .await;
    let overview = scene
        .stage
        .eventually("both bake", || async {
            let overview = scene.overview().await;
            let bakes = |manifest| {
                waves(&overview, manifest)
                    == Some(vec!["canary Baking 1/1".to_owned(), "rest Closed 0/1".to_owned()])
            };
            let both =
                bakes("AccountEnforcement/sandbox") && bakes("OrganizationEnforcement/workloads");
            both.then_some(overview)
        })
        .await;
    for rollout in overview["rollouts"].as_array().unwrap() {
        let wave = &rollout["waves"][0];
        assert_eq!(wave["bakeSeconds"], 3600, "{rollout}");
        assert!(wave["bakesUntil"].as_str().unwrap() > overview["at"].as_str().unwrap());
        assert!(rollout["gate"].as_str().unwrap().contains("applied in each"), "{rollout}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_plan_is_shown_with_the_text_that_consents_to_it() {
    let scene = Scene::converged().await;
    let absent = [GUARDRAIL.to_owned(), WORKLOADS.to_owned(), with(SANDBOX, "state: Absent")];
    scene.stage.manifest("all.yaml", &absent.join("---"));
    let held = scene
        .stage
        .eventually("the plan is held", || async {
            let held = scene.overview().await["heldPlan"].clone();
            held.is_object().then_some(held)
        })
        .await;
    let name = held["name"].as_str().unwrap();
    assert!(name.starts_with("p-") && name.len() == 18, "{held}");
    assert_eq!(held["manifests"], json!(["AccountEnforcement/sandbox"]));
    let approval = held["approval"].as_str().unwrap();
    assert!(approval.contains(&format!("plan: {name}")), "{approval}");
    let overview = scene.overview().await;
    assert!(overview["verdict"].as_str().unwrap().contains("waiting for a person"), "{overview}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_journal_the_timeline_does_not_begin_with_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.jsonl");
    let scene = Scene::start(|stage| {
        stage.manifest("all.yaml", &everything());
        stage.set("BEDRAIL_JOURNAL", journal.to_str().unwrap());
    })
    .await;
    scene.stage.at_rest().await;
    scene.stage.delete_enforced(CELL).await;
    let corrected = |overview: Value| {
        let events = overview["timeline"].as_array().unwrap().clone();
        events.into_iter().find(|it| it["kind"] == "Drift")
    };
    let before = scene
        .stage
        .eventually("the drift is put right", || async {
            corrected(scene.overview().await).filter(|it| it["ending"] == "Done")
        })
        .await;

    let scene = scene.again().await;
    let overview = scene.overview().await;
    let after = corrected(overview).unwrap();
    // When, too, but for the moment between the clock of the journal and that of the page.
    for member in ["what", "key", "account", "region", "object", "changes", "actor", "ending"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    let both = || async {
        let overview = scene.overview().await;
        let timeline = overview["timeline"].as_array().unwrap().iter();
        (timeline.filter(|it| it["kind"] == "Accepted").count() == 2).then_some(())
    };
    scene.stage.eventually("what was accepted by the process before, and by this one", both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_of_a_manifest_says_which_generation_it_speaks_about() {
    let scene = Scene::converged().await;
    let generations = || async {
        let overview = scene.overview().await;
        let manifests = overview["manifests"].as_array().unwrap().clone().into_iter();
        let conditions = manifests.flat_map(|it| it["conditions"].as_array().unwrap().clone());
        let observed: Vec<_> = conditions.map(|it| it["observedGeneration"].clone()).collect();
        assert!(!observed.is_empty());
        (overview["generation"].clone(), observed)
    };
    let all_speak_of = |wanted: u64| {
        let generations = &generations;
        move || async move {
            let (generation, observed) = generations().await;
            let is_wanted = generation == wanted && observed.iter().all(|it| *it == wanted);
            is_wanted.then_some(())
        }
    };
    scene.stage.eventually("they speak of the first", all_speak_of(1)).await;
    let more = everything().replace("What everybody gets.", "What everybody has.");
    scene.stage.manifest("all.yaml", &more);
    scene.stage.eventually("they speak of the second", all_speak_of(2)).await;
}

//! The journal: what was written is in it before it is written, and nobody can change it unseen.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::{ADA, Finished, MANAGEMENT, REGIONS, SMALL, Stage, everything};
use tempfile::TempDir;

const CELL: (&str, &str) = (ADA, "us-east-1");

/// A stage whose journal stands beside its manifests.
struct Scene {
    stage: Stage,
    folder: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::start(SMALL).await;
        stage.manifest("all.yaml", &everything());
        let path = folder.path().join("journal.jsonl");
        stage.set("BEDRAIL_JOURNAL", path.to_str().unwrap());
        Self { stage, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.jsonl")
    }

    async fn running() -> Self {
        let mut scene = Self::start().await;
        scene.stage.run().await;
        let stage = &scene.stage;
        stage
            .eventually("the cell is enforced", || async {
                stage.enforced_version(CELL).await.map(|_| ())
            })
            .await;
        stage.at_rest().await;
        scene
    }

    fn journal(&self, arguments: &[&str], code: i32) -> Finished {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
        command.arg("journal").args(arguments).arg("--journal").arg(self.path()).env_clear();
        let done = Finished::of(&command.output().unwrap());
        assert_eq!(done.code, code, "journal ended otherwise\n{done}");
        done
    }

    fn records(&self) -> Vec<Value> {
        let shown = self.journal(&["-o", "json"], 0);
        shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn intended(&self) -> Vec<Value> {
        let records = self.records().into_iter();
        records.filter(|record| record["record"] == "Intended").collect()
    }
}

/// The lines of a stream, as they come.
fn gathered(stream: impl Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            kept.lock().unwrap().push(line);
        }
    });
    lines
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_in_the_journal_and_how_it_ended() {
    let mut scene = Scene::start().await;
    scene.stage.apply(0).await;
    let operation = |write: String| write.split(' ').next().unwrap().to_owned();
    let written = count(scene.stage.writes().await.into_iter().map(operation));
    let intended = scene.intended();
    let recorded = count(intended.iter().map(|it| it["operation"].as_str().unwrap().to_owned()));
    assert_eq!(recorded, written);
    let records = scene.records();
    let ended: Vec<&Value> = records.iter().filter(|it| it["record"] == "Ended").collect();
    assert_eq!(ended.len(), intended.len());
    assert!(ended.iter().all(|it| it["ending"] == "Done"));
    assert_eq!(records[0]["record"], "Opened");
    assert_eq!(records[1]["record"], "Accepted");
    assert!(intended.iter().all(|it| it["because"] == "Manifest"), "{intended:?}");
    scene.journal(&["verify"], 0).line(&["unbroken"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_failed_is_said_to_have() {
    let mut scene = Scene::start().await;
    let denied =
        json!({"kind": "Denied", "operation": "bedrock:PutEnforcedGuardrailConfiguration"});
    scene.stage.faults(json!([denied])).await;
    scene.stage.apply(1).await;
    let shown = scene.journal(&["--account", ADA], 0);
    shown.line(&["PutEnforcedGuardrailConfiguration", "failed", "Denied"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_names_who_did_it_where_aws_does_and_else_how_to_ask() {
    let scene = Scene::running().await;
    let stage = &scene.stage;
    stage.delete_enforced(CELL).await;
    let record = stage
        .eventually("the correction is in the journal", || async {
            scene.intended().into_iter().find(|it| it["because"] == "Drift")
        })
        .await;
    assert_eq!(record["operation"], "bedrock:PutEnforcedGuardrailConfiguration");
    let query = record["actor"]["Unknown"].as_str().unwrap();
    assert!(query.contains("AttributeValue=DeleteEnforcedGuardrailConfiguration"), "{query}");
    assert!(query.contains("--region us-east-1"), "{query}");
    stage.at_rest().await;

    // What is in the slot says who put it there.
    let own = stage.guardrail((MANAGEMENT, CELL.1), "baseline").await;
    let seen = scene.intended().len();
    stage.put_enforced(CELL, &own, "1").await;
    let record = stage
        .eventually("the correction is in the journal", || async {
            let new = scene.intended().into_iter().skip(seen);
            let mut new = new.rev();
            new.find(|it| it["operation"] == "bedrock:PutEnforcedGuardrailConfiguration")
        })
        .await;
    let actor = record["actor"]["Known"].as_str().unwrap_or_default();
    assert!(actor.contains("OrganizationAccountAccessRole"), "{record}");
    scene.journal(&[], 0).line(&["Drift by arn:", "OrganizationAccountAccessRole"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_line_is_found_and_named() {
    let mut scene = Scene::start().await;
    scene.stage.apply(0).await;
    let hash = scene.journal(&["verify"], 0);
    let hash = hash.line(&["newest hash:"]).rsplit_once(' ').unwrap().1.to_owned();
    scene.journal(&["verify", "--contains", &hash], 0);
    let good = fs::read_to_string(scene.path()).unwrap();
    let number = 1 + good.lines().position(|line| line.contains("CreateGuardrail\"")).unwrap();

    fs::write(scene.path(), good.replacen("bedrock:CreateGuardrail\"", "bedrock:Nothing\"", 1))
        .unwrap();
    let place = format!("journal.jsonl:{number}:");
    scene.journal(&["verify"], 1).line(&[&place, "it was changed"]);
    scene.journal(&[], 1).line(&["error:", &place]);

    let without: Vec<&str> =
        good.lines().enumerate().filter(|(index, _)| index + 1 != number).map(|it| it.1).collect();
    fs::write(scene.path(), without.join("\n") + "\n").unwrap();
    scene.journal(&["verify"], 1).line(&[&place, "removed"]);

    // The end cut off cleanly shows only to who kept the hash.
    let shorter: Vec<&str> = good.lines().take(number).collect();
    fs::write(scene.path(), shorter.join("\n") + "\n").unwrap();
    scene.journal(&["verify"], 0);
    scene.journal(&["verify", "--contains", &hash], 1).line(&["no record has the hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_record_of_a_process_that_died_is_set_aside_and_recorded() {
    const HALF: &str = "{\"sequence\":99,\"at\":\"20";
    let mut scene = Scene::start().await;
    scene.stage.apply(0).await;
    let mut text = fs::read_to_string(scene.path()).unwrap();
    let records = text.lines().count();
    text.push_str(HALF);
    fs::write(scene.path(), &text).unwrap();
    let said = format!("{} bytes after the last record", HALF.len());
    scene.journal(&["verify"], 0).line(&[&said]);

    scene.stage.apply(0).await;
    scene.journal(&["verify"], 0).line(&["unbroken"]);
    let opened = &scene.records()[records];
    assert_eq!((&opened["record"], &opened["tornBytes"]), (&json!("Opened"), &json!(HALF.len())));
    let aside = format!("journal.jsonl.torn-{:020}", records + 1);
    let aside = fs::read_to_string(scene.folder.path().join(aside)).unwrap();
    assert_eq!(aside, HALF);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_has_one_writer() {
    let mut scene = Scene::running().await;
    let second = scene.stage.finish(&["apply"]).await;
    assert_eq!(second.code, 1);
    second.line(&["journal.jsonl is written by another process"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_what_weakens_and_nothing_else() {
    let mut scene = Scene::running().await;
    scene.stage.kill();
    // The file may not grow by more than a few records from here.
    let blocks = fs::metadata(scene.path()).unwrap().len().div_ceil(512) + 1;
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let stage = &scene.stage;
    let run = stage.bedrail(&["run", "--resync", "300ms"]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(limited).arg(run.get_program()).args(run.get_args()).env_clear();
    for (name, value) in run.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env("PATH", "/usr/bin:/bin").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Pipes, since the limit is of every file.
    let output = gathered(child.stdout.take().unwrap());
    let log = gathered(child.stderr.take().unwrap());

    // Drift, to fill it; not so often that it would be a contest.
    for region in REGIONS {
        let cell = (ADA, region);
        stage.delete_enforced(cell).await;
        stage
            .eventually("the cell is enforced again", || async {
                stage.enforced_version(cell).await.map(|_| ())
            })
            .await;
    }
    let said = |where_to: &Arc<Mutex<Vec<String>>>, words: &[&str]| {
        let lines = where_to.lock().unwrap();
        lines.iter().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    };
    stage
        .eventually("its record is on standard output", || async {
            said(&output, &["\"record\":\"Intended\"", "PutEnforcedGuardrailConfiguration", ADA])
        })
        .await;
    // What makes the guardrail weaker waits.
    stage.manifest("all.yaml", &everything().replace("heliotrope", "amaranth"));
    stage
        .eventually("it is held", || async {
            said(&log, &["held", "JournalDegraded", "File too large"])
        })
        .await;
    assert_eq!(stage.versions((MANAGEMENT, CELL.1), "baseline").await, [1]);
    let writes = stage.writes().await;
    assert!(!writes.iter().any(|it| it.contains("UpdateGuardrail")), "{writes:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    // What is in it is whole all the same.
    scene.journal(&["verify"], 0).line(&["unbroken"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_can_be_written_again_says_what_is_missing() {
    let mut scene = Scene::start().await;
    // Its folder cannot be made while a file is in the way.
    let blocker = scene.folder.path().join("logs");
    fs::write(&blocker, "").unwrap();
    let path = blocker.join("journal.jsonl");
    scene.stage.set("BEDRAIL_JOURNAL", path.to_str().unwrap());
    scene.stage.run().await;
    let stage = &scene.stage;
    stage
        .eventually("protection does not wait for it", || async {
            stage.enforced_version(CELL).await.map(|_| ())
        })
        .await;
    stage.logged(&["the journal cannot be written"]).await;
    fs::remove_file(&blocker).unwrap();
    let missing = stage
        .eventually("it is written", || async {
            let text = fs::read_to_string(&path).ok()?;
            let line = text.lines().find(|line| line.contains("\"Degraded\""))?;
            let record: Value = serde_json::from_str(line).unwrap();
            record["missing"].as_u64()
        })
        .await;
    assert!(missing > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_sealed_and_go_only_once_they_were_archived() {
    let mut scene = Scene::start().await;
    scene.stage.set("BEDRAIL_JOURNAL_SEGMENT", "2KiB");
    scene.stage.set("BEDRAIL_JOURNAL_KEPT", "1KiB");
    scene.stage.apply(0).await;
    let sealed = sealed(scene.folder.path());
    assert!(sealed.len() > 2, "{sealed:?}");
    scene.journal(&["verify"], 0).line(&["unbroken: records 1 to"]);

    // The oldest was copied: it may go; the second was not, and stays, as does all that follows.
    fs::write(format!("{}.archived", sealed[0].display()), "").unwrap();
    edit_and_apply(&mut scene, "amaranth").await;
    assert!(!sealed[0].exists());
    assert!(sealed[1].exists());
    scene.journal(&["verify"], 0).line(&["older segments were archived"]);
}

async fn edit_and_apply(scene: &mut Scene, word: &str) {
    scene.stage.manifest("all.yaml", &everything().replace("heliotrope", word));
    scene.stage.apply(0).await;
}

fn sealed(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|it| it.to_string_lossy().parse::<u64>().is_ok())
        })
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_word_of_a_guardrail_and_no_secret_is_in_what_is_recorded_or_logged() {
    const CANARY: &str = "xylocarp-canary";
    let mut scene = Scene::start().await;
    scene.stage.set("BEDRAIL_EXTERNAL_ID", "external-canary");
    scene.stage.set("AWS_SECRET_ACCESS_KEY", "secret-canary");
    scene.stage.apply(0).await;
    let log = scene.stage.finish(&["apply", "-v", "--wait", "60s"]).await;
    scene.stage.manifest("all.yaml", &everything().replace("heliotrope", CANARY));
    let changed = scene.stage.finish(&["apply", "--wait", "60s"]).await;
    assert_eq!(changed.code, 0, "{changed}");
    let mut all = format!("{log}{changed}");
    for entry in fs::read_dir(scene.folder.path()).unwrap() {
        all.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(all.contains("wordsConfig[sha256:"), "{all}");
    for canary in [CANARY, "heliotrope", "external-canary", "secret-canary"] {
        let found = all.lines().find(|line| line.contains(canary));
        assert_eq!(found, None);
    }
}

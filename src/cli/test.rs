//! `bedrail test`: runs the guardrails' own tests on what is live.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::task::JoinSet;

use super::controller::Controller;
use super::exit::Exit;
use super::manifests::load;
use super::patience::with_patience;
use super::progress::{self, Ended};
use super::report;
use super::settings::{Common, Installation, ManifestPaths, Output, duration};
use crate::aws::AwsError;
use crate::model::{Answer, GuardrailTest, Name, Sample};
use crate::plan::{Row, Subject, table};
use crate::reconcile::{Candidate, Intent, Which};
use crate::runtime::Shutdown;

/// Failures in a row after which a key is reported instead of tried again.
const FAILURES_MAX: u32 = 4;

/// Flags of `test`.
#[derive(Debug, Args)]
#[command(
    after_help = "Asks ApplyGuardrail, in the account and Region of each guardrail, each text
of `spec.tests` once. AWS bills every call; how many there will be is said before the first.
Nothing is written.

Exit codes: 0 all pass; 1 a test fails, or could not be run; 2 bad usage or manifests.

Examples:
  bedrail test -f manifests                                 what is enforced now
  bedrail test -f manifests --guardrail baseline --version DRAFT"
)]
pub(super) struct TestArguments {
    #[command(flatten)]
    paths: ManifestPaths,
    #[command(flatten)]
    installation: Installation,
    /// Only this guardrail.
    #[arg(long, value_name = "NAME")]
    guardrail: Option<Name>,
    /// What to test: `live` (what is enforced, else what is published), DRAFT, or a version number.
    #[arg(long, value_name = "DRAFT|N|live", value_parser = which, default_value = "live")]
    version: Which,
    /// How results look.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Give up reading after this long.
    #[arg(long, value_parser = duration, default_value = "15m")]
    wait: Duration,
}

fn which(text: &str) -> Result<Which, String> {
    match text {
        "live" => Ok(Which::Live),
        "DRAFT" => Ok(Which::Draft),
        number => number
            .parse()
            .map(Which::Version)
            .map_err(|_| format!("`{number}` is not live, DRAFT or the number of a version")),
    }
}

/// Reads, asks, prints.
pub(super) async fn test(common: &Common, arguments: TestArguments) -> anyhow::Result<Exit> {
    super::logging::install(common, "bedrail=error");
    let Some(manifests) = load(&arguments.paths.manifests).accept() else {
        return Ok(Exit::UsageOrChanges);
    };
    if let Some(name) = &arguments.guardrail
        && !manifests.guardrails.contains_key(name)
    {
        anstream::eprintln!("error: the manifests have no guardrail `{name}`");
        return Ok(Exit::UsageOrChanges);
    }
    let controller = Controller::connect(&arguments.installation, Intent::Show)
        .await?
        .giving_up_after(FAILURES_MAX);
    controller.accept(manifests);
    let ended = progress::drive(common, &controller, arguments.wait).await;
    let candidates = controller.engine.candidates(arguments.guardrail.as_ref(), arguments.version);
    let calls: usize =
        candidates.iter().filter(|it| it.subject.is_ok()).map(|it| it.tests.samples().len()).sum();
    anstream::eprintln!("{calls} calls of ApplyGuardrail, which AWS bills");
    let shutdown = Shutdown::on_signals()?;
    let results = tokio::select! {
        results = ask(&controller, candidates) => results,
        () = shutdown.graceful.cancelled() => {
            anstream::eprintln!("interrupted; not all tests were run");
            return Ok(Exit::Error);
        }
    };
    print(&results, arguments.output)?;
    report::explain(&controller.engine);
    let is_read = ended == Ended::Idle && controller.engine.fleet().is_some();
    let all_pass = results.iter().all(|it| it.verdict == Verdict::Pass);
    Ok(if is_read && all_pass { Exit::Done } else { Exit::Error })
}

/// What became of one test in one place.
struct TestResult {
    candidate: Arc<Candidate>,
    number: usize,
    test: Option<GuardrailTest>,
    verdict: Verdict,
    answer: Option<Answer>,
    problem: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Fail,
    Unknown,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// Asks everything at once; the edge limits how much is in flight.
async fn ask(controller: &Controller, candidates: Vec<Candidate>) -> Vec<TestResult> {
    let mut asking = JoinSet::new();
    for candidate in candidates {
        let (engine, clock) = (Arc::clone(&controller.engine), controller.clock.clone());
        asking.spawn(async move {
            let candidate = Arc::new(candidate);
            let mut answers: BTreeMap<Sample, Result<Answer, AwsError>> = BTreeMap::new();
            if let Ok((arn, version)) = &candidate.subject {
                for sample in candidate.tests.samples() {
                    let answer =
                        with_patience(&clock, || engine.try_sample(arn, *version, &sample)).await;
                    answers.insert(sample, answer);
                }
            }
            results(&candidate, &answers)
        });
    }
    let calls = || progress::calls_of(&controller.engine);
    let asked = progress::join_all("guardrails tested", asking, &controller.clock, calls).await;
    let mut results: Vec<TestResult> = asked.into_iter().flatten().collect();
    results.sort_by(|a, b| {
        (&a.candidate.key, a.number, a.candidate.version()).cmp(&(
            &b.candidate.key,
            b.number,
            b.candidate.version(),
        ))
    });
    results
}

fn results(
    candidate: &Arc<Candidate>,
    answers: &BTreeMap<Sample, Result<Answer, AwsError>>,
) -> Vec<TestResult> {
    let result = |number, test, verdict| TestResult {
        candidate: Arc::clone(candidate),
        number,
        test,
        verdict,
        answer: None,
        problem: None,
    };
    if let Err(problem) = &candidate.subject {
        let problem = Some(problem.clone());
        return vec![TestResult { problem, ..result(0, None, Verdict::Unknown) }];
    }
    let numbered = candidate.tests.cases.iter().zip(1_usize..);
    numbered
        .map(|(test, number)| {
            let some = Some(test.clone());
            match answers.get(&test.sample) {
                Some(Ok(answer)) => {
                    let verdict = if test.passes(answer) { Verdict::Pass } else { Verdict::Fail };
                    TestResult { answer: Some(answer.clone()), ..result(number, some, verdict) }
                }
                Some(Err(error)) => TestResult {
                    problem: Some(error.to_string()),
                    ..result(number, some, Verdict::Unknown)
                },
                None => result(number, some, Verdict::Unknown),
            }
        })
        .collect()
}

fn print(results: &[TestResult], output: Output) -> anyhow::Result<()> {
    let count = |verdict| results.iter().filter(|it| it.verdict == verdict).count();
    let [passed, failed, unknown] = [Verdict::Pass, Verdict::Fail, Verdict::Unknown].map(count);
    match output.form() {
        None => {
            let rows: Vec<Row> = results.iter().map(row).collect();
            anstream::print!("{}", table(&rows));
            anstream::println!("{passed} passed, {failed} failed, {unknown} could not be run");
        }
        Some(form) => {
            let report = json!({
                "apiVersion": "bedrail.dev/test/v1",
                "summary": {"passed": passed, "failed": failed, "unknown": unknown},
                "results": results.iter().map(entry).collect::<Vec<_>>(),
            });
            form.print(&report)?;
        }
    }
    Ok(())
}

fn row(result: &TestResult) -> Row {
    let TestResult { candidate, number, test, verdict, answer, problem } = result;
    let title = match test {
        Some(test) => format!("test {number} ({})", test.title()),
        None => "all tests".to_owned(),
    };
    let failure = match (verdict, test, answer) {
        (Verdict::Fail, Some(test), Some(answer)) => test.failure(answer),
        (Verdict::Pass | Verdict::Fail | Verdict::Unknown, _, _) => String::new(),
    };
    let problem = problem.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    let text = format!("{title}{failure}{problem}");
    Row { subject: Subject::replica(&candidate.key), word: verdict.word(), text }
}

fn entry(result: &TestResult) -> serde_json::Value {
    let TestResult { candidate, number, test, verdict, answer, problem } = result;
    let key = &candidate.key;
    json!({
        "guardrail": key.guardrail,
        "account": key.account,
        "region": key.region,
        "arn": candidate.subject.as_ref().ok().map(|(arn, _)| arn.to_string()),
        "version": candidate.version(),
        "test": number,
        "name": test.as_ref().map(GuardrailTest::title),
        "verdict": verdict.word(),
        "expected": test.as_ref().map(|it| it.action.as_str()),
        "got": answer.as_ref().map(|it| it.action.as_str()),
        "rules": answer.as_ref().map(|it| &it.rules),
        "problem": problem,
    })
}

impl Candidate {
    /// `3`, `DRAFT`; empty where there is nothing to ask.
    fn version(&self) -> String {
        match &self.subject {
            Ok((_, Some(version))) => version.to_string(),
            Ok((_, None)) => "DRAFT".to_owned(),
            Err(_) => String::new(),
        }
    }
}

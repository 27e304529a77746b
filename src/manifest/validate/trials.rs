//! `spec.tests` and `spec.testInterval` of a guardrail.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::field_path::FieldPath;
use super::super::report::Report;
use super::super::schema::choices::{SIDES, TEST_ACTIONS};
use super::super::schema::{GuardrailSpec, TestSpec, limits};
use super::checks::{choice, required_text, required_word, text, unique};
use crate::model::{Action, GuardrailTest, GuardrailTests, Sample, Side};

/// The shortest interval: less would be a loop, not a schedule.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Below this a person may not have meant what AWS will bill.
const INTERVAL_CHEAP: Duration = Duration::from_mins(1);

/// Checks the tests of a guardrail.
pub(super) fn tests(
    report: &mut Report,
    spec: &FieldPath,
    given: &GuardrailSpec,
) -> GuardrailTests {
    let path = spec.field("tests");
    let specs = given.tests.as_deref().unwrap_or_default();
    if given.tests.is_some() && specs.is_empty() && !report.lost(&path) {
        report.error(&path, "is an empty list; give it an item, or remove it");
    }
    if specs.len() > limits::TESTS.1 {
        let max = limits::TESTS.1;
        let message = format!(
            "has {} tests; write at most {max}: each is a billed call in every Region and \
             for every revision",
            specs.len()
        );
        report.error(&path, message);
    }
    unique(report, &path, "name", specs.iter().map(|test| test.name.as_ref()));
    let mut cases = Vec::new();
    let mut first: BTreeMap<Sample, FieldPath> = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        let path = path.index(index);
        let Some(case) = test(report, &path, spec) else { continue };
        if let Some(before) = first.get(&case.sample) {
            let position = report.position(before);
            let message = format!("asks the same as the test at {position}; remove one");
            report.error(&path.field("text"), message);
        } else {
            first.insert(case.sample.clone(), path.field("text"));
        }
        cases.push(case);
    }
    let interval = interval(report, &spec.field("testInterval"), given);
    GuardrailTests { cases, interval }
}

fn test(report: &mut Report, path: &FieldPath, spec: &TestSpec) -> Option<GuardrailTest> {
    let TestSpec { name, text: said, source, action } = spec;
    text(report, &path.field("name"), name.as_ref(), limits::TEST_NAME);
    let example = "text: What is our refund policy?";
    required_text(report, &path.field("text"), said.as_ref(), limits::TEST_TEXT, example);
    let side = choice(report, &path.field("source"), source.as_ref(), &SIDES, Side::Input);
    let example = "action: GUARDRAIL_INTERVENED";
    required_word(report, &path.field("action"), action.as_ref(), &TEST_ACTIONS, example);
    let action = match action.as_deref() {
        Some("NONE") => Action::None,
        Some(_) | None => Action::Intervened,
    };
    let sample = Sample { side, text: said.clone()? };
    Some(GuardrailTest { name: name.clone(), sample, action })
}

fn interval(report: &mut Report, path: &FieldPath, given: &GuardrailSpec) -> Option<Duration> {
    let written = given.test_interval.as_deref()?;
    let parsed: Option<jiff::SignedDuration> = written.parse().ok();
    let Some(interval) = parsed.and_then(|it| Duration::try_from(it).ok()) else {
        report.error(path, format!("`{written}` is not a duration such as 30m, 6h or 24h"));
        return None;
    };
    if given.tests.is_none() {
        report.error(path, "there is nothing to repeat without `tests`; add them, or remove it");
    } else if interval < INTERVAL_MIN {
        report.error(path, format!("`{written}` is too short; write at least 1s"));
    } else if interval < INTERVAL_CHEAP {
        let message = format!("every {written} each test is a billed call in each Region; is it?");
        report.warning(path, message);
    }
    Some(interval)
}

//! The report as JUnit XML, for CI systems: a suite per enforcement, a case per cell.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::report::Case;
use super::{Report, Totals, Verdict};

/// Shows a report as one XML document. Failed cells are failures, unknown ones errors.
pub fn to_junit(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _always_ok = write(report, &mut text);
    text
}

fn write(report: &Report, text: &mut String) -> fmt::Result {
    let Totals { failed, unknown, skipped, refused, .. } = report.totals();
    let cases = report.cases();
    let tests = cases.len() + skipped + refused;
    let failures = failed + refused;
    writeln!(
        text,
        "<testsuites name=\"bedrail verify\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{unknown}\" skipped=\"{skipped}\">"
    )?;
    let mut suites: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in &cases {
        suites.entry(&case.label).or_default().push(case);
    }
    for (label, cases) in &suites {
        let count = |verdict| cases.iter().filter(|it| it.finding.verdict == verdict).count();
        let (failed, unknown) = (count(Verdict::Failed), count(Verdict::Unknown));
        let name = escaped(label);
        suite(text, &name, cases.len(), (failed, unknown, 0))?;
        for Case { cell, finding, .. } in cases {
            let cell = escaped(&cell.to_string());
            write!(text, "    <testcase classname=\"{name}\" name=\"{cell}\"")?;
            let element = match finding.verdict {
                Verdict::Proven => {
                    writeln!(text, "/>")?;
                    continue;
                }
                Verdict::Failed => "failure",
                Verdict::Unknown => "error",
            };
            let (kind, message) = (finding.reason, escaped(&finding.message));
            writeln!(text, "><{element} type=\"{kind:?}\" message=\"{message}\"/></testcase>")?;
        }
        writeln!(text, "  </testsuite>")?;
    }
    rest(report, text)?;
    writeln!(text, "</testsuites>")
}

/// What is no cell: refused parts of manifests, and accounts that are skipped.
fn rest(report: &Report, text: &mut String) -> fmt::Result {
    if !report.refusals.is_empty() {
        suite(text, "refused", report.refusals.len(), (report.refusals.len(), 0, 0))?;
        for refusal in &report.refusals {
            let (name, field, message) =
                (escaped(&refusal.manifest), escaped(&refusal.field), escaped(&refusal.message));
            writeln!(
                text,
                "    <testcase classname=\"{name}\" name=\"{field}\"><failure type=\"Refused\" \
                 message=\"{message}\"/></testcase>"
            )?;
        }
        writeln!(text, "  </testsuite>")?;
    }
    if !report.skipped.is_empty() {
        suite(text, "skipped", report.skipped.len(), (0, 0, report.skipped.len()))?;
        for (account, state) in &report.skipped {
            let state = escaped(state);
            writeln!(
                text,
                "    <testcase classname=\"skipped\" name=\"{account}\"><skipped \
                 message=\"{state}\"/></testcase>"
            )?;
        }
        writeln!(text, "  </testsuite>")?;
    }
    Ok(())
}

fn suite(
    text: &mut String,
    name: &str,
    tests: usize,
    (failures, errors, skipped): (usize, usize, usize),
) -> fmt::Result {
    writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{errors}\" skipped=\"{skipped}\">"
    )
}

/// A text as the value of an attribute. What XML 1.0 cannot hold at all becomes U+FFFD; white
/// space is written as references, since parsers turn it into blanks.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_can_leave_its_attribute() {
        assert_eq!(
            escaped("a<b> & \"c\" 'd'\n\u{1b}[31m é"),
            "a&lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;&#10;\u{fffd}[31m é"
        );
    }
}

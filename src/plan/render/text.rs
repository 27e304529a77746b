//! The plan as people read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::groups::{Groups, fields, places, title};
use super::{Planned, Summary};
use crate::model::{Cell, FieldChange};
use crate::plan::step::{Orphan, Plan, Until};

/// One line with what stands below it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    symbol: char,
    text: String,
    fields: Vec<FieldChange>,
}

/// Shows plans as text: per subject, what is equal but for its place as one line. Signs: `+`
/// create, `~` update, `-` delete, `!` held or refused, `?` orphan. The last line counts.
pub fn to_text(planned: &[Planned]) -> String {
    let mut subjects: BTreeMap<&str, Groups<Line>> = BTreeMap::new();
    let mut needs: BTreeSet<&Cell> = BTreeSet::new();
    for Planned { subject, plan } in planned {
        needs.extend(&plan.needs);
        let lines = lines(plan);
        if lines.is_empty() {
            continue;
        }
        let groups = subjects.entry(&subject.label).or_insert_with(Groups::new);
        for line in lines {
            groups.add(line, subject.place.as_ref());
        }
    }
    let mut text = String::new();
    for (label, groups) in &subjects {
        text.push_str(label);
        text.push('\n');
        for (Line { symbol, text: what, fields }, cells) in groups.iter() {
            let places = places(cells);
            let places = if places.is_empty() { places } else { format!(" ({places})") };
            push_line(&mut text, &format!("  {symbol} {what}{places}"));
            for field in fields {
                push_line(&mut text, &format!("      {field}"));
            }
        }
        text.push('\n');
    }
    if !needs.is_empty() {
        push_line(&mut text, &format!("To be read first: {} cells\n", needs.len()));
    }
    push_line(&mut text, &Summary::of(planned).to_string());
    text
}

/// Adds a line in which nothing from a manifest or from AWS can steer a terminal.
pub(super) fn push_line(text: &mut String, line: &str) {
    for c in line.chars() {
        if c.is_control() && c != '\n' {
            // Writing to a String cannot fail.
            let _always_ok = write!(text, "{}", c.escape_default());
        } else {
            text.push(c);
        }
    }
    text.push('\n');
}

fn lines(plan: &Plan) -> Vec<Line> {
    let line = |symbol, text| Line { symbol, text, fields: Vec::new() };
    let mut lines: Vec<Line> = plan
        .steps
        .iter()
        .map(|step| Line {
            symbol: step.effect().symbol(),
            text: title(step),
            fields: fields(step),
        })
        .collect();
    lines.extend(plan.held.iter().map(|held| {
        let ends = match held.until {
            Until::After(_) => "time ends it",
            Until::Fact => "another visit ends it",
            Until::Person => "a person must end it",
        };
        line('!', format!("held, {}: {}; {ends}", held.reason, held.message))
    }));
    lines.extend(plan.warnings.iter().map(|warning| line('!', format!("warning, {warning}"))));
    lines.extend(plan.refusals.iter().map(|refusal| line('!', format!("refused, {refusal}"))));
    lines.extend(
        plan.orphans
            .iter()
            .map(|Orphan { object, message }| line('?', format!("orphan, {object}: {message}"))),
    );
    lines
}

//! The table, for people and for programs.

use serde_json::{Value, json};

use super::{Row, Status, is_fine};

/// One line each, and below it what to do.
pub fn to_text(rows: &[Row]) -> String {
    let width = |text: fn(&Row) -> &str| rows.iter().map(|row| text(row).chars().count()).max();
    let checks = width(|row| name(row)).unwrap_or_default();
    let subjects = width(|row| &row.subject).unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let status = match row.status {
            Status::Fine => "fine   ",
            Status::Failed => "FAILED ",
            Status::Unknown => "unknown",
        };
        let (check, subject, found) = (name(row), &row.subject, &row.found);
        let line = format!("{status}  {check:checks$}  {subject:subjects$}  {found}\n");
        text.push_str(&line);
        if !row.todo.is_empty() {
            let todo = format!("{:9}{:checks$}  → {}\n", "", "", row.todo);
            text.push_str(&todo);
        }
    }
    let count = |status: Status| rows.iter().filter(|row| row.status == status).count();
    let sum = format!(
        "{} fine, {} failed, {} unknown\n",
        count(Status::Fine),
        count(Status::Failed),
        count(Status::Unknown)
    );
    text + &sum
}

/// Stable.
pub fn to_json(rows: &[Row]) -> Value {
    json!({
        "apiVersion": "bedrail.dev/v1alpha1",
        "kind": "DoctorReport",
        "fine": is_fine(rows),
        "checks": rows,
    })
}

fn name(row: &Row) -> &'static str {
    row.check.name()
}

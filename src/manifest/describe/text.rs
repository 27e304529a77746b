//! An explanation as a terminal shows it.

use std::fmt::Write as _;

use super::explain::{Explanation, Field};

/// Columns of a line of prose.
const WIDTH: usize = 90;

impl Explanation {
    /// The explanation with what is directly below, or with everything below.
    ///
    /// ```text
    /// KIND:     Guardrail
    /// VERSION:  bedrail.dev/v1alpha1
    /// FIELD:    spec.state <string>
    /// ```
    pub fn text(&self, is_recursive: bool) -> String {
        let Self { kind, api_version, field, about } = self;
        // Writing to a String cannot fail.
        let mut text = format!("KIND:     {kind}\nVERSION:  {api_version}\n");
        if !field.is_empty() {
            writeln!(text, "FIELD:    {field} <{}>{}", about.r#type, required(about)).ok();
        }
        for (title, value) in facts(about) {
            writeln!(text, "\n{title}:\n{}", indented(&value, 4)).ok();
        }
        if !about.fields.is_empty() {
            text.push_str("\nFIELDS:\n");
            fields(&mut text, &about.fields, 2, is_recursive);
        }
        text
    }
}

fn required(field: &Field) -> &'static str {
    if field.required { " -required-" } else { "" }
}

fn facts(field: &Field) -> Vec<(&'static str, String)> {
    let facts = [
        ("DESCRIPTION", Some(field.description.clone())),
        ("ALLOWED", Some(field.allowed.join(", "))),
        ("DEFAULT", field.default.clone()),
        ("LIMITS", Some(field.limits.join("; "))),
        ("SOURCE", field.source.clone()),
    ];
    let known = |(title, value): (_, Option<String>)| Some((title, value?));
    facts.into_iter().filter_map(known).filter(|(_, value)| !value.is_empty()).collect()
}

fn fields(text: &mut String, list: &[Field], indent: usize, is_recursive: bool) {
    for field in list {
        writeln!(text, "{:indent$}{} <{}>{}", "", field.name, field.r#type, required(field)).ok();
        if is_recursive {
            fields(text, &field.fields, indent + 2, true);
            continue;
        }
        let mut about = vec![field.description.clone()];
        if !field.allowed.is_empty() && field.allowed.len() <= 6 {
            about.push(format!("One of {}.", field.allowed.join(", ")));
        }
        if let Some(default) = &field.default {
            about.push(format!("Default {default}."));
        }
        if !field.limits.is_empty() {
            about.push(format!("Limits: {}.", field.limits.join("; ")));
        }
        writeln!(text, "{}\n", indented(&about.join(" "), indent + 4)).ok();
    }
    if !is_recursive {
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
}

/// Wraps between words.
fn indented(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                line.push_str(word);
            } else if line.chars().count() + 1 + word.chars().count() + indent > WIDTH {
                lines.push(word.to_owned());
            } else {
                line.push(' ');
                line.push_str(word);
            }
        }
    }
    lines.iter().map(|line| format!("{:indent$}{line}", "")).collect::<Vec<_>>().join("\n")
}

//! One row for each cell, for spreadsheets (RFC 4180).

use super::Report;
use super::access::AccessEvidence;
use super::coverage::CellEvidence;

/// What programs for tables take for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

const CELLS: [&str; 14] = [
    "observedAt",
    "account",
    "accountName",
    "region",
    "state",
    "mechanism",
    "guardrail",
    "version",
    "revision",
    "limits",
    "manifest",
    "verdict",
    "reason",
    "why",
];

/// Every cell as a row. A cell that two mechanisms cover has both in its fields.
pub fn to_csv(report: &Report) -> String {
    let mut text = row(&CELLS.map(str::to_owned));
    let at = report.observation.ended.to_string();
    for cell in &report.cells {
        text.push_str(&row(&fields(cell, &at)));
    }
    text
}

fn fields(cell: &CellEvidence, at: &str) -> [String; 14] {
    let CellEvidence { cell, account_name, state, mechanisms, claims, why } = cell;
    let join = |items: Vec<String>| items.join("; ");
    let of_mechanisms = |text: fn(&super::Mechanism) -> Option<String>| {
        join(mechanisms.iter().filter_map(text).collect())
    };
    let of_claims =
        |text: fn(&super::ClaimEvidence) -> String| join(claims.iter().map(text).collect());
    [
        at.to_owned(),
        cell.account.to_string(),
        account_name.clone(),
        cell.region.to_string(),
        state.as_str().to_owned(),
        of_mechanisms(|it| Some(it.level.as_str().to_owned())),
        of_mechanisms(|it| it.guardrail.as_ref().map(ToString::to_string)),
        of_mechanisms(|it| it.version.map(|version| version.to_string())),
        of_mechanisms(|it| it.revision.clone()),
        of_mechanisms(|it| (!it.limits.is_empty()).then(|| it.limits.join(", "))),
        of_claims(|it| it.manifest.clone()),
        of_claims(|it| it.verdict.as_str().to_owned()),
        of_claims(|it| format!("{:?}", it.reason)),
        why.clone(),
    ]
}

/// Everything about access as rows: section, object, detail.
pub fn access_to_csv(access: &AccessEvidence) -> String {
    let mut text = row(&["section", "object", "detail", "exempt"].map(str::to_owned));
    let mut add = |section: &str, object: String, detail: String, exempt: String| {
        text.push_str(&row(&[section.to_owned(), object, detail, exempt]));
    };
    for fact in &access.always_exempt {
        add("always exempt", String::new(), String::new(), (*fact).to_owned());
    }
    for policy in &access.service_control_policies {
        for statement in &policy.statements {
            let object = format!("{} ({}), {}", policy.name, policy.id, policy.whose);
            let detail = format!("{}: {}", statement.statement, statement.denies.join(" "));
            add("service control policy", object, detail, statement.exempt.clone());
        }
    }
    let role = &access.member_role;
    add("member role", role.name.clone(), role.note.clone(), String::new());
    let foreign = [
        ("foreign policy", &access.foreign.policies),
        ("foreign enforcement", &access.foreign.enforcements),
        ("foreign guardrail", &access.foreign.guardrails),
    ];
    for (section, objects) in foreign {
        for it in objects {
            add(section, it.object.clone(), it.what.clone(), String::new());
        }
    }
    text
}

fn row(fields: &[String]) -> String {
    let fields: Vec<String> = fields.iter().map(|it| field(it)).collect();
    format!("{}\r\n", fields.join(","))
}

/// A text that no program takes for a formula, in quotes where it needs them.
fn field(text: &str) -> String {
    let is_formula = text.starts_with(FORMULA) || text.trim_start().starts_with(FORMULA);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', ';', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula_and_none_ends_another() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            (" =1", "' =1"),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            (" x", "\" x\""),
        ] {
            assert_eq!(field(text), expected, "{text:?}");
        }
    }
}

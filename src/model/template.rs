//! Texts that are the same for every cell but for where the cell is.

use std::fmt;

use serde::Serialize;

use super::cell::Cell;

/// What stands between `${` and `}`, in the order in which values are recognised.
const PLACEHOLDERS: [&str; 3] = ["account", "region", "partition"];

/// A text that may hold `${account}`, `${region}` and `${partition}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Template(String);

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${accountId}`.
    #[error(
        "`${{{0}}}` is no placeholder; there are `${{account}}`, `${{region}}` and `${{partition}}`"
    )]
    Unknown(String),
    /// `${account`.
    #[error("`${{` is never closed; write `${{account}}`, `${{region}}` or `${{partition}}`")]
    Unclosed,
}

impl Template {
    /// Parses a text: every `${…}` in it is a placeholder that is known.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
            if !PLACEHOLDERS.contains(&name) {
                return Err(TemplateError::Unknown(name.to_owned()));
            }
            rest = after;
        }
        Ok(Self(text.to_owned()))
    }

    /// The template that gives `text` in `cell`, with as many placeholders as fit; `None` if the text
    /// itself looks as if it held one.
    pub fn recognise(text: &str, cell: &Cell, partition: &str) -> Option<Self> {
        if text.contains("${") {
            return None;
        }
        let found = text
            .replace(cell.account.as_str(), "${account}")
            .replace(cell.region.as_str(), "${region}");
        // The word `aws` stands in many names; only an ARN says the partition.
        let arn = found.strip_prefix(&format!("arn:{partition}:")).map(str::to_owned);
        Some(Self(arn.map_or(found, |rest| format!("arn:${{partition}}:{rest}"))))
    }

    /// The text in `cell`.
    pub fn render(&self, cell: &Cell, partition: &str) -> String {
        self.0
            .replace("${account}", cell.account.as_str())
            .replace("${region}", cell.region.as_str())
            .replace("${partition}", partition)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it differs from account to account.
    pub fn names_account(&self) -> bool {
        self.0.contains("${account}")
    }

    /// Whether it differs from Region to Region.
    pub fn names_region(&self) -> bool {
        self.0.contains("${region}")
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> Cell {
        Cell { account: "111122223333".parse().unwrap(), region: "eu-west-1".parse().unwrap() }
    }

    #[test]
    fn an_unknown_placeholder_is_named_with_those_that_there_are() {
        for (text, expected) in [
            ("logs-${account}-${region}", ""),
            ("logs-$account-{region}", ""),
            ("logs-${accountId}", "`${accountId}` is no placeholder; there are `${account}`"),
            ("${account}-${", "`${` is never closed"),
        ] {
            let said = Template::parse(text).err().map(|it| it.to_string()).unwrap_or_default();
            assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{said}");
        }
    }

    #[test]
    fn what_is_recognised_renders_back() {
        for (text, template) in [
            ("logs-111122223333-eu-west-1", "logs-${account}-${region}"),
            ("arn:aws:iam::111122223333:role/aws", "arn:${partition}:iam::${account}:role/aws"),
            ("/aws/bedrock", "/aws/bedrock"),
        ] {
            let found = Template::recognise(text, &cell(), "aws").unwrap();
            assert_eq!((found.as_str(), found.render(&cell(), "aws")), (template, text.to_owned()));
            assert_eq!(Template::parse(template), Ok(found));
        }
        assert_eq!(Template::recognise("a-${account}", &cell(), "aws"), None);
    }
}

//! The one error of both files: the line, the key, and what to do.

use std::ops::Range;

/// Why a configuration file was refused. The caller adds the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {key}: {message}")]
pub struct ConfigError {
    /// Line of the mistake, counted from 1.
    pub line: usize,
    /// The key or table the mistake stands in.
    pub key: String,
    /// What is wrong and what would be right, one sentence.
    pub message: String,
}

/// The parser's words, and those of the people who write the files.
const WORDS: &[(&str, &str)] = &[
    ("unknown variant", "unknown value"),
    ("missing field", "missing key"),
    ("invalid type: string", "wrong type: the text"),
    ("invalid type: integer", "wrong type: the number"),
    ("invalid type:", "wrong type:"),
    ("invalid value: integer", "out of range: the number"),
    ("expected a sequence", "expected a list"),
    ("expected a boolean", "expected true or false"),
    ("expected u64", "expected a whole number"),
    ("expected u16", "expected a whole number up to 65535"),
];

impl ConfigError {
    /// An error about the value or key at these bytes of the file.
    pub(crate) fn at(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = span.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Self { line, key: key_near(text, line), message: message.into() }
    }

    /// A parser's error, with the place it points to.
    #[must_use]
    pub fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        let mut message = error.message().trim().replace('\n', ", ");
        for (parser, people) in WORDS {
            message = message.replace(parser, people);
        }
        let span = error.span().unwrap_or(0..0);
        let mut found = Self::at(text, span, message);
        if let Some(name) =
            found.message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next())
        {
            found.key = name.to_owned();
            found.message = found.message.replacen("unknown field", "unknown key", 1);
        }
        found
    }
}

/// The key of a line: what stands before `=`, else the table's name. A line inside a list belongs to the key above.
fn key_near(text: &str, line: usize) -> String {
    let above: Vec<&str> = text.lines().take(line).collect();
    for candidate in above.iter().rev() {
        let trimmed = candidate.trim_start();
        if trimmed.starts_with('[') && trimmed.trim_end().ends_with(']') && !trimmed.contains(',') {
            return trimmed.trim_end().trim_matches(['[', ']']).to_owned();
        }
        if let Some((key, _)) = trimmed.split_once('=') {
            let key = key.trim();
            if !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
                return key.to_owned();
            }
        }
    }
    "file".to_owned()
}

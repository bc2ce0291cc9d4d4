//! `policy.toml` as it is written, before it becomes a policy.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::error::ConfigError;
use super::pattern::glob;
use crate::verdict::{Confirmation, Mode};

/// Bounds of `default_timeout_s`, in seconds.
const TIMEOUT_S: std::ops::RangeInclusive<u64> = 1..=86_400;
/// Bounds of `max_output_bytes`.
const OUTPUT_BYTES: std::ops::RangeInclusive<u64> = 1_000..=100_000_000;

/// The whole file, every key optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyFile {
    pub(crate) mode: Option<Mode>,
    pub(crate) confirmation: Option<Confirmation>,
    default_timeout_s: Option<Spanned<u64>>,
    max_output_bytes: Option<Spanned<u64>>,
    #[serde(default)]
    extra_denylist: Vec<Spanned<String>>,
    #[serde(default)]
    extra_readonly_allow: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) rule: Vec<Spanned<Rule>>,
    #[serde(default)]
    principal: Vec<Spanned<Principal>>,
}

/// What a matching rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Decision {
    Allow,
    Confirm,
    Block,
}

/// One `[[rule]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) decision: Decision,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) commands: Vec<Vec<String>>,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default, rename = "match")]
    pub(crate) examples: Vec<String>,
    #[serde(default, rename = "no_match")]
    pub(crate) counter_examples: Vec<String>,
}

/// One `[[principal]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Principal {
    pub(crate) name: String,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) mode: Option<Mode>,
    pub(crate) confirmation: Option<Confirmation>,
}

impl Rule {
    /// Whether one of the rule's patterns matches these words.
    ///
    /// Patterns are argv prefixes with a glob per word; the first word also matches a path's last component. An
    /// `allow` is matched word for word. The others look past options that the pattern does not name, and take a
    /// word known only at run time (`None`) for a match: what may be meant is meant.
    pub(crate) fn matches(&self, argv: &[Option<&str>]) -> bool {
        self.commands.iter().any(|pattern| match self.decision {
            Decision::Allow => prefix(pattern, argv),
            Decision::Confirm | Decision::Block => past_options(pattern, argv),
        })
    }
}

fn command_name(pattern: &str, word: &str) -> bool {
    glob(pattern, word) || word.rsplit('/').next().is_some_and(|base| base != word && glob(pattern, base))
}

fn prefix(pattern: &[String], argv: &[Option<&str>]) -> bool {
    pattern.len() <= argv.len()
        && pattern.iter().zip(argv).enumerate().all(|(at, (wanted, word))| {
            word.is_some_and(|word| if at == 0 { command_name(wanted, word) } else { glob(wanted, word) })
        })
}

fn past_options(pattern: &[String], argv: &[Option<&str>]) -> bool {
    let (Some(first), Some(word)) = (pattern.first(), argv.first()) else { return false };
    if !word.is_none_or(|word| command_name(first, word)) {
        return false;
    }
    let mut words = argv[1..].iter();
    pattern[1..].iter().all(|wanted| {
        words
            .find(|word| word.is_none_or(|word| wanted.starts_with('-') || !word.starts_with('-')))
            .is_some_and(|word| word.is_none_or(|word| glob(wanted, word)))
    })
}

/// The file's values once they are checked; the rules' examples are not checked yet.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Checked {
    pub(crate) mode: Mode,
    pub(crate) confirmation: Confirmation,
    pub(crate) default_timeout_s: u64,
    pub(crate) max_output_bytes: u64,
    pub(crate) extra_denylist: Vec<String>,
    pub(crate) extra_readonly_allow: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) principals: Vec<Principal>,
}

impl Checked {
    /// What a missing file means.
    pub(crate) const fn builtin() -> Self {
        Self {
            mode: Mode::Guarded,
            confirmation: Confirmation::Client,
            default_timeout_s: 60,
            max_output_bytes: 100_000,
            extra_denylist: Vec::new(),
            extra_readonly_allow: Vec::new(),
            rules: Vec::new(),
            principals: Vec::new(),
        }
    }
}

impl PolicyFile {
    /// Reads the text strictly.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::from_toml(text, &error))
    }

    /// Checks every value. `text` is the file, for the places of errors.
    pub(crate) fn check(&self, text: &str) -> Result<Checked, ConfigError> {
        let builtin = Checked::builtin();
        for name in self.extra_denylist.iter().chain(&self.extra_readonly_allow) {
            let word = name.get_ref();
            if word.is_empty() || word.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
                return Err(ConfigError::at(
                    text,
                    name.span(),
                    "a bare command name is needed, without path or arguments",
                ));
            }
        }
        for (at, rule) in self.rule.iter().enumerate() {
            check_rule(rule.get_ref()).map_err(|message| ConfigError::at(text, rule.span(), message))?;
            let name = &rule.get_ref().name;
            if self.rule[..at].iter().any(|earlier| earlier.get_ref().name == *name) {
                let message = format!(
                    "rule {name:?}: two rules bear this name; a verdict could not say which one held"
                );
                return Err(ConfigError::at(text, rule.span(), message));
            }
        }
        for (at, principal) in self.principal.iter().enumerate() {
            let name = &principal.get_ref().name;
            if name.is_empty() || self.principal[..at].iter().any(|earlier| earlier.get_ref().name == *name) {
                let message = format!("principal {name:?}: the name must be given, and once only");
                return Err(ConfigError::at(text, principal.span(), message));
            }
            check_hosts(&principal.get_ref().hosts).map_err(|message| {
                ConfigError::at(text, principal.span(), format!("principal {name:?}: {message}"))
            })?;
        }
        let owned = |list: &[Spanned<String>]| list.iter().map(|name| name.get_ref().clone()).collect();
        Ok(Checked {
            mode: self.mode.unwrap_or(builtin.mode),
            confirmation: self.confirmation.unwrap_or(builtin.confirmation),
            default_timeout_s: bounded(text, &self.default_timeout_s, TIMEOUT_S, builtin.default_timeout_s)?,
            max_output_bytes: bounded(text, &self.max_output_bytes, OUTPUT_BYTES, builtin.max_output_bytes)?,
            extra_denylist: owned(&self.extra_denylist),
            extra_readonly_allow: owned(&self.extra_readonly_allow),
            rules: self.rule.iter().map(|rule| rule.get_ref().clone()).collect(),
            principals: self.principal.iter().map(|principal| principal.get_ref().clone()).collect(),
        })
    }
}

fn bounded(
    text: &str,
    value: &Option<Spanned<u64>>,
    bounds: std::ops::RangeInclusive<u64>,
    default: u64,
) -> Result<u64, ConfigError> {
    match value {
        None => Ok(default),
        Some(value) if bounds.contains(value.get_ref()) => Ok(*value.get_ref()),
        Some(value) => {
            let message = format!("must be {} to {}", bounds.start(), bounds.end());
            Err(ConfigError::at(text, value.span(), message))
        }
    }
}

fn check_rule(rule: &Rule) -> Result<(), String> {
    let name = &rule.name;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("rule {name:?}: a name without spaces is needed"));
    }
    if rule.commands.is_empty() || rule.commands.iter().any(Vec::is_empty) {
        return Err(format!("rule {name:?}: `commands` needs at least one pattern of at least one word"));
    }
    if let Some(word) =
        rule.commands.iter().flatten().find(|word| word.is_empty() || word.contains(['[', ']']))
    {
        return Err(format!(
            "rule {name:?}: a word of a pattern is a glob of `*`, `?` and plain characters, not {word:?}"
        ));
    }
    check_hosts(&rule.hosts).map_err(|message| format!("rule {name:?}: {message}"))?;
    if rule.hosts.as_ref().is_some_and(Vec::is_empty) {
        return Err(format!("rule {name:?}: `hosts` names no host; leave it out to mean all"));
    }
    Ok(())
}

/// An empty pattern names no host and was meant to name some.
fn check_hosts(hosts: &Option<Vec<String>>) -> Result<(), String> {
    match hosts.iter().flatten().find(|host| host.is_empty() || host.as_str() == "tag:") {
        Some(host) => Err(format!("`hosts` holds {host:?}; a host is an alias, a glob or `tag:NAME`")),
        None => Ok(()),
    }
}

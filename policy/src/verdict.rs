//! The three decision words of the contract: modes, verdicts, and who may confirm.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much a host lets an agent do. Ordered: a greater mode permits more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Only what is provably read-only runs.
    Readonly,
    /// Everyday work runs; destructive and opaque commands need a confirmation; catastrophes are blocked.
    Guarded,
    /// Everything runs (and is still audited and redacted).
    Unrestricted,
}

/// What the engine decides about a command. Ordered: the greater verdict is the stricter one.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// May run now.
    Allow,
    /// May run once somebody entitled to it confirms this exact request.
    Confirm,
    /// May not run, whatever anyone confirms.
    Block,
}

/// Who may confirm. Ordered: a greater value trusts more parties, and covers the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirmation {
    /// A person on the admin side (`sallyport approve`, a pinentry dialog).
    Operator,
    /// The user of the MCP client, asked through elicitation.
    Client,
    /// The model itself, by the call's `confirm = true`.
    Model,
}

/// A word that names none of the allowed values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {word:?}; use one of: {choices}")]
pub struct UnknownName {
    what: &'static str,
    word: String,
    choices: &'static str,
}

impl Mode {
    /// The lower-case name used in files, options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Readonly => "readonly",
            Self::Guarded => "guarded",
            Self::Unrestricted => "unrestricted",
        }
    }
}

impl Verdict {
    /// The lower-case name used in files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Confirm => "confirm",
            Self::Block => "block",
        }
    }
}

impl Confirmation {
    /// The lower-case name used in files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Client => "client",
            Self::Model => "model",
        }
    }
}

/// Implements `Display` and `FromStr` over `name()` and a list of all values.
macro_rules! named {
    ($type:ty, $what:literal, $choices:literal, $all:expr) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(word: &str) -> Result<Self, UnknownName> {
                $all.into_iter().find(|value| value.name() == word).ok_or_else(|| UnknownName {
                    what: $what,
                    word: word.chars().take(40).collect(),
                    choices: $choices,
                })
            }
        }
    };
}

named!(Mode, "mode", "readonly, guarded, unrestricted", [Self::Readonly, Self::Guarded, Self::Unrestricted]);
named!(Verdict, "verdict", "allow, confirm, block", [Self::Allow, Self::Confirm, Self::Block]);
named!(Confirmation, "confirmation", "operator, client, model", [Self::Operator, Self::Client, Self::Model]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_says_what_would_do() {
        let error = "guared".parse::<Mode>().unwrap_err();
        insta::assert_snapshot!(error, @r#"unknown mode "guared"; use one of: readonly, guarded, unrestricted"#);
    }

    #[test]
    fn names_are_exact_and_lower_case() {
        assert!("Guarded".parse::<Mode>().is_err());
        assert!(" allow".parse::<Verdict>().is_err());
        assert!("".parse::<Confirmation>().is_err());
        assert_eq!("model".parse(), Ok(Confirmation::Model));
    }

    #[test]
    fn the_strictest_verdict_is_the_greatest() {
        assert!(Verdict::Block > Verdict::Confirm && Verdict::Confirm > Verdict::Allow);
        assert!(Mode::Readonly < Mode::Guarded && Mode::Guarded < Mode::Unrestricted);
    }
}

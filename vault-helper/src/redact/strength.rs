//! Which secrets can be masked without harming ordinary output, and which cannot.

use std::fmt;

use super::{MASK, forms};

/// Secrets shorter than this cannot be told from ordinary text.
pub(super) const SHORTEST: usize = 4;
/// From this length on, every form and every window of a secret is masked.
pub(super) const FULL: usize = 8;

/// How well a secret can be protected in output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Strength {
    /// It cannot be masked, for it is too short or part of the mask itself: whoever stores it must insist.
    Refused,
    /// It is masked with the limit the sentence names, or, a common word, not at all.
    Weak(&'static str),
    /// Every covered form of it is masked.
    Good,
}

impl Strength {
    /// The weaker of two.
    pub(super) const fn weaker(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, _) | (_, Self::Good) => self,
            (_, Self::Refused) | (Self::Good, _) => other,
            (Self::Weak(_), Self::Weak(_)) => self,
        }
    }

    /// What to tell a person about it; nothing if it is good. It names no secret.
    #[must_use]
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::Refused => Some("it cannot be masked in output: too short, or part of the mask itself"),
            Self::Weak(why) => Some(why),
            Self::Good => None,
        }
    }
}

/// How well `secret` can be protected.
pub(super) fn strength(secret: &[u8]) -> Strength {
    judge(secret).unwrap_or_else(|weak| match weak {
        Weak::CommonWord => Strength::Weak(
            "it is a word that ordinary output is full of: it cannot be masked, choose another",
        ),
        Weak::TooShort | Weak::PartOfMask => Strength::Refused,
    })
}

/// Why a secret is not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// Fewer than four characters that are not white space.
    TooShort,
    /// A word that ordinary output is full of.
    CommonWord,
    /// It occurs in the mask, so that masking it would never end.
    PartOfMask,
}

impl fmt::Display for Weak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "it has fewer than 4 characters and cannot be redacted; choose a longer one",
            Self::CommonWord => {
                "it is a word that ordinary output is full of and cannot be redacted; choose another"
            }
            Self::PartOfMask => "it is part of the text that marks a redaction; choose another",
        })
    }
}

impl std::error::Error for Weak {}

/// Judges a secret: `Err` if it cannot be enrolled at all.
pub(super) fn judge(secret: &[u8]) -> Result<Strength, Weak> {
    let squeezed = forms::normal_length(secret);
    if squeezed < SHORTEST {
        return Err(Weak::TooShort);
    }
    let trimmed = secret.trim_ascii();
    if contains(MASK.as_bytes(), trimmed) {
        return Err(Weak::PartOfMask);
    }
    if COMMON.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(trimmed)) {
        return Err(Weak::CommonWord);
    }
    if squeezed < FULL {
        return Ok(Strength::Weak(
            "it has fewer than 8 characters: only its exact text between word boundaries is masked, no encoded form",
        ));
    }
    if trimmed.iter().all(u8::is_ascii_digit) && squeezed < 12 {
        return Ok(Strength::Weak(
            "it is a short number: ordinary output may hold the same digits by chance",
        ));
    }
    let first = trimmed.first();
    if trimmed.iter().all(|b| Some(b) == first) {
        return Ok(Strength::Weak("it is one character repeated: rulers and separators look the same"));
    }
    Ok(Strength::Good)
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len().max(1)).any(|w| w == needle)
}

/// Words that appear in ordinary output so often that masking them would ruin it (compared without case).
const COMMON: &[&str] = &[
    "abcd1234",
    "admin",
    "administrator",
    "changeme",
    "debug",
    "default",
    "development",
    "disable",
    "disabled",
    "enable",
    "enabled",
    "error",
    "example",
    "false",
    "guest",
    "hello",
    "host",
    "info",
    "letmein",
    "local",
    "localhost",
    "login",
    "mysql",
    "none",
    "null",
    "nginx",
    "oracle",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "password1",
    "postgres",
    "postgresql",
    "private",
    "prod",
    "production",
    "public",
    "qwerty",
    "redis",
    "root",
    "secret",
    "server",
    "service",
    "staging",
    "system",
    "test",
    "testing",
    "token",
    "true",
    "undefined",
    "unknown",
    "user",
    "username",
    "value",
    "warning",
    "welcome",
];

//! The types that say "this went through the redactor".

use std::fmt;

/// Bytes that went through the redactor: the only payload type that may leave the helper.
///
/// There is no public constructor but the empty one. Pieces may be split and joined, never altered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clean(Vec<u8>);

impl Clean {
    /// Only the redactor calls this, with bytes it has masked.
    pub(super) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the bytes up, for the wire.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    /// Appends another clean piece.
    pub fn append(&mut self, mut other: Self) {
        if self.0.is_empty() {
            *self = other;
        } else {
            self.0.append(&mut other.0);
        }
    }

    /// Cuts the piece at `at` (or at its end, if that comes first) and returns what follows.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        Self(self.0.split_off(at.min(self.0.len())))
    }
}

impl From<CleanText> for Clean {
    fn from(text: CleanText) -> Self {
        Self(text.0.into_bytes())
    }
}

/// Text that went through the redactor: error sentences, names, banners.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CleanText(String);

impl CleanText {
    /// Only the redactor calls this, with text it has masked.
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text up, for the wire.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Appends a literal of our own.
    #[must_use]
    pub fn with(mut self, literal: &'static str) -> Self {
        self.0.push_str(literal);
        self
    }

    /// Appends another clean text.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }
}

impl fmt::Display for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for CleanText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A literal of our own source code: nothing in it came from a host, a record or a request.
#[must_use]
pub fn trusted_text(literal: &'static str) -> CleanText {
    CleanText(literal.to_owned())
}

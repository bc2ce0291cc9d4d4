//! Bounded strings and bytes: parsed once at the edge, trusted afterwards.
//!
//! Every constructor checks length and alphabet and every `Deserialize` goes
//! through the constructor, so a value of one of these types is always valid,
//! whoever sent it.

use std::fmt;

use bytes::Bytes;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text is empty where one is needed.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// The text is longer than its limit, in bytes.
    #[error("{0} is longer than {1} bytes")]
    TooLong(&'static str, usize),
    /// The text holds a character that this type never holds.
    #[error("{0} holds a character that is not allowed there")]
    Alphabet(&'static str),
}

/// Defines a bounded, validated string type: `name, "what it is", limit, predicate`.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The longest value, in bytes.
            pub const MAX: usize = $max;

            /// Checks and takes a string.
            ///
            /// # Errors
            /// When it is empty, longer than [`Self::MAX`] or outside the type's alphabet.
            pub fn new(value: impl Into<String>) -> Result<Self, TextError> {
                let value: String = value.into();
                let valid: fn(&str) -> bool = $valid;
                if value.is_empty() {
                    return Err(TextError::Empty($what));
                }
                if value.len() > Self::MAX {
                    return Err(TextError::TooLong($what, Self::MAX));
                }
                if !valid(&value) {
                    return Err(TextError::Alphabet($what));
                }
                Ok(Self(value))
            }

            /// The value as a string slice.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(bounded_str(d, Self::MAX)?).map_err(D::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn no_controls(value: &str) -> bool {
    !value.chars().any(char::is_control)
}

fn name_like(value: &str) -> bool {
    !value.starts_with('-')
        && value.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ':' | '[' | ']' | '%' | '+')
        })
}

fn identifier(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

bounded!(
    /// Where a command goes: an alias, `user@alias` or `[user@]host[:port]`.
    TargetName, "a target", 320, name_like
);
bounded!(
    /// The name of a host in `hosts.toml`.
    HostAlias, "a host alias", 253, |v| name_like(v) && !v.contains('@')
);
bounded!(
    /// A remote account's name.
    UserName, "a user name", 128, |v| {
        !v.starts_with('-') && v.chars().all(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '@' | '/' | ':'))
    }
);
bounded!(
    /// A command as the agent wrote it; NUL cannot travel in an argument list.
    CommandText, "a command", 32 * 1024, |v| !v.contains('\0')
);
bounded!(
    /// A path on the remote host, UTF-8, without NUL.
    RemotePath, "a remote path", 4 * 1024, |v| !v.contains('\0')
);
bounded!(
    /// The name of an environment variable (POSIX.1, 8.1).
    EnvName, "an environment variable's name", 128, |v| {
        !v.starts_with(|c: char| c.is_ascii_digit()) && v.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }
);
bounded!(
    /// The name of an `env://` record.
    SecretName, "a secret's name", 128, identifier
);
bounded!(
    /// A session's id or the name its owner gave it.
    SessionName, "a session", 64, identifier
);
bounded!(
    /// The id of a job, whose output is kept.
    JobId, "a job id", 64, identifier
);
bounded!(
    /// The id of a waiting confirmation.
    ConfirmationId, "a confirmation id", 64, identifier
);
bounded!(
    /// Who asks: `local`, or the name of an HTTP token.
    PrincipalName, "a principal", 64, identifier
);
bounded!(
    /// A credential slug as typed: `ssh://user@host[:port]`, `sudo://...`, `env://name`.
    SlugText, "a slug", 512, no_controls
);
bounded!(
    /// A word or two without control characters: a tag, a build, a tty.
    Word, "a word", 256, no_controls
);

bounded!(
    /// What is typed into a terminal.
    TypedText, "typed text", 32 * 1024, |v| !v.contains('\0')
);
bounded!(
    /// The name of a key.
    KeyName, "a key", 32, |v| v.chars().all(|c| c.is_ascii_graphic())
);
bounded!(
    /// What a look at a terminal waits for: a text or a regular expression.
    Pattern, "a pattern", 1024, |v| !v.contains('\0')
);
bounded!(
    /// The id of a transcript.
    TranscriptId, "a transcript id", 128, identifier
);
bounded!(
    /// The id of an open forward.
    ForwardId, "a forward id", 64, identifier
);
bounded!(
    /// A host name or address that a forward leads to; an IPv6 address without brackets.
    DestHost, "a destination host", 253, |v| {
        !v.starts_with('-')
            && v.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '%'))
    }
);

/// Free text on its way out of the helper: messages, paths, names the remote
/// chose. Clipped to its limit instead of refused, and always scrubbed by the
/// redactor before it is encoded (see [`crate::Scrub`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The longest text, in bytes.
    pub const MAX: usize = 8 * 1024;

    /// Takes a string; one that is too long loses its middle.
    pub fn clip(value: impl Into<String>) -> Self {
        let value: String = value.into();
        if value.len() <= Self::MAX {
            return Self(value);
        }
        let head = floor_boundary(&value, Self::MAX / 2);
        let tail = ceil_boundary(&value, value.len() - Self::MAX / 4);
        Self(format!("{} [...] {}", &value[..head], &value[tail..]))
    }

    /// The text as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the string out.
    pub fn into_string(self) -> String {
        self.0
    }
}

fn floor_boundary(value: &str, mut at: usize) -> usize {
    while !value.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(value: &str, mut at: usize) -> usize {
    while !value.is_char_boundary(at) {
        at += 1;
    }
    at
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Text {
    fn from(value: &str) -> Self {
        Self::clip(value)
    }
}

impl From<String> for Text {
    fn from(value: String) -> Self {
        Self::clip(value)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        bounded_str(d, Self::MAX).map(Self)
    }
}

/// A piece of a stream, at most [`Chunk::MAX`] bytes; clones share them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Chunk(Bytes);

impl Chunk {
    /// The longest chunk, in bytes.
    pub const MAX: usize = 32 * 1024;

    /// Takes bytes.
    ///
    /// # Errors
    /// When there are more than [`Self::MAX`].
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, TextError> {
        let bytes = bytes.into();
        if bytes.len() > Self::MAX { Err(TextError::TooLong("a chunk", Self::MAX)) } else { Ok(Self(bytes)) }
    }

    /// Cuts any number of bytes into chunks, without copying them.
    pub fn cut(bytes: impl Into<Bytes>) -> impl Iterator<Item = Self> {
        let mut rest = bytes.into();
        std::iter::from_fn(move || {
            let piece = rest.split_to(rest.len().min(Self::MAX));
            (!piece.is_empty()).then_some(Self(piece))
        })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes the bytes out.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} bytes)", self.0.len())
    }
}

impl Serialize for Chunk {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        bounded_bytes(d, Self::MAX).map(|bytes| Self(bytes.into()))
    }
}

/// A secret a person types into the command line on its way to the helper.
/// Wiped when dropped, and silent in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// The longest secret, in bytes: a record larger than this is not a credential.
    pub const MAX: usize = 48 * 1024;

    /// Takes bytes; what does not fit is wiped before the error is returned.
    ///
    /// # Errors
    /// When there are more than [`Self::MAX`] or none.
    pub fn new(mut bytes: Vec<u8>) -> Result<Self, TextError> {
        if bytes.is_empty() {
            return Err(TextError::Empty("a secret"));
        }
        if bytes.len() > Self::MAX {
            bytes.zeroize();
            return Err(TextError::TooLong("a secret", Self::MAX));
        }
        Ok(Self(bytes))
    }

    /// The secret itself; the name is long on purpose.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(bounded_bytes(d, Self::MAX)?).map_err(D::Error::custom)
    }
}

/// Reads a string without taking more memory than `max`.
fn bounded_str<'de, D: Deserializer<'de>>(d: D, max: usize) -> Result<String, D::Error> {
    struct Bounded(usize);
    impl Visitor<'_> for Bounded {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a string of at most {} bytes", self.0)
        }
        fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<String, E> {
            if v.len() > self.0 { Err(E::invalid_length(v.len(), &self)) } else { Ok(v.to_owned()) }
        }
    }
    d.deserialize_str(Bounded(max))
}

/// Reads bytes without taking more memory than `max`.
fn bounded_bytes<'de, D: Deserializer<'de>>(d: D, max: usize) -> Result<Vec<u8>, D::Error> {
    struct Bounded(usize);
    impl Visitor<'_> for Bounded {
        type Value = Vec<u8>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {} bytes", self.0)
        }
        fn visit_bytes<E: serde::de::Error>(self, v: &[u8]) -> Result<Vec<u8>, E> {
            if v.len() > self.0 { Err(E::invalid_length(v.len(), &self)) } else { Ok(v.to_vec()) }
        }
    }
    d.deserialize_bytes(Bounded(max))
}

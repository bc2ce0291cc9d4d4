//! The types of records, and the secrets that come out of them.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretSlice};
use zeroize::Zeroizing;

use super::slug::Purpose;
use crate::harden::memory::secretly;

/// Largest decrypted record, in bytes. An RSA key of 16384 bits takes a fifth of it.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// What one record holds; also its file's name, with `.gpg` behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordType {
    /// A password: the record's first line.
    Password,
    /// An SSH private key: the whole record.
    Key,
    /// The passphrase of the slug's key: the record's first line.
    Passphrase,
    /// The OpenSSH certificate of the slug's key: the whole record. Public, yet stored like the rest.
    Certificate,
    /// `NAME=value` lines: the whole record.
    Dotenv,
}

impl RecordType {
    /// Every type, in the order listings use.
    pub const ALL: [RecordType; 5] = [
        RecordType::Password,
        RecordType::Key,
        RecordType::Passphrase,
        RecordType::Certificate,
        RecordType::Dotenv,
    ];

    /// The types that belong under a purpose.
    pub fn of(purpose: Purpose) -> &'static [RecordType] {
        match purpose {
            Purpose::Ssh => &[Self::Password, Self::Key, Self::Passphrase, Self::Certificate],
            Purpose::Sudo => &[Self::Password],
            Purpose::Env => &[Self::Dotenv],
            Purpose::Default => &[Self::Password, Self::Key, Self::Passphrase],
        }
    }

    /// The word used in file names and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Key => "key",
            Self::Passphrase => "passphrase",
            Self::Certificate => "certificate",
            Self::Dotenv => "dotenv",
        }
    }

    /// Whether only the first line counts, so that notes may follow it as users of `pass` keep them.
    pub fn is_one_line(self) -> bool {
        matches!(self, Self::Password | Self::Passphrase)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecordType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Secret bytes: in memory of their own, wiped when dropped, neither printable nor clonable. `len` is not secret.
pub struct Secret(SecretSlice<u8>);

impl Secret {
    /// Copies bytes into a buffer of exactly their size; the caller wipes its own copy.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(secretly(|| SecretSlice::new(bytes.into())))
    }

    /// The part of a decrypted record that is the secret, by the record's type; none when that is empty.
    pub(super) fn from_record(kind: RecordType, plain: Zeroizing<Vec<u8>>) -> Option<Self> {
        let bytes = if kind.is_one_line() {
            let line = plain.split(|&byte| byte == b'\n').next().unwrap_or_default();
            line.strip_suffix(b"\r").unwrap_or(line)
        } else {
            &plain
        };
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        (!blank).then(|| Self::copy_of(bytes))
    }

    /// The bytes. Do not copy them into anything that is not wiped.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

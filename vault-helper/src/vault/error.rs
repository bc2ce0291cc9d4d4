//! What can go wrong in the vault, each with a stable code, a sentence and what to do next.
//!
//! No variant can hold a decrypted byte: they carry slugs, types, key ids, paths and gpg's error names.

use std::io;
use std::path::PathBuf;

use super::dotenv::DotenvError;
use super::key::KeyError;
use super::record::RecordType;
use super::slug::{Slug, SlugError};

/// Any failure of the vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The text is no slug.
    #[error("{0}")]
    Slug(#[from] SlugError),
    /// The record type does not belong under the slug's purpose.
    #[error("{slug} cannot hold a {kind} record")]
    WrongType {
        /// The slug.
        slug: Slug,
        /// The type that does not fit.
        kind: RecordType,
    },
    /// No such record.
    #[error("the vault has no {kind} record for {slug}")]
    Missing {
        /// The slug.
        slug: Slug,
        /// The type asked for.
        kind: RecordType,
    },
    /// The record is there and decrypts to nothing.
    #[error("the {kind} record of {slug} is empty")]
    Empty {
        /// The slug.
        slug: Slug,
        /// The record's type.
        kind: RecordType,
    },
    /// A record to be written is there already.
    #[error("the vault already has a {kind} record for {slug}")]
    Exists {
        /// The slug.
        slug: Slug,
        /// The record's type.
        kind: RecordType,
    },
    /// gpg-agent would have to ask a person.
    #[error("the vault is locked: gpg-agent needs the passphrase or PIN for {slug}")]
    AgentLocked {
        /// The slug whose record was wanted.
        slug: Slug,
    },
    /// No person unlocked the vault within the window.
    #[error("the vault is locked: nobody has unlocked it, or the unlock window is over")]
    WindowClosed,
    /// The person cancelled, or the dialog ran out of time.
    #[error("gpg's dialog for {slug} was cancelled or ran out of time")]
    Cancelled {
        /// The slug whose record was wanted.
        slug: Slug,
    },
    /// The passphrase was wrong, as often as gpg-agent lets one try.
    #[error("the passphrase or PIN for {slug} was wrong")]
    BadPassphrase {
        /// The slug whose record was wanted.
        slug: Slug,
    },
    /// The person cancelled the dialog that asks for a smartcard or its PIN, or it ran out of time.
    #[error("the key for {slug} is on the smartcard {card}: it was not inserted, or its PIN not given")]
    CardWanted {
        /// The slug whose record was wanted.
        slug: Slug,
        /// The card's number, as gpg shows it.
        card: String,
    },
    /// The smartcard takes no PIN any more.
    #[error("the smartcard for {slug} has blocked its PIN: it was wrong too often")]
    PinBlocked {
        /// The slug whose record was wanted.
        slug: Slug,
    },
    /// The key is on a smartcard, and gpg-agent has no program to reach it.
    #[error("the key for {slug} is on a smartcard, and gpg-agent has no scdaemon to read it")]
    NoScdaemon {
        /// The slug whose record was wanted.
        slug: Slug,
    },
    /// No pinentry could be shown where the person is.
    #[error("gpg-agent could not show a passphrase dialog")]
    NoPinentry,
    /// gpg cannot start or reach gpg-agent.
    #[error("gpg-agent cannot be reached, and no key can be used without it")]
    NoAgent,
    /// Nothing came back from gpg or the file system in time.
    #[error("gpg-agent, or the disk of the store, does not answer")]
    Silent,
    /// Another person is being asked at this moment.
    #[error("another unlock is waiting for its passphrase")]
    AskInProgress,
    /// The file is no OpenPGP message.
    #[error("the {kind} record of {slug} is not a GPG file")]
    NotGpg {
        /// The slug.
        slug: Slug,
        /// The record's type.
        kind: RecordType,
    },
    /// The file is cut short or damaged.
    #[error("the {kind} record of {slug} is damaged or cut short ({reason})")]
    Damaged {
        /// The slug.
        slug: Slug,
        /// The record's type.
        kind: RecordType,
        /// gpg's name for it.
        reason: String,
    },
    /// Encrypted to keys that are not here.
    #[error("the {kind} record of {slug} is encrypted to a key that is not in this GPG home")]
    NoSecretKey {
        /// The slug.
        slug: Slug,
        /// The record's type.
        kind: RecordType,
    },
    /// Decrypted, and then no key, certificate, dotenv text or foreign record.
    #[error("the {kind} record of {slug} cannot be used: {reason}")]
    Unusable {
        /// The slug.
        slug: Slug,
        /// The record's type.
        kind: RecordType,
        /// Why.
        reason: Unusable,
    },
    /// More than [`super::MAX_SECRET_BYTES`].
    #[error("the {kind} record of {slug} is larger than {} bytes", super::MAX_SECRET_BYTES)]
    TooLarge {
        /// The slug.
        slug: Slug,
        /// The record's type.
        kind: RecordType,
    },
    /// A link in the store leads out of it.
    #[error("the record of {slug} lies behind a link that leaves the password store")]
    OutsideStore {
        /// The slug.
        slug: Slug,
    },
    /// There is no store.
    #[error("there is no password store at {}", .path.display())]
    NoStore {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// No `.gpg-id` from the record's folder upwards.
    #[error("the password store at {} names no recipients (.gpg-id is missing or empty)", .path.display())]
    NoRecipients {
        /// The store's root.
        path: PathBuf,
    },
    /// A recipient's key cannot be encrypted to.
    #[error("the recipient {recipient} of the password store {problem}")]
    Recipient {
        /// As `.gpg-id` names it.
        recipient: String,
        /// What is wrong with it.
        problem: RecipientProblem,
    },
    /// The file system refused.
    #[error("{action} {} failed: {}", .path.display(), .source)]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Too many requests wait for gpg.
    #[error("too many requests are waiting for gpg")]
    Busy,
    /// gpg or gpg-agent failed in another way.
    #[error("gpg failed: {reason}")]
    Gpg {
        /// gpg's name for it.
        reason: String,
    },
}

/// What is wrong with the content of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// As a key, its passphrase or its certificate.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// As dotenv text.
    #[error("{0}")]
    Dotenv(#[from] DotenvError),
    /// As a record of Bifrost.
    #[error("it is no JSON object with the texts `type` and `secret`, or of another type than its name says")]
    Bifrost,
}

/// Why a recipient's key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipientProblem {
    /// No such public key.
    #[error("has no public key in this GPG home")]
    Absent,
    /// The key's time is over.
    #[error("has an expired key")]
    Expired,
    /// The key was revoked.
    #[error("has a revoked key")]
    Revoked,
    /// The key is disabled or cannot encrypt.
    #[error("has a key that cannot encrypt")]
    CannotEncrypt,
    /// gpg does not know that the key belongs to its owner.
    #[error("has a key that gpg does not trust")]
    Untrusted,
}

impl VaultError {
    /// The stable code shown to programs.
    pub fn code(&self) -> &'static str {
        use VaultError as E;
        match self {
            E::Slug(_) | E::WrongType { .. } => "invalid_argument",
            E::Missing { .. } | E::Empty { .. } => "missing_credential",
            E::Exists { .. } => "credential_record_exists",
            E::AgentLocked { .. }
            | E::WindowClosed
            | E::Cancelled { .. }
            | E::BadPassphrase { .. }
            | E::CardWanted { .. }
            | E::NoPinentry
            | E::AskInProgress => "vault_locked",
            E::NotGpg { .. }
            | E::Damaged { .. }
            | E::NoSecretKey { .. }
            | E::Unusable { .. }
            | E::TooLarge { .. }
            | E::OutsideStore { .. }
            | E::NoStore { .. }
            | E::NoRecipients { .. }
            | E::Recipient { .. }
            | E::Io { .. }
            | E::PinBlocked { .. }
            | E::NoScdaemon { .. }
            | E::NoAgent
            | E::Silent
            | E::Busy
            | E::Gpg { .. } => "credential_backend_unavailable",
        }
    }

    /// Whether the same request may succeed later without anything being repaired.
    pub fn is_retryable(&self) -> bool {
        self.code() == "vault_locked" || matches!(self, VaultError::Busy)
    }

    /// What to do next, as one sentence for a person.
    pub fn hint(&self) -> String {
        use VaultError as E;
        match self {
            E::Slug(_) => "see `sallyport credential list` for the slugs in use".into(),
            E::WrongType { slug, .. } => {
                let types: Vec<_> = RecordType::of(slug.purpose()).iter().map(|kind| kind.as_str()).collect();
                format!("{}:// holds: {}", slug.purpose(), types.join(", "))
            }
            E::Missing { slug, kind } => format!("run `sallyport credential add {slug} --{kind}`"),
            E::Empty { slug, kind } => format!(
                "write it with `pass edit {}`, or remove it with `sallyport credential remove {slug} --{kind}`",
                slug.folder().join(kind.as_str()).display()
            ),
            E::Exists { slug, kind } => {
                format!("remove it first with `sallyport credential remove {slug} --{kind}`")
            }
            E::AgentLocked { slug } | E::Cancelled { slug } | E::BadPassphrase { slug } => {
                format!("a person runs `sallyport unlock {slug}`")
            }
            E::CardWanted { slug, .. } => {
                format!("a person inserts the card, then runs `sallyport unlock {slug}`")
            }
            E::PinBlocked { .. } => "a person sets a new one with the admin PIN: `gpg --change-pin`".into(),
            E::NoScdaemon { .. } => {
                "install scdaemon (a package of its own), or correct `scdaemon-program` in gpg-agent.conf".into()
            }
            E::NoAgent => "run `gpg-agent --daemon`, which says why it does not start".into(),
            E::Silent => "run `sallyport doctor`, which says whether gpg-agent hangs".into(),
            E::WindowClosed => "a person runs `sallyport unlock`".into(),
            E::NoPinentry => {
                "run `sallyport unlock` in a terminal, with GPG_TTY=$(tty) exported and a pinentry installed".into()
            }
            E::AskInProgress => "answer or cancel the dialog that is open, then try again".into(),
            E::NotGpg { slug, kind } | E::Damaged { slug, kind, .. } | E::TooLarge { slug, kind } => format!(
                "restore it from a backup or the store's git history, or remove it with `sallyport credential remove {slug} --{kind}`"
            ),
            E::Unusable { reason: Unusable::Key(error), .. } => error.hint().into(),
            E::Unusable { slug, kind, reason: Unusable::Dotenv(_) } => {
                format!("correct it with `pass edit {}`", slug.folder().join(kind.as_str()).display())
            }
            E::Unusable { slug, kind, reason: Unusable::Bifrost } => {
                format!("add it by hand with `sallyport credential add {slug} --{kind}`")
            }
            E::NoSecretKey { .. } => {
                "check GNUPGHOME with `sallyport doctor`; else have a key holder re-encrypt the store (`pass init`)".into()
            }
            E::OutsideStore { .. } => "replace the link by the record itself".into(),
            E::NoStore { .. } => {
                "run `pass init KEY-ID` (a key is made with `gpg --quick-generate-key NAME`), or set `store` in sallyport.toml".into()
            }
            E::NoRecipients { .. } => "run `pass init KEY-ID`".into(),
            E::Recipient { recipient, problem } => problem.hint(recipient),
            E::Io { .. } => "check the permissions and the free space there".into(),
            E::Busy => "try again in a moment".into(),
            E::Gpg { .. } => "run `sallyport doctor`".into(),
        }
    }
}

impl RecipientProblem {
    fn hint(self, recipient: &str) -> String {
        match self {
            Self::Absent => format!("import the public key of {recipient} with `gpg --import`"),
            Self::Expired => format!(
                "extend it with `gpg --quick-set-expire {recipient} 1y`, or change the recipients with `pass init`"
            ),
            Self::Revoked | Self::CannotEncrypt => "change the recipients with `pass init KEY-ID...`".into(),
            Self::Untrusted => {
                format!("check the key's fingerprint with its owner, then run `gpg --lsign-key {recipient}`")
            }
        }
    }
}

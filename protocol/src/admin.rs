//! What a person's command line may ask over the admin socket, and the answers.
//! Confirmations and unlocking live here and nowhere else.

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::list::List;
use crate::person;
use crate::request::EnvVar;
use crate::text::{ConfirmationId, SecretBytes, SlugText, Text, Word};

/// A request from a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminRequest {
    /// How things stand.
    Status,
    /// Decrypt one record so that gpg-agent is warm, and open the unlock window.
    Unlock {
        /// Which record; without it the first that fits the filter.
        filter: RecordFilter,
        /// The person's terminal and display, for pinentry.
        surroundings: Surroundings,
    },
    /// Forget everything decrypted.
    Lock,
    /// Write a record.
    AddRecord {
        /// Where.
        slug: SlugText,
        /// What kind.
        kind: RecordKind,
        /// The secret.
        secret: SecretBytes,
        /// Take it although it is weak.
        allow_weak: bool,
    },
    /// List records; decrypts nothing.
    ListRecords {
        /// Which.
        filter: RecordFilter,
    },
    /// Remove a record.
    RemoveRecord {
        /// Where.
        slug: SlugText,
        /// What kind.
        kind: RecordKind,
    },
    /// Connect far enough to see a host's key; authenticates nothing.
    ScanHostKey {
        /// Name or address.
        hostname: Word,
        /// Port.
        port: u16,
        /// Alias of the host to jump through.
        jump: Option<Word>,
    },
    /// Pin a key that was shown by a scan.
    PinHostKey {
        /// Name or address.
        hostname: Word,
        /// Port.
        port: u16,
        /// The key in OpenSSH form, as the scan gave it.
        key: KeyLine,
    },
    /// The pinned keys of a host, or of all.
    ListHostKeys {
        /// Which host and port; all without it.
        host: Option<(Word, u16)>,
    },
    /// Forget the keys pinned here for a host.
    RemoveHostKey {
        /// Name or address.
        hostname: Word,
        /// Port.
        port: u16,
    },
    /// The confirmations that wait.
    ListApprovals,
    /// Agree to one.
    Approve {
        /// Which.
        id: ConfirmationId,
    },
    /// Refuse one.
    Deny {
        /// Which.
        id: ConfirmationId,
    },
    /// Where the audit log ends.
    AuditHead,
    /// What the person in the loop needs beyond these.
    Person(person::Ask),
    /// About everybody's sessions and transcripts.
    Terminal(crate::terminal::AdminAsk),
}

/// One public key line, OpenSSH form, at most 16 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyLine(String);

impl KeyLine {
    /// The longest line, in bytes.
    pub const MAX: usize = 16 * 1024;

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyLine {
    type Error = crate::text::TextError;
    fn try_from(value: String) -> Result<Self, Self::Error> {
        use crate::text::TextError;
        match value.len() {
            0 => Err(TextError::Empty("a key")),
            n if n > Self::MAX => Err(TextError::TooLong("a key", Self::MAX)),
            _ if value.chars().any(char::is_control) => Err(TextError::Alphabet("a key")),
            _ => Ok(Self(value)),
        }
    }
}

impl From<KeyLine> for String {
    fn from(value: KeyLine) -> Self {
        value.0
    }
}

/// Which records; all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordFilter {
    /// This slug.
    pub slug: Option<SlugText>,
    /// This host (`host` or `host:port`, or an alias).
    pub host: Option<Word>,
    /// This user.
    pub user: Option<Word>,
    /// `ssh`, `sudo` or `env`.
    pub purpose: Option<Word>,
}

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RecordKind {
    /// A password.
    Password,
    /// A private key.
    Key,
    /// A private key's passphrase.
    Passphrase,
    /// An OpenSSH user certificate (public).
    Certificate,
    /// A dotenv file.
    Dotenv,
}

/// The environment variables by which gpg tells gpg-agent where to show a dialog (`session-env.c` of GnuPG),
/// with the locale. Nothing else is taken from a person's environment.
pub const SURROUNDINGS: [&str; 16] = [
    "GPG_TTY",
    "TERM",
    "DISPLAY",
    "XAUTHORITY",
    "XMODIFIERS",
    "WAYLAND_DISPLAY",
    "XDG_SESSION_TYPE",
    "QT_QPA_PLATFORM",
    "GTK_IM_MODULE",
    "QT_IM_MODULE",
    "DBUS_SESSION_BUS_ADDRESS",
    "INSIDE_EMACS",
    "PINENTRY_USER_DATA",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
];

/// Where a person sits: the variables by which gpg finds their terminal and display (`GPG_TTY`, `TERM`,
/// `DISPLAY`, ...). The helper takes the ones it knows and drops the rest.
pub type Surroundings = List<EnvVar, 24>;

/// Something on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminEvent {
    /// A record of a listing.
    Record(RecordEntry),
    /// A host key of a scan or listing.
    HostKey(HostKeyEntry),
    /// A waiting confirmation.
    Approval(ApprovalEntry),
    /// A command of an earlier run whose end was never seen.
    InDoubt {
        /// When it was started, RFC 3339.
        time: Text,
        /// Where.
        target: Text,
        /// What, redacted.
        command: Text,
    },
    /// An answer to a [`person::Ask`].
    Person(person::Tell),
    /// About sessions and transcripts.
    Terminal(crate::terminal::Notice),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminOutcome {
    /// How things stand.
    Status(Status),
    /// The window is open.
    Unlocked {
        /// The record that was decrypted.
        slug: Text,
        /// Seconds until the window ends; `None` when gpg-agent alone decides.
        expires_in_s: Option<u32>,
    },
    /// Done; nothing more to say.
    Done,
    /// A record was written.
    Added {
        /// Its slug.
        slug: Text,
        /// Its file, below the store.
        file: Text,
        /// The store's folder when it is a git work tree: the command line commits.
        git: Option<Text>,
        /// What a person should know about it: weakness, fingerprint.
        notes: List<Text, 8>,
    },
    /// A record was removed.
    Removed {
        /// Its file, below the store.
        file: Text,
        /// The store's folder when it is a git work tree.
        git: Option<Text>,
    },
    /// A listing was sent as events.
    Listed,
    /// It failed.
    Failed(Failure),
    /// Where the audit log ends: a file that ends earlier was cut.
    AuditHead {
        /// Number of the last line.
        sequence: u64,
        /// SHA-256 of the last line, in hex; empty when there is none.
        hash: Text,
    },
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether a person must unlock first.
    pub locked: bool,
    /// Seconds until the window ends.
    pub expires_in_s: Option<u32>,
    /// Open sessions.
    pub sessions: u32,
    /// Running jobs.
    pub jobs: u32,
    /// Open transports.
    pub connections: u32,
    /// Confirmations waiting.
    pub approvals: u32,
    /// Hardening level reached.
    pub hardening: u8,
    /// SHA-256 of the policy, in hex.
    pub policy_digest: Text,
    /// The store's folder; empty when none was found.
    pub store: Text,
    /// The audit log's file.
    pub audit: Text,
    /// The helper's process id.
    pub pid: u32,
    /// Configuration files that could not be taken; the last good ones are in force.
    pub problems: List<Text, 16>,
}

/// A record; never its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEntry {
    /// Its slug.
    pub slug: Text,
    /// What is stored under it.
    pub kinds: List<RecordKind, 8>,
}

/// A host key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyEntry {
    /// Host, `[host]:port` when the port is not 22.
    pub host: Text,
    /// The algorithm.
    pub algorithm: Text,
    /// `SHA256:...`.
    pub fingerprint: Text,
    /// The picture OpenSSH draws of it; empty in listings.
    pub randomart: Text,
    /// The key in OpenSSH form.
    pub key: Text,
    /// Known already, and in which file; empty when it is new.
    pub known_in: Text,
    /// Whether another key is known for this host: a changed key.
    pub changed: bool,
}

/// A confirmation that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalEntry {
    /// Its id.
    pub id: Text,
    /// Who asks.
    pub principal: Text,
    /// The host's alias.
    pub host: Text,
    /// The account.
    pub user: Text,
    /// The whole command, redacted, control characters as they are: the reader escapes them.
    pub command: List<Text, 8>,
    /// Why it is asked.
    pub reason: Text,
    /// Seconds until it is void.
    pub expires_in_s: u32,
}

//! What a broker may ask. What is not here cannot be asked for: there is no
//! decrypt, no raw channel, no way past the policy or the redactor, and nothing
//! that grants a confirmation a person must give.

use serde::{Deserialize, Serialize};

use crate::list::List;
use crate::person;
use crate::secrets::Secrets;
use crate::sudo::SudoCache;
use crate::text::{
    CommandText, ConfirmationId, EnvName, HostAlias, JobId, RemotePath, SecretName, SessionName, TargetName,
    TextError, UserName, Word,
};

/// A request from the broker's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The hosts this principal may use, and the state of the vault.
    ListHosts(HostFilter),
    /// What the policy would say; runs nothing.
    Check {
        /// Where it would run.
        target: TargetName,
        /// The command.
        command: CommandText,
    },
    /// Run a command.
    Exec(Exec),
    /// A page of a job's kept output.
    Output(OutputPage),
    /// Stop a job.
    Stop {
        /// Which.
        job: JobId,
        /// One signal; without it INT, TERM and KILL in turn.
        signal: Option<Signal>,
    },
    /// Open a session, or find the one of that name.
    OpenSession(OpenSession),
    /// Close a session.
    CloseSession {
        /// Its id or name.
        session: SessionName,
    },
    /// What is open.
    ListActive {
        /// Only this kind.
        kind: Option<ActiveKind>,
    },
    /// The client's user refused a confirmation.
    Declined(person::Declined),
    /// About terminals and transcripts.
    Terminal(crate::terminal::Ask),
    /// About forwards.
    Forward(crate::forward::Ask),
    /// About single files and directories.
    File(crate::file::Ask),
    /// sudo's cache in a session.
    SudoCache(SudoCache),
    /// `env://` records of a session.
    Secrets(Secrets),
    /// Transfer files.
    Transfer(crate::transfer::Ask),
}

/// Which hosts to list; all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostFilter {
    /// This alias or hostname.
    pub host: Option<HostAlias>,
    /// Hosts with this tag.
    pub tag: Option<Word>,
    /// Hosts whose alias, hostname or tags hold this text.
    pub query: Option<Word>,
}

/// Where a command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// On a channel of its own.
    Target(TargetName),
    /// In an open shell session.
    Session(SessionName),
}

/// An environment variable for one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// Its name.
    pub name: EnvName,
    /// Its value; may be empty.
    pub value: EnvValue,
}

/// The value of an environment variable: at most 8 KiB, without NUL, may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvValue(String);

impl EnvValue {
    /// The longest value, in bytes.
    pub const MAX: usize = 8 * 1024;

    /// Checks and takes a value.
    ///
    /// # Errors
    /// When it is longer than [`Self::MAX`] or holds NUL.
    pub fn new(value: impl Into<String>) -> Result<Self, TextError> {
        Self::try_from(value.into())
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EnvValue {
    type Error = TextError;
    fn try_from(value: String) -> Result<Self, TextError> {
        if value.len() > Self::MAX {
            return Err(TextError::TooLong("an environment variable's value", Self::MAX));
        }
        if value.contains('\0') {
            return Err(TextError::Alphabet("an environment variable's value"));
        }
        Ok(Self(value))
    }
}

impl From<EnvValue> for String {
    fn from(value: EnvValue) -> Self {
        value.0
    }
}

/// What will come as the operation's input, said beforehand so that a
/// confirmation covers it. Input that differs is refused before it is used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPlan {
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// Who is said to have agreed to this call already. It counts only where the
/// host's `confirmation` setting lets that one decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consent {
    /// Nobody.
    None,
    /// The model, by the call's own `confirm = true`.
    Model,
    /// The client's user, asked through the MCP client.
    Client,
}

/// Run one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// Where.
    pub place: Place,
    /// What.
    pub command: CommandText,
    /// Directory to change to first.
    pub cwd: Option<RemotePath>,
    /// Variables to set first.
    pub env: List<EnvVar, 64>,
    /// `env://` records to inject.
    pub secrets: List<SecretName, 16>,
    /// Standard input, if any; without it the command reads end of file.
    pub input: Option<InputPlan>,
    /// Run as this user through sudo.
    pub run_as: Option<UserName>,
    /// After this many milliseconds the command goes on as a job; 0 takes the policy's default.
    pub timeout_ms: u32,
    /// After this many milliseconds the call is answered and the command goes on; 0 means never.
    pub detach_ms: u32,
    /// Answer at once; the command is a job from the start.
    pub background: bool,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// A page of kept output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPage {
    /// Whose.
    pub job: JobId,
    /// From which byte; without it from the first byte kept.
    pub cursor: Option<u64>,
    /// Wait up to this long for the first byte after the cursor, in milliseconds, at most 60,000.
    pub wait_ms: u32,
    /// At most this many bytes.
    pub max_bytes: u32,
}

/// A signal for a remote process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// SIGINT.
    Int,
    /// SIGTERM.
    Term,
    /// SIGKILL.
    Kill,
}

/// What kind of session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    /// A POSIX shell fed one judged command at a time.
    Shell,
    /// A raw terminal.
    Terminal,
}

/// Open a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// Where.
    pub target: TargetName,
    /// Its name; a second call with the same name finds the first one's session.
    pub name: Option<SessionName>,
    /// What kind.
    pub kind: SessionKind,
    /// Directory it begins in.
    pub cwd: Option<RemotePath>,
    /// Variables it begins with.
    pub env: List<EnvVar, 64>,
    /// `env://` records to inject.
    pub secrets: List<SecretName, 16>,
    /// Terminal width in columns.
    pub cols: u16,
    /// Terminal height in rows.
    pub rows: u16,
    /// Keep a redacted transcript.
    pub record: bool,
    /// Close it after this many idle seconds; 0 takes the default.
    pub idle_timeout_s: u32,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// What can be listed as active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActiveKind {
    /// A shell or terminal.
    Session,
    /// A command whose output is kept.
    Job,
    /// A forwarded port.
    Forward,
    /// An authenticated transport.
    Connection,
}

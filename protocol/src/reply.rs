//! What a broker is answered. Every string here is [`Text`]: it goes through the
//! redactor (see [`crate::Scrub`]) before it is encoded.

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::list::List;
use crate::request::{ActiveKind, SessionKind};
use crate::secrets::SecretNames;
use crate::sudo::CacheState;
use crate::text::Text;

/// Something on the way to the end of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The command is running as this job.
    Started {
        /// The job's id.
        job: Text,
    },
    /// One host of a listing.
    Host(HostEntry),
    /// One part of a judged command.
    Segment(Segment),
    /// One open thing of a listing.
    Active(ActiveEntry),
    /// About a forward.
    Forward(crate::forward::Event),
    /// About single files and directories.
    File(crate::file::Event),
    /// Something about a transfer.
    Transfer(crate::transfer::Note),
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The hosts were sent as events.
    Hosts {
        /// State of the vault.
        vault: VaultState,
    },
    /// A verdict; its segments were sent as events.
    Checked(Checked),
    /// The command ended.
    Exited(Exited),
    /// The command goes on as a job.
    Detached {
        /// The job.
        job: Text,
        /// Why the call ended before the command.
        reason: Detach,
        /// How long it has run, in milliseconds.
        duration_ms: u64,
        /// Secrets masked so far.
        redactions: u64,
    },
    /// A person (or whoever the host's setting names) must agree first.
    NeedsConfirmation(NeedsConfirmation),
    /// The policy refused.
    Blocked {
        /// Code, sentence and hint.
        failure: Failure,
        /// The rules that refused.
        rules: List<Text, 32>,
    },
    /// A page of output was sent.
    Page(Page),
    /// What became of a job that was to stop.
    Stopped {
        /// Whether the remote process is known to be gone.
        gone: bool,
    },
    /// A session is open.
    Session(Session),
    /// A session is closed.
    Closed {
        /// Whether a command was running in it.
        was_running: bool,
    },
    /// A listing was sent as events.
    Listed,
    /// The operation was cancelled.
    Cancelled {
        /// Whether the remote process is known to be gone.
        gone: bool,
    },
    /// The operation failed.
    Failed(Failure),
    /// What was said is noted.
    Noted,
    /// About a terminal or a transcript.
    Terminal(crate::terminal::Answer),
    /// About a forward.
    Forward(crate::forward::Outcome),
    /// About single files and directories.
    File(crate::file::Outcome),
    /// How sudo's cache stands.
    SudoCache(CacheState),
    /// Names of `env://` records and of their variables.
    Secrets(SecretNames),
    /// A transfer ended.
    Transferred(crate::transfer::Ended),
}

/// A host as the agent may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEntry {
    /// Its name.
    pub alias: Text,
    /// Its real name or address.
    pub hostname: Text,
    /// Its port.
    pub port: u16,
    /// Users with records.
    pub users: List<HostUser, 32>,
    /// The policy mode in force.
    pub mode: Text,
    /// Its tags.
    pub tags: List<Text, 32>,
    /// The host to jump through; empty for none.
    pub jump: Text,
}

/// A user with records on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostUser {
    /// The account.
    pub user: Text,
    /// Whether an `ssh://` record exists.
    pub ssh: bool,
    /// Whether a `sudo://` record exists.
    pub sudo: bool,
}

/// Whether decryption is possible now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultState {
    /// Whether a person must unlock first, as far as the helper knows without trying.
    pub locked: bool,
    /// Seconds until the unlock window ends; `None` when it does not end by itself or is over.
    pub expires_in_s: Option<u32>,
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// `allow`, `confirm` or `block`.
    pub verdict: Text,
    /// Why.
    pub reason: Text,
    /// The rules that decided.
    pub rules: List<Text, 32>,
    /// The mode it was judged in.
    pub mode: Text,
    /// The host's alias.
    pub host: Text,
    /// SHA-256 of the policy, in hex.
    pub policy_digest: Text,
}

/// A part of a judged command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The part as written.
    pub text: Text,
    /// The words it would run with.
    pub argv: List<Text, 64>,
    /// `allow`, `confirm` or `block`.
    pub verdict: Text,
    /// The rule that decided; empty for none.
    pub rule: Text,
    /// Where it begins, in bytes.
    pub from: u32,
    /// Where it ends, in bytes.
    pub to: u32,
}

/// A command that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    /// Its exit code, unless a signal ended it or the host did not say.
    pub exit_code: Option<i32>,
    /// The signal that ended it, without `SIG`; empty for none.
    pub signal: Text,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// The session's directory afterwards; empty outside sessions.
    pub cwd: Text,
    /// Why the session ended with it; empty while it lives.
    pub session_ended: Text,
    /// The job under which output is kept.
    pub job: Text,
    /// Secrets masked.
    pub redactions: u64,
}

/// Why a call ended before its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detach {
    /// It was asked to run in the background.
    Background,
    /// Its time was over.
    Timeout,
    /// The client would not have waited longer.
    Patience,
}

/// Somebody must agree first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedsConfirmation {
    /// To be named by the call that goes on.
    pub id: Text,
    /// Why it is asked.
    pub reason: Text,
    /// The rules that ask.
    pub rules: List<Text, 32>,
    /// How long it waits, in seconds.
    pub expires_in_s: u32,
    /// Who can agree.
    pub who: Confirmer,
}

/// Who can agree to a command, on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmer {
    /// Only a person on the admin side.
    Operator,
    /// Also the MCP client's user.
    Client,
    /// Also the model itself.
    Model,
}

/// A page of kept output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Where this page begins: later than asked when bytes were dropped.
    pub from: u64,
    /// Where the next page begins.
    pub next_cursor: u64,
    /// Whether the command still runs.
    pub running: bool,
    /// Its exit code, when it has one.
    pub exit_code: Option<i32>,
    /// The signal that ended it, without `SIG`; empty for none.
    pub signal: Text,
    /// Bytes between the cursor asked for and this page that are no longer kept.
    pub dropped: u64,
}

/// An open session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub session: Text,
    /// False when a session of that name was there already.
    pub created: bool,
    /// Its kind.
    pub kind: SessionKind,
    /// The account.
    pub user: Text,
    /// The host's alias.
    pub host: Text,
}

/// Something open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveEntry {
    /// What it is.
    pub kind: ActiveKind,
    /// Its id.
    pub id: Text,
    /// Where: `user@alias`.
    pub target: Text,
    /// Age in seconds.
    pub uptime_s: u64,
    /// Seconds since it last did something.
    pub idle_s: u64,
    /// More about it: a session's name, a job's command.
    pub detail: Text,
}

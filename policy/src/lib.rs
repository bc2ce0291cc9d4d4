//! The guardrail engine: what a shell command would do, and whether it may.
//!
//! Text becomes a syntax tree, the tree becomes the simple commands that would run (wherever they stand: in a
//! substitution, behind `sudo`, inside `sh -c`), their arguments become facts by reviewed tables, and facts,
//! operator rules and the mode become one [`Verdict`] with its reasons.
//!
//! What this crate may touch: the bytes it is given. It is pure: no files, no environment, no clock, no network,
//! no async, no global state. The same input gives the same verdict, within bounded time, memory and stack.
//! What it must never do: panic, guess in favour of running, or let a thing it could not read pass as understood.
//!
//! ```
//! use sallyport_policy::{Policy, ShellState, Subject, Verdict};
//!
//! let policy = Policy::builtin();
//! let subject = Subject::anywhere("local");
//! let judgement = policy.judge(&subject, &ShellState::default(), "sudo rm -rf /");
//! assert_eq!(judgement.verdict, Verdict::Block);
//! ```

mod config;
mod engine;
mod judgement;
mod policy;
mod state;
mod subject;
mod syntax;
mod tables;
mod verdict;

pub use config::{ConfigError, DefaultAccount, Host, HostKey, Identity, Inventory, LoginShell, Terminal};
pub use judgement::{Judgement, Report, Segment};
pub use policy::Policy;
pub use state::ShellState;
pub use subject::{Effective, PathAction, Subject};
pub use verdict::{Confirmation, Mode, UnknownName, Verdict};

/// Longest command text that is read, in bytes. A longer one is opaque: `confirm` in guarded, `block` in readonly.
pub const MAX_COMMAND_BYTES: usize = 32 * 1024;

/// Version of the engine and of its tables; part of every policy digest, so that a confirmation given under one
/// reading of a command never counts under another.
pub const ENGINE_VERSION: u32 = 1;

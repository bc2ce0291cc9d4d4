//! The toolset `ops`: what is asked of hosts every day, with typed arguments and structured answers.
//!
//! Each tool is an argument type that composes one command ([`line`]) and reads what it prints. The command runs as one of
//! `ssh_exec` runs ([`run`]): the policy judges it in the host's mode, a person confirms what has to be confirmed, it
//! is audited, and what comes back is redacted. There is no other way to run anything here, so a tool needs no rule of its
//! own: reading works in readonly, and what changes a host asks in guarded.
//!
//! | module | what it holds |
//! |---|---|
//! | [`line`] | composing a command from fixed words and quoted arguments |
//! | [`run`] | running it, and what all answers have in common |
//! | [`host`], [`logs`], [`docker`], [`package`], [`net`], [`db`] | a tool each |
//! | [`recipe`], [`recipes`] | commands that the operator has written into `recipes.toml`; the file itself |

pub mod db;
pub mod docker;
pub mod host;
mod line;
pub mod logs;
pub mod net;
pub mod package;
pub mod recipe;
mod recipes;
mod run;
#[cfg(test)]
mod tests;

pub use run::handle;

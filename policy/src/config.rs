//! The two files people write: `policy.toml` and `hosts.toml`, strictly read.

mod error;
mod host;
mod inventory;
mod pattern;
mod policy_file;

pub use error::ConfigError;
pub use host::{Host, HostKey, Identity, LoginShell, Terminal};
pub use inventory::{DefaultAccount, Inventory};
pub(crate) use pattern::{glob, names_host};
pub(crate) use policy_file::{Checked, Decision, PolicyFile, Rule};

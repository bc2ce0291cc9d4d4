//! Where a command would run and who asks for it.

use crate::verdict::{Confirmation, Mode};

/// Whose command is judged, and for which host: what `hosts.toml` says about it and who the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The host's alias in `hosts.toml`; empty when the command is judged for no host in particular.
    pub alias: &'a str,
    /// The host's tags, matched by `tag:NAME` in rules and principals.
    pub tags: &'a [String],
    /// The host's own mode, when it has one.
    pub mode: Option<Mode>,
    /// The host's own confirmation, when it has one.
    pub confirmation: Option<Confirmation>,
    /// The caller: `local`, or an HTTP token's name.
    pub principal: &'a str,
}

impl<'a> Subject<'a> {
    /// A caller without a host: only the policy file's defaults and the principal's limits apply.
    #[must_use]
    pub const fn anywhere(principal: &'a str) -> Self {
        Self { alias: "", tags: &[], mode: None, confirmation: None, principal }
    }
}

/// What holds for one subject once host, principal and file defaults are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    /// The mode commands are judged in.
    pub mode: Mode,
    /// Who may confirm.
    pub confirmation: Confirmation,
}

/// What a file tool would do to a path; judged like the same access by a shell command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathAction {
    /// Read a file or list a directory.
    Read,
    /// Create, overwrite, append to or edit a file.
    Write,
    /// Create a directory.
    CreateDirectory,
    /// Change permission bits.
    SetPermissions,
    /// Remove a file.
    Delete,
    /// Remove a directory and all below it (also: mirroring with deletion).
    DeleteTree,
}

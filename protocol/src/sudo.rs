//! sudo's cached credentials of a session: what may be asked of them, and what is answered.

use serde::{Deserialize, Serialize};

use crate::request::Consent;
use crate::text::{ConfirmationId, SessionName};

/// Look at, fill or empty sudo's cache for a session's shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SudoCache {
    /// The session.
    pub session: SessionName,
    /// What to do.
    pub action: CacheAction,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// What to do with the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheAction {
    /// Say whether sudo would ask.
    Check,
    /// Give sudo the password of the `sudo://` record, once.
    Warm,
    /// Make sudo forget.
    Clear,
}

/// How the cache stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheState {
    /// sudo does not ask now.
    Warm,
    /// sudo would ask for a password.
    NeedsPassword,
    /// sudo refused the record's password; it was tried once.
    BadPassword,
    /// sudo will ask again.
    Cleared,
    /// sudo is missing, refuses the account, or said something else.
    Failed,
}

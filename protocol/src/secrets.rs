//! `env://` records attached to a session: names only, in both directions.

use serde::{Deserialize, Serialize};

use crate::list::List;
use crate::request::Consent;
use crate::text::{ConfirmationId, SecretName, SessionName, Text};

/// Attach, detach or list `env://` records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// What to do.
    pub action: SecretsAction,
    /// The session; without it `List` names every `env://` record there is.
    pub session: Option<SessionName>,
    /// Who is said to have agreed.
    pub consent: Consent,
    /// The confirmation a person gave earlier for exactly this request.
    pub confirmation: Option<ConfirmationId>,
}

/// What to do with a session's `env://` records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretsAction {
    /// Set the record's variables in the session's shell.
    Attach {
        /// The record.
        name: SecretName,
    },
    /// Unset them; they stay masked.
    Detach {
        /// The record.
        name: SecretName,
    },
    /// Name what is there.
    List,
}

/// Names of records, and of the variables they set; never values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretNames {
    /// The `env://` records: those attached to the session, or all there are.
    pub names: List<Text, 256>,
    /// The variables attached records set in the session.
    pub variables: List<Text, 256>,
}

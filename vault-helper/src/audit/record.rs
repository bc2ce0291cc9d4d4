//! What stands in the log.

use serde::Serialize;

/// Before an operation: what is about to happen.
#[derive(Debug, Clone, Serialize)]
pub struct Intent {
    /// The operation's id; its ending names the same.
    pub id: String,
    /// Who asks.
    pub principal: String,
    /// What kind: `exec`, `session_open`, ...
    pub action: &'static str,
    /// The session, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The host's alias.
    pub host: String,
    /// The account.
    pub user: String,
    /// Name or address, and port.
    pub endpoint: String,
    /// SHA-256 fingerprint of the host's key, when a transport is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
    /// The record that opens the host; never its value.
    pub slug: String,
    /// Other records it may use: of sudo, of injected variables; never their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// The command, redacted.
    pub command: String,
    /// `allow` or `confirm`.
    pub verdict: String,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// SHA-256 of the policy, in hex.
    pub policy_digest: String,
    /// The confirmation used, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<String>,
    /// Who confirmed: `operator`, `client` or `model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<&'static str>,
}

/// After an operation: what became of it.
#[derive(Debug, Clone, Serialize, Default)]
pub struct Ending {
    /// The operation's id.
    pub id: String,
    /// `exited`, `failed`, `refused`, `lost`.
    pub result: &'static str,
    /// The error code, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Bytes of output, after redaction.
    pub output_bytes: u64,
    /// Secrets masked.
    pub redactions: u64,
    /// Milliseconds it took.
    pub duration_ms: u64,
}

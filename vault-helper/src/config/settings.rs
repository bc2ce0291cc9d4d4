//! `sallyport.toml`. Both programs read this one file, so each accepts the
//! other's keys; a key that neither knows is an error.

use std::path::{Path, PathBuf};

use sallyport_policy::ConfigError;
use serde::Deserialize;

/// What happens to live sessions when the vault locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLock {
    /// They go on; only new logins need the vault.
    Keep,
    /// They are closed.
    Close,
}

/// When an audit record counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditSync {
    /// When the kernel has it: survives a crash of the helper; power loss can cost up to a second.
    Written,
    /// When the disk has it (fdatasync before every operation): costs a disk flush a command.
    Disk,
}

/// Whether the journal gets a copy of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditJournal {
    /// It does not.
    Off,
    /// It does; a journal that does not take a line is only complained about.
    Copy,
    /// It does, and a line that it did not take was not written: nothing runs.
    Required,
}

/// The helper's settings; every key is optional.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The password store's folder.
    pub store: Option<PathBuf>,
    /// How long after a person's unlock agent calls may decrypt, in seconds; 0 leaves it to gpg-agent.
    pub unlock_window_s: u64,
    /// Exit after this many seconds without connections, sessions and jobs; 0 never.
    pub idle_exit_s: u64,
    /// What happens to live sessions when the vault locks.
    pub on_lock: OnLock,
    /// When an audit record counts as durable.
    pub audit_sync: AuditSync,
    /// The audit log's file is put aside before it grows beyond this, in bytes; 0 never.
    pub audit_max_bytes: u64,
    /// Whether the journal gets a copy of the audit log.
    pub audit_journal: AuditJournal,
    /// Where ssh-agent listens, for hosts whose `identity` names `agent`; default `$SSH_AUTH_SOCK` at the start.
    pub ssh_auth_sock: Option<PathBuf>,
    /// Whether confirmations that only an operator may give are also asked for in a pinentry dialog.
    pub confirm_dialog: bool,
    /// The helper does not run when its hardening reaches less than this level (see [`crate::harden`]).
    pub min_hardening: u8,
    /// Users, beside the helper's own, whose brokers may connect.
    pub broker_users: Vec<String>,
    /// Users, beside the helper's own and root, who may use the admin socket.
    pub admin_users: Vec<String>,
    /// The most one transcript may hold, in bytes.
    pub transcript_max_bytes: u64,
    /// The most all transcripts may hold, in bytes; the oldest are removed first.
    pub transcript_total_bytes: u64,
    /// Transcripts older than this many days are removed; 0 keeps them.
    pub transcript_days: u64,
    /// Shell sessions one principal may have open.
    pub sessions_max: usize,
    /// Terminals one principal may have open: each keeps 256 KiB of its output.
    pub terminals_max: usize,
    /// Commands of one principal that may run at once.
    pub jobs_max: usize,
    /// How long a host may be silent before it is asked for a sign of life, in seconds; three in a row without one end
    /// the connection. 0 never asks.
    pub keepalive_s: u64,
    /// A forward through which nothing goes for this many seconds is closed; 0 never.
    pub forward_idle_s: u64,
    /// A forward that carried more bytes than this, both ways, is closed.
    pub forward_max_bytes: u64,
    /// The broker's key; not used here.
    pub transfer_roots: serde::de::IgnoredAny,
    /// The broker's key; not used here.
    pub max_answer_chars: serde::de::IgnoredAny,
    /// The broker's key; not used here.
    pub helper_user: serde::de::IgnoredAny,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: None,
            unlock_window_s: 1800,
            idle_exit_s: 900,
            on_lock: OnLock::Keep,
            audit_sync: AuditSync::Written,
            audit_max_bytes: 64 * 1024 * 1024,
            audit_journal: AuditJournal::Off,
            ssh_auth_sock: None,
            confirm_dialog: false,
            min_hardening: 0,
            broker_users: Vec::new(),
            admin_users: Vec::new(),
            transcript_max_bytes: 16 * 1024 * 1024,
            transcript_total_bytes: 1024 * 1024 * 1024,
            transcript_days: 30,
            sessions_max: 512,
            terminals_max: 128,
            jobs_max: 512,
            keepalive_s: 20,
            forward_idle_s: 3600,
            forward_max_bytes: 8 << 30,
            transfer_roots: serde::de::IgnoredAny,
            max_answer_chars: serde::de::IgnoredAny,
            helper_user: serde::de::IgnoredAny,
        }
    }
}

/// The settings file cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct SettingsError {
    file: PathBuf,
    message: String,
}

impl Settings {
    /// Reads the file; a missing one means defaults.
    ///
    /// # Errors
    /// When it cannot be read, others can change it, or it holds something unknown: the message names key and line.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let fail = |message: String| SettingsError { file: file.to_owned(), message };
        match super::file::read(file).map_err(fail)? {
            Some(text) => {
                toml::from_str(&text).map_err(|error| fail(ConfigError::from_toml(&text, &error).to_string()))
            }
            None => Ok(Self::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_its_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sallyport.toml");
        std::fs::write(&file, "idle_exit_s = 5\nunlock_windw_s = 60\n").unwrap();
        let text = Settings::read(&file).unwrap_err().to_string();
        assert!(
            text.starts_with(&format!("{}: line 2: unlock_windw_s: unknown key", file.display())),
            "{text}"
        );
    }

    #[test]
    fn a_missing_file_means_defaults() {
        let settings = Settings::read(Path::new("/nonexistent/sallyport.toml")).unwrap();
        assert_eq!(settings.unlock_window_s, 1800);
    }
}

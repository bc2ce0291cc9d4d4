//! What can go wrong with a request, and how it is told.

use sallyport_protocol::{ErrorCode, Failure};

use super::packet::{Code, Malformed};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SftpError {
    /// The server said no.
    #[error("{1}")]
    Status(Code, String),
    /// The connection is gone.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server ended before it greeted us; nothing was asked of it yet.
    #[error("its SFTP server ended at once")]
    Ended,
    /// The server does not speak SFTP version 3.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The server answered something else than what was asked.
    #[error("the server answered something that was not asked")]
    Unasked,
    /// No answer in time.
    #[error("the server gave no answer in {} seconds", super::channel::PATIENCE.as_secs())]
    Silent,
}

impl SftpError {
    /// The server's code, when it gave one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Status(code, _) => Some(*code),
            _ => None,
        }
    }

    /// Whether there is no such file.
    pub fn is_absent(&self) -> bool {
        self.code() == Some(Code::NoSuchFile)
    }

    /// Whether the transport broke, and the same request may do on another one.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Silent)
    }

    /// The failure of doing something (`"read"`, `"write to"`) to a path. `Failure`, SFTP's word for everything it
    /// has no word for, is told as it is: callers that can find out more say it themselves.
    pub fn failure(&self, doing: &str, path: &str) -> Failure {
        match self {
            Self::Status(Code::NoSuchFile, _) => Failure::new(
                ErrorCode::FileNotFound,
                format!("cannot {doing} {path}: no such file or directory"),
                "check the path; ssh_list_dir shows what is there, and relative paths begin in the account's home",
            ),
            Self::Status(Code::PermissionDenied, _) => Failure::new(
                ErrorCode::PermissionDenied,
                format!("cannot {doing} {path}: permission denied"),
                "the account may not do that; use another account or path, or ssh_sudo_exec",
            ),
            Self::Status(Code::Unsupported, _) => Failure::new(
                ErrorCode::UnsupportedOperation,
                format!("cannot {doing} {path}: the host's SFTP server does not do that"),
                "use ssh_exec for this host",
            ),
            Self::Status(_, words) => Failure::new(
                ErrorCode::UnsupportedOperation,
                format!("cannot {doing} {path}: the host's SFTP server says {words:?}"),
                "SFTP has no word for the reason; look at the path with ssh_exec (ls -ld, df, quota)",
            ),
            Self::Lost(why) => Failure::new(
                ErrorCode::SshConnectionFailed,
                format!("the connection was lost while this was under way ({doing} {path}): {why}"),
                "call again",
            ),
            Self::Ended | Self::Malformed(_) | Self::Unasked | Self::Silent => Failure::new(
                ErrorCode::SshConnectionFailed,
                format!("cannot {doing} {path}: {self}"),
                "check the host's SFTP server: `Subsystem sftp` in its sshd_config",
            ),
        }
    }
}

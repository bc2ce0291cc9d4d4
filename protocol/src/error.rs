//! Stable error codes and the one shape every failure takes on the wire.

use serde::{Deserialize, Serialize};

use crate::text::Text;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $retry:literal;)*) => {
        /// Why something failed: stable for tests, agents and scripts.
        /// Append-only; the names are those of the public interface.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code, in wire order.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)*];

            /// The code as agents see it.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }

            /// Whether the same call can succeed later without being changed.
            pub fn retryable(self) -> bool {
                match self { $(ErrorCode::$name => $retry,)* }
            }
        }
    };
}

codes! {
    /// No record for this user, host and port.
    MissingCredential = "missing_credential", false;
    /// The unlock window is over or gpg-agent asks for a passphrase.
    VaultLocked = "vault_locked", true;
    /// The store, gpg or the agent cannot be used.
    CredentialBackendUnavailable = "credential_backend_unavailable", true;
    /// A record is there already.
    CredentialRecordExists = "credential_record_exists", false;
    /// Several users have records and none was chosen.
    AmbiguousUser = "ambiguous_user", false;
    /// The target is neither an alias nor covered by a record.
    UnknownHost = "unknown_host", false;
    /// The host cannot be reached, or the transport broke.
    SshConnectionFailed = "ssh_connection_failed", true;
    /// The host refused every credential offered.
    AuthFailed = "auth_failed", false;
    /// The host asks for something only a person can answer.
    MfaRequired = "mfa_required", true;
    /// The host's key is not known.
    HostKeyUnknown = "host_key_unknown", false;
    /// The host's key is not the one that is known.
    HostKeyChanged = "host_key_changed", false;
    /// The policy refuses; no confirmation lifts it.
    PolicyBlocked = "policy_blocked", false;
    /// The confirmation is too old, used, or for another request.
    ConfirmationExpired = "confirmation_expired", true;
    /// A person said no.
    ConfirmationDenied = "confirmation_denied", false;
    /// Nobody can be asked.
    ConfirmationUnavailable = "confirmation_unavailable", false;
    /// No such session, or it ended.
    SessionNotFound = "session_not_found", false;
    /// No such job or output, or it was forgotten.
    JobNotFound = "job_not_found", false;
    /// No such forward.
    ForwardNotFound = "forward_not_found", false;
    /// The file is there already.
    FileExists = "file_exists", false;
    /// The parent directory is missing.
    MissingParent = "missing_parent", false;
    /// No such file.
    FileNotFound = "file_not_found", false;
    /// The remote account may not do that.
    PermissionDenied = "permission_denied", false;
    /// A local path leaves the transfer roots.
    PathOutsideRoot = "path_outside_root", false;
    /// The file is not what the caller thought it was.
    HashMismatch = "hash_mismatch", false;
    /// The new content is not valid for its type.
    ValidationFailed = "validation_failed", false;
    /// The text to replace does not stand there exactly as often as said.
    NoUniqueMatch = "no_unique_match", false;
    /// The file holds a vault secret.
    SecretInFile = "secret_in_file", false;
    /// Over a size limit.
    TooLarge = "too_large", false;
    /// Over a count or rate limit.
    QuotaExceeded = "quota_exceeded", true;
    /// Not possible here.
    UnsupportedOperation = "unsupported_operation", false;
    /// The vault helper is gone or cannot be started.
    HelperUnavailable = "helper_unavailable", true;
    /// The request makes no sense as it stands.
    InvalidArgument = "invalid_argument", false;
    /// A defect in Sallyport.
    InternalError = "internal_error", false;
}

/// A failure: what happened, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code.
    pub code: ErrorCode,
    /// One plain sentence: what happened.
    pub message: Text,
    /// What to do next; may be empty.
    pub hint: Text,
    /// Whether the same call can succeed later.
    pub retryable: bool,
}

impl Failure {
    /// A failure with a hint; retryable as its code says.
    pub fn new(code: ErrorCode, message: impl Into<Text>, hint: impl Into<Text>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), retryable: code.retryable() }
    }
}

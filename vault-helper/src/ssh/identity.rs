//! Identities beside the vault's: ssh-agent, and key files of this machine.
//!
//! The agent's socket is known to the helper alone. What the agent holds never leaves it: it signs, as the keeper does.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::Uid;
use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use crate::harden::memory::secretly;
use crate::vault::{MAX_SECRET_BYTES, Secret};

/// Keys of an agent that are offered: sshd counts each and gives up after six tries (MaxAuthTries).
const OFFERED: usize = 4;
/// An agent may ask its person (`ssh-add -c`, a security key); not for ever.
const PATIENCE: Duration = Duration::from_secs(25);

/// A connection to an ssh-agent (draft-miller-ssh-agent).
pub(super) struct Agent(AgentClient<UnixStream>);

impl Agent {
    /// Connects to the agent behind a socket.
    pub(super) async fn connect(socket: &Path) -> Result<Self, Failure> {
        match AgentClient::connect_uds(socket).await {
            Ok(client) => Ok(Self(client)),
            Err(error) => Err(Failure::new(
                ErrorCode::CredentialBackendUnavailable,
                format!("ssh-agent does not answer at {}: {error}", socket.display()),
                "start it, and name its socket as `ssh_auth_sock` in sallyport.toml",
            )),
        }
    }

    /// Its first few keys and certificates.
    pub(super) async fn identities(&mut self) -> Result<Vec<AgentIdentity>, Failure> {
        let mut found = in_time(self.0.request_identities()).await?;
        found.truncate(OFFERED);
        Ok(found)
    }

    /// The data with the agent's signature behind it.
    pub(super) async fn sign(
        &mut self,
        identity: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        in_time(self.0.sign_request(identity, hash, data)).await
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, russh::keys::Error>>) -> Result<T, Failure> {
    let refused = |why: String| {
        Failure::new(
            ErrorCode::CredentialBackendUnavailable,
            format!("ssh-agent refused: {why}"),
            "`ssh-add -l` shows what it holds; it may be locked (`ssh-add -X`) or wait for its person",
        )
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused("it did not answer in time".into())),
    }
}

/// A key file of this machine, and the certificate beside it.
pub(super) struct KeyFile {
    /// The key's text.
    pub(super) text: Secret,
    /// The text of `PATH-cert.pub`, when it is there, as OpenSSH takes it.
    pub(super) certificate: Option<Secret>,
}

impl KeyFile {
    /// Reads a key file; `~/` is the home directory. As `ssh` does, one that others may read is refused.
    pub(super) fn read(path: &str, home: Option<&Path>) -> Result<Self, Failure> {
        let place = match (path.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        };
        let unreadable = |error: io::Error| {
            Failure::new(
                ErrorCode::CredentialBackendUnavailable,
                format!("the key file {} cannot be read: {error}", place.display()),
                match error.kind() {
                    // The helper opens what was named when it locked itself in; see `harden/places.rs`.
                    io::ErrorKind::PermissionDenied => format!(
                        "a key file outside ~/.ssh must be named in hosts.toml when the vault helper starts: end it \
                         (kill {}) and try again; else see that its user may read the file",
                        std::process::id()
                    ),
                    _ => "check the host's `identity` in hosts.toml".to_owned(),
                },
            )
        };
        let file = File::open(&place).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        let ours = about.uid() == Uid::effective().as_raw() || about.uid() == 0;
        if !about.is_file() || !ours || about.mode() & 0o077 != 0 {
            return Err(Failure::new(
                ErrorCode::CredentialBackendUnavailable,
                format!("the key file {} may be read or changed by others", place.display()),
                format!("chmod 600 {}", place.display()),
            ));
        }
        let text = bounded(file).map_err(unreadable)?;
        let mut beside = place.clone().into_os_string();
        beside.push("-cert.pub");
        let certificate = File::open(beside).ok().and_then(|file| bounded(file).ok());
        Ok(Self { text, certificate })
    }
}

fn bounded(file: File) -> io::Result<Secret> {
    // Never moves while it is filled, so that no copy is left behind.
    let mut bytes = secretly(|| Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 1)));
    file.take(MAX_SECRET_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SECRET_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Secret::copy_of(&bytes))
}

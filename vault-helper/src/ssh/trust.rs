//! Whether a host's key is accepted: the known_hosts files, and what the host's
//! entry says about new ones. Changed and revoked keys are never accepted.

use std::fmt;
use std::path::PathBuf;

use russh::keys::PublicKeyOrCertificate;
use sallyport_protocol::{ErrorCode, Failure};

use crate::config::Paths;
use crate::hostkeys::{HostKeyVerdict, KnownHosts, PinFile, fingerprint};

/// A host's name or address, and its port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// A host and its port; names are compared in lower case.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_ascii_lowercase(), port }
    }

    /// The name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Endpoint {
    /// As in a slug: the port only when it is not 22.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, self.host.contains(':')) {
            (22, _) => write!(f, "{}", self.host),
            (port, true) => write!(f, "[{}]:{port}", self.host),
            (port, false) => write!(f, "{}:{port}", self.host),
        }
    }
}

/// See the module.
pub struct Trust {
    files: Vec<PathBuf>,
    /// Where keys accepted here are pinned.
    pub pins: PinFile,
}

impl Trust {
    /// The three files: ours, the user's, the system's. Only ours is written.
    pub fn new(paths: &Paths) -> Self {
        let ours = paths.state.join("known_hosts");
        let users = paths.home.as_ref().map(|home| home.join(".ssh/known_hosts"));
        let system = PathBuf::from("/etc/ssh/ssh_known_hosts");
        Self {
            files: [Some(ours.clone()), users, Some(system)].into_iter().flatten().collect(),
            pins: PinFile::new(ours),
        }
    }

    /// What is known now: people edit these files, so they are read for every connection.
    ///
    /// # Errors
    /// When a file is there and cannot be read: a revocation might stand in it.
    pub fn known(&self) -> Result<KnownHosts, Failure> {
        KnownHosts::read(self.files.iter().map(PathBuf::as_path)).map_err(|(file, error)| {
            Failure::new(
                ErrorCode::HostKeyUnknown,
                format!("host keys cannot be checked: {}: {error}", file.display()),
                "make the file readable for the vault helper, or remove it",
            )
        })
    }

    /// Decides about the key a host shows.
    ///
    /// # Errors
    /// Anything but a known key, or a first one where the host's entry accepts it.
    pub fn accept(
        &self,
        endpoint: &Endpoint,
        shown: &PublicKeyOrCertificate,
        accept_new: bool,
    ) -> Result<(), Failure> {
        let verdict = self.known()?.check(endpoint.host(), endpoint.port(), shown);
        match (verdict, shown) {
            (HostKeyVerdict::Known { .. }, _) => Ok(()),
            (HostKeyVerdict::Unknown, PublicKeyOrCertificate::PublicKey { key, .. }) if accept_new => {
                match self.pins.pin(endpoint.host(), endpoint.port(), key) {
                    Ok(_) => {
                        tracing::info!(%endpoint, fingerprint = fingerprint(key), "a first host key was pinned");
                        Ok(())
                    }
                    Err(error) => Err(Failure::new(
                        ErrorCode::HostKeyUnknown,
                        format!("the new key of {endpoint} could not be pinned: {error}"),
                        "make the state directory writable for the vault helper",
                    )),
                }
            }
            (verdict, shown) => Err(refusal(endpoint, &verdict, &shown_fingerprint(shown))),
        }
    }
}

fn shown_fingerprint(shown: &PublicKeyOrCertificate) -> String {
    match shown {
        PublicKeyOrCertificate::PublicKey { key, .. } => fingerprint(key),
        PublicKeyOrCertificate::Certificate(certificate) => {
            certificate.public_key().fingerprint(russh::keys::HashAlg::Sha256).to_string()
        }
    }
}

fn refusal(endpoint: &Endpoint, verdict: &HostKeyVerdict, shown: &str) -> Failure {
    match verdict {
        HostKeyVerdict::Known { .. } | HostKeyVerdict::Unknown => Failure::new(
            ErrorCode::HostKeyUnknown,
            format!("the key of {endpoint} is not known: {shown}"),
            format!(
                "compare the fingerprint with the host's own, then: sallyport hostkey accept {endpoint} --fingerprint {shown}"
            ),
        ),
        HostKeyVerdict::Changed { source, known } => Failure::new(
            ErrorCode::HostKeyChanged,
            format!(
                "the key of {endpoint} has changed: it shows {shown}, {} line {} knows {}",
                source.file.display(),
                source.line,
                known.join(", "),
            ),
            "somebody may be listening in; if the host was set up anew, remove the old key (sallyport hostkey remove HOST) and accept the new one",
        ),
        HostKeyVerdict::Revoked { source } => Failure::new(
            ErrorCode::HostKeyChanged,
            format!(
                "the key of {endpoint} is revoked ({} line {}): {shown}",
                source.file.display(),
                source.line
            ),
            "do not use this host until its owner has given it a new key",
        ),
        HostKeyVerdict::BadCertificate { fault, source } => Failure::new(
            ErrorCode::HostKeyUnknown,
            format!(
                "the certificate of {endpoint} is not good ({} line {}): {fault}",
                source.file.display(),
                source.line
            ),
            "the host's owner must have it issued again",
        ),
    }
}

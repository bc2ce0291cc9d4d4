//! The decision about a key that a host shows.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};

use super::line::{Line, Mark, Skipped, read_file};
use super::name::HostName;
use super::picture::fingerprint;

/// Where a known key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// A key that is known for a host.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// What its line says about it.
    pub mark: Mark,
    /// The key.
    pub key: PublicKey,
    /// Where it stands.
    pub source: Source,
}

/// What to do about the key that a host shows. Only `Known` lets a login go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum HostKeyVerdict {
    /// The key, or the authority that signed its certificate, is known for this host.
    Known {
        /// Where it stands.
        source: Source,
    },
    /// Nothing is known about this host.
    Unknown,
    /// Other keys are known for this host, and not this one.
    Changed {
        /// Where the first of them stands: one of the same algorithm when there is one.
        source: Source,
        /// Fingerprints of all of them.
        known: Vec<String>,
    },
    /// The key, or the authority that signed its certificate, is revoked.
    Revoked {
        /// The line that revokes it.
        source: Source,
    },
    /// The certificate is from a known authority and not good for this host at this time, and its key alone
    /// is not known either.
    BadCertificate {
        /// What is wrong with it.
        fault: CertificateFault,
        /// The authority's line.
        source: Source,
    },
}

/// Why a host certificate does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Issued for logging in users.
    #[error("it is a user's certificate, not a host's")]
    NotForHosts,
    /// The host is not among its principals.
    #[error("it was issued for other host names")]
    OtherHost,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYet,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It demands something that is not known here.
    #[error("it has a critical option that is not supported")]
    CriticalOption,
    /// The signature is wrong, or of a kind that is not accepted.
    #[error("its signature is wrong")]
    Signature,
}

/// The known keys of all files, read once. Read it anew for every connection: people edit the files.
#[derive(Debug, Default)]
pub struct KnownHosts {
    files: Vec<(PathBuf, Vec<Line>)>,
    skipped: Vec<(PathBuf, Skipped)>,
}

impl KnownHosts {
    /// Reads the files in this order: ours, the user's, the system's. Missing ones are empty.
    ///
    /// # Errors
    /// When a file is there and cannot be read, with its path: a revocation might stand in it.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<Self, (PathBuf, io::Error)> {
        let mut known = Self::default();
        for path in files {
            let (lines, skipped) = read_file(path).map_err(|error| (path.to_owned(), error))?;
            known.files.push((path.to_owned(), lines));
            if skipped != Skipped::default() {
                known.skipped.push((path.to_owned(), skipped));
            }
        }
        Ok(known)
    }

    /// What was not understood, by file; empty when all was.
    pub fn skipped(&self) -> &[(PathBuf, Skipped)] {
        &self.skipped
    }

    /// The keys known for a host, authorities and revoked ones among them, in the files' order.
    pub fn keys_of(&self, host: &str, port: u16) -> Vec<KnownKey> {
        let name = HostName::new(host, port);
        let found = self.lines().filter(|(_, line)| line.hosts.covers(&name));
        found
            .map(|(file, line)| KnownKey { mark: line.mark, key: line.key.clone(), source: at(file, line) })
            .collect()
    }

    /// The algorithms of a host's own known keys, so that the client can ask for one of these. When an
    /// authority is known for the host, certificates should be asked for first.
    pub fn known_algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let mut algorithms = Vec::new();
        for known in self.keys_of(host, port) {
            let algorithm = known.key.algorithm();
            if known.mark == Mark::Host && !algorithms.contains(&algorithm) {
                algorithms.push(algorithm);
            }
        }
        algorithms
    }

    /// Whether a certificate authority is known for a host.
    pub fn has_authority(&self, host: &str, port: u16) -> bool {
        self.keys_of(host, port).iter().any(|known| known.mark == Mark::Authority)
    }

    /// Decides about what a host shows, now.
    pub fn check(&self, host: &str, port: u16, shown: &PublicKeyOrCertificate) -> HostKeyVerdict {
        // A clock before 1970 makes every certificate "not yet valid".
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        self.check_at(host, port, shown, now)
    }

    /// Decides about what a host shows at a time, in seconds since 1970.
    pub fn check_at(
        &self,
        host: &str,
        port: u16,
        shown: &PublicKeyOrCertificate,
        now: u64,
    ) -> HostKeyVerdict {
        let known = self.keys_of(host, port);
        let key = shown.public_key();
        // Revocation first, and over everything.
        let authority = shown.certificate().map(Certificate::signature_key);
        let revoked = |known: &&KnownKey| {
            let revoked = known.key.key_data();
            known.mark == Mark::Revoked && (revoked == key.key_data() || Some(revoked) == authority)
        };
        if let Some(known) = known.iter().find(revoked) {
            return HostKeyVerdict::Revoked { source: known.source.clone() };
        }
        let fault = match shown.certificate() {
            None => None,
            Some(certificate) => match by_authority(&known, certificate, host, now) {
                Some((source, None)) => return HostKeyVerdict::Known { source },
                Some((source, Some(fault))) => Some((source, fault)),
                None => None,
            },
        };
        match (by_key(&known, &key), fault) {
            // As OpenSSH does, a certificate that does not count is taken as the plain key inside it.
            (HostKeyVerdict::Known { source }, _) => HostKeyVerdict::Known { source },
            (_, Some((source, fault))) => HostKeyVerdict::BadCertificate { fault, source },
            (verdict, None) => verdict,
        }
    }

    fn lines(&self) -> impl Iterator<Item = (&Path, &Line)> {
        self.files.iter().flat_map(|(path, lines)| lines.iter().map(move |line| (path.as_path(), line)))
    }
}

fn at(file: &Path, line: &Line) -> Source {
    Source { file: file.to_owned(), line: line.number }
}

fn by_key(known: &[KnownKey], key: &PublicKey) -> HostKeyVerdict {
    let own: Vec<&KnownKey> = known.iter().filter(|known| known.mark == Mark::Host).collect();
    if let Some(same) = own.iter().find(|known| known.key.key_data() == key.key_data()) {
        return HostKeyVerdict::Known { source: same.source.clone() };
    }
    let like = own.iter().find(|known| known.key.algorithm() == key.algorithm()).or(own.first());
    match like {
        None => HostKeyVerdict::Unknown,
        Some(like) => HostKeyVerdict::Changed {
            source: like.source.clone(),
            known: own.iter().map(|known| fingerprint(&known.key)).collect(),
        },
    }
}

/// The line of the authority that signed a certificate, with what is wrong with the certificate; none when
/// its authority is not known for the host.
fn by_authority(
    known: &[KnownKey],
    certificate: &Certificate,
    host: &str,
    now: u64,
) -> Option<(Source, Option<CertificateFault>)> {
    let authority = known
        .iter()
        .find(|known| known.mark == Mark::Authority && known.key.key_data() == certificate.signature_key())?;
    Some((authority.source.clone(), fault_of(certificate, &authority.key, host, now)))
}

/// PROTOCOL.certkeys of OpenSSH, and the choices of its client: a host certificate must name its hosts.
fn fault_of(
    certificate: &Certificate,
    authority: &PublicKey,
    host: &str,
    now: u64,
) -> Option<CertificateFault> {
    let host = host.to_ascii_lowercase();
    if certificate.cert_type() != CertType::Host {
        return Some(CertificateFault::NotForHosts);
    }
    if matches!(authority.key_data(), KeyData::Dsa(_)) || uses_sha1(certificate) {
        return Some(CertificateFault::Signature);
    }
    if now < certificate.valid_after() {
        return Some(CertificateFault::NotYet);
    }
    if now >= certificate.valid_before() {
        return Some(CertificateFault::Expired);
    }
    if !certificate.valid_principals().iter().any(|principal| principal.to_ascii_lowercase() == host) {
        return Some(CertificateFault::OtherHost);
    }
    if certificate.critical_options().iter().next().is_some() {
        return Some(CertificateFault::CriticalOption);
    }
    let trusted = authority.fingerprint(HashAlg::Sha256);
    certificate.validate_at(now, [&trusted]).is_err().then_some(CertificateFault::Signature)
}

/// `ssh-rsa` signatures are made with SHA-1, which OpenSSH no longer takes from authorities.
fn uses_sha1(certificate: &Certificate) -> bool {
    matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None })
}

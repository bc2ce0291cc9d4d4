//! SSH private keys out of records: parsing, naming, signing.
//!
//! A key never leaves this type. The side that speaks SSH gets [`LoadedKey::public`] to offer and asks for
//! signatures (`auth::Signer` of russh).
//!
//! The parsed key is wiped by its own type. While it is parsed, russh's decoder holds the decoded text in
//! buffers of its own that it does not wipe, and parts of the key on the stack: the former are in the memory for
//! secrets and wiped when freed, the latter is overwritten when the work is done.

use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::ssh_key::{self, Certificate, Signature};
use russh::keys::{Algorithm, Error, HashAlg, PrivateKey, PublicKey, decode_secret_key, signature::Signer};

use super::record::Secret;
use crate::harden::memory::secretly_and_scrubbed;

/// Smallest RSA key that is used, in bits; OpenSSH refuses smaller ones by `RequiredRSASize`.
const MIN_RSA_BITS: u32 = 2048;

/// A private key ready to sign. The key's own type wipes it when dropped.
pub struct LoadedKey {
    key: Box<PrivateKey>,
}

/// Why a record is no usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not text, or none of the known formats.
    #[error("this is no private key in OpenSSH, PKCS#8 or PEM format")]
    Unreadable,
    /// A public key where the private one belongs.
    #[error("this is a public key; the private key is the file without .pub")]
    Public,
    /// Encrypted, and no passphrase is there.
    #[error("the private key is encrypted and no passphrase record is there for it")]
    PassphraseNeeded,
    /// The passphrase does not open it.
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,
    /// An algorithm that cannot sign here.
    #[error("private keys of this kind, or encrypted in this way, are not supported")]
    Unsupported,
    /// A key whose private half is on a FIDO token.
    #[error("this key signs on its FIDO token; the file alone cannot")]
    OnToken,
    /// RSA below the limit.
    #[error("the RSA key has fewer than 2048 bits, which servers refuse")]
    TooShort,
    /// The certificate is no certificate.
    #[error("this is no OpenSSH certificate")]
    BadCertificate,
    /// The certificate belongs to another key.
    #[error("the certificate was issued for another key")]
    OtherCertificate,
    /// Signing failed.
    #[error("the private key could not sign")]
    SigningFailed,
}

impl KeyError {
    /// What to do next.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Unreadable => "make one with `ssh-keygen -t ed25519`",
            Self::Unsupported => {
                "rewrite the file in OpenSSH's format with `ssh-keygen -p -f FILE`, or make another key"
            }
            Self::OnToken => {
                "load it into ssh-agent with `ssh-add FILE`, and give the host `identity = [\"agent\"]` in hosts.toml"
            }
            Self::Public => "give the file without .pub",
            Self::PassphraseNeeded => "add it with `sallyport credential add SLUG --passphrase`",
            Self::WrongPassphrase => {
                "check it with `ssh-keygen -y -f FILE`, then replace the passphrase record"
            }
            Self::TooShort => "make a new key with `ssh-keygen -t ed25519`",
            Self::BadCertificate | Self::OtherCertificate => {
                "give the -cert.pub file that was issued for this key"
            }
            Self::SigningFailed => "check the key with `ssh-keygen -y -f FILE`",
        }
    }
}

impl LoadedKey {
    /// Parses a `key` record, opening it with the `passphrase` record when it is encrypted.
    ///
    /// # Errors
    /// Says what is wrong; never repeats a byte of the key.
    pub fn parse(secret: &Secret, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        secretly_and_scrubbed(|| Self::read(secret, passphrase))
    }

    fn read(secret: &Secret, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(secret.expose()).map_err(|_| KeyError::Unreadable)?;
        let passphrase = passphrase.map(|secret| std::str::from_utf8(secret.expose()));
        let passphrase = passphrase.transpose().map_err(|_| KeyError::WrongPassphrase)?;
        if PublicKey::from_openssh(text.trim()).is_ok() {
            return Err(KeyError::Public);
        }
        if is_old_pem(text) && !is_readable_old_pem(text) {
            return Err(KeyError::Unsupported);
        }
        let encrypted = is_encrypted(text);
        let key = match (encrypted, passphrase) {
            (true, None) => return Err(KeyError::PassphraseNeeded),
            (true, Some(_)) => decode_secret_key(text, passphrase).map_err(|error| match error {
                // Encrypted in a way that is not read here; any other failure is what a wrong passphrase causes.
                Error::UnknownAlgorithm(_) | Error::UnsupportedKeyType { .. } => KeyError::Unsupported,
                _ => KeyError::WrongPassphrase,
            })?,
            (false, _) => decode_secret_key(text, None).map_err(|_| KeyError::Unreadable)?,
        };
        check_kind(&key)?;
        Ok(Self { key: Box::new(key) })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// `SHA256:...`, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        self.public().fingerprint(HashAlg::Sha256).to_string()
    }

    /// Parses a `certificate` record and checks that it was issued for this key.
    ///
    /// # Errors
    /// [`KeyError::BadCertificate`] and [`KeyError::OtherCertificate`].
    pub fn certificate(&self, record: &Secret) -> Result<Certificate, KeyError> {
        let text = std::str::from_utf8(record.expose()).map_err(|_| KeyError::BadCertificate)?;
        let certificate = Certificate::from_openssh(text.trim()).map_err(|_| KeyError::BadCertificate)?;
        if certificate.public_key() == self.public().key_data() {
            Ok(certificate)
        } else {
            Err(KeyError::OtherCertificate)
        }
    }

    /// Signs an authentication request the way russh's `auth::Signer::auth_sign` must answer: the data, and
    /// behind it the signature as an SSH string (RFC 4252, 7). `hash` is for RSA keys; without it they sign
    /// with SHA-512, never with SHA-1.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`].
    pub fn sign(&self, mut data: Vec<u8>, hash: Option<HashAlg>) -> Result<Vec<u8>, KeyError> {
        let signature =
            secretly_and_scrubbed(|| self.signature(&data, hash)).map_err(|_| KeyError::SigningFailed)?;
        signature.encode_prefixed(&mut data).map_err(|_| KeyError::SigningFailed)?;
        Ok(data)
    }

    fn signature(&self, data: &[u8], hash: Option<HashAlg>) -> Result<Signature, ssh_key::Error> {
        let signed = match self.key.key_data() {
            KeypairData::Rsa(pair) => (pair, Some(hash.unwrap_or(HashAlg::Sha512))).try_sign(data),
            pair => pair.try_sign(data),
        };
        Ok(signed?)
    }
}

impl std::fmt::Debug for LoadedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoadedKey({})", self.fingerprint())
    }
}

/// Whether a key file needs a passphrase, by its format's own marks.
fn is_encrypted(text: &str) -> bool {
    match PrivateKey::from_openssh(text.trim()) {
        Ok(key) => key.is_encrypted(),
        Err(_) => {
            text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
                || is_old_pem(text)
                || text.lines().any(|line| line.starts_with("Encryption: aes"))
        }
    }
}

/// Whether a key is encrypted in the way of old PEM files (RFC 1421), with the cipher in a header.
fn is_old_pem(text: &str) -> bool {
    text.contains("Proc-Type: 4,ENCRYPTED")
}

/// Of those, RSA keys under AES-128 are read, which is what `ssh-keygen -m PEM` writes.
fn is_readable_old_pem(text: &str) -> bool {
    text.contains("-----BEGIN RSA PRIVATE KEY-----") && text.contains("DEK-Info: AES-128-CBC,")
}

fn check_kind(key: &PrivateKey) -> Result<(), KeyError> {
    match (key.algorithm(), key.key_data()) {
        (Algorithm::Rsa { .. }, KeypairData::Rsa(pair)) => {
            if pair.key_size() < MIN_RSA_BITS {
                Err(KeyError::TooShort)
            } else {
                Ok(())
            }
        }
        (Algorithm::Ed25519 | Algorithm::Ecdsa { .. }, _) => Ok(()),
        (Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256, _) => Err(KeyError::OnToken),
        // DSA is gone from servers.
        _ => Err(KeyError::Unsupported),
    }
}

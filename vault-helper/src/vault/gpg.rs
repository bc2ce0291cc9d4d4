//! GnuPG through gpgme: decrypting into memory that is wiped, encrypting to a store's recipients.
//!
//! What is wiped and what is not. The decrypted bytes arrive in [`Bounded`], which never grows and is zeroed
//! when dropped. On the way they pass through one buffer of libgpgme, which zeroes it because the output is
//! flagged `sensitive` (gpgme 1.17 and newer; older ones leave up to 4 KiB on the stack of our gpg thread
//! until its next call), and through the pipe and the memory of the `gpg` process, which ends with the call.
//! Session keys and passphrases stay in gpg-agent. When encrypting, gpgme reads our buffer in place.

use std::io::{self, Write};
use std::path::PathBuf;

use gpgme::{Context, Data, EncryptFlags, Error, PinentryMode, Protocol};
use zeroize::Zeroizing;

use super::error::{RecipientProblem, VaultError};
use super::pubkeys::{distrusted, usable_key};
use super::record::{MAX_SECRET_BYTES, RecordType};
use super::slug::Slug;
use crate::harden::memory::secretly;

/// Which GnuPG home directory to use: this one, or the one of the environment (`GNUPGHOME`, `~/.gnupg`).
#[derive(Clone, Debug, Default)]
pub struct GpgHome(pub Option<PathBuf>);

impl GpgHome {
    /// A context for one operation. It is not kept: contexts remember results of their last operation.
    pub(super) fn context(&self) -> Result<Context, Error> {
        let mut context = Context::from_protocol(Protocol::OpenPgp)?;
        if let Some(home) = &self.0 {
            context.set_engine_home_dir(home.as_os_str().as_encoded_bytes().to_vec())?;
        }
        context.set_offline(true);
        Ok(context)
    }

    /// The `gpg` program that gpgme uses.
    pub(super) fn program(&self) -> Result<PathBuf, VaultError> {
        let context = self.context().map_err(other)?;
        let path = context.engine_info().path().ok().map(PathBuf::from);
        path.ok_or_else(|| VaultError::Gpg { reason: "gpgme knows no gpg program".into() })
    }

    /// Decrypts without ever asking anybody: an agent that would have to ask fails at once.
    pub(super) fn decrypt(
        &self,
        slug: &Slug,
        kind: RecordType,
        cipher: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut plain = secretly(Bounded::new);
        let outcome = (|| {
            let mut context = self.context()?;
            context.set_pinentry_mode(PinentryMode::Error)?;
            let mut output = Data::from_writer(&mut plain).map_err(|wrapped| wrapped.error())?;
            // Older versions of gpgme do not know the flag; see the top of this file.
            let _ = output.set_flag("sensitive", "1");
            context.decrypt(Data::from_buffer(cipher)?, &mut output).map(drop)
        })();
        match outcome {
            _ if plain.overflowed => Err(VaultError::TooLarge { slug: slug.clone(), kind }),
            Ok(()) => Ok(plain.bytes),
            Err(error) => Err(match explain(error, slug, kind) {
                // gpg finds "no data" also in a message whose very first packet is cut short.
                VaultError::NotGpg { slug, kind } if starts_as_message(cipher) => {
                    VaultError::Damaged { slug, kind, reason: error.to_string() }
                }
                VaultError::NoSecretKey { .. } if self.lacks_agent() => VaultError::NoAgent,
                explained => explained,
            }),
        }
    }

    /// Encrypts to recipients as `.gpg-id` names them, as `pass` does it: no compression (which would tell
    /// something about the content by its size), and nobody but those recipients.
    pub(super) fn encrypt(&self, recipients: &[String], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut context = self.context().map_err(other)?;
        let mut keys = Vec::with_capacity(recipients.len());
        for recipient in recipients {
            keys.push(usable_key(&mut context, recipient)?);
        }
        let mut cipher = Vec::new();
        let flags = EncryptFlags::NO_ENCRYPT_TO | EncryptFlags::NO_COMPRESS;
        let input = Data::from_buffer(plain).map_err(other)?;
        context.encrypt_with_flags(&keys, input, &mut cipher, flags).map_err(|error| {
            match (error.code() == Error::UNUSABLE_PUBKEY.code(), distrusted(&keys, recipients)) {
                (true, Some(recipient)) => {
                    VaultError::Recipient { recipient, problem: RecipientProblem::Untrusted }
                }
                _ => other(error),
            }
        })?;
        Ok(cipher)
    }
}

/// gpg's error codes (`gpg-error.h`) in our words.
pub(super) fn explain(error: Error, slug: &Slug, kind: RecordType) -> VaultError {
    let slug = slug.clone();
    let code = error.code();
    let is = |known: &[Error]| known.iter().any(|known| known.code() == code);
    if is(&[Error::NO_PIN_ENTRY, Error::NO_PASSPHRASE]) {
        VaultError::AgentLocked { slug }
    } else if is(&[Error::CANCELED, Error::FULLY_CANCELED, Error::TIMEOUT]) {
        VaultError::Cancelled { slug }
    } else if is(&[Error::BAD_PASSPHRASE, Error::BAD_PIN]) {
        VaultError::BadPassphrase { slug }
    } else if is(&[Error::PIN_BLOCKED]) {
        VaultError::PinBlocked { slug }
    } else if is(&[Error::NO_SCDAEMON]) {
        VaultError::NoScdaemon { slug }
    } else if is(&[Error::NO_SECKEY]) {
        VaultError::NoSecretKey { slug, kind }
    } else if is(&[Error::NO_DATA]) {
        VaultError::NotGpg { slug, kind }
    } else if is(&DAMAGE) {
        VaultError::Damaged { slug, kind, reason: error.to_string() }
    } else {
        other(error)
    }
}

/// What gpg says of messages that are cut short, altered or not encrypted at all.
const DAMAGE: [Error; 9] = [
    Error::DECRYPT_FAILED,
    Error::BAD_DATA,
    Error::BAD_SIGNATURE,
    Error::CHECKSUM,
    Error::INV_PACKET,
    Error::TRUNCATED,
    Error::EOF,
    Error::UNEXPECTED,
    Error::UNSUPPORTED_ALGORITHM,
];

/// Whether a file begins like an encrypted message: with a packet that holds a session key, which has tag 1
/// in the old or the new format (RFC 9580, 4.2), or with the armour's first line.
fn starts_as_message(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x84..=0x87 | 0xc1)) || bytes.starts_with(b"-----BEGIN PGP MESSAGE-----")
}

pub(super) fn other(error: Error) -> VaultError {
    VaultError::Gpg { reason: error.to_string() }
}

/// A buffer of [`MAX_SECRET_BYTES`] that refuses more, never moves, and is wiped when dropped.
struct Bounded {
    bytes: Zeroizing<Vec<u8>>,
    overflowed: bool,
}

impl Bounded {
    fn new() -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES)), overflowed: false }
    }
}

impl Write for Bounded {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if chunk.len() > MAX_SECRET_BYTES - self.bytes.len() {
            self.overflowed = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

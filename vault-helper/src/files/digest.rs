//! What tells one content of a file from another.
//!
//! A plain SHA-256 of a file that holds a guessable secret would let anybody test guesses offline. So such a file has
//! a digest under a key that only this process knows, and is compared with that alone.

use std::sync::LazyLock;

use hmac::{Hmac, Mac};
use sallyport_protocol::file::Digest;
use sallyport_protocol::{ErrorCode, Failure};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::redact::{Redactor, StreamRedactor};

static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let mut key = [0; 32];
    if getrandom::fill(&mut key).is_err() {
        // A machine without random bytes cannot log in anywhere either; still not a constant.
        key = Sha256::digest(format!("{:?} {}", std::time::SystemTime::now(), std::process::id())).into();
    }
    key
});

/// Takes a content piece by piece.
pub struct Digesting {
    plain: Sha256,
    keyed: Hmac<Sha256>,
    sieve: StreamRedactor,
}

impl Digesting {
    /// Nothing yet.
    pub fn new(redactor: &Redactor) -> Self {
        let keyed = match <Hmac<Sha256> as Mac>::new_from_slice(&*KEY) {
            Ok(keyed) => keyed,
            // HMAC takes keys of every length (RFC 2104).
            Err(_) => unreachable!("HMAC refused a key's length"),
        };
        Self { plain: Sha256::new(), keyed, sieve: redactor.with_shapes(false).stream() }
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.plain.update(bytes);
        self.keyed.update(bytes);
        let _ = self.sieve.push(std::time::Instant::now(), bytes);
    }

    /// The digest of all of it.
    pub fn finish(mut self) -> Digest {
        let _ = self.sieve.finish();
        match self.sieve.redactions() {
            0 => Digest { sha256: self.plain.finalize().into(), keyed: false },
            _ => Digest { sha256: self.keyed.finalize().into_bytes().into(), keyed: true },
        }
    }
}

/// The digest of a whole content.
pub fn of(content: &[u8], redactor: &Redactor) -> Digest {
    let mut digesting = Digesting::new(redactor);
    digesting.push(content);
    digesting.finish()
}

/// That a content is the one that was expected; nothing there is never what was expected.
///
/// # Errors
/// `hash_mismatch`.
pub fn check(now: Option<&Digest>, expected: Option<&[u8; 32]>) -> Result<(), Failure> {
    let Some(expected) = expected else { return Ok(()) };
    let what = match now {
        Some(now) if now.sha256 == *expected => return Ok(()),
        Some(now) => {
            format!("the file has changed: its digest is {}, not {}", hex(&now.sha256), hex(expected))
        }
        None => "there is no file of the digest that was expected".to_owned(),
    };
    Err(Failure::new(
        ErrorCode::HashMismatch,
        what,
        "nothing was written: read the file again, and decide anew with its sha256",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::SecretKind;

    #[test]
    fn the_digest_of_a_file_with_a_secret_cannot_be_computed_by_guessing() {
        let redactor = Redactor::new();
        let content = b"password = correct horse battery\n";
        let plain = of(content, &redactor);
        assert_eq!(plain, Digest { sha256: Sha256::digest(content).into(), keyed: false });
        let _enrolled = redactor.enroll("ssh://a@b", b"correct horse battery", SecretKind::Password).unwrap();
        let keyed = of(content, &redactor);
        assert!(keyed.keyed && keyed.sha256 != plain.sha256);
        assert_eq!(keyed, of(content, &redactor), "it stays the same for the same content");
        assert!(check(Some(&keyed), Some(&keyed.sha256)).is_ok());
        let guessed = check(Some(&keyed), Some(&plain.sha256)).unwrap_err();
        assert_eq!(guessed.code, ErrorCode::HashMismatch, "a right guess looks like a wrong one");
    }
}

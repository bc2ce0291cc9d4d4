//! Detection for exact downloads, whose bytes must never be altered.

use std::fmt;
use std::time::Instant;

use sallyport_protocol::rope::Rope;

use super::clean::Clean;
use super::stream::StreamRedactor;

/// An exact copy would have shown an enrolled secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretFound;

/// Lets the bytes of one file pass exactly as they are, each as soon as it is sure that it is no part of an
/// enrolled secret in any form. What may be the beginning of one is held back until that is decided, however long
/// it takes; with the first secret nothing passes any more.
pub struct Exact {
    stream: StreamRedactor,
}

impl Exact {
    pub(super) const fn new(stream: StreamRedactor) -> Self {
        Self { stream }
    }

    /// Takes the next bytes and returns what may leave.
    ///
    /// # Errors
    /// When a secret is among them, or begins where too much would have to be held.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Clean, SecretFound> {
        let clean = self.stream.push(Instant::now(), bytes);
        self.unaltered(clean)
    }

    /// As [`Exact::push`], bytes in several pieces.
    ///
    /// # Errors
    /// As [`Exact::push`].
    pub fn push_rope(&mut self, rope: Rope) -> Result<Clean, SecretFound> {
        let clean = self.stream.push_rope(Instant::now(), rope);
        self.unaltered(clean)
    }

    /// The file has ended: returns the rest.
    ///
    /// # Errors
    /// When the file ends with so much of a secret that it gives it away.
    pub fn finish(mut self) -> Result<Clean, SecretFound> {
        let clean = self.stream.finish();
        self.unaltered(clean)
    }

    /// Only a stream without a single mask has left its bytes as they were.
    fn unaltered(&self, clean: Clean) -> Result<Clean, SecretFound> {
        if self.stream.found() || self.stream.redactions() > 0 { Err(SecretFound) } else { Ok(clean) }
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exact").finish_non_exhaustive()
    }
}

//! Detection for exact downloads, whose bytes must never be altered.

use std::fmt;
use std::time::Instant;

use super::stream::StreamRedactor;

/// What a detector has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Detection {
    /// No enrolled secret so far.
    Clear,
    /// An enrolled secret, in some form: the download must be refused and what was written removed.
    Found,
}

/// Looks for enrolled secrets in the bytes of one file, in order.
pub struct Detector {
    stream: StreamRedactor,
}

impl Detector {
    pub(super) const fn new(stream: StreamRedactor) -> Self {
        Self { stream }
    }

    /// Looks at the next bytes. Once found, always found.
    pub fn push(&mut self, bytes: &[u8]) -> Detection {
        let _ = self.stream.push(Instant::now(), bytes);
        self.verdict()
    }

    /// The file has ended.
    pub fn finish(mut self) -> Detection {
        let _ = self.stream.finish();
        self.verdict()
    }

    const fn verdict(&self) -> Detection {
        if self.stream.found() { Detection::Found } else { Detection::Clear }
    }
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").field("verdict", &self.verdict()).finish_non_exhaustive()
    }
}

//! Frames: a little-endian `u32` length and a postcard body.
//!
//! The length is checked before a byte of the body is stored, so a hostile
//! length costs the reader nothing. A body must be consumed entirely.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 65_536;
const PREFIX: usize = 4;

/// Why bytes are not a frame of this protocol. Each of these is a violation: the
/// connection is closed, because nothing after it can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length prefix is 0 or above [`MAX_BODY`].
    #[error("a frame of {0} bytes; 1 to {MAX_BODY} are allowed")]
    Length(u32),
    /// The body is not a message of this direction.
    #[error("a frame that is not a message")]
    Malformed,
    /// Bytes are left after the message.
    #[error("a frame with {0} bytes after its message")]
    Trailing(usize),
    /// An outgoing message does not fit a frame.
    #[error("a message that does not fit a frame")]
    TooLarge,
}

/// Encodes one message with its length prefix.
///
/// # Errors
/// [`FrameError::TooLarge`] when the body exceeds [`MAX_BODY`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut out = postcard::to_extend(message, vec![0; PREFIX]).map_err(|_| FrameError::TooLarge)?;
    let body = out.len() - PREFIX;
    if body == 0 || body > MAX_BODY {
        return Err(FrameError::TooLarge);
    }
    let length = u32::try_from(body).map_err(|_| FrameError::TooLarge)?;
    out[..PREFIX].copy_from_slice(&length.to_le_bytes());
    Ok(out)
}

/// Decodes one body (without its prefix).
///
/// # Errors
/// [`FrameError::Malformed`] or [`FrameError::Trailing`].
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    match postcard::take_from_bytes::<T>(body) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(FrameError::Trailing(rest.len())),
        Err(_) => Err(FrameError::Malformed),
    }
}

/// Cuts a byte stream into bodies. Feed it what the socket gave, in any pieces.
///
/// It never holds more than one incomplete frame beyond what it was fed, and once it was asked for a body and had none it
/// holds nothing of those that it gave: they may have been secrets.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: Vec<u8>,
    start: usize,
}

impl Deframer {
    /// An empty deframer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes from the socket.
    pub fn push(&mut self, bytes: &[u8]) {
        self.forget();
        self.buffer.extend_from_slice(bytes);
    }

    /// Wipes the bodies that were given.
    fn forget(&mut self) {
        if self.start > 0 {
            let rest = self.buffer.len() - self.start;
            self.buffer.copy_within(self.start.., 0);
            self.buffer[rest..].zeroize();
            self.buffer.truncate(rest);
            self.start = 0;
        }
    }

    /// The next whole body, if one has arrived.
    ///
    /// # Errors
    /// [`FrameError::Length`] as soon as a prefix is out of bounds.
    pub fn next_body(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let rest = &self.buffer[self.start..];
        let Some(prefix) = rest.first_chunk::<PREFIX>() else {
            self.forget();
            return Ok(None);
        };
        let length = u32::from_le_bytes(*prefix);
        let body = usize::try_from(length).unwrap_or(usize::MAX);
        if body == 0 || body > MAX_BODY {
            return Err(FrameError::Length(length));
        }
        if rest.len() < PREFIX + body {
            self.forget();
            return Ok(None);
        }
        let from = self.start + PREFIX;
        self.start = from + body;
        Ok(Some(&self.buffer[from..self.start]))
    }

    /// Whether bytes of an unfinished frame are waiting; true at end of file
    /// means the peer stopped in mid-frame.
    pub fn is_mid_frame(&self) -> bool {
        self.start < self.buffer.len()
    }
}

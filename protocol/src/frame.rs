//! Frames: a little-endian `u32` length and a postcard body.
//!
//! The length is checked before a byte of the body is stored, so a hostile
//! length costs the reader nothing. A body must be consumed entirely.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use crate::rope::Rope;
use crate::text::Chunk;

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
    finish(start(message)?, 0)
}

/// As [`encode`], of a message that ends with a chunk, without copying the chunk: `message` has an empty one in its place.
///
/// # Errors
/// As [`encode`]; [`FrameError::Malformed`] when the message does not end with an empty chunk.
pub fn encode_around<T: Serialize>(message: &T, chunk: Chunk) -> Result<Rope, FrameError> {
    let mut head = start(message)?;
    // An empty chunk is its length alone.
    if head.pop() != Some(0) {
        return Err(FrameError::Malformed);
    }
    let chunk = chunk.into_bytes();
    let head = postcard::to_extend(&chunk.len(), head).map_err(|_| FrameError::TooLarge)?;
    let mut frame = Rope::from(finish(head, chunk.len())?);
    frame.push(chunk);
    Ok(frame)
}

/// A message behind room for its length.
fn start<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    postcard::to_extend(message, vec![0; PREFIX]).map_err(|_| FrameError::TooLarge)
}

/// Puts the length in front of what is there and of `more` that follows.
fn finish(mut frame: Vec<u8>, more: usize) -> Result<Vec<u8>, FrameError> {
    let body = frame.len() - PREFIX + more;
    if body == 0 || body > MAX_BODY {
        return Err(FrameError::TooLarge);
    }
    let length = u32::try_from(body).map_err(|_| FrameError::TooLarge)?;
    frame[..PREFIX].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
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

/// Cuts a byte stream into bodies.
///
/// It never holds more than one incomplete frame beyond what it was given, and once it was asked for a body and had none
/// it holds nothing of those that it gave: they may have been secrets. Its room for more is as large as was of use lately.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: Vec<u8>,
    start: usize,
    /// How many times [`LEAST_ROOM`] there is for more, as a power of two.
    room: u32,
}

/// Room for bytes that come seldom.
const LEAST_ROOM: usize = 1024;
/// The most room, as a power of two times the least: 256 KiB.
const MOST_ROOM: u32 = 8;

impl Deframer {
    /// An empty deframer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next bytes are to be put: behind those in the vector, as `read_buf` of a stream does, in the room that it
    /// has. [`Deframer::filled`] is told afterwards.
    pub fn room(&mut self) -> &mut Vec<u8> {
        self.forget();
        let room = LEAST_ROOM << self.room;
        if self.buffer.is_empty() && self.buffer.capacity() > 2 * room {
            self.buffer = Vec::new();
        }
        self.buffer.reserve(room);
        &mut self.buffer
    }

    /// So many bytes were put where there was room for them.
    pub fn filled(&mut self, count: usize) {
        let room = LEAST_ROOM << self.room;
        self.room = match count {
            _ if count >= room => (self.room + 1).min(MOST_ROOM),
            // Much came, and now little does, as at the end of a file: what waits for more needs to hold nothing.
            _ if count < room / 16 => 0,
            _ if count < room / 4 => self.room.saturating_sub(1),
            _ => self.room,
        };
    }

    /// Takes bytes.
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

//! Reading what a broker offers: entries, and then bare bytes.

use std::collections::HashSet;

use bytes::{Buf, Bytes, BytesMut};
use sallyport_protocol::frame;
use sallyport_protocol::name;
use sallyport_protocol::transfer::{Entry, EntryKind, MOST_ENTRIES, Offer, Want};
use sallyport_protocol::{ErrorCode, Failure};
use serde::de::DeserializeOwned;

use super::tree::too_many;
use crate::serve::connection::Input;
use crate::ssh::sftp::place::is_plain;

/// Bytes of paths an offer may hold.
const MOST_PATH_BYTES: usize = 32 * 1024 * 1024;
/// The longest frame: a path and some numbers.
const LONGEST: usize = 8 * 1024;

/// An operation's input, by frames and by bytes.
pub struct Incoming<'a> {
    input: &'a mut Input,
    buffer: BytesMut,
}

impl<'a> Incoming<'a> {
    pub fn new(input: &'a mut Input) -> Self {
        Self { input, buffer: BytesMut::new() }
    }

    async fn fill(&mut self) -> bool {
        match self.input.next().await {
            Some(chunk) => {
                self.buffer.extend_from_slice(&chunk);
                true
            }
            None => false,
        }
    }

    /// The next frame; none at the input's end.
    pub async fn frame<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        loop {
            if let Some(length) = self.buffer.first_chunk::<4>() {
                let length = u32::from_le_bytes(*length) as usize;
                if length == 0 || length > LONGEST {
                    return Err(nonsense());
                }
                if self.buffer.len() >= 4 + length {
                    self.buffer.advance(4);
                    let body = self.buffer.split_to(length);
                    return frame::decode(&body).map(Some).map_err(|_| nonsense());
                }
            }
            if !self.fill().await {
                return if self.buffer.is_empty() { Ok(None) } else { Err(nonsense()) };
            }
        }
    }

    /// The next bytes, at most `most`; none at the input's end.
    pub async fn bytes(&mut self, most: u64) -> Option<Bytes> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if !self.buffer.is_empty() {
            return Some(self.buffer.split_to(most.min(self.buffer.len())).freeze());
        }
        let mut chunk = self.input.next().await?;
        if chunk.len() > most {
            self.buffer.extend_from_slice(&chunk.split_off(most));
        }
        Some(chunk)
    }

    /// The whole offer: of a single file, one entry without a path; of a tree, paths that lead nowhere else, each
    /// once.
    pub async fn offer(&mut self, recursive: bool) -> Result<Vec<Entry>, Failure> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut known = HashSet::new();
        let mut bytes = 0;
        while let Some(offer) = self.frame().await? {
            let entry = match offer {
                Offer::Complete => {
                    let single = matches!(entries.as_slice(), [one] if one.path.is_none() && one.kind == EntryKind::File);
                    return if recursive || single { Ok(entries) } else { Err(nonsense()) };
                }
                Offer::Entry(entry) => entry,
            };
            match &entry.path {
                None if entries.is_empty() => {}
                None => return Err(nonsense()),
                Some(path) => {
                    bytes += path.as_str().len();
                    let plain = name::to_bytes(path.as_str()).split(|byte| *byte == b'/').all(is_plain);
                    if !plain || !known.insert(path.as_str().to_owned()) {
                        return Err(nonsense());
                    }
                }
            }
            if entries.len() >= MOST_ENTRIES as usize || bytes > MOST_PATH_BYTES {
                return Err(too_many());
            }
            entries.push(entry);
        }
        Err(nonsense())
    }

    /// Which entries of `count` are wanted.
    pub async fn wanted(&mut self, count: usize) -> Result<Vec<usize>, Failure> {
        let mut wanted = Vec::new();
        while let Some(Want { from, count: many }) = self.frame().await? {
            let (from, end) = (from as usize, from as usize + many as usize);
            // Each at most once and in order: nothing is asked for that the listing did not have.
            if end > count || wanted.last().is_some_and(|last| *last >= from) {
                return Err(nonsense());
            }
            wanted.extend(from..end);
        }
        Ok(wanted)
    }
}

fn nonsense() -> Failure {
    Failure::new(
        ErrorCode::InvalidArgument,
        "the client's list of files makes no sense",
        "broker and helper must be of one version: restart both",
    )
}

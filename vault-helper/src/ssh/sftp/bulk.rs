//! Reading and writing much: many requests in flight, a bounded number of bytes of them.

use std::collections::VecDeque;

use bytes::Bytes;
use sallyport_protocol::rope::Rope;
use sallyport_protocol::text::Chunk;

use super::channel::{Pending, Sftp};
use super::error::SftpError;
use super::packet::Attrs;

/// Bytes in flight of one file: more than a fast network holds, less than anybody misses.
const IN_FLIGHT: u64 = 4 * 1024 * 1024;
/// Requests in flight of one file.
const REQUESTS: usize = 64;

/// Reads a file in order, ahead of whoever takes it.
pub struct Reading {
    sftp: Sftp,
    handle: Bytes,
    length: u32,
    /// Where the next request begins.
    ahead: u64,
    /// Where to stop asking: the file's size when it was opened, or the end of a range.
    end: u64,
    /// Where the next piece begins.
    at: u64,
    flight: VecDeque<(u64, u32, Pending)>,
    /// How many requests may be in flight: few at first where the end is not known.
    allowed: usize,
    /// What came and was not taken yet.
    ready: Rope,
    ended: bool,
}

impl Reading {
    /// Reads an open file from `from` up to `end`, which may lie beyond the file's end; `u64::MAX` when nobody
    /// knows it.
    pub async fn new(sftp: &Sftp, handle: Bytes, from: u64, end: u64) -> Self {
        // A small file is one request, whatever the server would carry.
        let length = match end.saturating_sub(from) {
            0..=32_768 => 32 * 1024,
            _ => sftp.limits().await.read,
        };
        Self {
            sftp: sftp.clone(),
            handle,
            length,
            ahead: from,
            end,
            at: from,
            flight: VecDeque::new(),
            allowed: if end == u64::MAX { 1 } else { REQUESTS },
            ready: Rope::new(),
            ended: false,
        }
    }

    /// Where the next piece begins.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The open file.
    pub fn handle(&self) -> &Bytes {
        &self.handle
    }

    async fn ask(&mut self) -> Result<(), SftpError> {
        while self.ahead < self.end
            && self.flight.len() < self.allowed
            && (self.ahead - self.at < IN_FLIGHT || self.flight.is_empty())
        {
            let length = u32::try_from(self.end - self.ahead).unwrap_or(u32::MAX).min(self.length);
            let pending = self.sftp.start_read(&self.handle, self.ahead, length).await?;
            self.flight.push_back((self.ahead, length, pending));
            self.ahead += u64::from(length);
        }
        Ok(())
    }

    /// The next piece; none at the end. Cancel safe only in that a dropped call loses the piece: drop the
    /// reading with it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SftpError> {
        if self.ready.is_empty() {
            self.ready = self.read().await?;
        }
        let piece = self.ready.take_piece(usize::MAX);
        self.at += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }

    /// As [`Reading::next`], what one request brought at once.
    ///
    /// # Errors
    /// As [`Reading::next`].
    pub async fn some(&mut self) -> Result<Option<Rope>, SftpError> {
        let some = match self.ready.is_empty() {
            true => self.read().await?,
            false => std::mem::take(&mut self.ready),
        };
        self.at += some.len() as u64;
        Ok(Some(some).filter(|some| !some.is_empty()))
    }

    /// The bytes of one request; none at the end.
    async fn read(&mut self) -> Result<Rope, SftpError> {
        if self.ended {
            return Ok(Rope::new());
        }
        self.ask().await?;
        let Some((offset, length, pending)) = self.flight.pop_front() else {
            self.ended = true;
            return Ok(Rope::new());
        };
        let data = pending.data().await?;
        if data.len() > length as usize {
            return Err(SftpError::Unasked);
        }
        if data.is_empty() {
            // The file has become shorter.
            self.ended = true;
            self.flight.clear();
            return Ok(data);
        }
        self.allowed = (self.allowed * 2).min(REQUESTS);
        let short = length - u32::try_from(data.len()).unwrap_or(length);
        if short > 0 {
            let behind = offset + data.len() as u64;
            let pending = self.sftp.start_read(&self.handle, behind, short).await?;
            self.flight.push_front((behind, short, pending));
        }
        Ok(data)
    }
}

/// Writes a file in order. Stretches of zeros are left out where they fill whole requests, so that a sparse file
/// stays one.
pub struct Writing {
    sftp: Sftp,
    handle: Bytes,
    length: usize,
    /// What is gathered for the next requests.
    gathered: Rope,
    /// Where it goes.
    at: u64,
    /// The end of what was sent or left out.
    sent: u64,
    /// What the server has not said to have, oldest first; without a request when it has yet to be sent.
    flight: VecDeque<(u64, Rope, Option<Pending>)>,
    in_flight: u64,
}

impl Writing {
    /// Writes to an open, empty file.
    pub async fn new(sftp: &Sftp, handle: Bytes) -> Self {
        // Whole chunks, so that pieces pass as they came.
        let most = sftp.limits().await.write as usize;
        let length = if most < Chunk::MAX { most } else { most - most % Chunk::MAX };
        Self {
            sftp: sftp.clone(),
            handle,
            length,
            gathered: Rope::new(),
            at: 0,
            sent: 0,
            flight: VecDeque::new(),
            in_flight: 0,
        }
    }

    /// The open file.
    pub fn handle(&self) -> &Bytes {
        &self.handle
    }

    /// Takes the next bytes. Waits while too much is in flight. After an error nothing is lost: what was taken
    /// goes out after [`Writing::resume`].
    ///
    /// # Errors
    /// When an earlier write failed.
    pub async fn push(&mut self, bytes: impl Into<Bytes>) -> Result<(), SftpError> {
        self.gathered.push(bytes);
        while self.gathered.len() >= self.length {
            self.flush(self.length).await?;
        }
        Ok(())
    }

    async fn flush(&mut self, length: usize) -> Result<(), SftpError> {
        while self.in_flight >= IN_FLIGHT || self.flight.len() >= REQUESTS {
            self.settle().await?;
        }
        let piece = self.gathered.split_to(length);
        let offset = self.at;
        self.at += length as u64;
        if length == self.length && piece.is_zero() {
            return Ok(());
        }
        self.sent = self.at;
        self.in_flight += length as u64;
        self.flight.push_back((offset, piece.clone(), None));
        let pending = self.sftp.start_write(&self.handle, offset, piece).await?;
        if let Some((_, _, waiting)) = self.flight.back_mut() {
            *waiting = Some(pending);
        }
        Ok(())
    }

    /// Waits for the oldest write.
    async fn settle(&mut self) -> Result<(), SftpError> {
        if let Some((_, piece, pending)) = self.flight.front_mut() {
            let length = piece.len() as u64;
            match pending {
                Some(pending) => pending.wait_ok().await?,
                None => return Err(SftpError::Lost("the request was not sent".into())),
            }
            self.flight.pop_front();
            self.in_flight -= length;
        }
        Ok(())
    }

    /// Sends what is gathered and waits until the server has everything.
    ///
    /// # Errors
    /// When a write failed.
    pub async fn finish(&mut self) -> Result<(), SftpError> {
        while !self.gathered.is_empty() {
            self.flush(self.gathered.len().min(self.length)).await?;
        }
        while !self.flight.is_empty() {
            self.settle().await?;
        }
        if self.sent < self.at {
            // The file ends with zeros that were left out.
            let attrs = Attrs { size: Some(self.at), ..Attrs::default() };
            self.sftp.fsetstat(&self.handle, &attrs).await?;
            self.sent = self.at;
        }
        Ok(())
    }

    /// Goes on with the same file, opened again on another channel: sends once more what the first one never
    /// said to have.
    ///
    /// # Errors
    /// When the new one fails too.
    pub async fn resume(&mut self, sftp: &Sftp, handle: Bytes) -> Result<(), SftpError> {
        self.sftp = sftp.clone();
        self.handle = handle;
        for (offset, piece, pending) in &mut self.flight {
            *pending = Some(self.sftp.start_write(&self.handle, *offset, piece.clone()).await?);
        }
        Ok(())
    }
}

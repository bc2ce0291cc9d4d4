//! The way out: every frame of a connection leaves through an [`Outbound`], and
//! an [`Outbound`] takes only [`CleanFrame`]s.
//!
//! A [`CleanFrame`] is made in two ways. A message has each of its free texts run
//! through the redactor here, whatever code wrote them; a piece of a stream must
//! be a [`Clean`], which only the redactor builds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sallyport_protocol::envelope::{FromHelper, OpId, Stream};
use sallyport_protocol::flow::{Outbox, STREAM_CREDIT, Violation};
use sallyport_protocol::frame::{FrameError, encode, encode_around};
use sallyport_protocol::rope::Rope;
use sallyport_protocol::{Chunk, Scrub, Text};
use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use crate::redact::{Clean, Redactor};

/// Bytes gathered into one write to the socket.
const WRITE_BATCH: usize = 256 * 1024;

/// An encoded frame that holds nothing the redactor has not seen.
pub struct CleanFrame(Vec<u8>);

impl CleanFrame {
    /// Redacts every free text of a message and encodes it.
    ///
    /// # Errors
    /// When the message does not fit a frame.
    pub fn message<E, O>(mut message: FromHelper<E, O>, redactor: &Redactor) -> Result<Self, FrameError>
    where
        FromHelper<E, O>: Scrub + Serialize,
    {
        message.scrub(&mut |text| *text = Text::clip(redactor.text(text.as_str()).as_str()));
        encode(&message).map(Self)
    }

    /// Encodes a handshake reply; its only text is our own.
    pub(super) fn handshake(reply: &sallyport_protocol::handshake::Reply) -> Result<Self, FrameError> {
        encode(reply).map(Self)
    }

    /// The encoded bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The frames waiting to leave on one connection, shared by its operations.
pub struct Outbound {
    outbox: Mutex<Outbox<(OpId, Stream)>>,
    redactor: Redactor,
    /// Something may be written.
    wake: Notify,
    /// Something was written: producers may have room.
    room: Notify,
    /// Nobody writes any more: what is sent goes nowhere.
    shut: AtomicBool,
}

const STREAMS: [Stream; 2] = [Stream::Output, Stream::ErrorOutput];

fn lanes(op: OpId) -> Vec<(OpId, Stream)> {
    STREAMS.iter().map(|stream| (op, *stream)).collect()
}

impl Outbound {
    /// An empty way out.
    pub fn new(redactor: Redactor) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new()),
            redactor,
            wake: Notify::new(),
            room: Notify::new(),
            shut: AtomicBool::new(false),
        }
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox<(OpId, Stream)>> {
        // A panic while the lock was held leaves whole frames behind, never halves.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the streams of a new operation.
    pub fn open(&self, op: OpId) {
        let mut outbox = self.outbox();
        for lane in lanes(op) {
            outbox.open(lane);
        }
    }

    /// Sends a message ahead of all data.
    pub fn message<E, O>(&self, message: FromHelper<E, O>)
    where
        FromHelper<E, O>: Scrub + Serialize,
    {
        match CleanFrame::message(message, &self.redactor) {
            Ok(frame) => self.outbox().control(frame.0),
            Err(error) => tracing::warn!(%error, "a message was dropped"),
        }
        self.wake.notify_one();
    }

    /// Sends an operation's last message, after all of its streams.
    pub fn done<E, O>(&self, op: OpId, message: FromHelper<E, O>)
    where
        FromHelper<E, O>: Scrub + Serialize,
    {
        match CleanFrame::message(message, &self.redactor) {
            Ok(frame) => self.outbox().finish(lanes(op), frame.0),
            Err(error) => tracing::error!(%error, "an outcome was dropped"),
        }
        self.wake.notify_one();
    }

    /// Drops what still waits on an operation's streams.
    pub fn abandon(&self, op: OpId) {
        self.outbox().abandon(&lanes(op));
        self.wake.notify_one();
        self.room.notify_waiters();
    }

    /// The socket is gone: whoever waits for room in it goes on.
    pub(super) fn shut(&self) {
        self.shut.store(true, Ordering::Relaxed);
        self.room.notify_waiters();
    }

    /// Sends a piece of a stream; waits while the peer has not taken earlier ones.
    /// Cancel safe: a cancelled call has sent whole chunks or nothing.
    pub async fn data(&self, op: OpId, stream: Stream, clean: Clean) {
        for piece in Chunk::cut(clean.into_vec()) {
            self.chunk(op, stream, piece).await;
        }
    }

    async fn chunk(&self, op: OpId, stream: Stream, bytes: Chunk) {
        let Ok(cost) = u32::try_from(bytes.as_bytes().len()) else { return };
        let message = FromHelper::<(), ()>::Data { op, stream, bytes: Chunk::default() };
        let Ok(frame) = encode_around(&message, bytes) else { return };
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if self.shut.load(Ordering::Relaxed) {
                return;
            }
            {
                let mut outbox = self.outbox();
                if outbox.queued((op, stream)) < STREAM_CREDIT as usize {
                    outbox.data((op, stream), frame, cost);
                    break;
                }
            }
            room.await;
        }
        self.wake.notify_one();
    }

    /// The peer took bytes.
    ///
    /// # Errors
    /// When it claims more than it was sent.
    pub fn credit(&self, op: OpId, stream: Stream, bytes: u32) -> Result<(), Violation> {
        self.outbox().credit((op, stream), bytes)?;
        self.wake.notify_one();
        Ok(())
    }

    /// Writes frames as they become ready, until the socket fails.
    ///
    /// # Errors
    /// The socket's.
    pub async fn write_to(&self, mut socket: impl AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut batch = Rope::new();
        loop {
            {
                let mut outbox = self.outbox();
                while batch.len() < WRITE_BATCH {
                    let Some(frame) = outbox.next_frame() else { break };
                    batch.append(frame);
                }
            }
            if batch.is_empty() {
                self.wake.notified().await;
                // What is ready to run goes first: a command is on its way to its host before the frame that tells of
                // it wakes the broker, and frames made in one go leave in one write.
                tokio::task::yield_now().await;
                continue;
            }
            self.room.notify_waiters();
            socket.write_all_buf(&mut batch).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_room_in_a_socket_that_is_gone_goes_on() {
        let out = Outbound::new(Redactor::new());
        let op = OpId(1);
        out.open(op);
        let much = Redactor::new().bytes(&vec![b'x'; 4 * STREAM_CREDIT as usize]);
        let send = out.data(op, Stream::Output, much);
        tokio::pin!(send);
        let now = tokio::time::timeout(std::time::Duration::ZERO, &mut send).await;
        assert!(now.is_err(), "nobody takes it");
        out.shut();
        send.await;
    }
}

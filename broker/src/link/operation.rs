//! One operation as its caller sees it.

use bytes::Bytes;
use sallyport_protocol::Failure;
use sallyport_protocol::envelope::{OpId, Stream};
use sallyport_protocol::text::Chunk;
use tokio::sync::{mpsc, oneshot};

use super::Side;
use super::driver::Command;

/// What arrives of an operation.
#[derive(Debug)]
pub enum Item<E, O> {
    /// A piece of a stream.
    Data(Stream, Bytes),
    /// Something on the way.
    Event(E),
    /// The end; nothing follows.
    Done(O),
}

/// What the driver hands to an operation.
pub(super) type Arrival<S> = Result<Item<<S as Side>::Event, <S as Side>::Outcome>, Failure>;

/// A running operation. Dropping it before its end cancels it.
///
/// What arrives waits in memory until it is taken, at most the credit of its
/// streams: taking a piece is what allows the helper to send more.
#[derive(Debug)]
pub struct Operation<S: Side> {
    op: OpId,
    arrivals: mpsc::UnboundedReceiver<Arrival<S>>,
    commands: mpsc::UnboundedSender<Command<S>>,
    over: bool,
}

impl<S: Side> Operation<S> {
    pub(super) fn new(
        op: OpId,
        arrivals: mpsc::UnboundedReceiver<Arrival<S>>,
        commands: mpsc::UnboundedSender<Command<S>>,
    ) -> Self {
        Self { op, arrivals, commands, over: false }
    }

    /// What comes next.
    ///
    /// # Errors
    /// `helper_unavailable` when the connection broke: whether the operation ran
    /// to its end is then unknown. `quota_exceeded` when too many run at once.
    pub async fn next(&mut self) -> Arrival<S> {
        let arrival = self.arrivals.recv().await.unwrap_or_else(|| Err(super::driver::gone()));
        match &arrival {
            Ok(Item::Data(stream, bytes)) => {
                self.say(Command::Taken { op: self.op, stream: *stream, bytes: bytes.len() });
            }
            Ok(Item::Event(_)) => {}
            Ok(Item::Done(_)) | Err(_) => self.over = true,
        }
        arrival
    }

    /// Asks the helper to stop it; its end still comes.
    pub fn cancel(&self) {
        self.say(Command::Cancel { op: self.op });
    }

    /// The operation's input, for operations that announced one.
    pub fn input(&self) -> Input<S> {
        Input { op: self.op, commands: self.commands.clone() }
    }

    fn say(&self, command: Command<S>) {
        // Without a driver there is nothing left to tell.
        let _ = self.commands.send(command);
    }
}

impl<S: Side> Drop for Operation<S> {
    fn drop(&mut self) {
        if !self.over {
            self.cancel();
        }
    }
}

/// The sending end of an operation's input.
#[derive(Debug)]
pub struct Input<S: Side> {
    op: OpId,
    commands: mpsc::UnboundedSender<Command<S>>,
}

impl<S: Side> Input<S> {
    /// Sends a piece, and waits until the next one may come. False when the operation is over.
    pub async fn send(&self, chunk: Chunk) -> bool {
        let (room, has_room) = oneshot::channel();
        self.commands.send(Command::Input { op: self.op, chunk, room }).is_ok() && has_room.await.is_ok()
    }

    /// Ends the input.
    pub fn end(self) {
        let _ = self.commands.send(Command::End { op: self.op });
    }

    /// Sends everything and ends the input. Stops early, without an error, when
    /// the operation ends before its input: its outcome tells why.
    pub async fn send_all(self, bytes: &[u8]) {
        if self.send_some(Bytes::copy_from_slice(bytes)).await {
            self.end();
        }
    }

    /// As [`Input::send`], of any number of bytes.
    pub async fn send_some(&self, bytes: impl Into<Bytes>) -> bool {
        for piece in Chunk::cut(bytes) {
            if !self.send(piece).await {
                return false;
            }
        }
        true
    }
}

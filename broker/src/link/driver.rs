//! The task that owns a connection: it writes what callers ask, in the order
//! the protocol's outbox says, and hands arrivals to their operations.

use std::collections::HashMap;

use sallyport_protocol::envelope::{Caller, FromHelper, OpId, Stream, ToHelper};
use sallyport_protocol::flow::{Outbox, Window};
use sallyport_protocol::frame;
use sallyport_protocol::rope::Rope;
use sallyport_protocol::text::Chunk;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::dial::Dialled;
use super::operation::{Arrival, Item};
use super::{Side, unavailable};

/// Input queued beyond what credit lets go, per operation, before its sender waits.
const QUEUE: usize = 2 * Chunk::MAX;
/// Frames are gathered into writes of about this size.
const BATCH: usize = 64 * 1024;

/// What callers ask of the driver.
#[derive(Debug)]
pub(super) enum Command<S: Side> {
    /// Begin an operation.
    Start { op: OpId, caller: Caller, request: S::Request, arrivals: mpsc::UnboundedSender<Arrival<S>> },
    /// The caller took bytes off a stream.
    Taken { op: OpId, stream: Stream, bytes: usize },
    /// A piece of input; `room` is answered when more may come.
    Input { op: OpId, chunk: Chunk, room: oneshot::Sender<()> },
    /// The input is complete.
    End { op: OpId },
    /// Stop the operation.
    Cancel { op: OpId },
}

/// The sentence for operations whose connection broke.
pub(super) fn gone() -> Failure {
    unavailable(
        "the vault helper went away while this was under way; whether it ran to its end is not known",
        "nothing was repeated: check the host's state, then call again; a new helper is started when needed",
    )
}

/// Why the connection ended.
enum Broken {
    /// The helper or the socket is gone, or what it says makes no sense.
    Lost,
    /// Nobody holds a handle any more.
    Unused,
}

struct Op<S: Side> {
    arrivals: mpsc::UnboundedSender<Arrival<S>>,
    output: Window,
    error_output: Window,
    waiting: Option<oneshot::Sender<()>>,
}

impl<S: Side> Op<S> {
    fn window(&mut self, stream: Stream) -> &mut Window {
        match stream {
            Stream::Output => &mut self.output,
            Stream::ErrorOutput => &mut self.error_output,
        }
    }
}

struct Driver<S: Side> {
    ops: HashMap<OpId, Op<S>>,
    outbox: Outbox<OpId>,
    limit: usize,
}

/// Runs a connection until it breaks or nobody holds a handle to it.
pub(super) async fn drive<S: Side>(dialled: Dialled, mut commands: mpsc::UnboundedReceiver<Command<S>>) {
    let Dialled { stream, mut deframer, welcome } = dialled;
    let limit = usize::try_from(welcome.limits.operations).unwrap_or(usize::MAX);
    let mut driver = Driver::<S> { ops: HashMap::new(), outbox: Outbox::new(), limit };
    let (mut reader, mut writer) = stream.into_split();
    let mut outgoing = Rope::new();
    loop {
        if driver.take_frames(&mut deframer).is_err() {
            break;
        }
        if outgoing.is_empty() {
            driver.gather(&mut outgoing);
        }
        let step = tokio::select! {
            command = commands.recv() => match command {
                Some(command) => {
                    driver.obey(command);
                    while let Ok(command) = commands.try_recv() {
                        driver.obey(command);
                    }
                    Ok(())
                }
                None => Err(Broken::Unused),
            },
            read = reader.read_buf(deframer.room()) => match read {
                Ok(0) | Err(_) => Err(Broken::Lost),
                Ok(count) => {
                    deframer.filled(count);
                    Ok(())
                }
            },
            wrote = writer.write_buf(&mut outgoing), if !outgoing.is_empty() => match wrote {
                Ok(0) | Err(_) => Err(Broken::Lost),
                Ok(_) => Ok(()),
            },
        };
        match step {
            Ok(()) => {}
            Err(Broken::Lost) => break,
            Err(Broken::Unused) => {
                // Cancels that were just queued still go out; then the helper
                // sees the end of the connection.
                driver.gather(&mut outgoing);
                let _ = writer.write_all_buf(&mut outgoing).await;
                return;
            }
        }
    }
    commands.close();
    tracing::debug!(operations = driver.ops.len(), "the connection to the vault helper broke");
    for op in driver.ops.into_values() {
        let _ = op.arrivals.send(Err(gone()));
    }
    // Operations that were never sent: these surely did not run.
    while let Ok(command) = commands.try_recv() {
        if let Command::Start { arrivals, .. } = command {
            let _ = arrivals
                .send(Err(unavailable("the vault helper went away before this was sent", "call again")));
        }
    }
}

impl<S: Side> Driver<S> {
    fn control(&mut self, message: &ToHelper<S::Request>) -> Result<(), frame::FrameError> {
        self.outbox.control(frame::encode(message)?);
        Ok(())
    }

    fn obey(&mut self, command: Command<S>) {
        match command {
            Command::Start { op, caller, request, arrivals } => self.start(op, caller, request, arrivals),
            Command::Taken { op, stream, bytes } => {
                let due = self.ops.get_mut(&op).and_then(|known| known.window(stream).take(bytes));
                if let Some(bytes) = due {
                    // A fixed-size frame always encodes.
                    let _ = self.control(&ToHelper::Credit { op, stream, bytes });
                }
            }
            Command::Input { op, chunk, room } => {
                let cost = u32::try_from(chunk.as_bytes().len()).unwrap_or(u32::MAX);
                // Dropping `room` tells the sender that the operation is over.
                let Some(known) = self.ops.get_mut(&op) else { return };
                let message = ToHelper::<S::Request>::Data { op, bytes: Chunk::default() };
                if let Ok(encoded) = frame::encode_around(&message, chunk) {
                    self.outbox.open(op);
                    self.outbox.data(op, encoded, cost);
                    known.waiting = Some(room);
                    self.make_room(op);
                }
            }
            Command::End { op } => {
                if self.ops.contains_key(&op)
                    && let Ok(encoded) = frame::encode(&ToHelper::<S::Request>::End { op })
                {
                    self.outbox.finish(vec![op], encoded);
                }
            }
            Command::Cancel { op } => {
                if self.ops.contains_key(&op) {
                    let _ = self.control(&ToHelper::Cancel { op });
                }
            }
        }
    }

    fn start(
        &mut self,
        op: OpId,
        caller: Caller,
        request: S::Request,
        arrivals: mpsc::UnboundedSender<Arrival<S>>,
    ) {
        if self.ops.len() >= self.limit {
            let failure = Failure::new(
                ErrorCode::QuotaExceeded,
                format!("{} operations are under way already", self.ops.len()),
                "wait until some of them are done",
            );
            let _ = arrivals.send(Err(failure));
            return;
        }
        if self.control(&ToHelper::Start { op, caller, request }).is_err() {
            let failure = Failure::new(
                ErrorCode::TooLarge,
                "the request does not fit a message to the vault helper",
                "send less at once: a shorter command, fewer or shorter variables",
            );
            let _ = arrivals.send(Err(failure));
            return;
        }
        let known = Op { arrivals, output: Window::new(), error_output: Window::new(), waiting: None };
        self.ops.insert(op, known);
    }

    /// Hands every whole frame that has arrived to its operation.
    fn take_frames(&mut self, deframer: &mut frame::Deframer) -> Result<(), Broken> {
        while let Some(body) = deframer.next_body().map_err(|_| Broken::Lost)? {
            let message = frame::decode(body).map_err(|_| Broken::Lost)?;
            self.take(message)?;
        }
        Ok(())
    }

    fn take(&mut self, message: FromHelper<S::Event, S::Outcome>) -> Result<(), Broken> {
        match message {
            FromHelper::Data { op, stream, bytes } => {
                let Some(known) = self.ops.get_mut(&op) else { return Err(Broken::Lost) };
                let length = bytes.as_bytes().len();
                known.window(stream).receive(length).map_err(|_| Broken::Lost)?;
                if known.arrivals.send(Ok(Item::Data(stream, bytes.into_bytes()))).is_err() {
                    // Its caller is gone and has cancelled it; what still comes is dropped.
                    self.obey(Command::Taken { op, stream, bytes: length });
                }
            }
            FromHelper::Credit { op, bytes } => {
                self.outbox.credit(op, bytes).map_err(|_| Broken::Lost)?;
                self.make_room(op);
            }
            FromHelper::Event { op, event } => {
                let Some(known) = self.ops.get(&op) else { return Err(Broken::Lost) };
                let _ = known.arrivals.send(Ok(Item::Event(event)));
            }
            FromHelper::Done { op, outcome } => {
                let Some(known) = self.ops.remove(&op) else { return Err(Broken::Lost) };
                self.outbox.abandon(&[op]);
                // An empty last frame closes the input's lane and writes nothing.
                self.outbox.finish(vec![op], Vec::new());
                let _ = known.arrivals.send(Ok(Item::Done(outcome)));
            }
            FromHelper::Pong { token: _ } => {}
        }
        Ok(())
    }

    /// Lets an operation's sender go on once little of its input is queued.
    fn make_room(&mut self, op: OpId) {
        if self.outbox.queued(op) < QUEUE
            && let Some(room) = self.ops.get_mut(&op).and_then(|known| known.waiting.take())
        {
            let _ = room.send(());
        }
    }

    /// Moves frames that may go now into one write.
    fn gather(&mut self, outgoing: &mut Rope) {
        while outgoing.len() < BATCH {
            let Some(encoded) = self.outbox.next_frame() else { break };
            outgoing.append(encoded);
        }
        let waiting: Vec<OpId> =
            self.ops.iter().filter(|(_, op)| op.waiting.is_some()).map(|(id, _)| *id).collect();
        for op in waiting {
            self.make_room(op);
        }
    }
}

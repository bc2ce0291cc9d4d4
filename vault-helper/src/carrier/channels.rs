//! The channels of one connection, and what is on its way to the server on them.
//!
//! Orders are taken without waiting, whatever russh is doing: during a key exchange it takes nothing, and the answer about
//! the host's key is one of the orders. Each channel has two queues, in which order is kept; signals and sizes need not wait
//! for bytes the server does not take. A queue is served by a task as long as something is in it: idle channels cost nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelWriteHalf, Error, Pty, Sig};
use sallyport_protocol::text::Chunk;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::language::{CREDIT, MAX_COMMAND, Report, Request, Saying};

/// How long a channel that is to be closed waits for the server to take more of what was to be sent before.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes that are told together when the server took them. The helper stops when it has no room for a whole chunk, so that
/// this and a chunk must be less than all its credit.
const TOLD: usize = CREDIT / 4;

/// All channels of a connection, by number.
#[derive(Clone)]
pub struct Channels {
    all: Arc<Mutex<HashMap<u32, Arc<Outgoing>>>>,
    reports: mpsc::Sender<Report>,
}

/// One channel's way to the server.
struct Outgoing {
    write: ChannelWriteHalf<Msg>,
    waiting: Mutex<Waiting>,
    /// Nothing of it is to wait any longer.
    over: CancellationToken,
}

#[derive(Default)]
struct Waiting {
    /// The command whose pieces come.
    command: Vec<u8>,
    queues: [Queue; 2],
    bytes: usize,
    /// Bytes the server took and the helper was not told of yet.
    taken: usize,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// Whether somebody takes from it.
    served: bool,
}

/// Which queue: what keeps its order with bytes, or what goes beside them.
#[derive(Clone, Copy)]
enum Way {
    InOrder,
    Beside,
}

enum Item {
    Bytes(Bytes),
    Command(Vec<u8>),
    Request(Request),
}

/// The helper asked for more than it may.
#[derive(Debug)]
pub struct TooMuch;

impl Channels {
    /// None yet. What the server takes is reported there.
    pub fn new(reports: mpsc::Sender<Report>) -> Self {
        Self { all: Arc::default(), reports }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u32, Arc<Outgoing>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a channel up; its number. What the server says on it comes through russh's handler, so that the reading half
    /// is of no use.
    pub fn add(&self, channel: Channel<Msg>) -> u32 {
        let (_, write) = channel.split();
        let number = write.id().number();
        let outgoing = Outgoing { write, waiting: Mutex::default(), over: CancellationToken::new() };
        self.all().insert(number, Arc::new(outgoing));
        number
    }

    /// Forgets a channel; whether there was one.
    pub fn remove(&self, channel: u32) -> bool {
        let removed = self.all().remove(&channel);
        removed.inspect(|outgoing| outgoing.end()).is_some()
    }

    /// Forgets all of them.
    pub fn end(&self) {
        self.all().drain().for_each(|(_, outgoing)| outgoing.end());
    }

    /// Whether there is such a channel.
    pub fn has(&self, channel: u32) -> bool {
        self.all().contains_key(&channel)
    }

    /// A channel; one that is closed is nobody's mistake.
    fn find(&self, channel: u32) -> Option<Arc<Outgoing>> {
        self.all().get(&channel).cloned()
    }

    /// A piece of the next command for a channel.
    ///
    /// # Errors
    /// When it gets too long.
    pub fn command(&self, channel: u32, first: bool, piece: &Chunk) -> Result<(), TooMuch> {
        let Some(outgoing) = self.find(channel) else { return Ok(()) };
        let mut waiting = outgoing.waiting();
        if first {
            // Whoever gave an earlier one did not finish it.
            waiting.command.clear();
        }
        if waiting.command.len() + piece.as_bytes().len() > MAX_COMMAND {
            return Err(TooMuch);
        }
        waiting.command.extend_from_slice(piece.as_bytes());
        Ok(())
    }

    /// Bytes for a channel.
    ///
    /// # Errors
    /// When they are more than the helper has credit for.
    pub fn data(&self, channel: u32, bytes: Chunk) -> Result<(), TooMuch> {
        let Some(outgoing) = self.find(channel) else { return Ok(()) };
        let size = bytes.as_bytes().len();
        let mut waiting = outgoing.waiting();
        if waiting.bytes + waiting.taken + size > CREDIT {
            return Err(TooMuch);
        }
        waiting.bytes += size;
        drop(waiting);
        self.queue(&outgoing, Way::InOrder, Item::Bytes(bytes.into_bytes()));
        Ok(())
    }

    /// Something to be asked of the server.
    pub fn request(&self, channel: u32, request: Request) {
        let Some(outgoing) = self.find(channel) else { return };
        let way = match request {
            Request::Signal(_) | Request::Resize { .. } => Way::Beside,
            _ => Way::InOrder,
        };
        if request == Request::Close {
            tokio::spawn(outgoing.clone().linger());
        }
        let item = match request {
            Request::Exec => Item::Command(std::mem::take(&mut outgoing.waiting().command)),
            other => Item::Request(other),
        };
        self.queue(&outgoing, way, item);
    }

    fn queue(&self, outgoing: &Arc<Outgoing>, way: Way, item: Item) {
        let mut waiting = outgoing.waiting();
        let queue = &mut waiting.queues[way as usize];
        queue.items.push_back(item);
        if !queue.served {
            queue.served = true;
            tokio::spawn(self.clone().serve(outgoing.clone(), way));
        }
    }

    /// Sends what is in a queue until nothing is.
    async fn serve(self, outgoing: Arc<Outgoing>, way: Way) {
        let channel = outgoing.write.id().number();
        while let Some(item) = outgoing.next(way) {
            let size = if let Item::Bytes(bytes) = &item { bytes.len() } else { 0 };
            let closes = matches!(item, Item::Request(Request::Close));
            let sent = tokio::select! {
                sent = outgoing.send(item) => sent.is_ok(),
                () = outgoing.over.cancelled() => false,
            };
            if closes || !sent {
                // For a channel that is closed already this is nothing.
                let _ = outgoing.write.close().await;
                // russh passes over the server's own word about a channel that we closed.
                if self.remove(channel) {
                    let _ = self.reports.send(Report::Said { channel, saying: Saying::Close }).await;
                }
                return;
            }
            if let Some(bytes) = outgoing.took(size)
                && self.reports.send(Report::Took { channel, bytes }).await.is_err()
            {
                return;
            }
        }
    }
}

impl Outgoing {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing of it waits any longer.
    fn end(&self) {
        self.over.cancel();
    }

    fn next(&self, way: Way) -> Option<Item> {
        let queue = &mut self.waiting().queues[way as usize];
        let item = queue.items.pop_front();
        queue.served = item.is_some();
        item
    }

    async fn send(&self, item: Item) -> Result<(), Error> {
        let write = &self.write;
        match item {
            Item::Bytes(bytes) => write.data_bytes(bytes).await,
            Item::Command(command) => write.exec(true, command).await,
            Item::Request(request) => match request {
                Request::Pty { term, cols, rows, modes } => {
                    let modes: Vec<(Pty, u32)> = modes
                        .into_iter()
                        .filter_map(|(code, value)| Some((Pty::from_u8(code)?, value)))
                        .collect();
                    write.request_pty(true, &term, cols, rows, 0, 0, &modes).await
                }
                Request::Shell => write.request_shell(true).await,
                Request::Subsystem(name) => write.request_subsystem(true, name).await,
                Request::Signal(name) => write.signal(Sig::Custom(name)).await,
                Request::Resize { cols, rows } => write.window_change(cols, rows, 0, 0).await,
                Request::Eof => write.eof().await,
                // A command is an item of its own.
                Request::Exec | Request::Close => Ok(()),
            },
        }
    }

    /// The server took bytes; what the helper is to be told. It is not woken for a few.
    fn took(&self, size: usize) -> Option<u32> {
        let mut waiting = self.waiting();
        waiting.bytes -= size;
        waiting.taken += size;
        let enough = waiting.taken >= TOLD;
        enough.then(|| u32::try_from(std::mem::take(&mut waiting.taken)).unwrap_or(u32::MAX))
    }

    /// Gives up what a server does not take on a channel that is to be closed.
    async fn linger(self: Arc<Self>) {
        loop {
            let before = self.waiting().bytes;
            if tokio::time::timeout(LINGER, self.over.cancelled()).await.is_ok() {
                return;
            }
            if self.waiting().bytes == before {
                self.end();
                return;
            }
        }
    }
}

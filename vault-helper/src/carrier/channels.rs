//! The channels of one connection, and the bytes on their way to them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelWriteHalf, Error, Pty, Sig};
use sallyport_protocol::text::Chunk;
use tokio::sync::{Notify, mpsc};

use super::language::{CREDIT, MAX_COMMAND, Report, Request};

/// How long a channel that is to be closed may take to send what was to be sent before.
const LINGER: Duration = Duration::from_secs(1);

/// Bytes that are told together when the server took them. The helper stops when it has no room for a whole chunk, so that
/// this and a chunk must be less than all its credit.
const TOLD: usize = CREDIT / 4;

/// All channels of a connection, by number.
#[derive(Clone, Default)]
pub struct Channels(Arc<Mutex<HashMap<u32, Arc<Outgoing>>>>);

/// One channel's way to the server.
pub struct Outgoing {
    write: ChannelWriteHalf<Msg>,
    waiting: Mutex<Waiting>,
    /// Told when what still waits for its window is to wait no longer.
    gone: Notify,
}

#[derive(Default)]
struct Waiting {
    /// The command whose pieces come.
    command: Vec<u8>,
    queue: VecDeque<Item>,
    bytes: usize,
    /// Bytes the server took and the helper was not told of yet.
    taken: usize,
    /// Whether somebody takes from the queue.
    served: bool,
}

enum Item {
    Bytes(Bytes),
    Eof,
    Close,
}

/// The helper asked for more than it may.
#[derive(Debug)]
pub struct TooMuch;

impl Channels {
    fn all(&self) -> MutexGuard<'_, HashMap<u32, Arc<Outgoing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a channel up; its number. What the server says on it comes through russh's handler, so that the reading half
    /// is of no use.
    pub fn add(&self, channel: Channel<Msg>) -> u32 {
        let (_, write) = channel.split();
        let number = write.id().number();
        self.all()
            .insert(number, Arc::new(Outgoing { write, waiting: Mutex::default(), gone: Notify::new() }));
        number
    }

    /// Forgets a channel; whether there was one.
    pub fn remove(&self, channel: u32) -> bool {
        let removed = self.all().remove(&channel);
        removed.inspect(|outgoing| outgoing.gone.notify_one()).is_some()
    }

    /// Whether there is such a channel.
    pub fn has(&self, channel: u32) -> bool {
        self.all().contains_key(&channel)
    }

    /// A channel; one that is closed is nobody's mistake.
    pub fn find(&self, channel: u32) -> Option<Arc<Outgoing>> {
        self.all().get(&channel).cloned()
    }
}

impl Outgoing {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece of the next command.
    pub fn command(&self, piece: &Chunk) -> Result<(), TooMuch> {
        let mut waiting = self.waiting();
        if waiting.command.len() + piece.as_bytes().len() > MAX_COMMAND {
            return Err(TooMuch);
        }
        waiting.command.extend_from_slice(piece.as_bytes());
        Ok(())
    }

    /// Bytes for the server, once those before them are gone.
    pub fn data(self: &Arc<Self>, bytes: Chunk, reports: &mpsc::Sender<Report>) -> Result<(), TooMuch> {
        let size = bytes.as_bytes().len();
        let mut waiting = self.waiting();
        if waiting.bytes + waiting.taken + size > CREDIT {
            return Err(TooMuch);
        }
        waiting.bytes += size;
        self.queue(waiting, Item::Bytes(bytes.into_vec().into()), reports);
        Ok(())
    }

    /// Sends what is asked to the server. The end of input and the channel's end wait for the bytes before them, the latter
    /// not for long; all else goes at once.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn request(
        self: &Arc<Self>,
        request: Request,
        reports: &mpsc::Sender<Report>,
    ) -> Result<(), Error> {
        match request {
            Request::Pty { term, cols, rows, modes } => {
                let modes: Vec<(Pty, u32)> = modes
                    .into_iter()
                    .filter_map(|(code, value)| Some((Pty::from_u8(code)?, value)))
                    .collect();
                self.write.request_pty(true, &term, cols, rows, 0, 0, &modes).await
            }
            Request::Exec => {
                let command = std::mem::take(&mut self.waiting().command);
                self.write.exec(true, command).await
            }
            Request::Shell => self.write.request_shell(true).await,
            Request::Subsystem(name) => self.write.request_subsystem(true, name).await,
            Request::Signal(name) => self.write.signal(Sig::Custom(name)).await,
            Request::Resize { cols, rows } => self.write.window_change(cols, rows, 0, 0).await,
            Request::Eof => {
                self.queue(self.waiting(), Item::Eof, reports);
                Ok(())
            }
            Request::Close => {
                let waiting = self.waiting();
                let behind = waiting.served;
                self.queue(waiting, Item::Close, reports);
                if behind {
                    let channel = self.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(LINGER).await;
                        channel.gone.notify_one();
                    });
                }
                Ok(())
            }
        }
    }

    /// Adds to the queue, and has it served as long as there is something in it: idle channels cost nothing.
    fn queue(
        self: &Arc<Self>,
        mut waiting: MutexGuard<'_, Waiting>,
        item: Item,
        reports: &mpsc::Sender<Report>,
    ) {
        waiting.queue.push_back(item);
        if !waiting.served {
            waiting.served = true;
            tokio::spawn(self.clone().serve(reports.clone()));
        }
    }

    async fn serve(self: Arc<Self>, reports: mpsc::Sender<Report>) {
        let channel = self.write.id().number();
        while let Some(item) = self.next() {
            match item {
                Item::Bytes(bytes) => {
                    let size = bytes.len();
                    let sent = tokio::select! {
                        sent = self.write.data_bytes(bytes) => sent.is_ok(),
                        () = self.gone.notified() => false,
                    };
                    if !sent {
                        // The helper hears of the end by itself; for a channel that is closed already this is nothing.
                        let _ = self.write.close().await;
                        return;
                    }
                    let Some(taken) = self.took(size) else { continue };
                    if reports.send(Report::Took { channel, bytes: taken }).await.is_err() {
                        return;
                    }
                }
                Item::Eof => drop(self.write.eof().await),
                Item::Close => drop(self.write.close().await),
            }
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

    fn next(&self) -> Option<Item> {
        let mut waiting = self.waiting();
        let item = waiting.queue.pop_front();
        waiting.served = item.is_some();
        item
    }
}

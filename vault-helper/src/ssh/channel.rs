//! A channel of a connection: what is asked of it and written to it, and what the host says on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use russh::Pty;
use sallyport_protocol::text::Chunk;
use tokio::sync::{Semaphore, mpsc};

use crate::afterwards::afterwards;
use crate::carrier::language::{CREDIT, MAX_COMMAND, Order, Request};

/// What a host says on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelMsg {
    /// Bytes of its output.
    Data {
        /// The bytes.
        data: Bytes,
    },
    /// Bytes of its errors.
    Errors {
        /// The bytes.
        data: Bytes,
    },
    /// It did what was asked.
    Success,
    /// It did not.
    Failure,
    /// No more bytes come.
    Eof,
    /// The channel is closed.
    Close,
    /// The program ended with this code.
    ExitStatus {
        /// The code.
        exit_status: u32,
    },
    /// A signal ended the program.
    ExitSignal {
        /// Its name, without SIG, as the host wrote it.
        signal_name: String,
    },
}

/// Why something about a connection did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The host opens no such channel, for the reason of this name.
    #[error("Failed to open channel ({0})")]
    Refused(String),
    /// The host said no to something else, or made no sense.
    #[error("{0}")]
    Failed(String),
    /// The channel or its connection is gone.
    #[error("the connection is closed")]
    Closed,
}

/// An open channel.
pub struct Channel {
    read: ReadHalf,
    write: WriteHalf,
}

/// The way in for what the host says.
pub struct ReadHalf(pub(super) mpsc::Receiver<ChannelMsg>);

/// The way to the host. The channel is closed when this is dropped, however that comes (a call was cancelled, a time was
/// over): it would stay open, and what runs there would wait for input for ever.
pub struct WriteHalf {
    channel: u32,
    orders: mpsc::Sender<Order>,
    /// Bytes that may still be sent.
    credit: Arc<Semaphore>,
    /// Whether it was closed already.
    closed: AtomicBool,
}

impl Channel {
    pub(super) fn new(
        channel: u32,
        orders: mpsc::Sender<Order>,
        credit: Arc<Semaphore>,
        said: mpsc::Receiver<ChannelMsg>,
    ) -> Self {
        let write = WriteHalf { channel, orders, credit, closed: AtomicBool::new(false) };
        Self { read: ReadHalf(said), write }
    }

    /// Takes it apart.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        (self.read, self.write)
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        if *self.closed.get_mut() {
            return;
        }
        let (orders, channel) = (self.orders.clone(), self.channel);
        afterwards(async move {
            // A connection that is gone took it along.
            let _ = orders.send(Order::Request { channel, request: Request::Close }).await;
        });
    }
}

impl ReadHalf {
    /// What the host says next; nothing when the channel or its connection is gone.
    pub async fn wait(&mut self) -> Option<ChannelMsg> {
        self.0.recv().await
    }
}

impl WriteHalf {
    async fn order(&self, order: Order) -> Result<(), ChannelError> {
        self.orders.send(order).await.map_err(|_| ChannelError::Closed)
    }

    async fn ask(&self, request: Request) -> Result<(), ChannelError> {
        self.order(Order::Request { channel: self.channel, request }).await
    }

    /// Asks for a terminal of this kind, size in columns and rows, and modes (RFC 4254, 6.2). The host answers
    /// [`ChannelMsg::Success`] or [`ChannelMsg::Failure`], as to all that starts something.
    ///
    /// # Errors
    /// When the connection is gone, as with everything here.
    pub async fn request_pty(
        &self,
        term: &str,
        (cols, rows): (u32, u32),
        modes: &[(Pty, u32)],
    ) -> Result<(), ChannelError> {
        let modes = modes.iter().map(|(mode, value)| (*mode as u8, *value)).collect();
        self.ask(Request::Pty { term: term.to_owned(), cols, rows, modes }).await
    }

    /// Starts the account's login shell.
    pub async fn request_shell(&self) -> Result<(), ChannelError> {
        self.ask(Request::Shell).await
    }

    /// Starts a command, by the account's login shell.
    ///
    /// # Errors
    /// Also when it is longer than a packet of SSH may be.
    pub async fn exec(&self, command: impl AsRef<[u8]>) -> Result<(), ChannelError> {
        let command = command.as_ref();
        if command.len() > MAX_COMMAND {
            return Err(ChannelError::Failed(format!(
                "a command of more than {MAX_COMMAND} bytes, as it is sent"
            )));
        }
        for (at, piece) in Chunk::cut(Bytes::copy_from_slice(command)).enumerate() {
            self.order(Order::Command { channel: self.channel, first: at == 0, piece }).await?;
        }
        self.ask(Request::Exec).await
    }

    /// Starts a subsystem.
    pub async fn request_subsystem(&self, name: &str) -> Result<(), ChannelError> {
        self.ask(Request::Subsystem(name.to_owned())).await
    }

    /// Sends the program a signal; a host that cannot does not say so (RFC 4254, 6.9).
    pub async fn signal(&self, signal: Sig) -> Result<(), ChannelError> {
        self.ask(Request::Signal(signal.name().to_owned())).await
    }

    /// The terminal has another size: columns and rows.
    pub async fn window_change(&self, cols: u32, rows: u32) -> Result<(), ChannelError> {
        self.ask(Request::Resize { cols, rows }).await
    }

    /// Sends bytes; waits while the host takes none. A call that is dropped meanwhile has sent whole pieces of 32 KiB.
    pub async fn data_bytes(&self, bytes: impl Into<Bytes>) -> Result<(), ChannelError> {
        for bytes in Chunk::cut(bytes) {
            let size = u32::try_from(bytes.as_bytes().len()).unwrap_or(u32::MAX);
            let credit = self.credit.acquire_many(size).await.map_err(|_| ChannelError::Closed)?;
            self.order(Order::Data { channel: self.channel, bytes }).await?;
            credit.forget();
        }
        Ok(())
    }

    /// Says that no more bytes come, behind those that were sent.
    pub async fn eof(&self) -> Result<(), ChannelError> {
        self.ask(Request::Eof).await
    }

    /// Closes the channel.
    pub async fn close(&self) -> Result<(), ChannelError> {
        self.ask(Request::Close).await?;
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// What a channel may send at first.
pub(super) fn credit() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(CREDIT))
}

/// The signals that are sent to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sig {
    /// The terminal hung up.
    Hup,
    /// Interrupted, as by Ctrl-C.
    Int,
    /// Asked to end.
    Term,
    /// Ended.
    Kill,
}

impl Sig {
    /// Its name without SIG, as RFC 4254 and kill(1) write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hup => "HUP",
            Self::Int => "INT",
            Self::Term => "TERM",
            Self::Kill => "KILL",
        }
    }
}

//! One client's connection: handshake, frames in, operations under way.
//!
//! What a client may ask is its [`Role`]; everything else (ids, credits, input,
//! cancellation, violations) is the same for both roles and lives here.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use sallyport_protocol::envelope::{Caller, FromHelper, OpId, ToHelper};
use sallyport_protocol::flow::{CONNECTION_CREDIT, OPERATIONS, Violation, Window};
use sallyport_protocol::frame::{self, Deframer, FrameError};
use sallyport_protocol::handshake::{self, Hello};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::outbound::{CleanFrame, Outbound};
use crate::helper::Helper;

/// The time a client has for its greeting.
const GREETING: std::time::Duration = std::time::Duration::from_secs(10);

/// Clients one connection may speak for.
const CALLERS: usize = 1024;

/// What one socket's clients may ask for, and how it is answered.
pub trait Role: Send + Sync + 'static {
    /// The role a greeting must name.
    const ROLE: handshake::Role;
    /// What may be asked.
    type Request: DeserializeOwned + Send + 'static;

    /// Answers one request; returns when its last frame is queued.
    fn run(op: Operation, caller: Caller, request: Self::Request) -> impl Future<Output = ()> + Send;

    /// The client is gone: what it opened without a name ends.
    fn gone(helper: &Arc<Helper>, callers: &[Caller]);
}

/// One operation, as the code that answers it sees it.
pub struct Operation {
    /// The helper's state.
    pub helper: Arc<Helper>,
    /// Its id.
    pub id: OpId,
    /// The way out.
    pub out: Arc<Outbound>,
    /// Turns true when the client cancels or is gone.
    pub cancelled: watch::Receiver<bool>,
    /// Input as it comes; closed at its end.
    pub input: Input,
}

/// An operation's input.
pub struct Input {
    chunks: mpsc::UnboundedReceiver<Bytes>,
    op: OpId,
    out: Arc<Outbound>,
    window: Arc<std::sync::Mutex<Window>>,
    held: Arc<AtomicU64>,
}

impl Drop for Input {
    fn drop(&mut self) {
        while let Ok(chunk) = self.chunks.try_recv() {
            self.held.fetch_sub(chunk.len() as u64, Ordering::Relaxed);
        }
    }
}

impl Input {
    /// The next piece; `None` at the end. Gives the client credit for it.
    pub async fn next(&mut self) -> Option<Bytes> {
        let chunk = self.chunks.recv().await?;
        self.held.fetch_sub(chunk.len() as u64, Ordering::Relaxed);
        let due = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take(chunk.len());
        if let Some(bytes) = due {
            self.out.message(FromHelper::<(), ()>::Credit { op: self.op, bytes });
        }
        Some(chunk)
    }
}

/// What the connection keeps of an operation under way.
struct Running {
    cancel: watch::Sender<bool>,
    input: Option<mpsc::UnboundedSender<Bytes>>,
    window: Arc<std::sync::Mutex<Window>>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The client closed it.
    #[error("closed by the client")]
    Closed,
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] io::Error),
    /// The client sent what is not a frame.
    #[error("violation: {0}")]
    Frame(#[from] FrameError),
    /// The client broke the rules.
    #[error("violation: {0}")]
    Violation(#[from] Violation),
    /// No common version, or the wrong socket.
    #[error("refused: {0}")]
    Refused(String),
}

impl Ended {
    /// Whether the client did what no honest client does.
    pub fn is_violation(&self) -> bool {
        matches!(self, Ended::Frame(_) | Ended::Violation(_))
    }
}

impl Operation {
    /// What `work` comes to, unless the client cancels first or is gone.
    ///
    /// # Errors
    /// That it did.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Cancelled> {
        let mut cancelled = self.cancelled.clone();
        tokio::select! {
            biased;
            () = came_true(&mut cancelled) => Err(Cancelled),
            done = work => Ok(done),
        }
    }
}

/// An operation was cancelled before it began.
#[derive(Debug, Clone, Copy)]
pub struct Cancelled;

/// Waits until a switch is on; for ever when it never will be.
pub async fn came_true(switch: &mut watch::Receiver<bool>) {
    if switch.wait_for(|on| *on).await.is_err() {
        std::future::pending().await
    }
}

/// Serves one accepted connection to its end.
pub async fn serve<R: Role>(helper: Arc<Helper>, socket: UnixStream) -> Ended {
    let (mut read, mut write) = socket.into_split();
    let mut frames = Deframer::new();
    match tokio::time::timeout(GREETING, greet::<R>(&helper, &mut read, &mut write, &mut frames)).await {
        Err(_) => return Ended::Refused("no greeting in time".into()),
        Ok(Err(ended)) => return ended,
        Ok(Ok(())) => {}
    }
    let out = Arc::new(Outbound::new(helper.redactor.clone()));
    let mut desk = Desk::<R> {
        helper: helper.clone(),
        out: out.clone(),
        running: HashMap::new(),
        tasks: JoinSet::new(),
        last: None,
        callers: Vec::new(),
        held: Arc::default(),
    };
    let ended = tokio::select! {
        ended = desk.read(read, frames) => ended,
        failed = out.write_to(write) => match failed { Err(error) => Ended::Socket(error), Ok(()) => Ended::Closed },
    };
    for running in desk.running.values() {
        let _ = running.cancel.send(true);
    }
    out.shut();
    R::gone(&helper, &desk.callers);
    while desk.tasks.join_next().await.is_some() {}
    ended
}

async fn greet<R: Role>(
    helper: &Helper,
    read: &mut OwnedReadHalf,
    write: &mut OwnedWriteHalf,
    frames: &mut Deframer,
) -> Result<(), Ended> {
    let hello: Hello = loop {
        if let Some(body) = frames.next_body()? {
            break frame::decode(body)?;
        }
        fill(read, frames).await?;
    };
    let reply = match handshake::agree(&hello, R::ROLE) {
        Ok(version) => handshake::Reply::Welcome(helper.welcome(version)),
        Err(refused) => handshake::Reply::Refused(refused),
    };
    write.write_all(&CleanFrame::handshake(&reply)?.into_bytes()).await?;
    match reply {
        handshake::Reply::Welcome(_) => Ok(()),
        handshake::Reply::Refused(refused) => Err(Ended::Refused(refused.sentence.into_string())),
    }
}

async fn fill(read: &mut OwnedReadHalf, frames: &mut Deframer) -> Result<(), Ended> {
    match read.read_buf(frames.room()).await? {
        0 => Err(Ended::Closed),
        count => {
            frames.filled(count);
            Ok(())
        }
    }
}

/// The connection's table of operations.
struct Desk<R> {
    helper: Arc<Helper>,
    out: Arc<Outbound>,
    running: HashMap<OpId, Running>,
    tasks: JoinSet<(OpId, std::marker::PhantomData<R>)>,
    last: Option<OpId>,
    callers: Vec<Caller>,
    /// Input bytes received and not yet taken, over all operations.
    held: Arc<AtomicU64>,
}

impl<R: Role> Desk<R> {
    async fn read(&mut self, mut read: OwnedReadHalf, mut frames: Deframer) -> Ended {
        loop {
            loop {
                let message = match frames.next_body() {
                    Ok(Some(body)) => frame::decode::<ToHelper<R::Request>>(body),
                    Ok(None) => break,
                    Err(error) => return error.into(),
                };
                let taken =
                    message.map_err(Ended::from).and_then(|message| self.take(message).map_err(Ended::from));
                if let Err(ended) = taken {
                    return ended;
                }
            }
            tokio::select! {
                biased;
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Ok((op, _)) = done {
                        self.running.remove(&op);
                    }
                }
                filled = fill(&mut read, &mut frames) => {
                    if let Err(ended) = filled {
                        return ended;
                    }
                }
            }
        }
    }

    fn take(&mut self, message: ToHelper<R::Request>) -> Result<(), Violation> {
        match message {
            ToHelper::Start { op, caller, request } => self.start(op, caller, request),
            ToHelper::Data { op, bytes } => self.input(op, bytes.into_bytes()),
            ToHelper::End { op } => {
                if let Some(running) = self.running.get_mut(&op) {
                    running.input.take().ok_or(Violation::Input)?;
                }
                self.known(op)
            }
            ToHelper::Credit { op, stream, bytes } => {
                self.known(op)?;
                self.out.credit(op, stream, bytes)
            }
            ToHelper::Cancel { op } => {
                if let Some(running) = self.running.get(&op) {
                    let _ = running.cancel.send(true);
                }
                self.known(op)
            }
            ToHelper::Ping { token } => {
                self.out.message(FromHelper::<(), ()>::Pong { token });
                Ok(())
            }
        }
    }

    /// Frames for an operation that is over may still be under way; frames for
    /// one that never was are a violation.
    fn known(&self, op: OpId) -> Result<(), Violation> {
        if self.last.is_some_and(|last| op <= last) { Ok(()) } else { Err(Violation::StaleId) }
    }

    fn start(&mut self, op: OpId, caller: Caller, request: R::Request) -> Result<(), Violation> {
        if self.last.is_some_and(|last| op <= last) {
            return Err(Violation::StaleId);
        }
        if self.running.len() >= OPERATIONS as usize {
            return Err(Violation::Operations);
        }
        self.last = Some(op);
        if !self.callers.contains(&caller) {
            if self.callers.len() >= CALLERS {
                return Err(Violation::Operations);
            }
            self.callers.push(caller.clone());
        }
        let (cancel, cancelled) = watch::channel(false);
        let (sender, chunks) = mpsc::unbounded_channel();
        let window = Arc::new(std::sync::Mutex::new(Window::new()));
        self.running.insert(op, Running { cancel, input: Some(sender), window: window.clone() });
        self.out.open(op);
        let input = Input { chunks, op, out: self.out.clone(), window, held: self.held.clone() };
        let operation =
            Operation { helper: self.helper.clone(), id: op, out: self.out.clone(), cancelled, input };
        self.tasks.spawn(async move {
            R::run(operation, caller, request).await;
            (op, std::marker::PhantomData)
        });
        Ok(())
    }

    fn input(&mut self, op: OpId, bytes: Bytes) -> Result<(), Violation> {
        self.known(op)?;
        let Some(running) = self.running.get(&op) else { return Ok(()) };
        running.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner).receive(bytes.len())?;
        let sender = running.input.as_ref().ok_or(Violation::Input)?;
        let size = bytes.len() as u64;
        if self.held.fetch_add(size, Ordering::Relaxed) + size > u64::from(CONNECTION_CREDIT) {
            return Err(Violation::Overdraft);
        }
        // A closed receiver means the operation ended meanwhile; its input is dropped.
        if sender.send(bytes).is_err() {
            self.held.fetch_sub(size, Ordering::Relaxed);
        }
        Ok(())
    }
}

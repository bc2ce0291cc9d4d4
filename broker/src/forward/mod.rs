//! This end of port forwards: the sockets, and the connections accepted on them.
//!
//! This part may listen on loopback and on Unix sockets below the transfer roots, and connect to loopback; it must never
//! listen on another address, connect anywhere else, or decide where a forward leads: the helper does, by the host's entry.
//!
//! A forward is an operation of the helper that lasts as long as the forward. Whichever side lets go of it first,
//! the listening socket and every connection through it go too; when this process ends, all do.

mod carry;
mod doorstep;
mod listener;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sallyport_protocol::forward::{Ask, Direction, Event, Open};
use sallyport_protocol::reply::{self, Outcome};
use sallyport_protocol::request::Request;
use sallyport_protocol::text::{ForwardId, Word};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use self::carry::Here;
pub use self::doorstep::Doorsteps;
pub use self::listener::Listener;
use crate::link::{Broker, Item, Link, Operation};

/// Whether a host name means this machine's loopback: the only place a remote forward leads to.
pub fn leads_here(host: &str) -> bool {
    Here::is_loopback(host)
}

/// The forwards this client has open.
#[derive(Debug, Default)]
pub struct Forwards {
    open: Mutex<HashMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    task: AbortHandle,
    /// Told when it is over.
    over: Option<oneshot::Receiver<()>>,
}

impl Drop for Forwards {
    fn drop(&mut self) {
        for running in self.open().values() {
            running.task.abort();
        }
    }
}

/// An open forward.
#[derive(Debug)]
pub struct Opened {
    /// Its id.
    pub id: String,
    /// The host, as `user@alias`.
    pub target: String,
    /// Where it listens.
    pub address: String,
    /// The port it listens on; none for a Unix socket.
    pub port: Option<u16>,
}

/// What came of asking for one.
#[derive(Debug)]
pub enum Attempt {
    /// It is open.
    Opened(Opened),
    /// The helper's answer is another one.
    Refused(Box<Outcome>),
}

impl Forwards {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a forward. `listener` is the socket of a local one.
    ///
    /// # Errors
    /// As the helper says.
    pub async fn start(
        self: &Arc<Self>,
        link: &Link<Broker>,
        mut request: Open,
        listener: Option<Listener>,
    ) -> Result<Attempt, Failure> {
        let dest = Here { host: request.dest_host.as_str().to_owned(), port: request.dest_port };
        let (address, port) = match &listener {
            Some(listener) => (listener.address(), listener.port()),
            None => (format!("localhost:{}", request.listen_port), Some(request.listen_port)),
        };
        debug_assert_eq!(listener.is_some(), request.direction == Direction::Local);
        // A path too long to be shown is not shown.
        request.listening = listener.as_ref().and_then(|listener| Word::new(listener.address()).ok());
        let mut operation = link.start(Request::Forward(Ask::Open(request))).await?;
        let (id, target) = loop {
            match operation.next().await? {
                Item::Event(reply::Event::Forward(Event::Opened { forward, target })) => {
                    break (forward.into_string(), target.into_string());
                }
                Item::Done(Outcome::Failed(failure)) => return Err(failure),
                Item::Done(outcome) => return Ok(Attempt::Refused(Box::new(outcome))),
                Item::Event(_) | Item::Data(..) => {}
            }
        };
        let forward = ForwardId::new(id.as_str())
            .map_err(|error| Failure::new(ErrorCode::InternalError, error.to_string(), ""))?;
        let (tell, over) = oneshot::channel();
        let (forwards, link) = (Arc::downgrade(self), link.clone());
        let name = id.clone();
        let task = tokio::spawn(async move {
            keep(operation, link, forward, listener, dest).await;
            if let Some(forwards) = forwards.upgrade() {
                forwards.open().remove(&name);
            }
            let _ = tell.send(());
        });
        let running = Running { task: task.abort_handle(), over: Some(over) };
        self.open().insert(id.clone(), running);
        if task.is_finished() {
            self.open().remove(&id);
        }
        Ok(Attempt::Opened(Opened { id, target, address, port }))
    }

    /// Closes a forward of this principal, whichever client opened it. One of ours is gone when this returns,
    /// its port free again.
    ///
    /// # Errors
    /// `forward_not_found`.
    pub async fn close(&self, link: &Link<Broker>, id: ForwardId) -> Result<u64, Failure> {
        let over = self.open().get_mut(id.as_str()).and_then(|running| running.over.take());
        let mut operation = link.start(Request::Forward(Ask::Close { forward: id })).await?;
        loop {
            match operation.next().await? {
                Item::Done(Outcome::Forward(sallyport_protocol::forward::Outcome::Closed {
                    bytes, ..
                })) => {
                    if let Some(over) = over {
                        let _ = over.await;
                    }
                    return Ok(bytes);
                }
                Item::Done(Outcome::Failed(failure)) => return Err(failure),
                Item::Done(_) => return Err(crate::mcp::misplaced("ssh_forward")),
                Item::Event(_) | Item::Data(..) => {}
            }
        }
    }
}

/// Keeps a forward until the helper says that it is over, or is gone itself.
async fn keep(
    mut operation: Operation<Broker>,
    link: Link<Broker>,
    forward: ForwardId,
    listener: Option<Listener>,
    dest: Here,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            item = operation.next() => match item {
                Ok(Item::Event(reply::Event::Forward(Event::Incoming { connection }))) => {
                    let ask = Ask::Take { forward: forward.clone(), connection };
                    connections.spawn(carry::outwards(link.clone(), ask, dest.clone()));
                }
                Ok(Item::Event(_) | Item::Data(..)) => {}
                Ok(Item::Done(outcome)) => {
                    tracing::debug!(%forward, ?outcome, "a forward is over");
                    return;
                }
                Err(failure) => {
                    tracing::debug!(%forward, reason = %failure.message, "a forward is lost");
                    return;
                }
            },
            socket = listener::accept(&listener) => {
                let ask = Ask::Connect { forward: forward.clone() };
                connections.spawn(carry::inwards(link.clone(), ask, socket));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

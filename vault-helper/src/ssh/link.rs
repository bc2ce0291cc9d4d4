//! The helper's end of one connection: orders to its carrier, and what comes back, each to whom it concerns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use russh::keys::PublicKey;
use sallyport_protocol::Failure;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::channel::{Channel, ChannelError, ChannelMsg, credit};
use super::incoming::Incoming;
use super::judge::Judge;
use super::process::{Carrier, Server};
use crate::afterwards::afterwards;
use crate::carrier::language::{
    Ask, CREDIT, Destination, Frames, Order, Refusal, Report, Request, Saying, write_all,
};

/// Orders that wait to be written.
const ORDERS: usize = 32;
/// Reports of a login that wait for it; it takes one at a time.
const LOGIN: usize = 4;
/// Messages of one channel that wait to be read.
const MESSAGES: usize = 32;
/// Orders of our own that wait for a place in the queue: a key, the channels a host opens, those that come too late.
const LATE: usize = 64;
/// How long a carrier has to say goodbye to the server.
const GOODBYE: Duration = Duration::from_secs(1);
/// Why a connection ends whose carrier went away without a word.
const GONE: &str = "the process that spoke to the host is gone";

/// One connection.
pub struct Link {
    orders: mpsc::Sender<Order>,
    desk: Arc<Desk>,
    tasks: [AbortHandle; 2],
    /// Ends with the last of its connections.
    _carrier: Option<Arc<Carrier>>,
}

/// Reports of a login, as they come.
pub type LoginReports = mpsc::Receiver<Report>;

/// What a connection says of itself as it goes.
struct Desk {
    orders: mpsc::WeakSender<Order>,
    late: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    incoming: Incoming,
    closed: watch::Sender<Option<String>>,
    announced: watch::Sender<Vec<PublicKey>>,
    judge: Judge,
}

/// Whoever asked for something; for a channel, where they did.
type Answer = oneshot::Sender<Result<Option<Channel>, ChannelError>>;

/// A carrier makes work and takes no orders.
struct TooMany;

#[derive(Default)]
struct Waiting {
    channels: HashMap<u32, Inbox>,
    asks: HashMap<Ask, Answer>,
    last: Ask,
}

struct Inbox {
    said: mpsc::Sender<ChannelMsg>,
    credit: Arc<Semaphore>,
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // Whoever waits for credit waits for nothing.
        self.credit.close();
    }
}

impl Link {
    /// Hands a connection to a carrier. The judge is asked about the host's key.
    ///
    /// # Errors
    /// When the carrier is gone.
    pub async fn open(
        carrier: Arc<Carrier>,
        server: Server,
        judge: Judge,
    ) -> Result<(Self, LoginReports), Failure> {
        let pipes = carrier.hand_over(server).await?;
        Ok(Self::over(pipes, judge, Some(carrier)))
    }

    fn over(
        (write, read): (Sender, Receiver),
        judge: Judge,
        carrier: Option<Arc<Carrier>>,
    ) -> (Self, LoginReports) {
        let (orders, queue) = mpsc::channel(ORDERS);
        let (login, reports) = mpsc::channel(LOGIN);
        let desk = Arc::new(Desk {
            orders: orders.downgrade(),
            late: Arc::new(Semaphore::new(LATE)),
            waiting: Mutex::default(),
            incoming: Incoming::default(),
            closed: watch::Sender::new(None),
            announced: watch::Sender::new(Vec::new()),
            judge,
        });
        let writing = tokio::spawn(write_all(write, queue));
        let reading = tokio::spawn(desk.clone().read_all(read, login));
        let tasks = [writing.abort_handle(), reading.abort_handle()];
        (Self { orders, desk, tasks, _carrier: carrier }, reports)
    }

    /// Gives an order.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn order(&self, order: Order) -> Result<(), ChannelError> {
        self.orders.send(order).await.map_err(|_| ChannelError::Closed)
    }

    /// Why the connection is gone, when it is.
    pub fn closed(&self) -> Option<String> {
        self.desk.closed.borrow().clone()
    }

    /// Waits until the connection is gone.
    pub async fn lost(&self) {
        // The sender lives as long as this does.
        let _ = self.desk.closed.subscribe().wait_for(Option::is_some).await;
    }

    /// The host keys the server says it has.
    pub fn announced(&self) -> watch::Receiver<Vec<PublicKey>> {
        self.desk.announced.subscribe()
    }

    /// Ports the host was asked to listen on.
    pub fn incoming(&self) -> &Incoming {
        &self.desk.incoming
    }

    /// Opens a channel.
    ///
    /// # Errors
    /// When the host refuses, or the connection is gone.
    pub async fn channel(&self, to: Destination) -> Result<Channel, ChannelError> {
        let opened = self.ask(|ask| Order::Open { ask, to }).await?;
        opened.ok_or_else(|| ChannelError::Failed("the carrier answered something else".into()))
    }

    /// Has something done.
    ///
    /// # Errors
    /// When the host refuses, or the connection is gone.
    pub async fn done(&self, order: impl FnOnce(Ask) -> Order) -> Result<(), ChannelError> {
        self.ask(order).await.map(|_| ())
    }

    async fn ask(&self, order: impl FnOnce(Ask) -> Order) -> Result<Option<Channel>, ChannelError> {
        let (sender, answer) = oneshot::channel();
        let asked = {
            let mut waiting = self.desk.waiting();
            waiting.last = waiting.last.wrapping_add(1);
            let ask = waiting.last;
            waiting.asks.insert(ask, sender);
            Asked { desk: &self.desk, ask }
        };
        // After the insertion, so that the end of the connection meets one of the two.
        if self.closed().is_some() {
            return Err(ChannelError::Closed);
        }
        self.order(order(asked.ask)).await?;
        answer.await.unwrap_or(Err(ChannelError::Closed))
    }

    /// Ends the connection, whatever its carrier and the server make of that: they have a moment for a goodbye.
    pub fn end(&self, why: &str) {
        let _ = self.orders.try_send(Order::Disconnect);
        self.desk.end(why.to_owned());
        let tasks = self.tasks.clone();
        afterwards(async move {
            tokio::time::sleep(GOODBYE).await;
            tasks.iter().for_each(AbortHandle::abort);
        });
    }
}

/// A question, as long as somebody waits for its answer.
struct Asked<'a> {
    desk: &'a Desk,
    ask: Ask,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.desk.waiting().asks.remove(&self.ask);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The carrier sees that its orders are over, and says goodbye to the server.
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Desk {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_all(self: Arc<Self>, read: Receiver, login: mpsc::Sender<Report>) {
        let mut frames = Frames::new(read);
        let why = loop {
            match frames.next().await {
                Ok(Some(Report::Closed(why))) => break why,
                Ok(Some(report)) => {
                    if self.take(report, &login).await.is_err() {
                        break nonsense("it reports and takes no orders");
                    }
                }
                Ok(None) => break GONE.to_owned(),
                Err(error) => break nonsense(&error.to_string()),
            }
        };
        self.end(why);
    }

    /// It is over, for the reason that is known first.
    fn end(&self, why: String) {
        self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            closed.get_or_insert(why);
            first
        });
        // Channels and questions end as they are dropped.
        let gone = std::mem::take(&mut *self.waiting());
        drop(gone);
    }

    /// Gives a report to whom it concerns. One that concerns nobody any more is dropped.
    async fn take(&self, report: Report, login: &mpsc::Sender<Report>) -> Result<(), TooMany> {
        match report {
            Report::HostKey { key, certificate } => {
                self.order(Order::Accept(self.judge.accepts(&key, certificate)))?;
            }
            Report::Opened { ask, channel } => self.opened(ask, channel)?,
            Report::Done { ask, refused } => {
                let Some(asked) = self.asked(ask) else { return Ok(()) };
                // Whoever asked may have gone.
                let _ = asked.send(match refused {
                    None => Ok(None),
                    Some(Refusal::Channel(reason)) => Err(ChannelError::Refused(reason)),
                    Some(Refusal::Other(why)) => Err(ChannelError::Failed(why)),
                });
            }
            Report::Arrived { channel, port } => {
                let place = self.incoming.place(port);
                let arrived = place.and_then(|place| Some((place, self.add(channel)?)));
                self.order(Order::Arrival { channel, wanted: arrived.is_some() })?;
                // Only now can anything be sent on it.
                if let Some((place, channel)) = arrived {
                    place.send(channel);
                }
            }
            Report::Announced(keys) => {
                let keys = keys.iter().filter_map(|key| PublicKey::from_bytes(key).ok()).collect();
                self.announced.send_replace(keys);
            }
            Report::Data { channel, errors, bytes } => {
                let data = bytes.into_bytes();
                let message = if errors { ChannelMsg::Errors { data } } else { ChannelMsg::Data { data } };
                self.say(channel, message).await;
            }
            Report::Said { channel, saying } => {
                let over = saying == Saying::Close;
                self.say(channel, said(saying)).await;
                if over {
                    self.remove(channel);
                }
            }
            Report::Took { channel, bytes } => {
                if let Some(inbox) = self.waiting().channels.get(&channel) {
                    let room = CREDIT.saturating_sub(inbox.credit.available_permits());
                    inbox.credit.add_permits(room.min(bytes as usize));
                }
            }
            // Nobody logs in any more when there is no receiver.
            other => drop(login.send(other).await),
        }
        Ok(())
    }

    /// Never waits: a carrier that takes no orders must not keep its reports from being read. Nor is it answered for ever.
    fn order(&self, order: Order) -> Result<(), TooMany> {
        let Some(orders) = self.orders.upgrade() else { return Ok(()) };
        let order = match orders.try_send(order) {
            Err(TrySendError::Full(order)) => order,
            Ok(()) | Err(TrySendError::Closed(_)) => return Ok(()),
        };
        let place = self.late.clone().try_acquire_owned().map_err(|_| TooMany)?;
        tokio::spawn(async move {
            // Gone with the connection.
            let _ = orders.send(order).await;
            drop(place);
        });
        Ok(())
    }

    /// Takes up a channel; not a second time under one number.
    fn add(&self, channel: u32) -> Option<Channel> {
        let orders = self.orders.upgrade()?;
        let (said, inbox) = mpsc::channel(MESSAGES);
        let credit = credit();
        let mut waiting = self.waiting();
        if waiting.channels.contains_key(&channel) {
            return None;
        }
        waiting.channels.insert(channel, Inbox { said, credit: credit.clone() });
        Some(Channel::new(channel, orders, credit, inbox))
    }

    fn remove(&self, channel: u32) {
        drop(self.waiting().channels.remove(&channel));
    }

    fn asked(&self, ask: Ask) -> Option<Answer> {
        self.waiting().asks.remove(&ask)
    }

    /// Gives a channel to whoever asked for it; one that nobody waits for any more is closed.
    fn opened(&self, ask: Ask, channel: u32) -> Result<(), TooMany> {
        let wanted = self.asked(ask).filter(|asked| !asked.is_closed());
        let Some((asked, opened)) = wanted.and_then(|asked| Some((asked, self.add(channel)?))) else {
            return self.order(Order::Request { channel, request: Request::Close });
        };
        // One that is not taken after all is closed as it is dropped.
        let _ = asked.send(Ok(Some(opened)));
        Ok(())
    }

    async fn say(&self, channel: u32, message: ChannelMsg) {
        let said = self.waiting().channels.get(&channel).map(|inbox| inbox.said.clone());
        if let Some(said) = said {
            // A channel that nobody reads any more may say what it likes.
            let _ = said.send(message).await;
        }
    }
}

fn said(saying: Saying) -> ChannelMsg {
    match saying {
        Saying::Success => ChannelMsg::Success,
        Saying::Failure => ChannelMsg::Failure,
        Saying::Eof => ChannelMsg::Eof,
        Saying::Close => ChannelMsg::Close,
        Saying::ExitStatus(exit_status) => ChannelMsg::ExitStatus { exit_status },
        Saying::ExitSignal(signal_name) => ChannelMsg::ExitSignal { signal_name },
    }
}

fn nonsense(why: &str) -> String {
    format!("the process that spoke to the host made no sense ({why})")
}

#[cfg(test)]
mod tests;

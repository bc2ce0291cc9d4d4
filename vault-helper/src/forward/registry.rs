//! The open forwards.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sallyport_protocol::envelope::Caller;
use sallyport_protocol::forward::{Direction, Open};
use sallyport_protocol::reply::ActiveEntry;
use sallyport_protocol::request::ActiveKind;
use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::watch;

use crate::guard::target::Target;
use crate::helper::Helper;
use crate::ssh::channel::Channel;
use crate::ssh::pool::Traffic;
use crate::ssh::transport::Lease;

/// Forwards one principal may have open.
const FORWARDS: usize = 64;
/// Connections through one forward at once.
const CONNECTIONS: usize = 64;

/// One open forward.
pub struct Forward {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub owner: Caller,
    /// The host it goes through.
    pub target: Target,
    /// Which way, where from, where to.
    pub request: Open,
    /// When it was opened.
    pub since: Instant,
    most_bytes: u64,
    bytes: AtomicU64,
    connections: AtomicUsize,
    cuts: AtomicU64,
    active: Mutex<Instant>,
    note: Mutex<String>,
    closing: watch::Sender<Option<String>>,
    /// The transport at hand; none while it is lost.
    lease: tokio::sync::Mutex<Option<Arc<Lease>>>,
    /// Connections accepted on the remote that the client has yet to take.
    parked: Mutex<HashMap<u64, (Channel, Passenger)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Forward {
    /// A forward that is about to open over `lease`; `most_bytes` is how much it may carry.
    pub fn new(
        id: String,
        owner: Caller,
        target: Target,
        request: Open,
        lease: Lease,
        most_bytes: u64,
    ) -> Self {
        Self {
            id,
            owner,
            target,
            request,
            since: Instant::now(),
            most_bytes,
            bytes: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            cuts: AtomicU64::new(0),
            active: Mutex::new(Instant::now()),
            note: Mutex::default(),
            closing: watch::channel(None).0,
            lease: tokio::sync::Mutex::new(Some(Arc::new(lease))),
            parked: Mutex::default(),
        }
    }

    /// What it is, in the words people, rules and the log see.
    pub fn words(request: &Open) -> String {
        let Open { direction, listen_port, dest_host, dest_port, .. } = request;
        let dest = match dest_host.as_str() {
            v6 if v6.contains(':') => format!("[{v6}]:{dest_port}"),
            name => format!("{name}:{dest_port}"),
        };
        match (direction, listen_port) {
            (Direction::Local, 0) => format!("forward local -> {dest}"),
            (Direction::Local, port) => format!("forward local 127.0.0.1:{port} -> {dest}"),
            (Direction::Remote, port) => format!("forward remote localhost:{port} -> {dest} here"),
        }
    }

    /// A transport to its host: the one at hand, or a new one when that is gone.
    ///
    /// # Errors
    /// When no login succeeds.
    pub async fn lease(&self, helper: &Arc<Helper>) -> Result<Arc<Lease>, Failure> {
        let mut held = self.lease.lock().await;
        if let Some(lease) = held.as_ref().filter(|lease| lease.transport().closed().is_none()) {
            return Ok(lease.clone());
        }
        *held = None;
        let principal = self.owner.principal.as_str();
        let lease = helper.pool.lease_for(helper, principal, &self.target, Traffic::Tunnels).await?;
        let lease = Arc::new(lease);
        *held = Some(lease.clone());
        Ok(lease)
    }

    /// Takes a connection on, if there is room for it.
    ///
    /// # Errors
    /// `quota_exceeded`.
    pub fn board(self: &Arc<Self>) -> Result<Passenger, Failure> {
        let room = |count| (count < CONNECTIONS).then_some(count + 1);
        if self.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return Err(Failure::new(
                ErrorCode::QuotaExceeded,
                format!("forward {} carries {CONNECTIONS} connections already", self.id),
                "close some of them, or open another forward",
            ));
        }
        self.touch();
        Ok(Passenger(self.clone()))
    }

    /// Keeps a connection from the remote until the client takes it; false when there are too many.
    pub fn park(self: &Arc<Self>, number: u64, channel: Channel) -> bool {
        match self.board() {
            Ok(passenger) => lock(&self.parked).insert(number, (channel, passenger)).is_none(),
            Err(_) => false,
        }
    }

    /// Takes a kept connection.
    pub fn unpark(&self, number: u64) -> Option<(Channel, Passenger)> {
        lock(&self.parked).remove(&number)
    }

    /// Counts bytes carried; closes the forward when they are too many.
    pub fn count(&self, bytes: usize) {
        self.touch();
        let bytes = bytes as u64;
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.most_bytes {
            self.close(format!("it carried more than forward_max_bytes = {}", self.most_bytes));
        }
    }

    /// Bytes carried so far, both ways.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Connections cut because they carried a secret.
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }

    /// Counts a connection that was cut.
    pub fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes what last went wrong; empty when all is well again.
    pub fn note(&self, note: impl Into<String>) {
        *lock(&self.note) = note.into();
    }

    fn touch(&self) {
        *lock(&self.active) = Instant::now();
    }

    /// How long nothing has gone through it.
    pub fn idle(&self) -> Duration {
        lock(&self.active).elapsed()
    }

    /// Closes it, with the reason. The first reason stays.
    pub fn close(&self, why: impl Into<String>) {
        let why = why.into();
        self.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            if first {
                *closing = Some(why);
            }
            first
        });
    }

    /// Waits until it is to close; says why.
    pub async fn closed(&self) -> String {
        let mut closing = self.closing.subscribe();
        match closing.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The sender is ours and lives as long as we do.
            Err(_) => String::new(),
        }
    }

    /// What a listing says of it.
    pub fn entry(&self) -> ActiveEntry {
        let mut detail = Self::words(&self.request).trim_start_matches("forward ").to_owned();
        if let Some(listening) = &self.request.listening {
            detail = format!("{listening}, {detail}");
        }
        let connections = self.connections.load(Ordering::Relaxed);
        detail.push_str(&format!(", {connections} connections, {} bytes", self.bytes()));
        if self.cuts() > 0 {
            detail.push_str(&format!(", {} cut because they carried a vault secret", self.cuts()));
        }
        let note = lock(&self.note);
        if !note.is_empty() {
            detail.push_str(&format!(", {note}"));
        }
        ActiveEntry {
            kind: ActiveKind::Forward,
            id: self.id.as_str().into(),
            target: self.target.label().into(),
            uptime_s: self.since.elapsed().as_secs(),
            idle_s: self.idle().as_secs(),
            detail: detail.into(),
        }
    }
}

/// A connection's place in a forward, given back when dropped.
pub struct Passenger(Arc<Forward>);

impl Drop for Passenger {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        self.0.touch();
    }
}

/// All open forwards, by id.
#[derive(Default)]
pub struct Forwards {
    open: Mutex<HashMap<String, Arc<Forward>>>,
}

impl Forwards {
    /// Adds one.
    ///
    /// # Errors
    /// `quota_exceeded` when its owner has too many.
    pub fn add(&self, forward: Arc<Forward>) -> Result<(), Failure> {
        let mut open = lock(&self.open);
        if open.values().filter(|f| f.owner.principal == forward.owner.principal).count() >= FORWARDS {
            return Err(Failure::new(
                ErrorCode::QuotaExceeded,
                "too many forwards are open",
                "close some with ssh_forward action=close; ssh_list_active shows them",
            ));
        }
        open.insert(forward.id.clone(), forward);
        Ok(())
    }

    /// Takes one out.
    pub fn remove(&self, id: &str) {
        lock(&self.open).remove(id);
    }

    /// A principal's forward.
    ///
    /// # Errors
    /// `forward_not_found`.
    pub fn find(&self, principal: &str, id: &str) -> Result<Arc<Forward>, Failure> {
        let open = lock(&self.open);
        open.get(id).filter(|forward| forward.owner.principal.as_str() == principal).cloned().ok_or_else(
            || {
                Failure::new(
                    ErrorCode::ForwardNotFound,
                    format!("there is no forward {id}"),
                    "it may be closed already; ssh_list_active shows the open ones",
                )
            },
        )
    }

    /// A principal's forwards.
    pub fn of(&self, principal: &str) -> Vec<Arc<Forward>> {
        lock(&self.open).values().filter(|f| f.owner.principal.as_str() == principal).cloned().collect()
    }

    /// Closes every one.
    pub fn close_all(&self, why: &str) {
        for forward in lock(&self.open).values() {
            forward.close(why);
        }
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        lock(&self.open).is_empty()
    }
}
